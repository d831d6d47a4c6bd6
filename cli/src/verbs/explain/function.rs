//! `silk explain uart.c:uart_init`: what a function sets up in the chip, field by field, and what
//! is wrong with it. No board and no model is asked.

use std::io::Write;

use assist::Verdict;
use assist::check::{Use as Checked, check_firmware};
use bundle::Finding;
use serde::Serialize;
use svd_index::elf::AccessKind;
use svd_index::uses::{Certainty, Use, Uses};
use svd_index::{Index, RegisterRef};

use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::render;
use crate::session::{Session, check_whole, need_chip, need_firmware};
use crate::ui::{BAD, QUIET, STRONG, printable};
use crate::verbs::images::images;

/// Functions that are offered where none is called as asked.
const OFFERED: usize = 5;

/// A function to be explained.
pub(super) struct Wanted<'t> {
    /// End of its source file's path.
    file: Option<&'t str>,
    name: &'t str,
}

impl<'t> Wanted<'t> {
    /// Reads `uart_init`, `uart.c:uart_init` or `Uart::init`. A path of a bundle is none.
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let path = std::path::Path::new(text);
        if path.extension().is_some_and(|extension| extension == "silk") || path.is_file() {
            return None;
        }
        let bytes = text.as_bytes();
        let is_single = |at: usize| {
            bytes.get(at + 1) != Some(&b':') && at.checked_sub(1).map(|at| bytes[at]) != Some(b':')
        };
        let colon = text.match_indices(':').map(|(at, _)| at).find(|&at| is_single(at));
        Some(match colon {
            Some(at) => Self { file: Some(&text[..at]), name: &text[at + 1..] },
            None => Self { file: None, name: text },
        })
    }

    fn is(&self, one: &Use<'_>) -> bool {
        let is_there = |file: &str| match self.file {
            None => true,
            Some(end) => file
                .strip_suffix(end)
                .is_some_and(|start| start.is_empty() || start.ends_with(['/', '\\'])),
        };
        one.is_in(self.name)
            && (self.file.is_none() || one.frames.iter().filter_map(|f| f.file).any(is_there))
    }
}

/// A line of `--json`: one access, decoded.
#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    pc: String,
    file: Option<&'a str>,
    line: Option<u32>,
    register: &'a Option<String>,
    op: &'static str,
    value: Option<String>,
    mask: Option<String>,
    fields: Vec<FieldLine<'a>>,
    wrong: Vec<&'a str>,
    /// The ELF, where several are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<&'a str>,
}

#[derive(Serialize)]
struct FieldLine<'a> {
    name: &'a str,
    value: u64,
    /// The SVD's name of the value.
    meaning: Option<&'a str>,
}

/// Explains it.
pub(super) fn run(session: &mut Session, wanted: &Wanted<'_>) -> Outcome {
    let index = session.index()?;
    let chip = need_chip(&index, &session.config)?;
    need_firmware(&index, &session.config)?;
    session.follow_code(&index);
    let mut checked = check_firmware(&index);
    checked.retain(|one| one.verdict == Verdict::Wrong);
    let mut found = false;
    for image in images(&index) {
        let all = Uses::of(chip, image.firmware);
        let uses: Vec<&Use<'_>> = all.iter().filter(|one| wanted.is(one)).collect();
        check_whole(&index)?;
        if uses.is_empty() {
            continue;
        }
        found = true;
        if let (Some(label), false) = (image.label(), session.ui.json) {
            writeln!(session.ui.out, "{QUIET}in {}{QUIET:#}", printable(label))?;
        }
        let is_here = |one: &&Checked| {
            one.elf.as_deref() == image.firmware.path() && uses.iter().any(|used| used.pc == one.pc)
        };
        let wrong: Vec<Checked> = checked.iter().filter(is_here).cloned().collect();
        of_image(session, &index, &uses, &wrong, image.elf.as_deref())?;
    }
    if found { Ok(Exit::Ok) } else { Err(nothing(&index, wanted)) }
}

