//! The door: opens the chips and firmware that a person works with.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use crate::chip::records;
use crate::elf::{self, ElfError, Firmware, SourceMap, Split};
use crate::store::{Cache, Content, File, Kind, Loaded, Reason, Source, SourceId, Stamped, Writer};
use crate::svd::{Build, Patch, SvdSource, source::Found};
use crate::{Chip, IndexError, Note, NoteKind, Origin, Warning, svd};

/// Bytes of a firmware image, debug information and all, that are read.
const MAX_ELF: u64 = 2 << 30;

/// The files to open. Several of each: a chip with two cores has two SVDs, a system a boot
/// loader and an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// CMSIS-SVD files, or what holds them.
    pub svds: Vec<SvdSource>,
    /// Firmware images.
    pub elfs: Vec<PathBuf>,
}

/// Chips and firmware, opened.
pub struct Index {
    chips: Vec<Chip>,
    firmwares: Vec<Firmware>,
}

/// An [`Index`] and what there is to say about it.
#[derive(Debug)]
pub struct Opened {
    /// The index.
    pub index: Index,
    /// What is odd in the sources; told again each time.
    pub warnings: Vec<SourceWarning>,
    /// What was done this time: built, rebuilt, not cached.
    pub notes: Vec<Note>,
}

/// A warning and the file it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceWarning {
    /// The SVD or ELF.
    pub source: PathBuf,
    /// What is odd in it.
    pub warning: Warning,
}

impl std::fmt::Display for SourceWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.source.display())?;
        if self.warning.line != 0 {
            write!(f, ":{}", self.warning.line)?;
        }
        write!(f, ": {}", self.warning)
    }
}

impl Index {
    /// Opens every source from the index files in `cache`, building what is missing or outdated.
    ///
    /// `cache` need not exist. One that cannot be written is a note, not an error.
    ///
    /// # Errors
    /// A source cannot be read, or is not what it is given as.
    pub fn open(sources: &Sources, cache: &Path) -> Result<Opened, IndexError> {
        Self::open_from(sources, &Cache::at(cache), false)
    }

    /// As [`Index::open`], for a question about types: where an ELF has to be indexed, how its types
    /// are laid out is read along, in less time than if it were read when asked for.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_with_types(sources: &Sources, cache: &Path) -> Result<Opened, IndexError> {
        Self::open_from(sources, &Cache::at(cache), true)
    }

    fn open_from(sources: &Sources, cache: &Cache, types: bool) -> Result<Opened, IndexError> {
        let mut opened = Opened {
            index: Self {
                chips: Vec::with_capacity(sources.svds.len()),
                firmwares: Vec::with_capacity(sources.elfs.len()),
            },
            warnings: Vec::new(),
            notes: Vec::new(),
        };
        for path in &sources.elfs {
            let loaded = match types {
                true => {
                    cache.load(ElfWithTypes { elf: ElfFile(path.clone()), cache: cache.clone() })
                }
                false => cache.load(ElfFile(path.clone())),
            };
            let file = opened.note(path, loaded?);
            let later = later_of(cache.clone(), path.clone(), *file.source());
            let firmware = Firmware::new(file, later).opened_from(path);
            opened.warn(path, firmware.file().warnings());
            opened.index.firmwares.push(firmware);
        }
        for source in &sources.svds {
            let source = source.in_folder()?;
            let path = source.path.clone();
            let load = |core| {
                let build = Build { core, patches: Vec::new() };
                cache.load(SvdFile { source: source.clone(), build })
            };
            let mut chip = Chip::new(opened.note(&path, load(None)?));
            if let Some(core) = built_for(&opened.index.firmwares)
                && chip.takes_core(core)
            {
                chip = Chip::new(opened.note(&path, load(Some(core))?));
            }
            opened.warn(&path, chip.warnings());
            for (patch, warning) in chip.patch_warnings() {
                opened.warn(Path::new(patch), vec![warning]);
            }
            opened.index.chips.push(chip);
        }
        Ok(opened)
    }

    /// The first chip.
    pub fn chip(&self) -> Option<&Chip> {
        self.chips.first()
    }

    /// All chips, in the order given.
    pub fn chips(&self) -> &[Chip] {
        &self.chips
    }

    /// The first firmware.
    pub fn firmware(&self) -> Option<&Firmware> {
        self.firmwares.first()
    }

    /// All firmware, in the order given.
    pub fn firmwares(&self) -> &[Firmware] {
        &self.firmwares
    }

    /// Tells where the sources of all firmware are here; see [`SourceMap`].
    pub fn set_source_map(&mut self, map: &SourceMap) {
        self.firmwares.iter_mut().for_each(|firmware| firmware.set_source_map(map));
    }

    /// True once something read from an index file was damaged and could not be built again, its
    /// source being gone or changed: answers since then may be incomplete.
    pub fn is_damaged(&self) -> bool {
        self.chips.iter().any(Chip::is_damaged) || self.firmwares.iter().any(Firmware::is_damaged)
    }
}

