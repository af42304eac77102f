use clap::CommandFactory as _;

use super::*;

fn each(command: &clap::Command, path: &str, check: &mut dyn FnMut(&clap::Command, &str)) {
    for one in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        let path = format!("{path} {}", one.get_name());
        check(one, &path);
        each(one, &path, check);
    }
}

#[test]
fn every_command_is_well_formed_and_helps_with_an_example() {
    let mut command = Arguments::command();
    command.build();
    command.clone().debug_assert();
    each(&command, "glovebox", &mut |one, path| {
        let help = one
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            help.contains("Example") && help.contains("glovebox "),
            "{path}"
        );
        assert!(one.get_about().is_some(), "{path}");
    });
}

#[test]
fn wrong_usage_exits_with_2_and_help_with_0() {
    for (line, code) in [
        ("glovebox", 2),
        ("glovebox nonsense", 2),
        ("glovebox fhir import --data d", 2),
        ("glovebox fhir import --data d --server http://x a.json", 2),
        ("glovebox audit search --kind nonsense --data d", 2),
        ("glovebox users add x --role boss --data d", 2),
        ("glovebox demo --patients 0", 2),
        ("glovebox admin relations grant x --reason r", 2),
        (
            "glovebox admin relations grant x y --everyone --reason r",
            2,
        ),
        ("glovebox admin relations withdraw x y", 2),
        ("glovebox keys", 2),
        ("glovebox keys list --data d --server http://x", 2),
        ("glovebox --help", 0),
        ("glovebox admin quarantine --help", 0),
        ("glovebox --version", 0),
    ] {
        let problem = Arguments::try_parse_from(line.split(' ')).err().unwrap();
        assert_eq!(problem.exit_code(), code, "{line}");
    }
}

#[test]
fn what_can_be_listed_can_be_listed_as_json() {
    let mut command = Arguments::command();
    command.build();
    let mut with_json = Vec::new();
    each(&command, "glovebox", &mut |one, path| {
        if one
            .get_arguments()
            .any(|argument| argument.get_long() == Some("json"))
        {
            with_json.push(path.to_owned());
        }
    });
    for listing in [
        "glovebox admin apps",
        "glovebox admin sessions",
        "glovebox admin relations list",
        "glovebox audit search",
        "glovebox audit tail",
        "glovebox users list",
        "glovebox keys list",
        "glovebox fhir import",
    ] {
        assert!(with_json.iter().any(|path| path == listing), "{listing}");
    }
}
