//! Values as text, by the hints of their format, and as plain data.

use std::fmt::{self, Write};

use bundle::LogValue;
use defmt_parser::{DisplayHint, Fragment, TimePrecision, Type};

use super::Format;
use super::decode::Value;

/// The message of a statement.
pub(super) fn text(format: &Format, values: &[Value<'_>]) -> String {
    let mut text = String::with_capacity(format.text.len() + 16);
    // Writing to a string does not fail.
    let _ = fragments(&mut text, format, values, None);
    text
}

/// A value without its format's hints.
pub(super) fn plain(value: &Value<'_>) -> LogValue {
    match value {
        Value::Bool(value) => LogValue::Bool(*value),
        Value::Unsigned(value) => match u64::try_from(*value) {
            Ok(value) => LogValue::Unsigned(value),
            Err(_) => LogValue::Text(value.to_string()),
        },
        Value::Signed(value) => match i64::try_from(*value) {
            Ok(value) => LogValue::Signed(value),
            Err(_) => LogValue::Text(value.to_string()),
        },
        Value::Float(value) if value.is_finite() => LogValue::Float(*value),
        Value::Bytes(bytes) => {
            LogValue::List(bytes.iter().map(|byte| LogValue::Unsigned((*byte).into())).collect())
        }
        Value::List(elements) => LogValue::List(elements.iter().map(plain).collect()),
        other => {
            let mut text = String::new();
            let _ = show(&mut text, other, None);
            LogValue::Text(text)
        }
    }
}

fn fragments(
    out: &mut String,
    format: &Format,
    values: &[Value<'_>],
    outer: Option<&DisplayHint>,
) -> fmt::Result {
    // Values are by position among the distinct indexes, which a format numbers from 0.
    for part in &format.fragments {
        match part {
            Fragment::Literal(literal) => out.push_str(literal),
            Fragment::Parameter(parameter) => {
                let hint = match &parameter.hint {
                    None | Some(DisplayHint::Debug) => outer.or(parameter.hint.as_ref()),
                    own => own.as_ref(),
                };
                match (values.get(parameter.index), &parameter.ty) {
                    (Some(Value::Unsigned(bits)), Type::BitField(range)) => {
                        let width = u32::from(range.end - range.start);
                        let mask = u128::MAX.checked_shr(128 - width).unwrap_or(0);
                        unsigned(out, (bits >> range.start) & mask, hint)?;
                    }
                    (Some(value), _) => show(out, value, hint)?,
                    (None, _) => out.push('?'),
                }
            }
        }
    }
    Ok(())
}

fn show(out: &mut String, value: &Value<'_>, hint: Option<&DisplayHint>) -> fmt::Result {
    match value {
        Value::Bool(value) => write!(out, "{value}"),
        Value::Unsigned(value) => unsigned(out, *value, hint),
        Value::Signed(value) => signed(out, *value, hint),
        Value::Float(value) => write!(out, "{value}"),
        Value::Char(value) => out.write_char(*value),
        Value::Text(value) if matches!(hint, Some(DisplayHint::Debug)) => write!(out, "{value:?}"),
        Value::Text(value) => out.write_str(value),
        Value::Bytes(bytes) if matches!(hint, Some(DisplayHint::Ascii)) => {
            write!(out, "b\"{}\"", bytes.escape_ascii())
        }
        Value::Bytes(bytes) => {
            bracketed(out, bytes, |out, byte| unsigned(out, (*byte).into(), hint))
        }
        Value::Nested { format, values } => fragments(out, format, values, hint),
        Value::List(elements) => bracketed(out, elements, |out, element| show(out, element, hint)),
        Value::Sequence(pieces) => pieces.iter().try_for_each(|piece| show(out, piece, hint)),
    }
}

fn bracketed<T>(
    out: &mut String,
    elements: &[T],
    mut show: impl FnMut(&mut String, &T) -> fmt::Result,
) -> fmt::Result {
    out.push('[');
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        show(out, element)?;
    }
    out.push(']');
    Ok(())
}

fn unsigned(out: &mut String, value: u128, hint: Option<&DisplayHint>) -> fmt::Result {
    match hint {
        Some(DisplayHint::Hexadecimal { alternate, uppercase, zero_pad }) => {
            let (prefix, pad) = prefixed("0x", *alternate, *zero_pad);
            match uppercase {
                true => write!(out, "{prefix}{value:0pad$X}"),
                false => write!(out, "{prefix}{value:0pad$x}"),
            }
        }
        Some(DisplayHint::Octal { alternate, zero_pad }) => {
            let (prefix, pad) = prefixed("0o", *alternate, *zero_pad);
            write!(out, "{prefix}{value:0pad$o}")
        }
        Some(DisplayHint::Binary { alternate, zero_pad }) => {
            let (prefix, pad) = prefixed("0b", *alternate, *zero_pad);
            write!(out, "{prefix}{value:0pad$b}")
        }
        Some(DisplayHint::NoHint { zero_pad }) => write!(out, "{value:0zero_pad$}"),
        Some(DisplayHint::Seconds(precision)) => match precision {
            TimePrecision::Micros => write!(out, "{:.6}", value as f64 / 1e6),
            TimePrecision::Millis => write!(out, "{:.3}", value as f64 / 1e3),
            _ => write!(out, "{value}"),
        },
        Some(DisplayHint::Time(precision)) => match precision {
            TimePrecision::Micros => {
                clock(out, value / 1_000_000)?;
                write!(out, ".{:06}", value % 1_000_000)
            }
            TimePrecision::Millis => {
                clock(out, value / 1000)?;
                write!(out, ".{:03}", value % 1000)
            }
            TimePrecision::Seconds => clock(out, value),
        },
        // Most are small, and wide division is slow.
        _ => match u64::try_from(value) {
            Ok(value) => write!(out, "{value}"),
            Err(_) => write!(out, "{value}"),
        },
    }
}

fn clock(out: &mut String, seconds: u128) -> fmt::Result {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    write!(out, "{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// The prefix, and the digits that are left of the padding, which counts it.
fn prefixed(prefix: &'static str, alternate: bool, pad: usize) -> (&'static str, usize) {
    match alternate {
        true => (prefix, pad.saturating_sub(2)),
        false => ("", pad),
    }
}

fn signed(out: &mut String, value: i128, hint: Option<&DisplayHint>) -> fmt::Result {
    match (hint, value) {
        (Some(DisplayHint::NoHint { zero_pad }), _) => write!(out, "{value:0zero_pad$}"),
        (None | Some(DisplayHint::Debug), _) => write!(out, "{value}"),
        (hint, 0..) => unsigned(out, value.unsigned_abs(), hint),
        (hint, _) => {
            out.push('-');
            unsigned(out, value.unsigned_abs(), hint)
        }
    }
}
