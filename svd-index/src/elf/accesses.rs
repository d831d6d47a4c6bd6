//! Which code touches which register and takes how much stack: the part of a [`Firmware`] that is found out when it is
//! first asked for.

use super::records::{
    ACCESSES, AccessRecord, FRAME_CFI, FRAME_CODE, FRAME_DYNAMIC, FRAME_STACK_SIZES, FRAMES,
    FrameRecord, LOOSE_ACCESSES, LooseAccessRecord,
};
use super::{
    AccessKind, AccessRef, BaseRef, Certainty, Firmware, LooseAccessRef, StackSource, StackUse,
    Value, names,
};
use crate::Warning;
use crate::store::{File, Records};

impl Firmware {
    /// Why the accesses are not all there are; empty where all were found.
    pub fn use_warnings(&self) -> Vec<Warning> {
        self.uses_file().map(File::warnings).unwrap_or_default()
    }

    /// Loads and stores of registers at addresses that are not known, by pc.
    pub fn loose_accesses(&self) -> impl Iterator<Item = LooseAccessRef<'_>> {
        self.uses_file().into_iter().flat_map(|uses| {
            let records: Records<'_, LooseAccessRecord> = uses.records(LOOSE_ACCESSES);
            records.into_iter().map(|record| loose_ref(uses, record))
        })
    }

    /// Loads and stores at known addresses outside the program's own memory, by address,
    /// then pc.
    pub fn accesses(&self) -> impl Iterator<Item = AccessRef<'_>> {
        self.access_records().into_iter().flatten().map(|record| self.access_ref(record))
    }

    /// Accesses that touch the byte at `address`.
    pub fn accesses_to(&self, address: u64) -> Vec<AccessRef<'_>> {
        let Some(accesses) = self.access_records() else { return Vec::new() };
        // The widest access is 8 bytes, so nothing that starts earlier can reach.
        let start = accesses.partition_point(|access| access.address < address.saturating_sub(7));
        (start..accesses.len())
            .map_while(|position| accesses.get(position))
            .take_while(|access| access.address <= address)
            .filter(|access| address - access.address < u64::from(access.size_bytes))
            .map(|record| self.access_ref(record))
            .collect()
    }

    /// Accesses in the code of the functions that `function` names, and of what was inlined into
    /// them, by pc. Functions that were inlined everywhere are found as well.
    pub fn accesses_in(&self, function: &str) -> Vec<AccessRef<'_>> {
        let mut found: Vec<AccessRef<'_>> = self
            .accesses()
            .filter(|access| {
                let frames = self.frames_at(access.pc);
                frames.iter().any(|frame| names::is_equal(frame.function, function))
            })
            .collect();
        found.sort_by_key(|access| (access.pc, access.address));
        found
    }

    /// How much stack the function that starts at `address` takes for itself, calls not counted.
    /// `None`: nothing tells.
    pub fn stack_use(&self, address: u64) -> Option<StackUse> {
        let frames: Records<'_, FrameRecord> = self.uses_file()?.records(FRAMES);
        let position = frames.partition_point(|frame| frame.address < address);
        let frame = frames.get(position).filter(|frame| frame.address == address)?;
        let source = match frame.kind {
            FRAME_STACK_SIZES => StackSource::StackSizes,
            FRAME_CFI => StackSource::Cfi,
            FRAME_CODE => StackSource::Code,
            FRAME_DYNAMIC => return Some(StackUse::Dynamic { at_least: frame.bytes }),
            _ => return None,
        };
        Some(StackUse::Bytes { bytes: frame.bytes, source })
    }

    fn access_ref(&self, record: &AccessRecord) -> AccessRef<'_> {
        let innermost = self.frames_at(record.pc).into_iter().next();
        AccessRef {
            pc: record.pc,
            address: record.address,
            size_bytes: record.size_bytes as u8,
            kind: kind_of(record),
            value: value_of(record),
            certainty: match record.certainty {
                0 => Certainty::Exact,
                _ => Certainty::Partial,
            },
            function: innermost.map(|frame| frame.function),
            file: innermost.and_then(|frame| frame.file),
            line: innermost.and_then(|frame| frame.line),
            column: innermost.and_then(|frame| frame.column),
        }
    }

    /// `None` where there is no index of them.
    fn access_records(&self) -> Option<Records<'_, AccessRecord>> {
        Some(self.uses_file()?.records(ACCESSES))
    }
}

fn loose_ref<'a>(uses: &'a File, record: &LooseAccessRecord) -> LooseAccessRef<'a> {
    LooseAccessRef {
        pc: record.access.pc,
        base: match uses.text(record.structure) {
            "" => BaseRef::After(record.base),
            name => BaseRef::Structure { name, offset: record.base },
        },
        size_bytes: record.access.size_bytes as u8,
        kind: kind_of(&record.access),
        value: value_of(&record.access),
    }
}

fn kind_of(record: &AccessRecord) -> AccessKind {
    match record.kind {
        0 => AccessKind::Read,
        1 => AccessKind::Write,
        _ => AccessKind::ReadModifyWrite,
    }
}

fn value_of(record: &AccessRecord) -> Value {
    let all = u64::MAX >> (64 - 8 * record.size_bytes.clamp(1, 8));
    let known = record.set | record.clear;
    match record.kind {
        0 => Value::Unknown,
        _ if known == all => Value::Known(record.set),
        _ if record.unknown == all => Value::Unknown,
        _ => Value::Masked { set: record.set, clear: record.clear, unknown: record.unknown },
    }
}
