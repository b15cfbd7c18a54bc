//! Which bytes does a DSSE envelope sign?

/// The pre-authentication encoding of a payload and its type (DSSE v1.0.2, "Protocol"). Lengths are in bytes, and the payload is not in base64.
pub(crate) fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let rows = [
            ("http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world"),
            ("", "", "DSSEv1 0  0 "),
            ("ü", "é", "DSSEv1 2 ü 2 é"),
        ];
        for (payload_type, payload, expected) in rows {
            assert_eq!(pre_authentication_encoding(payload_type, payload.as_bytes()), expected.as_bytes());
        }
    }
}
