//! The budget, filled: which pieces of evidence are sent.
//!
//! Pieces come in order of their worth: findings, the registers by rank, each with its best
//! fields and what code does with it, lines of the logs; then what is left is spent on more fields.
//! Each piece is counted by itself, which estimates the whole to within a few tokens; the whole
//! is counted at the end, and pieces are dropped from the back until it fits.

use std::collections::HashMap;

use bundle::{Bundle, Facts, ReadOutcome, RegisterFact, RegisterRead};

use super::code::Code;
use super::fields::{field_order, most_fields};
use super::question::Question;
use super::rank::{Ranked, Ranking};
use super::{Context, LeftOut, logs, render};
use crate::catalog::Catalog;
use crate::naming;
use crate::tokens::{self, TokenBudget};

/// A register's line while it is being filled.
struct Line<'r> {
    ranked: &'r Ranked,
    head: String,
    purpose: String,
    /// Positions of its fields, the most worthwhile first.
    order: Vec<usize>,
    /// How many of `order` are listed.
    shown: usize,
    writes: Vec<String>,
    notes: Vec<String>,
}

/// The selection while it grows.
struct Selection<'a> {
    catalog: &'a Catalog<'a>,
    held: HashMap<&'a str, &'a RegisterFact>,
    /// Why registers at these addresses have no value, where one was asked for.
    blind: HashMap<u64, &'static str>,
    board: Option<String>,
    findings: Vec<String>,
    lines: Vec<Line<'a>>,
    /// Functions and variables.
    names: Vec<String>,
    logs: Vec<String>,
    /// Estimated tokens of all of it.
    spent: usize,
    left_out: LeftOut,
}

/// Lines of logs at most, and the share of the budget that they may take.
const MOST_LOG_LINES: usize = 12;
const LOG_SHARE: usize = 10;

/// The share of the budget that functions and variables may take.
const NAME_SHARE: usize = 10;

/// Registers whose purpose is told, since the model may not know them.
const TOLD: usize = 5;

/// Writes and reads listed beneath one register.
const MOST_WRITES: usize = 4;

/// Enumerated values listed for a finding.
const MOST_ENUMS: usize = 5;

/// Fills `budget` from `ranking`.
pub(super) fn fill(
    catalog: &Catalog<'_>,
    ranking: &Ranking,
    code: &Code,
    bundle: Option<&Bundle>,
    facts: &Facts,
    budget: TokenBudget,
) -> Context {
    let budget = budget.tokens();
    let held = facts.registers.iter().map(|fact| (fact.path.as_str(), fact)).collect();
    let mut selection = Selection {
        catalog,
        held,
        blind: bundle.map(blind).unwrap_or_default(),
        board: None,
        findings: Vec::new(),
        lines: Vec::new(),
        names: Vec::new(),
        logs: Vec::new(),
        spent: 0,
        left_out: LeftOut::default(),
    };
    selection.take_findings(facts, budget);
    selection.take_board(bundle, budget);
    let for_logs = selection.log_lines(bundle, budget);
    selection.take_names(&ranking.names, budget);
    let for_registers = budget.saturating_sub(for_logs);
    selection.take_registers(ranking, code, facts, for_registers);
    selection.take_logs(bundle, &ranking.question, budget);
    selection.take_more_fields(budget);
    selection.finish(budget)
}

impl<'a> Selection<'a> {
    /// Spends on a piece if it fits.
    fn spend(&mut self, piece: &str, budget: usize) -> bool {
        let cost = tokens::count(piece);
        let fits = self.spent + cost <= budget;
        if fits {
            self.spent += cost;
        }
        fits
    }

    fn take_findings(&mut self, facts: &Facts, budget: usize) {
        for finding in &facts.findings {
            let line = render::finding(finding);
            if self.spend(&format!("{line}\n"), budget) {
                self.findings.push(line);
            } else {
                self.left_out.findings += 1;
            }
        }
    }

    /// Says whose values these are, if the budget bears it.
    fn take_board(&mut self, bundle: Option<&Bundle>, budget: usize) {
        const SHARE: usize = 5;
        let Some(bundle) = bundle else { return };
        let line = render::board(&bundle.snapshot.board);
        if tokens::count(&line) * SHARE <= budget && self.spend(&format!("{line}\n"), budget) {
            self.board = Some(line);
        }
    }

