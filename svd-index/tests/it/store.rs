//! The index file by itself: what is written is read, and what is damaged is noticed.

use svd_index::Warning;
use svd_index::store::{File, Kind, OpenError, SectionId, SourceId, StrRef, Writer};

const NUMBERS: SectionId = SectionId(40);
const TEXTS: SectionId = SectionId(41);
const SCHEMA: u32 = 7;
const COUNT: u64 = 5_000_000;

fn source() -> SourceId {
    SourceId::of(b"source")
}

fn sample(count: u64) -> Vec<u8> {
    let mut writer = Writer::new(Kind::Svd, SCHEMA, source());
    let texts: Vec<StrRef> = ["UART0", "", "UART1", "UART0"].map(|t| writer.text(t)).to_vec();
    let numbers: Vec<u64> = (0..count).map(|n| 3 * n).collect();
    let warning = Warning {
        path: "A".into(),
        line: 3,
        what: "b".into(),
        assumed: "c".into(),
        left_out: true,
    };
    writer.section(NUMBERS, &numbers).section(TEXTS, &texts).warnings(&[warning]);
    writer.finish()
}

fn open(bytes: &[u8]) -> Result<File, OpenError> {
    File::from_bytes(bytes, Kind::Svd, SCHEMA)
}

#[test]
fn what_is_written_is_read() {
    // More than one page of checksums.
    let file = open(&sample(COUNT)).expect("it is sound");
    let numbers = file.records::<u64>(NUMBERS);
    assert_eq!(numbers.len() as u64, COUNT);
    assert_eq!(numbers.get(4_999_999), Some(&14_999_997));
    assert_eq!(numbers.get(5_000_000), None);
    assert_eq!(numbers.partition_point(|&n| n < 3000), 1000);
    assert_eq!(numbers.slice(10..12), [30, 33]);
    assert_eq!(numbers.slice(4_999_999..9_999_999), [14_999_997]);
    let texts = file.records::<StrRef>(TEXTS);
    let read: Vec<&str> = texts.iter().map(|&place| file.text(place)).collect();
    assert_eq!(read, ["UART0", "", "UART1", "UART0"]);
    assert_eq!(texts.get(0), texts.get(3), "a text is stored once");
    assert_eq!(file.source(), &source());
    assert_eq!(file.warnings()[0].to_string(), "A: b; c");
    assert!(file.warnings()[0].left_out);
    assert!(file.records::<u64>(SectionId(99)).is_empty());
    assert!(file.records::<[u8; 3]>(NUMBERS).is_empty(), "records of another size");
    assert!(!file.is_damaged());
}

#[test]
fn writing_is_deterministic() {
    assert!(sample(1000) == sample(1000));
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = sample(2000);
    let sum = |file: &File| -> (u64, usize) {
        let texts = file.records::<StrRef>(TEXTS);
        let length = texts.iter().map(|&place| file.text(place).len()).sum();
        (file.records::<u64>(NUMBERS).iter().sum(), length)
    };
    let right = sum(&open(&good).expect("it is sound"));
    let mut harmless = 0;
    for place in 0..good.len() {
        let mut bytes = good.clone();
        bytes[place] ^= 0x10;
        match open(&bytes) {
            Err(OpenError::Torn | OpenError::OtherVersion { .. }) => {}
            Err(other) => panic!("byte {place}: {other}"),
            Ok(file) => {
                let read = sum(&file);
                assert!(file.is_damaged() || read == right, "byte {place} gave {read:?}");
                harmless += u32::from(!file.is_damaged());
            }
        }
    }
    // The rest of the first block, and what fills the last page of checksums, is not used.
    assert!(harmless < 4096, "{harmless} changes went unnoticed");
}

#[test]
fn a_damaged_block_is_built_again() {
    let good = sample(2000);
    let mut bytes = good.clone();
    bytes[4096 + 100] ^= 1;
    let repaired = good.clone();
    let file =
        open(&bytes).expect("the head is sound").with_rebuild(move || Some(repaired.clone()));
    let numbers = file.records::<u64>(NUMBERS);
    assert!(numbers.iter().copied().eq((0..2000).map(|n| 3 * n)));
    assert!(!file.is_damaged());

    let other = sample(1999);
    let file = open(&bytes).expect("the head is sound").with_rebuild(move || Some(other.clone()));
    assert!(file.records::<u64>(NUMBERS).all().is_empty());
    assert!(file.is_damaged(), "another build does not repair this one");
}

#[test]
fn cut_and_foreign_files_are_refused() {
    let good = sample(2000);
    for len in [0, 1, 127, 4095, 4096, 8192, good.len() - 1] {
        assert!(matches!(open(&good[..len]), Err(OpenError::Torn)), "cut to {len}");
    }
    let mut foreign = good.clone();
    foreign[8..12].reverse();
    assert!(matches!(open(&foreign), Err(OpenError::ForeignEndian)));
    let other = File::from_bytes(&good, Kind::Svd, SCHEMA + 1);
    assert!(matches!(other, Err(OpenError::OtherVersion { format: 1, schema: SCHEMA })));
    let other = File::from_bytes(&good, Kind::Elf, SCHEMA);
    assert!(matches!(other, Err(OpenError::OtherVersion { .. })));
}

#[test]
fn another_source_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/er/a.idx");
    let mut writer = Writer::new(Kind::Svd, SCHEMA, source());
    writer.section(NUMBERS, &[1_u64]);
    writer.write_to(&path).expect("it can be written");
    assert!(File::open(&path, Kind::Svd, SCHEMA, Some(&source())).is_ok());
    let other = SourceId::of(b"other");
    let refused = File::open(&path, Kind::Svd, SCHEMA, Some(&other));
    assert!(matches!(refused, Err(OpenError::OtherSource)));
}
