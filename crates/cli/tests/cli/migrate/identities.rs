//! What becomes of keyless trust roots, and does a regular expression mean here what it meant there?

use image_trust::policy::check;
use regex_lite::Regex;
use serde_json::{Value, json};

use super::{Run, key, values};

/// What these keyless trust roots become, each in a validator of its own, and the lines about each.
fn carried(roots: &[Value], policy: &Value) -> (Vec<Value>, Vec<Vec<Value>>) {
    let validator = |(i, keyless): (usize, &Value)| json!({"name": format!("v{i}"), "type": "cosign", "trustRoots": [{"name": "default", "keyless": keyless}]});
    let mut validators: Vec<Value> = roots.iter().enumerate().map(validator).collect();
    validators.push(json!({"name": "key", "type": "cosign", "trustRoots": [{"name": "default", "key": key("alice")}]}));
    let (_, document) = Run::json(&values(&validators.into(), policy));
    assert_eq!(check(&document["settings"].to_string()), [], "the settings are accepted");
    let of = |i: usize| {
        let written = document["settings"]["validators"].as_array().expect("validators").iter();
        let found = written.clone().find(|validator| validator["name"] == format!("v{i}"));
        found.map_or(Value::Null, |validator| validator["trustRoots"][0]["keyless"].clone())
    };
    let lines = |i: usize| {
        let path = format!("application.validators[{i}]");
        let report = document["report"].as_array().expect("a report").iter();
        report.filter(|line| line["path"].as_str().is_some_and(|place| place.starts_with(&path))).cloned().collect()
    };
    ((0..roots.len()).map(of).collect(), (0..roots.len()).map(lines).collect())
}

fn some_policy() -> Value {
    json!([{"pattern": "r.io/*", "validator": "key", "with": {"verifyInTransparencyLog": false}}])
}

/// Whether `name` is accepted by both expressions, or by none of them.
fn is_alike(written: &str, carried: &str, name: &str) -> bool {
    let there = Regex::new(written).expect("an expression").is_match(name);
    let here = Regex::new(&format!(r"\A^(?:{carried})$\z")).expect("an expression").is_match(name);
    there == here
}

