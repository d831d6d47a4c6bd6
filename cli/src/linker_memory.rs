//! The `MEMORY` command of a linker script: which memories it places a program in.
//!
//! Source: GNU ld manual, 3.7 "MEMORY Command", 3.10 "Expressions in Linker Scripts". Numbers, their
//! `K` and `M`, `+ - * / << ( )`, and `ORIGIN`/`LENGTH` of a region above are understood; a region that needs
//! more (a symbol, a macro) is left out and told.

use svd_index::elf::size::{MemoryKind, Region};

/// Deepest nesting of parentheses that is followed.
const MAX_DEPTH: usize = 32;

/// The regions of a script, and the names of those that were not understood.
pub(crate) fn regions(script: &str) -> (Vec<Region>, Vec<String>) {
    let text = without_comments(script);
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    let mut rest = text.as_str();
    while let Some(at) = find_word(rest, "MEMORY") {
        rest = rest[at + "MEMORY".len()..].trim_start();
        let Some(block) = rest.strip_prefix('{').and_then(|body| body.split_once('}')) else {
            continue;
        };
        read_block(block.0, &mut found, &mut left_out);
        rest = block.1;
    }
    (found, left_out)
}

/// `NAME (attributes) : ORIGIN = expression, LENGTH = expression`, several of them.
fn read_block(block: &str, found: &mut Vec<Region>, left_out: &mut Vec<String>) {
    let mut parts = block.split(':').peekable();
    let mut head = parts.next().unwrap_or_default().to_owned();
    while let Some(part) = parts.next() {
        let (name, attributes) = name_of(&head);
        // The last words before a colon are the next region's.
        let (body, next) = match parts.peek() {
            Some(_) => part.trim_end().rsplit_once('\n').unwrap_or((part, "")),
            None => (part, ""),
        };
        match region(&name, &attributes, body, found) {
            Some(region) => found.push(region),
            None => left_out.push(name),
        }
        head = next.to_owned();
    }
}

fn name_of(head: &str) -> (String, String) {
    match head.trim().split_once('(') {
        Some((name, attributes)) => {
            (name.trim().to_owned(), attributes.trim_end_matches(')').trim().to_owned())
        }
        None => (head.trim().to_owned(), String::new()),
    }
}

fn region(name: &str, attributes: &str, body: &str, known: &[Region]) -> Option<Region> {
    let (origin, length) = body.split_once(',')?;
    let origin = Expression::value(after_equals(origin, &["ORIGIN", "org", "o"])?, known)?;
    let length = Expression::value(after_equals(length, &["LENGTH", "len", "l"])?, known)?;
    let end = origin.checked_add(length).filter(|&end| end > origin)?;
    let kind = kind(name, attributes);
    Some(Region { name: name.to_owned(), range: origin..end, kind })
}

fn after_equals<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    let (key, value) = text.split_once('=')?;
    keys.contains(&key.trim()).then(|| value.trim())
}

/// Attributes tell what may be written; without them, or where they allow all, the name does.
fn kind(name: &str, attributes: &str) -> MemoryKind {
    let lower = name.to_ascii_lowercase();
    let keeps = ["flash", "rom", "nvm", "eeprom", "qspi", "xip", "boot2"];
    let is_kept = keeps.iter().any(|word| lower.contains(word)) && !lower.contains("ram");
    let allowed = attributes.split('!').next().unwrap_or_default().to_ascii_lowercase();
    match allowed.contains('w') {
        true if !is_kept => MemoryKind::Ram,
        false if !allowed.is_empty() && !lower.contains("ram") => MemoryKind::Flash,
        _ if is_kept => MemoryKind::Flash,
        _ => MemoryKind::Ram,
    }
}

fn without_comments(script: &str) -> String {
    let mut text = String::with_capacity(script.len());
    let mut rest = script;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        text.push(' ');
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    text + rest
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

/// Reads an expression from left to right.
struct Expression<'t> {
    rest: &'t str,
    known: &'t [Region],
    depth: usize,
}

impl<'t> Expression<'t> {
    fn value(text: &'t str, known: &'t [Region]) -> Option<u64> {
        let mut expression = Self { rest: text, known, depth: 0 };
        let value = expression.sum()?;
        let rest = expression.rest.trim_matches([' ', '\t', '\r', '\n', ',', ';']);
        rest.is_empty().then_some(value)
    }

