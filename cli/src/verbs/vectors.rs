//! `silk vectors`: which function serves which exception and interrupt.

use std::io::Write;

use serde::Serialize;
use svd_index::Chip;
use svd_index::elf::{
    Firmware, InitialStack, Machine, StackPlace, TableRef, VectorProblem, VectorRef,
};

use crate::args::VectorsArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::{Session, check_whole, need_firmware};
use crate::ui::{BAD, QUIET, STRONG, printable};

use super::images::images;

const ADDRESS_BITS: u32 = 32;

/// `silk vectors`
pub(crate) fn run(session: &mut Session, args: &VectorsArgs) -> Outcome {
    let index = session.index()?;
    let first = need_firmware(&index, &session.config)?;
    let mut found = false;
    for image in images(&index) {
        let firmware = image.firmware;
        let mut lines: Vec<Line> =
            firmware.vectors().map(|vector| Line::of(firmware, index.chip(), &vector)).collect();
        lines.iter_mut().for_each(|line| line.elf.clone_from(&image.elf));
        check_whole(&index)?;
        let (Some(table), Some(stack)) = (firmware.vector_table(), firmware.initial_stack()) else {
            continue;
        };
        found = true;
        if session.ui.json {
            for line in &lines {
                session.ui.json_line(line)?;
            }
            session.ui.json_line(&Last {
                version: json::VERSION,
                summary: Summary::of(table, &stack, &lines),
                elf: image.elf.clone(),
            })?;
        } else {
            if let Some(label) = image.label() {
                writeln!(session.ui.out, "{QUIET}{}{QUIET:#}", printable(label))?;
            }
            show(&mut session.ui.out, table, &stack, &lines, args.all)?;
            if index.chip().is_none() {
                session.ui.note("`--svd FILE` adds the names of the interrupts");
            }
        }
    }
    if found { Ok(Exit::Ok) } else { Err(nothing(first)) }
}

fn nothing(firmware: &Firmware) -> Failure {
    let failure = Failure::new(Exit::NothingFound, "no vector table is known");
    if firmware.has_vector_tables() {
        return failure
            .detail("searched: symbols and sections that toolchains give to it, the start of the first section and segment")
            .hint("a table starts with the stack pointer and a reset handler with bit 0 set");
    }
    match firmware.machine() {
        Machine::RiscV => failure
            .detail("RISC-V code sets `mtvec` while it runs; the file has no table that tells it")
            .hint("`silk uses mtvec` shows the code that sets it"),
        _ => failure.detail("only tables of Cortex-M programs, little-endian, are read"),
    }
}

/// One entry as JSON.
#[derive(Debug, Serialize)]
struct Line {
    version: u32,
    /// Exception number.
    number: u32,
    /// Number at the interrupt controller.
    irq: Option<u32>,
    /// Of the exception, or of the interrupt as the SVD has it.
    name: Option<String>,
    address: String,
    value: String,
    handler: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    default: bool,
    problem: Option<&'static str>,
    /// The ELF, where several are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
}

