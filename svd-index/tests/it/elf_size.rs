//! What takes flash and RAM: held against binutils, and against itself, whichever way it is added up.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use svd_index::elf::Firmware;
use svd_index::elf::size::{By, Bytes, MemoryKind, Region, ReservedFor, Row, RowKind, compare};

use super::{data, example, firmware, open, read};

const ALL: [By; 4] = [By::Section, By::Crate, By::File, By::Symbol];

/// Every committed ELF, with debug information or without, and those of the folder that
/// `SILK_TEST_ELFS` names.
fn elfs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../examples/uart-baud", "../examples/register-use", "tests/data/elf"];
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    folders.extend(std::env::var_os("SILK_TEST_ELFS").map(PathBuf::from));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut elfs: Vec<PathBuf> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "elf"))
        .collect();
    elfs.sort();
    assert!(elfs.len() >= 14, "{elfs:?}");
    elfs
}

fn sum(rows: &[Row]) -> Bytes {
    rows.iter().map(|row| row.bytes).sum()
}

fn check_sums(firmware: &Firmware, name: &str) {
    let sizes = firmware.sizes(&[]);
    let blocks: Bytes = sizes.blocks().iter().map(|block| block.bytes).sum();
    assert_eq!(blocks, sizes.total(), "{name}");
    for by in ALL {
        assert_eq!(sum(&sizes.rows(by)), sizes.total(), "{name} by {by:?}");
    }
    // By symbol, each section comes out whole.
    let mut of_sections: HashMap<Option<String>, Bytes> = HashMap::new();
    for row in sizes.rows(By::Symbol) {
        *of_sections.entry(row.section).or_default() += row.bytes;
    }
    for (section, bytes) in of_sections {
        let name_of = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
        let blocks = sizes.blocks().iter().filter(|block| name_of(block.name) == section);
        assert_eq!(bytes, blocks.map(|block| block.bytes).sum(), "{name} {section:?}");
    }
}

#[test]
fn however_it_is_added_up_it_is_all_there_is() {
    for path in elfs() {
        check_sums(&open(&path), &path.display().to_string());
    }
}

#[test]
fn sections_are_those_of_binutils_size() {
    let mut compared = 0;
    for path in elfs() {
        let Ok(output) = Command::new("arm-none-eabi-size").arg(&path).output() else {
            return missing("arm-none-eabi-size");
        };
        let output = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<u64> = output
            .lines()
            .nth(1)
            .unwrap_or_else(|| panic!("{}: {output}", path.display()))
            .split_whitespace()
            .take(3)
            .map(|number| number.parse().unwrap())
            .collect();
        let firmware = open(&path);
        let sizes = firmware.sizes(&[]);
        let sections = || sizes.blocks().iter().filter(|block| !block.name.is_empty());
        let size_of =
            |zeroed| sections().filter(|b| b.zeroed == zeroed).map(|b| b.size).sum::<u64>();
        assert_eq!(size_of(false), numbers[0] + numbers[1], "{}", path.display());
        assert_eq!(size_of(true), numbers[2], "{}", path.display());
        let programmed: u64 = sections().map(|block| block.bytes.flash).sum();
        assert_eq!(programmed + sizes.loaded_into_ram(), size_of(false), "{}", path.display());
        compared += 1;
    }
    println!("{compared} ELFs");
}

fn missing(part: &str) {
    let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
    assert!(!required, "{part} is missing");
    println!("skipped: {part} is missing");
}

