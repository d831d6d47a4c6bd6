//! `silk demo`: the whole story in one command, with nothing plugged in.
//!
//! Everything shown is done for real with the example in `examples/uart-baud`, which is built
//! into the program: the index, the board in QEMU (or, without QEMU, the bundle recorded from
//! it), the evidence, the finding, and the answer of whatever model can be reached. A part that
//! is missing is said to be missing.

mod example;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assist::{Baseline, Prepared, Scope, read_plan, tokens};
use bundle::Bundle;
use hil::{Board, Deadlines, HilError, Selector};
use svd_index::Index;

use crate::args::DemoArgs;
use crate::config::{Source, Sourced};
use crate::exit::{Exit, Failure, Outcome};
use crate::render;
use crate::session::{Session, need_chip, need_firmware};
use crate::ui::{CARE, QUIET, STRONG, printable};
use crate::verbs::ask::{self, HOW_TO_GET_A_MODEL};
use crate::verbs::tools::Known;
use crate::verbs::{board, flash, model, snap};

/// The virtual board that the example runs on.
const BOARD: &str = "virtual:microbit";

/// Long enough for the boot message and some ticks of 250 ms.
const RUN_FOR: Duration = Duration::from_millis(900);

/// Tokens of evidence: enough for this question, and a screen that can be read.
const BUDGET: usize = 600;

const QUESTION: &str = "The serial terminal at 115200 baud shows garbage instead of text. What is wrong, and which line must change?";

/// Tells the story.
pub(crate) fn run(session: &mut Session, args: &DemoArgs) -> Outcome {
    use_example(session)?;
    writeln!(
        session.ui.out,
        "{STRONG}A micro:bit prints garbage on its serial port. Nothing is plugged in.{STRONG:#}"
    )?;
    let index = index(session)?;
    let bundle = match args.recorded {
        true => recorded(session, "as --recorded asks")?,
        false => board_or_recording(session, &index)?,
    };
    let known = Arc::new(Known::new(index, Some(bundle), &session.config));
    let question = args.question.as_deref().unwrap_or(QUESTION);
    let prepared = known.prepare(question, BUDGET)?;
    evidence(session, &known.index, question, &prepared)?;
    triage(session, &prepared)?;
    answer(session, &known, &prepared, args)
}

/// Unpacks the example and lets it stand where the user's own chip and firmware would.
fn use_example(session: &mut Session) -> Result<(), Failure> {
    let example = example::unpack(&session.config.folders.cache)?;
    let source = Source::Flag("demo");
    let config = &mut session.config;
    config.svds = Sourced { value: vec![example.svd], source: source.clone() };
    config.elfs = Sourced { value: vec![example.elf], source: source.clone() };
    config.chip = Sourced { value: None, source: source.clone() };
    config.probe = Sourced { value: Some(BOARD.to_owned()), source };
    Ok(())
}

fn step(session: &mut Session, number: usize, title: &str) -> Result<(), Failure> {
    writeln!(session.ui.out, "\n{STRONG}{number}  {title}{STRONG:#}")?;
    Ok(())
}

fn index(session: &mut Session) -> Result<Index, Failure> {
    step(session, 1, "The chip's register map and the firmware, indexed")?;
    let started = Instant::now();
    let index = session.index()?;
    session.follow_code(&index);
    let took = started.elapsed().as_micros() as f64 / 1000.0;
    let device = need_chip(&index, &session.config)?.device();
    let firmware = need_firmware(&index, &session.config)?;
    let (peripherals, registers, fields) = (device.peripherals, device.registers, device.fields);
    let out = &mut session.ui.out;
    writeln!(
        out,
        "   nrf51.svd   {peripherals} peripherals, {registers} registers, {fields} fields"
    )?;
    let functions = firmware.functions().count();
    let accesses = firmware.accesses().count();
    writeln!(
        out,
        "   faulty.elf  {functions} functions, {accesses} register accesses at known addresses"
    )?;
    writeln!(out, "   {QUIET}{took:.1} ms{QUIET:#}")?;
    Ok(index)
}

/// The board in QEMU, or the recording where QEMU cannot be had.
fn board_or_recording(session: &mut Session, index: &Index) -> Result<Bundle, Failure> {
    let selector: Selector = BOARD.parse().map_err(|error: hil::SelectorError| {
        Failure::new(Exit::Internal, "the demo's board is unknown").caused_by(&error)
    })?;
    match Board::open(&selector, None, &Deadlines::default()) {
        Ok(board) => live(session, index, board),
        Err(error) if is_missing(&error) => {
            recorded(session, &printable(&format!("because silk failed to {error}")))
        }
        Err(error) => Err(board::failure(error)),
    }
}

fn is_missing(error: &HilError) -> bool {
    use vbench::BenchError as E;
    let HilError::Bench(bench) = error else { return false };
    matches!(**bench, E::QemuMissing { .. } | E::QemuTooOld { .. } | E::MachineUnknown { .. })
}

