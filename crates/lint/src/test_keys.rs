//! Which keys do these tests sign with? With none: nobody has the private half of these, so nothing is found of them alone.

pub(crate) const ALICE: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFAOzT9IN4g4/nXxa+V44SqM6hvgn\n\
9xXpGXDQfY+H5dwtwQ4tmFn4tQroouSro1PgwiR33zYDMJyjFmd8/fMPEg==\n\
-----END PUBLIC KEY-----\n\
";
pub(crate) const BOB: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHz1EH3sf2UCEKxZ04l6M3mb8y30d\n\
Cqgz0ZbYAY1ybSDbsUJ1w6Z6heNqRHTLU00ye2Q/okoFOgi3J+VoPoZ51g==\n\
-----END PUBLIC KEY-----\n\
";
