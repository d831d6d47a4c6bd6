//! What to read off a board that went wrong.

use std::ops::Range;

use bundle::{ReadPlan, Snapshot};
use probe_rs::config::MemoryRegion;
use probe_rs::{Core, CoreType, MemoryInterface, Target};

use super::{FAULT_REGISTERS, Image, Live};
use crate::access::core;
use crate::{Board, HilError};

/// No more RAM than this is copied, lowest addresses first: at a slow probe's 50 kB/s this takes
/// twenty seconds.
const MOST_RAM: u64 = 1 << 20;

impl Board {
    /// Adds to `plan` what an autopsy needs: the fault status registers, where the core has them,
    /// and the chip's RAM.
    ///
    /// # Errors
    /// Only if the board is lost.
    pub fn plan_autopsy(&mut self, plan: &mut ReadPlan) -> Result<(), HilError> {
        let session = self.session_mut().ok_or(HilError::Lost)?;
        let mut left = MOST_RAM;
        for range in ram(session.target()) {
            let size = (range.end - range.start).min(left);
            if size > 0 {
                plan.memory.push(range.start..range.start + size);
            }
            left -= size;
        }
        let core_type = core(self.session_mut())?.core_type();
        let wanted: Vec<_> = match core_type {
            CoreType::Armv7m | CoreType::Armv7em => FAULT_REGISTERS[..5].to_vec(),
            CoreType::Armv8m => FAULT_REGISTERS.to_vec(),
            // ARMv6-M has no fault status registers. Source: DDI 0419E, B3.2.1.
            _ => Vec::new(),
        };
        for request in wanted {
            if !plan.registers.contains(&request) {
                plan.registers.push(request);
            }
        }
        Ok(())
    }
}

/// The chip's RAM, lowest addresses first, each byte once.
pub(crate) fn ram(target: &Target) -> Vec<Range<u64>> {
    let regions = target.memory_map.iter();
    let mut ram: Vec<Range<u64>> = regions
        .filter_map(|region| match region {
            MemoryRegion::Ram(ram) if !ram.is_alias => Some(ram.range.clone()),
            _ => None,
        })
        .collect();
    ram.sort_by_key(|range| range.start);
    ram.dedup();
    ram
}

/// Reads what an autopsy of `snapshot` with `image` will look at and the snapshot does not have, off a
/// core that is halted; RAM alone, and no more than a quarter of a megabyte.
pub(crate) fn read_missing(
    core: &mut Core<'_>,
    ram: Vec<Range<u64>>,
    snapshot: &mut Snapshot,
    image: &Image,
) {
    let live = Live::new(ram, |address, bytes| core.read(address, bytes).is_ok());
    super::read_for_autopsy(snapshot, image, &live);
    for range in live.into_ranges() {
        // Of ranges that begin at one address a bundle keeps one: what was read now is longer.
        snapshot.memory.retain(|before| before.address != range.address);
        snapshot.memory.push(range);
    }
}
