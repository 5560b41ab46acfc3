//! Builtins that change what is known about the shell.

use std::rc::Rc;

use super::expansion::bytes;
use super::grammar::source_text;
use super::invoke::base_name;
use super::scope::{Parameters, moved};
use super::session::Session;
use super::word::name_length;
use super::{Command, Directory, ShellWord};

impl Session<'_> {
    /// Applies what a builtin does to the state after it.
    pub(super) fn builtin(&mut self, command: &Command) {
        let Some((first, arguments)) = command.words.split_first() else {
            return;
        };
        match bytes(&first.text) {
            b"cd" | b"chdir" => self.change_directory(arguments, false),
            b"pushd" => self.change_directory(arguments, true),
            b"popd" => self.directory_unknown(),
            b"export" => self.declare(arguments, true),
            b"readonly" | b"local" | b"declare" | b"typeset" => self.declare(arguments, false),
            b"unset" => self.unset(arguments),
            b"read" | b"mapfile" | b"readarray" | b"getopts" => self.assign_all(arguments),
            b"printf" | b"wait" => self.assign_after_option(arguments),
            b"let" => {
                for argument in arguments {
                    self.forget_arithmetic(bytes(&argument.text));
                }
            }
            b"set" => self.set(arguments),
            b"shift" => self.shift(arguments),
            b"source" | b"." => {
                self.effects.everything = true;
                self.state.forget_everything();
            }
            b"exit" | b"return" | b"break" | b"continue" => {
                self.effects.jumps = true;
                self.state.ended = true;
            }
            _ => {}
        }
    }

    fn directory_unknown(&mut self) {
        self.effects.directory = true;
        self.state.directory = Directory::Unknown;
    }

    /// `cd` and `pushd`.
    fn change_directory(&mut self, arguments: &[ShellWord], push: bool) {
        self.effects.directory = true;
        let mut physical = false;
        let mut operands = arguments;
        while let Some((option, rest)) = operands.split_first() {
            match bytes(&option.text) {
                b"-P" if !push => physical = true,
                b"-L" | b"-e" | b"-@" if !push => physical = false,
                b"--" => {
                    operands = rest;
                    break;
                }
                _ => break,
            }
            operands = rest;
        }
        let target = match operands {
            [] if !push => self.value(b"HOME").map(|home| source_text(&home)),
            [word] if word.known && word.glob.is_none() => Some(word.text.clone()),
            _ => None,
        };
        let unknown = |b: u8| b == b'-' || push && b == b'+';
        self.state.assumed = false;
        self.state.directory = match target {
            Some(target) if bytes(&target).first().is_none_or(|b| !unknown(*b)) => {
                moved(&self.state.directory, target.as_ref(), physical)
            }
            _ => Directory::Unknown,
        };
    }

    /// `export`, `declare` and their like.
    fn declare(&mut self, arguments: &[ShellWord], mut export: bool) {
        let mut withdraw = false;
        for argument in arguments {
            let text = bytes(&argument.text);
            if let Some(options) = text.strip_prefix(b"-") {
                export |= options.contains(&b'x');
                withdraw |= export && options.contains(&b'n');
                continue;
            }
            let length = name_length(text);
            let name = text.get(..length).unwrap_or_default();
            let rest = text.get(length..).unwrap_or_default();
            if length == 0 {
                if !argument.known {
                    self.effects.everything = true;
                    self.state.forget_variables();
                }
            } else if withdraw {
                self.effects.name(name);
                self.state.withdraw(name);
            } else if let Some(value) = rest.strip_prefix(b"=") {
                let known = argument.known && argument.glob.is_none();
                self.assign(name, known.then(|| value.into()), export);
            } else if rest.is_empty() {
                if export {
                    let value = self.value(name);
                    self.assign(name, value, true);
                }
            } else {
                self.assign(name, None, export);
            }
        }
    }

    fn unset(&mut self, arguments: &[ShellWord]) {
        for argument in arguments {
            let name = bytes(&argument.text);
            self.effects.name(name);
            self.state.withdraw(name);
            self.functions.remove(name);
        }
    }

    /// Every argument may name a variable that is set from the outside.
    fn assign_all(&mut self, arguments: &[ShellWord]) {
        for argument in arguments {
            let name = bytes(&argument.text);
            if name_length(name) > 0 {
                self.assign(name, None, false);
            } else if !argument.known {
                self.effects.everything = true;
                self.state.forget_variables();
            }
        }
    }

    /// `printf -v NAME` and `wait -p NAME`.
    fn assign_after_option(&mut self, arguments: &[ShellWord]) {
        for (index, argument) in arguments.iter().enumerate() {
            let text = bytes(&argument.text);
            match text.strip_prefix(b"-v").or(text.strip_prefix(b"-p")) {
                Some(b"") => {
                    let name = arguments.get(index + 1);
                    self.assign(
                        name.map(|w| bytes(&w.text)).unwrap_or_default(),
                        None,
                        false,
                    );
                }
                Some(name) => self.assign(name, None, false),
                None => {}
            }
        }
    }

    /// `set`: `-a`, and new positional parameters.
    fn set(&mut self, arguments: &[ShellWord]) {
        let mut operands = arguments;
        while let Some((option, rest)) = operands.split_first() {
            let text = bytes(&option.text);
            if text == b"--" {
                self.parameters(rest);
                return;
            }
            match text.first() {
                Some(b'-') if text.len() > 1 => {
                    self.state.export_all |= text.contains(&b'a');
                    operands = rest;
                    if text.contains(&b'o') {
                        let name = rest.first().map(|w| bytes(&w.text));
                        self.state.export_all |= name == Some(b"allexport");
                        operands = rest.get(1..).unwrap_or_default();
                    }
                }
                Some(b'+') => operands = rest,
                _ => {
                    self.parameters(operands);
                    return;
                }
            }
        }
    }

    fn parameters(&mut self, list: &[ShellWord]) {
        self.effects.parameters = true;
        let zero = self.state.parameters.as_ref().and_then(|p| p.zero.clone());
        self.state.parameters = Some(Rc::new(Parameters {
            zero,
            list: list.to_vec(),
            more: false,
        }));
    }

    fn shift(&mut self, arguments: &[ShellWord]) {
        self.effects.parameters = true;
        let count = match arguments {
            [] => Some(1),
            [word] if word.known => word.text.to_str().and_then(|t| t.parse().ok()),
            _ => None,
        };
        let shifted = match (self.state.parameters.take(), count) {
            (Some(old), Some(count)) if !old.list.iter().any(|w| w.splits || w.glob.is_some()) => {
                let told = !old.more || old.list.len() >= count;
                // A shift by more than there are does nothing.
                let from = if count > old.list.len() { 0 } else { count };
                told.then(|| Parameters {
                    list: old.list.get(from..).unwrap_or_default().to_vec(),
                    ..(*old).clone()
                })
            }
            _ => None,
        };
        self.state.parameters = shifted.map(Rc::new);
    }
}

/// True when the command is one of the shells that read `-c STRING`.
pub(super) fn is_shell(name: &[u8]) -> bool {
    matches!(
        base_name(name),
        b"sh" | b"bash" | b"dash" | b"zsh" | b"ksh" | b"mksh" | b"ash" | b"fish" | b"rbash"
    )
}
