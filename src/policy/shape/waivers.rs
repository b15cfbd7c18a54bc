//! Which keys may an exception, and an entry of `workloads`, have?

use super::{
    TIME, Table,
    field::{Field, Shape, about, optional, required},
};

impl<const TOLD: bool> Table<TOLD> {
    pub(super) const EXCEPTION: &'static [Field] = &[
        required(
            "images",
            Shape::List(&Shape::Pattern),
            told!(about("The [patterns](#patterns) of the images. As in a rule that allows by name, a pattern with a tag does not match a reference with a digest.", r#"["ghcr.io/acme/legacy@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]"#).most(20)),
        ),
        optional(
            "namespaces",
            Shape::Names,
            told!(about("The namespaces in which the images are admitted.", r#"["shop"]"#).absent("all of them").most(20)),
        ),
        required(
            "until",
            Shape::Text,
            told!(about("The end of the exception. It must be at most 90 days ahead; otherwise the exception has no effect yet.", r#""2026-12-31T00:00:00Z""#).kind("time in UTC").form(TIME)),
        ),
        required(
            "reason",
            Shape::Text,
            told!(about("The reason for the exception and who made it. It is in every warning and audit record.", r#""INC-1234: the vendor signs from January on""#).bytes(200)),
        ),
    ];

    pub(super) const WORKLOAD: &'static [Field] = &[
        required(
            "apiGroup",
            Shape::Text,
            told!(
                about("The API group of the kind, without a version.", r#""argoproj.io""#)
                    .bytes(253)
                    .form(r"^[a-z0-9.-]+$")
            ),
        ),
        required(
            "kind",
            Shape::Text,
            told!(about("The name of the kind.", r#""Rollout""#).bytes(253).form("^[A-Za-z0-9]+$")),
        ),
        required(
            "podSpec",
            Shape::Text,
            told!(
                about(
                    "The path to the pod spec. A kind with several pod specs has an entry for each.",
                    r#""spec.template.spec""#
                )
                .bytes(253)
                .form(r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")
            ),
        ),
    ];
}
