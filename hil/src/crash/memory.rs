//! The memory that the firmware ran in: what a snapshot has of it, the image's constants, and of a board
//! that is still there what nobody thought of before.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use bundle::{MemoryRange, Snapshot};

use super::image::{Image, bytes_at};

/// The first of these that has an address tells what is there.
pub(crate) struct Memory<'a> {
    snapshot: &'a Snapshot,
    image: Option<&'a Image>,
    live: Option<&'a dyn Pages>,
}

impl<'a> Memory<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, image: Option<&'a Image>) -> Self {
        Self { snapshot, image, live: None }
    }

    pub(crate) fn and_live(self, live: &'a dyn Pages) -> Self {
        Self { live: Some(live), ..self }
    }

    pub(crate) fn word(&self, address: u32) -> Option<u32> {
        self.bytes(address).map(u32::from_le_bytes)
    }

    pub(crate) fn half(&self, address: u32) -> Option<u16> {
        self.bytes(address).map(u16::from_le_bytes)
    }

    pub(crate) fn byte(&self, address: u32) -> Option<u8> {
        self.bytes(address).map(|[byte]| byte)
    }

    fn bytes<const N: usize>(&self, address: u32) -> Option<[u8; N]> {
        let mut read = self.snapshot.memory.iter();
        read.find_map(|range| bytes_at(range.address, &range.bytes, address))
            .or_else(|| self.image?.constant(address))
            .or_else(|| bytes_of(self.live?, address))
    }
}

/// Bytes that are read at once, and no more than so many of them: at a slow probe's 50 kB/s this takes
/// five seconds.
const PAGE: u32 = 256;
const MOST_PAGES: usize = 1024;

pub(crate) type Page = Option<[u8; PAGE as usize]>;

/// Memory in pages, which begin at multiples of their size.
pub(crate) trait Pages {
    /// The page that begins at `address`. `None`: it cannot be read.
    fn page(&self, address: u32) -> Page;
}

fn bytes_of<const N: usize>(pages: &dyn Pages, address: u32) -> Option<[u8; N]> {
    let mut found = [0; N];
    for (offset, byte) in (0..).zip(&mut found) {
        let at = address.checked_add(offset)?;
        *byte = pages.page(at - at % PAGE)?[(at % PAGE) as usize];
    }
    Some(found)
}

/// Reads memory; false if it cannot.
type Read<'l> = dyn FnMut(u64, &mut [u8]) -> bool + 'l;

/// RAM of a board, read when it is asked for, and kept.
pub(crate) struct Live<'l> {
    /// Nothing else is read: of a peripheral a read may change something.
    ram: Vec<Range<u64>>,
    read: RefCell<Box<Read<'l>>>,
    pages: RefCell<BTreeMap<u32, Page>>,
}

impl<'l> Live<'l> {
    pub(crate) fn new(ram: Vec<Range<u64>>, read: impl FnMut(u64, &mut [u8]) -> bool + 'l) -> Self {
        Self { ram, read: RefCell::new(Box::new(read)), pages: RefCell::default() }
    }

    /// All that was read, in ranges that do not touch.
    pub(crate) fn into_ranges(self) -> Vec<MemoryRange> {
        let mut ranges: Vec<MemoryRange> = Vec::new();
        for (address, page) in self.pages.into_inner() {
            let (address, Some(page)) = (u64::from(address), page) else { continue };
            match ranges.last_mut() {
                Some(last) if last.address + last.bytes.len() as u64 == address => {
                    last.bytes.extend(page);
                }
                _ => ranges.push(MemoryRange { address, bytes: page.to_vec() }),
            }
        }
        ranges
    }
}

impl Pages for Live<'_> {
    fn page(&self, address: u32) -> Page {
        let mut pages = self.pages.borrow_mut();
        if let Some(page) = pages.get(&address) {
            return *page;
        }
        let wanted = u64::from(address)..u64::from(address) + u64::from(PAGE);
        let is_ram = |ram: &Range<u64>| ram.start <= wanted.start && wanted.end <= ram.end;
        if pages.len() >= MOST_PAGES || !self.ram.iter().any(is_ram) {
            return None;
        }
        let mut bytes = [0; PAGE as usize];
        let page = (self.read.borrow_mut())(wanted.start, &mut bytes).then_some(bytes);
        pages.insert(address, page);
        page
    }
}
