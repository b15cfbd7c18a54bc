//! Does a text match a pattern with stars?

/// Does `text` match `pattern`, in which `*` stands for any run of characters?
///
/// Goes back to the last `*` only, so the work is at most the product of two bounded lengths.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.as_bytes(), text.as_bytes());
    let mut last_star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => {
                last_star = Some((rest, text));
                pattern = rest;
            }
            ([p, p_rest @ ..], [t, t_rest @ ..]) if p == t => (pattern, text) = (p_rest, t_rest),
            ([], []) => return true,
            _ => match last_star {
                Some((after_star, [_, shorter @ ..])) => {
                    last_star = Some((after_star, shorter));
                    (pattern, text) = (after_star, shorter);
                }
                _ => return false,
            },
        }
    }
}
