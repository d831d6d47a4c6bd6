//! How much memory bodies may take, all together: those of requests, and of
//! answers that come in one piece. Streams pass through and are not kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crate::face::Refused;

/// When whoever finds no room is to ask again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The room there is.
#[derive(Debug)]
pub(crate) struct Room {
    most: usize,
    used: AtomicUsize,
    /// Requests that found none.
    refused: AtomicU64,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, used: AtomicUsize::new(0), refused: AtomicU64::new(0) })
    }

    /// No room yet, to grow.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { room: Arc::clone(self), bytes: 0 }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// What a client is told for whose request, or answer, there is none.
    pub(crate) fn refusal(&self) -> Refused {
        self.refused.fetch_add(1, Relaxed);
        let message = format!(
            "requests and answers under way take all of the {} bytes there are for them; ask again later",
            self.most
        );
        Refused { retry_after: Some(ASK_AGAIN), ..Refused::new(503, "no_room", message) }
    }
}

impl Share {
    /// Takes so many bytes more; false: they are not there, and nothing is taken.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let before = self.room.used.fetch_add(bytes, Relaxed);
        let fits = before.checked_add(bytes).is_some_and(|sum| sum <= self.room.most);
        if fits {
            self.bytes += bytes;
        } else {
            self.room.used.fetch_sub(bytes, Relaxed);
        }
        fits
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.bytes, Relaxed);
    }
}
