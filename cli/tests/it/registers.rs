//! `silk reg` beyond the look-up: drawings, lists of a peripheral, values made and compared.

use serde_json::{Value, json};

use crate::silk::{Run, Silk, example};

fn reg(arguments: &[&str]) -> Run {
    let svd = example("nrf51.svd");
    Silk::new().run([&["reg", "--svd", &svd][..], arguments].concat())
}

fn one(arguments: &[&str]) -> Value {
    let mut lines = reg(&[arguments, &["--json"]].concat()).expect(0).json();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[test]
fn a_peripheral_lists_its_registers_by_address() {
    for spelling in ["UART0", "uart0", "NRF_UART0"] {
        let run = reg(&[spelling]).expect(0);
        let mut lines = run.stdout.lines();
        let head = lines.next().unwrap();
        assert!(head.starts_with("UART0  0x40002000  interrupt 2 UART0"), "{head}");
        let registers: Vec<&str> = lines.collect();
        assert_eq!(registers.len(), 25, "all of them, whatever the usual limit: {spelling}");
        let address = |line: &&str| line.split("  ").nth(1).unwrap().to_owned();
        assert!(registers.iter().map(address).is_sorted());
        assert!(registers.iter().all(|line| line.starts_with("UART0.")));
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn a_list_marks_what_reading_changes_and_what_cannot_be_read() {
    let run = reg(&["UART0"]).expect(0);
    let line = |name: &str| {
        let path = format!("UART0.{name}  ");
        run.stdout.lines().find(|line| line.starts_with(&path)).unwrap().to_owned()
    };
    assert!(line("RXD").ends_with("reading changes the hardware"));
    assert!(line("TXD").contains("write-only"));
}

#[test]
fn a_peripheral_obeys_a_limit_that_is_asked_for() {
    let run = reg(&["UART0", "--limit", "3"]).expect(0);
    assert_eq!(run.stdout.lines().count(), 4);
    assert!(run.stderr.contains("22 more"), "{}", run.stderr);
}

#[test]
fn a_register_is_drawn_when_asked() {
    let run = reg(&["UART0.CONFIG", "--draw"]).expect(0);
    let expected = "
    31  4   3    1    0
  ┌───────┬────────┬──────┐
  │   -   │ PARITY │ HWFC │
  └───────┴────────┴──────┘
      [0]  HWFC  Hardware flow control.
";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
    let plain = reg(&["UART0.CONFIG"]).expect(0);
    assert!(!plain.stdout.contains('┌'), "no terminal, so no drawing: {}", plain.stdout);
}

#[test]
fn a_drawing_keeps_within_its_columns() {
    for register in ["GPIO.OUT", "UART0.BAUDRATE", "RADIO.SHORTS", "CLOCK.XTALFREQ"] {
        let run = reg(&[register, "--draw"]).expect(0);
        assert!(run.stdout.contains('┌'));
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn a_register_that_the_file_lacks_names_its_manual() {
    let silk = Silk::new();
    let svd = silk.write(
        "core.svd",
        "<device><name>T</name><cpu><name>CM4</name></cpu><peripherals><peripheral><name>P</name>
         <baseAddress>0</baseAddress><registers><register><name>R</name>
         <addressOffset>0</addressOffset></register></registers></peripheral></peripherals></device>",
    );
    let shown =
        |register: &str| silk.run(["reg", register, "--svd", svd.to_str().unwrap()]).expect(0);
    let core = shown("SCB.CFSR").stdout;
    assert!(core.contains("not from the SVD: ARMv7-M Architecture Reference Manual"), "{core}");
    assert!(!shown("P.R").stdout.contains("not from the SVD"));
}

#[test]
fn fields_by_name_make_a_value_over_the_reset_value() {
    let made = one(&["GPIO.PIN_CNF[3] DIR=Output PULL=0x3"]);
    assert_eq!(made["path"], "GPIO.PIN_CNF[3]");
    assert_eq!(made["value"], "0x0000000f", "INPUT keeps its reset value of 1");
    assert_eq!(made["mask"], "0x0000000d");
    let expected = json!([
        { "name": "DIR", "from": "0x00000000", "to": "0x00000001", "from_name": "Input", "to_name": "Output" },
        { "name": "PULL", "from": "0x00000000", "to": "0x00000003", "from_name": "Disabled", "to_name": "Pullup" },
    ]);
    assert_eq!(made["changed"], expected);
    let run = reg(&["UART0.CONFIG", "HWFC=enabled", "PARITY=7"]).expect(0);
    let expected = "
  value 0x0000000f  mask 0x0000000f
      [0]  HWFC  0x0 Disabled → 0x1 Enabled
    [3:1]  PARITY  0x0 Excluded → 0x7 Included
";
    assert!(run.stdout.ends_with(expected), "{}", run.stdout);
}

#[test]
fn a_made_value_decodes_to_what_was_asked() {
    let made = one(&["UART0.CONFIG PARITY=Included"]);
    let query = format!("UART0.CONFIG={}", made["value"].as_str().unwrap());
    assert_eq!(one(&[&query])["fields"][1]["decoded"], "Included");
}

#[test]
fn a_value_that_cannot_be_made_is_told_why() {
    let cases = [
        ("UART0.CONFIG PARTY=7", 4, "has no field `PARTY`", "did you mean PARITY?"),
        ("UART0.CONFIG PARITY=8", 2, "8 does not fit `PARITY`, which has 3 bits", "0x7"),
        ("UART0.CONFIG PARITY=Even", 4, "`Even` is no value of `PARITY`", "Excluded, Included"),
        ("UART0.CONFIG HWFC=1 HWFC=0", 2, "`HWFC` is set twice", ""),
        ("GPIO.PIN_CNF DIR=1", 2, "is not one register", "such as GPIO.PIN_CNF[0]"),
        ("UART0 HWFC=1", 2, "is not one register", "25 registers"),
        ("UART0.CONFG HWFC=1", 4, "no register matches", "UART0.CONFIG"),
    ];
    for (query, code, what, next) in cases {
        let run = reg(&[query]).expect(code);
        assert_eq!(run.stdout, "", "{query}");
        assert!(run.stderr.contains(what) && run.stderr.contains(next), "{query}: {}", run.stderr);
    }
}

#[test]
fn what_resets_to_nothing_known_is_said() {
    let silk = Silk::new();
    let svd = silk.write(
        "tiny.svd",
        "<device><name>T</name><peripherals><peripheral><name>P</name><baseAddress>0</baseAddress>
         <registers><register><name>R</name><addressOffset>0</addressOffset><size>8</size>
         <resetValue>0x21</resetValue><resetMask>0x0f</resetMask><access>read-only</access><fields>
         <field><name>LOW</name><bitRange>[3:0]</bitRange></field>
         <field><name>HIGH</name><bitRange>[7:4]</bitRange></field>
         </fields></register></registers></peripheral></peripherals></device>",
    );
    let run = |query: &str, json: bool| {
        let svd = svd.to_str().unwrap();
        let arguments = ["reg", query, "--svd", svd, "--json"];
        silk.run(&arguments[..if json { 5 } else { 4 }]).expect(0)
    };
    let made = run("P.R HIGH=5", true).json().remove(0);
    assert_eq!((&made["value"], &made["mask"]), (&json!("0x51"), &json!("0xf0")));
    assert_eq!(made["changed"][0]["from"], Value::Null);
    let low = run("P.R LOW=2", false);
    assert!(
        low.stdout.contains("without a known reset value are taken as 0: 0xf0"),
        "{}",
        low.stdout
    );
    assert!(low.stdout.ends_with("LOW  0x1 → 0x2\n"), "{}", low.stdout);
    assert!(low.stderr.contains("`LOW` is read-only"), "{}", low.stderr);
}

#[test]
fn two_values_are_compared_by_field() {
    let differs = one(&["UART0.CONFIG=0x1..0x1e"]);
    assert_eq!((&differs["from"], &differs["to"]), (&json!("0x00000001"), &json!("0x0000001e")));
    assert_eq!(differs["changed"][0]["to_name"], "Disabled");
    assert_eq!(differs["changed"][1]["from_name"], "Excluded");
    assert_eq!(differs["changed_reserved"], "0x00000010");
    let run = reg(&["UART0.CONFIG=0xe..0xf"]).expect(0);
    let expected = "
  0x0000000e → 0x0000000f  differ in 0x00000001
      [0]  HWFC  0x0 Disabled → 0x1 Enabled
  1 field as before
";
    assert!(run.stdout.ends_with(expected), "{}", run.stdout);
    let wide = reg(&["UART0.CONFIG=0..0x100000000"]).expect(2);
    assert!(wide.stderr.contains("does not fit"), "{}", wide.stderr);
}

/// A register with everything that a person must be told of before touching it.
const CAREFUL: &str = "<device><name>T</name><size>16</size><peripherals>
    <peripheral><name>P</name><baseAddress>0x40000000</baseAddress>
    <addressBlock><offset>0</offset><size>0x100</size><usage>registers</usage></addressBlock>
    <registers>
    <register><name>SR</name><addressOffset>0</addressOffset><access>read-write</access>
      <resetValue>0x30</resetValue><modifiedWriteValues>oneToClear</modifiedWriteValues><fields>
      <field><name>MODE</name><bitRange>[5:4]</bitRange>
        <modifiedWriteValues>modify</modifiedWriteValues><enumeratedValues>
        <enumeratedValue><name>Low</name><value>0</value></enumeratedValue>
        <enumeratedValue><name>High</name><value>#1x</value></enumeratedValue>
        </enumeratedValues></field>
      <field><name>FLAG</name><bitRange>[0:0]</bitRange><readAction>clear</readAction>
        <enumeratedValues><usage>read</usage>
        <enumeratedValue><name>Pending</name><value>1</value></enumeratedValue></enumeratedValues>
        <enumeratedValues><usage>write</usage>
        <enumeratedValue><name>Acknowledge</name><value>1</value></enumeratedValue>
        </enumeratedValues></field></fields></register>
    <register><name>GO</name><addressOffset>4</addressOffset><access>write-only</access><fields>
      <field><name>START</name><bitRange>[0:0]</bitRange><enumeratedValues><usage>write</usage>
        <enumeratedValue><name>Trigger</name><value>1</value></enumeratedValue>
        </enumeratedValues></field></fields></register>
    </registers></peripheral></peripherals></device>";

fn careful(arguments: &[&str], code: i32) -> Run {
    let silk = Silk::new();
    let svd = silk.write("careful.svd", CAREFUL);
    let svd = svd.to_str().unwrap();
    silk.run([&["reg", "--svd", svd][..], arguments].concat()).expect(code)
}

#[test]
fn side_effects_stand_beside_what_has_them() {
    let expected = "\
P.SR  0x40000000  16 bit  read-write  reset 0x0030  writing 1 clears  reading changes the hardware
    [5:4]  MODE  reset 0x3  \n           0x0 Low  \n           0b1x High  
      [0]  FLAG  reading does: clear  
           0x1 Pending  read  
           0x1 Acknowledge  write  
";
    assert_eq!(careful(&["P.SR"], 0).stdout, expected);
}

#[test]
fn a_decoded_value_tells_what_differs_from_reset() {
    let shown = careful(&["P.SR=0x8021"], 0).stdout;
    let expected = "
  value 0x8021
  bits outside every field are set: 0x8000
    [5:4]  MODE = 0x2 (reset 0x3)  High  
      [0]  FLAG = 0x1 (reset 0x0)  Pending  
";
    assert!(shown.ends_with(expected), "{shown}");
}

#[test]
fn what_cannot_be_read_is_decoded_as_written() {
    let written = careful(&["P.GO=1"], 0).stdout;
    assert!(written.ends_with("[0]  START = 0x1  Trigger  \n"), "{written}");
    let nothing = careful(&["P.GO=0"], 0).stdout;
    assert!(!nothing.contains("none of its"), "a write of 0 just does nothing: {nothing}");
    let made = careful(&["P.SR FLAG=Acknowledge"], 0).stdout;
    assert!(made.contains("Acknowledge"), "{made}");
    let refused = careful(&["P.SR FLAG=Pending"], 4).stderr;
    assert!(refused.contains("`Pending` is no value of `FLAG`"), "{refused}");
}

#[test]
fn a_field_that_is_named_is_shown_alone() {
    let shown = reg(&["UART_CONFIG_PARITY_Msk"]).expect(0).stdout;
    assert!(shown.contains("PARITY") && !shown.contains("HWFC"), "{shown}");
    assert_eq!(one(&["UART0.CONFIG.PARITY"])["field"], "PARITY");
    assert_eq!(one(&["UART0.CONFIG"]).get("field"), None);
    let all = reg(&["POWER.*.*", "--limit", "2"]).expect(0).stdout;
    let first = all.lines().next().unwrap();
    assert!(first.starts_with("POWER.") && first.contains("  ["), "{first}");
}

#[test]
fn a_hole_tells_what_is_near() {
    let hole = careful(&["0x40000002"], 4).stderr;
    let near = "near: inside P + 0x2, before it P.SR at 0x40000000, after it P.GO at 0x40000004";
    assert!(hole.contains(near), "{hole}");
}

/// One of the register map's own small descriptions of real chips.
fn fixture(name: &str) -> String {
    format!("{}/../svd-index/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_alias_leads_to_its_register() {
    let svd = fixture("rp2040.svd");
    let text = Silk::new().run(["reg", "--svd", &svd, "0x4000E000"]).expect(0).stdout;
    let mut lines = text.lines();
    let head = lines.next().unwrap();
    assert_eq!(head, "atomic SET alias of RESETS.RESET: a write sets the bits written as 1");
    assert!(lines.next().unwrap().starts_with("RESETS.RESET  0x4000c000"), "{text}");
    let run = Silk::new().run(["reg", "--svd", &svd, "0x4000E000", "--json"]);
    assert_eq!(run.expect(0).json()[0]["alias"], "atomic SET alias");
    let own = Silk::new().run(["reg", "--svd", &svd, "0x4000C000", "--json"]).expect(0).json();
    assert_eq!(own[0].get("alias"), None);
}

#[test]
fn a_csr_has_a_number_and_no_address_in_memory() {
    let svd = fixture("gd32vf103.svd");
    let text = Silk::new().run(["reg", "--svd", &svd, "mstatus"]).expect(0).stdout;
    assert!(text.starts_with("CSR.mstatus  CSR 0x300  32 bit"), "{text}");
    Silk::new().run(["reg", "--svd", &svd, "0x300"]).expect(4);
}
