//! Answers held against the chip, the firmware and the board.

use assist::{Claim, Verifier};
use bundle::Bundle;
use svd_index::Index;

use crate::support::{FAULTY, board, index, no_index};

/// `verdict kind "text"`, and what is right where it is wrong.
fn line(claim: &Claim) -> String {
    let expected = claim.expected.as_ref().map(|e| format!(" -> {e}")).unwrap_or_default();
    format!("{} {} {:?}{expected}", claim.verdict, claim.kind, claim.text)
}

struct Bench {
    index: Index,
    bundle: Bundle,
}

impl Bench {
    fn faulty() -> Self {
        Self { index: index("faulty.elf"), bundle: board(FAULTY) }
    }

    fn claims(&self, answer: &str) -> Vec<Claim> {
        Verifier::check(&self.index, Some(&self.bundle), answer)
    }

    fn check(&self, answer: &str, expected: &[&str]) {
        let said: Vec<String> = self.claims(answer).iter().map(line).collect();
        assert_eq!(said, expected, "for {answer:?}");
    }
}

#[test]
fn registers_in_any_spelling_are_known() {
    let bench = Bench::faulty();
    let check = |answer: &str, text: &str| {
        bench.check(answer, &[&format!("ok register {text:?}")]);
    };
    check("Look at UART0.BAUDRATE.", "UART0.BAUDRATE");
    check("`UART0->BAUDRATE` matters", "UART0->BAUDRATE");
    check("NRF_UART0->BAUDRATE;", "NRF_UART0->BAUDRATE");
    check("p.UART0.baudrate.read().bits()", "UART0.baudrate");
    check("GPIO.PIN_CNF[3] is set", "GPIO.PIN_CNF[3]");
    check("UART0_BAUDRATE", "UART0_BAUDRATE");
    check("The UART0 is fine", "UART0");
    check("see TIMER0.CC[2] and more", "TIMER0.CC[2]");
}

#[test]
fn names_that_are_none_of_the_chip_are_wrong_with_the_nearest_right_one() {
    let bench = Bench::faulty();
    bench.check("Set UART0.BAUD first.", &["wrong register \"UART0.BAUD\" -> UART0.BAUDRATE"]);
    bench.check(
        "NRF_UART0->BUADRATE is it",
        &["wrong register \"NRF_UART0->BUADRATE\" -> UART0.BAUDRATE"],
    );
    bench.check("UART1->BAUDRATE", &["wrong register \"UART1->BAUDRATE\" -> UART0.BAUDRATE"]);
    bench.check("write USART2->BRR", &["wrong register \"USART2->BRR\""]);
    bench.check(
        "UART0.CONFIG.PARTY",
        &["ok register \"UART0.CONFIG\"", "wrong field \"UART0.CONFIG.PARTY\" -> PARITY"],
    );
    bench.check(
        "On UART0 the BAUDRAT register holds it",
        &["ok register \"UART0\"", "wrong register \"BAUDRAT\" -> UART0.BAUDRATE"],
    );
}

#[test]
fn parts_of_the_arm_core_are_known_or_at_least_not_accused() {
    let bench = Bench::faulty();
    // ARMv6-M has no CFSR; what this core lacks is another one's, not an invention.
    bench.check("SCB->CFSR", &["unknown register \"SCB->CFSR\""]);
    bench.check("NVIC->ISER[0] = 1;", &["ok register \"NVIC->ISER[0]\""]);
    bench.check("SysTick->CTRL", &["ok register \"SysTick->CTRL\""]);
    bench.check("read the CFSR register", &["unknown register \"CFSR\""]);
}

