//! The QEMU process: started with inherited sockets, ended with whoever started it.
//!
//! Three things keep QEMU from outliving us. Dropping [`Process`] kills it. If we die without
//! dropping anything, SIGKILL included, the kernel kills it (PR_SET_PDEATHSIG); that signal
//! follows the *thread* that forked, so a keeper thread forks and then lives as long as the
//! `Process`. And the child looks for its parent once more after asking for that signal, in case
//! the parent died in between.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

use crate::qemu::spawn_error;
use crate::{BenchError, Machine};

/// A running QEMU. Dropping it ends it and waits for it.
pub(crate) struct Process {
    pid: u32,
    stderr: File,
    /// Dropping the sender tells the keeper to end QEMU.
    alive: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

/// Our ends of the sockets that QEMU was given.
pub(crate) struct Sockets {
    pub(crate) qmp: UnixStream,
    pub(crate) qtest: UnixStream,
    pub(crate) gdb: UnixStream,
    pub(crate) serial: Option<UnixStream>,
}

impl Process {
    /// Starts QEMU with the machine stopped before its first instruction.
    pub(crate) fn spawn(
        machine: &Machine,
        program: &Path,
    ) -> Result<(Process, Sockets), BenchError> {
        let failed = |source| spawn_error(program, source);
        let (qmp, qmp_theirs) = UnixStream::pair().map_err(failed)?;
        let (qtest, qtest_theirs) = UnixStream::pair().map_err(failed)?;
        let (gdb, gdb_theirs) = UnixStream::pair().map_err(failed)?;
        let serial = match machine.serial {
            Some(_) => Some(UnixStream::pair().map_err(failed)?),
            None => None,
        };
        let (serial, serial_theirs) = serial.unzip();
        let stderr = File::from(
            memfd_create(c"qemu-stderr", MFdFlags::MFD_CLOEXEC)
                .map_err(io::Error::from)
                .map_err(failed)?,
        );

        let mut arguments = Arguments::for_machine(machine);
        arguments.channel("qmp", &qmp_theirs, &["-mon", "chardev=qmp,mode=control"]);
        arguments.channel("gdb", &gdb_theirs, &["-gdb", "chardev:gdb"]);
        arguments.channel(
            "qtest",
            &qtest_theirs,
            &["-qtest", "chardev:qtest", "-qtest-log", "none"],
        );
        if let Some(theirs) = &serial_theirs {
            arguments.channel("serial", theirs, &["-serial", "chardev:serial"]);
        }
        let command = arguments.command(program, stderr.try_clone().map_err(failed)?);
        let (pid, alive, keeper) = keep(command, program)?;
        let process = Process { pid, stderr, alive: Some(alive), keeper: Some(keeper) };
        Ok((process, Sockets { qmp, qtest, gdb, serial }))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Everything QEMU has written to its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        let size = self.stderr.metadata().map(|meta| meta.len()).unwrap_or(0);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        match self.stderr.read_exact_at(&mut bytes, 0) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(its standard error cannot be read: {error})"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(keeper) = self.keeper.take() {
            // A panic of the keeper would have killed QEMU as well.
            let _ = keeper.join();
        }
    }
}

struct Arguments {
    list: Vec<String>,
    inherited: Vec<RawFd>,
}

impl Arguments {
    fn for_machine(machine: &Machine) -> Arguments {
        let list = ["-machine", &machine.qemu.machine, "-nodefaults", "-display", "none", "-S"];
        Arguments { list: list.map(str::to_owned).to_vec(), inherited: Vec::new() }
    }

    /// A character device on an inherited socket, and the options that use it.
    fn channel(&mut self, id: &str, socket: &UnixStream, used_by: &[&str]) {
        let fd = socket.as_raw_fd();
        self.inherited.push(fd);
        self.list.extend(["-chardev".to_owned(), format!("socket,id={id},fd={fd}")]);
        self.list.extend(used_by.iter().map(|&option| option.to_owned()));
    }

    fn command(self, program: &Path, stderr: File) -> Command {
        let mut command = Command::new(program);
        command.args(&self.list).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        // A group of its own: Ctrl-C on the terminal is for us to handle.
        command.process_group(0);
        end_with_us(&mut command);
        let inherited = self.inherited;
        // SAFETY: the closure runs between fork and exec and makes system calls only: fcntl. It
        // neither allocates nor takes locks.
        #[allow(unsafe_code)]
        unsafe {
            command.pre_exec(move || let_through(&inherited));
        }
        command
    }
}

/// Makes the kernel kill what `command` starts when the thread that starts it ends, be it because
/// this process was killed. What that program starts in turn is not reached.
pub fn end_with_us(command: &mut Command) {
    let parent = getpid();
    // SAFETY: the closure runs between fork and exec and makes system calls only: prctl, getppid.
    // It neither allocates nor takes locks.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || tie_to(parent));
    }
}

/// In the child: ask to die with the parent.
fn tie_to(parent: Pid) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    match getppid() == parent {
        true => Ok(()),
        false => Err(io::Error::from_raw_os_error(nix::libc::ESRCH)),
    }
}

/// In the child: let the sockets through exec.
fn let_through(inherited: &[RawFd]) -> io::Result<()> {
    for fd in inherited {
        // SAFETY: these are the sockets of the enclosing `spawn`, open in the child as well.
        #[allow(unsafe_code)]
        let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(*fd) };
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    }
    Ok(())
}

/// Forks on a thread that then waits for the word to end the child.
fn keep(
    mut command: Command,
    program: &Path,
) -> Result<(u32, Sender<()>, JoinHandle<()>), BenchError> {
    let program = PathBuf::from(program);
    let named = program.clone();
    let (alive, wait_for_end) = mpsc::channel::<()>();
    let (report, spawned) = mpsc::channel();
    let keeper = thread::Builder::new()
        .name("vbench-keeper".to_owned())
        .spawn(move || match command.spawn() {
            Err(error) => drop(report.send(Err(spawn_error(&named, error)))),
            Ok(mut child) => {
                drop(report.send(Ok(child.id())));
                // Nothing is ever sent: this returns when the other end is dropped.
                let _ = wait_for_end.recv();
                let _ = child.kill();
                let _ = child.wait();
            }
        })
        .map_err(|source| BenchError::Spawn { program: program.clone(), source })?;
    let pid = spawned.recv().unwrap_or_else(|_| {
        let source = io::Error::other("the thread that starts it ended");
        Err(BenchError::Spawn { program, source })
    })?;
    Ok((pid, alive, keeper))
}
