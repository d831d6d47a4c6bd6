//! What is found without a model, and what is left alone.

use assist::triage;
use bundle::Fidelity;

use crate::support::{BAUDRATE, ENABLE, FAULTY, FIXED, board, index, index_of, no_index};

#[test]
fn a_plain_number_in_the_baud_register_is_found_with_its_line() {
    let findings = triage(&index("faulty.elf"), Some(&board(FAULTY)));
    insta::assert_debug_snapshot!(findings);
}

#[test]
fn the_corrected_firmware_has_no_finding() {
    assert_eq!(triage(&index("fixed.elf"), Some(&board(FIXED))), []);
    assert_eq!(triage(&index("fixed.elf"), None), []);
}

#[test]
fn without_a_board_the_finding_rests_on_the_code_and_says_so() {
    let findings = triage(&index("faulty.elf"), None);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].summary.contains("no board was read"), "{}", findings[0].summary);
    assert_eq!(findings[0].meant, Some(0x01D7_E000));
    assert_eq!(findings[0].writes[0].function.as_deref(), Some("uart_init"));
    assert!(findings[0].sources.iter().all(|source| source.kind != "board"));
}

#[test]
fn nothing_is_found_where_nothing_is_known() {
    assert_eq!(triage(&no_index(), Some(&board(FAULTY))), []);
    assert_eq!(triage(&index(""), None), []);
    assert_eq!(triage(&index("faulty.elf"), Some(&board(&[]))), []);
}

#[test]
fn a_register_that_the_emulator_does_not_model_accuses_nobody() {
    let mut bundle = board(FAULTY);
    let mut fidelity =
        |to| bundle.snapshot.registers.iter_mut().for_each(|r| r.fidelity = Some(to));
    fidelity(Fidelity::NotModelled);
    assert_eq!(triage(&index("faulty.elf"), Some(&bundle)), []);
    let mut bundle = board(FAULTY);
    bundle.snapshot.registers.iter_mut().for_each(|r| r.fidelity = Some(Fidelity::StoredOnly));
    assert_eq!(triage(&index("faulty.elf"), Some(&bundle)).len(), 1);
}

/// A register at 0x1000 with one field `F` of `width` bits, these values, and reset value 3.
fn chip(width: u32, values: &[(&str, &str, &str)], extra: &str) -> String {
    let value = |(name, value, usage): &(&str, &str, &str)| {
        let value = match *value {
            "default" => "<isDefault>true</isDefault>".to_owned(),
            value => format!("<value>{value}</value>"),
        };
        let values = format!(
            "<enumeratedValue><name>{name}</name><description>{name} here</description>{value}\
             </enumeratedValue>"
        );
        (usage.to_string(), values)
    };
    let mut sets: Vec<(String, String)> = Vec::new();
    for (usage, one) in values.iter().map(value) {
        match sets.iter_mut().find(|(known, _)| *known == usage) {
            Some((_, all)) => all.push_str(&one),
            None => sets.push((usage, one)),
        }
    }
    let sets: String = sets
        .iter()
        .map(|(usage, all)| {
            format!("<enumeratedValues><usage>{usage}</usage>{all}</enumeratedValues>")
        })
        .collect();
    format!(
        "<device><name>T</name><addressUnitBits>8</addressUnitBits><width>32</width>\
         <size>32</size><access>read-write</access><resetValue>3</resetValue>\
         <resetMask>0xffffffff</resetMask><peripherals><peripheral><name>P</name>\
         <baseAddress>0x1000</baseAddress><addressBlock><offset>0</offset><size>16</size>\
         <usage>registers</usage></addressBlock><registers><register><name>R</name>\
         <addressOffset>0</addressOffset><fields><field><name>F</name><bitOffset>0</bitOffset>\
         <bitWidth>{width}</bitWidth>{extra}{sets}</field></fields></register></registers>\
         </peripheral></peripherals></device>"
    )
}

