//! Letting a core run until something ends it, and serving what it asks for meanwhile.
//!
//! Semihosting: ARM-software/abi-aa, semihosting 2024Q3. Files of the host are not opened for the
//! firmware; only its console is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bundle::{Arrival, End, Log, LogKind, LogRecord, Run as Heard};
use probe_rs::semihosting::SemihostingCommand;
use probe_rs::{BreakpointCause, Core, CoreStatus, HaltReason, Session, VectorCatchCondition};

use super::rtt::RttReader;
use super::tests::{EmbeddedTest, TestImage};
use crate::access::core;
use crate::defmt::{DefmtStream, DefmtTable};
use crate::itm::{self, ItmOptions, ItmReader};
use crate::lines::{SerialLines, Splitter};
use crate::{Board, HilError};

/// Pause between two looks at a core that runs and says nothing: a real probe needs rest, and a
/// virtual board's answer is cheap.
const POLL: Duration = Duration::from_millis(2);

/// The name that firmware opens for its console. Source: semihosting, SYS_OPEN.
const CONSOLE: &str = ":tt";

/// How long and with what to run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The test to run; `None` for firmware that simply runs.
    pub test: Option<EmbeddedTest>,
    /// The run is over after this.
    pub limit: Duration,
    /// The first byte of any log has to come within this.
    pub first_log: Option<Duration>,
    /// Listen to a core as it is: no reset, no halt, neither before nor after.
    pub attach: bool,
    /// The run is over once this is set.
    pub stop: Option<Arc<AtomicBool>>,
    /// Listen to the ITM as well. That writes debug registers of the chip, at the begin and at the end.
    pub itm: Option<ItmOptions>,
}

/// Something the firmware said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Name of the source, such as `defmt`, `rtt:1`, `itm:0`, `semihosting` or `uart0`.
    pub channel: String,
    /// What it said.
    pub record: LogRecord,
}

/// Follows all that the firmware says, on the host's clock, and keeps it.
pub struct Listener<'t> {
    defmt: Option<DefmtStream<'t>>,
    channels: Vec<Channel>,
    arrivals: Vec<Arrival>,
    started: Instant,
    heard: bool,
    /// Is told each line; the run is over when it answers `false`.
    sink: Box<dyn FnMut(&Said) -> bool + 't>,
    /// Is asked between two looks at the core; the run is over when it answers `false`.
    poll: Box<dyn FnMut() -> bool + 't>,
    wanted: bool,
}

struct Channel {
    log: Log,
    splitter: Splitter,
}

impl std::fmt::Debug for Listener<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("channels", &self.channels.len()).finish_non_exhaustive()
    }
}

impl<'t> Listener<'t> {
    /// `sink` is told each line as it comes, and ends the run by answering `false`.
    pub fn new(defmt: Option<&'t DefmtTable>, sink: impl FnMut(&Said) -> bool + 't) -> Self {
        Self {
            defmt: defmt.map(DefmtStream::new),
            channels: Vec::new(),
            arrivals: Vec::new(),
            started: Instant::now(),
            heard: false,
            sink: Box::new(sink),
            poll: Box::new(|| true),
            wanted: true,
        }
    }

    /// Asks `poll` all the while; the run is over when it answers `false`.
    pub fn polled(mut self, poll: impl FnMut() -> bool + 't) -> Self {
        self.poll = Box::new(poll);
        self
    }

    /// Hears a recorded run again: the same bytes, in the same pieces, at the same times. `false`: the
    /// sink wanted no more before the end.
    pub fn replay(&mut self, run: &Heard, logs: &[Log]) -> bool {
        for (at_ms, log, piece) in run.pieces(logs) {
            if !self.wanted {
                break;
            }
            self.bytes_at(&log.channel, log.kind, piece, at_ms);
        }
        self.wanted
    }

    /// All that was said, by channel, with the text after the last line end; and when it came.
    pub fn finish(mut self) -> (Vec<Log>, Vec<Arrival>) {
        for channel in &mut self.channels {
            let rest = channel.splitter.rest();
            channel.log.records.extend(rest);
        }
        let logs = self.channels.into_iter().map(|channel| channel.log).collect();
        (logs, self.arrivals)
    }

