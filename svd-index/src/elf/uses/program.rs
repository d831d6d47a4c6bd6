//! The program as the analysis sees it: its functions, decoded, and its memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use super::abi::{ARM, Abi, RISC_V};
use super::body::{Body, Code, Draft};
use super::content::NULL_PAGE;
use super::instruction::{Instruction, Operand, Operation, Place};
use super::shapes::Shapes;
use super::word::Word;
use super::{riscv, thumb};
use crate::elf::image::{Image, Mapping};
use crate::elf::{Facts, Machine, SymbolKind};

/// SRAM in the Cortex-M memory map: what lies there is memory, whether the ELF names it or not.
///
/// Source: ARMv7-M ARM, DDI 0403E, B3.1.
const SRAM: Range<u64> = 0x2000_0000..0x4000_0000;

/// Most instructions that are decoded. Real firmware has below a million; a damaged file may
/// claim that every function reaches to the end of the file.
const MAX_INSTRUCTIONS: usize = 4_000_000;

/// RISC-V leaves the memory map to the chip. Some have their peripherals lower than numbers can
/// be told from addresses; these are aligned as numbers rarely are.
const LOWEST: u32 = 0x0200_0000;
const BLOCK: u32 = 0x100;

/// Most elements of an array that are followed where the index is not known.
const MAX_ELEMENTS: u32 = 16;

/// How many instructions at a function's start may set up its stack.
const PROLOGUE: usize = 8;

/// The program around the code.
pub(crate) struct Program<'a> {
    image: &'a Image<'a>,
    pub(crate) abi: &'static Abi,
    pub(crate) shapes: &'a Shapes,
    pub(crate) function_names: BTreeMap<u32, &'a str>,
    /// Functions by start.
    pub(crate) bodies: BTreeMap<u32, Rc<Body>>,
    /// Where each function ends.
    ends: BTreeMap<u32, u32>,
    /// Functions whose callers are not all seen: handlers, and those whose address stands in
    /// memory.
    pub(crate) roots: BTreeSet<u32>,
    /// Functions that others call by name.
    pub(crate) called: BTreeSet<u32>,
    /// Functions that may take arguments from the stack.
    reads_stack: BTreeSet<u32>,
    pub(crate) global_pointer: Option<u32>,
    /// Whether everything was decoded.
    pub(crate) is_complete: bool,
}

impl<'a> Program<'a> {
    /// Decodes every function that symbols, debug information and vectors name, and what these
    /// call.
    pub(crate) fn of(image: &'a Image<'a>, facts: &'a Facts, shapes: &'a Shapes) -> Self {
        let functions = facts.symbols.iter().filter(|s| s.kind == SymbolKind::Function);
        let function_names = functions
            .filter_map(|s| Some((u32::try_from(s.address).ok()?, s.linkage_name.as_str())))
            .collect();
        let is_arm = facts.machine == Machine::Arm;
        let global_pointer = facts.symbols.iter().find(|s| s.name == "__global_pointer$");
        let mut program = Self {
            image,
            abi: if is_arm { &ARM } else { &RISC_V },
            shapes,
            function_names,
            bodies: BTreeMap::new(),
            ends: BTreeMap::new(),
            roots: BTreeSet::new(),
            called: BTreeSet::new(),
            reads_stack: BTreeSet::new(),
            global_pointer: global_pointer
                .filter(|_| !is_arm)
                .and_then(|symbol| u32::try_from(symbol.address).ok()),
            is_complete: true,
        };
        program.decode_all(facts);
        program.find_live();
        program.find_roots(facts);
        program
    }

    /// The function that has `address` at its start or inside.
    pub(crate) fn body_around(&self, address: u32) -> Option<&Rc<Body>> {
        match self.bodies.get(&address) {
            Some(body) => Some(body),
            None => self.bodies.get(&function_around(address, &self.ends)?),
        }
    }

    /// Whether `address` starts a function that is called as one, rather than a part that the
    /// compiler split off and that works on another's registers.
    pub(crate) fn is_function(&self, address: u32) -> bool {
        let is_part = |name: &&&str| name.contains(".cold");
        self.bodies.contains_key(&address)
            && self.function_names.get(&address).filter(is_part).is_none()
    }

    /// Registers that a function reads before it writes them, and whether it may take arguments
    /// from the stack.
    pub(crate) fn reads(&self, function: u32) -> (u32, bool) {
        let live = self.bodies.get(&function).map_or(u32::MAX, |body| body.live_at_start());
        (live, self.reads_stack.contains(&function))
    }

    /// Little-endian value at `address`, if the program cannot write there.
    pub(crate) fn constant(&self, address: u32, bytes: u8) -> Option<u32> {
        little_endian(self.image.constant_at(address.into())?, bytes)
    }

    /// Value that an instruction reads from its own literal pool.
    pub(crate) fn literal(&self, address: u32, bytes: u8) -> Option<u32> {
        let in_code = self.image.is_code(address.into());
        let place = match in_code {
            true => self.image.bytes_at(address.into()),
            false => self.image.constant_at(address.into()),
        };
        little_endian(place?, bytes)
    }

