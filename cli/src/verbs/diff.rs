//! `silk diff A B`: what two bundles show differently, register by register and field by field.

use std::collections::BTreeMap;
use std::io::Write;

use bundle::{Bundle, Facts, FieldFact, RegisterFact};
use serde::Serialize;

use crate::args::DiffArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::Session;
use crate::ui::{CARE, QUIET, STRONG, printable};
use crate::verbs::explain::facts;

/// One register that differs.
#[derive(Serialize)]
struct Difference<'a> {
    version: u32,
    register: &'a str,
    address: String,
    /// `None`: not read in that bundle.
    before: Option<String>,
    after: Option<String>,
    fields: Vec<FieldDifference<'a>>,
}

#[derive(Serialize)]
struct FieldDifference<'a> {
    field: &'a str,
    before: String,
    after: String,
}

/// Compares two bundles.
pub(crate) fn run(session: &mut Session, args: &DiffArgs) -> Outcome {
    let (before, after) = (session.bundle(&args.before)?, session.bundle(&args.after)?);
    let (left, right) = (facts(session, &before)?, facts(session, &after)?);
    if !session.ui.json {
        head(session, &before, &after)?;
    }
    let differences = differences(&left, &right);
    for difference in &differences {
        match session.ui.json {
            true => session.ui.json_line(difference)?,
            false => show(session, difference)?,
        }
    }
    if differences.is_empty() && !session.ui.json {
        writeln!(session.ui.out, "no register differs")?;
    }
    Ok(Exit::Ok)
}

fn head(session: &mut Session, before: &Bundle, after: &Bundle) -> Result<(), Failure> {
    let elf = |bundle: &Bundle| bundle.manifest.elf.as_ref().map(|elf| elf.sha256.clone());
    let (a, b) = (&before.snapshot.board, &after.snapshot.board);
    if a.chip != b.chip {
        let (a, b) = (printable(&a.chip), printable(&b.chip));
        writeln!(session.ui.out, "{CARE}chip{CARE:#}: {a} → {b}")?;
    }
    if elf(before) != elf(after) {
        writeln!(session.ui.out, "{CARE}firmware{CARE:#}: the two ran different images")?;
    }
    Ok(())
}

/// Registers by address; those that only one bundle has are told as well.
fn differences<'a>(before: &'a Facts, after: &'a Facts) -> Vec<Difference<'a>> {
    type Pair<'a> = (Option<&'a RegisterFact>, Option<&'a RegisterFact>);
    let mut pairs: BTreeMap<(u64, &str), Pair<'_>> = BTreeMap::new();
    for fact in &before.registers {
        pairs.entry((fact.address, &fact.path)).or_default().0 = Some(fact);
    }
    for fact in &after.registers {
        pairs.entry((fact.address, &fact.path)).or_default().1 = Some(fact);
    }
    pairs
        .into_iter()
        .filter(|(_, (a, b))| a.map(|fact| fact.value) != b.map(|fact| fact.value))
        .map(|((address, path), (a, b))| Difference {
            version: json::VERSION,
            register: path,
            address: hex(address, 32),
            before: a.map(|fact| hex(fact.value, 32)),
            after: b.map(|fact| hex(fact.value, 32)),
            fields: a.zip(b).map(|(a, b)| fields(a, b)).unwrap_or_default(),
        })
        .collect()
}

fn fields<'a>(before: &'a RegisterFact, after: &'a RegisterFact) -> Vec<FieldDifference<'a>> {
    let same = |field: &FieldFact| after.fields.iter().find(|other| other.name == field.name);
    before
        .fields
        .iter()
        .filter_map(|field| Some((field, same(field)?)))
        .filter(|(a, b)| a.raw != b.raw)
        .map(|(a, b)| FieldDifference { field: &a.name, before: shown(a), after: shown(b) })
        .collect()
}

/// The name of the value, and its bits.
fn shown(field: &FieldFact) -> String {
    match &field.decoded {
        Some(name) => format!("{name} ({})", hex(field.raw, field.width)),
        None => hex(field.raw, field.width),
    }
}

fn show(session: &mut Session, difference: &Difference<'_>) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not read".to_owned());
    let (before, after) = (value(&difference.before), value(&difference.after));
    let register = printable(difference.register);
    writeln!(out, "{STRONG}{register}{STRONG:#} {}: {before} → {after}", difference.address)?;
    for field in &difference.fields {
        let (name, before) = (printable(field.field), printable(&field.before));
        writeln!(out, "  {QUIET}{name}{QUIET:#} {before} → {}", printable(&field.after))?;
    }
    Ok(())
}
