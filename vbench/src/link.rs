//! One QEMU with its three channels: the machine, before any debug logic is added.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::channel::Channel;
use crate::process::Process;
use crate::qemu::check_qemu;
use crate::qmp::Qmp;
use crate::qtest::{Qtest, Width};
use crate::regions::Regions;
use crate::rsp::Gdb;
use crate::serial::SerialPort;
use crate::{BenchError, Machine, Version};

/// How to start a bench.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchOptions {
    /// QEMU to run instead of the one the board names. Without a slash it is looked up in PATH.
    pub program: Option<PathBuf>,
    /// How long QEMU may take over one answer, its first included.
    pub answer_within: Duration,
}

impl Default for BenchOptions {
    fn default() -> BenchOptions {
        BenchOptions { program: None, answer_within: Duration::from_secs(5) }
    }
}

impl BenchOptions {
    pub(crate) fn program<'a>(&'a self, machine: &'a Machine) -> &'a Path {
        self.program.as_deref().unwrap_or(Path::new(&machine.qemu.program))
    }
}

pub(crate) struct Link {
    pub(crate) process: Process,
    pub(crate) qmp: Qmp,
    pub(crate) qtest: Qtest,
    pub(crate) gdb: Gdb,
    pub(crate) regions: Regions,
}

impl Link {
    /// Starts QEMU with a blank flash. The machine is stopped.
    pub(crate) fn start(
        machine: &Machine,
        options: &BenchOptions,
        serial: Option<&mut SerialPort>,
    ) -> Result<Link, BenchError> {
        let (process, sockets) = Process::spawn(machine, options.program(machine))?;
        let channel = |name, stream| Channel::new(name, stream, options.answer_within);
        let opened = (|| {
            let mut qmp = Qmp::open(channel("qmp", sockets.qmp)?)?;
            check_version(machine, qmp.version())?;
            let regions = Regions::parse(&qmp.monitor("info mtree -f")?);
            let qtest = Qtest::new(channel("qtest", sockets.qtest)?);
            let gdb = Gdb::open(channel("gdb", sockets.gdb)?)?;
            Ok((qmp, qtest, gdb, regions))
        })();
        let (qmp, qtest, gdb, regions) =
            opened.map_err(|error| explain(error, &process, machine, options))?;
        if let (Some(port), Some(uart)) = (serial, sockets.serial) {
            port.connect(uart)?;
        }
        if regions.is_empty() {
            let answer = "no view of the core's memory".to_owned();
            return Err(BenchError::Protocol { channel: "info mtree -f", answer });
        }
        let mut link = Link { process, qmp, qtest, gdb, regions };
        for write in &machine.blank {
            link.qtest.write(write.address, Width::Word, write.value)?;
        }
        if machine.host_flash().is_some() {
            let size = usize::try_from(machine.flash.size).unwrap_or(0);
            link.gdb.write_memory(machine.flash.start, &vec![0xff; size])?;
        }
        Ok(link)
    }

    /// Whether `error` means that QEMU is gone.
    pub(crate) fn is_gone(error: &BenchError) -> bool {
        matches!(error, BenchError::Channel { .. })
    }
}

fn check_version(machine: &Machine, found: Version) -> Result<(), BenchError> {
    let needed = machine.qemu.minimum;
    match found < needed {
        true => Err(BenchError::QemuTooOld { board: machine.name.clone(), found, needed }),
        false => Ok(()),
    }
}

/// Turns a channel that broke at the start into what QEMU said about it.
fn explain(
    error: BenchError,
    process: &Process,
    machine: &Machine,
    options: &BenchOptions,
) -> BenchError {
    if !Link::is_gone(&error) {
        return error;
    }
    let stderr = process.stderr();
    // An old QEMU ends at the first option it does not know, so its age is looked at first.
    match check_qemu(machine, options.program(machine)) {
        Err(error @ BenchError::QemuTooOld { .. }) => error,
        Ok(qemu) if stderr.contains("unsupported machine type") => {
            BenchError::MachineUnknown { machine: machine.qemu.machine.clone(), qemu }
        }
        _ => BenchError::QemuDied { stderr },
    }
}