    /// Whether `address` is outside of the program's own memory.
    pub(crate) fn is_register(&self, address: u32) -> bool {
        let is_sram = self.abi.has_thumb_bit && SRAM.contains(&address.into());
        address >= NULL_PAGE && !is_sram && !self.image.is_own(address.into())
    }

    /// Whether a number is an address rather than a count: of a register, or of what the program
    /// has.
    pub(crate) fn is_address(&self, value: u32) -> bool {
        let is_block = !self.abi.has_thumb_bit && value >= LOWEST && value.is_multiple_of(BLOCK);
        value >= SRAM.start as u32
            || is_block
            || value >= NULL_PAGE && self.image.is_own(value.into())
    }

    /// All addresses that `base` and an index add up to, if these are few: the index has few bits
    /// that are open, or `base` is an array of few elements. Empty otherwise.
    ///
    /// An index is taken to stay inside of its array.
    pub(crate) fn sums(&self, base: u32, index: Word) -> Vec<u32> {
        if let Some(values) = index.values(MAX_ELEMENTS) {
            let sums: Vec<u32> = values.map(|value| base.wrapping_add(value)).collect();
            let are_registers =
                sums.iter().all(|&sum| self.is_address(sum) && self.is_register(sum));
            return if are_registers { sums } else { Vec::new() };
        }
        match self.shapes.elements_at(base) {
            Some((stride, count)) if count <= MAX_ELEMENTS && stride > 0 => {
                (0..count).map(|n| base.wrapping_add(n * stride)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the variable's word at `address` holds when the program starts.
    pub(crate) fn first_value(&self, address: u32) -> Option<u32> {
        address.is_multiple_of(4).then(|| self.image.variable_word(address.into()))?
    }

    fn decode_all(&mut self, facts: &Facts) {
        self.ends = known_functions(facts);
        let parts = split_parts(facts);
        let mut drafts: BTreeMap<u32, Draft> = BTreeMap::new();
        let mut open: BTreeSet<u32> = self.ends.keys().copied().collect();
        let mut count = 0;
        while let Some(start) = open.pop_first() {
            if drafts.contains_key(&start) || !self.image.is_code(start.into()) {
                continue;
            }
            if count > MAX_INSTRUCTIONS {
                self.is_complete = false;
                break;
            }
            let whole = start..self.end_of(start);
            let parts = parts.get(&start).into_iter().flatten().cloned();
            let ranges = std::iter::once(whole).chain(parts).collect();
            let draft = Draft::decode(self, start, ranges);
            count += draft.len();
            for callee in draft.callees().chain(draft.jumps()) {
                let is_known = self.ends.contains_key(&callee);
                if !is_known && function_around(callee, &self.ends).is_none() {
                    self.ends.insert(callee, callee);
                    open.insert(callee);
                }
            }
            drafts.insert(start, draft);
        }
        self.enter_sideways(&mut drafts);
        self.reads_stack = BTreeSet::new();
        for (start, draft) in drafts {
            let body = draft.finish();
            if reads_stack(&body, self.abi) {
                self.reads_stack.insert(start);
            }
            self.bodies.insert(start, Rc::new(body));
        }
    }

    /// Tells each function where others jump into its middle: code split off as cold, shared
    /// tails.
    fn enter_sideways(&self, drafts: &mut BTreeMap<u32, Draft>) {
        let mut open: Vec<u32> =
            drafts.values().flat_map(|draft| draft.jumps().chain(draft.callees())).collect();
        let mut done = BTreeSet::new();
        while let Some(target) = open.pop() {
            if drafts.contains_key(&target) || !done.insert(target) {
                continue;
            }
            let Some(around) = function_around(target, &self.ends) else { continue };
            if let Some(draft) = drafts.get_mut(&around) {
                draft.enter(self, target);
                open.extend(draft.jumps().chain(draft.callees()));
            }
        }
    }

    /// Finds which registers each function reads, from the called to the callers.
    fn find_live(&mut self) {
        let mut live: BTreeMap<u32, u32> = BTreeMap::new();
        let mut callers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (&start, body) in &self.bodies {
            for &callee in &body.callees {
                callers.entry(callee).or_default().push(start);
            }
        }
        let mut open: BTreeSet<u32> = self.bodies.keys().copied().collect();
        while let Some(start) = open.pop_first() {
            let abi = self.abi;
            let is_known: BTreeSet<u32> = match self.bodies.get(&start) {
                Some(body) => {
                    let known = |callee: &&u32| self.is_function(**callee);
                    body.callees.iter().filter(known).copied().collect()
                }
                None => continue,
            };
            let reads = |callee: u32| match is_known.contains(&callee) {
                true => live.get(&callee).copied().unwrap_or(0),
                // A shared tail works on any register.
                false => u32::MAX,
            };
            let Some(body) = self.bodies.get_mut(&start).and_then(Rc::get_mut) else { continue };
            if body.find_live(abi, reads) {
                live.insert(start, body.live_at_start());
                open.extend(callers.get(&start).into_iter().flatten().copied());
            }
        }
    }

    fn find_roots(&mut self, facts: &Facts) {
        let mut called: BTreeSet<u32> = BTreeSet::new();
        for (start, body) in &self.bodies {
            called.extend(body.callees.iter().filter(|callee| *callee != start));
        }
        // A core that has a vector table starts by it; without a symbol of the linker's liking the
        // entry in the header is just the first function.
        let entry = facts.vectors.is_empty().then_some(facts.entry);
        let handlers = facts.vectors.iter().map(|vector| vector.value);
        let named = handlers.chain(entry).filter_map(|value| u32::try_from(value).ok());
        let mut roots: BTreeSet<u32> = named.map(|value| self.abi.code_address(value)).collect();
        // Among code, only what is marked as data: instructions look like addresses by chance.
        let is_data = |&(address, _): &(u64, u32)| {
            !self.image.is_code(address)
                || self.image.mappings.is_empty()
                || u32::try_from(address).is_ok_and(|address| self.data_end(address).is_some())
        };
        let words = self.image.words().filter(is_data);
        roots.extend(words.filter_map(|(_, word)| self.function_of_pointer(word)));
        // A jump that was not understood may lead to a call of what nobody else calls.
        if self.bodies.values().any(|body| !body.is_resolved) {
            roots.extend(self.bodies.keys().filter(|start| !called.contains(start)));
        }
        roots.retain(|&root| self.is_function(root));
        (self.roots, self.called) = (roots, called);
    }

    fn function_of_pointer(&self, word: u32) -> Option<u32> {
        let address = self.abi.code_address(word);
        let is_pointer = (address != word) == self.abi.has_thumb_bit;
        (is_pointer && self.bodies.contains_key(&address)).then_some(address)
    }

    /// Where a function ends: as its symbol says, else where the next one starts.
    fn end_of(&self, start: u32) -> u32 {
        match self.ends.get(&start) {
            Some(&end) if end > start => end,
            _ => {
                let next = self.ends.range(start + 1..).next().map(|(&next, _)| next);
                let section = self.image.code_ranges().find(|r| r.contains(&start.into()));
                let last = section.map_or(start, |r| u32::try_from(r.end).unwrap_or(u32::MAX));
                next.map_or(last, |next| next.min(last))
            }
        }
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

/// Ranges of code that belong to the function which starts elsewhere, and have no symbol.
fn split_parts(facts: &Facts) -> BTreeMap<u32, Vec<Range<u32>>> {
    let mut parts = BTreeMap::new();
    for function in facts.functions.iter().filter(|function| function.ranges.len() > 1) {
        let ranges: Vec<Range<u32>> = function
            .ranges
            .iter()
            .filter_map(|r| Some(u32::try_from(r.start).ok()?..u32::try_from(r.end).ok()?))
            .collect();
        for start in ranges.iter().map(|range| range.start) {
            parts.insert(start, ranges.clone());
        }
    }
    parts
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

/// Whether a function loads from above the stack that it sets up for itself.
fn reads_stack(body: &Body, abi: &Abi) -> bool {
    let sp = abi.stack_pointer;
    let first = body.block(body.start).map_or(0, |block| body.blocks[block].first);
    let mut frame = 0;
    for step in body.steps.iter().skip(first).take(PROLOGUE) {
        frame += match step.instruction.operation {
            Operation::StoreMany { base, list, update: true, .. } if base == sp => {
                4 * list.count_ones()
            }
            Operation::Compute { to, second: Operand::Immediate(value), .. } if to == sp => {
                value.min(value.wrapping_neg())
            }
            _ => 0,
        };
    }
    body.steps.iter().any(|step| match step.instruction.operation {
        Operation::Load { place, .. } | Operation::LoadTwo { place, .. } => match place {
            // The stack pointer, or the frame pointer of unoptimised code.
            Place::Indexed { base, offset: Operand::Immediate(offset), .. } => {
                (base == sp || base == 7) && offset < 1 << 16 && offset >= frame
            }
            _ => false,
        },
        _ => false,
    })
}

impl Code for Program<'_> {
    fn abi(&self) -> &'static Abi {
        self.abi
    }

    fn instruction(&self, address: u32) -> Option<Instruction> {
        if !self.image.is_code(address.into()) {
            return None;
        }
        let bytes = self.image.bytes_at(address.into())?;
        match self.abi.has_thumb_bit {
            true => thumb::decode(bytes, address),
            false => riscv::decode(bytes, address),
        }
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

    fn table_entry(&self, address: u32, bytes: u8) -> Option<u32> {
        self.literal(address, bytes)
    }

    fn function_name(&self, address: u32) -> Option<&str> {
        self.function_names.get(&address).copied()
    }
}

fn little_endian(bytes: &[u8], count: u8) -> Option<u32> {
    let bytes = bytes.get(..usize::from(count))?;
    Some(bytes.iter().rev().fold(0, |value, &byte| (value << 8) | u32::from(byte)))
}
