//! Source files and documents held against the chip.

use assist::check::{Checker, Headers, Language};
use assist::{Claim, Verdict};

use crate::support::{example, index, index_of};

/// `verdict kind "text"`, and what is right where it is wrong.
fn line(claim: &Claim) -> String {
    let expected = claim.expected.as_ref().map(|e| format!(" -> {e}")).unwrap_or_default();
    format!("{} {} {:?}{expected}", claim.verdict, claim.kind, claim.text)
}

fn said(svd: &svd_index::Index, language: Language, text: &str) -> Vec<String> {
    let checker = Checker::new(svd, None);
    let remarks = checker.check(text, language, &Headers::default());
    remarks.iter().map(|remark| line(&remark.claim)).collect()
}

/// Claims of a text about the example's chip.
fn check(language: Language, text: &str, expected: &[&str]) {
    assert_eq!(said(&index(""), language, text), expected, "for {text}");
}

/// The wrong claims of a text about the example's chip.
fn wrong(language: Language, text: &str, expected: &[&str]) {
    let found = said(&index(""), language, text);
    let found: Vec<String> = found.into_iter().filter(|line| line.starts_with("wrong")).collect();
    assert_eq!(found, expected, "for {text}");
}

#[test]
fn assignments_in_c_are_held_against_the_register() {
    let register = "ok register \"NRF_UART0->BAUDRATE\"";
    check(
        Language::C,
        "void f(void) { NRF_UART0->BAUDRATE = 115200; }",
        &[register, "wrong value \"NRF_UART0->BAUDRATE = 115200\" -> 0x01d7e000 (Baud115200)"],
    );
    check(
        Language::C,
        "#define BAUD 0x01D7E000\nvoid f(void) { NRF_UART0->BAUDRATE = BAUD; }",
        &[register, "ok value \"NRF_UART0->BAUDRATE = BAUD\""],
    );
    wrong(
        Language::C,
        "NRF_UART0->BUADRATE = 0; NRF_UART1->ENABLE = 4;",
        &[
            "wrong register \"NRF_UART0->BUADRATE\" -> UART0.BAUDRATE",
            "wrong register \"NRF_UART1->ENABLE\" -> UART0.ENABLE",
        ],
    );
    wrong(
        Language::C,
        "NRF_TIMER0->CC[9] = 1;",
        &["wrong register \"NRF_TIMER0->CC[9]\" -> TIMER0.CC[3]"],
    );
}

#[test]
fn bits_are_held_against_the_fields_and_the_comment() {
    check(
        Language::C,
        "NRF_TIMER0->INTENSET |= 1u << 16; /* COMPARE0 */",
        &["ok register \"NRF_TIMER0->INTENSET\"", "ok bits \"1u << 16\""],
    );
    wrong(
        Language::C,
        "NRF_TIMER0->INTENSET |= (1 << 17); // COMPARE0",
        &["wrong bits \"NRF_TIMER0->INTENSET |= (1 << 17)\" -> 1 << 16"],
    );
    wrong(Language::C, "NRF_UART0->CONFIG |= (1 << 13);", &["wrong bits \"(1 << 13)\""]);
    wrong(
        Language::C,
        "NRF_TIMER0->SHORTS = UART_CONFIG_HWFC_Msk;\nNRF_UART0->ENABLE = UART_CONFIG_PARITY_Msk;",
        &[
            "wrong bits \"NRF_UART0->ENABLE = UART_CONFIG_PARITY_Msk\"",
            "wrong mask \"UART_CONFIG_PARITY_Msk\" -> UART0.CONFIG",
        ],
    );
}

