//! Names that the architecture has for registers that the vendor names otherwise.

use super::find::Hit;
use super::records::{ALIASES, AliasRecord};
use super::scan::{Lead, Reading, match_name};
use super::{Chip, RegisterRef};

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
