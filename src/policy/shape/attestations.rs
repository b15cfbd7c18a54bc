//! Which keys may an attestation have?

use super::{
    Table,
    conditions::AGE,
    field::{Field, Shape, about, optional, required},
};

impl<const TOLD: bool> Table<TOLD> {
    pub(super) const ATTESTATION: &'static [Field] = &[
        required(
            "predicateType",
            Shape::NameOrNames,
            told!(
                about(
                    "The type of its predicate: a URI, or a [short name](attestations.md#predicate-types). In a list, one of them is enough.",
                    r#""slsaprovenance1""#
                )
                .bytes(512)
            ),
        ),
        optional(
            "trustRoot",
            Shape::Text,
            told!(
                about("The trust root that has to sign it. `\"*\"` stands for all trust roots of the validator.", r#""builder""#)
                    .kind("name or `\"*\"`")
                    .absent("the signers of the rule")
            ),
        ),
        optional(
            "trustRoots",
            Shape::Names,
            told!(about("The same for several trust roots. Not beside `trustRoot`.", r#"["scanner", "builder"]"#).absent("none")),
        ),
        optional(
            "threshold",
            Shape::Count,
            told!(
                about("How many distinct trust roots have to sign a matching attestation. Only with `trustRoots`, or `trustRoot: \"*\"`.", "1")
                    .kind("1 to their number")
                    .absent("all of them")
            ),
        ),
        optional(
            "maxAge",
            Shape::Text,
            told!(
                about("The maximum age of the signer's certificate. Only for keyless trust roots. For keys, use `newerThan` in a condition.", r#""7d""#)
                    .kind("`7d`, `36h`, `90m`")
                    .form(AGE)
                    .absent("any age")
            ),
        ),
        optional(
            "subjects",
            Shape::Word(&["image", "platforms"]),
            told!(
                about("What must be attested: `image` is the verified digest, `platforms` is every platform that the index lists.", r#""platforms""#)
                    .default(r#""image""#)
            ),
        ),
        optional(
            "where",
            Shape::List(&Shape::Object(Self::CONDITION)),
            told!(
                about("What the predicate has to say: [conditions](attestations.md#conditions). All of them have to be met.", r#"[{"path": "buildDefinition.buildType", "equals": "https://actions.github.io/buildtypes/workflow/v1"}]"#)
                    .absent("anything")
                    .most(64)
            ),
        ),
    ];
}
