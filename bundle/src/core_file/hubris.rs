//! The registers in a core file of Hubris: pairs of a register's number and its value.
//!
//! Source: humility, `humility-core/src/hubris.rs` (`OXIDE_NT_…`), `humility-core/src/dump.rs`; the numbers
//! are REGSEL of DCRSR: ARMv7-M ARM, DDI 0403E, C1.6.3.

use crate::snapshot::{CoreRegister, CoreState, CoreStatus};

/// "Oxide Computer Company" numbers its notes from here.
const NT_BASE: u32 = 0x1de << 20;
pub(super) const NT_REGISTERS: u32 = NT_BASE + 2;

/// Four special registers share a number.
const SPECIAL: u32 = 20;
const SPECIAL_REGISTERS: [(&str, u32); 4] =
    [("CONTROL", 24), ("FAULTMASK", 16), ("BASEPRI", 8), ("PRIMASK", 0)];

/// The core whose registers the note holds. Numbers that are not known are passed over.
pub(super) fn core(index: usize, description: &[u8]) -> CoreState {
    let mut registers = Vec::new();
    for pair in description.chunks_exact(8) {
        let word = |at: usize| pair[at..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
        let (number, value) = (word(0), word(4));
        if number == SPECIAL {
            registers.extend(SPECIAL_REGISTERS.map(|(name, lsb)| CoreRegister {
                name: name.to_owned(),
                value: Some(u64::from(value >> lsb & 0xff)),
            }));
        } else if let Some(name) = name(number) {
            registers.push(CoreRegister { name, value: Some(value.into()) });
        }
    }
    let status = CoreStatus::Halted { reason: "core file".to_owned() };
    CoreState { index, status, registers, thread: None }
}

fn name(number: u32) -> Option<String> {
    Some(match number {
        0..=12 => format!("R{number}"),
        13 => "SP".to_owned(),
        14 => "LR".to_owned(),
        15 => "PC".to_owned(),
        16 => "xPSR".to_owned(),
        17 => "MSP".to_owned(),
        18 => "PSP".to_owned(),
        33 => "FPSCR".to_owned(),
        64..=95 => format!("S{}", number - 64),
        _ => return None,
    })
}
