//! Takes a register's name out of a piece of C or Rust.

use super::parse_number;

/// Which arguments of a macro or function name the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// `READ_REG(USART2->SR)`.
    First,
    /// `writel(value, address)`.
    Second,
    /// `LL_USART_ReadReg(USART2, SR)`.
    Both,
}

/// Macros and functions that wrap a register's name. A name that starts with `_` is an ending.
///
/// ST CMSIS device headers and LL, ESP-IDF, Pico SDK, Zephyr, Linux and NuttX, TI, `core::ptr`.
const WRAPPERS: [(&str, Names); 44] = [
    ("READ_REG", Names::First),
    ("WRITE_REG", Names::First),
    ("CLEAR_REG", Names::First),
    ("MODIFY_REG", Names::First),
    ("READ_BIT", Names::First),
    ("SET_BIT", Names::First),
    ("CLEAR_BIT", Names::First),
    ("_ReadReg", Names::Both),
    ("_WriteReg", Names::Both),
    ("REG_READ", Names::First),
    ("REG_WRITE", Names::First),
    ("REG_GET_BIT", Names::First),
    ("REG_SET_BIT", Names::First),
    ("REG_CLR_BIT", Names::First),
    ("REG_SET_BITS", Names::First),
    ("REG_GET_FIELD", Names::First),
    ("REG_SET_FIELD", Names::First),
    ("READ_PERI_REG", Names::First),
    ("WRITE_PERI_REG", Names::First),
    ("SET_PERI_REG_MASK", Names::First),
    ("CLEAR_PERI_REG_MASK", Names::First),
    ("hw_set_bits", Names::First),
    ("hw_clear_bits", Names::First),
    ("hw_xor_bits", Names::First),
    ("hw_write_masked", Names::First),
    ("sys_read8", Names::First),
    ("sys_read16", Names::First),
    ("sys_read32", Names::First),
    ("sys_write8", Names::Second),
    ("sys_write16", Names::Second),
    ("sys_write32", Names::Second),
    ("readb", Names::First),
    ("readw", Names::First),
    ("readl", Names::First),
    ("writeb", Names::Second),
    ("writew", Names::Second),
    ("writel", Names::Second),
    ("getreg32", Names::First),
    ("putreg32", Names::Second),
    ("modifyreg32", Names::First),
    ("HWREG", Names::First),
    ("REG32", Names::First),
    ("read_volatile", Names::First),
    ("write_volatile", Names::First),
];

/// The name that `code` is about: without casts and the macros that read or write it.
pub(super) fn name_in(code: &str) -> String {
    let mut name = without_casts(code.trim());
    // `REG_READ(UART_CLKDIV_REG(0))` is one call around another that stays.
    if let Some((function, arguments)) = call(&name)
        && let Some(inner) = wrapped(function, &arguments)
    {
        name = inner;
    }
    let end = name.find(" as ").unwrap_or(name.len());
    name.truncate(end);
    name
}

