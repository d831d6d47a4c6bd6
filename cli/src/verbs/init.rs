//! `silk init`: writes a `silk.toml` from what the project already says.

mod installed;
mod write;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};
use serde::Serialize;

use crate::args::InitArgs;
use crate::config::PROJECT_FILE;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::project::{Finding, Key, Look, Strength, Surroundings, look};
use crate::session::Session;
use crate::ui::{QUIET, STRONG, printable};

/// What is looked at, for the error that says that there was nothing.
const SEARCHED: [&str; 5] = [
    ".cargo/config.toml, Cargo.toml, Embed.toml, .vscode/launch.json, .vscode/settings.json",
    "*.ioc, platformio.ini, runners.yaml, CMakeCache.txt, linker scripts",
    "*.svd, and the SVDs of installed CMSIS packs, PACs, PlatformIO, Cortex-Debug and pyOCD",
    "target/, .pio/build/, build folders, *.elf",
    "probes plugged in",
];

#[derive(Serialize)]
struct FoundJson<'a> {
    version: u32,
    key: String,
    value: &'a str,
    source: SourceJson<'a>,
    chosen: bool,
}

#[derive(Serialize)]
struct SourceJson<'a> {
    file: Option<&'a Path>,
    line: Option<usize>,
    why: &'a str,
}

#[derive(Serialize)]
struct EventJson<'a> {
    version: u32,
    event: &'static str,
    file: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// Looks, shows and writes.
pub(crate) fn run(session: &mut Session, args: &InitArgs) -> Outcome {
    let folder = args.folder.canonicalize().map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot look into `{}`", args.folder.display()))
            .caused_by(&error)
    })?;
    if !folder.is_dir() {
        let what = format!("`{}` is a file; init looks into a folder", folder.display());
        return Err(Failure::new(Exit::Usage, what).hint("name the folder of the project"));
    }
    let found = look(&folder, &surroundings(session)?);
    if nothing_to_write(&found) {
        return Err(nothing_found(&folder, &found));
    }
    let file = folder.join(PROJECT_FILE);
    let existing = write::load(&file)?;
    let text = match &existing {
        Some(existing) if args.force => write::updated(existing, &found)?,
        _ => write::fresh(&found),
    };
    if args.dry_run {
        show_dry_run(session, &found, &file, &text)?;
    } else {
        show(session, &found)?;
        save(session, args, &found, &file, existing.as_deref(), &text)?;
    }
    tell(session, &found);
    Ok(Exit::Ok)
}

/// A probe alone, or a mere hint, makes no project.
fn nothing_to_write(found: &Look) -> bool {
    let counts = |f: &&Finding| f.key != Key::Probe && f.strength != Strength::Hint;
    !found.findings.iter().any(|finding| counts(&finding))
}

fn nothing_found(folder: &Path, found: &Look) -> Failure {
    let what = format!("nothing in `{}` names a chip, an SVD or a firmware", folder.display());
    let mut failure = Failure::new(Exit::NothingFound, what);
    for searched in SEARCHED {
        failure = failure.detail(format!("searched: {searched}"));
    }
    for hint in found.findings.iter().filter(|finding| finding.key != Key::Probe) {
        let (key, value) = (hint.key.path(), printable(&hint.value));
        failure = failure.detail(format!("found: {key} = {value} ({})", shown_origin(hint)));
    }
    for note in &found.notes {
        failure = failure.detail(note);
    }
    failure.hint("name them: `silk init --chip nRF51822_xxAA --svd FILE --elf FILE`")
}

/// Flags, pack folders, probes: what the project itself does not hold.
fn surroundings(session: &Session) -> Result<Surroundings, Failure> {
    let mut packs: Vec<PathBuf> =
        std::env::var_os("CMSIS_PACK_ROOT").map(PathBuf::from).into_iter().collect();
    if let Ok(base) = choose_base_strategy() {
        packs.push(base.cache_dir().join("arm/packs"));
        packs.push(base.data_dir().join("arm/packs"));
        packs.extend(installed::places(base.home_dir()));
    }
    Ok(Surroundings {
        given: given(session)?,
        packs,
        target_dir: std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from),
        probes: hil::list(),
    })
}

