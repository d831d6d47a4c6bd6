//! Reading firmware images: ours beside its peers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use svd_index::elf::{self, Firmware, Split};
use svd_index::store::SourceId;
use svd_index::{Index, Sources};

use crate::clock::{Times, time};
use crate::elf_peers::{self as peers, Debug};
use crate::error::BenchError;
use crate::{process, table};

/// What `benches elf` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// ELF files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs of each contender that count; one more warms up
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure `silk addr` beside binutils, LLVM and gdb too, as whole processes
    #[arg(long, value_name = "PATH")]
    silk: Option<PathBuf>,
    /// Print one JSON object a line: each file, then the summary
    #[arg(long)]
    json: bool,
}

/// Medians of one file. `None`: the contender is missing, or refuses the file.
#[derive(Debug, Clone, Default, Serialize)]
struct Row {
    file: String,
    bytes: u64,
    /// Of all sections that are code.
    code_bytes: u64,
    entries: u64,
    rows: u64,
    /// gimli going through all entries of the debug information, nothing done with them.
    entries_ms: Option<f64>,
    /// gimli going through all rows of the line programs.
    rows_ms: Option<f64>,
    /// From the bytes of the ELF to the bytes of its index file: content hash, symbols, functions
    /// and what was inlined into them, lines, variables and their types, names, checksums.
    ours_ms: Option<f64>,
    /// How all types are laid out: its own index file, built when first asked for.
    types_ms: Option<f64>,
    /// Both index files in one go, content hash and all: what is known of the ELF in full, but for
    /// what its code touches.
    full_ms: Option<f64>,
    /// Which code touches which register: its own index file, built when first asked for.
    uses_ms: Option<f64>,
    /// Opening the index file and the frames of one address.
    open_and_address_us: Option<f64>,
    /// addr2line's context and the frames of that address.
    addr2line_ms: Option<f64>,
    /// probe-rs-debug's loading and the line of that address.
    probe_rs_debug_ms: Option<f64>,
    /// Ours over gimli's entries.
    over_entries: Option<f64>,
    /// Both in one go over gimli's entries.
    full_over_entries: Option<f64>,
    /// Whole processes.
    processes: Vec<Process>,
}

/// A program that looks one address up.
#[derive(Debug, Clone, Serialize)]
struct Process {
    name: String,
    ms: f64,
}

/// All rows together.
#[derive(Debug, Serialize)]
struct Summary {
    files: usize,
    bytes: u64,
    runs: u32,
    over_entries: Option<f64>,
    full_over_entries: Option<f64>,
    worst_over_entries: Option<f64>,
    worst_full_over_entries: Option<f64>,
    worst_open_and_address_us: Option<f64>,
    /// Contenders that did not run, and why.
    skipped: Vec<String>,
}

/// Runs the bench and prints it.
pub(crate) fn run(args: &Args) -> Result<(), BenchError> {
    let mut skipped = Vec::new();
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::with_capacity(args.files.len());
    for path in &args.files {
        rows.push(measure(path, args, folder.path(), &mut skipped)?);
    }
    skipped.sort();
    skipped.dedup();
    let measured =
        rows.iter().filter_map(|row| Some([row.ours_ms?, row.full_ms?, row.entries_ms?]));
    let [ours, full, entries] = measured.fold([0.0; 3], |sum: [f64; 3], row| {
        std::array::from_fn(|column| sum[column] + row[column])
    });
    let summary = Summary {
        files: rows.len(),
        bytes: rows.iter().map(|row| row.bytes).sum(),
        runs: args.runs,
        over_entries: (entries > 0.0).then(|| ours / entries),
        full_over_entries: (entries > 0.0).then(|| full / entries),
        worst_over_entries: rows.iter().filter_map(|row| row.over_entries).reduce(f64::max),
        worst_full_over_entries: rows
            .iter()
            .filter_map(|row| row.full_over_entries)
            .reduce(f64::max),
        worst_open_and_address_us: rows
            .iter()
            .filter_map(|row| row.open_and_address_us)
            .reduce(f64::max),
        skipped,
    };
    print(args, &rows, &summary)
}

