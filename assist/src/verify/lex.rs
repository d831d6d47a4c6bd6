//! The words, numbers and signs of a segment, and the names that they join to.

use std::ops::Range;

use crate::words;

/// One word, number or sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Bytes of the segment.
    pub(super) span: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, digits, `_`, starting with no digit.
    Word(String),
    /// A number that could be read.
    Number(u64),
    /// Any other character, or `->`, `::`, `==`, `|=`, `&=`, `!=`.
    Sign(&'static str),
    /// A character that means nothing here.
    Other(char),
}

const SIGNS: &[&str] = &[
    "->", "::", "==", "|=", "&=", "^=", "!=", "<=", ">=", "<<", ">>", ".", "[", "]", "(", ")", "=",
    ":", "`", ",", ";", "+", "-", "@", "/", "*", "|", "&", "<", ">", "~", "#",
];

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.kind, Kind::Sign(own) if own == sign)
    }
}

/// Cuts a segment into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            c if c.is_alphabetic() || c == '_' => run(rest, |c| c.is_alphanumeric() || c == '_'),
            c if c.is_ascii_digit() => {
                run(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == '\'')
            }
            c => sign(rest).map_or(c.len_utf8(), str::len),
        };
        let piece = &rest[..length];
        let kind = if first.is_alphabetic() || first == '_' {
            Kind::Word(piece.to_owned())
        } else if first.is_ascii_digit() {
            words::parse_number(piece.trim_end_matches('\''))
                .or_else(|| hex_by_suffix(piece))
                .map_or_else(|| Kind::Word(piece.to_owned()), Kind::Number)
        } else {
            sign(rest).map_or(Kind::Other(first), Kind::Sign)
        };
        tokens.push(Token { kind, span: at..at + length });
        at += length;
    }
    join_thousands(tokens, text)
}

/// `40004400h`; what is shorter may be hours.
fn hex_by_suffix(text: &str) -> Option<u64> {
    let digits = text.strip_suffix(['h', 'H']).filter(|digits| digits.len() >= 5)?;
    u64::from_str_radix(digits, 16).ok()
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn sign(text: &str) -> Option<&'static str> {
    SIGNS.iter().copied().find(|sign| text.starts_with(sign))
}

/// `115,200` is one number in prose.
fn join_thousands(tokens: Vec<Token>, text: &str) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut waiting = tokens.into_iter().peekable();
    while let Some(mut token) = waiting.next() {
        let plain = |span: &Range<usize>| text[span.clone()].bytes().all(|b| b.is_ascii_digit());
        if let Kind::Number(number) = token.kind
            && plain(&token.span)
            && token.span.len() <= 3
            && text[token.span.end..].starts_with(',')
        {
            let after = token.span.end + 1;
            let digits = run(&text[after..], |c| c.is_ascii_alphanumeric() || c == '_');
            if let (3, Ok(low)) = (digits, text[after..after + digits].parse::<u64>()) {
                waiting.next();
                waiting.next();
                token.kind = Kind::Number(number * 1000 + low);
                token.span.end = after + digits;
            }
        }
        joined.push(token);
    }
    joined
}

/// A name made of words, such as `NRF_UART0->BAUDRATE` or `p.UART0.cc[1].write()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// Its words; an index stays with its word: `PIN_CNF[3]`.
    pub(super) parts: Vec<String>,
    /// Bytes of the segment for each part.
    pub(super) spans: Vec<Range<usize>>,
    /// Position of the first token after it.
    pub(super) end: usize,
    /// Whether `()` stands right after it.
    pub(super) called: bool,
    /// Whether `->` joins it somewhere.
    pub(super) arrow: bool,
}

impl Chain {
    /// Bytes of the segment from the first to the given part.
    pub(super) fn span_to(&self, part: usize) -> Range<usize> {
        self.spans[0].start..self.spans[part].end
    }
}

/// Most words of one chain; what goes on is read as another.
const MOST_PARTS: usize = 16;

/// Reads the chain that starts at token `at`. `None` if no word stands there.
pub(super) fn chain(tokens: &[Token], at: usize) -> Option<Chain> {
    let mut chain = Chain {
        parts: vec![tokens.get(at)?.word()?.to_owned()],
        spans: vec![tokens[at].span.clone()],
        end: at + 1,
        called: false,
        arrow: false,
    };
    while chain.parts.len() < MOST_PARTS {
        let next = chain.end;
        let Some(sign) = tokens.get(next).filter(|sign| touches(tokens, next, sign)) else { break };
        if sign.is("[") {
            let Some(end) = index_end(tokens, next) else { break };
            let number = tokens[next + 1].number().expect("an index holds a number");
            let last = chain.parts.len() - 1;
            chain.parts[last] += &format!("[{number}]");
            chain.spans[last].end = tokens[end - 1].span.end;
            chain.end = end;
        } else if sign.is("(") && tokens.get(next + 1).is_some_and(|close| close.is(")")) {
            chain.end = next + 2;
            chain.called = true;
        } else if sign.is(".") || sign.is("->") || sign.is("::") {
            let after = tokens.get(next + 1).filter(|word| touches(tokens, next + 1, word));
            let Some(word) = after.and_then(|token| token.word()) else { break };
            chain.arrow |= sign.is("->");
            chain.called = false;
            chain.parts.push(word.to_owned());
            chain.spans.push(tokens[next + 1].span.clone());
            chain.end = next + 2;
        } else {
            break;
        }
    }
    Some(chain)
}

fn touches(tokens: &[Token], at: usize, token: &Token) -> bool {
    at.checked_sub(1).is_some_and(|before| tokens[before].span.end == token.span.start)
}

/// The token after `[n]` that starts at `at`; `None` for anything else in brackets.
fn index_end(tokens: &[Token], at: usize) -> Option<usize> {
    tokens.get(at + 1)?.number()?;
    tokens.get(at + 2)?.is("]").then_some(at + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        chain(&tokens(text), 0).expect("the text starts with a word").parts
    }

    #[test]
    fn names_are_joined_as_they_are_written() {
        assert_eq!(parts("NRF_UART0->BAUDRATE = 1"), ["NRF_UART0", "BAUDRATE"]);
        assert_eq!(parts("uart0().baudrate().write(x)"), ["uart0", "baudrate", "write"]);
        assert_eq!(parts("P0.PIN_CNF[3].DIR"), ["P0", "PIN_CNF[3]", "DIR"]);
        assert_eq!(parts("BAUDRATE. The"), ["BAUDRATE"]);
        assert_eq!(parts("BAUDRATE[31:0]"), ["BAUDRATE"]);
        assert_eq!(parts("pac::UART0.enable"), ["pac", "UART0", "enable"]);
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let numbers =
            |text: &str| -> Vec<u64> { tokens(text).iter().filter_map(Token::number).collect() };
        assert_eq!(numbers("115200 115,200 0x0001_C200 5UL"), [115_200, 115_200, 115_200, 5]);
        assert_eq!(numbers("1,2 and 3, 400"), [1, 2, 3, 400]);
        assert_eq!(numbers("2nd 0xZZ"), [] as [u64; 0]);
    }
}
