//! Register use against an executed truth: the examples run on QEMU with every access to a
//! register recorded, and each must be among those that the analysis lists for its instruction.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use svd_index::elf::{BaseRef, Certainty, Firmware};
use svd_index::uses::{self, Uses};

use super::{open, read};

/// At least so much of what is executed must be named, in parts of a hundred.
const WANTED: usize = 95;

/// Instructions that one run takes at most, and the time.
const MAX_INSTRUCTIONS: usize = 400_000;
const MAX_TIME: Duration = Duration::from_secs(20);

/// An executed access: instruction, address, whether it writes.
type Executed = BTreeSet<(u64, u64, bool)>;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/register-use").join(name)
}

/// Runs an ELF and records what it touches; `None` where QEMU is missing.
///
/// `-singlestep` makes a block of every instruction, so that the log names the instruction before
/// each access; instructions count as time, so that a run is the same anywhere.
fn execute(qemu: &str, machine: &[&str], elf: &Path) -> Option<Executed> {
    let mut child = match Command::new(qemu)
        .args(machine)
        .arg("-kernel")
        .arg(elf)
        .args(["-display", "none", "-serial", "null", "-monitor", "none", "-singlestep"])
        .args(["-icount", "shift=6,sleep=off", "-d"])
        .arg("exec,nochain,trace:memory_region_ops_read,trace:memory_region_ops_write")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) => {
            let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
            assert!(!required, "{qemu} is required: {error}");
            eprintln!("skipped: {qemu}: {error}");
            return None;
        }
    };
    let log = BufReader::new(child.stderr.take().unwrap());
    let (send, lines) = std::sync::mpsc::sync_channel(1024);
    // A firmware that sleeps logs nothing, so the wait for a line must end, too.
    let reader = std::thread::spawn(move || {
        log.lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let (mut executed, mut pc, mut count) = (Executed::new(), None, 0);
    let start = Instant::now();
    while let Ok(line) = lines.recv_timeout(MAX_TIME.saturating_sub(start.elapsed())) {
        if let Some(address) = block_address(&line) {
            pc = Some(address);
            count += 1;
        } else if let (Some(pc), Some((address, is_write))) = (pc, touched(&line)) {
            executed.insert((pc, address, is_write));
        }
        if count > MAX_INSTRUCTIONS {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
    // Whether it was still sending does not matter.
    let _ = reader.join().unwrap();
    assert!(!executed.is_empty(), "{} touched nothing", elf.display());
    Some(executed)
}

/// `Trace 0: 0x7f… [00000000/080000f4/…] name`: the second number is the program counter.
fn block_address(line: &str) -> Option<u64> {
    let numbers = line.strip_prefix("Trace ")?.split_once('[')?.1;
    u64::from_str_radix(numbers.split('/').nth(1)?, 16).ok()
}

/// `memory_region_ops_write cpu 0 mr 0x… addr 0x… value 0x… size 4 name '…'`
fn touched(line: &str) -> Option<(u64, bool)> {
    let rest = line.strip_prefix("memory_region_ops_")?;
    let address = rest.split_once("addr 0x")?.1.split_once(' ')?.0;
    let address = u64::from_str_radix(address, 16).ok()?;
    // Passed on by `v7m_systick`, which is in the log before, at an address of its own.
    if line.ends_with("name 'systick'") {
        return None;
    }
    Some((address, rest.starts_with("write")))
}

/// What the analysis says of one executed access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Exact,
    Partial,
    /// The structure's member, at whichever instance.
    Instance,
    Missing,
    Wrong,
}

fn judge(firmware: &Firmware, pc: u64, address: u64, is_write: bool) -> Verdict {
    use svd_index::elf::AccessKind;
    let here: Vec<_> = firmware.accesses().filter(|access| access.pc == pc).collect();
    let is_it = |kind: AccessKind| is_write != (kind == AccessKind::Read);
    let found = here.iter().find(|access| access.address == address && is_it(access.kind));
    let loose: Vec<_> =
        firmware.loose_accesses().filter(|access| access.pc == pc && is_it(access.kind)).collect();
    let may_be = loose.iter().any(|access| match access.base {
        // Registers of one kind stand at the same place in blocks of 1 KiB or more.
        BaseRef::Structure { offset, .. } => address & 0x3ff == offset & 0x3ff,
        BaseRef::After(_) => false,
    });
    match found {
        Some(access) if access.certainty == Certainty::Exact => Verdict::Exact,
        Some(_) => Verdict::Partial,
        None if may_be => Verdict::Instance,
        None if here.iter().any(|access| access.certainty == Certainty::Exact) => Verdict::Wrong,
        None => Verdict::Missing,
    }
}

fn check(elf: &str, qemu: &str, machine: &[&str]) {
    let Some(executed) = execute(qemu, machine, &example(elf)) else { return };
    let firmware = open(&example(elf));
    let mut shares: BTreeMap<Verdict, Vec<(u64, u64)>> = BTreeMap::new();
    for &(pc, address, is_write) in &executed {
        let verdict = judge(&firmware, pc, address, is_write);
        shares.entry(verdict).or_default().push((pc, address));
    }
    let share = |verdict| shares.get(&verdict).map_or(0, Vec::len);
    eprintln!("{elf}: {} accesses executed", executed.len());
    for (verdict, accesses) in &shares {
        eprintln!("  {verdict:?}: {} ({:#x?} …)", accesses.len(), accesses[0]);
    }
    assert_eq!(share(Verdict::Wrong), 0, "{:#x?}", shares.get(&Verdict::Wrong));
    let named = share(Verdict::Exact) + share(Verdict::Partial) + share(Verdict::Instance);
    let missing = shares.get(&Verdict::Missing);
    assert!(named * 100 >= executed.len() * WANTED, "{elf}: not named: {missing:#x?}");
}

#[test]
fn drivers_of_a_cortex_m0_do_what_is_listed() {
    check("nrf51.elf", "qemu-system-arm", &["-M", "microbit"]);
}

#[test]
fn drivers_of_a_cortex_m4_do_what_is_listed() {
    check("stm32f4.elf", "qemu-system-arm", &["-M", "netduinoplus2"]);
}

#[test]
fn drivers_of_a_riscv_chip_do_what_is_listed() {
    check("fe310.elf", "qemu-system-riscv32", &["-M", "sifive_e", "-bios", "none"]);
}

#[test]
fn rust_over_a_peripheral_access_crate_does_what_is_listed() {
    check("pac-drivers.elf", "qemu-system-arm", &["-M", "microbit"]);
}

/// Function and registers of a device stand in one entry of a table: an index that is not known
/// must not bring one device's function together with another's registers.
#[test]
fn what_one_index_chooses_goes_together() {
    let firmware = open(&example("stm32f4.elf"));
    let touched = |function| -> BTreeSet<u64> {
        firmware.accesses_in(function).iter().map(|access| access.address).collect()
    };
    assert_eq!(touched("usart_put"), BTreeSet::from([0x4001_1004, 0x4000_4804]));
    assert_eq!(touched("timer_put"), BTreeSet::from([0x4000_0034, 0x4000_0834]));
}

#[test]
fn registers_have_the_names_of_the_map() {
    let chip = super::super::nrf51();
    let firmware = open(&example("nrf51.elf"));
    let uses = Uses::of(&chip, &firmware);
    let baud = chip.register("UART0.BAUDRATE").unwrap();
    let found: Vec<_> = uses.touching(baud).collect();
    let [baud] = found[..] else { panic!("{found:#?}") };
    assert_eq!((baud.address, baud.value), (Some(0x4000_2524), Some(0x01d7_e000)));
    assert_eq!((baud.name.as_deref(), baud.mask), (Some("UART0.BAUDRATE"), None));
    assert_eq!(baud.frames[0].function, "uart_apply");
    assert_eq!(baud.certainty, uses::Certainty::Exact);

    // Of a pin whose number comes out of a table, and of one chosen at random.
    let pins = chip.register("GPIO.PIN_CNF").unwrap();
    let names: BTreeSet<&str> = uses.touching(pins).filter_map(|one| one.name.as_deref()).collect();
    for pin in [4, 12, 13, 17, 24] {
        assert!(names.contains(format!("GPIO.PIN_CNF[{pin}]").as_str()), "{names:?}");
    }
    let pin = chip.register("GPIO.PIN_CNF[13]").unwrap();
    assert!(uses.touching(pin).all(|one| one.address.is_none_or(|at| at == pin.address())));
}

/// The committed programs are what their sources give, by the compilers they came from.
#[test]
fn the_programs_come_from_their_sources() {
    let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|value| value == "1");
    for compiler in ["arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"] {
        let version = Command::new(compiler).arg("-dumpfullversion").output();
        let version = version.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
        if !version.as_ref().is_ok_and(|version| version.starts_with("12.2")) {
            assert!(!required, "{compiler} 12.2 is required, found {version:?}");
            eprintln!("skipped: needs {compiler} 12.2, found {version:?}");
            return;
        }
    }
    let make = Command::new("make").arg("check").current_dir(example("")).output().unwrap();
    assert!(make.status.success(), "{}", String::from_utf8_lossy(&make.stdout));
    let sums = String::from_utf8(read(&example("SHA256SUMS"))).unwrap();
    assert_eq!(sums.lines().count(), 4);
}
