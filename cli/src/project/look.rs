//! Walks a project and runs every reader, in order of precedence.

use std::path::{Path, PathBuf};

use hil::{ProbeInfo, Selector};

use super::cargo::{CargoConfig, CargoManifest};
use super::elf::{self, Build};
use super::paths::{load_text, relative};
use super::{Finding, Key, Said, Strength};
use super::{cargo, chip, choose, cubemx, embed, linker, platformio, svd, tree, vscode, zephyr};

/// How many folders deep a project is searched.
const DEPTH: usize = 4;

/// Folders above the project in which Cargo's own files count too.
const ANCESTORS: usize = 4;

/// Most bytes of a text file that are looked at. CMake's caches reach half a megabyte.
const MOST_BYTES: u64 = 4 << 20;

/// Most files of one kind that are shown when none can be chosen.
const MOST_SHOWN: usize = 8;

/// What the machine around a project offers.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// Values that were given outright; they win.
    pub(crate) given: Vec<Finding>,
    /// Folders with installed CMSIS packs.
    pub(crate) packs: Vec<PathBuf>,
    /// Cargo's target folder, if the environment moves it.
    pub(crate) target_dir: Option<PathBuf>,
    /// Probes and virtual boards.
    pub(crate) probes: Vec<ProbeInfo>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// By precedence.
    pub(crate) findings: Vec<Finding>,
    /// What to tell the person besides.
    pub(crate) notes: Vec<String>,
}

impl Look {
    /// The chosen findings for `key`: none or one, unless several were given.
    pub(crate) fn chosen(&self, key: Key) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.key == key && finding.chosen)
    }

    /// The findings for `key` that were not chosen.
    pub(crate) fn others(&self, key: Key) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.key == key && !finding.chosen)
    }
}

/// Looks through the project in `folder`, which is absolute and without links.
pub(crate) fn look(folder: &Path, around: &Surroundings) -> Look {
    let mut looking = Looking {
        folder,
        files: tree::files(folder, DEPTH),
        look: Look { findings: around.given.clone(), notes: Vec::new() },
    };
    let config = looking.cargo_configs();
    looking.files_named(&["Embed.toml", ".embed.toml"], embed::read);
    looking.editor();
    looking.files_with("ioc", cubemx::read);
    let default_envs = looking.platformio();
    looking.zephyr();
    let manifest = looking.cargo_manifest();
    looking.linker_scripts();
    looking.svds(&around.packs);
    looking.cargo_builds(&config, &manifest, around.target_dir.as_deref());
    looking.other_builds(&default_envs);
    looking.probes(&around.probes);
    choose::choose(&mut looking.look.findings);
    looking.tell_undecided();
    looking.look
}

struct Looking<'a> {
    folder: &'a Path,
    files: Vec<PathBuf>,
    look: Look,
}

