//! Reading ELF core files: those we write, those of gdb and QEMU, of ESP-IDF and of Hubris.

use object::read::elf::{ElfFile32, FileHeader, ProgramHeader};
use object::{Endianness, elf};

use super::esp::{EspNotes, trimmed};
use super::hubris;
use super::{CoreFileError, REGISTERS_AT, THREAD_AT};
use crate::snapshot::{
    BoardId, CoreRegister, CoreState, CoreStatus, MemoryRange, ReadOutcome, RegisterRead, Snapshot,
    Thread,
};

/// Where the registers of one kind of core lie in a PRSTATUS.
struct Layout {
    chip: &'static str,
    /// Name and index among the words.
    registers: Vec<(String, usize)>,
}

impl Layout {
    fn of(machine: u16) -> Option<Self> {
        let numbered = |prefix: &'static str, numbers: std::ops::Range<usize>, at: usize| {
            let first = numbers.start;
            numbers.map(move |number| (format!("{prefix}{number}"), at + number - first))
        };
        let named = |names: &[&str], at: usize| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.into_iter().enumerate().map(move |(number, name)| (name, at + number))
        };
        Some(match machine {
            elf::EM_ARM => Self {
                chip: "Arm",
                registers: numbered("R", 0..13, 0)
                    .chain(named(&["SP", "LR", "PC", "xPSR"], 13))
                    .collect(),
            },
            // The program counter stands where x0 would be.
            elf::EM_RISCV => Self {
                chip: "RISC-V",
                registers: named(&["PC"], 0).chain(numbered("x", 1..32, 1)).collect(),
            },
            // Source: esp-coredump 1.x, `esp_coredump/corefile/xtensa.py`: the window that is in use
            // comes first.
            elf::EM_XTENSA => Self {
                chip: "Xtensa",
                registers: named(&XTENSA_SPECIAL, 0).chain(numbered("A", 0..16, 64)).collect(),
            },
            _ => return None,
        })
    }

    fn core(&self, index: usize, status: &[u8]) -> Option<CoreState> {
        let words = status.get(REGISTERS_AT..)?;
        let word = |at: usize| {
            let bytes = words.get(4 * at..)?.first_chunk()?;
            Some(u64::from(u32::from_le_bytes(*bytes)))
        };
        let registers = self
            .registers
            .iter()
            .map(|(name, at)| CoreRegister { name: name.clone(), value: word(*at) })
            .collect();
        let status = CoreStatus::Halted { reason: "core file".to_owned() };
        Some(CoreState { index, status, registers, thread: None })
    }
}

const XTENSA_SPECIAL: [&str; 8] =
    ["PC", "PS", "LBEG", "LEND", "LCOUNT", "SAR", "WINDOWSTART", "WINDOWBASE"];

/// Reads an ELF core file. Each thread becomes a core, in the file's order, but for the one that
/// crashed, which comes first where the file tells it; ranges that are cut short keep what there is.
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
    let layout = Layout::of(header.e_machine(endian))
        .ok_or_else(|| unfit("it is of a core that is neither Arm nor RISC-V nor Xtensa"))?;
    let mut snapshot = empty(layout.chip);
    let mut handles = Vec::new();
    let mut esp = EspNotes::default();
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
            if note.n_type(endian) == elf::NT_PRSTATUS && trimmed(note.name()) == b"CORE" {
                let index = snapshot.cores.len();
                snapshot.cores.extend(layout.core(index, note.desc()));
                let handle = note.desc().get(THREAD_AT..).and_then(|rest| rest.first_chunk());
                handles.push(handle.map_or(0, |handle| u32::from_le_bytes(*handle)));
            } else if note.n_type(endian) == hubris::NT_REGISTERS {
                snapshot.cores.push(hubris::core(snapshot.cores.len(), note.desc()));
                handles.push(0);
            } else {
                esp.take(note.name(), note.n_type(endian), note.desc());
            }
        }
    }
    name_threads(&mut snapshot, &handles, esp);
    words(&mut snapshot);
    Ok(snapshot)
}

/// In the files of ESP-IDF threads are tasks.
fn name_threads(snapshot: &mut Snapshot, handles: &[u32], esp: EspNotes) {
    let Some(crashed) = esp.crashed else { return };
    for (core, handle) in snapshot.cores.iter_mut().zip(handles) {
        let is_it = *handle == crashed;
        if let (true, Some(why)) = (is_it, &esp.panic) {
            core.status = CoreStatus::Halted { reason: why.clone() };
        }
        core.thread = Some(Thread { handle: (*handle).into(), crashed: is_it, name: None });
    }
    snapshot.cores.sort_by_key(|core| !core.thread.as_ref().is_some_and(|thread| thread.crashed));
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

fn empty(chip: &str) -> Snapshot {
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
