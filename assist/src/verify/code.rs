//! Functions, files and lines that an answer names, held against the firmware.

use svd_index::elf::Firmware;

use super::claim::ClaimKind;
use super::judge::{Judged, Reading};
use super::known::{Known, base_name};
use super::lex::{Chain, Token};

/// Endings of source files.
const ENDINGS: &[&str] = &["c", "h", "cc", "cpp", "cxx", "hpp", "rs", "s", "S", "asm", "ino"];

/// Names that code calls and that no firmware needs to have.
const OF_LANGUAGES: &[&str] =
    &["assert", "for", "if", "main", "memcpy", "memset", "printf", "return", "sizeof", "while"];

/// Reads `uart.c:31`, `src/uart.c line 31` or `uart.c` at token `at`. Gives the token after it.
pub(super) fn file_and_line(
    known: &Known<'_>,
    reading: &mut Reading<'_>,
    at: usize,
) -> Option<usize> {
    let tokens = &reading.tokens;
    let name = tokens[at].word()?;
    let touching =
        |at: usize| tokens.get(at).is_some_and(|t| t.span.start == tokens[at - 1].span.end);
    let dot = tokens.get(at + 1).filter(|dot| dot.is(".") && touching(at + 1))?;
    let ending = tokens.get(at + 2).filter(|_| touching(at + 2))?.word()?;
    // `I2C0.S` is a register of some chips, and no assembler's file.
    let is_register = known.peripheral(name).is_some() && !known.named(ending).is_empty();
    if !ENDINGS.contains(&ending) || dot.span.len() != 1 || is_register {
        return None;
    }
    let file = format!("{name}.{ending}");
    let span = tokens[at].span.start..tokens[at + 2].span.end;
    let (line, end) = line_after(tokens, at + 3);
    let Some(line) = line else { return Some(at + 3) };
    let span = span.start..tokens[end - 1].span.end;
    if let Some(judged) = judge_line(known, &file, line) {
        reading.claim(ClaimKind::Line, span, judged);
    }
    Some(end)
}

/// `:31`, `line 31`, `, line 31`, `(line 31)` at token `at`, and the token after it.
fn line_after(tokens: &[Token], at: usize) -> (Option<u64>, usize) {
    let mut place = at;
    while tokens.get(place).is_some_and(|t| t.is("`") || t.is(",") || t.is("(") || t.is(":")) {
        place += 1;
    }
    let colon = tokens.get(at).is_some_and(|token| token.is(":"));
    let said = tokens
        .get(place)
        .and_then(Token::word)
        .is_some_and(|word| matches!(word, "line" | "Line" | "lines" | "at"));
    let said_twice = said && tokens.get(place + 1).and_then(Token::word) == Some("line");
    let number = place + usize::from(said) + usize::from(said_twice);
    match tokens.get(number).and_then(Token::number) {
        Some(line) if colon || said => (Some(line), number + 1),
        _ => (None, at),
    }
}

fn judge_line(known: &Known<'_>, file: &str, line: u64) -> Option<Judged> {
    if let Some(function) = function_of_facts(known, file, line) {
        return Some(Judged::ok(format!("a register is written there, in {function}")));
    }
    let firmwares = known.firmwares();
    if firmwares.is_empty() {
        return None;
    }
    if !firmwares.iter().any(Firmware::has_dwarf) {
        return Some(Judged::unknown("the firmware has no debug information"));
    }
    let Some(lines) = known.lines().get(file) else {
        let files = || firmwares.iter().flat_map(Firmware::files).map(base_name);
        if files().any(|known| known == file) {
            return Some(Judged::unknown(format!("{file} has no code in the firmware")));
        }
        let near = crate::words::nearest(file, files()).map(str::to_owned);
        let why = format!("the firmware was not built from a {file}");
        return Some(match near {
            Some(near) => Judged::wrong(why, Some(near)),
            None => Judged::unknown(why),
        });
    };
    let found = u32::try_from(line).ok().and_then(|line| lines.get(&line));
    let last = lines.keys().last().copied().unwrap_or(0);
    Some(match found {
        Some(function) => Judged::ok(format!("code of {function}")),
        None if line > u64::from(last) + 10 => {
            Judged::wrong(format!("the last line of {file} with code is {last}"), None)
        }
        None => Judged::unknown(format!("no code at line {line} of {file}")),
    })
}

