//! What is known about a register's 32 bits: some are constant, some are what a register of the
//! chip held, the rest is open.

use super::instruction::Shift;

/// A load that bits may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    None,
    Address {
        address: u32,
        bytes: u8,
    },
    /// A member of a structure at an address that is not known.
    Member {
        structure: u32,
        offset: i32,
        bytes: u8,
    },
}

/// 32 bits, each known, kept from a load, or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Word {
    /// Bits whose value is known.
    known: u32,
    /// Their value; 0 elsewhere.
    value: u32,
    /// Bits that are those of `source`, moved up by `shift`.
    kept: u32,
    source: Source,
    shift: i8,
}

const NO_SOURCE: Source = Source::None;

impl Word {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self =
        Self { known: 0, value: 0, kept: 0, source: NO_SOURCE, shift: 0 };

    /// Everything is known.
    pub(crate) const fn constant(value: u32) -> Self {
        Self { known: u32::MAX, value, kept: 0, source: NO_SOURCE, shift: 0 }
    }

    /// What a load gives, upper bits cleared.
    pub(crate) fn loaded(source: Source) -> Self {
        let mask = match source {
            Source::None => 0,
            Source::Address { bytes, .. } | Source::Member { bytes, .. } => mask(bytes),
        };
        Self { known: !mask, value: 0, kept: mask, source, shift: 0 }
    }

    /// The value, if all of it is known.
    pub(crate) fn as_constant(self) -> Option<u32> {
        (self.known == u32::MAX).then_some(self.value)
    }

    /// Bits known to be 1.
    pub(crate) fn ones(self) -> u32 {
        self.value
    }

    /// Bits known to be 0.
    pub(crate) fn zeros(self) -> u32 {
        self.known & !self.value
    }

    /// Bits that are still what `source` gave, in their places.
    pub(crate) fn kept_from(self, source: Source) -> u32 {
        if self.source == source && self.shift == 0 { self.kept } else { 0 }
    }

    /// All values that it may have, if these are not more than `most`.
    pub(crate) fn values(self, most: u32) -> Option<impl Iterator<Item = u32>> {
        let open = !self.known;
        if open.count_ones() > most.ilog2() {
            return None;
        }
        // Each number's bits are spread over the open places, by adding with a carry across the
        // known ones.
        let mut next = Some(0_u32);
        Some(std::iter::from_fn(move || {
            let places = next?;
            next = Some((places | !open).wrapping_add(1) & open).filter(|&places| places != 0);
            Some(self.value | places)
        }))
    }

    /// What holds of both.
    pub(crate) fn join(self, other: Self) -> Self {
        let known = self.known & other.known & !(self.value ^ other.value);
        let kept = if self.has_source_of(other) { self.kept & other.kept } else { 0 };
        Self { known, value: self.value & known, kept, ..self }.tidy()
    }

    pub(crate) fn and(self, other: Self) -> Self {
        let zeros = self.zeros() | other.zeros();
        let ones = self.ones() & other.ones();
        // A bit stays what it was where the other side is 1, or the very same bit.
        self.combine(other, zeros, ones, self.kept & other.ones(), other.kept & self.ones())
    }

    pub(crate) fn or(self, other: Self) -> Self {
        let zeros = self.zeros() & other.zeros();
        let ones = self.ones() | other.ones();
        self.combine(other, zeros, ones, self.kept & other.zeros(), other.kept & self.zeros())
    }

    pub(crate) fn exclusive_or(self, other: Self) -> Self {
        let known = self.known & other.known;
        let value = (self.value ^ other.value) & known;
        let (left, right) = (self.kept & other.zeros(), other.kept & self.zeros());
        let both = self.same_bits(other);
        let result = self.combine(other, known & !value, value, left, right);
        Self { known: result.known | both, kept: result.kept & !both, ..result }.tidy()
    }

    pub(crate) fn not(self) -> Self {
        Self { value: !self.value & self.known, kept: 0, ..self }.tidy()
    }

    pub(crate) fn add(self, other: Self) -> Self {
        if let (Some(left), Some(right)) = (self.as_constant(), other.as_constant()) {
            return Self::constant(left.wrapping_add(right));
        }
        // Without a bit that may be 1 in both there is no carry.
        if !self.zeros() & !other.zeros() == 0 {
            return self.or(other);
        }
        Self::UNKNOWN
    }

