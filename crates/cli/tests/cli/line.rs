//! The command line as a whole: what every command has in common, and the page that lists it.

use std::{env, fs, path::Path};

use clap::{Arg, Command};

use crate::command::{image_trust, text};

/// The commands, without the one that prints help.
fn commands(root: &Command) -> impl Iterator<Item = &Command> {
    root.get_subcommands().filter(|command| command.get_name() != "help")
}

fn built() -> Command {
    let mut command = image_trust_cli::command();
    command.build();
    command
}

/// The text as a cell of a Markdown table, in which a `|` is escaped.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// What is written for an argument: its names and what it takes.
fn name(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().first().map(ToString::to_string);
    let value = value.filter(|_| arg.get_action().takes_values());
    if arg.is_positional() {
        return format!("`{}`", value.unwrap_or_default());
    }
    let long = arg.get_long().unwrap_or_default();
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    let mut names: Vec<String> = arg.get_short().map(|short| format!("`-{short}`")).into_iter().collect();
    names.push(format!("`--{long}{value}`"));
    names.extend(arg.get_visible_aliases().unwrap_or_default().iter().map(|alias| format!("`--{alias}{value}`")));
    names.join(", ")
}

fn meaning(arg: &Arg) -> String {
    let mut meaning =
        format!("{}.", arg.get_help().expect("every argument has a help text").to_string().trim_end_matches('.'));
    let values = arg.get_possible_values();
    if !values.is_empty() && arg.get_action().takes_values() {
        let told = |value: &clap::builder::PossibleValue| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), lower(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        };
        let told: Vec<String> = values.iter().map(told).collect();
        meaning.push_str(&format!(" One of {}.", told.join(", ")));
    }
    meaning
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !chars.as_str().starts_with(|c: char| c.is_uppercase()) => {
            format!("{}{}", first.to_lowercase(), chars.as_str())
        }
        _ => text.to_owned(),
    }
}

fn arguments<'c>(arguments: impl Iterator<Item = &'c Arg>) -> String {
    let mut table = "| argument | default | meaning |\n|---|---|---|\n".to_owned();
    for arg in arguments {
        let defaults = arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy()));
        let default = match arg.is_required_set() {
            true => "required".to_owned(),
            false => defaults.filter(|_| arg.get_action().takes_values()).collect::<Vec<_>>().join(", "),
        };
        table.push_str(&format!("| {} | {} | {} |\n", cell(&name(arg)), cell(&default), cell(&meaning(arg))));
    }
    table
}

fn exit_codes(command: &Command) -> String {
    let help =
        command.get_after_help().unwrap_or_else(|| panic!("{} has no exit codes", command.get_name())).to_string();
    let lines = help.strip_prefix("Exit codes:\n").expect("what stands behind the help is the exit codes").lines();
    let row = |line: &str| {
        let (code, meaning) = line.trim_start().split_once("  ").expect("a code and its meaning");
        format!("| {} | {} |\n", code.parse::<u8>().expect("a code"), cell(meaning))
    };
    format!("| exit code | meaning |\n|---|---|\n{}", lines.map(row).collect::<String>())
}

/// The reference of every command, from what clap knows of it.
fn reference(root: &Command) -> String {
    let of_all = |arg: &&Arg| arg.is_global_set() && !["help", "version"].contains(&arg.get_id().as_str());
    let mut page = format!("## Every command\n\n{}\n", arguments(root.get_arguments().filter(of_all)));
    page.push_str(&format!(
        "`-h` and `--help` print the help of a command, `--version` the version.\n\n{}",
        exit_codes(root)
    ));
    for command in commands(root) {
        let about =
            command.get_long_about().or(command.get_about()).expect("every command says what it does").to_string();
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim().to_owned();
        let usage = if usage.starts_with("image-trust") { usage } else { format!("image-trust {usage}") };
        let own = command.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help");
        page.push_str(&format!(
            "\n## {}\n\n{}.\n\n```console\n{usage}\n```\n\n{}\n{}",
            command.get_name(),
            about.trim_end_matches('.').replacen("\n\n", ".\n\n", 1),
            arguments(own),
            exit_codes(command)
        ));
    }
    page
}

