//! The clock tree of a chip, from register values to frequencies, each with the way it took.
//!
//! A frequency is only as good as what it starts from. Internal oscillators are taken at their
//! nominal value; a crystal is on the board, and no register tells it, so the person does
//! ([`bundle::Crystals`], `[board]` in `silk.toml`). Where anything on the way is missing, the
//! frequency is not known and says why; none is guessed.
//!
//! Chips with a tree here: STM32F4 ([`stm32f4`]), nRF51 and nRF52 ([`nrf5`]), RP2040 ([`rp2040`]).
//! They are told apart by the SVD's device name.

mod nrf5;
mod rp2040;
mod stm32f4;
mod uart;

use bundle::{Bundle, Crystals};
use svd_index::{Chip, Index};

use crate::readings::{Reading, Readings};

pub(crate) use uart::{Uart, uarts};
pub use uart::{UartRate, uart_rates};

/// Source: ARMv7-M ARM, DDI 0403E, B3.3.3 (SYST_CSR).
const SYST_CSR: u64 = 0xe000_e010;

/// A frequency and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Rounded down.
    pub hz: u64,
    /// `HSE 8 MHz /8 ×336 /2 = 168 MHz`.
    pub path: String,
}

/// A frequency, or why it is not known.
pub type Known = Result<Rate, String>;

/// One clock of a chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The manual's name: `SYSCLK`, `PCLK1`, `clk_peri`.
    pub name: &'static str,
    /// Its frequency.
    pub rate: Known,
}

/// The clocks of one chip at one time.
#[derive(Debug, Clone)]
pub struct ClockTree {
    /// From the source to the buses.
    pub clocks: Vec<Clock>,
    uart: fn(&str) -> Option<&'static str>,
}

impl ClockTree {
    /// The clock with this name; not known if this chip has none of that name.
    pub fn rate(&self, name: &str) -> Known {
        let known = self.clocks.iter().find(|clock| clock.name == name);
        known.map_or_else(|| Err(format!("this chip has no {name}")), |clock| clock.rate.clone())
    }

    /// Name of the clock that a UART's divider divides; `None` where that is not written down here.
    pub fn uart_clock(&self, peripheral: &str) -> Option<&'static str> {
        (self.uart)(peripheral)
    }
}

/// The clock tree that a bundle shows. `None` without a chip, and for chips without a tree here.
pub fn clock_tree(index: &Index, bundle: &Bundle) -> Option<ClockTree> {
    let chip = index.chip()?;
    of(chip, &Readings::of(chip, &bundle.snapshot), bundle.manifest.crystals)
}

/// The same, from readings.
pub(crate) fn of(chip: &Chip, readings: &Readings<'_>, crystals: Crystals) -> Option<ClockTree> {
    let name = chip.device().name.to_ascii_lowercase();
    let starts = |start: &str| name.starts_with(start);
    if starts("stm32f4") {
        Some(stm32f4::tree(&name, readings, crystals))
    } else if starts("nrf51") || starts("nrf52") {
        Some(nrf5::tree(starts("nrf51"), readings))
    } else if starts("rp2040") {
        Some(rp2040::tree(readings, crystals))
    } else {
        None
    }
}

/// The register's value, or that it is missing.
fn need<'a>(readings: &Readings<'a>, path: &str) -> Result<Reading<'a>, String> {
    readings.at_path(path).ok_or_else(|| format!("{path} was not read"))
}

/// The same for a register in which the hardware tells what it does.
fn need_status<'a>(readings: &Readings<'a>, path: &str) -> Result<Reading<'a>, String> {
    readings.status(path).ok_or_else(|| format!("{path} was not read from hardware"))
}

impl Rate {
    /// Where a path begins.
    fn source(name: &str, hz: u64) -> Self {
        Self { hz, path: format!("{name} {}", megahertz(hz)) }
    }

    /// One step further: `by` is what is shown, `hz` what comes out.
    fn step(&self, by: &str, hz: u64) -> Self {
        Self { hz, path: format!("{} {by}", self.path) }
    }

    /// Divided by a whole number; 1 leaves no trace.
    fn over(&self, divisor: u64) -> Self {
        match divisor {
            0 | 1 => self.clone(),
            _ => self.step(&format!("/{divisor}"), self.hz / divisor),
        }
    }

    /// The path with what comes out of it.
    pub fn said(&self) -> String {
        let end = megahertz(self.hz);
        match self.path.ends_with(&end) {
            true => self.path.clone(),
            false => format!("{} = {end}", self.path),
        }
    }
}

/// `168 MHz`, `10.5 MHz`, `32.768 kHz`.
pub(crate) fn megahertz(hz: u64) -> String {
    let (unit, name) = if hz >= 1_000_000 { (1_000_000, "MHz") } else { (1_000, "kHz") };
    let rest = format!("{:.6}", (hz % unit) as f64 / unit as f64);
    let rest = rest.trim_start_matches('0').trim_end_matches('0').trim_end_matches('.');
    format!("{}{rest} {name}", hz / unit)
}

#[cfg(test)]
mod tests {
    use super::megahertz;

    #[test]
    fn frequencies_read_as_people_write_them() {
        let cases = [
            (168_000_000, "168 MHz"),
            (10_500_000, "10.5 MHz"),
            (32_768, "32.768 kHz"),
            (999, "0.999 kHz"),
            (48_000_001, "48.000001 MHz"),
        ];
        for (hz, said) in cases {
            assert_eq!(megahertz(hz), said);
        }
    }
}
