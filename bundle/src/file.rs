//! The `.silk` file: a zip that explains itself on a machine that has nothing else.
//!
//! ```text
//! manifest.json    format, kind, board, sources with their hashes, tools, list of logs
//! registers.json   cores and registers: raw values, and how each was read or why not
//! facts.json       names, decodes, lines and findings that were shown
//! mem/ADDRESS.bin  one RAM range each, ADDRESS in hexadecimal
//! logs/NAME.raw    bytes as they came; logs/NAME.jsonl the same as lines with times
//! run.json         when which bytes of the logs came, and how a test ended; not in every bundle
//! firmware.elf     the image, unless it was left out
//! ```
//!
//! The same bundle gives the same bytes: entries have a fixed order and no times of their own.
//!
//! # Versions
//! [`FORMAT`] 1 is the first. A reader refuses a later one by its number, and tells an unknown
//! *kind* by its name; entries it does not know are passed over.

use std::io::{Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::facts::Facts;
use crate::log::{Log, LogKind, LogRecord, RttCapture};
use crate::run::Run;
use crate::snapshot::{MemoryRange, Snapshot};

/// Version of the layout that this crate writes.
pub const FORMAT: u32 = 1;

/// No entry of a bundle may unpack to more than this, so that a small file cannot fill memory.
const ENTRY_LIMIT: u64 = 256 << 20;

const MANIFEST: &str = "manifest.json";
const REGISTERS: &str = "registers.json";
const FACTS: &str = "facts.json";
const RUN: &str = "run.json";
const FIRMWARE: &str = "firmware.elf";

/// A snapshot, what is known about it, and the image that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// Where all this comes from.
    pub manifest: Manifest,
    /// Raw values.
    pub snapshot: Snapshot,
    /// Names for them.
    pub facts: Facts,
    /// How the run went that the logs are of, if somebody listened all the while.
    pub run: Option<Run>,
    /// The image, unless it was left out.
    pub elf: Option<Elf>,
}

/// The head of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout version, see [`FORMAT`].
    pub format: u32,
    /// What made someone keep it.
    pub kind: Kind,
    /// SVD files the names come from.
    pub svd: Vec<SourceFile>,
    /// Image that ran, also when it is not inside.
    pub elf: Option<SourceFile>,
    /// Programs that took part.
    pub tools: Vec<Tool>,
    /// What a reader should know before believing a value.
    pub notes: Vec<String>,
    /// What the board's crystals are, as far as somebody said.
    #[serde(default, skip_serializing_if = "Crystals::is_empty")]
    pub crystals: Crystals,
    /// Logs inside, by channel. Filled in by [`Bundle::write`].
    #[serde(default)]
    logs: Vec<LogEntry>,
}

/// Frequencies on the board, which no register of the chip tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crystals {
    /// What drives HSE of an STM32: a crystal, or a clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hse_hz: Option<u64>,
    /// The high-frequency crystal of other chips, such as XOSC of an RP2040.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hfxo_hz: Option<u64>,
}

impl Crystals {
    /// True if nobody said anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Manifest {
    /// A manifest of this version with nothing in it yet.
    pub fn new(kind: Kind) -> Self {
        Self {
            format: FORMAT,
            kind,
            svd: Vec::new(),
            elf: None,
            tools: Vec::new(),
            notes: Vec::new(),
            crystals: Crystals::default(),
            logs: Vec::new(),
        }
    }
}

/// What made someone keep a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Someone looked.
    Snapshot,
    /// The firmware crashed.
    Crash,
}

/// A file that facts rest on, named and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// File name without its folder: folders tell about people, not about boards.
    pub name: String,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

impl SourceFile {
    /// Names and hashes a file's content.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self { name: name.to_string_lossy().into_owned(), sha256: sha256(bytes) }
    }
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Name, such as `silk` or `qemu-system-arm`.
    pub name: String,
    /// Version as it calls itself.
    pub version: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LogEntry {
    channel: String,
    kind: LogKind,
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capture: Option<RttCapture>,
}

