//! Adds the core peripherals of an Arm chip, which vendors' SVDs leave out or give in part.
//!
//! They are SVD files of our own in `core/`, read as any other. Which one, and what of it, the
//! SVD's `<cpu>` decides: without one, or with a name that is not known, nothing is added. Where
//! the vendor has a register at the address, its path stands and ours becomes an alias of it, so
//! that one address is never two registers; one that overlaps the vendor's otherwise is left out.

use bumpalo::Bump;

use super::layout::{Declared, Tables, span};
use super::tree::{Cpu, Device, Node, Peripheral};
use crate::chip::{Origin, array, records as rec};
use crate::store::Writer;

/// The private peripheral bus. Source: ARMv7-M ARM, DDI 0403E, B3.1, Table B3-1; ARMv6-M ARM,
/// DDI 0419E, B3.1.
const PRIVATE_BUS: std::ops::Range<u64> = 0xe000_0000..0xe010_0000;

/// Interrupts that a word of `NVIC_ISER` and its like holds, and words that hold their priorities.
const INTERRUPTS_PER_WORD: u32 = 32;
const PRIORITY_WORDS: u32 = INTERRUPTS_PER_WORD / 4;

/// ARMv7-M has at most 496 external interrupts. Source: DDI 0403E, B3.4.
const MAX_INTERRUPT_WORDS: u32 = 16;
const MAX_PRIORITY_WORDS: u32 = 124;

/// Words where the SVD names no interrupt: Cortex-M3, M4 and M7 have up to 240. Source:
/// Cortex-M4 TRM, 100166, Nested Vectored Interrupt Controller.
const USUAL_INTERRUPT_WORDS: u32 = 8;

/// What the architecture gives a device.
pub(super) struct Core<'a> {
    pub(super) origin: Origin,
    pub(super) device: Device<'a>,
}

/// The core peripherals that `device` has; `None` where neither its `<cpu>` tells nor, in its
/// absence, `firmware`.
pub(super) fn of<'a>(
    device: &Device<'_>,
    firmware: Option<Origin>,
    memory: &'a Bump,
) -> Option<Core<'a>> {
    let unknown = Cpu::default();
    let (cpu, origin) = match &device.cpu {
        Some(cpu) => (cpu, architecture(cpu.name)),
        None => (&unknown, firmware),
    };
    let origin = origin.filter(|_| !is_riscv(device))?;
    let (mut core, _) = super::read::read(text(origin)?, memory)?;
    core.peripherals.retain(|peripheral| has(cpu, peripheral.name));
    for peripheral in &mut core.peripherals {
        match peripheral.name {
            "NVIC" if origin == Origin::ArmV7M => size_nvic(peripheral, interrupt_words(device)),
            "SCB" if lacks_vtor(cpu.name) => remove(peripheral, "VTOR"),
            _ => {}
        }
    }
    Some(Core { origin, device: core })
}

/// The file that describes what `origin` stands for.
fn text(origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Svd => None,
        Origin::ArmV6M => Some(include_str!("../../core/armv6m.svd")),
        Origin::ArmV7M => Some(include_str!("../../core/armv7m.svd")),
    }
}

/// Source: CMSIS-SVD, `<cpu>`, `<name>`, which allows `CM0+` for `CM0PLUS`; `CM0P` is HDSC's.
fn architecture(cpu_name: &str) -> Option<Origin> {
    match cpu_name.to_ascii_uppercase().as_str() {
        "CM0" | "CM0PLUS" | "CM0+" | "CM0P" | "CM1" | "SC000" => Some(Origin::ArmV6M),
        "CM3" | "CM4" | "CM7" | "SC300" => Some(Origin::ArmV7M),
        _ => None,
    }
}

/// GigaDevice's file for the GD32VF103, a RISC-V chip, was made from that of its Cortex-M3 sister
/// and still says `CM3`; an interrupt controller that only RISC-V has gives it away.
///
/// Source: GD32VF103.svd 1.0 (`ECLIC`); RISC-V PLIC and ACLINT specifications for the others.
fn is_riscv(device: &Device<'_>) -> bool {
    let mut names = device.peripherals.iter().map(|peripheral| peripheral.name);
    names.any(|name| matches!(name, "ECLIC" | "CLIC" | "CLINT" | "PLIC"))
}