impl Looking<'_> {
    /// Takes what `file` says. A path in it is relative to the project.
    fn add(&mut self, file: &Path, said: Said) {
        let Said { key, value, line, mut strength, mut why } = said;
        let mut value = value;
        if matches!(key, Key::Svd | Key::Elf) {
            let Some(path) = vscode::expand(&value, self.folder) else { return };
            let path = self.folder.join(path);
            let odd = self.oddity(key, &path);
            if !odd.is_empty() {
                (strength, why) = (Strength::Hint, odd.to_owned());
            }
            value = self.shown(&path);
        }
        if key == Key::Probe && value.parse::<Selector>().is_err() {
            (strength, why) = (Strength::Hint, "not VID:PID[:SERIAL]".to_owned());
        }
        let file = Some(self.relative(file));
        let line = (line > 0).then_some(line);
        self.push(Finding { key, value, file, line, strength, why, chosen: false });
    }

    /// Takes files that were found, `why` naming their kind.
    fn add_found(&mut self, key: Key, paths: &[PathBuf], why: &str) {
        for path in paths.iter().take(MOST_SHOWN) {
            let value = self.shown(path);
            let file = Some(PathBuf::from(&value));
            let (strength, why) = (Strength::Found, why.to_owned());
            self.push(Finding { key, value, file, line: None, strength, why, chosen: false });
        }
        if let Some(more) = paths.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
            let key = key.path();
            self.look.notes.push(format!("{key}: {more} more candidates ({why}) are not listed"));
        }
    }

    /// Keeps a finding unless an earlier one says the same.
    fn push(&mut self, finding: Finding) {
        let is_same = |known: &Finding| {
            known.key == finding.key
                && match finding.key {
                    Key::Chip => chip::agree(&known.value, &finding.value),
                    _ => known.value == finding.value,
                }
        };
        if !self.look.findings.iter().any(is_same) {
            self.look.findings.push(finding);
        }
    }

    /// Why a file that was named cannot be used as it is; empty if it can.
    fn oddity(&self, key: Key, path: &Path) -> &'static str {
        match key {
            _ if !path.is_file() && key == Key::Elf => "not built yet",
            _ if !path.is_file() => "not there",
            Key::Elf if !elf::is_firmware(path) => "not a linked image for Arm or RISC-V",
            _ => "",
        }
    }

    fn shown(&self, path: &Path) -> String {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.relative(&path).display().to_string()
    }

    fn relative(&self, path: &Path) -> PathBuf {
        relative(self.folder, path, self.ancestors().len() - 1)
    }

    fn text(&self, path: &Path) -> Option<String> {
        load_text(path, MOST_BYTES)
    }

    /// Runs `read` over the first of `names` that is there.
    fn files_named(&mut self, names: &[&str], read: fn(&str) -> Vec<Said>) {
        for name in names {
            let path = self.folder.join(name);
            for said in self.text(&path).map(|text| read(&text)).unwrap_or_default() {
                self.add(&path, said);
            }
        }
    }

    fn files_with(&mut self, extension: &str, read: fn(&str) -> Vec<Said>) {
        let paths: Vec<PathBuf> =
            tree::with_extension(&self.files, &[extension]).cloned().collect();
        for path in paths {
            for said in self.text(&path).map(|text| read(&text)).unwrap_or_default() {
                self.add(&path, said);
            }
        }
    }

    /// Cargo merges the configurations of all folders above; the nearest wins.
    fn cargo_configs(&mut self) -> CargoConfig {
        let mut merged = CargoConfig::default();
        for folder in self.ancestors() {
            let names = [".cargo/config.toml", ".cargo/config"];
            let mut paths = names.iter().map(|name| folder.join(name));
            let Some((path, text)) = paths.find_map(|path| Some((path.clone(), self.text(&path)?)))
            else {
                continue;
            };
            let config = cargo::read_config(&text);
            for said in config.said {
                self.add(&path, said);
            }
            merged.target = merged.target.or(config.target);
            let moved = config.target_dir.map(|moved| folder.join(moved).display().to_string());
            merged.target_dir = merged.target_dir.or(moved);
        }
        merged
    }

    /// The project and the folders above it, up to the repository's top.
    fn ancestors(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for folder in self.folder.ancestors().take(ANCESTORS) {
            folders.push(folder.to_owned());
            if folder.join(".git").exists() {
                return folders;
            }
        }
        folders.truncate(1);
        folders
    }

    fn editor(&mut self) {
        self.files_named(&[".vscode/launch.json"], vscode::read_launch);
        self.files_named(&[".vscode/settings.json"], vscode::read_settings);
    }

    fn platformio(&mut self) -> Vec<String> {
        let path = self.folder.join("platformio.ini");
        let read = self.text(&path).map(|text| platformio::read(&text)).unwrap_or_default();
        for said in read.said {
            self.add(&path, said);
        }
        read.default_envs
    }

    fn zephyr(&mut self) {
        type Reader = fn(&str) -> Vec<Said>;
        let readers: [(&str, Reader); 2] =
            [("runners.yaml", zephyr::read_runners), ("CMakeCache.txt", zephyr::read_cache)];
        for (name, read) in readers {
            let is_named = |path: &&PathBuf| path.file_name() == Some(name.as_ref());
            let paths: Vec<PathBuf> = self.files.iter().filter(is_named).cloned().collect();
            for path in paths {
                for said in self.text(&path).map(|text| read(&text)).unwrap_or_default() {
                    self.add(&path, said);
                }
            }
        }
    }

    fn cargo_manifest(&mut self) -> CargoManifest {
        let path = self.folder.join("Cargo.toml");
        let mut manifest =
            self.text(&path).map(|text| cargo::read_manifest(&text)).unwrap_or_default();
        for said in std::mem::take(&mut manifest.said) {
            self.add(&path, said);
        }
        manifest
    }

    /// Names that stand for a part first, then hints.
    fn linker_scripts(&mut self) {
        let scripts: Vec<PathBuf> =
            tree::with_extension(&self.files, &["ld", "x"]).cloned().collect();
        let mut found = Vec::new();
        for path in &scripts {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            found.extend(linker::read_name(&name).map(|said| (path, said)));
            let mentioned = self.text(path).and_then(|text| linker::read_text(&text));
            found.extend(mentioned.map(|said| (path, said)));
        }
        found.sort_by_key(|(_, said)| !linker::is_named(said));
        for (path, said) in found {
            self.add(path, said);
        }
    }

    /// The chip that will be chosen: the first one named.
    fn chip(&self) -> Option<String> {
        let mut findings = self.look.findings.iter();
        let counts = |strength| matches!(strength, Strength::Given | Strength::Named);
        let named = |f: &&Finding| f.key == Key::Chip && counts(f.strength);
        findings.find(named).map(|finding| finding.value.clone())
    }

    fn svds(&mut self, packs: &[PathBuf]) {
        let in_project: Vec<PathBuf> =
            tree::with_extension(&self.files, &["svd"]).cloned().collect();
        let Some(chip) = self.chip() else {
            self.add_found(Key::Svd, &in_project, "in the project");
            return;
        };
        let fitting: Vec<PathBuf> = svd::best(&in_project, &chip).into_iter().cloned().collect();
        if !fitting.is_empty() {
            self.add_found(Key::Svd, &fitting, &format!("its name fits {chip}"));
            return;
        }
        let installed = svd::installed(packs, &chip);
        self.add_found(Key::Svd, &installed, &format!("installed; its name fits {chip}"));
        for path in in_project.iter().take(MOST_SHOWN) {
            let why = format!("its name does not fit {chip}");
            self.add(path, Said::hint(Key::Svd, path.display().to_string(), 0, why));
        }
    }

    fn cargo_builds(
        &mut self,
        config: &CargoConfig,
        manifest: &CargoManifest,
        moved: Option<&Path>,
    ) {
        if manifest.bins.is_empty() && !manifest.is_workspace {
            return;
        }
        let names: Vec<String> = match &manifest.default_run {
            Some(name) => vec![name.clone()],
            None => manifest.bins.iter().map(|(name, _)| name.clone()).collect(),
        };
        let moved = moved.map(Path::to_owned);
        let configured = config.target_dir.as_ref().map(PathBuf::from);
        let usual = self.ancestors().into_iter().map(|folder| folder.join("target"));
        let folders = moved.into_iter().chain(configured).chain(usual);
        let builds = folders
            .map(|folder| elf::cargo_builds(&folder, config.target.as_deref(), &names))
            .find(|builds| !builds.is_empty())
            .unwrap_or_default();
        if builds.is_empty() {
            self.look.notes.push(
                "Cargo has built no firmware here yet: build it, then run `silk init --force`"
                    .to_owned(),
            );
        }
        self.add_found(Key::Elf, &builds, "newest Cargo build");
    }

    fn other_builds(&mut self, default_envs: &[String]) {
        let kinds = [
            (Build::Zephyr, "Zephyr build"),
            (Build::Folder, "in a build folder"),
            (Build::BesideSources, "beside the sources"),
        ];
        let platformio = elf::platformio_builds(self.folder, default_envs);
        self.add_found(Key::Elf, &platformio, "PlatformIO build");
        let loose = elf::loose(self.folder, &self.files);
        for (kind, why) in kinds {
            let of_kind = loose.iter().filter(|(build, _)| *build == kind);
            let paths: Vec<PathBuf> = of_kind.map(|(_, path)| path.clone()).collect();
            self.add_found(Key::Elf, &paths, why);
        }
    }

    /// A probe that is the only one plugged in, and virtual boards that carry the chip.
    fn probes(&mut self, probes: &[ProbeInfo]) {
        let real: Vec<&ProbeInfo> = probes.iter().filter(|probe| !probe.is_virtual()).collect();
        for probe in &real {
            let why = format!("{}, plugged in", probe.name);
            self.push(Finding {
                key: Key::Probe,
                value: probe.selector.to_string(),
                file: None,
                line: None,
                strength: if real.len() == 1 { Strength::Found } else { Strength::Hint },
                why,
                chosen: false,
            });
        }
        let chips: Vec<&Finding> =
            self.look.findings.iter().filter(|f| f.key == Key::Chip).collect();
        for board in probes.iter().filter(|probe| probe.is_virtual()) {
            let Some(emulated) = &board.chip else { continue };
            if chips.iter().any(|found| chip::agree(&found.value, emulated)) {
                let selector = &board.selector;
                self.look.notes.push(format!(
                    "QEMU emulates an {emulated}: `--probe {selector}` runs the firmware with nothing plugged in"
                ));
            }
        }
    }

    fn tell_undecided(&mut self) {
        for key in Key::ALL {
            let candidates =
                self.look.others(key).filter(|f| f.strength == Strength::Found).count();
            if self.look.chosen(key).next().is_none() && candidates > 1 {
                let key = key.path();
                self.look.notes.push(format!(
                    "{key}: {candidates} candidates and no way to tell; all are listed, choose one"
                ));
            }
        }
    }
}