#[test]
fn a_kind_of_peripheral_means_the_instance_that_was_spoken_of() {
    let bench = Bench::faulty();
    bench.check(
        "TIMER1 is stopped: TIMER_PRESCALER at 0x40009510",
        &[
            "ok register \"TIMER1\"",
            "ok register \"TIMER_PRESCALER\"",
            "ok address \"TIMER_PRESCALER at 0x40009510\"",
        ],
    );
    bench.check(
        "TIMER_PRESCALER at 0x4000A510",
        &["ok register \"TIMER_PRESCALER\"", "ok address \"TIMER_PRESCALER at 0x4000A510\""],
    );
    bench.check("UART0.CONFIG = 4 / 2;", &["ok register \"UART0.CONFIG\""]);
}

#[test]
fn ordinary_words_and_code_are_no_claims() {
    let bench = Bench::faulty();
    for answer in [
        "The UART prints garbage; check GPIO and the CPU. NOTE: RTFM, e.g. U.S. rules.",
        "Use a loop: for (int i = 0; i < 10; i++) { buf[i] = 0; }",
        "On ARM, VOLATILE is a must. TODO: RESET the MODE and ENABLE it.",
        "const UART_BUFFER_SIZE: usize = 64; let x = self.head;",
        "The value 5 and 0x20 and 3.3 V at 9600 8N1.",
        "See README.MD and config.toml.",
        "1. Cause 2. Evidence 3. Fix: I think so...",
    ] {
        bench.check(answer, &[]);
    }
}

#[test]
fn what_a_register_holds_is_checked_against_the_board() {
    let bench = Bench::faulty();
    let register = "ok register \"UART0.BAUDRATE\"";
    let check = |answer: &str, value: &str| bench.check(answer, &[register, value]);
    check("UART0.BAUDRATE is 0x1C200.", "ok value \"UART0.BAUDRATE is 0x1C200\"");
    check("UART0.BAUDRATE holds 115200", "ok value \"UART0.BAUDRATE holds 115200\"");
    check("UART0.BAUDRATE reads 115,200 now", "ok value \"UART0.BAUDRATE reads 115,200\"");
    check(
        "UART0.BAUDRATE holds 0x01D7E000.",
        "wrong value \"UART0.BAUDRATE holds 0x01D7E000\" -> 0x0001c200",
    );
    check(
        "UART0.BAUDRATE should be 0x01D7E000.",
        "ok value \"UART0.BAUDRATE should be 0x01D7E000\"",
    );
    check(
        "UART0.BAUDRATE must be set to 9600",
        "wrong value \"UART0.BAUDRATE must be set to 9600\" -> 0x00275000 (Baud9600)",
    );
    bench.check(
        "The firmware writes 115200 to BAUDRATE.",
        &["ok value \"115200 to BAUDRATE\"", "ok register \"BAUDRATE\""],
    );
    bench.check(
        "UART0.PSELRXD is 7",
        &["ok register \"UART0.PSELRXD\"", "unknown value \"UART0.PSELRXD is 7\""],
    );
}

#[test]
fn addresses_and_reset_values_are_checked() {
    let bench = Bench::faulty();
    bench.check(
        "UART0.BAUDRATE (0x40002524)",
        &["ok register \"UART0.BAUDRATE\"", "ok address \"UART0.BAUDRATE (0x40002524\""],
    );
    bench.check(
        "UART0.BAUDRATE at 0x40002520",
        &[
            "ok register \"UART0.BAUDRATE\"",
            "wrong address \"UART0.BAUDRATE at 0x40002520\" -> 0x40002524",
        ],
    );
    bench.check(
        "The reset value of UART0.BAUDRATE is 0x00000000.",
        &["ok register \"UART0.BAUDRATE\"", "ok reset \"UART0.BAUDRATE is 0x00000000\""],
    );
    bench.check(
        "UART0.BAUDRATE resets to 0x01D7E000",
        &[
            "ok register \"UART0.BAUDRATE\"",
            "wrong reset \"UART0.BAUDRATE resets to 0x01D7E000\" -> 0x00000000",
        ],
    );
    bench.check(
        "UART0.BAUDRATE (0x40002524) holds 0x01D7E000",
        &[
            "ok register \"UART0.BAUDRATE\"",
            "ok address \"UART0.BAUDRATE (0x40002524\"",
            "wrong value \"UART0.BAUDRATE (0x40002524) holds 0x01D7E000\" -> 0x0001c200",
        ],
    );
    bench.check("a store to 0x40002524", &["ok address \"0x40002524\""]);
    bench.check("a store to 0x47770000", &["unknown address \"0x47770000\""]);
}

