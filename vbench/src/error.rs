//! What can go wrong between asking for a virtual board and talking to it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Version;

/// Why a virtual board cannot be had or has been lost.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The name is not in the catalog.
    #[error("find a virtual board named `{name}`; there is: {}", known.join(", "))]
    UnknownBoard {
        /// The name asked for.
        name: String,
        /// Every name in the catalog.
        known: Vec<String>,
    },
    /// There is no such program.
    #[error("find QEMU: no `{}` in {searched}", program.display())]
    QemuMissing {
        /// What was looked for.
        program: PathBuf,
        /// Where.
        searched: String,
    },
    /// QEMU is older than the board was checked with.
    #[error("use QEMU {found} for `{board}`, which needs {needed} or newer")]
    QemuTooOld {
        /// The board asked for.
        board: String,
        /// The version that `program --version` tells.
        found: Version,
        /// The oldest that will do.
        needed: Version,
    },
    /// This QEMU was built without the machine.
    #[error("find machine `{machine}` in QEMU {qemu}")]
    MachineUnknown {
        /// QEMU's name of the machine.
        machine: String,
        /// The version that was asked.
        qemu: Version,
    },
    /// The program is there but cannot be started.
    #[error("start `{}`", program.display())]
    Spawn {
        /// What was to be started.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// QEMU ended by itself. For a running Cortex-M this is how it shows a lockup.
    #[error("keep QEMU alive; its last words: {}", last_words(stderr))]
    QemuDied {
        /// All that QEMU wrote to its standard error.
        stderr: String,
    },
    /// A channel broke while QEMU lived.
    #[error("talk to QEMU over {channel}")]
    Channel {
        /// `qmp`, `qtest`, `gdb` or `serial`.
        channel: &'static str,
        /// What the socket said.
        #[source]
        source: io::Error,
    },
    /// QEMU's answer makes no sense.
    #[error("understand QEMU's answer on {channel}: {answer}")]
    Protocol {
        /// `qmp`, `qtest` or `gdb`.
        channel: &'static str,
        /// The answer, or the part of it that is odd.
        answer: String,
    },
    /// QEMU did not answer in time.
    #[error("{what} within {} ms", limit.as_millis())]
    Deadline {
        /// What was waited for, such as `hear from QEMU over qmp`.
        what: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The board has nothing of the kind that is to be driven.
    #[error("drive {what} of `{board}`: it has none")]
    NotThere {
        /// The board.
        board: String,
        /// What was to be driven, such as `pin 40`.
        what: String,
    },
    /// The core is locked up or QEMU is gone: only a reset helps.
    #[error("reach a core that is locked up; a reset starts it again")]
    LockedUp,
}

/// The first line of QEMU's standard error that says something, for one-line messages.
fn last_words(stderr: &str) -> &str {
    stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(none)")
}
