//! The readers that ours is measured against.

use std::path::{Path, PathBuf};
use std::process::Command;

use svd_parser::svd::Device;
use svd_parser::{Config, ValidateLevel};

/// Goes through all of quick-xml's events, as it is configured by default, and counts them.
pub(crate) fn quick_xml_events(text: &str) -> u64 {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut events = 0;
    while let Ok(event) = reader.read_event() {
        if matches!(event, quick_xml::events::Event::Eof) {
            break;
        }
        events += 1;
    }
    events
}

/// Reads with svd-parser, its validation off. The error is its reason in one line.
pub(crate) fn svd_parser(text: &str) -> Result<Device, String> {
    let config = Config::default().validate_level(ValidateLevel::Disabled);
    svd_parser::parse_with_config(text, &config).map_err(|error| one_line(&error.to_string()))
}

/// Resolves derivation and writes arrays out.
pub(crate) fn expand(device: &Device) -> Result<Device, String> {
    svd_parser::expand(device).map_err(|error| one_line(&error.to_string()))
}

/// A reader in Python.
pub(crate) struct PythonReader {
    /// As on PyPI.
    pub(crate) name: &'static str,
    /// Defines `read(path)`.
    program: &'static str,
}

/// Those that are measured where they are installed.
pub(crate) const PYTHON: [&PythonReader; 2] = [
    &PythonReader {
        name: "cmsis-svd",
        program: "from cmsis_svd.parser import SVDParser\n\
                  def read(path):\n    return SVDParser.for_xml_file(path).get_device()\n",
    },
    &PythonReader {
        name: "pyocd",
        program: "from pyocd.debug.svd.parser import SVDParser\n\
                  def read(path):\n    return SVDParser.for_xml_file(path).get_device()\n",
    },
];

/// Times each file within the interpreter, so that its start does not count. Prints one line per
/// file: the median in milliseconds, or a dash where the reader gives up.
const TIMER: &str = "
import sys, time
runs = int(sys.argv[1])
for path in sys.argv[2:]:
    times = []
    try:
        for run in range(runs + 1):
            start = time.perf_counter()
            read(path)
            times.append(time.perf_counter() - start)
        times = sorted(times[1:])
        print(times[(len(times) - 1) // 2] * 1e3, flush=True)
    except Exception:
        print('-', flush=True)
";

/// The most runs of a Python reader, which needs seconds where the others need milliseconds.
const MAX_PYTHON_RUNS: u32 = 3;

/// Medians of `reader` on `files`, in milliseconds. The error says why it did not run.
pub(crate) fn python(
    interpreter: &Path,
    reader: &PythonReader,
    files: &[PathBuf],
    runs: u32,
) -> Result<Vec<Option<f64>>, String> {
    let output = Command::new(interpreter)
        .arg("-c")
        .arg(format!("{}{TIMER}", reader.program))
        .arg(runs.min(MAX_PYTHON_RUNS).to_string())
        .args(files)
        .output()
        .map_err(|error| format!("{} does not start: {error}", interpreter.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let why = said.lines().last().unwrap_or("it ends without a word");
        return Err(format!("{}: {why}", interpreter.display()));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    Ok(printed.lines().map(|line| line.parse().ok()).collect())
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
