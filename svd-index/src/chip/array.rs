//! Arithmetic on symbolic arrays: element numbers, offsets, index texts.
//!
//! An element is one number, row-major over the arrays around a register, outermost first.

use std::fmt::Write;

use super::Chip;
use super::records::{DimRecord, INDEX_NAMES};
use crate::store::StrRef;

/// Placeholders are the bytes `1..=MAX_DIMS`; the first byte that means something else is 9, a tab.
pub(crate) const MAX_DIMS: usize = 8;

/// Which array's index stands at this byte of a name.
pub(crate) fn placeholder(byte: u8) -> Option<usize> {
    (1..=MAX_DIMS as u8).contains(&byte).then(|| usize::from(byte) - 1)
}

/// Whether a character of a name stands for an array's index.
pub(crate) fn is_placeholder(character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| placeholder(byte).is_some())
}

/// Number of elements.
pub(crate) fn count(dims: &[DimRecord]) -> u64 {
    dims.iter().map(|dim| u64::from(dim.count)).fold(1, u64::saturating_mul)
}

/// Bytes from the first element's start to the last element's.
pub(crate) fn reach(dims: &[DimRecord]) -> u64 {
    dims.iter()
        .map(|dim| dim.stride.saturating_mul(u64::from(dim.count.saturating_sub(1))))
        .fold(0, u64::saturating_add)
}

/// Index in each array of `element`.
pub(crate) fn indices(dims: &[DimRecord], mut element: u64) -> [u32; MAX_DIMS] {
    let mut indices = [0; MAX_DIMS];
    for (place, dim) in dims.iter().enumerate().take(MAX_DIMS).rev() {
        let count = u64::from(dim.count.max(1));
        indices[place] = (element % count) as u32;
        element /= count;
    }
    indices
}

/// The inverse of [`indices`].
pub(crate) fn element(dims: &[DimRecord], indices: &[u32]) -> u64 {
    dims.iter().zip(indices).fold(0, |element, (dim, &index)| {
        element.saturating_mul(u64::from(dim.count)).saturating_add(u64::from(index))
    })
}

/// Bytes from the first element to `element`.
pub(crate) fn offset(dims: &[DimRecord], element: u64) -> u64 {
    let indices = indices(dims, element);
    dims.iter().zip(indices).fold(0, |offset: u64, (dim, index)| {
        offset.wrapping_add(dim.stride.wrapping_mul(u64::from(index)))
    })
}

/// The elements of `size` bytes that hold the byte `offset` after the first element's start.
///
/// Elements closer together than their size overlap: then there are several, at most 16, and of
/// arrays woven into each other those that a bounded search finds.
pub(crate) fn elements_at(dims: &[DimRecord], size: u64, offset: u64) -> Vec<u64> {
    let mut levels = [Level::default(); MAX_DIMS];
    let mut weight = 1_u64;
    for (level, dim) in levels.iter_mut().zip(dims).rev() {
        *level = Level { count: u64::from(dim.count), stride: dim.stride, weight };
        weight = weight.saturating_mul(u64::from(dim.count));
    }
    let levels = &mut levels[..dims.len().min(MAX_DIMS)];
    // The widest steps first leave the fewest to choose from.
    levels.sort_by_key(|level| std::cmp::Reverse(level.stride));
    let mut search = Search { found: Vec::new(), left: MOST_TRIED };
    search.collect(levels, size, offset, 0);
    search.found.sort_unstable();
    search.found
}

/// One of the arrays around a register.
#[derive(Clone, Copy, Default)]
struct Level {
    count: u64,
    stride: u64,
    /// Elements of the register that one step here passes.
    weight: u64,
}

impl Level {
    fn reach(&self) -> u64 {
        self.stride.saturating_mul(self.count.saturating_sub(1))
    }
}

/// Elements tried for one place. No vendor's arrays need more than a few.
const MOST_TRIED: u32 = 1 << 10;

/// Overlapping elements told of one place.
const ENOUGH: usize = 16;

struct Search {
    found: Vec<u64>,
    left: u32,
}