#[test]
fn constants_are_held_against_what_their_names_say() {
    check(
        Language::C,
        "#define UART0_BASE 0x40002000\n#define TIMER1_BASE (0x40000000UL + 0x9000)\n",
        &["ok base \"UART0_BASE 0x40002000\"", "ok base \"TIMER1_BASE (0x40000000UL + 0x9000)\""],
    );
    wrong(
        Language::C,
        "#define UART0_BASE 0x40003000\n\
         #define UART_CONFIG_PARITY_Pos (2UL)\n\
         #define UART_CONFIG_PARITY_Msk (0x7UL << 2)\n\
         #define UART_CONFIG_HWFC (1 << 4)\n\
         #define UART_BAUDRATE_BAUDRATE_Baud9600 (0x00276000UL)\n\
         enum { UART0_IRQn = 3, TIMER0_IRQn = 8 };\n\
         #define UART_BAUDRATE (*(volatile uint32_t *)0x40002520)\n\
         #define UART_ENABLE_OFFSET 0x504\n",
        &[
            "wrong base \"UART0_BASE 0x40003000\" -> 0x40002000",
            "wrong bits \"UART_CONFIG_PARITY_Pos (2UL)\" -> 1",
            "wrong mask \"UART_CONFIG_PARITY_Msk (0x7UL << 2)\" -> 0x0000000e",
            "wrong mask \"UART_CONFIG_HWFC (1 << 4)\" -> 1 << 0",
            "wrong enum \"UART_BAUDRATE_BAUDRATE_Baud9600 (0x00276000UL)\" -> 0x00275000",
            "wrong interrupt \"UART0_IRQn = 3\" -> 2",
            "wrong address \"UART_BAUDRATE (*(volatile uint32_t *)0x40002520)\" -> 0x40002524",
            "wrong offset \"UART_ENABLE_OFFSET 0x504\" -> 0x500",
        ],
    );
    wrong(
        Language::Rust,
        "const UART0_BASE: usize = 0x4000_3000;\nconst UART_CONFIG_HWFC: u32 = 1 << 4;",
        &[
            "wrong base \"UART0_BASE: usize = 0x4000_3000\" -> 0x40002000",
            "wrong mask \"UART_CONFIG_HWFC: u32 = 1 << 4\" -> 1 << 0",
        ],
    );
}

#[test]
fn structures_over_a_peripheral_are_laid_out() {
    let header = std::fs::read_to_string(example("nrf51.h")).unwrap();
    wrong(Language::C, &header, &[]);
    let shifted = header.replace("reserved1[248]", "reserved1[247]");
    let found = said(&index(""), Language::C, &shifted);
    let wrong_ones: Vec<_> = found.iter().filter(|line| line.starts_with("wrong")).collect();
    assert_eq!(wrong_ones, ["wrong offset \"ENABLE\" -> offset 0x500"], "one slip, one claim");
    wrong(
        Language::Rust,
        "#[repr(C)] pub struct UartRegs { pub tasks_startrx: u32, pub tasks_stoprx: VolatileCell<u32>, \
         _reserved: [u32; 1], pub tasks_starttx: u32, pub tasks_stoptx: u32 }\n",
        &["wrong offset \"tasks_starttx\" -> offset 0x8"],
    );
    wrong(
        Language::C,
        "_Static_assert(offsetof(NRF_UART_Type, BAUDRATE) == 0x528, \"\");",
        &["wrong offset \"offsetof(NRF_UART_Type, BAUDRATE) == 0x528\" -> 0x524"],
    );
}

#[test]
fn rust_drivers_are_read_with_the_names_of_their_crates() {
    check(
        Language::Rust,
        "fn f(p: Peripherals) { p.UART0.baudrate.write(|w| w.baudrate().baud115200()); }",
        &["ok register \"p.UART0.baudrate\"", "ok field \"baudrate\"", "ok enum \"baud115200\""],
    );
    wrong(
        Language::Rust,
        "fn f(p: Peripherals) {
            p.UART0.baudrat.write(|w| w.baudrate().baud115200());
            p.UART0.baudrate.write(|w| w.baudrate().baud115201());
            p.UART0.config.modify(|_, w| w.hwfc().set_bit().partiy().included());
            p.UART0.baudrate.write(|w| unsafe { w.bits(115200) });
            let c = p.UART0.config.read().partiy().bits();
         }",
        &[
            "wrong register \"p.UART0.baudrat\" -> UART0.BAUDRATE",
            "wrong enum \"baud115201\" -> baud115200",
            "wrong field \"partiy\" -> parity",
            "wrong value \"w.bits(115200)\" -> 0x01d7e000 (Baud115200)",
            "wrong field \"partiy\" -> parity",
        ],
    );
    wrong(
        Language::Rust,
        "fn f() { unsafe { core::ptr::write_volatile(0x4000_2524 as *mut u32, 115200) } }",
        &[
            "wrong value \"core::ptr::write_volatile(0x4000_2524 as *mut u32, 115200)\" -> 0x01d7e000 (Baud115200)",
        ],
    );
}

