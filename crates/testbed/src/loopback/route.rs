//! What does a path of the distribution specification ask for?

/// An endpoint, with the parts of the path that it takes. Repositories may have any number of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Base,
    Manifest {
        repository: &'a str,
        reference: &'a str,
    },
    Blob {
        repository: &'a str,
        digest: &'a str,
    },
    Uploads {
        repository: &'a str,
    },
    Upload {
        repository: &'a str,
        id: &'a str,
    },
    Tags {
        repository: &'a str,
    },
    Referrers {
        repository: &'a str,
        digest: &'a str,
    },
    /// Trust data of Notary v1, which a server of its own has elsewhere.
    TrustData {
        repository: &'a str,
        file: &'a str,
    },
    /// Anything else.
    Unknown,
}

impl<'a> Route<'a> {
    /// The endpoint's words are looked for from the end: repositories may have components called `blobs` or `manifests`.
    pub(super) fn parse(path: &'a str) -> Self {
        let Some(rest) = path.strip_prefix("/v2") else {
            return Self::Unknown;
        };
        if rest.is_empty() || rest == "/" {
            return Self::Base;
        }
        let Some(rest) = rest.strip_prefix('/') else {
            return Self::Unknown;
        };
        // Names of delegations have a slash in them.
        if let Some((repository, file)) = rest.split_once("/_trust/tuf/") {
            return Self::TrustData { repository, file };
        }
        let Some((front, last)) = rest.rsplit_once('/') else {
            return Self::Unknown;
        };
        let route = if let Some(repository) = front.strip_suffix("/blobs/uploads") {
            if last.is_empty() { Self::Uploads { repository } } else { Self::Upload { repository, id: last } }
        } else if let Some(repository) = rest.strip_suffix("/blobs/uploads") {
            Self::Uploads { repository }
        } else if let Some(repository) = front.strip_suffix("/manifests") {
            Self::Manifest { repository, reference: last }
        } else if let Some(repository) = front.strip_suffix("/blobs") {
            Self::Blob { repository, digest: last }
        } else if let Some(repository) = front.strip_suffix("/referrers") {
            Self::Referrers { repository, digest: last }
        } else if let Some(repository) = rest.strip_suffix("/tags/list") {
            Self::Tags { repository }
        } else {
            Self::Unknown
        };
        // Without a repository, or without what is asked about in it, the path is of no endpoint.
        match route {
            Self::Manifest { reference: "", .. }
            | Self::Blob { digest: "", .. }
            | Self::Referrers { digest: "", .. } => Self::Unknown,
            route if route.repository() == Some("") => Self::Unknown,
            route => route,
        }
    }

    pub(super) fn repository(&self) -> Option<&'a str> {
        match self {
            Self::Base | Self::Unknown => None,
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Uploads { repository }
            | Self::Upload { repository, .. }
            | Self::Referrers { repository, .. }
            | Self::TrustData { repository, .. }
            | Self::Tags { repository } => Some(repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Route::{self, *};

    #[test]
    fn a_path_is_read_from_its_end() {
        let table: &[(&str, Route<'_>, &str)] = &[
            ("/v2/", Base, "the version check"),
            ("/v2", Base, "some clients leave the slash out"),
            ("/v2/nginx/manifests/1", Manifest { repository: "nginx", reference: "1" }, "one component"),
            ("/v2/a/b/c/manifests/sha256:00", Manifest { repository: "a/b/c", reference: "sha256:00" }, "several"),
            (
                "/v2/a/manifests/b/manifests/c",
                Manifest { repository: "a/manifests/b", reference: "c" },
                "a component with an endpoint's name",
            ),
            ("/v2/a/b/blobs/sha256:00", Blob { repository: "a/b", digest: "sha256:00" }, "a blob"),
            ("/v2/a/b/blobs/uploads/", Uploads { repository: "a/b" }, "a new upload"),
            ("/v2/a/b/blobs/uploads", Uploads { repository: "a/b" }, "the same, without the slash"),
            ("/v2/a/blobs/uploads/7", Upload { repository: "a", id: "7" }, "an upload under way"),
            ("/v2/a/b/tags/list", Tags { repository: "a/b" }, "tags"),
            ("/v2/a/b/referrers/sha256:00", Referrers { repository: "a/b", digest: "sha256:00" }, "referrers"),
            (
                "/v2/docker.io/library/a/_trust/tuf/targets/b.json",
                TrustData { repository: "docker.io/library/a", file: "targets/b.json" },
                "trust data of a delegation",
            ),
            ("/v2/a/referrers/", Unknown, "referrers of nothing"),
            ("/v2/a/manifests/", Unknown, "no reference"),
            ("/v2//manifests/1", Unknown, "no repository"),
            ("/v2/manifests/1", Unknown, "no repository either"),
            ("/v3/a/manifests/1", Unknown, "another API"),
            ("/", Unknown, "nothing"),
        ];
        for (path, expected, reason) in table {
            assert_eq!(Route::parse(path), *expected, "{path}: {reason}");
        }
    }
}