/// A byte is taken by the symbol that `Firmware::symbol_at` names there.
#[test]
fn each_byte_is_taken_by_the_symbol_that_is_there() {
    for path in elfs() {
        let (bytes, firmware) = (read(&path), open(&path));
        let file = object::File::parse(&*bytes).unwrap();
        let sizes = firmware.sizes(&[]);
        let in_memory: Vec<(u64, u64)> = file
            .symbols()
            .filter(|symbol| symbol.size() != 0 && symbol.section_index().is_some())
            .filter(|symbol| {
                let section = file.section_by_index(symbol.section_index().unwrap()).unwrap();
                !matches!(
                    section.kind(),
                    SectionKind::Other | SectionKind::Debug | SectionKind::OtherString
                )
            })
            .map(|symbol| (symbol.address() & !1, symbol.size()))
            .collect();
        let mut expected: HashMap<String, u64> = HashMap::new();
        for block in sizes.blocks() {
            for address in block.address..block.address + block.size {
                let covers = |&(low, size): &(u64, u64)| low <= address && address - low < size;
                if !in_memory.iter().any(covers) {
                    continue;
                }
                let (symbol, _) = firmware.symbol_at(address).unwrap();
                *expected.entry(symbol.name.to_owned()).or_default() += 1;
            }
        }
        let mut found: HashMap<String, u64> = HashMap::new();
        for row in sizes.rows(By::Symbol).into_iter().filter(|row| row.kind == RowKind::Symbol) {
            *found.entry(row.name).or_default() += row.bytes.flash.max(row.bytes.ram);
        }
        // What only the debug information knows has no symbol.
        found
            .retain(|name, _| expected.contains_key(name) || firmware.find_symbols(name).len() > 1);
        let mut differing: Vec<_> =
            expected.iter().filter(|(n, size)| found.get(*n) != Some(size)).collect();
        differing.sort();
        assert!(differing.is_empty(), "{}: {differing:?}", path.display());
        assert!(!expected.is_empty() || in_memory.is_empty(), "{}", path.display());
    }
}

fn row<'r>(rows: &'r [Row], name: &str) -> &'r Row {
    rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name} in {rows:#?}"))
}

#[test]
fn data_takes_flash_and_ram_and_a_note_in_ram_takes_no_flash() {
    let firmware = open(&data("m4-O2-dwarf5.elf"));
    let sizes = firmware.sizes(&[]);
    assert_eq!(sizes.total(), Bytes { flash: 28 + 456 + 52, ram: 52 + 4 + 36 });
    assert_eq!(sizes.loaded_into_ram(), 36);
    let sections = sizes.rows(By::Section);
    assert_eq!(row(&sections, ".data").bytes, Bytes { flash: 52, ram: 52 });
    assert_eq!(row(&sections, ".bss").bytes, Bytes { flash: 0, ram: 4 });
    assert_eq!(row(&sections, ".note.gnu.build-id").bytes, Bytes { flash: 0, ram: 36 });
    let symbols = sizes.rows(By::Symbol);
    let config = row(&symbols, "config");
    assert_eq!(
        (config.bytes, config.file.as_deref()),
        (Bytes { flash: 52, ram: 52 }, Some("registers.c"))
    );
    assert_eq!(row(&sizes.rows(By::File), "registers.c").kind, RowKind::File);
}

#[test]
fn regions_tell_what_is_ram_and_how_much_is_used() {
    let firmware = open(&data("m4-O2-dwarf5.elf"));
    let region = |name: &str, start: u64, size: u64, kind| Region {
        name: name.to_owned(),
        range: start..start + size,
        kind,
    };
    let flash = region("FLASH", 0x0800_0000, 1024, MemoryKind::Flash);
    let ram = region("RAM", 0x2000_0024, 0x1000, MemoryKind::Ram);
    let regions = [flash, ram];
    let sizes = firmware.sizes(&regions);
    // .data's bytes, the vectors, the code.
    assert_eq!(sizes.used(&regions[0]), 52 + 28 + 456);
    assert_eq!(sizes.used(&regions[1]), 52 + 4);
    let outside: Vec<&str> = sizes.outside(&regions).map(|block| block.name).collect();
    assert_eq!(outside, [".note.gnu.build-id"]);
    let all_ram = [region("RAM", 0, 1 << 32, MemoryKind::Ram)];
    let sizes = firmware.sizes(&all_ram);
    assert_eq!(sizes.total(), Bytes { flash: 0, ram: 36 + 52 + 4 + 28 + 456 });
}

