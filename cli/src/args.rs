//! The command line, as clap sees it. What each verb does is in `verbs`.

mod gateway;
mod hil;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

pub(crate) use gateway::{GatewayExplainArgs, GatewayServeArgs, GatewayStatusArgs, GatewayVerb};
pub(crate) use hil::{
    BenchLockArgs, BenchUnlockArgs, DiffArgs, HilReplayArgs, HilReportArgs, HilRunArgs,
    HilSelection, HilVerb, LogArgs,
};

/// True register, symbol and board facts for AI help on firmware.
#[derive(Debug, Parser)]
#[command(name = "silk", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Nothing plugged in? `silk demo` tells the whole story in a minute.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options that every verb takes.
#[derive(Debug, Args, Clone, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// SVD of the chip: a file, a CMSIS pack or zip (PACK:SVD), a folder; may be repeated
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svd: Vec<PathBuf>,
    /// ELF file of the firmware; may be repeated
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) elf: Vec<PathBuf>,
    /// Where sources are that were compiled elsewhere; may be repeated. `*` is any one folder
    #[arg(long, global = true, value_name = "FROM=TO")]
    pub(crate) source_map: Vec<String>,
    /// Chip, as probe-rs names it (nRF51822_xxAA)
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) chip: Option<String>,
    /// Probe: VID:PID[:SERIAL][@USBPORT], tcp:HOST:PORT or virtual:BOARD
    #[arg(long, global = true, value_name = "SELECTOR")]
    pub(crate) probe: Option<String>,
    /// Project file to use instead of the nearest silk.toml
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Print data as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
}

