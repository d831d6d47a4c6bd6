//! Values as text, by the hints of their format, and as plain data.

use bundle::LogValue;
use defmt_parser::{DisplayHint, Fragment, TimePrecision, Type};

use super::Format;
use super::decode::Value;

/// The message of a statement.
pub(super) fn text(format: &Format, values: &[Value]) -> String {
    fragments(&format.fragments, values, None)
}

/// A value without its format's hints.
pub(super) fn plain(value: &Value) -> LogValue {
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
        other => LogValue::Text(show(other, None)),
    }
}

fn fragments(parts: &[Fragment<'_>], values: &[Value], outer: Option<&DisplayHint>) -> String {
    let mut text = String::new();
    // Values are by position among the distinct indexes, which a format numbers from 0.
    for part in parts {
        match part {
            Fragment::Literal(literal) => text.push_str(literal),
            Fragment::Parameter(parameter) => {
                let hint = match &parameter.hint {
                    None | Some(DisplayHint::Debug) => outer.or(parameter.hint.as_ref()),
                    own => own.as_ref(),
                };
                match (values.get(parameter.index), &parameter.ty) {
                    (Some(Value::Unsigned(bits)), Type::BitField(range)) => {
                        let width = u32::from(range.end - range.start);
                        let mask = u128::MAX.checked_shr(128 - width).unwrap_or(0);
                        let field = (bits >> range.start) & mask;
                        text.push_str(&show(&Value::Unsigned(field), hint));
                    }
                    (Some(value), _) => text.push_str(&show(value, hint)),
                    (None, _) => text.push('?'),
                }
            }
        }
    }
    text
}

fn show(value: &Value, hint: Option<&DisplayHint>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Unsigned(value) => unsigned(*value, hint),
        Value::Signed(value) => signed(*value, hint),
        Value::Float(value) => value.to_string(),
        Value::Char(value) => value.to_string(),
        Value::Text(value) if matches!(hint, Some(DisplayHint::Debug)) => format!("{value:?}"),
        Value::Text(value) => value.clone(),
        Value::Bytes(bytes) if matches!(hint, Some(DisplayHint::Ascii)) => {
            format!("b\"{}\"", bytes.escape_ascii())
        }
        Value::Bytes(bytes) => {
            let shown: Vec<String> =
                bytes.iter().map(|byte| unsigned((*byte).into(), hint)).collect();
            format!("[{}]", shown.join(", "))
        }
        Value::Nested { fragments: parts, values } => fragments(parts, values, hint),
        Value::List(elements) => {
            let shown: Vec<String> = elements.iter().map(|element| show(element, hint)).collect();
            format!("[{}]", shown.join(", "))
        }
        Value::Sequence(pieces) => pieces.iter().map(|piece| show(piece, hint)).collect(),
    }
}

fn unsigned(value: u128, hint: Option<&DisplayHint>) -> String {
    match hint {
        Some(DisplayHint::Hexadecimal { alternate, uppercase, zero_pad }) => {
            let (prefix, pad) = prefixed("0x", *alternate, *zero_pad);
            match uppercase {
                true => format!("{prefix}{value:0pad$X}"),
                false => format!("{prefix}{value:0pad$x}"),
            }
        }
        Some(DisplayHint::Octal { alternate, zero_pad }) => {
            let (prefix, pad) = prefixed("0o", *alternate, *zero_pad);
            format!("{prefix}{value:0pad$o}")
        }
        Some(DisplayHint::Binary { alternate, zero_pad }) => {
            let (prefix, pad) = prefixed("0b", *alternate, *zero_pad);
            format!("{prefix}{value:0pad$b}")
        }
        Some(DisplayHint::NoHint { zero_pad }) => format!("{value:0zero_pad$}"),
        Some(DisplayHint::Seconds(precision)) => match precision {
            TimePrecision::Micros => format!("{:.6}", value as f64 / 1e6),
            TimePrecision::Millis => format!("{:.3}", value as f64 / 1e3),
            _ => value.to_string(),
        },
        Some(DisplayHint::Time(precision)) => match precision {
            TimePrecision::Micros => {
                clock(value / 1_000_000, &format!(".{:06}", value % 1_000_000))
            }
            TimePrecision::Millis => clock(value / 1000, &format!(".{:03}", value % 1000)),
            TimePrecision::Seconds => clock(value, ""),
        },
        _ => value.to_string(),
    }
}

fn clock(seconds: u128, fraction: &str) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{fraction}", seconds % 60)
}

/// The prefix, and the digits that are left of the padding, which counts it.
fn prefixed(prefix: &'static str, alternate: bool, pad: usize) -> (&'static str, usize) {
    match alternate {
        true => (prefix, pad.saturating_sub(2)),
        false => ("", pad),
    }
}

fn signed(value: i128, hint: Option<&DisplayHint>) -> String {
    match (hint, value) {
        (Some(DisplayHint::NoHint { zero_pad }), _) => format!("{value:0zero_pad$}"),
        (None | Some(DisplayHint::Debug), _) => value.to_string(),
        (hint, 0..) => unsigned(value.unsigned_abs(), hint),
        (hint, _) => format!("-{}", unsigned(value.unsigned_abs(), hint)),
    }
}