#[test]
fn expressions_mean_what_they_meant() {
    let names = [
        "",
        "a",
        "b",
        "ab",
        "xay",
        "A",
        "xAy",
        "a\n",
        "\na",
        "a\nb",
        "aaaa",
        "^a",
        "a$",
        "https://github.com/acme/app/.github/workflows/a.yml@refs/heads/main",
        "https://github.com/acme-evil/app/.github/workflows/a.yml@refs/heads/main",
        "https://evil.example/?https://github.com/acme/app/",
        "a@acme.example",
        "a@acme.example.evil.example",
        "x a@acme.example",
    ];
    // the expression; what it is carried as; whether it was open
    let rows = [
        ("^a$", "^a$", false, "whole"),
        (r"\Aa\z", r"\Aa\z", false, "whole, in other words"),
        ("^a", "^a(?s:.*)$", true, "open behind"),
        ("a$", "^(?s:.*)a$", true, "open in front"),
        ("a", "^(?s:.*)(?:a)(?s:.*)$", true, "open"),
        ("^a$|^b$", "^(?:^a$|^b$)$", false, "alternatives that are whole"),
        ("^a|b$", "^(?s:.*)(?:^a|b$)(?s:.*)$", true, "alternatives that are not"),
        ("^(a|b)$", "^(a|b)$", false, "alternatives in a group"),
        ("(^a$)", "^(?s:.*)(?:(^a$))(?s:.*)$", true, "where nobody looks, it is not whole"),
        ("(?i)^a$", "^(?i)^a$", false, "flags in front"),
        ("(?i)a$", "^(?s:.*)(?i)a$", true, "flags in front, and open"),
        ("^(?i)a$", "^(?i)a$", false, "flags behind"),
        ("a|", "^(?s:.*)(?:a|)(?s:.*)$", true, "or nothing"),
        (r"a\$", r"^(?s:.*)(?:a\$)(?s:.*)$", true, "a dollar that is none"),
        ("a[$]", "^(?s:.*)(?:a[$])(?s:.*)$", true, "nor here"),
        (r"^https://github\.com/acme/", r"^https://github\.com/acme/(?s:.*)$", true, "an account"),
        (".*@acme.example$", "^(?s:.*).*@acme.example$", true, "a domain"),
        ("^[^@]+@acme[.]example$", "^[^@]+@acme[.]example$", false, "a domain, whole"),
        ("^[[:alpha:]@.]{1,20}?$", "^[[:alpha:]@.]{1,20}?$", false, "classes with names, repetitions"),
        (r"^\w+$", r"^\w+$", false, "a class"),
        ("^[]a]$", "^[]a]$", false, "a bracket in a class"),
        ("^(?P<name>a)$", "^(?P<name>a)$", false, "a group with a name"),
        (r"^\x61\x{62}$", r"^\x61\x{62}$", false, "characters by their codes"),
    ];
    let roots: Vec<Value> = rows.iter().map(|(regex, ..)| json!({"issuer": "i", "subjectRegex": regex})).collect();
    let (found, lines) = carried(&roots, &some_policy());
    for (i, (written, expected, is_open, why)) in rows.iter().enumerate() {
        assert_eq!(found[i]["subjectRegex"], *expected, "{why}: {:?}", lines[i]);
        let path = format!("application.validators[{i}].trustRoots[0].keyless.subjectRegex");
        let told = lines[i].iter().any(|line| line["severity"] == "changed" && line["path"] == path);
        assert_eq!(told, *is_open, "{why}: told if and only if it was open");
        for name in names {
            assert!(is_alike(written, expected, name), "{why}: {written} and {expected} of {name:?}");
        }
    }
}

