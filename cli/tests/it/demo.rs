//! `silk demo`: the story is whole with and without QEMU, with and without a model.

use scripted_provider::{Provider, Reply};

use crate::parts;
use crate::silk::{Run, Silk};

/// What the story must say, whatever the machine has.
#[track_caller]
fn tells_the_story(run: &Run) {
    for words in [
        "UART0.BAUDRATE",
        "0x0001c200",
        "0x01d7e000",
        "Baud115200",
        "uart.c:29 in uart_init",
        "about 429 baud",
        "the whole SVD",
    ] {
        assert!(run.stdout.contains(words), "no `{words}` in\n{}", run.stdout);
    }
}

#[test]
fn without_qemu_the_recording_is_used_and_said_to_be_one() {
    let run = Silk::new().with("PATH", "/nonexistent").run(["demo"]).expect(0);
    tells_the_story(&run);
    assert!(run.stdout.contains("recorded earlier from the virtual board"), "{}", run.stdout);
    assert!(run.stdout.contains("No model can be reached"), "{}", run.stdout);
    assert!(run.stdout.contains("would be sent"), "{}", run.stdout);
    assert!(run.stderr.contains("to get a model"), "{}", run.stderr);
}

#[test]
fn with_qemu_the_virtual_board_is_used() {
    if !parts::has_qemu() {
        return;
    }
    let run = Silk::new().run(["demo"]).expect(0);
    tells_the_story(&run);
    assert!(run.stdout.contains("virtual:microbit, QEMU"), "{}", run.stdout);
    assert!(run.stdout.contains("uart-baud: boot ok"), "{}", run.stdout);
}

#[test]
fn an_answer_is_streamed_with_its_verdicts() {
    let provider =
        Provider::start([Reply::answer("UART0.BAUDRATE is wrong.\nUART0.BAUDRAET is not.\n")])
            .unwrap();
    let silk = Silk::new().with("OPENAI_BASE_URL", provider.url()).with("OPENAI_MODEL", "m");
    let run = silk.run(["demo", "--recorded"]).expect(0);
    tells_the_story(&run);
    assert!(run.stdout.contains("✔ UART0.BAUDRATE"), "{}", run.stdout);
    assert!(run.stdout.contains("✘ UART0.BAUDRAET"), "{}", run.stdout);
}
