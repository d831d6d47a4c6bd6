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

fn table_equals_what_qemu_shows(board: &str, svd: &Path) {
    let Some(machine) = parts::board(board) else { return };
    let registers = registers(svd);
    assert!(registers.len() > 500, "{} registers in {}", registers.len(), svd.display());
    let found = vbench::scan(machine, &BenchOptions::default(), &registers).unwrap();
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
