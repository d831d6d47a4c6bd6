//! Flags in which a peripheral says itself what went wrong.
//!
//! A flag is known by where it stands: the peripheral's kind, the register, the field's name.
//! Registers whose read clears flags are never asked, whatever the description says of them.

use bundle::{Finding, Severity};

use super::evidence::Evidence;
use super::rule::{Check, Rule};
use crate::words;

/// Where a flag stands. Each list is of alternatives.
pub(super) struct Flag {
    /// Patterns of the peripheral's name, `*` and `?` as usual.
    peripherals: &'static [&'static str],
    /// Patterns of the register's name.
    registers: &'static [&'static str],
    /// Patterns of the field's name.
    fields: &'static [&'static str],
    /// A field of the same register that must be 0: with it set, the flag says nothing.
    unless: &'static [&'static str],
}

const fn flag(
    peripherals: &'static [&'static str],
    registers: &'static [&'static str],
    fields: &'static [&'static str],
) -> Flag {
    Flag { peripherals, registers, fields, unless: &[] }
}

const UARTS: &[&str] = &["*UART*", "*USART*"];
const SPIS: &[&str] = &["SPI*", "*QSPI*"];
const ALWAYS: &str = "flags that the firmware has cleared already";

const fn rule(
    name: &'static str,
    severity: Severity,
    reason: &'static str,
    rests_on: &'static str,
    source: &'static str,
    flags: &'static [Flag],
) -> Rule {
    Rule { name, reason, source, severity, rests_on, silent: ALWAYS, check: Check::Flags(flags) }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "uart-overrun",
        Severity::Error,
        "A byte arrived while the one before was still unread, and one of the two is lost.",
        "SR.ORE, ISR.ORE, ERRORSRC.OVERRUN, UARTRSR.OE",
        "RM0090 Rev 19, 30.6.1 (USART_SR); nRF51 RM v3.0.1, 29.10 (ERRORSRC); nRF52840 PS v1.7, \
         6.34 (UARTE); RP2040 datasheet, 4.2.8 (UARTRSR)",
        &[
            flag(UARTS, &["SR", "ISR"], &["ORE"]),
            flag(UARTS, &["ERRORSRC"], &["OVERRUN"]),
            flag(UARTS, &["UARTRSR"], &["OE"]),
        ],
    ),
    rule(
        "uart-framing",
        Severity::Error,
        "A stop bit was not where it should be: the two sides differ in baud rate or format, or \
         the line is noisy or was held low.",
        "SR.FE, ISR.FE, ERRORSRC.FRAMING, UARTRSR.FE",
        "RM0090 Rev 19, 30.6.1 (USART_SR); nRF51 RM v3.0.1, 29.10 (ERRORSRC); nRF52840 PS v1.7, \
         6.34 (UARTE); RP2040 datasheet, 4.2.8 (UARTRSR)",
        &[
            flag(UARTS, &["SR", "ISR"], &["FE"]),
            flag(UARTS, &["ERRORSRC"], &["FRAMING"]),
            flag(UARTS, &["UARTRSR"], &["FE"]),
        ],
    ),
    rule(
        "uart-parity",
        Severity::Error,
        "The parity bit of a byte was wrong: one side sends none, or the other parity, or the \
         baud rates differ.",
        "SR.PE, ISR.PE, ERRORSRC.PARITY, UARTRSR.PE",
        "RM0090 Rev 19, 30.6.1 (USART_SR); nRF51 RM v3.0.1, 29.10 (ERRORSRC); nRF52840 PS v1.7, \
         6.34 (UARTE); RP2040 datasheet, 4.2.8 (UARTRSR)",
        &[
            flag(UARTS, &["SR", "ISR"], &["PE"]),
            flag(UARTS, &["ERRORSRC"], &["PARITY"]),
            flag(UARTS, &["UARTRSR"], &["PE"]),
        ],
    ),
    rule(
        "uart-noise",
        Severity::Warning,
        "The samples of one bit disagreed: noise on the line, slow edges, or a baud rate at the \
         edge of what is tolerated.",
        "SR.NF, ISR.NF",
        "RM0090 Rev 19, 30.3.3 and 30.6.1 (USART_SR)",
        &[flag(UARTS, &["SR", "ISR"], &["NF", "NE"])],
    ),
    rule(
        "spi-overrun",
        Severity::Error,
        "Data arrived before the data before it was read, and is lost.",
        "SR.OVR, SSPRIS.RORRIS",
        "RM0090 Rev 19, 28.5.3 (SPI_SR); RP2040 datasheet, 4.4.4 (SSPRIS)",
        &[flag(SPIS, &["SR"], &["OVR"]), flag(SPIS, &["SSPRIS"], &["RORRIS"])],
    ),
    rule(
        "spi-mode-fault",
        Severity::Error,
        "NSS was low while the SPI was master: the hardware has made it a slave and switched it \
         off.",
        "SR.MODF",
        "RM0090 Rev 19, 28.3.10 and 28.5.3 (SPI_SR)",
        &[flag(SPIS, &["SR"], &["MODF"])],
    ),
    rule(
        "spi-crc-error",
        Severity::Error,
        "The CRC that was received is not that of the data.",
        "SR.CRCERR",
        "RM0090 Rev 19, 28.5.3 (SPI_SR)",
        &[flag(SPIS, &["SR"], &["CRCERR", "CRCE"])],
    ),
    rule(
        "i2c-no-acknowledge",
        Severity::Warning,
        "Nobody acknowledged an address or a byte: wrong address, device without power, missing \
         pull-ups, or a device that is busy.",
        "SR1.AF, ISR.NACKF, ERRORSRC.ANACK/DNACK, IC_TX_ABRT_SOURCE.ABRT_*NOACK",
        "RM0090 Rev 19, 27.6.6 (I2C_SR1); nRF51 RM v3.0.1, 28.8 (ERRORSRC); nRF52840 PS v1.7, \
         6.31 (TWIM); RP2040 datasheet, 4.3.17 (IC_TX_ABRT_SOURCE)",
        &[
            flag(&["I2C*"], &["SR1"], &["AF"]),
            flag(&["I2C*"], &["ISR"], &["NACKF"]),
            flag(&["TWI*"], &["ERRORSRC"], &["ANACK", "DNACK"]),
            flag(&["I2C*"], &["IC_TX_ABRT_SOURCE"], &["ABRT_*NOACK"]),
        ],
    ),
    rule(
        "i2c-arbitration-lost",
        Severity::Warning,
        "The line was low where this master sent a 1: another master, or a device or a short that \
         holds the line.",
        "SR1.ARLO, ISR.ARLO, IC_TX_ABRT_SOURCE.ARB_LOST",
        "RM0090 Rev 19, 27.6.6 (I2C_SR1); RP2040 datasheet, 4.3.17 (IC_TX_ABRT_SOURCE)",
        &[
            flag(&["I2C*"], &["SR1", "ISR"], &["ARLO"]),
            flag(&["I2C*"], &["IC_TX_ABRT_SOURCE"], &["ARB_LOST"]),
        ],
    ),
    rule(
        "i2c-bus-error",
        Severity::Error,
        "A START or STOP came in the middle of a byte: noise, or lines that something else drives.",
        "SR1.BERR, ISR.BERR",
        "RM0090 Rev 19, 27.3.4 and 27.6.6 (I2C_SR1)",
        &[flag(&["I2C*"], &["SR1", "ISR"], &["BERR"])],
    ),
    rule(
        "dma-transfer-error",
        Severity::Error,
        "The bus refused an access of the DMA, which has switched the stream off: an address that \
         this controller cannot reach, or a peripheral without clock.",
        "LISR/HISR/ISR.TEIFn, LISR/HISR.DMEIFn, CHn_CTRL_TRIG.AHB_ERROR",
        "RM0090 Rev 19, 10.3.18 and 10.5.1 (DMA_LISR); RP2040 datasheet, 2.5.7 (CH0_CTRL_TRIG)",
        &[
            flag(&["DMA?", "BDMA*", "DMA"], &["LISR", "HISR", "ISR"], &["TEIF?", "DMEIF?"]),
            flag(&["DMA"], &["CH*_CTRL_TRIG"], &["AHB_ERROR"]),
        ],
    ),
    rule(
        "flash-operation-error",
        Severity::Error,
        "The flash refused an erase or a write, and refuses the next until the flag is cleared.",
        "FLASH.SR: WRPERR, PGAERR, PGPERR, PGSERR, OPERR and their like",
        "RM0090 Rev 19, 3.6.5 and 3.9 (FLASH_SR)",
        &[flag(
            &["FLASH", "Flash"],
            &["SR"],
            &[
                "WRPERR", "WRPRTERR", "PGAERR", "PGPERR", "PGSERR", "PGERR", "OPERR", "PROGERR",
                "SIZERR",
            ],
        )],
    ),
    rule(
        "adc-overrun",
        Severity::Error,
        "A conversion ended before the result of the one before was read; the ADC serves no \
         further DMA request until the flag is cleared.",
        "SR.OVR, ISR.OVR",
        "RM0090 Rev 19, 13.8.1 and 13.13.1 (ADC_SR)",
        &[flag(&["ADC*"], &["SR", "ISR"], &["OVR"])],
    ),
    rule(
        "can-bus-off",
        Severity::Error,
        "More than 255 transmit errors took the node off the bus; it takes no part until it has \
         recovered.",
        "ESR.BOFF",
        "RM0090 Rev 19, 32.7.6 and 32.9.2 (CAN_ESR)",
        &[flag(&["*CAN*"], &["ESR"], &["BOFF"])],
    ),
    rule(
        "rng-error",
        Severity::Error,
        "The random number generator found its clock too slow or its seed not random: what it \
         gives must not be used.",
        "RNG.SR: CECS, SECS",
        "RM0090 Rev 19, 24.4.2 (RNG_SR)",
        &[flag(&["RNG"], &["SR"], &["CECS", "SECS"])],
    ),
    rule(
        "reset-by-watchdog",
        Severity::Warning,
        "A watchdog that nobody served in time reset the chip.",
        "RCC.CSR.IWDGRSTF/WWDGRSTF, POWER.RESETREAS.DOG, WATCHDOG.REASON.TIMER",
        "RM0090 Rev 19, 7.3.21 (RCC_CSR); nRF51 RM v3.0.1, 11.1.6 (RESETREAS); nRF52840 PS v1.7, \
         5.3 (POWER); RP2040 datasheet, 4.7.6 (REASON)",
        &[
            flag(
                &["RCC"],
                &["CSR", "RSR"],
                &["WDGRSTF", "IWDGRSTF", "WWDGRSTF", "IWDG?RSTF", "WWDG?RSTF"],
            ),
            flag(&["POWER", "RESET"], &["RESETREAS"], &["DOG", "DOG?"]),
            flag(&["WATCHDOG"], &["REASON"], &["TIMER"]),
        ],
    ),
    rule(
        "reset-by-brown-out",
        Severity::Warning,
        "The supply fell below the brown-out level without the chip being switched off.",
        "RCC.CSR.BORRSTF = 1 with PORRSTF = 0",
        "RM0090 Rev 19, 7.3.21 (RCC_CSR)",
        &[Flag { unless: &["PORRSTF"], ..flag(&["RCC"], &["CSR"], &["BORRSTF"]) }],
    ),
    rule(
        "reset-by-lockup",
        Severity::Error,
        "The core locked up (a fault in a fault handler), which reset the chip.",
        "POWER.RESETREAS.LOCKUP",
        "nRF51 RM v3.0.1, 11.1.6 (RESETREAS); nRF52840 PS v1.7, 5.3 (POWER)",
        &[flag(&["POWER", "RESET"], &["RESETREAS"], &["LOCKUP"])],
    ),
    rule(
        "reset-by-low-power",
        Severity::Warning,
        "The firmware went into a low-power mode that the option bytes answer with a reset.",
        "RCC.CSR.LPWRRSTF",
        "RM0090 Rev 19, 7.3.21 (RCC_CSR)",
        &[flag(&["RCC"], &["CSR", "RSR"], &["LPWRRSTF", "LPWR?RSTF"])],
    ),
    rule(
        "system-clock-resuscitated",
        Severity::Error,
        "clk_sys stopped, and the chip went back to clk_ref: all that runs on clk_sys runs slower \
         than the firmware believes.",
        "CLOCKS.CLK_SYS_RESUS_STATUS.RESUSSED",
        "RP2040 datasheet, 2.15.5 (Resus)",
        &[flag(&["CLOCKS"], &["CLK_SYS_RESUS_STATUS"], &["RESUSSED"])],
    ),
    rule(
        "clock-security-tripped",
        Severity::Error,
        "The crystal stopped, and the chip went over to its internal oscillator.",
        "RCC.CIR.CSSF",
        "RM0090 Rev 19, 7.2.7 and 7.3.4 (RCC_CIR)",
        &[flag(&["RCC"], &["CIR", "CIFR"], &["CSSF", "CSSHSEF", "HSECSSF"])],
    ),
];

