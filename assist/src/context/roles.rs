//! The part that a register plays in its peripheral, and who feeds a peripheral its clock.

use super::twins::Twins;
use crate::catalog::{Catalog, Register};
use crate::words;

/// Parts of register names and what they tell, the first that fits counts. A trailing digit of
/// the name's part does not matter.
const ROLES: &[(&[&str], f32)] = &[
    (&["cr", "ctrl", "control", "ctl", "ctrla", "ctrlb", "con", "csr", "c", "ctr"], 1.0),
    (&["cfgr", "cfg", "config", "conf", "mode", "mr", "settings"], 0.9),
    (&["sr", "isr", "status", "stat", "state", "ris", "int", "raw", "st", "flag"], 0.85),
    (&["enable", "en", "inten", "intenset", "inte", "ier", "imsc", "ena"], 0.75),
    (&["intenclr", "icr", "ifcr", "clr", "rst", "reset"], 0.6),
    (&["brr", "baud", "baudrate", "psc", "div", "prescaler", "frequency", "clk", "clkdiv"], 0.7),
    (&["dr", "data", "rdr", "tdr", "rxd", "txd", "out", "in", "cnt", "pin"], 0.4),
    (&["id", "version", "pid", "cid", "test", "reserved", "date", "scratch"], 0.02),
];

/// Worth of a register whose name tells nothing.
const PLAIN: f32 = 0.35;

/// How likely a register matters when its peripheral does, 0 to 1.
pub(super) fn of(register: &Register<'_>) -> f32 {
    let parts = words::split(register.name());
    let mut best: f32 = 0.0;
    let mut least: f32 = 1.0;
    for part in &parts {
        let bare = part.trim_end_matches(|c: char| c.is_ascii_digit());
        for (names, worth) in ROLES {
            if names.contains(&bare) {
                best = best.max(*worth);
                least = least.min(*worth);
            }
        }
    }
    match best {
        0.0 => PLAIN,
        _ if least < 0.1 => least,
        best => best,
    }
}

/// A field that switches a peripheral's clock on, or chooses it.
pub(super) struct Gate {
    pub(super) register: usize,
    pub(super) field: usize,
    pub(super) worth: f32,
}

/// Peripherals at least this much asked about have their clock shown.
const ASKED: f32 = 0.6;

/// Names of peripherals that hold clock gates start with one of these.
const CLOCK_HOLDERS: &[&str] = &[
    "RCC",
    "SIM",
    "PMC",
    "PM",
    "PCC",
    "CCM",
    "MCLK",
    "SYSCON",
    "SYSCTL",
    "RCU",
    "CRM",
    "CMU",
    "SYSTEM",
    "PCR",
    "CLOCK",
    "CLK",
    "SCU",
    "RESETS",
    "DPORT",
    "HP_SYS_CLKRST",
    "GCR",
    "SC",
];

/// Fields named after the peripherals that the question is about, in the chip's clock controls.
pub(super) fn clock_gates(catalog: &Catalog<'_>, strengths: &[f32], twins: &Twins) -> Vec<Gate> {
    let mut asked: Vec<(String, f32)> = catalog
        .peripherals
        .iter()
        .enumerate()
        .filter(|(at, p)| strengths[*at] >= ASKED && stands(twins, p.registers.clone()))
        .map(|(at, p)| (p.name.to_ascii_uppercase(), strengths[at]))
        .collect();
    asked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    asked.truncate(6);
    let mut gates = Vec::new();
    for (at, register) in catalog.registers.iter().enumerate() {
        let holder = catalog.peripherals[register.peripheral].name.to_ascii_uppercase();
        if twins.stands[at] == 0 || !CLOCK_HOLDERS.iter().any(|start| holder.starts_with(start)) {
            continue;
        }
        for (place, field) in register.fields.iter().enumerate() {
            let name = field.name.to_ascii_uppercase();
            let fed = asked.iter().filter_map(|(peripheral, strength)| {
                Some(strength * gate_strength(&name, peripheral)?)
            });
            if let Some(worth) = fed.max_by(f32::total_cmp) {
                gates.push(Gate { register: at, field: place, worth: worth * 0.4 });
            }
        }
    }
    gates
}

fn stands(twins: &Twins, mut registers: std::ops::Range<usize>) -> bool {
    registers.any(|at| twins.stands[at] > 0)
}

/// How clearly a field is the clock gate of a peripheral: `USART2EN` is that of `USART2`, and so
/// is `USART2`; `USART2RST` and `USART2LPEN` are about it.
fn gate_strength(field: &str, peripheral: &str) -> Option<f32> {
    let kind = peripheral.trim_end_matches(|c: char| c.is_ascii_digit());
    let port = peripheral.strip_prefix("GPIO").map(|letter| format!("IOP{letter}"));
    let rest =
        field.strip_prefix(peripheral).or_else(|| field.strip_prefix(&port?)).or_else(|| {
            (kind.len() > 2).then(|| field.strip_prefix(kind))?.filter(|rest| {
                // ADC12EN, ADC345SEL: one gate for several.
                rest.starts_with(|c: char| c.is_ascii_digit()) || rest.starts_with('E')
            })
        })?;
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    match rest {
        "EN" | "" | "CLKEN" | "CLK_EN" | "ENABLE" | "CG" => Some(1.0),
        "SEL" | "CLKSEL" | "SW" | "SRC" | "CLK" => Some(0.7),
        "RST" | "RSTN" | "RESET" | "_RST" => Some(0.35),
        _ if rest.contains("LP") || rest.contains("SM") => Some(0.1),
        _ => None,
    }
}
