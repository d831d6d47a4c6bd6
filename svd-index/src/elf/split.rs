//! Debug information that a linker left where the compiler put it (`-gsplit-dwarf`): beside each
//! object in a `.dwo` file, or all of it in one `.dwp` beside the program.
//!
//! Source: DWARF 5, 3.1.2 (skeleton units), 7.3.2 (`.dwo`), 7.3.5 (packages); for DWARF 4 the GNU
//! extension that they come from.

use std::borrow::Cow;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use gimli::{EndianSlice, RunTimeEndian, SectionId};
use object::Object;

use super::compressed::{Room, section_bytes, section_named, sections_named};
use super::image::warning;
use crate::Warning;
use crate::store::{SourceId, Stamped};

type Dwarf<'a> = gimli::Dwarf<EndianSlice<'a, RunTimeEndian>>;

/// Most bytes that are read of one such file.
const MAX_FILE: u64 = 2 << 30;

/// What was found beside a program. The default is nothing, which is what most programs need.
#[derive(Debug, Default)]
pub struct Split {
    /// The bytes of each file, and whether it is a package.
    pub(crate) files: Vec<SplitFile>,
    /// What identifies the files, and tells that they are as they were.
    stamps: Vec<Stamped>,
}

/// One file with debug information of the program.
#[derive(Debug)]
pub(crate) struct SplitFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_package: bool,
}

impl Split {
    /// Looks for the files that the program `elf`, which is at `path`, keeps its debug information
    /// in: the package beside it, or else each unit's file where the compiler put it or beside the
    /// program. What is missing is not there; reading the program tells which units lack it.
    pub fn of(elf: &[u8], path: &Path) -> Self {
        let mut found = Self::default();
        let wanted = wanted(elf);
        if wanted.is_empty() {
            return found;
        }
        let mut package = path.as_os_str().to_owned();
        package.push(".dwp");
        if found.add(Path::new(&package), true) {
            return found;
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        for file in wanted {
            let beside = file.file_name().map(|name| folder.join(name));
            let places = [Some(file.clone()), Some(folder.join(&file)), beside];
            places.into_iter().flatten().any(|place| found.add(&place, false));
        }
        found
    }

    /// The identity of a program together with these files.
    pub(crate) fn id(&self, elf: &[u8]) -> SourceId {
        let id = SourceId::of(elf);
        if self.files.is_empty() {
            return id;
        }
        let mut content = id.digest.to_vec();
        for file in &self.files {
            content.extend(SourceId::of(&file.bytes).digest);
        }
        SourceId { size: id.size, ..SourceId::of(&content) }
    }

    /// What tells that the files are as they were read.
    pub(crate) fn stamps(&self) -> impl Iterator<Item = Stamped> + '_ {
        self.stamps.iter().cloned()
    }

    fn add(&mut self, path: &Path, is_package: bool) -> bool {
        let Ok((bytes, stamp)) = Stamped::read(path, MAX_FILE) else { return false };
        self.files.push(SplitFile { bytes, is_package });
        self.stamps.push(stamp);
        true
    }
}

/// The sections of what was found, as they were before they were packed.
pub(crate) struct Sections<'s> {
    objects: Vec<gimli::DwarfSections<Cow<'s, [u8]>>>,
    packages: Vec<gimli::DwarfPackageSections<Cow<'s, [u8]>>>,
}

impl<'s> Sections<'s> {
    /// Loads the sections of all files; a file that is damaged is left out with a warning.
    pub(crate) fn load(split: &'s Split, room: &mut Room, warnings: &mut Vec<Warning>) -> Self {
        let mut found = Self { objects: Vec::new(), packages: Vec::new() };
        for (SplitFile { bytes, is_package }, stamp) in split.files.iter().zip(&split.stamps) {
            let file = match object::File::parse(&**bytes) {
                Ok(file) => file,
                Err(error) => {
                    let place = stamp.path().display().to_string();
                    warnings.push(warning(&place, &error.to_string(), "it was left out"));
                    continue;
                }
            };
            // An object has a section for each type that it keeps apart.
            let repeated = [SectionId::DebugInfo, SectionId::DebugTypes];
            let parts = repeated.iter().filter_map(|id| id.dwo_name());
            let parts = parts.map(|name| sections_named(&file, name).count()).max().unwrap_or(0);
            for part in 0..parts {
                let section = |id: SectionId| {
                    let Some(name) = id.dwo_name() else { return Ok(Cow::Borrowed(&[][..])) };
                    let part = if repeated.contains(&id) { part } else { 0 };
                    let section = sections_named(&file, name).nth(part);
                    Ok::<_, gimli::Error>(section_bytes(section, name, room, warnings))
                };
                match is_package {
                    true => found.packages.extend(gimli::DwarfPackageSections::load(section)),
                    false => found.objects.extend(gimli::DwarfSections::load(section)),
                }
            }
        }
        found
    }

    /// The debug information of each file, and of each unit of a package, for units of `parent`.
    pub(crate) fn dwarfs<'a>(
        &'a self,
        parent: &Dwarf<'a>,
        endian: RunTimeEndian,
    ) -> Vec<Dwarf<'a>> {
        let slice = |bytes: &'a Cow<'s, [u8]>| EndianSlice::new(bytes.as_ref(), endian);
        let objects = self.objects.iter().map(|sections| {
            let mut dwarf = sections.borrow(slice);
            dwarf.make_dwo(parent);
            dwarf
        });
        let mut found: Vec<Dwarf<'a>> = objects.collect();
        for sections in &self.packages {
            let Ok(package) = sections.borrow(slice, EndianSlice::new(&[], endian)) else {
                continue;
            };
            let (units, types) = (package.cu_index.unit_count(), package.tu_index.unit_count());
            found.extend((1..=units).filter_map(|row| package.cu_sections(row, parent).ok()));
            found.extend((1..=types).filter_map(|row| package.tu_sections(row, parent).ok()));
        }
        found
    }
}

/// Paths of the files that the skeleton units of a program name, each once.
fn wanted(elf: &[u8]) -> Vec<PathBuf> {
    let Ok(file) = object::File::parse(elf) else { return Vec::new() };
    // Every split unit takes its addresses from this section; most programs have none.
    let (mut room, mut warnings) = (Room::new(), Vec::new());
    let mut section = |id: SectionId| {
        let section = section_named(&file, id.name());
        Ok::<_, Infallible>(section_bytes(section, id.name(), &mut room, &mut warnings))
    };
    let Ok(addresses) = section(SectionId::DebugAddr);
    if addresses.is_empty() {
        return Vec::new();
    }
    let Ok(sections) = gimli::DwarfSections::load(section);
    let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let dwarf = sections.borrow(|bytes: &Cow<'_, [u8]>| EndianSlice::new(bytes.as_ref(), endian));
    let mut found = Vec::new();
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        let path = dwarf.unit(header).ok().and_then(|unit| path_of(&dwarf, &unit));
        found.extend(path.filter(|path| !found.contains(path)));
    }
    found
}

/// Where a skeleton unit says the rest of it is; `None` for other units.
fn path_of(
    dwarf: &Dwarf<'_>,
    unit: &gimli::Unit<EndianSlice<'_, RunTimeEndian>>,
) -> Option<PathBuf> {
    unit.dwo_id?;
    let name = dwarf.attr_string(unit, unit.dwo_name().ok()??).ok()?;
    let folder = unit.comp_dir.map(|folder| folder.to_string_lossy()).unwrap_or_default();
    Some(Path::new(&*folder).join(&*name.to_string_lossy()))
}
