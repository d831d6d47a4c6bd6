//! What differs between two programs.

use foldhash::{HashMap, HashMapExt};

use super::{Bytes, Row, RowKind};

/// A row of two programs. One side is `None` where the row came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As it was.
    pub old: Option<Row>,
    /// As it is.
    pub new: Option<Row>,
}

impl Change {
    /// The row to show: the new one, or the one that went.
    pub fn row(&self) -> &Row {
        self.new.as_ref().or(self.old.as_ref()).expect("a change has a side")
    }

    /// Growth of flash and RAM in bytes, negative where it shrank.
    pub fn growth(&self) -> (i64, i64) {
        let bytes = |row: &Option<Row>| row.as_ref().map_or(Bytes::default(), |row| row.bytes);
        let (old, new) = (bytes(&self.old), bytes(&self.new));
        (difference(old.flash, new.flash), difference(old.ram, new.ram))
    }
}

/// Pairs the rows of two programs, and gives those that differ in size, the largest change first.
///
/// Rows are the same by name and file; a symbol that is alone with its name on both sides is the
/// same wherever its file went. What is no symbol has no other name.
pub fn compare(old: &[Row], new: &[Row]) -> Vec<Change> {
    let mut pairs: Vec<(Option<usize>, Option<usize>)> = Vec::new();
    let mut taken = vec![false; new.len()];
    let mut left = Vec::new();
    let by_file = positions(new.iter().enumerate(), with_file);
    for (position, row) in old.iter().enumerate() {
        match by_file.get(&with_file(row)).and_then(|at| at.iter().find(|&&at| !taken[at])) {
            Some(&at) => {
                taken[at] = true;
                pairs.push((Some(position), Some(at)));
            }
            None => left.push(position),
        }
    }
    let came = new.iter().enumerate().filter(|(at, _)| !taken[*at]);
    let came = positions(came, by_name);
    let went = positions(left.iter().map(|&at| (at, &old[at])), by_name);
    for &position in &left {
        let name = by_name(&old[position]);
        let partner = match (went.get(&name).map(Vec::as_slice), came.get(&name).map(Vec::as_slice))
        {
            (Some([_]), Some(&[at])) => Some(at),
            _ => None,
        };
        if let Some(at) = partner {
            taken[at] = true;
        }
        pairs.push((Some(position), partner));
    }
    let rest = (0..new.len()).filter(|&at| !taken[at]).map(|at| (None, Some(at)));
    pairs.extend(rest);
    let change = |(before, after): (Option<usize>, Option<usize>)| Change {
        old: before.map(|at| old[at].clone()),
        new: after.map(|at| new[at].clone()),
    };
    let mut changes: Vec<Change> =
        pairs.into_iter().map(change).filter(|change| change.growth() != (0, 0)).collect();
    changes.sort_by_cached_key(|change| {
        let (flash, ram) = change.growth();
        let moved = flash.unsigned_abs().saturating_add(ram.unsigned_abs());
        (std::cmp::Reverse(moved), change.row().name.clone())
    });
    changes
}

fn positions<'r, K: std::hash::Hash + Eq>(
    rows: impl Iterator<Item = (usize, &'r Row)>,
    key: impl Fn(&'r Row) -> K,
) -> HashMap<K, Vec<usize>> {
    let mut found: HashMap<K, Vec<usize>> = HashMap::new();
    for (position, row) in rows {
        found.entry(key(row)).or_default().push(position);
    }
    found
}

fn with_file(row: &Row) -> (&str, bool, Option<&str>, Option<&str>) {
    let is_known = row.kind != RowKind::Unknown;
    (&row.name, is_known, row.file.as_deref(), row.section.as_deref().filter(|_| !is_known))
}

fn by_name(row: &Row) -> (&str, bool) {
    (&row.name, row.kind != RowKind::Unknown)
}

fn difference(old: u64, new: u64) -> i64 {
    let size = i64::try_from(old.abs_diff(new)).unwrap_or(i64::MAX);
    if new < old { -size } else { size }
}
