//! A register, or one element of a register array.

use super::records as rec;
use super::{
    Access, Chip, DecodedField, FieldRef, ModifiedWriteValues, Origin, PeripheralRef, ReadAction,
    Space, WriteConstraint, array, non_empty,
};

/// A register as declared (possibly a whole array), or one element of an array.
#[derive(Clone, Copy)]
pub struct RegisterRef<'a> {
    pub(super) chip: &'a Chip,
    pub(super) index: u32,
    pub(super) record: &'a rec::RegisterRecord,
    /// Row-major over the arrays around it; `None` is the whole array.
    pub(super) element: Option<u64>,
}

impl PartialEq for RegisterRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.chip, other.chip)
            && self.index == other.index
            && self.element == other.element
    }
}

impl Eq for RegisterRef<'_> {}

impl std::fmt::Debug for RegisterRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} @ {:#010x}", self.path(), self.address())
    }
}

impl<'a> RegisterRef<'a> {
    pub(super) fn whole(chip: &'a Chip, index: u32, record: &'a rec::RegisterRecord) -> Self {
        let element = (record.dims.count == 0).then_some(0);
        Self { chip, index, record, element }
    }

    /// Position among [`Chip::registers`]; equal for all elements of an array.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Canonical path: `UART0.BAUDRATE`, `P0.PIN_CNF[3]`, `DMA1.CCR3`. A whole array shows its
    /// span: `P0.PIN_CNF[0..32)`, `DMA1.CCR{1..8)`, the end excluded.
    pub fn path(&self) -> String {
        let mut path = String::with_capacity(32);
        path.push_str(self.peripheral().name());
        path.push('.');
        self.render(self.name_template(), &mut path);
        path
    }

    /// The path below the peripheral.
    pub fn name(&self) -> String {
        let mut name = String::with_capacity(24);
        self.render(self.name_template(), &mut name);
        name
    }

    /// Other paths of it: with its display name, with its name as the vendor's header has it
    /// (`prependToName`, `appendToName`), and, of a core register, as the architecture has it
    /// (`SysTick.CTRL`, where the vendor says `STK.CTRL`).
    pub fn aliases(&self) -> Vec<String> {
        let mut aliases = Vec::new();
        let peripheral = self.peripheral();
        let mut add = |alias: String| {
            if alias != self.path() && !aliases.contains(&alias) {
                aliases.push(alias);
            }
        };
        let display_name = self.chip.text(self.record.display_name);
        if !display_name.is_empty() {
            let mut name = String::new();
            self.render(display_name, &mut name);
            add(format!("{}.{name}", peripheral.name()));
        }
        let prepend = self.chip.text(peripheral.record.prepend_to_name);
        let append = self.chip.text(peripheral.record.append_to_name);
        if !prepend.is_empty() || !append.is_empty() {
            add(format!("{}.{prepend}{}{append}", peripheral.name(), self.name()));
        }
        let of_core = self.chip.core_aliases().filter(|(_, register)| register == self);
        of_core.for_each(|(name, _)| add(name.to_owned()));
        aliases
    }

    /// Absolute address; of a whole array, that of its first element.
    pub fn address(&self) -> u64 {
        let offset = self.element.map_or(0, |element| array::offset(self.dims(), element));
        self.record.address.wrapping_add(offset)
    }

    /// What [`Self::address`] is an address of. A register outside of memory is not found by
    /// address, and nobody but the processor itself can read it.
    pub fn space(&self) -> Space {
        self.origin().space()
    }

    /// True if it is a part of another built-in register, under its own name: `SCB.UFSR` of
    /// `SCB.CFSR`. Who has the whole has this too: it is found by name only, not by address.
    pub fn is_view(&self) -> bool {
        self.is_builtin() && self.alternate_register().is_some()
    }

    /// 1 to 64.
    pub fn size_bits(&self) -> u32 {
        u32::from(self.record.size_bits)
    }

