//! How is a file changed, so that it has the old text or the new one, and nothing in between?

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;

/// Puts `after` in place of `before`, by a file beside it that takes its name. Permissions stay, and a link stays a link.
pub(super) fn replace(path: &Path, before: &str, after: &str) -> Result<()> {
    let path = fs::canonicalize(path).context("it cannot be found")?;
    let folder = path.parent().context("it has no parent folder")?;
    if fs::read(&path).context("it cannot be read again")? != before.as_bytes() {
        bail!("the file changed while the command ran: run it again");
    }
    let mut file = NamedTempFile::new_in(folder).context("cannot write into its folder")?;
    file.write_all(after.as_bytes())?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        bail!("it is read-only");
    }
    file.as_file().set_permissions(permissions).context("cannot give the new file its permissions")?;
    file.as_file().sync_all()?;
    file.persist(&path).context("cannot replace it")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_file_has_one_text_or_the_other() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().expect("a directory");
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
        symlink(&file, &link).expect("a link");

        replace(&link, "old", "new").expect("replaced");
        let mode = fs::metadata(&file).expect("a file").permissions().mode() & 0o777;
        assert_eq!((fs::read_to_string(&file).expect("a text").as_str(), mode), ("new", 0o640));
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());

        let error = replace(&file, "old", "newer").expect_err("it was changed");
        assert!(error.to_string().contains("the file changed while the command ran"), "{error}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).expect("permissions");
        assert!(replace(&file, "new", "newer").is_err(), "read-only");
        assert_eq!(fs::read_to_string(&file).expect("a text"), "new");
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 2, "nothing is left behind");
    }
}
