//! A sliding minute: how much was used in the last sixty seconds.
//!
//! Endpoints count in one of three ways: a sliding minute, minutes by the
//! clock, a bucket that refills. What stays within the limit in *every* minute
//! is refused by none of them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

/// The minute, and a little for clocks that run at another rate than ours.
pub const MINUTE: Duration = Duration::from_millis(60_050);

/// Uses closer together than this count as one, at the later time: it bounds
/// the memory at any rate.
const GRAIN_MS: u64 = 10;

/// What was used in the last [`MINUTE`], with when.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// In order of time.
    cells: VecDeque<(Moment, u64)>,
    sum: u64,
}

impl Window {
    /// Takes note of a use at `at`. Gives back the cell to amend it by.
    pub fn push(&mut self, at: Moment, amount: u64) -> Moment {
        let cell = grain(at);
        self.sum = self.sum.saturating_add(amount);
        // Nearly always the last: uses come in order but for late arrivals.
        let place = match self.cells.back() {
            Some((last, _)) if *last < cell => self.cells.len(),
            None => 0,
            Some(_) => self.cells.partition_point(|(other, _)| *other < cell),
        };
        match self.cells.get_mut(place) {
            Some((other, sum)) if *other == cell => *sum = sum.saturating_add(amount),
            _ => self.cells.insert(place, (cell, amount)),
        }
        cell
    }

    /// A use of `from` turned out to be one of `to`. Nothing happens if it has
    /// left the window.
    pub fn amend(&mut self, cell: Moment, from: u64, to: u64) {
        let place = self.cells.partition_point(|(other, _)| *other < cell);
        let Some((_, amount)) = self.cells.get_mut(place).filter(|(other, _)| *other == cell)
        else {
            return;
        };
        let before = *amount;
        *amount = before.saturating_sub(from).saturating_add(to);
        self.sum = self.sum.saturating_sub(before).saturating_add(*amount);
    }

    /// Forgets what is older than the minute.
    pub fn prune(&mut self, now: Moment) {
        while let Some((_, amount)) = self.cells.front().filter(|(cell, _)| is_over(*cell, now)) {
            self.sum = self.sum.saturating_sub(*amount);
            self.cells.pop_front();
        }
    }

    /// What was used in the minute before `now`.
    pub fn used(&self, now: Moment) -> u64 {
        let over = self.cells.iter().take_while(|(cell, _)| is_over(*cell, now));
        self.sum.saturating_sub(over.map(|(_, amount)| amount).sum())
    }

    /// When at most `most` of what is in it now will be left; `None`: it is so
    /// already.
    pub fn falls_to(&self, most: u64, now: Moment) -> Option<Moment> {
        let mut used = self.used(now);
        if used <= most {
            return None;
        }
        for (cell, amount) in self.cells.iter().filter(|(cell, _)| !is_over(*cell, now)) {
            used = used.saturating_sub(*amount);
            if used <= most {
                return Some(cell.after(MINUTE));
            }
        }
        None
    }
}

fn is_over(cell: Moment, now: Moment) -> bool {
    cell.after(MINUTE) <= now
}

fn grain(at: Moment) -> Moment {
    let ms = at.since(Moment::default()).as_nanos().div_ceil(1_000_000);
    let ms = u64::try_from(ms).unwrap_or(u64::MAX).div_ceil(GRAIN_MS).saturating_mul(GRAIN_MS);
    Moment::at(Duration::from_millis(ms))
}
