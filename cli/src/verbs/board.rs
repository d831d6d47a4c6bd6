//! `silk flash`, `reset`, `halt`, `run`: the board's run control. Each verb is its own consent:
//! nothing here happens unless it was typed.

use std::io::Write;
use std::time::{Duration, Instant};

use bundle::{CoreRegister, CoreStatus};
use hil::{Board, Deadlines, FlashStage, HilError, Selector};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::args::{ObserveArgs, ResetArgs, RunArgs};
use crate::audit::{self, Action};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json::{self, hex};
use crate::session::Session;
use crate::ui::{QUIET, STRONG, printable};

/// How often waiting looks for new text and for Ctrl-C.
const POLL: Duration = Duration::from_millis(20);

/// Progress that ends sooner than this is not drawn.
const PROGRESS_AFTER: Duration = Duration::from_millis(250);

/// Opens the configured board.
pub(crate) fn open(session: &Session) -> Result<Board, Failure> {
    let config = &session.config;
    let selector = match &config.probe.value {
        Some(text) => text.parse::<Selector>().map_err(|error| {
            Failure::new(Exit::Usage, format!("`{text}` selects no probe"))
                .caused_by(&error)
                .hint("`silk bench list` shows what can be selected")
        })?,
        None => Selector::Only,
    };
    Board::open(&selector, config.chip.value.as_deref(), &Deadlines::default()).map_err(failure)
}

/// Opens the configured board with the firmware on it. A real board is left as it is. A virtual
/// one starts empty with every command, so it is flashed and runs for a while first.
pub(crate) fn open_running(session: &Session, observe: &ObserveArgs) -> Result<Board, Failure> {
    let mut board = open(session)?;
    if board.identity().virtual_board.is_some() {
        let run_for = seconds(observe.run_for)?;
        write_firmware(session, &mut board)?;
        board.reset().map_err(failure)?;
        std::thread::sleep(run_for);
    }
    Ok(board)
}

/// `silk flash`
pub(crate) fn flash(session: &mut Session) -> Outcome {
    // What cannot be found is said before the board is touched.
    session.elf()?;
    let mut board = open(session)?;
    let started = Instant::now();
    write_firmware(session, &mut board)?;
    audit::record(&session.config.folders, Action::Reset, board.identity(), None)?;
    board.reset().map_err(failure)?;
    let elf = session.elf()?.display().to_string();
    let took = started.elapsed();
    report(session, &mut board, "flash", |out, board| {
        writeln!(out, "{board}: {elf} written and verified in {} ms, running", took.as_millis())
    })?;
    if board.identity().virtual_board.is_some() {
        session.ui.note("a virtual board ends with its command; `silk run` flashes and watches it");
    }
    Ok(Exit::Ok)
}

/// `silk reset`
pub(crate) fn reset(session: &mut Session, args: &ResetArgs) -> Outcome {
    let mut board = open(session)?;
    if board.identity().virtual_board.is_some() {
        write_firmware(session, &mut board)?;
    }
    audit::record(&session.config.folders, Action::Reset, board.identity(), None)?;
    if args.halt {
        let pc = board.reset_and_halt().map_err(failure)?;
        report(session, &mut board, "reset", |out, board| {
            writeln!(out, "{board}: reset and halted at {}", hex(pc, 32))
        })?;
    } else {
        board.reset().map_err(failure)?;
        report(session, &mut board, "reset", |out, board| {
            writeln!(out, "{board}: reset, running")
        })?;
    }
    Ok(Exit::Ok)
}

