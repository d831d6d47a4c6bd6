//! Who of those that wait goes next.
//!
//! Shares, not strict precedence: of sixteen requests served while all three
//! classes wait, twelve are interactive, three an agent's and one batch, so
//! nothing starves; whoever asks for less than its share goes first. Inside a
//! class each user has the same share, or as configured. What a request costs
//! is its tokens, and something for being a request.
//!
//! Each class and each user has a clock that runs on by what it was served,
//! divided by its share; the one that is furthest behind goes next. Whoever
//! comes back after a pause begins where the others are: a pause saves nothing
//! up.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::clock::Moment;
use crate::config::Class;

/// What a request costs beside its tokens.
const REQUEST_COST: u64 = 1_000;

/// Clocks run on by cost times this, divided by the share.
const SCALE: u64 = 1_000;

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) user: usize,
    pub(super) class: Class,
    /// Of the request and of its answer at most.
    pub(super) tokens: (u64, u64),
    pub(super) deadline: Moment,
    /// Requests of one lane can go to the same deployments on the same terms:
    /// what stops one stops those that need as much. `None`: one of its own.
    pub(super) lane: Option<u64>,
}

/// What became of a request that was offered its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It went.
    Taken,
    /// Nobody can serve it before then, unless something ends sooner.
    Blocked(Moment),
    /// It does not wait any more.
    Gone,
}

/// Everybody who waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    classes: [Line; 3],
    clocks: [u64; 3],
    now: u64,
    len: usize,
    per_user: HashMap<usize, usize>,
}

/// Lanes in which nobody goes who needs as much, until when.
#[derive(Debug, Default)]
struct Blocked(Vec<(u64, (u64, u64), Moment)>);

impl Blocked {
    fn note(&mut self, ticket: &Ticket, until: Moment) {
        if let Some(lane) = ticket.lane {
            self.0.push((lane, ticket.tokens, until));
        }
    }

    /// Until when `ticket` need not be offered its turn.
    fn until(&self, ticket: &Ticket, now: Moment) -> Option<Moment> {
        let lane = ticket.lane?;
        let needs_as_much =
            |(input, output): (u64, u64)| ticket.tokens.0 >= input && ticket.tokens.1 >= output;
        // Whose deadline comes first has to hear of it.
        let waits = |until: Moment| {
            ticket.deadline > now && (until < ticket.deadline || until == Moment::NEVER)
        };
        let same = |(other, tokens, until): &&(u64, (u64, u64), Moment)| {
            *other == lane && needs_as_much(*tokens) && waits(*until)
        };
        self.0.iter().find(same).map(|(.., until)| *until)
    }
}

/// Those of one class.
#[derive(Debug, Clone, Default)]
struct Line {
    users: BTreeMap<usize, Waiting>,
    /// Users who wait, furthest behind first.
    order: BTreeSet<(u64, usize)>,
    /// Clocks of users who do not wait now.
    idle: HashMap<usize, u64>,
    now: u64,
}

#[derive(Debug, Clone, Default)]
struct Waiting {
    clock: u64,
    tickets: VecDeque<Ticket>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn of_user(&self, user: usize) -> usize {
        self.per_user.get(&user).copied().unwrap_or_default()
    }

    pub(super) fn of_class(&self, class: Class) -> usize {
        self.classes[class as usize].users.values().map(|waiting| waiting.tickets.len()).sum()
    }

    /// Puts a request at the end of its user's line.
    pub(super) fn push(&mut self, ticket: Ticket) {
        let class = ticket.class as usize;
        if self.classes[class].order.is_empty() {
            self.clocks[class] = self.clocks[class].max(self.now);
        }
        self.classes[class].push(ticket);
        self.len += 1;
        *self.per_user.entry(ticket.user).or_default() += 1;
    }

    /// Takes a request out that will not go.
    pub(super) fn remove(&mut self, ticket: &Ticket) -> bool {
        let found = self.classes[ticket.class as usize].remove(ticket);
        if found {
            self.forget(ticket);
        }
        found
    }