#[test]
fn enumerated_values_are_checked_with_their_numbers() {
    let bench = Bench::faulty();
    bench.check(
        "Use Baud115200 = 0x01D7E000.",
        &["ok enum \"Baud115200\"", "ok enum \"Baud115200 = 0x01D7E000\""],
    );
    bench.check(
        "`Baud115200` (0x01D60000)",
        &["ok enum \"Baud115200\"", "wrong enum \"Baud115200` (0x01D60000\" -> 0x01d7e000"],
    );
    bench.check(
        "0x01D7E000 (Baud115200)",
        &["ok enum \"0x01D7E000 (Baud115200\"", "ok enum \"Baud115200\""],
    );
    bench.check(
        "UART0.BAUDRATE takes Baud115300",
        &["ok register \"UART0.BAUDRATE\"", "wrong enum \"Baud115300\" -> Baud115200"],
    );
    bench.check(
        "UART_BAUDRATE_BAUDRATE_Baud115200",
        &["ok enum \"UART_BAUDRATE_BAUDRATE_Baud115200\""],
    );
}

#[test]
fn an_assignment_in_code_is_what_to_write_unless_it_is_quoted_as_what_is() {
    let bench = Bench::faulty();
    let register = "ok register \"NRF_UART0->BAUDRATE\"";
    bench.check(
        "Fix:\n```c\nNRF_UART0->BAUDRATE = 0x01D7E000;\n```\n",
        &[register, "ok value \"NRF_UART0->BAUDRATE = 0x01D7E000\""],
    );
    bench.check(
        "Fix:\n```c\nNRF_UART0->BAUDRATE = 115200;\n```\n",
        &[register, "wrong value \"NRF_UART0->BAUDRATE = 115200\" -> 0x01d7e000 (Baud115200)"],
    );
    bench.check(
        "The code currently has\n```c\nNRF_UART0->BAUDRATE = 115200;\n```\n",
        &[register, "ok value \"NRF_UART0->BAUDRATE = 115200\""],
    );
    bench.check(
        "```diff\n-    NRF_UART0->BAUDRATE = 115200;\n+    NRF_UART0->BAUDRATE = 9600;\n```\n",
        &[
            register,
            "ok value \"NRF_UART0->BAUDRATE = 115200\"",
            "wrong value \"NRF_UART0->BAUDRATE = 9600\" -> 0x00275000 (Baud9600)",
        ],
    );
    bench.check(
        "Replace `NRF_UART0->BAUDRATE = 115200` with `NRF_UART0->BAUDRATE = 0x01D7E000`.",
        &[
            register,
            "ok value \"NRF_UART0->BAUDRATE = 115200\"",
            "ok value \"NRF_UART0->BAUDRATE = 0x01D7E000\"",
        ],
    );
}

#[test]
fn fields_and_their_bits_are_checked() {
    let bench = Bench::faulty();
    bench.check(
        "UART0.CONFIG: the PARITY[3:1] field",
        &["ok register \"UART0.CONFIG\"", "ok field \"PARITY\"", "ok bits \"PARITY[3:1]\""],
    );
    bench.check(
        "UART0.CONFIG.HWFC (bit 4)",
        &[
            "ok register \"UART0.CONFIG\"",
            "ok field \"HWFC\"",
            "wrong bits \"HWFC (bit 4)\" -> HWFC[0]",
        ],
    );
}

