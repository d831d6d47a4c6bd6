//! Debug information as linkers and compilers pack it: compressed, types apart. It says what the
//! same program says when it is built plain.

use std::path::{Path, PathBuf};
use std::process::Command;

use svd_index::elf::{self, Facts, Split};
use svd_index::{Index, Sources};
use tempfile::TempDir;

use super::damage::survive;

const SHARED: &str = "
namespace board {
enum class Speed : unsigned char { Slow, Fast = 3 };
struct Pin { unsigned port; unsigned char number; bool inverted; };
union Word { unsigned whole; unsigned char bytes[4]; };
struct Uart {
    Pin tx, rx;
    Speed speed;
    unsigned baud[2];
    Word last;
    Uart *next;
    void send(unsigned value);
};
static inline unsigned twice(unsigned value) { return value * 2 + 1; }
}
extern board::Uart console, debug;
extern volatile unsigned sink;
";

const MAIN: &str = "
#include \"shared.hpp\"
board::Uart console = { { 1, 2, true }, { 1, 3, false }, board::Speed::Fast, { 9600, 1 }, { 7 }, &debug };
volatile unsigned sink;
typedef struct { short x, y; } point;
static point trace[3];
extern \"C\" int main() {
    trace[1].x = (short)sink;
    console.send(board::twice(sink));
    return trace[1].x;
}
";

const UART: &str = "
#include \"shared.hpp\"
board::Uart debug;
void board::Uart::send(unsigned value) {
    last.whole = board::twice(value);
    sink = baud[value & 1] + tx.port;
}
";

/// A program of two units, built in a folder of its own.
struct Program {
    folder: TempDir,
}

impl Program {
    /// `None`, with the reason printed, where there is no compiler.
    fn new() -> Option<Self> {
        const COMPILER: &str = "arm-none-eabi-g++";
        if Command::new(COMPILER).arg("--version").output().is_err() {
            let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some();
            assert!(!required, "{COMPILER} is required");
            eprintln!("skipped: no {COMPILER}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("shared.hpp", SHARED), ("main.cpp", MAIN), ("uart.cpp", UART)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = Command::new(program).args(arguments).current_dir(self.folder.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
    }

    /// Builds with these flags.
    fn build(&self, name: &str, flags: &[&str]) -> PathBuf {
        const FLAGS: &[&str] = &[
            "-mcpu=cortex-m4",
            "-mthumb",
            "-O1",
            "-ffreestanding",
            "-fno-exceptions",
            "-fno-rtti",
            "-nostdlib",
            "-Wl,-Ttext=0x1000,-Tdata=0x20000000,-emain",
            "main.cpp",
            "uart.cpp",
        ];
        self.run("arm-none-eabi-g++", &[FLAGS, flags, &["-o", name]].concat());
        self.path(name)
    }

    /// The same program, packed by objcopy.
    fn pack(&self, from: &Path, name: &str, how: &str) -> PathBuf {
        let how = format!("--compress-debug-sections={how}");
        self.run("arm-none-eabi-objcopy", &[&how, from.to_str().unwrap(), name]);
        self.path(name)
    }
}

/// What debug information says, places in lists left out: those differ with its order.
fn said(path: &Path) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let (facts, warnings) = elf::parse_with(&bytes, &Split::of(&bytes, path)).unwrap();
    assert!(warnings.is_empty(), "{}: {warnings:?}", path.display());
    let file = |at: Option<u32>| at.map_or("", |at| facts.files[at as usize].as_str());
    let mut said = Vec::new();
    for f in &facts.functions {
        let place = (&f.name, &f.linkage_name, &f.ranges, file(f.file), f.line);
        said.push(format!("function {place:?}"));
        for call in &f.inlined {
            let place = (&call.name, &call.ranges, call.depth, file(call.call_file));
            said.push(format!("inlined {place:?} {} {}", call.call_line, call.call_column));
        }
    }
    for row in &facts.rows {
        said.push(format!(
            "row {:#x} {} {} {}",
            row.address,
            file(row.file()),
            row.line,
            row.column
        ));
    }
    for v in &facts.variables {
        let place = (&v.name, v.address, v.size, file(v.file), v.line);
        said.push(format!("variable {place:?} {}", shape(&facts, v.ty)));
    }
    let cache = tempfile::tempdir().unwrap();
    let sources = Sources { elfs: vec![path.to_owned()], ..Sources::default() };
    let opened = Index::open(&sources, cache.path()).unwrap();
    let firmware = opened.index.firmware().unwrap();
    for ty in firmware.types() {
        let place = (ty.name(), ty.kind(), ty.size(), ty.file(), ty.line());
        said.push(format!("type {place:?} {:?}", ty.target()));
        for m in ty.members() {
            let of = m.inner.map(|inner| inner.name());
            said.push(format!("  member {:?} {:?} {} {of:?}", m.name, m.ty, m.size));
        }
    }
    said.sort();
    said
}

fn shape(facts: &Facts, ty: u32) -> String {
    use svd_index::elf::TypeKind;
    let ty = &facts.types[ty as usize];
    let members = match &ty.kind {
        TypeKind::Struct(members) | TypeKind::Union(members) => members
            .iter()
            .map(|m| format!("{}@{} {}", m.name, m.offset, shape(facts, m.ty)))
            .collect::<Vec<_>>()
            .join(", "),
        TypeKind::Array { element, count } => format!("{count} of {}", shape(facts, *element)),
        other => format!("{other:?}"),
    };
    format!("{} {} ({members})", ty.name, ty.size)
}

#[track_caller]
fn check_same(packed: &Path, plain: &[String]) {
    let packed_facts = said(packed);
    let missing: Vec<_> = plain.iter().filter(|line| !packed_facts.contains(line)).collect();
    let more: Vec<_> = packed_facts.iter().filter(|line| !plain.contains(line)).collect();
    let name = packed.display();
    assert!(missing.is_empty() && more.is_empty(), "{name}\nmissing {missing:#?}\nmore {more:#?}");
}

/// The plain program, and what it must say for a comparison to mean anything.
fn plain(program: &Program, version: &str) -> (PathBuf, Vec<String>) {
    let path = program.build(&format!("plain{version}.elf"), &[version]);
    let plain = said(&path);
    for start in [
        "function (\"main\"",
        "function (\"board::Uart::send",
        "inlined (\"twice",
        "variable (\"console\"",
        "type (\"board::Uart\"",
        "type (\"board::Speed\"",
        "row 0x1000 ",
    ] {
        assert!(plain.iter().any(|line| line.starts_with(start)), "no {start} in {plain:#?}");
    }
    (path, plain)
}

#[test]
fn compressed_sections_say_what_plain_ones_say() {
    let Some(program) = Program::new() else { return };
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let (path, plain) = plain(&program, version);
        for how in ["zlib-gabi", "zlib-gnu", "zstd"] {
            check_same(&program.pack(&path, &format!("{how}{version}.elf"), how), &plain);
        }
    }
}