#[test]
fn handlers_are_held_against_the_interrupts() {
    wrong(
        Language::C,
        "void TIMER0_IRQHandler(void) {}\nvoid TIEMR0_IRQHandler(void) {}\nvoid HardFualt_Handler(void) {}",
        &[
            "wrong interrupt \"TIEMR0_IRQHandler\" -> TIMER0_IRQHandler",
            "wrong interrupt \"HardFualt_Handler\" -> HardFault_Handler",
        ],
    );
    wrong(
        Language::Rust,
        "#[interrupt]\nfn TIMER9() {}",
        &["wrong interrupt \"TIMER9\" -> TIMER0"],
    );
}

#[test]
fn what_a_file_defines_itself_is_no_claim() {
    for text in [
        "void f(uint32_t ENABLE) { int BAUDRATE = 3; BAUDRATE |= 1 << 30; ENABLE = BAUDRATE; }",
        "struct ring { int head; } UART0;\nvoid f(void) { UART0.head = 1; UART0.tail = 2; }",
        "#define UART_RING_SIZE 64\nstatic char buffer[UART_RING_SIZE];",
        "const char *text = \"NRF_UART0->BUADRATE = 1;\"; // NRF_UART0->BUADRATE is a slip",
        "#if 0\nNRF_UART0->BUADRATE = 1;\n#endif\n",
        "int UART0_init(void); int main(void) { return UART0_init(); }",
    ] {
        wrong(Language::C, text, &[]);
    }
    wrong(
        Language::Rust,
        "let uart0 = Uart::new(); uart0.baud.write(3); uart0.write(b\"x\");",
        &[],
    );
}

#[test]
fn code_for_another_chip_is_not_accused_of_its_names() {
    let text = "#if defined(NRF52)\nNRF_UART0->PSELTXDX = 1;\n#endif\n";
    let found = said(&index(""), Language::C, text);
    assert!(found.iter().all(|line| line.starts_with("unknown")), "{found:?}");
}

#[test]
fn reserved_bits_with_a_name_in_the_header_are_not_accused() {
    let svd = index("");
    let checker = Checker::new(&svd, None);
    let headers = checker.headers(&["#define UART_CONFIG_STOP (1 << 4)\n"]);
    let text = "NRF_UART0->CONFIG |= UART_CONFIG_STOP;\nNRF_UART0->CONFIG |= 1 << 4;\n";
    let remarks = checker.check(text, Language::C, &headers);
    let bits: Vec<_> = remarks
        .iter()
        .filter(|r| r.claim.kind.as_str() == "bits")
        .map(|r| r.claim.verdict)
        .collect();
    assert_eq!(bits, [Verdict::Unknown, Verdict::Wrong]);
}

