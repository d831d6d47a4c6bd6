//! What every verb starts from: flags, settings, the terminal, and the opened sources.

use std::path::{Path, PathBuf};

use bundle::{Bundle, BundleError};
use svd_index::svd::{Choice, ContainerError};
use svd_index::{Chip, Index, IndexError, NoteKind, Opened, Sources, elf::Firmware};

use crate::args::Global;
use crate::config::{Config, Sourced};
use crate::exit::{Exit, Failure};
use crate::project::agreement;
use crate::ui::{Ui, printable};

/// More warnings about one source than this are counted, not listed.
const WARNINGS_SHOWN: usize = 5;

/// One run of `silk`.
pub(crate) struct Session {
    pub(crate) flags: Global,
    pub(crate) config: Config,
    pub(crate) ui: Ui,
}

impl Session {
    /// Loads the settings and says what is odd about them.
    pub(crate) fn load(flags: Global) -> Result<Self, Failure> {
        let ui = Ui::new(&flags);
        let config = Config::load(&flags)?;
        for warning in &config.warnings {
            ui.warn(warning);
        }
        Ok(Self { flags, config, ui })
    }

    /// Loads a bundle. What it does not say of the board's crystals, the settings do.
    pub(crate) fn bundle(&self, path: &Path) -> Result<Bundle, Failure> {
        let mut bundle = load_bundle(path)?;
        let said = &mut bundle.manifest.crystals;
        said.hse_hz = said.hse_hz.or(self.config.hse_hz.value);
        said.hfxo_hz = said.hfxo_hz.or(self.config.hfxo_hz.value);
        Ok(bundle)
    }

    /// Opens the index of all configured sources. There may be none.
    pub(crate) fn index(&self) -> Result<Index, Failure> {
        let (svds, elfs) = (self.config.svd_sources(), self.config.elfs.value.clone());
        self.open(&Sources { svds, elfs })
    }

    /// As [`Session::index`], for a question about types.
    pub(crate) fn index_with_types(&self) -> Result<Index, Failure> {
        let (svds, elfs) = (self.config.svd_sources(), self.config.elfs.value.clone());
        self.opened(Index::open_with_types(&Sources { svds, elfs }, &self.index_folder()))
    }

    /// As [`Session::index`], for a question about `bundle`: the firmware it carries stands in
    /// where no ELF is configured.
    pub(crate) fn index_with(&self, bundle: Option<&Bundle>) -> Result<Index, Failure> {
        let mut elfs = self.config.elfs.value.clone();
        if let (true, Some(bundle)) = (elfs.is_empty(), bundle) {
            elfs.extend(self.unpack_elf(bundle)?);
        }
        self.open(&Sources { svds: self.config.svd_sources(), elfs })
    }

    /// Opens an index of the given sources, and tells their oddities on stderr.
    pub(crate) fn open(&self, sources: &Sources) -> Result<Index, Failure> {
        self.opened(Index::open(sources, &self.index_folder()))
    }

    fn index_folder(&self) -> PathBuf {
        self.config.folders.cache.join("index")
    }

    fn opened(&self, opened: Result<Opened, IndexError>) -> Result<Index, Failure> {
        let mut opened = opened.map_err(index_failure)?;
        opened.index.set_source_map(&self.config.source_map());
        for note in &opened.notes {
            match note.kind {
                NoteKind::Built => {}
                _ => self.ui.note(note),
            }
        }
        let mut sources: Vec<&Path> = Vec::new();
        for warning in &opened.warnings {
            let told = sources.iter().filter(|source| **source == warning.source).count();
            sources.push(&warning.source);
            match told {
                0..WARNINGS_SHOWN => self.ui.warn(warning),
                WARNINGS_SHOWN => {
                    let all = opened.warnings.iter().filter(|w| w.source == warning.source).count();
                    let more = all - WARNINGS_SHOWN;
                    self.ui.warn(format!("{}: {more} more like these", warning.source.display()));
                }
                _ => {}
            }
        }
        Ok(opened.index)
    }

    /// Tells what there is to say before `index` is asked which code touches which register. That
    /// is worked out now if it was not before.
    pub(crate) fn follow_code(&self, index: &Index) {
        for firmware in index.firmwares() {
            firmware.use_warnings().iter().for_each(|warning| self.ui.warn(warning));
        }
        another_chip(index).iter().for_each(|warning| self.ui.warn(warning));
    }

    /// The one ELF that a board verb writes or watches.
    pub(crate) fn elf(&self) -> Result<&Path, Failure> {
        match self.config.elfs.value.as_slice() {
            [elf] => Ok(elf),
            [] => Err(missing("firmware", "--elf FILE", &self.config.elfs)),
            several => {
                let mut failure =
                    Failure::new(Exit::Usage, "several ELF files are configured, one is needed");
                for elf in several {
                    failure = failure.detail(format!("found: {}", elf.display()));
                }
                Err(failure.hint("name one with --elf FILE"))
            }
        }
    }

