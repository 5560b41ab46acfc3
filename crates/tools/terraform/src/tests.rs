#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;

use super::*;
use guard_testing::{check, parse, parse_in};

/// Command line, and how it is read: see [`guard_testing`].
const CASES: &[(&str, &str)] = &[
    ("terraform", "| | | | inert"),
    ("terraform -help", "| --help | | | inert"),
    ("terraform -version", "| --version | | | inert"),
    ("terraform --version", "| --version | | | inert"),
    ("terraform version", "version | | | | inert"),
    ("terraform version -json", "version | --json | | | inert"),
    (
        "terraform -chdir=infra version",
        "version | | | '-chdir=infra' | inert",
    ),
    ("terraform apply", "apply | | | |"),
    (
        "terraform apply -auto-approve",
        "apply | --auto-approve | | |",
    ),
    (
        "terraform apply --auto-approve",
        "apply | --auto-approve | | |",
    ),
    (
        "terraform apply -auto-approve=true",
        "apply | --auto-approve=true | | |",
    ),
    ("terraform apply -auto-approve=false", "apply | | | |"),
    (
        "terraform -chdir=infra apply",
        "apply | | | '-chdir=infra' |",
    ),
    (
        "terraform -chdir=infra apply -auto-approve",
        "apply | --auto-approve | | '-chdir=infra' |",
    ),
    (
        "terraform -chdir=a -chdir=b apply",
        "apply | --chdir=a | | '-chdir=b' |",
    ),
    (
        "terraform --chdir=infra apply",
        "apply | --chdir=infra | | |",
    ),
    (
        "terraform -chdir infra apply",
        "infra | --chdir=apply | | | doubt",
    ),
    ("terraform -chdir= apply", "apply | --chdir= | | |"),
    (
        "terraform apply -chdir=infra",
        "apply | --chdir=infra | | |",
    ),
    ("terraform apply -destroy", "apply | --destroy | | |"),
    (
        "terraform apply -destroy=true",
        "apply | --destroy=true | | |",
    ),
    ("terraform apply -destroy=false", "apply | | | |"),
    (
        "terraform apply --destroy -auto-approve",
        "apply | --destroy --auto-approve | | |",
    ),
    (
        "terraform apply -replace=aws_instance.a",
        "apply | --replace=aws_instance.a | | |",
    ),
    (
        "terraform apply -replace aws_instance.a",
        "apply | --replace=aws_instance.a | | |",
    ),
    ("terraform apply plan.out", "apply | | plan.out | |"),
    (
        "terraform apply -auto-approve plan.out",
        "apply | --auto-approve | plan.out | |",
    ),
    (
        "terraform apply plan.out -destroy",
        "apply | --destroy | plan.out | |",
    ),
    (
        "terraform apply -refresh-only",
        "apply | --refresh-only | | |",
    ),
    (
        "terraform apply -target=module.a -target module.b",
        "apply | --target=module.a --target=module.b | | |",
    ),
    (
        "terraform apply -var a=b -var-file=prod.tfvars -var 'c=d e'",
        "apply | --var=a=b --var-file=prod.tfvars --var=c=d e | | |",
    ),
    (
        "terraform apply -lock=false -input=false -parallelism=5 -no-color",
        "apply | --parallelism=5 --no-color | | |",
    ),
    (
        "terraform apply -state=x.tfstate -state-out y -backup=-",
        "apply | --state=x.tfstate --state-out=y --backup=- | | |",
    ),
    ("terraform apply -help", "apply | --help | | | inert"),
    ("terraform apply -h", "apply | --help | | | inert"),
    ("terraform apply --help", "apply | --help | | | inert"),
    (
        "terraform apply -auto-approve -help",
        "apply | --auto-approve --help | | | inert",
    ),
    (
        "terraform apply -var -help",
        "apply | --var=-help | | | inert",
    ),
    ("terraform apply -- -help", "apply | | -- -help | |"),
    ("terraform apply -version", "apply | --version | | | inert"),
    (
        "terraform apply -- -version",
        "apply | | -- -version | | inert",
    ),
    ("terraform apply -v", "apply | --version | | | inert"),
    ("terraform apply -h=1", "apply | ?--h=1 | | |"),
    ("terraform -lock=false apply", "apply | | | |"),
    ("terraform destroy", "destroy | | | |"),
    (
        "terraform destroy -auto-approve",
        "destroy | --auto-approve | | |",
    ),
    (
        "terraform destroy -target aws_instance.a",
        "destroy | --target=aws_instance.a | | |",
    ),
    ("terraform destroy -force", "destroy | --force | | |"),
    ("terraform destroy -help", "destroy | --help | | | inert"),
    ("terraform plan", "plan | | | | reads"),
    ("terraform plan -destroy", "plan | --destroy | | | reads"),
    ("terraform plan -out=p", "plan | --out=p | | |"),
    (
        "terraform plan -out p -destroy",
        "plan | --out=p --destroy | | |",
    ),
    (
        "terraform plan -generate-config-out=x.tf",
        "plan | --generate-config-out=x.tf | | |",
    ),
    (
        "terraform plan -json -detailed-exitcode -refresh=false",
        "plan | --json --detailed-exitcode | | | reads",
    ),
    ("terraform state", "state | | | | reads"),
    ("terraform state list", "state list | | | | reads"),
    (
        "terraform state show aws_instance.a",
        "state show | | aws_instance.a | | reads",
    ),
    ("terraform state pull", "state pull | | | | reads"),
    (
        "terraform state rm aws_instance.a",
        "state rm | | aws_instance.a | |",
    ),
    (
        "terraform state rm -dry-run aws_instance.a",
        "state rm | --dry-run | aws_instance.a | | inert",
    ),
    (
        "terraform state rm --dry-run aws_instance.a",
        "state rm | --dry-run | aws_instance.a | | inert",
    ),
    (
        "terraform state rm -dry-run=false aws_instance.a",
        "state rm | | aws_instance.a | |",
    ),
    (
        "terraform state rm aws_instance.a -dry-run",
        "state rm | --dry-run | aws_instance.a | |",
    ),
    (
        "terraform state rm -lock=false -backup=x a b",
        "state rm | --backup=x | a b | |",
    ),
    ("terraform state -lock=false rm a", "state rm | | a | |"),
    ("terraform state mv a b", "state mv | | a b | |"),
    (
        "terraform state mv -dry-run a b",
        "state mv | --dry-run | a b | | inert",
    ),
    (
        "terraform state push x.tfstate",
        "state push | | x.tfstate | |",
    ),
    (
        "terraform state push -force x.tfstate",
        "state push | --force | x.tfstate | |",
    ),
    ("terraform state push -", "state push | | - | |"),
    (
        "terraform state replace-provider -auto-approve a b",
        "state replace-provider | --auto-approve | a b | |",
    ),
    (r#"terraform state "rm" a"#, "state rm | | a | |"),
    (r#"terraform "state rm" a"#, "state rm | | a | | doubt"),
    (
        "terraform -chdir=infra state rm a",
        "state rm | | a | '-chdir=infra' |",
    ),
    ("terraform workspace list", "workspace list | | | | reads"),
    ("terraform workspace show", "workspace show | | | | reads"),
    ("terraform workspace new dev", "workspace new | | dev | |"),
    (
        "terraform workspace select -or-create dev",
        "workspace select | --or-create | dev | |",
    ),
    (
        "terraform workspace delete dev",
        "workspace delete | | dev | |",
    ),
    (
        "terraform workspace delete -force dev",
        "workspace delete | --force | dev | |",
    ),
    (
        "terraform workspace delete dev -force",
        "workspace delete | --force | dev | |",
    ),
    ("terraform env delete dev", "workspace delete | | dev | |"),
    ("terraform env list", "workspace list | | | | reads"),
    ("terraform force-unlock 123", "force-unlock | | 123 | |"),
    (
        "terraform force-unlock -force 123",
        "force-unlock | --force | 123 | |",
    ),
    (
        "terraform taint aws_instance.a",
        "taint | | aws_instance.a | |",
    ),
    (
        "terraform untaint -allow-missing aws_instance.a",
        "untaint | --allow-missing | aws_instance.a | |",
    ),
    (
        "terraform import -var-file x aws_instance.a i-1",
        "import | --var-file=x | aws_instance.a i-1 | |",
    ),
    ("terraform refresh", "refresh | | | |"),
    ("terraform init", "init | | | |"),
    (
        "terraform init -upgrade -reconfigure",
        "init | --upgrade --reconfigure | | |",
    ),
    (
        "terraform init -migrate-state -force-copy",
        "init | --migrate-state --force-copy | | |",
    ),
    (
        "terraform init -backend-config=x -backend=false",
        "init | --backend-config=x | | |",
    ),
    (
        "terraform init -from-module=m",
        "init | --from-module=m | | |",
    ),
    ("terraform console", "console | | | | reads"),
    ("terraform console -plan", "console | --plan | | | reads"),
    (
        "terraform test -filter=a.tftest.hcl -verbose",
        "test | --filter=a.tftest.hcl --verbose | | |",
    ),
    ("terraform get -update", "get | --update | | |"),
    ("terraform login", "login | | | |"),
    (
        "terraform logout app.terraform.io",
        "logout | | app.terraform.io | |",
    ),
    ("terraform providers", "providers | | | | reads"),
    (
        "terraform providers schema -json",
        "providers schema | --json | | | reads",
    ),
    (
        "terraform providers lock -platform=linux_amd64",
        "providers lock | --platform=linux_amd64 | | |",
    ),
    (
        "terraform providers mirror dir",
        "providers mirror | | dir | |",
    ),
    ("terraform fmt", "fmt | | | |"),
    (
        "terraform fmt -check -recursive",
        "fmt | --check --recursive | | | reads",
    ),
    ("terraform fmt -write=false", "fmt | | | |"),
    ("terraform validate -json", "validate | --json | | | reads"),
    ("terraform output -raw x", "output | --raw | x | | reads"),
    ("terraform show -json p", "show | --json | p | | reads"),
    (
        "terraform graph -type=plan -plan=p",
        "graph | --type=plan --plan=p | | | reads",
    ),
    (
        "terraform metadata functions -json",
        "metadata functions | --json | | | reads",
    ),
    ("terraform modules -json", "modules | --json | | | reads"),
    ("terraform stacks init", "stacks init | | | |"),
    ("terraform query -json", "query | --json | | |"),
    ("terraform push", "push | | | |"),
    ("terraform destory", "destory | | | | doubt"),
    ("terraform apply -bogus x", "apply | ?--bogus | x | |"),
    ("terraform apply -var", "apply | --var | | |"),
];

#[test]
fn lines() {
    check(CASES);
}

/// Words that mean something to the tool, pieces of them, and any bytes at all.
fn argument() -> impl Strategy<Value = std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    prop_oneof![
        prop::sample::select(vec![
            "apply",
            "state",
            "rm",
            "-chdir=x",
            "-var",
            "--",
            "-destroy",
            "workspace",
            "delete",
            "-help"
        ])
        .prop_map(Into::into),
        "-{0,3}[a-z=-]{0,8}".prop_map(Into::into),
        prop::collection::vec(any::<u8>(), 0..6).prop_map(std::ffi::OsString::from_vec),
    ]
}

/// Destructive lines: the line, its verb, and the flag that makes it so.
const DESTRUCTIVE: &[(&str, &str, &str)] = &[
    ("terraform apply", "apply", ""),
    ("terraform apply -auto-approve", "apply", "-auto-approve"),
    (
        "terraform apply -destroy -auto-approve",
        "apply",
        "-destroy",
    ),
    ("terraform apply plan.out", "apply", ""),
    (
        "terraform destroy --auto-approve",
        "destroy",
        "-auto-approve",
    ),
    ("terraform state rm aws_instance.a", "state rm", ""),
    ("terraform state mv a b", "state mv", ""),
    ("terraform state push -force x", "state push", "-force"),
    (
        "terraform workspace delete -force dev",
        "workspace delete",
        "-force",
    ),
    ("terraform env delete dev", "workspace delete", ""),
    (
        "terraform force-unlock -force 123",
        "force-unlock",
        "-force",
    ),
    ("terraform taint a.b", "taint", ""),
    (
        "terraform init -force-copy -migrate-state",
        "init",
        "-force-copy",
    ),
];

/// Options that change nothing about that, and may stand anywhere.
const HARMLESS: &[&str] = &[
    "-lock=false",
    "--lock=false",
    "-lock-timeout=5s",
    "-no-color",
    "--no-color",
    "-input=false",
    "-parallelism=5",
    "-var=a=b",
    "-state=x",
    "-chdir=infra",
    "-chdir=.",
    "-ignore-remote-version",
];

/// The same, but only after the verb.
const HARMLESS_AFTER: &[&str] = &[
    "-var a=b",
    "-var-file prod.tfvars",
    "-lock-timeout 5s",
    "--target a.b",
    "-dry-run=false",
    "-bogus",
    "-- -help",
    "-- -dry-run",
];

fn is_still(line: &str, verb: &str, flag: &str) -> Result<(), TestCaseError> {
    let invocation = parse(line);
    prop_assert_eq!(invocation.verb.join(" "), verb, "{}", line);
    prop_assert!(flag.is_empty() || invocation.has(flag), "{}", line);
    prop_assert!(!invocation.inert && !only_reads(&invocation), "{}", line);
    Ok(())
}

proptest! {
    #[test]
    fn harmless_options_hide_nothing(
        line in prop::sample::select(DESTRUCTIVE),
        extra in prop::collection::vec(
            (prop::sample::select(HARMLESS), any::<prop::sample::Index>()),
            0..4,
        ),
        after in prop::sample::select(HARMLESS_AFTER),
    ) {
        let (text, verb, flag) = line;
        let mut words: Vec<&str> = text.split(' ').collect();
        for (option, at) in extra {
            // Not in front of the tool's name, and not between an option and its value.
            let places: Vec<usize> = (1..=words.len())
                .filter(|at| !VALUED.contains(&words[at - 1]))
                .collect();
            words.insert(places[at.index(places.len())], option);
        }
        words.push(after);
        is_still(&words.join(" "), verb, flag)?;
    }

    #[test]
    fn random_arguments_never_panic(arguments in prop::collection::vec(argument(), 0..12)) {
        let words: Vec<Word> = arguments.into_iter().map(Word::known).collect();
        let invocation = read(&words, &Context::nothing(guard_toolbox::TOOLBOX.nested));
        let _ = only_reads(&invocation);
    }
}

/// Options of the lines above whose value is the next word.
const VALUED: &[&str] = &[];

#[test]
fn variables_put_arguments_in() {
    for (name, value, line, verb, flags) in [
        (
            "TF_CLI_ARGS_apply",
            "-destroy -auto-approve",
            "terraform apply",
            "apply",
            "--destroy --auto-approve",
        ),
        (
            "TF_CLI_ARGS",
            "-destroy",
            "terraform -chdir=x apply",
            "apply",
            "--destroy",
        ),
        (
            "TF_CLI_ARGS_plan",
            "-destroy",
            "terraform apply",
            "apply",
            "",
        ),
        (
            "TF_CLI_ARGS_state_rm",
            "-backup=x",
            "terraform state rm a",
            "state rm",
            "--backup",
        ),
        (
            "TF_CLI_ARGS_force_unlock",
            "-force",
            "terraform force-unlock 1",
            "force-unlock",
            "--force",
        ),
        (
            "TF_CLI_ARGS_state",
            "rm",
            "terraform state a",
            "state rm",
            "",
        ),
        (
            "TF_CLI_ARGS",
            "destroy -auto-approve",
            "terraform",
            "destroy",
            "--auto-approve",
        ),
        (
            "TF_CLI_ARGS",
            "apply",
            "terraform -no-color",
            "apply",
            "--no-color",
        ),
        (
            "TF_CLI_ARGS_apply",
            "-var 'a=b c' -destroy",
            "terraform apply",
            "apply",
            "--var --destroy",
        ),
        (
            "TF_CLI_ARGS_apply",
            "-var a=b # -destroy",
            "terraform apply",
            "apply",
            "--var --destroy",
        ),
        (
            "TF_CLI_ARGS_apply",
            r#"-var "a=\"b" -destroy"#,
            "terraform apply",
            "apply",
            "--var --destroy",
        ),
        (
            "TF_CLI_ARGS_workspace_delete",
            "-force",
            "terraform env delete x",
            "workspace delete",
            "--force",
        ),
    ] {
        let context = Context::nothing(guard_toolbox::TOOLBOX.nested)
            .with_variables(vec![(name.into(), Some(value.into()))]);
        let invocation = parse_in(line, &context);
        let shown: Vec<String> = invocation
            .flags
            .iter()
            .map(|flag| format!("--{}", flag.long))
            .collect();
        assert_eq!(invocation.verb.join(" "), verb, "{name}={value}");
        assert_eq!(shown.join(" "), flags, "{name}={value}");
        assert!(!invocation.inert, "{name}={value}");
    }
}

#[test]
fn variables_can_make_it_harmless_or_doubtful() {
    let with = |name: &str, value: &str, line: &str| {
        let variables = vec![(name.into(), Some(value.into()))];
        parse_in(
            line,
            &Context::nothing(guard_toolbox::TOOLBOX.nested).with_variables(variables),
        )
    };
    assert!(with("TF_CLI_ARGS_apply", "-help", "terraform apply").inert);
    assert!(with("TF_CLI_ARGS_state_rm", "-dry-run", "terraform state rm a").inert);
    assert!(!with("TF_CLI_ARGS_apply", "-help", "terraform destroy").inert);
    let broken = with("TF_CLI_ARGS_apply", "-var 'a", "terraform apply");
    assert_eq!(broken.doubts.len(), 1);
    assert_eq!(broken.verb, ["apply"]);
}

#[test]
fn directory_and_arguments() {
    for (line, directory, arguments) in [
        (
            "terraform -chdir=infra apply -auto-approve",
            Some("infra"),
            "-auto-approve",
        ),
        ("terraform -chdir=a -chdir=b apply", Some("b"), "-chdir=a"),
        ("terraform apply -chdir=infra", None, "-chdir=infra"),
        ("terraform -chdir= apply", None, "-chdir="),
        ("terraform state rm -lock=false a", None, "-lock=false a"),
    ] {
        let invocation = parse(line);
        assert_eq!(invocation.directory, directory.map(PathBuf::from), "{line}");
        assert_eq!(
            invocation.arguments.join(" ".as_ref()),
            *arguments,
            "{line}"
        );
    }
}
