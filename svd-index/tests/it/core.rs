//! Core peripherals that the SVD leaves out, and those that it has.

use svd_index::{Access, Chip, ModifiedWriteValues, Origin, Query, ReadAction};

/// A device with this `<cpu>` and these peripherals.
pub(crate) fn device(cpu: &str, peripherals: &str) -> Chip {
    let svd = format!(
        "<device><name>T</name><size>32</size><cpu>{cpu}</cpu>\n\
         <peripherals>{peripherals}</peripherals></device>"
    );
    let (chip, warnings) = Chip::from_svd(svd.as_bytes()).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    chip
}

pub(crate) fn cortex_m4() -> Chip {
    device("<name>CM4</name><mpuPresent>1</mpuPresent><fpuPresent>1</fpuPresent>", UART)
}

pub(crate) const UART: &str = "<peripheral><name>UART</name><baseAddress>0x40000000</baseAddress>\
    <interrupt><name>UART</name><value>81</value></interrupt><registers>\
    <register><name>DR</name><addressOffset>0</addressOffset></register></registers></peripheral>";

/// Each name as CMSIS has it is the register at the address, and the address has that path.
pub(crate) fn check(chip: &Chip, cases: &[(&str, u64)]) {
    for &(path, address) in cases {
        let found = chip.find(&Query::parse(path).unwrap());
        let paths: Vec<String> = found.iter().map(|register| register.path()).collect();
        assert_eq!(paths, [path], "by name");
        assert_eq!(found[0].address(), address, "{path}");
        assert!(found[0].is_builtin(), "{path}");
        let at: Vec<String> = chip.registers_at(address).iter().map(|r| r.path()).collect();
        assert_eq!(at, [path], "at {address:#x}");
    }
}

pub(crate) fn is_empty_at(chip: &Chip, addresses: &[u64]) {
    for &address in addresses {
        let at = chip.registers_at(address);
        assert!(at.is_empty(), "{at:?} at {address:#x}");
    }
}

#[test]
fn armv6m_has_its_core() {
    let chip = crate::nrf51();
    check(
        &chip,
        &[
            ("SCnSCB.ACTLR", 0xe000_e008),
            ("SysTick.CTRL", 0xe000_e010),
            ("SysTick.LOAD", 0xe000_e014),
            ("SysTick.VAL", 0xe000_e018),
            ("SysTick.CALIB", 0xe000_e01c),
            ("NVIC.ISER[0]", 0xe000_e100),
            ("NVIC.ICER[0]", 0xe000_e180),
            ("NVIC.ISPR[0]", 0xe000_e200),
            ("NVIC.ICPR[0]", 0xe000_e280),
            ("NVIC.IPR0", 0xe000_e400),
            ("NVIC.IPR7", 0xe000_e41c),
            ("SCB.CPUID", 0xe000_ed00),
            ("SCB.ICSR", 0xe000_ed04),
            ("SCB.AIRCR", 0xe000_ed0c),
            ("SCB.SCR", 0xe000_ed10),
            ("SCB.CCR", 0xe000_ed14),
            ("SCB.SHPR2", 0xe000_ed1c),
            ("SCB.SHPR3", 0xe000_ed20),
            ("SCB.SHCSR", 0xe000_ed24),
            ("SCB.DFSR", 0xe000_ed30),
            ("CoreDebug.DHCSR", 0xe000_edf0),
            ("CoreDebug.DCRSR", 0xe000_edf4),
            ("CoreDebug.DCRDR", 0xe000_edf8),
            ("CoreDebug.DEMCR", 0xe000_edfc),
            ("DWT.CTRL", 0xe000_1000),
            ("DWT.PCSR", 0xe000_101c),
            ("DWT.COMP1", 0xe000_1030),
        ],
    );
    // CFSR, VTOR (not on Cortex-M0), MPU, CPACR, CYCCNT, ITM, and interrupts beyond 32.
    is_empty_at(&chip, &[0xe000_ed28, 0xe000_ed08, 0xe000_ed94, 0xe000_ed88]);
    is_empty_at(&chip, &[0xe000_1004, 0xe000_0000, 0xe000_e104, 0xe000_e420]);
    assert_eq!(chip.register("SCB.CPUID").unwrap().origin(), Origin::ArmV6M);
    assert_eq!(chip.register("UART0.BAUDRATE").unwrap().origin(), Origin::Svd);
}

