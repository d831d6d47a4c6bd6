//! Flashes an ELF file to a virtual board and shows what there is to see, with times.
//!
//! `cargo run --release -p hil --example bench -- examples/uart-baud/faulty.elf`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bundle::{ReadPlan, ReadRequest};
use hil::{Board, Deadlines, Selector};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let elf = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: bench ELF")?;
    let mut since = Instant::now();
    let mut lap = |what: &str| {
        println!("{:>8.1} ms  {what}", since.elapsed().as_secs_f64() * 1e3);
        since = Instant::now();
    };
    let selector = Selector::Virtual("microbit".to_owned());
    let mut board = Board::open(&selector, None, &Deadlines::default())?;
    lap("open: start QEMU and attach");
    board.flash(&elf, &mut |_| ())?;
    lap("flash and verify");
    let pc = board.reset_and_halt()?;
    lap(&format!("reset and halt at {pc:#010x}"));
    board.reset()?;
    lap("reset and run");
    if let Some(serial) = board.serial() {
        serial.wait(Duration::from_secs(2), |text| text.contains(&b'\n'));
        lap(&format!("{}: {:?}", serial.name(), String::from_utf8_lossy(&serial.bytes())));
    }
    let value = board.read(0x4000_2524, 32, 1)?;
    lap(&format!("BAUDRATE while running: {value:#010x?}"));
    let registers: Vec<_> =
        (0..50).map(|i| ReadRequest { address: 0x4000_2500 + 4 * i, size_bits: 32 }).collect();
    let mut plan = ReadPlan { registers, ..ReadPlan::default() };
    plan.memory.push(0x2000_0000..0x2000_4000);
    let snapshot = board.snapshot(&plan)?;
    lap(&format!("snapshot of {} registers and 16 KiB", snapshot.registers.len()));
    println!("unmapped: {}", board.read(0x3000_0000, 32, 1).expect_err("nothing is mapped there"));
    let pc = board.halt()?;
    lap(&format!("halt at {pc:#010x}"));
    for register in board.core_registers()? {
        match register.value {
            Some(value) => println!("{:>10} {value:#010x}", register.name),
            None => println!("{:>10} not available", register.name),
        }
    }
    lap("core registers");
    for _ in 0..5 {
        let pc = board.step()?;
        lap(&format!("step to {pc:#010x}"));
    }
    board.run()?;
    lap("run");
    println!("{:?}", board.status()?);
    drop(board);
    lap("drop");
    Ok(())
}
