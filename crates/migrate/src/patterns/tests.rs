//! Do carried patterns mean what they meant?

use super::{super::report, *};

fn rule(at: usize, written: &str, there: Decision) -> Rule {
    let (validator, here) = match &there {
        Decision::Allow => ("allow", Some(("allow".to_owned(), settings::With::default()))),
        Decision::Deny => ("deny", Some(("deny".to_owned(), settings::With::default()))),
        Decision::Prove(_) => ("default", Some(("default".to_owned(), settings::With::default()))),
    };
    Rule {
        path: format!("application.policy[{at}]"),
        written: written.to_owned(),
        pattern: connaisseur::Pattern::parse(written).expect("a pattern"),
        validator: validator.to_owned(),
        there,
        here,
        pins: false,
    }
}

#[test]
fn what_is_not_compared_denies() {
    use Decision::{Allow, Deny};
    let (many, other) = ("*a".repeat(200), "b*".repeat(200));
    let (in_a_registry, elsewhere) = (format!("a.io/{many}"), format!("b.io/{many}"));
    let (hard, also) = ("{*a*b*c*d/*e*f*g,*b*d*f*h/*j*l*n}", "{*b*a*c*d/*e*f*g,*x*d*f*h/*j*l*n}");
    // the rules, how many steps they may take; the patterns that admit, how many steps are left at least, whether it is told that some were not compared
    type Row<'a> = (Vec<(&'a str, Decision)>, usize, Vec<&'a str>, usize, bool, &'a str);
    let rows: Vec<Row<'_>> = vec![
        (
            vec![("a.io/*:*", Allow), ("a.io/b/*:*", Deny)],
            MAX_STEPS,
            vec!["a.io/*:*"],
            MAX_STEPS - 10_000,
            false,
            "what is denied is more specific here, too",
        ),
        (
            vec![("a.io/*:*", Allow), ("a.io/b/*:*", Deny)],
            0,
            vec![],
            0,
            true,
            "nothing is compared, so nothing says that the other rule loses nothing",
        ),
        (vec![("a.io/*:*", Allow)], 0, vec![], 0, true, "nothing says that it matches no more than it did"),
        (
            vec![(&many, Deny), (&other, Allow), ("*:*", Allow), ("a.io/*:*", Allow)],
            MAX_STEPS,
            vec!["a.io/*:*"],
            MAX_STEPS - 100_000,
            false,
            "200 stars twice: what the first one denies could be anywhere where no rule has more components",
        ),
        (
            vec![(&in_a_registry, Deny), ("b.io/x:*", Allow), ("a.io/x:*", Allow)],
            MAX_STEPS,
            vec!["b.io/x:*"],
            MAX_STEPS - 100_000,
            false,
            "one registry can't be the other one",
        ),
        (
            vec![(&in_a_registry, Allow), (&elsewhere, Allow), ("a.io/x:*", Allow)],
            MAX_STEPS,
            vec!["a.io/x:*"],
            MAX_STEPS - 100_000,
            false,
            "who admits takes nothing away",
        ),
        (
            vec![(hard, Deny), (also, Deny), ("*:*", Allow), ("*/*:*", Allow)],
            10_000,
            vec![],
            0,
            true,
            "few stars, and more ways to read them than are looked at",
        ),
    ];
    for (rules, most, admit, left, told, why) in rows {
        let rules: Vec<Rule> =
            rules.into_iter().enumerate().map(|(at, (written, there))| rule(at, written, there)).collect();
        let validators = [Validator::fixed("allow", true), Validator::fixed("deny", false)];
        let mut report = Report::default();
        let mut carrying = Carrying::new(&rules, &validators, &mut report, Budget::of(most));
        carrying.carry().expect("patterns");
        let admits = |entry: &&Entry| *entry.says(&rules) != Deny;
        let found: Vec<String> = carrying.entries.iter().filter(admits).map(|entry| entry.names.to_string()).collect();
        assert_eq!(found, admit, "{why}");
        assert!(carrying.budget.left() >= left, "{why}: {} steps are left", carrying.budget.left());
        let text: Vec<&str> = report.lines().iter().map(|line| &*line.what).collect();
        assert_eq!(text.iter().any(|what| what.contains("are compared one with another")), told, "{why}: {text:?}");
        for rule in rules.iter().filter(|rule| stars(&rule.written) > MAX_STARS) {
            let is_of = |line: &&&report::Line| line.path == format!("{}.pattern", rule.path);
            let lines = report.lines();
            let line = lines.iter().find(is_of).expect("a line for each pattern that is left out");
            assert!(line.what.contains("It is left out") && !line.todo.is_empty(), "{why}: {line:?}");
        }
    }
}
