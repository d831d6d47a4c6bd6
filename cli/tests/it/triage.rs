//! `silk triage`: findings with their reason, and the table of rules.

use crate::silk::{Silk, example};

#[test]
fn a_finding_says_why_by_which_bits_and_which_manual() {
    let silk = Silk::new();
    let (svd, bundle) = (example("nrf51.svd"), example("faulty.silk"));
    let text = silk.run(["triage", "--svd", &svd, &bundle]).expect(0).stdout;
    assert!(text.contains("✘ UART0.BAUDRATE.BAUDRATE holds 0x0001c200"), "{text}");
    assert!(text.contains("\n  because  The description lists"), "{text}");
    let read = "\n  read     UART0.BAUDRATE 0x40002524 = 0x0001c200, BAUDRATE = 0x1c200\n";
    assert!(text.contains(read), "{text}");
    assert!(text.contains("\n  source   manual CMSIS-SVD"), "{text}");

    let findings = silk.run(["triage", "--json", "--svd", &svd, &bundle]).expect(0).json();
    let [finding] = findings.as_slice() else { panic!("{findings:#?}") };
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["rests_on"][0]["register"], "UART0.BAUDRATE");
    assert_eq!(finding["rests_on"][0]["raw"], "0x0001c200");
    assert!(finding["reason"].as_str().unwrap().ends_with('.'), "{finding}");
}

#[test]
fn the_rules_are_listed_without_any_source() {
    let rules = Silk::new().run(["triage", "--rules", "--json"]).expect(0).json();
    assert!(rules.len() >= 20, "{}", rules.len());
    for rule in &rules {
        for key in ["rule", "severity", "reason", "rests_on", "silent", "source"] {
            assert!(rule[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {rule}");
        }
    }
    let text = Silk::new().run(["triage", "--rules"]).expect(0).stdout;
    assert!(text.contains("uart-overrun  error\n  A byte arrived"), "{text}");
    assert_eq!(text.matches("  not known  ").count(), rules.len());
}