/// A call that is all of `code`: what is called, and its arguments.
pub(super) fn call(code: &str) -> Option<(&str, Vec<&str>)> {
    let code = code.trim().trim_end_matches(';').trim_end();
    let (function, rest) = code.split_once('(')?;
    let function = function.rsplit("::").next().unwrap_or(function).trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if function.is_empty() || !function.chars().all(is_name) {
        return None;
    }
    let inner = rest.strip_suffix(')')?;
    let (mut arguments, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (place, character) in inner.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                arguments.push(inner[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    arguments.push(inner[start..].trim());
    arguments.retain(|argument| !argument.is_empty());
    (depth == 0).then_some((function, arguments))
}

fn wrapped(function: &str, arguments: &[&str]) -> Option<String> {
    let is = |known: &str| match known.starts_with('_') {
        true => function.ends_with(known),
        false => function == known,
    };
    let (_, names) = WRAPPERS.iter().find(|(known, _)| is(known))?;
    match (names, arguments) {
        (Names::First, [register, ..]) | (Names::Second, [_, register, ..]) => {
            Some((*register).to_owned())
        }
        (Names::Both, [peripheral, register, ..]) => Some(format!("{peripheral}.{register}")),
        _ => None,
    }
}

/// `unsafe { … }` without its braces.
pub(super) fn without_block(code: &str) -> String {
    let Some(inner) = code.trim_start().strip_prefix("unsafe") else {
        return code.to_owned();
    };
    match (inner.find('{'), inner.rfind('}')) {
        (Some(open), Some(close)) if open < close => {
            format!("{}{}", &inner[open + 1..close], &inner[close + 1..])
        }
        _ => code.to_owned(),
    }
}

/// Drops `(volatile uint32_t *)` and `(uint32_t)`.
fn without_casts(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(open) = rest.find('(') {
        let inner = &rest[open + 1..];
        let close = inner.find([')', '(']).filter(|&close| inner[close..].starts_with(')'));
        match close {
            Some(close) if is_type(&inner[..close]) => {
                out.push_str(&rest[..open]);
                rest = &inner[close + 1..];
            }
            _ => {
                out.push_str(&rest[..=open]);
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// `volatile uint32_t *`, `uint32_t`, `io_rw_32 *`.
fn is_type(text: &str) -> bool {
    let words = text.trim_end_matches(['*', ' ']);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ' ';
    let is_pointer = text.trim_end().ends_with('*') && words.contains(char::is_alphabetic);
    words.chars().all(is_word) && (is_pointer || words.ends_with("_t"))
}

/// Splits what a Rust accessor does from the register it does it to; the field that it names,
/// if it names one.
///
/// `.modify(|_, w| w.ue().set_bit())` (svd2rust), `.modify(|w| w.set_ue(true))` (chiptool),
/// `.read().ue()`, `.modify(CR1::UE::SET)` (tock-registers).
pub(super) fn split_access(name: &str) -> (&str, Option<String>) {
    const ACCESSES: [&str; 9] = [
        ".write(",
        ".write_value(",
        ".modify(",
        ".read().",
        ".read(",
        ".reset(",
        ".is_set(",
        ".matches(",
        ".clear_bits(",
    ];
    let found = ACCESSES.iter().filter_map(|access| Some((name.find(access)?, access)));
    let Some((place, access)) = found.min_by_key(|(place, _)| *place) else {
        return (name, None);
    };
    let (register, after) = (&name[..place], &name[place + access.len()..]);
    let field = match *access {
        ".read()." => first_call(after).map(|(field, _)| field),
        _ => in_closure(after).or_else(|| in_path(after)),
    };
    let field = field.filter(|field| !matches!(*field, "" | "bits" | "set_bits" | "set" | "reset"));
    (register, field.map(str::to_owned))
}

/// The one field that a closure's writer is told to change.
fn in_closure(code: &str) -> Option<&str> {
    let (parameters, body) = code.trim_start().strip_prefix('|')?.split_once('|')?;
    let writer = parameters.split([',', ':']).next_back()?.trim().trim_start_matches('&');
    let writer = if parameters.contains(':') { parameters.split(':').next()? } else { writer };
    let starts = |(place, _): &(usize, &str)| {
        let before = body[..*place].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            && body[place + writer.len()..].starts_with('.')
    };
    let uses: Vec<_> = body.match_indices(writer).filter(starts).collect();
    let [(place, _)] = uses.as_slice() else {
        return None;
    };
    let mut rest = &body[place + writer.len() + 1..];
    let mut calls = Vec::new();
    while let Some((name, after)) = first_call(rest) {
        calls.push(name);
        let Some(next) = after.trim_start().strip_prefix('.') else { break };
        rest = next.trim_start();
    }
    match calls.as_slice() {
        [field] | [field, _] => Some(field),
        _ => None,
    }
}

/// The name before an opening parenthesis, and what follows the closing one.
fn first_call(code: &str) -> Option<(&str, &str)> {
    let end = code.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = code.split_at(end);
    let mut depth = 0_u32;
    for (place, character) in rest.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (character == ')').then(|| (name, &rest[place + 1..]));
        }
    }
    None
}

/// `UE` of `CR1::UE::SET`.
fn in_path(code: &str) -> Option<&str> {
    let path = code.split([')', '+', '(', ',']).next()?.trim();
    let (_, rest) = path.split_once("::")?;
    rest.split("::").next()
}

/// A name and how far behind it an address lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// No sum.
    Name(String),
    /// `USART2_BASE + 0x08`.
    Behind(String, u64),
}

/// Takes `base + offset` apart.
///
/// An offset with a name is the name of a register: `UART0_BASE + UART_UARTIBRD_OFFSET`.
pub(super) fn sum(name: &str) -> Sum {
    let Some((base, offset)) = name.split_once('+') else {
        return Sum::Name(name.to_owned());
    };
    let inner = |text: &str| text.trim_matches(['(', ')', ' ', '*', ';', '&']).to_owned();
    let (base, offset) = (inner(base), inner(offset));
    if let Some(bytes) = parse_number(&offset) {
        return match parse_number(&base) {
            Some(address) => Sum::Name(format!("{:#x}", address.saturating_add(bytes))),
            None => Sum::Behind(base, bytes),
        };
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match offset.chars().all(is_name) && !base.is_empty() && !offset.is_empty() {
        true => Sum::Name(format!("{base}.{offset}")),
        false => Sum::Name(name.to_owned()),
    }
}

/// The value of a constant: a number, `1U << 5`, `(1 << 3) | 0x40`, `BIT(4)`.
pub(super) fn constant(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Some((low, high)) = split_outside(text, "|") {
        return Some(constant(low)? | constant(high)?);
    }
    if let Some((value, bits)) = split_outside(text, "<<") {
        let bits = u32::try_from(constant(bits)?).ok()?;
        return constant(value)?.checked_shl(bits);
    }
    if let Some(("BIT", arguments)) = call(text) {
        let [bit] = arguments.as_slice() else { return None };
        return 1_u64.checked_shl(u32::try_from(constant(bit)?).ok()?);
    }
    match text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => constant(inner),
        None => parse_number(text),
    }
}

/// Splits at the first `operator` outside all parentheses.
fn split_outside<'t>(text: &'t str, operator: &str) -> Option<(&'t str, &'t str)> {
    let outside = |(place, _): &(usize, &str)| {
        let before = &text[..*place];
        before.matches('(').count() == before.matches(')').count()
    };
    let (place, _) = text.match_indices(operator).find(outside)?;
    Some((&text[..place], &text[place + operator.len()..]))
}

#[cfg(test)]
mod tests {
    use super::{Sum, constant, name_in, split_access, sum, without_block};

    #[test]
    fn a_name_comes_out_of_its_wrapping() {
        for (code, name) in [
            ("READ_REG(USART2->SR)", "USART2->SR"),
            ("MODIFY_REG(USART2->CR1, USART_CR1_M, 0)", "USART2->CR1"),
            ("LL_USART_WriteReg(USART2, BRR, 0x683)", "USART2.BRR"),
            ("REG_READ(UART_CLKDIV_REG(0))", "UART_CLKDIV_REG(0)"),
            ("writel(3, 0x40004408)", "0x40004408"),
            ("core::ptr::read_volatile(0x4000_4408 as *const u32)", "0x4000_4408"),
            ("(*(volatile uint32_t *)0x40004408)", "(*0x40004408)"),
            ("USART_BAUD(USART0)", "USART_BAUD(USART0)"),
            ("USART{1,2}.CR*", "USART{1,2}.CR*"),
        ] {
            assert_eq!(name_in(code), name, "{code}");
        }
    }

    #[test]
    fn a_block_is_what_is_in_it() {
        assert_eq!(without_block("unsafe { a.b }"), " a.b ");
        assert_eq!(without_block("unsafe { &*a::PTR }.b"), " &*a::PTR .b");
        assert_eq!(without_block("A{1,2}.B"), "A{1,2}.B");
        assert_eq!(without_block("unsafe } {"), "unsafe } {");
    }

    #[test]
    fn an_access_tells_its_one_field() {
        for (code, register, field) in [
            ("a.cr1().modify(|_, w| w.ue().set_bit())", "a.cr1()", Some("ue")),
            ("a.cr1.modify(|_,w|w.ue().set_bit())", "a.cr1", Some("ue")),
            ("a.cr1().modify(|w| w.set_ue(true))", "a.cr1()", Some("set_ue")),
            ("a.cr1.modify(|_, w| w.ue().set_bit().te().set_bit())", "a.cr1", None),
            ("a.cr1.modify(|r, w| unsafe { w.bits(r.bits() | 1) })", "a.cr1", None),
            ("a.cr1.read().ue().bit_is_set()", "a.cr1", Some("ue")),
            ("a.cr1.read().bits()", "a.cr1", None),
            ("a.cr1.modify(|_, w| w.ue().set_b\u{fffd}t())", "a.cr1", Some("ue")),
            ("a.cr1.modify(CR1::UE::SET)", "a.cr1", Some("UE")),
            ("a.cr1.is_set(CR1::UE)", "a.cr1", Some("UE")),
            ("a.cr1", "a.cr1", None),
        ] {
            assert_eq!(split_access(code), (register, field.map(str::to_owned)), "{code}");
        }
    }

    #[test]
    fn constants_are_worked_out() {
        for (text, value) in [
            ("0x683", Some(0x683)),
            ("(1U << 5)", Some(32)),
            ("(1 << 3) | (1 << 0)", Some(9)),
            ("BIT(4)", Some(16)),
            ("((2))", Some(2)),
            ("1 << 64", None),
            ("USART_CR1_UE", None),
            ("(1 << ", None),
            ("", None),
        ] {
            assert_eq!(constant(text), value, "{text}");
        }
    }

    #[test]
    fn a_sum_is_an_address_or_a_name() {
        let name = |text: &str| Sum::Name(text.to_owned());
        assert_eq!(sum("0x40004400 + 8"), name("0x40004408"));
        assert_eq!(sum("USART2_BASE + 0x08U"), Sum::Behind("USART2_BASE".into(), 8));
        assert_eq!(
            sum("(UART0_BASE + UART_UARTIBRD_OFFSET)"),
            name("UART0_BASE.UART_UARTIBRD_OFFSET")
        );
        assert_eq!(sum("A.B"), name("A.B"));
    }
}
