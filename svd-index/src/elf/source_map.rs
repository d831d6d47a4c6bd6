//! Where sources are here: an ELF names them as they were where it was compiled.

use std::sync::OnceLock;

/// Folders as the debug information has them, and what they are here.
///
/// A folder is the start of a path up to a separator: `/build` is one of `/build/main.c`, not of
/// `/builder/main.c`. `/` and `\` both separate, `.` and doubled separators do not count, and
/// paths with a drive (`C:\fw`) are compared without regard to case. A part `*` stands for any
/// one part: `/rustc/*` for the sources of whichever compiler. `.` is the folder that paths which
/// are not absolute start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    /// The one with the most parts first; of equals the one that says more.
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    from: Vec<String>,
    to: String,
}

/// Stands for any one part of a path.
const ANY: &str = "*";

impl SourceMap {
    /// Takes pairs of what to look for and what to put there. An empty folder says nothing and is
    /// left out; of two for one folder the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut rules: Vec<Rule> = Vec::new();
        for (from, to) in pairs {
            if from.is_empty() {
                continue;
            }
            let from: Vec<String> = parts(&from).map(|(part, _)| part.to_owned()).collect();
            rules.retain(|known| known.from != from);
            rules.push(Rule { from, to });
        }
        let vague = |rule: &Rule| rule.from.iter().filter(|part| *part == ANY).count();
        rules.sort_by_key(|rule| (std::cmp::Reverse(rule.from.len()), vague(rule)));
        Self { rules }
    }

    /// Whether it changes no path.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The path here; `None` where no folder fits, and the path is as good as it was.
    pub fn map(&self, path: &str) -> Option<String> {
        self.rules.iter().find_map(|rule| rule.map(path))
    }
}

impl Rule {
    fn map(&self, path: &str) -> Option<String> {
        let has_drive = has_drive(path);
        let same = |rule: &str, part: &str| match has_drive {
            true => rule.eq_ignore_ascii_case(part),
            false => rule == part,
        };
        if self.from.is_empty() && (has_drive || path.starts_with('/')) {
            return None;
        }
        let mut of_path = parts(path);
        let mut end = 0;
        for from in &self.from {
            let (part, after) = of_path.next()?;
            if !(same(from, part) || (from == ANY && !part.is_empty())) {
                return None;
            }
            end = after;
        }
        let mut rest = path[end..].trim_start_matches(['/', '\\']);
        while let Some(below) = rest.strip_prefix("./").or_else(|| rest.strip_prefix(r".\")) {
            rest = below.trim_start_matches(['/', '\\']);
        }
        let to = match self.to.trim_end_matches(['/', '\\']) {
            "" if rest.is_empty() => return Some(self.to.clone()),
            to => to,
        };
        if rest.is_empty() {
            return Some(to.to_owned());
        }
        let is_foreign = has_drive && !self.to.contains('\\');
        let rest = if is_foreign { rest.replace('\\', "/") } else { rest.to_owned() };
        let separator = if self.to.contains('\\') && !self.to.contains('/') { '\\' } else { '/' };
        Some(format!("{to}{separator}{rest}"))
    }
}

/// Parts of a path, each with where it ends. The first of a path from the root is empty.
fn parts(path: &str) -> impl Iterator<Item = (&str, usize)> {
    let from_root = path.starts_with(['/', '\\']).then_some(("", 0));
    let start = path.as_ptr() as usize;
    let named = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let ends = named.map(move |part| (part, part.as_ptr() as usize - start + part.len()));
    from_root.into_iter().chain(ends)
}

/// `C:\` or `\\server`.
fn has_drive(path: &str) -> bool {
    let mut letters = path.chars();
    let drive = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    (drive && letters.next() == Some(':')) || path.starts_with(r"\\")
}

/// A firmware's own list of files as they are here, made when first asked for.
#[derive(Default)]
pub(super) struct MappedFiles {
    map: SourceMap,
    files: OnceLock<Vec<Option<String>>>,
}

impl MappedFiles {
    pub(super) fn new(map: SourceMap) -> Self {
        Self { map, files: OnceLock::new() }
    }

    /// The file at `position` of `all`, if the map changes it.
    pub(super) fn get<'a>(
        &self,
        position: usize,
        all: impl FnOnce() -> Vec<&'a str>,
    ) -> Option<&str> {
        if self.map.is_empty() {
            return None;
        }
        let files =
            self.files.get_or_init(|| all().into_iter().map(|file| self.map.map(file)).collect());
        files.get(position)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn check(rules: &[(&str, &str)], path: &str, expected: Option<&str>) {
        let owned = rules.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        assert_eq!(SourceMap::new(owned).map(path).as_deref(), expected, "{rules:?} {path}");
    }

    #[test]
    fn folders_are_replaced_at_their_borders() {
        let ci = [("/build/fw", "/home/me/fw")];
        check(&ci, "/build/fw/src/main.c", Some("/home/me/fw/src/main.c"));
        check(&ci, "/build/fw", Some("/home/me/fw"));
        check(&ci, "/build/./fw//src/main.c", Some("/home/me/fw/src/main.c"));
        check(&ci, "/build/fw2/src/main.c", None);
        check(&ci, "build/fw/src/main.c", None);
        check(&[("/build/fw/", ".")], "/build/fw/main.c", Some("./main.c"));
        check(&[("/build/fw/", "/")], "/build/fw/main.c", Some("/main.c"));
        check(&[("/", "/mnt/ci")], "/build/main.c", Some("/mnt/ci/build/main.c"));
        check(&[("/", "/mnt/ci")], "src/main.c", None);
        check(&[("src", "fw/src")], "src/main.c", Some("fw/src/main.c"));
        check(&[(".", "fw")], "./src/main.c", Some("fw/src/main.c"));
        check(&[(".", "fw")], "main.c", Some("fw/main.c"));
        check(&[(".", "fw")], "/main.c", None);
        check(&[(".", "fw")], r"C:\main.c", None);
        check(&[("./src", "fw")], "src/./main.c", Some("fw/main.c"));
        check(&[("", "fw")], "src/main.c", None);
    }

    #[test]
    fn the_longest_folder_wins_then_the_one_without_a_wildcard() {
        let rules = [("/b", "/short"), ("/b/lib", "/long"), ("/b/*", "/any"), ("/b/*/x", "/x")];
        check(&rules, "/b/lib/a.c", Some("/long/a.c"));
        check(&rules, "/b/other/a.c", Some("/any/a.c"));
        check(&rules, "/b/lib/x/a.c", Some("/x/a.c"));
        check(&rules, "/b", Some("/short"));
        check(&[("/b", "/first"), ("/b/", "/last")], "/b/a.c", Some("/last/a.c"));
    }

    #[test]
    fn compilers_and_windows() {
        let rust = [("/rustc/*/library", "/opt/rust/library")];
        let core = "/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/core/src/lib.rs";
        check(&rust, core, Some("/opt/rust/library/core/src/lib.rs"));
        check(&rust, "/rustc/library/core/src/lib.rs", None);
        let windows = [(r"C:\ci\fw", "/home/me/fw")];
        check(&windows, r"c:\CI\fw\src\main.c", Some("/home/me/fw/src/main.c"));
        check(&windows, "C:/ci/fw/src/main.c", Some("/home/me/fw/src/main.c"));
        check(&[("C:/ci", r"D:\fw")], r"C:\ci\src\main.c", Some(r"D:\fw\src\main.c"));
        check(&[(r"\\server\ci", "/fw")], r"\\server\ci\main.c", Some("/fw/main.c"));
    }
}
