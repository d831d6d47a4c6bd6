//! What a person typed after `silk reg`, taken apart: a name or address, a field, a value.
//!
//! ```text
//! UART0.BAUDRATE=0x1C200      NRF_UART0->BAUDRATE       uart0().baudrate()
//! USART{1,2}.CR*              P0.PIN_CNF[3]             0x4000_4408
//! GPIOA->MODER |= (2 << 10)   usart2.cr1().modify(|_, w| w.ue().set_bit())
//! ```

mod code;

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
    /// Bytes behind the base address of the peripheral that the pattern names
    /// (`USART2_BASE + 0x08`).
    pub offset: Option<u64>,
    /// What the name was called with, if the query is one call: an instance (`USART_BAUD(USART0)`)
    /// or a number (`UART_CLKDIV_REG(0)`, `LPUART_BAUD_SBR(26)`).
    pub argument: Option<String>,
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
        let text = code::without_block(text);
        let (name, value) = split_value(&text);
        let value = match value {
            Some(value) => {
                Some(code::constant(value).ok_or_else(|| QueryError::Value(value.to_owned()))?)
            }
            None => None,
        };
        let (name, field) = code::split_access(name);
        let name = code::name_in(name);
        let (name, offset) = match code::sum(&before_operator(&name)) {
            code::Sum::Name(name) => (name, None),
            code::Sum::Behind(base, offset) => (base, Some(offset)),
        };
        let argument = match code::call(&name) {
            Some((function, arguments)) if function.contains('_') && arguments.len() == 1 => {
                arguments.first().map(|argument| (*argument).to_owned())
            }
            _ => None,
        };
        let pattern = normalise(&name);
        if pattern.is_empty() {
            return Err(QueryError::Empty);
        }
        check_pairs(&pattern)?;
        if expand_braces(&pattern).is_none() {
            return Err(QueryError::TooMany(pattern));
        }
        let address = address_of(&pattern);
        Ok(Self { pattern, field, value, address, offset, argument })
    }

    /// The pattern with its braces multiplied out.
    pub(crate) fn alternatives(&self) -> Vec<String> {
        expand_braces(&self.pattern).unwrap_or_default()
    }
}

/// Reads `115200`, `0x1C200`, `0b101`, `0o17`, with `_` or `'` between digits and a C suffix (`UL`).
pub fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim().replace(['_', '\''], "").to_ascii_lowercase();
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
    // `&`, `*`, `!`, `~` and `(` before a name are C's; a pattern of nothing else is a wildcard.
    if rest.trim_matches('*').is_empty() {
        return rest.to_owned();
    }
    rest = rest.trim_start_matches(['&', '*', '(', '!', '~', ' ']);
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
    let segments: Vec<&str> = pattern.split('.').filter(|segment| !segment.is_empty()).collect();
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

/// `USART2->SR` of `USART2->SR & USART_SR_TXE`.
fn before_operator(name: &str) -> String {
    let start = name.len() - name.trim_start_matches(['&', '*', '(', '!', '~', ' ']).len();
    let rest = &name[start..];
    let end = rest.find(['&', '|', '^', '<', '!', '~']).unwrap_or(rest.len());
    // `->` is no comparison.
    let arrow = |(place, _): &(usize, &str)| !rest[..*place].ends_with('-');
    let end = rest.match_indices('>').find(arrow).map_or(end, |(place, _)| place.min(end));
    name[..start + end].trim_end().to_owned()
}

fn address_of(pattern: &str) -> Option<u64> {
    let hexadecimal = pattern.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    let decimal = pattern.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if hexadecimal || decimal {
        return parse_number(pattern);
    }
    // As assemblers write it: `40004408h`.
    let digits = pattern.strip_suffix(['h', 'H'])?;
    digits
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| u64::from_str_radix(digits, 16).ok())?
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
pub(crate) fn expand_braces(pattern: &str) -> Option<Vec<String>> {
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