#[test]
fn without_symbols_all_is_told_as_unknown() {
    let firmware = open(&data("stripped.elf"));
    let with_symbols = open(&data("m4-O2-dwarf5.elf"));
    assert_eq!(firmware.sizes(&[]).total(), with_symbols.sizes(&[]).total());
    let rows = firmware.sizes(&[]).rows(By::Symbol);
    assert!(rows.iter().all(|row| row.kind == RowKind::Unknown), "{rows:?}");
    let firmware = open(&data("no-debug.elf"));
    let sizes = firmware.sizes(&[]);
    let symbols = |sizes: &svd_index::elf::size::Sizes<'_>| {
        let rows = sizes.rows(By::Symbol).into_iter();
        let named = rows.filter(|row| row.kind == RowKind::Symbol);
        let mut named: Vec<_> = named.map(|row| (row.name, row.bytes)).collect();
        named.sort();
        named
    };
    assert_eq!(symbols(&sizes), symbols(&with_symbols.sizes(&[])));
}

#[test]
fn a_file_without_sections_is_counted_by_its_segments() {
    let mut bytes = read(&data("m4-O2-dwarf5.elf"));
    // e_shoff, e_shnum, e_shstrndx.
    bytes[32..36].fill(0);
    bytes[48..52].fill(0);
    let firmware = firmware(&bytes);
    let expected = open(&data("m4-O2-dwarf5.elf")).sizes(&[]).total();
    assert_eq!(firmware.sizes(&[]).total(), expected);
    check_sums(&firmware, "no sections");
    let rows = firmware.sizes(&[]).rows(By::Section);
    assert!(rows.iter().any(|row| row.name == "segment at 0x20000024"), "{rows:?}");
}

/// A program of a few lines, made by the compiler that is here; `None` without one.
fn build(name: &str, source: &str, script: &str, flags: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file);
    std::fs::write(path(name), source).unwrap();
    std::fs::write(path("link.ld"), script).unwrap();
    let output = Command::new("arm-none-eabi-gcc")
        .args(["-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-ffreestanding", "-Wl,-n,-T,link.ld"])
        .args(flags)
        .args([name, "-o", "out.elf"])
        .current_dir(folder.path())
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(read(&path("out.elf")))
}

const SCRIPT: &str = "MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 64K
 RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 16K }
SECTIONS { .text : { *(.text*) *(.rodata*) } > FLASH
 .init_array : { *(.init_array*) } > FLASH
 .data : { *(.data*) } > RAM AT > FLASH
 .ramcode : { *(.ramcode*) } > RAM AT > FLASH
 .bss (NOLOAD) : { *(.bss*) *(COMMON) } > RAM
 .stack (NOLOAD) : { . = ALIGN(8); __StackLimit = .; . += 0x200; __StackTop = .; } > RAM
 _Min_Heap_Size = 0x40;
 /DISCARD/ : { *(.ARM.*) *(.note*) } }";

