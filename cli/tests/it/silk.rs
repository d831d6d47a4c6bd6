//! Runs the `silk` binary with a home of its own: no user's settings, cache, keys or engines.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A home folder and the binary.
pub(crate) struct Silk {
    pub(crate) home: TempDir,
    variables: Vec<(String, String)>,
}

/// What one run gave.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Silk {
    /// A fresh home.
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// Sets a variable for every run.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// The command, ready for arguments. Its working folder is the home.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_silk"));
        let home = self.home.path();
        command.current_dir(home).env_clear().stdin(Stdio::null());
        // QEMU is looked up in PATH; nothing else of the caller's environment matters.
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("HOME", home).env("SILK_LOCAL_ENGINES", "");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs to the end.
    pub(crate) fn run<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Run {
        Run::of(self.command().args(arguments).output().unwrap())
    }

    /// Writes a file into the home.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Run {
    /// Takes an output apart.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails with everything that was said unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "\nstdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let objects: Vec<serde_json::Value> = self.stdout.lines().map(parse).collect();
        assert!(objects.iter().all(|object| object["version"] == 1), "{}", self.stdout);
        objects
    }
}

/// A file of the example firmware.
pub(crate) fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/uart-baud");
    folder.canonicalize().unwrap().join(name).to_str().unwrap().to_owned()
}

/// The flags for the faulty example.
pub(crate) fn faulty() -> [String; 4] {
    ["--svd".into(), example("nrf51.svd"), "--elf".into(), example("faulty.elf")]
}
