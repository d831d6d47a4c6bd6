//! Which instruction touches which register of the chip.
//!
//! Constants are followed through each function by itself: literal pools, immediates, arithmetic,
//! tables in flash, values kept on the stack. What depends on an argument, on RAM or on a loop
//! counter is not known and does not appear: an access that is listed is one that the code makes.
//!
//! RISC-V has the same shape (a decoder to [`instruction::Operation`], another set of registers a
//! call leaves) and is not read yet.

mod flow;
mod instruction;
#[cfg(test)]
mod oracle;
mod state;
mod thumb;
mod word;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::image::{Image, Mapping, warning};
use super::{Access, AccessKind, Facts, Machine, SymbolKind, Value};
use crate::Warning;
use flow::Body;
use state::Touch;
use word::{Source, mask};

/// SRAM in the Cortex-M memory map: what lies there is memory, whether the ELF names it or not.
///
/// Source: ARMv7-M ARM, DDI 0403E, B3.1.
const SRAM: std::ops::Range<u64> = 0x2000_0000..0x4000_0000;

/// A constant address below is a null pointer with an offset, not a register: Cortex-M chips have
/// memory or nothing there.
const NULL_PAGE: u64 = 0x1000;

/// Steps after which the rest of a file is given up. Real firmware takes a few per instruction;
/// a damaged file may claim that every function reaches to the end of the file.
const MAX_STEPS: u64 = 200_000_000;

/// Fills in the accesses.
pub(crate) fn read(image: &Image<'_>, facts: &mut Facts, warnings: &mut Vec<Warning>) {
    if facts.machine != Machine::Arm || facts.big_endian {
        return;
    }
    let program = Program::of(image, facts);
    let mut unresolved = Vec::new();
    let mut accesses = Vec::new();
    let bodies = program.decode_all(facts);
    for (start, body) in &bodies {
        match body.touches(&program) {
            Some(touches) => {
                accesses.extend(touches.into_iter().map(|(pc, touch)| access(pc, touch)));
            }
            None => unresolved.push(*start),
        }
    }
    if program.is_spent() {
        warnings.push(warning(
            "code",
            "there is more to follow than any real firmware has",
            "register accesses are incomplete",
        ));
    }
    if let Some(&first) = unresolved.first() {
        let name = program.function_names.get(&first).copied().unwrap_or("?");
        warnings.push(warning(
            &format!("function {name} at {first:#010x}"),
            &format!("{} functions have a jump that was not understood", unresolved.len()),
            "which registers they touch is not known",
        ));
    }
    accesses.sort_by_key(|access| (access.address, access.pc));
    accesses.dedup();
    facts.accesses = accesses;
}

/// The program as the analysis sees it.
struct Program<'a> {
    image: &'a Image<'a>,
    function_names: BTreeMap<u32, &'a str>,
    steps: Cell<u64>,
}

impl<'a> Program<'a> {
    fn of(image: &'a Image<'a>, facts: &'a Facts) -> Self {
        let functions = facts.symbols.iter().filter(|s| s.kind == SymbolKind::Function);
        let function_names = functions
            .filter_map(|s| Some((u32::try_from(s.address).ok()?, s.linkage_name.as_str())))
            .collect();
        Self { image, function_names, steps: Cell::new(0) }
    }

    /// Decodes every function that symbols, debug information and vectors name, and what these
    /// call; by start.
    fn decode_all(&self, facts: &Facts) -> BTreeMap<u32, Body> {
        let mut ends = known_functions(facts);
        let mut bodies = BTreeMap::new();
        let mut open: BTreeSet<u32> = ends.keys().copied().collect();
        while let Some(start) = open.pop_first() {
            if bodies.contains_key(&start) || !self.image.is_code(start.into()) || self.is_spent() {
                continue;
            }
            let body = Body::decode(self, start..self.end_of(start, &ends));
            for callee in body.callees() {
                let is_known = ends.contains_key(&callee);
                if !is_known && function_around(callee, &ends).is_none() {
                    ends.insert(callee, callee);
                    open.insert(callee);
                }
            }
            bodies.insert(start, body);
        }
        self.enter_sideways(&mut bodies, &ends);
        bodies
    }

    /// Tells each function where others jump into its middle (code split off as cold, shared
    /// tails), and where a symbol stands in it that may be called.
    fn enter_sideways(&self, bodies: &mut BTreeMap<u32, Body>, ends: &BTreeMap<u32, u32>) {
        let mut open: Vec<u32> = bodies.values().flat_map(Body::callees).collect();
        open.extend(ends.keys().copied());
        let mut done = BTreeSet::new();
        while let Some(target) = open.pop() {
            if !done.insert(target) {
                continue;
            }
            let Some(around) = function_around(target, ends) else { continue };
            if let Some(body) = bodies.get_mut(&around) {
                body.enter(self, target);
                open.extend(body.callees());
            }
        }
    }

