//! Structures that are laid over a peripheral: each member must lie where its register is.

use super::layout::Member;
use super::reader::Reader;
use crate::verify::ClaimKind;
use crate::verify::judge::Judged;
use crate::verify::known::Named;
use crate::words;

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
        if self.is_elsewhere(&found) {
            return true;
        }
        if !found.is_empty() && found.len() * 2 >= named.len() {
            for (member, registers) in &found {
                self.offset_in_comment(member, registers);
            }
        }
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

    /// Whether nearly all members are as far from their registers: the structure does not begin where the
    /// peripheral does, as `SCB_Type` in a description that has the core's registers in one.
    fn is_elsewhere(&self, found: &[(&Member<'t>, Vec<Named>)]) -> bool {
        const FAR: u64 = 0x100;
        let shift = |(member, registers): &(&Member<'t>, Vec<Named>)| {
            let right = self.offset(&registers[0]);
            right.checked_sub(member.offset?).filter(|shift| *shift >= FAR)
        };
        let Some(first) = found.first().filter(|(member, _)| member.offset == Some(0)) else {
            return false;
        };
        let same = found.iter().filter(|of| shift(of) == shift(first)).count();
        shift(first).is_some() && found.len() > FEWEST && same * 4 >= found.len() * 3
    }

    /// `volatile uint32_t CR1; /* 0x00 */`: a comment that begins with an offset, or says that it
    /// gives one. It is of the first member in its line.
    fn offset_in_comment(&mut self, member: &Member<'t>, registers: &[Named]) {
        let Some(comment) = self.tokens.comment_after(self.text, member.span.end) else { return };
        let line = self.text[..member.span.start].rfind('\n').map_or(0, |end| end + 1);
        let is_first = !self.text[line..member.span.start].contains([',', ';', '{']);
        if !is_first || self.text[member.span.end..comment.span.start].contains('}') {
            return;
        }
        let lower = comment.text.to_ascii_lowercase();
        let words = lower.trim_start_matches(['!', '<', '(', '@', ' ', '+']);
        let said = match words.find("offset") {
            Some(at) => words[at + "offset".len()..].trim_start_matches([':', '=', ' ']),
            None => words,
        };
        let length = said.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(said.len());
        let (number, rest) = said.split_at(length);
        let is_hex = number.starts_with("0x") && !rest.starts_with(['.', '-', ':']);
        let Some(offset) = words::parse_number(number).filter(|_| is_hex) else { return };
        let right: Vec<u64> = registers.iter().map(|named| self.offset(named)).collect();
        let why = format!("{} is at offset {:#x}", registers[0].path, right[0]);
        let is_it = right.contains(&offset) || registers.iter().any(|r| r.address == offset);
        let judged = match is_it {
            true => Judged::ok(why),
            false => Judged::wrong(why, Some(format!("offset {:#04x}", right[0]))),
        };
        self.claim(ClaimKind::Offset, comment.span.clone(), judged);
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
