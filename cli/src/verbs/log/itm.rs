//! `silk log --itm`: what is asked of the trace pin, and what is told of text that it lost.

use std::time::{Duration, Instant};

use hil::{ItmLoss, ItmOptions, ItmPortsError};
use serde::Serialize;

use crate::args::LogArgs;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::session::Session;
use crate::verbs::board;

/// What the command line asks for; `None`: nothing of the ITM.
pub(super) fn options(args: &LogArgs) -> Result<Option<ItmOptions>, Failure> {
    let (Some(ports), Some(trace_clock_hz)) = (&args.itm, args.trace_clock) else {
        return Ok(None);
    };
    let ports = ports.parse().map_err(|error: ItmPortsError| {
        Failure::new(Exit::Usage, "--itm takes stimulus ports").caused_by(&error)
    })?;
    let options =
        ItmOptions { trace_clock_hz, baud: args.swo_baud, ports, loss: ItmLoss::default() };
    options.check().map_err(board::failure)?;
    Ok(Some(options))
}

/// Loss goes on for as long as firmware says too much; it is told this often at most.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What was lost, and how much of that was told.
pub(super) struct Lossy {
    loss: ItmLoss,
    told: (u64, u64),
    told_at: Option<Instant>,
}

impl Lossy {
    pub(super) fn of(loss: ItmLoss) -> Self {
        Self { loss, told: (0, 0), told_at: None }
    }

    /// Tells what was lost since, unless something was told just now and more may come.
    pub(super) fn tell(&mut self, session: &mut Session, is_end: bool) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Event {
            version: u32,
            event: &'static str,
            /// Times that the target overflowed, from the begin on.
            overflows: u64,
            /// Bytes that are no packets, from the begin on.
            skipped_bytes: u64,
        }
        let (overflows, skipped_bytes) = (self.loss.overflows(), self.loss.skipped());
        let is_soon = self.told_at.is_some_and(|at| at.elapsed() < TELL_EVERY);
        if (overflows, skipped_bytes) == self.told || (is_soon && !is_end) {
            return Ok(());
        }
        self.told = (overflows, skipped_bytes);
        self.told_at = Some(Instant::now());
        if session.ui.json {
            let (version, event) = (json::VERSION, "itm-lost");
            return session.ui.json_line(&Event { version, event, overflows, skipped_bytes });
        }
        session.ui.warn(&self.loss);
        Ok(())
    }
}