#[test]
fn names_of_headers_flags_and_interrupts_have_places_too() {
    let bench = Bench::faulty();
    bench.check(
        "UART0_CONFIG_HWFC is bit 4.",
        &["ok field \"UART0_CONFIG_HWFC\"", "wrong bits \"UART0_CONFIG_HWFC is bit 4\" -> HWFC[0]"],
    );
    bench.check(
        "UART0.CONFIG: HWFC[4]",
        &["ok register \"UART0.CONFIG\"", "ok field \"HWFC\"", "wrong bits \"HWFC[4]\" -> HWFC[0]"],
    );
    bench.check(
        "In UART0.CONFIG, HWFC is UART0_CONFIG[4]",
        &[
            "ok register \"UART0.CONFIG\"",
            "ok field \"HWFC\"",
            "wrong bits \"HWFC is UART0_CONFIG[4]\" -> HWFC[0]",
            "ok register \"UART0_CONFIG[4]\"",
        ],
    );
    bench.check(
        "TIMER0 is a 32-bit timer at 0x40009000",
        &[
            "ok register \"TIMER0\"",
            "wrong base \"TIMER0 is a 32-bit timer at 0x40009000\" -> 0x40008000",
        ],
    );
    bench.check(
        "Set the register `UART0_BAUD` in TIMER0.",
        &["wrong register \"UART0_BAUD\" -> UART0.BAUDRATE", "ok register \"TIMER0\""],
    );
    bench.check(
        "The address of UART0.BAUDRATE is 0x40002528",
        &[
            "ok register \"UART0.BAUDRATE\"",
            "wrong address \"UART0.BAUDRATE is 0x40002528\" -> 0x40002524",
        ],
    );
    bench.check(
        "UART0 is at 40003000h",
        &["ok register \"UART0\"", "wrong base \"UART0 is at 40003000h\" -> 0x40002000"],
    );
}

#[test]
fn a_value_in_a_table_is_what_its_heading_says() {
    let bench = Bench::faulty();
    bench.check(
        "| Register | Reset |\n|---|---|\n| UART0.BAUDRATE | 0x24003010 |\n",
        &[
            "ok register \"UART0.BAUDRATE\"",
            "wrong reset \"UART0.BAUDRATE | 0x24003010\" -> 0x00000000",
        ],
    );
}

#[test]
fn bits_in_a_list_belong_to_one_field_each() {
    let bench = Bench::faulty();
    let told = ["ok register \"UART0.CONFIG\"", "ok field \"HWFC\""];
    let check = |answer: &str, rest: &[&str]| bench.check(answer, &[&told[..], rest].concat());
    let parity = "ok field \"PARITY\"";
    check(
        "In UART0.CONFIG, HWFC is bit 0, PARITY = bits 3:1.",
        &["ok bits \"HWFC is bit 0\"", parity, "ok bits \"PARITY = bits 3:1\""],
    );
    check("In UART0.CONFIG, HWFC is bit 0, PARITY is next", &["ok bits \"HWFC is bit 0\"", parity]);
    // What the first is nobody knows, but the bit is said of it.
    check("In UART0.CONFIG, STOPS is bit 5, HWFC is next", &[]);
    for between in [":", " -", " –", " =", ","] {
        bench.check(
            &format!("In UART0.CONFIG set bit 4{between} HWFC"),
            &[told[0], &format!("wrong bits \"bit 4{between} HWFC\" -> HWFC[0]"), told[1]],
        );
        bench.check(
            &format!("In UART0.CONFIG set bits 3:1{between} PARITY"),
            &[told[0], &format!("ok bits \"bits 3:1{between} PARITY\""), parity],
        );
    }
    bench.check(
        "In UART0.CONFIG, bit 0, HWFC and bits 3:1, PARITY",
        &[told[0], "ok bits \"bit 0, HWFC\"", told[1], "ok bits \"bits 3:1, PARITY\"", parity],
    );
}

