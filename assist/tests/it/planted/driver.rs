//! Our own drivers, each with one word or number spoilt.
//!
//! Where to spoil is found by patterns in the text, not by what the checker reads.

use assist::check::Language;
use assist::{Claim, ClaimKind};
use regex::Regex;
use svd_index::Index;

use super::score::{Plant, Rng};
use crate::support::example;

const RUST: &str = include_str!("../../drivers/uart.rs");

/// Name, text, language of everything that is read.
pub(super) fn files() -> Vec<(String, String, Language)> {
    let own = |name: &str| std::fs::read_to_string(example(name)).unwrap();
    let mut files: Vec<(String, String, Language)> =
        ["uart.c", "main.c", "startup.c", "nrf51.h", "uart.h"]
            .map(|name| (name.to_owned(), own(name), Language::C))
            .into();
    files.push(("README.md".into(), own("README.md"), Language::Markdown));
    files.push(("uart.rs".into(), RUST.to_owned(), Language::Rust));
    files
}

/// What the example is there to show.
pub(super) fn is_the_bug(claim: &Claim) -> bool {
    claim.kind == ClaimKind::Value && claim.text.contains("115200")
}

/// A pattern whose first group is spoilt, and how.
struct Spot {
    kind: &'static str,
    language: Language,
    pattern: &'static str,
    how: How,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    /// One slip in a name.
    Slip,
    /// Another hexadecimal digit.
    Digit,
    /// One more element; seen at the member behind it.
    Longer,
    /// One more.
    More,
}

const SPOTS: &[Spot] = &[
    Spot {
        kind: "register in C",
        language: Language::C,
        pattern: r"NRF_[A-Z]+\d?->([A-Z_]{4,})",
        how: How::Slip,
    },
    Spot {
        kind: "peripheral in C",
        language: Language::C,
        pattern: r"= ?NRF_([A-Z]{4,}\d)->",
        how: How::Slip,
    },
    Spot {
        kind: "base in C",
        language: Language::C,
        pattern: r"_regs \*\)(0x[0-9A-F]{8})\)",
        how: How::Digit,
    },
    Spot {
        kind: "offset in C",
        language: Language::C,
        pattern: r"\) == (0x[0-9A-F]{3})",
        how: How::Digit,
    },
    Spot {
        kind: "gap in C",
        language: Language::C,
        pattern: r"reserved\d\[(\d+)\]",
        how: How::Longer,
    },
    Spot { kind: "interrupt in C", language: Language::C, pattern: r"_IRQ (\d+)", how: How::More },
    Spot {
        kind: "handler in C",
        language: Language::C,
        pattern: r"void ([A-Z0-9]{5,})_IRQHandler",
        how: How::Slip,
    },
    Spot {
        kind: "register in Rust",
        language: Language::Rust,
        pattern: r"p\.[A-Z]+\d?\.([a-z_]{4,})\.(?:write|modify)",
        how: How::Slip,
    },
    Spot {
        kind: "field in Rust",
        language: Language::Rust,
        pattern: r"w\.([a-z]{4,}\d*)\(\)",
        how: How::Slip,
    },
    Spot {
        kind: "field in Rust",
        language: Language::Rust,
        pattern: r"\.read\(\)\.([a-z]{5,})\(\)",
        how: How::Slip,
    },
    Spot {
        kind: "enum in Rust",
        language: Language::Rust,
        pattern: r"\(\)\.((?:baud115200|enabled|disabled|excluded|timer))\(\)",
        how: How::Slip,
    },
    Spot {
        kind: "base in Rust",
        language: Language::Rust,
        pattern: r"_BASE: usize = (0x[0-9_]+)",
        how: How::Digit,
    },
    Spot {
        kind: "address in Rust",
        language: Language::Rust,
        pattern: r"UART_BAUDRATE: usize = (0x[0-9_]+)",
        how: How::Digit,
    },
    Spot {
        kind: "mask in Rust",
        language: Language::Rust,
        pattern: r"u32 = (?:1|0x7) << (\d)",
        how: How::More,
    },
    Spot {
        kind: "interrupt in Rust",
        language: Language::Rust,
        pattern: r"IRQN: u32 = (\d)",
        how: How::More,
    },
    Spot {
        kind: "handler in Rust",
        language: Language::Rust,
        pattern: r"interrupt\]\nfn ([A-Z0-9]{5,})\(",
        how: How::Slip,
    },
    Spot {
        kind: "gap in Rust",
        language: Language::Rust,
        pattern: r"\[u32; (\d+)\]",
        how: How::Longer,
    },
];

/// Every spot of every file, spoilt once each time the dice allow.
pub(super) fn plants(index: &Index, rng: &mut Rng) -> Vec<Plant> {
    let chip = index.chip().unwrap();
    // A slip must not make another name that is right.
    let known: std::collections::HashSet<String> = chip
        .registers()
        .flat_map(|r| {
            let fields = r.fields().map(|f| f.name().to_ascii_uppercase()).collect::<Vec<_>>();
            [r.name().to_ascii_uppercase(), r.peripheral().name().to_ascii_uppercase()]
                .into_iter()
                .chain(fields)
        })
        .collect();
    let mut plants = Vec::new();
    for (_, text, language) in files() {
        // The bug that the example shows would be found each time.
        let text = text.replace("BAUDRATE = 115200;", "BAUDRATE = BAUDRATE_BAUD115200;");
        for spot in SPOTS.iter().filter(|spot| spot.language == language) {
            let pattern = Regex::new(spot.pattern).unwrap();
            for found in pattern.captures_iter(&text) {
                let word = found.get(1).unwrap();
                for _ in 0..4 {
                    let taken = |name: &str| known.contains(&name.to_ascii_uppercase());
                    let Some(wrong) = spoil(rng, spot.how, word.as_str(), &taken) else { continue };
                    plants.push(plant(spot, &text, word.range(), &wrong));
                }
            }
        }
    }
    plants
}

fn spoil(rng: &mut Rng, how: How, word: &str, taken: &dyn Fn(&str) -> bool) -> Option<String> {
    let plain = word.replace('_', "");
    match how {
        How::Slip => rng.slip(word, taken),
        How::Longer | How::More => {
            Some((word.parse::<u64>().ok()? + 1 + rng.below(3) as u64).to_string())
        }
        How::Digit => {
            let digits = plain.len() - 2;
            let value = u64::from_str_radix(&plain[2..], 16).ok()?;
            Some(format!("{:#x}", rng.other_digit(value, digits.min(5) as u32)))
        }
    }
}

fn plant(spot: &Spot, text: &str, at: std::ops::Range<usize>, wrong: &str) -> Plant {
    let word = &text[at.clone()];
    let mut spoilt = text.to_owned();
    spoilt.replace_range(at.clone(), wrong);
    let mut line = text[..at.start].matches('\n').count() as u32 + 1;
    let plain = word.replace('_', "");
    let right = match spot.how {
        How::Slip => vec![word.to_owned()],
        How::Digit => vec![plain],
        How::More if spot.kind.starts_with("mask") => {
            // A single bit is told as a shift, several as a number.
            let shift: u32 = word.parse().unwrap();
            vec![format!("1 << {shift}"), format!("{:#010x}", 7u32 << shift)]
        }
        How::More => vec![word.to_owned()],
        How::Longer => {
            line += 1;
            Vec::new()
        }
    };
    Plant {
        kind: spot.kind,
        language: spot.language,
        truth: text.to_owned(),
        wrong: spoilt,
        line,
        right,
    }
}