    /// Frames of defmt that could not be decoded.
    pub fn malformed(&self) -> u64 {
        self.defmt.as_ref().map_or(0, DefmtStream::malformed)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Hears what has just come over a line that no [`Board`] has.
    pub fn hear(&mut self, lines: &mut SerialLines) {
        let bytes = lines.next_bytes();
        if !bytes.is_empty() {
            let name = lines.channel().to_owned();
            self.bytes(&name, LogKind::Serial, &bytes);
        }
    }

    fn trace(&mut self, trace: &mut ItmReader, session: &mut Session) -> Result<(), HilError> {
        trace.take(session, |port, bytes| {
            self.bytes(&format!("itm:{port}"), LogKind::Itm, bytes);
        })
    }

    /// Whether to go on: nobody has wanted it to end.
    pub fn goes_on(&mut self) -> bool {
        self.wanted && (self.poll)()
    }

    fn bytes(&mut self, name: &str, kind: LogKind, bytes: &[u8]) {
        self.bytes_at(name, kind, bytes, self.now_ms());
    }

    fn bytes_at(&mut self, name: &str, kind: LogKind, bytes: &[u8], at_ms: u64) {
        self.heard = true;
        let log = index(&mut self.channels, name, kind);
        match self.arrivals.last_mut() {
            Some(last) if (last.at_ms, last.log) == (at_ms, log) => last.bytes += bytes.len(),
            _ => self.arrivals.push(Arrival { at_ms, log, bytes: bytes.len() }),
        }
        let channel = &mut self.channels[log];
        channel.log.raw.extend_from_slice(bytes);
        let records = match (&mut self.defmt, name) {
            (Some(stream), DEFMT) => stream.push(bytes, at_ms),
            _ => channel.splitter.cut(at_ms, bytes),
        };
        self.records(name, kind, records);
    }

    fn records(&mut self, name: &str, kind: LogKind, records: Vec<LogRecord>) {
        self.heard |= !records.is_empty();
        for record in records {
            let said = Said { channel: name.to_owned(), record };
            self.wanted &= (self.sink)(&said);
            let log = index(&mut self.channels, name, kind);
            self.channels[log].log.records.push(said.record);
        }
    }
}

/// The RTT channel's own name, and the log's, of defmt.
const DEFMT: &str = "defmt";

fn index(channels: &mut Vec<Channel>, name: &str, kind: LogKind) -> usize {
    let known = channels.iter().position(|channel| channel.log.channel == name);
    known.unwrap_or_else(|| {
        let (raw, records) = (Vec::new(), Vec::new());
        let log = Log { channel: name.to_owned(), kind, raw, records, capture: None };
        channels.push(Channel { log, splitter: Splitter::default() });
        channels.len() - 1
    })
}

impl Board {
    /// Resets the chip and lets it run until something ends it. Afterwards the core is halted,
    /// unless it has locked up. With [`RunOptions::attach`] it is neither reset nor halted.
    ///
    /// A HardFault is caught as it is taken, before any handler runs.
    ///
    /// # Errors
    /// Only what the probe or the bench is to blame for.
    pub fn run_until_end(
        &mut self,
        image: &TestImage,
        options: &RunOptions,
        listener: &mut Listener<'_>,
    ) -> Result<End, HilError> {
        let serial = self.serial().map(SerialLines::new_from_now);
        if !options.attach {
            self.reset_and_halt()?;
        }
        let halt_within = self.deadlines().command;
        let mut run = Run { options, listener, rtt: RttReader::new(image.rtt_at), serial };
        run.listener.started = Instant::now();
        let mut trace = self.switch_trace_on(options)?;
        let ended = self.run_and_follow(&mut run, trace.as_mut());
        if let (Some(trace), Some(session)) = (&trace, self.session_mut()) {
            trace.stop(session);
        }
        let end = ended?;
        if end != End::LockedUp && !options.attach {
            let mut core = core(self.session_mut())?;
            core.halt(halt_within).map_err(|source| HilError::core("halt the core", source))?;
            run.listen(&mut core);
        }
        Ok(end)
    }

    /// Whether ITM text of this board can be heard. Nothing is written to the chip.
    ///
    /// # Errors
    /// [`HilError::NoTrace`] if not.
    pub fn check_itm(&mut self) -> Result<(), HilError> {
        let board = self.identity().selector.clone();
        itm::check(self.session_mut().ok_or(HilError::Lost)?, &board)
    }

    fn switch_trace_on(&mut self, options: &RunOptions) -> Result<Option<ItmReader>, HilError> {
        let Some(itm) = &options.itm else { return Ok(None) };
        let board = self.identity().selector.clone();
        let session = self.session_mut().ok_or(HilError::Lost)?;
        ItmReader::start(session, &board, itm).map(Some)
    }

