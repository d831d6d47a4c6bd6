//! What sentences say of names in an order of their own, and what they say of something else.

use assist::check::{Checker, Headers, Language};
use assist::{Verdict, Verifier};

use crate::support::index;

/// What is wrong in a text, as `"text" -> what is right`.
fn wrong_in(language: Language, text: &str) -> Vec<String> {
    let index = index("");
    let found = Checker::new(&index, None).check(text, language, &Headers::default());
    let wrong = found.into_iter().filter(|remark| remark.claim.verdict == Verdict::Wrong);
    wrong
        .map(|remark| {
            let right = remark.claim.expected.unwrap_or_default();
            format!("{} {:?} -> {right}", remark.claim.kind, remark.claim.text)
        })
        .collect()
}

fn check(text: &str, expected: &str) {
    assert_eq!(wrong_in(Language::Markdown, text), [expected], "for {text:?}");
}

#[test]
fn fields_have_their_bits_wherever_the_number_stands() {
    check("Set bit 4 (HWFC) in UART0.CONFIG.", "bits \"4 (HWFC\" -> HWFC[0]");
    check("UART0_CONFIG: bits 5:3 = PARITY", "bits \"bits 5:3 = PARITY\" -> PARITY[3:1]");
    check("HWFC, bit 4 of UART0.CONFIG, is set.", "bits \"HWFC, bit 4\" -> HWFC[0]");
    check("`UART0->CONFIG |= 1u << 4;` turns HWFC on.", "bits \"1u << 4;` turns HWFC\" -> HWFC[0]");
    check("That is `HWFC` (`UART0->CONFIG[4]`).", "bits \"HWFC` (`UART0->CONFIG[4]\" -> HWFC[0]");
    check(
        "`PARITY` in `UART0.CONFIG` is 2 bits wide.",
        "bits \"PARITY` in `UART0.CONFIG` is 2 bits\" -> 3",
    );
    check(
        "| Bit | Field of UART0.CONFIG |\n|---|---|\n| 4 | UART0.CONFIG.HWFC |",
        "bits \"4 | UART0.CONFIG.HWFC\" -> HWFC[0]",
    );
}

#[test]
fn registers_and_peripherals_have_their_places_wherever_the_number_stands() {
    check(
        "At 0x40002528 there is UART0.BAUDRATE.",
        "address \"0x40002528 there is UART0.BAUDRATE\" -> 0x40002524",
    );
    check(
        "The BAUDRATE register of UART0 is at 0x4000251C.",
        "address \"BAUDRATE register of UART0 is at 0x4000251C\" -> 0x40002524",
    );
    check("The offset of UART0.BAUDRATE is 0x528.", "offset \"UART0.BAUDRATE is 0x528\" -> 0x524");
    check("UART0 is mapped at 0x40002400.", "base \"UART0 is mapped at 0x40002400\" -> 0x40002000");
    check(
        "Out of reset UART0.BAUDRATE holds 0x04000000.",
        "reset \"UART0.BAUDRATE holds 0x04000000\" -> 0x00000000",
    );
    check("IRQ 3 is `UART0`.", "interrupt \"3 is `UART0\" -> 2");
}

#[test]
fn names_and_uses_that_are_none_are_told() {
    check("`UART0.RXD` is write-only.", "register \"UART0.RXD` is write-only\" -> read-only");
    check("The `BAUDRAET` register of `UART0` counts.", "register \"BAUDRAET\" -> UART0.BAUDRATE");
    check("Set the `HWCF` bit in `UART0.CONFIG`.", "field \"HWCF\" -> HWFC");
    check("`UART0.CONFIG.PARITY` = 0 selects `Included`.", "enum \"0 selects `Included\" -> 0x7");
}

#[test]
fn comments_are_read_as_sentences() {
    let c = "/*\n * UART0.CONFIG:\n *   bit 4  HWFC\n */\nint x;\n// UART0->BAUDRATE: 0x40002528\nint y;\n";
    assert_eq!(
        wrong_in(Language::C, c),
        ["bits \"4  HWFC\" -> HWFC[0]", "address \"UART0->BAUDRATE: 0x40002528\" -> 0x40002524"]
    );
    let rust = "/// Sets HWFC (bit 4 of `UART0.CONFIG`).\nfn f() {}\n";
    assert_eq!(wrong_in(Language::Rust, rust), ["bits \"HWFC (bit 4\" -> HWFC[0]"]);
    // What a comment wishes for or takes out is nobody's claim.
    let idle = "// NRF_UART0->BAUD = 3;\n// TODO: UART0.CONFIG.PARTY\nint x;\n";
    assert_eq!(wrong_in(Language::C, idle), [""; 0]);
}

#[test]
fn what_is_said_of_something_else_is_not_held_against_a_name() {
    let texts = [
        "UART0.CONFIG: the HWFC bit is 1, so the HWFC bit = 1.",
        "UART0.CONFIG's PARITY[2:0] decides.",
        "UART0.CONFIG.HWFC puts bits 7:4 of the result in place.",
        "With UART0.CONFIG[1]=1, the HWFC bit does nothing.",
        "UART0.CONFIG and its HWFC follow the 32-bit bus, whose data width is 32 bits.",
        "UART0 hangs off the bus at 0x40000000, TIMER0 as well.",
        "UART0 off APB1 at 0x40000000.",
        "The value (0x3230312a) of UART0.BAUDRATE is odd.",
        "It can be found at 0x40002524, can it not?",
        "In UART0.CONFIG, STOPS is bit 5, HWFC is next.",
        "UART0: XYZ is at offset 0x00, BAUDRATE is another.",
        "HWFC in UART0.CONFIG is not bit 4.",
        "IRQ 2 is `UART0`, and after that comes 3.",
    ];
    for text in texts {
        assert_eq!(wrong_in(Language::Markdown, text), [""; 0], "for {text:?}");
    }
    let c = "// 0xffffffff [31:0]  UART0_BAUDRATE (0x04000000)\n// ADCx_IRQn\nint x;\n";
    assert_eq!(wrong_in(Language::C, c), [""; 0]);
}

#[test]
fn an_answer_is_read_as_a_document_is() {
    let index = index("");
    let claims = Verifier::check(&index, None, "Set bit 4 (HWFC) in UART0.CONFIG.");
    assert!(claims.iter().any(|claim| claim.verdict == Verdict::Wrong), "{claims:?}");
}
