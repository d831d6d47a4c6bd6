//! Where a variable is, and the bytes that are there.

use gimli::{AttributeValue, EvaluationResult, Expression, Location, Piece, Value, ValueType};

use super::Frame;
use super::debug::{At, Debug, Entry, Slice};
use crate::crash::walk::Registers;

/// A location's program that runs longer is taken for a loop.
const MOST_OPERATIONS: u32 = 10_000;

/// Addresses are of 32 bits on every core that is unwound.
const ADDRESS_MASK: u64 = 0xffff_ffff;

/// A byte of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Byte {
    Known(u8),
    /// The compiler keeps it nowhere, or not where it can be found at this depth.
    Gone,
    /// In memory that nobody read.
    Unread,
}

/// Finds the variables of one frame.
pub(super) struct Finder<'f, 'a, R> {
    pub(super) debug: &'f Debug<'a>,
    pub(super) unit: usize,
    pub(super) frame: &'f Frame<'f, R>,
    pub(super) frame_base: At,
}

/// Why a location's program came to no end.
enum Broken {
    Gone,
    Unread,
}

impl<'a, R: Registers> Finder<'_, 'a, R> {
    /// The `size` bytes of the variable. `None`: it has no location here.
    pub(super) fn bytes(&self, entry: &Entry<'a>, size: usize) -> Option<Vec<Byte>> {
        let Some(location) = entry.attr_value(gimli::DW_AT_location) else {
            return self.constant(entry, size);
        };
        let expression = self.expression(location)?;
        Some(match self.evaluate(expression) {
            Ok(pieces) => self.assemble(&pieces, size),
            Err(Broken::Gone) => return None,
            Err(Broken::Unread) => vec![Byte::Unread; size],
        })
    }

    /// What a variable holds that the compiler knew. Source: DWARF 5, 4.1, item 10.
    fn constant(&self, entry: &Entry<'a>, size: usize) -> Option<Vec<Byte>> {
        let (_, value) = self.debug.inherited(self.unit, entry, gimli::DW_AT_const_value)?;
        if let AttributeValue::Block(block) = value {
            return Some(padded(block.slice(), size));
        }
        let number = value.sdata_value().or_else(|| value.udata_value()?.try_into().ok())?;
        Some(padded(&number.to_le_bytes(), size))
    }

    /// The expression that holds at this frame's address.
    fn expression(&self, value: AttributeValue<Slice<'a>>) -> Option<Expression<Slice<'a>>> {
        if let AttributeValue::Exprloc(expression) = value {
            return Some(expression);
        }
        let unit = self.debug.unit(self.unit);
        let mut list = self.debug.dwarf.attr_locations(unit, value).ok()??;
        let at = u64::from(self.frame.stop.at);
        while let Ok(Some(entry)) = list.next() {
            if (entry.range.begin..entry.range.end).contains(&at) {
                return Some(entry.data);
            }
        }
        None
    }

    fn evaluate(&self, expression: Expression<Slice<'a>>) -> Result<Vec<Piece<Slice<'a>>>, Broken> {
        let unit = self.debug.unit(self.unit);
        let gone = |_| Broken::Gone;
        let mut evaluation = expression.evaluation(unit.encoding());
        evaluation.set_max_iterations(MOST_OPERATIONS);
        let mut state = evaluation.evaluate().map_err(gone)?;
        loop {
            state = match state {
                EvaluationResult::Complete => return Ok(evaluation.result()),
                EvaluationResult::RequiresMemory { address, size, base_type, .. } => {
                    let value = self.memory_value(address, size)?;
                    evaluation.resume_with_memory(self.typed(base_type, value)?)
                }
                EvaluationResult::RequiresRegister { register, base_type } => {
                    let value = self.frame.stop.register(register.0).ok_or(Broken::Gone)?;
                    evaluation.resume_with_register(self.typed(base_type, value)?)
                }
                EvaluationResult::RequiresFrameBase => {
                    evaluation.resume_with_frame_base(self.frame_base()?)
                }
                EvaluationResult::RequiresCallFrameCfa => {
                    evaluation.resume_with_call_frame_cfa(self.frame_address()?)
                }
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    evaluation.resume_with_relocated_address(address)
                }
                EvaluationResult::RequiresIndexedAddress { index, .. } => {
                    let address = self.debug.dwarf.address(unit, index).map_err(gone)?;
                    evaluation.resume_with_indexed_address(address)
                }
                EvaluationResult::RequiresBaseType(offset) => {
                    evaluation.resume_with_base_type(self.value_type(offset)?)
                }
                // What a register held when the function was called is not there any more, and
                // threads' own variables need an operating system.
                _ => return Err(Broken::Gone),
            }
            .map_err(gone)?;
        }
    }

    fn frame_address(&self) -> Result<u64, Broken> {
        let found = self.frame.stop.frame_address(self.frame.image);
        found.map(u64::from).ok_or(Broken::Gone)
    }

    /// Source: DWARF 5, 3.3.5 (`DW_AT_frame_base`).
    fn frame_base(&self) -> Result<u64, Broken> {
        let entry = self.debug.entry(self.frame_base).ok_or(Broken::Gone)?;
        let value = entry.attr_value(gimli::DW_AT_frame_base).ok_or(Broken::Gone)?;
        let expression = self.expression(value).ok_or(Broken::Gone)?;
        let unit = self.debug.unit(self.unit);
        // Of itself it cannot speak.
        let mut operations = expression.operations(unit.encoding());
        while let Ok(Some(operation)) = operations.next() {
            if matches!(operation, gimli::Operation::FrameOffset { .. }) {
                return Err(Broken::Gone);
            }
        }
        match self.evaluate(expression)?.as_slice() {
            [piece] => match &piece.location {
                Location::Register { register } => {
                    self.frame.stop.register(register.0).ok_or(Broken::Gone)
                }
                Location::Address { address } => Ok(*address),
                Location::Value { value } => value.to_u64(ADDRESS_MASK).map_err(|_| Broken::Gone),
                _ => Err(Broken::Gone),
            },
            _ => Err(Broken::Gone),
        }
    }

    fn memory_value(&self, address: u64, size: u8) -> Result<u64, Broken> {
        let bytes = self.memory(address, usize::from(size.min(8)));
        bytes.iter().rev().try_fold(0, |value, byte| match byte {
            Byte::Known(byte) => Ok(value << 8 | u64::from(*byte)),
            Byte::Gone | Byte::Unread => Err(Broken::Unread),
        })
    }

    fn typed(&self, base_type: gimli::UnitOffset, value: u64) -> Result<Value, Broken> {
        let is_float = |ty: ValueType| matches!(ty, ValueType::F32 | ValueType::F64);
        match base_type.0 {
            0 => Ok(Value::Generic(value)),
            _ => match self.value_type(base_type)? {
                ty if is_float(ty) => Err(Broken::Gone),
                ty => Value::from_u64(ty, value).map_err(|_| Broken::Gone),
            },
        }
    }

    fn value_type(&self, offset: gimli::UnitOffset) -> Result<ValueType, Broken> {
        let entry = self.debug.entry(At { unit: self.unit, offset }).ok_or(Broken::Gone)?;
        ValueType::from_entry(&entry).ok().flatten().ok_or(Broken::Gone)
    }

    /// Puts the pieces together. Source: DWARF 5, 2.6.1.2.
    fn assemble(&self, pieces: &[Piece<Slice<'a>>], size: usize) -> Vec<Byte> {
        let mut bytes = Vec::new();
        for piece in pieces {
            let bits = piece.size_in_bits;
            let length = bits.map_or(size, |bits| usize::try_from(bits / 8).unwrap_or(size));
            let length = length.min(size.saturating_sub(bytes.len()));
            let is_whole = bits.is_none_or(|bits| bits % 8 == 0);
            match is_whole && piece.bit_offset.unwrap_or(0) == 0 {
                true => bytes.extend(self.piece(&piece.location, length)),
                false => {
                    // What follows would be at the wrong place.
                    break;
                }
            }
        }
        bytes.resize(size, Byte::Gone);
        bytes
    }

    fn piece(&self, location: &Location<Slice<'a>>, size: usize) -> Vec<Byte> {
        match location {
            Location::Register { register } => match self.frame.stop.register(register.0) {
                // One of the floating-point unit has eight bytes, the others four.
                Some(value) if value > ADDRESS_MASK => padded(&value.to_le_bytes(), size),
                Some(value) => padded(&(value as u32).to_le_bytes(), size),
                None => vec![Byte::Gone; size],
            },
            Location::Address { address } => self.memory(*address, size),
            Location::Value { value } => padded_value(*value, size),
            Location::Bytes { value } => padded(value.slice(), size),
            Location::Empty | Location::ImplicitPointer { .. } => vec![Byte::Gone; size],
        }
    }

    fn memory(&self, address: u64, size: usize) -> Vec<Byte> {
        let memory = self.frame.memory;
        let known = |at: u64| u32::try_from(at).ok().and_then(|at| memory.byte(at));
        (0..size as u64)
            .map(|offset| known(address.wrapping_add(offset)).map_or(Byte::Unread, Byte::Known))
            .collect()
    }
}

/// `size` bytes from the front of `bytes`; what these do not have is not known.
pub(super) fn padded(bytes: &[u8], size: usize) -> Vec<Byte> {
    let mut padded: Vec<Byte> = bytes.iter().take(size).map(|byte| Byte::Known(*byte)).collect();
    padded.resize(size, Byte::Gone);
    padded
}

/// A value of the expression's own, in the size of the variable's type.
fn padded_value(value: Value, size: usize) -> Vec<Byte> {
    match value {
        Value::F32(value) => padded(&value.to_le_bytes(), size),
        Value::F64(value) => padded(&value.to_le_bytes(), size),
        // Of an address's size, without a sign: the rest of a larger one is known to be 0 only where
        // it would be with either sign.
        Value::Generic(value) if value & ADDRESS_MASK > 0x7fff_ffff => {
            padded(&(value as u32).to_le_bytes(), size)
        }
        value => value
            .to_u64(ADDRESS_MASK)
            .map_or_else(|_| vec![Byte::Gone; size], |value| padded(&value.to_le_bytes(), size)),
    }
}
