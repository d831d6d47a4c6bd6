//! The files of a project, without the parts that can be endless.

use std::path::{Path, PathBuf};

/// Folders that hold no source of truth, or are looked at on their own.
const SKIPPED: &[&str] = &["target", "node_modules", "__pycache__", "venv"];

/// A project with more entries than this is looked at in part.
const MOST_ENTRIES: usize = 20_000;

/// Files below `folder`, up to `depth` folders deep, in path order. Hidden folders, links to
/// folders and what cannot be read are passed over.
pub(crate) fn files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((folder, level)) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_ENTRIES {
                break;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() {
                if level < depth && !is_skipped(&path) {
                    open.push((path, level + 1));
                }
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_skipped(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || SKIPPED.contains(&name.as_ref())
}

/// Those of `files` whose extension is one of `extensions`, in any case.
pub(super) fn with_extension<'a>(
    files: &'a [PathBuf],
    extensions: &'a [&str],
) -> impl Iterator<Item = &'a PathBuf> {
    files.iter().filter(move |path| {
        let extension = path.extension().unwrap_or_default();
        extensions.iter().any(|wanted| extension.eq_ignore_ascii_case(wanted))
    })
}
