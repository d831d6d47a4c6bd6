//! C, C++ and Rust cut into tokens: comments and preprocessor lines apart, strings closed to
//! reading. Nothing is copied, and nothing is refused: a character that fits nowhere is a token
//! of its own.

use std::ops::Range;

use crate::words;

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    /// First byte of the text.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// An identifier or keyword.
    Name(&'t str),
    /// A number that could be read as an integer.
    Number(u64),
    /// A string, a character, a fraction: closed to reading.
    Literal,
    /// An operator or bracket.
    Sign(&'static str),
    /// Anything else.
    Other,
}

/// A comment without its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// Bytes of the text, marks included.
    pub(super) span: Range<usize>,
}

/// A preprocessor line: `#define X 1`. Its tokens start after the word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive<'t> {
    pub(super) word: &'t str,
    pub(super) tokens: Vec<Token<'t>>,
}

/// A text, cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tokens<'t> {
    /// The code, preprocessor lines and comments left out.
    pub(super) code: Vec<Token<'t>>,
    pub(super) directives: Vec<Directive<'t>>,
    pub(super) comments: Vec<Comment<'t>>,
    /// Bytes that may not be compiled for this chip: under an `#if` or `#[cfg]` that nothing
    /// here decides. In order, and apart from each other.
    conditional: Vec<Range<usize>>,
}

/// Longest first, so that the first that fits is the one.
const SIGNS: &[&str] = &[
    "<<=", ">>=", "...", "..=", "->", "::", "==", "!=", "<=", ">=", "<<", ">>", "&&", "||", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "++", "--", "=>", "..", ".", "[", "]", "(", ")", "{",
    "}", "=", ":", ",", ";", "+", "-", "/", "*", "|", "&", "<", ">", "~", "#", "!", "?", "%", "^",
    "@",
];

impl<'t> Token<'t> {
    pub(super) fn name(&self) -> Option<&'t str> {
        match self.kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.kind, Kind::Sign(own) if own == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.name() == Some(word)
    }
}

impl<'t> Tokens<'t> {
    /// Cuts C or C++, or Rust, in which `'a` may be a lifetime and `#` starts no line.
    pub(super) fn cut(text: &'t str, rust: bool) -> Self {
        let mut tokens = Cutter {
            text,
            rust,
            at: 0,
            tokens: Self::default(),
            line: None,
            hidden: 0,
            open: Vec::new(),
            guard: None,
        }
        .run();
        if rust {
            tokens.conditional = cfg_ranges(&tokens.code);
        }
        // An `#if` is filed when it closes: the inner ones first.
        tokens.conditional.sort_by_key(|range| range.start);
        tokens.conditional.dedup_by(|inner, outer| inner.start < outer.end);
        tokens
    }

    /// Whether the byte at `at` may not be compiled for this chip.
    pub(super) fn is_conditional(&self, at: usize) -> bool {
        let after = self.conditional.partition_point(|range| range.start <= at);
        after.checked_sub(1).is_some_and(|own| self.conditional[own].contains(&at))
    }

    /// The first comment after byte `at` that starts on its line.
    pub(super) fn comment_after(&self, text: &str, at: usize) -> Option<&Comment<'t>> {
        let next = self.comments.partition_point(|comment| comment.span.start < at);
        let comment = self.comments.get(next)?;
        (!text[at..comment.span.start].contains('\n')).then_some(comment)
    }
}

struct Cutter<'t> {
    text: &'t str,
    rust: bool,
    at: usize,
    tokens: Tokens<'t>,
    /// The preprocessor line being read.
    line: Option<Directive<'t>>,
    /// Depth of `#if` inside an `#if 0`; 0 outside.
    hidden: usize,
    /// Where each open `#if` starts, and whether it decides about the chip.
    open: Vec<(usize, bool)>,
    /// The name of an `#ifndef` on the line before: a guard, if it is defined next.
    guard: Option<&'t str>,
}

