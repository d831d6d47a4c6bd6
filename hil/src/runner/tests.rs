//! The tests that an `embedded-test` image holds, read from its symbols: no board is touched.
//!
//! Source: embedded-test 0.7, protocol 1: section `.embedded_test`, one symbol for each test whose
//! name is JSON, with the address of the test's entry and the path of its module as value.

use std::path::{Path, PathBuf};
use std::time::Duration;

use object::{Object, ObjectSection, ObjectSymbol};
use serde::Deserialize;

use crate::HilError;
use crate::crash::Image;
use crate::defmt::DefmtTable;

/// Version of the protocol between a test image and its runner.
const PROTOCOL: u32 = 1;

const SECTION: &str = ".embedded_test";

/// One test in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedTest {
    /// Module and name without the crate, such as `tests::passes`.
    pub name: String,
    /// Not to be run unless asked for.
    pub ignored: bool,
    /// It passes by panicking.
    pub should_panic: bool,
    /// The time it gives itself.
    pub timeout: Option<Duration>,
    /// Address of its entry.
    pub(crate) entry: u64,
}

/// A firmware, and all that running it needs to be known beforehand.
#[derive(Debug)]
pub struct TestImage {
    /// Where it is.
    pub path: PathBuf,
    /// Its tests by name; empty if it is no test image.
    pub tests: Vec<EmbeddedTest>,
    /// Whether it is a test image, be it one without tests.
    pub is_test_image: bool,
    /// Words of its defmt frames, if it logs so.
    pub defmt: Option<DefmtTable>,
    /// What was odd about it.
    pub warnings: Vec<String>,
    /// Code and call frame information, if it is for a core that can be unwound.
    pub image: Option<Image>,
    pub(crate) rtt_at: Option<u64>,
}

/// The name of a test's symbol.
#[derive(Deserialize)]
struct Symbol {
    name: String,
    ignored: bool,
    should_panic: bool,
    #[serde(default)]
    timeout: Option<u32>,
}

impl TestImage {
    /// Loads a firmware and lists its tests.
    ///
    /// # Errors
    /// [`HilError::Firmware`] if the file cannot be read as an ELF file or speaks another version
    /// of the protocol.
    pub fn load(path: &Path) -> Result<Self, HilError> {
        let bytes = std::fs::read(path)
            .map_err(|error| HilError::Firmware { file: path.to_owned(), source: error.into() })?;
        Self::of_bytes(path, &bytes)
    }

    /// As [`TestImage::load`], of a file's content. `path` is what it is called.
    ///
    /// # Errors
    /// As [`TestImage::load`].
    pub fn of_bytes(path: &Path, bytes: &[u8]) -> Result<Self, HilError> {
        let fail = |source: crate::Cause| HilError::Firmware { file: path.to_owned(), source };
        let file = object::File::parse(bytes).map_err(|error| fail(error.into()))?;
        let mut warnings = Vec::new();
        let defmt = DefmtTable::of_elf(bytes).unwrap_or_else(|error| {
            warnings.push(format!("defmt logs stay unread: failed to {error}"));
            None
        });
        let symbol = |name: &str| file.symbols().find(|symbol| symbol.name() == Ok(name));
        let section = file.section_by_name(SECTION);
        let version = symbol("EMBEDDED_TEST_VERSION").zip(section.as_ref()).map(|(at, section)| {
            let data = section.data().unwrap_or_default();
            word(data, at.address().wrapping_sub(section.address()))
        });
        if let Some(Some(version)) = version
            && version != PROTOCOL
        {
            let why = format!(
                "it speaks version {version} of embedded-test's protocol; {PROTOCOL} is known (embedded-test 0.7)"
            );
            return Err(fail(why.into()));
        }
        let tests = section.map(|section| list(&file, &section)).unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            is_test_image: version.is_some(),
            tests,
            defmt,
            rtt_at: symbol("_SEGGER_RTT").map(|symbol| symbol.address()),
            image: Image::parse(bytes).ok(),
            warnings,
        })
    }
}

fn list(file: &object::File<'_>, section: &object::Section<'_, '_>) -> Vec<EmbeddedTest> {
    let data = section.data().unwrap_or_default();
    let mut tests: Vec<EmbeddedTest> = file
        .symbols()
        .filter_map(|symbol| {
            let parsed: Symbol = serde_json::from_str(symbol.name().ok()?).ok()?;
            let at = symbol.address().checked_sub(section.address())?;
            let (entry, module, length) =
                (word(data, at)?, word(data, at + 4)?, word(data, at + 8)?);
            let module = text(file, module.into(), length.into()).unwrap_or_default();
            let module = module.split_once("::").map_or("", |(_, module)| module);
            let separator = if module.is_empty() { "" } else { "::" };
            Some(EmbeddedTest {
                name: format!("{module}{separator}{}", parsed.name),
                ignored: parsed.ignored,
                should_panic: parsed.should_panic,
                timeout: parsed.timeout.map(|seconds| Duration::from_secs(seconds.into())),
                entry: entry.into(),
            })
        })
        .collect();
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    tests
}

fn word(data: &[u8], at: u64) -> Option<u32> {
    let at = usize::try_from(at).ok()?;
    Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?))
}

/// Text at an address of the image.
fn text(file: &object::File<'_>, address: u64, length: u64) -> Option<String> {
    let bytes = file.sections().find_map(|section| section.data_range(address, length).ok()?)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}
