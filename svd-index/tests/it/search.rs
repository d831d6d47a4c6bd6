//! Registers by words.

use std::fs;
use std::path::PathBuf;

use svd_index::{Index, Sources};

fn best(words: &str, limit: usize) -> Vec<String> {
    let chip = crate::nrf51();
    let found = chip.search(words, limit);
    assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1), "sorted by score");
    found.iter().map(|(register, _)| register.path()).collect()
}

#[test]
fn words_find_the_register_meant() {
    for (words, expected) in [
        ("UART baud rate", "UART0.BAUDRATE"),
        ("uart parity", "UART0.CONFIG"),
        ("watchdog reload value", "WDT.CRV"),
        ("radio output power", "RADIO.TXPOWER"),
        ("die temperature", "TEMP.TEMP"),
    ] {
        let found = best(words, 3);
        assert!(found.iter().any(|path| path == expected), "`{words}` gave {found:?}");
    }
}

#[test]
fn limits_hold_and_nothing_is_found_for_nothing() {
    assert_eq!(best("register", 4).len(), 4);
    assert!(best("zzzzqqq", 4).is_empty());
    assert!(best("", 4).is_empty());
    assert!(best("uart", 0).is_empty());
}

#[test]
fn the_word_index_is_kept_repaired_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let sources = Sources { svds: vec![crate::nrf51_path().into()], elfs: Vec::new() };
        Index::open(&sources, folder.path()).expect("it opens").index
    };
    let answer = |index: &Index| -> Vec<(String, f32)> {
        let chip = index.chip().expect("there is one");
        let found = chip.search("uart baud rate", 5);
        assert!(!index.is_damaged());
        found.iter().map(|(register, score)| (register.path(), *score)).collect()
    };
    let words = || -> Vec<PathBuf> {
        let files = fs::read_dir(folder.path().join("v1")).expect("it was made");
        let paths = files.map(|file| file.expect("it can be listed").path());
        paths.filter(|path| path.to_string_lossy().contains("-words")).collect()
    };
    let index = open();
    assert!(words().is_empty(), "who does not search needs no word index");
    let expected = answer(&index);
    assert_eq!(expected[0].0, "UART0.BAUDRATE");
    let [path] = words().try_into().expect("one file");
    let good = fs::read(&path).expect("it can be read");
    assert_eq!(answer(&open()), expected, "from the file");

    let mut damaged = good.clone();
    for byte in &mut damaged[4096..] {
        *byte ^= 0xff;
    }
    for bytes in [&damaged[..], &good[..good.len() - 1], b""] {
        fs::remove_file(&path).expect("it can be removed");
        fs::write(&path, bytes).expect("it can be written");
        assert_eq!(answer(&open()), expected);
    }
    assert_eq!(fs::read(&path).expect("it can be read"), good, "written again");
}