impl<'t> Cutter<'t> {
    fn run(mut self) -> Tokens<'t> {
        let bytes = self.text.as_bytes();
        let mut line_start = true;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.end_line();
                    line_start = true;
                    self.at += 1;
                }
                b'\\' if matches!(bytes.get(self.at + 1), Some(b'\n')) => self.at += 2,
                b'\\' if bytes[self.at + 1..].starts_with(b"\r\n") => self.at += 3,
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'/' if matches!(bytes.get(self.at + 1), Some(b'/' | b'*')) => self.comment(),
                b'#' if line_start && !self.rust => {
                    self.at += 1;
                    self.line = Some(Directive { word: "", tokens: Vec::new() });
                    line_start = false;
                }
                _ => {
                    line_start = false;
                    let token = self.token();
                    self.add(token);
                }
            }
        }
        self.end_line();
        self.tokens
    }

    fn add(&mut self, token: Token<'t>) {
        match &mut self.line {
            Some(line) if line.word.is_empty() => line.word = token.name().unwrap_or("?"),
            Some(line) => line.tokens.push(token),
            None if self.hidden == 0 => self.tokens.code.push(token),
            None => {}
        }
    }

    /// Files a preprocessor line. What stands under `#if 0` is no code.
    fn end_line(&mut self) {
        let Some(line) = self.line.take() else { return };
        let is_if = matches!(line.word, "if" | "ifdef" | "ifndef");
        let zero = matches!(line.tokens[..], [Token { kind: Kind::Number(0), .. }]);
        if self.hidden > 0 {
            match line.word {
                _ if is_if => self.hidden += 1,
                "endif" => self.hidden -= 1,
                "else" | "elif" if self.hidden == 1 => self.hidden = 0,
                _ => {}
            }
        } else if line.word == "if" && zero {
            self.hidden = 1;
        } else {
            self.condition(&line, is_if);
            self.tokens.directives.push(line);
        }
    }

    /// Follows `#if` and `#endif`. Include guards, and what asks for the language or the debug
    /// build, decide nothing about the chip.
    fn condition(&mut self, line: &Directive<'t>, is_if: bool) {
        const HARMLESS: &[&str] =
            &["__cplusplus", "NDEBUG", "DEBUG", "__GNUC__", "__clang__", "__ICCARM__", "__CC_ARM"];
        let first = line.tokens.iter().filter_map(Token::name).find(|name| *name != "defined");
        let guard = self.guard.take();
        if is_if {
            let harmless = first.is_none_or(|name| {
                HARMLESS.contains(&name)
                    || name.ends_with("MODULE_ENABLED")
                    || name.ends_with("_DEBUG")
            });
            self.open.push((self.at, !harmless));
            self.guard = first.filter(|_| line.word == "ifndef");
        } else if line.word == "define" && guard.is_some() && guard == first {
            if let Some(open) = self.open.last_mut() {
                open.1 = false;
            }
        } else if line.word == "endif"
            && let Some((start, decides)) = self.open.pop()
            && decides
        {
            self.tokens.conditional.push(start..self.at);
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let (end, text) = if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            (end, &rest[2..end])
        } else {
            let close = rest[2..].find("*/").map(|at| at + 2);
            let end = close.map_or(rest.len(), |close| close + 2);
            (end, &rest[2..close.unwrap_or(rest.len())])
        };
        self.at = start + end;
        // A comment may end the line that a directive stands on, but not the directive's own
        // lines inside a long comment: those are one line to the preprocessor.
        self.tokens.comments.push(Comment { text: text.trim(), span: start..self.at });
    }

    fn token(&mut self) -> Token<'t> {
        let start = self.at;
        let rest = &self.text[start..];
        let first = rest.chars().next().expect("a byte is left");
        let (kind, length) = if first.is_alphabetic() || first == '_' || first == '$' {
            self.name(rest)
        } else if first.is_ascii_digit() {
            number(rest)
        } else if first == '"' {
            (Kind::Literal, string(rest, '"'))
        } else if first == '\'' {
            self.quote(rest)
        } else {
            let sign = SIGNS.iter().copied().find(|sign| rest.starts_with(sign));
            sign.map_or((Kind::Other, first.len_utf8()), |sign| (Kind::Sign(sign), sign.len()))
        };
        self.at = start + length;
        Token { kind, start, end: self.at }
    }

    fn name(&self, rest: &'t str) -> (Kind<'t>, usize) {
        let length = run(rest, |c| c.is_alphanumeric() || c == '_' || c == '$');
        let (name, after) = rest.split_at(length);
        if self.rust && matches!(name, "r" | "b" | "br" | "c" | "cr") {
            let hashes = run(after, |c| c == '#');
            if after[hashes..].starts_with('"') {
                let raw = name.contains('r');
                let close = format!("\"{}", "#".repeat(hashes));
                let inside = &after[hashes + 1..];
                let end = match raw {
                    true => inside.find(&close).map_or(inside.len(), |at| at + close.len()),
                    false => string(&after[hashes..], '"') - 1,
                };
                return (Kind::Literal, length + hashes + 1 + end);
            }
        }
        (Kind::Name(name), length)
    }

    /// A character; in Rust also a lifetime.
    fn quote(&self, rest: &'t str) -> (Kind<'t>, usize) {
        let mut chars = rest.chars().skip(1);
        let (first, second) = (chars.next(), chars.next());
        let lifetime = self.rust
            && second != Some('\'')
            && first.is_some_and(|c| c.is_alphabetic() || c == '_');
        if lifetime {
            return (Kind::Other, 1 + run(&rest[1..], |c| c.is_alphanumeric() || c == '_'));
        }
        (Kind::Literal, string(rest, '\''))
    }
}