    /// Names functions and variables, as far as their share of the budget goes.
    fn take_names(&mut self, names: &[String], budget: usize) {
        let until = (self.spent + budget / NAME_SHARE).min(budget);
        for name in names {
            if !self.spend(&format!("{name}\n"), until) {
                break;
            }
            self.names.push(name.clone());
        }
        self.left_out.names = names.len() - self.names.len();
    }

    /// Tokens to keep for logs.
    fn log_lines(&self, bundle: Option<&Bundle>, budget: usize) -> usize {
        let any = bundle
            .is_some_and(|bundle| bundle.snapshot.logs.iter().any(|log| !log.records.is_empty()));
        if any { budget / LOG_SHARE } else { 0 }
    }

    fn take_registers(&mut self, ranking: &'a Ranking, code: &Code, facts: &Facts, budget: usize) {
        for (rank, ranked) in ranking.registers.iter().enumerate() {
            let register = &self.catalog.registers[ranked.register];
            let held = self.held.get(ranked.path.as_str()).copied();
            let blind = self.blind.get(&ranked.address).copied();
            let head = render::head(ranked, register, held, blind);
            if !self.spend(&format!("{head} +1\n"), budget) {
                self.left_out.registers = ranking.registers.len() - rank;
                break;
            }
            let order = field_order(ranked, register, held);
            let worthwhile = most_fields(rank, ranked, &order, budget);
            let mut line = Line {
                ranked,
                head,
                purpose: String::new(),
                order,
                shown: 0,
                writes: Vec::new(),
                notes: Vec::new(),
            };
            while line.shown < worthwhile && self.spend(&self.field_text(&line, line.shown), budget)
            {
                line.shown += 1;
            }
            self.take_writes(&mut line, code, budget);
            self.take_notes(&mut line, facts, budget);
            if rank < TOLD {
                let purpose = render::purpose(register);
                if self.spend(&purpose, budget) {
                    line.purpose = purpose;
                }
            }
            self.lines.push(line);
        }
    }

    fn take_writes(&mut self, line: &mut Line<'_>, code: &Code, budget: usize) {
        let register = &self.catalog.registers[line.ranked.register];
        let writes = code.lines(line.ranked.register, register.size_bits);
        for (nth, text) in writes.iter().enumerate() {
            if nth >= MOST_WRITES || !self.spend(&format!("{text}\n"), budget) {
                self.left_out.writes += writes.len() - nth;
                break;
            }
            line.writes.push(text.clone());
        }
    }

    /// What a field that a finding is about may hold.
    fn take_notes(&mut self, line: &mut Line<'_>, facts: &Facts, budget: usize) {
        let register = &self.catalog.registers[line.ranked.register];
        let here = |finding: &&bundle::Finding| finding.register == line.ranked.path;
        for finding in facts.findings.iter().filter(here) {
            let named = register.fields.iter().find(|f| Some(f.name) == finding.field.as_deref());
            let Some(field) = named.filter(|field| field.enums().next().is_some()) else {
                continue;
            };
            let note = render::enums(field, finding.meant, MOST_ENUMS);
            if self.spend(&format!("{note}\n"), budget) {
                line.notes.push(note);
            }
        }
    }

    /// Takes lines of each log by their worth, and shows them in their order.
    fn take_logs(&mut self, bundle: Option<&Bundle>, question: &Question, budget: usize) {
        let logs = bundle.map_or(&[][..], |bundle| &bundle.snapshot.logs);
        let all: usize = logs.iter().map(|log| log.records.len()).sum();
        let most = MOST_LOG_LINES / logs.len().max(1);
        for log in logs {
            let mut lines: Vec<(usize, String)> = Vec::new();
            for (place, record) in logs::by_worth(&log.records, question).into_iter().take(most) {
                let line = render::log(&log.channel, &record.text);
                if !self.spend(&format!("{line}\n"), budget) {
                    break;
                }
                lines.push((place, line));
            }
            lines.sort_unstable();
            self.logs.extend(lines.into_iter().map(|(_, line)| line));
        }
        self.left_out.log_lines = all - self.logs.len();
    }

    /// Spends what is left on fields, the best registers first, a few at a time.
    fn take_more_fields(&mut self, budget: usize) {
        const AT_A_TIME: usize = 4;
        loop {
            let before = self.spent;
            for at in 0..self.lines.len() {
                for _ in 0..AT_A_TIME {
                    let line = &self.lines[at];
                    if line.shown == line.order.len() {
                        break;
                    }
                    let text = self.field_text(line, line.shown);
                    if !self.spend(&text, budget) {
                        return;
                    }
                    self.lines[at].shown += 1;
                }
            }
            if self.spent == before {
                return;
            }
        }
    }

