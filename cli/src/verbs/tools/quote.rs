//! Text of others on its way to a model: one line, visible characters, no secrets, bounded.
//!
//! Names and prose come from an SVD, an ELF or a board. A model must not take them for words of
//! the user, so they go out as values of JSON, and in running text within quotes.

use assist::{fenced, mask};

/// Longest name or path that is given whole.
const NAME: usize = 240;

/// A name, path or place.
pub(in crate::verbs) fn name(text: &str) -> String {
    line(text, NAME)
}

/// Prose, with secrets masked, of at most `most` characters.
pub(super) fn prose(text: &str, most: usize) -> String {
    line(&mask::secrets(text), most)
}

/// Prose of several lines, such as evidence.
pub(super) fn block(text: &str) -> String {
    mask::secrets(&fenced(text)).into_owned()
}

/// As a string of JSON, which nothing in it can end; nothing if it is empty.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("  {}", serde_json::Value::from(text))
}

/// One line of at most `most` characters.
fn line(text: &str, most: usize) -> String {
    // What is cut off need not be cleaned.
    let end = text.char_indices().nth(most.saturating_mul(4)).map_or(text.len(), |(at, _)| at);
    let words: Vec<&str> = text[..end].split_whitespace().collect();
    let clean = fenced(&words.join(" "));
    if clean.chars().count() <= most {
        return clean;
    }
    let kept: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_bounded_line_without_hidden_characters() {
        assert_eq!(name("a\n b\tc"), "a b c");
        assert_eq!(name("a\u{1b}[2Jb\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(prose("one two three", 8), "one two…");
        assert_eq!(prose("wifi psk=hunter2!", 80), "wifi psk=[masked: password]");
        assert_eq!(prose(&"x ".repeat(1 << 20), 5), "x x …");
        assert_eq!(quoted("say \"hi\""), r#"  "say \"hi\"""#);
        assert_eq!(quoted(""), "");
    }
}
