//! Which core a device without `<cpu>` has: by its name, or by what the firmware was built for.

use svd_index::svd::Build;
use svd_index::{Chip, Index, Origin, Sources};

fn core(name: &str, firmware: Option<Origin>) -> Option<Origin> {
    let svd = format!(
        "<device><name>{name}</name><size>32</size><peripherals><peripheral><name>P</name>\
         <baseAddress>0x40000000</baseAddress></peripheral></peripherals></device>"
    );
    #[allow(clippy::needless_update, reason = "options are added")]
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

#[test]
fn firmware_says_what_it_is_built_for() {
    use crate::elf::{data, example, open};
    for (path, expected) in [
        (data("m4-O2-dwarf5.elf"), Some(Origin::ArmV7M)),
        (example("fixed.elf"), Some(Origin::ArmV6M)),
    ] {
        assert_eq!(open(&path).core(), expected, "{}", path.display());
    }
}

#[test]
fn an_index_of_both_takes_the_core_from_the_firmware() {
    let folder = tempfile::tempdir().unwrap();
    let svd = folder.path().join("t.svd");
    let text = "<device><name>T</name><size>32</size><peripherals></peripherals></device>";
    std::fs::write(&svd, text).unwrap();
    let elf = crate::elf::data("m4-O2-dwarf5.elf");
    let cache = folder.path().join("cache");
    let open = |elfs: Vec<std::path::PathBuf>| {
        let sources = Sources { svds: vec![svd.clone().into()], elfs };
        Index::open(&sources, &cache).unwrap().index
    };
    // In any order of asking, from the cache or not.
    for elfs in [vec![], vec![elf.clone()], vec![], vec![elf.clone()]] {
        let expected = (!elfs.is_empty()).then_some(Origin::ArmV7M);
        let index = open(elfs);
        let chip = index.chip().unwrap();
        assert_eq!(chip.device().core, expected);
        assert_eq!(chip.register("SCB.CFSR").is_some(), expected.is_some());
    }
    // Two programs for different cores tell nothing.
    let index = open(vec![elf, crate::elf::example("fixed.elf")]);
    assert_eq!(index.chip().unwrap().device().core, None);
}
