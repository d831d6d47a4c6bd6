//! Who waits, and who spent what, for Prometheus.

use std::collections::BTreeMap;

use gateway::config::Class;
use gateway::policy::Spent;

use super::{escaped, head, line};
use crate::app::App;

/// Users and projects that have rows of their own; clients make up the names of
/// projects, and each is a series that the monitor keeps for good.
const NAMED: usize = 100;

/// What those beyond are summed up as.
const OTHERS: &str = "(others)";

/// The classes' words, the most urgent first.
const CLASSES: [&str; Class::ALL.len()] = ["interactive", "agent", "batch"];

/// Writes the rows.
pub(super) fn render(text: &mut String, app: &App) {
    let (waiting, spent) = app.with_policy(|policy, _| (policy.waiting(), policy.spent()));
    head(text, "waiting_requests", "gauge", "Requests that wait, by class.");
    for (class, count) in CLASSES.into_iter().zip(waiting) {
        line(text, "waiting_requests", &format!("class=\"{class}\""), &count.to_string());
    }
    by(text, "user", &spent, |row| &row.user);
    by(text, "project", &spent, |row| &row.project);
}

/// Sums of `rows` by what `name` says of them.
fn by(text: &mut String, label: &str, rows: &[Spent], name: impl Fn(&Spent) -> &str) {
    let mut sums: BTreeMap<&str, Spent> = BTreeMap::new();
    for row in rows {
        sums.entry(name(row)).or_default().add(row);
    }
    let sums = bounded(sums);
    type Column = fn(&Spent) -> String;
    let columns: [(&str, &str, Column); 4] = [
        ("spent_usd", "Spend in US dollars", |sum| sum.dollars.to_string()),
        ("answers", "Answers", |sum| sum.requests.to_string()),
        ("input_tokens", "Tokens of prompts", |sum| sum.input_tokens.to_string()),
        ("output_tokens", "Tokens of answers", |sum| sum.output_tokens.to_string()),
    ];
    for (column, help, value) in columns {
        let metric = format!("{label}_{column}_total");
        head(text, &metric, "counter", &format!("{help}, by {label}."));
        for (name, sum) in &sums {
            line(text, &metric, &format!("{label}=\"{}\"", escaped(name)), &value(sum));
        }
    }
}

/// The first by what they spent, then by tokens; the rest as one.
fn bounded(sums: BTreeMap<&str, Spent>) -> Vec<(&str, Spent)> {
    let mut sums: Vec<(&str, Spent)> = sums.into_iter().collect();
    if sums.len() <= NAMED {
        return sums;
    }
    let tokens = |sum: &Spent| sum.input_tokens.saturating_add(sum.output_tokens);
    sums.sort_by(|(_, one), (_, other)| {
        other.dollars.total_cmp(&one.dollars).then(tokens(other).cmp(&tokens(one)))
    });
    let mut rest = Spent::default();
    for (_, sum) in sums.drain(NAMED..) {
        rest.add(&sum);
    }
    sums.push((OTHERS, rest));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_names_end_in_one_row_and_nothing_is_lost() {
        let names: Vec<String> = (0..500).map(|number| format!("p{number:03}")).collect();
        let one = |number: usize| Spent { dollars: number as f64, requests: 1, ..Spent::default() };
        let sums = names.iter().enumerate().map(|(place, name)| (name.as_str(), one(place)));
        let bounded = bounded(sums.collect());
        assert_eq!(bounded.len(), NAMED + 1);
        assert_eq!((bounded[0].0, bounded[NAMED].0), ("p499", OTHERS));
        assert_eq!(bounded[NAMED].1.requests, 400);
        let dollars: f64 = bounded.iter().map(|(_, sum)| sum.dollars).sum();
        assert_eq!(dollars, f64::from((0..500).sum::<u32>()));
    }
}
