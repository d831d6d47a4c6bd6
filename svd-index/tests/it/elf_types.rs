//! Layouts of types, against the compiler's own and gdb's.

use std::process::Command;

use svd_index::elf::{Firmware, LayoutKind, TypeRef};

use super::{data, example, open};

fn one<'a>(firmware: &'a Firmware, name: &str) -> TypeRef<'a> {
    match firmware.find_types(name).as_slice() {
        [ty] => *ty,
        several => panic!("{name}: {several:?}"),
    }
}

#[test]
fn members_padding_and_anonymous_ones() {
    for elf in ["m4-O2-dwarf5.elf", "m0-O0-dwarf4.elf", "compressed.elf"] {
        let firmware = open(&data(elf));
        let config = one(&firmware, "struct config");
        assert_eq!((config.kind(), config.size()), (LayoutKind::Struct, 52), "{elf}");
        let members: Vec<_> = config
            .members()
            .map(|member| (member.name, member.ty, member.bit_offset / 8, member.size))
            .collect();
        let expected = [
            ("version", "uint16_t", 0, 2),
            ("uart", "channel[2]", 4, 16),
            ("id", "union {…}", 20, 4),
            ("levels", "uint16_t[3][4]", 24, 24),
            ("", "struct {…}", 48, 2),
        ];
        assert_eq!(members, expected, "{elf}");
        let holes: Vec<_> =
            config.holes().iter().map(|hole| (hole.bit_offset, hole.bits)).collect();
        assert_eq!(holes, [(16, 16), (400, 16)], "{elf}");
        let inner: Vec<_> = config.members().filter_map(|member| member.inner).collect();
        assert_eq!(inner.len(), 3);
        assert_eq!(inner[0].name(), "channel");
        assert_eq!(inner[1].kind(), LayoutKind::Union);
        assert_eq!(config.line(), Some(15));
        assert!(config.file().is_some_and(|file| file.ends_with("registers.c")));
    }
}

#[test]
fn without_debug_information_no_type_is_known() {
    let firmware = open(&data("no-debug.elf"));
    assert_eq!(firmware.types().count(), 0);
    assert!(firmware.find_types("config").is_empty());
}

#[test]
fn rust_types_are_found_by_the_end_of_their_path() {
    let path = example("../register-use/pac-drivers.elf");
    let firmware = open(&path);
    let blocks = firmware.find_types("RegisterBlock");
    assert!(blocks.len() > 1, "{blocks:?}");
    assert!(blocks.iter().all(|ty| ty.name().ends_with("::RegisterBlock")), "{blocks:?}");
    let whole = blocks[0].name().to_owned();
    assert!(firmware.find_types(&whole).iter().all(|ty| ty.name() == whole));
}

/// Sizes and offsets of every structure and union of the examples are gdb's.
#[test]
fn gdb_says_the_same() {
    const GDB: &str = "gdb-multiarch";
    if Command::new(GDB).arg("--version").output().is_err() {
        let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
        assert!(!required, "{GDB} is required");
        eprintln!("skipped: {GDB} is not installed");
        return;
    }
    let mut compared = 0;
    for path in [
        data("m4-O2-dwarf5.elf"),
        data("m0-O0-dwarf4.elf"),
        example("faulty.elf"),
        example("../register-use/nrf51.elf"),
        example("../register-use/stm32f4.elf"),
        example("../register-use/fe310.elf"),
    ] {
        let firmware = open(&path);
        let mut asked: Vec<(String, u64)> = Vec::new();
        for ty in firmware.types() {
            let word = match ty.kind() {
                LayoutKind::Struct => "struct ",
                LayoutKind::Union => "union ",
                LayoutKind::Typedef => "",
                _ => continue,
            };
            let spelled = format!("{word}{}", ty.name());
            asked.push((format!("sizeof({spelled})"), ty.size()));
            let of = match ty.kind() {
                LayoutKind::Typedef => ty.members().find_map(|target| target.inner),
                _ => Some(ty),
            };
            let is_array = ty.target().is_some_and(|target| target.contains('['));
            for member in of.iter().filter(|_| !is_array).flat_map(TypeRef::members) {
                let is_place = member.bits.is_none() && !member.name.is_empty();
                if is_place && of.is_some_and(|ty| ty.kind() != LayoutKind::Enum) {
                    let offset = format!("(unsigned long)&(({spelled} *)0)->{}", member.name);
                    asked.push((offset, member.bit_offset / 8));
                }
            }
        }
        let mut gdb = Command::new(GDB);
        gdb.args(["-nx", "-batch"]).arg(&path);
        for (expression, _) in &asked {
            gdb.arg("-ex").arg(format!("output {expression}")).args(["-ex", "echo \\n"]);
        }
        let output = gdb.output().unwrap();
        let answers = String::from_utf8_lossy(&output.stdout).into_owned();
        let answers: Vec<&str> = answers.lines().collect();
        assert_eq!(answers.len(), asked.len(), "{}", String::from_utf8_lossy(&output.stderr));
        for ((expression, ours), theirs) in asked.iter().zip(answers) {
            assert_eq!(ours.to_string(), theirs, "{expression} in {}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
    println!("{compared} sizes and offsets are gdb's");
}