    fn run_and_follow(
        &mut self,
        run: &mut Run<'_, '_>,
        mut trace: Option<&mut ItmReader>,
    ) -> Result<End, HilError> {
        if !run.options.attach {
            let mut core = core(self.session_mut())?;
            // Cores without it take the fault; that is seen when the time is over.
            let _ = core.enable_vector_catch(VectorCatchCondition::HardFault);
            run.rtt.forget(&mut core);
            core.run().map_err(|source| HilError::core("run the core", source))?;
        }
        loop {
            let ended = run.follow(&mut core(self.session_mut())?)?;
            if let (Some(trace), Some(session)) = (trace.as_deref_mut(), self.session_mut()) {
                run.listener.trace(trace, session)?;
            }
            if let Some(end) = ended {
                return Ok(end);
            }
        }
    }
}

struct Run<'r, 't> {
    options: &'r RunOptions,
    listener: &'r mut Listener<'t>,
    rtt: RttReader,
    serial: Option<SerialLines>,
}

impl Run<'_, '_> {
    /// Looks after the core until its end. Where there is trace to be read, comes back in between with
    /// `None`: that needs what the core is borrowed from.
    fn follow(&mut self, core: &mut Core<'_>) -> Result<Option<End>, HilError> {
        loop {
            let status = core
                .status()
                .map_err(|source| HilError::core("ask the core for its status", source))?;
            self.listen(core);
            if let Some(end) = self.judge(status, core)? {
                return Ok(Some(end));
            }
            thread::sleep(POLL);
            if self.options.itm.is_some() {
                return Ok(None);
            }
        }
    }

    fn listen(&mut self, core: &mut Core<'_>) {
        let listener = &mut *self.listener;
        self.rtt.take(core, |number, name, bytes, capture| {
            let name = match name {
                DEFMT if listener.defmt.is_some() => DEFMT.to_owned(),
                _ => format!("rtt:{number}"),
            };
            listener.bytes(&name, LogKind::Rtt, bytes);
            let log = index(&mut listener.channels, &name, LogKind::Rtt);
            listener.channels[log].log.capture = Some(capture);
        });
        if let Some(serial) = &mut self.serial {
            listener.hear(serial);
        }
    }

    /// Whether this is the end. Serves a semihosting call and lets the core go on.
    fn judge(&mut self, status: CoreStatus, core: &mut Core<'_>) -> Result<Option<End>, HilError> {
        let elapsed = self.listener.started.elapsed();
        Ok(Some(match status {
            CoreStatus::Halted(HaltReason::Breakpoint(BreakpointCause::Semihosting(call))) => {
                match self.serve(call, core) {
                    Ok(None) => {
                        core.run().map_err(|source| HilError::core("run the core", source))?;
                        return Ok(None);
                    }
                    Ok(Some(end)) => end,
                    Err(source) => return Err(HilError::core("serve semihosting", source)),
                }
            }
            CoreStatus::Halted(HaltReason::Breakpoint(_)) => End::Breakpoint,
            CoreStatus::Halted(HaltReason::Exception) => End::Fault,
            CoreStatus::Halted(reason) => {
                End::Halted { reason: crate::snapshot::halt_reason(reason).to_owned() }
            }
            CoreStatus::LockedUp => End::LockedUp,
            _ if !self.listener.wanted || self.is_stopped() => End::Stopped,
            _ if elapsed >= self.options.limit => End::Deadline,
            _ if !self.listener.heard
                && self.options.first_log.is_some_and(|limit| elapsed >= limit) =>
            {
                End::Silent
            }
            _ => return Ok(None),
        }))
    }

    fn is_stopped(&mut self) -> bool {
        let set = self.options.stop.as_ref().is_some_and(|stop| stop.load(Ordering::SeqCst));
        set || !(self.listener.poll)()
    }

    fn serve(
        &mut self,
        call: SemihostingCommand,
        core: &mut Core<'_>,
    ) -> Result<Option<End>, probe_rs::Error> {
        match call {
            SemihostingCommand::ExitSuccess => return Ok(Some(End::Success)),
            SemihostingCommand::ExitError(details) => {
                return Ok(Some(End::Failure { status: details.exit_status }));
            }
            SemihostingCommand::GetCommandLine(request) => {
                let entry = self.options.test.as_ref().map(|test| test.entry);
                let line = entry.map(|entry| format!("run_addr {entry}")).unwrap_or_default();
                request.write_command_line_to_target(core, &line)?;
            }
            SemihostingCommand::WriteConsole(request) => {
                let text = request.read(core)?;
                self.listener.bytes(SEMIHOSTING, LogKind::Semihosting, text.as_bytes());
            }
            SemihostingCommand::Open(request) => {
                if request.path(core)? == CONSOLE
                    && let Some(handle) = std::num::NonZeroU32::new(1)
                {
                    request.respond_with_handle(core, handle)?;
                }
            }
            SemihostingCommand::Write(request) => {
                let bytes = request.read(core)?;
                self.listener.bytes(SEMIHOSTING, LogKind::Semihosting, &bytes);
                request.write_status(core, 0)?;
            }
            SemihostingCommand::Close(request) => request.success(core)?,
            SemihostingCommand::Time(request) => request.write_current_time(core)?,
            SemihostingCommand::Errno(request) => request.write_errno(core, 0)?,
            // Left as it is: the call's register then says what it said before, no success.
            _ => {}
        }
        Ok(None)
    }
}

const SEMIHOSTING: &str = "semihosting";
