//! `silk addr`: what is at an address.

use std::io::{BufRead, Write};

use svd_index::elf::Firmware;
use svd_index::{Index, RegisterRef};

use super::near;
use crate::args::AddrArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::{Session, check_whole, need_chip};
use crate::ui::{CARE, QUIET, STRONG, printable};
use crate::verbs::images::{Image, images};

/// `silk addr`
pub(crate) fn addr(session: &mut Session, args: &AddrArgs) -> Outcome {
    let index = session.index()?;
    if index.chip().is_none() && index.firmware().is_none() {
        need_chip(&index, &session.config)?;
    }
    let (mut found, mut odd) = (false, false);
    for text in &args.addresses {
        if text != "-" {
            found |= one_address(session, &index, parse_address(text)?)?;
            continue;
        }
        for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
            for word in line?.split_whitespace() {
                if let Ok(address) = parse_address(word) {
                    found |= one_address(session, &index, address)?;
                } else {
                    let what = format!("line {number}: `{word}` is not an address, passed over");
                    session.ui.warn(what);
                    odd = true;
                }
            }
        }
    }
    check_whole(&index)?;
    Ok(match found {
        _ if odd => Exit::Usage,
        true => Exit::Ok,
        false => Exit::NothingFound,
    })
}

fn one_address(session: &mut Session, index: &Index, address: u64) -> Result<bool, Failure> {
    let answers = describe(index, address);
    let found = answers.iter().any(|(_, answer)| says_something(answer));
    if session.ui.json {
        for (_, answer) in &answers {
            session.ui.json_line(answer)?;
        }
        return Ok(found);
    }
    let out = &mut session.ui.out;
    let Some((_, first)) = answers.first() else { return Ok(false) };
    writeln!(out, "{STRONG}{}{STRONG:#}", first.address)?;
    for path in &first.registers {
        writeln!(out, "  register  {}", printable(path))?;
    }
    for (label, answer) in &answers {
        if let Some(label) = label {
            writeln!(out, "  {QUIET}in {}{QUIET:#}", printable(label))?;
        }
        of_firmware(out, answer)?;
    }
    if answers.len() > 1 {
        let count = answers.len();
        writeln!(
            out,
            "  {CARE}{count} of the ELF files have this address; which of them is there when is not in them{CARE:#}"
        )?;
    }
    if !found {
        let near = index.chip().map(|chip| near(chip, address)).unwrap_or_default();
        writeln!(out, "  nothing known here  {QUIET}{near}{QUIET:#}")?;
    }
    Ok(found)
}

/// What one ELF says.
fn of_firmware(out: &mut impl Write, answer: &json::Address) -> std::io::Result<()> {
    if answer.file.is_some() {
        writeln!(out, "  line    {}", location(&answer.file, answer.line))?;
    }
    for frame in &answer.inlined {
        let caller = location(&frame.file, frame.line);
        writeln!(out, "  inlined   {}, called at{caller}", printable(&frame.function))?;
    }
    if let Some(function) = &answer.function {
        writeln!(out, "  function  {}", printable(function))?;
    }
    if let Some(variable) = &answer.variable {
        writeln!(out, "  variable  {}", printable(variable))?;
    }
    if let Some(symbol) = &answer.symbol {
        writeln!(out, "  symbol    {}", printable(symbol))?;
    }
    Ok(())
}

pub(super) fn location(file: &Option<String>, line: Option<u32>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("  {}:{line}", printable(file)),
        (Some(file), None) => format!("  {}", printable(file)),
        _ => String::new(),
    }
}

fn says_something(answer: &json::Address) -> bool {
    !answer.registers.is_empty() || answer.symbol.is_some() || answer.function.is_some()
}

/// What is at an address: an answer of each ELF that has it, with the ELF's label where several
/// are given, else one of the chip alone.
pub(crate) fn describe(index: &Index, address: u64) -> Vec<(Option<String>, json::Address)> {
    let registers = index.chip().map(|chip| chip.registers_at(address)).unwrap_or_default();
    let registers: Vec<String> = registers.iter().map(RegisterRef::path).collect();
    let images = images(index);
    let having: Vec<(&Image<'_>, json::Address)> = images
        .iter()
        .map(|image| (image, answer(image.firmware, address, &registers)))
        .filter(|(image, answer)| {
            image.firmware.has_address(address)
                || answer.symbol.is_some()
                || answer.function.is_some()
                || answer.variable.is_some()
        })
        .collect();
    let elfs: Vec<Option<String>> = having.iter().map(|(image, _)| image.elf.clone()).collect();
    if having.is_empty() {
        return vec![(None, empty(address, &registers))];
    }
    let told = having.into_iter().enumerate().map(|(own, (image, mut answer))| {
        answer.elf = image.elf.clone();
        let others = elfs.iter().enumerate().filter(|(other, _)| *other != own);
        answer.also_in = others.filter_map(|(_, elf)| elf.clone()).collect();
        (image.label().map(str::to_owned), answer)
    });
    told.collect()
}

fn empty(address: u64, registers: &[String]) -> json::Address {
    json::Address {
        version: json::VERSION,
        address: hex(address, 32),
        registers: registers.to_vec(),
        symbol: None,
        function: None,
        file: None,
        line: None,
        inlined: Vec::new(),
        variable: None,
        elf: None,
        also_in: Vec::new(),
    }
}

fn answer(firmware: &Firmware, address: u64, registers: &[String]) -> json::Address {
    let mut answer = empty(address, registers);
    answer.symbol = firmware.symbol_at(address).map(|(symbol, offset)| match offset {
        0 => symbol.name.to_owned(),
        _ => format!("{}+{offset:#x}", symbol.name),
    });
    answer.variable = firmware.variable_at(address);
    let frames = firmware.frames_at(address);
    if let [innermost, ..] = frames.as_slice() {
        answer.file = innermost.file.map(str::to_owned);
        answer.line = innermost.line;
    }
    answer.function = frames.last().map(|frame| frame.function.to_owned());
    // Each inlined function stands with the place that called it: the next frame's.
    answer.inlined = frames
        .windows(2)
        .map(|pair| json::Frame {
            function: pair[0].function.to_owned(),
            file: pair[1].file.map(str::to_owned),
            line: pair[1].line,
        })
        .collect();
    answer
}

/// `0x4000_2524` or a decimal number.
pub(crate) fn parse_address(text: &str) -> Result<u64, Failure> {
    let plain = text.replace('_', "");
    let parsed = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    parsed.map_err(|_| {
        Failure::new(Exit::Usage, format!("`{text}` is not an address"))
            .hint("write it as 0x40002524")
    })
}
