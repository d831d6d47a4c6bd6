//! Structures that are laid over a peripheral: each member must lie where its register is.

use super::layout::Member;
use super::reader::Reader;
use crate::verify::ClaimKind;
use crate::verify::judge::Judged;
use crate::verify::known::Named;

/// Members that must be registers of a peripheral before a structure is taken to describe it.
const FEWEST: usize = 2;

impl<'t> Reader<'_, 't, '_> {
    /// Judges the structures that this file defines: those from position `first` on.
    pub(super) fn overlays(&mut self, first: usize) {
        let definitions = self.definitions;
        for made in &definitions.structs[first.min(definitions.structs.len())..] {
            for name in &made.names {
                let peripherals = self.fitting(name);
                if !peripherals.is_empty() && self.overlay(&made.members, &peripherals) {
                    break;
                }
            }
        }
    }

    /// Judges one structure. False if it does not describe these peripherals.
    fn overlay(&mut self, members: &[Member<'t>], peripherals: &[usize]) -> bool {
        let named: Vec<&Member<'t>> = members.iter().filter(|m| !is_filler(m.name)).collect();
        let found: Vec<(&Member<'t>, Vec<Named>)> = named
            .iter()
            .map(|member| (*member, self.register_of(member, peripherals)))
            .filter(|(_, registers)| !registers.is_empty())
            .collect();
        if found.len() < FEWEST || found.len() * 2 < named.len() {
            return false;
        }
        // Members behind one that is shifted are shifted with it: one mistake, one claim.
        let mut shift = 0i128;
        for (member, registers) in found {
            let Some(offset) = member.offset else { break };
            let right: Vec<u64> = registers.iter().map(|named| self.offset(named)).collect();
            let near = |right: &u64| i128::from(offset) - i128::from(*right);
            let span = member.span.clone();
            let why = format!("{} is at offset {:#x}", registers[0].path, right[0]);
            if right.contains(&offset) {
                shift = 0;
                self.claim(ClaimKind::Offset, span, Judged::ok(why));
            } else if shift != 0 && right.iter().any(|right| near(right) == shift) {
                // The mistake before this one moved it.
            } else {
                shift = near(&right[0]);
                let expected = Some(format!("offset {:#x}", right[0]));
                let why = format!("{why}; here it is at {offset:#x}");
                self.claim(ClaimKind::Offset, span, Judged::wrong(why, expected));
            }
        }
        true
    }

    /// The registers that a member may be.
    fn register_of(&self, member: &Member<'t>, peripherals: &[usize]) -> Vec<Named> {
        let found = self.names.registers(peripherals, member.name);
        if found.is_empty() && member.count > 1 {
            return self.names.registers(peripherals, &format!("{}[0]", member.name));
        }
        found
    }

    fn offset(&self, named: &Named) -> u64 {
        let peripheral = self.names.register(named).peripheral;
        let base = self.names.known.catalog.peripherals[peripheral].base_address;
        named.address.wrapping_sub(base)
    }
}

/// `RESERVED0`, `_pad`, `unused`: a member that only takes room.
fn is_filler(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let lower = lower.trim_start_matches('_');
    ["reserved", "rsvd", "rsv", "res", "pad", "unused", "dummy", "gap"].iter().any(|start| {
        lower.strip_prefix(start).is_some_and(|rest| {
            rest.bytes().all(|b| b.is_ascii_digit() || b == b'_') || start.len() > 4
        })
    })
}
