//! The command line of `silk hil` and `silk log`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::LockArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum HilVerb {
    /// List tests, and what would run them; touches no hardware
    List(HilListArgs),
    /// Run tests on boards: those of hil.toml, or those inside an ELF
    ///
    /// With an ELF as first argument it is a cargo runner: `runner = "silk hil run"` in
    /// .cargo/config.toml, and what follows is what `cargo test` passes on.
    Run(HilRunArgs),
    /// Judge recorded runs again; no board is touched
    ///
    /// Every bundle of a test that went wrong is a recording; `silk hil run --record DIR` keeps all. The
    /// same bytes go through the same decoders and expectations.
    Replay(HilReplayArgs),
    /// Reports of recorded runs, with the verdicts that they were given
    Report(HilReportArgs),
}

/// Recorded runs, and where reports of them go.
#[derive(Debug, Args)]
pub(crate) struct HilReportArgs {
    /// Bundles, or folders of bundles
    #[arg(value_name = "FILE|DIR", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) recordings: Vec<PathBuf>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Write a summary in Markdown; in a GitHub workflow it goes to the step's own as well
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) summary: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct HilReplayArgs {
    #[command(flatten)]
    pub(crate) report: HilReportArgs,
    /// Judge by the expectations that hil.toml has now, not by those of the recording
    #[arg(long)]
    pub(crate) project: bool,
}

/// Which tests.
#[derive(Debug, Args, Clone, Default)]
pub(crate) struct HilSelection {
    /// An ELF with tests inside, then parts of test names; any one of them selects a test
    #[arg(value_name = "ELF|FILTER", value_hint = ValueHint::FilePath)]
    pub(crate) what: Vec<String>,
    /// Filters are whole test names
    #[arg(long)]
    pub(crate) exact: bool,
    /// Leave out tests whose name has this part; may be repeated
    #[arg(long, value_name = "FILTER")]
    pub(crate) skip: Vec<String>,
    /// Only tests that the expression selects, as `test(uart) & not target(boot)`
    #[arg(short = 'E', long, value_name = "EXPRESSION")]
    pub(crate) filter_expr: Option<String>,
    /// Run only ignored tests
    #[arg(long, conflicts_with = "include_ignored")]
    pub(crate) ignored: bool,
    /// Run ignored tests as well
    #[arg(long)]
    pub(crate) include_ignored: bool,
    /// Only one part of the tests, as `count:1/4` or `hash:1/4`
    #[arg(long, value_name = "PART")]
    pub(crate) partition: Option<String>,
    /// Profile of hil.toml
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
}

#[derive(Debug, Args)]
pub(crate) struct HilListArgs {
    #[command(flatten)]
    pub(crate) selection: HilSelection,
    /// Show what each test runs with, and which overrides of the profile say so
    #[arg(long)]
    pub(crate) settings: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HilRunArgs {
    #[command(flatten)]
    pub(crate) selection: HilSelection,
    /// Show what tests say as they say it
    #[arg(long, visible_alias = "show-output")]
    pub(crate) nocapture: bool,
    /// List the tests and run none, as `cargo test -- --list`
    #[arg(long)]
    pub(crate) list: bool,
    /// Run a test that went wrong so many times more
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Seconds a test may take that does not say so itself
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// Stop after the first test that went wrong
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Boards that run at the same time [default: every real board, one virtual one]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Wait so long for boards that somebody else has, instead of failing with 104 at once
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<f64>,
    /// Fail with 103 where no board can run a test, instead of skipping it
    #[arg(long)]
    pub(crate) require_board: bool,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Write a summary in Markdown; in a GitHub workflow it goes to the step's own as well
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) summary: Option<PathBuf>,
    /// Folder for the bundles of tests that went wrong [default: target/silk-hil]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) artifacts: Option<PathBuf>,
    /// Keep every run in this folder, also of tests that pass, for `silk hil replay`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) record: Option<PathBuf>,
    /// Taken and ignored, as `cargo test` passes them on
    #[arg(long, hide = true)]
    pub(crate) test_threads: Option<usize>,
    /// As --test-threads
    #[arg(short = 'q', long, hide = true)]
    pub(crate) quiet: bool,
    /// As --test-threads
    #[arg(long, hide = true)]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Go on until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// End after so many seconds [default: 2]
    #[arg(long = "for", value_name = "SECONDS", conflicts_with = "follow")]
    pub(crate) seconds: Option<f64>,
    /// Serial line to listen to as well; without --probe it alone is listened to
    #[arg(long, value_name = "/dev/DEVICE[@BAUD]|tcp:HOST:PORT", value_hint = ValueHint::FilePath)]
    pub(crate) serial: Option<String>,
    /// Stimulus ports of the ITM to listen to as well, such as 0,2-4; without PORTS all of them. That
    /// switches trace on in the chip (it writes DEMCR, DWT, ITM, TPIU and the pin's own setting), and off
    /// at the end
    #[arg(long, value_name = "PORTS", num_args = 0..=1, default_missing_value = "all", requires = "trace_clock")]
    pub(crate) itm: Option<String>,
    /// Clock of the trace port in Hz: mostly the core's; on an nRF52 4, 8, 16 or 32 MHz
    #[arg(long, visible_alias = "core-clock", value_name = "HZ", requires = "itm", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) trace_clock: Option<u32>,
    /// Bits per second on the trace pin
    #[arg(long, value_name = "HZ", requires = "itm", default_value_t = 1_000_000)]
    pub(crate) swo_baud: u32,
    /// Only lines that the regular expression matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) grep: Option<String>,
    /// Only lines of this level and above: trace, debug, info, warn, error
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<String>,
    /// Only lines of modules with this part in their path
    #[arg(long, value_name = "MODULE")]
    pub(crate) module: Option<String>,
    /// Keep the raw bytes in a bundle, for --replay
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<PathBuf>,
    /// Decode the logs of a bundle again; no board is touched
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["follow", "seconds", "record", "serial", "itm"])]
    pub(crate) replay: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BenchLockArgs {
    /// Board of bench.toml
    pub(crate) board: String,
    /// What for, as others are told
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Command to run; it finds the board in SILK_PROBE and SILK_CHIP
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BenchUnlockArgs {
    /// Board of bench.toml
    pub(crate) board: String,
    /// End the process that holds it; without this it is only named
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The earlier bundle
    #[arg(value_name = "BEFORE", value_hint = ValueHint::FilePath)]
    pub(crate) before: PathBuf,
    /// The later bundle
    #[arg(value_name = "AFTER", value_hint = ValueHint::FilePath)]
    pub(crate) after: PathBuf,
}