    /// Bytes it takes in memory.
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.size_bits().div_ceil(8).max(1))
    }

    /// `None`: the SVD says nothing, at no level.
    pub fn access(&self) -> Option<Access> {
        Access::from_code(self.record.access)
    }

    /// `None`: the SVD gives none, at no level.
    pub fn reset_value(&self) -> Option<u64> {
        (self.record.flags & rec::REGISTER_HAS_RESET != 0).then_some(self.record.reset_value)
    }

    /// Bits that have a defined reset value; all of them where the SVD gives no mask.
    pub fn reset_mask(&self) -> u64 {
        self.record.reset_mask
    }

    /// What reading does besides; `None` means nothing that the SVD tells.
    pub fn read_action(&self) -> Option<ReadAction> {
        ReadAction::from_code(self.record.read_action)
    }

    /// True if reading it, or a field in it, changes something.
    pub fn has_read_side_effect(&self) -> bool {
        self.read_action().is_some() || self.fields().any(|field| field.read_action().is_some())
    }

    /// What written bits do, where it is not just being stored.
    pub fn modified_write_values(&self) -> Option<ModifiedWriteValues> {
        ModifiedWriteValues::from_code(self.record.modified_write_values)
    }

    /// Which values may be written.
    pub fn write_constraint(&self) -> Option<WriteConstraint> {
        self.chip.constraint(self.record.constraint)
    }

    /// In the vendor's words; may be empty.
    pub fn description(&self) -> &'a str {
        self.chip.text(self.record.description)
    }

    /// The register of the same peripheral that shares this address, where declared.
    pub fn alternate_register(&self) -> Option<&'a str> {
        let group = self.record.flags & rec::REGISTER_ALTERNATE_GROUP != 0;
        non_empty(self.chip.text(self.record.alternate)).filter(|_| !group)
    }

    /// The group of alternative registers it belongs to, where declared.
    pub fn alternate_group(&self) -> Option<&'a str> {
        let group = self.record.flags & rec::REGISTER_ALTERNATE_GROUP != 0;
        non_empty(self.chip.text(self.record.alternate)).filter(|_| group)
    }

    /// The peripheral it belongs to.
    pub fn peripheral(&self) -> PeripheralRef<'a> {
        const NONE: &rec::PeripheralRecord = &rec::PeripheralRecord {
            base_address: 0,
            name: EMPTY,
            description: EMPTY,
            group: EMPTY,
            derived_from: EMPTY,
            prepend_to_name: EMPTY,
            append_to_name: EMPTY,
            registers: rec::Span { first: 0, count: 0 },
            blocks: rec::Span { first: 0, count: 0 },
            interrupts: rec::Span { first: 0, count: 0 },
            line: 0,
            origin: 0,
        };
        let table = self.chip.peripheral_table();
        PeripheralRef {
            chip: self.chip,
            record: table.get(self.record.peripheral as usize).unwrap_or(NONE),
        }
    }

    /// Who describes it.
    pub fn origin(&self) -> Origin {
        self.peripheral().origin()
    }

    /// True if the SVD does not have it: it is written from the architecture's manual, and
    /// [`Self::line`] is a line of our file.
    pub fn is_builtin(&self) -> bool {
        self.origin() != Origin::Svd
    }

    /// Line of the element in the SVD, from 1; where derived, of the element it comes from. Of
    /// a built-in register, the line in [`Origin::file`].
    pub fn line(&self) -> u32 {
        self.record.line
    }

    /// Fields in SVD order, arrays of fields expanded. May be empty: nothing is known of the bits.
    pub fn fields(&self) -> impl Iterator<Item = FieldRef<'a>> + use<'a> {
        let register = *self;
        let table = self.chip.table::<rec::FieldRecord>(rec::FIELDS);
        table
            .slice(self.record.fields.range())
            .iter()
            .map(move |record| FieldRef { register, record })
    }

    /// The field of this name: as spelled, otherwise in any case.
    pub fn field(&self, name: &str) -> Option<FieldRef<'a>> {
        self.fields()
            .find(|field| field.name() == name)
            .or_else(|| self.fields().find(|field| field.name().eq_ignore_ascii_case(name)))
    }

    /// What each field holds in `value`, in SVD order.
    pub fn decode(&self, value: u64) -> Vec<DecodedField<'a>> {
        self.fields().map(|field| field.decode(value)).collect()
    }

    /// Bits of the register that no field covers.
    pub fn reserved_mask(&self) -> u64 {
        let all = u64::MAX >> (64 - self.size_bits().clamp(1, 64));
        self.fields().fold(all, |mask, field| mask & !field.mask())
    }

    /// True if this stands for an array as a whole.
    pub fn is_array(&self) -> bool {
        self.element.is_none()
    }

    /// Number of elements it stands for: 1 unless it is a whole array.
    pub fn count(&self) -> u64 {
        match self.element {
            Some(_) => 1,
            None => array::count(self.dims()),
        }
    }

    /// For a whole array: elements of the outermost array around it.
    pub fn outermost_count(&self) -> Option<u64> {
        self.is_array().then(|| self.dims().first())?.map(|dim| u64::from(dim.count))
    }

    /// For a whole array: bytes from one element to the next, of the outermost array around it.
    pub fn stride(&self) -> Option<u64> {
        self.is_array().then(|| self.dims().first())?.map(|dim| dim.stride)
    }

    /// The elements of a whole array, in address order of the declaration; otherwise itself.
    pub fn elements(&self) -> impl Iterator<Item = RegisterRef<'a>> + use<'a> {
        let register = *self;
        let span = match self.element {
            Some(element) => element..element + 1,
            None => 0..self.count(),
        };
        span.map(move |element| register.with_element(Some(element)))
    }

    /// Element `n` of a whole array (row-major where arrays nest).
    pub fn element(&self, n: u64) -> Option<RegisterRef<'a>> {
        (n < self.count()).then(|| match self.element {
            Some(_) => *self,
            None => self.with_element(Some(n)),
        })
    }

    pub(super) fn with_element(mut self, element: Option<u64>) -> Self {
        if self.record.dims.count != 0 {
            self.element = element;
        }
        self
    }

    pub(super) fn dims(&self) -> &'a [rec::DimRecord] {
        self.chip.table::<rec::DimRecord>(rec::DIMS).slice(self.record.dims.range())
    }

    pub(super) fn name_template(&self) -> &'a str {
        self.chip.text(self.record.name)
    }

    /// Fills the placeholders of `template` in.
    fn render(&self, template: &str, out: &mut String) {
        if self.record.dims.count == 0 {
            out.push_str(template);
            return;
        }
        let dims = self.dims();
        array::render(self.chip, dims, self.element, template, out);
    }
}

const EMPTY: crate::store::StrRef = crate::store::StrRef { offset: 0, len: 0 };
