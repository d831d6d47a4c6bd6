//! `silk log`: what a board says on all its channels, as it says it or from a recording.

mod itm;

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use bundle::{
    Arrival, BoardId, Bundle, Elf, Facts, Kind, Log, LogRecord, Manifest, Run, Snapshot, SourceFile,
};
use hil::{
    Console, ConsoleAddress, ConsoleNote, ConsoleNotes, DefmtTable, ItmLoss, Listener, RunOptions,
    Said, SerialLines, SerialText, TestImage,
};
use serde::Serialize;

use crate::args::LogArgs;
use crate::audit::{self, Action};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json;
use crate::session::Session;
use crate::verbs::flash::write_firmware;
use crate::verbs::{bench, board, hil as runner, snap};

/// How long a virtual board is listened to without `--follow` and `--for`.
const LOOK: Duration = Duration::from_secs(2);

/// Without a limit a run is this long, which is as good as none.
const ENDLESS: Duration = Duration::from_secs(365 * 24 * 3600);

/// Pause between two looks at a serial line.
const POLL: Duration = Duration::from_millis(20);

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// Which lines are wanted.
struct Wanted {
    grep: Option<regex::Regex>,
    level: Option<usize>,
    module: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    event: &'static str,
    channel: &'a str,
    #[serde(flatten)]
    record: &'a LogRecord,
}

/// Shows logs.
pub(crate) fn run(session: &mut Session, args: &LogArgs) -> Outcome {
    let wanted = Wanted::new(args)?;
    match &args.replay {
        Some(path) => replay(session, path, &wanted),
        None => listen(session, args, &wanted),
    }
}

impl Wanted {
    fn new(args: &LogArgs) -> Result<Self, Failure> {
        let grep = args.grep.as_deref().map(regex::Regex::new).transpose().map_err(|error| {
            Failure::new(Exit::Usage, "--grep takes a regular expression").caused_by(&error)
        })?;
        let level = match &args.level {
            None => None,
            Some(level) => Some(rank(level).ok_or_else(|| {
                Failure::new(Exit::Usage, format!("`{level}` is no level"))
                    .detail(format!("there are: {}", LEVELS.join(", ")))
            })?),
        };
        Ok(Self { grep, level, module: args.module.clone() })
    }

    /// Lines without a level or a module are left out where one is asked for.
    fn has(&self, record: &LogRecord) -> bool {
        self.grep.as_ref().is_none_or(|grep| grep.is_match(&record.text))
            && self.level.is_none_or(|least| {
                record.level().and_then(rank).is_some_and(|level| level >= least)
            })
            && self.module.as_ref().is_none_or(|wanted| {
                record.module().is_some_and(|module| module.contains(wanted.as_str()))
            })
    }
}

fn rank(level: &str) -> Option<usize> {
    LEVELS.iter().position(|known| *known == level)
}

fn listen(session: &mut Session, args: &LogArgs, wanted: &Wanted) -> Outcome {
    let limit = match (args.seconds, args.follow) {
        (Some(value), _) => board::seconds(value)?,
        (None, true) => ENDLESS,
        (None, false) => LOOK,
    };
    let serial = args.serial.as_deref().map(parse_line).transpose()?;
    let itm = itm::options(args)?;
    if let (Some(address), None, None) = (&serial, &session.config.probe.value, &itm) {
        return line_alone(session, args, wanted, address, limit);
    }
    let elf = session.elf()?.to_owned();
    let image = TestImage::load(&elf).map_err(board::failure)?;
    image.warnings.iter().for_each(|warning| session.ui.warn(warning));
    let mut board = bench::open(session, "silk log", &args.lock)?;
    if let Some(address) = &serial {
        board.listen_to(bench::SERIAL, address).map_err(board::failure)?;
    }
    if itm.is_some() {
        board.check_itm().map_err(board::failure)?;
        audit::record(&session.config.folders, Action::Trace, board.identity(), None)?;
    }
    let is_own = board.is_own_bench();
    if is_own {
        write_firmware(session, &mut board, false)?;
    }
    let loss = itm.as_ref().map(|itm| itm.loss.clone());
    let options = RunOptions { limit, attach: !is_own, itm, ..RunOptions::default() };
    let line = board.console_notes().zip(board.serial());
    let _deferred = Deferred::begin();
    let shown = Shown::new(session, wanted, loss);
    let mut listener = shown.listener(image.defmt.as_ref(), line.as_ref());
    let end = board.run_until_end(&image, &options, &mut listener).map_err(board::failure)?;
    let malformed = listener.malformed();
    let heard = listener.finish();
    shown.end()?;
    if malformed > 0 {
        session.ui.warn(format!(
            "{malformed} defmt frames could not be decoded; is this the ELF that runs?"
        ));
    }
    if !matches!(end, hil::End::Deadline | hil::End::Stopped) {
        session.ui.note(format!("the firmware stopped: {end:?}"));
    }
    for log in &heard.0 {
        if let Some(capture) = log.capture {
            session.ui.note(format!(
                "{}: {} bytes; {}",
                log.channel,
                log.raw.len(),
                capture.says()
            ));
        }
    }
    if let Some(path) = &args.record {
        record(session, path, board.identity(), Some(&elf), heard)?;
    }
    Ok(interrupt::pending().unwrap_or(Exit::Ok))
}

