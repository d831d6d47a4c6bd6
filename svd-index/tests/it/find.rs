//! Names as people write them.

use svd_index::{Chip, Query, QueryError};

fn found(chip: &Chip, text: &str) -> Vec<String> {
    let query = Query::parse(text).expect("it is a query");
    chip.find_hits(&query).iter().map(|hit| hit.path()).collect()
}

fn check(chip: &Chip, text: &str, expected: &[&str]) {
    assert_eq!(found(chip, text), expected, "for `{text}`");
}

#[test]
fn spellings_find_the_one_register() {
    let chip = crate::nrf51();
    for text in [
        "UART0.BAUDRATE",
        "uart0.baudrate",
        "UART0->BAUDRATE",
        "UART0->BAUDRATE;",
        "NRF_UART0->BAUDRATE",
        "&NRF_UART0->BAUDRATE",
        "uart0().baudrate()",
        "UART0::BAUDRATE",
        "UART0_BAUDRATE",
        "UART0 BAUDRATE",
        "p.UART0.baudrate",
        "dp.uart0.baudrate.read().bits()",
        "pac::UART0::baudrate",
        "0x40002524",
        "0x4000_2524",
        "0x40002526",
        "1073751332",
        "UART_BAUDRATE",
        "BAUDRATE",
        "UART0.BAUD*",
        "UART0.BAUDRAT?",
        "AUDRATE",
    ] {
        check(&chip, text, &["UART0.BAUDRATE"]);
    }
}

#[test]
fn spellings_find_the_field() {
    let chip = crate::nrf51();
    for text in [
        "UART0.BAUDRATE.BAUDRATE",
        "UART_BAUDRATE_BAUDRATE_Msk",
        "UART_BAUDRATE_BAUDRATE_Pos",
        "uart0.baudrate().write(|w| w.baudrate().baud115200())",
        "BAUDRATE.BAUDRATE",
    ] {
        check(&chip, text, &["UART0.BAUDRATE.BAUDRATE"]);
    }
    check(&chip, "uart0.config.read().parity()", &["UART0.CONFIG.PARITY"]);
    check(&chip, "UART0.CONFIG.parity", &["UART0.CONFIG.PARITY"]);
}

#[test]
fn arrays_are_indexed_or_whole() {
    let chip = crate::nrf51();
    check(&chip, "GPIO.PIN_CNF[3]", &["GPIO.PIN_CNF[3]"]);
    check(&chip, "GPIO.PIN_CNF[0x1f]", &["GPIO.PIN_CNF[31]"]);
    check(&chip, "NRF_GPIO->PIN_CNF[3]", &["GPIO.PIN_CNF[3]"]);
    check(&chip, "gpio.pin_cnf(3)", &["GPIO.PIN_CNF[3]"]);
    check(&chip, "PIN_CNF3", &["GPIO.PIN_CNF[3]"]);
    check(&chip, "GPIO.PIN_CNF", &["GPIO.PIN_CNF[0..32)"]);
    check(&chip, "GPIO.PIN_CNF[*]", &["GPIO.PIN_CNF[0..32)"]);
    check(&chip, "GPIO.PIN_CNF[3].PULL", &["GPIO.PIN_CNF[3].PULL"]);
    check(&chip, "GPIO.PIN_CNF[32]", &[]);
    check(&chip, "PPI.CH[2].EEP", &["PPI.CH[2].EEP"]);
    check(&chip, "PPI.TASKS_CHG{0,2}.EN", &["PPI.TASKS_CHG[0].EN", "PPI.TASKS_CHG[2].EN"]);
}

#[test]
fn wildcards_and_sets_find_several() {
    let chip = crate::nrf51();
    check(&chip, "TIMER{0,2}.PRESCALER", &["TIMER0.PRESCALER", "TIMER2.PRESCALER"]);
    check(&chip, "TIMER_PRESCALER", &["TIMER0.PRESCALER", "TIMER1.PRESCALER", "TIMER2.PRESCALER"]);
    check(&chip, "RTC*.COUNTER", &["RTC0.COUNTER", "RTC1.COUNTER"]);
    assert!(found(&chip, "UART0.TASKS_*").len() == 5, "{:?}", found(&chip, "UART0.TASKS_*"));
    let all = found(&chip, "UART0");
    assert_eq!(all.len(), chip.peripheral("UART0").expect("it exists").registers().count());
}

#[test]
fn what_is_not_there_is_not_found() {
    let chip = crate::nrf51();
    for text in [
        "UART9.BAUDRATE",
        "UART0.BAUDRTE",
        "USART1->BRR",
        "0x60000000",
        "GPIO.PIN_CNF[99]",
        "TIMER7.CC[0]",
        "x",
        "NOPE",
        "UART0.BAUDRATE.NOPE",
        "UART0.BAUDRATE.BAUDRATE.MORE",
    ] {
        check(&chip, text, &[]);
    }
}

#[test]
fn a_slip_offers_the_nearest_names() {
    let chip = crate::nrf51();
    for (text, best) in [
        ("UART0.BAUDRTE", "UART0.BAUDRATE"),
        ("UART1.BAUDRATE", "UART0.BAUDRATE"),
        ("UART0->BUADRATE", "UART0.BAUDRATE"),
        ("UATR0", "UART0"),
    ] {
        let offered = chip.suggest(text);
        assert_eq!(offered.first().map(String::as_str), Some(best), "for `{text}`: {offered:?}");
        assert!(offered.len() <= 5);
    }
    assert!(chip.suggest("qqqqqqqqqqqq").is_empty());
}

#[test]
fn queries_are_taken_apart() {
    let parse = |text: &str| Query::parse(text).expect("it is a query");
    let query = parse("UART0.BAUDRATE=0x1C200");
    assert_eq!((query.pattern.as_str(), query.value), ("UART0.BAUDRATE", Some(0x1c200)));
    assert_eq!(parse("UART0->BAUDRATE = 115200UL;").value, Some(115_200));
    assert_eq!(parse("A.B = 0b1010_0101").value, Some(0xa5));
    let query = parse("GPIOA->MODER |= (2 << 10)");
    assert_eq!((query.pattern.as_str(), query.value), ("GPIOA.MODER", None));
    let query = parse("usart2.cr1().modify(|_, w| w.ue().set_bit())");
    assert_eq!((query.pattern.as_str(), query.field.as_deref()), ("usart2.cr1", Some("ue")));
    assert_eq!(parse("0x4000_4408").address, Some(0x4000_4408));
}

#[test]
fn what_is_no_query_says_why() {
    let error = |text: &str| Query::parse(text).expect_err("it is none");
    assert_eq!(error(""), QueryError::Empty);
    assert_eq!(error("=3"), QueryError::Empty);
    assert_eq!(error("A=zz"), QueryError::Value("zz".into()));
    assert_eq!(error("A="), QueryError::Value(String::new()));
    assert!(matches!(error("A{1,2"), QueryError::Unpaired(_)));
    assert!(matches!(error("A]["), QueryError::Unpaired(_)));
    let many = "{1,2,3,4,5,6,7,8,9}".repeat(4);
    assert!(matches!(error(&many), QueryError::TooMany(_)));
}
