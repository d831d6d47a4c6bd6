//! Carrying out a read plan: raw values, each with its outcome.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bundle::{
    BoardId, CoreRegister, CoreState, CoreStatus, Log, LogKind, MemoryRange, ReadOutcome, ReadPlan,
    ReadRequest, RegisterRead, Skip, Snapshot,
};
use probe_rs::{
    BreakpointCause, Core, CoreType, HaltReason, MemoryInterface, RegisterValue, Session,
};

use vbench::SerialText;

use crate::HilError;
use crate::access::{self, core};
use crate::crash::{self, Image};
use crate::lines::Splitter;

/// What is to be read of a board, and how long a core may take to halt for it.
pub(crate) struct Wanted<'w> {
    pub(crate) plan: &'w ReadPlan,
    /// The RAM that an autopsy with this image looks at, if the core is halted.
    pub(crate) image: Option<&'w Image>,
    pub(crate) halt_within: Duration,
}

/// Reads what is wanted, in its order. Logs and fidelity labels are the caller's to add. A core that
/// was running runs again afterwards, also if something could not be read.
pub(crate) fn take(
    session: Option<&mut Session>,
    id: &BoardId,
    wanted: &Wanted<'_>,
) -> Result<Snapshot, HilError> {
    let taken_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let failed = |what| move |source: probe_rs::Error| HilError::core(what, source);
    let session = session.ok_or(HilError::Lost)?;
    let ram = crash::ram(session.target());
    let mut core = core(Some(session))?;
    let before = core.status().map_err(failed("ask the core for its status"))?;
    let stop_it = wanted.plan.halt_for_core && !before.is_halted();
    if stop_it {
        core.halt(wanted.halt_within).map_err(failed("halt the core"))?;
    }
    let mut snapshot = Snapshot {
        board: id.clone(),
        taken_at_unix_ms: u64::try_from(taken_at.as_millis()).unwrap_or(u64::MAX),
        cores: Vec::new(),
        registers: Vec::new(),
        memory: Vec::new(),
        logs: Vec::new(),
    };
    let is_halted = before.is_halted() || stop_it;
    let read = core_and_memory(&mut core, wanted, ram, is_halted, status(before), &mut snapshot);
    if stop_it {
        core.run().map_err(failed("let the core run on"))?;
    }
    read?;
    let requests = wanted.plan.registers.iter();
    snapshot.registers = requests.map(|request| read_register(&mut core, *request)).collect();
    snapshot.registers.extend(wanted.plan.skipped.iter().map(skipped));
    Ok(snapshot)
}

/// Reads the core's registers, if it is halted, and memory: what a halted core has there is of one
/// moment.
fn core_and_memory(
    core: &mut Core<'_>,
    wanted: &Wanted<'_>,
    ram: Vec<Range<u64>>,
    is_halted: bool,
    status: CoreStatus,
    snapshot: &mut Snapshot,
) -> Result<(), HilError> {
    let registers = if is_halted { core_registers(core)? } else { Vec::new() };
    snapshot.cores.push(CoreState { index: core.id(), status, registers, thread: None });
    for range in &wanted.plan.memory {
        let size = range.end.checked_sub(range.start).and_then(|size| usize::try_from(size).ok());
        let mut bytes = vec![0; size.unwrap_or(0)];
        if size.is_some() && core.read(range.start, &mut bytes).is_ok() {
            snapshot.memory.push(MemoryRange { address: range.start, bytes });
        }
    }
    if let (true, Some(image)) = (is_halted, wanted.image) {
        crash::read_missing(core, ram, snapshot, image);
    }
    Ok(())
}

/// The registers of a halted core. One that the board cannot tell is listed without a value.
pub(crate) fn core_registers(core: &mut Core<'_>) -> Result<Vec<CoreRegister>, HilError> {
    let halted =
        core.core_halted().map_err(|source| HilError::core("read core registers", source))?;
    if !halted {
        return Err(HilError::NotHalted);
    }
    let has_masks = !matches!(core.core_type(), CoreType::Armv6m);
    let has_floats = core.fpu_support().unwrap_or(false);
    let all = core.registers();
    let floats = all.fpu_status_registers().into_iter().flatten();
    let floats = floats.chain(all.fpu_registers().into_iter().flatten()).filter(|_| has_floats);
    let known: Vec<_> = all.core_registers().chain(floats).copied().collect();
    let mut registers = Vec::with_capacity(known.len() + 3);
    for register in known {
        let value = core.read_core_reg::<RegisterValue>(register.id).ok().and_then(bits);
        match register.name() {
            "EXTRA" => registers.extend(unpack_extra(value, has_masks)),
            name => registers.push(CoreRegister { name: manual_name(name).to_owned(), value }),
        }
    }
    Ok(registers)
}

