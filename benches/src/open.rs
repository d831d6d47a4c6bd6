//! Opening index files that are there, and asking them.

use std::io::Write;
use std::path::{Path, PathBuf};

use nix::sys::resource::{UsageWho, getrusage};
use serde::Serialize;
use svd_index::{Index, Query, Sources};

use crate::clock::{Times, time};
use crate::error::BenchError;
use crate::{process, table};

/// What `benches open` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// SVD files; they are indexed first, outside of the times
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs that count; one more warms up
    #[arg(long, default_value_t = 51, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Words to search all files for
    #[arg(long, default_value = "transmit data register empty interrupt enable")]
    words: String,
    /// Measure `silk reg` as a whole process too, on the first file
    #[arg(long, value_name = "PATH")]
    silk: Option<PathBuf>,
    /// What that process is asked
    #[arg(long, value_name = "NAME", default_value = "USART2.BRR", requires = "silk")]
    register: String,
    /// Print one JSON object a line: each file, then the summary
    #[arg(long)]
    json: bool,
}

/// Medians of one file, in microseconds. Each time the index is opened anew; the system has its
/// pages in memory.
#[derive(Debug, Serialize)]
struct Row {
    file: String,
    registers: u64,
    index_bytes: u64,
    open_us: Option<f64>,
    open_and_address_us: Option<f64>,
    open_and_name_us: Option<f64>,
}

/// All files at once.
#[derive(Debug, Serialize)]
struct Summary {
    files: usize,
    runs: u32,
    worst_open_and_address_us: Option<f64>,
    /// Building the word indexes, which the first search ever does; once, not a median.
    words_built_ms: f64,
    /// The first search after opening: the word indexes are opened too.
    words_cold_us: Option<f64>,
    /// The next one.
    words_warm_us: Option<f64>,
    silk: Option<Process>,
}

/// `silk reg`, from start to end.
#[derive(Debug, Serialize)]
struct Process {
    register: String,
    wall_ms: Option<f64>,
    /// The most memory it held, the pages of mapped files included.
    peak_rss_mb: f64,
}

/// Runs the bench and prints it.
pub(crate) fn run(args: &Args) -> Result<(), BenchError> {
    let folder = tempfile::tempdir()?;
    // First, since a process is said to have held at least what the one that started it did.
    let silk = match &args.silk {
        Some(silk) => Some(process(silk, args, folder.path())?),
        None => None,
    };
    let cache = folder.path().join("index");
    let rows: Vec<Row> =
        args.files.iter().map(|path| file(path, &cache, args.runs)).collect::<Result<_, _>>()?;
    let (built, cold, warm) = words(args, &cache)?;
    let summary = Summary {
        files: rows.len(),
        runs: args.runs,
        worst_open_and_address_us: rows
            .iter()
            .filter_map(|row| row.open_and_address_us)
            .reduce(f64::max),
        words_built_ms: built,
        words_cold_us: cold.median_us(),
        words_warm_us: warm.median_us(),
        silk,
    };
    print(args, &rows, &summary)
}

fn open(files: &[PathBuf], cache: &Path) -> Result<Index, BenchError> {
    let svds = files.iter().cloned().map(Into::into).collect();
    Ok(Index::open(&Sources { svds, elfs: Vec::new() }, cache)?.index)
}

fn file(path: &Path, cache: &Path, runs: u32) -> Result<Row, BenchError> {
    let files = [path.to_owned()];
    let first = open(&files, cache)?;
    let chip = first.chip().expect("one was opened");
    let registers: Vec<_> = chip.registers().collect();
    // Whichever: one in the middle. A file without registers is asked for a hole.
    let asked = registers.get(registers.len() / 2);
    let address = asked.map_or(0, |register| register.address());
    let name = asked.map_or_else(|| "NONE.NONE".to_owned(), |register| register.path());
    let mut times: [Times; 3] = Default::default();
    for run in 0..=runs {
        let (opening, index) = time(|| open(&files, cache));
        drop(index?);
        let (at_address, found) = time(|| {
            let index = open(&files, cache)?;
            let found = index.chip().map_or(0, |chip| chip.registers_at(address).len());
            Ok::<_, BenchError>((index, found))
        });
        drop(found?);
        let (by_name, found) = time(|| {
            let index = open(&files, cache)?;
            let query = Query::parse(&name).ok();
            let chip = index.chip();
            let found = chip.zip(query).map_or(0, |(chip, query)| chip.find(&query).len());
            Ok::<_, BenchError>((index, found))
        });
        drop(found?);
        if run > 0 {
            times[0].add(opening);
            times[1].add(at_address);
            times[2].add(by_name);
        }
    }
    let [open_us, open_and_address_us, open_and_name_us] = times.map(|times| times.median_us());
    Ok(Row {
        file: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into()),
        registers: chip.device().registers,
        index_bytes: chip.file().size(),
        open_us,
        open_and_address_us,
        open_and_name_us,
    })
}

/// Milliseconds to build all word indexes; times of the first and the second search after opening.
fn words(args: &Args, cache: &Path) -> Result<(f64, Times, Times), BenchError> {
    let search = |index: &Index| {
        index.chips().iter().map(|chip| chip.search(&args.words, 20).len()).sum::<usize>()
    };
    let index = open(&args.files, cache)?;
    let (built, _) = time(|| search(&index));
    let (mut cold, mut warm) = (Times::default(), Times::default());
    for run in 0..=args.runs {
        let index = open(&args.files, cache)?;
        let (first, _) = time(|| search(&index));
        let (second, _) = time(|| search(&index));
        if run > 0 {
            cold.add(first);
            warm.add(second);
        }
    }
    Ok((built.as_secs_f64() * 1e3, cold, warm))
}

fn process(silk: &Path, args: &Args, folder: &Path) -> Result<Process, BenchError> {
    let file = std::path::absolute(&args.files[0])?;
    let asked = args.register.as_ref();
    let arguments = ["--svd".as_ref(), file.as_os_str(), "reg".as_ref(), asked];
    let times = process::silk(silk, folder, &arguments, args.runs)?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| BenchError::Process {
        command: silk.display().to_string(),
        why: format!("its memory is not told: {error}"),
    })?;
    Ok(Process {
        register: args.register.clone(),
        wall_ms: times.median_ms(),
        // In KiB on Linux. Source: getrusage(2).
        peak_rss_mb: usage.max_rss() as f64 * 1024.0 / 1e6,
    })
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
    let head = ["file", "registers", "index MB", "open", "+ address", "+ name"];
    let mut cells = vec![head.map(String::from).to_vec()];
    for row in rows {
        let mut line = vec![row.file.clone(), row.registers.to_string()];
        let index_mb = Some(row.index_bytes as f64 / 1e6);
        line.extend(
            [index_mb, row.open_us, row.open_and_address_us, row.open_and_name_us]
                .map(table::number),
        );
        cells.push(line);
    }
    writeln!(out, "Medians of {} runs after one to warm up, in microseconds.\n", summary.runs)?;
    table::write(&mut out, &cells)?;
    writeln!(
        out,
        "\n`{}` in {} files: {} µs the first time after opening, {} µs the second; to build the \
         word indexes took {} ms once.",
        args.words,
        summary.files,
        table::number(summary.words_cold_us),
        table::number(summary.words_warm_us),
        table::number(Some(summary.words_built_ms)),
    )?;
    if let Some(silk) = &summary.silk {
        let (wall, rss) = (table::number(silk.wall_ms), table::number(Some(silk.peak_rss_mb)));
        writeln!(out, "`silk reg {}`: {wall} ms, {rss} MB at most.", silk.register)?;
    }
    Ok(())
}
