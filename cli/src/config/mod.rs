//! Settings and where each comes from: defaults < user < project < environment < flags.

pub(crate) mod file;
mod folders;
pub(crate) mod sources;

use std::fmt;
use std::path::{Path, PathBuf};

use gateway::config::{GatewayConfig, RoutingConfig, ServerConfig, Timeouts};

use svd_index::SvdSource;
use svd_index::elf::SourceMap;

use crate::args::Global;
use crate::exit::{Exit, Failure};
use file::FileConfig;

pub(crate) use file::read_toml;
pub(crate) use folders::Folders;

/// File that marks a project.
pub(crate) const PROJECT_FILE: &str = "silk.toml";

/// Tokens of evidence if nobody says otherwise.
const DEFAULT_BUDGET: usize = 2000;

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    User(PathBuf),
    Project(PathBuf),
    Environment(&'static str),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::User(path) => write!(out, "user file {}", path.display()),
            Self::Project(path) => write!(out, "project file {}", path.display()),
            Self::Environment(name) => write!(out, "environment {name}"),
            Self::Flag(name) => write!(out, "flag {name}"),
        }
    }
}

impl<T> Sourced<T> {
    fn default(value: T) -> Self {
        Self { value, source: Source::Default }
    }

    /// A later layer wins if it says anything.
    fn lay(&mut self, value: Option<T>, source: &Source) {
        if let Some(value) = value {
            *self = Self { value, source: source.clone() };
        }
    }
}

