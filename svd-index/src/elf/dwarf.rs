//! Debug information: functions and what was inlined into them, lines, variables, types.
//!
//! One damaged unit costs itself: what follows in it is left out with a warning, and the others
//! are read. Entries, line programs and layouts of types need nothing of each other, so that two
//! threads share them.

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
mod walk;

use std::borrow::Cow;
use std::sync::{OnceLock, mpsc};
use std::thread;

use gimli::EndianSlice;

use self::entries::Entries;
use self::files::Files;
use self::lines::Lines;
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
    with_dwarf(image, split, warnings, |dwarf, warnings| {
        let read = Read::of(dwarf, warnings);
        let live = Live::of(image, facts);
        let lines = read.lines(&live);
        let mut entries = Entries::new(&read.units, &read.files, &live, facts);
        let parts = if read.units.size_bytes() < WORTH_A_THREAD {
            entries.read(&read.order);
            vec![lines.read()]
        } else {
            thread::scope(|scope| {
                let helper = scope.spawn(|| lines.read());
                entries.read(&read.order);
                vec![lines.read(), joined(helper)]
            })
        };
        let found = entries.into_found();
        read.described(found, parts, warnings)
    })
}

/// Reads all debug information, and does in the time between what is to be done `beside`.
///
/// Two threads share the work: each takes what has an order of its own, entries or layouts, and
/// then what is left of the line programs.
pub(crate) fn read_all<T: Send>(
    image: &Image<'_>,
    split: &Split,
    facts: &Facts,
    warnings: &mut Vec<Warning>,
    beside: impl FnOnce() -> T + Send,
) -> (Described, Layouts, T) {
    with_dwarf(image, split, warnings, |dwarf, warnings| {
        let live = Live::of(image, facts);
        let shared = OnceLock::new();
        let all_lines = OnceLock::new();
        let (tell, told) = mpsc::channel::<(&Read<'_, '_>, &Lines<'_, '_>)>();
        let (found, parts, layouts, beside) = thread::scope(|scope| {
            // Owned here: should this thread fail, the other one must not wait for ever.
            let tell = tell;
            let live = &live;
            let helper = scope.spawn(move || {
                let beside = beside();
                let (read, lines) = told.recv().ok()?;
                let mut entries = Entries::new(&read.units, &read.files, live, facts);
                entries.read(&read.order);
                Some((beside, entries.into_found(), lines.read()))
            });
            let read = shared.get_or_init(|| Read::of(dwarf, warnings));
            let lines = all_lines.get_or_init(|| read.lines(live));
            let _its_panic_shows_when_joined = tell.send((read, lines));
            let layouts = layouts::read(&read.units, &read.order, &read.files);
            let own = lines.read();
            let (beside, found, others) = joined(helper).expect("it was told");
            (found, vec![own, others], layouts, beside)
        });
        let read = shared.into_inner().expect("it was read above");
        (read.described(found, parts, warnings), layouts, beside)
    })
}

/// What all that is read rests on.
struct Read<'d, 'a> {
    units: Units<'d, 'a>,
    order: Vec<usize>,
    files: Files,
}

impl<'d, 'a> Read<'d, 'a> {
    fn of(dwarf: &'d Dwarf<'a>, warnings: &mut Vec<Warning>) -> Self {
        let units = Units::load(&dwarf.own, &dwarf.beside, dwarf.endian, warnings);
        let order = units.order();
        let files = Files::read(&units, &order);
        Self { units, order, files }
    }

    fn lines<'s>(&'s self, live: &'s Live<'s>) -> Lines<'s, 'a> {
        Lines::new(&self.units, &self.order, &self.files, live)
    }

    fn described(
        self,
        mut found: entries::Found,
        lines: Vec<lines::Part>,
        warnings: &mut Vec<Warning>,
    ) -> Described {
        let (rows, damage) = lines::join(lines);
        found.damage.extend(damage);
        found.warn(&self.units, warnings);
        Described { found, rows, files: self.files.names }
    }
}

/// Reads what the analysis of register use asks for into `facts`: functions and variables; gives
/// the types of pointers.
pub(crate) fn read_for_uses(
    image: &Image<'_>,
    split: &Split,
    facts: &mut Facts,
    warnings: &mut Vec<Warning>,
) -> Shapes {
    with_dwarf(image, split, warnings, |dwarf, warnings| {
        let Read { units, order, files } = &Read::of(dwarf, warnings);
        let live = Live::of(image, facts);
        let mut entries = Entries::new(units, files, &live, facts);
        entries.shapes = Some(shapes::Found::new(units, facts.machine));
        entries.read(order);
        let shapes = entries.shapes.take().map(shapes::Found::into_shapes);
        let mut found = entries.into_found();
        found.warn(units, warnings);
        found.put(facts);
        shapes.unwrap_or_default()
    })
}

/// Reads how types are laid out; files are numbered as [`read`] numbers them.
pub(crate) fn read_layouts(image: &Image<'_>, split: &Split) -> Layouts {
    with_dwarf(image, split, &mut Vec::new(), |dwarf, warnings| {
        let Read { units, order, files } = Read::of(dwarf, warnings);
        layouts::read(&units, &order, &files)
    })
}

/// The debug information of a program and what is beside it.
struct Dwarf<'a> {
    own: gimli::Dwarf<Slice<'a>>,
    beside: Vec<gimli::Dwarf<Slice<'a>>>,
    endian: gimli::RunTimeEndian,
}

fn with_dwarf<T>(
    image: &Image<'_>,
    split: &Split,
    warnings: &mut Vec<Warning>,
    read: impl FnOnce(&Dwarf<'_>, &mut Vec<Warning>) -> T,
) -> T {
    let mut room = Room::new();
    let sections = gimli::DwarfSections::load(|id| {
        Ok::<_, std::convert::Infallible>(image.section_bytes(id.name(), &mut room, warnings))
    });
    let Ok(sections) = sections;
    let endian = image.endian();
    let mut own: gimli::Dwarf<Slice<'_>> =
        sections.borrow(|bytes: &Cow<'_, [u8]>| EndianSlice::new(bytes.as_ref(), endian));
    own.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    let sections = split::Sections::load(split, &mut room, warnings);
    let beside = sections.dwarfs(&own, endian);
    read(&Dwarf { own, beside, endian }, warnings)
}

/// What a thread found; its panic goes on in this one.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
