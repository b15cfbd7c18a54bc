//! Does a root certificate name this repository?

/// Whether the common name of a root certificate covers the GUN: it is the same, or it ends with `*` and the GUN begins with the rest of it
/// (notary, `trustpinning/certs.go`).
pub(super) fn names(common_name: &str, gun: &str) -> bool {
    match common_name.ends_with('*') {
        true => gun.starts_with(common_name.trim_end_matches('*')),
        false => common_name == gun,
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn certificates_name_repositories() {
        let gun = "registry.example.com/acme/app";
        let rows = [
            (gun, true, "the same"),
            ("registry.example.com/acme/*", true, "a prefix"),
            ("registry.example.com/acme/app*", true, "a prefix that is all of it"),
            ("registry.example.com/acme/**", true, "two asterisks are one"),
            ("*", true, "every repository"),
            ("registry.example.com/acme/app2", false, "a longer name"),
            ("registry.example.com/acme", false, "a prefix without an asterisk"),
            ("registry.example.com/*/app", false, "an asterisk that is not at the end"),
            ("Registry.example.com/acme/app", false, "another case"),
            ("", false, "no name"),
        ];
        for (name, expected, why) in rows {
            assert_eq!(names(name, gun), expected, "{why}: {name}");
        }
    }
}