fn measure(
    path: &Path,
    args: &Args,
    folder: &Path,
    skipped: &mut Vec<String>,
) -> Result<Row, BenchError> {
    let bytes =
        std::fs::read(path).map_err(|source| BenchError::Read { path: path.to_owned(), source })?;
    let not_elf = |source| BenchError::NotElf { path: path.to_owned(), source };
    let firmware = Firmware::from_elf(&bytes).map_err(not_elf)?;
    let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let code = firmware.sections().filter(|section| section.executable);
    let mut row = Row {
        bytes: bytes.len() as u64,
        code_bytes: code.map(|section| section.size).sum(),
        ..Row::default()
    };
    let mut skip = |name: &str, why: String| skipped.push(format!("{name} on {file}: {why}"));
    let address = peers::some_address(&bytes).unwrap_or_else(|| firmware.entry());

    let id = SourceId::of(&bytes);
    row.ours_ms = ms(args.runs, || {
        let (writer, _) = elf::build(&bytes, SourceId::of(&bytes))?;
        Ok::<_, elf::ElfError>(writer.finish().len())
    });
    row.types_ms =
        ms(args.runs, || elf::build_types(&bytes, id).map(|writer| writer.finish().len()));
    row.full_ms = ms(args.runs, || {
        let built = elf::build_all_with(&bytes, &Split::default(), || SourceId::of(&bytes))?;
        Ok::<_, elf::ElfError>(built.main.len() + built.types.len())
    });
    row.uses_ms = ms(args.runs, || elf::build_uses(&bytes, id).map(|writer| writer.finish().len()));
    row.open_and_address_us = open_and_address(path, folder, address, args.runs)?;
    match Debug::of(&bytes) {
        Ok(debug) => {
            (row.entries, row.rows) = (debug.entries(), debug.rows());
            row.entries_ms = ms(args.runs, || Ok::<_, ()>(debug.entries()));
            row.rows_ms = ms(args.runs, || Ok::<_, ()>(debug.rows()));
            row.addr2line_ms = ms(args.runs, || debug.addr2line(address));
        }
        Err(why) => skip("gimli", why),
    }
    if let Err(why) = peers::probe_rs(path, address) {
        skip("probe-rs-debug", why);
    }
    row.probe_rs_debug_ms = ms(args.runs, || peers::probe_rs(path, address));
    let over = |ours: Option<f64>| Some(ours? / row.entries_ms?);
    (row.over_entries, row.full_over_entries) = (over(row.ours_ms), over(row.full_ms));
    if let Some(silk) = &args.silk {
        row.processes.push(silk_addr(silk, path, folder, address, args.runs)?);
        for tool in &peers::TOOLS {
            match tool.run(path, address, args.runs.min(3)) {
                Ok(taken) => row.processes.push(Process::of(tool.name, taken)),
                Err(why) => skip(tool.name, why),
            }
        }
    }
    row.file = file;
    Ok(row)
}

/// Median milliseconds of `work`; `None` if it fails.
fn ms<T, E>(runs: u32, mut work: impl FnMut() -> Result<T, E>) -> Option<f64> {
    let mut times = Times::default();
    for run in 0..=runs {
        let (taken, result) = time(&mut work);
        result.ok()?;
        if run > 0 {
            times.add(taken);
        }
    }
    times.median_ms()
}

