//! `hil.toml`, what to test, in the repository; and `bench.toml`, what is plugged in, on the
//! machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hil::ConsoleAddress;
use serde::{Deserialize, Serialize};

use super::overrides::{Override, Settings};
use crate::config;
use crate::exit::{Exit, Failure};
use crate::session::Session;

/// Name of the project's file; it is searched upward.
const HIL_FILE: &str = "hil.toml";

/// `hil.toml`
#[derive(Debug, Default, Deserialize)]
pub(super) struct HilFile {
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
    #[serde(default, rename = "target")]
    pub(super) targets: Vec<Target>,
    #[serde(default, rename = "test")]
    pub(super) tests: Vec<Test>,
    /// Folder that its paths are relative to.
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

/// How to run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Profile {
    pub(super) retries: Option<u32>,
    pub(super) flaky_result: Option<FlakyResult>,
    #[serde(default, with = "duration")]
    pub(super) timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    pub(super) attach_timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    pub(super) flash_timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    pub(super) first_log_timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    pub(super) global_timeout: Option<Duration>,
    /// How long to wait for a board that somebody else has.
    #[serde(default, with = "duration")]
    pub(super) lock_timeout: Option<Duration>,
    pub(super) fail_fast: Option<bool>,
    pub(super) junit: Option<PathBuf>,
    pub(super) artifacts: Option<PathBuf>,
    /// A test that takes longer is told as slow, once for each time that it took so long.
    #[serde(default, with = "duration")]
    pub(super) slow_timeout: Option<Duration>,
    /// Settings for some tests only.
    #[serde(default)]
    overrides: Vec<Override>,
    /// Of a profile that was put together: the overrides of `default`.
    #[serde(skip)]
    base_overrides: Vec<Override>,
    #[serde(skip)]
    name: String,
}

impl Profile {
    /// What its overrides come to for a test. See [`Settings::of`].
    pub(super) fn settings(&self, test: (&str, &str, &[String])) -> Settings {
        let own = self.overrides.iter().map(|own| (self.name.as_str(), own));
        let base = self.base_overrides.iter().map(|base| (DEFAULT, base));
        Settings::of(own.chain(base), test)
    }
}

/// The profile that the others go on from.
const DEFAULT: &str = "default";

/// What a test counts as that passed only when it was run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FlakyResult {
    Pass,
    Fail,
}

/// A firmware and the boards that it is for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) elf: PathBuf,
    #[serde(default)]
    pub(super) chip: Option<String>,
    /// Virtual board that runs it where no real one is there.
    #[serde(default, rename = "virtual")]
    pub(super) virtual_board: Option<String>,
    /// Tags that a board has to have.
    #[serde(default)]
    pub(super) requires: Vec<String>,
}

/// Something to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) target: String,
    pub(super) kind: Kind,
    #[serde(default, with = "duration")]
    pub(super) timeout: Option<Duration>,
    #[serde(default, rename = "expect")]
    pub(super) expectations: Vec<super::expect::Expectation>,
    /// For scripts: program and arguments.
    #[serde(default)]
    pub(super) command: Vec<String>,
}

/// Ways to test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// The tests inside the target's ELF.
    EmbeddedTest,
    /// The firmware runs, and its logs are held against expectations.
    Image,
    /// The firmware runs, and a program on this machine decides.
    Script,
}

/// `bench.toml`
#[derive(Debug, Default, Deserialize)]
pub(crate) struct BenchFile {
    #[serde(default, rename = "board")]
    pub(crate) boards: Vec<BenchBoard>,
}

/// A board on this machine.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BenchBoard {
    pub(crate) name: String,
    pub(crate) chip: String,
    /// Probe selector.
    pub(crate) probe: String,
    /// Serial line of its UART.
    #[serde(default, deserialize_with = "console")]
    pub(crate) console: Option<ConsoleAddress>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// Why it is not to be used.
    #[serde(default)]
    pub(crate) quarantine: Option<String>,
}

