//! The configuration of a gateway: the file that `--config` names, in either form, or the
//! project's and the user's settings.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway::config::file::{self, Broken};
use gateway::config::{Expiring, GatewayConfig, Missing, Proxies};
use gateway::table::{Place, Table};

use crate::args::Global;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::ui::Ui;

/// A key that is good for less than this is told of.
const SOON: Duration = Duration::from_secs(14 * 86_400);

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
    /// What cannot be used of the variables that say where spans go.
    pub(super) odd: Vec<String>,
    /// Keys that are not good any more, or soon will not be; in words, with their lines.
    pub(super) expiring: Vec<String>,
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
    finish(loaded.config.clone(), source, |at| Some(place(path, loaded.line_of(at))))
}

fn finish(
    mut config: GatewayConfig,
    source: String,
    place: impl Fn(&Place) -> Option<String>,
) -> Result<Settings, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let missing = config.fill_from(variable);
    config.server.proxies = Proxies::of(variable);
    let odd = config.server.tracing.fill_from(variable);
    let table = Table::new(config.clone()).map_err(|error| {
        let what = format!("`{source}` makes no sense as the configuration of a gateway");
        let words = format!("failed to {error}");
        let detail = match place(&error.place()) {
            Some(place) => format!("{place}: {words}"),
            None => words,
        };
        let failure = Failure::new(Exit::Usage, what).detail(detail);
        match std::error::Error::source(&error) {
            Some(cause) => failure.caused_by(cause),
            None => failure,
        }
    })?;
    let expiring = config.server.expiring(SystemTime::now(), SOON).map(|key| {
        let words = expiring_words(&key);
        place(&Place::User(key.index)).map_or(words.clone(), |place| format!("{place}: {words}"))
    });
    let expiring = expiring.collect();
    let (table, allow_remote) = (Arc::new(table), true);
    Ok(Settings { config, table, allow_remote, source, missing, odd, expiring })
}

fn expiring_words(key: &Expiring<'_>) -> String {
    let Expiring { user, expiry, .. } = key;
    match key.left.map(|left| left.as_secs() / 86_400) {
        None => format!("the key of `{user}` was good until {expiry} and is refused"),
        Some(0) => format!("the key of `{user}` is good until {expiry}, less than a day"),
        Some(1) => format!("the key of `{user}` is good until {expiry}, 1 day yet"),
        Some(days) => format!("the key of `{user}` is good until {expiry}, {days} days yet"),
    }
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