/// A name of a header that is not there is a slip only where the header's other names are the
/// description's; elsewhere the nearest is told.
#[test]
fn a_slip_in_a_header_s_name_is_told_by_the_names_around_it() {
    let slip = "void f(void) { NRF_UART0->CONFIG |= UART_CONFIG_HWFCC; }";
    let others = "void g(void) {
        NRF_UART0->CONFIG = UART_CONFIG_HWFC | UART_CONFIG_PARITY;
        NRF_UART0->ENABLE = UART_ENABLE_ENABLE;
        NRF_UART0->BAUDRATE = UART_BAUDRATE_BAUDRATE; }";
    let svd = index("");
    let of_slip = |text: &str| {
        let found = said(&svd, Language::C, text).into_iter();
        found.filter(|line| line.contains("HWFCC\"")).collect::<Vec<_>>()
    };
    // What is told as unknown has no right answer: the nearest name stands in the reason.
    let field = "field \"UART_CONFIG_HWFCC\"";
    assert_eq!(of_slip(slip), [format!("unknown {field}")]);
    let remarks = Checker::new(&svd, None).check(slip, Language::C, &Headers::default());
    let near = remarks.iter().find(|remark| remark.claim.verdict == Verdict::Unknown);
    assert!(near.is_some_and(|near| near.claim.why.ends_with("nearest is UART_CONFIG_HWFC")));
    let corrected = format!("wrong {field} -> UART_CONFIG_HWFC");
    assert_eq!(of_slip(&format!("{slip}\n{others}")), [corrected]);
    // Nothing is called nearly so.
    assert!(of_slip("void f(void) { NRF_UART0->CONFIG |= UART_CONFIG_TXFIFO; }").is_empty());
}

#[test]
fn headers_tell_what_members_and_macros_mean() {
    let svd = index("");
    let checker = Checker::new(&svd, None);
    let header = std::fs::read_to_string(example("nrf51.h")).unwrap();
    let headers = checker.headers(&[&header]);
    let text = std::fs::read_to_string(example("uart.c")).unwrap();
    let remarks = checker.check(&text, Language::C, &headers);
    let wrong: Vec<_> = remarks
        .iter()
        .filter(|r| r.claim.verdict == Verdict::Wrong)
        .map(|r| (r.line, r.column))
        .collect();
    let line = text.lines().position(|line| line.contains("= 115200")).unwrap() as u32 + 1;
    assert_eq!(wrong, [(line, 5)]);
    assert!(remarks.len() > 15);
    assert_eq!(Checker::includes(&text), ["uart.h", "nrf51.h"]);
}

#[test]
fn documents_are_prose_and_blocks_of_code() {
    wrong(
        Language::Markdown,
        "# Größe\n\nUART0.BAUDRATE is at 0x40002520.\n\n```c\nNRF_UART0->BAUDRATE = 115200;\n```\n\n\
         ```rust\np.UART0.baudrat.write(|w| w);\n```\n\n```console\n$ silk reg UART0.BAUD\n```\n\n\
         UART0 is at 0x40003000. HWFC (bit 4) of UART0.CONFIG.\n",
        &[
            "wrong address \"UART0.BAUDRATE is at 0x40002520\" -> 0x40002524",
            "wrong value \"NRF_UART0->BAUDRATE = 115200\" -> 0x01d7e000 (Baud115200)",
            "wrong register \"p.UART0.baudrat\" -> UART0.BAUDRATE",
            "wrong base \"UART0 is at 0x40003000\" -> 0x40002000",
            "wrong bits \"HWFC (bit 4)\" -> HWFC[0]",
        ],
    );
}

#[test]
fn a_comment_allows_a_claim() {
    let svd = index("");
    let checker = Checker::new(&svd, None);
    let text = "NRF_UART0->BAUDRATE = 115200; // silk: allow(value) shows the mistake\n\
                // silk: allow(register, value)\n\
                NRF_UART0->BAUDRAET = 1;\n\
                NRF_UART0->BAUDRAET = 1; /* silk: allow(value) another kind */\n";
    let remarks = checker.check(text, Language::C, &Headers::default());
    let wrong: Vec<_> = remarks.iter().filter(|r| r.claim.verdict == Verdict::Wrong).collect();
    let allowed: Vec<_> =
        wrong.iter().map(|r| (r.line, r.allowed.as_ref().map(|a| a.reason.as_str()))).collect();
    assert_eq!(allowed, [(1, Some("shows the mistake")), (3, Some("")), (4, None)]);
}

