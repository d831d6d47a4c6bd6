//! `silk` as a whole process, with a home of its own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::clock::{Times, time};
use crate::error::BenchError;

/// Runs `silk` with `args` once to warm up and `runs` times more. Its cache and settings lie in
/// `folder`.
pub(crate) fn silk(
    silk: &Path,
    folder: &Path,
    args: &[&OsStr],
    runs: u32,
) -> Result<Times, BenchError> {
    let failed = |why: String| BenchError::Process { command: silk.display().to_string(), why };
    let program = std::path::absolute(silk)?;
    let mut times = Times::default();
    for run in 0..=runs {
        let mut command = Command::new(&program);
        command.current_dir(folder).env("HOME", folder).env_remove("SILK_SVD");
        command.env("XDG_CACHE_HOME", folder).env("XDG_CONFIG_HOME", folder);
        command.args(args).stdout(Stdio::null()).stderr(Stdio::piped());
        let (taken, output) = time(|| command.output());
        let output = output.map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("{}: {}", output.status, said.trim())));
        }
        if run > 0 {
            times.add(taken);
        }
    }
    Ok(times)
}
