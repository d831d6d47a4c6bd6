//! RTT: ring buffers in the target's RAM, emptied while the core runs.

use probe_rs::Core;
use probe_rs::rtt::{Rtt, ScanRegion, UpChannel};

/// Bytes that are taken from a channel at once.
const CHUNK: usize = 4096;

/// RTT of one run. It is attached to once the firmware has set it up.
pub(super) struct RttReader {
    region: ScanRegion,
    rtt: Option<Rtt>,
}

impl RttReader {
    /// `at`: the address of the control block.
    pub(super) fn new(at: u64) -> Self {
        Self { region: ScanRegion::Exact(at), rtt: None }
    }

    /// Makes a control block of an earlier run invalid, so that only the one that this run sets up
    /// is found. The core must stand at reset.
    pub(super) fn forget(&mut self, core: &mut Core<'_>) {
        self.rtt = None;
        // RAM that cannot be written holds no control block either.
        let _ = Rtt::clear_control_block(core, &self.region);
    }

    /// Takes what has come, by channel. A channel that is damaged gives nothing.
    pub(super) fn take(&mut self, core: &mut Core<'_>, mut sink: impl FnMut(usize, &str, &[u8])) {
        if self.rtt.is_none() {
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