/// When to colour. `auto` obeys NO_COLOR and whether the output is a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The whole story with nothing plugged in
    Demo(DemoArgs),
    /// Write a silk.toml from what the project already says
    Init(InitArgs),
    /// Check what silk needs: sources, QEMU, probes, models
    Doctor,
    /// Show each setting and where it comes from
    Config,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },

    /// Look up registers by name, pattern, address or words
    Reg(RegArgs),
    /// Say what is at an address: register, function, line, variable
    Addr(AddrArgs),
    /// Look up symbols of the firmware
    Sym(SymArgs),
    /// Say which code reads and writes which register, with what value, at which line
    Uses(UsesArgs),
    /// Show how a type of the firmware lies in memory: members, offsets, padding
    Type(TypeArgs),
    /// Show what takes flash and RAM, and what grew between two builds
    Size(SizeArgs),
    /// Say which function serves which exception and interrupt
    Vectors(VectorsArgs),
    /// Dump a register map whole; list and prune the cached indexes
    Index {
        #[command(subcommand)]
        verb: IndexVerb,
    },

    /// Select the evidence for a question
    Context(ContextArgs),
    /// Ask a model, and check its answer
    Ask(AskArgs),
    /// Say what a bundle shows, on any machine, or what a function sets up in the chip
    Explain(ExplainArgs),
    /// Prove what can be proved without a model
    Triage(TriageArgs),
    /// Check what code, documents and the firmware say of the chip
    Check(CheckArgs),
    /// Answer an agent's questions over MCP: reads only, on standard input and output
    Mcp(McpArgs),

    /// Choose the evidence for a file of questions, to measure what is chosen
    Eval(EvalArgs),

    /// Write the firmware to the board and verify it, unless it is there already
    Flash(FlashArgs),
    /// Erase flash of the board: a range, or all of it
    Erase(EraseArgs),
    /// Reset the board
    Reset(ResetArgs),
    /// Halt the core and show its registers
    Halt(ObserveArgs),
    /// Let the core run and show what the board says
    Run(RunArgs),
    /// Read registers or memory, without halting
    Read(ReadArgs),
    /// Write registers or memory, without halting
    Write(WriteArgs),
    /// Save what the board shows as a .silk bundle
    Snap(SnapArgs),
    /// Tell what differs between two bundles, field by field
    Diff(DiffArgs),
    /// Show what the board says: RTT, defmt, semihosting, serial
    Log(LogArgs),
    /// Run tests on boards, real and virtual
    Hil {
        #[command(subcommand)]
        verb: HilVerb,
    },
    /// Virtual boards
    Bench {
        #[command(subcommand)]
        verb: BenchVerb,
    },
    /// Which model serves what: the gateway that goes on when an endpoint does not
    Gateway {
        #[command(subcommand)]
        verb: GatewayVerb,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Question to ask instead of the demo's own
    #[arg(value_name = "QUESTION")]
    pub(crate) question: Option<String>,
    /// Use the recorded board even if QEMU is here
    #[arg(long)]
    pub(crate) recorded: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the project
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace an existing silk.toml
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RegArgs {
    /// Name, pattern, address or words
    ///
    /// `REG=VALUE` decodes a value, `REG=VALUE..VALUE` tells what differs between two, and
    /// `'REG FIELD=VALUE FIELD=NAME'` makes the value to write, fields not named at reset. A
    /// peripheral's name lists its registers.
    #[arg(value_name = "QUERY", required = true)]
    pub(crate) query: Vec<String>,
    /// Show at most this many registers [default: 20, or all of a peripheral]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Draw the bits, as is done for one register on a terminal
    #[arg(long)]
    pub(crate) draw: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IndexVerb {
    /// Print every register of an SVD file, by peripheral and address
    ///
    /// Array elements are counted and listed one by one, but an outermost array of more than
    /// 4096 is one line, with its count and stride. With --json the last line is the summary.
    Dump {
        /// SVD file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// List the indexes in the cache: content, size, age
    List,
    /// Remove indexes that a newer version replaced, and the oldest beyond a size
    Gc(GcArgs),
}

#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// Keep the indexes used last up to this size in all
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) max_size: u64,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AddrArgs {
    /// Addresses, hexadecimal with 0x or decimal; `-` reads them from standard input
    #[arg(required = true)]
    pub(crate) addresses: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SymArgs {
    /// Name, part of a name, or pattern with `*`
    pub(crate) name: String,
    /// Show at most this many symbols
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct UsesArgs {
    /// Registers: name, pattern or address; all if left out
    #[arg(value_name = "REG")]
    pub(crate) register: Option<String>,
    /// Only code of this function, and what was inlined into it
    #[arg(long = "fn", value_name = "NAME")]
    pub(crate) function: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TypeArgs {
    /// Name, end of a path, part of a name, or pattern with `*`
    pub(crate) name: String,
    /// Show members of members, too
    #[arg(long)]
    pub(crate) nested: bool,
    /// Show at most this many types
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct SizeArgs {
    /// ELF to measure instead of the configured one; of two, what changed from the first to the
    /// second
    #[arg(value_name = "ELF", num_args = 0..=2, value_hint = ValueHint::FilePath)]
    pub(crate) elfs: Vec<PathBuf>,
    /// Show what changed since this ELF
    #[arg(long, value_name = "OLD", value_hint = ValueHint::FilePath)]
    pub(crate) diff: Option<PathBuf>,
    /// What to add up by; may be repeated [default: sections, crates or files, symbols]
    #[arg(long, value_name = "WHAT")]
    pub(crate) by: Vec<SizeBy>,
    /// Show at most this many of each [default: 15, with --json all]
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub(crate) top: Option<usize>,
    /// Show all
    #[arg(long)]
    pub(crate) all: bool,
    /// Show how much stack each function takes for itself instead
    #[arg(long, conflicts_with_all = ["by", "diff"])]
    pub(crate) stack: bool,
    /// Linker script or memory.x whose MEMORY tells what the chip has
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) memory: Option<PathBuf>,
}

/// What `silk size` adds up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SizeBy {
    /// Rust crates; what is no Rust by the folder of its source.
    Crate,
    /// Source files that were compiled.
    File,
    /// Functions and variables.
    Symbol,
    /// Sections.
    Section,
}

#[derive(Debug, Args)]
pub(crate) struct VectorsArgs {
    /// Show empty entries, too
    #[arg(long)]
    pub(crate) all: bool,
}

/// What a question may rest on.
#[derive(Debug, Args, Clone, Default)]
pub(crate) struct EvidenceArgs {
    /// Bundle with the board's state
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) bundle: Option<PathBuf>,
    /// Tokens (o200k) that the evidence may cost
    #[arg(long, value_name = "TOKENS")]
    pub(crate) budget: Option<usize>,
}

/// Which model may answer.
#[derive(Debug, Args, Clone, Default)]
pub(crate) struct ModelArgs {
    /// Allow endpoints that are not on this machine, this time
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Model to use, whatever the task
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Leave an answer with wrong claims as it is, instead of asking once more
    #[arg(long)]
    pub(crate) no_repair: bool,
    /// Let the model look nothing up: it answers from the evidence alone
    #[arg(long)]
    pub(crate) no_tools: bool,
    /// Seconds until an answer must have come
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) deadline: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ContextArgs {
    /// The question, in plain words
    pub(crate) question: String,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Questions, one JSON object a line: "id", "question", "svd"; other keys are left alone
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) questions: PathBuf,
    /// Folder that has the SVD files named there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) svd_dir: PathBuf,
    /// Tokens (o200k) that the evidence may cost
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', default_values_t = [1000, 2000, 4000])]
    pub(crate) budgets: Vec<usize>,
    /// How evidence is chosen
    #[arg(
        long,
        value_enum,
        default_value_t = EvalMethod::Silk,
        requires_if("embeddings", "embeddings")
    )]
    pub(crate) method: EvalMethod,
    /// Engine for the method "embeddings", as http://127.0.0.1:8080/v1; --table then has its row
    #[arg(long, value_name = "URL", conflicts_with = "ask")]
    pub(crate) embeddings: Option<String>,
    /// Model that it is asked for
    #[arg(long, value_name = "NAME", requires = "embeddings")]
    pub(crate) embedding_model: Option<String>,
    /// Print how much of "gold_registers" and "gold_fields" each method chooses, as a table; with
    /// --ask what the answers name
    #[arg(long, conflicts_with = "method")]
    pub(crate) table: bool,
    /// Ask a model each question: from nothing, from a dump and from what silk chooses
    #[arg(long, conflicts_with = "method")]
    pub(crate) ask: bool,
    /// Tokens that an answer may have
    #[arg(long, value_name = "TOKENS", requires = "ask", default_value_t = 300)]
    pub(crate) answer_tokens: u32,
    /// Allow endpoints that are not on this machine, this time
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Model to ask
    #[arg(long, value_name = "NAME", requires = "ask")]
    pub(crate) model: Option<String>,
    /// Seconds until each answer must have begun
    #[arg(long, value_name = "SECONDS", requires = "ask", default_value_t = 300)]
    pub(crate) deadline: u64,
}

