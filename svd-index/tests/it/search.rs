//! Registers by words.

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
