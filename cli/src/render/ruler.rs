//! A register's bits as reference manuals draw them: boxes from the highest bit to the lowest,
//! bit numbers above, names inside.
//!
//! ```text
//!     31  4   3    1    0
//!   ┌───────┬────────┬──────┐
//!   │   -   │ PARITY │ HWFC │
//!   └───────┴────────┴──────┘
//! ```
//!
//! A box is as wide as its name, not as its bits: a name is never cut while the terminal can hold
//! it, and the numbers tell the bits. `-` is reserved: no field has these bits.

use std::io::{self, Write};

use svd_index::RegisterRef;

use crate::ui::printable;

const INDENT: &str = "  ";
const RESERVED: &str = "-";

/// A run of bits with one name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    name: String,
    msb: u32,
    lsb: u32,
}

/// Draws the bits of `register` within `columns`, and those of `value` if there is one.
pub(super) fn draw(
    out: &mut impl Write,
    register: &RegisterRef<'_>,
    value: Option<u64>,
    columns: usize,
) -> io::Result<()> {
    let fields = register.fields().map(|field| Run {
        name: printable(field.name()),
        msb: field.msb(),
        lsb: field.lsb(),
    });
    let (runs, hidden) = runs(fields.collect(), register.size_bits());
    for line in lines(&runs, value, columns) {
        writeln!(out, "{line}")?;
    }
    if !hidden.is_empty() {
        writeln!(out, "{INDENT}not drawn, on bits of others: {}", hidden.join(", "))?;
    }
    Ok(())
}

/// All bits of the register from the highest down, and the names of fields that lie on bits drawn
/// for another.
fn runs(mut fields: Vec<Run>, size_bits: u32) -> (Vec<Run>, Vec<String>) {
    // Stable: of two fields at the same place the SVD's first is drawn.
    fields.sort_by_key(|field| std::cmp::Reverse(field.msb));
    let (mut runs, mut hidden) = (Vec::new(), Vec::new());
    let mut above = size_bits;
    let reserved = |msb, lsb| Run { name: RESERVED.to_owned(), msb, lsb };
    for field in fields {
        if field.msb >= above {
            hidden.push(field.name);
            continue;
        }
        if field.msb + 1 < above {
            runs.push(reserved(above - 1, field.msb + 1));
        }
        above = field.lsb;
        runs.push(field);
    }
    if above > 0 {
        runs.push(reserved(above - 1, 0));
    }
    (runs, hidden)
}

/// The drawing, in as many rows of boxes as `columns` ask for.
fn lines(runs: &[Run], value: Option<u64>, columns: usize) -> Vec<String> {
    let most = columns.saturating_sub(INDENT.len() + 1);
    let boxes: Vec<(&Run, usize)> =
        runs.iter().map(|run| (run, box_width(run, value).min(most.saturating_sub(1)))).collect();
    let mut lines = Vec::new();
    let mut rest = boxes.as_slice();
    while !rest.is_empty() {
        let mut used = 0;
        let fits = rest.iter().take_while(|(_, width)| {
            used += width + 1;
            used <= most
        });
        let (row, after) = rest.split_at(fits.count().max(1));
        lines.extend(draw_row(row, value));
        rest = after;
    }
    lines
}

/// Columns between a box's walls.
fn box_width(run: &Run, value: Option<u64>) -> usize {
    let digits = value.map_or(0, |value| digits(run, value).chars().count());
    let numbers = match run.msb == run.lsb {
        true => run.msb.to_string().len(),
        false => run.msb.to_string().len() + 2 + run.lsb.to_string().len(),
    };
    numbers.max(run.name.chars().count()).max(digits) + 2
}

fn draw_row(row: &[(&Run, usize)], value: Option<u64>) -> Vec<String> {
    let rule = |left: &str, between: &str, right: &str| {
        let parts: Vec<String> = row.iter().map(|(_, width)| "─".repeat(*width)).collect();
        format!("{INDENT}{left}{}{right}", parts.join(between))
    };
    let cells = |text: &dyn Fn(&Run) -> String| {
        let parts: Vec<String> =
            row.iter().map(|(run, width)| centred(&text(run), *width)).collect();
        format!("{INDENT}│{}│", parts.join("│"))
    };
    let numbers: Vec<String> = row.iter().map(|(run, width)| bit_numbers(run, *width)).collect();
    let mut lines = vec![
        format!("{INDENT} {}", numbers.join(" ")).trim_end().to_owned(),
        rule("┌", "┬", "┐"),
        cells(&|run| run.name.clone()),
    ];
    lines.extend(value.map(|value| cells(&|run| digits(run, value))));
    lines.push(rule("└", "┴", "┘"));
    lines
}