#[test]
fn places_are_lines_and_bytes() {
    let svd = index("");
    let text = "// Größe\n  NRF_UART0->BAUDRATE\n    = 115200;\n";
    let remarks = Checker::new(&svd, None).check(text, Language::C, &Headers::default());
    let value = remarks.iter().find(|r| r.claim.verdict == Verdict::Wrong).unwrap();
    assert_eq!((value.line, value.column, value.end_line, value.end_column), (2, 3, 3, 13));
    for remark in &remarks {
        assert_eq!(text[remark.claim.span.clone()], remark.claim.text);
    }
}

#[test]
fn a_read_only_register_is_not_written() {
    let svd = index_of(
        "<device><name>T</name><peripherals><peripheral><name>UART0</name>\
         <baseAddress>0x40000000</baseAddress><registers><register><name>STAT</name>\
         <addressOffset>4</addressOffset><access>read-only</access></register>\
         <register><name>CTRL</name><addressOffset>8</addressOffset></register></registers>\
         </peripheral></peripherals></device>",
    );
    let found = said(&svd, Language::C, "UART0->STAT = 1; UART0->CTRL = 1; x = UART0->STAT & 1;");
    assert!(found.contains(&"wrong value \"UART0->STAT = 1\"".to_owned()), "{found:?}");
    assert_eq!(found.iter().filter(|line| line.starts_with("wrong")).count(), 1);
}

#[test]
fn what_the_firmware_writes_is_judged_where_it_is_written() {
    let wrong = |elf: &str| -> Vec<(String, Option<String>)> {
        let uses = assist::check::check_firmware(&index(elf));
        assert!(uses.iter().filter(|found| found.verdict == Verdict::Ok).count() > 5);
        let wrong = uses.into_iter().filter(|found| found.verdict == Verdict::Wrong);
        wrong
            .map(|found| {
                assert!(found.file.unwrap().ends_with("uart.c") && found.line.is_some());
                (found.text, found.expected)
            })
            .collect()
    };
    let expected = Some("0x01d7e000 (Baud115200)".to_owned());
    assert_eq!(wrong("faulty.elf"), [("UART0.BAUDRATE = 0x0001c200".to_owned(), expected)]);
    assert_eq!(wrong("fixed.elf"), []);
}

/// The same firmware against chips that differ from its own.
#[test]
fn what_the_firmware_does_is_held_against_this_chip() {
    let text = std::fs::read_to_string(example("nrf51.svd")).unwrap().replace("\r\n", "\n");
    let wrong = |svd: &str, expected: &str| {
        let found = assist::check::check_firmware(&with_firmware(svd));
        let wrong: Vec<String> = found
            .into_iter()
            .filter(|found| found.verdict == Verdict::Wrong)
            .map(|found| format!("{}: {}", found.text, found.why))
            .collect();
        assert!(wrong.iter().any(|line| line == expected), "{expected}: {wrong:#?}");
    };
    let uart = text.find("<name>UART0</name>\n      <version>").unwrap();
    let moved = text[uart..].replacen("0x40002000", "0x4004F000", 1);
    wrong(
        &format!("{}{moved}", &text[..uart]),
        "write to 0x40002500: no peripheral of the chip is there",
    );
    let enable = uart + text[uart..].find("<name>ENABLE</name>").unwrap();
    let locked =
        text[enable..].replacen("<addressOffset>", "<access>read-only</access><addressOffset>", 1);
    let fields = locked.find("<fields>").unwrap();
    let end = locked.find("</fields>").unwrap();
    wrong(
        &format!("{}{}{}", &text[..enable], &locked[..fields], &locked[end + 9..]),
        "write to UART0.ENABLE: UART0.ENABLE is read-only",
    );
    let timer = text.find("<name>TIMER0</name>\n      <version>").unwrap();
    let renumbered = text[timer..].replacen("<value>8</value>", "<value>12</value>", 1);
    wrong(
        &format!("{}{renumbered}", &text[..timer]),
        "TIMER0_IRQHandler: interrupt 8 is nothing; TIMER0 is 12",
    );
    // A handler of another name is called all the same, since the table has it.
    let renamed = text.replacen(
        "<name>TIMER0</name>\n        <value>8</value>",
        "<name>TIMRE0</name>\n        <value>8</value>",
        1,
    );
    let found = assist::check::check_firmware(&with_firmware(&renamed));
    let handler = found.iter().find(|found| found.text == "TIMER0_IRQHandler").unwrap();
    assert_eq!(handler.verdict, Verdict::Unknown);
    assert_eq!(handler.why, "the chip has no interrupt TIMER0: it serves 8, TIMRE0");
    assert_eq!(handler.expected.as_deref(), Some("TIMRE0_IRQHandler"));
}

