//! UARTs: rates that no partner has, dividers of 0, pins that are not connected.

use bundle::{Finding, Severity};

use super::evidence::Evidence;
use super::rule::{Check, Rule};
use crate::clocks::{Uart, uarts};

/// Rates that things speak at: the usual series, MIDI, DMX, boot messages of ESP chips, S.BUS,
/// multiples of 1 MHz and of 1.8432 MHz.
const COMMON: &[u64] = &[
    300, 600, 1_200, 1_800, 2_400, 4_800, 7_200, 9_600, 10_400, 14_400, 19_200, 28_800, 31_250,
    38_400, 56_000, 57_600, 62_500, 74_880, 76_800, 100_000, 115_200, 125_000, 128_000, 153_600,
    230_400, 250_000, 256_000, 312_500, 345_600, 420_000, 460_800, 500_000, 576_000, 614_400,
    625_000, 750_000, 921_600, 1_000_000, 1_152_000, 1_228_800, 1_250_000, 1_382_400, 1_500_000,
    1_843_200, 2_000_000, 2_500_000, 3_000_000, 3_125_000, 4_000_000, 6_000_000,
];

/// A receiver is lost beyond this, in units of 1/1000, even if the other side is exact.
///
/// Source: RM0090 Rev 19, 30.3.5, table 142: 3.75 % at most, 3.33 % with a fraction.
const TOLERANCE: u64 = 38;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "baud-rate-off",
        reason: "The rate that clock and divider give is further from every rate in use than a \
                 receiver tolerates: the clock is not what the code took it for, or the divider \
                 is wrong.",
        source: "RM0090 Rev 19, 30.3.4 and 30.3.5; RP2040 datasheet, 4.2.7.1",
        severity: Severity::Error,
        rests_on: "the UART's divider and enable bits, and the clock tree before it",
        silent: "the clock is not known (a crystal that nobody named, see `[board]`); a rate that \
                 is in use, though another may have been meant; Nordic's, whose values are \
                 enumerated and judged as such",
        check: Check::Board(rate_off),
    },
    Rule {
        name: "baud-divisor-zero",
        reason: "A divider of 0 gives no bit clock: nothing is sent and nothing received.",
        source: "RM0090 Rev 19, 30.6.3 (USART_BRR); RP2040 datasheet, 4.2.8 (UARTIBRD)",
        severity: Severity::Error,
        rests_on: "BRR and CR1.UE, UARTIBRD and UARTCR.UARTEN",
        silent: "the UART is off",
        check: Check::Board(divisor_zero),
    },
    Rule {
        name: "uart-without-clock",
        reason: "The UART is on and its kernel clock is off: it neither sends nor receives.",
        source: "RP2040 datasheet, 2.15.7 (CLK_PERI_CTRL) and 4.2.1",
        severity: Severity::Error,
        rests_on: "UARTCR.UARTEN, CLOCKS.CLK_PERI_CTRL.ENABLE",
        silent: "other chips, whose clock enables have a rule of their own",
        check: Check::Board(without_clock),
    },
    Rule {
        name: "uart-pins-not-connected",
        reason: "The UART is on, and neither TXD nor RXD has a pin.",
        source: "nRF51 RM v3.0.1, 29.10 (PSELTXD, PSELRXD); nRF52840 PS v1.7, 6.34 (UARTE)",
        severity: Severity::Error,
        rests_on: "ENABLE, PSELTXD/PSEL.TXD, PSELRXD/PSEL.RXD",
        silent: "one of the two is connected: a UART may use one direction only; chips whose pins \
                 choose the peripheral",
        check: Check::Board(pins_not_connected),
    },
];

fn rate_off(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some(tree) = &evidence.clocks else { return Vec::new() };
    let nordic = evidence.is_device(&["nrf"]);
    let found = uarts(&evidence.readings).into_iter().filter(|_| !nordic).filter_map(|uart| {
        let rate = uart.rate(tree).ok()?;
        let nearest = *COMMON.iter().min_by_key(|common| common.abs_diff(rate.hz))?;
        let off = nearest.abs_diff(rate.hz).saturating_mul(1000) / nearest;
        if off < TOLERANCE {
            return None;
        }
        let sign = if rate.hz < nearest { '-' } else { '+' };
        let summary = format!(
            "{} runs at {} baud ({} = {} Hz), {sign}{}.{} % from the nearest rate in use, {nearest}",
            uart.peripheral,
            rate.hz,
            rate.path,
            rate.hz,
            off / 10,
            off % 10,
        );
        Some(about(rule, evidence, &uart, summary))
    });
    found.collect()
}

fn divisor_zero(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = uarts(&evidence.readings).into_iter().filter(Uart::has_no_divisor).map(|uart| {
        let summary = format!("{} is on, and {} is 0", uart.peripheral, uart.divider[0].path());
        about(rule, evidence, &uart, summary)
    });
    found.collect()
}

fn about(rule: &Rule, evidence: &Evidence<'_>, uart: &Uart<'_>, summary: String) -> Finding {
    let proof = rule.proved(evidence, summary);
    let proof = uart.divider.iter().fold(proof, |proof, bits| proof.by(*bits));
    proof.by(uart.enable).written_to(&uart.divider[0].reading.register.path()).finding()
}

fn without_clock(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let control = evidence.readings.at_path("CLOCKS.CLK_PERI_CTRL");
    let off = control.and_then(|control| control.field("ENABLE")).filter(|on| !on.is_set());
    let Some(off) = off else { return Vec::new() };
    let uarts = uarts(&evidence.readings);
    let found = uarts.iter().map(|uart| {
        let summary = format!("{} is on, and {} is 0", uart.peripheral, off.path());
        rule.proved(evidence, summary).by(off).by(uart.enable).finding()
    });
    found.collect()
}

fn pins_not_connected(rule: &Rule, evidence: &Evidence<'_>) -> Vec<Finding> {
    let found = uarts(&evidence.readings).into_iter().filter_map(|uart| {
        let pin = |names: [&str; 2]| {
            let path = |name: &&str| format!("{}.{name}", uart.peripheral);
            names.iter().find_map(|name| evidence.readings.at_path(&path(name)))
        };
        let [txd, rxd] = [pin(["PSELTXD", "PSEL.TXD"])?, pin(["PSELRXD", "PSEL.RXD"])?];
        // nRF51 disconnects with all ones, nRF52 with bit 31 alone.
        let is_open = |value: u64| value >> 31 == 1;
        if !is_open(txd.value) || !is_open(rxd.value) {
            return None;
        }
        let summary = format!("{} is on, and neither TXD nor RXD has a pin", uart.peripheral);
        let path = txd.register.path();
        let proof = rule.proved(evidence, summary).by(txd.whole()).by(rxd.whole()).by(uart.enable);
        Some(proof.written_to(&path).finding())
    });
    found.collect()
}
