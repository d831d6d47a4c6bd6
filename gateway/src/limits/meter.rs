//! What one deployment, or one user, has had of its limits.
//!
//! A request counts from the moment it is sent. When it has reached the
//! endpoint is not known until something comes back, so its minute begins
//! then: whatever is sent after that minute arrives after the endpoint's own.

use std::collections::VecDeque;
use std::time::Duration;

use super::Observed;
use super::hint::Hint;
use super::window::{MINUTE, Window};
use crate::clock::Moment;
use crate::config::Limits;

/// The longest a request is taken to be on its way: an endpoint that thinks
/// for minutes has counted it long before.
pub const ARRIVES_WITHIN: Duration = Duration::from_secs(2);

/// Whether something may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// At once.
    Now,
    /// Not before then.
    At(Moment),
    /// Once something that is under way has ended.
    WhenSettled,
    /// It is larger than the limit itself.
    Never,
}

impl Free {
    /// The later of the two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::WhenSettled, _) | (_, Self::WhenSettled) => Self::WhenSettled,
            (Self::At(one), Self::At(two)) => Self::At(one.max(two)),
            (Self::Now, other) => other,
            (one, Self::Now) => one,
        }
    }
}

/// The account of one deployment's, or one user's, limits.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    limits: Limits,
    requests: Window,
    tokens: Window,
    /// Sent, and not yet known to have arrived; in order of sending.
    on_the_way: VecDeque<OnTheWay>,
    under_way: u64,
    said_requests: Option<Hint>,
    said_tokens: Option<Hint>,
    /// Others have taken all the room until then.
    full_until: Option<Moment>,
}

#[derive(Debug, Clone, Copy)]
struct OnTheWay {
    serial: u64,
    sent: Moment,
    tokens: u64,
}

/// One request's entry in a [`Meter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    serial: u64,
    tokens: u64,
    sent: Moment,
    /// The cell of the windows it stands in, once it has arrived.
    cell: Option<Moment>,
}

impl Entry {
    /// The number it was reserved under.
    pub const fn serial(&self) -> u64 {
        self.serial
    }
}

impl Meter {
    /// An account without entries.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The limits it is kept for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Other limits, from now on; the entries stay.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Requests under way.
    pub fn under_way(&self) -> u64 {
        self.under_way
    }

    /// Whether a request of `input` tokens with an answer of at most `output`
    /// may be sent at `now`.
    pub fn free(&self, input: u64, output: u64, now: Moment) -> Free {
        let mut free = match self.limits.concurrency {
            Some(most) if self.under_way >= most => Free::WhenSettled,
            _ => Free::Now,
        };
        if self.limits.tpm.is_some_and(|tpm| input > tpm) {
            return Free::Never;
        }
        if let Some(until) = self.full_until.filter(|until| *until > now) {
            free = free.and(Free::At(until));
        }
        let tokens = self.tokens_counted(input, output);
        let at = |at: Option<Moment>| at.map_or(Free::Now, Free::At);
        if let Some(rpm) = self.limits.rpm {
            free = free.and(self.room(rpm, 1, &self.requests, |_| 1, now));
        }
        if let Some(tpm) = self.limits.tpm {
            free = free.and(self.room(tpm, tokens, &self.tokens, |way| way.tokens, now));
        }
        let said = |hint: Option<Hint>, amount| hint.and_then(|hint| hint.free_at(amount, now));
        free.and(at(said(self.said_requests, 1))).and(at(said(self.said_tokens, tokens)))
    }

    /// Enters a request that is being sent. `serial` must rise.
    pub fn reserve(&mut self, serial: u64, input: u64, output: u64, now: Moment) -> Entry {
        self.arrive_late(now);
        let tokens = self.tokens_counted(input, output);
        self.under_way += 1;
        self.on_the_way.push_back(OnTheWay { serial, sent: now, tokens });
        if let Some(said) = &mut self.said_requests {
            said.take(1, now);
        }
        if let Some(said) = &mut self.said_tokens {
            said.take(tokens, now);
        }
        Entry { serial, tokens, sent: now, cell: None }
    }

    /// Something came back: the request has reached the endpoint.
    pub fn arrived(&mut self, entry: &mut Entry, now: Moment) {
        if entry.cell.is_some() {
            return;
        }
        let at = match self.take(entry.serial) {
            Some(_) => self.place(now, entry.tokens),
            None => grained(entry.sent.after(ARRIVES_WITHIN)),
        };
        entry.cell = Some(at);
    }

    /// What an answer that began said is left. An endpoint that says nothing
    /// of a limit is not held to what it said before: not all of its answers
    /// are counted alike.
    pub fn observe_all(&mut self, observed: &Observed, now: Moment) {
        (self.said_requests, self.said_tokens) = (None, None);
        self.observe(observed, now);
    }

