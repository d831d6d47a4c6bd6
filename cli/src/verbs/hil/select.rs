//! Which tests run: those of `hil.toml` or of an ELF, filtered, ignored or parted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hil::{EmbeddedTest, TestImage};
use sha2::{Digest, Sha256};

use super::config::{HilFile, Kind, Profile, Target, Test};
use super::expect::Watch;
use super::filter::Filter;
use super::overrides::Settings;
use crate::args::HilSelection;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::verbs::board;

/// Time of a test that says nothing of it, as embedded-test has it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One thing to run.
#[derive(Debug)]
pub(super) struct Job {
    /// Name of its target, then its own, such as `radio::tests::joins`.
    pub(super) name: String,
    /// Index of the firmware that it runs on.
    pub(super) firmware: usize,
    pub(super) action: Action,
    pub(super) timeout: Duration,
    /// Left out by its author, and not asked for.
    pub(super) ignored: bool,
    /// What the profile's overrides say of it.
    pub(super) settings: Settings,
    /// Why the board that it is for does not run it.
    pub(super) no_board: Option<String>,
}

/// What a job does.
#[derive(Debug)]
pub(super) enum Action {
    Embedded(EmbeddedTest),
    Image(Test),
    Script(Test),
}

impl Job {
    /// The test as hil.toml has it; `None` for one inside an image.
    pub(super) fn definition(&self) -> Option<serde_json::Value> {
        match &self.action {
            Action::Embedded(_) => None,
            Action::Image(test) | Action::Script(test) => serde_json::to_value(test).ok(),
        }
    }

