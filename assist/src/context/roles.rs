//! The part that a register plays in its peripheral, and who feeds a peripheral its clock.

use std::collections::BTreeMap;

use super::twins::Twins;
use super::vocabulary::Role::{self, Clear, Control, Data, Interrupt, Mode, Rate, Status};
use crate::catalog::{Catalog, Register};
use crate::words;

/// Parts of register names: what they tell, the part the register plays, and its worth.
/// A trailing digit of the name's part does not matter.
const PARTS: &[(&[&str], Option<Role>, f32)] = &[
    (
        &[
            "cr", "ctrl", "control", "ctl", "ctrla", "ctrlb", "con", "csr", "c", "ctr", "ccr",
            "cs", "cmd", "enable",
        ],
        Some(Control),
        1.0,
    ),
    (
        &[
            "cfgr", "cfg", "config", "conf", "mode", "mr", "settings", "mcr", "pcr", "lcr",
            "moder", "line", "smcr",
        ],
        Some(Mode),
        0.9,
    ),
    (
        &[
            "sr", "isr", "status", "stat", "state", "ris", "raw", "st", "flag", "sts", "fr", "mis",
            "int", "ints", "intr", "errorsrc", "intstat", "intflag", "intf", "esr", "sta",
            "intsts", "flags", "psr", "ir", "msr",
        ],
        Some(Status),
        0.85,
    ),
    (
        &[
            "en", "inten", "intenset", "inte", "ier", "imsc", "ena", "imr", "mask", "dier", "msk",
            "ie", "mier", "rser", "dmainten", "intmsk",
        ],
        Some(Interrupt),
        0.75,
    ),
    (
        &[
            "intenclr", "icr", "ifcr", "clr", "rst", "reset", "fcr", "intclr", "clear", "rqr",
            "intc",
        ],
        Some(Clear),
        0.6,
    ),
    (
        &[
            "brr",
            "baud",
            "baudrate",
            "psc",
            "div",
            "prescaler",
            "frequency",
            "clk",
            "clkdiv",
            "arr",
            "top",
            "bdh",
            "bdl",
            "ibrd",
            "fbrd",
            "timingr",
            "btr",
            "cpsr",
            "rate",
            "clkcfg",
            "period",
            "mod",
            "load",
            "rlr",
            "brg",
            "presc",
            "dll",
            "bt",
            "ckdiv",
            "cwgr",
        ],
        Some(Rate),
        0.7,
    ),
    (
        &[
            "dr", "data", "rdr", "tdr", "rxd", "txd", "out", "in", "cnt", "pin", "fifo", "count",
            "value", "cc", "idr", "odr", "dat",
        ],
        Some(Data),
        0.4,
    ),
    (
        &["id", "version", "pid", "cid", "test", "reserved", "date", "scratch", "verid", "param"],
        None,
        0.02,
    ),
];

/// Worth of a register whose name tells nothing.
const PLAIN: f32 = 0.35;

/// What the question's roles add to a register that plays one.
const ASKED_FOR: f32 = 0.6;

/// How likely a register matters when its peripheral does, 0 to 1, and more where the question is
/// about the part it plays.
pub(super) fn of(register: &Register<'_>, kind: &str, asked: &BTreeMap<Role, f32>) -> f32 {
    let mut best: f32 = 0.0;
    let mut least: f32 = 1.0;
    let mut wanted: f32 = 0.0;
    words::each(register.name(), |part| {
        let bare = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let rest = bare.strip_prefix(kind).filter(|rest| !rest.is_empty());
        for (names, role, worth) in PARTS {
            if names.contains(&bare) || rest.is_some_and(|rest| names.contains(&rest)) {
                best = best.max(*worth);
                least = least.min(*worth);
                wanted = role.and_then(|role| asked.get(&role)).map_or(wanted, |w| wanted.max(*w));
            }
        }
    });
    match best {
        0.0 => PLAIN,
        _ if least < 0.1 => least,
        best => best + ASKED_FOR * wanted,
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
    "PERIC",
    "PWC",
    "PRCM",
    "APBC",
    "CLKCTRL",
    "PCC",
    "CGC",
    "RCC",
    "SIM",
    "PMC",
    "PM",
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
    let instance = &peripheral[kind.len()..];
    let by_name = || field.strip_prefix(peripheral);
    let by_alias = || {
        let aliases = ALIASES.iter().filter(|(of, _)| *of == kind || peripheral.starts_with(of));
        aliases.filter_map(|(of, alias)| match of.ends_with("GPIO") {
            true => field.strip_prefix(alias)?.strip_prefix(&peripheral[of.len()..]),
            false => field.strip_prefix(alias)?.strip_prefix(instance),
        })
    };
    let by_kind = || {
        (kind.len() > 2).then(|| field.strip_prefix(kind))?.filter(|rest| {
            // ADC12EN, ADC345SEL, UART_CLK_EN: one gate for several.
            rest.starts_with(|c: char| c.is_ascii_digit() || c == 'E' || c == '_')
        })
    };
    let rest = by_name().or_else(|| by_alias().next()).or_else(by_kind)?;
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    match rest {
        "EN" | "" | "CLKEN" | "CLK_EN" | "ENABLE" | "CG" | "CKEN" | "D" | "_EN" | "CLK_ENABLE" => {
            Some(1.0)
        }
        "SEL" | "CLKSEL" | "SW" | "SRC" | "CLK" | "DIV" | "CLK_SEL" | "CLK_PODF" | "CLK_DIV" => {
            Some(0.7)
        }
        "RST" | "RSTN" | "RESET" | "_RST" => Some(0.35),
        _ if rest.contains("LP") || rest.contains("SM") => Some(0.1),
        _ => None,
    }
}

/// Peripherals whose gates are called otherwise: a kind, and what its gate starts with before the
/// instance. Ports of ST and GigaDevice are `IOPA` and `PA`; what shares one block on NXP's LPC
/// has that block's gate; on its LPC17 and LPC40 gates start with `PC`.
const ALIASES: &[(&str, &str)] = &[
    ("GPIO", "IOP"),
    ("GPIO", "P"),
    ("USART", "FC"),
    ("SPI", "FC"),
    ("I2C", "FC"),
    ("I2S", "FC"),
    ("UART", "PCUART"),
    ("SSP", "PCSSP"),
    ("I2C", "PCI2C"),
    ("TIMER", "PCTIM"),
    ("ADC", "PCADC"),
    ("CTIMER", "TIMER"),
    ("TIMER", "TMR"),
    ("DMA", "PDMA"),
];
