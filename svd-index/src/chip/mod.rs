//! A chip as its SVD describes it: look up by name, by address, by words; decode values.
//!
//! Everything here is a view of records in the mapped index ([`crate::store`]); opening costs a
//! few microseconds whatever the size of the chip. Paths are canonical:
//! `PERIPHERAL.CLUSTER.REGISTER.FIELD`, made of SVD `<name>`s, `[%s]` read as `[i]` and a bare
//! `%s` as the text of its `<dimIndex>`.

mod address;
mod alias;
pub(crate) mod array;
mod conventions;
mod field;
mod find;
mod origin;
mod patched;
mod pattern;
pub(crate) mod records;
mod region;
mod register;
mod scan;
pub(crate) mod search;
mod spelling;
mod suggest;
mod terms;
mod words;

pub use address::Near;
pub use field::{DecodedField, EnumValueRef, EnumValues, FieldRef};
pub use find::Hit;
pub use origin::{Origin, Space};
pub use region::{Alias, Resolved};
pub use register::RegisterRef;
pub use terms::{Access, EnumUsage, ModifiedWriteValues, ReadAction, WriteConstraint};

use std::sync::{Arc, OnceLock};

use records as rec;

use crate::store::{File, Kind, OpenError, Records, StrRef};

/// One chip, opened.
#[derive(Debug)]
pub struct Chip {
    file: Arc<File>,
    /// Opened or built by the first search.
    words: OnceLock<File>,
}

/// What an SVD says of the device as a whole. Texts are empty where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeviceInfo<'a> {
    /// `nrf51`, `STM32F405`.
    pub name: &'a str,
    /// Who wrote the SVD.
    pub vendor: &'a str,
    /// Family.
    pub series: &'a str,
    /// Version of the description.
    pub version: &'a str,
    /// In the vendor's words.
    pub description: &'a str,
    /// The processor, where given.
    pub cpu: Option<CpuInfo<'a>>,
    /// Bits that a single bus transfer moves.
    pub width_bits: u32,
    /// Bits per address; 8 but for oddities.
    pub address_unit_bits: u32,
    /// Number of peripherals that the SVD declares; those built in are not counted.
    pub peripherals: usize,
    /// Number of registers that the SVD declares, every array element counted.
    pub registers: u64,
    /// Number of fields that the SVD declares, every array element counted.
    pub fields: u64,
    /// What is built in beside the SVD; `None` if the core is not known.
    pub core: Option<Origin>,
}

/// CMSIS-SVD `<cpu>`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CpuInfo<'a> {
    /// `CM0`, `CM4`, `other`, …
    pub name: &'a str,
    /// `r0p1`.
    pub revision: &'a str,
    /// `little`, `big`, `selectable`, `other`.
    pub endian: &'a str,
    /// Has a memory protection unit.
    pub mpu: bool,
    /// Has a floating point unit.
    pub fpu: bool,
    /// The vendor's own SysTick replaces Arm's.
    pub vendor_systick: bool,
    /// Implemented bits of an interrupt's priority.
    pub nvic_prio_bits: u32,
}

impl Chip {
    pub(crate) fn new(file: File) -> Self {
        Self { file: Arc::new(file), words: OnceLock::new() }
    }

    /// Reads an SVD in memory, without a cache.
    ///
    /// # Errors
    /// The same as [`crate::svd::build`].
    pub fn from_svd(bytes: &[u8]) -> Result<(Self, Vec<crate::Warning>), crate::svd::SvdError> {
        Self::from_svd_with(bytes, &crate::svd::Build::default())
    }

    /// As [`Chip::from_svd`], built with `build`.
    ///
    /// # Errors
    /// The same as [`crate::svd::build`].
    pub fn from_svd_with(
        bytes: &[u8],
        build: &crate::svd::Build,
    ) -> Result<(Self, Vec<crate::Warning>), crate::svd::SvdError> {
        let index = crate::svd::build(bytes, build.id(bytes), build)?;
        let chip = Self::from_index(&index).expect("an index just built is sound");
        let warnings = chip.warnings();
        Ok((chip, warnings))
    }