/// What the function does in one image.
fn of_image(
    session: &mut Session,
    index: &Index,
    uses: &[&Use<'_>],
    checked: &[Checked],
    elf: Option<&str>,
) -> Result<(), Failure> {
    if session.ui.json {
        for one in uses {
            session.ui.json_line(&Line { elf, ..Line::of(one, checked) })?;
        }
        return Ok(());
    }
    accesses(session, uses, checked)?;
    let touched = |finding: &Finding| {
        uses.iter().any(|one| one.name.as_deref() == Some(finding.register.as_str()))
    };
    let findings: Vec<Finding> =
        assist::triage(index, None).into_iter().filter(|finding| touched(finding)).collect();
    let out = &mut session.ui.out;
    writeln!(out)?;
    for finding in &findings {
        render::finding(out, finding)?;
    }
    let unsure = uses.iter().filter(|one| one.certainty != Certainty::Exact).count();
    if findings.is_empty() && checked.is_empty() {
        writeln!(out, "nothing that can be proved wrong without the board or a model")?;
    }
    if unsure > 0 {
        writeln!(out, "{QUIET}{unsure} of these accesses may go elsewhere too{QUIET:#}")?;
    }
    Ok(())
}

fn nothing(index: &Index, wanted: &Wanted<'_>) -> Failure {
    let name = wanted.name;
    if index.find_functions(name).is_empty() {
        let near = index.suggest_symbols(name);
        let failure = Failure::new(Exit::NothingFound, format!("no function is called `{name}`"));
        let failure = near
            .iter()
            .take(OFFERED)
            .fold(failure, |failure, near| failure.detail(format!("near: {near}")));
        return failure.hint("name a function, FILE:FUNCTION, or a .silk bundle");
    }
    Failure::new(Exit::NothingFound, format!("`{name}` is not seen to touch a register"))
        .detail("what it reaches through a pointer of unknown value and type does not show")
        .hint(format!("`silk sym {name}` shows where it is"))
}

/// In the order of the code, a line for each access and one for each field that it gives a value.
fn accesses(session: &mut Session, uses: &[&Use<'_>], checked: &[Checked]) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    let mut last_file = None;
    for one in uses {
        let frame = one.frames.first();
        let file = frame.and_then(|frame| frame.file);
        if last_file != Some(file) {
            writeln!(out, "{QUIET}{}{QUIET:#}", printable(file.unwrap_or("(no source)")))?;
            last_file = Some(file);
        }
        let line = frame.and_then(|frame| frame.line);
        let place = line.map_or_else(|| hex(one.pc, 32), |line| line.to_string());
        let name = one.name.as_deref().unwrap_or("a register that is not known");
        let said = match (one.kind, one.value) {
            (AccessKind::Read, _) => "is read".to_owned(),
            (_, None) => "← a value that is not known".to_owned(),
            (AccessKind::Write, Some(value)) => format!("← {}", hex(value, one.size_bits)),
            (AccessKind::ReadModifyWrite, Some(_)) => "changes".to_owned(),
        };
        writeln!(out, "{place:>5}  {STRONG}{}{STRONG:#} {said}", printable(name))?;
        for field in fields(one) {
            let meaning = field.meaning.map(|name| format!(" {name}")).unwrap_or_default();
            writeln!(out, "       {} = {:#x}{}", field.name, field.value, printable(&meaning))?;
        }
        for wrong in checked.iter().filter(|wrong| wrong.pc == one.pc) {
            let right = wrong.expected.as_deref().map(|right| format!("  → {right}"));
            let right = right.unwrap_or_default();
            writeln!(out, "       {BAD}✘{BAD:#} {}{}", printable(&wrong.why), printable(&right))?;
        }
    }
    Ok(())
}

/// The fields that an access gives a value, as far as that is known; of a whole register those
/// that are not 0.
fn fields<'a>(one: &Use<'a>) -> Vec<FieldLine<'a>> {
    let (Some(value), Some(register)) = (one.value, one.registers.first()) else {
        return Vec::new();
    };
    let register: RegisterRef<'a> = *register;
    let known = one.mask.unwrap_or(u64::MAX);
    let decoded = register.decode(value).into_iter();
    decoded
        .filter(|decoded| decoded.field.mask() & !known == 0)
        .filter(|decoded| one.mask.is_some() || decoded.raw != 0)
        .map(|decoded| FieldLine {
            name: decoded.field.name(),
            value: decoded.raw,
            meaning: decoded.decoded.map(|value| value.name),
        })
        .collect()
}

impl<'a> Line<'a> {
    fn of(one: &'a Use<'_>, checked: &'a [Checked]) -> Self {
        let frame = one.frames.first();
        let wrong = checked.iter().filter(|wrong| wrong.pc == one.pc);
        Self {
            version: json::VERSION,
            pc: hex(one.pc, 32),
            file: frame.and_then(|frame| frame.file),
            line: frame.and_then(|frame| frame.line),
            register: &one.name,
            op: match one.kind {
                AccessKind::Read => "read",
                AccessKind::Write => "write",
                AccessKind::ReadModifyWrite => "rmw",
            },
            value: one.value.map(|value| hex(value, one.size_bits)),
            mask: one.mask.map(|mask| hex(mask, one.size_bits)),
            fields: fields(one),
            wrong: wrong.map(|wrong| wrong.why.as_str()).collect(),
            elf: None,
        }
    }
}
