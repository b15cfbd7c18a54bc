//! Which exceptions have no effect, or admit more than is meant?

use super::{Finding, Lint, cover, rules::admits_unseen};
use image_trust::{
    policy::{
        Features, Policy,
        exception::{MAX_AHEAD, ReadException},
    },
    time::UnixTime,
};

/// What is found in the exceptions and about break-glass. `now` is the time of day.
pub(super) fn lint(policy: &Policy<'_>, features: &Features, now: UnixTime) -> Vec<Finding> {
    let written = policy.settings().exceptions.iter().flatten().enumerate();
    // What cannot be read is told by the check of the settings.
    let read = written.filter_map(|(at, written)| Some((at, ReadException::read(at, written).ok()?)));
    let mut found: Vec<Finding> = read.flat_map(|(at, exception)| of_exception(at, &exception, now)).collect();
    if features.break_glass() {
        found.push(Finding::new(
            "features.breakGlass",
            Lint::BreakGlass,
            "users with the permission `break-glass` for `images.image-trust.dev` admit any image; cluster administrators have it",
            "watch the audit records, and grant the permission to few users, with a RoleBinding in each namespace",
        ));
    }
    found
}

fn of_exception(at: usize, exception: &ReadException<'_>, now: UnixTime) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut find = |key: String, lint, what: String, instead: &str| {
        found.push(Finding::new(format!("exceptions[{at}].{key}"), lint, what, instead));
    };
    let until = exception.until;
    if until <= now {
        let what = format!("it ended at {until} and has no effect");
        find("until".to_owned(), Lint::ExceptionIsOver, what, "remove it");
    } else if until > now.plus(MAX_AHEAD) {
        let what = format!("it ends at {until}, more than 90 days from now, and has no effect before its last 90 days");
        find(
            "until".to_owned(),
            Lint::ExceptionTooFarAhead,
            what,
            "set an end within 90 days, and extend it later if necessary",
        );
    }
    for (i, pattern) in exception.images.iter().enumerate() {
        let key = format!("images[{i}]");
        if let Some((lint, what, instead)) = admits_unseen(pattern) {
            find(key, lint, what, instead);
        } else if !cover::names_one_digest(pattern) {
            let what = "the pattern has no digest, so it admits whatever its tags point to, even after a tag has moved"
                .to_owned();
            find(key, Lint::ExceptionByTag, what, "write the digest that is meant: …@sha256:…");
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use image_trust::policy::check;

    #[test]
    fn exceptions() {
        use Lint::{
            AllowsADomain, AllowsAPublicRegistry, AllowsAnyRegistry, BreakGlass, ExceptionByTag, ExceptionIsOver,
            ExceptionTooFarAhead,
        };
        let now = UnixTime::parse("2026-11-30T00:00:00Z").unwrap();
        let digest = format!("ghcr.io/acme/app@sha256:{}", "1".repeat(64));
        let one = |image: &str, until: &str| json!([{"images": [image], "until": until, "reason": "INC-1"}]);
        let (soon, image) = ("2026-12-31T00:00:00Z", "exceptions[0].images[0]");
        // exceptions, features, what is found, the reason
        type Row<'a> = (Value, Value, &'a [(&'a str, Lint)], &'a str);
        let rows: &[Row<'_>] = &[
            (one(&digest, soon), json!({}), &[], "one image for a month"),
            (one("ghcr.io/acme/app:v1", soon), json!({}), &[(image, ExceptionByTag)], "a tag"),
            (one("ghcr.io/acme/*", soon), json!({}), &[(image, ExceptionByTag)], "every tag of an account"),
            (one("*", soon), json!({}), &[(image, AllowsAnyRegistry)], "everything"),
            (
                one("docker.io/*", soon),
                json!({}),
                &[(image, AllowsAPublicRegistry)],
                "every account of a public registry",
            ),
            (one("*.example.com/*", soon), json!({}), &[(image, AllowsADomain)], "every host of a domain"),
            (
                one(&digest, "2026-11-30T00:00:00Z"),
                json!({}),
                &[("exceptions[0].until", ExceptionIsOver)],
                "it ends now",
            ),
            (one(&digest, "2027-02-28T00:00:00Z"), json!({}), &[], "as far ahead as may be"),
            (
                one(&digest, "2027-02-28T00:00:01Z"),
                json!({}),
                &[("exceptions[0].until", ExceptionTooFarAhead)],
                "too far",
            ),
            (Value::Null, json!({"breakGlass": true}), &[("features.breakGlass", BreakGlass)], "break-glass"),
        ];
        for (exceptions, features, expected, why) in rows {
            let settings = json!({
                "validators": [{"name": "deny", "type": "static", "approve": false}],
                "policy": [{"pattern": "*:*", "validator": "deny"}],
                "exceptions": exceptions,
                "features": features,
            })
            .to_string();
            assert_eq!(check(&settings), [], "{why}: settings that are accepted");
            let found = crate::lint(&settings, now);
            let told: Vec<(&str, Lint)> = found.iter().map(|finding| (finding.path.as_str(), finding.lint)).collect();
            assert_eq!(told, *expected, "{why}: {found:#?}");
        }
    }
}
