//! `silk check --format sarif` against the schema that OASIS publishes.
//!
//! `.ci/sarif/fetch FILE` gets the schema out of a pinned package; `SILK_TEST_SARIF=FILE` gives it
//! to the tests, and `SILK_TEST_PYTHON` a Python with `.ci/sarif/validator.txt`.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::parts;
use crate::silk::{Silk, example, faulty};

/// The validator and the schema.
struct Schema {
    python: String,
    file: String,
}

impl Schema {
    fn find() -> Option<Self> {
        let found = (std::env::var("SILK_TEST_PYTHON"), std::env::var("SILK_TEST_SARIF"));
        let (Ok(python), Ok(file)) = found else {
            parts::skipped("no SILK_TEST_PYTHON and SILK_TEST_SARIF (see .ci/sarif)");
            return None;
        };
        Some(Self { python, file })
    }

    fn validate(&self, logs: &[PathBuf]) -> Output {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/validate_sarif.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg(&self.file).args(logs).output().unwrap()
    }
}

/// A log and where it lies, for the validator.
struct Log {
    path: PathBuf,
    content: Value,
}

impl Log {
    /// Runs `silk check` over `arguments`.
    fn of(silk: &Silk, name: &str, code: i32, arguments: &[&str]) -> Self {
        let run = silk.run([&["check", "--format", "sarif"][..], arguments].concat()).expect(code);
        let content = serde_json::from_str(&run.stdout).unwrap();
        Self { path: silk.write(&format!("{name}.sarif"), run.stdout), content }
    }

    fn results(&self) -> &Vec<Value> {
        self.content["runs"][0]["results"].as_array().unwrap()
    }

    fn place(&self, result: usize) -> &Value {
        &self.results()[result]["locations"][0]["physicalLocation"]
    }

    fn uris(&self) -> Vec<&str> {
        let uri = |result| self.place(result)["artifactLocation"]["uri"].as_str().unwrap();
        (0..self.results().len()).map(uri).collect()
    }

    fn region(&self, result: usize) -> &Value {
        &self.place(result)["region"]
    }
}

/// A project whose files are called and written as people do it all over the world.
fn project() -> Silk {
    let silk = Silk::new();
    silk.write("clean.c", "void f(void) { NRF_UART0->ENABLE = 4; }\n");
    silk.write("src/a b.c", "/* ü😀 */ NRF_UART0->BUADRATE = 0; /* µ */ NRF_UART0->ENABLE = 3;\n");
    silk.write("größe/日本 #1%.md", "`UART0.BAUDRATE` is at 0x40002520,\nand UART0.PARTIY too.\n");
    silk.write(
        "src/long.c",
        "void f(void)\n{\n    NRF_UART0->CONFIG |=\n        (1 << 13);\n}\n\
         /* silk: allow(register) for the test: \"quoted\" */\nint a = NRF_UART1->ENABLE;\n",
    );
    silk.write("open.md", "The UART0.BAUDRATE register held 0x1000. See lost.c:17.\n");
    silk
}

/// Each case: its name, exit code and arguments besides the chip.
const CASES: &[(&str, i32, &[&str])] = &[
    ("none", 0, &["clean.c"]),
    ("several", 100, &["src", "größe"]),
    ("unknown", 0, &["open.md", "--all"]),
    ("everything", 100, &[".", "--all"]),
    ("excused", 0, &["src", "größe", "--baseline", "known.json"]),
];

#[test]
fn every_log_is_valid_by_the_schema() {
    let Some(schema) = Schema::find() else { return };
    let silk = project();
    let svd = example("nrf51.svd");
    let known = ["check", "--svd", &svd, "src", "größe", "--write-baseline", "known.json"];
    silk.run(known).expect(0);
    let mut logs: Vec<Log> = CASES
        .iter()
        .map(|(name, code, arguments)| {
            Log::of(&silk, name, *code, &[&["--svd", &svd][..], arguments].concat())
        })
        .collect();
    logs.push(Log::of(&silk, "firmware", 100, &faulty().each_ref().map(|s| &**s)));
    let paths: Vec<PathBuf> = logs.iter().map(|log| log.path.clone()).collect();
    let validated = schema.validate(&paths);
    let said = String::from_utf8_lossy(&validated.stdout);
    assert!(validated.status.success(), "{said}{}", String::from_utf8_lossy(&validated.stderr));
    for log in &logs[1..] {
        assert!(!log.results().is_empty(), "nothing to validate in {}", log.path.display());
    }
}

#[test]
fn the_schema_refuses_what_is_no_log() {
    let Some(schema) = Schema::find() else { return };
    let silk = project();
    let log = Log::of(&silk, "log", 100, &["--svd", &example("nrf51.svd"), "src/a b.c"]);
    let place = "/runs/0/results/0/locations/0/physicalLocation";
    let spoiled = [
        ("/version", json!("2.0.0")),
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/message", json!({})),
        (&format!("{place}/region/startLine"), json!(0)),
        (&format!("{place}/artifactLocation/uri"), json!("a b.c")),
    ];
    for (pointer, value) in spoiled {
        let mut content = log.content.clone();
        *content.pointer_mut(pointer).unwrap() = value;
        let path = silk.write("spoiled.sarif", content.to_string());
        assert!(!schema.validate(&[path]).status.success(), "{pointer} was passed");
    }
}

#[test]
fn places_are_those_that_an_editor_shows() {
    let silk = project();
    let svd = example("nrf51.svd");
    let log = Log::of(&silk, "log", 100, &["--svd", &svd, "src", "größe"]);
    let name = "gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC%20%231%25.md";
    let files = ["src/a%20b.c", "src/a%20b.c", "src/long.c", "src/long.c", name, name];
    assert_eq!(log.uris(), files);
    // `/* ü😀 */ ` is ten characters in fourteen bytes.
    let (start, end) = (10, 10 + "NRF_UART0->BUADRATE".len());
    let region = |line: u32, start: usize, end: usize| json!({ "startLine": line, "startColumn": start, "endLine": line, "endColumn": end });
    assert_eq!(*log.region(0), region(1, start, end));
    assert_eq!(*log.region(1), region(1, end + 14, end + 14 + "NRF_UART0->ENABLE = 3".len()));
    assert_eq!(*log.region(2), region(4, 9, 18));
    assert_eq!(*log.region(3), region(7, 9, 26));
    assert_eq!(log.region(5)["startLine"], 2);
    let suppressed = &log.results()[3]["suppressions"];
    let reason = "for the test: \"quoted\"";
    assert_eq!(*suppressed, json!([{ "kind": "inSource", "justification": reason }]));
}

#[test]
fn a_baseline_suppresses_from_outside() {
    let silk = project();
    let svd = example("nrf51.svd");
    silk.run(["check", "--svd", &svd, "größe", "--write-baseline", "known.json"]).expect(0);
    let baseline = ["--svd", &svd, "größe", "--baseline", "known.json"];
    let log = Log::of(&silk, "log", 0, &baseline);
    assert_eq!(log.results().len(), 2);
    for result in log.results() {
        assert_eq!(result["suppressions"], json!([{ "kind": "external" }]));
        assert_eq!(result["level"], "error");
    }
}
