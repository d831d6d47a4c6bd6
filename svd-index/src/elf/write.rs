//! Lays [`Facts`] out as the sorted records of an index file.

use super::facts::Layouts;
use super::records::{
    ACCESSES, AccessRecord, FILES, FRAME_CFI, FRAME_CODE, FRAME_DYNAMIC, FRAME_STACK_SIZES, FRAMES,
    FUNCTIONS, FrameRecord, FunctionRecord, HEADER, HEADER_BIG_ENDIAN, HEADER_DWARF, HEADER_RTT,
    HeaderRecord, INLINED, InlinedRecord, LAYOUT_MEMBERS, LAYOUTS, LOOSE_ACCESSES,
    LooseAccessRecord, MEMBERS, MemberRecord, NONE, RANGES, ROWS, RangeRecord, SCHEMA,
    SECTION_ALLOCATED, SECTION_EXECUTABLE, SECTION_WRITABLE, SECTION_ZEROED, SECTIONS, SEGMENTS,
    SYMBOL_NOWHERE, SYMBOLS, SectionRecord, SegmentRecord, SymbolRecord, TABLE_FIRST_SECTION,
    TABLE_FIRST_SEGMENT, TABLE_NONE, TABLE_SECTION, TABLE_SYMBOL, TYPE_ARRAY, TYPE_OPAQUE,
    TYPE_POINTER, TYPE_SCALAR, TYPE_STRUCT, TYPE_UNION, TYPES, TYPES_SCHEMA, TypeRecord,
    UNIT_RANGES, UNITS, USES_SCHEMA, UnitRecord, VARIABLES, VECTOR_DEFAULT, VECTOR_NO_THUMB_BIT,
    VECTOR_NOT_CODE, VECTOR_OUTSIDE, VECTORS, VariableRecord, VectorRecord,
};
use super::{
    AccessKind, Base, Certainty, Facts, Machine, Member, StackSource, StackUse, SymbolKind,
    TablePlace, Type, TypeKind, UseFacts, Value, VectorProblem,
};
use crate::chip::Origin;
use crate::store::{Kind, SourceId, StrRef, Writer};

/// Fills a writer with everything but the warnings.
pub(crate) fn write(facts: &Facts, source: SourceId) -> Writer {
    let mut writer = Writer::new(Kind::Elf, SCHEMA, source);
    write_header(&mut writer, facts);
    write_sections(&mut writer, facts);
    write_segments(&mut writer, facts);
    write_symbols(&mut writer, facts);
    write_units(&mut writer, facts);
    write_functions(&mut writer, facts);
    writer.section(ROWS, &facts.rows);
    write_types(&mut writer, facts);
    write_variables(&mut writer, facts);
    write_vectors(&mut writer, facts);
    writer
}

fn write_header(writer: &mut Writer, facts: &Facts) {
    let build_id: String = facts.build_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let bits = [
        (facts.big_endian, HEADER_BIG_ENDIAN),
        (facts.rtt.is_some(), HEADER_RTT),
        (!facts.units.is_empty(), HEADER_DWARF),
    ];
    let header = HeaderRecord {
        entry: facts.entry,
        rtt: facts.rtt.unwrap_or_default(),
        build_id: writer.text(&build_id),
        machine: match facts.machine {
            Machine::Unknown => 0,
            Machine::Arm => object::elf::EM_ARM.into(),
            Machine::RiscV => object::elf::EM_RISCV.into(),
            Machine::Other(machine) => machine.into(),
        },
        class_bits: facts.class_bits.into(),
        flags: flags(bits),
        core: facts.core.map_or(0, Origin::code),
        table_name: match &facts.vector_table {
            Some(
                TablePlace::Symbol(name)
                | TablePlace::Section(name)
                | TablePlace::FirstSection(name),
            ) => writer.text(name),
            Some(TablePlace::FirstSegment) | None => StrRef::default(),
        },
        table: match &facts.vector_table {
            None => TABLE_NONE,
            Some(TablePlace::Symbol(_)) => TABLE_SYMBOL,
            Some(TablePlace::Section(_)) => TABLE_SECTION,
            Some(TablePlace::FirstSection(_)) => TABLE_FIRST_SECTION,
            Some(TablePlace::FirstSegment) => TABLE_FIRST_SEGMENT,
        },
        reserved: 0,
    };
    writer.section(HEADER, &[header]);
}

fn write_sections(writer: &mut Writer, facts: &Facts) {
    let records: Vec<SectionRecord> = facts
        .sections
        .iter()
        .map(|section| SectionRecord {
            address: section.address,
            load_address: section.load_address,
            size: section.size,
            name: writer.text(&section.name),
            flags: flags([
                (section.allocated, SECTION_ALLOCATED),
                (section.writable, SECTION_WRITABLE),
                (section.executable, SECTION_EXECUTABLE),
                (section.file_range.is_empty() && section.size != 0, SECTION_ZEROED),
            ]),
            reserved: 0,
        })
        .collect();
    writer.section(SECTIONS, &records);
}

