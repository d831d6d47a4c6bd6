//! `silk sym`: symbols of the firmware by name.

use std::io::Write;

use svd_index::Index;
use svd_index::elf::{Firmware, SymbolKind, SymbolRef};

use super::address::location;
use crate::args::SymArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, hex};
use crate::session::{Session, check_whole, need_firmware};
use crate::ui::{QUIET, STRONG, printable};
use crate::verbs::images::{image_of, images};

/// `silk sym`
pub(crate) fn sym(session: &mut Session, args: &SymArgs) -> Outcome {
    let index = session.index()?;
    need_firmware(&index, &session.config)?;
    let hits = symbols(&index, &args.name)?;
    check_whole(&index)?;
    let images = images(&index);
    for (firmware, symbol) in hits.iter().take(args.limit) {
        let line = firmware.line_at(symbol.address).filter(|_| symbol.in_memory);
        let image = image_of(&images, firmware);
        let symbol = json::Symbol {
            version: json::VERSION,
            name: symbol.name.to_owned(),
            linkage_name: symbol.linkage_name.to_owned(),
            kind: symbol_kind(symbol),
            address: hex(symbol.address, 32),
            size_bytes: symbol.size,
            file: line.map(|line| line.file.to_owned()),
            line: line.map(|line| line.line),
            elf: image.elf.clone(),
        };
        if session.ui.json {
            session.ui.json_line(&symbol)?;
            continue;
        }
        let json::Symbol { name, kind, address, size_bytes, .. } = &symbol;
        let place = location(&symbol.file, symbol.line);
        let elf = image.label().map(|label| format!("  in {}", printable(label)));
        let (name, elf) = (printable(name), elf.unwrap_or_default());
        writeln!(
            session.ui.out,
            "{address}  {size_bytes:>6} bytes  {kind:8}  {STRONG}{name}{STRONG:#}{place}{QUIET}{elf}{QUIET:#}"
        )?;
    }
    let more = hits.len().saturating_sub(args.limit);
    if more > 0 {
        session.ui.note(format!("{more} more; `--limit N` shows more"));
    }
    Ok(Exit::Ok)
}

/// The symbols that a name or pattern means, with the firmware of each; there is at least one.
pub(crate) fn symbols<'a>(
    index: &'a Index,
    name: &str,
) -> Result<Vec<(&'a Firmware, SymbolRef<'a>)>, Failure> {
    let hits = index.find_symbols(name);
    if !hits.is_empty() {
        return Ok(hits);
    }
    let known: usize = index.firmwares().iter().map(|firmware| firmware.symbols().count()).sum();
    let failure = Failure::new(Exit::NothingFound, format!("no symbol matches `{name}`"))
        .detail(format!("searched: {known} symbols"));
    Err(match index.suggest_symbols(name).as_slice() {
        [] => failure.hint("the pattern `*` lists all symbols"),
        near => failure.hint(format!("did you mean {}?", near.join(", "))),
    })
}

/// The word for it in JSON. What has no place in memory is `absolute`, whatever it names.
pub(crate) fn symbol_kind(symbol: &SymbolRef<'_>) -> &'static str {
    match symbol.kind {
        _ if !symbol.in_memory => "absolute",
        SymbolKind::Function => "function",
        SymbolKind::Object => "object",
        SymbolKind::Label => "label",
    }
}