    /// Takes the bytes of an index file, as [`crate::svd::build`] makes them.
    ///
    /// # Errors
    /// They are torn, or of another version.
    pub fn from_index(bytes: &[u8]) -> Result<Self, OpenError> {
        File::from_bytes(bytes, Kind::Svd, rec::SCHEMA).map(Self::new)
    }

    /// What was odd in the SVD.
    pub fn warnings(&self) -> Vec<crate::Warning> {
        self.file.warnings()
    }

    /// True if building it for a firmware that is built for `core` could say more: the SVD does
    /// not tell the core, or the chip has cores of two kinds.
    pub(crate) fn takes_core(&self, core: Origin) -> bool {
        match self.device().core {
            None => true,
            Some(own) => own.space() == Space::Memory && core.space() == Space::Csr,
        }
    }

    /// The index file underneath.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// True once a damaged part of its index was read and could not be built again: what was read
    /// since may be incomplete.
    pub fn is_damaged(&self) -> bool {
        self.file.is_damaged() || self.words.get().is_some_and(File::is_damaged)
    }

    /// The device as a whole.
    pub fn device(&self) -> DeviceInfo<'_> {
        let empty = rec::DeviceRecord::default();
        let records = self.table::<rec::DeviceRecord>(rec::DEVICE);
        let record = records.get(0).unwrap_or(&empty);
        let cpu_name = self.text(record.cpu_name);
        DeviceInfo {
            name: self.text(record.name),
            vendor: self.text(record.vendor),
            series: self.text(record.series),
            version: self.text(record.version),
            description: self.text(record.description),
            cpu: (!cpu_name.is_empty()).then(|| CpuInfo {
                name: cpu_name,
                revision: self.text(record.cpu_revision),
                endian: self.text(record.cpu_endian),
                mpu: record.cpu_flags & rec::CPU_MPU != 0,
                fpu: record.cpu_flags & rec::CPU_FPU != 0,
                vendor_systick: record.cpu_flags & rec::CPU_VENDOR_SYSTICK != 0,
                nvic_prio_bits: record.cpu_nvic_prio_bits,
            }),
            width_bits: record.width_bits,
            address_unit_bits: record.address_unit_bits,
            peripherals: record.peripheral_count as usize,
            registers: record.register_count,
            fields: record.field_count,
            core: Some(Origin::from_code(record.core)).filter(|core| *core != Origin::Svd),
        }
    }

    /// Peripherals in SVD order, then the built-in ones of the core.
    ///
    /// The SVD may give a part of a core peripheral and the same name: then there are two of
    /// that name, the SVD's first.
    pub fn peripherals(&self) -> impl Iterator<Item = PeripheralRef<'_>> {
        self.peripheral_table().into_iter().map(|record| PeripheralRef { chip: self, record })
    }

    /// The peripheral of this name, in any case.
    pub fn peripheral(&self, name: &str) -> Option<PeripheralRef<'_>> {
        self.peripherals().find(|peripheral| peripheral.name().eq_ignore_ascii_case(name))
    }

    /// Registers in SVD order, then the built-in ones of the core. An array comes once, as a
    /// whole; see [`RegisterRef::elements`].
    pub fn registers(&self) -> impl Iterator<Item = RegisterRef<'_>> {
        (0..self.register_table().len()).filter_map(|index| self.whole_register(index as u32))
    }

    /// Interrupts, by number.
    pub fn interrupts(&self) -> impl Iterator<Item = InterruptRef<'_>> {
        self.table::<rec::InterruptRecord>(rec::INTERRUPTS)
            .into_iter()
            .map(|record| self.interrupt_ref(record))
    }

    /// The interrupt with this number (the external one: exception number less 16 on Arm).
    pub fn interrupt(&self, number: u32) -> Option<InterruptRef<'_>> {
        self.interrupts().find(|interrupt| interrupt.number == number)
    }

    fn interrupt_ref(&self, record: &rec::InterruptRecord) -> InterruptRef<'_> {
        let peripheral = self.peripheral_table().get(record.peripheral as usize);
        InterruptRef {
            name: self.text(record.name),
            number: record.number,
            description: self.text(record.description),
            peripheral: peripheral.map_or("", |peripheral| self.text(peripheral.name)),
        }
    }

    fn whole_register(&self, index: u32) -> Option<RegisterRef<'_>> {
        let record = self.register_table().get(index as usize)?;
        Some(RegisterRef::whole(self, index, record))
    }

    fn text(&self, place: StrRef) -> &str {
        self.file.text(place)
    }

    fn table<T: bytemuck::AnyBitPattern>(&self, id: crate::store::SectionId) -> Records<'_, T> {
        self.file.records(id)
    }

    fn register_table(&self) -> Records<'_, rec::RegisterRecord> {
        self.table(rec::REGISTERS)
    }

    fn peripheral_table(&self) -> Records<'_, rec::PeripheralRecord> {
        self.table(rec::PERIPHERALS)
    }
}