fn live(session: &mut Session, index: &Index, mut board: Board) -> Result<Bundle, Failure> {
    step(session, 2, "The board: a micro:bit in QEMU, behind a real debug port")?;
    let started = Instant::now();
    flash::write_firmware(session, &mut board, false)?;
    let flashed = started.elapsed().as_millis();
    board.reset().map_err(board::failure)?;
    std::thread::sleep(RUN_FOR);
    let plan = read_plan(index, &Scope::Firmware).map_err(|error| {
        Failure::new(Exit::Internal, "the example cannot be read").caused_by(&error)
    })?;
    let bundle = snap::take(session, index, &mut board, &plan, true)?;
    let qemu = bundle.snapshot.board.virtual_board.as_ref().map_or("", |board| &board.qemu);
    let read = bundle.snapshot.registers.iter().filter(|read| read.value().is_some()).count();
    let out = &mut session.ui.out;
    writeln!(out, "   {BOARD}, QEMU {qemu}; firmware written and verified in {flashed} ms")?;
    writeln!(out, "   {read} registers read while it runs")?;
    logs(session, &bundle)?;
    Ok(bundle)
}

fn recorded(session: &mut Session, why: &str) -> Result<Bundle, Failure> {
    step(session, 2, "The board: a recording")?;
    let bundle = Bundle::parse(example::RECORDING).map_err(|error| {
        Failure::new(Exit::Internal, "the built-in recording cannot be read").caused_by(&error)
    })?;
    let out = &mut session.ui.out;
    writeln!(out, "   {CARE}recorded earlier from the virtual board{CARE:#}, {why}")?;
    logs(session, &bundle)?;
    Ok(bundle)
}

/// What the board printed, and why that proves less than it seems to.
fn logs(session: &mut Session, bundle: &Bundle) -> Result<(), Failure> {
    let out = &mut session.ui.out;
    for log in &bundle.snapshot.logs {
        let channel = printable(&log.channel);
        for record in log.records.iter().take(3) {
            writeln!(out, "   {QUIET}{channel} │{QUIET:#} {}", printable(&record.text))?;
        }
    }
    writeln!(
        out,
        "   {QUIET}Here the text arrives intact: QEMU models neither bit timing nor the read-back of\n   \
         UART0.ENABLE. A real part would send it at about 429 baud.{QUIET:#}"
    )?;
    Ok(())
}

fn evidence(
    session: &mut Session,
    index: &Index,
    question: &str,
    prepared: &Prepared,
) -> Result<(), Failure> {
    step(session, 3, "The evidence for a question")?;
    let svd = String::from_utf8_lossy(example::SVD);
    let symbols = symbol_listing(index);
    let baseline = Baseline::of([
        ("the whole SVD", &*svd),
        ("sources", example::SOURCES),
        ("symbols", &symbols),
    ]);
    let out = &mut session.ui.out;
    writeln!(out, "   “{}”", printable(question))?;
    let context = &prepared.context;
    writeln!(
        out,
        "   {STRONG}{:>7} tokens{STRONG:#}  the evidence: {} registers",
        context.tokens,
        context.registers.len()
    )?;
    for source in &baseline.sources {
        writeln!(out, "   {:>7} tokens  {}", source.tokens, source.name)?;
    }
    for line in context.text.lines() {
        writeln!(out, "   {QUIET}│ {}{QUIET:#}", printable(line))?;
    }
    Ok(())
}

/// Symbols as `nm` would list them.
fn symbol_listing(index: &Index) -> String {
    let symbols = index.firmware().into_iter().flat_map(|firmware| firmware.symbols());
    symbols
        .map(|symbol| format!("{:08x} {:6} {}\n", symbol.address, symbol.size, symbol.name))
        .collect()
}

fn triage(session: &mut Session, prepared: &Prepared) -> Result<(), Failure> {
    step(session, 4, "What can be proved without a model")?;
    let mut text = Vec::new();
    for finding in &prepared.facts.findings {
        render::finding(&mut text, finding)?;
    }
    for line in String::from_utf8_lossy(&text).lines() {
        writeln!(session.ui.out, "   {line}")?;
    }
    Ok(())
}

fn answer(
    session: &mut Session,
    known: &Arc<Known>,
    prepared: &Prepared,
    args: &DemoArgs,
) -> Outcome {
    step(session, 5, "The answer of a model, each claim checked")?;
    let runtime = ask::runtime()?;
    let ready = runtime.block_on(async {
        let gathered = model::gather(session, &args.model, true).await?;
        let ask = model::ask_of(&prepared.prompt, &args.model);
        let routes = gathered.gateway.routes(&ask);
        Ok::<_, Failure>(routes.iter().any(|route| gathered.gateway.permits(route)))
    })?;
    if !ready {
        return no_model(session, prepared);
    }
    match runtime.block_on(ask::answer(session, known, prepared, &args.model))? {
        // A wrong claim of a model is part of the story, not a failure of the demo.
        Exit::Wrong => Ok(Exit::Ok),
        exit => Ok(exit),
    }
}

fn no_model(session: &mut Session, prepared: &Prepared) -> Outcome {
    let total = prepared.prompt.tokens();
    let system = tokens::count(&prepared.prompt.system);
    let out = &mut session.ui.out;
    writeln!(out, "   {CARE}No model can be reached, so there is no answer.{CARE:#}")?;
    writeln!(out, "   {total} tokens would be sent, {system} of them rules:")?;
    for line in prepared.prompt.system.lines() {
        writeln!(out, "   {QUIET}│ {line}{QUIET:#}")?;
    }
    writeln!(out, "   then the evidence of step 3 and the question.")?;
    session.ui.note(format!("to get a model: {HOW_TO_GET_A_MODEL}"));
    Ok(Exit::Ok)
}