    pub(crate) fn subtract(self, other: Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(left), Some(right)) => Self::constant(left.wrapping_sub(right)),
            (None, Some(0)) => self,
            _ => Self::UNKNOWN,
        }
    }

    pub(crate) fn multiply(self, other: Self) -> Self {
        match (self.as_constant(), other.as_constant()) {
            (Some(left), Some(right)) => Self::constant(left.wrapping_mul(right)),
            (Some(0), _) | (_, Some(0)) => Self::constant(0),
            _ => Self::UNKNOWN,
        }
    }

    /// Moves bits by 0 to 32 places. A rotation by 0 stands for one through the carry flag.
    pub(crate) fn shifted(self, how: Shift, amount: u8) -> Self {
        let by = u32::from(amount);
        match how {
            Shift::Rotate if amount == 0 => Self::UNKNOWN,
            Shift::Rotate => Self {
                known: self.known.rotate_right(by),
                value: self.value.rotate_right(by),
                kept: 0,
                ..self
            }
            .tidy(),
            _ if amount == 0 => self,
            Shift::Left => {
                let vacated = !u32::MAX.checked_shl(by).unwrap_or(0);
                self.moved(|bits| bits.checked_shl(by).unwrap_or(0), vacated, amount as i8)
            }
            Shift::LogicalRight => {
                let vacated = !u32::MAX.checked_shr(by).unwrap_or(0);
                self.moved(|bits| bits.checked_shr(by).unwrap_or(0), vacated, -(amount as i8))
            }
            Shift::ArithmeticRight => self.shifted_with_sign(by),
        }
    }

    fn shifted_with_sign(self, by: u32) -> Self {
        let vacated = !u32::MAX.checked_shr(by).unwrap_or(0);
        let logical = self.shifted(Shift::LogicalRight, by as u8);
        let sign = 1 << 31;
        if self.known & sign == 0 {
            return Self { known: logical.known & !vacated, ..logical }.tidy();
        }
        let filled = if self.value & sign != 0 { vacated } else { 0 };
        Self { value: logical.value | filled, ..logical }
    }

    /// The lowest `width` bits, the others 0 or copies of the highest of them.
    pub(crate) fn low_bits(self, width: u32, signed: bool) -> Self {
        if width >= 32 {
            return self;
        }
        let mask = (1 << width) - 1;
        let low = self.and(Self::constant(mask));
        let sign = 1 << (width - 1);
        if !signed || low.zeros() & sign != 0 {
            return low;
        }
        if low.ones() & sign != 0 {
            return low.or(Self::constant(!mask));
        }
        Self { known: low.known & mask, ..low }
    }

    /// Whether both take their kept bits from the same place in the same load.
    fn has_source_of(self, other: Self) -> bool {
        (self.source, self.shift) == (other.source, other.shift)
    }

    /// Bits that are the same bit of the same load in both.
    fn same_bits(self, other: Self) -> u32 {
        if self.has_source_of(other) { self.kept & other.kept } else { 0 }
    }

    /// Puts a result together; if both sides bring bits of different loads, neither's are kept.
    fn combine(self, other: Self, zeros: u32, ones: u32, left: u32, right: u32) -> Self {
        let same = self.same_bits(other);
        let (kept, of) = match (left | same, right) {
            (0, right) => (right, other),
            (left, 0) => (left, self),
            (left, right) if self.has_source_of(other) => (left | right, self),
            _ => (0, Self::UNKNOWN),
        };
        Self { known: zeros | ones, value: ones, kept, source: of.source, shift: of.shift }.tidy()
    }

    fn moved(self, by: impl Fn(u32) -> u32, vacated: u32, shift: i8) -> Self {
        Self {
            known: by(self.known) | vacated,
            value: by(self.value),
            kept: by(self.kept),
            source: self.source,
            shift: self.shift.saturating_add(shift),
        }
        .tidy()
    }

    /// Equal knowledge must compare equal, so what has no kept bits has no source.
    fn tidy(self) -> Self {
        let kept = self.kept & !self.known;
        match kept {
            0 => Self { kept, source: NO_SOURCE, shift: 0, ..self },
            _ => Self { kept, ..self },
        }
    }
}

