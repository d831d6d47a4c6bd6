//! The boards that may run tests: the one named, those of the bench, and virtual ones.

use hil::{ConsoleAddress, Selector};

use super::config::BenchFile;
use super::select::{Job, Plan};
use crate::exit::Failure;
use crate::session::Session;
use crate::verbs::bench::{self, parse};

/// A place where jobs are done.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) selector: Selector,
    pub(super) chip: Option<String>,
    /// Name under which it is locked; `None`: nobody else can have it.
    pub(super) lock: Option<String>,
    /// Serial line of its UART.
    pub(super) console: Option<ConsoleAddress>,
    /// Indexes of the firmwares that it can run.
    pub(super) serves: Vec<usize>,
}

impl Seat {
    /// Whether this is the board of that name, by whichever words it was asked for, or one more of a
    /// virtual one.
    fn is(&self, board: &str) -> bool {
        self.name == board
            || self.lock.as_deref() == Some(board)
            || self.name.split_once('#').is_some_and(|(name, _)| name == board)
    }

    /// Whether it may run a test.
    pub(super) fn fits(&self, job: &Job) -> bool {
        let board = job.settings.board.as_deref();
        self.serves.contains(&job.firmware) && board.is_none_or(|board| self.is(board))
    }
}

/// Says of each test whose board is not among the seats that it is not run.
pub(super) fn pin(plan: &mut Plan, seats: &[Seat]) {
    for job in &mut plan.jobs {
        let Some(board) = &job.settings.board else { continue };
        if !seats.iter().any(|seat| seat.fits(job)) {
            let why = format!(
                "an override of hil.toml gives it to the board {board}, which is not there for it"
            );
            job.no_board = Some(why);
        }
    }
}

/// The seats for a plan, and for each firmware that has none, why.
pub(super) fn seats(
    session: &Session,
    bench_file: &BenchFile,
    plan: &Plan,
    jobs: Option<usize>,
) -> Result<(Vec<Seat>, Vec<Option<String>>), Failure> {
    let mut seats: Vec<Seat> = Vec::new();
    if let Some(probe) = &session.config.probe.value {
        let selector = parse(probe)?;
        let is_virtual = matches!(selector, Selector::Virtual(_));
        let copies = if is_virtual { jobs.unwrap_or(1) } else { 1 };
        // A probe of the bench is the same board, by whichever name it is asked for.
        let (known, lock) = bench::named(bench_file, &selector);
        let console = known.and_then(|board| board.console.clone());
        for copy in 0..copies.max(1) {
            seats.push(Seat {
                name: numbered(probe, copy),
                selector: selector.clone(),
                chip: session.config.chip.value.clone(),
                lock: lock.clone(),
                console: console.clone(),
                serves: (0..plan.firmwares.len()).collect(),
            });
        }
        return Ok((seats, vec![None; plan.firmwares.len()]));
    }
    for board in bench_file.boards.iter().filter(|board| board.quarantine.is_none()) {
        seats.push(Seat {
            name: board.name.clone(),
            selector: parse(&board.probe)?,
            chip: Some(board.chip.clone()),
            lock: Some(board.name.clone()),
            console: board.console.clone(),
            serves: Vec::new(),
        });
    }
    if let Some(jobs) = jobs {
        seats.truncate(jobs);
    }
    let reasons = plan
        .firmwares
        .iter()
        .enumerate()
        .map(|(index, firmware)| {
            let target = &firmware.target;
            let boards = bench_file.boards.iter().filter(|board| board.quarantine.is_none());
            let mut found = false;
            for (board, seat) in boards.zip(&mut seats) {
                let chip = board.chip.to_ascii_lowercase();
                let fits = target.chip.as_ref().is_none_or(|wanted| {
                    chip.starts_with(&wanted.to_ascii_lowercase())
                        || wanted.to_ascii_lowercase().starts_with(&chip)
                });
                if fits && target.requires.iter().all(|tag| board.tags.contains(tag)) {
                    seat.serves.push(index);
                    found = true;
                }
            }
            (!found).then(|| why_none(bench_file, target))
        })
        .collect::<Vec<_>>();
    let (virtuals, reasons) = add_virtual(plan, reasons, jobs.unwrap_or(1).max(1));
    seats.extend(virtuals);
    seats.retain(|seat| !seat.serves.is_empty());
    Ok((seats, reasons))
}

/// Virtual boards for what no real one runs.
fn add_virtual(
    plan: &Plan,
    mut reasons: Vec<Option<String>>,
    copies: usize,
) -> (Vec<Seat>, Vec<Option<String>>) {
    let mut seats: Vec<Seat> = Vec::new();
    for (index, firmware) in plan.firmwares.iter().enumerate() {
        let (Some(_), Some(board)) = (&reasons[index], &firmware.target.virtual_board) else {
            continue;
        };
        reasons[index] = None;
        for copy in 0..copies {
            let name = numbered(&format!("virtual:{board}"), copy);
            match seats.iter_mut().find(|seat| seat.name == name) {
                Some(seat) => seat.serves.push(index),
                None => seats.push(Seat {
                    name,
                    selector: Selector::Virtual(board.clone()),
                    chip: None,
                    lock: None,
                    console: None,
                    serves: vec![index],
                }),
            }
        }
    }
    (seats, reasons)
}

fn numbered(name: &str, copy: usize) -> String {
    match copy {
        0 => name.to_owned(),
        copy => format!("{name}#{}", copy + 1),
    }
}

fn why_none(bench: &BenchFile, target: &super::config::Target) -> String {
    let quarantined = bench.boards.iter().find_map(|board| {
        let reason = board.quarantine.as_ref()?;
        Some(format!("; {} is in quarantine: {reason}", board.name))
    });
    let wanted = match (&target.chip, target.requires.as_slice()) {
        (Some(chip), []) => format!("a {chip}"),
        (Some(chip), tags) => format!("a {chip} with {}", tags.join(", ")),
        (None, []) => "it".to_owned(),
        (None, tags) => format!("it with {}", tags.join(", ")),
    };
    format!("no board on the bench for {wanted}{}", quarantined.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_has_the_name_of_its_lock_too() {
        let seat = |name: &str, lock: Option<&str>| Seat {
            name: name.to_owned(),
            selector: Selector::Only,
            chip: None,
            lock: lock.map(str::to_owned),
            console: None,
            serves: Vec::new(),
        };
        let by_probe = seat("1366:1015:000683459", Some("desk-1"));
        assert!(by_probe.is("desk-1") && by_probe.is("1366:1015:000683459"));
        assert!(!by_probe.is("desk-2") && !seat("desk-2", None).is("desk-1"));
        assert!(seat("virtual:microbit#2", None).is("virtual:microbit"));
    }
}
