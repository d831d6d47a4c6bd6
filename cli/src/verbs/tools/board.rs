//! `findings`, `values`, `logs`: what the bundle shows of a board, and what is proved wrong.

use bundle::{BitsFact, Bundle, Finding, LogRecord, RegisterFact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known::Known;
use super::page::{Cut, Line, List};
use super::quote::{name, prose, quoted};
use super::{Found, Tool, few_names};
use crate::exit::{Exit, Failure};
use crate::json::hex;
use crate::render;
use crate::verbs::lookup;
use crate::verbs::read::caveat;

/// Characters of a finding's sentence and of a log line.
const SENTENCE: usize = 400;
const LOG_LINE: usize = 240;

/// Registers that a word search may bring.
const DESCRIBED: usize = 20;

pub(super) struct Findings;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Something proved wrong.
#[derive(Serialize, JsonSchema)]
pub(super) struct Proved {
    rule: String,
    /// `note`, `warning` or `error`.
    severity: &'static str,
    summary: String,
    /// Why what was found is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    register: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    found: String,
    /// The bits that prove it, `PATH=0x… Meaning`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rests_on: Vec<String>,
    /// What was probably meant, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    meant: Option<String>,
    /// The code that writes it.
    written: Vec<String>,
    /// Description, firmware or manual that the rule knows it from.
    sources: Vec<String>,
}

impl Tool for Findings {
    const NAME: &'static str = "findings";
    const DESCRIPTION: &'static str =
        "Faults proved by rules in the board state, or without one in what the firmware writes.";
    type Arguments = Nothing;
    type Found = Proved;

    fn find(known: &Known, Nothing {}: Nothing, cut: Cut) -> Found<Proved> {
        let findings = &known.facts()?.findings;
        let mut list = List::of(findings, cut, Proved::of);
        list.notes.extend_from_slice(known.follow_code());
        list.notes.extend(known.bundle.as_ref().and_then(emulated));
        if findings.is_empty() {
            list.notes.push(format!("no finding; {} rules checked", assist::rules().count()));
        }
        Ok(list)
    }
}

impl Proved {
    fn of(finding: &Finding) -> Self {
        let meant = finding.meant.zip(finding.meant_name.as_deref()).map(|(meant, named)| {
            let why = finding.meant_why.as_deref().unwrap_or_default();
            format!("{meant:#x} {}: {}", name(named), prose(why, SENTENCE))
        });
        let source = |source: &bundle::FactSource| {
            let line = source.line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{} {}{line}", name(&source.kind), name(&source.name))
        };
        Self {
            rule: name(&finding.rule),
            severity: finding.severity.as_str(),
            summary: prose(&finding.summary, SENTENCE),
            reason: prose(&finding.reason, SENTENCE),
            rests_on: finding.rests_on.iter().map(bits).collect(),
            register: name(&finding.register),
            field: finding.field.as_deref().map(name),
            found: format!("{:#x}", finding.found),
            meant,
            written: finding.writes.iter().map(|write| name(&render::place(write))).collect(),
            sources: finding.sources.iter().map(source).collect(),
        }
    }
}

/// `UART0.ENABLE.ENABLE=0x4 Enabled`
fn bits(fact: &BitsFact) -> String {
    let BitsFact { register, field, raw, decoded, .. } = fact;
    // What is no field stands as its bits, `[3:2]`.
    let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
    let means = decoded.as_deref().map(|means| format!(" {}", name(means))).unwrap_or_default();
    format!("{}{dot}{}={raw:#x}{means}", name(register), name(field))
}

impl Line for Proved {
    fn line(&self) -> String {
        let mut text = format!("! {} {}: {}", self.severity, self.rule, self.summary);
        if !self.reason.is_empty() {
            text.push_str(&format!("\n why {}", self.reason));
        }
        if let Some(meant) = &self.meant {
            text.push_str(&format!("\n meant {meant}"));
        }
        for (what, facts) in
            [("rests on", &self.rests_on), ("written", &self.written), ("source", &self.sources)]
        {
            facts.iter().for_each(|fact| text.push_str(&format!("\n {what} {fact}")));
        }
        text
    }
}

pub(super) struct Values;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Name or pattern; if left out, those that differ from reset
    registers: Option<String>,
}

/// A register's value on the board.
#[derive(Serialize, JsonSchema)]
pub(super) struct Held {
    path: String,
    address: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<String>,
    /// `NAME=0x1 Meaning`, those that are 0 left out.
    fields: Vec<String>,
    /// Why the value may mean nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    caveat: Option<&'static str>,
}

impl Tool for Values {
    const NAME: &'static str = "values";
    const DESCRIPTION: &'static str = "Register values in the saved board state, decoded.";
    type Arguments = Which;
    type Found = Held;

