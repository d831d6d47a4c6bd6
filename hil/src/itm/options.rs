//! How the trace pin is to be read, and what is known of text that it lost.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::HilError;

/// How to listen to the ITM.
#[derive(Debug, Clone)]
pub struct ItmOptions {
    /// Clock of the trace port in Hz. On most chips it is the core's; an nRF52 has one of 4, 8, 16, or
    /// 32 MHz for it, and is set to that.
    pub trace_clock_hz: u32,
    /// Bits per second on the pin. The clock is divided to give that.
    pub baud: u32,
    /// Whose text is wanted.
    pub ports: ItmPorts,
    /// Where loss is told.
    pub loss: ItmLoss,
}

/// The widest divisor of the trace port's clock. Source: ARMv7-M ARM, DDI 0403E, C1.10.4, TPIU_ACPR.
const DIVISOR_MAX: u32 = 1 << 16;

/// The slowest pin: below this the drivers of probes count in whole bytes for a second.
const BAUD_MIN: u32 = 1000;

/// How far off the rate of a UART may be, in thousandths: half a bit within ten is lost for certain.
const OFF_MAX: u32 = 30;

impl ItmOptions {
    /// Whether the clock divides to the rate, near enough for a UART.
    ///
    /// # Errors
    /// [`HilError::TraceRate`].
    pub fn check(&self) -> Result<(), HilError> {
        let Self { trace_clock_hz: clock, baud, .. } = *self;
        let nearest = clock / clock.checked_div(baud).unwrap_or(0).clamp(1, DIVISOR_MAX);
        let off = u64::from(nearest.abs_diff(baud)) * 1000;
        if baud < BAUD_MIN || off > u64::from(baud) * u64::from(OFF_MAX) {
            return Err(HilError::TraceRate { clock, baud, nearest });
        }
        Ok(())
    }
}

/// Some of the 32 stimulus ports of the ITM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItmPorts(u32);

/// Why a text is no [`ItmPorts`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{text}` as stimulus ports: expected `all`, or numbers from 0 to 31, as `0,2-4`")]
pub struct ItmPortsError {
    /// The text.
    pub text: String,
}

impl ItmPorts {
    /// Every port.
    pub const ALL: ItmPorts = ItmPorts(u32::MAX);

    /// Whether this one is among them.
    pub fn contains(self, port: u8) -> bool {
        1_u32.checked_shl(port.into()).is_some_and(|bit| self.0 & bit != 0)
    }
}

impl FromStr for ItmPorts {
    type Err = ItmPortsError;

    fn from_str(text: &str) -> Result<ItmPorts, ItmPortsError> {
        if text == "all" {
            return Ok(ItmPorts::ALL);
        }
        let number = |text: &str| text.trim().parse::<u8>().ok().filter(|port| *port < 32);
        let bits = text.split(',').try_fold(0_u32, |bits, part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| (first..=last).fold(bits, |bits, port| bits | 1 << port))
        });
        bits.map(ItmPorts).ok_or_else(|| ItmPortsError { text: text.to_owned() })
    }
}

/// What was lost on the way from the firmware so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ItmLoss(Arc<[AtomicU64; 2]>);

impl ItmLoss {
    /// How often the target says that it had more to send than the pin takes. Each time at least one
    /// packet is missing; how many more, nobody knows.
    pub fn overflows(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Bytes that came and are no packets, as with a wrong rate, or with a probe that lost some.
    pub fn skipped(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, overflows: u64, skipped: u64) {
        self.0[0].store(overflows, Ordering::Relaxed);
        self.0[1].store(skipped, Ordering::Relaxed);
    }
}

impl fmt::Display for ItmLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.overflows(), self.skipped()) {
            (0, 0) => write!(f, "nothing was lost on the trace pin"),
            (0, bytes) => write!(f, "{bytes} bytes from the trace pin are no ITM packets"),
            (times, 0) => write!(f, "the ITM overflowed {times} times: text is missing"),
            (times, bytes) => write!(
                f,
                "the ITM overflowed {times} times: text is missing; {bytes} bytes are no ITM packets"
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_people_write_them() {
        let check = |text: &str, expected: &[u8]| {
            let ports: ItmPorts = text.parse().unwrap();
            let found: Vec<u8> = (0..=255).filter(|port| ports.contains(*port)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("0", &[0]);
        check("0,2-4, 31", &[0, 2, 3, 4, 31]);
        check("all", &(0..32).collect::<Vec<u8>>());
        for bad in ["", "32", "-1", "1-", "4-2", "0,", "0;1", "one", "+1-2x"] {
            let error = bad.parse::<ItmPorts>().unwrap_err();
            assert!(error.to_string().contains("from 0 to 31"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_rate_that_the_clock_does_not_divide_to_is_refused_with_the_nearest() {
        let check = |trace_clock_hz, baud, expected: Option<u32>| {
            let (ports, loss) = (ItmPorts::ALL, ItmLoss::default());
            let checked = ItmOptions { trace_clock_hz, baud, ports, loss }.check();
            let found = match checked {
                Ok(()) => None,
                Err(HilError::TraceRate { nearest, .. }) => Some(nearest),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found, expected, "{baud} of {trace_clock_hz}");
        };
        check(168_000_000, 2_000_000, None);
        check(168_000_000, 115_200, None);
        check(64_000_000, 1_000_000, None);
        check(16_000_000, 6_000_000, Some(8_000_000));
        check(16_000_000, 20_000_000, Some(16_000_000));
        check(168_000_000, 1000, Some(2563));
        check(16_000_000, 0, Some(16_000_000));
        check(0, 115_200, Some(0));
    }
}