fn with_firmware(svd: &str) -> svd_index::Index {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip.svd");
    std::fs::write(&path, svd).unwrap();
    let sources = svd_index::Sources { svds: vec![path.into()], elfs: vec![example("faulty.elf")] };
    svd_index::Index::open(&sources, folder.path()).unwrap().index
}

#[test]
fn with_no_chip_nothing_is_said_of_code() {
    let index = crate::support::no_index();
    assert!(said(&index, Language::C, "NRF_UART0->BUADRATE = 1;").is_empty());
}

#[test]
fn no_text_makes_it_panic() {
    let svd = index("faulty.elf");
    let checker = Checker::new(&svd, None);
    let pieces = [
        "NRF_UART0",
        "->",
        "BAUDRATE",
        ".",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "=",
        "|=",
        "<<",
        "13",
        "|w|",
        "w.",
        "#define ",
        "#if ",
        "#endif",
        "\n",
        "\\\n",
        "struct ",
        "typedef ",
        "enum ",
        "UART_CONFIG_HWFC_Msk",
        ";",
        ",",
        "/*",
        "*/",
        "//",
        "'",
        "\"",
        "0x40002524",
        "~",
        "*",
        "&",
        "const ",
        "uint32_t ",
        "x",
        ":",
        "::",
        "ß",
        "…",
        "unsafe ",
        ".write(",
        "18446744073709551615",
        "0x",
        "1'",
        "UART0_IRQn",
        "offsetof",
        "```c\n",
        "```",
    ];
    let mut seed = 11u64;
    for round in 0..300 {
        let mut text = String::new();
        for _ in 0..80 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text += pieces[(seed >> 33) as usize % pieces.len()];
        }
        let language = [Language::C, Language::Rust, Language::Markdown][round % 3];
        for remark in checker.check(&text, language, &Headers::default()) {
            assert_eq!(text[remark.claim.span.clone()], remark.claim.text, "{text:?}");
        }
    }
}

#[test]
fn macros_that_double_and_brackets_without_end_take_no_time() {
    let svd = index("");
    let checker = Checker::new(&svd, None);
    let mut bomb = String::from("#define A0 1\n");
    for level in 1..60 {
        bomb += &format!("#define A{level} (A{0} + A{0})\n", level - 1);
    }
    bomb += "NRF_UART0->ENABLE = A59;\n";
    checker.check(&bomb, Language::C, &Headers::default());
    for text in [
        "(".repeat(200_000),
        "struct {".repeat(50_000),
        "a->".repeat(100_000),
        "a[".repeat(50_000),
        "x|".repeat(100_000),
        "struct s { int a; } t; struct { volatile u } v\nstruct { int u".to_owned(),
        "struct a { struct { int b".to_owned(),
        "#[repr(C)] struct A { a: [u8;".to_owned(),
        format!("#[repr(C)] struct A {{ a: {}{}", "[".repeat(50_000), ";1]".repeat(50_000)),
        "typedef struct { volatile u;\nstruct { struct { int b; } c".to_owned(),
    ] {
        checker.check(&text, Language::C, &Headers::default());
        checker.check(&text, Language::Rust, &Headers::default());
    }
}
