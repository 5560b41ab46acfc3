//! Which words of a command line are the verb, as cobra finds them.

use std::borrow::Cow;
use std::ffi::OsString;

use super::verbs::VERBS;
use guard_core::grammar::options::{Grammar, PFLAG};
use guard_core::grammar::scope::probe;
use guard_core::invocation::Word;

/// `kubectl options`, with `--help`, which every verb has.
pub(super) const GLOBALS: &str = "as= as-group= as-uid= as-user-extra= cache-dir= certificate-authority= \
     client-certificate= client-key= cluster= context= disable-compression h|help \
     insecure-skip-tls-verify kubeconfig= kuberc= log-flush-frequency= match-server-version \
     n|namespace= password= profile= profile-output= request-timeout= s|server= \
     tls-server-name= token= user= username= v|v= vmodule= warnings-as-errors";

/// Other names of verbs, as `kubectl VERB --help` lists them: parent, alias, name.
const ALIASES: [(&str, &str, &str); 17] = [
    ("", "clusterinfo", "cluster-info"),
    ("config", "use", "use-context"),
    ("create", "cm", "configmap"),
    ("create", "cj", "cronjob"),
    ("create", "deploy", "deployment"),
    ("create", "ing", "ingress"),
    ("create", "ns", "namespace"),
    ("create", "pdb", "poddisruptionbudget"),
    ("create", "pc", "priorityclass"),
    ("create", "resourcequota", "quota"),
    ("create", "sa", "serviceaccount"),
    ("create", "svc", "service"),
    ("set", "sa", "serviceaccount"),
    ("top", "nodes", "node"),
    ("top", "no", "node"),
    ("top", "pods", "pod"),
    ("top", "po", "pod"),
];