    /// What a refusal said is left.
    pub fn observe(&mut self, observed: &Observed, now: Moment) {
        let (count, tokens) = self
            .on_the_way
            .iter()
            .fold((0, 0_u64), |(count, sum), way| (count + 1, sum.saturating_add(way.tokens)));
        if let Some(hint) = observed.requests.as_ref().and_then(|s| Hint::new(s, count, now)) {
            self.said_requests = Some(hint);
        }
        if let Some(hint) = observed.tokens.as_ref().and_then(|s| Hint::new(s, tokens, now)) {
            self.said_tokens = Some(hint);
        }
    }

    /// Those with whom the limits are shared have taken all the room.
    pub fn full_until(&mut self, until: Moment) {
        self.full_until = self.full_until.max(Some(until));
    }

    /// It has ended, and cost so many tokens; `None`: not known, the estimate
    /// stands.
    pub fn settle(&mut self, mut entry: Entry, tokens: Option<u64>, now: Moment) {
        self.under_way = self.under_way.saturating_sub(1);
        // Given up before anything came back, it may be on its way yet.
        if tokens.is_some() {
            self.arrived(&mut entry, now);
        }
        if let (Some(cell), Some(tokens)) = (entry.cell, tokens) {
            self.tokens.amend(cell, entry.tokens, tokens);
        }
    }

    /// It never reached the endpoint, or was refused there: it cost no tokens,
    /// and no request if `counted` is false.
    pub fn void(&mut self, mut entry: Entry, counted: bool, now: Moment) {
        if !counted {
            if self.take(entry.serial).is_none() {
                self.arrived(&mut entry, now);
                if let Some(cell) = entry.cell {
                    self.requests.amend(cell, 1, 0);
                    self.tokens.amend(cell, entry.tokens, 0);
                }
            }
            self.under_way = self.under_way.saturating_sub(1);
            return;
        }
        self.arrived(&mut entry, now);
        self.settle(entry, Some(0), now);
    }

    /// Requests and tokens used in this minute.
    pub fn used(&self, now: Moment) -> (u64, u64) {
        let requests = self.requests.used(now) + self.on_the_way.len() as u64;
        let tokens: u64 = self.on_the_way.iter().map(|way| way.tokens).sum();
        (requests, self.tokens.used(now) + tokens)
    }

    /// Requests and tokens that are left, by the limits and by what the
    /// endpoint says; `None`: not known to be bounded.
    pub fn left(&self, now: Moment) -> (Option<u64>, Option<u64>) {
        let (requests, tokens) = self.used(now);
        let least = |limit: Option<u64>, used, said: Option<Hint>| {
            let own = limit.map(|limit| limit.saturating_sub(used));
            let said = said.and_then(|said| said.left(now));
            own.into_iter().chain(said).min()
        };
        (
            least(self.limits.rpm, requests, self.said_requests),
            least(self.limits.tpm, tokens, self.said_tokens),
        )
    }

    /// When there is room for `amount` under `limit`.
    fn room(
        &self,
        limit: u64,
        amount: u64,
        window: &Window,
        size: impl Fn(&OnTheWay) -> u64,
        now: Moment,
    ) -> Free {
        let Some(spare) = limit.checked_sub(amount) else { return Free::Never };
        let on_the_way: u64 = self.on_the_way.iter().map(&size).sum();
        if let Some(spare) = spare.checked_sub(on_the_way) {
            return window.falls_to(spare, now).map_or(Free::Now, Free::At);
        }
        // Some of what is on its way must have left the minute as well.
        let mut left = on_the_way;
        for way in &self.on_the_way {
            left = left.saturating_sub(size(way));
            if left <= spare {
                return Free::At(grained(way.sent.after(ARRIVES_WITHIN)).after(MINUTE));
            }
        }
        Free::Never
    }

    /// The tokens that count against the limit.
    pub(crate) fn tokens_counted(&self, input: u64, output: u64) -> u64 {
        let tokens = input.saturating_add(output);
        // A generous bound on the answer must not keep a request from being sent.
        self.limits.tpm.map_or(tokens, |tpm| tokens.min(tpm))
    }

    /// What was sent long ago has arrived, even if nothing came back yet.
    fn arrive_late(&mut self, now: Moment) {
        while let Some(way) = self.on_the_way.front() {
            let at = way.sent.after(ARRIVES_WITHIN);
            if at > now {
                break;
            }
            let tokens = way.tokens;
            self.on_the_way.pop_front();
            self.place(at, tokens);
        }
        self.requests.prune(now);
        self.tokens.prune(now);
    }

    /// Takes a request off the way, if it is still on it.
    fn take(&mut self, serial: u64) -> Option<OnTheWay> {
        let place = self.on_the_way.binary_search_by_key(&serial, |way| way.serial).ok()?;
        self.on_the_way.remove(place)
    }

    fn place(&mut self, at: Moment, tokens: u64) -> Moment {
        self.tokens.push(at, tokens);
        self.requests.push(at, 1)
    }
}

/// The cell that [`Window::push`] puts a use at `at` in.
fn grained(at: Moment) -> Moment {
    Window::default().push(at, 0)
}
