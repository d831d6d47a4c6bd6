//! `silk reg`, `addr`, `sym`: what scripts rely on.

use serde_json::json;

use crate::silk::{Silk, example, faulty};

fn svd() -> [String; 2] {
    ["--svd".into(), example("nrf51.svd")]
}

#[test]
fn a_register_in_any_spelling_is_the_same_register() {
    let silk = Silk::new();
    for spelling in [
        "UART0.BAUDRATE",
        "uart0.baudrate",
        "UART0->BAUDRATE",
        "NRF_UART0->BAUDRATE",
        "uart0().baudrate()",
        "0x40002524",
        "0x4000_2524",
    ] {
        let run =
            silk.run([&["reg", spelling, "--json"][..], &svd().each_ref().map(|s| &**s)].concat());
        let hits = run.expect(0).json();
        assert_eq!(hits[0]["path"], "UART0.BAUDRATE", "{spelling}");
        assert_eq!(hits[0]["address"], "0x40002524", "{spelling}");
    }
}

#[test]
fn a_register_has_every_promised_key() {
    let run = Silk::new().run(["reg", "UART0.CONFIG", "--json", "--svd", &example("nrf51.svd")]);
    let hits = run.expect(0).json();
    let [register] = hits.as_slice() else { panic!("{hits:?}") };
    let expected = json!({
        "version": 1,
        "path": "UART0.CONFIG",
        "aliases": [],
        "origin": "svd",
        "manual": null,
        "space": "memory",
        "address": "0x4000256c",
        "size_bits": 32,
        "access": "read-write",
        "reset_value": "0x00000000",
        "reset_mask": "0xffffffff",
        "read_action": null,
        "modified_write_values": null,
        "description": "Configuration of parity and hardware flow control register.",
        "fields": [{
            "name": "HWFC", "lsb": 0, "width": 1, "access": "read-write",
            "read_action": null, "modified_write_values": null,
            "description": "Hardware flow control.",
            "enums": [
                { "name": "Disabled", "value": "0x00000000", "mask": "0x00000001", "is_default": false,
                  "usage": "read-write", "description": "Hardware flow control disabled." },
                { "name": "Enabled", "value": "0x00000001", "mask": "0x00000001", "is_default": false,
                  "usage": "read-write", "description": "Hardware flow control enabled." },
            ],
        }],
    });
    let mut first = register.clone();
    first["fields"].as_array_mut().unwrap().truncate(1);
    assert_eq!(first, expected);
}

#[test]
fn a_value_is_decoded_by_field() {
    let silk = Silk::new();
    let decode = |query: &str| {
        let run = silk.run(["reg", query, "--json", "--svd", &example("nrf51.svd")]);
        let mut hits = run.expect(0).json();
        hits.remove(0)
    };
    let wrong = decode("UART0.BAUDRATE=0x1C200");
    assert_eq!(wrong["value"], "0x0001c200");
    assert_eq!(wrong["fields"][0]["raw"], "0x0001c200");
    assert_eq!(wrong["fields"][0]["decoded"], serde_json::Value::Null);
    assert_eq!(wrong["reserved"], "0x00000000");
    assert_eq!(decode("UART0.CONFIG=0x11")["reserved"], "0x00000010");
    let right = decode("UART0.BAUDRATE=0x01D7E000");
    assert_eq!(right["fields"][0]["decoded"], "Baud115200");
}

#[test]
fn a_typo_gets_the_nearest_names() {
    let run = Silk::new().run(["reg", "UART0.BAUDRAT3", "--svd", &example("nrf51.svd")]).expect(4);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("hint: did you mean UART0.BAUDRATE"), "{}", run.stderr);
}

#[test]
fn an_address_has_its_register_or_its_line() {
    let silk = Silk::new();
    let at = |address: &str| {
        let run = silk
            .run([&["addr", address, "--json"][..], &faulty().each_ref().map(|s| &**s)].concat());
        let mut answers = run.expect(0).json();
        answers.remove(0)
    };
    let register = at("0x40002525");
    assert_eq!(register["registers"], json!(["UART0.BAUDRATE"]));
    assert_eq!(register["function"], serde_json::Value::Null);
    // The store to BAUDRATE, see the listing of faulty.elf.
    let code = at("0x000001fc");
    assert_eq!(code["function"], "uart_init");
    assert!(code["file"].as_str().unwrap().ends_with("uart.c"), "{code}");
    assert_eq!(code["line"], 29);
    let variable = at("0x20000004");
    assert_eq!(variable["variable"], "heartbeat.reported");
}

#[test]
fn addresses_come_from_standard_input_too() {
    use std::io::Write;
    let silk = Silk::new();
    let run = |input: &[u8]| {
        let mut child = silk
            .command()
            .args(["addr", "-", "--json"])
            .args(faulty())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        crate::silk::Run::of(child.wait_with_output().unwrap())
    };
    assert_eq!(run(b"0x1fc 0x40002524\n0x20000000\n").expect(0).json().len(), 3);
    // What is no address costs itself.
    let odd = run(b"0x1fc\nmain 0x40002524\n").expect(2);
    assert_eq!(odd.json().len(), 2);
    assert!(odd.stderr.contains("line 2: `main` is not an address"), "{}", odd.stderr);
}

#[test]
fn a_symbol_has_its_place() {
    let run = Silk::new().run(["sym", "uart_init", "--json", "--elf", &example("faulty.elf")]);
    let hits = run.expect(0).json();
    assert_eq!(hits[0]["name"], "uart_init");
    assert_eq!(hits[0]["address"], "0x000001d0");
    assert_eq!(hits[0]["kind"], "function");
}

#[test]
fn a_closed_pipe_is_a_clean_end() {
    let silk = Silk::new();
    let mut child = silk
        .command()
        .args(["reg", "*", "--limit", "100000", "--svd", &example("nrf51.svd")])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let run = crate::silk::Run::of(child.wait_with_output().unwrap()).expect(0);
    assert_eq!(run.stderr, "");
}
