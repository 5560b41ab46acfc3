#![allow(clippy::unwrap_used)]

use super::*;

const STATE: &[u8] = b"{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.0\",\n  \"serial\": 9,\n  \
    \"lineage\": \"a\",\n  \"outputs\": {},\n  \"resources\": [\n    {\n      \"serial\": 3,\n      \
    \"mode\": \"managed\", \"type\": \"t\", \"name\": \"n\", \"instances\": [{\"index_key\": \"k\"}, \
    {\"index_key\": 0, \"attributes\": {\"big\": 123456789012345678901234567890}}]\n    }\n  ]\n}\n";

#[test]
fn only_the_number_changes() {
    let done = renumbered(STATE, 10).unwrap();
    let expected = String::from_utf8_lossy(STATE).replacen("\"serial\": 9", "\"serial\": 10", 1);
    assert_eq!(String::from_utf8(done).unwrap(), expected);
    for odd in [
        &b"{\"version\": 4, \"serial\": 9, \"lineage\": \"a\"}"[..],
        b"{\n  \"version\": 3,\n  \"serial\": 9,\n  \"lineage\": \"a\"\n}",
        b"nonsense",
    ] {
        assert!(renumbered(odd, 10).is_err());
    }
}

#[test]
fn what_a_state_holds() {
    let head = head(STATE).unwrap();
    assert_eq!((head.lineage.as_str(), head.serial), ("a", 9));
    assert_eq!(addresses(&head.held), ["t.n[\"k\"]", "t.n[0]"]);
}
