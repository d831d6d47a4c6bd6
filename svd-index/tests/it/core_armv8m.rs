//! Armv8-M: what Mainline and Baseline have, and the Non-secure alias.

use svd_index::{Chip, ModifiedWriteValues, Origin, Query};

use crate::core::{UART, check, device, is_empty_at};

fn cortex_m33() -> Chip {
    device("<name>CM33</name><mpuPresent>1</mpuPresent><fpuPresent>1</fpuPresent>", UART)
}

#[test]
fn mainline_has_its_core() {
    let chip = cortex_m33();
    check(
        &chip,
        &[
            ("SCnSCB.ICTR", 0xe000_e004),
            ("SCnSCB.CPPWR", 0xe000_e00c),
            ("SysTick.CTRL", 0xe000_e010),
            ("NVIC.ISER[2]", 0xe000_e108),
            ("NVIC.ITNS[2]", 0xe000_e388),
            ("NVIC.IPR23", 0xe000_e45c),
            ("NVIC.STIR", 0xe000_ef00),
            ("SCB.VTOR", 0xe000_ed08),
            ("SCB.SHPR1", 0xe000_ed18),
            ("SCB.CFSR", 0xe000_ed28),
            ("SCB.HFSR", 0xe000_ed2c),
            ("SCB.CPACR", 0xe000_ed88),
            ("SCB.NSACR", 0xe000_ed8c),
            ("SCB.SFSR", 0xe000_ede4),
            ("SCB.SFAR", 0xe000_ede8),
            ("MPU.TYPE", 0xe000_ed90),
            ("MPU.RBAR", 0xe000_ed9c),
            ("MPU.RLAR", 0xe000_eda0),
            ("MPU.RLAR_A3", 0xe000_edb8),
            ("MPU.MAIR0", 0xe000_edc0),
            ("MPU.MAIR1", 0xe000_edc4),
            ("SAU.CTRL", 0xe000_edd0),
            ("SAU.RLAR", 0xe000_ede0),
            ("DCB.DHCSR", 0xe000_edf0),
            ("DCB.DEMCR", 0xe000_edfc),
            ("DCB.DAUTHCTRL", 0xe000_ee04),
            ("DCB.DSCSR", 0xe000_ee08),
            ("DIB.DAUTHSTATUS", 0xe000_efb8),
            ("FPU.FPCCR", 0xe000_ef34),
            ("FPU.MVFR2", 0xe000_ef48),
            ("DWT.CYCCNT", 0xe000_1004),
            ("DWT.FUNCTION3", 0xe000_1058),
            ("ITM.STIM[31]", 0xe000_007c),
            ("TPIU.ACPR", 0xe004_0010),
            ("TPIU.SPPR", 0xe004_00f0),
            ("SCB_NS.CFSR", 0xe002_ed28),
            ("NVIC_NS.ISER[2]", 0xe002_e108),
            ("SysTick_NS.CTRL", 0xe002_e010),
            ("MPU_NS.RLAR", 0xe002_eda0),
            ("FPU_NS.FPCCR", 0xe002_ef34),
            ("DCB_NS.DHCSR", 0xe002_edf0),
        ],
    );
    // Interrupts beyond 96, RASR of ARMv7-M is RLAR here, and MASK of the DWT is gone.
    is_empty_at(&chip, &[0xe000_e10c, 0xe002_e10c, 0xe000_1024]);
    assert!(chip.register("MPU.RASR").is_none());
    assert!(chip.registers().all(|register| register.origin() != Origin::ArmV7M));
}

#[test]
fn baseline_leaves_out_what_it_lacks() {
    let chip = device("<name>CM23</name><mpuPresent>1</mpuPresent>", UART);
    check(
        &chip,
        &[
            ("SCB.AIRCR", 0xe000_ed0c),
            ("SCB.VTOR", 0xe000_ed08),
            ("SCB.SHPR3", 0xe000_ed20),
            ("NVIC.ITNS[0]", 0xe000_e380),
            ("MPU.RLAR", 0xe000_eda0),
            ("SAU.RBAR", 0xe000_eddc),
            ("DCB.DEMCR", 0xe000_edfc),
            ("DWT.PCSR", 0xe000_101c),
            ("SCB_NS.AIRCR", 0xe002_ed0c),
        ],
    );
    // CFSR, SHPR1, CPACR, SFSR, STIR, FPCCR, RBAR_A1, CYCCNT, ITM, ICTR.
    is_empty_at(&chip, &[0xe000_ed28, 0xe000_ed18, 0xe000_ed88, 0xe000_ede4, 0xe000_ef00]);
    is_empty_at(&chip, &[0xe000_ef34, 0xe000_eda4, 0xe000_1004, 0xe000_0000, 0xe000_e004]);
    let aircr = chip.register("SCB.AIRCR").unwrap();
    assert_eq!(aircr.origin(), Origin::ArmV8MBaseline);
    assert!(aircr.field("PRIGROUP").is_none());
    assert!(aircr.field("SYSRESETREQS").is_some());
}

#[test]
fn registers_have_the_facts_of_the_manual() {
    let chip = cortex_m33();
    let set = |path: &str, value: u64| -> Vec<&str> {
        let fields = chip.register(path).expect(path).decode(value).into_iter();
        fields.filter(|field| field.raw != 0).map(|field| field.field.name()).collect()
    };
    assert_eq!(set("SCB.CFSR", 0x0010_0000), ["STKOF"]);
    assert_eq!(set("SCB.SFSR", 0x48), ["SFARVALID", "AUVIOL"]);
    assert_eq!(set("SCB.AIRCR", 0x6000), ["PRIS", "BFHFNMINS"]);
    assert_eq!(set("MPU.RLAR", 0x2000_00e3), ["LIMIT", "AttrIndx", "EN"]);
    assert_eq!(set("SAU.RLAR", 0x3), ["NSC", "ENABLE"]);
    assert_eq!(set("SCB.NSACR", 0xc01), ["CP11", "CP10", "CP0"]);
    assert_eq!(set("FPU.FPCCR", 0x0400_0004), ["TS", "S"]);
    let sfsr = chip.register("SCB.SFSR").unwrap();
    assert_eq!(sfsr.modified_write_values(), Some(ModifiedWriteValues::OneToClear));
    let disturbed = chip.registers().filter(|register| register.has_read_side_effect());
    let disturbed: Vec<String> = disturbed.map(|register| register.path()).collect();
    let expected =
        ["SysTick.CTRL", "DCB.DHCSR", "DWT.FUNCTION{0..4)", "SysTick_NS.CTRL", "DCB_NS.DHCSR"];
    assert_eq!(disturbed, expected);
}

#[test]
fn both_names_of_the_debug_block_are_known() {
    for (cpu, path) in [("CM33", "DCB.DEMCR"), ("CM4", "CoreDebug.DEMCR")] {
        let chip = device(&format!("<name>{cpu}</name>"), UART);
        for name in ["CoreDebug->DEMCR", "DCB->DEMCR", "CoreDebug_DEMCR", "DEMCR"] {
            let found = chip.find(&Query::parse(name).unwrap());
            let mut paths = found.iter().map(|register| register.path());
            assert!(paths.any(|found| found == path), "{name} on {cpu}: {found:?}");
        }
    }
}