/// Opens or builds the index of what the code of the ELF at `path` touches, or of its types, as long
/// as its content is `id`.
fn later_of(cache: Cache, path: PathBuf, id: SourceId) -> impl Fn(Kind) -> Option<File> {
    move |kind| match kind {
        Kind::Uses => cache.load_as(ElfPart::<Uses>::of(&path), id),
        Kind::Types => cache.load_as(ElfPart::<Types>::of(&path), id),
        _ => None,
    }
}

/// The core that all of `firmwares` are built for.
fn built_for(firmwares: &[Firmware]) -> Option<Origin> {
    let (first, others) = firmwares.split_first()?;
    first.core().filter(|core| others.iter().all(|other| other.core() == Some(*core)))
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files = |file: &File| file.source().hex();
        f.debug_struct("Index")
            .field("chips", &self.chips)
            .field(
                "firmwares",
                &self.firmwares.iter().map(|firmware| files(firmware.file())).collect::<Vec<_>>(),
            )
            .finish()
    }
}

impl Opened {
    fn note(&mut self, path: &Path, loaded: Loaded) -> File {
        let mut add = |kind| {
            self.notes.push(Note { source: path.to_owned(), kind });
        };
        match loaded.built {
            Some(Reason::New) => add(NoteKind::Built),
            Some(Reason::Unusable(error)) => add(NoteKind::Rebuilt(error)),
            None => {}
        }
        if let Some(error) = loaded.unwritable {
            add(NoteKind::NotCached(error));
        }
        loaded.file
    }

    fn warn(&mut self, path: &Path, warnings: Vec<Warning>) {
        let source = path.to_owned();
        self.warnings.extend(
            warnings.into_iter().map(|warning| SourceWarning { source: source.clone(), warning }),
        );
    }
}

/// An SVD and what it is built with.
struct SvdFile {
    source: SvdSource,
    build: Build,
}

impl Source for SvdFile {
    type Input = (Vec<u8>, Build);

    const KIND: (Kind, u32) = (Kind::Svd, records::SCHEMA);

    fn key(&self) -> Vec<u8> {
        let SvdSource { path, member, chip, patches } = &self.source;
        let mut key = Vec::with_capacity(256);
        add_path(&mut key, path);
        for choice in [member, chip] {
            key.extend(choice.as_deref().unwrap_or("").bytes());
            key.push(0);
        }
        patches.iter().for_each(|patch| add_path(&mut key, patch));
        key.extend(self.build.core_code().to_le_bytes());
        key
    }

    fn read(&self) -> Result<Content<Self::Input>, IndexError> {
        let Found { bytes, file } = self.source.find()?;
        let (mut build, mut files) = (self.build.clone(), vec![file]);
        for path in &self.source.patches {
            let (patch, stamps) = Patch::load_stamped(path)?;
            build.patches.push(patch);
            files.extend(stamps);
        }
        Ok(Content { id: build.id(&bytes), input: (bytes, build), files })
    }

    fn build(&self, (bytes, build): &Self::Input, id: SourceId) -> Result<Vec<u8>, IndexError> {
        svd::build(bytes, id, build)
            .map_err(|error| IndexError::svd(self.source.path.clone(), error))
    }
}

/// A firmware image, and the debug information beside it.
struct ElfFile(PathBuf);

impl Source for ElfFile {
    type Input = (Vec<u8>, Split);