fn given(session: &Session) -> Result<Vec<Finding>, Failure> {
    let flags = &session.flags;
    let mut given = Vec::new();
    let mut give = |key, value: String, flag: &str| {
        given.push(Finding {
            key,
            value,
            file: None,
            line: None,
            strength: Strength::Given,
            why: format!("given as {flag}"),
            chosen: false,
        });
    };
    for (key, flag, paths) in [(Key::Svd, "--svd", &flags.svd), (Key::Elf, "--elf", &flags.elf)] {
        for path in paths {
            let path = path.canonicalize().map_err(|error| {
                Failure::new(Exit::Usage, format!("cannot read `{}`", path.display()))
                    .caused_by(&error)
            })?;
            give(key, path.display().to_string(), flag);
        }
    }
    if let Some(chip) = &flags.chip {
        give(Key::Chip, chip.clone(), "--chip");
    }
    if let Some(probe) = &flags.probe {
        probe.parse::<hil::Selector>().map_err(|error| {
            Failure::new(Exit::Usage, format!("`{probe}` selects no probe"))
                .caused_by(&error)
                .hint("`silk bench list` shows what can be selected")
        })?;
        give(Key::Probe, probe.clone(), "--probe");
    }
    Ok(given)
}

fn show_dry_run(
    session: &mut Session,
    found: &Look,
    file: &Path,
    text: &str,
) -> Result<(), Failure> {
    if session.ui.json {
        show(session, found)?;
        let text = Some(text);
        return session.ui.json_line(&EventJson {
            version: json::VERSION,
            event: "dry_run",
            file,
            text,
        });
    }
    session.ui.out.write_all(text.as_bytes())?;
    if file.exists() {
        session.ui.note(format!("{} exists already; only --force changes it", file.display()));
    }
    Ok(())
}

/// One line for each value, what was not chosen below what was.
fn show(session: &mut Session, found: &Look) -> Result<(), Failure> {
    for key in Key::ALL {
        for finding in found.chosen(key).chain(found.others(key)) {
            if session.ui.json {
                session.ui.json_line(&FoundJson {
                    version: json::VERSION,
                    key: key.path(),
                    value: &finding.value,
                    source: SourceJson {
                        file: finding.file.as_deref(),
                        line: finding.line,
                        why: &finding.why,
                    },
                    chosen: finding.chosen,
                })?;
                continue;
            }
            let (value, origin) = (printable(&finding.value), shown_origin(finding));
            let (key, style) = match finding.chosen {
                true => (key.path(), STRONG),
                false => ("  or".to_owned(), QUIET),
            };
            writeln!(
                session.ui.out,
                "{key:13} {style}{value}{style:#}  {QUIET}# {origin}{QUIET:#}"
            )?;
        }
    }
    Ok(())
}

/// Where a value comes from, on one line.
fn shown_origin(finding: &Finding) -> String {
    printable(&finding.origin()).replace('\n', " ")
}

fn save(
    session: &mut Session,
    args: &InitArgs,
    found: &Look,
    file: &Path,
    existing: Option<&str>,
    text: &str,
) -> Result<(), Failure> {
    if let Some(existing) = existing.filter(|_| !args.force) {
        let differences = write::differences(existing, found);
        if differences.is_empty() {
            session
                .ui
                .note(format!("{} says all that already; nothing was written", file.display()));
            return Ok(());
        }
        let mut failure =
            Failure::new(Exit::Usage, format!("`{}` exists and says otherwise", file.display()));
        for difference in differences {
            failure = failure.detail(printable(&difference));
        }
        return Err(failure.hint(
            "--force changes these keys and keeps the rest of the file; --dry-run shows it",
        ));
    }
    write::replace(file, text).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot write `{}`", file.display())).caused_by(&error)
    })?;
    if session.ui.json {
        return session.ui.json_line(&EventJson {
            version: json::VERSION,
            event: "written",
            file,
            text: None,
        });
    }
    writeln!(session.ui.out, "wrote {}", printable(&file.display().to_string()))?;
    Ok(())
}

/// What is missing, and what else there is to know. Not data.
fn tell(session: &Session, found: &Look) {
    for note in &found.notes {
        session.ui.note(printable(note));
    }
    let is_open = |key| !found.findings.iter().any(|finding| finding.key == key);
    if is_open(Key::Svd) {
        session.ui.note(
            "no SVD was found: the chip vendor's CMSIS pack has one; add it with `silk init --force --svd FILE`",
        );
    }
    if is_open(Key::Chip) {
        session.ui.note(
            "no file names the chip: add it with `silk init --force --chip NAME` to use a probe",
        );
    }
}
