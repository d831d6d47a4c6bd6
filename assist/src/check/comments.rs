//! Comments are prose: "UE is bit 13 of USART1_CR1" is held against the chip there, too.
//!
//! Only places and numbers are. Which names a comment uses, and what values it wishes for, is often
//! of another chip, of code that was taken out, or of what is yet to be written.

use std::ops::Range;
use std::sync::Arc;

use super::token::{Comment, Tokens};
use crate::verify::known::Known;
use crate::verify::{Claim, ClaimKind, Verdict, prose_claims};

/// What comments claim, in their order. Each block of them is read by itself.
pub(super) fn claims(known: &Arc<Known<'_>>, text: &str, tokens: &Tokens<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for block in blocks(text, &tokens.comments) {
        let prose = unmarked(&text[block.clone()]);
        let found = prose_claims(Arc::clone(known), &prose).into_iter();
        claims.extend(found.filter(is_of_a_place).map(|claim| {
            let span = claim.span.start + block.start..claim.span.end + block.start;
            Claim { text: text[span.clone()].to_owned(), span, ..claim }
        }));
    }
    claims
}

fn is_of_a_place(claim: &Claim) -> bool {
    use ClaimKind::{Address, Base, Bits, Interrupt, Mask, Offset, Reset};
    claim.verdict != Verdict::Unknown
        && matches!(claim.kind, Address | Base | Bits | Interrupt | Mask | Offset | Reset)
}

/// Bytes of comments that follow each other, line by line, with a digit in them: without one there
/// is nothing to hold against the chip.
fn blocks(text: &str, comments: &[Comment<'_>]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for comment in comments {
        match blocks.last_mut() {
            Some(block) if is_next_line(&text[block.end..comment.span.start]) => {
                block.end = comment.span.end;
            }
            _ => blocks.push(comment.span.clone()),
        }
    }
    blocks.retain(|block| text[block.clone()].bytes().any(|byte| byte.is_ascii_digit()));
    blocks
}

fn is_next_line(between: &str) -> bool {
    between.trim().is_empty() && between.matches('\n').count() <= 1
}

/// A comment with blanks for its marks, each byte at its place.
fn unmarked(comment: &str) -> String {
    let mut prose = String::with_capacity(comment.len());
    for line in comment.split_inclusive('\n') {
        let body = line.trim_start();
        let marks = body.len() - body.trim_start_matches(['/', '*', '!', '<']).len();
        let from = line.len() - body.len() + marks;
        prose.extend(std::iter::repeat_n(' ', from));
        prose.push_str(&line[from..]);
    }
    if prose.trim_end().ends_with("*/") {
        prose.truncate(prose.trim_end().len() - "*/".len());
    }
    prose
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_lines_that_follow_each_other_are_one_text() {
        let text = "// a 1\n// b\n\n// c 2\nint x; /* d\n * e 3 */ /*! f */ int y; // g\n";
        let tokens = Tokens::cut(text, false);
        let found: Vec<String> =
            blocks(text, &tokens.comments).into_iter().map(|b| unmarked(&text[b])).collect();
        assert_eq!(found, ["   a 1\n   b", "   c 2", "   d\n   e 3 */ /*! f "]);
    }
}
