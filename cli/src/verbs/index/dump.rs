//! `silk index dump`: every register of an SVD, for other programs to read or compare.
//!
//! Written as it is found: what is held in memory does not grow with the SVD's arrays.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use svd_index::{Chip, Origin, PeripheralRef, RegisterRef, Sources, SvdSource, Warning};

use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::render;
use crate::session::{Session, check_whole};
use crate::ui::{QUIET, printable};

/// An outermost array of more elements than this is one line.
const MAX_LISTED: u64 = 4096;

/// An array as one line: its first element, and how it goes on.
#[derive(Serialize)]
struct Array {
    #[serde(flatten)]
    register: json::Register,
    /// Elements of the outermost array.
    count: u64,
    /// Bytes from one of them to the next.
    stride: u64,
}

/// The last line.
#[derive(Serialize)]
struct Last<'a> {
    version: u32,
    summary: Summary<'a>,
}

#[derive(Serialize)]
struct Summary<'a> {
    peripherals: usize,
    /// Every array element counted.
    registers: u64,
    /// Every array element counted.
    fields: u64,
    skipped: Vec<Skipped<'a>>,
    /// All of them, also those about what was skipped.
    warnings: usize,
}

/// Something in the SVD that could not be read.
#[derive(Serialize)]
struct Skipped<'a> {
    path: &'a str,
    line: u32,
    why: &'a str,
}

/// `silk index dump`
pub(super) fn run(session: &mut Session, file: &Path) -> Outcome {
    let index = session.open(&Sources {
        svds: vec![SvdSource {
            chip: session.config.chip.value.clone(),
            ..SvdSource::spelled(file)
        }],
        elfs: Vec::new(),
    })?;
    let chip = index.chip().expect("one SVD was opened");
    let json = session.ui.json;
    let mut out = BufWriter::with_capacity(1 << 16, &mut session.ui.out);
    // What is built in beside the file's own is not in the file.
    let is_own = |peripheral: &PeripheralRef<'_>| peripheral.origin() == Origin::Svd;
    for peripheral in chip.peripherals().filter(is_own) {
        if !json {
            render::peripheral_head(&mut out, &peripheral)?;
        }
        in_address_order(&peripheral, |register| match json {
            true => write_json(&mut out, &register),
            false => write_line(&mut out, &register),
        })?;
    }
    check_whole(&index)?;
    write_summary(&mut out, chip, json)?;
    out.flush()?;
    Ok(Exit::Ok)
}

/// Hands out a peripheral's registers by address, arrays element by element up to [`MAX_LISTED`].
///
/// Alternatives at one address keep the SVD's order.
fn in_address_order<'a>(
    peripheral: &PeripheralRef<'a>,
    mut each: impl FnMut(RegisterRef<'a>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut runs: Vec<Box<dyn Iterator<Item = RegisterRef<'a>> + 'a>> =
        peripheral.registers().map(ascending).collect();
    let mut next: BinaryHeap<_> = BinaryHeap::with_capacity(runs.len());
    let mut heads: Vec<Option<RegisterRef<'a>>> = Vec::with_capacity(runs.len());
    for (place, run) in runs.iter_mut().enumerate() {
        let head = run.next();
        next.extend(head.map(|register| Reverse((register.address(), place))));
        heads.push(head);
    }
    while let Some(Reverse((_, place))) = next.pop() {
        let following = runs[place].next();
        next.extend(following.map(|register| Reverse((register.address(), place))));
        if let Some(register) = std::mem::replace(&mut heads[place], following) {
            each(register)?;
        }
    }
    Ok(())
}

/// The elements of one declaration, by address.
///
/// Row-major order is address order, unless the outer array's step is smaller than what the
/// inner one spans: only then are elements held and sorted.
fn ascending<'a>(register: RegisterRef<'a>) -> Box<dyn Iterator<Item = RegisterRef<'a>> + 'a> {
    if register.outermost_count().is_some_and(|count| count > MAX_LISTED) {
        return Box::new(std::iter::once(register));
    }
    if register.elements().map(|element| element.address()).is_sorted() {
        return Box::new(register.elements());
    }
    let mut elements: Vec<_> = register.elements().collect();
    elements.sort_by_key(RegisterRef::address);
    Box::new(elements.into_iter())
}

fn write_json(out: &mut impl Write, register: &RegisterRef<'_>) -> Result<(), Failure> {
    let object = json::Register::of(register, None);
    let written = match (register.outermost_count(), register.stride()) {
        (Some(count), Some(stride)) => {
            let array = Array { register: object, count, stride };
            serde_json::to_writer(&mut *out, &array)
        }
        _ => serde_json::to_writer(&mut *out, &object),
    };
    written.map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

fn write_line(out: &mut impl Write, register: &RegisterRef<'_>) -> Result<(), Failure> {
    render::register_line(out, register)?;
    if let (Some(count), Some(stride)) = (register.outermost_count(), register.stride()) {
        writeln!(out, "  {QUIET}{count} elements, one every {stride:#x} bytes{QUIET:#}")?;
    }
    Ok(())
}

fn write_summary(out: &mut impl Write, chip: &Chip, json: bool) -> Result<(), Failure> {
    let device = chip.device();
    let warnings = chip.warnings();
    let skipped = skipped(&warnings);
    if json {
        let summary = Summary {
            peripherals: device.peripherals,
            registers: device.registers,
            fields: device.fields,
            skipped,
            warnings: warnings.len(),
        };
        let last = Last { version: json::VERSION, summary };
        serde_json::to_writer(&mut *out, &last).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        return Ok(());
    }
    for Skipped { path, line, why } in &skipped {
        writeln!(out, "left out: {} (line {line}): {}", printable(path), printable(why))?;
    }
    writeln!(
        out,
        "\n{}: {} peripherals, {} registers, {} fields; left out {}, warnings {}",
        printable(device.name),
        device.peripherals,
        device.registers,
        device.fields,
        skipped.len(),
        warnings.len()
    )?;
    Ok(())
}

/// The warnings that cost an element.
fn skipped(warnings: &[Warning]) -> Vec<Skipped<'_>> {
    let lost = warnings.iter().filter(|warning| warning.left_out);
    lost.map(|warning| Skipped { path: &warning.path, line: warning.line, why: &warning.what })
        .collect()
}
