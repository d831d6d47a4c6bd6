//! Names for raw values: which register an address is, which field holds which enumerated value,
//! and which code writes it.

use bundle::{Facts, Fidelity, FieldFact, RegisterFact, RegisterRead, Snapshot, WriteFact};
use svd_index::elf::{AccessKind, AccessRef, Value};
use svd_index::{Chip, DecodedField, Index, RegisterRef};

/// Names every value of `snapshot`, and adds what the firmware writes to the same registers.
///
/// Values at addresses that the SVD does not know, and reads whose width fits no register there,
/// have no name and are left out; so are values of registers that an emulator does not model,
/// since they say nothing. Registers that share an address are all named. No findings: they are
/// [`triage`](crate::triage)'s.
pub fn name_snapshot(index: &Index, snapshot: &Snapshot) -> Facts {
    let mut registers: Vec<RegisterFact> = Vec::new();
    if let Some(chip) = index.chip() {
        for read in &snapshot.registers {
            let Some(value) = read.value().filter(|_| says_something(read)) else { continue };
            let named = chip.registers_at(read.address);
            let named = named.iter().filter(|register| register.address() == read.address);
            let named = named.filter(|register| register.size_bits() == read.size_bits);
            registers.extend(named.map(|register| register_fact(register, value)));
        }
    }
    registers.sort_by(|a, b| (a.address, &a.path).cmp(&(b.address, &b.path)));
    registers.dedup_by(|a, b| a.path == b.path);
    Facts { registers, writes: firmware_writes(index), ..Facts::default() }
}

/// Every write of the firmware to a register of the chip, by address, then pc.
///
/// Empty without a chip or without a firmware. A write narrower than its register, or of which
/// only some bits are known, has no `value`, nor has one through an alias ([`svd_index::Alias`]).
pub fn firmware_writes(index: &Index) -> Vec<WriteFact> {
    writes_with_registers(index).into_iter().map(|(_, write)| write).collect()
}

/// The same, with the register that each one writes.
pub(crate) fn writes_with_registers(index: &Index) -> Vec<(RegisterRef<'_>, WriteFact)> {
    let Some(chip) = index.chip() else { return Vec::new() };
    let accesses = index.firmwares().iter().flat_map(|firmware| firmware.accesses());
    let writes = accesses.filter(|access| access.kind != AccessKind::Read);
    let mut writes: Vec<_> = writes.filter_map(|access| write_fact(chip, &access)).collect();
    if index.firmwares().len() > 1 {
        // Images that share a driver write the same: one fact says it.
        writes.sort_by_key(|(register, write)| (register.address(), write.pc));
        writes.dedup_by(|(_, a), (_, b)| a == b);
    }
    writes
}

/// False for a register that an emulator does not model: its value is not what was written.
pub(crate) fn says_something(read: &RegisterRead) -> bool {
    read.fidelity != Some(Fidelity::NotModelled)
}

fn register_fact(register: &RegisterRef<'_>, value: u64) -> RegisterFact {
    let mut decoded = register.decode(value);
    decoded.sort_by_key(|field| field.field.lsb());
    RegisterFact {
        path: register.path(),
        address: register.address(),
        value,
        reset_value: register.reset_value(),
        fields: decoded.iter().map(field_fact).collect(),
    }
}

fn field_fact(decoded: &DecodedField<'_>) -> FieldFact {
    FieldFact {
        name: decoded.field.name().to_owned(),
        lsb: decoded.field.lsb(),
        width: decoded.field.width(),
        raw: decoded.raw,
        decoded: decoded.decoded.map(|value| value.name.to_owned()),
    }
}

fn write_fact<'a>(chip: &'a Chip, access: &AccessRef<'_>) -> Option<(RegisterRef<'a>, WriteFact)> {
    let reached = chip.resolve(access.address);
    // A write through an alias names bits of the register; its value is not the register's.
    let alias = reached.first().and_then(|reached| reached.alias);
    let at: Vec<_> = reached.into_iter().map(|reached| reached.register).collect();
    let width = u32::from(access.size_bytes) * 8;
    let whole = |register: &&RegisterRef<'_>| {
        register.address() == access.address && register.size_bits() == width
    };
    let register = *at.iter().find(whole).or(at.first())?;
    let value = match access.value {
        Value::Known(value) if whole(&&register) && alias.is_none() => Some(value),
        _ => None,
    };
    let write = WriteFact {
        register: register.path(),
        pc: access.pc,
        value,
        function: access.function.map(str::to_owned),
        file: access.file.map(str::to_owned),
        line: access.line,
    };
    Some((register, write))
}