#[test]
fn aliases_labels_and_reservations() {
    let source = "
        static int first = 1; int second[3] = {1, 2, 3}; int cleared[5];
        extern int same __attribute__((alias(\"second\")));
        void ctor(void) {} __attribute__((section(\".init_array\"))) void (*const ctors[])(void) = {ctor};
        __attribute__((section(\".ramcode\"))) int fast(int a) { return a * 3 + first++; }
        const char *text(void) { return \"a text that has no name\"; }
        __asm__(\".text\\n.thumb\\nlonely: b lonely\\n nop\\n nop\\n nop\\n .size none, 0\\n\");
    ";
    let Some(bytes) = build("a.c", source, SCRIPT, &["-O1", "-g"]) else {
        return missing("arm-none-eabi-gcc");
    };
    let firmware = firmware(&bytes);
    check_sums(&firmware, "aliases");
    let sizes = firmware.sizes(&[]);
    let rows = sizes.rows(By::Symbol);
    assert_eq!(row(&rows, "same").bytes + Bytes::default(), Bytes { flash: 12, ram: 12 });
    assert!(!rows.iter().any(|row| row.name == "second"), "an alias counts once: {rows:#?}");
    assert_eq!(row(&rows, "cleared").bytes, Bytes { flash: 0, ram: 20 });
    let fast = row(&rows, "fast").bytes;
    assert!(fast.flash == fast.ram && fast.ram > 0, "{fast:?}");
    let lonely = row(&rows, "lonely");
    assert_eq!((lonely.kind, lonely.bytes.ram), (RowKind::Label, 0));
    assert!(lonely.bytes.flash >= 8, "{lonely:?}");
    assert_eq!(row(&rows, "(stack)").bytes, Bytes { flash: 0, ram: 0x200 });
    // Writable by its flags, and in flash.
    assert_eq!(row(&rows, "ctors").bytes, Bytes { flash: 4, ram: 0 });
    let strings = row(&rows, "(code without a symbol)").bytes;
    assert!(strings.flash >= 24, "{strings:?}");
    let told: Vec<_> = sizes
        .reservations()
        .iter()
        .map(|r| (r.purpose, r.told_by.join(" "), r.size, r.is_counted))
        .collect();
    let stack = ReservedFor::Stack;
    let expected = [
        (stack, ".stack".to_owned(), 0x200, true),
        (stack, "__StackLimit __StackTop".to_owned(), 0x200, true),
        (ReservedFor::Heap, "_Min_Heap_Size".to_owned(), 0x40, false),
    ];
    assert_eq!(told, expected);
    // Without debug information the symbol table tells where local symbols come from.
    let bytes = build("a.c", source, SCRIPT, &["-O1"]).expect("the compiler was there");
    let rows = super::firmware(&bytes).sizes(&[]).rows(By::Symbol);
    assert_eq!(row(&rows, "first").file.as_deref(), Some("a.c"));
    assert_eq!(row(&rows, "cleared").file, None);
    assert_eq!(row(&rows, "ctor").file, None);
}

#[test]
fn link_time_optimisation_keeps_the_source_file() {
    let source = "volatile int sink; __attribute__((noinline, used)) void work(void) { sink++; }";
    let Some(bytes) = build("lto.c", source, SCRIPT, &["-O2", "-g", "-flto"]) else {
        return missing("arm-none-eabi-gcc");
    };
    let firmware = firmware(&bytes);
    check_sums(&firmware, "lto");
    let rows = firmware.sizes(&[]).rows(By::Symbol);
    assert_eq!(row(&rows, "work").file.as_deref(), Some("lto.c"));
}

/// Flash and RAM by section, of programs that no chip's memories are known for.
fn check_sections(script: &str, flags: &[&str], expected: &[(&str, bool)]) -> Option<()> {
    let source = "
        __attribute__((section(\".vectors,\\\"aw\\\",%progbits@\"))) const void *vectors[4] = {0};
        __attribute__((section(\".first\"))) int first(int a) { return a; }
        __attribute__((section(\".second\"))) int second(int a) { return a + 1; }
        int data = 3; int cleared[4];
    ";
    let bytes = build("a.c", source, script, flags)?;
    let firmware = firmware(&bytes);
    let sizes = firmware.sizes(&[]);
    for &(name, is_ram) in expected {
        let block = sizes.blocks().iter().find(|block| block.name == name);
        let block = block.unwrap_or_else(|| panic!("no {name}"));
        let told = (block.bytes.flash == 0, block.bytes.ram != 0);
        assert_eq!(told, (is_ram, is_ram), "{name} of {script}");
    }
    Some(())
}

#[test]
fn ram_is_told_by_what_the_program_does_with_it() {
    // Code in RAM and code in flash, in the same 16 MiB, as an ESP32 has them.
    let near = "SECTIONS { .first 0x40080000 : { *(.first) } .ram : { *(.bss*) *(COMMON) }
        .text 0x400d0020 : { *(.second) *(.text*) } .rodata : { *(.rodata*) }
        .data 0x3ffb0000 : { *(.data*) } .vectors 0x00000000 : { *(.vectors*) }
        /DISCARD/ : { *(.ARM.*) *(.note*) } }";
    let of_near = [(".first", true), (".ram", true), (".text", false), (".data", true)];
    // All of it is put into RAM by a debugger, as on chips without flash.
    let loaded = "SECTIONS { .text 0x80000000 : { *(.first) *(.second) *(.text*) } .vectors : { *(.vectors*) }
        .data : { *(.data*) } .bss : { *(.bss*) *(COMMON) } /DISCARD/ : { *(.ARM.*) *(.note*) } }";
    let of_loaded = [(".text", true), (".vectors", true), (".data", true), (".bss", true)];
    // A table that is marked as written to, in flash.
    let table = "SECTIONS { .vectors 0x08000000 : { *(.vectors*) } .text : { *(.first) *(.second) *(.text*) }
        .data 0x20000000 : AT(LOADADDR(.text) + SIZEOF(.text)) { *(.data*) }
        .bss (NOLOAD) : { *(.bss*) *(COMMON) } /DISCARD/ : { *(.ARM.*) *(.note*) } }";
    let of_table = [(".vectors", false), (".text", false), (".bss", true)];
    let checked = check_sections(near, &["-O1"], &of_near)
        .and_then(|()| check_sections(loaded, &["-O1"], &of_loaded))
        .and_then(|()| check_sections(table, &["-O1"], &of_table));
    if checked.is_none() {
        missing("arm-none-eabi-gcc");
    }
}

/// Names of rustc's two formats: who instantiated what is in the newer one, without debug
/// information.
#[test]
fn rust_instances_come_with_their_maker() {
    let source = "
        void generic(void) __asm__(\"_RINvNtC4core3ptr13drop_in_placeNtC3app5ThingEB1c_\");
        void generic(void) {}
        void other(void) __asm__(\"_RINvC3hal4wakehEC3app\");
        void other(void) {}
        void own(void) __asm__(\"_RNvC3app4main\");
        void own(void) { generic(); other(); }
    ";
    let Some(bytes) = build("a.c", source, SCRIPT, &["-O1"]) else {
        return missing("arm-none-eabi-gcc");
    };
    let firmware = firmware(&bytes);
    check_sums(&firmware, "instances");
    let rows = firmware.sizes(&[]).rows(By::Crate);
    let made = |name: &str| row(&rows, name).instances.clone();
    assert_eq!(made("hal"), [("app".to_owned(), row(&rows, "hal").bytes)]);
    assert_eq!(made("app"), []);
    let symbols = firmware.sizes(&[]).rows(By::Symbol);
    let wake = symbols.iter().find(|row| row.name.contains("wake")).unwrap();
    assert_eq!(
        (wake.krate.as_deref(), wake.instantiated_in.as_deref()),
        (Some("hal"), Some("app"))
    );
}

#[test]
fn rust_comes_by_its_crates() {
    let firmware = open(&example("../register-use/pac-drivers.elf"));
    let rows = firmware.sizes(&[]).rows(By::Crate);
    let crates: Vec<&str> =
        rows.iter().filter(|r| r.kind == RowKind::Crate).map(|r| r.name.as_str()).collect();
    assert!(crates.contains(&"pac_drivers"), "{rows:#?}");
}

fn changes(old: &[Row], new: &[Row]) -> Vec<(String, i64, i64, bool, bool)> {
    compare(old, new)
        .iter()
        .map(|change| {
            let (flash, ram) = change.growth();
            let sides = (change.old.is_some(), change.new.is_some());
            (change.row().name.clone(), flash, ram, sides.0, sides.1)
        })
        .collect()
}

#[test]
fn changes_between_two_programs() {
    let (old, new) = (open(&data("m0-Os-dwarf5.elf")), open(&data("m0-O0-dwarf4.elf")));
    let (old, new) = (old.sizes(&[]), new.sizes(&[]));
    for by in ALL {
        assert_eq!(changes(&old.rows(by), &old.rows(by)), []);
        let forth = compare(&old.rows(by), &new.rows(by));
        let grown: (i64, i64) = forth
            .iter()
            .map(svd_index::elf::size::Change::growth)
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let total = |f: fn(&Bytes) -> u64| f(&new.total()) as i64 - f(&old.total()) as i64;
        assert_eq!(grown, (total(|b| b.flash), total(|b| b.ram)), "{by:?}");
        assert_eq!(compare(&new.rows(by), &old.rows(by)).len(), forth.len());
    }
    let all = changes(&old.rows(By::Symbol), &new.rows(By::Symbol));
    let grew = all.iter().find(|(name, ..)| name == "clock_init").unwrap();
    assert!(grew.1 > 0 && grew.3 && grew.4, "{grew:?}");
}
