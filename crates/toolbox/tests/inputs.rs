//! What commands read besides their arguments, and the digest of it that a person approves.
#![allow(clippy::unwrap_used, missing_docs)]

use guard_core::context::{Consult, Context};
use guard_core::inputs::digest;
use guard_core::invocation::words;
use guard_core::name::ToolName;
use guard_core::tool::Origin;
use guard_toolbox::TOOLBOX;

fn sources(line: &str) -> Vec<Origin> {
    let (name, arguments) = line.split_once(' ').unwrap();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let tool = TOOLBOX.known(name.as_ref()).unwrap();
    let context = Context::nothing(TOOLBOX.nested);
    TOOLBOX.inputs(&TOOLBOX.read(&tool, &words(&arguments), &context))
}

#[test]
fn what_commands_read() {
    let file = |name: &str| Origin::File(name.into());
    for (line, expected) in [
        ("rm -rf a", vec![]),
        ("git push -f", vec![]),
        ("git update-ref --stdin", vec![Origin::Input]),
        ("git checkout --pathspec-from-file=list", vec![file("list")]),
        (
            "git checkout --pathspec-from-file - --",
            vec![Origin::Input],
        ),
        ("git apply -R a.patch", vec![file("a.patch")]),
        ("git apply", vec![Origin::Input]),
        (
            "kubectl delete -f a.yaml,b.yaml -f -",
            vec![file("a.yaml"), file("b.yaml"), Origin::Input],
        ),
        ("kubectl delete -k overlays/dev", vec![file("overlays/dev")]),
        ("kubectl delete -f https://example.com/a.yaml", vec![]),
        (
            "terraform apply -var-file=p.tfvars plan.out",
            vec![file("p.tfvars"), file("plan.out")],
        ),
        ("psql -f a.sql", vec![file("a.sql")]),
        ("psql -f - app", vec![Origin::Input]),
        ("psql app", vec![Origin::Input]),
        ("psql -c x", vec![]),
        (
            "aws ec2 terminate-instances --cli-input-json file://i.json",
            vec![file("i.json")],
        ),
    ] {
        assert_eq!(sources(line), expected, "{line}");
    }
}

#[test]
fn the_digest_is_that_of_the_contents() {
    let directory = tempfile::tempdir().unwrap();
    let context = Context::new(
        TOOLBOX.nested,
        Some(directory.path().to_owned()),
        Consult::Tools,
    );
    let of = || {
        let words = words(&["delete", "-f", "dir"]);
        let invocation = TOOLBOX.read(&ToolName::known("kubectl"), &words, &context);
        digest(&TOOLBOX, &invocation, &context).unwrap().unwrap()
    };
    let mut seen = vec![of()];
    std::fs::create_dir(directory.path().join("dir")).unwrap();
    seen.push(of());
    for (name, text) in [("a", "1"), ("a", "2"), ("b", ""), ("b", "1")] {
        std::fs::write(directory.path().join("dir").join(name), text).unwrap();
        assert_eq!(of(), of());
        seen.push(of());
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}
