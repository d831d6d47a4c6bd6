//! What the program keeps in its own variables, whichever of its functions runs when.
//!
//! A word of memory holds what the file gives it at first and what any store puts there. If all
//! of these are known, so is what a load gives, however far the load is from the stores: one of
//! them. This is how `handle->Instance = USART2` in one file tells what another file touches.
//!
//! Only addresses are followed. Numbers also change in ways that no code shows (DMA, a debugger,
//! another core), and what they decide would be missed if they were taken for constant.
//!
//! A store through a pointer of unknown value is taken to reach only what has the pointer's
//! type, as C and Rust have it; where a type is not known it is taken to reach none of these.

use foldhash::{HashMap, HashSet};

/// Most different values of one word that are followed.
const MAX_VALUES: usize = 8;

/// Words by address, and pointers in structures whose address is not known.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    words: HashMap<u32, Cell>,
    members: HashMap<(u32, i32), Cell>,
    changed: HashSet<u32>,
    has_changed: bool,
}

/// What stores put into a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cell {
    values: Vec<u32>,
    /// Something that is not known, too.
    is_open: bool,
}

impl Cells {
    /// Takes note of a store to the word around `address`; `None`: of what is not known, or of
    /// a part of the word.
    pub(crate) fn store(&mut self, address: u32, value: Option<u32>) {
        let word = address & !3;
        if self.words.entry(word).or_default().add(value) {
            self.has_changed = true;
            self.changed.insert(word);
        }
    }

    /// Takes note of a store to a member of a structure that may be anywhere.
    pub(crate) fn store_member(&mut self, structure: u32, offset: i32, value: Option<u32>) {
        self.has_changed |= self.members.entry((structure, offset)).or_default().add(value);
    }

    /// All that the word at `address` may hold; empty where that is not known.
    ///
    /// `first` is what it holds when the program starts, `members` are the places in structures
    /// that it is known as.
    pub(crate) fn values(
        &self,
        address: u32,
        first: u32,
        members: impl Iterator<Item = (u32, i32)>,
    ) -> Vec<u32> {
        let mut cell = Cell { values: vec![first], is_open: false };
        let typed = members.filter_map(|member| self.members.get(&member));
        for other in self.words.get(&address).into_iter().chain(typed) {
            other.values.iter().for_each(|&value| {
                cell.add(Some(value));
            });
            cell.is_open |= other.is_open;
        }
        if cell.is_open { Vec::new() } else { cell.values }
    }

    /// Whether anything was stored since the last call that was not known before.
    pub(crate) fn take_changed(&mut self) -> bool {
        self.changed.clear();
        std::mem::take(&mut self.has_changed)
    }

    /// Gives up what still changes.
    pub(crate) fn open_changed(&mut self) {
        for word in std::mem::take(&mut self.changed) {
            self.words.entry(word).or_default().add(None);
        }
        for cell in self.members.values_mut() {
            cell.add(None);
        }
    }
}

impl Cell {
    /// True if that is more than before.
    fn add(&mut self, value: Option<u32>) -> bool {
        let before = (self.values.len(), self.is_open);
        match value {
            _ if self.is_open => {}
            Some(value) if self.values.contains(&value) => {}
            Some(value) if self.values.len() < MAX_VALUES => self.values.push(value),
            _ => self.is_open = true,
        }
        (self.values.len(), self.is_open) != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USART2: u32 = 0x4000_4400;

    fn values(cells: &Cells) -> Vec<u32> {
        cells.values(0x2000_0000, 0, [(7, 0)].into_iter())
    }

    #[test]
    fn a_word_holds_what_was_stored_and_what_it_began_with() {
        let mut cells = Cells::default();
        assert_eq!(values(&cells), [0]);
        cells.store(0x2000_0000, Some(USART2));
        assert!(cells.take_changed() && !cells.take_changed());
        cells.store(0x2000_0000, Some(USART2));
        assert!(!cells.take_changed());
        assert_eq!(values(&cells), [0, USART2]);
        cells.store_member(7, 0, Some(0x4001_1000));
        cells.store_member(8, 0, None);
        assert_eq!(values(&cells), [0, USART2, 0x4001_1000]);
        cells.store(0x2000_0002, None);
        assert!(values(&cells).is_empty(), "a part of it has changed");
    }

    #[test]
    fn a_member_of_its_type_that_is_not_known_opens_it() {
        let mut cells = Cells::default();
        cells.store(0x2000_0000, Some(USART2));
        cells.store_member(7, 0, None);
        assert!(values(&cells).is_empty());
    }
}
