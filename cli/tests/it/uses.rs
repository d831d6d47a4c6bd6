//! `silk uses`: which code touches which register.

use serde_json::json;

use crate::silk::{Silk, example};

/// A program of `examples/register-use`.
fn drivers(name: &str) -> String {
    example(&format!("../register-use/{name}"))
}

#[test]
fn a_register_has_the_line_that_writes_it() {
    let (svd, elf) = (example("nrf51.svd"), example("faulty.elf"));
    let run = Silk::new().run(["uses", "UART0.BAUDRATE", "--json", "--svd", &svd, "--elf", &elf]);
    let lines = run.expect(0).json();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let mut line = line.clone();
    let pc = line["pc"].take();
    assert!(pc.as_str().unwrap().starts_with("0x0000"), "{pc}");
    let expected = json!({
        "version": 1,
        "pc": null,
        "function": "uart_init",
        "inlined": [],
        "file": "uart.c",
        "line": 29,
        "register": "UART0.BAUDRATE",
        "address": "0x40002524",
        "alias": null,
        "op": "write",
        "size_bits": 32,
        "value": "0x0001c200",
        "mask": null,
        "certainty": "exact",
    });
    assert_eq!(line, expected);
}

#[test]
fn drivers_are_followed_through_handles_tables_and_arguments() {
    let (svd, elf) = (example("nrf51.svd"), drivers("nrf51.elf"));
    let silk = Silk::new();
    let ask = |args: &[&str]| {
        silk.run([args, &["--json", "--svd", &svd, "--elf", &elf]].concat()).expect(0).json()
    };
    let started = ask(&["uses", "TIMER*.PRESCALER", "--fn", "timer_init"]);
    let seen: Vec<_> = started
        .iter()
        .map(|line| (line["register"].as_str().unwrap(), line["value"].as_str().unwrap()))
        .collect();
    let expected = [
        ("TIMER0.PRESCALER", "0x00000004"),
        ("TIMER1.PRESCALER", "0x00000005"),
        ("TIMER2.PRESCALER", "0x00000006"),
    ];
    assert_eq!(seen, expected);
    let changed = ask(&["uses", "TIMER0.SHORTS"]);
    let changed: Vec<_> = changed.iter().filter(|line| line["op"] == "rmw").collect();
    assert_eq!(changed[0]["mask"], changed[0]["value"], "{changed:?}");
    let all = ask(&["uses"]);
    assert!(all.len() > 90, "{}", all.len());
    assert!(all.iter().all(|line| line["function"].is_string() && line["line"].is_u64()));
}

#[test]
fn people_read_it_by_register_and_function() {
    let (svd, elf) = (example("nrf51.svd"), drivers("nrf51.elf"));
    let run = Silk::new().run(["uses", "UART0.PSELTXD", "--svd", &svd, "--elf", &elf]);
    let out = run.expect(0).stdout;
    assert_eq!(out, "UART0.PSELTXD\n  uart_apply\n    nrf51.c:75  writes 0x00000018\n");
}

#[test]
fn what_is_not_touched_or_not_there_is_told() {
    let (svd, elf) = (example("nrf51.svd"), drivers("nrf51.elf"));
    let run = Silk::new().run(["uses", "SPI0.ENABLE", "--svd", &svd, "--elf", &elf]);
    let run = run.expect(4);
    assert!(run.stderr.contains("no code is seen to touch `SPI0.ENABLE`"), "{}", run.stderr);
    let run = Silk::new().run(["uses", "UART0.BAUDRAET", "--svd", &svd, "--elf", &elf]);
    assert!(run.expect(4).stderr.contains("UART0.BAUDRATE"));
    Silk::new().run(["uses", "--svd", &svd]).expect(2);
}

#[test]
fn a_function_is_explained_by_what_it_sets_up() {
    let (svd, elf) = (example("nrf51.svd"), example("faulty.elf"));
    let silk = Silk::new();
    let ask = |function: &str, more: &[&str]| {
        silk.run([&["explain", function, "--svd", &svd, "--elf", &elf], more].concat())
    };
    let run = ask("uart.c:uart_init", &[]).expect(0);
    let text = run.stdout;
    assert!(text.contains("UART0.BAUDRATE"), "{text}");
    assert!(text.contains("ENABLE = 0x4 Enabled"), "{text}");
    assert!(text.contains("→ 0x01d7e000 (Baud115200)"), "{text}");
    assert!(text.contains("a real part would run at about 429 baud"), "{text}");

    let lines = ask("uart_init", &["--json"]).expect(0).json();
    let baud = lines.iter().find(|line| line["register"] == "UART0.BAUDRATE").unwrap();
    assert_eq!(baud["line"], 29);
    assert_eq!(baud["fields"][0], json!({"name": "BAUDRATE", "value": 0x1c200, "meaning": null}));
    assert!(baud["wrong"][0].as_str().unwrap().contains("none of the enumerated values"));

    let slip = ask("uart_intt", &[]).expect(4);
    assert!(slip.stderr.contains("near: uart_init"), "{}", slip.stderr);
    let elsewhere = ask("main.c:uart_init", &[]).expect(4);
    assert!(elsewhere.stderr.contains("not seen to touch a register"), "{}", elsewhere.stderr);
}