/// Ways to choose evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EvalMethod {
    /// As `silk context` and `silk ask` do
    Silk,
    /// One document for each register, ranked by BM25
    Bm25,
    /// All registers of the peripherals that the question names
    Dump,
    /// One document for each register, ranked by the vectors of an engine
    Embeddings,
}

impl EvalMethod {
    /// Those that need no engine, ours first.
    pub(crate) const ALONE: [Self; 3] = [Self::Silk, Self::Bm25, Self::Dump];
}

#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The question, in plain words
    pub(crate) question: String,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Print exactly what would be sent, secrets masked, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A .silk file or an ELF core file; or a function of the firmware, as `uart_init` or `uart.c:uart_init`
    #[arg(value_name = "BUNDLE|FUNCTION", value_hint = ValueHint::FilePath)]
    pub(crate) what: PathBuf,
    /// Show every register, not only those that differ from their reset value
    #[arg(long)]
    pub(crate) all: bool,
    /// Write the bundle's cores and memory as an ELF core file, which gdb opens
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) core: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TriageArgs {
    /// The .silk file; without one, the firmware's own writes are judged
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) bundle: Option<PathBuf>,
    /// List the rules: what each proves, by what, and when it cannot know
    #[arg(long, conflicts_with = "bundle")]
    pub(crate) rules: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files and folders: C, C++, Rust, Markdown; `-` reads standard input
    ///
    /// A wrong claim ends in exit code 100. A comment `silk: allow(KIND) reason` on its line, or
    /// alone on the line before, allows it. With `--elf` the firmware's register accesses are
    /// checked as well.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
    /// Folder with headers that the code includes; may be repeated
    #[arg(short = 'I', long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) include: Vec<PathBuf>,
    /// What the files are written in, whatever their names
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<CheckLanguage>,
    /// How to tell what is wrong
    #[arg(long, value_name = "FORMAT", default_value = "full", conflicts_with = "json")]
    pub(crate) format: CheckFormat,
    /// Tell also what is not known, and what is allowed
    #[arg(long)]
    pub(crate) all: bool,
    /// Pass over the wrong claims that this file lists
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,
    /// List the wrong claims in this file, and end well
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "baseline")]
    pub(crate) write_baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    /// Bundle with the board's state
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) bundle: Option<PathBuf>,
}

