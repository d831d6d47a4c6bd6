//! Clock sources that do not run, and clocks that are too fast for what they drive.

use bundle::{Finding, Severity};

use super::evidence::Evidence;
use super::rule::{Check, Rule};
use crate::clocks::megahertz;
use crate::readings::{Bits, Reading};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "clock-source-not-ready",
        reason: "The source is switched on and does not run: a crystal that does not start, PLL \
                 factors out of range, or a moment too early.",
        source: "RM0090 Rev 19, 7.3.1 (RCC_CR), 7.3.20 (RCC_BDCR), 7.3.21 (RCC_CSR)",
        severity: Severity::Warning,
        rests_on: "RCC: …ON = 1 with …RDY = 0 of the same register",
        silent: "how long ago it was switched on",
        check: Check::Board(not_ready),
    },
    Rule {
        name: "clock-switch-not-taken",
        reason: "The clock that was chosen is not the one that runs: its source is not ready, and \
                 the system is as slow or as fast as before.",
        source: "RM0090 Rev 19, 7.2.6 and 7.3.3 (RCC_CFGR)",
        severity: Severity::Error,
        rests_on: "RCC.CFGR.SW, RCC.CFGR.SWS",
        silent: "registers without both fields",
        check: Check::Board(not_switched),
    },
    Rule {
        name: "flash-wait-states-too-few",
        reason: "The flash cannot give its words at this clock, whatever the supply: the core \
                 executes and loads what was never programmed.",
        source: "RM0090 Rev 19, 3.5.1, table 10; RM0368 Rev 5, 3.4.1, table 6 (F401); RM0383 \
                 Rev 3, 3.4.1, table 5 (F411); RM0390 Rev 6, 3.4.1, table 5 (F446); RM0386 Rev 5, \
                 3.5.1 (F469, F479)",
        severity: Severity::Error,
        rests_on: "FLASH.ACR.LATENCY and the clock tree up to HCLK",
        silent: "the clock is not known; a supply below 2.7 V, which needs more than is asked for \
                 here; other chips",
        check: Check::Board(wait_states),
    },
    Rule {
        name: "radio-without-crystal",
        reason: "The radio needs the crystal's accuracy: from the RC oscillator its carrier and \
                 its bit rate are off.",
        source: "nRF51 RM v3.0.1, 14.1 (HFCLK) and 17; nRF52840 PS v1.7, 5.4.1 and 6.20 (RADIO)",
        severity: Severity::Error,
        rests_on: "RADIO.STATE, CLOCK.HFCLKSTAT.SRC",
        silent: "the radio is disabled at that moment; chips other than nRF51 and nRF52",
        check: Check::Board(radio),
    },
];

fn not_ready(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let readings = evidence.readings.iter().filter(|reading| {
        reading.is_status && reading.register.peripheral().name().eq_ignore_ascii_case("RCC")
    });
    let pairs = readings.flat_map(|reading| {
        reading.register.fields().filter_map(move |field| {
            let source = field.name().strip_suffix("ON")?;
            let ready = reading.field(&format!("{source}RDY"))?;
            let on = reading.bits(field.lsb(), field.width());
            (on.width == 1 && on.is_set() && !ready.is_set()).then_some((on, ready))
        })
    });
    let found = pairs.map(|(on, ready)| {
        let summary = format!("{} is 1 and {} is 0", on.path(), ready.path());
        rule.proved(evidence, summary).by(ready).by(on).finding()
    });
    found.collect()
}

/// A field, or the same cut into bits: `SW`, or `SW0` and `SW1`.
fn field_or_bits<'a>(reading: Reading<'a>, name: &str) -> Option<Bits<'a>> {
    reading.field(name).or_else(|| {
        let low = reading.field(&format!("{name}0"))?;
        let high = reading.field(&format!("{name}1")).filter(|high| high.lsb == low.lsb + 1)?;
        Some(reading.bits(low.lsb, high.lsb - low.lsb + 1))
    })
}

fn not_switched(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        let reading = ["RCC.CFGR", "RCC.CFGR1"].iter().find_map(|p| evidence.readings.status(p))?;
        let (asked, runs) = (field_or_bits(reading, "SW")?, field_or_bits(reading, "SWS")?);
        if asked.width != runs.width || asked.raw() == runs.raw() {
            return None;
        }
        let summary = format!(
            "{} asks for source {} and {} says that {} runs",
            asked.path(),
            asked.raw(),
            runs.path(),
            runs.raw()
        );
        let path = reading.register.path();
        Some(rule.proved(evidence, summary).by(runs).by(asked).written_to(&path).finding())
    };
    found().into_iter().collect()
}

/// Highest HCLK in MHz for 0, 1, 2 … wait states, with 2.7 to 3.6 V. Sources: see the rule.
fn limits(evidence: &Evidence<'_>) -> Option<&'static [u64]> {
    const BY_30: &[u64] = &[30, 60, 90, 120, 150, 180];
    let by_30 = [
        "stm32f401",
        "stm32f405",
        "stm32f407",
        "stm32f415",
        "stm32f417",
        "stm32f427",
        "stm32f429",
        "stm32f437",
        "stm32f439",
        "stm32f446",
        "stm32f469",
        "stm32f479",
    ];
    if evidence.is_device(&by_30) {
        return Some(BY_30);
    }
    evidence.is_device(&["stm32f411"]).then_some(&[30, 64, 90, 100])
}

fn wait_states(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        let limits = limits(evidence)?;
        let control = evidence.readings.at_path("FLASH.ACR")?;
        let latency = control.field("LATENCY").unwrap_or_else(|| control.bits(0, 4));
        let hclk = evidence.clocks.as_ref()?.rate("HCLK").ok()?;
        let index = usize::try_from(latency.raw()).ok()?;
        let most = limits.get(index)?.checked_mul(1_000_000)?;
        if hclk.hz <= most {
            return None;
        }
        let needed = limits.iter().position(|limit| hclk.hz <= limit * 1_000_000);
        let needed = needed.map_or_else(
            || "no number of them is enough".to_owned(),
            |needed| format!("{needed} at least are needed"),
        );
        let summary = format!(
            "{} gives {} wait states, good up to {}, and HCLK is {} ({}): {needed}",
            latency.path(),
            latency.raw(),
            megahertz(most),
            megahertz(hclk.hz),
            hclk.said(),
        );
        let path = latency.reading.register.path();
        let cfgr = evidence.readings.status("RCC.CFGR").map(Reading::whole);
        let pll = evidence.readings.at_path("RCC.PLLCFGR").map(Reading::whole);
        let proof = rule.proved(evidence, summary).by(latency).and(cfgr).and(pll);
        Some(proof.written_to(&path).finding())
    };
    found().into_iter().collect()
}

fn radio(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = || {
        evidence.is_device(&["nrf51", "nrf52"]).then_some(())?;
        let state = evidence.readings.status("RADIO.STATE")?.bits(0, 4);
        let source = evidence.readings.status("CLOCK.HFCLKSTAT")?.bits(0, 1);
        if !state.is_set() || source.is_set() {
            return None;
        }
        let summary =
            format!("the radio is on ({} is {}) and HFCLK comes from RC", state.path(), {
                state.fact().decoded.unwrap_or_else(|| state.raw().to_string())
            });
        Some(rule.proved(evidence, summary).by(source).by(state).finding())
    };
    found().into_iter().collect()
}
