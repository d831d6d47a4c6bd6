//! RISC-V: control and status registers, which are no memory.

use svd_index::svd::Build;
use svd_index::{Access, Chip, Origin, Query, Space};

/// A device of this name and `<width>` with this `<cpu>` and interrupt controller.
fn device(name: &str, cpu: &str, controller: &str, firmware: Option<Origin>) -> Chip {
    let cpu = if cpu.is_empty() { String::new() } else { format!("<cpu><name>{cpu}</name></cpu>") };
    let svd = format!(
        "<device><name>{name}</name><size>32</size>{cpu}<peripherals><peripheral>\
         <name>{controller}</name><baseAddress>0x300</baseAddress><registers><register>\
         <name>R</name><addressOffset>0</addressOffset></register></registers></peripheral>\
         </peripherals></device>"
    );
    #[allow(clippy::needless_update, reason = "options are added")]
    let build = Build { core: firmware, ..Build::default() };
    let (chip, warnings) = Chip::from_svd_with(svd.as_bytes(), &build).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    chip
}

#[test]
fn csrs_are_found_by_name() {
    let chip = device("T", "RV32IMC", "INTC", None);
    for (name, path, number, bits) in [
        ("CSR.mstatus", "CSR.mstatus", 0x300, 32),
        ("mstatus", "CSR.mstatus", 0x300, 32),
        ("misa", "CSR.misa", 0x301, 32),
        ("MTVEC", "CSR.mtvec", 0x305, 32),
        ("mcause", "CSR.mcause", 0x342, 32),
        ("mepc", "CSR.mepc", 0x341, 32),
        ("mtval", "CSR.mtval", 0x343, 32),
        ("mcycleh", "CSR.mcycleh", 0xb80, 32),
        ("minstret", "CSR.minstret", 0xb02, 32),
        ("mhpmcounter3", "CSR.mhpmcounter3", 0xb03, 32),
        ("mhpmcounter31h", "CSR.mhpmcounter31h", 0xb9f, 32),
        ("mhpmevent31", "CSR.mhpmevent31", 0x33f, 32),
        ("pmpcfg3", "CSR.pmpcfg3", 0x3a3, 32),
        ("pmpaddr15", "CSR.pmpaddr15", 0x3bf, 32),
        ("mhartid", "CSR.mhartid", 0xf14, 32),
        ("tdata2", "CSR.tdata2", 0x7a2, 32),
        ("dcsr", "CSR.dcsr", 0x7b0, 32),
    ] {
        let found = chip.find(&Query::parse(name).unwrap());
        let paths: Vec<String> = found.iter().map(|register| register.path()).collect();
        assert_eq!(paths, [path], "for `{name}`");
        let register = found[0];
        assert_eq!((register.address(), register.size_bits()), (number, bits), "{path}");
        assert_eq!(register.space(), Space::Csr, "{path}");
        assert_eq!(register.origin(), Origin::RiscV32, "{path}");
    }
    let mstatus = chip.register("CSR.mstatus").unwrap();
    let set: Vec<&str> = mstatus
        .decode(0x1888)
        .into_iter()
        .filter(|field| field.raw != 0)
        .map(|field| field.field.name())
        .collect();
    assert_eq!(set, ["MPP", "MPIE", "MIE"]);
    assert_eq!(chip.register("CSR.mhartid").unwrap().access(), Some(Access::ReadOnly));
}

#[test]
fn a_number_is_no_address() {
    let chip = device("T", "RV32IMC", "INTC", None);
    let at: Vec<String> = chip.registers_at(0x300).iter().map(|r| r.path()).collect();
    assert_eq!(at, ["INTC.R"], "the SVD's own register is there, and mstatus is not");
    for number in [0x301, 0x305, 0x342, 0xb00, 0xf14] {
        let at = chip.registers_at(number).into_iter().filter(|r| r.space() == Space::Csr);
        assert_eq!(at.count(), 0, "at {number:#x}");
        let near = chip.near(number);
        let around = [near.before, near.after];
        let csr = around.into_iter().flatten().find(|register| register.space() == Space::Csr);
        assert_eq!(csr, None, "near {number:#x}");
        assert!(near.peripheral.is_none_or(|peripheral| peripheral.name() != "CSR"));
    }
    let own = chip.registers().filter(|register| register.space() == Space::Memory);
    assert_eq!(own.count(), 1);
}

#[test]
fn the_width_is_known_or_nothing_is_added() {
    let (narrow, wide) = (Some(Origin::RiscV32), Some(Origin::RiscV64));
    for (name, cpu, controller, firmware, core) in [
        ("GD32VF103", "CM3", "ECLIC", None, narrow),
        ("E310x", "", "PLIC", None, narrow),
        ("CH32V307", "other", "PFIC", None, narrow),
        ("ESP32-C3", "RV32IMC", "INTERRUPT_CORE0", None, narrow),
        ("T", "RV64GC", "X", None, wide),
        ("D1", "", "plic", None, None),
        ("D1", "", "plic", wide, wide),
        ("T", "", "CLINT", narrow, narrow),
        // No RISC-V, although it calls its interrupt controller so; and no Arm either.
        ("ESP32-S3", "Xtensa LX7", "INTC", None, None),
        ("HC32F460", "CM4", "INTC", None, Some(Origin::ArmV7M)),
        // An Arm program does not make a RISC-V chip an Arm one.
        ("T", "", "CLINT", Some(Origin::ArmV7M), None),
        // Both kinds of cores: the firmware chooses.
        ("RP2350", "CM33", "X", narrow, narrow),
        ("RP2350", "CM33", "X", None, Some(Origin::ArmV8M)),
        ("T", "CM33", "X", narrow, Some(Origin::ArmV8M)),
    ] {
        let chip = device(name, cpu, controller, firmware);
        assert_eq!(chip.device().core, core, "{name} {cpu} {controller} {firmware:?}");
    }
}

#[test]
fn wide_harts_have_wide_csrs() {
    let chip = device("T", "RV64GC", "X", None);
    let register = |path: &str| chip.register(path).expect(path);
    assert_eq!(register("CSR.mstatus").size_bits(), 64);
    assert_eq!(register("CSR.mstatus").field("SD").unwrap().lsb(), 63);
    assert_eq!(register("CSR.mcause").field("Interrupt").unwrap().lsb(), 63);
    assert_eq!(register("CSR.pmpcfg2").address(), 0x3a2);
    assert_eq!(register("CSR.mcountinhibit").size_bits(), 32);
    for absent in ["CSR.mcycleh", "CSR.mstatush", "CSR.pmpcfg1"] {
        assert!(chip.register(absent).is_none(), "{absent}");
    }
}
