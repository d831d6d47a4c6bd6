//! Line programs, run: which line each address comes from.
//!
//! Own, and not gimli's, because in firmware built by GCC gimli takes as long for these rows as
//! for all entries, and half of its registers are ones that nobody here asks for. It still reads
//! the header, and what is odd here is odd as there: the tests run both.

use gimli::{Reader, constants};

use crate::elf::dwarf::units::Slice;
use crate::elf::dwarf::walk::number;

/// What a program comes to next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Row(Registers),
    /// The sequence ends before this address.
    End(u64),
}

/// The registers that a row is a copy of. Source: DWARF 5, 6.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers {
    pub(super) address: u64,
    pub(super) file: u64,
    /// From 1; 0 is of no line.
    pub(super) line: u64,
    /// From 1; 0 is the left edge.
    pub(super) column: u64,
}

/// A program being run.
pub(super) struct Program<'p, 'a> {
    header: &'p gimli::LineProgramHeader<Slice<'a>>,
    input: Slice<'a>,
    registers: Registers,
    /// Operation within a VLIW instruction.
    operation: u64,
    /// The linker left the code out: nothing counts until the next address.
    is_left_out: bool,
    opcode_base: u8,
    line_base: i64,
    line_range: u8,
    /// Bytes of the smallest instruction; `None` where instructions have several operations.
    step: Option<u64>,
    /// Highest address.
    last: u64,
}

impl Registers {
    const START: Self = Self { address: 0, file: 1, line: 1, column: 0 };
}

impl<'p, 'a> Program<'p, 'a> {
    pub(super) fn new(header: &'p gimli::LineProgramHeader<Slice<'a>>) -> Self {
        let is_plain = header.maximum_operations_per_instruction() == 1;
        Self {
            header,
            input: header.raw_program_buf(),
            registers: Registers::START,
            operation: 0,
            is_left_out: false,
            opcode_base: header.opcode_base(),
            line_base: header.line_base().into(),
            line_range: header.line_range().max(1),
            step: is_plain.then(|| header.minimum_instruction_length().into()),
            last: u64::MAX >> (64 - 8 * u32::from(header.address_size().clamp(1, 8))),
        }
    }

    /// Runs up to the next row or end; `None` after the last.
    ///
    /// # Errors
    /// What is damaged ends the program.
    pub(super) fn next(&mut self) -> gimli::Result<Option<Step>> {
        while !self.input.is_empty() {
            let opcode = self.input.read_u8()?;
            let is_row = if opcode >= self.opcode_base {
                let adjusted = opcode - self.opcode_base;
                self.advance_line(self.line_base + i64::from(adjusted % self.line_range));
                self.advance((adjusted / self.line_range).into())?;
                true
            } else if opcode == 0 {
                if let Some(end) = self.run_extended()? {
                    return Ok(Some(Step::End(end)));
                }
                false
            } else {
                self.run_standard(constants::DwLns(opcode))?
            };
            if is_row && !self.is_left_out {
                return Ok(Some(Step::Row(self.registers)));
            }
        }
        Ok(None)
    }

    /// Whether the opcode makes a row. Source: DWARF 5, 6.2.5.2.
    fn run_standard(&mut self, opcode: constants::DwLns) -> gimli::Result<bool> {
        match opcode {
            constants::DW_LNS_copy => return Ok(true),
            constants::DW_LNS_advance_pc => {
                let operations = number(&mut self.input)?;
                self.advance(operations)?;
            }
            constants::DW_LNS_advance_line => {
                let lines = self.input.read_sleb128()?;
                self.advance_line(lines);
            }
            constants::DW_LNS_set_file => self.registers.file = number(&mut self.input)?,
            constants::DW_LNS_set_column => self.registers.column = number(&mut self.input)?,
            constants::DW_LNS_const_add_pc => {
                let operations = (u8::MAX - self.opcode_base) / self.line_range;
                self.advance(operations.into())?;
            }
            constants::DW_LNS_fixed_advance_pc => {
                let bytes = self.input.read_u16()?;
                if !self.is_left_out {
                    self.advance_address(bytes.into())?;
                    self.operation = 0;
                }
            }
            constants::DW_LNS_negate_stmt
            | constants::DW_LNS_set_basic_block
            | constants::DW_LNS_set_prologue_end
            | constants::DW_LNS_set_epilogue_begin => {}
            constants::DW_LNS_set_isa => {
                number(&mut self.input)?;
            }
            constants::DwLns(unknown) => {
                let lengths = self.header.standard_opcode_lengths().slice();
                let operands = lengths.get(usize::from(unknown) - 1).copied();
                for _ in 0..operands.unwrap_or_default() {
                    number(&mut self.input)?;
                }
            }
        }
        Ok(false)
    }

    /// The end of a sequence, unless its code was left out. Source: DWARF 5, 6.2.5.3.
    fn run_extended(&mut self) -> gimli::Result<Option<u64>> {
        let length = number(&mut self.input)?;
        let length = usize::try_from(length).map_err(|_| gimli::Error::UnsupportedOffset)?;
        let mut operands = self.input.split(length)?;
        match constants::DwLne(operands.read_u8()?) {
            constants::DW_LNE_end_sequence => {
                let end = (!self.is_left_out).then_some(self.registers.address);
                self.registers = Registers::START;
                (self.operation, self.is_left_out) = (0, false);
                return Ok(end);
            }
            constants::DW_LNE_set_address => {
                let address = operands.read_address(self.header.address_size())?;
                // Linkers write -1 or -2 where they left the code out (DWARF 6 says so), or 0,
                // or what is left of it; addresses of a sequence never decrease.
                self.is_left_out = address < self.registers.address || address >= self.last - 1;
                if !self.is_left_out {
                    (self.registers.address, self.operation) = (address, 0);
                }
            }
            // Nobody here asks for these two, but where they are damaged the rest cannot be told.
            constants::DW_LNE_define_file if self.header.version() <= 4 => {
                operands.read_null_terminated_slice()?;
                for _folder_time_and_size in 0..3 {
                    operands.read_uleb128()?;
                }
            }
            constants::DW_LNE_set_discriminator => {
                operands.read_uleb128()?;
            }
            _ => {}
        }
        Ok(None)
    }