/// Four special registers that share one transfer; ARMv6-M has two of them. Source: ARMv7-M ARM,
/// DDI 0403E, C1.6.3 (DCRSR), REGSEL 0b0010100; ARMv6-M ARM, DDI 0419E, C1.6.4.
fn unpack_extra(value: Option<u64>, has_masks: bool) -> impl Iterator<Item = CoreRegister> {
    [("CONTROL", 24), ("FAULTMASK", 16), ("BASEPRI", 8), ("PRIMASK", 0)]
        .into_iter()
        .filter(move |(name, _)| has_masks || !matches!(*name, "FAULTMASK" | "BASEPRI"))
        .map(move |(name, lsb)| CoreRegister {
            name: name.to_owned(),
            value: value.map(|value| (value >> lsb) & 0xff),
        })
}

/// The manual's name where probe-rs numbers or shouts. Source: DDI 0419E, B1.4.1.
pub(crate) fn manual_name(name: &str) -> &str {
    match name {
        "R13" => "SP",
        "R14" => "LR",
        "R15" => "PC",
        "XPSR" => "xPSR",
        other => other,
    }
}

pub(crate) fn bits(value: RegisterValue) -> Option<u64> {
    match value {
        RegisterValue::U32(value) => Some(value.into()),
        RegisterValue::U64(value) => Some(value),
        RegisterValue::U128(value) => value.try_into().ok(),
    }
}

fn read_register(core: &mut Core<'_>, request: ReadRequest) -> RegisterRead {
    let ReadRequest { address, size_bits } = request;
    let outcome = match access::read(core, address, size_bits, 1).as_deref() {
        Ok([value, ..]) => ReadOutcome::Value { value: *value },
        Ok([]) => ReadOutcome::Failed { why: "the probe gave nothing back".to_owned() },
        Err(error) => ReadOutcome::Failed { why: why(error) },
    };
    RegisterRead { address, size_bits, outcome, fidelity: None }
}

fn skipped(skip: &Skip) -> RegisterRead {
    let Skip { request, why } = skip;
    RegisterRead {
        address: request.address,
        size_bits: request.size_bits,
        outcome: ReadOutcome::Skipped { why: why.clone() },
        fidelity: None,
    }
}

/// The innermost cause. What was read stands beside it, and the layers between say no more than
/// that it was an access of the debug probe.
fn why(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string().trim_end_matches('.').to_owned()
}

pub(crate) fn status(status: probe_rs::CoreStatus) -> CoreStatus {
    match status {
        probe_rs::CoreStatus::Running => CoreStatus::Running,
        probe_rs::CoreStatus::Sleeping => CoreStatus::Sleeping,
        probe_rs::CoreStatus::LockedUp => CoreStatus::LockedUp,
        probe_rs::CoreStatus::Unknown => CoreStatus::Unknown,
        probe_rs::CoreStatus::Halted(reason) => {
            CoreStatus::Halted { reason: halt_reason(reason).to_owned() }
        }
    }
}

pub(crate) fn halt_reason(reason: HaltReason) -> &'static str {
    match reason {
        HaltReason::Multiple => "several causes",
        HaltReason::Breakpoint(BreakpointCause::Semihosting(_)) => "semihosting",
        HaltReason::Breakpoint(_) => "breakpoint",
        HaltReason::Exception => "vector catch",
        HaltReason::Watchpoint => "watchpoint",
        HaltReason::Step => "step",
        HaltReason::Request => "request",
        HaltReason::External => "external request",
        HaltReason::Unknown => "unknown",
    }
}

/// Text so far, raw and cut into lines. A line's time is that of its first byte.
pub(crate) fn log(serial: &SerialText) -> Log {
    let mut splitter = Splitter::default();
    let mut raw = Vec::new();
    let mut records = Vec::new();
    for chunk in serial.chunks() {
        raw.extend_from_slice(&chunk.bytes);
        records.extend(splitter.push(&chunk));
    }
    records.extend(splitter.rest());
    let channel = serial.name().to_ascii_lowercase();
    Log { channel, kind: LogKind::Serial, raw, records, capture: None }
}