fn parse_line(text: &str) -> Result<ConsoleAddress, Failure> {
    text.parse().map_err(|error: hil::ConsoleAddressError| {
        Failure::new(Exit::Usage, format!("`{text}` is no serial line")).caused_by(&error)
    })
}

/// Listens to a serial line, where there is no probe to listen through.
fn line_alone(
    session: &mut Session,
    args: &LogArgs,
    wanted: &Wanted,
    address: &ConsoleAddress,
    limit: Duration,
) -> Outcome {
    let console = Console::open(bench::SERIAL, address).map_err(board::failure)?;
    let line = (console.notes(), console.text());
    let mut lines = SerialLines::new(console.text());
    let _deferred = Deferred::begin();
    let shown = Shown::new(session, wanted, None);
    let mut listener = shown.listener(None, Some(&line));
    let started = Instant::now();
    while started.elapsed() < limit && listener.goes_on() {
        listener.hear(&mut lines);
        std::thread::sleep(POLL);
    }
    listener.hear(&mut lines);
    let heard = listener.finish();
    shown.end()?;
    if let Some(path) = &args.record {
        let (selector, chip) = (address.to_string(), String::new());
        let board = BoardId { selector, chip, virtual_board: None };
        record(session, path, &board, None, heard)?;
    }
    Ok(interrupt::pending().unwrap_or(Exit::Ok))
}

/// What is shown while two things show it: lines as they come, and what happens to the line itself.
struct Shown<'s> {
    session: RefCell<&'s mut Session>,
    wanted: &'s Wanted,
    failed: RefCell<Option<Failure>>,
    lossy: Option<RefCell<itm::Lossy>>,
}

impl<'s> Shown<'s> {
    fn new(session: &'s mut Session, wanted: &'s Wanted, loss: Option<ItmLoss>) -> Self {
        let lossy = loss.map(|loss| RefCell::new(itm::Lossy::of(loss)));
        Self { session: RefCell::new(session), wanted, failed: RefCell::new(None), lossy }
    }

    fn listener<'t>(
        &'t self,
        defmt: Option<&'t DefmtTable>,
        line: Option<&'t (ConsoleNotes, SerialText)>,
    ) -> Listener<'t> {
        let said = |said: &Said| {
            if self.wanted.has(&said.record) {
                self.keep(show(&mut self.session.borrow_mut(), said));
            }
            self.failed.borrow().is_none()
        };
        let poll = move || {
            for (note, text) in line
                .iter()
                .flat_map(|(notes, text)| notes.take().into_iter().map(move |note| (note, text)))
            {
                self.keep(tell(&mut self.session.borrow_mut(), text, &note));
            }
            if let Some(lossy) = &self.lossy {
                self.keep(lossy.borrow_mut().tell(&mut self.session.borrow_mut(), false));
            }
            interrupt::pending().is_none() && self.failed.borrow().is_none()
        };
        Listener::new(defmt, said).polled(poll)
    }

    fn keep(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.failed.borrow_mut().get_or_insert(failure);
        }
    }

    /// Gives the failure that ended it, if one did.
    fn end(self) -> Result<(), Failure> {
        if let Some(lossy) = &self.lossy {
            self.keep(lossy.borrow_mut().tell(&mut self.session.borrow_mut(), true));
        }
        self.failed.into_inner().map_or(Ok(()), Err)
    }
}