/// One finding for each register with such flags, by address.
pub(super) fn check(rule: &Rule, flags: &[Flag], evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for reading in evidence.readings.iter().filter(|reading| reading.is_status) {
        let name = reading.register.name();
        let peripheral = reading.register.peripheral();
        let here = |flag: &&Flag| {
            matches(flag.registers, &name) && matches(flag.peripherals, peripheral.name())
        };
        let Some(flag) = flags.iter().find(here) else { continue };
        if reading.any_field(flag.unless).is_some_and(|bits| bits.is_set()) {
            continue;
        }
        let fields = reading.register.fields().filter(|field| matches(flag.fields, field.name()));
        let set: Vec<_> =
            fields.map(|field| reading.bits(field.lsb(), 1)).filter(|bits| bits.is_set()).collect();
        let address = Some(reading.register.address());
        let [first, ..] = set.as_slice() else { continue };
        // Peripherals that share an address are one piece of hardware here.
        if findings.iter().any(|known| known.rests_on[0].address == address) {
            continue;
        }
        let paths: Vec<String> = set.iter().map(|bits| bits.path()).collect();
        let are = if paths.len() == 1 { "is" } else { "are" };
        let summary = format!("{} {are} set: {}", paths.join(", "), what_happened(rule.reason));
        let proof = set[1..]
            .iter()
            .fold(rule.proved(evidence, summary).by(*first), |proof, bits| proof.by(*bits));
        findings.push(proof.finding());
    }
    findings
}

fn matches(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| words::wildcard(pattern, name))
}

/// The part of a reason that is before its explanation, as the end of another sentence.
fn what_happened(reason: &str) -> String {
    let clause = reason.split(':').next().unwrap_or(reason).trim_end_matches('.');
    let first_word = clause.split(' ').next().unwrap_or_default();
    let mut letters = clause.chars();
    // Names keep their capitals.
    match letters.next() {
        Some(first) if !first_word.chars().skip(1).any(char::is_uppercase) => {
            format!("{}{}", first.to_lowercase(), letters.as_str())
        }
        _ => clause.to_owned(),
    }
}
