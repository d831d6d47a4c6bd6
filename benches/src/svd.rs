//! Reading SVD files: ours beside its peers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use svd_index::Chip;
use svd_index::svd::Build;

use crate::clock::{Times, time};
use crate::error::BenchError;
use crate::{peers, table};

/// What `benches svd` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// SVD files, plain
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs of each contender that count; one more warms up
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Interpreter that has cmsis-svd or pyocd
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Leave the Python readers out; they need up to a second for each file and run
    #[arg(long)]
    no_python: bool,
    /// Print one JSON object a line: each file, then the summary
    #[arg(long)]
    json: bool,
}

/// Medians of one file, in milliseconds. `None`: the contender is missing, or refuses the file.
#[derive(Debug, Clone, Default, Serialize)]
struct Row {
    file: String,
    bytes: u64,
    /// quick-xml's events, nothing done with them.
    quick_xml_ms: Option<f64>,
    /// From the bytes of the SVD to the bytes of its index file: content hash, reading,
    /// derivation, names, checksums. All that a look-up by name or address needs.
    ours_ms: Option<f64>,
    /// The word index, which the first search for words builds.
    words_ms: Option<f64>,
    /// svd-parser, its validation off.
    svd_parser_ms: Option<f64>,
    /// The same with derivation and arrays expanded.
    svd_parser_expand_ms: Option<f64>,
    cmsis_svd_ms: Option<f64>,
    pyocd_ms: Option<f64>,
    /// Ours over quick-xml's events.
    over_quick_xml: Option<f64>,
    /// svd-parser with expansion over ours.
    faster_than_svd_parser_expand: Option<f64>,
    /// Megabytes of SVD that ours reads in a second.
    mb_per_s: Option<f64>,
}

/// All rows together.
#[derive(Debug, Serialize)]
struct Summary {
    files: usize,
    bytes: u64,
    runs: u32,
    /// Sums of medians, over files that both contenders read.
    over_quick_xml: Option<f64>,
    worst_over_quick_xml: Option<f64>,
    faster_than_svd_parser_expand: Option<f64>,
    least_faster_than_svd_parser_expand: Option<f64>,
    mb_per_s: Option<f64>,
    /// Contenders that did not run, and why.
    skipped: Vec<String>,
}

/// Runs the bench and prints it.
pub(crate) fn run(args: &Args) -> Result<(), BenchError> {
    let mut skipped = Vec::new();
    let mut rows = Vec::with_capacity(args.files.len());
    for path in &args.files {
        rows.push(measure(path, args.runs, &mut skipped)?);
    }
    if args.no_python {
        skipped.push("cmsis-svd, pyocd: left out as asked".into());
    } else {
        for reader in peers::PYTHON {
            match peers::python(&args.python, reader, &args.files, args.runs) {
                Ok(times) => {
                    for (row, ms) in rows.iter_mut().zip(times) {
                        let cell = match reader.name {
                            "pyocd" => &mut row.pyocd_ms,
                            _ => &mut row.cmsis_svd_ms,
                        };
                        *cell = ms;
                    }
                }
                Err(why) => skipped.push(format!("{}: {why}", reader.name)),
            }
        }
    }
    let summary = summarise(&rows, args.runs, skipped);
    let mut out = std::io::stdout().lock();
    if args.json {
        for row in &rows {
            writeln!(out, "{}", table::json(row))?;
        }
        writeln!(out, "{}", table::json(&serde_json::json!({ "summary": summary })))?;
        return Ok(());
    }
    print(&mut out, &rows, &summary)
}

