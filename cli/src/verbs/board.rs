//! `silk reset`, `halt`, `run`: the board's run control. Each verb is its own consent: nothing here
//! happens unless it was typed.

mod locked;

use std::io::Write;
use std::time::{Duration, Instant};

use bundle::{CoreRegister, CoreStatus};
use hil::{Board, HilError};
use serde::Serialize;

use crate::args::{ObserveArgs, ResetArgs, RunArgs};
use crate::audit::{self, Action};
use crate::exit::{Exit, Failure, Outcome};
use crate::interrupt::{self, Deferred};
use crate::json::{self, hex};
use crate::session::Session;
use crate::ui::{QUIET, STRONG, printable};
use crate::verbs::bench::{self, Taken};
use crate::verbs::flash::write_firmware;

/// How often waiting looks for new text and for Ctrl-C.
const POLL: Duration = Duration::from_millis(20);

/// Opens the configured board with the firmware on it. A board that is there anyway is left as it
/// is. A virtual one of our own starts empty, so it is flashed and runs for a while first.
pub(crate) fn open_running(
    session: &Session,
    why: &str,
    observe: &ObserveArgs,
) -> Result<Taken, Failure> {
    let mut board = bench::open(session, why, &observe.lock)?;
    if board.is_own_bench() {
        let run_for = seconds(observe.run_for)?;
        write_firmware(session, &mut board, false)?;
        board.reset().map_err(failure)?;
        std::thread::sleep(run_for);
    }
    Ok(board)
}

/// `silk reset`
pub(crate) fn reset(session: &mut Session, args: &ResetArgs) -> Outcome {
    let mut board = bench::open(session, "silk reset", &args.lock)?;
    if board.is_own_bench() {
        write_firmware(session, &mut board, false)?;
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
    let mut board = open_running(session, "silk halt", args)?;
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
    let mut board = bench::open(session, "silk run", &args.lock)?;
    if board.is_own_bench() {
        write_firmware(session, &mut board, false)?;
        board.reset().map_err(failure)?;
    } else {
        audit::record(&session.config.folders, Action::Run, board.identity(), None)?;
        board.run().map_err(failure)?;
    }
    // A board that stays goes on without us; it is watched for as long as was said.
    let watched = board.is_own_bench() || limit.is_some();
    let Some(text) = board.serial().filter(|_| watched) else {
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

pub(crate) fn report(
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
        HilError::OtherPort { .. } => {
            (Exit::NoBoard, "correct the port behind `@`, or plug the probe in there")
        }
        HilError::Indistinct { .. } => (
            Exit::Usage,
            "probe-rs opens a probe by ids and serial number alone: give one another serial number with the vendor's tool, or unplug it",
        ),
        HilError::ChipNeeded { .. } => (Exit::Usage, "name the chip with --chip, or in silk.toml"),
        HilError::ChipUnknown { .. } | HilError::ChipAmbiguous { .. } => {
            (Exit::Usage, "name the chip as probe-rs does, with --chip")
        }
        HilError::WrongChip { .. } => (Exit::Usage, "leave --chip out, or choose another board"),
        HilError::Locked { .. } => return locked::failure(&error),
        HilError::NoTrace { .. } => (
            Exit::Usage,
            "leave --itm out: RTT, semihosting and a UART (--serial) are heard through any probe; for ITM take a Cortex-M3 or later behind an ST-Link, J-Link or CMSIS-DAP probe with SWO",
        ),
        HilError::TraceRate { .. } => {
            (Exit::Usage, "choose a --swo-baud that --trace-clock is a multiple of")
        }
        HilError::Firmware { .. } => (Exit::Usage, "--elf takes a linked image for this chip"),
        HilError::Unreachable { .. } => {
            (Exit::NoBoard, "is it served there? `silk bench serve BOARD --listen ADDRESS:PORT`")
        }
        HilError::Flash { .. } | HilError::Erase { .. } | HilError::Verify { .. } => {
            (Exit::Bench, "flash again; if it stays, check supply and wiring")
        }
        HilError::Console { .. } => (
            Exit::NoBoard,
            "is it plugged in, may your user open it (group dialout), and has no other program opened it?",
        ),
        HilError::BadWrite { .. } => {
            (Exit::Usage, "values are 8, 16 or 32 bits, and addresses aligned to that")
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
