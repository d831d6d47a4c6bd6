//! The tables that a person reads.

use std::io::{self, Write};
use std::path::Path;

use svd_index::elf::size::{
    By, Bytes, MemoryKind, Region, Reservation, ReservedFor, Row, RowKind, Sizes,
};

use super::memory::Memories;
use crate::ui::{BAD, CARE, QUIET, STRONG, printable};

/// From this share of a memory on there is little room left.
const TIGHT_PERCENT: f64 = 90.0;

/// Of the crates that instantiated a crate's generic code, those that are named.
const INSTANCES_SHOWN: usize = 3;

/// Totals, and how much of the chip's memories they take.
pub(super) fn head(
    out: &mut impl Write,
    path: &Path,
    sizes: &Sizes<'_>,
    memories: &Memories,
) -> io::Result<()> {
    let Bytes { flash, ram } = sizes.total();
    let path = printable(&path.display().to_string());
    writeln!(out, "{STRONG}{path}{STRONG:#}  flash {}  RAM {}", grouped(flash), grouped(ram))?;
    regions(out, sizes, memories)?;
    let loaded = sizes.loaded_into_ram();
    if loaded != 0 {
        let what = "bytes go straight into RAM; they are in no flash unless the chip's boot loader keeps them there";
        writeln!(out, "  {CARE}{} {what}{CARE:#}", grouped(loaded))?;
    }
    for reservation in sizes.reservations() {
        writeln!(out, "  {QUIET}{}{QUIET:#}", in_words(reservation))?;
    }
    Ok(())
}

fn regions(out: &mut impl Write, sizes: &Sizes<'_>, memories: &Memories) -> io::Result<()> {
    let wide = memories.regions.iter().map(|r| printable(&r.name).chars().count()).max();
    let used = |region: &&Region| sizes.used(region) != 0;
    for region in memories.regions.iter().filter(used) {
        let (used, size) = (sizes.used(region), region.range.end - region.range.start);
        let share = percent(used, size);
        let style = if share >= TIGHT_PERCENT { CARE } else { QUIET };
        let kind = if region.kind == MemoryKind::Ram { "RAM" } else { "flash" };
        let (name, used) = (printable(&region.name), grouped(used));
        writeln!(
            out,
            "  {name:wide$}  {used:>11} of {:>11}  {style}{share:5.1} %{style:#}  {QUIET}{kind} at {:#010x}{QUIET:#}",
            grouped(size),
            region.range.start,
            wide = wide.unwrap_or(0),
        )?;
    }
    if let Some(told_by) = &memories.told_by {
        let empty = memories.regions.iter().filter(|region| !used(region)).count();
        let empty = if empty == 0 { String::new() } else { format!("; {empty} more are empty") };
        writeln!(out, "  {QUIET}memories as {} has them{empty}{QUIET:#}", printable(told_by))?;
        for block in sizes.outside(&memories.regions) {
            let name = if block.name.is_empty() { "what no section has" } else { block.name };
            let place = format!("at {:#010x}, {} bytes", block.address, grouped(block.size));
            writeln!(out, "  {BAD}{} {place}, is in none of them{BAD:#}", printable(name))?;
        }
    }
    Ok(())
}

fn in_words(reservation: &Reservation<'_>) -> String {
    let purpose = match reservation.purpose {
        ReservedFor::Stack => "stack",
        ReservedFor::Heap => "heap",
        ReservedFor::StackAndHeap => "stack and heap",
    };
    let told_by: Vec<String> = reservation.told_by.iter().map(|name| printable(name)).collect();
    let counted = match reservation.is_counted {
        true => "counted above",
        false => "not in a section, so not counted",
    };
    let size = grouped(reservation.size);
    format!("{size} bytes are set aside for {purpose} by {}; {counted}", told_by.join(" and "))
}

/// One table.
pub(super) fn table(out: &mut impl Write, by: By, rows: &[Row], limit: usize) -> io::Result<()> {
    let title = heading(by);
    writeln!(out, "\n{QUIET}      flash         RAM  {title}{QUIET:#}")?;
    for row in rows.iter().take(limit) {
        let Bytes { flash, ram } = row.bytes;
        write!(out, "{:>11} {:>11}  {}", or_blank(flash), or_blank(ram), printable(&row.name))?;
        writeln!(out, "{QUIET}{}{QUIET:#}", details(by, row))?;
    }
    let rest: Bytes = rows.iter().skip(limit).map(|row| row.bytes).sum();
    if rows.len() > limit {
        let more = format!("{} more; --all shows them", rows.len() - limit);
        writeln!(
            out,
            "{:>11} {:>11}  {QUIET}{more}{QUIET:#}",
            or_blank(rest.flash),
            or_blank(rest.ram)
        )?;
    }
    Ok(())
}

pub(super) fn heading(by: By) -> &'static str {
    match by {
        By::Section => "section",
        By::Crate => "crate, or folder of sources",
        By::File => "file",
        By::Symbol => "symbol",
    }
}

/// What follows a name.
pub(super) fn details(by: By, row: &Row) -> String {
    let mut text = String::new();
    match by {
        By::Section => {
            if let Some(address) = row.address {
                text.push_str(&format!("  at {address:#010x}"));
            }
        }
        By::Symbol => {
            if row.count > 1 {
                text.push_str(&format!("  ×{}", row.count));
            }
            match (&row.file, &row.section) {
                (Some(file), _) => text.push_str(&format!("  {}", printable(file))),
                (None, Some(section)) => text.push_str(&format!("  in {}", printable(section))),
                (None, None) => {}
            }
            if let Some(krate) = &row.instantiated_in {
                text.push_str(&format!("  instantiated in {}", printable(krate)));
            }
            if row.kind == RowKind::Label {
                text.push_str("  up to what comes next");
            }
        }
        By::Crate => {
            let makers =
                row.instances.iter().take(INSTANCES_SHOWN).map(|(maker, bytes)| {
                    format!("{} by {}", grouped(bytes.sum()), printable(maker))
                });
            let makers: Vec<String> = makers.collect();
            if !makers.is_empty() {
                let more = if row.instances.len() > INSTANCES_SHOWN { ", …" } else { "" };
                text.push_str(&format!("  instantiated: {}{more}", makers.join(", ")));
            }
        }
        By::File => {}
    }
    text
}

pub(super) fn or_blank(bytes: u64) -> String {
    if bytes == 0 { "·".to_owned() } else { grouped(bytes) }
}

/// `1,234,567`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(used: u64, size: u64) -> f64 {
    if size == 0 { 0.0 } else { used as f64 * 100.0 / size as f64 }
}