/// `silk halt`
pub(crate) fn halt(session: &mut Session, args: &ObserveArgs) -> Outcome {
    let mut board = open_running(session, args)?;
    audit::record(&session.config.folders, Action::Halt, board.identity(), None)?;
    let pc = board.halt().map_err(failure)?;
    let registers = board.core_registers().map_err(failure)?;
    if session.ui.json {
        let status = status(&mut board)?;
        session.ui.json_line(&BoardJson {
            version: json::VERSION,
            verb: "halt",
            board: board.identity(),
            status,
            core_registers: registers,
        })?;
        return Ok(Exit::Ok);
    }
    let index = session.index()?;
    let place = index.firmwares().iter().find_map(|firmware| {
        let frame = firmware.frames_at(pc).into_iter().next()?;
        Some(format!("{} {}:{}", frame.function, frame.file?, frame.line?))
    });
    let selector = &board.identity().selector;
    let place = printable(&place.unwrap_or_default());
    writeln!(session.ui.out, "{STRONG}{selector}{STRONG:#}: halted at {}  {place}", hex(pc, 32))?;
    for register in &registers {
        let value = match register.value {
            Some(value) => hex(value, 32),
            None => "not available on this board".to_owned(),
        };
        writeln!(session.ui.out, "  {:10} {value}", register.name)?;
    }
    Ok(Exit::Ok)
}

/// `silk run`
pub(crate) fn run(session: &mut Session, args: &RunArgs) -> Outcome {
    let limit = args.seconds.map(seconds).transpose()?;
    let mut board = open(session)?;
    if board.identity().virtual_board.is_some() {
        write_firmware(session, &mut board)?;
        board.reset().map_err(failure)?;
    } else {
        audit::record(&session.config.folders, Action::Run, board.identity(), None)?;
        board.run().map_err(failure)?;
    }
    let Some(text) = board.serial() else {
        report(session, &mut board, "run", |out, board| writeln!(out, "{board}: running"))?;
        return Ok(Exit::Ok);
    };
    session.ui.note(format!("{} is at {}; Ctrl-C ends", text.name(), text.path().display()));
    let _deferred = Deferred::begin();
    let mut lines = hil::SerialLines::new(text);
    let started = Instant::now();
    loop {
        for record in lines.next_lines() {
            show_record(session, lines.channel(), &record)?;
        }
        if let Some(exit) = interrupt::pending() {
            return Ok(exit);
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(POLL);
    }
}

/// Writes the configured ELF, with progress, and logs it.
pub(crate) fn write_firmware(session: &Session, board: &mut Board) -> Result<(), Failure> {
    let is_virtual = board.identity().virtual_board.is_some();
    let elf = session.elf().map_err(|failure| match is_virtual {
        true => failure.detail("a virtual board starts empty, so it needs a firmware to run"),
        false => failure,
    })?;
    let name = elf.display().to_string();
    audit::record(&session.config.folders, Action::Flash, board.identity(), Some(&name))?;
    // A chip whose flash algorithm is cut off is left with half a firmware.
    let _deferred = Deferred::begin();
    let bar = progress_bar();
    let mut stage = None;
    let result = board.flash(elf, &mut |progress| {
        if stage != Some(progress.stage) {
            stage = Some(progress.stage);
            bar.set_message(stage_name(progress.stage));
        }
        bar.set_length(progress.total.unwrap_or(0));
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    result.map_err(failure)?;
    interrupt::check("the firmware was written and verified")
}

fn progress_bar() -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(4);
    let bar = ProgressBar::with_draw_target(Some(0), target);
    if let Ok(style) = ProgressStyle::with_template("{msg:10} {bar:30} {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(PROGRESS_AFTER);
    bar
}

fn stage_name(stage: FlashStage) -> &'static str {
    match stage {
        FlashStage::Fill => "reading",
        FlashStage::Erase => "erasing",
        FlashStage::Program => "writing",
        FlashStage::Verify => "verifying",
    }
}

/// Seconds of the command line.
pub(crate) fn seconds(value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Failure::new(Exit::Usage, format!("{value} is not a number of seconds")))
}

/// What a board verb says as JSON.
#[derive(Serialize)]
struct BoardJson<'a> {
    version: u32,
    verb: &'static str,
    board: &'a bundle::BoardId,
    status: CoreStatus,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    core_registers: Vec<CoreRegister>,
}

