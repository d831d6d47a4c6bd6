//! Which line and module a log statement stands at: its symbol is a static with debug information.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use gimli::{AttributeValue, EndianSlice, RunTimeEndian};
use object::{Object, ObjectSection};

/// Where a statement stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) module: Option<Arc<str>>,
    pub(super) file: Option<Arc<str>>,
    pub(super) line: Option<u32>,
}

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// Places by symbol name. Without debug information, or with broken one, some are missing.
pub(super) fn read(file: &object::File<'_>) -> HashMap<String, Place> {
    let mut places = HashMap::new();
    let endian = match file.is_little_endian() {
        true => RunTimeEndian::Little,
        false => RunTimeEndian::Big,
    };
    let load = |id: gimli::SectionId| -> Result<Cow<'_, [u8]>, gimli::Error> {
        let section = file.section_by_name(id.name());
        Ok(section.and_then(|section| section.uncompressed_data().ok()).unwrap_or_default())
    };
    let Ok(sections) = gimli::DwarfSections::load(load) else { return places };
    let dwarf = sections.borrow(|section| EndianSlice::new(section, endian));
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        if let Ok(unit) = dwarf.unit(header) {
            // What stood before a broken entry is kept.
            let _ = read_unit(&dwarf, &unit, &mut places);
        }
    }
    places
}

fn read_unit<'a>(
    dwarf: &gimli::Dwarf<Slice<'a>>,
    unit: &gimli::Unit<Slice<'a>>,
    places: &mut HashMap<String, Place>,
) -> gimli::Result<()> {
    let unit = unit.unit_ref(dwarf);
    let text = |value: Option<AttributeValue<Slice<'a>>>| {
        let slice = unit.attr_string(value?).ok()?;
        Some(slice.to_string_lossy().into_owned())
    };
    let mut path: Vec<(isize, Option<String>)> = Vec::new();
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        let depth = entry.depth();
        path.retain(|(at, _)| *at < depth);
        match entry.tag() {
            gimli::DW_TAG_namespace => {
                path.push((depth, text(entry.attr_value(gimli::DW_AT_name))))
            }
            gimli::DW_TAG_variable => {
                let Some(name) = text(entry.attr_value(gimli::DW_AT_linkage_name)) else {
                    continue;
                };
                if !name.starts_with("{\"") {
                    continue;
                }
                let number = |value: Option<AttributeValue<Slice<'a>>>| value?.udata_value();
                let line = number(entry.attr_value(gimli::DW_AT_decl_line));
                let file = entry.attr_value(gimli::DW_AT_decl_file).and_then(|value| match value {
                    AttributeValue::FileIndex(index) => Some(index),
                    other => other.udata_value(),
                });
                // The statement's own scope is a namespace with a compiler's name in braces.
                let modules: Vec<&str> = path
                    .iter()
                    .filter_map(|(_, name)| name.as_deref())
                    .filter(|name| !name.starts_with('{'))
                    .collect();
                let place = Place {
                    module: (!modules.is_empty()).then(|| modules.join("::").into()),
                    file: file.and_then(|index| file_name(&unit, index)).map(Arc::from),
                    line: line.and_then(|line| u32::try_from(line).ok()),
                };
                places.insert(name, place);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The file as the debug information names it, with its folder unless that is absolute.
fn file_name(unit: &gimli::UnitRef<'_, Slice<'_>>, index: u64) -> Option<String> {
    let program = unit.line_program.as_ref()?;
    let header = program.header();
    let file = header.file(index)?;
    let name = unit.attr_string(file.path_name()).ok()?.to_string_lossy().into_owned();
    let folder = file.directory(header).and_then(|folder| unit.attr_string(folder).ok());
    match folder.map(|folder| folder.to_string_lossy().into_owned()) {
        Some(folder) if !folder.starts_with('/') && !folder.is_empty() && folder != "." => {
            Some(format!("{folder}/{name}"))
        }
        _ => Some(name),
    }
}