/// The words of a verb with blanks between them.
fn path<'v>(verb: &'v [Cow<'static, str>]) -> Cow<'v, str> {
    match verb {
        [] => Cow::Borrowed(""),
        [word] => Cow::Borrowed(word),
        words => Cow::Owned(words.join(" ")),
    }
}

/// A verb's own options.
pub(super) fn options(verb: &[Cow<'static, str>]) -> &'static str {
    let path = path(verb);
    VERBS
        .binary_search_by(|(known, _)| (*known).cmp(&*path))
        .ok()
        .and_then(|at| VERBS.get(at))
        .map_or("", |(_, options)| options)
}

/// The name of a verb below `parent`, when kubectl has it.
fn verb_below(parent: &[Cow<'static, str>], word: &str) -> Option<&'static str> {
    let above = path(parent);
    let word = ALIASES
        .iter()
        .find(|(parent, alias, _)| *alias == word && *parent == above)
        .map_or(word, |(_, _, name)| name);
    let start = if above.is_empty() { 0 } else { above.len() + 1 };
    let path = if above.is_empty() {
        Cow::Borrowed(word)
    } else {
        Cow::Owned([&above, " ", word].concat())
    };
    // The verb itself stands before all verbs below it.
    let at = VERBS.partition_point(|(known, _)| *known < &*path);
    let (known, _) = VERBS.get(at)?;
    let rest = known.strip_prefix(&*path)?;
    if rest.is_empty() || rest.starts_with(' ') {
        known.get(start..path.len())
    } else {
        None
    }
}

/// The verb, and what is left when its words are taken out.
pub(super) struct FoundVerb {
    pub(super) verb: Vec<Cow<'static, str>>,
    pub(super) known: bool,
    pub(super) doubt: Option<String>,
    /// Indexes of the words that are not part of the verb.
    pub(super) rest: Vec<usize>,
    /// The index after the verb's last word.
    end: usize,
}

impl FoundVerb {
    /// What the verb receives: everything after it, and of what stands before it all but the
    /// global options.
    pub(super) fn arguments(&self, words: &[Word]) -> Vec<OsString> {
        let globals = Grammar {
            options: "",
            inherited: GLOBALS,
            style: PFLAG,
        };
        let mut kept = Vec::new();
        let mut rest = self.rest.iter().peekable();
        while let Some(at) = rest.next() {
            let Some(word) = words.get(*at) else { continue };
            if *at < self.end
                && let Some((flags, takes_next)) = probe(&globals, word)
                && flags.iter().all(|flag| flag.familiar)
            {
                if takes_next {
                    rest.next();
                }
                continue;
            }
            kept.push(word.text.clone());
        }
        kept
    }
}

/// Walks down the commands as cobra's `Find` does: at each level the first word that is neither an
/// option nor an option's value, where an option that the level does not know counts as one with a
/// value (`kubectl --all pods delete` is `delete --all pods`).
pub(super) fn find_verb(words: &[Word]) -> FoundVerb {
    let mut found = FoundVerb {
        verb: Vec::new(),
        known: true,
        doubt: None,
        rest: (0..words.len()).collect(),
        end: 0,
    };
    loop {
        let (at, name) = match next_verb(words, &found) {
            NextWord::Verb(at, name) => (at, name),
            NextWord::Unknown(at) if found.verb.is_empty() => {
                take_unknown(words, &mut found, at);
                return found;
            }
            NextWord::Unknown(_) | NextWord::Nothing => return found,
        };
        found.verb.push(Cow::Borrowed(name));
        let index = found.rest.remove(at);
        found.end = found.end.max(index + 1);
    }
}

fn take_unknown(words: &[Word], found: &mut FoundVerb, at: usize) {
    let index = found.rest.remove(at);
    found.end = index + 1;
    found.known = false;
    let Some(word) = words.get(index) else { return };
    found.doubt = Some(format!(
        "kubectl has no verb {}: it may be a plugin or an alias",
        guard_ground::sanitize::os(&word.text)
    ));
    let text = word.text.to_string_lossy().into_owned();
    found.verb.push(Cow::Owned(text));
}

enum NextWord {
    Verb(usize, &'static str),
    Unknown(usize),
    Nothing,
}

/// The next word of the verb, as an index into `found.rest`.
fn next_verb(words: &[Word], found: &FoundVerb) -> NextWord {
    let level = Grammar {
        options: options(&found.verb),
        inherited: GLOBALS,
        style: PFLAG,
    };
    let named = |at: usize| -> Option<&'static str> {
        let word = found.rest.get(at).and_then(|index| words.get(*index))?;
        let text = word.text.to_str().filter(|_| word.known)?;
        verb_below(&found.verb, text)
    };
    let exact = first_operand(words, found, &level, true);
    if let Some(at) = exact
        && let Some(name) = named(at)
    {
        return NextWord::Verb(at, name);
    }
    // kubectl stops with an error where an unknown option has swallowed the verb. Reading it as
    // an option without a value sees what was meant.
    if let Some(at) = first_operand(words, found, &level, false)
        && exact != Some(at)
        && let Some(name) = named(at)
    {
        return NextWord::Verb(at, name);
    }
    exact.map_or(NextWord::Nothing, NextWord::Unknown)
}

fn first_operand(
    words: &[Word],
    found: &FoundVerb,
    level: &Grammar,
    unknown_take_values: bool,
) -> Option<usize> {
    let mut at = 0;
    while let Some(index) = found.rest.get(at) {
        let word = words.get(*index)?;
        let bytes = word.bytes();
        if bytes == b"--" {
            return None;
        }
        match probe(level, word) {
            None if bytes.is_empty() || bytes == b"-" => at += 1,
            None => return Some(at),
            Some((flags, takes_next)) => {
                let alone = matches!(bytes, [b'-', b'-', ..] | [b'-', _]) && !bytes.contains(&b'=');
                let unknown = alone && !flags.iter().any(|flag| flag.familiar);
                at += if takes_next || (unknown && unknown_take_values) {
                    2
                } else {
                    1
                };
            }
        }
    }
    None
}
