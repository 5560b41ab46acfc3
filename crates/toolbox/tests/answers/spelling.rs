//! Other spellings of a command: the same one to its tool, written in another way.
//!
//! What each word of a command is (option, value, operand) is asked of the grammar: the command is
//! read word by word, and what a word adds to the reading is what it is. Which other spellings mean the
//! same is said here, by what the tools' own parsers do (`getopt_long`, parse-options, pflag, Go's
//! flag, argparse), so that a grammar that reads one of them otherwise shows.

use std::collections::BTreeMap;

use guard_core::invocation::{Flag, Invocation, Word};

use crate::line::Line;

/// A word, or an option with its values.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    /// Global options, words of the verb, `--`: they stay where they are.
    Fixed(Word),
    Operand(Word),
    Separator,
    /// An option as it was read.
    Option(Written),
    /// An option of which only the grammar knows what it did.
    Opaque(Word),
}

/// An option, or several in one word.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    word: Word,
    flags: Vec<Flag>,
    /// The words after it that belong to it.
    values: Vec<Word>,
}

/// What the tool's parser accepts.
#[expect(clippy::struct_excessive_bools, reason = "facts that are independent")]
#[derive(Clone, Copy)]
struct Habits {
    /// Short options stand together and hold their value: `-rf`, `-nx`.
    bundles: bool,
    /// `-n=x` is `-n x`, and `--yes=true` is `--yes`.
    equals: bool,
    /// `-long` is `--long`.
    single_dash: bool,
    /// `--rec` is `--recursive`; the grammar says of which options.
    abbreviates: bool,
    /// Options may stand after operands.
    permutes: bool,
    /// `--` may stand before the operands and changes nothing.
    separates: bool,
    /// Options that may stand first and decide nothing that guard answers.
    neutral: &'static [&'static [&'static str]],
}

/// git's verbs that read their options themselves, and stop at what is none.
const OWN_READERS: [&str; 6] = [
    "submodule",
    "bisect",
    "filter-branch",
    "update-index",
    "svn",
    "p4",
];
/// git's verbs to which `--` says no more than that no options follow.
const SEPARATING: [&str; 7] = [
    "push", "branch", "tag", "rm", "clean", "worktree", "restore",
];
/// kubectl's verbs with a command or an expression of the user's in them.
const RUNNING: [&str; 5] = ["exec", "run", "debug", "attach", "create"];

impl Habits {
    fn of(tool: &str, read: &Invocation) -> Self {
        let verb = read.verb_name();
        let getopt = Self {
            bundles: true,
            equals: false,
            single_dash: false,
            abbreviates: true,
            permutes: true,
            separates: true,
            neutral: &[],
        };
        match tool {
            "rm" => Self {
                neutral: &[&["-v"]],
                ..getopt
            },
            "psql" => Self {
                neutral: &[&["-X"], &["--no-align"]],
                ..getopt
            },
            "git" => Self {
                permutes: read.nested.is_empty() && !OWN_READERS.contains(&verb),
                separates: SEPARATING.contains(&verb),
                neutral: &[
                    &["--no-pager"],
                    &["-C", "."],
                    &["-p", "--no-replace-objects"],
                ],
                ..getopt
            },
            "kubectl" => Self {
                equals: true,
                abbreviates: false,
                permutes: !RUNNING.contains(&verb),
                separates: !RUNNING.contains(&verb) && verb != "config",
                neutral: &[&["--v=1"], &["--request-timeout", "9s"]],
                ..getopt
            },
            "terraform" | "tofu" => Self {
                bundles: false,
                equals: true,
                single_dash: true,
                abbreviates: false,
                permutes: false,
                separates: false,
                neutral: &[&["-chdir=."]],
            },
            "aws" => Self {
                bundles: false,
                separates: false,
                neutral: &[&["--no-cli-pager"], &["--output", "json"]],
                ..getopt
            },
            other => panic!("how {other} is spelled stands nowhere"),
        }
    }
}

/// Other spellings of a command, each once.
pub fn of(line: &Line) -> Vec<Line> {
    let items = items(line);
    let habits = Habits::of(line.tool.as_str(), &line.read(&line.words));
    let writer = Speller { line, habits };
    let mut found: BTreeMap<String, Line> = BTreeMap::new();
    for spelled in writer.all(&items) {
        let spelled = line.with(written(&spelled));
        found.entry(spelled.to_string()).or_insert(spelled);
    }
    found.remove(&line.to_string());
    found.into_values().collect()
}

/// What the words of a command are.
fn items(line: &Line) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut before = line.read(&[]);
    for (at, word) in line.words.iter().enumerate() {
        let now = line.read(&line.words[..=at]);
        let item = item(word, &before, &now);
        match (item, items.last_mut()) {
            (Some(item), _) => items.push(item),
            (None, Some(Item::Option(option))) => {
                option.values.push(word.clone());
                // The value has come to the last of its flags.
                let many = option.flags.len();
                let first = now.flags.len().saturating_sub(many);
                if option.values.len() == 1 {
                    option.flags = now.flags[first..].to_vec();
                }
            }
            (None, _) => items.push(Item::Opaque(word.clone())),
        }
        before = now;
    }
    items
}

