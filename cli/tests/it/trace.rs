//! `silk log --itm` where there is nothing to hear: what is told, and that nothing else happens.

use crate::parts;
use crate::silk::Silk;

fn firmware(board: &str) -> String {
    format!("{}/../vbench/firmware/{board}.elf", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn boards_without_a_trace_pin_say_what_they_lack() {
    if !parts::has_qemu() {
        return;
    }
    let silk = Silk::new();
    let check = |board: &str, words: &str| {
        let (probe, elf) = (format!("virtual:{board}"), firmware(board));
        let arguments = ["log", "--for", "1", "--itm", "0", "--trace-clock", "16000000"];
        let run =
            silk.run([&arguments[..], &["--probe", &probe, "--elf", &elf]].concat()).expect(2);
        assert!(run.stderr.contains(words), "{board}: {}", run.stderr);
        assert!(run.stderr.contains("leave --itm out"), "{board}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{board}");
    };
    check("microbit", "have no ITM");
    check("netduinoplus2", "does not read the trace pin");
}

#[test]
fn what_cannot_be_asked_of_the_itm_is_told_before_a_board_is_opened() {
    let silk = Silk::new();
    let check = |arguments: &[&str], words: &str| {
        let log = ["log", "--probe", "dead:beef:nobody"];
        let run = silk.run([&log[..], arguments].concat()).expect(2);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
    };
    check(&["--itm"], "--trace-clock");
    check(&["--trace-clock", "16000000"], "--itm");
    check(&["--itm", "32", "--trace-clock", "16000000"], "numbers from 0 to 31");
    check(&["--itm", "--core-clock", "16000000", "--swo-baud", "6000000"], "it divides to 8000000");
    check(&["--itm", "--trace-clock", "16000000", "--replay", "x.silk"], "--replay");
}
