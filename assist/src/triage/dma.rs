//! DMA set up so that it cannot do what it is asked to.

use bundle::{Finding, Severity};

use super::evidence::Evidence;
use super::rule::{Check, Rule};
use crate::readings::{Bits, Reading};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "dma-stream-empty",
        reason: "A stream with nothing left to transfer serves no request, though it is enabled.",
        source: "RM0090 Rev 19, 10.5.5 (DMA_SxCR) and 10.5.6 (DMA_SxNDTR)",
        severity: Severity::Warning,
        rests_on: "DMAn.SxCR.EN = 1 with SxNDTR = 0; CIRC, DBM, PFCTRL",
        silent: "circular and double-buffer mode, where it reloads; the peripheral as flow \
                 controller; controllers with channels, which stay enabled at their end",
        check: Check::Board(stream_empty),
    },
    Rule {
        name: "dma-unreachable-memory",
        reason: "The core-coupled memory hangs on the core's data bus alone: no DMA reaches it, \
                 and the transfer ends in an error.",
        source: "RM0090 Rev 19, 2.3.1 (embedded SRAM) and 10.5.7 to 10.5.9 (DMA_SxPAR, SxM0AR, \
                 SxM1AR)",
        severity: Severity::Error,
        rests_on: "DMAn.SxCR.EN, SxPAR, SxM0AR, SxM1AR",
        silent: "the stream is off; chips other than STM32F4",
        check: Check::Board(unreachable_memory),
    },
    Rule {
        name: "easydma-outside-ram",
        reason: "EasyDMA reaches the data RAM alone: a buffer in flash (a constant, a string \
                 literal) sends nothing of it, or faults.",
        source: "nRF52840 PS v1.7, 6.31, 6.34 (EasyDMA) and 4.2 (memory)",
        severity: Severity::Error,
        rests_on: "PTR, MAXCNT and ENABLE of the peripheral",
        silent: "the peripheral is off, or MAXCNT is 0; chips other than nRF52",
        check: Check::Board(outside_ram),
    },
];

/// A stream that is enabled.
struct Stream<'a> {
    control: Reading<'a>,
    enable: Bits<'a>,
    /// `DMA2.S0`
    stem: String,
}

fn streams<'a>(evidence: &'a Evidence<'a>) -> Vec<Stream<'a>> {
    let found = evidence.readings.iter().filter_map(|control| {
        let path = control.register.path();
        let stem = path.strip_suffix("CR")?;
        let (peripheral, stream) = stem.split_once('.')?;
        let is_stream = stream.len() == 2 && stream.starts_with('S');
        let enable = control.field("EN").filter(Bits::is_set)?;
        (is_stream && peripheral.starts_with("DMA")).then(|| Stream {
            control,
            enable,
            stem: stem.to_owned(),
        })
    });
    found.collect()
}

fn stream_empty(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = streams(evidence).into_iter().filter_map(|stream| {
        let reloads = ["CIRC", "DBM", "PFCTRL"];
        let bits: Vec<Bits<'_>> =
            reloads.iter().map(|name| stream.control.field(name)).collect::<Option<_>>()?;
        let left = evidence.readings.status(&format!("{}NDTR", stream.stem))?.bits(0, 16);
        if bits.iter().any(Bits::is_set) || left.is_set() {
            return None;
        }
        let summary = format!("{} is 1 and {} is 0", stream.enable.path(), left.path());
        let path = left.reading.register.path();
        let proof = rule.proved(evidence, summary).by(left).by(stream.enable);
        Some(proof.written_to(&path).finding())
    });
    found.collect()
}

fn unreachable_memory(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    /// Source: RM0090 Rev 19, 2.3.1: 64 KiB.
    const CORE_COUPLED: std::ops::Range<u64> = 0x1000_0000..0x1001_0000;
    if !evidence.is_device(&["stm32f4"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for stream in streams(evidence) {
        // Without double buffering the second memory address is not used.
        let doubled = stream.control.field("DBM").is_some_and(|bits| bits.is_set());
        let names: &[&str] = if doubled { &["PAR", "M0AR", "M1AR"] } else { &["PAR", "M0AR"] };
        for name in names {
            let at = evidence.readings.at_path(&format!("{}{name}", stream.stem));
            let Some(at) = at.filter(|at| CORE_COUPLED.contains(&at.value)) else { continue };
            let summary = format!(
                "{} is {:#010x} ({}), in the core-coupled memory, while {} is 1",
                at.register.path(),
                at.value,
                evidence.place(at.value),
                stream.enable.path(),
            );
            let path = at.register.path();
            let proof = rule.proved(evidence, summary).by(at.whole()).by(stream.enable);
            found.push(proof.written_to(&path).finding());
        }
    }
    found
}

fn outside_ram(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    /// Source: nRF52840 PS v1.7, 4.2: the data RAM and what is kept free for it.
    const DATA_RAM: std::ops::Range<u64> = 0x2000_0000..0x3000_0000;
    if !evidence.is_device(&["nrf52"]) {
        return Vec::new();
    }
    let mut found: Vec<Finding> = Vec::new();
    for pointer in evidence.readings.iter() {
        let path = pointer.register.path();
        let Some(stem) = path.strip_suffix(".PTR") else { continue };
        let peripheral = pointer.register.peripheral().name();
        let count = evidence.readings.at_path(&format!("{stem}.MAXCNT"));
        let enable = evidence.readings.at_path(&format!("{peripheral}.ENABLE"));
        let Some((count, enable)) = count.zip(enable) else { continue };
        let (count, enable) = (count.whole(), enable.whole());
        if DATA_RAM.contains(&pointer.value) || !count.is_set() || !is_chosen(&enable) {
            continue;
        }
        let summary = format!(
            "{path} is {:#010x} ({}), which is not in RAM, for {} bytes",
            pointer.value,
            evidence.place(pointer.value),
            count.raw(),
        );
        let proof = rule.proved(evidence, summary).by(pointer.whole()).by(count).by(enable);
        found.push(proof.written_to(&path).finding());
    }
    found
}

/// Peripherals share their addresses, and each has its own value that enables it: the one whose
/// description names what ENABLE holds.
fn is_chosen(enable: &Bits<'_>) -> bool {
    let register = enable.reading.register;
    register.fields().any(|field| {
        let raw = field.decode(enable.reading.value).raw;
        raw != 0 && field.enums().any(|value| value.value == Some(raw))
    })
}