/// All settings.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) chip: Sourced<Option<String>>,
    /// As written: see [`SvdSource::spelled`].
    pub(crate) svds: Sourced<Vec<PathBuf>>,
    /// Corrections of the SVDs, in svdtools' YAML.
    pub(crate) patches: Sourced<Vec<PathBuf>>,
    /// Linker script whose `MEMORY` tells what the chip has.
    pub(crate) memory: Sourced<Option<PathBuf>>,
    pub(crate) elfs: Sourced<Vec<PathBuf>>,
    /// Where sources are here. Layers add to it; a later one wins for the same folder.
    pub(crate) source_map: Vec<Sourced<sources::Moved>>,
    pub(crate) probe: Sourced<Option<String>>,
    pub(crate) hse_hz: Sourced<Option<u64>>,
    pub(crate) hfxo_hz: Sourced<Option<u64>>,
    pub(crate) budget: Sourced<usize>,
    pub(crate) allow_remote: Sourced<bool>,
    pub(crate) gateway: Sourced<GatewayConfig>,
    pub(crate) folders: Folders,
    project: Option<PathBuf>,
    /// Unknown keys and the like, to be told once.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// Gathers all layers.
    ///
    /// # Errors
    /// Usage, if a file or an environment variable cannot be understood.
    pub(crate) fn load(flags: &Global) -> Result<Self, Failure> {
        let mut config = Self {
            chip: Sourced::default(None),
            svds: Sourced::default(Vec::new()),
            patches: Sourced::default(Vec::new()),
            memory: Sourced::default(None),
            elfs: Sourced::default(Vec::new()),
            source_map: Vec::new(),
            probe: Sourced::default(None),
            hse_hz: Sourced::default(None),
            hfxo_hz: Sourced::default(None),
            budget: Sourced::default(DEFAULT_BUDGET),
            allow_remote: Sourced::default(false),
            gateway: Sourced::default(GatewayConfig::default()),
            folders: Folders::find()?,
            project: project_file(flags)?,
            warnings: Vec::new(),
        };
        let user = config.folders.user_file();
        if user.is_file() {
            config.lay_file(&user, Source::User(user.clone()))?;
        }
        if let Some(project) = config.project.clone() {
            config.lay_file(&project, Source::Project(project.clone()))?;
        }
        config.lay_environment()?;
        config.lay_flags(flags)?;
        Ok(config)
    }

    /// The SVDs to open: which of a container is the chip's, and what corrects them.
    pub(crate) fn svd_sources(&self) -> Vec<SvdSource> {
        let source = |path: &PathBuf| SvdSource {
            chip: self.chip.value.clone(),
            patches: self.patches.value.clone(),
            ..SvdSource::spelled(path)
        };
        self.svds.value.iter().map(source).collect()
    }

    /// Where the sources of the firmware are here.
    pub(crate) fn source_map(&self) -> SourceMap {
        SourceMap::new(self.source_map.iter().map(|moved| moved.value.pair()))
    }

    /// The project's file, if there is one.
    pub(crate) fn project_file(&self) -> Option<&Path> {
        self.project.as_deref()
    }

    fn lay_file(&mut self, path: &Path, source: Source) -> Result<(), Failure> {
        let (file, warnings) = file::load(path)?;
        self.warnings.extend(warnings);
        let folder = path.parent().unwrap_or(Path::new(""));
        let FileConfig { chip, firmware, board, gateway, allow_remote, budget } = file;
        self.svds.lay(chip.svd.map(|svd| svd.under(folder)), &source);
        self.patches.lay(chip.patches.map(|patches| patches.under(folder)), &source);
        self.memory.lay(chip.memory.map(|path| Some(folder.join(path))), &source);
        self.elfs.lay(firmware.elf.map(|elf| elf.under(folder)), &source);
        for (from, to) in firmware.source_map {
            let moved = sources::Moved::new(&from, &folder.join(to)).map_err(|failure| {
                failure.detail(format!("found: [firmware] source-map in {}", path.display()))
            })?;
            self.source_map.push(Sourced { value: moved, source: source.clone() });
        }
        self.chip.lay(chip.name.map(Some), &source);
        self.probe.lay(board.probe.map(Some), &source);
        self.hse_hz.lay(board.hse_hz.map(Some), &source);
        self.hfxo_hz.lay(board.hfxo_hz.map(Some), &source);
        self.budget.lay(budget.tokens, &source);
        self.allow_remote.lay(allow_remote, &source);
        self.lay_gateway(gateway, &source);
        Ok(())
    }

    /// Endpoints, routing and server replace those of an earlier layer; tiers, tasks and timeouts add
    /// to them.
    fn lay_gateway(&mut self, file: GatewayConfig, source: &Source) {
        let GatewayConfig { endpoints, tiers, tasks, timeouts, routing, server, .. } = file;
        if !endpoints.is_empty() {
            self.gateway.value.endpoints = endpoints;
            self.gateway.source = source.clone();
        }
        self.gateway.value.tiers.extend(tiers);
        self.gateway.value.tasks.extend(tasks);
        if timeouts != Timeouts::default() {
            self.gateway.value.timeouts = timeouts;
        }
        if routing != RoutingConfig::default() {
            self.gateway.value.routing = routing;
        }
        if server != ServerConfig::default() {
            self.gateway.value.server = server;
        }
    }

    fn lay_environment(&mut self) -> Result<(), Failure> {
        let paths =
            |name| std::env::var_os(name).map(|list| std::env::split_paths(&list).collect());
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        self.svds.lay(paths("SILK_SVD"), &Source::Environment("SILK_SVD"));
        self.elfs.lay(paths("SILK_ELF"), &Source::Environment("SILK_ELF"));
        self.chip.lay(text("SILK_CHIP").map(Some), &Source::Environment("SILK_CHIP"));
        self.probe.lay(text("SILK_PROBE").map(Some), &Source::Environment("SILK_PROBE"));
        if let Some(value) = text("SILK_BUDGET") {
            let tokens = value.parse().map_err(|_| {
                Failure::new(
                    Exit::Usage,
                    format!("SILK_BUDGET is `{value}`, not a number of tokens"),
                )
            })?;
            self.budget.lay(Some(tokens), &Source::Environment("SILK_BUDGET"));
        }
        if let Some(value) = text("SILK_ALLOW_REMOTE") {
            let allow = match value.as_str() {
                "1" | "true" | "yes" => true,
                "0" | "false" | "no" => false,
                _ => {
                    let what = format!("SILK_ALLOW_REMOTE is `{value}`, not yes or no");
                    return Err(Failure::new(Exit::Usage, what));
                }
            };
            self.allow_remote.lay(Some(allow), &Source::Environment("SILK_ALLOW_REMOTE"));
        }
        Ok(())
    }

    fn lay_flags(&mut self, flags: &Global) -> Result<(), Failure> {
        let some = |list: &Vec<PathBuf>| (!list.is_empty()).then(|| list.clone());
        self.svds.lay(some(&flags.svd), &Source::Flag("--svd"));
        self.elfs.lay(some(&flags.elf), &Source::Flag("--elf"));
        self.chip.lay(flags.chip.clone().map(Some), &Source::Flag("--chip"));
        self.probe.lay(flags.probe.clone().map(Some), &Source::Flag("--probe"));
        for moved in &flags.source_map {
            let value = sources::Moved::parse(moved)?;
            self.source_map.push(Sourced { value, source: Source::Flag("--source-map") });
        }
        Ok(())
    }
}

/// The file named by `--config` or `SILK_CONFIG`, else the nearest `silk.toml` upward.
fn project_file(flags: &Global) -> Result<Option<PathBuf>, Failure> {
    let named = flags.config.clone().or_else(|| std::env::var_os("SILK_CONFIG").map(PathBuf::from));
    if named.is_some() {
        return Ok(named);
    }
    let here = std::env::current_dir()?;
    Ok(here.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|file| file.is_file()))
}