#[test]
fn the_page_lists_every_command_flag_and_exit_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/command-line.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once("<!-- commands -->\n").expect("where the commands begin");
    let (_, after) = rest.split_once("<!-- end -->").expect("where they end");
    let expected = format!("{before}<!-- commands -->\n{}<!-- end -->{after}", reference(&built()));
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &expected).expect("a file");
    }
    let page = fs::read_to_string(&path).expect("the page");
    assert!(page == expected, "docs/reference/command-line.md is out of date; UPDATE_EXPECT=1 writes it again");
}

/// The same letter and the same word mean the same in every command.
#[test]
fn flags_are_the_same_everywhere() {
    // the short name, the long one, what it takes
    let shared =
        [('s', "settings", "FILE"), ('o', "output", "FORMAT"), ('v', "verbose", ""), ('r', "request-path", "FILE")];
    let mut seen = 0;
    for command in commands(&built()) {
        for arg in command.get_arguments() {
            let place = format!("{} {:?}", command.get_name(), arg.get_id());
            let value = arg.get_value_names().unwrap_or_default().first().map(ToString::to_string).unwrap_or_default();
            let value = if arg.get_action().takes_values() { value } else { String::new() };
            for (short, long, takes) in shared {
                if arg.get_short() == Some(short) || arg.get_long() == Some(long) {
                    // kwctl's `annotate` has `-o FILE`, and whoever has a line for it keeps it.
                    let expected = match (command.get_name(), short) {
                        ("annotate", 'o') => (Some('o'), Some("output-path"), "FILE"),
                        _ => (Some(short), Some(long), takes),
                    };
                    assert_eq!((arg.get_short(), arg.get_long(), value.as_str()), expected, "{place}");
                    seen += 1;
                }
            }
            let names = arg.get_visible_aliases().unwrap_or_default();
            if arg.get_long() == Some("out") || names.contains(&"out") {
                // `collect` writes a layout of many files.
                assert_eq!(value, if command.get_name() == "collect" { "DIR" } else { "FILE" }, "{place}");
            }
        }
    }
    assert!(seen > 10, "{seen} were found");
}

#[test]
fn every_command_tells_about_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let nothing = image_trust(dir.path(), &[], "");
    assert_eq!((nothing.status.code(), text(&nothing.stderr).as_str()), (Some(0), ""));
    assert!(text(&nothing.stdout).contains("Usage: image-trust"), "{}", text(&nothing.stdout));
    for command in commands(&built()) {
        let help = image_trust(dir.path(), &[command.get_name(), "--help"], "");
        let told = text(&help.stdout);
        assert!(help.status.success() && told.contains("Exit codes:\n  0  "), "{}: {told}", command.get_name());
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = image_trust(dir.path(), &["completions", shell, "--out", "script"], "");
        assert_eq!(script.status.code(), Some(0), "{shell}");
        let script = fs::read_to_string(dir.path().join("script")).expect("a script");
        assert!(script.contains("explain") && script.contains("record-host-capabilities"), "{shell}");
    }
    assert_eq!(image_trust(dir.path(), &["completions", "ed"], "").status.code(), Some(2));
}

#[test]
fn results_go_to_a_file_and_color_where_it_is_wanted() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("settings.yaml"), "{}").expect("a file");
    let lint = |more: &[&str]| image_trust(dir.path(), &[&["lint"], more].concat(), "");
    let out = lint(&["-s", "settings.yaml", "-o", "json", "--out", "found.json"]);
    assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(1), ""));
    let found = fs::read_to_string(dir.path().join("found.json")).expect("a file");
    assert!(serde_json::from_str::<serde_json::Value>(&found).is_ok_and(|found| found.is_array()), "{found}");
    // A file has no color, whatever the line says.
    let escapes = |args: &[&str]| {
        let output = lint(args);
        [text(&output.stdout).contains('\u{1b}'), text(&output.stderr).contains('\u{1b}')]
    };
    assert_eq!(escapes(&["settings.yaml"]), [false, false], "no terminal");
    assert_eq!(escapes(&["settings.yaml", "--color=always"]), [true, true]);
    assert_eq!(escapes(&["--color", "always", "settings.yaml", "--out", "table"]), [false, true]);
    assert!(!fs::read_to_string(dir.path().join("table")).expect("a file").contains('\u{1b}'));
    assert_eq!(lint(&["settings.yaml", "-s", "settings.yaml"]).status.code(), Some(2), "two files");
    assert_eq!(lint(&[]).status.code(), Some(2), "no file");
    assert_eq!(lint(&["settings.yaml", "-o", "found.json"]).status.code(), Some(2), "a file is no format");
}
