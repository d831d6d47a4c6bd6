//! ELF core files: one is explained with the firmware that crashed, and a bundle becomes one.

use std::io::{Read, Write};
use std::path::Path;

use bundle::{Bundle, CoreStatus, Crash, Snapshot, read_core_file, write_core_file};
use hil::Image;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::session::Session;
use crate::ui::printable;
use crate::verbs::{board, crash};

use super::tasks;

/// e_type of an ELF header. Source: System V ABI, chapter 4.
const ET_CORE: u8 = 4;

#[derive(Serialize)]
struct CoreJson<'a> {
    version: u32,
    snapshot: &'a Snapshot,
    crash: &'a Crash,
}

/// Whether the file says that it is an ELF core file.
pub(super) fn is_one(path: &Path) -> bool {
    let mut head = [0; 18];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    let is_elf = read.is_ok() && head.starts_with(b"\x7fELF") && head[16..] == [ET_CORE, 0];
    is_elf || is_dump(path)
}

/// What probe-rs writes, it calls so; it has no magic of its own.
fn is_dump(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|extension| extension == "coredump")
}

/// Explains a core file.
pub(super) fn run(session: &mut Session, path: &Path) -> Outcome {
    let bytes = std::fs::read(path)?;
    let mut snapshot = match is_dump(path) {
        true => hil::read_probe_rs_dump(&bytes).map_err(board::failure)?,
        false => read_core_file(&bytes).map_err(|error| Failure::to(Exit::Usage, &error))?,
    };
    let index = session.index()?;
    let image = match session.config.elfs.value.first() {
        Some(elf) => {
            let parsed = Image::parse(&std::fs::read(elf)?);
            parsed.map_err(|error| session.ui.warn(format!("failed to {error}"))).ok()
        }
        None => {
            session.ui.note("without the firmware (--elf) there are no names, and no call chain");
            None
        }
    };
    tasks::name(&index, &mut snapshot);
    let found = crash::name(&index, hil::autopsy(&snapshot, image.as_ref()));
    if session.ui.json {
        let line = CoreJson { version: json::VERSION, snapshot: &snapshot, crash: &found };
        session.ui.json_line(&line)?;
        return Ok(Exit::Ok);
    }
    let (threads, ranges) = (snapshot.cores.len(), snapshot.memory.len());
    writeln!(
        session.ui.out,
        "{}: {threads} threads, {ranges} ranges of memory",
        snapshot.board.chip
    )?;
    for core in &snapshot.cores {
        if let (Some(thread), CoreStatus::Halted { reason }) = (&core.thread, &core.status)
            && thread.crashed
        {
            writeln!(session.ui.out, "{}: {}", printable(&thread.label()), printable(reason))?;
        }
    }
    crash::show(&mut session.ui.out, &found)?;
    Ok(Exit::Ok)
}

/// Writes a bundle's cores and memory as a core file.
pub(super) fn write(session: &Session, bundle: &Bundle, path: &Path) -> Result<(), Failure> {
    let bytes = write_core_file(&bundle.snapshot).map_err(|error| {
        Failure::to(Exit::Usage, &error).hint("`silk snap --halt` halts the core")
    })?;
    std::fs::write(path, bytes).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot write `{}`", path.display())).caused_by(&error)
    })?;
    session.ui.note(format!("wrote {}; gdb FIRMWARE {0} opens it", path.display()));
    Ok(())
}