fn function_of_facts(known: &Known<'_>, file: &str, line: u64) -> Option<String> {
    let write = known.facts().writes.iter().find(|write| {
        write.line.map(u64::from) == Some(line)
            && write.file.as_deref().is_some_and(|path| base_name(path) == file)
    })?;
    Some(write.function.clone().unwrap_or_else(|| "code".to_owned()))
}

/// `heartbeat.ticks`: a member of a variable of the firmware. True if the variable is one.
pub(super) fn member(known: &Known<'_>, reading: &mut Reading<'_>, chain: &Chain) -> bool {
    /// Bytes of a variable that are looked at for its members.
    const MOST: u64 = 1024;
    let [variable, member, ..] = &chain.parts[..] else { return false };
    if !known.has_symbol(variable) || chain.called {
        return false;
    }
    let mut members: Vec<String> = Vec::new();
    for firmware in known.firmwares() {
        let symbols = firmware.find_symbols(variable);
        let Some(symbol) = symbols.iter().find(|symbol| symbol.name == variable.as_str()) else {
            continue;
        };
        if symbol.size > MOST {
            return false;
        }
        let paths = (0..symbol.size).filter_map(|byte| firmware.variable_at(symbol.address + byte));
        members.extend(paths.filter_map(|path| {
            let rest = path.strip_prefix(variable.as_str())?.strip_prefix('.')?;
            Some(rest.split(['.', '[', '+']).next().unwrap_or("").to_owned())
        }));
    }
    members.dedup();
    if members.is_empty() {
        return false;
    }
    let span = chain.span_to(1);
    let bare = member.split('[').next().unwrap_or(member);
    let judged = if members.iter().any(|known| known == bare) {
        Judged::ok(format!("a member of {variable}"))
    } else {
        let near = crate::words::nearest(bare, members.iter().map(String::as_str));
        let expected = near.map(|near| format!("{variable}.{near}"));
        Judged::wrong(format!("{variable} has no member {bare}"), expected)
    };
    reading.claim(ClaimKind::Type, span, judged);
    true
}

/// Judges a word that may be a function or variable of the firmware.
pub(super) fn symbol(known: &Known<'_>, reading: &mut Reading<'_>, chain: &Chain) {
    let firmwares = known.firmwares();
    if firmwares.is_empty() {
        return;
    }
    let name = chain.parts.last().map_or("", String::as_str);
    let span = chain.spans[chain.parts.len() - 1].clone();
    let code = reading.is_code(&span);
    let distinct = name.contains('_') || chain.called || (code && name.len() > 3);
    if !distinct || name.len() < 3 || OF_LANGUAGES.contains(&name) {
        return;
    }
    if known.has_symbol(name) {
        let place = firmwares
            .iter()
            .flat_map(|firmware| firmware.find_functions(name))
            .find_map(|function| Some(format!("{}:{}", function.file?, function.line?)));
        let why = place.map_or("the firmware has it".to_owned(), |place| format!("at {place}"));
        return reading.claim(ClaimKind::Symbol, span, Judged::ok(why));
    }
    // Code shown in an answer may define what the firmware has not got yet.
    let called = chain.called && chain.parts.len() == 1;
    let has_dwarf = firmwares.iter().all(Firmware::has_dwarf);
    if reading.segment.in_code || !called || !has_dwarf {
        return;
    }
    let judged = match known.nearest_symbol(name) {
        Some(near) => Judged::wrong(format!("the firmware has no {name}"), Some(near.to_owned())),
        None => Judged::unknown(format!("the firmware has no {name}")),
    };
    reading.claim(ClaimKind::Symbol, span, judged);
}