/// What a word adds to a reading; `None` for a value of the option before it.
fn item(word: &Word, before: &Invocation, now: &Invocation) -> Option<Item> {
    let is_option = matches!(word.bytes(), [b'-', _, ..]);
    if word.bytes() == b"--" {
        return Some(if before.separator.is_none() && now.separator.is_some() {
            Item::Separator
        } else {
            Item::Fixed(word.clone())
        });
    }
    let grown = now.flags.strip_prefix(before.flags.as_slice());
    if now.separator.is_some() || !is_option && now.operands.len() > before.operands.len() {
        return Some(Item::Operand(word.clone()));
    }
    if is_option && word.known {
        return Some(match grown {
            Some([]) if now.scope.len() > before.scope.len() => Item::Fixed(word.clone()),
            Some([]) | None => Item::Opaque(word.clone()),
            Some(flags) if flags.iter().all(|flag| flag.familiar) => Item::Option(Written {
                word: word.clone(),
                flags: flags.to_vec(),
                values: Vec::new(),
            }),
            Some(_) => Item::Opaque(word.clone()),
        });
    }
    if now.verb != before.verb {
        return Some(Item::Fixed(word.clone()));
    }
    if now.flags != before.flags {
        return None;
    }
    Some(if now.scope.len() > before.scope.len() {
        Item::Fixed(word.clone())
    } else {
        Item::Opaque(word.clone())
    })
}

fn written(items: &[Item]) -> Vec<Word> {
    let mut words = Vec::new();
    for item in items {
        match item {
            Item::Fixed(word) | Item::Operand(word) | Item::Opaque(word) => {
                words.push(word.clone());
            }
            Item::Separator => words.push(Word::known("--")),
            Item::Option(option) => {
                words.push(option.word.clone());
                words.extend(option.values.iter().cloned());
            }
        }
    }
    words
}

struct Speller<'a> {
    line: &'a Line,
    habits: Habits,
}