#[test]
fn what_go_reads_otherwise_is_refused() {
    let nested = "(".repeat(30) + "a" + &")".repeat(30);
    let rows = [
        ("(", "no expression"),
        ("a)", "no expression either"),
        (r"a\", "nor this"),
        ("*a", "nothing is repeated"),
        ("a**", "Go repeats nothing twice"),
        ("a*+", "in no way"),
        ("a{2}{3}", "counted neither"),
        ("^*a", "a place"),
        ("a{,2}", "three characters and a comma there"),
        ("a{1001}", "too often"),
        ("(a{40}){40}", "too often, in one another"),
        (r"\s", "one character more here"),
        (r"[\s]", "in a class too"),
        (r"[^\S]", "and the other way round"),
        (r"\<a", "a character there, a place here"),
        (r"\b{start}a", "likewise"),
        (r"\u0061", "no escape of Go's"),
        (r"\pL", "a class that the policy does not know"),
        (r"\Qa\E", "no escape here"),
        ("(?x)a b", "a flag that Go does not know"),
        ("(?R)a", "nor this"),
        ("(?i)[^k]", "Go excludes the Kelvin sign, too"),
        (r"(?i)\W", "likewise"),
        ("[a&&b]", "no operation in Go"),
        ("[a--b]", "nor this"),
        ("[[a]b]", "a class in a class"),
        ("(?=a)", "looks ahead"),
        (&nested, "too deep"),
        (&"a".repeat(600), "too long"),
        (&"a".repeat(505), "too long with what stands for the rest"),
    ];
    let roots: Vec<Value> = rows.iter().map(|(regex, _)| json!({"issuer": "i", "subjectRegex": regex})).collect();
    let (found, lines) = carried(&roots, &some_policy());
    for (i, (regex, why)) in rows.iter().enumerate() {
        assert_eq!(found[i], Value::Null, "{why}: {regex}");
        let path = format!("application.validators[{i}].trustRoots[0]");
        let told = |line: &Value| line["severity"] == "refused" && line["path"] == path;
        assert!(lines[i].iter().any(told), "{why}: {:?}", lines[i]);
    }
}

#[test]
fn identities_become_what_they_are() {
    let rows = [
        (json!({"issuer": "i", "subject": "s"}), true, "in full"),
        (json!({"issuerRegex": "^i$", "subject": "s"}), true, "an issuer by its form"),
        (
            json!({"issuer": "i", "issuerRegex": "", "subject": "s", "subjectRegex": null}),
            true,
            "what is empty is not there",
        ),
        (json!({"issuer": "i", "issuerRegex": "^i$", "subject": "s"}), false, "two issuers"),
        (json!({"issuer": "i", "subject": "s", "subjectRegex": "^s$"}), false, "two subjects"),
        (json!({"issuer": "i"}), false, "no subject"),
        (json!({"subject": "s"}), false, "no issuer"),
        (json!({"issuer": "i", "subject": ["s"]}), false, "no text"),
        (json!({"issuer": "i", "subject": "s".repeat(3000)}), false, "longer than any name"),
        (json!({"issuer": "i", "subject": "s", "subjectPrefix": "s"}), false, "a key that Connaisseur does not know"),
        (json!({}), false, "nothing"),
        (json!("i"), false, "no mapping"),
    ];
    let roots: Vec<Value> = rows.iter().map(|(root, ..)| root.clone()).collect();
    let (found, lines) = carried(&roots, &some_policy());
    for (i, (root, is_carried, why)) in rows.iter().enumerate() {
        assert_eq!(found[i].is_object(), *is_carried, "{why}: {:?}", lines[i]);
        for (key, value) in found[i].as_object().into_iter().flatten() {
            assert_eq!(value, &root[key], "{why}");
        }
        assert_eq!(lines[i].iter().any(|line| line["severity"] == "refused"), !is_carried, "{why}");
    }
}

#[test]
fn options_of_logs_are_carried() {
    let keyless = json!({"name": "web", "keyless": {"issuer": "i", "subject": "s"}});
    let by_key = json!({"name": "alice", "key": key("alice")});
    let validators = json!([{"name": "default", "type": "cosign", "trustRoots": [keyless, by_key]}]);
    // the options, in YAML; those that are written; the lines
    let rows = [
        ("{trustRoot: web}", "{trustRoot: web}", "", "the log by default, there and here"),
        (
            "{trustRoot: web, verifyInTransparencyLog: true}",
            "{trustRoot: web, verifyInTransparencyLog: true}",
            "changed verifyInTransparencyLog",
            "and in words",
        ),
        (
            "{trustRoot: web, verifyInTransparencyLog: false}",
            "{trustRoot: web}",
            "changed verifyInTransparencyLog",
            "nobody does without",
        ),
        ("{trustRoot: web, verifySCT: true}", "{trustRoot: web, verifySCT: true}", "", "CT logs"),
        ("{trustRoot: web, verifySCT: false}", "{trustRoot: web, verifySCT: false}", "note verifySCT", "none"),
        ("{trustRoot: web, verifySCT: 1}", "", "refused verifySCT", "no bool"),
        (
            "{trustRoot: alice, verifyInTransparencyLog: true}",
            "{trustRoot: alice, verifyInTransparencyLog: true}",
            "changed verifyInTransparencyLog",
            "a key with an entry",
        ),
        (
            "{trustRoot: alice, verifySCT: true}",
            "{trustRoot: alice, verifyInTransparencyLog: true}",
            "note verifySCT",
            "a key has no certificate",
        ),
        (
            "{trustRoot: alice}",
            "{trustRoot: alice, verifyInTransparencyLog: true}",
            "changed verifyInTransparencyLog",
            "true by default there, so true is written",
        ),
        (
            "{trustRoot: alice, verifyInTransparencyLog: false}",
            "{trustRoot: alice, verifyInTransparencyLog: false}",
            "",
            "the values say that no log is asked",
        ),
        (
            "{trustRoot: '*'}",
            "{trustRoot: '*', verifyInTransparencyLog: true}",
            "changed verifyInTransparencyLog",
            "of one of two",
        ),
        (
            "{trustRoot: '*', verifyInTransparencyLog: true, verifySCT: true}",
            "{trustRoot: '*', verifyInTransparencyLog: true, verifySCT: true}",
            "changed verifyInTransparencyLog",
            "of both",
        ),
        (
            "{trustRoot: '*', verifyInTransparencyLog: false}",
            "{trustRoot: '*'}",
            "changed verifyInTransparencyLog",
            "of the keyless one more",
        ),
        (
            "{trustRoot: '*', required: [alice], verifySCT: true, verifyInTransparencyLog: true}",
            "{trustRoot: '*', required: [alice], verifyInTransparencyLog: true}",
            "note verifySCT",
            "of two only the key is asked",
        ),
        (
            "{trustRoot: '*', required: [alice], threshold: 1, verifySCT: true}",
            "{trustRoot: '*', required: [alice], threshold: 1, verifyInTransparencyLog: true, verifySCT: true}",
            "changed verifyInTransparencyLog",
            "with a threshold both are",
        ),
    ];
    let yaml = |text: &str| serde_yaml::from_str::<Value>(text).expect("YAML");
    let rule = |(i, (with, ..)): (usize, &(&str, &str, &str, &str))| json!({"pattern": format!("r.io/p{i:02}/*"), "with": yaml(with)});
    let policy: Vec<Value> = rows.iter().enumerate().map(rule).collect();
    let (_, document) = Run::json(&values(&validators, &policy.into()));
    assert_eq!(check(&document["settings"].to_string()), [], "the settings are accepted");
    for (i, (_, expected, line, why)) in rows.iter().enumerate() {
        assert_eq!(document["settings"]["policy"][i]["with"], yaml(expected), "{why}");
        let place = format!("application.policy[{i}].with.");
        let lines: Vec<String> = document["report"]
            .as_array()
            .expect("a report")
            .iter()
            .filter_map(|line| {
                let key = line["path"].as_str()?.strip_prefix(&place)?;
                Some(format!("{} {key}", line["severity"].as_str()?))
            })
            .collect();
        match line.is_empty() {
            true => assert_eq!(lines, [""; 0], "{why}"),
            false => assert!(lines.iter().any(|found| found == line), "{why}: {lines:?}"),
        }
    }
}

/// By Connaisseur's rules and by these settings: which signatures count, for every way to write the options?
#[test]
fn no_signature_counts_that_did_not() {
    let keyless = json!({"name": "web", "keyless": {"issuer": "i", "subject": "s"}});
    let validators =
        json!([{"name": "default", "type": "cosign", "trustRoots": [keyless, {"name": "alice", "key": key("alice")}]}]);
    let flags = [None, Some(true), Some(false)];
    let all = flags.iter().flat_map(|log| flags.iter().map(move |sct| (*log, *sct)));
    let all: Vec<(Option<bool>, Option<bool>, &str)> =
        all.flat_map(|(log, sct)| ["web", "alice", "*"].map(|root| (log, sct, root))).collect();
    let rule = |(i, (log, sct, root)): (usize, &(Option<bool>, Option<bool>, &str))| json!({"pattern": format!("r.io/p{i:02}/*"), "with": {"trustRoot": root, "verifyInTransparencyLog": log, "verifySCT": sct}});
    let policy: Vec<Value> = all.iter().enumerate().map(rule).collect();
    let (_, document) = Run::json(&values(&validators, &policy.into()));
    assert_eq!(check(&document["settings"].to_string()), [], "the settings are accepted");
    for (i, (log, sct, root)) in all.iter().enumerate() {
        let with = &document["settings"]["policy"][i]["with"];
        assert_eq!(with["trustRoot"], *root, "it is carried");
        // the signer; whether the signature has a log entry, and its certificate a timestamp
        for (signer, is_logged, is_seen) in [
            ("alice", false, false),
            ("alice", true, false),
            ("web", false, false),
            ("web", false, true),
            ("web", true, false),
            ("web", true, true),
        ] {
            let is_key = signer == "alice";
            let there = (is_logged || *log == Some(false)) && (is_key || is_seen || *sct == Some(false));
            let needs_log = !is_key || with["verifyInTransparencyLog"] == true;
            let here = (is_logged || !needs_log) && (is_key || is_seen || with["verifySCT"] == false);
            let is_told = is_key && log.is_none();
            assert!(there || !here || is_told, "{with} takes a signature of {signer}: {is_logged}, {is_seen}");
        }
    }
}

#[test]
fn instances_are_carried() {
    let ca = include_str!("../../../../../tests/samples/own-ca.pem");
    let log = key("log");
    // `host`, what is written of it (none: the validator is not), the lines about it
    let rows = [
        (json!({"rekor": "https://r"}), Some(json!(null)), "dropped rekor", "nobody is asked"),
        (json!({"rekorPubkey": log}), Some(json!({"rekorPubkey": log})), "", "a log"),
        (
            json!({"fulcioCert": ca, "rekorPubkey": log, "ctLogPubkey": log}),
            Some(json!({"fulcioCert": ca, "rekorPubkey": log, "ctLogPubkey": log})),
            "",
            "an instance",
        ),
        (json!({"fulcioCert": "", "ctLogPubkey": null}), Some(json!(null)), "", "what is empty is not there"),
        (json!({"fulcioCert": log}), None, "refused fulcioCert", "a key is no CA"),
        (json!({"rekorPubkey": ca}), None, "refused rekorPubkey", "a CA is no key"),
        (json!({"ctLogPubkey": 1}), None, "refused ctLogPubkey", "no text"),
        (json!({"fulcio": ca}), None, "refused fulcio", "no key of Connaisseur's"),
        (json!("https://r"), None, "refused ", "no mapping"),
    ];
    let keyless = json!([{"name": "default", "keyless": {"issuer": "i", "subject": "s"}}]);
    let validator = |(i, (host, ..)): (usize, &(Value, Option<Value>, &str, &str))| json!({"name": format!("v{i}"), "type": "cosign", "trustRoots": keyless, "host": host});
    let validators: Vec<Value> = rows.iter().enumerate().map(validator).collect();
    let policy: Vec<Value> =
        (0..rows.len()).map(|i| json!({"pattern": format!("r.io/p{i}/*"), "validator": format!("v{i}")})).collect();
    let (_, document) = Run::json(&values(&validators.into(), &policy.into()));
    assert_eq!(check(&document["settings"].to_string()), [], "the settings are accepted");
    for (i, (_, expected, line, why)) in rows.iter().enumerate() {
        let written = document["settings"]["validators"].as_array().expect("validators").iter();
        let found = written.clone().find(|validator| validator["name"] == format!("v{i}"));
        assert_eq!(found.map(|validator| &validator["host"]), expected.as_ref(), "{why}");
        let decides = &document["settings"]["policy"][i]["validator"];
        assert_eq!(*decides, if expected.is_some() { format!("v{i}") } else { "not-migrated".to_owned() }, "{why}");
        let place = format!("application.validators[{i}].host");
        let has = |found: &Value| {
            let key = found["path"]
                .as_str()
                .and_then(|path| path.strip_prefix(&place))
                .map(|key| key.trim_start_matches('.'));
            key.is_some_and(|key| format!("{} {key}", found["severity"].as_str().unwrap_or_default()) == *line)
        };
        let any = document["report"].as_array().expect("a report").iter().any(has);
        assert!(line.is_empty() || any, "{why}: {:#}", document["report"]);
    }
}
