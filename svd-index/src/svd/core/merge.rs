//! Puts the architecture's registers beside the vendor's.

use crate::chip::{Origin, array, records as rec};
use crate::store::{StrRef, Writer};
use crate::svd::layout::{Declared, Tables, span};

/// The private peripheral bus. Source: ARMv7-M ARM, DDI 0403E, B3.1, Table B3-1; ARMv6-M ARM,
/// DDI 0419E, B3.1; Armv8-M ARM, DDI 0553, B7.2 (with the Non-secure alias at `0xE002_0000`).
const PRIVATE_BUS: std::ops::Range<u64> = 0xe000_0000..0xe010_0000;

/// What CMSIS-Core calls, or called, the same peripheral: version 6 has `DCB` for `CoreDebug` on
/// every core, version 5 `CoreDebug` on Armv8-M too; `ICB` and `TPI` are of single headers.
const PERIPHERALS: [(&str, &str); 6] = [
    ("CoreDebug", "DCB"),
    ("DCB", "CoreDebug"),
    ("DCB_NS", "CoreDebug_NS"),
    ("SCnSCB", "ICB"),
    ("SCnSCB_NS", "ICB_NS"),
    ("TPIU", "TPI"),
];

/// Registers that CMSIS-Core gives two paths; the second as in core_cm33.h.
const REGISTERS: [(&str, &str); 3] =
    [("SCB.SFSR", "SAU.SFSR"), ("SCB.SFAR", "SAU.SFAR"), ("NVIC.STIR", "SCB.STIR")];

/// Parts the core's records, which stand in `tables` after those `declared` by the SVD, into
/// registers that are new and aliases of the vendor's.
pub(in crate::svd) fn merge(
    tables: &mut Tables,
    writer: &mut Writer,
    declared: Declared,
    origin: Origin,
) {
    let taken = Taken::of(tables, declared.registers);
    let peripherals = tables.peripherals.split_off(declared.peripherals);
    let registers = tables.registers.split_off(declared.registers);
    let mut merge = Merge { tables, writer, taken };
    for peripheral in peripherals {
        let index = merge.tables.peripherals.len() as u32;
        let first = merge.tables.registers.len();
        let before = declared.registers;
        for place in peripheral.registers.range() {
            let register = rec::RegisterRecord { peripheral: index, ..registers[place - before] };
            merge.add(register, peripheral.name);
        }
        if merge.tables.registers.len() > first {
            let registers = span(first, merge.tables.registers.len());
            let origin = origin.code();
            let record = rec::PeripheralRecord { registers, origin, ..peripheral };
            merge.tables.peripherals.push(record);
        }
    }
}

struct Merge<'t> {
    tables: &'t mut Tables,
    writer: &'t mut Writer,
    taken: Taken,
}

impl Merge<'_> {
    /// Adds a register of the core, or of an array those elements that the vendor leaves.
    fn add(&mut self, register: rec::RegisterRecord, peripheral: StrRef) {
        let dims = self.tables.dims[register.dims.range()].to_vec();
        let elements: Vec<(u64, Room)> = (0..array::count(&dims))
            .map(|element| register.address.wrapping_add(array::offset(&dims, element)))
            .map(|address| (address, self.taken.at(address, register.size_bits)))
            .collect();
        if elements.iter().all(|(_, room)| matches!(room, Room::Free)) {
            self.push(register, peripheral);
            return;
        }
        for (number, (address, room)) in elements.into_iter().enumerate() {
            // Arrays of the core have one dimension, counted from 0.
            let name = self.writer.text_at(register.name).replace('\u{1}', &number.to_string());
            let single = rec::RegisterRecord {
                address,
                name: self.writer.text(&name),
                dims: rec::Span::default(),
                ..register
            };
            match room {
                Room::Free => self.push(single, peripheral),
                Room::Same { register: same, element } => {
                    for name in [register.name, register.display_name] {
                        let name = self.writer.text_at(name).replace('\u{1}', &number.to_string());
                        self.alias(&name, peripheral, same, element);
                    }
                }
                Room::Overlapped { by } if self.is_view(&register) => {
                    // A part of a word (UFSR of CFSR), and the word is the vendor's.
                    let word = self.tables.registers[by as usize].name;
                    self.push(rec::RegisterRecord { alternate: word, ..single }, peripheral);
                }
                Room::Overlapped { .. } => {}
            }
        }
    }

    /// True if `register` is declared a part of another.
    fn is_view(&self, register: &rec::RegisterRecord) -> bool {
        !self.writer.text_at(register.alternate).is_empty()
    }

    fn push(&mut self, register: rec::RegisterRecord, peripheral: StrRef) {
        let place = self.tables.registers.len() as u32;
        self.tables.registers.push(register);
        if register.dims.count == 0 {
            let name = self.writer.text_at(register.name).to_owned();
            let path = format!("{}.{name}", self.writer.text_at(peripheral));
            self.other_names(&path, place, 0);
        }
    }

    fn alias(&mut self, name: &str, peripheral: StrRef, register: u32, element: u64) {
        if name.is_empty() {
            return;
        }
        let path = format!("{}.{name}", self.writer.text_at(peripheral));
        self.record(&path, register, element);
        self.other_names(&path, register, element);
    }

    /// Records the other names that CMSIS-Core has for the register at `path`.
    fn other_names(&mut self, path: &str, register: u32, element: u64) {
        let Some((peripheral, name)) = path.split_once('.') else {
            return;
        };
        for (_, other) in PERIPHERALS.iter().filter(|(known, _)| *known == peripheral) {
            self.record(&format!("{other}.{name}"), register, element);
        }
        for (_, other) in REGISTERS.iter().filter(|(known, _)| *known == path) {
            self.record(other, register, element);
        }
    }

    fn record(&mut self, path: &str, register: u32, element: u64) {
        let name = self.writer.text(path);
        self.tables.aliases.push(rec::AliasRecord { element, name, register, reserved: 0 });
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
    Overlapped {
        by: u32,
    },
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
                    room = Room::Overlapped { by: taken.register };
                }
            }
        }
        room
    }
}