fn report(
    session: &mut Session,
    board: &mut Board,
    verb: &'static str,
    say: impl FnOnce(&mut dyn Write, &str) -> std::io::Result<()>,
) -> Result<(), Failure> {
    if session.ui.json {
        let status = status(board)?;
        return session.ui.json_line(&BoardJson {
            version: json::VERSION,
            verb,
            board: board.identity(),
            status,
            core_registers: Vec::new(),
        });
    }
    say(&mut session.ui.out, &board.identity().selector)?;
    Ok(())
}

fn status(board: &mut Board) -> Result<CoreStatus, Failure> {
    board.status().map_err(failure)
}

/// A line of board text, as it arrives.
fn show_record(
    session: &mut Session,
    channel: &str,
    record: &bundle::LogRecord,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Event<'a> {
        version: u32,
        event: &'static str,
        channel: &'a str,
        at_ms: u64,
        text: &'a str,
    }
    if session.ui.json {
        let (at_ms, text) = (record.at_ms, record.text.as_str());
        return session.ui.json_line(&Event { version: 1, event: "log", channel, at_ms, text });
    }
    let seconds = record.at_ms as f64 / 1000.0;
    let text = printable(&record.text);
    writeln!(session.ui.out, "{QUIET}{seconds:9.3} {channel} │{QUIET:#} {text}")?;
    Ok(())
}

/// A board error with its exit code and the next step.
pub(crate) fn failure(error: HilError) -> Failure {
    let (exit, hint) = match &error {
        HilError::NoProbe { .. } => {
            (Exit::NoBoard, "plug one in, or use a virtual board: --probe virtual:microbit")
        }
        HilError::SeveralProbes { .. } => (Exit::Usage, "choose one with --probe"),
        HilError::NoPermission { .. } => (
            Exit::NoBoard,
            "give your user access to that device node (udev rule), or choose another probe with --probe",
        ),
        HilError::ChipNeeded { .. } => (Exit::Usage, "name the chip with --chip, or in silk.toml"),
        HilError::ChipUnknown { .. } | HilError::ChipAmbiguous { .. } => {
            (Exit::Usage, "name the chip as probe-rs does, with --chip")
        }
        HilError::WrongChip { .. } => (Exit::Usage, "leave --chip out, or choose another board"),
        HilError::Locked { .. } => (
            Exit::Bench,
            "silk never unlocks a chip: unlocking erases it. Use the vendor's tool if that is meant",
        ),
        HilError::Firmware { .. } => (Exit::Usage, "--elf takes a linked image for this chip"),
        HilError::Flash { .. } | HilError::Verify { .. } => {
            (Exit::Bench, "flash again; if it stays, check supply and wiring")
        }
        HilError::BadRead { .. } => (Exit::Usage, "registers are 8, 16, 32 or 64 bits, aligned"),
        HilError::Bench(bench) => bench_advice(bench),
        _ => (Exit::Bench, "check cable and power, then `silk doctor`"),
    };
    Failure::to(exit, &error).hint(hint)
}

/// As [`failure`], for a bench that is not opened as a board.
pub(crate) fn bench_failure(error: vbench::BenchError) -> Failure {
    let (exit, hint) = bench_advice(&error);
    Failure::to(exit, &error).hint(hint)
}

fn bench_advice(error: &vbench::BenchError) -> (Exit, &'static str) {
    use vbench::BenchError as E;
    match error {
        E::QemuMissing { .. } => {
            (Exit::NoBoard, "install Debian's qemu-system-arm, or plug in a board")
        }
        E::QemuTooOld { .. } | E::MachineUnknown { .. } => {
            (Exit::NoBoard, "install a newer qemu-system-arm")
        }
        E::UnknownBoard { .. } => (Exit::Usage, "`silk bench list` shows the boards there are"),
        _ => (Exit::Bench, "`silk doctor` checks QEMU"),
    }
}
