//! `silk config`: each setting and where it comes from.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use crate::config::Sourced;
use crate::exit::{Exit, Outcome};
use crate::session::Session;
use crate::ui::QUIET;

#[derive(Serialize)]
struct Setting {
    version: u32,
    key: &'static str,
    value: serde_json::Value,
    source: String,
}

/// Shows the settings, one a line.
pub(crate) fn run(session: &mut Session) -> Outcome {
    let config = &session.config;
    let gateway = &config.gateway;
    let endpoints: Vec<&str> = gateway.value.endpoints.iter().map(|e| e.name.as_str()).collect();
    let mut settings = vec![
        setting("chip.name", &config.chip),
        paths("chip.svd", &config.svds),
        paths("chip.patches", &config.patches),
        setting("chip.memory", &config.memory),
        paths("firmware.elf", &config.elfs),
        setting("board.probe", &config.probe),
        setting("board.hse_hz", &config.hse_hz),
        setting("board.hfxo_hz", &config.hfxo_hz),
        setting("budget.tokens", &config.budget),
        setting("gateway.allow_remote", &config.allow_remote),
        setting("gateway.endpoints", &Sourced { value: endpoints, source: gateway.source.clone() }),
    ];
    let moved = config.source_map.iter().map(|moved| setting("firmware.source-map", moved));
    // Behind firmware.elf.
    settings.splice(5..5, moved);
    for setting in &settings {
        if session.ui.json {
            session.ui.json_line(setting)?;
        } else {
            let Setting { key, value, source, .. } = setting;
            writeln!(session.ui.out, "{key:22} {value}  {QUIET}# {source}{QUIET:#}")?;
        }
    }
    Ok(Exit::Ok)
}

fn setting<T: Serialize>(key: &'static str, setting: &Sourced<T>) -> Setting {
    let value = serde_json::to_value(&setting.value).unwrap_or(serde_json::Value::Null);
    Setting { version: 1, key, value, source: setting.source.to_string() }
}

fn paths(key: &'static str, setting: &Sourced<Vec<PathBuf>>) -> Setting {
    let shown: Vec<String> = setting.value.iter().map(|path| path.display().to_string()).collect();
    self::setting(key, &Sourced { value: shown, source: setting.source.clone() })
}
