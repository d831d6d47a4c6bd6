//! `silk size --stack`: how much stack each function takes for itself.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use svd_index::elf::{Firmware, FunctionRef, StackSource, StackUse};

use super::{limit, open, show};
use crate::args::SizeArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{VERSION, hex};
use crate::session::{Session, check_whole, need_firmware};
use crate::ui::{CARE, QUIET, STRONG, printable};

/// `silk size --stack`
pub(super) fn run(session: &mut Session, args: &SizeArgs, elfs: Option<Vec<PathBuf>>) -> Outcome {
    if args.elfs.len() > 1 {
        let what = "the stack of two builds is not compared";
        return Err(Failure::new(Exit::Usage, what).hint("`silk size --stack ELF` shows one"));
    }
    let paths = elfs.unwrap_or_else(|| session.config.elfs.value.clone());
    let index = open(session, &paths)?;
    need_firmware(&index, &session.config)?;
    for (path, firmware) in paths.iter().zip(index.firmwares()) {
        let functions = functions(firmware);
        check_whole(&index)?;
        if functions.is_empty() {
            return Err(Failure::new(Exit::NothingFound, "no function is known")
                .detail(format!("searched: symbols and debug information of {}", path.display())));
        }
        let limit = limit(args, session.ui.json);
        if session.ui.json {
            for (function, stack) in functions.iter().take(limit) {
                session.ui.json_line(&Line::of(path, function, *stack))?;
            }
        } else {
            table(&mut session.ui.out, path, &functions, limit)?;
        }
    }
    Ok(Exit::Ok)
}

type Known<'a> = (FunctionRef<'a>, Option<StackUse>);

/// Functions with the most stack first, those of which it is not known last.
fn functions(firmware: &Firmware) -> Vec<Known<'_>> {
    let mut found: Vec<Known<'_>> = firmware
        .functions()
        .map(|function| (function, firmware.stack_use(function.address)))
        .collect();
    found.sort_by_key(|(function, stack)| {
        let (is_dynamic, bytes) = match stack {
            Some(StackUse::Dynamic { at_least }) => (true, *at_least),
            Some(StackUse::Bytes { bytes, .. }) => (false, *bytes),
            None => (false, 0),
        };
        (stack.is_none(), Reverse(bytes), !is_dynamic, function.address)
    });
    // Aliases are one function.
    found.dedup_by_key(|(function, _)| function.address);
    found
}

fn table(
    out: &mut impl Write,
    path: &Path,
    functions: &[Known<'_>],
    limit: usize,
) -> io::Result<()> {
    let path = printable(&path.display().to_string());
    writeln!(out, "{STRONG}{path}{STRONG:#}  stack of each function, calls not counted")?;
    writeln!(out, "{QUIET}      bytes  told by       function{QUIET:#}")?;
    for (function, stack) in functions.iter().take(limit) {
        let (bytes, style) = match stack {
            Some(StackUse::Bytes { bytes, .. }) => (show::grouped(*bytes), QUIET),
            Some(StackUse::Dynamic { at_least }) => {
                (format!("≥{}", show::grouped(*at_least)), CARE)
            }
            None => ("?".to_owned(), CARE),
        };
        let (told_by, name) = (in_words(*stack), printable(function.name));
        write!(out, "{bytes:>11}  {style}{told_by:<12}{style:#}  {name}")?;
        if let (Some(file), Some(line)) = (function.file, function.line) {
            write!(out, "  {QUIET}{}:{line}{QUIET:#}", printable(file))?;
        }
        writeln!(out)?;
    }
    match functions.len().saturating_sub(limit) {
        0 => Ok(()),
        more => writeln!(out, "{:>11}  {QUIET}{more} more; --all shows them{QUIET:#}", ""),
    }
}

fn in_words(stack: Option<StackUse>) -> &'static str {
    match stack {
        Some(StackUse::Bytes { source: StackSource::StackSizes, .. }) => ".stack_sizes",
        Some(StackUse::Bytes { source: StackSource::Cfi, .. }) => "CFI",
        Some(StackUse::Bytes { source: StackSource::Code, .. }) => "code",
        Some(StackUse::Dynamic { .. }) => "dynamic",
        None => "unknown",
    }
}

/// A function as JSON.
#[derive(Debug, Serialize)]
struct Line {
    version: u32,
    elf: String,
    by: &'static str,
    name: String,
    address: String,
    /// `static`, `dynamic` (at least `stack_bytes`) or `unknown`.
    kind: &'static str,
    stack_bytes: Option<u64>,
    /// `stack-sizes`, `cfi` or `code`; null for what is not static.
    source: Option<&'static str>,
    file: Option<String>,
    line: Option<u32>,
}

impl Line {
    fn of(elf: &Path, function: &FunctionRef<'_>, stack: Option<StackUse>) -> Self {
        let (kind, stack_bytes, source) = match stack {
            Some(StackUse::Bytes { bytes, source }) => {
                let source = match source {
                    StackSource::StackSizes => "stack-sizes",
                    StackSource::Cfi => "cfi",
                    StackSource::Code => "code",
                };
                ("static", Some(bytes), Some(source))
            }
            Some(StackUse::Dynamic { at_least }) => ("dynamic", Some(at_least), None),
            None => ("unknown", None, None),
        };
        Self {
            version: VERSION,
            elf: elf.display().to_string(),
            by: "stack",
            name: function.name.to_owned(),
            address: hex(function.address, 32),
            kind,
            stack_bytes,
            source,
            file: function.file.map(str::to_owned),
            line: function.line,
        }
    }
}