/// Why a bundle could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file cannot be opened, read or written.
    #[error("{} cannot be read or written", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Not a zip, or a damaged one.
    #[error("not a readable .silk file")]
    Container(#[from] zip::result::ZipError),
    /// Reading or writing broke off.
    #[error("bundle data broke off")]
    Io(#[from] std::io::Error),
    /// A part that every bundle has is not there.
    #[error("bundle has no {entry}")]
    Missing {
        /// Its name inside the zip.
        entry: &'static str,
    },
    /// A part does not have the form of this version.
    #[error("bundle's {entry} is not of the form this version reads")]
    Form {
        /// Its name inside the zip.
        entry: String,
        /// Where it departs.
        #[source]
        source: serde_json::Error,
    },
    /// Written by a later version.
    #[error("bundle has format {found}, this version reads up to {FORMAT}")]
    TooNew {
        /// Its format.
        found: u32,
    },
    /// A part is larger than any board's memory.
    #[error("bundle's {entry} unpacks to more than {} MiB", ENTRY_LIMIT >> 20)]
    TooLarge {
        /// Its name inside the zip.
        entry: String,
    },
}

impl Bundle {
    /// Loads a bundle from a file.
    ///
    /// # Errors
    /// [`BundleError::TooNew`] names a later format; the other variants say which part is
    /// missing or damaged.
    pub fn load(path: &Path) -> Result<Self, BundleError> {
        let bytes = std::fs::read(path)
            .map_err(|source| BundleError::File { path: path.to_owned(), source })?;
        Self::parse(&bytes)
    }

    /// Parses a bundle's bytes.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut zip = ZipArchive::new(Cursor::new(bytes))?;
        let format = parse_entry::<FormatOnly>(&mut zip, MANIFEST)?.format;
        if format > FORMAT {
            return Err(BundleError::TooNew { found: format });
        }
        let manifest: Manifest = parse_entry(&mut zip, MANIFEST)?;
        let mut snapshot: Snapshot = parse_entry(&mut zip, REGISTERS)?;
        let facts = parse_entry(&mut zip, FACTS)?;
        snapshot.memory = read_memory(&mut zip)?;
        for entry in &manifest.logs {
            snapshot.logs.push(read_log(&mut zip, entry)?);
        }
        let run = match parse_entry(&mut zip, RUN) {
            Err(BundleError::Missing { .. }) => None,
            run => Some(run?),
        };
        let elf = read_entry(&mut zip, FIRMWARE)?.map(|bytes| Elf { bytes });
        Ok(Self { manifest, snapshot, facts, run, elf })
    }

    /// Saves to a file, whole or not at all: written beside it, then renamed.
    ///
    /// # Errors
    /// [`BundleError::File`] if the folder cannot be written to.
    pub fn save(&self, path: &Path) -> Result<(), BundleError> {
        let in_file = |source| BundleError::File { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = temporary(folder.unwrap_or(Path::new("."))).map_err(in_file)?;
        self.write(file.as_file_mut())?;
        file.persist(path).map_err(|error| in_file(error.error))?;
        Ok(())
    }

    /// Writes the zip.
    ///
    /// # Errors
    /// [`BundleError::Io`] and [`BundleError::Container`] as the writer gives them.
    pub fn write(&self, out: impl Write + Seek) -> Result<(), BundleError> {
        let mut zip = ZipWriter::new(out);
        let mut manifest = self.manifest.clone();
        manifest.logs = log_entries(&self.snapshot.logs);
        write_json(&mut zip, MANIFEST, &manifest)?;
        write_json(&mut zip, REGISTERS, &self.snapshot)?;
        write_json(&mut zip, FACTS, &self.facts)?;
        for range in &self.snapshot.memory {
            write_entry(&mut zip, &format!("mem/{:08x}.bin", range.address), &range.bytes)?;
        }
        for (log, entry) in self.snapshot.logs.iter().zip(&manifest.logs) {
            write_entry(&mut zip, &format!("{}.raw", entry.file), &log.raw)?;
            let mut lines = Vec::new();
            for record in &log.records {
                serde_json::to_writer(&mut lines, record).map_err(std::io::Error::from)?;
                lines.push(b'\n');
            }
            write_entry(&mut zip, &format!("{}.jsonl", entry.file), &lines)?;
        }
        if let Some(run) = &self.run {
            let text = serde_json::to_vec(run).map_err(std::io::Error::from)?;
            write_entry(&mut zip, RUN, &text)?;
        }
        if let Some(elf) = &self.elf {
            write_entry(&mut zip, FIRMWARE, &elf.bytes)?;
        }
        zip.finish()?.flush()?;
        Ok(())
    }
}

/// A temporary file with the permissions that the user's new files have: a bundle is to be sent
/// to others.
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives each log a file name that is unique and safe on every system.
fn log_entries(logs: &[Log]) -> Vec<LogEntry> {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }
    };
    logs.iter()
        .enumerate()
        .map(|(index, log)| LogEntry {
            channel: log.channel.clone(),
            kind: log.kind,
            capture: log.capture,
            file: format!("logs/{index}-{}", log.channel.chars().map(safe).collect::<String>()),
        })
        .collect()
}

fn write_json<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    value: &impl Serialize,
) -> Result<(), BundleError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?;
    text.push(b'\n');
    write_entry(zip, name, &text)
}

fn write_entry<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    bytes: &[u8],
) -> Result<(), BundleError> {
    zip.start_file(
        name,
        SimpleFileOptions::default().compression_method(CompressionMethod::Deflated),
    )?;
    zip.write_all(bytes)?;
    Ok(())
}

type Zip<'a> = ZipArchive<Cursor<&'a [u8]>>;

fn parse_entry<T: DeserializeOwned>(zip: &mut Zip, name: &'static str) -> Result<T, BundleError> {
    let bytes = read_entry(zip, name)?.ok_or(BundleError::Missing { entry: name })?;
    serde_json::from_slice(&bytes)
        .map_err(|source| BundleError::Form { entry: name.to_owned(), source })
}

fn read_entry(zip: &mut Zip, name: &str) -> Result<Option<Vec<u8>>, BundleError> {
    let entry = match zip.by_name(name) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    entry.take(ENTRY_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > ENTRY_LIMIT {
        return Err(BundleError::TooLarge { entry: name.to_owned() });
    }
    Ok(Some(bytes))
}

fn read_memory(zip: &mut Zip) -> Result<Vec<MemoryRange>, BundleError> {
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.map(|name| name.into_owned()))
        .collect::<Result<_, _>>()?;
    let mut ranges = Vec::new();
    for name in names {
        let address = name
            .strip_prefix("mem/")
            .and_then(|rest| rest.strip_suffix(".bin"))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        if let (Some(address), Some(bytes)) = (address, read_entry(zip, &name)?) {
            ranges.push(MemoryRange { address, bytes });
        }
    }
    ranges.sort_by_key(|range| range.address);
    Ok(ranges)
}

/// A log whose lines are damaged keeps the lines that can be read, and all of its raw bytes.
fn read_log(zip: &mut Zip, entry: &LogEntry) -> Result<Log, BundleError> {
    let raw = read_entry(zip, &format!("{}.raw", entry.file))?.unwrap_or_default();
    let lines = read_entry(zip, &format!("{}.jsonl", entry.file))?.unwrap_or_default();
    let records: Vec<LogRecord> = lines
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let (channel, capture) = (entry.channel.clone(), entry.capture);
    Ok(Log { channel, kind: entry.kind, raw, records, capture })
}