    /// Where a function ends: as its symbol says, else where the next one starts.
    fn end_of(&self, start: u32, ends: &BTreeMap<u32, u32>) -> u32 {
        match ends.get(&start) {
            Some(&end) if end > start => end,
            _ => {
                let next = ends.range(start + 1..).next().map(|(&next, _)| next);
                let section = self.image.code_ranges().find(|r| r.contains(&start.into()));
                let last = section.map_or(start, |r| u32::try_from(r.end).unwrap_or(u32::MAX));
                next.map_or(last, |next| next.min(last))
            }
        }
    }

    fn is_spent(&self) -> bool {
        self.steps.get() >= MAX_STEPS
    }
}

/// Starts of functions, each with its end, or with itself where that is not known.
fn known_functions(facts: &Facts) -> BTreeMap<u32, u32> {
    let mut ends = BTreeMap::new();
    for symbol in facts.symbols.iter().filter(|s| s.kind == SymbolKind::Function) {
        insert_longest(&mut ends, symbol.address, symbol.size);
    }
    for range in facts.functions.iter().flat_map(|function| &function.ranges) {
        insert_longest(&mut ends, range.start, range.end - range.start);
    }
    let handlers = facts.vectors.iter().filter(|v| v.number > 0 && v.value & 1 == 1);
    for handler in handlers.map(|vector| vector.value & !1).chain([facts.entry]) {
        insert_longest(&mut ends, handler, 0);
    }
    ends
}

/// The function that has `address` inside, not at its start.
fn function_around(address: u32, ends: &BTreeMap<u32, u32>) -> Option<u32> {
    let (&start, &end) = ends.range(..address).next_back()?;
    (address < end).then_some(start)
}

fn insert_longest(ends: &mut BTreeMap<u32, u32>, start: u64, size: u64) {
    let end = start.saturating_add(size);
    let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else { return };
    let known = ends.entry(start).or_insert(end);
    *known = end.max(*known);
}

impl flow::Code for Program<'_> {
    fn code(&self, address: u32) -> Option<&[u8]> {
        let address = address.into();
        if !self.image.is_code(address) {
            return None;
        }
        self.image.bytes_at(address)
    }

    fn data_end(&self, address: u32) -> Option<u32> {
        let mappings = &self.image.mappings;
        let after = mappings.partition_point(|&(at, _)| at <= address.into());
        let (_, mapping) = mappings.get(after.checked_sub(1)?)?;
        if *mapping == Mapping::Code {
            return None;
        }
        let end = mappings.get(after).map_or(u64::from(u32::MAX), |&(at, _)| at);
        u32::try_from(end).ok()
    }

    fn spend(&self, steps: usize) -> bool {
        self.steps.set(self.steps.get().saturating_add(steps as u64));
        !self.is_spent()
    }

    fn function_name(&self, address: u32) -> Option<&str> {
        self.function_names.get(&address).copied()
    }
}

impl state::Memory for Program<'_> {
    fn constant(&self, address: u32, bytes: u8) -> Option<u32> {
        little_endian(self.image.constant_at(address.into())?, bytes)
    }

    fn literal(&self, address: u32, bytes: u8) -> Option<u32> {
        let in_code = self.image.is_code(address.into());
        let place = if in_code {
            self.image.bytes_at(address.into())
        } else {
            self.image.constant_at(address.into())
        };
        little_endian(place?, bytes)
    }

    fn is_register(&self, address: u32) -> bool {
        let address = address.into();
        address >= NULL_PAGE && !SRAM.contains(&address) && !self.image.is_own(address)
    }
}

fn little_endian(bytes: &[u8], count: u8) -> Option<u32> {
    let bytes = bytes.get(..usize::from(count))?;
    Some(bytes.iter().rev().fold(0, |value, &byte| (value << 8) | u32::from(byte)))
}

fn access(pc: u32, touch: Touch) -> Access {
    let (kind, value) = match touch.stored {
        None => (AccessKind::Read, Value::Unknown),
        Some(stored) => {
            let all = mask(touch.bytes);
            let kept = stored.kept_from(Source { address: touch.address, bytes: touch.bytes });
            let (set, clear) = (stored.ones() & all, stored.zeros() & all);
            let unknown = all & !(set | clear | kept);
            let kind = match kept {
                0 => AccessKind::Write,
                _ => AccessKind::ReadModifyWrite,
            };
            let value = match (set | clear, unknown) {
                (known, _) if known == all => Value::Known(set.into()),
                (_, unknown) if unknown == all => Value::Unknown,
                _ => {
                    Value::Masked { set: set.into(), clear: clear.into(), unknown: unknown.into() }
                }
            };
            (kind, value)
        }
    };
    Access { pc: pc.into(), address: touch.address.into(), size_bytes: touch.bytes, kind, value }
}