    fn takes(&mut self, sign: &str) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<u64> {
        let mut value = self.product()?;
        loop {
            if self.takes("+") {
                value = value.checked_add(self.product()?)?;
            } else if self.takes("-") {
                value = value.checked_sub(self.product()?)?;
            } else if self.takes("<<") {
                value = value.checked_mul(1_u64.checked_shl(self.product()?.try_into().ok()?)?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<u64> {
        let mut value = self.single()?;
        loop {
            if self.takes("*") {
                value = value.checked_mul(self.single()?)?;
            } else if self.takes("/") {
                value = value.checked_div(self.single()?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn single(&mut self) -> Option<u64> {
        if self.takes("(") {
            self.depth += 1;
            let value = if self.depth < MAX_DEPTH { self.sum() } else { None }?;
            self.depth -= 1;
            return self.takes(")").then_some(value);
        }
        let text = self.rest.trim_start();
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        let word;
        (word, self.rest) = text.split_at(end);
        if word == "ORIGIN" || word == "LENGTH" {
            let (name, rest) = self.rest.trim_start().strip_prefix('(')?.split_once(')')?;
            self.rest = rest;
            let range = &self.known.iter().find(|region| region.name == name.trim())?.range;
            return Some(if word == "ORIGIN" { range.start } else { range.end - range.start });
        }
        number(word)
    }
}

/// `0x10000`, `64K`, `1M`, `020` (octal), `100`.
fn number(word: &str) -> Option<u64> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        let (digits, factor) = scaled(digits);
        return u64::from_str_radix(digits, 16).ok()?.checked_mul(factor);
    }
    let (digits, factor) = scaled(word);
    let radix = if digits.len() > 1 && digits.starts_with('0') { 8 } else { 10 };
    u64::from_str_radix(digits, radix).ok()?.checked_mul(factor)
}

fn scaled(word: &str) -> (&str, u64) {
    match word.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1 << 10),
        None => word.strip_suffix(['m', 'M']).map_or((word, 1), |digits| (digits, 1 << 20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expected: &[(&str, u64, u64, MemoryKind)]) -> Vec<String> {
        let (found, left_out) = regions(script);
        let found: Vec<(&str, u64, u64, MemoryKind)> = found
            .iter()
            .map(|r| (r.name.as_str(), r.range.start, r.range.end - r.range.start, r.kind))
            .collect();
        assert_eq!(found, expected);
        left_out
    }

    #[test]
    fn regions_of_scripts() {
        let cortex_m = "MEMORY\n{\n  /* NOTE K = KiBi = 1024 bytes */\n  FLASH : ORIGIN = 0x00027000, LENGTH = 868K\n  RAM : ORIGIN = 0x20020000, LENGTH = 128K /* rest */\n}\n_stack_start = ORIGIN(RAM) + LENGTH(RAM);";
        let flash = MemoryKind::Flash;
        let ram = MemoryKind::Ram;
        let none: [String; 0] = [];
        let expected = [("FLASH", 0x27000, 868 << 10, flash), ("RAM", 0x2002_0000, 128 << 10, ram)];
        assert_eq!(check(cortex_m, &expected), none);
        let cube = "MEMORY\n{\nRAM (xrw)      : ORIGIN = 0x20000000, LENGTH = 128K\nCCMRAM (rw) : ORIGIN = 0x10000000, LENGTH = 64*1024\nFLASH (rx)      : ORIGIN = 0x8000000, LENGTH = (1M - 16K)\n}";
        let expected = [
            ("RAM", 0x2000_0000, 128 << 10, ram),
            ("CCMRAM", 0x1000_0000, 64 << 10, ram),
            ("FLASH", 0x0800_0000, (1 << 20) - (16 << 10), flash),
        ];
        assert_eq!(check(cube, &expected), none);
        let pico = "MEMORY {\n  BOOT2 : ORIGIN = 0x10000000, LENGTH = 0x100\n  FLASH : ORIGIN = ORIGIN(BOOT2) + LENGTH(BOOT2), LENGTH = 2048K - 0x100\n  RAM : org = 0x20000000, len = _size\n}";
        let expected = [
            ("BOOT2", 0x1000_0000, 0x100, flash),
            ("FLASH", 0x1000_0100, (2 << 20) - 0x100, flash),
        ];
        assert_eq!(check(pico, &expected), ["RAM"]);
        check("SECTIONS { .text : { *(.text) } }", &[]);
        check("MEMORY {", &[]);
        assert_eq!(check("MEMORY { A : ORIGIN = 1 }", &[]), ["A"]);
        let deep = format!("MEMORY {{ A : ORIGIN = {}1, LENGTH = 1 }}", "(".repeat(10_000));
        assert_eq!(check(&deep, &[]), ["A"]);
        assert_eq!(check("MEMORY { A : ORIGIN = 0xffffffffffffffff, LENGTH = 1M }", &[]), ["A"]);
    }
}