impl Line {
    fn of(firmware: &Firmware, chip: Option<&Chip>, vector: &VectorRef<'_>) -> Self {
        let place = vector.handler.and_then(|_| firmware.line_at(vector.value & !1));
        Self {
            version: json::VERSION,
            number: vector.number,
            irq: vector.interrupt(),
            name: name(firmware, chip, vector),
            address: hex(vector.address, ADDRESS_BITS),
            value: hex(vector.value, ADDRESS_BITS),
            handler: vector.handler.map(str::to_owned),
            file: place.map(|place| place.file.to_owned()),
            line: place.map(|place| place.line),
            default: vector.is_default,
            problem: vector.problem.map(|problem| match problem {
                VectorProblem::Outside => "outside",
                VectorProblem::NotCode => "not-code",
                VectorProblem::NoThumbBit => "no-thumb-bit",
            }),
            elf: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.value.trim_start_matches("0x").trim_start_matches('0').is_empty()
    }
}

/// Several peripherals may share an interrupt under several names.
fn name(firmware: &Firmware, chip: Option<&Chip>, vector: &VectorRef<'_>) -> Option<String> {
    let Some(irq) = vector.interrupt() else {
        return match vector.number {
            0 => Some("initial stack".to_owned()),
            _ => firmware.exception(vector.number).map(str::to_owned),
        };
    };
    let mut names: Vec<&str> = chip?
        .interrupts()
        .filter(|interrupt| interrupt.number == irq)
        .map(|interrupt| interrupt.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join("/"))
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last {
    version: u32,
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<String>,
}

#[derive(Debug, Serialize)]
struct Summary {
    address: String,
    /// `symbol`, `section`, `first-section` or `first-segment`.
    found_by: &'static str,
    /// Of that symbol or section.
    found_in: Option<String>,
    entries: usize,
    default: usize,
    problems: usize,
    stack: Stack,
}

#[derive(Debug, Serialize)]
struct Stack {
    address: String,
    /// `in-section`, `above`, `below`, `unknown`, `read-only` or `no-memory`.
    place: &'static str,
    /// The section that `place` is relative to.
    section: Option<String>,
    /// Bytes between that section and the start of the stack.
    free_bytes: Option<u64>,
}

impl Summary {
    fn of(table: TableRef<'_>, stack: &InitialStack<'_>, lines: &[Line]) -> Self {
        let (found_by, found_in) = match table {
            TableRef::Symbol(name) => ("symbol", Some(name)),
            TableRef::Section(name) => ("section", Some(name)),
            TableRef::FirstSection(name) => ("first-section", Some(name)),
            TableRef::FirstSegment => ("first-segment", None),
        };
        let (place, section, free_bytes) = match stack.place {
            StackPlace::InSection(section) => ("in-section", Some(section), None),
            StackPlace::Above { section, free } => ("above", Some(section), Some(free)),
            StackPlace::Below { section } => ("below", Some(section), None),
            StackPlace::Unknown => ("unknown", None, None),
            StackPlace::ReadOnly(section) => ("read-only", Some(section), None),
            StackPlace::NoMemory => ("no-memory", None, None),
        };
        Self {
            address: lines.first().map(|line| line.address.clone()).unwrap_or_default(),
            found_by,
            found_in: found_in.map(str::to_owned),
            entries: lines.len(),
            default: lines.iter().filter(|line| line.default).count(),
            problems: lines.iter().filter(|line| line.problem.is_some()).count(),
            stack: Stack {
                address: hex(stack.address, ADDRESS_BITS),
                place,
                section: section.map(str::to_owned),
                free_bytes,
            },
        }
    }
}

fn show(
    out: &mut impl Write,
    table: TableRef<'_>,
    stack: &InitialStack<'_>,
    lines: &[Line],
    all: bool,
) -> std::io::Result<()> {
    let address = lines.first().map(|line| line.address.as_str()).unwrap_or_default();
    let found = match table {
        TableRef::Symbol(name) => format!("found by the symbol `{}`", printable(name)),
        TableRef::Section(name) => format!("found by the section `{}`", printable(name)),
        TableRef::FirstSection(name) => {
            format!("found at the start of `{}`, which comes first in memory", printable(name))
        }
        TableRef::FirstSegment => "found at the start of the first segment".to_owned(),
    };
    let count = lines.len();
    writeln!(out, "{STRONG}vector table at {address}{STRONG:#}  {count} entries, {found}")?;
    let (style, place) = match stack.place {
        StackPlace::ReadOnly(_) | StackPlace::NoMemory => (BAD, in_words(stack.place)),
        _ => (QUIET, in_words(stack.place)),
    };
    let start = hex(stack.address, ADDRESS_BITS);
    writeln!(out, "  initial stack {start}  {style}{place}{style:#}")?;
    let shown: Vec<&Line> = lines.iter().skip(1).filter(|line| all || !line.is_empty()).collect();
    let who = |line: &Line| match (line.irq, &line.name) {
        (Some(irq), Some(name)) => format!("IRQ {irq} {}", printable(name)),
        (Some(irq), None) => format!("IRQ {irq}"),
        (None, Some(name)) => name.clone(),
        (None, None) => format!("reserved ({})", line.number),
    };
    let wide = shown.iter().map(|line| who(line).chars().count()).max().unwrap_or(0);
    for line in &shown {
        write!(out, "  {:wide$}  → {}", who(line), target(line))?;
        if let (Some(file), Some(number), false) = (&line.file, line.line, line.default) {
            write!(out, "  {QUIET}{}:{number}{QUIET:#}", printable(file))?;
        }
        if line.default {
            write!(out, "  {QUIET}default handler{QUIET:#}")?;
        }
        if let Some(problem) = line.problem {
            write!(out, "  {BAD}{}{BAD:#}", problem_in_words(problem))?;
        }
        writeln!(out)?;
    }
    match lines.len().saturating_sub(1 + shown.len()) {
        0 => Ok(()),
        empty => writeln!(out, "  {QUIET}{empty} more entries are 0; --all shows them{QUIET:#}"),
    }
}

fn target(line: &Line) -> String {
    match &line.handler {
        Some(handler) => printable(handler),
        None if line.is_empty() => "none".to_owned(),
        None => line.value.clone(),
    }
}

fn problem_in_words(problem: &str) -> &'static str {
    match problem {
        "outside" => "nothing of this program is there",
        "not-code" => "no code is there",
        _ => "bit 0 is clear: it would fault when taken",
    }
}

fn in_words(place: StackPlace<'_>) -> String {
    match place {
        StackPlace::InSection(section) => format!("in {}", printable(section)),
        StackPlace::Above { section, free } => format!(
            "{free} bytes above the end of {}; where RAM ends is not in the ELF",
            printable(section)
        ),
        StackPlace::Below { section } => format!("below {}", printable(section)),
        StackPlace::Unknown => "no data of the program is near it".to_owned(),
        StackPlace::ReadOnly(section) => {
            format!("in {}, which cannot be written", printable(section))
        }
        StackPlace::NoMemory => "no memory can be there".to_owned(),
    }
}
