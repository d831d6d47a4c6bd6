//! What was spent by whom, on what.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use gateway_client::Usage;
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::clock::Moment;
use crate::config::Task;

/// Budgets are for this many days back from now.
pub const BUDGET_DAYS: u64 = 30;

/// The same, as days are counted here.
const LAST_DAYS: i64 = BUDGET_DAYS as i64;

const DAY: Duration = Duration::from_secs(86_400);

/// What one user spent on one task of one project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// The user's name; empty: nobody in particular.
    pub user: String,
    /// The project; empty: not told.
    pub project: String,
    /// The task; `None`: not told.
    pub task: Option<Task>,
    /// Answers.
    pub requests: u64,
    /// Tokens of requests.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// US dollars, where prices are known.
    pub dollars: f64,
}

impl Spent {
    /// Adds what else was spent by the same user on the same.
    pub fn add(&mut self, more: &Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
        // A damaged file must not turn a budget negative.
        self.dollars += if more.dollars.is_finite() { more.dollars.max(0.0) } else { 0.0 };
    }
}

/// Whose it is: numbers of user and project, and the task.
pub(super) type Purse = (usize, usize, Option<Task>);

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    requests: u64,
    input: u64,
    output: u64,
    dollars: f64,
}

/// The spend ledger.
#[derive(Debug, Clone, Default)]
pub(super) struct Spend {
    purses: HashMap<Purse, Sum>,
    /// For each user: days since the start, and dollars.
    days: HashMap<usize, VecDeque<(i64, f64)>>,
    /// What came since it was last taken; `None`: nobody takes it.
    fresh: Option<HashMap<Purse, Sum>>,
}

impl Spend {
    pub(super) fn add(&mut self, purse: Purse, usage: &Usage, dollars: f64, now: Moment) {
        let (input, output) = (usage.input_tokens, usage.output_tokens);
        let one = Sum { requests: 1, input, output, dollars };
        self.purses.entry(purse).or_default().add(one);
        if let Some(fresh) = &mut self.fresh {
            fresh.entry(purse).or_default().add(one);
        }
        self.add_to_day(purse.0, dollars, day(now));
    }

    /// Dollars of a user in the days that budgets are for.
    pub(super) fn lately(&self, user: usize, now: Moment) -> f64 {
        let first = day(now) - (LAST_DAYS - 1);
        let days = self.days.get(&user).into_iter().flatten();
        days.filter(|(day, _)| *day >= first).map(|(_, dollars)| dollars).sum()
    }

    pub(super) fn rows(&self, users: &Names, projects: &Names) -> Vec<Spent> {
        rows(&self.purses, users, projects)
    }

    /// From now on what comes is kept to be taken.
    pub(super) fn keep_fresh(&mut self) {
        self.fresh.get_or_insert_default();
    }

    /// What came since the last call.
    pub(super) fn take_fresh(&mut self, users: &Names, projects: &Names) -> Vec<Spent> {
        let fresh = self.fresh.as_mut().map(std::mem::take);
        fresh.map_or_else(Vec::new, |fresh| rows(&fresh, users, projects))
    }

    pub(super) fn give_back(&mut self, purse: Purse, row: &Spent) {
        if let Some(fresh) = &mut self.fresh {
            fresh.entry(purse).or_default().add(Sum::of(row));
        }
    }

    /// Adds what an earlier process kept, spent so many days ago.
    pub(super) fn restore(&mut self, purse: Purse, row: &Spent, days_ago: u64, now: Moment) {
        let more = Sum::of(row);
        self.purses.entry(purse).or_default().add(more);
        let days_ago = i64::try_from(days_ago).unwrap_or(i64::MAX);
        self.add_to_day(purse.0, more.dollars, day(now).saturating_sub(days_ago));
    }

    fn add_to_day(&mut self, user: usize, dollars: f64, day: i64) {
        let days = self.days.entry(user).or_default();
        match days.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(place) => days[place].1 += dollars,
            Err(place) => days.insert(place, (day, dollars)),
        }
        let last = days.back().map_or(day, |(day, _)| *day);
        while days.front().is_some_and(|(day, _)| *day <= last.saturating_sub(LAST_DAYS)) {
            days.pop_front();
        }
    }
}

impl Sum {
    fn of(row: &Spent) -> Self {
        // A damaged file must not turn a budget negative.
        let dollars = if row.dollars.is_finite() { row.dollars.max(0.0) } else { 0.0 };
        let (requests, input, output) = (row.requests, row.input_tokens, row.output_tokens);
        Self { requests, input, output, dollars }
    }

    fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.input = self.input.saturating_add(more.input);
        self.output = self.output.saturating_add(more.output);
        self.dollars += more.dollars;
    }
}

fn rows(purses: &HashMap<Purse, Sum>, users: &Names, projects: &Names) -> Vec<Spent> {
    let row = |((user, project, task), sum): (&Purse, &Sum)| Spent {
        user: users.name(*user).to_owned(),
        project: projects.name(*project).to_owned(),
        task: *task,
        requests: sum.requests,
        input_tokens: sum.input,
        output_tokens: sum.output,
        dollars: sum.dollars,
    };
    let mut rows: Vec<Spent> = purses.iter().map(row).collect();
    rows.sort_by(|one, other| {
        (&one.user, &one.project, one.task).cmp(&(&other.user, &other.project, other.task))
    });
    rows
}

fn day(now: Moment) -> i64 {
    i64::try_from(now.since(Moment::default()).as_secs() / DAY.as_secs()).unwrap_or(i64::MAX)
}
