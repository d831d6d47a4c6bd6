//! What a person typed after `silk reg`, taken apart: a name or address, a field, a value.
//!
//! ```text
//! UART0.BAUDRATE=0x1C200      NRF_UART0->BAUDRATE       uart0().baudrate()
//! USART{1,2}.CR*              P0.PIN_CNF[3]             0x4000_4408
//! GPIOA->MODER |= (2 << 10)   usart2.cr1().modify(|_, w| w.ue().set_bit())
//! ```

/// Most alternatives that the braces of one query may make.
const MAX_ALTERNATIVES: usize = 256;

/// A register query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The name, separators read as `.`, calls as plain names, `[n]` and `{a,b}` kept.
    pub pattern: String,
    /// The field, where the syntax tells that it is one (`|w| w.ue()`).
    pub field: Option<String>,
    /// What follows a plain `=`.
    pub value: Option<u64>,
    /// The pattern, if it is an address.
    pub address: Option<u64>,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Nothing before the `=`.
    #[error("the query names no register")]
    Empty,
    /// What follows `=` is no number.
    #[error("`{0}` is not a number (`115200`, `0x1C200` and `0b101` are)")]
    Value(String),
    /// Braces or brackets do not pair up.
    #[error("`{0}` has an unpaired brace or bracket")]
    Unpaired(String),
    /// The braces stand for too many names.
    #[error("the braces in `{0}` stand for more than {MAX_ALTERNATIVES} names")]
    TooMany(String),
}

impl Query {
    /// Takes a query apart.
    ///
    /// A compound assignment (`|=`, `&=`) tells the register but no value, since the result
    /// depends on what was there.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let (name, value) = split_value(text);
        let value = match value {
            Some(value) => {
                Some(parse_number(value).ok_or_else(|| QueryError::Value(value.to_owned()))?)
            }
            None => None,
        };
        let (name, field) = split_closure(name);
        let pattern = normalise(name);
        if pattern.is_empty() {
            return Err(QueryError::Empty);
        }
        check_pairs(&pattern)?;
        if expand_braces(&pattern).is_none() {
            return Err(QueryError::TooMany(pattern));
        }
        let address = address_of(&pattern);
        Ok(Self { pattern, field, value, address })
    }

    /// The pattern with its braces multiplied out.
    pub(crate) fn alternatives(&self) -> Vec<String> {
        expand_braces(&self.pattern).unwrap_or_default()
    }
}

/// Reads `115200`, `0x1C200`, `0b101`, `0o17`, with `_` between digits and a C suffix (`UL`).
pub fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim().replace('_', "").to_ascii_lowercase();
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0b") => (&text[2..], 2),
        Some("0o") => (&text[2..], 8),
        _ => (text.as_str(), 10),
    };
    let digits = digits.trim_end_matches(['u', 'l']);
    let plain = digits.bytes().next()?.is_ascii_alphanumeric();
    plain.then(|| u64::from_str_radix(digits, radix).ok())?
}

/// Makes one spelling of the many: separators become `.`, calls lose their parentheses, a number
/// in parentheses becomes an index.
pub(crate) fn normalise(name: &str) -> String {
    let mut rest = name.trim().trim_end_matches(';').trim_end();
    // `&`, `*` and `(` before a name are C's; a pattern of nothing else is a wildcard.
    if rest.trim_matches('*').is_empty() {
        return rest.to_owned();
    }
    rest = rest.trim_start_matches(['&', '*', '(', ' ']);
    let unified = rest.replace("->", ".").replace("::", ".").replace('/', ".");
    let mut pattern = String::with_capacity(unified.len());
    let mut characters = unified.chars();
    while let Some(character) = characters.next() {
        match character {
            '(' => {
                let mut inner = String::new();
                for character in characters.by_ref().take_while(|&character| character != ')') {
                    inner.push(character);
                }
                if parse_number(&inner).is_some() {
                    pattern.push('[');
                    pattern.push_str(inner.trim());
                    pattern.push(']');
                }
            }
            ')' => {}
            character if character.is_whitespace() => {}
            character => pattern.push(character),
        }
    }
    const CALLS: [&str; 7] = ["ptr", "regs", "read", "bits", "as_ptr", "steal", "borrow"];
    let segments = pattern.split('.').filter(|segment| !segment.is_empty());
    let segments: Vec<&str> = segments.filter(|segment| !CALLS.contains(segment)).collect();
    decimal_indices(&segments.join("."))
}

/// `[0x10]` as `[16]`, `[03]` as `[3]`.
fn decimal_indices(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        out.push('[');
        let (inner, tail) = after.split_once(']').unwrap_or((after, ""));
        match parse_number(inner) {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str(inner),
        }
        if tail.len() < after.len() && after.contains(']') {
            out.push(']');
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Splits at an assignment; a compound one drops what follows.
fn split_value(text: &str) -> (&str, Option<&str>) {
    let Some(place) = text.find('=') else {
        return (text, None);
    };
    // A closure's `|w| … ` has no `=`; a comparison is taken as asking for that value.
    let (name, value) = (&text[..place], text[place + 1..].trim_start_matches('='));
    let compound = name.trim_end_matches(['|', '&', '^', '+', '-', '<', '>', '!']);
    if compound.len() < name.len() {
        return (compound, None);
    }
    (name, Some(value.trim().trim_end_matches(';').trim_end()))
}

/// Cuts a Rust PAC's `.modify(|_, w| w.ue().set_bit())` off and keeps the field it names.
fn split_closure(name: &str) -> (&str, Option<String>) {
    for call in [".write(", ".modify(", ".read().", ".read(", ".reset("] {
        let Some((register, after)) = name.split_once(call) else {
            continue;
        };
        let accessor = match after.split_once(" w.") {
            Some((_, accessor)) => accessor,
            None if call == ".read()." => after,
            None => return (register, None),
        };
        let field = accessor.split(['(', '.', ')', ' ']).next();
        let field = field.filter(|field| !field.is_empty() && *field != "bits");
        return (register, field.map(str::to_owned));
    }
    (name, None)
}

fn address_of(pattern: &str) -> Option<u64> {
    let hexadecimal = pattern.len() > 2 && pattern[..2].eq_ignore_ascii_case("0x");
    let decimal = pattern.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    (hexadecimal || decimal).then(|| parse_number(pattern))?
}

fn check_pairs(pattern: &str) -> Result<(), QueryError> {
    let mut open = Vec::new();
    for character in pattern.chars() {
        let paired = match character {
            '{' | '[' => {
                open.push(character);
                true
            }
            '}' => open.pop() == Some('{'),
            ']' => open.pop() == Some('['),
            _ => true,
        };
        if !paired {
            return Err(QueryError::Unpaired(pattern.to_owned()));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(QueryError::Unpaired(pattern.to_owned())) }
}

/// Multiplies `{a,b}` out; `None` if there are too many.
fn expand_braces(pattern: &str) -> Option<Vec<String>> {
    let Some((before, after)) = pattern.split_once('{') else {
        return Some(vec![pattern.to_owned()]);
    };
    let (inner, tail) = after.split_once('}')?;
    let choices: Vec<&str> = inner.split(',').collect();
    let tails = expand_braces(tail)?;
    if choices.len().saturating_mul(tails.len()) > MAX_ALTERNATIVES {
        return None;
    }
    let mut all = Vec::with_capacity(choices.len() * tails.len());
    for choice in &choices {
        for tail in &tails {
            all.push(format!("{before}{choice}{tail}"));
        }
    }
    Some(all)
}
