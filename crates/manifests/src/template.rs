//! Is this a template?

/// What begins an expression in Go templates, Jinja and Mustache.
pub(crate) const MARK: &str = "{{";

/// The position of the first expression that stands neither in quotes nor in a comment.
pub(crate) fn find(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if let Some(at) = in_line(line) {
            return Some(start + at);
        }
        start += line.len();
    }
    None
}

fn in_line(line: &str) -> Option<usize> {
    let (mut quote, mut before) = (None, ' ');
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open && !(c == '"' && before == '\\') => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
            (None, '#') if before.is_whitespace() => return None,
            (None, '{') if line.get(at..).is_some_and(|rest| rest.starts_with(MARK)) => return Some(at),
            (None, _) => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_found_where_they_count() {
        let rows = [
            ("a: b\nc: {{ .Values.c }}\n", Some(8), "a value"),
            ("{{- if .Values.a }}\n", Some(0), "a line"),
            ("a: '{{ b }}'\n", None, "in quotes"),
            ("a: \"\\\"{{ b }}\"\n", None, "in quotes with a quote"),
            ("a: b # {{ c }}\n", None, "in a comment"),
            ("a: it's {{ b }}\n", Some(8), "an apostrophe begins no quotes"),
            ("a: {b: {c: d}}\n", None, "mappings"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(find(text), expected, "{why}");
        }
    }
}
