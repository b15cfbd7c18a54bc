//! Does any module of `src` look up, or know a module that knows it?
//!
//! The floors are those of ARCHITECTURE.md. What a module knows is read from its `use` declarations and from paths that begin with `crate` or `super`; unit
//! tests may know everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use syn::{
    Item, UseTree,
    visit::{self, Visit},
};

/// The top-level modules, the lowest floor first. Modules of one floor do not know each other.
const FLOORS: [&[&str]; 15] = [
    &["glob", "json", "ordered", "text", "time"],
    &["image"],
    &["signing"],
    &["host"],
    &["sigstore"],
    &["condition", "evidence"],
    &["verify"],
    &["explain"],
    &["policy"],
    &["kubernetes"],
    &["verdict"],
    &["report"],
    &["review"],
    &["answer"],
    &["guest"],
];

type Module = Vec<String>;

/// What one file says: the modules that it declares, what it re-exports from where, and the paths that it uses.
#[derive(Default)]
struct Source {
    reexports: BTreeMap<String, Module>,
    used: Vec<Module>,
}

/// Collects paths, resolved to the crate's root.
struct Paths<'s> {
    module: &'s Module,
    source: Source,
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

impl Paths<'_> {
    /// The path from the root; `None` if it leads out of the crate.
    fn absolute(&self, path: &[String]) -> Option<Module> {
        let mut at = match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" | "super" => self.module.clone(),
            // A child, as in `use quorum::Quorum`.
            child if self.children().any(|other| other == child) => {
                return Some([self.module.clone(), path.to_vec()].concat());
            }
            _ => return None,
        };
        let supers = path.iter().take_while(|part| *part == "super").count();
        at.truncate(at.len().checked_sub(supers)?);
        let rest = path.iter().skip_while(|part| ["self", "super"].contains(&part.as_str()));
        Some(at.into_iter().chain(rest.cloned()).collect())
    }

    fn children(&self) -> impl Iterator<Item = &String> {
        let children = MODULES.iter().filter(|other| other.len() == self.module.len() + 1);
        children.filter(|child| child.starts_with(self.module)).filter_map(|child| child.last())
    }

    fn tree(&mut self, tree: &UseTree, mut before: Vec<String>, is_public: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before, is_public);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before.clone(), is_public);
                }
            }
            UseTree::Name(name) => self.leaf(before, name.ident.to_string(), None, is_public),
            UseTree::Rename(rename) => {
                self.leaf(before, rename.ident.to_string(), Some(rename.rename.to_string()), is_public);
            }
            UseTree::Glob(_) => {
                let absolute = self.absolute(&before);
                self.source.used.extend(absolute);
            }
        }
    }

    fn leaf(&mut self, mut path: Vec<String>, name: String, rename: Option<String>, is_public: bool) {
        if name != "self" {
            path.push(name.clone());
        }
        let Some(absolute) = self.absolute(&path) else { return };
        if is_public {
            self.source.reexports.insert(rename.unwrap_or(name), absolute.clone());
        }
        self.source.used.push(absolute);
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Use(item) => self.tree(&item.tree, Vec::new(), !matches!(item.vis, syn::Visibility::Inherited)),
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            let absolute = self.absolute(&parts);
            self.source.used.extend(absolute);
        }
        visit::visit_path(self, path);
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every module below `src`, with its file.
fn files() -> BTreeMap<Module, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Some(name) = path.strip_prefix(root()).unwrap().to_str().and_then(|name| name.strip_suffix(".rs"))
            else {
                continue;
            };
            let name = name.strip_suffix("/mod").unwrap_or(name);
            if name != "lib" {
                found.insert(name.split('/').map(str::to_owned).collect(), path);
            }
        }
    }
    found
}

static MODULES: LazyLock<BTreeSet<Module>> = LazyLock::new(|| files().into_keys().collect());

/// For every module, the modules that it knows: those in which what it uses is defined.
fn known() -> BTreeMap<Module, BTreeSet<Module>> {
    let sources: BTreeMap<Module, Source> = files()
        .into_iter()
        .map(|(module, path)| {
            let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
            let mut paths = Paths { module: &module, source: Source::default() };
            paths.visit_file(&file);
            let source = paths.source;
            (module, source)
        })
        .collect();
    let define = |path: &Module| -> Option<Module> {
        let mut path = path.clone();
        // Re-exports lead to re-exports.
        for _ in 0..4 {
            let module =
                (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|part| sources.contains_key(part))?;
            let next = path.get(module.len()).and_then(|name| sources[&module].reexports.get(name));
            match next {
                Some(next) => path = [next.clone(), path[module.len() + 1..].to_vec()].concat(),
                None => return Some(module),
            }
        }
        None
    };
    let knows = |(module, source): (&Module, &Source)| {
        // What a module re-exports it need not know.
        let reexported: BTreeSet<&Module> = source.reexports.values().collect();
        let used = source.used.iter().filter(|path| !reexported.contains(path)).filter_map(define);
        (module.clone(), used.filter(|other| other != module).collect())
    };
    sources.iter().map(knows).collect()
}

fn floor(module: &Module) -> usize {
    let name = module[0].as_str();
    FLOORS.iter().position(|floor| floor.contains(&name)).unwrap_or_else(|| panic!("{name} has no floor"))
}

#[test]
fn nobody_looks_up() {
    let known = known();
    assert!(known.values().map(BTreeSet::len).sum::<usize>() > 150, "the paths were found");
    let up: Vec<String> = known
        .iter()
        .flat_map(|(module, others)| others.iter().map(move |other| (module, other)))
        .filter(|(module, other)| module[0] != other[0] && floor(module) <= floor(other))
        .map(|(module, other)| format!("{} knows {}", module.join("::"), other.join("::")))
        .collect();
    assert!(up.is_empty(), "{}", up.join("\n"));
}

#[test]
fn no_two_modules_know_each_other() {
    let known = known();
    let reaches = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = next.pop() {
            for other in known.get(&module).into_iter().flatten() {
                if seen.insert(other.clone()) {
                    next.push(other.clone());
                }
            }
        }
        seen
    };
    let circles: Vec<String> = known
        .keys()
        .filter(|module| reaches(module).contains(*module))
        .map(|module| format!("{} knows itself, by way of {:?}", module.join("::"), known[module]))
        .collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}