/// How `silk check` tells what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// With the lines it stands on.
    Full,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Languages that `silk check` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckLanguage {
    /// C and C++.
    C,
    /// Rust.
    Rust,
    /// Prose with blocks of code.
    Markdown,
}

/// A board that somebody else may have.
#[derive(Debug, Args, Clone, Default)]
pub(crate) struct LockArgs {
    /// Wait so long for a board that somebody else has, instead of failing with 104 at once
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<f64>,
}

/// How a verb looks at a board. A virtual board starts empty with each command, so it is
/// flashed and run first.
#[derive(Debug, Args, Clone)]
pub(crate) struct ObserveArgs {
    /// On a virtual board: how long the firmware runs before it is looked at
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub(crate) run_for: f64,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FlashArgs {
    /// Write it also if the board holds it already
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave the core halted at its first instruction
    #[arg(long)]
    pub(crate) halt: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
#[group(id = "erased", required = true, multiple = false)]
pub(crate) struct EraseArgs {
    /// Erase the sectors that hold START..END or START+LENGTH
    #[arg(value_name = "RANGE", group = "erased")]
    pub(crate) range: Option<String>,
    /// Erase all flash of the chip: firmware, settings, keys
    #[arg(long, group = "erased")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// Register (REGISTER=VALUE) or address (ADDRESS=VALUE)
    #[arg(value_name = "REGISTER=VALUE|ADDRESS=VALUE", required = true)]
    pub(crate) what: Vec<String>,
    /// For addresses: bits of a word (8, 16 or 32)
    #[arg(long, value_name = "BITS", default_value_t = 32)]
    pub(crate) size: u32,
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// Stop at the first instruction
    #[arg(long)]
    pub(crate) halt: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// End after so many seconds instead of at Ctrl-C
    #[arg(long = "for", value_name = "SECONDS")]
    pub(crate) seconds: Option<f64>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    /// Register (name or pattern) or address
    #[arg(value_name = "REGISTER|ADDRESS", required = true)]
    pub(crate) what: Vec<String>,
    /// For addresses: how many words
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) count: usize,
    /// For addresses: bits of a word (8, 16 or 32)
    #[arg(long, value_name = "BITS", default_value_t = 32)]
    pub(crate) size: u32,
    /// Read also registers whose reading changes the hardware
    #[arg(long)]
    pub(crate) allow_side_effects: bool,
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SnapArgs {
    /// File to write; a name with the time of day if left out
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Registers to read (names or patterns) instead of the peripherals the firmware uses
    #[arg(value_name = "REGISTER")]
    pub(crate) registers: Vec<String>,
    /// Halt the core for its registers, call chain and tasks, then let it run on
    #[arg(long)]
    pub(crate) halt: bool,
    /// RAM ranges to save, as START..END or START+LENGTH
    #[arg(long, value_name = "RANGE")]
    pub(crate) memory: Vec<String>,
    /// Leave the ELF file out of the bundle
    #[arg(long)]
    pub(crate) no_elf: bool,
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchVerb {
    /// List virtual boards and probes, and what each can be used for
    List,
    /// Start a virtual board, let the firmware run on it, and serve it as `serve` does
    Start(ServeArgs),
    /// Serve a virtual board as a probe on the network, for silk, probe-rs, cargo and IDEs
    Serve(ServeArgs),
    /// Measure which registers of a virtual board read back what was written
    Scan {
        /// Board, such as microbit
        board: String,
    },
    /// Attach to every board of bench.toml, and say which cannot be used and why
    Check,
    /// Hold a board of bench.toml while a command runs, or until Ctrl-C
    Lock(BenchLockArgs),
    /// Say who holds a board of bench.toml; with --force, end that process
    Unlock(BenchUnlockArgs),
    /// Tell who holds which board of bench.toml
    Who,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Board, such as microbit
    pub(crate) board: String,
    /// Where to listen; whoever can connect controls the board. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// Where to serve the board's UART, raw bytes both ways [default: a free port of the same address]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) uart: Option<std::net::SocketAddr>,
    /// Write the description of the board's chip that `probe-rs --chip-description-path` takes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) chip_description: Option<PathBuf>,
}
