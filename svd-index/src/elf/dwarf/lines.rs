//! Line programs, flattened to one table by address.

use std::sync::Arc;

use gimli::AttributeValue;

use super::{Debug, Slice};
use crate::elf::{Facts, Row};

/// Rows of one uninterrupted piece of code.
pub(super) struct Sequence {
    rows: Vec<Row>,
    end: u64,
}

/// What a unit's file numbers stand for: positions in [`Facts::files`].
#[derive(Default)]
pub(super) struct UnitFiles {
    positions: Vec<Option<u32>>,
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

impl Debug<'_, '_> {
    /// Reads a unit's sequences and resolves its file numbers.
    pub(super) fn read_lines(&mut self, position: usize) -> gimli::Result<Arc<UnitFiles>> {
        let Some(program) = self.units[position].line_program.clone() else {
            return Ok(Arc::default());
        };
        let files = self.shared_files(position);
        let mut rows = program.rows();
        let mut sequence: Vec<Row> = Vec::new();
        while let Some((_, row)) = rows.next_row()? {
            let address = row.address();
            if row.end_sequence() {
                let rows = std::mem::take(&mut sequence);
                self.keep_sequence(rows, address);
                continue;
            }
            let row = Row {
                address,
                file: files.get(row.file_index()),
                line: row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0)),
                column: match row.column() {
                    gimli::ColumnType::LeftEdge => 0,
                    gimli::ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
                },
            };
            match sequence.last_mut() {
                // Of several rows at one address the last is in force.
                Some(last) if last.address == address => *last = row,
                // Addresses must not decrease (DWARF 5, 6.2.5); such a row is damage.
                Some(last) if last.address > address => {}
                _ => sequence.push(row),
            }
        }
        Ok(files)
    }

    /// What the file numbers of a unit stand for, read once for all units that count by one line
    /// program.
    pub(super) fn shared_files(&mut self, position: usize) -> Arc<UnitFiles> {
        let units = self.units;
        let Some(program) = &units[position].line_program else { return Arc::default() };
        let place = program.header().offset().0;
        if let Some(files) = self.files.of_programs.get(&place) {
            return Arc::clone(files);
        }
        let files = Arc::new(self.read_files(position, program.header()));
        self.files.of_programs.insert(place, Arc::clone(&files));
        files
    }

    fn keep_sequence(&mut self, rows: Vec<Row>, end: u64) {
        let Some(first) = rows.first() else { return };
        if self.live.has_code(&(first.address..end)) {
            self.files.sequences.push(Sequence { rows, end });
        }
    }

    fn read_files(
        &mut self,
        position: usize,
        header: &gimli::LineProgramHeader<Slice<'_>>,
    ) -> UnitFiles {
        // File 0 exists from DWARF 5 on; before, numbers start at 1.
        let count = header.file_names().len() as u64 + 1;
        let positions = (0..count)
            .map(|number| {
                let path = self.path(position, header, header.file(number)?)?;
                Some(self.files.intern(path))
            })
            .collect();
        UnitFiles { positions }
    }

    /// A file's path: the unit's folder, the file's folder, its name, without `./`.
    fn path(
        &self,
        position: usize,
        header: &gimli::LineProgramHeader<Slice<'_>>,
        file: &gimli::FileEntry<Slice<'_>>,
    ) -> Option<String> {
        let unit = &self.units[position];
        let text = |value| {
            let text = self.dwarf.attr_string(unit, value).ok()?;
            Some(text.to_string_lossy().into_owned())
        };
        let mut path =
            unit.comp_dir.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
        // Folder 0 is the unit's own, which stands there already.
        if file.directory_index() != 0
            && let Some(folder) = file.directory(header).and_then(text)
        {
            path = join(&path, &folder);
        }
        let path = join(&path, &text(file.path_name())?);
        Some(without_dots(&path))
    }
}

/// Joins all sequences to one table in which a row holds up to the next.
///
/// Where two sequences overlap, the one that starts first keeps the overlap.
pub(super) fn join_sequences(facts: &mut Facts, mut sequences: Vec<Sequence>) {
    sequences.sort_by_key(|sequence| (sequence.rows[0].address, sequence.end));
    let mut rows: Vec<Row> = Vec::with_capacity(sequences.iter().map(|s| s.rows.len() + 1).sum());
    let mut end = 0;
    for sequence in sequences {
        if sequence.end <= end {
            continue;
        }
        // The gap row of the sequence before gives way to a row at its address.
        if rows.last().is_some_and(|gap| sequence.rows[0].address <= gap.address) {
            rows.pop();
        }
        let start = end.max(sequence.rows[0].address);
        let inside = sequence.rows.partition_point(|row| row.address <= start).saturating_sub(1);
        for row in &sequence.rows[inside..] {
            if row.address < sequence.end {
                rows.push(Row { address: row.address.max(start), ..*row });
            }
        }
        end = sequence.end;
        rows.push(Row { address: end, file: None, line: 0, column: 0 });
    }
    facts.rows = rows;
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
fn without_dots(path: &str) -> String {
    if !path.starts_with("./") && !path.contains("/./") {
        return path.to_owned();
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

    fn row(address: u64, line: u32) -> Row {
        Row { address, file: Some(0), line, column: 0 }
    }

    fn check(sequences: Vec<Sequence>, expected: &[(u64, u32)]) {
        let mut facts = Facts::default();
        join_sequences(&mut facts, sequences);
        let rows: Vec<(u64, u32)> = facts.rows.iter().map(|row| (row.address, row.line)).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn sequences_join_without_gaps_or_overlap() {
        let first = || Sequence { rows: vec![row(0x10, 1), row(0x14, 2)], end: 0x18 };
        let touching = Sequence { rows: vec![row(0x18, 3)], end: 0x20 };
        check(vec![touching, first()], &[(0x10, 1), (0x14, 2), (0x18, 3), (0x20, 0)]);
        let apart = Sequence { rows: vec![row(0x30, 3)], end: 0x40 };
        check(vec![first(), apart], &[(0x10, 1), (0x14, 2), (0x18, 0), (0x30, 3), (0x40, 0)]);
        let over = Sequence { rows: vec![row(0x14, 7), row(0x16, 8), row(0x1a, 9)], end: 0x1c };
        check(vec![first(), over], &[(0x10, 1), (0x14, 2), (0x18, 8), (0x1a, 9), (0x1c, 0)]);
        let within = Sequence { rows: vec![row(0x12, 7)], end: 0x14 };
        check(vec![first(), within], &[(0x10, 1), (0x14, 2), (0x18, 0)]);
    }

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
            assert_eq!(without_dots(&join(folder, path)), expected);
        }
    }
}
