//! Which of a project's files are firmware, and which builds they come from.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::tree;

/// Extensions under which linked images are kept: GNU, Arm, TI.
const EXTENSIONS: &[&str] = &["elf", "axf", "out"];

/// Bytes of the ELF header up to `e_machine`.
///
/// Source: System V ABI, Edition 4.1, chapter 4, "ELF Header".
const HEADER: usize = 20;
const EI_DATA: usize = 5;
const BIG_ENDIAN: u8 = 2;
const ET_EXEC: u16 = 2;
const EM_ARM: u16 = 40;
const EM_RISCV: u16 = 243;

/// Whether `path` is a linked image for Arm or RISC-V, by its header.
pub(super) fn is_firmware(path: &Path) -> bool {
    let mut header = [0; HEADER];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && is_firmware_header(&header)
}

fn is_firmware_header(header: &[u8; HEADER]) -> bool {
    let half = |at: usize| {
        let bytes = [header[at], header[at + 1]];
        match header[EI_DATA] {
            BIG_ENDIAN => u16::from_be_bytes(bytes),
            _ => u16::from_le_bytes(bytes),
        }
    };
    header.starts_with(b"\x7fELF") && half(16) == ET_EXEC && matches!(half(18), EM_ARM | EM_RISCV)
}

/// The newest build of each binary that Cargo left in `target_dir`: profile folders below a
/// target triple. `triple` and `names` narrow the search where they are known and match.
pub(super) fn cargo_builds(
    target_dir: &Path,
    triple: Option<&str>,
    names: &[String],
) -> Vec<PathBuf> {
    let triples = folders(target_dir);
    let triples = triples.iter().filter(|folder| match triple {
        // A custom target is named after its file: `thumbv6m.json`.
        Some(triple) => folder.file_name() == Path::new(triple).file_stem(),
        None => true,
    });
    let profiles = triples.flat_map(|triple| folders(triple));
    let built: Vec<PathBuf> = profiles
        .flat_map(|profile| entries(&profile))
        .filter(|path| path.extension().is_none() && path.is_file() && is_firmware(path))
        .collect();
    let is_named =
        |path: &PathBuf| names.iter().any(|name| path.file_name() == Some(name.as_ref()));
    let named: Vec<PathBuf> = built.iter().filter(|path| is_named(path)).cloned().collect();
    newest_of_each_name(if named.is_empty() { built } else { named })
}

/// Folders in which CMake, STM32CubeIDE and Makefiles build.
fn is_build_folder(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("build")
        || name.starts_with("cmake-build")
        || matches!(name.as_str(), "debug" | "release" | "out" | "bin")
}

/// Where an ELF among the project's files comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Build {
    Zephyr,
    Folder,
    BesideSources,
}

/// Linked images among `files` of the project, by the kind of build.
pub(super) fn loose(folder: &Path, files: &[PathBuf]) -> Vec<(Build, PathBuf)> {
    let images = tree::with_extension(files, EXTENSIONS).filter(|path| is_firmware(path));
    let mut found: Vec<_> = images.map(|path| (build_of(folder, path), path.clone())).collect();
    // A Zephyr build has intermediate images next to the final one.
    found.retain(|(build, path)| {
        *build != Build::Zephyr || path.file_name() == Some("zephyr.elf".as_ref())
    });
    found.sort();
    found
}

fn build_of(folder: &Path, path: &Path) -> Build {
    let inner = path.strip_prefix(folder).unwrap_or(path);
    let parents: Vec<String> = inner
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if !parents.iter().any(|name| is_build_folder(name)) {
        return Build::BesideSources;
    }
    if parents.last().is_some_and(|name| name == "zephyr") { Build::Zephyr } else { Build::Folder }
}

/// What PlatformIO built: `.pio/build/ENV/firmware.elf`, for `envs` or for all.
pub(super) fn platformio_builds(folder: &Path, envs: &[String]) -> Vec<PathBuf> {
    let all = folders(&folder.join(".pio/build"));
    let wanted = all.into_iter().filter(|folder| {
        let name = folder.file_name().unwrap_or_default();
        envs.is_empty() || envs.iter().any(|env| name == env.as_str())
    });
    wanted.map(|folder| folder.join("firmware.elf")).filter(|path| is_firmware(path)).collect()
}

fn newest_of_each_name(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut newest: Vec<(SystemTime, PathBuf)> = Vec::new();
    for path in paths {
        let time =
            path.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        match newest.iter_mut().find(|(_, known)| known.file_name() == path.file_name()) {
            Some(known) if known.0 < time => *known = (time, path),
            Some(_) => {}
            None => newest.push((time, path)),
        }
    }
    newest.into_iter().map(|(_, path)| path).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u16, machine: u16, big_endian: bool) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(b"\x7fELF");
        header[EI_DATA] = if big_endian { BIG_ENDIAN } else { 1 };
        let bytes = |half: u16| if big_endian { half.to_be_bytes() } else { half.to_le_bytes() };
        header[16..18].copy_from_slice(&bytes(kind));
        header[18..20].copy_from_slice(&bytes(machine));
        header
    }

    #[test]
    fn firmware_is_a_linked_image_for_arm_or_riscv() {
        const EM_X86_64: u16 = 62;
        const ET_REL: u16 = 1;
        let cases = [
            (header(ET_EXEC, EM_ARM, false), true),
            (header(ET_EXEC, EM_ARM, true), true),
            (header(ET_EXEC, EM_RISCV, false), true),
            (header(ET_EXEC, EM_X86_64, false), false),
            (header(ET_REL, EM_ARM, false), false),
            ([0; HEADER], false),
        ];
        for (header, expected) in cases {
            assert_eq!(is_firmware_header(&header), expected, "{header:?}");
        }
    }

    #[test]
    fn builds_are_told_by_their_folders() {
        let cases = [
            ("/p/build/zephyr/zephyr.elf", Build::Zephyr),
            ("/p/build/app/zephyr/zephyr.elf", Build::Zephyr),
            ("/p/build/app.elf", Build::Folder),
            ("/p/cmake-build-debug/app.elf", Build::Folder),
            ("/p/Debug/app.elf", Build::Folder),
            ("/p/faulty.elf", Build::BesideSources),
            ("/p/zephyr/x.elf", Build::BesideSources),
        ];
        for (path, expected) in cases {
            assert_eq!(build_of(Path::new("/p"), Path::new(path)), expected, "{path}");
        }
    }
}
