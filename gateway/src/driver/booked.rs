//! An attempt's place in the ledger, given back whatever becomes of it.

use std::sync::Arc;

use gateway_client::{Prompt, Usage};

use super::Shared;
use crate::ledger::Booking;
use crate::limits::Observed;
use crate::outcome::Outcome;

/// Bytes that make a token, about: code has fewer, prose a few more.
const BYTES_PER_TOKEN: usize = 4;

/// Tokens that an answer is taken to have where nothing bounds it.
const ANSWER_TOKENS: u64 = 1_000;

/// Tokens of a prompt, and of its answer at most: for limits, which are settled
/// by what the endpoint counted.
pub(super) fn estimate(prompt: &Prompt) -> (u64, u64) {
    let bytes: usize = prompt.messages.iter().map(|message| message.content.len()).sum();
    (bytes.div_ceil(BYTES_PER_TOKEN) as u64, prompt.max_tokens.map_or(ANSWER_TOKENS, u64::from))
}

/// One attempt in the ledger. Dropping it settles it: whoever asked has gone.
pub(super) struct Booked {
    shared: Arc<Shared>,
    /// `None`: given back, or of a model that has no account.
    booking: Option<Booking>,
}

impl Booked {
    pub(super) fn new(shared: &Arc<Shared>, booking: Option<Booking>) -> Self {
        Self { shared: Arc::clone(shared), booking }
    }

    /// Its answer began.
    pub(super) fn began(&mut self, observed: &Observed) {
        let now = self.shared.clock.now();
        if let Some(booking) = &mut self.booking {
            self.shared.ledger().began(booking, observed, now);
        }
    }

    /// It came to nothing before that.
    pub(super) fn failed(&mut self, outcome: &Outcome, observed: &Observed) {
        let now = self.shared.clock.now();
        if let Some(booking) = self.booking.take() {
            self.shared.ledger().failed(booking, outcome, observed, now);
        }
    }

    /// Its answer has ended.
    pub(super) fn settle(&mut self, usage: Option<&Usage>) {
        let now = self.shared.clock.now();
        if let Some(booking) = self.booking.take() {
            let tokens = usage.map(|u| u.input_tokens.saturating_add(u.output_tokens));
            self.shared.ledger().settle(booking, tokens, now);
        }
    }
}

impl Drop for Booked {
    fn drop(&mut self) {
        self.settle(None);
    }
}
