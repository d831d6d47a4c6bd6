//! Source files: the numbers by which units name them, and their paths.

use std::sync::Arc;

use foldhash::HashMap;
use gimli::AttributeValue;

use super::units::{Slice, Units, lossy};

/// Source paths, each once, and what the numbers of each unit stand for.
#[derive(Default)]
pub(super) struct Files {
    pub(super) names: Vec<String>,
    of_units: Vec<Arc<UnitFiles>>,
}

/// Positions of paths: as they are, and by the three parts they are joined of, which are quicker
/// to look for than to join.
#[derive(Default)]
struct Known<'a> {
    paths: HashMap<String, u32>,
    parts: HashMap<[&'a [u8]; 3], u32>,
}

/// What a unit's file numbers stand for: positions in [`Facts::files`](crate::elf::Facts::files).
#[derive(Default)]
pub(super) struct UnitFiles {
    positions: Vec<Option<u32>>,
}

impl Files {
    /// Reads the file tables of all units, those that several share once.
    pub(super) fn read(units: &Units<'_, '_>, order: &[usize]) -> Self {
        let mut files = Self { of_units: vec![Arc::default(); units.len()], ..Self::default() };
        let mut known = Known::default();
        let mut of_programs: HashMap<_, Arc<UnitFiles>> = HashMap::default();
        for &unit in order {
            let (dwarf, base) = units.base(unit);
            let Some(program) = &base.line_program else { continue };
            let place = (std::ptr::from_ref(dwarf), program.header().offset().0);
            let read = || Arc::new(files.read_table(units, unit, program.header(), &mut known));
            let numbers = Arc::clone(of_programs.entry(place).or_insert_with(read));
            files.of_units[unit] = numbers;
        }
        files
    }

    /// What the file numbers of a unit stand for.
    pub(super) fn of_unit(&self, unit: usize) -> &UnitFiles {
        &self.of_units[unit]
    }

    fn read_table<'a>(
        &mut self,
        units: &Units<'_, 'a>,
        unit: usize,
        header: &gimli::LineProgramHeader<Slice<'a>>,
        known: &mut Known<'a>,
    ) -> UnitFiles {
        let (dwarf, base) = units.base(unit);
        let text = |value| dwarf.attr_string(base, value).map(|text| text.slice());
        let comp_dir = units.comp_dir(unit);
        // File 0 exists from DWARF 5 on; before, numbers start at 1.
        let count = header.file_names().len() as u64 + 1;
        let positions = (0..count).map(|number| {
            let file = header.file(number)?;
            // Folder 0 is the unit's own.
            let folder = match file.directory_index() {
                0 => &[][..],
                _ => {
                    file.directory(header).and_then(|folder| text(folder).ok()).unwrap_or_default()
                }
            };
            let name = text(file.path_name()).ok()?;
            Some(self.intern([comp_dir, folder, name], known))
        });
        UnitFiles { positions: positions.collect() }
    }

    /// The position of a path: the unit's folder, the file's folder, its name, without `./`.
    fn intern<'a>(&mut self, parts: [&'a [u8]; 3], known: &mut Known<'a>) -> u32 {
        if let Some(&position) = known.parts.get(&parts) {
            return position;
        }
        let [comp_dir, folder, name] = parts.map(lossy);
        let folder = if folder.is_empty() { comp_dir } else { join(&comp_dir, &folder).into() };
        let path = without_dots(join(&folder, &name));
        let position = *known.paths.entry(path).or_insert_with_key(|path| {
            self.names.push(path.clone());
            (self.names.len() - 1) as u32
        });
        known.parts.insert(parts, position);
        position
    }
}

impl UnitFiles {
    pub(super) fn get(&self, number: u64) -> Option<u32> {
        self.positions.get(usize::try_from(number).ok()?).copied().flatten()
    }

    /// The file that a `DW_AT_decl_file` or `DW_AT_call_file` names.
    pub(super) fn named_by(&self, value: &AttributeValue<Slice<'_>>) -> Option<u32> {
        match *value {
            AttributeValue::FileIndex(number) => self.get(number),
            ref other => self.get(other.udata_value()?),
        }
    }
}

fn join(folder: &str, path: &str) -> String {
    let bytes = path.as_bytes();
    let has_drive = bytes.len() > 2 && bytes[1] == b':' && matches!(bytes[2], b'/' | b'\\');
    if folder.is_empty() || path.starts_with(['/', '\\']) || has_drive {
        return path.to_owned();
    }
    let is_windows = folder.starts_with('\\') || folder.as_bytes().get(1..3) == Some(b":\\");
    let separator = if is_windows { '\\' } else { '/' };
    if folder.ends_with(separator) {
        format!("{folder}{path}")
    } else {
        format!("{folder}{separator}{path}")
    }
}

/// Takes out `.` components, which a prefix map leaves behind. `..` stays: what it means depends
/// on links.
fn without_dots(path: String) -> String {
    if !path.starts_with("./") && !path.contains("/./") {
        return path;
    }
    let mut kept = path.split('/').filter(|&part| part != ".").collect::<Vec<_>>().join("/");
    if kept.is_empty() {
        kept.push('.');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_as_written() {
        for (folder, path, expected) in [
            (".", "src/main.c", "src/main.c"),
            ("/home/me", "./src/main.c", "/home/me/src/main.c"),
            ("/home/me", "/usr/include/x.h", "/usr/include/x.h"),
            ("C:\\fw", "main.c", "C:\\fw\\main.c"),
            ("/a", "../b.c", "/a/../b.c"),
            ("", "main.c", "main.c"),
        ] {
            assert_eq!(without_dots(join(folder, path)), expected);
        }
    }
}
