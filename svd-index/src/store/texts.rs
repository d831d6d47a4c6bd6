//! The texts of an index file, each stored once.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use super::StrRef;

/// A table of texts.
///
/// The map goes from a text's hash to its place, so that no text is held twice; of two texts
/// with one hash the second sits at the next free number.
#[derive(Clone)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    places: HashMap<u64, StrRef, BuildHasherDefault<TakeAsIs>>,
    hasher: foldhash::fast::FixedState,
}

impl Texts {
    /// With room for what a source of `size` bytes usually has, so that it need not be moved while
    /// it grows. Room that stays empty has its price too: the system hands it out page by page.
    pub(crate) fn with_room_for(size: u64) -> Self {
        let room = (size / 128).clamp(1 << 8, 1 << 15) as usize;
        Self {
            bytes: Vec::with_capacity(1 << 18),
            places: HashMap::with_capacity_and_hasher(room, BuildHasherDefault::default()),
            hasher: foldhash::fast::FixedState::default(),
        }
    }

    /// Stores a text once and gives its place.
    pub(crate) fn intern(&mut self, text: &str) -> StrRef {
        self.find(text.as_bytes()).unwrap_or_else(|hash| self.add(text, hash))
    }

    /// Stores a text once, what is no UTF-8 as [`String::from_utf8_lossy`] has it, and gives its
    /// place. What is stored already need not be looked at for that.
    pub(crate) fn intern_lossy(&mut self, text: &[u8]) -> StrRef {
        self.find(text).unwrap_or_else(|hash| match std::str::from_utf8(text) {
            Ok(text) => self.add(text, hash),
            Err(_) => self.intern(&String::from_utf8_lossy(text)),
        })
    }

    /// Where a text is, or the number that is free for it.
    fn find(&self, text: &[u8]) -> Result<StrRef, u64> {
        if text.is_empty() {
            return Ok(StrRef::default());
        }
        let mut hash = self.hasher.hash_one(text);
        while let Some(&place) = self.places.get(&hash) {
            if self.bytes_at(place) == text {
                return Ok(place);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }

    fn add(&mut self, text: &str, hash: u64) -> StrRef {
        let place = StrRef {
            offset: u32::try_from(self.bytes.len()).expect("texts of one source fit 4 GiB"),
            len: u32::try_from(text.len()).expect("a text fits 4 GiB"),
        };
        self.bytes.extend_from_slice(text.as_bytes());
        self.places.insert(hash, place);
        place
    }

    /// A text stored before.
    pub(crate) fn get(&self, place: StrRef) -> &str {
        std::str::from_utf8(self.bytes_at(place)).expect("whole texts are stored")
    }

    /// Its bytes, which sort as the text does.
    pub(crate) fn bytes_at(&self, place: StrRef) -> &[u8] {
        let start = place.offset as usize;
        &self.bytes[start..start + place.len as usize]
    }

    /// Bytes of all texts stored.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Default for Texts {
    fn default() -> Self {
        let (places, hasher) = Default::default();
        Self { bytes: Vec::new(), places, hasher }
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Texts {}

impl fmt::Debug for Texts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes of text", self.bytes.len())
    }
}

/// The keys are hashes already.
#[derive(Clone, Default)]
struct TakeAsIs(u64);

impl Hasher for TakeAsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