fn write_segments(writer: &mut Writer, facts: &Facts) {
    let records: Vec<SegmentRecord> = facts
        .segments
        .iter()
        .map(|segment| SegmentRecord {
            address: segment.address,
            load_address: segment.load_address,
            size: segment.size,
            file_size: segment.file_size,
            flags: flags([
                (segment.writable, SECTION_WRITABLE),
                (segment.executable, SECTION_EXECUTABLE),
            ]),
            reserved: 0,
        })
        .collect();
    writer.section(SEGMENTS, &records);
}

fn write_symbols(writer: &mut Writer, facts: &Facts) {
    let mut records: Vec<SymbolRecord> = facts
        .symbols
        .iter()
        .map(|symbol| SymbolRecord {
            address: symbol.address,
            size: symbol.size,
            name: writer.text(&symbol.name),
            linkage_name: writer.text(&symbol.linkage_name),
            kind: match symbol.kind {
                SymbolKind::Function => 0,
                SymbolKind::Object => 1,
                SymbolKind::Label => 2,
            } | flags([(!symbol.in_memory, SYMBOL_NOWHERE)]),
            unit: symbol.object.map_or(NONE, |object| facts.units.len() as u32 + object),
        })
        .collect();
    records.sort_by_key(|record| record.address);
    writer.section(SYMBOLS, &records);
}

fn write_units(writer: &mut Writer, facts: &Facts) {
    let units = facts.units.iter().map(|unit| UnitRecord {
        name: writer.text(&unit.name),
        comp_dir: writer.text(&unit.comp_dir),
        producer: writer.text(&unit.producer),
        version: unit.version.into(),
        reserved: 0,
    });
    let mut units: Vec<UnitRecord> = units.collect();
    units.extend(
        facts
            .objects
            .iter()
            .map(|name| UnitRecord { name: writer.text(name), ..Default::default() }),
    );
    let mut ranges: Vec<RangeRecord> = Vec::new();
    for (owner, unit) in facts.units.iter().enumerate() {
        ranges.extend(unit.ranges.iter().map(|range| RangeRecord {
            low: range.start,
            high: range.end,
            owner: owner as u32,
            reserved: 0,
        }));
    }
    ranges.sort_by_key(|range| (range.low, range.high));
    writer.section(UNITS, &units).section(UNIT_RANGES, &ranges);
}

fn write_functions(writer: &mut Writer, facts: &Facts) {
    let files: Vec<StrRef> = facts.files.iter().map(|file| writer.text(file)).collect();
    writer.section(FILES, &files);

    let (mut functions, mut ranges, mut inlined) = (Vec::new(), Vec::new(), Vec::new());
    for (position, function) in facts.functions.iter().enumerate() {
        let first_inlined = inlined.len();
        for call in &function.inlined {
            let name = writer.text(&call.name);
            inlined.extend(call.ranges.iter().map(|range| InlinedRecord {
                low: range.start,
                high: range.end,
                name,
                depth: call.depth,
                call_file: call.call_file.unwrap_or(NONE),
                call_line: call.call_line,
                call_column: call.call_column,
            }));
        }
        ranges.extend(function.ranges.iter().map(|range| RangeRecord {
            low: range.start,
            high: range.end,
            owner: position as u32,
            reserved: 0,
        }));
        functions.push(FunctionRecord {
            address: function.ranges.iter().map(|range| range.start).min().unwrap_or(0),
            // Damage may claim more than there are addresses.
            size: function
                .ranges
                .iter()
                .fold(0, |size: u64, range| size.saturating_add(range.end - range.start)),
            name: writer.text(&function.name),
            linkage_name: writer.text(&function.linkage_name),
            file: function.file.unwrap_or(NONE),
            line: function.line,
            first_inlined: first_inlined as u32,
            inlined_count: (inlined.len() - first_inlined) as u32,
            unit: function.unit.unwrap_or(NONE),
            reserved: 0,
        });
    }
    ranges.sort_by_key(|range| (range.low, range.high));
    writer.section(FUNCTIONS, &functions).section(RANGES, &ranges).section(INLINED, &inlined);
}

fn write_types(writer: &mut Writer, facts: &Facts) {
    let mut members = Vec::new();
    let mut types = Vec::with_capacity(facts.types.len());
    for ty in &facts.types {
        types.push(type_record(writer, ty, &mut members));
    }
    writer.section(TYPES, &types).section(MEMBERS, &members);
}

fn type_record(writer: &mut Writer, ty: &Type, members: &mut Vec<MemberRecord>) -> TypeRecord {
    let mut record =
        TypeRecord { size: ty.size, name: writer.text(&ty.name), ..TypeRecord::default() };
    let own_members: &[Member] = match &ty.kind {
        TypeKind::Struct(own) | TypeKind::Union(own) => own,
        _ => &[],
    };
    record.kind = match ty.kind {
        TypeKind::Opaque => TYPE_OPAQUE,
        TypeKind::Scalar => TYPE_SCALAR,
        TypeKind::Pointer => TYPE_POINTER,
        TypeKind::Struct(_) => TYPE_STRUCT,
        TypeKind::Union(_) => TYPE_UNION,
        TypeKind::Array { .. } => TYPE_ARRAY,
    };
    if let TypeKind::Array { element, count } = ty.kind {
        (record.first, record.count) = (element, count);
        return record;
    }
    record.first = members.len() as u32;
    record.members = own_members.len() as u32;
    members.extend(own_members.iter().map(|member| MemberRecord {
        offset: member.offset,
        name: writer.text(&member.name),
        ty: member.ty,
        reserved: 0,
    }));
    record
}

