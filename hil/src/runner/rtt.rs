//! RTT: ring buffers in the target's RAM, emptied while the core runs.

use std::time::{Duration, Instant};

use probe_rs::Core;
use probe_rs::rtt::{Rtt, ScanRegion, UpChannel};

/// Bytes that are taken from a channel at once.
const CHUNK: usize = 4096;

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
}

impl RttReader {
    /// `at`: the address of the control block; `None`: somewhere in RAM, if there is one.
    pub(super) fn new(at: Option<u64>) -> Self {
        let region = at.map_or(ScanRegion::Ram, ScanRegion::Exact);
        Self { region, rtt: None, searches: 0, searched: None }
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

    /// Takes what has come, by channel. A channel that is damaged gives nothing.
    pub(super) fn take(&mut self, core: &mut Core<'_>, mut sink: impl FnMut(usize, &str, &[u8])) {
        if self.rtt.is_none() && self.may_look() {
            self.rtt = Rtt::attach_region(core, &self.region).ok();
        }
        let Some(rtt) = &mut self.rtt else { return };
        let mut buffer = [0; CHUNK];
        for channel in rtt.up_channels() {
            while let Some(count) = read(channel, core, &mut buffer) {
                let name = channel.name().unwrap_or_default().to_owned();
                sink(channel.number(), &name, &buffer[..count]);
                if count < CHUNK {
                    break;
                }
            }
        }
    }
}

fn read(channel: &mut UpChannel, core: &mut Core<'_>, buffer: &mut [u8]) -> Option<usize> {
    channel.read(core, buffer).ok().filter(|count| *count > 0)
}
