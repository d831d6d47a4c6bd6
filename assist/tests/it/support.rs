//! The example's chip and firmware, and boards made up from register values.

use std::path::{Path, PathBuf};

use bundle::{
    BoardId, Bundle, Facts, Fidelity, Kind, Log, LogKind, LogRecord, Manifest, ReadOutcome,
    RegisterRead, Snapshot, VirtualBoard,
};
use svd_index::{Index, Sources};

pub(crate) const BAUDRATE: u64 = 0x4000_2524;
pub(crate) const ENABLE: u64 = 0x4000_2500;
pub(crate) const PSELTXD: u64 = 0x4000_250C;

/// What the faulty firmware leaves on the board.
pub(crate) const FAULTY: &[(u64, u64)] =
    &[(ENABLE, 4), (PSELTXD, 24), (BAUDRATE, 115_200), (0x4000_256C, 0)];
/// What the correct one leaves.
pub(crate) const FIXED: &[(u64, u64)] =
    &[(ENABLE, 4), (PSELTXD, 24), (BAUDRATE, 0x01D7_E000), (0x4000_256C, 0)];

/// A file of `examples/uart-baud`.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/uart-baud").join(name)
}

/// The example's SVD and one of its firmwares; an empty name leaves the firmware out.
pub(crate) fn index(elf: &str) -> Index {
    let elfs = if elf.is_empty() { vec![] } else { vec![example(elf)] };
    open(Sources { svds: vec![example("nrf51.svd").into()], elfs })
}

/// An index of a made-up SVD.
pub(crate) fn index_of(svd: &str) -> Index {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip.svd");
    std::fs::write(&path, svd).unwrap();
    open(Sources { svds: vec![path.into()], elfs: vec![] })
}

/// An index of a made-up SVD and a firmware.
pub(crate) fn index_of_both(svd: &str, elf: PathBuf) -> Index {
    index_of_all(svd, vec![elf])
}

/// An index of a made-up SVD and several images.
pub(crate) fn index_of_all(svd: &str, elfs: Vec<PathBuf>) -> Index {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip.svd");
    std::fs::write(&path, svd).unwrap();
    open(Sources { svds: vec![path.into()], elfs })
}

/// An index that knows nothing.
pub(crate) fn no_index() -> Index {
    open(Sources::default())
}

fn open(sources: Sources) -> Index {
    let cache = tempfile::tempdir().unwrap();
    Index::open(&sources, cache.path()).unwrap().index
}

/// A virtual board with these registers, 32 bits each, all modelled.
pub(crate) fn board(registers: &[(u64, u64)]) -> Bundle {
    let reads = registers.iter().map(|&(address, value)| RegisterRead {
        address,
        size_bits: 32,
        outcome: ReadOutcome::Value { value },
        fidelity: Some(Fidelity::Modelled),
    });
    Bundle {
        manifest: Manifest::new(Kind::Snapshot),
        snapshot: Snapshot {
            board: BoardId {
                selector: "virtual:microbit".into(),
                chip: "nRF51822_xxAA".into(),
                virtual_board: Some(VirtualBoard {
                    machine: "microbit".into(),
                    qemu: "7.2.22".into(),
                }),
            },
            taken_at_unix_ms: 0,
            cores: vec![],
            registers: reads.collect(),
            memory: vec![],
            logs: vec![],
        },
        facts: Facts::default(),
        run: None,
        elf: None,
    }
}

/// The same with a serial log.
pub(crate) fn with_log(mut bundle: Bundle, lines: &[&str]) -> Bundle {
    let record = |(at_ms, text): (u64, &&str)| LogRecord::plain(at_ms, *text);
    bundle.snapshot.logs = vec![Log {
        channel: "uart0".into(),
        kind: LogKind::Serial,
        raw: lines.join("\r\n").into_bytes(),
        records: (0..).zip(lines).map(record).collect(),
        capture: None,
    }];
    bundle
}