/// The highest bit's number over the box's left end, the lowest one's over its right.
fn bit_numbers(run: &Run, width: usize) -> String {
    if run.msb == run.lsb {
        return centred(&run.msb.to_string(), width);
    }
    let (msb, lsb) = (run.msb.to_string(), run.lsb.to_string());
    let between = width.saturating_sub(2 + msb.len() + lsb.len());
    format!(" {msb}{}{lsb} ", " ".repeat(between))
}

fn digits(run: &Run, value: u64) -> String {
    let width = run.msb - run.lsb + 1;
    let raw = (value >> run.lsb.min(63)) & (u64::MAX >> (64 - width.clamp(1, 64)));
    if width == 1 { raw.to_string() } else { format!("{raw:#x}") }
}

/// `text` in the middle of `width` columns, cut if it is longer.
fn centred(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length > width {
        let kept: String = text.chars().take(width.saturating_sub(1)).collect();
        return format!("{kept}…");
    }
    let before = (width - length) / 2;
    format!("{}{text}{}", " ".repeat(before), " ".repeat(width - length - before))
}

#[cfg(test)]
mod tests {
    use super::{Run, lines, runs};

    fn drawn(fields: &[(&str, u32, u32)], size: u32, value: Option<u64>, columns: usize) -> String {
        let fields = fields.iter().map(|&(name, msb, lsb)| Run { name: name.to_owned(), msb, lsb });
        let (runs, hidden) = runs(fields.collect(), size);
        let mut text = lines(&runs, value, columns);
        text.extend((!hidden.is_empty()).then(|| format!("hidden {}", hidden.join(" "))));
        text.join("\n")
    }

    const CONFIG: &[(&str, u32, u32)] = &[("HWFC", 0, 0), ("PARITY", 3, 1)];

    #[test]
    fn bit_numbers_stand_over_the_ends_of_named_boxes() {
        let expected = "
    31  4   3    1    0
  ┌───────┬────────┬──────┐
  │   -   │ PARITY │ HWFC │
  └───────┴────────┴──────┘";
        assert_eq!(format!("\n{}", drawn(CONFIG, 32, None, 80)), expected);
    }

    #[test]
    fn a_value_stands_under_the_names() {
        let expected = "
    31  4   3    1    0
  ┌───────┬────────┬──────┐
  │   -   │ PARITY │ HWFC │
  │  0x0  │  0x7   │  1   │
  └───────┴────────┴──────┘";
        assert_eq!(format!("\n{}", drawn(CONFIG, 32, Some(0xf), 80)), expected);
    }

    #[test]
    fn rows_wrap_between_fields() {
        let expected = "
    31  4   3    1
  ┌───────┬────────┐
  │   -   │ PARITY │
  └───────┴────────┘
     0
  ┌──────┐
  │ HWFC │
  └──────┘";
        assert_eq!(format!("\n{}", drawn(CONFIG, 32, None, 26)), expected);
        assert_eq!(drawn(CONFIG, 32, None, 27).lines().count(), 4);
    }

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        let long = [("A_NAME_MUCH_LONGER_THAN_THE_TERMINAL_IS_WIDE", 63, 0)];
        for columns in [0, 1, 4, 12, 20, 79] {
            for line in drawn(&long, 64, Some(u64::MAX), columns).lines() {
                assert!(line.chars().count() <= columns.max(16), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn a_field_on_the_bits_of_another_is_named_below() {
        let fields = [("WHOLE", 7, 0), ("LOW", 3, 0), ("BEYOND", 9, 8)];
        let expected = "
    7   0
  ┌───────┐
  │ WHOLE │
  └───────┘
hidden BEYOND LOW";
        assert_eq!(format!("\n{}", drawn(&fields, 8, None, 80)), expected);
    }

    #[test]
    fn a_register_without_fields_is_one_box() {
        let expected = "
    15  0
  ┌───────┐
  │   -   │
  └───────┘";
        assert_eq!(format!("\n{}", drawn(&[], 16, None, 80)), expected);
    }
}
