//! Do the examples in `deploy/` say what the command takes?

use std::{fs, path::Path};

use serde_json::Value;

fn yaml(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name);
    serde_yaml::from_str(&fs::read_to_string(path).expect("the file")).expect("YAML")
}

#[track_caller]
fn is_taken(line: &[String]) {
    let parsed = image_trust_cli::command().try_get_matches_from(line);
    assert!(parsed.is_ok(), "{line:?}: {}", parsed.unwrap_err());
}

#[test]
fn the_cron_jobs_collect() {
    ["collect-cronjob.yaml", "collect-notary-cronjob.yaml"].into_iter().for_each(collects);
}

fn collects(file: &str) {
    let job = yaml(file);
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let words = |list: &Value| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|word| word.as_str().expect("a text").to_owned()).collect()
    };
    is_taken(&[words(&container["command"]), words(&container["args"])].concat());
    // Exit codes that another try would not change are those that the command has.
    let rule = &job["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"];
    assert_eq!(rule["containerName"], container["name"]);
    let command = image_trust_cli::command();
    let help =
        command.find_subcommand("collect").expect("the command").get_after_help().expect("exit codes").to_string();
    for code in rule["values"].as_array().expect("a list") {
        assert!(help.contains(&format!("\n  {code}  ")), "{code}: {help}");
    }
}

#[test]
fn the_workflow_collects_last() {
    let workflow = yaml("collect-github.yaml");
    let steps = workflow["jobs"]["publish"]["steps"].as_array().expect("steps").clone();
    let last = steps.last().and_then(|step| step["run"].as_str()).expect("a command");
    // As a shell takes it apart, with values for what is filled in.
    let filled = last.replace("${{ steps.build.outputs.digest }}", &format!("sha256:{}", "0".repeat(64)));
    let filled =
        filled.replace("${{ steps.attest.outputs.bundle-path }}", "bundle.json").replace("$IMAGE", "ghcr.io/acme/app");
    let line: Vec<String> = filled.replace('"', "").split_whitespace().map(str::to_owned).collect();
    is_taken(&line);
}
