//! Each error, triggered.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use hil::{Availability, Board, Deadlines, HilError, Selector};

use crate::firmware::{self, NOP};
use crate::parts;

fn open(selector: &str, chip: Option<&str>) -> HilError {
    Board::open(&selector.parse().unwrap(), chip, &Deadlines::default()).unwrap_err()
}

#[test]
fn a_virtual_board_that_is_not_in_the_catalog() {
    let error = open("virtual:nucleo", None);
    let text = error.to_string();
    let known = "find a virtual board named `nucleo`; there is: microbit, netduinoplus2, \
                 olimex-stm32-h405, b-l475e-iot01a, mps2-an385";
    assert_eq!(text, known);
}

#[test]
fn a_probe_that_is_not_plugged_in() {
    let error = open("dead:beef:nobody", Some("nRF51822_xxAA"));
    let HilError::NoProbe { found, .. } = &error else { panic!("{error:?}") };
    assert!(found.iter().any(|probe| probe.selector == parts::selector()));
    assert!(error.to_string().contains("virtual:microbit"), "{error}");
}

#[test]
fn a_chip_that_nobody_knows() {
    let error = open("virtual:microbit", Some("nRF51822_xxZZ"));
    let HilError::ChipUnknown { similar, .. } = &error else { panic!("{error:?}") };
    assert!(similar.iter().any(|name| name == "nRF51822_xxAA"), "{similar:?}");
    let error = open("virtual:microbit", Some("Z80"));
    assert!(matches!(&error, HilError::ChipUnknown { similar, .. } if similar.is_empty()));
}

#[test]
fn a_virtual_board_taken_for_another_chip() {
    let error = open("virtual:microbit", Some("STM32F405RGTx"));
    let text = error.to_string();
    assert!(matches!(error, HilError::WrongChip { .. }), "{error:?}");
    assert!(text.contains("STM32F405RG") && text.contains("nRF51822_xxAA"), "{text}");
}

#[test]
fn a_short_chip_name_is_enough_for_a_board_that_knows_its_own() {
    if parts::qemu() {
        let deadlines = Deadlines::default();
        let board = Board::open(&parts::selector(), Some("nrf51822"), &deadlines).unwrap();
        assert_eq!(board.identity().chip, "nRF51822_xxAA");
    }
}

#[test]
fn files_that_are_no_firmware_leave_the_flash_alone() {
    let Some(mut board) = parts::microbit() else { return };
    let own_binary = std::env::current_exe().unwrap();
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    for file in [Path::new("/nowhere/firmware.elf"), &text, &own_binary] {
        let error = board.flash(file, &mut |_| ()).unwrap_err();
        assert!(matches!(error, HilError::Firmware { .. }), "{}: {error:?}", file.display());
        assert!(error.source().is_some());
    }
    let too_big = firmware::elf(&vec![NOP; 200_000]);
    let error = board.flash(too_big.path(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, HilError::Firmware { .. }), "{error:?}");
    assert_eq!(board.read(0, 32, 1).unwrap(), [0xffff_ffff]);
}

#[test]
fn deadlines_that_pass_are_named() {
    if !parts::qemu() {
        return;
    }
    let hurry = Deadlines { attach: Duration::from_micros(1), ..Deadlines::default() };
    let error = Board::open(&parts::selector(), None, &hurry).unwrap_err();
    assert!(
        matches!(&error, HilError::Deadline { what, .. } if what.contains("attach")),
        "{error}"
    );

    let hurry = Deadlines { flash: Duration::from_micros(1), ..Deadlines::default() };
    let mut board = Board::open(&parts::selector(), None, &hurry).unwrap();
    let error = board.flash(&parts::faulty_elf(), &mut |_| ()).unwrap_err();
    let why = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(why.as_deref(), Some("it did not end within 0 ms"));
    assert!(error.to_string().contains("contents are not known now"), "{error}");
    assert!(matches!(board.reset().unwrap_err(), HilError::Lost), "its probe is not ours any more");
}

#[test]
fn without_qemu_the_list_and_the_error_say_so() {
    const CHILD: &str = "HIL_TEST_WITHOUT_QEMU";
    if std::env::var_os(CHILD).is_none() {
        let this = "errors::without_qemu_the_list_and_the_error_say_so";
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this])
            .env(CHILD, "1")
            .env("PATH", "/nowhere")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let error = open("virtual:microbit", None);
    assert!(matches!(error, HilError::Bench(_)), "{error:?}");
    assert_eq!(error.to_string(), "find QEMU: no `qemu-system-arm` in any folder of PATH");
    let found = hil::list().into_iter().find(|probe| probe.selector == parts::selector()).unwrap();
    assert!(
        matches!(found.availability, Availability::Unavailable { why } if why == error.to_string())
    );
}

#[test]
fn the_list_has_virtual_boards_with_their_chip() {
    let microbit = hil::list().into_iter().find(|probe| probe.is_virtual()).unwrap();
    assert_eq!(microbit.selector, Selector::Virtual("microbit".to_owned()));
    assert_eq!(microbit.chip.as_deref(), Some("nRF51822_xxAA"));
}