impl Speller<'_> {
    fn all(&self, items: &[Item]) -> Vec<Vec<Item>> {
        let each_of = |items: &[Item], change: &dyn Fn(&Written) -> Option<Written>| {
            let changed = |item: &Item| match item {
                Item::Option(option) => {
                    Item::Option(change(option).unwrap_or_else(|| option.clone()))
                }
                other => other.clone(),
            };
            items.iter().map(changed).collect::<Vec<_>>()
        };
        let each = |change: &dyn Fn(&Written) -> Option<Written>| each_of(items, change);
        let apart = self.apart(items);
        let long = each_of(&apart, &|option| Self::long(option));
        let short = each(&|option| self.short(option));
        let brief = each_of(&long, &|option| self.abbreviated(&long, option));
        let mut found = vec![
            each(&|option| self.joined(option)),
            each(&|option| self.glued(option)),
            each(&|option| self.split(items, option)),
            each(&|option| self.other_dash(option)),
            each(&|option| self.said_true(option)),
            self.bundled(items),
            self.bundled(&short),
            self.last(&self.bundled(&short)),
            self.last(&long),
            self.last(&brief),
            self.last(items),
            self.first(items),
            self.separated(items),
            self.separated(&self.bundled(&short)),
            self.last(&apart),
            apart,
            long,
            short,
            brief,
        ];
        for neutral in self.habits.neutral {
            let front: Vec<Item> = neutral
                .iter()
                .map(|word| Item::Fixed(Word::known(*word)))
                .collect();
            found.push([front.as_slice(), items].concat());
            found.push([front, self.last(&self.bundled(items))].concat());
        }
        found
    }

    /// The same option, written with this word and these values.
    fn rewritten(option: &Written, word: String, values: &[Word]) -> Written {
        Written {
            word: Word::known(word),
            values: values.to_vec(),
            ..option.clone()
        }
    }

    /// `-f` is `--force`, `-n x` is `--namespace=x`.
    fn long(option: &Written) -> Option<Written> {
        let flag = alone(option)?;
        if flag.long.is_empty() || long_name(option).is_some() {
            return None;
        }
        let name = format!("--{}", flag.long);
        Some(match (flag.text(), option.values.as_slice()) {
            (Some(value), []) => Self::rewritten(option, format!("{name}={value}"), &[]),
            (Some(_), [value]) if value.known => {
                let value = value.text.to_str()?;
                Self::rewritten(option, format!("{name}={value}"), &[])
            }
            _ => Self::rewritten(option, name, &option.values),
        })
    }

    /// `--force` is `-f`, `--namespace=x` is `-n x`.
    fn short(&self, option: &Written) -> Option<Written> {
        let flag = alone(option)?;
        if flag.short == 0 || !self.habits.bundles {
            return None;
        }
        let (_, value) = long_name(option)?;
        let name = format!("-{}", char::from(flag.short));
        Some(match value {
            Some(value) if self.habits.equals => {
                Self::rewritten(option, format!("{name}={value}"), &[])
            }
            Some("") => return None,
            Some(value) => Self::rewritten(option, format!("{name}{value}"), &[]),
            None => Self::rewritten(option, name, &option.values),
        })
    }

    /// `--force` is `--forc`, where the grammar reads it so and nothing shorter.
    fn abbreviated(&self, items: &[Item], option: &Written) -> Option<Written> {
        let (name, value) = long_name(option)?;
        if !self.habits.abbreviates || alone(option)?.long != name {
            return None;
        }
        (1..name.len()).find_map(|end| {
            let mut word = format!("--{}", name.get(..end)?);
            if let Some(value) = value {
                word = format!("{word}={value}");
            }
            let brief = Self::rewritten(option, word, &option.values);
            self.reads_alike(items, option, &brief).then_some(brief)
        })
    }

    /// `--name value` is `--name=value`.
    fn joined(&self, option: &Written) -> Option<Written> {
        let [value] = option.values.as_slice() else {
            return None;
        };
        let dashed = option.word.text.to_str()?;
        let takes = dashed.starts_with("--") || self.habits.equals && dashed.len() == 2;
        (takes || self.habits.single_dash).then(|| Written {
            word: Word {
                text: format!("{dashed}={}", value.text.to_string_lossy()).into(),
                known: value.known,
            },
            values: Vec::new(),
            ..option.clone()
        })
    }

    /// `-n value` is `-nvalue`.
    fn glued(&self, option: &Written) -> Option<Written> {
        let [value] = option.values.as_slice() else {
            return None;
        };
        let dashed = option.word.text.to_str()?;
        let text = value.text.to_str()?;
        let short = self.habits.bundles && !dashed.starts_with("--") && !text.is_empty();
        (short && value.known).then(|| Self::rewritten(option, format!("{dashed}{text}"), &[]))
    }

    /// `--name=value` is `--name value`, `-nvalue` is `-n value`: not of options whose value must be
    /// attached, and those the grammar tells.
    fn split(&self, items: &[Item], option: &Written) -> Option<Written> {
        if !option.values.is_empty() {
            return None;
        }
        let flag = alone(option)?;
        let value = flag.text()?.to_owned();
        let name = match long_name(option) {
            Some(_) => option.word.text.to_str()?.split_once('=')?.0.to_owned(),
            None => format!("-{}", char::from(flag.short)),
        };
        let split = Self::rewritten(option, name, &[Word::known(value)]);
        self.reads_alike(items, option, &split).then_some(split)
    }

    /// `-force` is `--force`.
    fn other_dash(&self, option: &Written) -> Option<Written> {
        let text = option.word.text.to_str()?;
        let other = match text.strip_prefix("--") {
            Some(name) => format!("-{name}"),
            None => format!("-{text}"),
        };
        (self.habits.single_dash && text.len() > 2)
            .then(|| Self::rewritten(option, other, &option.values))
    }

    /// `--force` is `--force=true`.
    fn said_true(&self, option: &Written) -> Option<Written> {
        let switch = self.habits.equals
            && alone(option)?.value.is_none()
            && (long_name(option).is_some() || self.habits.single_dash);
        let text = option.word.text.to_str()?;
        // What takes something else than yes or no when it is said, and what is looked for as a whole word.
        let other = ["dry-run", "cascade", "help", "-h"];
        let other = other.iter().any(|name| text.ends_with(name));
        (switch && !other).then(|| Self::rewritten(option, format!("{text}=true"), &[]))
    }

    /// `-r -f` is `-rf`.
    fn bundled(&self, items: &[Item]) -> Vec<Item> {
        let mut found: Vec<Item> = Vec::new();
        for item in items {
            if let (Item::Option(option), Some(Item::Option(last))) = (item, found.last_mut())
                && self.habits.bundles
                && let (Some(mut shorts), Some(more)) = (switches(last), switches(option))
            {
                shorts.push_str(&more);
                last.word = Word::known(format!("-{shorts}"));
                last.flags.extend(option.flags.iter().cloned());
                continue;
            }
            found.push(item.clone());
        }
        found
    }

    /// `-rf` is `-r -f`.
    fn apart(&self, items: &[Item]) -> Vec<Item> {
        let split = |item: &Item| match item {
            Item::Option(option) if self.habits.bundles => {
                let Some(shorts) = switches(option) else {
                    return vec![item.clone()];
                };
                let flags = option.flags.iter().zip(shorts.chars());
                let one = |(flag, short): (&Flag, char)| {
                    Item::Option(Written {
                        word: Word::known(format!("-{short}")),
                        flags: vec![flag.clone()],
                        values: Vec::new(),
                    })
                };
                flags.map(one).collect()
            }
            other => vec![other.clone()],
        };
        items.iter().flat_map(split).collect()
    }

    /// Whether options can be moved: the tool reads them anywhere, and all of them are known.
    fn moves(&self, items: &[Item]) -> bool {
        self.habits.permutes && !items.iter().any(|item| matches!(item, Item::Opaque(_)))
    }

    /// The options behind the operands.
    fn last(&self, items: &[Item]) -> Vec<Item> {
        if !self.moves(items) {
            return items.to_vec();
        }
        let end = items.iter().position(|item| *item == Item::Separator);
        let (before, after) = items.split_at(end.unwrap_or(items.len()));
        let (options, others): (Vec<Item>, Vec<Item>) = before.iter().cloned().partition(is_option);
        [others, options, after.to_vec()].concat()
    }

    /// The options before the operands.
    fn first(&self, items: &[Item]) -> Vec<Item> {
        let Some(at) = first_operand(items).filter(|_| self.moves(items)) else {
            return items.to_vec();
        };
        let end = items.iter().position(|item| *item == Item::Separator);
        let (before, after) = items.split_at(end.unwrap_or(items.len()).max(at));
        let (head, tail) = before.split_at(at);
        let (options, others): (Vec<Item>, Vec<Item>) = tail.iter().cloned().partition(is_option);
        [head.to_vec(), options, others, after.to_vec()].concat()
    }

    /// `--` before the operands.
    fn separated(&self, items: &[Item]) -> Vec<Item> {
        let mut found = self.first(items);
        let Some(at) = first_operand(&found) else {
            return found;
        };
        if self.habits.separates && self.moves(items) && !items.contains(&Item::Separator) {
            found.insert(at, Item::Separator);
        }
        found
    }

    /// Whether the grammar reads the command alike with another option in the place of this one.
    fn reads_alike(&self, items: &[Item], option: &Written, other: &Written) -> bool {
        let swapped: Vec<Item> = items
            .iter()
            .map(|item| match item {
                Item::Option(one) if one == option => Item::Option(other.clone()),
                item => item.clone(),
            })
            .collect();
        let plain = self.line.read(&written(items));
        let read = self.line.read(&written(&swapped));
        plain.flags == read.flags && plain.operands == read.operands
    }
}

