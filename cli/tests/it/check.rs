//! `silk check`: exit codes, what is told and how.

use serde_json::Value;

use crate::silk::{Run, Silk, example, faulty};

const DRIVER: &str = "#include \"regs.h\"\n\
    void start(void)\n\
    {\n\
    \tNRF_UART0->BAUDRATE = 115200; /* Größe */\n\
    \tNRF_UART0->ENABLE = ON;\n\
    \tNRF_UART0->BUADRATE = 0;\n\
    }\n";

fn check(silk: &Silk, arguments: &[&str]) -> Run {
    let svd = example("nrf51.svd");
    silk.run([&["check", "--svd", &svd][..], arguments].concat())
}

fn project() -> Silk {
    let silk = Silk::new();
    silk.write("src/driver.c", DRIVER);
    silk.write("include/regs.h", "#define ON 3\n");
    silk
}

#[test]
fn a_wrong_claim_is_told_with_its_line_and_ends_in_100() {
    let run = check(&project(), &["src/driver.c"]).expect(100);
    assert_eq!(
        run.stdout,
        "wrong[value]: it is none of the enumerated values of UART0.BAUDRATE.BAUDRATE\n \
         --> src/driver.c:4:2\n  |\n\
         4 |     NRF_UART0->BAUDRATE = 115200; /* Größe */\n  \
         |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 0x01d7e000 (Baud115200)\n\n\
         wrong[register]: UART0 has no register BUADRATE\n \
         --> src/driver.c:6:2\n  |\n\
         6 |     NRF_UART0->BUADRATE = 0;\n  \
         |     ^^^^^^^^^^^^^^^^^^^ UART0.BAUDRATE\n\n"
    );
    assert!(run.stderr.contains("2 are wrong"), "{}", run.stderr);
}

#[test]
fn headers_that_are_found_give_macros_their_values() {
    let run = check(&project(), &["src", "-I", "include", "--json"]).expect(100);
    let claims = run.json();
    let wrong: Vec<&Value> = claims.iter().filter(|claim| claim["verdict"] == "wrong").collect();
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert_eq!(wrong[1]["text"], "NRF_UART0->ENABLE = ON");
    assert_eq!(wrong[1]["expected"], "0x4 (Enabled)");
}

#[test]
fn json_has_every_promised_key_and_a_summary() {
    let run = check(&project(), &["src/driver.c", "--json"]).expect(100);
    let lines = run.json();
    let value = lines.iter().find(|line| line["verdict"] == "wrong").unwrap();
    let expected = serde_json::json!({
        "version": 1,
        "file": "src/driver.c",
        "line": 4,
        "column": 2,
        "text": "NRF_UART0->BAUDRATE = 115200",
        "kind": "value",
        "verdict": "wrong",
        "why": "it is none of the enumerated values of UART0.BAUDRATE.BAUDRATE",
        "expected": "0x01d7e000 (Baud115200)",
    });
    assert_eq!(*value, expected);
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(summary["wrong"], 2);
    assert_eq!(
        summary["ok"].as_u64().unwrap() as usize,
        lines.iter().filter(|l| l["verdict"] == "ok").count()
    );
}

#[test]
fn a_clean_file_and_a_clean_answer_end_in_0() {
    let silk = Silk::new();
    silk.write("a.rs", "fn f(p: P) { p.UART0.baudrate.write(|w| w.baudrate().baud115200()); }");
    let run = check(&silk, &["a.rs"]).expect(0);
    assert_eq!(run.stdout, "");
    let mut command = silk.command();
    command.args(["check", "-", "--json", "--svd", &example("nrf51.svd")]);
    let child =
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"UART0.BAUDRATE is at 0x40002520.").unwrap();
    drop(input);
    let run = Run::of(child.wait_with_output().unwrap()).expect(100);
    assert_eq!(run.json()[1]["file"], "<stdin>");
}

#[test]
fn the_firmware_is_checked_where_it_is_given() {
    let silk = Silk::new();
    let run = silk.run([&["check", "--json"][..], &faulty().each_ref().map(|s| &**s)].concat());
    let wrong: Vec<Value> =
        run.expect(100).json().into_iter().filter(|line| line["verdict"] == "wrong").collect();
    let [wrong] = &wrong[..] else { panic!("{wrong:?}") };
    assert_eq!(wrong["kind"], "elf");
    assert_eq!(wrong["text"], "UART0.BAUDRATE = 0x0001c200");
    assert!(wrong["file"].as_str().unwrap().ends_with("uart.c"));
    let svd = example("nrf51.svd");
    silk.run(["check", "--svd", &svd, "--elf", &example("fixed.elf")]).expect(0);
}

