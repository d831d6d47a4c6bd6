//! ELF core files: what gdb opens, and what other tools leave behind.
//!
//! ```text
//! ELF header (ET_CORE) │ PT_NOTE: a PRSTATUS for each thread │ PT_LOAD: a range of memory each
//! ```
//!
//! Written for 32-bit Arm as gdb's bare-metal target reads it, read for 32-bit Arm and RISC-V. The
//! fault registers of an Arm core are memory, and go along as ranges of their own.
//!
//! Source: System V ABI, chapter 5 (program header, note section); gdb, `arm-none-tdep.c` and
//! `riscv-none-tdep.c` (registers in `.reg`); BFD, `elf32-arm.c` and `elfnn-riscv.c` (offsets).

use object::read::elf::{ElfFile32, FileHeader, ProgramHeader};
use object::{Endianness, elf};

use crate::snapshot::{
    BoardId, CoreRegister, CoreState, CoreStatus, MemoryRange, ReadOutcome, RegisterRead, Snapshot,
};

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

/// Reads an ELF core file. Each thread becomes a core, in the file's order; ranges that are cut
/// short keep what there is.
///
/// # Errors
/// [`CoreFileError::Elf`] and [`CoreFileError::Unfit`].
pub fn read_core_file(bytes: &[u8]) -> Result<Snapshot, CoreFileError> {
    let file = ElfFile32::<Endianness>::parse(bytes)?;
    let header = file.elf_header();
    let endian = file.endian();
    let unfit = |why: &str| CoreFileError::Unfit { why: why.to_owned() };
    if header.e_type(endian) != elf::ET_CORE {
        return Err(unfit("it is an ELF file, but no core file"));
    }
    if endian != Endianness::Little {
        return Err(unfit("it is big-endian"));
    }
    let names: &[&str] = match header.e_machine(endian) {
        elf::EM_ARM => &ARM_NAMES,
        elf::EM_RISCV => &RISCV_NAMES,
        _ => return Err(unfit("it is of a core that is neither Arm nor RISC-V")),
    };
    let mut snapshot = empty(names.len() == RISCV_NAMES.len());
    for segment in file.elf_program_headers() {
        if segment.p_type(endian) == elf::PT_LOAD {
            let data = segment.data(endian, bytes).unwrap_or_default().to_vec();
            if !data.is_empty() {
                let address = segment.p_vaddr(endian).into();
                snapshot.memory.push(MemoryRange { address, bytes: data });
            }
            continue;
        }
        let Ok(Some(mut notes)) = segment.notes(endian, bytes) else { continue };
        while let Ok(Some(note)) = notes.next() {
            if note.n_type(endian) == elf::NT_PRSTATUS && note.name() == b"CORE" {
                let index = snapshot.cores.len();
                snapshot.cores.extend(thread(index, note.desc(), names));
            }
        }
    }
    words(&mut snapshot);
    Ok(snapshot)
}

const ARM_NAMES: [&str; 17] = [
    "R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "SP", "LR",
    "PC", "xPSR",
];

/// The program counter stands where x0 would be.
const RISCV_NAMES: [&str; 32] = [
    "PC", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30", "x31",
];

fn thread(index: usize, status: &[u8], names: &[&str]) -> Option<CoreState> {
    let words = status.get(REGISTERS_AT..)?.chunks_exact(4);
    let registers = names
        .iter()
        .zip(words)
        .map(|(name, word)| {
            let value = word.first_chunk().map(|word| u64::from(u32::from_le_bytes(*word)));
            CoreRegister { name: (*name).to_owned(), value }
        })
        .collect();
    let status = CoreStatus::Halted { reason: "core file".to_owned() };
    Some(CoreState { index, status, registers })
}

/// Ranges of one word, as they are written for registers in memory, are registers again.
fn words(snapshot: &mut Snapshot) {
    let is_word = |range: &MemoryRange| matches!(range.bytes.len(), 1 | 2 | 4);
    let (words, ranges) = std::mem::take(&mut snapshot.memory).into_iter().partition(is_word);
    snapshot.memory = ranges;
    let words: Vec<MemoryRange> = words;
    snapshot.registers = words
        .into_iter()
        .map(|range| {
            let value =
                range.bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
            RegisterRead {
                address: range.address,
                size_bits: 8 * range.bytes.len() as u32,
                outcome: ReadOutcome::Value { value },
                fidelity: None,
            }
        })
        .collect();
}

fn empty(is_riscv: bool) -> Snapshot {
    let chip = if is_riscv { "RISC-V" } else { "Arm" };
    Snapshot {
        board: BoardId {
            selector: "core file".to_owned(),
            chip: chip.to_owned(),
            virtual_board: None,
        },
        taken_at_unix_ms: 0,
        cores: Vec::new(),
        registers: Vec::new(),
        memory: Vec::new(),
        logs: Vec::new(),
    }
}
