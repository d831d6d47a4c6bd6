//! What the firmware is: `silk vectors`, `silk type`.

use serde_json::json;

use crate::silk::{Silk, example};

fn drivers(name: &str) -> String {
    example(&format!("../register-use/{name}"))
}

#[test]
fn vectors_have_the_names_of_the_exception_and_of_the_interrupt() {
    let (svd, elf) = (example("nrf51.svd"), drivers("nrf51.elf"));
    let run = Silk::new().run(["vectors", "--json", "--svd", &svd, "--elf", &elf]);
    let lines = run.expect(0).json();
    let [entries @ .., last] = lines.as_slice() else { panic!("no lines") };
    assert_eq!(entries.len(), 56);
    let names: Vec<_> = [1, 3, 15, 18].map(|at| entries[at]["name"].clone()).into();
    assert_eq!(names, ["Reset", "HardFault", "SysTick", "UART0"]);
    // Reserved on a Cortex-M0.
    assert_eq!(entries[4]["name"], json!(null));
    let uart = &entries[18];
    assert_eq!((&uart["irq"], &uart["handler"]), (&json!(2), &json!("UART0_IRQHandler")));
    assert_eq!((&uart["default"], &uart["problem"]), (&json!(false), &json!(null)));
    assert_eq!(
        (&entries[3]["handler"], &entries[3]["default"]),
        (&json!("Default_Handler"), &json!(true))
    );
    let summary = &last["summary"];
    assert_eq!(
        (&summary["found_by"], &summary["found_in"]),
        (&json!("symbol"), &json!("g_pfnVectors"))
    );
    assert_eq!(summary["stack"]["place"], "above");
    assert_eq!(summary["problems"], 0);
}

#[test]
fn vectors_that_would_fault_are_told() {
    let mut bytes = std::fs::read(drivers("nrf51.elf")).unwrap();
    // The table is at 0x1000 in the file: HardFault without its Thumb bit.
    bytes[0x1000 + 4 * 3] &= !1;
    let silk = Silk::new();
    let elf = silk.write("odd.elf", bytes);
    let out = silk.run(["vectors", "--elf", elf.to_str().unwrap()]).expect(0).stdout;
    assert!(out.contains("vector table at 0x00000000  56 entries"), "{out}");
    assert!(out.contains("bit 0 is clear: it would fault when taken"), "{out}");
}

#[test]
fn vectors_of_riscv_are_not_known() {
    let run = Silk::new().run(["vectors", "--elf", &drivers("fe310.elf")]).expect(4);
    assert!(run.stderr.contains("`mtvec`"), "{}", run.stderr);
}

/// A program of `svd-index`'s tests.
fn registers(name: &str) -> String {
    example(&format!("../../svd-index/tests/data/elf/{name}"))
}

#[test]
fn a_type_is_shown_with_its_padding() {
    let elf = registers("m4-O2-dwarf5.elf");
    let out = Silk::new().run(["type", "config", "--elf", &elf]).expect(0).stdout;
    let (head, body) = out.split_once('\n').unwrap();
    assert!(head.starts_with("struct config  52 bytes  "), "{head}");
    let expected = "    offset      size
         0         2  version      uint16_t
         2         2  (padding)
         4        16  uart         channel[2]
        20         4  id           union {…}
        24        24  levels       uint16_t[3][4]
        48         2  (anonymous)  struct {…}
        50         2  (padding)
  4 bytes of 52 bytes are padding
";
    assert_eq!(body, expected);
}

#[test]
fn a_type_is_data_with_its_members_members() {
    let elf = registers("m0-O0-dwarf4.elf");
    let run = Silk::new().run(["type", "struct config", "--nested", "--json", "--elf", &elf]);
    let lines = run.expect(0).json();
    let [config] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&config["kind"], &config["size_bytes"]), (&json!("struct"), &json!(52)));
    assert_eq!(config["padding_bits"], 32);
    assert_eq!(config["padding"][0], json!({"offset": 2, "lsb": 0, "bits": 16}));
    let uart = &config["members"][1];
    let parity = json!({
        "name": "parity", "type": "uint8_t", "offset": 9, "lsb": null, "width": null,
        "size_bytes": 1, "value": null,
    });
    assert_eq!(uart["members"][2], parity);
    assert_eq!(uart["padding"][0], json!({"offset": 10, "lsb": 0, "bits": 16}));
}

#[test]
fn a_type_that_is_not_there_is_told_with_its_reason() {
    let elf = registers("m4-O2-dwarf5.elf");
    let run = Silk::new().run(["type", "confgi", "--elf", &elf]).expect(4);
    assert!(run.stderr.contains("did you mean config?"), "{}", run.stderr);
    let run = Silk::new().run(["type", "config", "--elf", &registers("no-debug.elf")]).expect(4);
    assert!(run.stderr.contains("no debug information"), "{}", run.stderr);
}

/// What a firmware's own sources are called in it.
fn source_of(silk: &Silk, elf: &str, symbol: &str) -> String {
    let run = silk.run(["sym", symbol, "--json", "--elf", elf]).expect(0);
    run.json()[0]["file"].as_str().unwrap().to_owned()
}

#[test]
fn sources_are_named_as_they_are_here() {
    let (silk, elf) = (Silk::new(), example("faulty.elf"));
    assert_eq!(source_of(&silk, &elf, "main"), "main.c");
    silk.write("silk.toml", format!("[firmware]\nelf = '{elf}'\nsource-map = {{ '.' = 'src' }}\n"));
    let here = silk.home.path().canonicalize().unwrap().join("src/main.c");
    let here = here.to_str().unwrap();

    assert_eq!(source_of(&silk, &elf, "main"), here);
    let address = silk.run(["sym", "main", "--json"]).expect(0).json()[0]["address"].clone();
    let place = silk.run(["addr", address.as_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(place[0]["file"], here);
    // A flag adds to the file, and wins for the same folder.
    let run = silk.run(["sym", "main", "--json", "--source-map", ".=/elsewhere"]).expect(0);
    assert_eq!(run.json()[0]["file"], "/elsewhere/main.c");

    let settings = silk.run(["config", "--json"]).expect(0).json();
    let maps = settings.iter().filter(|setting| setting["key"] == "firmware.source-map");
    let maps: Vec<_> = maps.map(|setting| setting["value"]["from"].clone()).collect();
    assert_eq!(maps, ["."]);
}

#[test]
fn a_source_map_that_is_none_is_told() {
    let run = Silk::new().run(["config", "--source-map", "/build"]).expect(2);
    assert!(run.stderr.contains("--source-map /build/fw=/home/me/fw"), "{}", run.stderr);
    let silk = Silk::new();
    silk.write("silk.toml", "[firmware]\nsource-map = { '' = 'src' }\n");
    let run = silk.run(["config"]).expect(2);
    assert!(run.stderr.contains("replaces an empty path"), "{}", run.stderr);
    assert!(run.stderr.contains("silk.toml"), "{}", run.stderr);
}