/// Says what happened to a serial line.
fn tell(session: &mut Session, text: &SerialText, note: &ConsoleNote) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Event<'a> {
        version: u32,
        event: &'static str,
        serial: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'a str>,
    }
    let serial = text.path().display().to_string();
    let (event, why) = match note {
        ConsoleNote::Lost { why } => ("serial-lost", Some(why.as_str())),
        ConsoleNote::Back => ("serial-back", None),
    };
    if session.ui.json {
        return session.ui.json_line(&Event { version: json::VERSION, event, serial, why });
    }
    match why {
        Some(why) => session.ui.warn(format!(
            "{serial} is gone ({why}); what the board sends meanwhile is lost; waiting for it"
        )),
        None => session.ui.note(format!("{serial} is there again")),
    }
    Ok(())
}

/// Keeps the raw bytes, and the firmware that explains them.
fn record(
    session: &Session,
    path: &Path,
    board: &BoardId,
    elf: Option<&Path>,
    (logs, arrivals): (Vec<Log>, Vec<Arrival>),
) -> Result<(), Failure> {
    let snapshot = Snapshot {
        board: board.clone(),
        taken_at_unix_ms: crate::audit::unix_ms(),
        cores: Vec::new(),
        registers: Vec::new(),
        memory: Vec::new(),
        logs,
    };
    let bytes = elf.map(std::fs::read).transpose()?;
    let mut manifest = Manifest::new(Kind::Snapshot);
    manifest.tools = snap::tools(&snapshot);
    manifest.notes = snap::notes(&snapshot);
    manifest.elf = elf.zip(bytes.as_ref()).map(|(elf, bytes)| SourceFile::of(elf, bytes));
    let (facts, run) = (Facts::default(), Some(Run { arrivals, test: None }));
    let bundle = Bundle { manifest, snapshot, facts, run, elf: bytes.map(|bytes| Elf { bytes }) };
    bundle.save(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("failed to save `{}`", path.display())).caused_by(&error)
    })?;
    session.ui.note(format!("recorded in {}", path.display()));
    Ok(())
}

/// Decodes the raw bytes of a bundle again, in the order and with the times in which they came.
fn replay(session: &mut Session, path: &Path, wanted: &Wanted) -> Outcome {
    let bundle = session.bundle(path)?;
    let table = match &bundle.elf {
        Some(elf) => DefmtTable::of_elf(&elf.bytes).unwrap_or_else(|error| {
            session.ui.warn(format!("defmt logs stay unread: failed to {error}"));
            None
        }),
        None => None,
    };
    let logs = &bundle.snapshot.logs;
    let run = bundle.run.unwrap_or_else(|| one_after_another(logs));
    let mut failed = None;
    let mut listener = Listener::new(table.as_ref(), |said: &Said| {
        if wanted.has(&said.record) {
            failed = show(session, said).err();
        }
        failed.is_none()
    });
    listener.replay(&run, logs);
    drop(listener);
    match failed {
        Some(failure) => Err(failure),
        None => Ok(Exit::Ok),
    }
}

/// Of a bundle that does not say when its logs came: each whole, at no time.
fn one_after_another(logs: &[Log]) -> Run {
    let whole = |(log, of): (usize, &Log)| Arrival { at_ms: 0, log, bytes: of.raw.len() };
    Run { arrivals: logs.iter().enumerate().map(whole).collect(), test: None }
}

fn show(session: &mut Session, said: &Said) -> Result<(), Failure> {
    let (channel, record) = (said.channel.as_str(), &said.record);
    if session.ui.json {
        let line = Line { version: json::VERSION, event: "log", channel, record };
        return session.ui.json_line(&line);
    }
    Ok(runner::line(&mut session.ui.out, channel, record)?)
}