#[test]
fn blocks_of_code_are_read_as_code() {
    let bench = Bench::faulty();
    bench.check(
        "Do this:\n```c\nNRF_UART0->CONFIG |= (1 << 13);\n#define UART0_BASE 0x40003000\n```\n",
        &[
            "ok register \"NRF_UART0->CONFIG\"",
            "wrong bits \"(1 << 13)\"",
            "ok register \"UART0_BASE\"",
            "wrong base \"UART0_BASE 0x40003000\" -> 0x40002000",
        ],
    );
    bench.check(
        "Do this:\n```rust\np.UART0.config.modify(|_, w| w.partiy().included());\n```\n",
        &["ok register \"UART0.config\"", "wrong field \"partiy\" -> parity"],
    );
    bench.check(
        "```diff\n-NRF_UART0->CONFIG |= (1 << 13);\n+NRF_UART0->CONFIG |= (1 << 0);\n```\n",
        &["ok register \"NRF_UART0->CONFIG\"", "ok bits \"(1 << 0)\""],
    );
}

#[test]
fn places_in_prose_are_checked() {
    let bench = Bench::faulty();
    bench.check(
        "`UART0.CONFIG.HWFC` is bit 4.",
        &[
            "ok register \"UART0.CONFIG\"",
            "ok field \"HWFC\"",
            "wrong bits \"HWFC` is bit 4\" -> HWFC[0]",
        ],
    );
    bench.check(
        "UART0.BAUDRATE is at offset 0x528",
        &[
            "ok register \"UART0.BAUDRATE\"",
            "wrong offset \"UART0.BAUDRATE is at offset 0x528\" -> 0x524",
        ],
    );
    bench.check(
        "The base address of UART0 is 0x40003000",
        &["ok register \"UART0\"", "wrong base \"UART0 is 0x40003000\" -> 0x40002000"],
    );
    bench.check("TIMER0_IRQn is 9", &["wrong interrupt \"TIMER0_IRQn is 9\" -> 8"]);
    bench.check(
        "The UART0 interrupt is number 2",
        &["ok register \"UART0\"", "ok interrupt \"UART0 interrupt is number 2\""],
    );
    bench.check(
        "The interrupt of UART0 is 3. The IRQ number for the UART0 is 2.",
        &[
            "ok register \"UART0\"",
            "wrong interrupt \"UART0 is 3\" -> 2",
            "ok interrupt \"UART0 is 2\"",
        ],
    );
    bench.check("UART0 at 115200 baud, UART0 with 8 bits", &["ok register \"UART0\""]);
    bench.check(
        "`heartbeat.ticks` counts, heartbeat.tick does not",
        &["ok type \"heartbeat.ticks\"", "wrong type \"heartbeat.tick\" -> heartbeat.ticks"],
    );
}

#[test]
fn rows_of_tables_say_what_sentences_say() {
    let bench = Bench::faulty();
    let wrong: Vec<String> = bench
        .claims(
            "## UART0\n\n| Register | Offset | Reset |\n|---|---|---|\n\
             | `UART0.ENABLE` | 0x500 | 0x00000000 |\n\
             | BAUDRATE | 0x528 | 0x04000000 |\n\n\
             | Peripheral | Base |\n|:-|-:|\n| UART0 | 0x40002000 |\n| TIMER0 | 0x40009000 |\n",
        )
        .iter()
        .filter(|claim| claim.verdict == assist::Verdict::Wrong)
        .map(line)
        .collect();
    assert_eq!(
        wrong,
        [
            "wrong offset \"BAUDRATE | 0x528\" -> 0x524",
            "wrong reset \"BAUDRATE | 0x528 | 0x04000000\" -> 0x00000000",
            "wrong base \"TIMER0 | 0x40009000\" -> 0x40008000",
        ]
    );
}

#[test]
fn functions_files_and_lines_are_checked_against_the_firmware() {
    let bench = Bench::faulty();
    bench.check("`uart_init()` runs", &["ok symbol \"uart_init\""]);
    bench.check("uart_inti() runs", &["wrong symbol \"uart_inti\" -> uart_init"]);
    bench.check("call frobnicate() then", &["unknown symbol \"frobnicate\""]);
    let write = bench.index.firmware().unwrap().accesses_to(0x4000_2524)[0].line.unwrap();
    bench.check(&format!("uart.c:{write}"), &[&format!("ok line \"uart.c:{write}\"")]);
    bench.check(&format!("uart.c, line {write}"), &[&format!("ok line \"uart.c, line {write}\"")]);
    bench.check("uart.c:900 is it", &["wrong line \"uart.c:900\""]);
    bench.check("other_thing.c:12", &["unknown line \"other_thing.c:12\""]);
}

