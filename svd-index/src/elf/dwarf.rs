//! Debug information: functions and what was inlined into them, lines, variables, types.
//!
//! One damaged unit costs itself: what follows in it is left out with a warning, and the others
//! are read. Entries and line programs need nothing of each other, so each has a thread.

mod budget;
mod entries;
mod files;
mod layouts;
mod lines;
mod live;
mod names;
mod shapes;
mod signatures;
mod types;
mod units;
mod variables;

use std::borrow::Cow;
use std::thread;

use gimli::EndianSlice;

use self::entries::Entries;
use self::files::Files;
use self::live::Live;
use self::units::{Slice, Units};
use super::compressed::Room;
use super::facts::Layouts;
use super::image::Image;
use super::split::{self, Split};
use super::uses::shapes::Shapes;
use super::{Facts, Row};
use crate::Warning;

/// Bytes; less than this is read sooner than a thread starts.
pub(crate) const WORTH_A_THREAD: usize = 64 << 10;

/// What the debug information says, but for layouts of types.
pub(crate) struct Described {
    found: entries::Found,
    rows: Vec<Row>,
    files: Vec<String>,
}

impl Described {
    pub(crate) fn put(self, facts: &mut Facts) {
        self.found.put(facts);
        (facts.rows, facts.files) = (self.rows, self.files);
    }
}

/// Reads all debug information but layouts of types; `facts` have what was read before.
pub(crate) fn read(
    image: &Image<'_>,
    split: &Split,
    facts: &Facts,
    warnings: &mut Vec<Warning>,
) -> Described {
    with_units(image, split, warnings, |units, warnings| {
        let order = units.order();
        let files = Files::read(units, &order);
        let live = Live::of(image, facts);
        let mut entries = Entries::new(units, &files, &live, facts);
        let lines = || lines::read(units, &order, &files, &live);
        let (rows, damage) = if units.size_bytes() < WORTH_A_THREAD {
            entries.read(&order);
            lines()
        } else {
            thread::scope(|scope| {
                let lines = scope.spawn(lines);
                entries.read(&order);
                joined(lines)
            })
        };
        let mut found = entries.into_found();
        found.damage.extend(damage);
        found.warn(units, warnings);
        Described { found, rows, files: files.names }
    })
}

/// Reads what the analysis of register use asks for into `facts`: functions and variables; gives
/// the types of pointers.
pub(crate) fn read_for_uses(
    image: &Image<'_>,
    split: &Split,
    facts: &mut Facts,
    warnings: &mut Vec<Warning>,
) -> Shapes {
    with_units(image, split, warnings, |units, warnings| {
        let order = units.order();
        let files = Files::read(units, &order);
        let live = Live::of(image, facts);
        let mut entries = Entries::new(units, &files, &live, facts);
        entries.shapes = Some(shapes::Found::new(units, facts.machine));
        entries.read(&order);
        let shapes = entries.shapes.take().map(shapes::Found::into_shapes);
        let mut found = entries.into_found();
        found.warn(units, warnings);
        found.put(facts);
        shapes.unwrap_or_default()
    })
}

/// Reads how types are laid out; files are numbered as [`read`] numbers them.
pub(crate) fn read_layouts(image: &Image<'_>, split: &Split) -> Layouts {
    with_units(image, split, &mut Vec::new(), |units, _| {
        let order = units.order();
        layouts::read(units, &order, &Files::read(units, &order))
    })
}

fn with_units<T>(
    image: &Image<'_>,
    split: &Split,
    warnings: &mut Vec<Warning>,
    read: impl FnOnce(&Units<'_, '_>, &mut Vec<Warning>) -> T,
) -> T {
    let mut room = Room::new();
    let sections = gimli::DwarfSections::load(|id| {
        Ok::<_, std::convert::Infallible>(image.section_bytes(id.name(), &mut room, warnings))
    });
    let Ok(sections) = sections;
    let endian = image.endian();
    let mut dwarf: gimli::Dwarf<Slice<'_>> =
        sections.borrow(|bytes: &Cow<'_, [u8]>| EndianSlice::new(bytes.as_ref(), endian));
    dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    let sections = split::Sections::load(split, &mut room, warnings);
    let beside = sections.dwarfs(&dwarf, endian);
    let units = Units::load(&dwarf, &beside, endian, warnings);
    read(&units, warnings)
}

/// What a thread found; its panic goes on in this one.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