    /// Offers their turn to those who wait, in the order due to them, again
    /// from the start after each who took it, until nobody can. Gives back
    /// when that may change by itself; `None`: nobody waits.
    pub(super) fn serve(
        &mut self,
        now: Moment,
        share: impl Fn(usize) -> u32,
        mut offer: impl FnMut(&Ticket) -> Turn,
    ) -> Option<Moment> {
        let mut blocked = Blocked::default();
        loop {
            let (ticket, turn) = match self.next(now, &mut blocked, &mut offer) {
                Ok(found) => found,
                Err(wake) => return wake,
            };
            self.remove(&ticket);
            if turn == Turn::Taken {
                let (input, output) = ticket.tokens;
                let tokens = input.saturating_add(output);
                let cost = REQUEST_COST.saturating_add(tokens).saturating_mul(SCALE);
                let class = ticket.class as usize;
                self.now = self.now.max(self.clocks[class]);
                self.clocks[class] += cost / u64::from(ticket.class.share());
                let of_user = cost / u64::from(share(ticket.user).max(1));
                self.classes[class].charge(ticket.user, of_user);
            }
        }
    }

    /// The next who need not wait any more, or when to look again.
    fn next(
        &self,
        now: Moment,
        blocked: &mut Blocked,
        offer: &mut impl FnMut(&Ticket) -> Turn,
    ) -> Result<(Ticket, Turn), Option<Moment>> {
        let mut wake: Option<Moment> = None;
        let mut classes = [0, 1, 2];
        classes.sort_by_key(|class| self.clocks[*class]);
        for class in classes {
            let line = &self.classes[class];
            for (_, user) in &line.order {
                for ticket in &line.users[user].tickets {
                    let until = match blocked.until(ticket, now) {
                        Some(until) => until,
                        None => match offer(ticket) {
                            Turn::Blocked(until) => {
                                blocked.note(ticket, until);
                                until
                            }
                            turn => return Ok((*ticket, turn)),
                        },
                    };
                    let next = until.min(ticket.deadline);
                    wake = Some(wake.map_or(next, |earlier| earlier.min(next)));
                }
            }
        }
        Err(wake)
    }

    fn forget(&mut self, ticket: &Ticket) {
        self.len -= 1;
        if let Some(count) = self.per_user.get_mut(&ticket.user) {
            *count -= 1;
            if *count == 0 {
                self.per_user.remove(&ticket.user);
            }
        }
    }
}

impl Line {
    fn push(&mut self, ticket: Ticket) {
        let user = ticket.user;
        if !self.users.contains_key(&user) {
            let clock = self.idle.remove(&user).unwrap_or_default().max(self.now);
            self.order.insert((clock, user));
            self.users.insert(user, Waiting { clock, tickets: VecDeque::new() });
        }
        if let Some(waiting) = self.users.get_mut(&user) {
            waiting.tickets.push_back(ticket);
        }
    }

    fn remove(&mut self, ticket: &Ticket) -> bool {
        let Some(waiting) = self.users.get_mut(&ticket.user) else { return false };
        let Some(place) = waiting.tickets.iter().position(|other| other.id == ticket.id) else {
            return false;
        };
        waiting.tickets.remove(place);
        if waiting.tickets.is_empty() {
            let clock = waiting.clock;
            self.order.remove(&(clock, ticket.user));
            self.users.remove(&ticket.user);
            // A clock that the others have passed tells nothing any more.
            self.idle.retain(|_, clock| *clock > self.now);
            self.idle.insert(ticket.user, clock);
        }
        true
    }

    fn charge(&mut self, user: usize, cost: u64) {
        let Some(waiting) = self.users.get_mut(&user) else {
            let clock = self.idle.entry(user).or_default();
            self.now = self.now.max(*clock);
            *clock += cost;
            return;
        };
        self.now = self.now.max(waiting.clock);
        self.order.remove(&(waiting.clock, user));
        waiting.clock += cost;
        self.order.insert((waiting.clock, user));
    }
}