    fn field_text(&self, line: &Line<'_>, nth: usize) -> String {
        let register = &self.catalog.registers[line.ranked.register];
        let held = self.held.get(line.ranked.path.as_str()).copied();
        render::field(&register.fields[line.order[nth]], held)
    }

    /// Writes it all down, and drops pieces from the back until it fits.
    fn finish(mut self, budget: usize) -> Context {
        loop {
            let text = self.text();
            let tokens = tokens::count(&text);
            if tokens <= budget {
                return self.context(text, tokens, budget);
            }
            if !self.drop_last() {
                return self.context(String::new(), 0, budget);
            }
        }
    }

    /// Drops the piece that is worth least; false if there is none left.
    fn drop_last(&mut self) -> bool {
        if let Some(line) = self.lines.iter_mut().rev().find(|line| line.shown > 1) {
            line.shown -= 1;
        } else if self.logs.pop().is_some() {
            self.left_out.log_lines += 1;
        } else if self.names.pop().is_some() {
            self.left_out.names += 1;
        } else if self.lines.pop().is_some() {
            self.left_out.registers += 1;
        } else if self.board.take().is_some() {
        } else if self.findings.pop().is_some() {
            self.left_out.findings += 1;
        } else {
            return false;
        }
        true
    }

    /// Lines by peripheral, the one with the best register first, then by address.
    fn ordered(&self) -> Vec<&Line<'a>> {
        let peripheral = |line: &Line<'_>| self.catalog.registers[line.ranked.register].peripheral;
        let mut first: Vec<usize> = Vec::new();
        for line in &self.lines {
            if !first.contains(&peripheral(line)) {
                first.push(peripheral(line));
            }
        }
        let place = |line: &Line<'_>| first.iter().position(|&known| known == peripheral(line));
        let mut ordered: Vec<&Line<'a>> = self.lines.iter().collect();
        ordered.sort_by_key(|line| (place(line), line.ranked.address));
        ordered
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut add = |line: &str| {
            text += line;
            text.push('\n');
        };
        self.findings.iter().chain(&self.board).for_each(|first| add(first));
        for line in self.ordered() {
            let register = &self.catalog.registers[line.ranked.register];
            let mut whole = line.head.clone();
            for nth in self.listed(line) {
                let held = self.held.get(line.ranked.path.as_str()).copied();
                whole += &render::field(&register.fields[nth], held);
            }
            whole += &render::more(line.order.len() - line.shown);
            whole += &line.purpose;
            add(&whole);
            line.writes.iter().chain(&line.notes).for_each(|beneath| add(beneath));
        }
        self.names.iter().chain(&self.logs).for_each(|last| add(last));
        text
    }

    /// Positions of the fields that are listed, lowest bit first.
    fn listed(&self, line: &Line<'_>) -> Vec<usize> {
        let register = &self.catalog.registers[line.ranked.register];
        let mut listed = line.order[..line.shown].to_vec();
        listed.sort_by_key(|&at| (register.fields[at].lsb, at));
        listed
    }

    fn context(mut self, text: String, tokens: usize, budget: usize) -> Context {
        let mut registers = Vec::new();
        let mut fields = Vec::new();
        if text.is_empty() {
            self.lines.clear();
        }
        for line in self.ordered() {
            let register = &self.catalog.registers[line.ranked.register];
            registers.push(line.ranked.path.clone());
            for at in self.listed(line) {
                fields.push(format!("{}.{}", line.ranked.path, register.fields[at].name));
            }
        }
        let unlisted = |line: &Line<'_>| line.order.len() - line.shown;
        self.left_out.fields = self.lines.iter().map(unlisted).sum();
        let likely = self.lines.iter().map(|line| line.ranked.path.clone()).collect();
        Context { text, tokens, budget, registers, likely, fields, left_out: self.left_out }
    }
}

/// Why a register that was to be read has no value to show.
fn blind(bundle: &Bundle) -> HashMap<u64, &'static str> {
    let why = |read: &RegisterRead| match read.outcome {
        ReadOutcome::Value { .. } if naming::says_something(read) => None,
        ReadOutcome::Value { .. } => Some("not modelled by the emulator"),
        ReadOutcome::Skipped { .. } => Some("not read on purpose"),
        ReadOutcome::Failed { .. } => Some("could not be read"),
    };
    let reads = bundle.snapshot.registers.iter();
    reads.filter_map(|read| Some((read.address, why(read)?))).collect()
}
