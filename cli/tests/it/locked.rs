//! Chips that are locked: told with the way out, and left as they are.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use vbench::wire::{self, Packets, Target};

use crate::serving::Served;
use crate::silk::Silk;

/// A write to an access port: its number, the register, the value.
type Writes = Arc<Mutex<Vec<(u32, u32, u32)>>>;

/// An nRF52 with APPROTECT on, behind a probe on the network: a debug port and no more.
#[derive(Default)]
struct LockedNrf {
    select: u32,
    control: u32,
    /// What RDBUFF gives.
    last: u32,
    writes: Writes,
}

/// Source: ADIv5.2, IHI 0031E, B2.2.
const CTRL_STAT: u8 = 0x4;
const SELECT: u8 = 0x8;
const RDBUFF: u8 = 0xc;

/// Any but a bench's: no board says what it is.
const PROBE_CLOCK: u32 = 48_000_000;

impl LockedNrf {
    /// Gives the address of the probe.
    fn serve(writes: Writes) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for client in listener.incoming() {
                let chip = LockedNrf { writes: writes.clone(), ..LockedNrf::default() };
                chip.answer(client.unwrap());
            }
        });
        address
    }

    fn answer(mut self, mut client: TcpStream) {
        let (mut packets, mut buffer) = (Packets::default(), [0; 4096]);
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            for (target, data) in packets.take(&buffer[..count]).unwrap() {
                let answer = match target {
                    Target::Root => root(data[0]),
                    Target::Swd => self.transfers(&data),
                };
                if !answer.is_empty() && client.write_all(&wire::packet(target, &answer)).is_err() {
                    return;
                }
            }
        }
    }

    fn transfers(&mut self, data: &[u8]) -> Vec<u8> {
        let (mut answer, mut rest) = (Vec::new(), data);
        while let Some((&head, after)) = rest.split_first() {
            let value = after.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if head & wire::SWD_SEQUENCE != 0 {
                rest = &after[4..];
            } else if head & wire::TRANSFER_READ != 0 {
                rest = after;
                answer.push(wire::ANSWER_DATA);
                answer.extend(self.read(head).to_le_bytes());
            } else {
                rest = &after[4..];
                self.write(head, value);
                answer.push(wire::ANSWER_NO_DATA | wire::ACK_OK);
            }
        }
        answer
    }

    fn read(&mut self, head: u8) -> u32 {
        let address = head & wire::TRANSFER_ADDRESS;
        if head & wire::TRANSFER_AP != 0 {
            // IDR of the memory's and of the control access port. The latter's APPROTECTSTATUS is 0.
            let value = match (self.select >> 24, self.select & 0xf0 | u32::from(address)) {
                (0, 0xfc) => 0x2477_0011,
                (1, 0xfc) => 0x0288_0000,
                _ => 0,
            };
            return std::mem::replace(&mut self.last, value);
        }
        match address {
            // Both power-ups are granted as they are asked for.
            CTRL_STAT => self.control | (self.control & 0x5000_0000) << 1,
            RDBUFF => self.last,
            _ => 0x2ba0_1477,
        }
    }

    fn write(&mut self, head: u8, value: u32) {
        let address = head & wire::TRANSFER_ADDRESS;
        if head & wire::TRANSFER_AP != 0 {
            let register = self.select & 0xf0 | u32::from(address);
            self.writes.lock().unwrap().push((self.select >> 24, register, value));
            return;
        }
        match address {
            CTRL_STAT => self.control = value,
            SELECT => self.select = value,
            _ => {}
        }
    }
}

fn root(command: u8) -> Vec<u8> {
    match command {
        wire::ROOT_IDENTIFY => wire::IDENTIFIER.to_vec(),
        wire::ROOT_REF_CLOCK => PROBE_CLOCK.to_le_bytes().to_vec(),
        wire::ROOT_GET_DIVISOR => vec![1, 0],
        _ => Vec::new(),
    }
}

fn firmware() -> String {
    format!("{}/../vbench/firmware/netduinoplus2.elf", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_chip_locked_by_approtect_is_named_with_the_way_out_and_left_as_it_is() {
    let silk = Silk::new();
    let writes = Writes::default();
    let probe = format!("tcp:{}", LockedNrf::serve(writes.clone()));
    let board = ["--probe", &probe, "--chip", "nRF52840_xxAA", "--elf", &firmware()];
    for verb in [&["flash"][..], &["flash", "--force"], &["erase", "--all"], &["reset"], &["halt"]]
    {
        let run = silk.run([verb, &board[..]].concat()).expect(105);
        for words in [
            "failed to attach to nRF52840_xxAA: it is locked by APPROTECT",
            "silk never unlocks a chip",
            "if everything on the chip",
            "probe-rs erase --chip nRF52840_xxAA --allow-erase-all",
        ] {
            assert!(run.stderr.contains(words), "{verb:?}: {}", run.stderr);
        }
    }
    assert_eq!(*writes.lock().unwrap(), [], "no access port was written");
}

/// A line to a served board that hides that it is one: `silk` takes the chip for a real one. The
/// STM32F405 of QEMU has no FLASH_OPTCR; its RDP byte reads as 0, which is level 1.
fn as_a_real_chip(bench: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, bench) = (client.unwrap(), TcpStream::connect(bench).unwrap());
            let (mut from, mut to) = (client.try_clone().unwrap(), bench.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
            thread::spawn(move || hide(bench, client));
        }
    });
    address
}

fn hide(mut bench: TcpStream, mut client: TcpStream) {
    let (mut packets, mut buffer) = (Packets::default(), [0; 16 * 1024]);
    while let Ok(count @ 1..) = bench.read(&mut buffer) {
        for (target, data) in packets.take(&buffer[..count]).unwrap() {
            let is_clock = target == Target::Root && data == wire::BENCH_CLOCK.to_le_bytes();
            let data = if is_clock { PROBE_CLOCK.to_le_bytes().to_vec() } else { data };
            if client.write_all(&wire::packet(target, &data)).is_err() {
                return;
            }
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
}

#[test]
fn an_stm32_with_readout_protection_is_asked_before_its_flash_is_touched() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "netduinoplus2"]) else { return };
    let (itself, elf) = (format!("tcp:{}", served.address), firmware());
    let on =
        |probe: &str, verb: &[&str]| silk.run([verb, &["--probe", probe, "--elf", &elf]].concat());
    on(&itself, &["flash"]).expect(0);
    on(&itself, &["erase", "0x08004000+0x100"]).expect(0);
    let before =
        on(&itself, &["read", "0x08000000", "--json"]).expect(0).json()[0]["value"].clone();
    assert_ne!(before, "0xffffffff");

    let real = format!("tcp:{}", as_a_real_chip(served.address));
    for verb in [&["flash", "--force"][..], &["erase", "--all"], &["erase", "0x08000000+0x100"]] {
        let run = on(&real, &[verb, &["--chip", "STM32F405RGTx"]].concat()).expect(105);
        for words in [
            ": it is locked by readout protection, RDP level 1",
            "nothing was written",
            "STM32_Programmer_CLI -c port=SWD -rdu",
        ] {
            assert!(run.stderr.contains(words), "{verb:?}: {}", run.stderr);
        }
    }
    let after = on(&itself, &["read", "0x08000000", "--json"]).expect(0).json();
    assert_eq!(after[0]["value"], before);
}
