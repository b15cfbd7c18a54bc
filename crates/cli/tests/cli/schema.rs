//! `image-trust schema` from outside: is the schema in the repository the one that the command prints?

use std::{env, fs, path::Path};

use crate::command::{image_trust, text};

#[test]
fn the_schema_in_the_repository_is_what_the_command_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.schema.json");
    let output = image_trust(Path::new("."), &["schema"], "");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let printed = text(&output.stdout);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &printed).expect("a file");
    }
    let told = "run the tests with UPDATE_EXPECT=1 to write docs/settings.schema.json again";
    assert!(fs::read_to_string(&path).is_ok_and(|text| text == printed), "{told}");
}