#[test]
fn armv7m_has_its_core() {
    let chip = cortex_m4();
    check(
        &chip,
        &[
            ("SCnSCB.ICTR", 0xe000_e004),
            ("SysTick.CTRL", 0xe000_e010),
            ("NVIC.ISER[2]", 0xe000_e108),
            ("NVIC.IABR[1]", 0xe000_e304),
            ("NVIC.IPR23", 0xe000_e45c),
            ("NVIC.STIR", 0xe000_ef00),
            ("SCB.VTOR", 0xe000_ed08),
            ("SCB.SHPR1", 0xe000_ed18),
            ("SCB.CFSR", 0xe000_ed28),
            ("SCB.HFSR", 0xe000_ed2c),
            ("SCB.MMFAR", 0xe000_ed34),
            ("SCB.BFAR", 0xe000_ed38),
            ("SCB.AFSR", 0xe000_ed3c),
            ("SCB.CPACR", 0xe000_ed88),
            ("MPU.TYPE", 0xe000_ed90),
            ("MPU.RASR", 0xe000_eda0),
            ("MPU.RASR_A3", 0xe000_edb8),
            ("CoreDebug.DEMCR", 0xe000_edfc),
            ("FPU.FPCCR", 0xe000_ef34),
            ("FPU.FPCAR", 0xe000_ef38),
            ("FPU.FPDSCR", 0xe000_ef3c),
            ("FPU.MVFR2", 0xe000_ef48),
            ("DWT.CYCCNT", 0xe000_1004),
            ("DWT.FUNCTION3", 0xe000_1058),
            ("ITM.STIM[31]", 0xe000_007c),
            ("ITM.TER", 0xe000_0e00),
            ("ITM.TCR", 0xe000_0e80),
        ],
    );
    // Interrupt 81 is in the third word; then nothing.
    is_empty_at(&chip, &[0xe000_e10c, 0xe000_e460]);
    let device = chip.device();
    assert_eq!((device.peripherals, device.registers), (1, 1), "the SVD's own are counted");
}

#[test]
fn the_cpu_decides() {
    let without = device("<name>CM4</name><vendorSystickConfig>true</vendorSystickConfig>", UART);
    // No MPU, no FPU, the vendor's own SysTick.
    is_empty_at(&without, &[0xe000_ed90, 0xe000_ef34, 0xe000_e010]);
    assert!(!without.registers_at(0xe000_ed28).is_empty());
    let plus = device("<name>CM0PLUS</name><mpuPresent>1</mpuPresent>", UART);
    let spelled = device("<name>CM0P</name>", UART);
    check(&spelled, &[("SCB.VTOR", 0xe000_ed08)]);
    check(&plus, &[("SCB.VTOR", 0xe000_ed08), ("MPU.CTRL", 0xe000_ed94)]);
    for cpu in ["<name>other</name>", "<name>CA7</name>", "<name>Xtensa LX7</name>", ""] {
        let chip = device(cpu, UART);
        assert_eq!(crate::paths(&chip), ["UART.DR"], "for `{cpu}`");
    }
}

#[test]
fn registers_have_the_facts_of_the_manual() {
    let chip = cortex_m4();
    let register = |path: &str| chip.register(path).expect(path);
    let set = |path: &str, value: u64| -> Vec<&str> {
        let fields = register(path).decode(value).into_iter();
        fields.filter(|field| field.raw != 0).map(|field| field.field.name()).collect()
    };
    assert_eq!(set("SCB.CFSR", 0x8200), ["BFARVALID", "PRECISERR"]);
    assert_eq!(set("SCB.CFSR", 0x0201_0082), ["DIVBYZERO", "UNDEFINSTR", "MMARVALID", "DACCVIOL"]);
    assert_eq!(set("SCB.HFSR", 0x4000_0000), ["FORCED"]);
    assert_eq!(set("SCB.CPACR", 0x00f0_0000), ["CP11", "CP10"]);
    assert_eq!(set("CoreDebug.DEMCR", 0x0100_0001), ["TRCENA", "VC_CORERESET"]);
    for path in ["SCB.CFSR", "SCB.HFSR", "SCB.DFSR", "NVIC.ICER[0]"] {
        let values = register(path).modified_write_values();
        assert_eq!(values, Some(ModifiedWriteValues::OneToClear), "{path}");
    }
    let control = register("SysTick.CTRL");
    let flag = control.field("COUNTFLAG").unwrap();
    assert_eq!((flag.lsb(), flag.read_action()), (16, Some(ReadAction::Clear)));
    let disturbed = chip.registers().filter(|register| register.has_read_side_effect());
    let disturbed: Vec<String> = disturbed.map(|register| register.path()).collect();
    assert_eq!(disturbed, ["SysTick.CTRL", "CoreDebug.DHCSR", "DWT.FUNCTION{0..4)"]);
    assert_eq!(register("FPU.FPCCR").reset_value(), Some(0xc000_0000));
    assert_eq!(register("SCB.BFAR").reset_value(), None);
    assert_eq!(register("CoreDebug.DCRSR").access(), Some(Access::WriteOnly));
    let core = chip.registers().filter(|register| register.is_builtin());
    for register in core.filter(|register| register.name() != "AFSR" && register.name() != "ACTLR")
    {
        assert!(register.fields().next().is_some(), "{} has no fields", register.path());
        assert!(register.fields().all(|field| field.msb() < 32), "{}", register.path());
    }
}

