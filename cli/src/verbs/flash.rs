//! `silk flash` and `silk erase`. Each is its own consent: nothing here happens unless it was typed.

use std::io::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

use hil::{Board, FlashProgress, FlashStage, Flashed};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::bench;
use super::board::failure;
use super::snap::parse_range;
use crate::args::{EraseArgs, FlashArgs};
use crate::audit::{self, Action};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json;
use crate::session::Session;

/// Progress that ends sooner than this is not drawn.
const PROGRESS_AFTER: Duration = Duration::from_millis(250);

/// What `silk flash` and `silk erase` say as JSON.
#[derive(Serialize)]
struct FlashJson<'a> {
    version: u32,
    verb: &'static str,
    board: &'a bundle::BoardId,
    status: bundle::CoreStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    elf: Option<&'a str>,
    /// Bytes that the firmware puts into flash.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The flash held it already.
    #[serde(skip_serializing_if = "Option::is_none")]
    unchanged: Option<bool>,
    /// What was erased: a range, or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<&'a str>,
    took_ms: u64,
}

/// `silk flash`
pub(crate) fn run(session: &mut Session, args: &FlashArgs) -> Outcome {
    // What cannot be found is said before the board is touched.
    session.elf()?;
    let mut board = bench::open(session, "silk flash", &args.lock)?;
    let started = Instant::now();
    // The first Ctrl-C waits until the chip runs what was written.
    let deferred = Deferred::begin();
    let flashed = program(session, &mut board, args.force)?;
    audit::record(&session.config.folders, Action::Reset, board.identity(), None)?;
    match args.halt {
        true => board.reset_and_halt().map(|_| ()),
        false => board.reset(),
    }
    .map_err(failure)?;
    drop(deferred);
    interrupt::check("the firmware was written and verified")?;
    let took = started.elapsed();
    let elf = session.elf()?.display().to_string();
    if session.ui.json {
        let status = board.status().map_err(failure)?;
        session.ui.json_line(&FlashJson {
            version: json::VERSION,
            verb: "flash",
            board: board.identity(),
            status,
            elf: Some(&elf),
            bytes: Some(flashed.bytes),
            unchanged: Some(flashed.unchanged),
            erased: None,
            took_ms: milliseconds(took),
        })?;
        return Ok(Exit::Ok);
    }
    let done =
        if flashed.unchanged { "is there already, compared" } else { "written and verified" };
    let then = if args.halt { "reset and halted" } else { "running" };
    let (selector, bytes) = (&board.identity().selector, flashed.bytes);
    writeln!(
        session.ui.out,
        "{selector}: {elf} {done}, {bytes} bytes in {} ms, {then}",
        took.as_millis()
    )?;
    if board.is_own_bench() {
        session.ui.note("a virtual board ends with its command; `silk run` flashes and watches it");
    }
    Ok(Exit::Ok)
}

/// `silk erase`
pub(crate) fn erase(session: &mut Session, args: &EraseArgs) -> Outcome {
    let range = args.range.as_deref().map(parse_range).transpose()?;
    let mut board = bench::open(session, "silk erase", &args.lock)?;
    if let Some(range) = &range {
        refuse_other_memory(&board, range)?;
    }
    let what = match &range {
        Some(range) => format!("{:#010x}..{:#010x}", range.start, range.end),
        None => "all".to_owned(),
    };
    audit::record(&session.config.folders, Action::Erase, board.identity(), Some(&what))?;
    let started = Instant::now();
    let _deferred = Deferred::begin();
    let progress = Progress::new();
    let result = match range {
        Some(range) => board.erase(range, &mut |step| progress.show(step)),
        None => board.erase_all(&mut |step| progress.show(step)),
    };
    progress.end();
    result.map_err(failure)?;
    let took = started.elapsed();
    if session.ui.json {
        let status = board.status().map_err(failure)?;
        session.ui.json_line(&FlashJson {
            version: json::VERSION,
            verb: "erase",
            board: board.identity(),
            status,
            elf: None,
            bytes: None,
            unchanged: None,
            erased: Some(&what),
            took_ms: milliseconds(took),
        })?;
    } else {
        let selector = &board.identity().selector;
        writeln!(session.ui.out, "{selector}: {what} erased in {} ms, halted", took.as_millis())?;
    }
    interrupt::check("the flash was erased")?;
    Ok(Exit::Ok)
}

fn refuse_other_memory(board: &Board, range: &Range<u64>) -> Result<(), Failure> {
    let last = range.end.saturating_sub(1);
    if !range.is_empty() && board.is_flash(range.start) && board.is_flash(last) {
        return Ok(());
    }
    let what = format!("{:#010x}..{:#010x} is not in a flash of the chip", range.start, range.end);
    Err(Failure::new(Exit::Usage, what).hint("`silk erase --all` erases all of it"))
}

/// Writes the configured ELF unless the board holds it already, with progress, and logs it.
pub(crate) fn write_firmware(
    session: &Session,
    board: &mut Board,
    even_if_same: bool,
) -> Result<Flashed, Failure> {
    let flashed = program(session, board, even_if_same)?;
    interrupt::check("the firmware was written and verified")?;
    Ok(flashed)
}

/// [`write_firmware`], whatever signal came meanwhile.
fn program(session: &Session, board: &mut Board, even_if_same: bool) -> Result<Flashed, Failure> {
    let elf = session.elf().map_err(|failure| match board.is_own_bench() {
        true => failure.detail("a virtual board starts empty, so it needs a firmware to run"),
        false => failure,
    })?;
    let name = elf.display().to_string();
    audit::record(&session.config.folders, Action::Flash, board.identity(), Some(&name))?;
    // A chip whose flash algorithm is cut off is left with half a firmware.
    let _deferred = Deferred::begin();
    let progress = Progress::new();
    let result = match even_if_same {
        true => board.flash_again(elf, &mut |step| progress.show(step)),
        false => board.flash(elf, &mut |step| progress.show(step)),
    };
    progress.end();
    result.map_err(failure)
}

/// A bar on standard error.
struct Progress(ProgressBar);

impl Progress {
    fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(4);
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{msg:10} {bar:30} {bytes}/{total_bytes}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(PROGRESS_AFTER);
        Self(bar)
    }

    fn show(&self, step: FlashProgress) {
        let name = stage_name(step.stage);
        if self.0.message() != name {
            self.0.set_message(name);
        }
        self.0.set_length(step.total.unwrap_or(0));
        self.0.set_position(step.done);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn stage_name(stage: FlashStage) -> &'static str {
    match stage {
        FlashStage::Fill => "reading",
        FlashStage::Erase => "erasing",
        FlashStage::Program => "writing",
        FlashStage::Verify => "verifying",
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
