//! Documents: prose is read as an answer is, a block of code as a file of its language.

use std::sync::Arc;

use super::{Headers, code_claims};
use crate::verify::Claim;
use crate::verify::known::Known;
use crate::verify::prose_claims;

/// A piece of a document.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// Text, and blocks in no language that is known to be code or not.
    Prose,
    C,
    Rust,
    /// Output of a program, a shell's lines, a configuration: nobody claims anything there.
    Other,
}

/// The claims of a document, in its order.
pub(super) fn claims(known: &Arc<Known<'_>>, text: &str) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut prose = String::with_capacity(text.len());
    for (piece, range) in pieces(text) {
        let part = &text[range.clone()];
        match piece {
            Piece::Prose => prose.push_str(part),
            Piece::C | Piece::Rust => {
                let found = code_claims(known, part, piece == Piece::Rust, &Headers::default());
                claims.extend(found.into_iter().map(|claim| moved(claim, range.start)));
                blank(&mut prose, part);
            }
            Piece::Other => blank(&mut prose, part),
        }
    }
    // What is named in one paragraph is the subject of the next, whatever code stands between.
    claims.extend(prose_claims(Arc::clone(known), &prose));
    claims.sort_by_key(|claim| (claim.span.start, claim.span.end));
    claims
}

/// Keeps the places of what follows.
fn blank(prose: &mut String, part: &str) {
    prose.extend(part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

fn moved(mut claim: Claim, by: usize) -> Claim {
    claim.span = claim.span.start + by..claim.span.end + by;
    claim
}

/// Cuts a document at its fences: CommonMark 0.31, 4.5.
fn pieces(text: &str) -> Vec<(Piece, std::ops::Range<usize>)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let mut open: Option<(char, usize, Piece)> = None;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        let trimmed = line.trim_start();
        let mark = trimmed.chars().next().unwrap_or(' ');
        let length = trimmed.chars().take_while(|c| *c == mark).count();
        let fence = matches!(mark, '`' | '~') && length >= 3;
        match &open {
            None if fence => {
                let piece = language(trimmed[length..].trim());
                pieces.push((Piece::Prose, start..at));
                // The fence line is no code.
                pieces.push((Piece::Other, at..next));
                open = Some((mark, length, piece));
                start = next;
            }
            Some((own, least, _)) if fence && mark == *own && length >= *least => {
                let (_, _, piece) = open.take().expect("a block is open");
                pieces.push((piece, start..at));
                pieces.push((Piece::Other, at..next));
                start = next;
            }
            _ => {}
        }
        at = next;
    }
    let last = open.map_or(Piece::Prose, |(_, _, piece)| piece);
    pieces.push((last, start..text.len()));
    pieces
}

fn language(info: &str) -> Piece {
    let word = info.split([',', ' ', '{', '}']).find(|word| !word.is_empty()).unwrap_or("");
    match word.to_ascii_lowercase().as_str() {
        "c" | "h" | "cpp" | "c++" | "cc" | "hpp" | "cxx" | "arduino" | "" => Piece::C,
        "rust" | "rs" => Piece::Rust,
        _ => Piece::Other,
    }
}