fn write_variables(writer: &mut Writer, facts: &Facts) {
    let records: Vec<VariableRecord> = facts
        .variables
        .iter()
        .map(|variable| VariableRecord {
            address: variable.address,
            size: variable.size,
            name: writer.text(&variable.name),
            ty: variable.ty,
            file: variable.file.unwrap_or(NONE),
            line: variable.line,
            unit: variable.unit.unwrap_or(NONE),
        })
        .collect();
    writer.section(VARIABLES, &records);
}

fn write_vectors(writer: &mut Writer, facts: &Facts) {
    let records: Vec<VectorRecord> = facts
        .vectors
        .iter()
        .map(|vector| VectorRecord {
            address: vector.address,
            value: vector.value,
            handler: writer.text(&vector.handler),
            number: vector.number,
            flags: flags([
                (vector.is_default, VECTOR_DEFAULT),
                (vector.problem == Some(VectorProblem::Outside), VECTOR_OUTSIDE),
                (vector.problem == Some(VectorProblem::NotCode), VECTOR_NOT_CODE),
                (vector.problem == Some(VectorProblem::NoThumbBit), VECTOR_NO_THUMB_BIT),
            ]),
        })
        .collect();
    writer.section(VECTORS, &records);
}

/// Fills a writer with layouts of types.
pub(crate) fn write_layouts(layouts: Layouts, source: SourceId) -> Writer {
    let Layouts { texts, layouts, members } = layouts;
    let mut writer = Writer::with_texts(Kind::Types, TYPES_SCHEMA, source, texts);
    writer.reserve(size_of_val(&layouts[..]) + size_of_val(&members[..]));
    writer.section(LAYOUTS, &layouts).section(LAYOUT_MEMBERS, &members);
    writer
}

/// Fills a writer with the accesses.
pub(crate) fn write_uses(uses: &UseFacts, source: SourceId) -> Writer {
    let mut writer = Writer::new(Kind::Uses, USES_SCHEMA, source);
    write_accesses(&mut writer, uses);
    write_frames(&mut writer, uses);
    writer
}

fn write_accesses(writer: &mut Writer, uses: &UseFacts) {
    let records: Vec<AccessRecord> = uses
        .accesses
        .iter()
        .map(|access| AccessRecord {
            address: access.address,
            certainty: match access.certainty {
                Certainty::Exact => 0,
                Certainty::Partial => 1,
            },
            ..access_record(access.pc, access.size_bytes, access.kind, access.value)
        })
        .collect();
    writer.section(ACCESSES, &records);
    let loose: Vec<LooseAccessRecord> = uses
        .loose_accesses
        .iter()
        .map(|access| {
            let (structure, base) = match &access.base {
                Base::Structure { name, offset } => (writer.text(name), *offset),
                Base::After(address) => (StrRef::default(), *address),
            };
            let access = access_record(access.pc, access.size_bytes, access.kind, access.value);
            LooseAccessRecord { access, structure, base }
        })
        .collect();
    writer.section(LOOSE_ACCESSES, &loose);
}

fn write_frames(writer: &mut Writer, uses: &UseFacts) {
    let records: Vec<FrameRecord> = uses
        .frames
        .iter()
        .map(|frame| {
            let (bytes, kind) = match frame.stack {
                StackUse::Bytes { bytes, source: StackSource::StackSizes } => {
                    (bytes, FRAME_STACK_SIZES)
                }
                StackUse::Bytes { bytes, source: StackSource::Cfi } => (bytes, FRAME_CFI),
                StackUse::Bytes { bytes, source: StackSource::Code } => (bytes, FRAME_CODE),
                StackUse::Dynamic { at_least } => (at_least, FRAME_DYNAMIC),
            };
            FrameRecord { address: frame.address, bytes, kind, reserved: 0 }
        })
        .collect();
    writer.section(FRAMES, &records);
}

fn access_record(pc: u64, size_bytes: u8, kind: AccessKind, value: Value) -> AccessRecord {
    let all = u64::MAX >> (64 - 8 * u32::from(size_bytes.clamp(1, 8)));
    let (set, clear, unknown) = match value {
        Value::Known(value) => (value & all, !value & all, 0),
        Value::Masked { set, clear, unknown } => (set, clear, unknown),
        Value::Unknown => (0, 0, all),
    };
    AccessRecord {
        pc,
        set,
        clear,
        unknown,
        size_bytes: size_bytes.into(),
        kind: match kind {
            AccessKind::Read => 0,
            AccessKind::Write => 1,
            AccessKind::ReadModifyWrite => 2,
        },
        ..AccessRecord::default()
    }
}

fn flags<const N: usize>(bits: [(bool, u32); N]) -> u32 {
    bits.iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, bit)| all | bit)
}
