//! Finding QEMU and asking it for its version.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{BenchError, Machine, Version};

/// The version of `program`, if it is new enough for `machine`.
///
/// `program` without a slash is looked up in PATH.
///
/// # Errors
/// [`BenchError::QemuMissing`], [`BenchError::QemuTooOld`], or what else keeps it from running.
pub fn check_qemu(machine: &Machine, program: &Path) -> Result<Version, BenchError> {
    let found = qemu_version(program)?;
    let needed = machine.qemu.minimum;
    if found < needed {
        return Err(BenchError::QemuTooOld { board: machine.name.clone(), found, needed });
    }
    Ok(found)
}

fn qemu_version(program: &Path) -> Result<Version, BenchError> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| spawn_error(program, source))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "QEMU emulator version 7.2.22 (Debian …)"
    text.split_once("version ").and_then(|(_, rest)| Version::parse(rest)).ok_or_else(|| {
        BenchError::Protocol {
            channel: "--version",
            answer: text.lines().next().unwrap_or_default().to_owned(),
        }
    })
}

pub(crate) fn spawn_error(program: &Path, source: std::io::Error) -> BenchError {
    let program = program.to_owned();
    match source.kind() {
        ErrorKind::NotFound => {
            let searched = match program.parent() {
                Some(folder) if folder != Path::new("") => folder.display().to_string(),
                _ => "any folder of PATH".to_owned(),
            };
            BenchError::QemuMissing { program, searched }
        }
        _ => BenchError::Spawn { program, source },
    }
}