impl Search {
    fn collect(&mut self, levels: &[Level], size: u64, offset: u64, element: u64) {
        let Some((level, inner)) = levels.split_first() else {
            if offset < size {
                self.found.push(element);
            }
            return;
        };
        let span = inner.iter().map(Level::reach).fold(size, u64::saturating_add);
        let (first, last) = candidates(level, span, offset);
        for index in first..=last {
            if self.found.len() >= ENOUGH || self.left == 0 {
                return;
            }
            self.left -= 1;
            let passed = element.saturating_add(index.saturating_mul(level.weight));
            self.collect(inner, size, offset - index * level.stride, passed);
        }
    }
}

/// Indices at `level` whose element, `span` bytes long, holds the byte `offset`; empty if
/// the first is beyond the last.
fn candidates(level: &Level, span: u64, offset: u64) -> (u64, u64) {
    let top = level.count.saturating_sub(1);
    if level.stride == 0 {
        // All elements lie at one place.
        return (0, top.min(ENOUGH as u64 - 1));
    }
    let last = (offset / level.stride).min(top);
    let first = (offset + 1).saturating_sub(span).div_ceil(level.stride);
    (first, last)
}

/// The last element that ends at or before the byte `offset` after the first element's start.
pub(crate) fn last_before(dims: &[DimRecord], size: u64, offset: u64) -> Option<u64> {
    let mut room = offset.checked_sub(size)?;
    let mut indices = [0; MAX_DIMS];
    for (place, dim) in dims.iter().enumerate().take(MAX_DIMS) {
        let top = u64::from(dim.count.saturating_sub(1));
        let index = room.checked_div(dim.stride).unwrap_or(0).min(top);
        indices[place] = index as u32;
        room -= index * dim.stride;
    }
    Some(element(dims, &indices[..dims.len().min(MAX_DIMS)]))
}

/// The index text of element `index`: of its own list, or a number.
pub(crate) fn index_text(chip: &Chip, dim: &DimRecord, index: u32, out: &mut String) {
    if dim.names.count == 0 {
        write!(out, "{}", u64::from(dim.start) + u64::from(index)).expect("a String takes all");
    } else {
        out.push_str(index_name(chip, dim, index));
    }
}

/// The `index`th text of the list of a dim that has one.
pub(crate) fn index_name<'a>(chip: &'a Chip, dim: &DimRecord, index: u32) -> &'a str {
    let names = chip.table::<StrRef>(INDEX_NAMES);
    let place = names.get(dim.names.first as usize + index as usize);
    place.map_or("", |&place| chip.text(place))
}

/// The whole list. Each element has a name; an index that was tampered with may say otherwise.
pub(crate) fn index_names<'a>(chip: &'a Chip, dim: &DimRecord) -> &'a [StrRef] {
    let first = dim.names.first as usize;
    let len = dim.count.min(dim.names.count) as usize;
    chip.table::<StrRef>(INDEX_NAMES).slice(first..first.saturating_add(len))
}

/// Writes `template` with its placeholders filled in; for no element, with spans.
pub(crate) fn render(
    chip: &Chip,
    dims: &[DimRecord],
    element: Option<u64>,
    template: &str,
    out: &mut String,
) {
    let indices = element.map(|element| indices(dims, element));
    let mut skip_bracket = false;
    for character in template.chars() {
        let dim = u8::try_from(character)
            .ok()
            .and_then(placeholder)
            .and_then(|place| Some((place, dims.get(place)?)));
        match (dim, &indices) {
            (Some((place, dim)), Some(indices)) => index_text(chip, dim, indices[place], out),
            (Some((_, dim)), None) => {
                skip_bracket = out.ends_with('[');
                render_span(chip, dim, skip_bracket, out);
            }
            (None, _) if skip_bracket && character == ']' => skip_bracket = false,
            (None, _) => out.push(character),
        }
    }
}

/// `0..32)` after a bracket, else `{1..8)` or `{A,B,C}`.
fn render_span(chip: &Chip, dim: &DimRecord, bracketed: bool, out: &mut String) {
    if bracketed || dim.names.count == 0 {
        if !bracketed {
            out.push('{');
        }
        let start = if bracketed && dim.names.count != 0 { 0 } else { dim.start };
        let end = u64::from(start) + u64::from(dim.count);
        write!(out, "{start}..{end})").expect("a String takes all");
        return;
    }
    out.push('{');
    for (index, &name) in index_names(chip, dim).iter().enumerate() {
        if index != 0 {
            out.push(',');
        }
        out.push_str(chip.text(name));
    }
    out.push('}');
}
