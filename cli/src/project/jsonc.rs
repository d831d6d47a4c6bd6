//! Named strings of JSON with comments, as editors write it.
//!
//! Settings of editors have trailing commas, comments and merge markers; what is wanted of them
//! are a few named strings and their lines. So the text is scanned for tokens and never parsed as
//! a whole, and damage costs only what stands in it.

/// One `"name": "value"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    /// Line of the value, from 1.
    pub(super) line: usize,
}

enum Token {
    Text(String, usize),
    Colon,
    Other,
}

/// Every pair of a name and a string, at any depth, in file order.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    let tokens = tokens(text);
    let pairs = tokens.windows(3).filter_map(|three| match three {
        [Token::Text(name, _), Token::Colon, Token::Text(value, line)] => {
            Some(Pair { name: name.clone(), value: value.clone(), line: *line })
        }
        _ => None,
    });
    pairs.collect()
}

fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(byte) = bytes.get(at) {
        let length = match byte {
            b'"' => {
                let length = string_length(&bytes[at..]);
                // A bad escape spoils one string, not the file.
                let value = serde_json::from_str(&text[at..at + length]);
                tokens.push(value.map_or(Token::Other, |value| Token::Text(value, line)));
                length
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => find(&bytes[at..], b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => find(&bytes[at..], b"*/") + 2,
            b':' => {
                tokens.push(Token::Colon);
                1
            }
            byte if byte.is_ascii_whitespace() => 1,
            _ => {
                tokens.push(Token::Other);
                1
            }
        };
        let end = (at + length).min(bytes.len());
        line += bytes[at..end].iter().filter(|byte| **byte == b'\n').count();
        at = end;
    }
    tokens
}

/// Length of a string with its quotes. One that is not closed ends before its line does.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            b'\n' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, usize)> {
        pairs(text).into_iter().map(|pair| (pair.name, pair.value, pair.line)).collect()
    }

    fn pair(name: &str, value: &str, line: usize) -> (String, String, usize) {
        (name.to_owned(), value.to_owned(), line)
    }

    #[test]
    fn strings_with_their_lines() {
        let cases = [
            (
                "{\n // \"no\": \"no\"\n \"a\": \"1\", /* \"b\":\n \"2\" */\n \"c\" :\n  \"3\",\n}",
                vec![pair("a", "1", 3), pair("c", "3", 6)],
            ),
            ("{\"a\": {\"b\": [\"x\", {\"c\": \"y\"}]}}", vec![pair("c", "y", 1)]),
            (r#"{"a": "C:\\x\u00e9 // no comment"}"#, vec![pair("a", "C:\\xé // no comment", 1)]),
            ("{\"a\": 1, \"b\": true, \"c\": \"d\"}", vec![pair("c", "d", 1)]),
            ("{\"open\n\"a\": \"b\"", vec![pair("a", "b", 2)]),
            ("{\"a\": \"bad \\q\", \"b\": \"c\"}", vec![pair("b", "c", 1)]),
            ("\"\\", vec![]),
            ("/*", vec![]),
            ("", vec![]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn any_cut_of_a_file_is_read_without_a_fault() {
        let text = "{ // ü\n \"svdFile\": \"a\\\"é.svd\", /* x */ \"b\": \"\\u00e9\" }";
        for (end, _) in text.char_indices() {
            let _ = pairs(&text[..end]);
        }
    }
}
