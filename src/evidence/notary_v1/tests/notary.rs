//! What do repositories prove that notary itself wrote?

use std::{fs, path::Path};

use image_trust_testbed::suite;

use super::{super::*, key, tag};

/// The files below a folder, with roles by their names.
fn files_in(folder: &Path) -> Files {
    let role = |path: &Path| Role::parse(&path.file_stem()?.to_str()?.replace("targets_", "targets/"));
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    Files(paths.filter_map(|path| Some((role(&path)?, fs::read(&path).unwrap()))).collect())
}

/// Repositories that notary itself wrote: one that comes with its sources, and two of a server of Debian.
#[test]
fn repositories_of_notary() {
    let Some(evidence) = suite::evidence() else { return };
    let samples = evidence.join("../samples/notaryv1");
    let upstream = evidence.join("notary/notary0.1/tuf/docker.com/notary0.1/samplerepo/metadata");
    // When the samples were made: their timestamps last for fourteen days.
    let now = UnixTime::parse("2026-11-23T00:00:00Z").unwrap();
    let rows: &[(&Path, &str, &[&str], &str, bool)] = &[
        (&upstream, "docker.com/notary0.1/samplerepo", &[], "LICENSE", true),
        (&samples.join("app"), "localhost:5003/dct/app", &[], "v1", true),
        (&samples.join("deleg"), "localhost:5003/dct/deleg", &[], "v1", true),
        (&samples.join("deleg"), "localhost:5003/dct/deleg", &[], "v2", false),
        (&samples.join("deleg"), "localhost:5003/dct/deleg", &["alice"], "v1", true),
        (&samples.join("deleg"), "localhost:5003/dct/deleg", &["carol"], "v1", false),
    ];
    for (folder, gun, delegations, wanted, expected) in rows {
        let files = files_in(folder);
        let delegations: Vec<String> = delegations.iter().map(|name| (*name).to_owned()).collect();
        let mut root = Root::verify(&files, now).unwrap();
        let owner = root.pinnable();
        assert_eq!(root.pin(&key("alice"), gun), Err(RootError::NotSigned), "{gun}");
        assert_eq!(root.pin(&owner, "docker.io/library/alpine"), Err(RootError::Gun(vec![(*gun).to_owned()])));
        assert_eq!(root.pin(&owner, gun), Ok(()));
        let data = TrustData::verify(root, &files, now).unwrap();
        let signed = data.find(Wanted { delegations: &delegations, ..tag(wanted) });
        let digest = signed.as_ref().ok().map(|signed| signed.digest);
        assert_eq!(digest.is_some(), *expected, "{gun}, {delegations:?}, {wanted}: {:?}", signed.err());
    }
    let pinned = fs::read_to_string(samples.join("root.pub")).unwrap();
    let pinned = PublicKey::parse(&pinned).unwrap();
    let app = files_in(&samples.join("app"));
    assert_eq!(Root::verify(&app, now).unwrap().pinnable(), pinned);
    let late = UnixTime::parse("2026-12-24T00:00:00Z").unwrap();
    let late = TrustData::verify(Root::verify(&app, late).unwrap(), &app, late).map(|_| ());
    assert!(matches!(late, Err(TrustDataError::Expired(Role::Timestamp, _))), "{late:?}");
}
