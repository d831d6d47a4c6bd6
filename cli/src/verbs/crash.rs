//! Names on the fault and the call chains of a crash, and how they are shown.

use std::io::Write;

use bundle::{Backtrace, CallFrame, CallKind, Crash, Fault, Local, LocalValue, Tasks};
use hil::{Autopsy, FunctionLocals};
use svd_index::Index;
use svd_index::elf::SymbolKind;

use crate::ui::{BAD, CARE, QUIET, STRONG, printable};

/// Variables of one frame that are shown as text, and characters of each.
const SHOWN_LOCALS: usize = 16;
const SHOWN_VALUE: usize = 160;

/// Puts functions, files and lines on what was found, and tells what the fault's address is.
pub(crate) fn name(index: &Index, found: Autopsy) -> Crash {
    let chains = found.backtraces.into_iter().zip(found.locals);
    let backtraces = chains.map(|(chain, locals)| named(index, chain, locals)).collect();
    let mut tasks = found.tasks;
    let of_tasks = tasks.iter_mut().flat_map(|tasks| &mut tasks.tasks).zip(found.task_locals);
    for (task, locals) in of_tasks {
        task.backtrace = task.backtrace.take().map(|chain| named(index, chain, locals));
    }
    Crash { what: None, verdict: None, fault: found.fault, backtraces, tasks }
}

fn named(index: &Index, chain: Backtrace, locals: Vec<Vec<FunctionLocals>>) -> Backtrace {
    let frames = chain.frames.iter().zip(locals);
    let frames = frames.flat_map(|(frame, locals)| expand(index, frame, locals)).collect();
    Backtrace { frames, ..chain }
}

/// The frame itself, behind a frame for each function that was inlined there.
fn expand(index: &Index, frame: &CallFrame, locals: Vec<FunctionLocals>) -> Vec<CallFrame> {
    let known = index.firmwares().iter().map(|firmware| firmware.frames_at(frame.lookup_pc()));
    let places = known.into_iter().find(|places| !places.is_empty()).unwrap_or_default();
    let mut frames: Vec<CallFrame> = places
        .iter()
        .map(|place| CallFrame {
            function: Some(place.function.to_owned()),
            file: place.file.map(str::to_owned),
            line: place.line,
            inlined: place.inlined,
            ..frame.clone()
        })
        .collect();
    if frames.is_empty() {
        frames.push(frame.clone());
    }
    give(index, &mut frames, locals);
    frames
}

/// Gives each frame the variables of its function. Both lists are of the same functions, unless the
/// one of them or the other knows less: then only who is surely meant gets any.
fn give(index: &Index, frames: &mut [CallFrame], locals: Vec<FunctionLocals>) {
    let is_whole = frames.len() == locals.len();
    let mut free = frames.iter_mut();
    for of in locals {
        let is_it = |frame: &CallFrame| match (&frame.function, &of.function) {
            // Without its type arguments, which have several spellings.
            (Some(full), Some(name)) => {
                name.split('<').next().is_some_and(|name| full.split("::").any(|part| part == name))
            }
            _ => false,
        };
        let Some(frame) = free.find(|frame| is_whole || is_it(frame)) else { return };
        frame.locals = of.locals;
        for local in &mut frame.locals {
            local.value.visit(&mut |value| point(index, value));
        }
    }
}

/// Names what a pointer points at.
fn point(index: &Index, value: &mut LocalValue) {
    let LocalValue::Pointer { address, symbol, .. } = value else { return };
    let found = index.firmwares().iter().find_map(|firmware| firmware.symbol_at(*address));
    *symbol = found.filter(|(found, _)| found.in_memory).map(|(found, offset)| {
        // Bit 0 of a function's address says that it is Thumb code.
        let is_code = found.kind == SymbolKind::Function;
        match if is_code { offset & !1 } else { offset } {
            0 => found.name.to_owned(),
            offset => format!("{}+{offset:#x}", found.name),
        }
    });
}

/// The first frame of the firmware's own code: not the core library's, nor a dependency's, nor
/// the handler's that looped on a fault.
pub(crate) fn culprit(crash: &Crash) -> Option<&CallFrame> {
    let frames = &crash.backtraces.first()?.frames;
    let own = |frame: &&CallFrame| {
        frame.line.is_some()
            && frame.file.as_deref().is_some_and(|file| !is_foreign(file))
            && !frame.function.as_deref().is_some_and(is_panic_machinery)
    };
    let from = frames.iter().position(|frame| frame.kind == CallKind::Interrupted).unwrap_or(0);
    frames[from..].iter().find(own)
}

/// Whether the firmware panicked, by its call chain.
pub(crate) fn panicked(crash: &Crash) -> bool {
    let frames = crash.backtraces.iter().flat_map(|chain| &chain.frames);
    frames.filter_map(|frame| frame.function.as_deref()).any(is_panic_machinery)
}

fn is_panic_machinery(function: &str) -> bool {
    function.starts_with("core::panicking::") || function.ends_with("rust_begin_unwind")
}

fn is_foreign(file: &str) -> bool {
    ["/rust/", "/rustc/", "/.cargo/", "/cargo/"].iter().any(|folder| file.contains(folder))
}