fn console<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ConsoleAddress>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// Finds and reads `hil.toml`. An empty one if there is none.
pub(super) fn hil_file(session: &Session) -> Result<HilFile, Failure> {
    // Cargo runs a runner in the package's folder and says which that is.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let starts = package.into_iter().chain(std::env::current_dir().ok());
    let found = starts.filter_map(|start| {
        start.ancestors().map(|folder| folder.join(HIL_FILE)).find(|path| path.is_file())
    });
    let Some(path) = found.into_iter().next() else { return Ok(HilFile::default()) };
    let mut file: HilFile = read(session, &path)?;
    file.folder = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(file)
}

/// Reads `bench.toml`: the one that SILK_BENCH names, else the user's.
pub(crate) fn bench_file(session: &Session) -> Result<BenchFile, Failure> {
    match std::env::var_os("SILK_BENCH").map(PathBuf::from) {
        Some(path) => read(session, &path),
        None => match session.config.folders.bench_file() {
            path if path.is_file() => read(session, &path),
            _ => Ok(BenchFile::default()),
        },
    }
}

fn read<T: serde::de::DeserializeOwned>(session: &Session, path: &Path) -> Result<T, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read `{}`", path.display())).caused_by(&error)
    })?;
    let (value, warnings) = config::read_toml(path, &text)?;
    warnings.iter().for_each(|warning| session.ui.warn(warning));
    Ok(value)
}

impl HilFile {
    /// A profile, with what it leaves open taken from `default`.
    ///
    /// # Errors
    /// There is none of that name.
    pub(super) fn profile(&self, name: &str) -> Result<Profile, Failure> {
        let base = self.profile.get(DEFAULT).cloned().unwrap_or_default();
        let Some(own) = self.profile.get(name).cloned() else {
            if name == DEFAULT {
                return Ok(base);
            }
            let known: Vec<&str> = self.profile.keys().map(String::as_str).collect();
            return Err(Failure::new(Exit::Usage, format!("hil.toml has no profile `{name}`"))
                .detail(format!("found: {}", known.join(", "))));
        };
        Ok(Profile {
            retries: own.retries.or(base.retries),
            flaky_result: own.flaky_result.or(base.flaky_result),
            timeout: own.timeout.or(base.timeout),
            attach_timeout: own.attach_timeout.or(base.attach_timeout),
            flash_timeout: own.flash_timeout.or(base.flash_timeout),
            first_log_timeout: own.first_log_timeout.or(base.first_log_timeout),
            global_timeout: own.global_timeout.or(base.global_timeout),
            lock_timeout: own.lock_timeout.or(base.lock_timeout),
            fail_fast: own.fail_fast.or(base.fail_fast),
            junit: own.junit.or(base.junit).map(|path| self.folder.join(path)),
            artifacts: own.artifacts.or(base.artifacts).map(|path| self.folder.join(path)),
            slow_timeout: own.slow_timeout.or(base.slow_timeout),
            base_overrides: if name == DEFAULT { Vec::new() } else { base.overrides },
            overrides: own.overrides,
            name: name.to_owned(),
        })
    }
}

/// Durations as people write them: `500ms`, `10s`, `2m`.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| {
            D::Error::custom(format!("`{text}` is no duration: write `500ms`, `10s` or `2m`"))
        })
    }

    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| format!("{}ms", duration.as_millis())).serialize(to)
    }

    fn parse(text: &str) -> Option<Duration> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = text.split_at(split);
        let number: f64 = number.parse().ok()?;
        let seconds = match unit.trim() {
            "ms" => number / 1000.0,
            "s" => number,
            "m" => number * 60.0,
            "h" => number * 3600.0,
            _ => return None,
        };
        Duration::try_from_secs_f64(seconds).ok()
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn durations_have_a_unit() {
            let ms = |text| super::parse(text).map(|duration| duration.as_millis());
            assert_eq!(ms("500ms"), Some(500));
            assert_eq!(ms("1.5s"), Some(1500));
            assert_eq!(ms("2m"), Some(120_000));
            assert_eq!(ms("10"), None);
            assert_eq!(ms("s"), None);
        }
    }
}