    const KIND: (Kind, u32) = (Kind::Elf, elf::SCHEMA);

    fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(256);
        add_path(&mut key, &self.0);
        key
    }

    fn read(&self) -> Result<Content<Self::Input>, IndexError> {
        let read = Stamped::read(&self.0, MAX_ELF);
        let (bytes, file) =
            read.map_err(|source| IndexError::Read { path: self.0.clone(), source })?;
        let split = Split::of(&bytes, &self.0);
        let id = split.id(&bytes);
        let files = std::iter::once(file).chain(split.stamps()).collect();
        Ok(Content { input: (bytes, split), id, files })
    }

    fn build(&self, (bytes, split): &Self::Input, id: SourceId) -> Result<Vec<u8>, IndexError> {
        let built = elf::build_with(bytes, split, id)
            .map_err(|source| IndexError::Elf { path: self.0.clone(), source });
        built.map(|(writer, _)| writer.finish())
    }
}

/// A firmware image whose types will be asked for next: their index is built along and kept.
struct ElfWithTypes {
    elf: ElfFile,
    cache: Cache,
}

impl Source for ElfWithTypes {
    type Input = (Vec<u8>, Split);

    const KIND: (Kind, u32) = ElfFile::KIND;

    fn key(&self) -> Vec<u8> {
        self.elf.key()
    }

    fn read(&self) -> Result<Content<Self::Input>, IndexError> {
        self.elf.read()
    }

    fn build(&self, input: &Self::Input, id: SourceId) -> Result<Vec<u8>, IndexError> {
        if self.cache.has::<ElfPart<Types>>(id) {
            return self.elf.build(input, id);
        }
        let (bytes, split) = input;
        let built = elf::build_all_with(bytes, split, || id)
            .map_err(|source| IndexError::Elf { path: self.elf.0.clone(), source })?;
        // A cache that cannot be written is told of when the index itself goes there.
        let _built_when_asked_for = self.cache.put::<ElfPart<Types>>(id, &built.types);
        Ok(built.main)
    }
}

/// What of a firmware image has an index file of its own.
trait Part: Send + Sync + 'static {
    const KIND: (Kind, u32);

    fn build(bytes: &[u8], split: &Split, id: SourceId) -> Result<Writer, ElfError>;
}

/// What its code touches.
struct Uses;

/// How its types are laid out.
struct Types;

impl Part for Uses {
    const KIND: (Kind, u32) = (Kind::Uses, elf::USES_SCHEMA);

    fn build(bytes: &[u8], split: &Split, id: SourceId) -> Result<Writer, ElfError> {
        elf::build_uses_with(bytes, split, id)
    }
}

impl Part for Types {
    const KIND: (Kind, u32) = (Kind::Types, elf::TYPES_SCHEMA);

    fn build(bytes: &[u8], split: &Split, id: SourceId) -> Result<Writer, ElfError> {
        elf::build_types_with(bytes, split, id)
    }
}

/// A part of a firmware image.
struct ElfPart<P> {
    elf: ElfFile,
    part: PhantomData<P>,
}

impl<P> ElfPart<P> {
    fn of(path: &Path) -> Self {
        Self { elf: ElfFile(path.to_owned()), part: PhantomData }
    }
}

impl<P: Part> Source for ElfPart<P> {
    type Input = (Vec<u8>, Split);

    const KIND: (Kind, u32) = P::KIND;

    fn key(&self) -> Vec<u8> {
        // The same file as for the ELF itself: what is known of it holds for both.
        self.elf.key()
    }

    fn read(&self) -> Result<Content<Self::Input>, IndexError> {
        self.elf.read()
    }

    fn build(&self, (bytes, split): &Self::Input, id: SourceId) -> Result<Vec<u8>, IndexError> {
        let built = P::build(bytes, split, id)
            .map_err(|source| IndexError::Elf { path: self.elf.0.clone(), source });
        Ok(built?.finish())
    }
}

/// Adds a path to a key so that no two lists of paths give the same bytes: none holds a zero.
fn add_path(key: &mut Vec<u8>, path: &Path) {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    key.extend(absolute.as_os_str().as_encoded_bytes());
    key.push(0);
}
