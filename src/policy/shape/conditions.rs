//! Which keys may a condition on the predicate of an attestation have?

use super::{
    Table,
    field::{Field, Shape, about, optional, required},
};

pub(super) const AGE: &str = "^[1-9][0-9]{0,4}[dhm]$";

impl<const TOLD: bool> Table<TOLD> {
    /// An entry of a list of conditions.
    pub(super) const CONDITION: &'static [Field] = {
        let [a, b, c, d, e, f, g, h, i, j] = Self::COMPARISONS;
        let path = Field { required: false, ..Self::PATH };
        &[path, a, b, c, d, e, f, g, h, i, j, Self::ANY]
    };

    /// An entry of `any`.
    pub(super) const ALTERNATIVE: &'static [Field] = {
        let [a, b, c, d, e, f, g, h, i, j] = Self::COMPARISONS;
        &[Self::PATH, a, b, c, d, e, f, g, h, i, j]
    };

    const PATH: Field = required(
        "path",
        Shape::Text,
        told!(
            about(
                "The part of the predicate that is compared: [Paths](attestations.md#paths).",
                r#""buildDefinition.externalParameters.workflow.ref""#
            )
            .kind("path")
            .bytes(512)
            .choice("place")
        ),
    );

    const ANY: Field = optional(
        "any",
        Shape::List(&Shape::Object(Self::ALTERNATIVE)),
        told!(
            about(
                "Conditions of which one is enough. An entry with `any` has no other key.",
                r#"[{"path": "bomFormat", "equals": "CycloneDX"}, {"path": "spdxVersion", "prefix": "SPDX-2"}]"#
            )
            .most(16)
            .choice("place")
            .choice("comparison")
        ),
    );

    const COMPARISONS: [Field; 10] = [
        optional(
            "equals",
            Shape::Scalar,
            told!(
                about(
                    "The value must be this one, and of the same type.",
                    r#""https://actions.github.io/buildtypes/workflow/v1""#
                )
                .choice("comparison")
            ),
        ),
        optional(
            "in",
            Shape::List(&Shape::Scalar),
            told!(
                about("The value must be one of these.", r#"["push", "workflow_dispatch"]"#)
                    .kind("texts, numbers or bools")
                    .most(64)
                    .choice("comparison")
            ),
        ),
        optional(
            "noneOf",
            Shape::List(&Shape::Scalar),
            told!(
                about("The value must be none of these, and of the type of one of them.", r#"["CRITICAL", "HIGH"]"#)
                    .kind("texts, numbers or bools")
                    .most(64)
                    .choice("comparison")
            ),
        ),
        optional(
            "matches",
            Shape::Text,
            told!(
                Self::expression("A regular expression that has to match the whole text.", r#""^refs/tags/v[0-9]+$""#)
                    .choice("comparison")
            ),
        ),
        optional(
            "prefix",
            Shape::Text,
            told!(
                about("The beginning of the text.", r#""git+https://github.com/acme/""#)
                    .bytes(4096)
                    .choice("comparison")
            ),
        ),
        optional(
            "atLeast",
            Shape::Number,
            told!(about("The smallest number. A text that is a number counts as one.", "2").choice("comparison")),
        ),
        optional(
            "atMost",
            Shape::Number,
            told!(about("The largest number. A text that is a number counts as one.", "6.9").choice("comparison")),
        ),
        optional(
            "newerThan",
            Shape::Text,
            told!(
                about("How long ago the time (RFC 3339) may be, in days, hours or minutes.", r#""7d""#)
                    .kind("`7d`, `36h`, `90m`")
                    .form(AGE)
                    .choice("comparison")
            ),
        ),
        optional(
            "exists",
            Shape::Flag,
            told!(about("The path leads to a value other than `null`.", "true").kind("`true`").choice("comparison")),
        ),
        optional(
            "countAtMost",
            Shape::CountFromZero,
            told!(
                about("The largest number of values to which the path leads. Only for paths with `[*]`.", "0")
                    .choice("comparison")
            ),
        ),
    ];
}
