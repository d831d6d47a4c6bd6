//! The configuration of a gateway: the file that `--config` names, in either form, or the
//! project's and the user's settings.

use std::path::Path;
use std::sync::Arc;

use gateway::config::file::{self, Broken};
use gateway::config::{GatewayConfig, Missing};
use gateway::table::{ConfigError, Table};

use crate::args::Global;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::ui::Ui;

/// What a gateway is to be run with.
pub(super) struct Settings {
    /// What was read, keys filled in.
    pub(super) config: GatewayConfig,
    /// The same, checked.
    pub(super) table: Arc<Table>,
    /// Whether there was a yes to endpoints off this machine. A file that is named for this very
    /// purpose is the word of who names it.
    pub(super) allow_remote: bool,
    /// Where it comes from.
    pub(super) source: String,
    /// Variables that are named and not set.
    pub(super) missing: Vec<Missing>,
}

/// Loads them, and says what is odd about them.
///
/// # Errors
/// Usage, with file and line, if they cannot be read or make no sense.
pub(super) fn load(flags: &Global) -> Result<(Settings, Ui), Failure> {
    match &flags.config {
        Some(path) => {
            let ui = Ui::new(flags);
            Ok((load_file(path, &ui)?, ui))
        }
        None => {
            let session = Session::load(flags.clone())?;
            let source = match session.config.project_file() {
                Some(path) => path.display().to_string(),
                None => "the settings".to_owned(),
            };
            let config = session.config.gateway.value.clone();
            let mut settings = finish(config, source, |_| None)?;
            settings.allow_remote = session.config.allow_remote.value;
            Ok((settings, session.ui))
        }
    }
}

fn load_file(path: &Path, ui: &Ui) -> Result<Settings, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read `{}`", path.display())).caused_by(&error)
    })?;
    let loaded = file::read(&text).map_err(|broken| unreadable(path, &broken))?;
    for note in &loaded.notes {
        ui.warn(format!("{}: {}", place(path, note.line), note.text));
    }
    let source = path.display().to_string();
    let line_of = |error: &ConfigError| Some(place(path, loaded.line_of(&error.place())));
    finish(loaded.config.clone(), source, line_of)
}

fn finish(
    mut config: GatewayConfig,
    source: String,
    place: impl Fn(&ConfigError) -> Option<String>,
) -> Result<Settings, Failure> {
    let missing = config.fill_from(|name| std::env::var(name).ok());
    let table = Table::new(config.clone()).map_err(|error| {
        let what = format!("`{source}` makes no sense as the configuration of a gateway");
        let words = format!("failed to {error}");
        let detail = match place(&error) {
            Some(place) => format!("{place}: {words}"),
            None => words,
        };
        let failure = Failure::new(Exit::Usage, what).detail(detail);
        match std::error::Error::source(&error) {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    })?;
    Ok(Settings { config, table: Arc::new(table), allow_remote: true, source, missing })
}

fn unreadable(path: &Path, broken: &Broken) -> Failure {
    let what = format!("`{}` is not the configuration of a gateway", path.display());
    let hint = "it is LiteLLM's config.yaml with a `model_list`, or TOML with a [gateway] table";
    Failure::new(Exit::Usage, what)
        .detail(format!("{}: {}", place(path, broken.line), broken.text))
        .hint(hint)
}

fn place(path: &Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", path.display()),
        None => path.display().to_string(),
    }
}
