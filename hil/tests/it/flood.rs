//! RTT at the bench's own limit: firmware that writes faster than any probe reads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bundle::WhenFull;
use hil::{Board, End, Listener, RunOptions, TestImage};
use object::{Object, ObjectSymbol};

use crate::parts;

/// What one run showed.
struct Flood {
    /// Numbers of the records that arrived.
    numbers: Vec<u32>,
    capture: bundle::RttCapture,
    /// What the firmware counted itself.
    sent: u64,
    dropped: u64,
}

fn elf(kind: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vbench/firmware");
    folder.join(format!("microbit-flood-{kind}.elf"))
}

fn symbol(elf: &Path, name: &str) -> u64 {
    let bytes = std::fs::read(elf).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    file.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().address()
}

fn run(kind: &str) -> Option<Flood> {
    let mut board: Board = parts::microbit()?;
    let elf = elf(kind);
    board.flash(&elf, &mut |_| ()).unwrap();
    let image = TestImage::load(&elf).unwrap();
    let options = RunOptions { limit: Duration::from_millis(700), ..RunOptions::default() };
    let mut listener = Listener::new(None, |_| true);
    let end = board.run_until_end(&image, &options, &mut listener).unwrap();
    assert_eq!(end, End::Deadline);
    let (logs, arrivals) = listener.finish();
    let log = logs.iter().find(|log| log.channel == "rtt:0").unwrap();
    assert_eq!(arrivals.iter().map(|arrival| arrival.bytes).sum::<usize>(), log.raw.len());
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let numbers = log.raw.chunks(8).map(|record| {
        let (number, inverse) = (word(&record[..4]), word(&record[4..]));
        assert_eq!(number, !inverse, "a record is torn");
        number
    });
    let numbers = numbers.collect();
    let mut counted = |name| board.read(symbol(&elf, name), 32, 1).unwrap()[0];
    let (sent, dropped) = (counted("sent"), counted("dropped"));
    Some(Flood { numbers, capture: log.capture.unwrap(), sent, dropped })
}

#[test]
fn firmware_that_waits_for_the_probe_loses_no_byte() {
    let Some(flood) = run("wait") else { return };
    assert_eq!(flood.capture.when_full, WhenFull::Wait);
    assert_eq!(flood.capture.certainly_kept(), Some(u64::MAX));
    assert_eq!(flood.dropped, 0);
    let expected: Vec<u32> = (0..flood.numbers.len() as u32).collect();
    assert!(flood.numbers == expected, "a record is missing or came twice");
    // It was halted between the record and its count, at worst.
    let heard = flood.numbers.len() as u64;
    assert!((flood.sent..=flood.sent + 1).contains(&heard), "{heard} of {}", flood.sent);
    assert!(heard > 1000, "{heard} records are no flood");
}

#[test]
fn all_that_is_missing_was_dropped_by_the_target_and_that_is_not_denied() {
    let Some(flood) = run("skip") else { return };
    assert_eq!(flood.capture.when_full, WhenFull::Skip);
    assert!(flood.numbers.is_sorted_by(|a, b| a < b), "no record comes twice");
    let heard = flood.numbers.len() as u64;
    assert!((flood.sent..=flood.sent + 1).contains(&heard), "{heard} of {}", flood.sent);
    assert!(flood.dropped > 0, "no flood");
    assert_eq!(flood.capture.certainly_kept(), None, "{}", flood.capture.says());
}
