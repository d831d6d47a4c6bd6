//! The files to check, and the headers that they include.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use assist::check::{Checker, Language};

use crate::args::{CheckArgs, CheckLanguage};
use crate::exit::{Exit, Failure};
use crate::project::tree;

/// Deepest folder below a named one that is looked into.
const DEEPEST: usize = 16;
/// Most headers that are read for what they define, and their bytes in all.
const MOST_HEADERS: usize = 1000;
const MOST_BYTES: usize = 64 << 20;

/// A file that is checked.
pub(super) struct File {
    /// As it is told: the path that was named, or standard input.
    pub(super) name: String,
    pub(super) text: Rc<str>,
    pub(super) language: Language,
}

/// A header that is included, not checked.
pub(super) struct Header {
    pub(super) text: String,
}

/// Everything that is read before the check.
#[derive(Default)]
pub(super) struct Files {
    pub(super) read: Vec<File>,
    /// Innermost first: what a header needs stands before it.
    pub(super) headers: Vec<Header>,
    /// What was passed over, and why.
    pub(super) unread: Vec<String>,
}

impl Files {
    /// Reads what the arguments name: files, folders, `-` for standard input.
    pub(super) fn read(args: &CheckArgs) -> Result<Self, Failure> {
        let mut files = Self::default();
        let mut folders: Vec<PathBuf> = args.include.clone();
        let mut code = Vec::new();
        for path in &args.files {
            if path.as_os_str() == "-" {
                let mut text = Vec::new();
                std::io::stdin().read_to_end(&mut text)?;
                let language = args.language.map_or(Language::Markdown, Language::from);
                files.add("<stdin>".into(), &text, language);
                continue;
            }
            let is_folder = path.is_dir();
            let inside = if is_folder { tree::files(path, DEEPEST) } else { vec![path.clone()] };
            for file in inside {
                let by_name = args.language.map(Language::from).or(Language::of_path(&file));
                // Somebody who names a file wants it read; a folder has files of all kinds.
                let Some(language) = by_name.or((!is_folder).then_some(Language::Markdown)) else {
                    continue;
                };
                let text = std::fs::read(&file).map_err(|error| {
                    let what = format!("failed to read `{}`", file.display());
                    Failure::new(Exit::Usage, what).caused_by(&error)
                })?;
                files.add(file.display().to_string(), &text, language);
                if language == Language::C {
                    folders.extend(file.parent().map(Path::to_owned));
                    code.push(file);
                }
            }
        }
        folders.dedup();
        files.include(&code, &folders);
        Ok(files)
    }

    fn add(&mut self, name: String, bytes: &[u8], language: Language) {
        if bytes.contains(&0) {
            self.unread.push(format!("{name} is no text and was passed over"));
            return;
        }
        let text = String::from_utf8_lossy(bytes).into();
        self.read.push(File { name, text, language });
    }

    /// Reads the headers that `code` includes, as far as they are found.
    fn include(&mut self, code: &[PathBuf], folders: &[PathBuf]) {
        let mut search = Search { folders, seen: HashSet::new(), bytes: 0, found: Vec::new() };
        for file in code {
            if let Ok(text) = std::fs::read(file) {
                search.follow(file, &String::from_utf8_lossy(&text), 0);
            }
        }
        self.headers = search.found;
    }
}

struct Search<'f> {
    folders: &'f [PathBuf],
    seen: HashSet<PathBuf>,
    bytes: usize,
    found: Vec<Header>,
}

impl Search<'_> {
    fn follow(&mut self, from: &Path, text: &str, depth: usize) {
        for name in Checker::includes(text) {
            let beside = from.parent().map(|folder| folder.join(name));
            let others = self.folders.iter().map(|folder| folder.join(name));
            let Some(path) = beside.into_iter().chain(others).find(|path| path.is_file()) else {
                continue;
            };
            let known = !self.seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone()));
            if known
                || depth > DEEPEST
                || self.found.len() >= MOST_HEADERS
                || self.bytes > MOST_BYTES
            {
                continue;
            }
            let Ok(text) = std::fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&text).into_owned();
            self.bytes += text.len();
            self.follow(&path, &text, depth + 1);
            self.found.push(Header { text });
        }
    }
}

impl From<CheckLanguage> for Language {
    fn from(language: CheckLanguage) -> Self {
        match language {
            CheckLanguage::C => Self::C,
            CheckLanguage::Rust => Self::Rust,
            CheckLanguage::Markdown => Self::Markdown,
        }
    }
}