    /// What listens for the test's expectations, if it has any.
    ///
    /// # Errors
    /// An expectation that cannot be read.
    pub(super) fn watch(&self) -> Result<Option<Watch>, Failure> {
        match &self.action {
            Action::Image(test) if !test.expectations.is_empty() => {
                Watch::new(&test.name, &test.expectations).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// A firmware with its target.
#[derive(Debug)]
pub(super) struct Firmware {
    pub(super) target: Target,
    pub(super) image: TestImage,
}

/// All that is to be run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) firmwares: Vec<Firmware>,
    pub(super) jobs: Vec<Job>,
    /// Tests that the filters left out.
    pub(super) filtered: usize,
    pub(super) profile: Profile,
    /// Folder of `hil.toml`.
    pub(super) folder: PathBuf,
}

/// Makes the plan. Touches no hardware.
pub(super) fn plan(
    session: &Session,
    file: HilFile,
    selection: &HilSelection,
    timeout: Option<Duration>,
) -> Result<Plan, Failure> {
    let profile = file.profile(&selection.profile)?;
    let (elf, filters) = split(&selection.what);
    let from_command_line = timeout.is_some();
    let timeout = timeout.or(profile.timeout);
    let folder = file.folder.clone();
    let mut plan = Plan { firmwares: Vec::new(), jobs: Vec::new(), filtered: 0, profile, folder };
    match elf.or_else(|| session.elf().ok().filter(|_| file.tests.is_empty())) {
        Some(elf) => plan.add_elf(session, &file, elf, timeout)?,
        None => plan.add_file(session, &file, timeout)?,
    }
    plan.filter(selection, filters)?;
    plan.override_settings(from_command_line);
    Ok(plan)
}

/// A first argument that is an ELF file means runner mode.
fn split(what: &[String]) -> (Option<&Path>, &[String]) {
    let is_elf = |path: &Path| {
        let mut magic = [0; 4];
        let read = std::fs::File::open(path)
            .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic));
        read.is_ok() && magic == *b"\x7fELF"
    };
    match what {
        [first, rest @ ..] if is_elf(Path::new(first)) => (Some(Path::new(first)), rest),
        all => (None, all),
    }
}

impl Plan {
    fn add_elf(
        &mut self,
        session: &Session,
        file: &HilFile,
        elf: &Path,
        timeout: Option<Duration>,
    ) -> Result<(), Failure> {
        let name = elf.file_stem().unwrap_or(elf.as_os_str()).to_string_lossy().into_owned();
        let same = |target: &&Target| {
            let theirs = file.folder.join(&target.elf);
            theirs.canonicalize().ok().is_some_and(|path| Some(path) == elf.canonicalize().ok())
        };
        // Cargo puts a hash behind a test's name.
        let stem = name.rsplit_once('-').map_or(name.as_str(), |(stem, _)| stem);
        let known = file.targets.iter().find(same);
        let known = known.or_else(|| file.targets.iter().find(|target| target.name == stem));
        let known = known.or(match file.targets.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let target = Target {
            elf: elf.to_owned(),
            name: known.map_or(name.clone(), |target| target.name.clone()),
            chip: known.and_then(|target| target.chip.clone()),
            virtual_board: known.and_then(|target| target.virtual_board.clone()),
            requires: known.map(|target| target.requires.clone()).unwrap_or_default(),
        };
        let firmware = self.add_firmware(session, target)?;
        if self.firmwares[firmware].image.is_test_image {
            self.add_tests(firmware, timeout);
            return Ok(());
        }
        // Firmware that is no test simply runs: it passes by saying so, or by its time being over.
        let test = Test {
            name: name.clone(),
            target: name.clone(),
            kind: Kind::Image,
            timeout,
            expectations: Vec::new(),
            command: Vec::new(),
        };
        let timeout = timeout.unwrap_or(TIMEOUT);
        self.jobs.push(Job {
            name,
            firmware,
            action: Action::Image(test),
            timeout,
            ignored: false,
            settings: Settings::default(),
            no_board: None,
        });
        Ok(())
    }

    fn add_file(
        &mut self,
        session: &Session,
        file: &HilFile,
        timeout: Option<Duration>,
    ) -> Result<(), Failure> {
        if file.tests.is_empty() {
            return Err(Failure::new(Exit::Usage, "there is nothing to run")
                .detail("searched: hil.toml here and upward, and the arguments for an ELF file")
                .hint("`silk hil run FIRMWARE.elf`, or write a hil.toml: docs/hil.md"));
        }
        let mut loaded: Vec<(&str, usize)> = Vec::new();
        for test in &file.tests {
            let Some(target) = file.targets.iter().find(|target| target.name == test.target) else {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "test `{}` is for a target `{}`, which hil.toml does not have",
                        test.name, test.target
                    ),
                ));
            };
            let firmware = match loaded.iter().find(|(name, _)| *name == target.name) {
                Some((_, firmware)) => *firmware,
                None => {
                    let elf = file.folder.join(&target.elf);
                    let firmware = self.add_firmware(session, Target { elf, ..target.clone() })?;
                    loaded.push((&target.name, firmware));
                    firmware
                }
            };
            let limit = test.timeout.or(timeout);
            let action = match test.kind {
                Kind::EmbeddedTest => {
                    self.add_tests(firmware, limit);
                    continue;
                }
                Kind::Image => Action::Image(test.clone()),
                Kind::Script => Action::Script(test.clone()),
            };
            let name = format!("{}::{}", test.target, test.name);
            let timeout = limit.unwrap_or(TIMEOUT);
            let job = Job {
                name,
                firmware,
                action,
                timeout,
                ignored: false,
                settings: Settings::default(),
                no_board: None,
            };
            // What cannot be read is said before a board is touched.
            job.watch()?;
            self.jobs.push(job);
        }
        Ok(())
    }

    fn add_firmware(&mut self, session: &Session, target: Target) -> Result<usize, Failure> {
        let image = TestImage::load(&target.elf).map_err(board::failure)?;
        image.warnings.iter().for_each(|warning| session.ui.warn(warning));
        self.firmwares.push(Firmware { target, image });
        Ok(self.firmwares.len() - 1)
    }

    fn add_tests(&mut self, firmware: usize, timeout: Option<Duration>) {
        let Firmware { target, image } = &self.firmwares[firmware];
        for test in &image.tests {
            self.jobs.push(Job {
                name: format!("{}::{}", target.name, test.name),
                firmware,
                timeout: test.timeout.or(timeout).unwrap_or(TIMEOUT),
                ignored: test.ignored,
                action: Action::Embedded(test.clone()),
                settings: Settings::default(),
                no_board: None,
            });
        }
    }

    /// Gives each test what the profile's overrides say of it.
    fn override_settings(&mut self, timeout_is_given: bool) {
        for job in &mut self.jobs {
            let target = &self.firmwares[job.firmware].target;
            job.settings = self.profile.settings((&job.name, &target.name, &target.requires));
            if let (Some(timeout), false) = (job.settings.timeout, timeout_is_given) {
                job.timeout = timeout;
            }
        }
    }

    /// Cargo's filters are parts of names; with `--exact` they are names, with or without target.
    fn filter(&mut self, selection: &HilSelection, filters: &[String]) -> Result<(), Failure> {
        let expression = selection.filter_expr.as_deref().map(Filter::parse).transpose()?;
        let part = selection.partition.as_deref().map(Part::parse).transpose()?;
        let fits = |filter: &String, name: &str| match selection.exact {
            true => name == filter || name.split_once("::").is_some_and(|(_, own)| own == filter),
            false => name.contains(filter.as_str()),
        };
        let firmwares = &self.firmwares;
        let before = self.jobs.len();
        self.jobs.retain(|job| {
            let target = &firmwares[job.firmware].target;
            (filters.is_empty() || filters.iter().any(|filter| fits(filter, &job.name)))
                && !selection.skip.iter().any(|filter| fits(filter, &job.name))
                && (!selection.ignored || job.ignored)
                && expression
                    .as_ref()
                    .is_none_or(|filter| filter.selects(&job.name, &target.name, &target.requires))
        });
        if let Some(part) = part {
            let mut index = 0;
            self.jobs.retain(|job| {
                index += 1;
                part.has(index - 1, &job.name)
            });
        }
        self.filtered = before - self.jobs.len();
        if selection.ignored || selection.include_ignored {
            self.jobs.iter_mut().for_each(|job| job.ignored = false);
        }
        Ok(())
    }
}

/// One part of a run that is split over several machines.
struct Part {
    by_name: bool,
    number: u64,
    of: u64,
}

impl Part {
    fn parse(text: &str) -> Result<Self, Failure> {
        let parsed = || {
            let (kind, part) = text.split_once(':')?;
            let (number, of) = part.split_once('/')?;
            let (number, of): (u64, u64) = (number.parse().ok()?, of.parse().ok()?);
            let by_name = match kind {
                "hash" => true,
                "count" => false,
                _ => return None,
            };
            (number >= 1 && number <= of).then_some(Self { by_name, number, of })
        };
        parsed().ok_or_else(|| {
            Failure::new(Exit::Usage, format!("`{text}` is no part of a run"))
                .hint("write it as count:1/4 or hash:1/4; parts are numbered from 1")
        })
    }

    fn has(&self, index: u64, name: &str) -> bool {
        let at = match self.by_name {
            false => index,
            true => {
                let digest = Sha256::digest(name.as_bytes());
                digest.iter().take(8).fold(0, |at: u64, byte| at << 8 | u64::from(*byte))
            }
        };
        at % self.of == self.number - 1
    }
}
