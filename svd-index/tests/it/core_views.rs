//! Names that CMSIS-Core has for parts of core registers, and older names.

use svd_index::{Chip, Query};

use crate::core::{UART, check, device};

fn chip(cpu: &str) -> Chip {
    device(&format!("<name>{cpu}</name>"), UART)
}

fn found(chip: &Chip, name: &str) -> Vec<String> {
    chip.find_hits(&Query::parse(name).unwrap()).iter().map(|hit| hit.path()).collect()
}

#[test]
fn parts_of_cfsr_have_their_names() {
    for cpu in ["CM4", "CM33"] {
        let chip = chip(cpu);
        for (path, address, bits) in [
            ("SCB.MMFSR", 0xe000_ed28, 8),
            ("SCB.BFSR", 0xe000_ed29, 8),
            ("SCB.UFSR", 0xe000_ed2a, 16),
        ] {
            let register = chip.register(path).expect(path);
            assert_eq!((register.address(), register.size_bits()), (address, bits), "{path}");
            assert_eq!(register.alternate_register(), Some("CFSR"), "{path}");
            assert!(register.is_view(), "{path}");
        }
        // The address is one register: the whole.
        for byte in 0xe000_ed28..0xe000_ed2c {
            let at: Vec<String> = chip.registers_at(byte).iter().map(|r| r.path()).collect();
            assert_eq!(at, ["SCB.CFSR"], "at {byte:#x}");
        }
        let ufsr = chip.register("SCB.UFSR").unwrap();
        let set = ufsr.decode(0x0200).into_iter().find(|field| field.raw != 0).unwrap();
        assert_eq!(set.field.name(), "DIVBYZERO");
        // Bit for bit, the parts are the whole.
        let cfsr = chip.register("SCB.CFSR").unwrap();
        for field in cfsr.fields() {
            let parts = ["SCB.MMFSR", "SCB.BFSR", "SCB.UFSR"].map(|path| chip.register(path));
            let same = parts.into_iter().flatten().find_map(|part| {
                let shift = u32::try_from(part.address() - cfsr.address()).unwrap() * 8;
                part.field(field.name()).map(|part| part.lsb() + shift)
            });
            assert_eq!(same, Some(field.lsb()), "{}", field.path());
        }
    }
}

#[test]
fn a_field_by_its_name_alone_is_one_of_the_whole() {
    assert_eq!(found(&chip("CM4"), "DIVBYZERO"), ["SCB.CFSR.DIVBYZERO"]);
}

#[test]
fn a_part_of_the_vendors_register_has_its_name_too() {
    let vendor = "<peripheral><name>SCB</name><baseAddress>0xE000ED00</baseAddress><registers>\
        <register><name>CFSR_UFSR_BFSR_MMFSR</name><addressOffset>0x28</addressOffset></register>\
        </registers></peripheral>";
    let chip = device("<name>CM4</name>", &format!("{UART}{vendor}"));
    let ufsr = chip.register("SCB.UFSR").unwrap();
    assert_eq!(ufsr.alternate_register(), Some("CFSR_UFSR_BFSR_MMFSR"));
    assert_eq!(found(&chip, "SCB->CFSR"), ["SCB.CFSR_UFSR_BFSR_MMFSR"]);
}

#[test]
fn the_architectures_names_of_systick_are_known() {
    for cpu in ["CM0", "CM4", "CM23", "CM33"] {
        let chip = chip(cpu);
        for (name, path) in [
            ("SYST_CSR", "SysTick.CTRL"),
            ("SYST_RVR", "SysTick.LOAD"),
            ("SYST_CVR", "SysTick.VAL"),
            ("SYST_CALIB", "SysTick.CALIB"),
        ] {
            assert_eq!(found(&chip, name)[0], path, "{name} on {cpu}");
        }
        check(&chip, &[("SysTick.CTRL", 0xe000_e010)]);
    }
}

#[test]
fn second_paths_of_cmsis_lead_to_the_one_register() {
    let chip = chip("CM33");
    for (name, path) in [
        ("SAU->SFSR", "SCB.SFSR"),
        ("SAU->SFAR", "SCB.SFAR"),
        ("SCB->STIR", "NVIC.STIR"),
        ("TPI->ACPR", "TPIU.ACPR"),
        ("ICB->ACTLR", "SCnSCB.ACTLR"),
        ("SCB_AIRCR", "SCB.AIRCR"),
        ("SCB->AIRCR", "SCB.AIRCR"),
        ("CoreDebug_NS->DHCSR", "DCB_NS.DHCSR"),
    ] {
        assert_eq!(found(&chip, name), [path], "{name}");
    }
}

#[test]
fn elements_of_cmsis_arrays_are_fields_or_words() {
    for (cpu, cases) in [
        (
            "CM4",
            &[
                ("NVIC->IP[5]", "NVIC.IPR1.PRI_N1"),
                ("NVIC->IPR[7]", "NVIC.IPR1.PRI_N3"),
                ("NVIC_IPR1", "NVIC.IPR1"),
                ("SCB->SHP[2]", "SCB.SHPR1.PRI_6"),
                ("SCB->SHPR[11]", "SCB.SHPR3.PRI_15"),
                ("ITM->PORT[0].u32", "ITM.STIM[0]"),
                ("ITM->PORT[31].u8", "ITM.STIM[31]"),
            ][..],
        ),
        ("CM33", &[("NVIC->IPR[4]", "NVIC.IPR1.PRI_N0"), ("SCB->SHPR[7]", "SCB.SHPR2.PRI_11")]),
        ("CM0", &[("NVIC->IP[1]", "NVIC.IPR1"), ("SCB->SHP[1]", "SCB.SHPR3")]),
        ("CM23", &[("NVIC->IPR[7]", "NVIC.IPR7"), ("SCB->SHPR[0]", "SCB.SHPR2")]),
    ] {
        let chip = chip(cpu);
        for (name, path) in cases {
            assert_eq!(found(&chip, name), [*path], "{name} on {cpu}");
        }
    }
}
