//! The documents name files that exist: a map with wrong names is worse than none.

use std::path::{Path, PathBuf};

/// Source files of the repository, relative to its root.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() && name != "target" && name != ".git" && name != ".venv" {
                found.push(path.strip_prefix(root).unwrap().to_owned());
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_file_that_the_architecture_names_exists() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ARCHITECTURE.md"));
    let text = text.unwrap();
    let sources = sources();
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.ends_with(".rs") || name.ends_with('/'))
        .collect();
    assert!(named.len() > 30, "the page names files: {named:?}");
    for name in named {
        let exists = sources.iter().any(|path| path.ends_with(name.trim_end_matches('/')));
        assert!(exists, "docs/ARCHITECTURE.md names `{name}`, which is not there");
    }
}
