//! What is written comes back; what is damaged is refused by name.

use std::io::{Cursor, Write};

use bundle::*;

fn sample() -> Bundle {
    let mut manifest = Manifest::new(Kind::Snapshot);
    manifest.elf = Some(SourceFile::of("/home/someone/fw.elf".as_ref(), b"image"));
    manifest.notes.push("emulated".into());
    Bundle {
        manifest,
        snapshot: Snapshot {
            board: BoardId {
                selector: "virtual:microbit".into(),
                chip: "nRF51822_xxAA".into(),
                virtual_board: Some(VirtualBoard {
                    machine: "microbit".into(),
                    qemu: "7.2.22".into(),
                }),
            },
            taken_at_unix_ms: 1_700_000_000_000,
            cores: vec![CoreState {
                index: 0,
                status: CoreStatus::Halted { reason: "request".into() },
                registers: vec![
                    CoreRegister { name: "PC".into(), value: Some(0x174) },
                    CoreRegister { name: "MSP".into(), value: None },
                ],
            }],
            registers: vec![
                read(0x4000_2524, ReadOutcome::Value { value: 0x1c200 }),
                read(0x4000_2518, ReadOutcome::Skipped { why: "reading it takes a byte".into() }),
                read(0x4000_3000, ReadOutcome::Failed { why: "bus fault".into() }),
            ],
            memory: vec![MemoryRange { address: 0x2000_0000, bytes: vec![1, 2, 3] }],
            logs: vec![Log {
                channel: "uart0".into(),
                kind: LogKind::Serial,
                raw: b"boot\r\n\xff".to_vec(),
                records: vec![LogRecord::plain(12, "boot")],
            }],
        },
        facts: Facts::default(),
        elf: Some(Elf { bytes: b"image".to_vec() }),
    }
}

fn read(address: u64, outcome: ReadOutcome) -> RegisterRead {
    RegisterRead { address, size_bits: 32, outcome, fidelity: Some(Fidelity::Modelled) }
}

fn bytes_of(bundle: &Bundle) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    bundle.write(&mut out).unwrap();
    out.into_inner()
}

/// Writes a zip with the sample's entries, some of them replaced or left out.
fn altered(change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(Cursor::new(bytes_of(&sample()))).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        if let Some(content) = change(&name, content) {
            to.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            to.write_all(&content).unwrap();
        }
    }
    to.finish().unwrap().into_inner()
}

#[test]
fn everything_comes_back() {
    let bundle = sample();
    let back = Bundle::parse(&bytes_of(&bundle)).unwrap();
    assert_eq!(back.snapshot, bundle.snapshot);
    assert_eq!(back.facts, bundle.facts);
    assert_eq!(back.elf, bundle.elf);
    assert_eq!(back.manifest.elf.unwrap().name, "fw.elf");
}

#[test]
fn same_bundle_same_bytes() {
    assert_eq!(bytes_of(&sample()), bytes_of(&sample()));
}

#[test]
fn saving_replaces_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.silk");
    std::fs::write(&path, "something older").unwrap();
    sample().save(&path).unwrap();
    assert_eq!(Bundle::load(&path).unwrap().snapshot, sample().snapshot);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_later_format_is_refused_by_its_number() {
    let later = altered(|name, content| {
        Some(match name {
            "manifest.json" => br#"{"format": 7, "whatever": true}"#.to_vec(),
            _ => content,
        })
    });
    assert!(matches!(Bundle::parse(&later), Err(BundleError::TooNew { found: 7 })));
}

#[test]
fn a_missing_part_is_named() {
    let without = altered(|name, content| (name != "registers.json").then_some(content));
    let error = Bundle::parse(&without).unwrap_err();
    assert_eq!(error.to_string(), "bundle has no registers.json");
}

#[test]
fn a_damaged_log_line_costs_only_itself() {
    let damaged = altered(|name, mut content| {
        if name.ends_with(".jsonl") {
            content.splice(0..0, *b"{\"at_ms\": tru\n");
        }
        Some(content)
    });
    let back = Bundle::parse(&damaged).unwrap();
    assert_eq!(back.snapshot.logs, sample().snapshot.logs);
}

#[test]
fn no_prefix_of_a_bundle_panics() {
    let bytes = bytes_of(&sample());
    for end in 0..bytes.len() {
        assert!(Bundle::parse(&bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
    }
}
