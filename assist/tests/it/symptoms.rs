//! The examples with a bug: a question that names nothing but the symptom has the bug's function
//! and line in its evidence.

use assist::{TokenBudget, prepare};

use crate::support::{example, index};

/// The tokens within which it has to stand.
const BUDGET: usize = 1500;

/// `function file:line` of the line that is marked as the bug.
fn bug(function: &str, file: &str) -> String {
    let source = std::fs::read_to_string(example(file)).unwrap();
    let marked = |line: &&str| line.contains("/* planted: ");
    assert_eq!(source.lines().filter(marked).count(), 1, "{file} has one bug");
    let line = 1 + source.lines().position(|line| marked(&line)).unwrap();
    format!("{function} {}:{line}", file.rsplit('/').next().unwrap())
}

#[test]
fn a_symptom_brings_the_function_and_line_of_its_bug() {
    let of = |name: &str| format!("../symptoms/{name}.c");
    let cases = [
        ("The program hangs at boot, waiting for a clock.", "clock", "clock_start"),
        ("The periodic interrupt never comes, though the timer counts.", "ticker", "ticker_start"),
        ("The button always reads as not pressed.", "button", "button_init"),
        ("The I2C thermometer never answers, SCL and SDA stay high.", "sensor", "sensor_init"),
        ("Each byte that the SPI display gets is shifted by a bit.", "display", "display_init"),
        (
            "The first ADC conversion gives 0, each later one the value before.",
            "battery",
            "battery_millivolts",
        ),
        ("The watchdog resets the board though it is fed in time.", "guard", "guard_start"),
        // In the words of nobody's driver.
        (
            "It is stuck right after power-up and never gets to the main loop.",
            "clock",
            "clock_start",
        ),
        ("Battery voltage is one sample late.", "battery", "battery_millivolts"),
        (
            "What the LCD shows is garbled, as if the clock's edge were the wrong one.",
            "display",
            "display_init",
        ),
        ("The board restarts every two seconds.", "guard", "guard_start"),
        ("An input pin does not follow the level that is measured at it.", "button", "button_init"),
    ];
    let index = index("../symptoms/symptoms.elf");
    let missed: Vec<String> = cases
        .into_iter()
        .filter_map(|(question, file, function)| {
            let context = prepare(&index, None, question, TokenBudget::new(BUDGET)).context;
            let bug = bug(function, &of(file));
            (!context.text.contains(&bug)).then(|| format!("{question}: {bug}\n{}", context.text))
        })
        .collect();
    assert!(missed.is_empty(), "{} of them\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn the_wrong_baud_rate_is_found_by_its_garbage() {
    let index = index("faulty.elf");
    for question in ["The serial terminal shows garbage.", "Output is unreadable on the console."] {
        let context = prepare(&index, None, question, TokenBudget::new(BUDGET)).context;
        assert!(context.text.contains("uart_init uart.c:29"), "{question}\n{}", context.text);
    }
}

#[test]
fn functions_and_variables_that_a_question_speaks_of_are_named() {
    let index = index("../symptoms/symptoms.elf");
    let question = "Why do the ticks of the battery display differ?";
    let text = prepare(&index, None, question, TokenBudget::new(BUDGET)).context.text;
    for wanted in [
        "function battery_init battery.c:10",
        "function display_put display.c:",
        "variable ticks 0x2000",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(!text.contains("function Reset_Handler"), "{text}");
}
