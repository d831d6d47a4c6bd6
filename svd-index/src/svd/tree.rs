//! An SVD as written: nothing derived, inherited or expanded yet.

use bumpalo::Bump;

use super::patch::Place;
use crate::chip::{Access, EnumUsage, ModifiedWriteValues, ReadAction, WriteConstraint};

/// In the source, or beside the tree where it is not there as it should be read.
pub(super) type Text<'a> = &'a str;

#[derive(Debug, Default)]
pub(super) struct Device<'a> {
    pub(super) name: Text<'a>,
    pub(super) vendor: Text<'a>,
    pub(super) series: Text<'a>,
    pub(super) version: Text<'a>,
    pub(super) description: Text<'a>,
    pub(super) cpu: Option<Cpu<'a>>,
    pub(super) width_bits: Option<u32>,
    pub(super) address_unit_bits: Option<u32>,
    pub(super) properties: Properties,
    pub(super) peripherals: Vec<Peripheral<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Cpu<'a> {
    pub(super) name: Text<'a>,
    pub(super) revision: Text<'a>,
    pub(super) endian: Text<'a>,
    pub(super) mpu: bool,
    pub(super) fpu: bool,
    pub(super) vendor_systick: bool,
    pub(super) nvic_prio_bits: u32,
}

/// What a device, peripheral or cluster gives its registers unless they say otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Properties {
    pub(super) size_bits: Option<u32>,
    pub(super) access: Option<Access>,
    pub(super) reset_value: Option<u64>,
    pub(super) reset_mask: Option<u64>,
}

impl Properties {
    /// These, and `outer`'s where these say nothing.
    pub(super) fn or(self, outer: Self) -> Self {
        Self {
            size_bits: self.size_bits.or(outer.size_bits),
            access: self.access.or(outer.access),
            reset_value: self.reset_value.or(outer.reset_value),
            reset_mask: self.reset_mask.or(outer.reset_mask),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Peripheral<'a> {
    pub(super) line: u32,
    /// The rule of a patch that changed it.
    pub(super) patched: Option<Place>,
    pub(super) name: Text<'a>,
    pub(super) derived_from: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) group: Option<Text<'a>>,
    pub(super) prepend_to_name: Option<Text<'a>>,
    pub(super) append_to_name: Option<Text<'a>>,
    pub(super) base_address: Option<u64>,
    pub(super) properties: Properties,
    pub(super) dim: Dim<'a>,
    pub(super) blocks: Vec<Block<'a>>,
    pub(super) interrupts: Vec<Interrupt<'a>>,
    /// `None`: no `<registers>` at all.
    pub(super) children: Option<Vec<Node<'a>>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block<'a> {
    pub(super) offset: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) usage: Text<'a>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interrupt<'a> {
    pub(super) name: Text<'a>,
    pub(super) description: Text<'a>,
    pub(super) number: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum Node<'a> {
    Cluster(Cluster<'a>),
    Register(Register<'a>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Cluster<'a> {
    pub(super) line: u32,
    pub(super) name: Text<'a>,
    pub(super) derived_from: Option<Text<'a>>,
    pub(super) offset: Option<u64>,
    pub(super) properties: Properties,
    pub(super) dim: Dim<'a>,
    pub(super) children: Vec<Node<'a>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Register<'a> {
    pub(super) line: u32,
    /// The rule of a patch that changed it.
    pub(super) patched: Option<Place>,
    pub(super) name: Text<'a>,
    pub(super) display_name: Text<'a>,
    pub(super) derived_from: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) offset: Option<u64>,
    pub(super) properties: Properties,
    pub(super) dim: Rare<'a, Dim<'a>>,
    pub(super) alternate_register: Option<Text<'a>>,
    pub(super) alternate_group: Option<Text<'a>>,
    pub(super) read_action: Option<ReadAction>,
    pub(super) modified_write_values: Option<ModifiedWriteValues>,
    pub(super) constraint: Option<WriteConstraint>,
    /// `None`: no `<fields>` at all.
    pub(super) fields: Option<&'a [Field<'a>]>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field<'a> {
    pub(super) line: u32,
    pub(super) name: Text<'a>,
    pub(super) derived_from: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) bits: BitRange,
    pub(super) access: Option<Access>,
    pub(super) read_action: Option<ReadAction>,
    pub(super) modified_write_values: Option<ModifiedWriteValues>,
    pub(super) constraint: Option<WriteConstraint>,
    pub(super) dim: Rare<'a, Dim<'a>>,
    pub(super) enums: &'a [Enums<'a>],
}

/// A field's place, in whichever of the three styles it was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BitRange {
    pub(super) lsb: Option<u32>,
    pub(super) msb: Option<u32>,
    pub(super) width: Option<u32>,
}

impl BitRange {
    /// Lowest bit and number of bits. `bitOffset` without `bitWidth` is one bit.
    pub(super) fn resolve(self) -> Option<(u32, u32)> {
        let lsb = self.lsb?;
        let width = match (self.msb, self.width) {
            (Some(msb), _) => msb.checked_sub(lsb)?.checked_add(1)?,
            (None, Some(width)) => width,
            (None, None) => 1,
        };
        let end = lsb.checked_add(width)?;
        (width > 0 && end <= 64).then_some((lsb, width))
    }

    pub(super) fn is_given(self) -> bool {
        self.lsb.is_some() || self.msb.is_some() || self.width.is_some()
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Enums<'a> {
    pub(super) line: u32,
    pub(super) name: Text<'a>,
    pub(super) derived_from: Option<Text<'a>>,
    pub(super) usage: Option<EnumUsage>,
    pub(super) values: &'a [EnumValue<'a>],
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EnumValue<'a> {
    pub(super) line: u32,
    pub(super) name: Text<'a>,
    pub(super) description: Text<'a>,
    /// The value, and the bits of it that matter.
    pub(super) value: Option<(u64, u64)>,
    pub(super) is_default: bool,
}

/// A part that few elements have, kept apart so that the others need not carry it along.
#[derive(Debug)]
pub(super) struct Rare<'a, T>(Option<&'a T>);

impl<'a, T: Copy + Default> Rare<'a, T> {
    /// The part, to be changed; [`Self::put`] it back then.
    pub(super) fn get(self) -> T {
        self.0.copied().unwrap_or_default()
    }

    pub(super) fn put(&mut self, part: T, memory: &'a Bump) {
        self.0 = Some(memory.alloc(part));
    }

    pub(super) fn given(self) -> Option<&'a T> {
        self.0
    }
}

impl<T> Clone for Rare<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rare<'_, T> {}

impl<T> Default for Rare<'_, T> {
    fn default() -> Self {
        Self(None)
    }
}

/// `<dim>`, `<dimIncrement>`, `<dimIndex>`, `<dimArrayIndex>`, as far as written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dim<'a> {
    pub(super) count: Option<u32>,
    pub(super) increment: Option<u64>,
    pub(super) index: Option<Text<'a>>,
    pub(super) array_index: &'a [EnumValue<'a>],
}
