//! `_include`: puts the rules of other files among those of one.
//!
//! Source: svdtools README; where both have a key, the including file's value wins, lists are
//! joined and maps merged (`update_dict` of svdtools 0.5.0).

use std::path::{Path, PathBuf};

use super::Patcher;
use super::yaml::{Kind, Map, Node};

const INCLUDE: &str = "_include";

/// Includes in each other.
const MAX_DEPTH: u32 = 16;

/// Values that all includes together may bring.
const MAX_INCLUDES: u32 = 10_000;

/// The files that `root`, read from `path`, includes directly.
pub(super) fn paths(path: &Path, root: &Node) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let Some(map) = root.map() else { return all };
    let inner = map.iter().filter(|(key, _)| !key.text.starts_with('_'));
    for map in inner.filter_map(|(_, value)| value.map()).chain([map]) {
        all.extend(names(map).into_iter().map(|node| beside(path, node.text().unwrap_or(""))));
    }
    all
}

/// The first of `files`, each with its path, with all that it includes in it.
pub(super) fn merged(files: &[(&Path, Node)], patcher: &mut Patcher<'_>) -> Option<Node> {
    let (_, root) = files.first()?;
    let open = vec![beside_itself(files[0].0)];
    let mut merging = Merging { files, patcher, includes: 0, open };
    match &root.kind {
        Kind::Map(map) => {
            let kind = Kind::Map(merging.map(files[0].0, map, 0));
            Some(Node { place: root.place, kind })
        }
        Kind::Null => None,
        _ => {
            merging.patcher.warn(root.place, "", "a patch is a map of rules, and this is not");
            None
        }
    }
}

struct Merging<'m, 'a> {
    files: &'m [(&'m Path, Node)],
    patcher: &'m mut Patcher<'a>,
    includes: u32,
    /// The files around the place that is being merged, the outermost first.
    open: Vec<PathBuf>,
}

impl Merging<'_, '_> {
    /// `map`, which stands in the file at `path`, with what it and its values include.
    fn map(&mut self, path: &Path, map: &Map, depth: u32) -> Map {
        let mut merged: Map = Vec::with_capacity(map.len());
        for (key, value) in map.iter().filter(|(key, _)| key.text != INCLUDE) {
            let value = match &value.kind {
                Kind::Map(inner) if !key.text.starts_with('_') && has_include(inner) => {
                    Node { place: value.place, kind: Kind::Map(self.map(path, inner, depth)) }
                }
                _ => value.clone(),
            };
            merged.push((key.clone(), value));
        }
        let mut seen: Vec<PathBuf> = Vec::new();
        for name in names(map) {
            let included = beside(path, name.text().unwrap_or(""));
            if seen.contains(&included) {
                continue;
            }
            if self.open.contains(&included) {
                let what = format!("`{}` includes itself", included.display());
                self.patcher.warn(name.place, "", what);
                continue;
            }
            self.includes += 1;
            if depth >= MAX_DEPTH || self.includes > MAX_INCLUDES {
                let what = format!("includes nest deeper than {MAX_DEPTH}, or are too many");
                self.patcher.warn(name.place, "", what);
                return merged;
            }
            let files = self.files;
            if let Some((path, Node { kind: Kind::Map(inner), .. })) =
                files.iter().find(|(path, _)| **path == *included)
            {
                self.open.push(included.clone());
                let inner = self.map(path, inner, depth + 1);
                self.open.pop();
                self.update(&mut merged, inner);
            }
            seen.push(included);
        }
        merged
    }

    fn update(&mut self, map: &mut Map, from: Map) {
        for (key, value) in from {
            let Some((_, there)) = map.iter_mut().find(|(own, _)| own.text == key.text) else {
                map.push((key, value));
                continue;
            };
            match (&mut there.kind, value.kind) {
                (Kind::Map(there), Kind::Map(value)) => self.update(there, value),
                (Kind::List(there), Kind::List(value)) => there.extend(value),
                (Kind::List(there), kind @ Kind::Text(_)) => {
                    there.push(Node { place: value.place, kind });
                }
                (Kind::Text(_), Kind::List(mut list)) => {
                    list.insert(0, there.clone());
                    there.kind = Kind::List(list);
                }
                (Kind::Text(own), Kind::Text(other)) if *own == other => {}
                _ => {
                    let what = format!("`{}` is said otherwise by the including file", key.text);
                    self.patcher.warn(key.place, "", what);
                }
            }
        }
    }
}

fn has_include(map: &Map) -> bool {
    map.iter().any(|(key, _)| key.text == INCLUDE)
}

fn names(map: &Map) -> Vec<&Node> {
    let include = map.iter().find(|(key, _)| key.text == INCLUDE).map(|(_, value)| value);
    let nodes = match include {
        Some(Node { kind: Kind::List(list), .. }) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    nodes.into_iter().filter(|node| node.text().is_some()).collect()
}

fn beside_itself(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// `name`, which is relative to the file at `path`, without `..` where that can be told.
fn beside(path: &Path, name: &str) -> PathBuf {
    let joined = path.parent().unwrap_or(Path::new("")).join(name);
    joined.canonicalize().unwrap_or(joined)
}
