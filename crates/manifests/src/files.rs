//! Which files are meant by the paths of a command line?

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// What stands for standard input in place of a file.
pub const STDIN: &str = "-";
/// The endings of the files that are looked for in folders.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// The names that kustomize looks for.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A folder or file that cannot be looked at.
#[derive(Debug)]
pub struct Unfound {
    /// The path of the folder or file.
    pub path: PathBuf,
    /// The reason for which it cannot be looked at.
    pub error: io::Error,
}

/// The files that these paths name: each file as it is given, and what folders hold, sorted. No file comes twice.
///
/// In folders those that end in `.yaml`, `.yml` or `.json` are taken, and files called `Kustomization`. Hidden folders and links to folders are skipped.
///
/// # Errors
/// When a path does not exist, or a folder cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Unfound> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new(STDIN) {
            found.push(path.clone());
            continue;
        }
        let is_folder = fs::metadata(path).map_err(|error| Unfound { path: path.clone(), error })?.is_dir();
        if is_folder {
            folder(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|path| known.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

fn folder(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Unfound> {
    let unfound = |error| Unfound { path: path.to_owned(), error };
    let entries = fs::read_dir(path).map_err(unfound)?.collect::<io::Result<Vec<_>>>().map_err(unfound)?;
    let mut entries: Vec<_> = entries.into_iter().map(|entry| (entry.path(), entry.file_type())).collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (path, kind) in entries {
        let kind = kind.map_err(|error| Unfound { path: path.clone(), error })?;
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if kind.is_dir() {
            if !is_hidden {
                folder(&path, found)?;
            }
        } else if (has_ending(&path) || is_kustomization(&path)) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether kustomize would look for a file of this name.
#[must_use]
pub fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| KUSTOMIZATIONS.iter().any(|known| name == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for name in
            ["b/z.yml", "b/a.JSON", "a.yaml", "b/notes.md", ".git/x.yaml", "b/.hidden/x.yaml", "c/Kustomization"]
        {
            write(name);
        }
        let names = |paths: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(|path| dir.path().join(path)).collect();
            let found = find(&paths).unwrap();
            let name = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned();
            found.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(&[""]), ["a.yaml", "b/a.JSON", "b/z.yml", "c/Kustomization"], "a folder");
        assert_eq!(names(&["b/notes.md"]), ["b/notes.md"], "a file with another ending that is named");
        assert_eq!(names(&["b/z.yml", "b"]), ["b/z.yml", "b/a.JSON"], "no file comes twice");
        assert_eq!(names(&["b/.hidden"]), ["b/.hidden/x.yaml"], "a hidden folder that is named");
        assert_eq!(find(&[PathBuf::from("-")]).unwrap(), [PathBuf::from("-")], "standard input");
        let missing = dir.path().join("missing");
        assert_eq!(find(std::slice::from_ref(&missing)).unwrap_err().path, missing);
    }
}