    fn find(known: &Known, Which { registers }: Which, cut: Cut) -> Found<Held> {
        let bundle = bundle(known)?;
        let all = &known.facts()?.registers;
        let wanted: Vec<&RegisterFact> = match &registers {
            None => all.iter().filter(|fact| fact.reset_value != Some(fact.value)).collect(),
            Some(text) => matching(known, all, text)?,
        };
        if wanted.is_empty() {
            let what = registers.map(|text| format!(" of `{text}`")).unwrap_or_default();
            return Err(Failure::new(Exit::NothingFound, format!("no value{what} was saved"))
                .detail(format!("searched: {} registers", all.len()))
                .hint("the pattern `*` lists all values"));
        }
        let mut list = List::of(&wanted, cut, |fact| Held::of(fact, bundle));
        list.notes.extend(emulated(bundle));
        Ok(list)
    }
}

/// The values of registers that a name means. Without a register map the names inside the bundle
/// are all there is.
fn matching<'f>(
    known: &Known,
    all: &'f [RegisterFact],
    text: &str,
) -> Result<Vec<&'f RegisterFact>, Failure> {
    let Some(chip) = known.index.chip() else {
        let part = text.trim_matches('*').to_ascii_uppercase();
        let has = |fact: &&RegisterFact| fact.path.to_ascii_uppercase().contains(&part);
        return Ok(all.iter().filter(has).collect());
    };
    few_names(text)?;
    let (registers, _) = lookup::find(chip, text, DESCRIBED)?;
    let elements = registers.iter().flat_map(|register| register.elements().take(all.len() * 2));
    let paths: std::collections::HashSet<String> = elements.map(|one| one.path()).collect();
    Ok(all.iter().filter(|fact| paths.contains(&fact.path)).collect())
}

impl Held {
    fn of(fact: &RegisterFact, bundle: &Bundle) -> Self {
        let reads = &bundle.snapshot.registers;
        let read = reads.iter().find(|read| read.address == fact.address);
        let size = read.map_or(32, |read| read.size_bits);
        let fields = fact.fields.iter().filter(|field| field.raw != 0).map(|field| {
            let means = field.decoded.as_deref().map(|means| format!(" {}", name(means)));
            format!("{}={:#x}{}", name(&field.name), field.raw, means.unwrap_or_default())
        });
        Self {
            path: name(&fact.path),
            address: hex(fact.address, 32),
            value: hex(fact.value, size),
            reset: fact.reset_value.map(|reset| hex(reset, size)),
            fields: fields.collect(),
            caveat: read.and_then(|read| read.fidelity).and_then(caveat),
        }
    }
}

impl Line for Held {
    fn line(&self) -> String {
        let Self { path, address, value, fields, .. } = self;
        let reset = self.reset.as_ref().filter(|reset| *reset != value);
        let reset = reset.map(|reset| format!(" (reset {reset})")).unwrap_or_default();
        let fields: String = fields.iter().map(|field| format!(", {field}")).collect();
        let caveat = self.caveat.map(|caveat| format!("; {caveat}")).unwrap_or_default();
        format!("{path} {address} = {value}{reset}{fields}{caveat}")
    }
}

pub(super) struct Logs;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Only lines with this text, in any case
    contains: Option<String>,
}

/// A line that the board sent.
#[derive(Serialize, JsonSchema)]
pub(super) struct Sent {
    /// Such as `uart0` or `rtt:0`.
    channel: String,
    /// Since the board was opened.
    at_ms: u64,
    text: String,
}

impl Tool for Logs {
    const NAME: &'static str = "logs";
    const DESCRIPTION: &'static str = "Lines that the board sent, the last first.";
    type Arguments = Wanted;
    type Found = Sent;

    fn find(known: &Known, Wanted { contains }: Wanted, cut: Cut) -> Found<Sent> {
        let bundle = bundle(known)?;
        let part = contains.as_deref().unwrap_or_default().to_lowercase();
        let lines = bundle
            .snapshot
            .logs
            .iter()
            .flat_map(|log| log.records.iter().map(|record| (log.channel.as_str(), record)));
        let mut wanted: Vec<(&str, &LogRecord)> =
            lines.filter(|(_, record)| record.text.to_lowercase().contains(&part)).collect();
        if wanted.is_empty() && !part.is_empty() {
            let what = format!("no log line contains `{part}`");
            return Err(Failure::new(Exit::NothingFound, what).hint("leave `contains` out"));
        }
        wanted.sort_by_key(|(_, record)| record.at_ms);
        wanted.reverse();
        Ok(List::of(&wanted, cut, |(channel, record)| Sent {
            channel: name(channel),
            at_ms: record.at_ms,
            text: prose(&record.text, LOG_LINE),
        }))
    }
}

impl Line for Sent {
    fn line(&self) -> String {
        let Self { channel, at_ms, text } = self;
        format!("{channel} {at_ms} ms{}", quoted(text))
    }
}

fn bundle(known: &Known) -> Result<&Bundle, Failure> {
    known.bundle.as_ref().ok_or_else(|| {
        Failure::new(Exit::Usage, "no bundle is known").hint("start with `--bundle FILE`")
    })
}

/// What to believe of a board that is none.
fn emulated(bundle: &Bundle) -> Option<String> {
    let board = bundle.snapshot.board.virtual_board.as_ref()?;
    let (machine, qemu) = (name(&board.machine), name(&board.qemu));
    Some(format!("virtual board {machine} in QEMU {qemu}: nothing here was measured"))
}