const RW: &str = "read-write";

/// What is found with `value` in that register: the name of what was meant, `-` for a finding
/// that claims none, nothing for no finding.
fn found(svd: &str, value: u64) -> Option<String> {
    let findings = triage(&index_of(svd), Some(&board(&[(0x1000, value)])));
    assert!(findings.len() <= 1, "{findings:#?}");
    let finding = findings.into_iter().next()?;
    Some(finding.meant_name.unwrap_or_else(|| "-".to_owned()))
}

#[test]
fn a_list_of_codes_is_taken_at_its_word() {
    let on_off = chip(4, &[("Disabled", "0", RW), ("Enabled", "8", RW)], "");
    assert_eq!(found(&on_off, 1).as_deref(), Some("Enabled"));
    assert_eq!(found(&on_off, 8), None);
    assert_eq!(found(&on_off, 0), None);
    assert_eq!(found(&on_off, 3), None, "the value after reset is the vendor's doing");

    let modes = chip(3, &[("A", "0", RW), ("B", "1", RW), ("C", "2", RW)], "");
    assert_eq!(found(&modes, 6).as_deref(), Some("-"), "nothing says what was meant");
}

#[test]
fn lists_that_do_not_claim_to_be_complete_accuse_nobody() {
    let silent = [
        chip(4, &[("One", "1", RW)], ""),
        chip(4, &[("Off", "0", RW), ("Rest", "default", RW)], ""),
        chip(7, &[("MinGain", "0", RW), ("DefaultGain", "40", RW), ("MaxGain", "80", RW)], ""),
        chip(4, &[("CH0", "1", RW), ("CH1", "2", RW), ("CH2", "4", RW)], ""),
        chip(6, &[("COUNT_0", "0", RW), ("COUNT_1", "1", RW), ("COUNT_63", "63", RW)], ""),
        chip(16, &[("Off", "0", RW), ("On", "0x55AA", RW)], ""),
        chip(4, &[("Clear", "1", "write"), ("Keep", "2", "write")], ""),
        chip(4, &[("X", "#x1x1", RW), ("Y", "#xxxx", RW)], ""),
    ];
    for svd in silent {
        assert_eq!(found(&svd, 12), None, "{svd}");
    }
}

#[test]
fn a_number_in_a_name_tells_what_was_meant() {
    let rates = chip(32, &[("Baud9600", "0x275000", RW), ("Baud1M", "0x10000000", RW)], "");
    assert_eq!(found(&rates, 9600).as_deref(), Some("Baud9600"));
    assert_eq!(found(&rates, 1_000_000).as_deref(), Some("Baud1M"));
    assert_eq!(found(&rates, 9601), None, "a wide field may take any number");
    let two = chip(32, &[("A250", "1", RW), ("B250", "2", RW)], "");
    assert_eq!(found(&two, 250), None, "two names say it: nothing is clear");
}

#[test]
fn a_constraint_makes_any_list_complete() {
    let must = "<writeConstraint><useEnumeratedValues>true</useEnumeratedValues>\
                </writeConstraint>";
    let wide = chip(16, &[("Off", "0", RW), ("On", "0x55AA", RW)], must);
    assert_eq!(found(&wide, 12).as_deref(), Some("On"));
}

#[test]
fn each_register_is_judged_by_itself() {
    let mut faulty = FAULTY.to_vec();
    faulty.retain(|(address, _)| *address != ENABLE);
    faulty.push((ENABLE, 1));
    let findings = triage(&index(""), Some(&board(&faulty)));
    let registers: Vec<&str> = findings.iter().map(|finding| finding.register.as_str()).collect();
    assert_eq!(registers, ["UART0.ENABLE", "UART0.BAUDRATE"], "by address");
    assert_eq!(findings[1].found, 115_200);
    assert!(findings[1].writes.is_empty(), "no firmware, no line");
    assert_eq!(BAUDRATE, 0x4000_2524);
}
