//! What the fuzz targets of the claim finder share: what must hold for any text, and texts made
//! of what the finder looks for.

pub mod made;

use std::sync::LazyLock;

use assist::check::{Checker, Headers, Language, Remark};
use assist::{Claim, Verdict, Verifier};
use svd_index::{Index, Sources};

/// The example's chip and firmware.
static INDEX: LazyLock<Index> = LazyLock::new(|| {
    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/uart-baud/");
    let path = |name: &str| std::path::PathBuf::from(format!("{EXAMPLE}{name}"));
    let cache = tempfile::tempdir().expect("a folder for the index");
    let sources = Sources { svds: vec![path("nrf51.svd").into()], elfs: vec![path("faulty.elf")] };
    Index::open(&sources, cache.path()).expect("the example is sound").index
});

thread_local! {
    /// One for all texts: what one leaves behind must not change the next.
    static CHECKER: Checker<'static> = Checker::new(&INDEX, None);
}

/// The languages that are read.
pub const LANGUAGES: [Language; 3] = [Language::C, Language::Rust, Language::Markdown];

/// Checks `text`, with what `header` defines, and what the check says of it.
pub fn check(text: &str, language: Language, header: &str) {
    let read =
        |checker: &Checker<'static>| checker.check(text, language, &checker.headers(&[header]));
    let remarks = CHECKER.with(read);
    assert!(remarks.is_sorted_by_key(|remark| remark.claim.span.start), "out of order");
    for remark in &remarks {
        check_claim(&remark.claim, text);
        check_place(remark, text);
        let is_excused = remark.allowed.is_some();
        assert!(!is_excused || remark.claim.verdict == Verdict::Wrong, "nothing to allow");
    }
    assert_eq!(CHECKER.with(read), remarks, "the same text twice");
    if text.len().is_multiple_of(16) {
        assert_eq!(read(&Checker::new(&INDEX, None)), remarks, "other texts before it");
    }
    for name in Checker::includes(text) {
        assert!(text.contains(name));
    }
}

/// Reads `text` as an answer that arrives in pieces of `size` characters: as if it came whole.
pub fn verify(text: &str, size: usize) {
    let whole = Verifier::check(&INDEX, None, text);
    for claim in &whole {
        check_claim(claim, text);
    }
    let mut verifier = Verifier::new(&INDEX, None);
    let mut claims = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(size.max(1)).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        claims.extend(verifier.feed(piece));
        rest = after;
    }
    claims.extend(verifier.finish());
    assert_eq!(claims, whole, "in pieces of {size}");
}

fn check_claim(claim: &Claim, text: &str) {
    let span = claim.span.clone();
    assert_eq!(text.get(span), Some(claim.text.as_str()), "{claim:?}");
    assert!(!claim.text.is_empty() && !claim.why.is_empty(), "{claim:?}");
    assert!(claim.expected.is_none() || claim.verdict == Verdict::Wrong, "{claim:?}");
}

/// Lines and columns, counted anew.
fn check_place(remark: &Remark, text: &str) {
    let place = |byte: usize| {
        let before = &text[..byte];
        let line = before.matches('\n').count() + 1;
        let column = byte - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        (line as u32, column as u32)
    };
    let span = &remark.claim.span;
    assert_eq!((remark.line, remark.column), place(span.start), "{remark:?}");
    assert_eq!((remark.end_line, remark.end_column), place(span.end), "{remark:?}");
}

/// Reads `text` as everything.
pub fn read(text: &str) {
    for language in LANGUAGES {
        check(text, language, "");
    }
    verify(text, 1 + text.len() % 7);
}

/// Checks a text for the time it takes.
pub fn time(text: &str, language: Language) {
    CHECKER.with(|checker| checker.check(text, language, &Headers::default()));
}
