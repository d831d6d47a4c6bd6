//! ELF core files: what gdb opens, and what other tools leave behind.
//!
//! ```text
//! ELF header (ET_CORE) │ PT_NOTE: a PRSTATUS for each thread │ PT_LOAD: a range of memory each
//! ```
//!
//! Written for 32-bit Arm as gdb's bare-metal target reads it, read for 32-bit Arm, RISC-V and Xtensa.
//! The fault registers of an Arm core are memory, and go along as ranges of their own.
//!
//! Source: System V ABI, chapter 5 (program header, note section); gdb, `arm-none-tdep.c` and
//! `riscv-none-tdep.c` (registers in `.reg`); BFD, `elf32-arm.c` and `elfnn-riscv.c` (offsets).

mod esp;
mod hubris;
mod read;

use object::elf;

pub use read::read_core_file;

use crate::snapshot::{CoreState, Snapshot};

/// Where the registers begin in a PRSTATUS of a 32-bit target.
const REGISTERS_AT: usize = 72;

/// R0 to R15, CPSR (xPSR here), and a word that only Linux uses.
const ARM_REGISTERS: usize = 18;

/// PRSTATUS of 32-bit Arm, whole.
const ARM_PRSTATUS: usize = 148;

/// Where a PRSTATUS has its thread's number.
const THREAD_AT: usize = 24;

const PAGE: usize = 4;

/// Why a core file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CoreFileError {
    /// No core of the snapshot was halted, so there are no registers to write.
    #[error("write a core file: no core of this snapshot was halted")]
    NoRegisters,
    /// Not a readable ELF file.
    #[error("read the core file as ELF")]
    Elf(#[from] object::Error),
    /// An ELF file that is no core file, or of a core that is not known here.
    #[error("read the core file: {why}")]
    Unfit {
        /// What it is instead.
        why: String,
    },
}

/// Writes a snapshot as an ELF core file. Each halted core is a thread.
///
/// # Errors
/// [`CoreFileError::NoRegisters`].
pub fn write_core_file(snapshot: &Snapshot) -> Result<Vec<u8>, CoreFileError> {
    let mut notes = Vec::new();
    for core in snapshot.cores.iter().filter(|core| !core.registers.is_empty()) {
        note(&mut notes, "CORE", elf::NT_PRSTATUS, &prstatus(core));
    }
    if notes.is_empty() {
        return Err(CoreFileError::NoRegisters);
    }
    let words = snapshot.registers.iter().filter_map(|read| {
        let bytes = read.value()?.to_le_bytes();
        let size = usize::try_from(read.size_bits / 8).ok()?;
        Some((read.address, bytes.get(..size)?.to_vec()))
    });
    let ranges = snapshot.memory.iter().map(|range| (range.address, range.bytes.clone()));
    let ranges: Vec<(u64, Vec<u8>)> = ranges.chain(words).collect();
    Ok(assemble(&notes, &ranges))
}

const HEADER: usize = 52;
const PROGRAM_HEADER: usize = 32;

fn assemble(notes: &[u8], ranges: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let headers = 1 + ranges.len();
    let mut at = HEADER + PROGRAM_HEADER * headers;
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x01\x01\x01");
    file.resize(16, 0);
    half(&mut file, elf::ET_CORE);
    half(&mut file, elf::EM_ARM);
    for word in [1, 0, HEADER as u32, 0, 0x0500_0000] {
        put(&mut file, word);
    }
    for field in [HEADER, PROGRAM_HEADER, headers, 40, 0, 0] {
        half(&mut file, field as u16);
    }
    program_header(&mut file, elf::PT_NOTE, at, 0, notes.len());
    at += notes.len();
    for (address, bytes) in ranges {
        at = at.next_multiple_of(PAGE);
        program_header(&mut file, elf::PT_LOAD, at, *address as u32, bytes.len());
        at += bytes.len();
    }
    file.extend(notes);
    for (_, bytes) in ranges {
        file.resize(file.len().next_multiple_of(PAGE), 0);
        file.extend(bytes);
    }
    file
}

fn program_header(file: &mut Vec<u8>, kind: u32, at: usize, address: u32, size: usize) {
    let flags = if kind == elf::PT_LOAD { 6 } else { 0 };
    for word in [kind, at as u32, address, address, size as u32, size as u32, flags, 4] {
        put(file, word);
    }
}

fn half(file: &mut Vec<u8>, value: u16) {
    file.extend(value.to_le_bytes());
}

fn put(file: &mut Vec<u8>, value: u32) {
    file.extend(value.to_le_bytes());
}

fn note(notes: &mut Vec<u8>, name: &str, kind: u32, description: &[u8]) {
    put(notes, name.len() as u32 + 1);
    put(notes, description.len() as u32);
    put(notes, kind);
    notes.extend(name.as_bytes());
    notes.push(0);
    notes.resize(notes.len().next_multiple_of(4), 0);
    notes.extend(description);
    notes.resize(notes.len().next_multiple_of(4), 0);
}

fn prstatus(core: &CoreState) -> Vec<u8> {
    let value = |name: &str| {
        let found = core.registers.iter().find(|register| register.name == name);
        found.and_then(|register| u32::try_from(register.value?).ok()).unwrap_or(0)
    };
    let mut status = vec![0; ARM_PRSTATUS];
    let thread = core.index as u32 + 1;
    status[THREAD_AT..THREAD_AT + 4].copy_from_slice(&thread.to_le_bytes());
    for (number, slot) in status[REGISTERS_AT..].chunks_exact_mut(4).take(ARM_REGISTERS).enumerate()
    {
        let value = match number {
            0..=12 => value(&format!("R{number}")),
            13 => value("SP"),
            14 => value("LR"),
            15 => value("PC"),
            16 => value("xPSR"),
            _ => 0,
        };
        slot.copy_from_slice(&value.to_le_bytes());
    }
    status
}