#[test]
fn a_line_is_one_of_our_file() {
    for (chip, origin) in [(crate::nrf51(), Origin::ArmV6M), (cortex_m4(), Origin::ArmV7M)] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("core");
        let text = std::fs::read_to_string(folder.join(origin.file().unwrap())).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for register in chip.registers().filter(|register| register.is_builtin()) {
            assert_eq!(register.origin(), origin);
            let line = register.line() as usize;
            assert!(lines[line - 1].contains("<register>"), "{}", register.path());
            // Each names the section that it is written from.
            let section = lines[line - 2].trim();
            assert!(section.starts_with("<!-- B") || section.starts_with("<!-- C"), "{section}");
        }
    }
}

#[test]
fn a_riscv_chip_that_calls_itself_a_cortex_m3_is_one_of_riscv() {
    let eclic = UART.replace("UART", "ECLIC");
    let chip = device("<name>CM3</name>", &eclic);
    assert_eq!(crate::paths(&chip)[0], "ECLIC.DR");
    assert!(chip.register("SCB.CPUID").is_none());
    assert_eq!(chip.device().core, Some(Origin::RiscV32), "ECLIC is of 32-bit harts");
}

/// As ST has them: other names, a part of an array, a byte of a word.
const VENDOR: &str = "
    <peripheral><name>STK</name><baseAddress>0xE000E010</baseAddress><registers>
      <register><name>CTRL</name><addressOffset>0</addressOffset><fields>
        <field><name>TICK</name><bitRange>[1:1]</bitRange></field></fields></register>
    </registers></peripheral>
    <peripheral><name>NVIC</name><baseAddress>0xE000E100</baseAddress><registers>
      <register><name>ISER0</name><addressOffset>0</addressOffset></register>
      <register><dim>2</dim><dimIncrement>4</dimIncrement><name>PRIO%s</name>
        <addressOffset>0x300</addressOffset></register>
      <register><name>IP8</name><addressOffset>0x308</addressOffset><size>8</size></register>
    </registers></peripheral>
    <peripheral><name>FPU_CPACR</name><baseAddress>0xE000ED88</baseAddress><registers>
      <register><name>CPACR</name><addressOffset>0</addressOffset></register>
    </registers></peripheral>";

#[test]
fn the_vendors_path_wins_and_ours_is_an_alias() {
    let chip = device("<name>CM4</name>", &format!("{UART}{VENDOR}"));
    for (alias, path) in [
        ("SysTick.CTRL", "STK.CTRL"),
        ("SysTick->CTRL", "STK.CTRL"),
        ("systick_ctrl", "STK.CTRL"),
        ("NVIC.ISER[0]", "NVIC.ISER0"),
        ("NVIC.IPR1", "NVIC.PRIO1"),
        ("SCB.CPACR", "FPU_CPACR.CPACR"),
        ("NVIC.ISER[1]", "NVIC.ISER[1]"),
        ("SysTick.LOAD", "SysTick.LOAD"),
    ] {
        let found = chip.find(&Query::parse(alias).unwrap());
        let paths: Vec<String> = found.iter().map(|register| register.path()).collect();
        assert_eq!(paths, [path], "for `{alias}`");
    }
    let control = chip.register("STK.CTRL").unwrap();
    assert_eq!(control.aliases(), ["SysTick.CTRL", "SysTick.SYST_CSR"]);
    assert!(!control.is_builtin());
    assert_eq!(chip.register("SysTick.CTRL"), Some(control));
    assert_eq!(chip.register("NVIC.PRIO1").unwrap().aliases(), ["NVIC.IPR1"]);
    let field = chip.find_hits(&Query::parse("SysTick.CTRL.TICK").unwrap());
    assert_eq!(field[0].path(), "STK.CTRL.TICK");
    let whole = chip.find(&Query::parse("SysTick").unwrap());
    let whole: Vec<String> = whole.iter().map(|register| register.path()).collect();
    assert_eq!(whole, ["STK.CTRL", "SysTick.LOAD", "SysTick.VAL", "SysTick.CALIB"]);
    let by_word = chip.search("systick", 20);
    assert!(by_word.iter().any(|(register, _)| *register == control), "{by_word:?}");
}

#[test]
fn no_address_is_two_registers() {
    for chip in [
        crate::nrf51(),
        cortex_m4(),
        device("<name>CM4</name>", &format!("{UART}{VENDOR}")),
        device("<name>CM0PLUS</name><mpuPresent>1</mpuPresent>", UART),
    ] {
        for register in chip.registers().filter(|register| register.is_builtin()) {
            for element in register.elements().filter(|element| !element.is_view()) {
                for byte in 0..element.size_bytes() {
                    let at = chip.registers_at(element.address() + byte);
                    assert_eq!(at, [element], "at {:#x}", element.address() + byte);
                }
            }
        }
    }
}
