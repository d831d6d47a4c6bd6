//! Changes to bytes, as a torn write, a bad disk or an attacker makes them.

use arbitrary::Arbitrary;

/// One change.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Edit {
    /// A bit pattern over one byte.
    Flip { place: u32, pattern: u8 },
    /// A whole number, as an attacker sets lengths and offsets.
    Word { place: u32, value: u32 },
    /// Zeros from here on, as after a crash.
    Zero { place: u32, count: u16 },
    /// The file ends here.
    Cut { place: u32 },
    /// Bytes of one place in another.
    Copy { from: u32, to: u32, count: u16 },
}

/// Makes `edits` one after the other; places count round the end.
pub fn apply(edits: &[Edit], bytes: &mut Vec<u8>) {
    for edit in edits {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        let at = |place: u32| place as usize % len;
        match *edit {
            Edit::Flip { place, pattern } => bytes[at(place)] ^= pattern,
            Edit::Word { place, value } => {
                let start = at(place) & !3;
                let end = (start + 4).min(len);
                bytes[start..end].copy_from_slice(&value.to_ne_bytes()[..end - start]);
            }
            Edit::Zero { place, count } => {
                let start = at(place);
                bytes[start..(start + usize::from(count)).min(len)].fill(0);
            }
            Edit::Cut { place } => bytes.truncate(at(place)),
            Edit::Copy { from, to, count } => {
                let (from, to) = (at(from), at(to));
                let count = usize::from(count).min(len - from.max(to));
                bytes.copy_within(from..from + count, to);
            }
        }
    }
}

/// Makes the checksums of an index file right again, so that what reads the records meets the
/// change. The layout is that of the head of `svd-index/src/store/mod.rs`.
pub fn seal(bytes: &mut [u8]) {
    const BLOCK: usize = 4096;
    const SUMS: usize = BLOCK / 4 - 1;
    if bytes.len() < BLOCK {
        return;
    }
    let word = |bytes: &[u8], at: usize| {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("a word has four bytes")) as usize
    };
    let (sections, blocks) = (word(bytes, 72), word(bytes, 76));
    let len = bytes.len() as u64;
    bytes[64..72].copy_from_slice(&len.to_ne_bytes());
    let table_end = 128_usize.saturating_add(sections.saturating_mul(24));
    if table_end <= BLOCK {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&bytes[..124]);
        hasher.update(&bytes[128..table_end]);
        bytes[124..128].copy_from_slice(&hasher.finalize().to_ne_bytes());
    }
    let Some(sums_start) = blocks.checked_add(1).and_then(|blocks| blocks.checked_mul(BLOCK))
    else {
        return;
    };
    for page in 0..bytes.len().saturating_sub(sums_start) / BLOCK {
        let start = sums_start + page * BLOCK;
        for slot in 0..SUMS.min(blocks - (page * SUMS).min(blocks)) {
            let block = (1 + page * SUMS + slot) * BLOCK;
            let sum = crc32fast::hash(&bytes[block..block + BLOCK]);
            bytes[start + 4 * slot..start + 4 * slot + 4].copy_from_slice(&sum.to_ne_bytes());
        }
        let own = crc32fast::hash(&bytes[start..start + 4 * SUMS]);
        bytes[start + 4 * SUMS..start + BLOCK].copy_from_slice(&own.to_ne_bytes());
    }
}
