//! Decoding defmt: what `silk log` makes of a stream, beside the bare rate of defmt-decoder.
//!
//! Ours are whole records: text, typed arguments, level, module and line. defmt-decoder's bare rate is
//! without text. It is a program of its own (`benches/defmt-decoder/`, to be built first), since it
//! changes what serde_json does in all that is linked with it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hil::{DefmtStream, DefmtTable};
use serde::Serialize;

use crate::clock::{Times, time};
use crate::error::BenchError;
use crate::table;

/// Bytes that arrive together.
const CHUNK: usize = 1024;

/// What `benches defmt` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The firmware
    #[arg(value_name = "ELF")]
    elf: PathBuf,
    /// Raw bytes of its defmt channel: `logs/…-defmt.raw` in a recording
    #[arg(value_name = "RAW")]
    raw: PathBuf,
    /// The stream is repeated until it has so many frames
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    frames: u64,
    /// Runs that count; one more warms up
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// `defmt-decoder-rate`, as `cargo build --release` makes it in benches/defmt-decoder
    #[arg(long, value_name = "PATH")]
    peer: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Millions of frames in a second, and ratios of them.
#[derive(Debug, Serialize)]
struct Summary {
    frames: u64,
    bytes: usize,
    ours_mframes: Option<f64>,
    decoder_bare_mframes: Option<f64>,
    decoder_text_mframes: Option<f64>,
    /// Ours, whole records, over defmt-decoder's without text.
    over_bare: Option<f64>,
    over_text: Option<f64>,
}

/// Runs the bench and prints it.
pub(crate) fn run(args: &Args) -> Result<(), BenchError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| BenchError::Read { path: path.to_owned(), source })
    };
    let (elf, raw) = (read(&args.elf)?, read(&args.raw)?);
    let no_table = || BenchError::NoDefmt { path: args.elf.clone() };
    let table = DefmtTable::of_elf(&elf).ok().flatten().ok_or_else(no_table)?;
    let once = frames(&table, &raw);
    if once == 0 {
        return Err(BenchError::NoDefmt { path: args.raw.clone() });
    }
    let times = args.frames.div_ceil(once);
    let stream = raw.repeat(usize::try_from(times).unwrap_or(usize::MAX));
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&stream)?;
    let [mut ours, mut bare, mut text]: [Times; 3] = Default::default();
    for run in 0..=args.runs {
        let (taken, count) = time(|| frames(&table, &stream));
        assert_eq!(count, once * times, "each repetition gives the same frames");
        if run > 0 {
            ours.add(taken);
        }
        for (mode, times) in [("bare", &mut bare), ("text", &mut text)] {
            if let Some(peer) = args.peer.as_ref().filter(|_| run > 0) {
                times.add(decoder(peer, &args.elf, file.path(), mode, count)?);
            }
        }
    }
    let count = once * times;
    let rate = |times: &Times| Some(count as f64 / times.median()?.as_secs_f64() / 1e6);
    let (ours, bare, text) = (rate(&ours), rate(&bare), rate(&text));
    print(
        args.json,
        &Summary {
            frames: count,
            bytes: stream.len(),
            ours_mframes: ours,
            decoder_bare_mframes: bare,
            decoder_text_mframes: text,
            over_bare: ours.zip(bare).map(|(ours, bare)| ours / bare),
            over_text: ours.zip(text).map(|(ours, text)| ours / text),
        },
    )
}

/// Decodes all of `stream` to records; gives their number.
fn frames(table: &DefmtTable, stream: &[u8]) -> u64 {
    let mut decoder = DefmtStream::new(table);
    let chunks = stream.chunks(CHUNK);
    chunks.map(|chunk| std::hint::black_box(decoder.push(chunk, 0)).len() as u64).sum()
}

/// The time that defmt-decoder takes, which has to find `expected` frames.
fn decoder(
    peer: &Path,
    elf: &Path,
    stream: &Path,
    mode: &str,
    expected: u64,
) -> Result<Duration, BenchError> {
    let failed = |why: String| BenchError::Process { command: peer.display().to_string(), why };
    let output = Command::new(peer).args([elf, stream]).arg(mode).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [nanoseconds, frames] if frames == expected => Ok(Duration::from_nanos(nanoseconds)),
        [_, frames] => Err(failed(format!("it found {frames} frames of {expected}"))),
        _ => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

fn print(json: bool, summary: &Summary) -> Result<(), BenchError> {
    let mut out = std::io::stdout();
    if json {
        return Ok(writeln!(out, "{}", table::json(summary))?);
    }
    writeln!(out, "{} frames, {} bytes", summary.frames, summary.bytes)?;
    let row = |what: &str, rate: Option<f64>, ratio: Option<f64>| {
        vec![what.to_owned(), table::number(rate), table::number(ratio)]
    };
    let head = ["", "M frames/s", "ours over it"].map(str::to_owned).to_vec();
    let rows = [
        head,
        row("ours, whole records", summary.ours_mframes, None),
        row("defmt-decoder, no text", summary.decoder_bare_mframes, summary.over_bare),
        row("defmt-decoder, text", summary.decoder_text_mframes, summary.over_text),
    ];
    Ok(table::write(&mut out, &rows)?)
}