fn open_and_address(
    path: &Path,
    folder: &Path,
    address: u64,
    runs: u32,
) -> Result<Option<f64>, BenchError> {
    let cache = folder.join("index");
    // A file just written is read again until the clock has moved on; a copy with an old date
    // stands for a firmware that was built before.
    let copy = folder.join("firmware.elf");
    std::fs::copy(path, &copy)?;
    let old = std::time::SystemTime::now() - Duration::from_secs(60);
    std::fs::File::options().write(true).open(&copy)?.set_modified(old)?;
    let sources = Sources { svds: Vec::new(), elfs: vec![copy] };
    let open = || Ok::<_, BenchError>(Index::open(&sources, &cache)?.index);
    drop(open()?);
    let mut times = Times::default();
    for run in 0..=runs {
        let (taken, index) = time(|| {
            let index = open()?;
            let frames = index.firmware().map_or(0, |firmware| firmware.frames_at(address).len());
            Ok::<_, BenchError>((index, frames))
        });
        drop(index?);
        if run > 0 {
            times.add(taken);
        }
    }
    Ok(times.median_us())
}

fn silk_addr(
    silk: &Path,
    file: &Path,
    folder: &Path,
    address: u64,
    runs: u32,
) -> Result<Process, BenchError> {
    let file = std::path::absolute(file)?;
    let address = format!("{address:#x}");
    let args = ["--elf".as_ref(), file.as_os_str(), "addr".as_ref(), address.as_ref()];
    let times = process::silk(silk, folder, &args, runs)?;
    Ok(Process::of("silk addr", times.median().expect("there is at least one run")))
}

impl Process {
    fn of(name: &str, taken: Duration) -> Self {
        Self { name: name.into(), ms: taken.as_secs_f64() * 1e3 }
    }
}

fn print(args: &Args, rows: &[Row], summary: &Summary) -> Result<(), BenchError> {
    let mut out = std::io::stdout().lock();
    if args.json {
        for row in rows {
            writeln!(out, "{}", table::json(row))?;
        }
        writeln!(out, "{}", table::json(&serde_json::json!({ "summary": summary })))?;
        return Ok(());
    }
    let head = [
        "file",
        "MB",
        "code KB",
        "entries",
        "gimli entries",
        "gimli rows",
        "ours",
        "types",
        "full",
        "uses",
        "addr2line",
        "probe-rs-debug",
        "open + address µs",
        "ours/entries",
        "full/entries",
    ];
    let mut cells = vec![head.map(String::from).to_vec()];
    for row in rows {
        let mut line = vec![row.file.clone()];
        line.extend(
            [row.bytes as f64 / 1e6, row.code_bytes as f64 / 1e3]
                .map(|size| table::number(Some(size))),
        );
        line.push(row.entries.to_string());
        line.extend(
            [
                row.entries_ms,
                row.rows_ms,
                row.ours_ms,
                row.types_ms,
                row.full_ms,
                row.uses_ms,
                row.addr2line_ms,
                row.probe_rs_debug_ms,
                row.open_and_address_us,
                row.over_entries,
                row.full_over_entries,
            ]
            .map(table::number),
        );
        cells.push(line);
    }
    writeln!(out, "Medians of {} runs after one to warm up, in milliseconds.\n", summary.runs)?;
    table::write(&mut out, &cells)?;
    for row in rows.iter().filter(|row| !row.processes.is_empty()) {
        let told = |one: &Process| format!("{} {}", one.name, table::number(Some(one.ms)));
        let told: Vec<String> = row.processes.iter().map(told).collect();
        writeln!(out, "\n{}, whole processes: {}", row.file, told.join(", "))?;
    }
    writeln!(
        out,
        "\n{} files, {} MB: ours takes {} × gimli's way through all entries (at most {}), the full \
         index with the layouts of types {} × (at most {}); index opened and one address found in \
         at most {} µs.",
        summary.files,
        table::number(Some(summary.bytes as f64 / 1e6)),
        table::number(summary.over_entries),
        table::number(summary.worst_over_entries),
        table::number(summary.full_over_entries),
        table::number(summary.worst_full_over_entries),
        table::number(summary.worst_open_and_address_us),
    )?;
    for why in &summary.skipped {
        writeln!(out, "skipped: {why}")?;
    }
    Ok(())
}
