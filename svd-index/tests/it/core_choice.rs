//! Which core a device without `<cpu>` has: by its name, or by what the firmware was built for.

use svd_index::svd::Build;
use svd_index::{Chip, Origin};

fn core(name: &str, firmware: Option<Origin>) -> Option<Origin> {
    let svd = format!(
        "<device><name>{name}</name><size>32</size><peripherals><peripheral><name>P</name>\
         <baseAddress>0x40000000</baseAddress></peripheral></peripherals></device>"
    );
    let build = Build { core: firmware, ..Build::default() };
    let (chip, _) = Chip::from_svd_with(svd.as_bytes(), &build).unwrap();
    chip.device().core
}

#[test]
fn a_family_of_one_core_tells() {
    for (name, expected) in [
        ("STM32F0xx", Some(Origin::ArmV6M)),
        ("STM32F103xx", Some(Origin::ArmV7M)),
        ("STM32F429x", Some(Origin::ArmV7M)),
        ("STM32L0x1", Some(Origin::ArmV6M)),
        ("STM32L552", Some(Origin::ArmV8M)),
        ("STM32WBA52", Some(Origin::ArmV8M)),
        ("M2354", Some(Origin::ArmV8MBaseline)),
        ("M480_v1", Some(Origin::ArmV7M)),
        // Two cores, one of several, or nobody knows.
        ("STM32H745", None),
        ("STM32WB55", None),
        ("LPC43xx", None),
        ("AIR32F103xx", None),
        ("T", None),
    ] {
        assert_eq!(core(name, None), expected, "{name}");
    }
}

#[test]
fn otherwise_the_firmware_tells() {
    for origin in [Origin::ArmV6M, Origin::ArmV7M, Origin::ArmV8MBaseline, Origin::ArmV8M] {
        assert_eq!(core("T", Some(origin)), Some(origin));
    }
    // What is certain by the name is not taken from a program.
    assert_eq!(core("STM32F429x", Some(Origin::ArmV6M)), Some(Origin::ArmV7M));
}

#[test]
fn what_nobody_denies_is_there() {
    let svd = "<device><name>STM32F429x</name><size>32</size><peripherals></peripherals></device>";
    let (chip, _) = Chip::from_svd(svd.as_bytes()).unwrap();
    for path in ["MPU.CTRL", "FPU.FPCCR", "SysTick.CTRL", "SCB.CFSR"] {
        assert!(chip.register(path).is_some(), "{path}");
    }
    let svd = svd.replace("F429", "F103");
    let (chip, _) = Chip::from_svd(svd.as_bytes()).unwrap();
    assert!(chip.register("FPU.FPCCR").is_none(), "Cortex-M3 has no floating-point unit");
}
