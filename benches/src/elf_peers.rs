//! The readers of ELF and DWARF that ours is measured against.

use std::borrow::Cow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use gimli::{DwarfSections, EndianSlice, RunTimeEndian};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use crate::clock::{Times, time};

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// An ELF's debug sections, unpacked.
pub(crate) struct Debug<'a> {
    sections: DwarfSections<Cow<'a, [u8]>>,
    endian: RunTimeEndian,
}

impl<'a> Debug<'a> {
    /// Finds them. The error is the reason in one line.
    pub(crate) fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
        let section = |id: gimli::SectionId| {
            let data = file.section_by_name(id.name()).map(|section| section.uncompressed_data());
            data.transpose().map(Option::unwrap_or_default)
        };
        let sections = DwarfSections::load(section).map_err(|error| error.to_string())?;
        let big = file.endianness() == object::Endianness::Big;
        let endian = if big { RunTimeEndian::Big } else { RunTimeEndian::Little };
        Ok(Self { sections, endian })
    }

    fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        self.sections.borrow(|bytes| EndianSlice::new(bytes, self.endian))
    }

    /// Goes through all entries of all units and counts them: no index of types and variables can
    /// be had for less.
    pub(crate) fn entries(&self) -> u64 {
        let dwarf = self.dwarf();
        let mut count = 0;
        each_unit(&dwarf, |unit| {
            let mut entries = unit.entries();
            while let Ok(Some(_)) = entries.next_dfs() {
                count += 1;
            }
        });
        count
    }

    /// Goes through all rows of all line programs and counts them.
    pub(crate) fn rows(&self) -> u64 {
        let dwarf = self.dwarf();
        let mut count = 0;
        each_unit(&dwarf, |unit| {
            let Some(program) = unit.line_program.clone() else { return };
            let mut rows = program.rows();
            while let Ok(Some(_)) = rows.next_row() {
                count += 1;
            }
        });
        count
    }

    /// Has addr2line find the frames at `address`; gives how many.
    pub(crate) fn addr2line(&self, address: u64) -> Result<u64, String> {
        let context = addr2line::Context::from_dwarf(self.dwarf());
        let context = context.map_err(|error| error.to_string())?;
        let mut frames =
            context.find_frames(address).skip_all_loads().map_err(|error| error.to_string())?;
        let mut count = 0;
        while let Ok(Some(_)) = frames.next() {
            count += 1;
        }
        Ok(count)
    }
}

fn each_unit<'a>(dwarf: &gimli::Dwarf<Slice<'a>>, mut each: impl FnMut(gimli::Unit<Slice<'a>>)) {
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        if let Ok(unit) = dwarf.unit(header) {
            each(unit);
        }
    }
}

/// An address inside of a function in the middle of the program.
pub(crate) fn some_address(bytes: &[u8]) -> Option<u64> {
    let file = object::File::parse(bytes).ok()?;
    let mut functions: Vec<u64> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 4)
        .map(|symbol| (symbol.address() & !1) + 2)
        .collect();
    functions.sort_unstable();
    functions.get(functions.len() / 2).copied()
}

/// Has probe-rs-debug load the file and find the line at `address`.
pub(crate) fn probe_rs(path: &Path, address: u64) -> Result<bool, String> {
    let debug = probe_rs_debug::DebugInfo::from_file(path).map_err(|error| error.to_string())?;
    Ok(debug.get_source_location(address).is_some())
}

/// A program that finds the line of an address, as a whole process.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// `FILE` and `ADDRESS` stand for those.
    args: &'static [&'static str],
}

/// Those that are measured where they are installed.
pub(crate) const TOOLS: [Tool; 7] = [
    Tool { name: "addr2line", args: &["-fie", "FILE", "ADDRESS"] },
    Tool { name: "arm-none-eabi-addr2line", args: &["-fie", "FILE", "ADDRESS"] },
    Tool { name: "llvm-symbolizer", args: &["-e", "FILE", "ADDRESS"] },
    Tool { name: "gdb-multiarch", args: &["-nx", "-batch", "-ex", "info line *ADDRESS", "FILE"] },
    Tool { name: "nm", args: &["-nC", "FILE"] },
    Tool { name: "readelf", args: &["--debug-dump=info", "FILE"] },
    Tool { name: "pahole", args: &["FILE"] },
];

impl Tool {
    /// Median of `runs`. The error says why it did not run.
    pub(crate) fn run(&self, file: &Path, address: u64, runs: u32) -> Result<Duration, String> {
        let mut times = Times::default();
        for run in 0..=runs {
            let mut command = Command::new(self.name);
            for arg in self.args {
                let arg = arg.replace("ADDRESS", &format!("{address:#x}"));
                match arg.as_str() {
                    "FILE" => command.arg(file),
                    arg => command.arg(arg),
                };
            }
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let (taken, status) = time(|| command.status());
            let status = status.map_err(|error| error.to_string())?;
            if !status.success() {
                return Err(status.to_string());
            }
            if run > 0 {
                times.add(taken);
            }
        }
        Ok(times.median().expect("there is at least one run"))
    }
}