/// What stands under `#[cfg(…)]`: the item or statement after it.
fn cfg_ranges(code: &[Token<'_>]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for at in 0..code.len().saturating_sub(3) {
        if !(code[at].is("#") && code[at + 1].is("[") && code[at + 2].is_word("cfg")) {
            continue;
        }
        let is_test = code.get(at + 4).is_some_and(|word| word.is_word("test"));
        let is_inside = ranges.last().is_some_and(|outer| code[at].start < outer.end);
        if is_test || is_inside {
            continue;
        }
        let Some(close) = (at..code.len()).find(|&at| code[at].is("]")) else { break };
        let mut depth = 0usize;
        let mut end = close;
        for (place, token) in code.iter().enumerate().skip(close + 1) {
            end = place;
            match token.kind {
                Kind::Sign("(" | "[" | "{") => depth += 1,
                Kind::Sign(")" | "]") => depth = depth.saturating_sub(1),
                Kind::Sign("}") if depth <= 1 => break,
                Kind::Sign("}") => depth -= 1,
                Kind::Sign(";" | ",") if depth == 0 => break,
                _ => {}
            }
        }
        ranges.push(code[at].start..code[end].end);
    }
    ranges
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Length of the quoted text at the start, its quotes included; it ends with its line at the
/// latest, unless the line is continued.
fn string(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' if quote == '\'' => return at,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn number(text: &str) -> (Kind<'_>, usize) {
    let bytes = text.as_bytes();
    let mut length = run(text, |c| c.is_ascii_alphanumeric() || c == '_' || c == '\'');
    // A digit separator stands between digits: `'` before anything else is a character.
    while length > 0 && bytes[length - 1] == b'\'' {
        length -= 1;
    }
    let fraction =
        bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
    if fraction {
        let more = run(&text[length + 1..], |c| c.is_ascii_alphanumeric() || c == '_');
        return (Kind::Literal, length + 1 + more);
    }
    let parsed = integer(&text[..length]);
    (parsed.map_or(Kind::Literal, Kind::Number), length)
}

/// C's octal numbers besides those that people write anywhere.
fn integer(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    let octal = digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    if octal {
        return u64::from_str_radix(digits, 8).ok();
    }
    words::parse_number(text).or_else(|| {
        let suffix = ["usize", "isize", "i8", "i16", "i32", "i64", "u128", "z", "uz", "UZ", "lu"];
        suffix.into_iter().find_map(|suffix| {
            words::parse_number(text.strip_suffix(suffix)?.trim_end_matches('_'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, rust: bool) -> Vec<&str> {
        Tokens::cut(text, rust).code.iter().map(|token| &text[token.start..token.end]).collect()
    }

    #[test]
    fn code_is_cut_where_a_compiler_cuts_it() {
        assert_eq!(
            code("a->b|=(1UL<<13);", false),
            ["a", "->", "b", "|=", "(", "1UL", "<<", "13", ")", ";"]
        );
        assert_eq!(
            code("x = 'a' + \"b;c\" /* d */ + 3.3f;", false),
            ["x", "=", "'a'", "+", "\"b;c\"", "+", "3.3f", ";"]
        );
        assert_eq!(code("fn f<'a>(x: &'a str) { 'b' }", true).len(), 15);
        assert_eq!(code("r#\"a \" b\"# c", true), ["r#\"a \" b\"#", "c"]);
    }

    #[test]
    fn numbers_keep_their_value() {
        let value = |text: &'static str| Tokens::cut(text, false).code[0].kind;
        assert_eq!(value("0x4000_0000u32"), Kind::Number(0x4000_0000));
        assert_eq!(value("1'000UL"), Kind::Number(1000));
        assert_eq!(value("010"), Kind::Number(8));
        assert_eq!(value("0"), Kind::Number(0));
        assert_eq!(value("1.5"), Kind::Literal);
    }

    #[test]
    fn directives_and_comments_stand_apart() {
        let text = "#define A \\\n 1 /* one */\nint x; // two\n#if 0\nint y;\n#endif\n";
        let tokens = Tokens::cut(text, false);
        assert_eq!(tokens.code.len(), 3);
        let comments: Vec<&str> = tokens.comments.iter().map(|comment| comment.text).collect();
        assert_eq!(comments, ["one", "two"]);
        assert_eq!(tokens.directives[0].word, "define");
        assert_eq!(tokens.directives[0].tokens.len(), 2);
    }
}
