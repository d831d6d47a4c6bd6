//! What was spent by whom, on what.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use gateway_client::Usage;
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::clock::Moment;
use crate::config::Task;

/// Budgets are for this many days back from now.
const BUDGET_DAYS: u64 = 30;

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
    /// For each user with a budget: days since the start, and dollars.
    days: HashMap<usize, VecDeque<(u64, f64)>>,
}

impl Spend {
    pub(super) fn add(&mut self, purse: Purse, usage: &Usage, dollars: f64, now: Moment) {
        let sum = self.purses.entry(purse).or_default();
        sum.requests = sum.requests.saturating_add(1);
        sum.input = sum.input.saturating_add(usage.input_tokens);
        sum.output = sum.output.saturating_add(usage.output_tokens);
        sum.dollars += dollars;
        self.add_to_day(purse.0, dollars, now);
    }

    /// Dollars of a user in the days that budgets are for.
    pub(super) fn lately(&self, user: usize, now: Moment) -> f64 {
        let first = day(now).saturating_sub(BUDGET_DAYS - 1);
        let days = self.days.get(&user).into_iter().flatten();
        days.filter(|(day, _)| *day >= first).map(|(_, dollars)| dollars).sum()
    }

    pub(super) fn rows(&self, users: &Names, projects: &Names) -> Vec<Spent> {
        let row = |((user, project, task), sum): (&Purse, &Sum)| Spent {
            user: users.name(*user).to_owned(),
            project: projects.name(*project).to_owned(),
            task: *task,
            requests: sum.requests,
            input_tokens: sum.input,
            output_tokens: sum.output,
            dollars: sum.dollars,
        };
        let mut rows: Vec<Spent> = self.purses.iter().map(row).collect();
        rows.sort_by(|one, other| {
            (&one.user, &one.project, one.task).cmp(&(&other.user, &other.project, other.task))
        });
        rows
    }

    /// Adds what an earlier process kept; it counts as spent today.
    pub(super) fn restore(&mut self, purse: Purse, row: &Spent, now: Moment) {
        let sum = self.purses.entry(purse).or_default();
        sum.requests = sum.requests.saturating_add(row.requests);
        sum.input = sum.input.saturating_add(row.input_tokens);
        sum.output = sum.output.saturating_add(row.output_tokens);
        // A damaged file must not turn a budget negative.
        let dollars = if row.dollars.is_finite() { row.dollars.max(0.0) } else { 0.0 };
        sum.dollars += dollars;
        self.add_to_day(purse.0, dollars, now);
    }

    fn add_to_day(&mut self, user: usize, dollars: f64, now: Moment) {
        let today = day(now);
        let days = self.days.entry(user).or_default();
        match days.back_mut() {
            Some((day, sum)) if *day == today => *sum += dollars,
            _ => days.push_back((today, dollars)),
        }
        while days.front().is_some_and(|(day, _)| day + BUDGET_DAYS <= today) {
            days.pop_front();
        }
    }
}

fn day(now: Moment) -> u64 {
    now.since(Moment::default()).as_secs() / DAY.as_secs()
}
