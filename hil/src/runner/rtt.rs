//! RTT: ring buffers in the target's RAM, emptied while the core runs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bundle::{RttCapture, WhenFull};
use probe_rs::Core;
use probe_rs::rtt::{ChannelMode, Rtt, ScanRegion, UpChannel};

/// Bytes that are taken from a channel at once: at least, and at most.
const CHUNK: usize = 4096;
const MOST: usize = 1 << 20;

/// How often all RAM is searched for a control block that no symbol names, and how long there is
/// between: firmware sets it up soon or not at all.
const SEARCHES: u32 = 10;
const BETWEEN_SEARCHES: Duration = Duration::from_millis(300);

/// RTT of one run. It is attached to once the firmware has set it up.
pub(super) struct RttReader {
    region: ScanRegion,
    rtt: Option<Rtt>,
    searches: u32,
    searched: Option<Instant>,
    levels: BTreeMap<usize, Level>,
    buffer: Vec<u8>,
}

impl RttReader {
    /// `at`: the address of the control block; `None`: somewhere in RAM, if there is one.
    pub(super) fn new(at: Option<u64>) -> Self {
        let region = at.map_or(ScanRegion::Ram, ScanRegion::Exact);
        let (levels, buffer) = (BTreeMap::new(), Vec::new());
        Self { region, rtt: None, searches: 0, searched: None, levels, buffer }
    }

    /// Makes a control block of an earlier run invalid, so that only the one that this run sets up
    /// is found. The core must stand at reset.
    pub(super) fn forget(&mut self, core: &mut Core<'_>) {
        self.rtt = None;
        // RAM that cannot be written holds no control block either.
        let _ = Rtt::clear_control_block(core, &self.region);
    }

    /// Whether the control block is to be looked for now. Where its address is known that costs
    /// nothing.
    fn may_look(&mut self) -> bool {
        if matches!(self.region, ScanRegion::Exact(_)) {
            return true;
        }
        let is_due = self.searched.is_none_or(|at| at.elapsed() >= BETWEEN_SEARCHES);
        let looks = is_due && self.searches < SEARCHES;
        if looks {
            (self.searches, self.searched) = (self.searches + 1, Some(Instant::now()));
        }
        looks
    }

    /// Takes what has come, by channel, with what its buffer showed until now. A channel that cannot be
    /// read gives nothing; the control block is then looked for again, for firmware that resets
    /// itself sets it up anew.
    pub(super) fn take(
        &mut self,
        core: &mut Core<'_>,
        mut sink: impl FnMut(usize, &str, &[u8], RttCapture),
    ) {
        if self.rtt.is_none() && self.may_look() {
            self.rtt = Rtt::attach_region(core, &self.region).ok();
        }
        let Some(rtt) = &mut self.rtt else { return };
        let mut is_lost = false;
        for channel in rtt.up_channels() {
            let number = channel.number();
            let name = channel.name().unwrap_or_default().to_owned();
            let known = self.levels.entry(number).or_insert_with(|| Level::of(channel, core));
            // As large as the ring, so that one look takes all that waits.
            self.buffer.resize(channel.buffer_size().clamp(CHUNK, MOST), 0);
            match channel.read(core, &mut self.buffer) {
                Ok(count) => {
                    known.look(count);
                    if count > 0 {
                        sink(number, &name, &self.buffer[..count], known.capture());
                    }
                }
                Err(_) => is_lost = true,
            }
        }
        if is_lost {
            self.rtt = None;
        }
    }
}

/// How full the ring of one channel was at each look.
#[derive(Debug, Clone, Copy)]
struct Level {
    when_full: WhenFull,
    capacity: u64,
    fullest: u64,
    never_above: u64,
    last: u64,
}

impl Level {
    fn of(channel: &UpChannel, core: &mut Core<'_>) -> Self {
        let when_full = match channel.mode(core) {
            Ok(ChannelMode::BlockIfFull) => WhenFull::Wait,
            Ok(ChannelMode::NoBlockTrim) => WhenFull::Trim,
            // What cannot be read proves nothing, and that is what skipping proves.
            Ok(ChannelMode::NoBlockSkip) | Err(_) => WhenFull::Skip,
        };
        // One byte of a ring stays free, or full would look like empty.
        let capacity = (channel.buffer_size() as u64).saturating_sub(1);
        Self { when_full, capacity, fullest: 0, never_above: 0, last: 0 }
    }

    /// Notes that `count` bytes waited. Between the look at the ring and the word to the target that
    /// they are taken more may have come; these are among those of the next look.
    fn look(&mut self, count: usize) {
        let count = count as u64;
        self.fullest = self.fullest.max(count);
        self.never_above = self.never_above.max(self.last + count);
        self.last = count;
    }

    fn capture(&self) -> RttCapture {
        let Self { when_full, capacity, fullest, never_above, .. } = *self;
        RttCapture { when_full, capacity, fullest, never_above }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_while_a_ring_is_emptied_is_counted_with_what_was_there() {
        let mut level =
            Level { when_full: WhenFull::Skip, capacity: 255, fullest: 0, never_above: 0, last: 0 };
        for count in [100, 0, 120, 90, 10] {
            level.look(count);
        }
        let capture = level.capture();
        assert_eq!((capture.fullest, capture.never_above), (120, 210));
    }
}
