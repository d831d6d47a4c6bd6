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
                thread: None,
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
                capture: Some(RttCapture {
                    when_full: WhenFull::Skip,
                    capacity: 1023,
                    fullest: 200,
                    never_above: 380,
                }),
            }],
        },
        facts: Facts::default(),
        run: Some(Run {
            arrivals: vec![Arrival { at_ms: 11, log: 0, bytes: 2 }, (13, 0, 5).into()],
            test: Some(TestRun {
                name: "uart::boots".into(),
                target: "uart".into(),
                position: 0,
                attempt: 1,
                limit_ms: 1000,
                took_ms: 20,
                end: Some(End::Failure { status: Some(134) }),
                verdict: "fail".into(),
                message: "it failed".into(),
                definition: None,
            }),
        }),
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

#[test]
fn a_run_gives_its_logs_again_piece_by_piece() {
    let bundle = sample();
    let mut run = bundle.run.unwrap();
    let logs = bundle.snapshot.logs;
    let pieces: Vec<(u64, &[u8])> = run.pieces(&logs).map(|(at, _, piece)| (at, piece)).collect();
    assert_eq!(pieces, [(11, &b"bo"[..]), (13, b"ot\r\n\xff")]);
    run.arrivals = vec![(1, 7, 3).into(), (2, 0, 100).into(), (3, 0, 1).into()];
    let pieces: Vec<usize> = run.pieces(&logs).map(|(.., piece)| piece.len()).collect();
    assert_eq!(pieces, [7, 0], "what the logs do not have is cut off");
}

#[test]
fn a_ring_buffer_proves_no_more_than_it_shows() {
    let check = |when_full, fullest, never_above, expected, words: &str| {
        let capture = RttCapture { when_full, capacity: 1023, fullest, never_above };
        assert_eq!(capture.certainly_kept(), expected, "{capture:?}");
        assert!(capture.says().contains(words), "{}", capture.says());
    };
    check(WhenFull::Wait, 1023, 2046, Some(u64::MAX), "dropped nothing");
    check(WhenFull::Skip, 1023, 2046, None, "does not tell");
    check(WhenFull::Trim, 600, 1100, None, "up to 600 of 1023 bytes");
    check(WhenFull::Skip, 600, 1023, None, "does not tell");
    check(WhenFull::Skip, 200, 380, Some(643), "nothing of up to 643 bytes");
}
