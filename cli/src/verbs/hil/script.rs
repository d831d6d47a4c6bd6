//! A test that is a program on this machine: it runs beside the firmware, and its exit code decides.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hil::{Board, HilError};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::config::Test;
use super::select::Job;
use super::verdict::{self, Attempt, Class};
use super::work::{Bench, CANCELLED};
use crate::verbs::bench;

/// Pause between two looks at a script.
const POLL: Duration = Duration::from_millis(20);

impl Bench<'_> {
    /// Lets the firmware run while a program on this machine tests it.
    pub(super) fn script(&mut self, test: &Test, job: &Job) -> Result<Attempt, HilError> {
        let started = Instant::now();
        let board = self.board.as_mut().ok_or(HilError::Lost)?;
        board.reset()?;
        let Some((program, arguments)) = test.command.split_first() else {
            return Ok(Attempt::new(Class::Infra, "the script has no command", started.elapsed()));
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.shop.folder).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // Killed with this process, it does not go on at a board that is anybody's by then.
        vbench::end_with_us(&mut command);
        command.env("SILK_BOARD", &self.seat.name).env("SILK_CHIP", &board.identity().chip);
        command.env("SILK_ELF", &self.shop.firmwares[job.firmware].image.path);
        if let Some(serial) = board.serial() {
            command.env("SILK_SERIAL", serial.path());
        }
        // Two who read one line would each get half of it. It is the script's, and then ours again.
        let line = board.let_go_of_line();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let why = format!("`{program}` cannot be started: {error}");
                return Ok(Attempt::new(Class::Infra, why, started.elapsed()));
            }
        };
        let output = Output::follow(&mut child);
        let status = loop {
            let status = child.try_wait().ok().flatten();
            let over = started.elapsed() >= job.timeout;
            if status.is_some() || over || self.shop.is_stopped() {
                break status;
            }
            std::thread::sleep(POLL);
        };
        // What it left running would keep its output open, and the board.
        end_group(&mut child);
        if let (Some(line), Some(board)) = (line, &mut self.board) {
            board.listen_to(bench::SERIAL, &line)?;
        }
        let mut attempt = match status.map(|status| status.success()) {
            None if self.shop.is_stopped() => {
                Attempt::new(Class::Skipped, CANCELLED, started.elapsed())
            }
            Some(true) => Attempt::new(Class::Pass, "", started.elapsed()),
            Some(false) => Attempt::new(Class::Fail, "the script failed", started.elapsed()),
            None => {
                let why =
                    format!("the script did not end within {}", verdict::seconds(job.timeout));
                Attempt::new(Class::Timeout, why, started.elapsed())
            }
        };
        attempt.logs.push(output.log());
        if attempt.class.is_bad() {
            // A board that cannot be halted any more is shown by the next attempt.
            let _ = self.board.as_mut().map(Board::halt);
            self.look(job.firmware, &mut attempt);
        }
        Ok(attempt)
    }
}

/// What a script writes, read so that it never has to wait.
struct Output(Vec<std::thread::JoinHandle<Vec<u8>>>);

impl Output {
    fn follow(child: &mut Child) -> Self {
        fn follow(
            mut from: impl std::io::Read + Send + 'static,
        ) -> std::thread::JoinHandle<Vec<u8>> {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What came before a broken pipe is kept.
                let _ = from.read_to_end(&mut bytes);
                bytes
            })
        }
        let stdout = child.stdout.take().map(follow);
        let stderr = child.stderr.take().map(follow);
        Self(stdout.into_iter().chain(stderr).collect())
    }

    fn log(self) -> bundle::Log {
        let raw: Vec<u8> =
            self.0.into_iter().flat_map(|reader| reader.join().unwrap_or_default()).collect();
        let text = String::from_utf8_lossy(&raw).into_owned();
        let records = text.lines().map(|line| bundle::LogRecord::plain(0, line)).collect();
        let (channel, kind) = ("script".to_owned(), bundle::LogKind::Serial);
        bundle::Log { channel, kind, raw, records, capture: None }
    }
}

/// Ends a script and whatever it started. Never by `kill` of procps, which takes `-1234` for `-1`: all
/// there is.
fn end_group(child: &mut Child) {
    if let Ok(group) = i32::try_from(child.id()) {
        // There is none left if nothing of it runs any more.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