fn is_option(item: &Item) -> bool {
    matches!(item, Item::Option(_))
}

fn first_operand(items: &[Item]) -> Option<usize> {
    items
        .iter()
        .position(|item| matches!(item, Item::Operand(_)))
}

/// The flag of a word that holds one.
fn alone(option: &Written) -> Option<&Flag> {
    match option.flags.as_slice() {
        [flag] => Some(flag),
        _ => None,
    }
}

/// The name and the attached value of an option with two dashes.
fn long_name(option: &Written) -> Option<(&str, Option<&str>)> {
    let text = option.word.text.to_str()?.strip_prefix("--")?;
    Some(match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    })
}

/// The letters of a word of short options without values.
fn switches(option: &Written) -> Option<String> {
    let shorts = option.word.text.to_str()?.strip_prefix('-')?;
    let same = shorts.len() == option.flags.len()
        && shorts
            .bytes()
            .zip(&option.flags)
            .all(|(short, flag)| flag.short == short && flag.value.is_none());
    (same && option.values.is_empty()).then(|| shorts.to_owned())
}

const SOME: &[(&str, &[&str])] = &[
    (
        "rm -rf a",
        &[
            "rm --r --f a",
            "rm --recursive --force a",
            "rm -r -f a",
            "rm -rf -- a",
            "rm -v -rf a",
            "rm -v a -rf",
            "rm a --r --f",
            "rm a --recursive --force",
            "rm a -r -f",
            "rm a -rf",
        ],
    ),
    (
        "git push -uf origin main",
        &[
            "git --no-pager push -uf origin main",
            "git --no-pager push origin main -uf",
            "git -C . push -uf origin main",
            "git -C . push origin main -uf",
            "git -p --no-replace-objects push -uf origin main",
            "git -p --no-replace-objects push origin main -uf",
            "git push --se --force origin main",
            "git push --set-upstream --force origin main",
            "git push -u -f origin main",
            "git push -uf -- origin main",
            "git push origin main --se --force",
            "git push origin main --set-upstream --force",
            "git push origin main -u -f",
            "git push origin main -uf",
        ],
    ),
    (
        "git clean -fdx -- .env",
        &[
            "git --no-pager clean -fdx -- .env",
            "git -C . clean -fdx -- .env",
            "git -p --no-replace-objects clean -fdx -- .env",
            "git clean --f -d -x -- .env",
            "git clean --force -d -x -- .env",
            "git clean -f -d -x -- .env",
        ],
    ),
    (
        "kubectl delete pod web -n app --force",
        &[
            "kubectl --request-timeout 9s delete pod web -n app --force",
            "kubectl --v=1 delete pod web -n app --force",
            "kubectl delete -n app --force -- pod web",
            "kubectl delete -n app --force pod web",
            "kubectl delete pod web --namespace=app --force",
            "kubectl delete pod web -n app --force=true",
            "kubectl delete pod web -n=app --force",
            "kubectl delete pod web -napp --force",
        ],
    ),
    (
        "kubectl exec web -- rm -rf /data",
        &[
            "kubectl --request-timeout 9s exec web -- rm -rf /data",
            "kubectl --v=1 exec web -- rm -rf /data",
        ],
    ),
    (
        "terraform destroy -target aws_instance.web",
        &[
            "terraform -chdir=. destroy -target aws_instance.web",
            "terraform destroy --target aws_instance.web",
            "terraform destroy --target=aws_instance.web",
            "terraform destroy -target=aws_instance.web",
        ],
    ),
    (
        "psql -c 'DROP TABLE x' app",
        &[
            "psql '--co=DROP TABLE x' app",
            "psql '--command=DROP TABLE x' app",
            "psql '-cDROP TABLE x' app",
            "psql --no-align -c 'DROP TABLE x' app",
            "psql --no-align app -c 'DROP TABLE x'",
            "psql -X -c 'DROP TABLE x' app",
            "psql -X app -c 'DROP TABLE x'",
            "psql -c 'DROP TABLE x' -- app",
            "psql app '--co=DROP TABLE x'",
            "psql app '--command=DROP TABLE x'",
            "psql app -c 'DROP TABLE x'",
        ],
    ),
    (
        "aws ec2 terminate-instances --instance-ids i-1 i-2",
        &[
            "aws --no-cli-pager ec2 terminate-instances --instance-ids i-1 i-2",
            "aws --output json ec2 terminate-instances --instance-ids i-1 i-2",
        ],
    ),
    (
        "aws s3 rm s3://b --recursive",
        &[
            "aws --no-cli-pager s3 rm s3://b --recursive",
            "aws --output json s3 rm s3://b --recursive",
            "aws s3 rm --recursive s3://b",
            "aws s3 rm s3://b --rec",
        ],
    ),
];

#[test]
fn spellings_of_some() {
    for (text, expected) in SOME {
        let line = Line::of_example(text).unwrap();
        let found: Vec<String> = of(&line).iter().map(Line::to_string).collect();
        assert_eq!(found, *expected, "{text}");
    }
}
