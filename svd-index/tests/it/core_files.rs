//! The built-in files themselves, read as anybody's SVD.

use std::collections::{BTreeMap, BTreeSet};

use svd_index::{Chip, Origin, RegisterRef};

const ALL: [Origin; 6] = [
    Origin::ArmV6M,
    Origin::ArmV7M,
    Origin::ArmV8MBaseline,
    Origin::ArmV8M,
    Origin::RiscV32,
    Origin::RiscV64,
];

fn text(origin: Origin) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("core");
    std::fs::read_to_string(folder.join(origin.file().unwrap())).unwrap()
}

fn is_csr(origin: Origin) -> bool {
    matches!(origin, Origin::RiscV32 | Origin::RiscV64)
}

/// The registers of a file with all their elements, but those declared to share an address.
fn elements(chip: &Chip) -> Vec<RegisterRef<'_>> {
    let whole = chip.registers().filter(|register| register.alternate_register().is_none());
    whole.flat_map(|register| register.elements()).collect()
}

#[test]
fn they_are_clean() {
    for origin in ALL {
        let (chip, warnings) = Chip::from_svd(text(origin).as_bytes()).unwrap();
        assert!(warnings.is_empty(), "{origin:?}: {warnings:?}");
        let mut paths = BTreeSet::new();
        for register in chip.registers().flat_map(|register| register.elements()) {
            assert!(paths.insert(register.path()), "{origin:?}: {} twice", register.path());
            let mut fields = BTreeSet::new();
            for field in register.fields() {
                assert!(fields.insert(field.name()), "{origin:?}: {} twice", field.path());
                assert!(field.msb() < register.size_bits(), "{origin:?}: {}", field.path());
                assert!(!field.description().is_empty(), "{origin:?}: {}", field.path());
            }
            assert!(!register.description().is_empty(), "{origin:?}: {}", register.path());
            assert!(register.access().is_some(), "{origin:?}: {}", register.path());
        }
        assert!(paths.len() > 40, "{origin:?}: {} registers", paths.len());
    }
}

#[test]
fn no_two_registers_overlap() {
    for origin in ALL {
        let (chip, _) = Chip::from_svd(text(origin).as_bytes()).unwrap();
        let mut bytes = BTreeMap::new();
        for register in elements(&chip) {
            // A CSR is one number whatever its width.
            let size = if is_csr(origin) { 1 } else { register.size_bytes() };
            for byte in register.address()..register.address() + size {
                let other = bytes.insert(byte, register.path());
                assert_eq!(other, None, "{origin:?}: {} at {byte:#x}", register.path());
            }
        }
        if is_csr(origin) {
            assert!(bytes.keys().all(|number| *number < 0x1000), "{origin:?}");
        }
    }
}

#[test]
fn fields_of_one_register_overlap_only_where_reads_and_writes_differ() {
    for origin in ALL {
        let (chip, _) = Chip::from_svd(text(origin).as_bytes()).unwrap();
        for register in chip.registers() {
            let fields: Vec<_> = register.fields().collect();
            for (place, one) in fields.iter().enumerate() {
                for other in &fields[place + 1..] {
                    let apart = one.mask() & other.mask() == 0;
                    let sides = one.access() != other.access();
                    assert!(apart || sides, "{origin:?}: {} and {}", one.path(), other.path());
                }
            }
        }
    }
}

#[test]
fn each_register_names_the_section_it_is_written_from() {
    for origin in ALL {
        let text = text(origin);
        let lines: Vec<&str> = text.lines().collect();
        let starts: &[&str] = match origin {
            Origin::ArmV6M | Origin::ArmV7M => &["<!-- B", "<!-- C"],
            Origin::ArmV8MBaseline | Origin::ArmV8M => &["<!-- D1.2, "],
            _ => &["<!-- Privileged 3.", "<!-- Unprivileged, ", "<!-- Debug 1.0, "],
        };
        for (number, _) in lines.iter().enumerate().filter(|(_, line)| line.contains("<register>"))
        {
            let section = lines[number - 1].trim();
            let is_one = starts.iter().any(|start| section.starts_with(start));
            assert!(is_one, "{origin:?}:{}: {section}", number + 1);
        }
    }
}