#[test]
fn lines_of_a_firmware_built_elsewhere_are_shown() {
    let silk = Silk::new();
    silk.write("fw/uart.c", std::fs::read(example("uart.c")).unwrap());
    let [_, _, flag, elf] = faulty();
    let lines = check(&silk, &["--json", &flag, &elf]).expect(100).json();
    let wrong = lines.iter().find(|line| line["verdict"] == "wrong").unwrap();
    assert_eq!(wrong["file"], "uart.c");
    // A file of this line has a path from the root, of which what is below here is told.
    let map = format!(".={}", silk.home.path().canonicalize().unwrap().join("fw").display());
    let out = check(&silk, &[&flag, &elf, "--source-map", &map]).expect(100).stdout;
    let line = wrong["line"].as_u64().unwrap();
    assert!(out.contains(&format!("--> fw/uart.c:{line}")), "{out}");
    assert!(out.contains(&format!("{line} | ")), "{out}");
}

#[test]
fn comments_and_a_baseline_allow_what_is_known() {
    let silk = project();
    silk.write(
        "src/driver.c",
        DRIVER.replace("/* Größe */", "// silk: allow(value) shows the mistake"),
    );
    check(&silk, &["src", "--write-baseline", "known.json"]).expect(0);
    let run = check(&silk, &["src", "--baseline", "known.json", "--json"]).expect(0);
    let lines = run.json();
    let allowed: Vec<(&Value, &Value)> = lines
        .iter()
        .filter(|line| line["verdict"] == "wrong")
        .map(|line| (&line["allowed"], &line["reason"]))
        .collect();
    assert_eq!(
        allowed,
        [(&"comment".into(), &"shows the mistake".into()), (&"baseline".into(), &Value::Null)]
    );
    // Another one of the same is new.
    let twice =
        DRIVER.replace("}\n", "NRF_UART0->BUADRATE = 0;\n}\n").replace("115200", "0x01D7E000");
    silk.write("src/driver.c", twice);
    check(&silk, &["src", "--baseline", "known.json"]).expect(100);
    silk.write("bad.json", "{}");
    let run = check(&silk, &["src", "--baseline", "bad.json"]).expect(2);
    assert!(run.stderr.contains("failed to read the baseline `bad.json`"), "{}", run.stderr);
}

#[test]
fn sarif_tells_rules_places_and_suppressions() {
    let silk = project();
    silk.write("src/a b.c", "/* ü */ NRF_UART0->BUADRATE = 0; // silk: allow(register) why\n");
    let run = check(&silk, &["src", "--format", "sarif"]).expect(100);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "silk");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    let allowed = &results[0];
    assert_eq!(allowed["suppressions"][0]["justification"], "why");
    let place = &allowed["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/a%20b.c");
    // The ü before it has two bytes and is one character.
    assert_eq!(
        place["region"],
        serde_json::json!({ "startLine": 1, "startColumn": 9, "endLine": 1, "endColumn": 28 })
    );
}

#[test]
fn annotations_are_escaped_as_workflows_want_it() {
    let silk = project();
    let run = check(&silk, &["src/driver.c", "--format", "github"]).expect(100);
    let first = run.stdout.lines().next().unwrap();
    assert_eq!(
        first,
        "::error file=src/driver.c,line=4,col=2,endColumn=30,title=silk%3A wrong value::\
         NRF_UART0->BAUDRATE = 115200: it is none of the enumerated values of \
         UART0.BAUDRATE.BAUDRATE; right: 0x01d7e000 (Baud115200)"
    );
}

#[test]
fn a_file_cannot_talk_to_the_terminal() {
    let silk = Silk::new();
    silk.write("a.c", "NRF_UART0->BUADRATE = \"\u{1b}[31m\";\n");
    let run = check(&silk, &["a.c", "--color", "never"]).expect(100);
    assert!(!run.stdout.contains('\u{1b}'), "{:?}", run.stdout);
}

#[test]
fn what_cannot_be_checked_is_said() {
    let silk = Silk::new();
    silk.write("empty/picture.png", "x");
    let run = check(&silk, &["empty"]).expect(4);
    assert!(run.stderr.contains("there is nothing to check"), "{}", run.stderr);
    let run = check(&silk, &["missing.c"]).expect(2);
    assert!(run.stderr.contains("failed to read `missing.c`"), "{}", run.stderr);
    silk.write("a.c", "int x;");
    let run = silk.run(["check", "a.c"]).expect(2);
    assert!(run.stderr.contains("no register map is known"), "{}", run.stderr);
}
