//! `silk bench scan`: measures which registers of a virtual board read back what was written.
//!
//! The result is the table that labels every value off that board. It is made from the chip's
//! SVD and from QEMU alone, so that it can be made again for a new QEMU.

use std::io::Write;

use svd_index::Access;
use vbench::{BenchOptions, ScanRegister, machine, scan};

use crate::exit::{Exit, Outcome};
use crate::session::{Session, need_chip};
use crate::verbs::board::bench_failure;

/// Elements of one array that are scanned: those after them behave alike.
const ELEMENTS: u64 = 64;

/// Scans, and prints the table as TOML.
pub(crate) fn run(session: &mut Session, board: &str) -> Outcome {
    let index = session.index()?;
    let chip = need_chip(&index, &session.config)?;
    let machine = machine(board).map_err(bench_failure)?;
    let mut registers: Vec<ScanRegister> = Vec::new();
    // The core's own are left alone: a pattern written to AIRCR resets the board.
    for array in chip.registers().filter(|register| !register.is_builtin()) {
        for register in array.elements().take(ELEMENTS as usize) {
            registers.push(ScanRegister {
                address: register.address(),
                size_bits: register.size_bits(),
                writable: register.access().is_none_or(Access::can_write),
                reset: register.reset_value(),
            });
        }
    }
    let table = scan(machine, &BenchOptions::default(), &registers).map_err(bench_failure)?;
    write!(session.ui.out, "{}", table.to_toml())?;
    Ok(Exit::Ok)
}