    /// Advances by operations. Source: DWARF 5, 6.2.5.1.
    fn advance(&mut self, operations: u64) -> gimli::Result<()> {
        if self.is_left_out {
            return Ok(());
        }
        if let Some(step) = self.step {
            return self.advance_address(step.wrapping_mul(operations));
        }
        let in_one = u64::from(self.header.maximum_operations_per_instruction().max(1));
        let operation = self.operation.wrapping_add(operations);
        self.operation = operation % in_one;
        let step = u64::from(self.header.minimum_instruction_length());
        self.advance_address(step.wrapping_mul(operation / in_one))
    }

    fn advance_address(&mut self, bytes: u64) -> gimli::Result<()> {
        let address = self.registers.address.checked_add(bytes);
        let address = address.filter(|address| *address <= self.last);
        self.registers.address = address.ok_or(gimli::Error::AddressOverflow)?;
        Ok(())
    }

    fn advance_line(&mut self, lines: i64) {
        let line = self.registers.line;
        self.registers.line = match u64::try_from(lines) {
            Ok(forth) => line.wrapping_add(forth),
            Err(_) => line.saturating_sub(lines.unsigned_abs()),
        };
    }
}

#[cfg(test)]
mod tests {
    use gimli::{DebugLine, DebugLineOffset, EndianSlice, RunTimeEndian};

    use super::*;

    /// A program of version 4 for addresses of four bytes, opcodes from 13, lines from -5 in 14.
    fn program(instructions: &[u8], operations: u8) -> Vec<u8> {
        let header = [1, operations, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0];
        let length = 2 + 4 + header.len() + instructions.len();
        let mut bytes = (length as u32).to_le_bytes().to_vec();
        bytes.extend([4, 0]);
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header);
        bytes.extend(instructions);
        bytes
    }

    /// What a program comes to, and what ended it.
    type Run = (Vec<Step>, Option<gimli::Error>);

    fn ours(header: &gimli::LineProgramHeader<Slice<'_>>) -> Run {
        let (mut program, mut steps) = (Program::new(header), Vec::new());
        loop {
            match program.next() {
                Ok(Some(step)) => steps.push(step),
                Ok(None) => return (steps, None),
                Err(error) => return (steps, Some(error)),
            }
        }
    }

    fn gimlis(program: gimli::IncompleteLineProgram<Slice<'_>>) -> Run {
        let (mut rows, mut steps) = (program.rows(), Vec::new());
        loop {
            let row = match rows.next_row() {
                Ok(Some((_, row))) => *row,
                Ok(None) => return (steps, None),
                Err(error) => return (steps, Some(error)),
            };
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 0,
                gimli::ColumnType::Column(column) => column.get(),
            };
            steps.push(match row.end_sequence() {
                true => Step::End(row.address()),
                false => Step::Row(Registers {
                    address: row.address(),
                    file: row.file_index(),
                    line: row.line().map_or(0, std::num::NonZero::get),
                    column,
                }),
            });
        }
    }

    /// Both runs of a program; gimli's first.
    fn both(instructions: &[u8], operations: u8) -> (Run, Run) {
        let bytes = program(instructions, operations);
        let section = DebugLine::from(EndianSlice::new(&bytes, RunTimeEndian::Little));
        let read = section.program(DebugLineOffset(0), 4, None, None).expect("the header is whole");
        (gimlis(read.clone()), ours(read.header()))
    }

    #[test]
    fn rows_are_gimlis() {
        let start = [0, 5, 2, 0x00, 0x10, 0, 0];
        let whole = [5, 3, 1, 20, 0x4b, 2, 0x84, 1, 1, 8, 1, 9, 4, 0, 1, 3, 0x7d, 1, 0, 1, 1];
        let damaged = [0, 5, 2, 0xf0, 0xff, 0xff, 0xff, 1, 2, 0x7f, 1];
        let cut = [0, 9, 2, 1];
        let left_out = [1, 0, 5, 2, 0, 0, 0, 0, 1, 20, 2, 4, 1, 0, 1, 1, 1];
        let unknown = [12, 5, 1, 0, 3, 0x80, 7, 7, 0, 2, 4, 9, 1];
        for rest in [&whole[..], &damaged, &cut, &left_out, &unknown] {
            for operations in [1, 3] {
                let program = [&start[..], rest].concat();
                let (theirs, ours) = both(&program, operations);
                assert_eq!(ours, theirs, "{program:02x?}, {operations} operations");
            }
        }
    }

    #[test]
    fn any_bytes_give_what_gimli_gives() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Mostly opcodes with a meaning of their own.
            let byte = (state >> 32) as u8;
            if byte & 1 == 0 { byte % 16 } else { byte }
        };
        for length in (0..20_000).map(|number| number % 60) {
            let program: Vec<u8> = (0..length).map(|_| byte()).collect();
            for operations in [1, 2] {
                let (theirs, ours) = both(&program, operations);
                assert_eq!(ours, theirs, "{program:02x?}, {operations} operations");
            }
        }
    }
}