/// Measures the contenders in this process, in turn.
fn measure(path: &Path, runs: u32, skipped: &mut Vec<String>) -> Result<Row, BenchError> {
    let read = |source| BenchError::Read { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(read)?;
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes))
        .map_err(|_| BenchError::NotText { path: path.to_owned() })?;
    let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    let mut times: [Times; 5] = Default::default();
    let build = Build::default();
    let mut refused = None;
    for run in 0..=runs {
        let mut add = |contender: usize, time: Duration| {
            if run > 0 {
                times[contender].add(time);
            }
        };
        add(0, time(|| peers::quick_xml_events(text)).0);
        let (taken, index) = time(|| svd_index::svd::build(&bytes, build.id(&bytes), &build));
        let not_svd = |source| BenchError::NotSvd { path: path.to_owned(), source };
        let index = index.map_err(not_svd)?;
        add(1, taken);
        let chip = Chip::from_index(&index).expect("an index just built is sound");
        add(2, time(|| chip.search("word", 1).len()).0);
        if refused.is_some() {
            continue;
        }
        match time(|| peers::svd_parser(text)) {
            (taken, Ok(device)) => {
                add(3, taken);
                let (expanding, expanded) = time(|| peers::expand(&device));
                match expanded {
                    Ok(_) => add(4, taken + expanding),
                    Err(why) => refused = Some(why),
                }
            }
            (_, Err(why)) => refused = Some(why),
        }
    }
    if let Some(why) = refused {
        skipped.push(format!("svd-parser on {file}: {why}"));
    }
    let [quick_xml, ours, words, parser, expand] = times.map(|times| times.median_ms());
    let ratio = |above: Option<f64>, below: Option<f64>| Some(above? / below?);
    Ok(Row {
        file,
        bytes: bytes.len() as u64,
        quick_xml_ms: quick_xml,
        ours_ms: ours,
        words_ms: words,
        svd_parser_ms: parser,
        svd_parser_expand_ms: expand,
        over_quick_xml: ratio(ours, quick_xml),
        faster_than_svd_parser_expand: ratio(expand, ours),
        mb_per_s: ratio(Some(bytes.len() as f64 / 1e3), ours),
        ..Row::default()
    })
}

fn summarise(rows: &[Row], runs: u32, skipped: Vec<String>) -> Summary {
    let over = |above: fn(&Row) -> Option<f64>, below: fn(&Row) -> Option<f64>| {
        let both = rows.iter().filter_map(|row| Some((above(row)?, below(row)?)));
        let (above, below) = both.fold((0.0, 0.0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
        (below > 0.0).then(|| above / below)
    };
    Summary {
        files: rows.len(),
        bytes: rows.iter().map(|row| row.bytes).sum(),
        runs,
        over_quick_xml: over(|row| row.ours_ms, |row| row.quick_xml_ms),
        worst_over_quick_xml: rows.iter().filter_map(|row| row.over_quick_xml).reduce(f64::max),
        faster_than_svd_parser_expand: over(|row| row.svd_parser_expand_ms, |row| row.ours_ms),
        least_faster_than_svd_parser_expand: rows
            .iter()
            .filter_map(|row| row.faster_than_svd_parser_expand)
            .reduce(f64::min),
        mb_per_s: over(|row| Some(row.bytes as f64 / 1e3), |row| row.ours_ms),
        skipped,
    }
}

fn print(out: &mut impl Write, rows: &[Row], summary: &Summary) -> Result<(), BenchError> {
    let head = [
        "file",
        "MB",
        "quick-xml",
        "ours",
        "words",
        "svd-parser",
        "+ expand",
        "cmsis-svd",
        "pyocd",
        "ours/quick-xml",
        "+ expand/ours",
        "MB/s",
    ];
    let mut cells = vec![head.map(String::from).to_vec()];
    for row in rows {
        let mut line = vec![row.file.clone()];
        line.extend(
            [
                Some(row.bytes as f64 / 1e6),
                row.quick_xml_ms,
                row.ours_ms,
                row.words_ms,
                row.svd_parser_ms,
                row.svd_parser_expand_ms,
                row.cmsis_svd_ms,
                row.pyocd_ms,
                row.over_quick_xml,
                row.faster_than_svd_parser_expand,
                row.mb_per_s,
            ]
            .map(table::number),
        );
        cells.push(line);
    }
    writeln!(out, "Medians of {} runs after one to warm up, in milliseconds.\n", summary.runs)?;
    table::write(out, &cells)?;
    let all = table::number;
    writeln!(
        out,
        "\n{} files, {:.1} MB: ours takes {} × quick-xml's events (at most {}), is {} × faster than \
         svd-parser + expand (at least {}), and reads {} MB/s.",
        summary.files,
        summary.bytes as f64 / 1e6,
        all(summary.over_quick_xml),
        all(summary.worst_over_quick_xml),
        all(summary.faster_than_svd_parser_expand),
        all(summary.least_faster_than_svd_parser_expand),
        all(summary.mb_per_s),
    )?;
    for why in &summary.skipped {
        writeln!(out, "skipped: {why}")?;
    }
    Ok(())
}