const ANSWER: &str = "Cause: UART0.BAUDRATE (0x40002524) holds 0x0001C200, which is 115200. That is \
    none of its values; `Baud115200` is 0x01D7E000. In `uart_init()` uart.c:31 writes it.\n\n\
    Fix:\n```c\nNRF_UART0->BAUDRATE = 0x01D7E000; /* was 115200 */\n```\nCheck next: UART0.ENABLE \
    and UART0.BAUD, ENABLE[3:0].";

#[test]
fn claims_do_not_depend_on_how_the_answer_arrives() {
    let bench = Bench::faulty();
    let whole = bench.claims(ANSWER);
    assert!(whole.len() >= 8, "{whole:#?}");
    let chars: Vec<char> = ANSWER.chars().collect();
    for size in 1..=chars.len() {
        let mut verifier = Verifier::new(&bench.index, Some(&bench.bundle));
        let mut claims = Vec::new();
        for piece in chars.chunks(size) {
            claims.extend(verifier.feed(&piece.iter().collect::<String>()));
        }
        claims.extend(verifier.finish());
        assert_eq!(claims, whole, "in pieces of {size}");
    }
}

#[test]
fn spans_are_bytes_of_the_whole_answer_and_nothing_is_said_twice() {
    let answer = format!("Größe… {ANSWER} {ANSWER}");
    let claims = Bench::faulty().claims(&answer);
    for claim in &claims {
        assert_eq!(answer[claim.span.clone()], claim.text);
    }
    let mut said: Vec<_> = claims.iter().map(|c| (c.kind, c.verdict, &c.text)).collect();
    let all = said.len();
    said.sort();
    said.dedup();
    assert_eq!(said.len(), all);
}

#[test]
fn claims_come_as_soon_as_their_sentence_ends() {
    let bench = Bench::faulty();
    let mut verifier = Verifier::new(&bench.index, Some(&bench.bundle));
    assert_eq!(verifier.feed("UART0.BAUDRATE is"), []);
    assert_eq!(verifier.feed(" 115200."), []);
    assert_eq!(verifier.feed(" ").len(), 2);
    assert_eq!(verifier.finish(), []);
}

#[test]
fn with_no_sources_nothing_is_accused() {
    let index = no_index();
    for claim in Verifier::check(&index, None, ANSWER) {
        assert_eq!(claim.verdict, assist::Verdict::Unknown, "{claim:?}");
    }
}

#[test]
fn no_text_makes_it_panic() {
    let bench = Bench::faulty();
    let mut seed = 7u64;
    let pieces = [
        "UART0",
        ".",
        "->",
        "BAUDRATE",
        "[",
        "]",
        "0x40002524",
        "=",
        "(",
        ")",
        "`",
        "```",
        "\n",
        " ",
        "is",
        "at",
        "Baud115200",
        "ß",
        "…",
        "115,200",
        ":",
        "uart.c",
        "reset",
        "18446744073709551615",
        "0xffffffffffffffff",
        "|=",
        "<<",
        "CC[99]",
        "register",
        "to",
        ",",
        "\u{202e}",
    ];
    for _ in 0..150 {
        let mut text = String::new();
        for _ in 0..60 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text += pieces[(seed >> 33) as usize % pieces.len()];
        }
        let mut verifier = Verifier::new(&bench.index, Some(&bench.bundle));
        for claim in verifier.feed(&text).into_iter().chain(verifier.finish()) {
            assert_eq!(text[claim.span.clone()], claim.text, "{text:?}");
        }
    }
}
