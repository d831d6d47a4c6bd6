//! Which core a chip has by its name, where the SVD has no `<cpu>`.
//!
//! Only families in which every chip has the one core: STM32H7, STM32WB, STM32WL, LPC43xx and
//! their like have two, or one of several, and are not here.

/// Starts of chip names in lower case, the longest first among those alike, and the core as CMSIS
/// names it.
///
/// Source: ST, product selectors and the reference manuals of the families; Nuvoton, M251, M261,
/// M2354, M460 and M480 technical reference manuals.
const FAMILIES: [(&str, &str); 24] = [
    ("stm32f0", "CM0"),
    ("stm32f1", "CM3"),
    ("stm32f2", "CM3"),
    ("stm32f3", "CM4"),
    ("stm32f4", "CM4"),
    ("stm32f7", "CM7"),
    ("stm32c0", "CM0PLUS"),
    ("stm32g0", "CM0PLUS"),
    ("stm32g4", "CM4"),
    ("stm32h5", "CM33"),
    ("stm32l0", "CM0PLUS"),
    ("stm32l1", "CM3"),
    ("stm32l4", "CM4"),
    ("stm32l5", "CM33"),
    ("stm32u0", "CM0PLUS"),
    ("stm32u5", "CM33"),
    ("stm32wba", "CM33"),
    ("stm32w1", "CM3"),
    ("m251", "CM23"),
    ("m261", "CM23"),
    ("m2354", "CM23"),
    ("m460", "CM4"),
    ("m480", "CM4"),
    ("msp432p4", "CM4"),
];

/// The core that every chip named like `chip` has.
pub(super) fn core(chip: &str) -> Option<&'static str> {
    let chip = chip.to_ascii_lowercase();
    FAMILIES.iter().find(|(start, _)| chip.starts_with(start)).map(|(_, core)| *core)
}

/// True if `chip`, whose SVD names its Arm cores, has RISC-V cores to choose instead. Source:
/// RP2350 datasheet, 3.9, Arm/RISC-V architecture switching.
pub(super) fn has_riscv_too(chip: &str) -> bool {
    chip.eq_ignore_ascii_case("RP2350")
}