/// Shows a crash as text.
pub(crate) fn show(out: &mut impl Write, crash: &Crash) -> std::io::Result<()> {
    if let Some(what) = &crash.what {
        let verdict = crash.verdict.as_deref().unwrap_or("");
        writeln!(out, "{STRONG}{}{STRONG:#}: {}", printable(what), printable(verdict))?;
    }
    if let Some(fault) = &crash.fault {
        show_fault(out, fault)?;
    }
    for chain in &crash.backtraces {
        let of = match (&chain.thread, chain.core) {
            (Some(thread), _) => format!(" of {}", thread.label()),
            (None, 0) => String::new(),
            (None, core) => format!(" of core {core}"),
        };
        writeln!(out, "{STRONG}call chain{}{STRONG:#}", printable(&of))?;
        show_chain(out, chain)?;
    }
    crash.tasks.as_ref().map_or(Ok(()), |tasks| show_tasks(out, tasks))
}

fn show_chain(out: &mut impl Write, chain: &Backtrace) -> std::io::Result<()> {
    let mut before = None;
    for (depth, frame) in chain.frames.iter().enumerate() {
        // Functions that were inlined there share the address.
        if frame.kind == CallKind::Interrupted && before != Some(frame.pc) {
            writeln!(out, "  {CARE}interrupted:{CARE:#}")?;
        }
        before = Some(frame.pc);
        show_frame(out, depth, frame)?;
    }
    writeln!(out, "  {QUIET}{}{QUIET:#}", printable(&chain.end))
}

fn show_tasks(out: &mut impl Write, tasks: &Tasks) -> std::io::Result<()> {
    let system = printable(&tasks.system);
    if let Some(warning) = &tasks.warning {
        writeln!(out, "{CARE}tasks of {system} not known whole{CARE:#}: {}", printable(warning))?;
    }
    for task in &tasks.tasks {
        let (label, state) = (task.thread.label(), task.state.label());
        write!(
            out,
            "{STRONG}{}{STRONG:#}: {state}, priority {}",
            printable(&label),
            task.priority
        )?;
        let stack = &task.stack;
        write!(out, "{QUIET}, stack from {:#010x}", stack.base)?;
        if let Some(end) = stack.end {
            write!(out, " to {end:#010x}")?;
        }
        if let Some(pointer) = stack.pointer {
            write!(out, ", left at {pointer:#010x}")?;
        }
        match stack.never_used {
            Some(0) => write!(out, "{QUIET:#}, {CARE}used to its end{CARE:#}")?,
            Some(bytes) => write!(out, ", {bytes} bytes of it never used{QUIET:#}")?,
            None => write!(out, "{QUIET:#}")?,
        }
        match stack.overflow() {
            0 => writeln!(out)?,
            bytes => writeln!(out, ", {BAD}overflowed by {bytes} bytes{BAD:#}")?,
        }
        if let Some(chain) = &task.backtrace {
            show_chain(out, chain)?;
        }
    }
    Ok(())
}

fn show_fault(out: &mut impl Write, fault: &Fault) -> std::io::Result<()> {
    writeln!(out, "{BAD}fault{BAD:#}: {}", printable(&fault.summary()))?;
    for cause in &fault.causes {
        writeln!(out, "  {}: {}", printable(&cause.bit), printable(&cause.meaning))?;
    }
    if let Some(at) = &fault.address {
        writeln!(
            out,
            "  {QUIET}address {:#010x} by: {}{QUIET:#}",
            at.address,
            printable(&at.proof)
        )?;
    }
    for doubt in &fault.doubts {
        writeln!(out, "  {CARE}not certain{CARE:#}: {}", printable(doubt))?;
    }
    Ok(())
}

fn show_frame(out: &mut impl Write, depth: usize, frame: &CallFrame) -> std::io::Result<()> {
    let function = frame.function.as_deref().unwrap_or("no function known");
    let inlined = if frame.inlined { " (inlined)" } else { "" };
    write!(out, "  {depth:>2} {:#010x} {}{inlined}", frame.pc, printable(function))?;
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        write!(out, "  {QUIET}{}:{line}{QUIET:#}", printable(file))?;
    }
    writeln!(out)?;
    show_locals(out, &frame.locals)
}

fn show_locals(out: &mut impl Write, locals: &[Local]) -> std::io::Result<()> {
    for local in locals.iter().take(SHOWN_LOCALS) {
        let ty = local.type_name.as_deref().unwrap_or("type not known");
        let (name, value) = (printable(&local.name), local.value.to_string());
        write!(out, "       {name}{QUIET}: {}{QUIET:#} = ", printable(ty))?;
        match value.char_indices().nth(SHOWN_VALUE) {
            Some((end, _)) => writeln!(out, "{} …", printable(&value[..end]))?,
            None => writeln!(out, "{}", printable(&value))?,
        }
    }
    match locals.len().saturating_sub(SHOWN_LOCALS) {
        0 => Ok(()),
        more => writeln!(out, "       {QUIET}… {more} more; --json has them{QUIET:#}"),
    }
}