fn has(cpu: &Cpu<'_>, peripheral: &str) -> bool {
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

fn size_nvic(nvic: &mut Peripheral<'_>, words: u32) {
    for node in nvic.children.iter_mut().flatten() {
        let Node::Register(register) = node else {
            continue;
        };
        let wanted = match register.name {
            "IPR%s" => (words * PRIORITY_WORDS).min(MAX_PRIORITY_WORDS),
            _ => words,
        };
        register.dim.count = register.dim.count.map(|_| wanted);
    }
}

fn remove(peripheral: &mut Peripheral<'_>, name: &str) {
    if let Some(children) = &mut peripheral.children {
        children.retain(|node| !matches!(node, Node::Register(register) if register.name == name));
    }
}

/// Parts the core's records, which stand in `tables` after those `declared` by the SVD, into
/// registers that are new and aliases of the vendor's.
pub(super) fn merge(tables: &mut Tables, writer: &mut Writer, declared: Declared, origin: Origin) {
    let taken = Taken::of(tables, declared.registers);
    let peripherals = tables.peripherals.split_off(declared.peripherals);
    let registers = tables.registers.split_off(declared.registers);
    for peripheral in peripherals {
        let index = tables.peripherals.len() as u32;
        let first = tables.registers.len();
        let before = declared.registers;
        for place in peripheral.registers.range() {
            let register = rec::RegisterRecord { peripheral: index, ..registers[place - before] };
            add(tables, writer, &taken, register, peripheral.name);
        }
        if tables.registers.len() > first {
            let registers = span(first, tables.registers.len());
            let origin = origin.code();
            tables.peripherals.push(rec::PeripheralRecord { registers, origin, ..peripheral });
        }
    }
}

/// Adds a register of the core, or of an array those elements that the vendor leaves.
fn add(
    tables: &mut Tables,
    writer: &mut Writer,
    taken: &Taken,
    register: rec::RegisterRecord,
    peripheral: crate::store::StrRef,
) {
    let dims = tables.dims[register.dims.range()].to_vec();
    let elements: Vec<(u64, Room)> = (0..array::count(&dims))
        .map(|element| register.address.wrapping_add(array::offset(&dims, element)))
        .map(|address| (address, taken.at(address, register.size_bits)))
        .collect();
    if elements.iter().all(|(_, room)| matches!(room, Room::Free)) {
        tables.registers.push(register);
        return;
    }
    for (number, (address, room)) in elements.into_iter().enumerate() {
        // Arrays of the core have one dimension, counted from 0.
        let name = writer.text_at(register.name).replace('\u{1}', &number.to_string());
        match room {
            Room::Free => tables.registers.push(rec::RegisterRecord {
                address,
                name: writer.text(&name),
                dims: rec::Span::default(),
                ..register
            }),
            Room::Same { register, element } => {
                let name = format!("{}.{name}", writer.text_at(peripheral));
                let name = writer.text(&name);
                let record = rec::AliasRecord { element, name, register, reserved: 0 };
                tables.aliases.push(record);
            }
            Room::Overlapped => {}
        }
    }
}

/// What the vendor has at an address of the core.
enum Room {
    Free,
    /// A register of the same address and size.
    Same {
        register: u32,
        element: u64,
    },
    Overlapped,
}

/// The vendor's registers on the private peripheral bus.
struct Taken(Vec<TakenRegister>);

struct TakenRegister {
    register: u32,
    start: u64,
    size_bits: u16,
    dims: Vec<rec::DimRecord>,
}

impl Taken {
    fn of(tables: &Tables, count: usize) -> Self {
        let registers = tables.registers[..count].iter().enumerate();
        let taken = registers.filter_map(|(index, register)| {
            let dims = &tables.dims[register.dims.range()];
            let size = u64::from(register.size_bits.div_ceil(8));
            let end = register.address.saturating_add(array::reach(dims)).saturating_add(size);
            let on_bus = register.address < PRIVATE_BUS.end && end > PRIVATE_BUS.start;
            on_bus.then(|| TakenRegister {
                register: index as u32,
                start: register.address,
                size_bits: register.size_bits,
                dims: dims.to_vec(),
            })
        });
        Self(taken.collect())
    }

    fn at(&self, address: u64, size_bits: u16) -> Room {
        let mut room = Room::Free;
        for taken in &self.0 {
            for byte in address..address + u64::from(size_bits.div_ceil(8)) {
                let Some(offset) = byte.checked_sub(taken.start) else {
                    continue;
                };
                let size = u64::from(taken.size_bits.div_ceil(8));
                for element in array::elements_at(&taken.dims, size, offset) {
                    let start = taken.start.wrapping_add(array::offset(&taken.dims, element));
                    if start == address && taken.size_bits == size_bits {
                        return Room::Same { register: taken.register, element };
                    }
                    room = Room::Overlapped;
                }
            }
        }
        room
    }
}
