//! Firmware of a few instructions, written as halfwords, for states that no example gets into.

use std::io::Write;

use tempfile::NamedTempFile;

/// Where the first instruction goes; the vector table of a Cortex-M0 ends before it.
const CODE: u32 = 0xc0;
const STACK_TOP: u32 = 0x2000_4000;

/// `UDF #0`: a fault wherever it runs.
pub(crate) const UDF: u16 = 0xde00;
/// `BKPT #1`
pub(crate) const BKPT: u16 = 0xbe01;
pub(crate) const NOP: u16 = 0xbf00;
pub(crate) const WFI: u16 = 0xbf30;
/// `B .-2`: back to the instruction before.
pub(crate) const BACK: u16 = 0xe7fd;
/// `B .`
pub(crate) const SELF: u16 = 0xe7fe;

/// An ELF file with `code` as reset handler, and its last instruction as every other handler.
pub(crate) fn elf(code: &[u16]) -> NamedTempFile {
    let last = CODE + 2 * (code.len() as u32 - 1);
    let mut image = Vec::new();
    image.extend(STACK_TOP.to_le_bytes());
    image.extend((CODE | 1).to_le_bytes());
    while image.len() < CODE as usize {
        image.extend((last | 1).to_le_bytes());
    }
    code.iter().for_each(|halfword| image.extend(halfword.to_le_bytes()));
    image.resize(image.len().next_multiple_of(4), 0);
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&wrap(&image)).unwrap();
    file
}

const HEADER: u32 = 52;
const PROGRAM_HEADER: u32 = 32;
const SECTION_HEADER: u32 = 40;
const NAMES: &[u8] = b"\0.text\0.shstrtab\0";

/// `image`, loaded to address 0, in an ELF file with one segment, one section, and the section's
/// name, without which probe-rs flashes nothing.
/// Source: System V ABI, chapter 4 (headers, sections) and 5 (program header).
fn wrap(image: &[u8]) -> Vec<u8> {
    let size = image.len() as u32;
    let at = HEADER + PROGRAM_HEADER;
    let names_at = at + size;
    let sections_at = names_at + NAMES.len() as u32;
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.resize(16, 0);
    let halves = |bytes: &mut Vec<u8>, values: &[u32]| {
        values.iter().for_each(|value| bytes.extend((*value as u16).to_le_bytes()));
    };
    let words = |bytes: &mut Vec<u8>, values: &[u32]| {
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    };
    halves(&mut bytes, &[2, 40]); // executable, Arm
    words(&mut bytes, &[1, CODE | 1, HEADER, sections_at, 0x0500_0000]);
    halves(&mut bytes, &[HEADER, PROGRAM_HEADER, 1, SECTION_HEADER, 3, 2]);
    words(&mut bytes, &[1, at, 0, 0, size, size, 5, 4]); // PT_LOAD, read and execute
    bytes.extend(image);
    bytes.extend(NAMES);
    words(&mut bytes, &[0; 10]);
    words(&mut bytes, &[1, 1, 6, 0, at, size, 0, 0, 4, 0]); // .text: PROGBITS, ALLOC and EXECINSTR
    words(&mut bytes, &[7, 3, 0, 0, names_at, NAMES.len() as u32, 0, 0, 1, 0]); // .shstrtab
    bytes
}