/// A peripheral.
#[derive(Clone, Copy, Debug)]
pub struct PeripheralRef<'a> {
    chip: &'a Chip,
    record: &'a rec::PeripheralRecord,
}

/// Bytes that belong to a peripheral (CMSIS-SVD `<addressBlock>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AddressBlock<'a> {
    /// Absolute address of the first byte.
    pub start: u64,
    /// Number of bytes.
    pub size: u64,
    /// `registers`, `buffer`, `reserved`; empty where the SVD does not say.
    pub usage: &'a str,
}

/// A line from a peripheral to the interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct InterruptRef<'a> {
    /// As in the vector table.
    pub name: &'a str,
    /// Number at the interrupt controller, from 0.
    pub number: u32,
    /// In the vendor's words; may be empty.
    pub description: &'a str,
    /// The peripheral that declares it.
    pub peripheral: &'a str,
}

impl<'a> PeripheralRef<'a> {
    /// `UART0`.
    pub fn name(&self) -> &'a str {
        self.chip.text(self.record.name)
    }

    /// Absolute.
    pub fn base_address(&self) -> u64 {
        self.record.base_address
    }

    /// In the vendor's words; may be empty.
    pub fn description(&self) -> &'a str {
        self.chip.text(self.record.description)
    }

    /// `UART` of `UART0`, where the SVD names a group.
    pub fn group(&self) -> Option<&'a str> {
        non_empty(self.chip.text(self.record.group))
    }

    /// The peripheral that this one is an instance of, where the SVD says so.
    pub fn derived_from(&self) -> Option<&'a str> {
        non_empty(self.chip.text(self.record.derived_from))
    }

    /// Who describes it: the SVD, or we after the architecture's manual.
    pub fn origin(&self) -> Origin {
        Origin::from_code(self.record.origin)
    }

    /// Line of the element in the SVD, from 1; of a built-in one, in [`Origin::file`].
    pub fn line(&self) -> u32 {
        self.record.line
    }

    /// Registers in SVD order. An array comes once, as a whole.
    pub fn registers(&self) -> impl Iterator<Item = RegisterRef<'a>> + use<'a> {
        let chip = self.chip;
        let range = self.record.registers.range();
        // A forged index may claim four thousand million.
        let range = range.start..range.end.min(chip.register_table().len());
        range.filter_map(move |index| chip.whole_register(index as u32))
    }

    /// Interrupts it declares.
    pub fn interrupts(&self) -> impl Iterator<Item = InterruptRef<'a>> + use<'a> {
        let chip = self.chip;
        let name = self.name();
        chip.interrupts().filter(move |interrupt| interrupt.peripheral == name)
    }

    /// Bytes that belong to it. Empty where the SVD declares none.
    pub fn address_blocks(&self) -> impl Iterator<Item = AddressBlock<'a>> + use<'a> {
        let chip = self.chip;
        let blocks = chip.table::<rec::BlockRecord>(rec::BLOCKS);
        blocks.slice(self.record.blocks.range()).iter().map(move |block| AddressBlock {
            start: block.start,
            size: block.size,
            usage: chip.text(block.usage),
        })
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
