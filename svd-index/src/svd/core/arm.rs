//! Which architecture an Arm core has, and which of its peripherals the chip implements.

use bumpalo::Bump;

use crate::chip::Origin;
use crate::svd::tree::{Device, Dim, Node, Peripheral};

/// Interrupts that a word of `NVIC_ISER` and its like holds, and words that hold their priorities.
const INTERRUPTS_PER_WORD: u32 = 32;
const PRIORITY_WORDS: u32 = INTERRUPTS_PER_WORD / 4;

/// ARMv7-M has at most 496 external interrupts, and so has Armv8-M. Source: DDI 0403E, B3.4.
const MAX_INTERRUPT_WORDS: u32 = 16;
const MAX_PRIORITY_WORDS: u32 = 124;

/// Words where the SVD names no interrupt: Cortex-M3, M4 and M7 have up to 240. Source:
/// Cortex-M4 TRM, 100166, Nested Vectored Interrupt Controller.
const USUAL_INTERRUPT_WORDS: u32 = 8;

/// Source: CMSIS-SVD, `<cpu>`, `<name>`, which allows `CM0+` for `CM0PLUS`; `CM0P` is HDSC's.
pub(super) fn architecture(cpu_name: &str) -> Option<Origin> {
    match cpu_name.to_ascii_uppercase().as_str() {
        "CM0" | "CM0PLUS" | "CM0+" | "CM0P" | "CM1" | "SC000" => Some(Origin::ArmV6M),
        "CM3" | "CM4" | "CM7" | "SC300" => Some(Origin::ArmV7M),
        "CM23" | "ARMV8MBL" => Some(Origin::ArmV8MBaseline),
        "CM33" | "CM35P" | "CM52" | "CM55" | "CM85" | "SMC1" | "ARMV8MML" | "ARMV81MML" => {
            Some(Origin::ArmV8M)
        }
        _ => None,
    }
}

/// Cortex-M3 and M4 may have bit-band regions; Cortex-M7, also ARMv7-M, has none. Source:
/// Cortex-M3 TRM, 100165, and Cortex-M4 TRM, 100166, Bit-banding.
pub(super) fn has_bit_band(cpu_name: &str) -> bool {
    matches!(cpu_name.to_ascii_uppercase().as_str(), "CM3" | "CM4" | "SC300")
}

/// Leaves in `core` what `device` has, whose processor is `cpu_name`, empty if not known.
pub(super) fn fit<'a>(
    (core, memory): (&mut Device<'a>, &'a Bump),
    origin: Origin,
    cpu_name: &str,
    device: &Device<'_>,
) {
    core.peripherals.retain(|peripheral| has(device, cpu_name, peripheral.name));
    let words = interrupt_words(device);
    for peripheral in &mut core.peripherals {
        match peripheral.name {
            "NVIC" if origin != Origin::ArmV6M => size_nvic(peripheral, words, memory),
            "SCB" if lacks_vtor(cpu_name) => remove(peripheral, "VTOR"),
            _ => {}
        }
    }
}

/// What a processor may lack is there if `<cpu>` says so, and where there is no `<cpu>` to say
/// that it is not.
fn has(device: &Device<'_>, cpu_name: &str, peripheral: &str) -> bool {
    let peripheral = peripheral.trim_end_matches("_NS");
    let never = peripheral == "FPU" && matches!(cpu_name, "CM3" | "SC300");
    let Some(cpu) = &device.cpu else { return !never };
    match peripheral {
        "MPU" => cpu.mpu,
        "FPU" => cpu.fpu,
        "SysTick" => !cpu.vendor_systick,
        _ => true,
    }
}

/// ARMv6-M leaves `VTOR` to the implementation. Source: DDI 0419E, B3.2.5; Cortex-M0 TRM, DDI
/// 0432C, and Cortex-M1 TRM, DDI 0413D, do not list it among their registers.
fn lacks_vtor(cpu_name: &str) -> bool {
    matches!(cpu_name.to_ascii_uppercase().as_str(), "CM0" | "CM1")
}

fn interrupt_words(device: &Device<'_>) -> u32 {
    let interrupts = device.peripherals.iter().flat_map(|peripheral| &peripheral.interrupts);
    let highest = interrupts.filter_map(|interrupt| interrupt.number).max();
    let words = highest.map_or(USUAL_INTERRUPT_WORDS, |highest| highest / INTERRUPTS_PER_WORD + 1);
    words.min(MAX_INTERRUPT_WORDS)
}

fn size_nvic<'a>(nvic: &mut Peripheral<'a>, words: u32, memory: &'a Bump) {
    for node in nvic.children.iter_mut().flatten() {
        let Node::Register(register) = node else {
            continue;
        };
        let wanted = match register.name {
            "IPR%s" => (words * PRIORITY_WORDS).min(MAX_PRIORITY_WORDS),
            _ => words,
        };
        if let Some(dim) = register.dim.given() {
            register.dim.put(Dim { count: dim.count.map(|_| wanted), ..*dim }, memory);
        }
    }
}

fn remove(peripheral: &mut Peripheral<'_>, name: &str) {
    if let Some(children) = &mut peripheral.children {
        children.retain(|node| !matches!(node, Node::Register(register) if register.name == name));
    }
}