/// The bits that an access of `bytes` bytes covers.
pub(crate) fn mask(bytes: u8) -> u32 {
    match bytes {
        1 => 0xff,
        2 => 0xffff,
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CONTROL: Source = Source::Address { address: 0x4000_0000, bytes: 4 };

    fn constant(value: u32) -> Word {
        Word::constant(value)
    }

    /// Every operation against the machine's own, over words with some bits hidden.
    #[test]
    fn what_is_known_is_true() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) as u32
        };
        for _ in 0..20_000 {
            let (left, right) = (next(), next());
            let hide =
                |value: u32, known: u32| Word { known, value: value & known, ..Word::UNKNOWN };
            let (a, b) = (hide(left, next() | next()), hide(right, next() | next()));
            let amount = (next() % 33) as u8;
            let shift = u32::from(amount);
            let check = |name: &str, word: Word, truth: u32| {
                assert_eq!(truth & word.known, word.value, "{name} {left:#x} {right:#x} {amount}");
            };
            check("and", a.and(b), left & right);
            check("or", a.or(b), left | right);
            check("xor", a.exclusive_or(b), left ^ right);
            check("not", a.not(), !left);
            check("add", a.add(b), left.wrapping_add(right));
            check("subtract", a.subtract(b), left.wrapping_sub(right));
            check("multiply", a.multiply(b), left.wrapping_mul(right));
            check("left", a.shifted(Shift::Left, amount), left.checked_shl(shift).unwrap_or(0));
            let logical = left.checked_shr(shift).unwrap_or(0);
            check("right", a.shifted(Shift::LogicalRight, amount), logical);
            let arithmetic = ((left as i32) >> shift.min(31)) as u32;
            check("sign", a.shifted(Shift::ArithmeticRight, amount), arithmetic);
            check("rotate", a.shifted(Shift::Rotate, amount), left.rotate_right(shift));
            check("byte", a.low_bits(8, true), left as u8 as i8 as u32);
            check("half", a.low_bits(16, false), left & 0xffff);
            check("join", a.join(b), left);
            check("join", a.join(b), right);
        }
    }

    #[test]
    fn a_read_modify_write_keeps_the_other_bits() {
        let read = Word::loaded(CONTROL);
        let written = read.and(constant(!0x30)).or(constant(0x10));
        assert_eq!((written.ones(), written.zeros()), (0x10, 0x20));
        assert_eq!(written.kept_from(CONTROL), !0x30);
        // Clearing the top bit by shifting it out and back, as ARMv6-M code does.
        let cleared = read.shifted(Shift::Left, 1).shifted(Shift::LogicalRight, 1);
        assert_eq!((cleared.zeros(), cleared.kept_from(CONTROL)), (1 << 31, !(1 << 31)));
        let moved = read.shifted(Shift::Left, 4);
        assert_eq!(moved.kept_from(CONTROL), 0, "bits in other places are not kept");
        let toggled = read.exclusive_or(constant(1));
        assert_eq!((toggled.kept_from(CONTROL), toggled.known), (!1, 0));
        assert_eq!(read.exclusive_or(read).as_constant(), Some(0));
        assert_eq!(read.and(read), read);
    }

    #[test]
    fn a_few_open_bits_give_all_values() {
        let word = Word { known: !0b1010, value: 0b0100, ..Word::UNKNOWN };
        let values: Vec<u32> = word.values(4).unwrap().collect();
        assert_eq!(values, [0b0100, 0b0110, 0b1100, 0b1110]);
        assert!(word.values(2).is_none());
        assert_eq!(constant(7).values(1).unwrap().collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn two_loads_do_not_mix() {
        let other = Source::Address { address: 0x4000_0004, bytes: 4 };
        let mixed =
            Word::loaded(CONTROL).and(constant(0xff)).or(Word::loaded(other).and(constant(0xff00)));
        assert_eq!((mixed.kept_from(CONTROL), mixed.kept_from(other)), (0, 0));
    }
}