#[test]
fn types_in_units_of_their_own_are_found_by_their_signatures() {
    let Some(program) = Program::new() else { return };
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let (_, plain) = plain(&program, version);
        let name = format!("types{version}.elf");
        check_same(&program.build(&name, &[version, "-fdebug-types-section"]), &plain);
    }
}

/// Removes the files beside programs, and gives their names.
fn take_away(program: &Program, extension: &str) -> Vec<String> {
    let files = std::fs::read_dir(program.folder.path()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == extension)).collect();
    for file in &files {
        std::fs::remove_file(file).unwrap();
    }
    files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn debug_information_beside_the_program_is_found() {
    let Some(program) = Program::new() else { return };
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let (_, plain) = plain(&program, version);
        for more in ["-gsplit-dwarf", "-gsplit-dwarf -fdebug-types-section"] {
            let flags: Vec<&str> = std::iter::once(version).chain(more.split(' ')).collect();
            let path = program.build("split.elf", &flags);
            check_same(&path, &plain);

            let elsewhere = program.path("elsewhere");
            std::fs::create_dir_all(&elsewhere).unwrap();
            let moved = elsewhere.join("moved.elf");
            std::fs::copy(&path, &moved).unwrap();
            check_same(&moved, &plain);

            let files = std::fs::read_dir(program.folder.path()).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let objects: Vec<String> = names.filter(|name| name.ends_with(".dwo")).collect();
            assert_eq!(objects.len(), 2, "{objects:?}");
            let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
            // The packer of binutils knows no later version.
            if version == "-gdwarf-4" {
                program.run("dwp", &[&["-o", "split.elf.dwp"], &objects[..]].concat());
            }
            take_away(&program, "dwo");
            if version == "-gdwarf-4" {
                check_same(&path, &plain);
                take_away(&program, "dwp");
            }
        }
    }
}

#[test]
fn what_is_not_beside_the_program_is_told_once() {
    let Some(program) = Program::new() else { return };
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let path = program.build("split.elf", &[version, "-gsplit-dwarf"]);
        take_away(&program, "dwo");
        let bytes = std::fs::read(&path).unwrap();
        let (facts, warnings) = elf::parse_with(&bytes, &Split::of(&bytes, &path)).unwrap();
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.what.starts_with("2 of its units"), "{warning}");
        assert!(warning.what.contains("main.dwo"), "{warning}");
        assert!(facts.rows.iter().any(|row| row.address == 0x1000 && row.line != 0));
        assert!(!facts.units[0].ranges.is_empty());
    }
}

/// A header that claims more than there is, or that anybody has, costs its section.
#[test]
fn absurd_sizes_in_compression_headers_are_bounded() {
    let Some(program) = Program::new() else { return };
    let (path, _) = plain(&program, "-gdwarf-5");
    for how in ["zlib-gabi", "zlib-gnu", "zstd"] {
        let packed = program.pack(&path, &format!("{how}.elf"), how);
        let bytes = std::fs::read(packed).unwrap();
        let places = headers(&bytes, how);
        assert!(places.len() > 3, "{how}: {places:?}");
        for size in [0u32, 1, 1 << 29, 1 << 31, u32::MAX] {
            let mut damaged = bytes.clone();
            for &at in &places {
                let size = if how == "zlib-gnu" { size.to_be_bytes() } else { size.to_le_bytes() };
                damaged[at..at + 4].copy_from_slice(&size);
            }
            survive(&damaged);
        }
    }
}

/// Where the size stands in the header of each compressed section.
fn headers(bytes: &[u8], how: &str) -> Vec<usize> {
    use object::{Object, ObjectSection};
    let file = object::File::parse(bytes).unwrap();
    let header = |section: object::Section<'_, '_>| {
        let start = section.file_range()?.0 as usize;
        let name = section.name().ok()?;
        match how {
            // `ZLIB`, then 64 bits, the highest first; the low half is what is set.
            "zlib-gnu" => name.starts_with(".zdebug_").then_some(start + 8),
            // Elf32_Chdr: ch_type, ch_size, ch_addralign.
            _ => (section.compressed_file_range().ok()?.format != object::CompressionFormat::None)
                .then_some(start + 4),
        }
    };
    file.sections().filter_map(header).collect()
}
