//! SARIF 2.1.0, for the tools that collect what checks find. Source: OASIS Standard, Static
//! Analysis Results Interchange Format (SARIF) Version 2.1.0, 27 March 2020; section numbers are
//! its.

use std::io::Write;

use assist::Verdict;
use serde_json::{Value, json};

use super::{Excuse, Found};
use crate::exit::Failure;
use crate::session::Session;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a kind of claim says.
const KINDS: &[(&str, &str)] = &[
    ("register", "A register or peripheral that is named exists"),
    ("field", "A field that is named exists in its register"),
    ("bits", "Bits that are named or used are those of the field"),
    ("mask", "A mask is that of its field and register"),
    ("address", "A register is at the address that is given"),
    ("offset", "A register lies so far from its peripheral's start"),
    ("base", "A peripheral starts at the address that is given"),
    ("value", "A register may be given the value"),
    ("enum", "An enumerated value has the name and number"),
    ("reset", "A register has the value after reset"),
    ("symbol", "The firmware has the function or variable"),
    ("type", "A variable of the firmware has the member"),
    ("line", "The line of the source file has code"),
    ("interrupt", "The chip has the interrupt, with this number"),
    ("elf", "What the firmware does to a register is allowed"),
];

/// Writes one log with one run (3.13, 3.14).
pub(super) fn write(session: &mut Session, found: &[Found], all: bool) -> Result<(), Failure> {
    let told = found.iter().filter(|found| match found.verdict {
        Verdict::Wrong => true,
        Verdict::Unknown => all,
        Verdict::Ok => false,
    });
    let results: Vec<Value> = told.map(result).collect();
    let rules: Vec<Value> = KINDS
        .iter()
        .map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } }))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "silk",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log).map_err(std::io::Error::from)?;
    writeln!(session.ui.out, "{text}")?;
    Ok(())
}

/// A result (3.27).
fn result(found: &Found) -> Value {
    let right = found.expected.as_ref().map_or(String::new(), |right| format!("; right: {right}"));
    let message = format!("`{}`: {}{right}", found.text, found.why);
    let mut result = json!({
        "ruleId": found.kind,
        "ruleIndex": KINDS.iter().position(|(id, _)| *id == found.kind),
        "level": if found.verdict == Verdict::Wrong { "error" } else { "note" },
        "message": { "text": message },
        "locations": [location(found)],
        // 3.27.17: the same claim again, wherever its line went.
        "partialFingerprints": { "claim/v1": format!("{}:{}", found.kind, found.text) },
    });
    if let (Some(excuse), Verdict::Wrong) = (&found.excuse, found.verdict) {
        // 3.35.2: in the source, or kept elsewhere.
        let suppression = match excuse {
            Excuse::Comment(allowed) => {
                json!({ "kind": "inSource", "justification": allowed.reason })
            }
            Excuse::Baseline => json!({ "kind": "external" }),
        };
        result["suppressions"] = json!([suppression]);
    }
    result
}

/// A physical location (3.29). Columns are told in characters (3.14.17).
fn location(found: &Found) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&found.file) } });
    if let Some(place) = found.place {
        let text = |line: u32| {
            found
                .source
                .as_deref()
                .and_then(|text| text.lines().nth(line as usize - 1))
                .unwrap_or("")
        };
        let characters = |line: u32, column: u32| {
            let bytes = column as usize - 1;
            text(line).char_indices().take_while(|(at, _)| *at < bytes).count() + 1
        };
        let mut region = json!({ "startLine": place.line });
        if let Some(columns) = place.columns {
            region["startColumn"] = json!(characters(place.line, columns.start));
            region["endLine"] = json!(columns.end_line);
            region["endColumn"] = json!(characters(columns.end_line, columns.end));
        }
        physical["region"] = region;
    }
    json!({ "physicalLocation": physical })
}

/// A path as a URI reference: RFC 3986, 2.1 and 4.2.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') {
        uri += "file://";
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            b'\\' => uri.push('/'),
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}
