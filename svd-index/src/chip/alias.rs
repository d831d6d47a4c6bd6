//! Names that the architecture has for registers that the vendor names otherwise.

use super::find::Hit;
use super::records::{ALIASES, AliasRecord};
use super::scan::{Lead, Reading, match_name};
use super::{Chip, Origin, RegisterRef};

impl Chip {
    /// The architecture's paths, and the vendor's registers that they are.
    pub(super) fn core_aliases(&self) -> impl Iterator<Item = (&str, RegisterRef<'_>)> {
        self.table::<AliasRecord>(ALIASES).into_iter().filter_map(|alias| {
            let register = self.whole_register(alias.register)?;
            Some((self.text(alias.name), register.with_element(Some(alias.element))))
        })
    }

    /// Adds to `hits` the registers that `query` means by such a name, but those already there.
    pub(super) fn scan_aliases<'a>(
        &'a self,
        query: &[u8],
        reading: Reading,
        hits: &mut Vec<Hit<'a>>,
    ) {
        for (path, register) in self.core_aliases() {
            let name = match reading.lead {
                Lead::Peripheral => path,
                Lead::Nothing => path.split_once('.').map_or(path, |(_, name)| name),
                Lead::Family => return,
            };
            let before = hits.len();
            match_name(register, (name, &[]), query, reading, &mut |_, field| {
                let name = field.map(|field| field.name());
                let is_same = |hit: &Hit<'_>| {
                    hit.register == register && hit.field.map(|field| field.name()) == name
                };
                if !hits[..before].iter().any(is_same) {
                    hits.push(Hit { register, field });
                }
            });
        }
    }
}

/// Arrays that CMSIS-Core declares where the architecture has words, each with a name and fields
/// of its own: peripheral, names of the array, address, bytes of an element.
///
/// Source: CMSIS 6.1, core_cm4.h, core_cm33.h and their like (`IP` and `SHP` in version 5).
const BYTE_ARRAYS: [Array; 3] = [
    ("NVIC", &["IP", "IPR"], 0xe000_e400, 1),
    ("SCB", &["SHP", "SHPR"], 0xe000_ed18, 1),
    ("ITM", &["PORT"], 0xe000_0000, 4),
];

/// The same in core_cm0.h, core_cm0plus.h, core_cm23.h, where they are arrays of words.
const WORD_ARRAYS: [Array; 2] =
    [("NVIC", &["IP", "IPR"], 0xe000_e400, 4), ("SCB", &["SHP", "SHPR"], 0xe000_ed1c, 4)];

type Array = (&'static str, &'static [&'static str], u64, u64);

/// Members of the union that an element of `ITM->PORT` is.
const PORT_MEMBERS: [&str; 3] = [".u8", ".u16", ".u32"];

impl Chip {
    /// The register, and the field in it, that an element of one of CMSIS-Core's own arrays is:
    /// `NVIC.IPR[5]` is `NVIC.IPR1.PRI_N1` of Cortex-M4. Empty if `pattern` is none, or a path of
    /// the SVD.
    pub(super) fn find_core_element(&self, pattern: &str) -> Vec<Hit<'_>> {
        let Some((array, index)) = self.core_array(pattern) else {
            return Vec::new();
        };
        let (_, _, start, size) = array;
        let address = start.saturating_add(index.saturating_mul(*size));
        if self.register(pattern).is_some() {
            return Vec::new();
        }
        let registers = self.registers_at(address).into_iter();
        let hits = registers.filter_map(|register| {
            let lsb = (address - register.address()) * 8;
            let whole = *size == register.size_bytes();
            let mut fields = register.fields().filter(|_| !whole);
            let field = fields.find(|field| u64::from(field.lsb()) == lsb && field.width() == 8);
            (whole || field.is_some()).then_some(Hit { register, field })
        });
        hits.collect()
    }

    fn core_array(&self, pattern: &str) -> Option<(&'static Array, u64)> {
        let arrays: &[Array] = match self.device().core? {
            Origin::ArmV6M | Origin::ArmV8MBaseline => &WORD_ARRAYS,
            Origin::ArmV7M | Origin::ArmV8M => &BYTE_ARRAYS,
            _ => return None,
        };
        let bare = PORT_MEMBERS.iter().find_map(|member| pattern.strip_suffix(member));
        let (name, index) = bare.unwrap_or(pattern).strip_suffix(']')?.split_once('[')?;
        let (peripheral, name) = name.split_once(['.', '_'])?;
        let same = |array: &&Array| {
            array.0.eq_ignore_ascii_case(peripheral)
                && array.1.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        Some((arrays.iter().find(same)?, index.parse().ok()?))
    }
}
