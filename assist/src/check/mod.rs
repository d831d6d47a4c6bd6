//! The check of source files and documents: what they say of the chip, held against the truth.
//!
//! ```text
//! C, C++, Rust ─▶ token ─▶ expr ─▶ define, layout ─▶ reader (place, value, constant, …) ─▶ Claim
//! Markdown ─┬─ prose ─▶ verify ──────────────────────────────────────────────────────────▶ Claim
//!           └─ blocks of code ─▶ as above
//! firmware (ELF) ─▶ register use ────────────────────────────────────────────────────────▶ Claim
//! ```
//!
//! A name that a file defines itself means what the file says; every other name means what the
//! chip's description says. What may be a header's own way of naming a thing is at most
//! [`Verdict::Unknown`](crate::Verdict): to accuse working code costs more trust than to pass
//! over an error.

mod ast;
mod comments;
mod constant;
mod define;
mod eval;
mod expr;
mod firmware;
mod handler;
mod layout;
mod lines;
mod markdown;
mod names;
mod overlay;
mod place;
mod reader;
mod rust;
mod spelling;
mod token;
mod value;

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use bundle::Bundle;
use svd_index::Index;

pub(crate) use firmware::is_for_clocks;
pub use firmware::{Use, check_firmware};
pub use lines::{Allowed, Remark};

use crate::verify::known::Known;
use crate::verify::{Claim, Verdict};
use define::Definitions;
use names::ChipNames;
use reader::Reader;
use token::Tokens;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// C and C++.
    C,
    /// Rust.
    Rust,
    /// Prose with blocks of code: Markdown, a model's answer, plain text.
    Markdown,
}

impl Language {
    /// By the ending of a file's name; `None` for one that is not read.
    pub fn of_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "hxx" | "inl" | "ino" => {
                Some(Self::C)
            }
            "rs" => Some(Self::Rust),
            "md" | "markdown" | "txt" | "rst" | "adoc" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// Checks files against one chip, firmware and, where there is one, board.
pub struct Checker<'a> {
    known: Arc<Known<'a>>,
}

/// What the headers of a file define, ready to be used for many files.
#[derive(Default)]
pub struct Headers<'t> {
    definitions: Definitions<'t>,
}

impl<'a> Checker<'a> {
    /// A checker for `index`. Values in prose are held against `bundle`, if there is one.
    pub fn new(index: &'a Index, bundle: Option<&'a Bundle>) -> Self {
        Self { known: Arc::new(Known::new(index, bundle)) }
    }

    /// Takes what C or C++ headers define, in the order in which they are included.
    ///
    /// They are not checked. With them, a member such as `SYSCFG->MEMRMP` is known by where it
    /// lies, and masks by their numbers.
    pub fn headers<'t>(&self, texts: &[&'t str]) -> Headers<'t> {
        let names = ChipNames::new(&self.known);
        let mut headers = Headers::default();
        for text in texts {
            let tokens = Tokens::cut(text, false);
            let nodes = expr::parse_all(&tokens.code, false);
            headers.definitions.learn_c(&tokens, &nodes, &names);
            // Variables of a header are parameters of its declarations: they mean nothing outside.
            headers.definitions.variables.clear();
        }
        headers
    }

    /// What `text` says of the chip, in its order, each place by itself.
    ///
    /// A comment `silk: allow(KIND) reason` on a claim's line, or alone on the line before it,
    /// leaves the claim in and says so in [`Remark::allowed`].
    pub fn check<'t>(
        &self,
        text: &'t str,
        language: Language,
        headers: &Headers<'t>,
    ) -> Vec<Remark> {
        let claims = match language {
            Language::C => code_claims(&self.known, text, false, headers),
            Language::Rust => code_claims(&self.known, text, true, headers),
            Language::Markdown => markdown::claims(&self.known, text),
        };
        lines::remarks(text, claims)
    }

    /// The names that are included with quotes or angle brackets, in order.
    pub fn includes(text: &str) -> Vec<&str> {
        let included = |line: &'_ str| -> Option<(usize, usize)> {
            let rest = line.trim_start().strip_prefix('#')?.trim_start();
            let rest = rest.strip_prefix("include")?.trim_start();
            let close = if rest.starts_with('<') { '>' } else { '"' };
            let name = rest.get(1..)?;
            let end = name.find(close)?;
            let start = name.as_ptr() as usize - line.as_ptr() as usize;
            Some((start, start + end))
        };
        text.lines().filter_map(|line| included(line).map(|(from, to)| &line[from..to])).collect()
    }
}

/// The claims of a text in C, C++ or Rust.
pub(crate) fn code_claims<'t>(
    known: &Arc<Known<'_>>,
    text: &'t str,
    rust: bool,
    headers: &Headers<'t>,
) -> Vec<Claim> {
    if !known.has_chip() {
        return Vec::new();
    }
    let names = ChipNames::new(known);
    let tokens = Tokens::cut(text, rust);
    let nodes = expr::parse_all(&tokens.code, rust);
    let mut definitions = headers.definitions.clone();
    let first_struct = definitions.structs.len();
    let defined = match rust {
        true => definitions.learn_rust(&tokens, &nodes, &names),
        false => definitions.learn_c(&tokens, &nodes, &names),
    };
    let mut reader = Reader {
        names: &names,
        definitions: &definitions,
        tokens: &tokens,
        text,
        rust,
        described: OnceCell::new(),
        claims: Vec::new(),
    };
    reader.constants(&defined);
    reader.overlays(first_struct);
    reader.handlers();
    for node in &nodes {
        reader.visit(node);
        reader.offset_of(node);
    }
    for directive in tokens.directives.iter().filter(|directive| directive.word == "define") {
        let body = directive.tokens.get(1..).unwrap_or_default();
        for node in expr::parse_all(body, false) {
            reader.visit(&node);
        }
    }
    let mut claims = reader.claims;
    let of_code = claims.len();
    for claim in comments::claims(known, text, &tokens) {
        let apart = |other: &Claim| {
            other.span.end <= claim.span.start || claim.span.end <= other.span.start
        };
        if claims[..of_code].iter().all(apart) {
            claims.push(claim);
        }
    }
    // Of two judgements on the same words, the one that objects stands.
    let rank = |claim: &Claim| (claim.verdict != Verdict::Wrong, claim.verdict);
    claims.sort_by_key(|claim| (claim.span.start, claim.span.end, claim.kind, rank(claim)));
    claims.dedup_by(|a, b| a.span == b.span && a.kind == b.kind);
    claims
}