    /// Unpacks the firmware that a bundle carries, where no earlier one is there already.
    pub(crate) fn unpack_elf(&self, bundle: &Bundle) -> Result<Option<PathBuf>, Failure> {
        let (Some(elf), Some(source)) = (&bundle.elf, &bundle.manifest.elf) else {
            return Ok(None);
        };
        // The name in the bundle is data from elsewhere: only its hash becomes part of a path.
        let digest: String = source.sha256.chars().filter(char::is_ascii_hexdigit).collect();
        let folder = self.config.folders.cache.join("bundled").join(digest);
        let path = folder.join("firmware.elf");
        if std::fs::read(&path).ok().as_deref() != Some(&elf.bytes) {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(&path, &elf.bytes)?;
        }
        Ok(Some(path))
    }
}

/// An ELF of another chip than the SVD gives answers that are wrong and sound right.
pub(crate) fn another_chip(index: &Index) -> Option<String> {
    let found = agreement(index).filter(|found| found.is_of_another_chip())?;
    Some(format!(
        "the ELF seems to be of another chip than the SVD: {} of the {} peripheral addresses it uses are registers there; check --svd and --elf",
        found.known, found.accesses
    ))
}

/// Refuses to state facts from an index that turned out damaged while it was asked.
pub(crate) fn check_whole(index: &Index) -> Result<(), Failure> {
    if !index.is_damaged() {
        return Ok(());
    }
    Err(Failure::new(Exit::Internal, "an index file is damaged and its source is gone or changed")
        .hint("run the command again: the index is then built from what is there"))
}

/// The chip of an index, or what to do to have one.
pub(crate) fn need_chip<'a>(index: &'a Index, config: &Config) -> Result<&'a Chip, Failure> {
    index.chip().ok_or_else(|| missing("register map", "--svd FILE", &config.svds))
}

/// The firmware of an index, or what to do to have one.
pub(crate) fn need_firmware<'a>(
    index: &'a Index,
    config: &Config,
) -> Result<&'a Firmware, Failure> {
    index.firmware().ok_or_else(|| missing("firmware", "--elf FILE", &config.elfs))
}

/// Loads a bundle for a verb.
fn load_bundle(path: &Path) -> Result<Bundle, Failure> {
    Bundle::load(path).map_err(|error| {
        let failure = Failure::new(Exit::Usage, format!("failed to load `{}`", path.display()))
            .caused_by(&error);
        match error {
            BundleError::TooNew { .. } => failure.hint("a newer silk wrote it; update this one"),
            BundleError::File { .. } => failure,
            _ => failure.hint("`silk snap -o FILE` writes a new bundle"),
        }
    })
}

fn missing<T>(what: &str, flag: &str, setting: &Sourced<T>) -> Failure {
    Failure::new(Exit::Usage, format!("no {what} is known"))
        .detail(format!("searched: flags, environment, silk.toml, user file ({})", setting.source))
        .hint(format!("name one with `{flag}`, or let `silk init` look for it"))
}

/// Most SVDs or devices of a container that an error lists.
const CHOICES_SHOWN: usize = 12;

pub(crate) fn index_failure(error: IndexError) -> Failure {
    if let IndexError::Container { path, source } = &error {
        return container_failure(path, source);
    }
    let hint = match &error {
        IndexError::NotSvd { .. } => "--svd takes CMSIS-SVD files, --elf takes firmware images",
        IndexError::Elf { .. } => "--elf takes the linked image with symbols, not a .bin or .hex",
        IndexError::Patch(_) => "chip.patches in silk.toml names the patches",
        _ => "check the path; `silk config` shows where it comes from",
    };
    let text = error.to_string();
    let text = if text.starts_with("failed") { text } else { format!("failed to open {text}") };
    let failure = Failure::new(Exit::Usage, text);
    match std::error::Error::source(&error) {
        Some(cause) => failure.caused_by(cause),
        None => failure,
    }
    .hint(hint)
}

/// Says what is in the archive or folder, and how to choose.
fn container_failure(path: &Path, error: &ContainerError) -> Failure {
    let what = format!("failed to take an SVD from `{}`", path.display());
    let failure = Failure::new(Exit::Usage, what).caused_by(error);
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let (found, hint) = match error {
        ContainerError::NoChip { found } => {
            (found, "name the chip: `--chip NAME`, or `name` in [chip] of silk.toml")
        }
        ContainerError::NoneFits { found, .. } => {
            (found, "check `--chip` and `--svd`: this one is for other chips")
        }
        ContainerError::Several { found, .. } | ContainerError::NoMember { found, .. } => {
            let failure = choices(failure, found);
            let example = found.first().map_or("SVD/NAME.svd", |choice| choice.member.as_str());
            let hint = match path.is_dir() {
                true => format!("name the file itself: `--svd {}`", path.join(example).display()),
                false => format!("name one: `--svd {name}:{example}`"),
            };
            return failure.hint(hint);
        }
        ContainerError::NoSvd => {
            let hint =
                "some packs describe boards or software only: take the device family pack (…_DFP)";
            return failure.hint(hint);
        }
        _ => {
            return failure.hint("download it again, or unpack the SVD and name that with `--svd`");
        }
    };
    choices(failure, found).hint(hint)
}

fn choices(mut failure: Failure, found: &[Choice]) -> Failure {
    for choice in found.iter().take(CHOICES_SHOWN) {
        let member = printable(&choice.member);
        failure = failure.detail(match &choice.device {
            Some(device) => format!("found: {} in {member}", printable(device)),
            None => format!("found: {member}"),
        });
    }
    match found.len().saturating_sub(CHOICES_SHOWN) {
        0 => failure,
        more => failure.detail(format!("found: {more} more")),
    }
}
