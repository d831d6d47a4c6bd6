//! What the firmware is: `silk vectors`.

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
