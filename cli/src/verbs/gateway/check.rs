//! `silk gateway check`: the effective table, or why there is none.

use std::io::Write;

use gateway::config::Models;
use gateway::table::Table;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::session::Session;

/// One endpoint, as configured.
#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    endpoint: &'a str,
    origin: String,
    local: bool,
    key: &'static str,
    models: &'a Models,
}

/// Shows the endpoints. Contacts nobody.
pub(crate) fn run(session: &mut Session) -> Outcome {
    let config = session.config.gateway.value.clone();
    let table = Table::new(config.clone()).map_err(|error| {
        Failure::new(Exit::Usage, "the gateway's settings make no sense")
            .caused_by(&error)
            .hint("`silk config` shows where they come from")
    })?;
    for (entry, endpoint) in config.endpoints.iter().zip(table.endpoints()) {
        let is_set = |name: &String| std::env::var_os(name).is_some_and(|key| !key.is_empty());
        let key = match &entry.api_key_env {
            _ if entry.api_key.is_some() => "set",
            Some(name) if is_set(name) => "set",
            Some(_) => "missing",
            None => "none",
        };
        let (origin, local) = (endpoint.origin(), endpoint.is_local());
        let models = &entry.models;
        let line = Line { version: 1, endpoint: &entry.name, origin, local, key, models };
        if session.ui.json {
            session.ui.json_line(&line)?;
        } else {
            let models = serde_json::to_string(models).unwrap_or_default();
            let Line { endpoint, origin, key, .. } = line;
            writeln!(session.ui.out, "{endpoint}  {origin}  key {key}  {models}")?;
        }
    }
    Ok(Exit::Ok)
}
