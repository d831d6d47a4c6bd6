//! The committed fidelity tables say what QEMU does.

use std::path::Path;

use svd_parser::svd::{Access, Device, MaybeArray, PeripheralInfo, RegisterInfo};
use vbench::{BenchOptions, Fidelity, FidelityEntry, FidelityTable, ScanRegister};

use crate::parts;

/// Remake the table with `SILK_BLESS=1 cargo test --release -p vbench fidelity`.
#[test]
fn microbit_table_equals_what_qemu_shows() {
    let svd = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/uart-baud/nrf51.svd");
    table_equals_what_qemu_shows("microbit", Path::new(svd));
}

/// STM32F41x.svd is ST's for the STM32F405 as well.
#[test]
fn netduinoplus2_table_equals_what_qemu_shows() {
    if let Some(svds) = parts::svds() {
        table_equals_what_qemu_shows("netduinoplus2", &svds.join("pyocd/STM32F41x.svd"));
    }
}

#[test]
fn olimex_table_equals_what_qemu_shows() {
    if let Some(svds) = parts::svds() {
        table_equals_what_qemu_shows("olimex-stm32-h405", &svds.join("pyocd/STM32F41x.svd"));
    }
}

#[test]
fn l475_table_equals_what_qemu_shows() {
    if let Some(svds) = parts::svds() {
        table_equals_what_qemu_shows("b-l475e-iot01a", &svds.join("pyocd/STM32L4x5.svd"));
    }
}

/// The CMSDK has no SVD among those that are at hand, so its registers stand here.
/// Source: Cortex-M System Design Kit TRM, ARM DDI 0479, chapters 3 (AHB GPIO) and 4 (APB timer, UART, dual
/// timer, watchdog); which is where, ARM DAI 0385 (AN385).
const CMSDK: &[(u64, &[u64])] = &[
    (0x4000_0000, &[0x0, 0x4, 0x8, 0xc]), // TIMER0: CTRL, VALUE, RELOAD, INTSTATUS
    (0x4000_1000, &[0x0, 0x4, 0x8, 0xc]),
    // DUALTIMER, each: LOAD, VALUE, CONTROL, INTCLR, RIS, MIS, BGLOAD
    (
        0x4000_2000,
        &[0x0, 0x4, 0x8, 0xc, 0x10, 0x14, 0x18, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38],
    ),
    // UART0 to 4: DATA, STATE, CTRL, INTSTATUS, BAUDDIV
    (0x4000_4000, &[0x0, 0x4, 0x8, 0xc, 0x10]),
    (0x4000_5000, &[0x0, 0x4, 0x8, 0xc, 0x10]),
    (0x4000_6000, &[0x0, 0x4, 0x8, 0xc, 0x10]),
    (0x4000_7000, &[0x0, 0x4, 0x8, 0xc, 0x10]),
    (0x4000_9000, &[0x0, 0x4, 0x8, 0xc, 0x10]),
    // GPIO0 to 3: DATA, DATAOUT, OUTENSET, OUTENCLR, ALTFUNCSET, ALTFUNCCLR, interrupts
    (0x4001_0000, &[0x0, 0x4, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38]),
    (0x4001_1000, &[0x0, 0x4, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38]),
    (0x4001_2000, &[0x0, 0x4, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38]),
    (0x4001_3000, &[0x0, 0x4, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38]),
];

#[test]
fn mps2_table_equals_what_qemu_shows() {
    let registers: Vec<ScanRegister> = CMSDK
        .iter()
        .flat_map(|(base, offsets)| offsets.iter().map(move |offset| base + offset))
        .map(|address| ScanRegister { address, size_bits: 32, writable: true, reset: None })
        .collect();
    table_equals("mps2-an385", &registers);
}

fn table_equals_what_qemu_shows(board: &str, svd: &Path) {
    let registers = registers(svd);
    assert!(registers.len() > 500, "{} registers in {}", registers.len(), svd.display());
    table_equals(board, &registers);
}

fn table_equals(board: &str, registers: &[ScanRegister]) {
    let Some(machine) = parts::board(board) else { return };
    let found = vbench::scan(machine, &BenchOptions::default(), registers).unwrap();
    let table = format!("{}/boards/{board}.fidelity.toml", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SILK_BLESS").is_some() {
        std::fs::write(&table, found.to_toml()).unwrap();
    }
    let committed = FidelityTable::parse(&std::fs::read_to_string(&table).unwrap()).unwrap();
    let (found, committed) = (found.entries(), committed.entries());
    let only_in = |a: &[&FidelityEntry], b: &[&FidelityEntry]| -> Vec<String> {
        a.iter().filter(|entry| !b.contains(entry)).map(|entry| format!("{entry:x?}")).collect()
    };
    assert_eq!(only_in(&found, &committed), only_in(&committed, &found), "found, committed");
}

/// Known from QEMU's sources (hw/char/nrf51_uart.c, 7.2) and the demo's promise.
#[test]
fn microbit_uart_labels() {
    let machine = vbench::machine("microbit").unwrap();
    let label = |address| machine.fidelity(address).map(|entry| entry.label);
    assert_eq!(label(0x4000_2500), Some(Fidelity::NotModelled), "ENABLE reads 0");
    assert_eq!(label(0x4000_2524), Some(Fidelity::StoredOnly), "BAUDRATE is kept as written");
    assert_eq!(label(0x5000_0508), Some(Fidelity::Modelled), "OUTSET sets bits of OUT");
    assert_eq!(label(0x4000_0550), Some(Fidelity::NotModelled), "all of CLOCK reads 1");
    assert_eq!(label(0x4000_4000), Some(Fidelity::NotModelled), "SPI is not there");
}

fn registers(svd: &Path) -> Vec<ScanRegister> {
    let text = std::fs::read_to_string(svd).unwrap();
    let lenient = svd_parser::ValidateLevel::Disabled;
    let config =
        svd_parser::Config::default().expand(true).ignore_enums(true).validate_level(lenient);
    let device: Device = svd_parser::parse_with_config(&text, &config).unwrap();
    let mut registers = Vec::new();
    for peripheral in &device.peripherals {
        for register in peripheral.all_registers() {
            let MaybeArray::Single(info) = register else { panic!("expanded") };
            registers.push(scan_register(info, peripheral, &device));
        }
    }
    registers
}

fn scan_register(
    info: &RegisterInfo,
    peripheral: &PeripheralInfo,
    device: &Device,
) -> ScanRegister {
    let inherited = [
        &info.properties,
        &peripheral.default_register_properties,
        &device.default_register_properties,
    ];
    ScanRegister {
        address: peripheral.base_address + u64::from(info.address_offset),
        size_bits: inherited.iter().find_map(|p| p.size).unwrap_or(32),
        writable: inherited.iter().find_map(|p| p.access) != Some(Access::ReadOnly),
        reset: inherited.iter().find_map(|p| p.reset_value),
    }
}
