//! Run control through QEMU's gdb stub: halt, step, resume, registers, breakpoints.
//!
//! Source: GDB manual, appendix E (GDB Remote Serial Protocol). The stub talks only while the
//! machine is stopped; whoever calls must know which it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::BenchError;
use crate::channel::Channel;
use crate::watchpoints::{Watch, Watchpoint};

/// Why the machine has stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The address whose access was watched for, if that was it.
    pub(crate) data: Option<u32>,
}

pub(crate) struct Gdb {
    channel: Channel,
    /// Register numbers by the names that QEMU's target description gives.
    registers: HashMap<String, u32>,
}

/// Bytes that one `M` carries: two digits each, in a packet of 4096 at most.
const WRITE_BYTES: usize = 2000;

/// Interrupt request: stops the machine.
const INTERRUPT: &[u8] = &[0x03];

/// Expected after every packet; QEMU 7.2 cannot be told to do without.
const ACKNOWLEDGE: &[u8] = b"+";

impl Gdb {
    /// Opens the conversation. The machine must be stopped.
    pub(crate) fn open(channel: Channel) -> Result<Gdb, BenchError> {
        let mut gdb = Gdb { channel, registers: HashMap::new() };
        gdb.command("qSupported:xmlRegisters=arm")?;
        // Older stubs answer `p` only once the description was read.
        gdb.read_target_description()?;
        Ok(gdb)
    }

    /// Stops the machine. An already stopped one answers nothing and must not be asked.
    pub(crate) fn interrupt(&mut self) -> Result<Stop, BenchError> {
        self.channel.send(INTERRUPT)?;
        self.wait_stop()
    }

    /// Lets the machine run. Returns at once.
    pub(crate) fn resume(&mut self) -> Result<(), BenchError> {
        self.send("vCont;c")
    }

    /// Executes one instruction, interrupts and timers held back or not.
    pub(crate) fn step(&mut self, mask_interrupts: bool) -> Result<Stop, BenchError> {
        self.begin_step(mask_interrupts)?;
        self.wait_stop()
    }

    fn begin_step(&mut self, mask_interrupts: bool) -> Result<(), BenchError> {
        // Bits of QEMU's sstep mask: 1 enable, 2 no interrupts, 4 no timers.
        let flags = if mask_interrupts { 7 } else { 1 };
        self.expect_ok(&format!("Qqemu.sstep={flags:x}"))?;
        self.send("vCont;s:p1.1")
    }

    /// [`Gdb::step`] for a core that may sleep on: after `limit` the machine is stopped all the same.
    pub(crate) fn step_within(
        &mut self,
        mask_interrupts: bool,
        limit: Duration,
    ) -> Result<Stop, BenchError> {
        self.begin_step(mask_interrupts)?;
        let give_up = Instant::now() + limit;
        while Instant::now() < give_up {
            if let Some(stop) = self.poll_stop()? {
                return Ok(stop);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.interrupt()
    }

    /// Why the machine has stopped by itself since it was resumed, if it has.
    pub(crate) fn poll_stop(&mut self) -> Result<Option<Stop>, BenchError> {
        while let Some(packet) = self.poll_packet()? {
            if let Some(stop) = Stop::of(&packet) {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    /// `None`: this QEMU does not show the register.
    pub(crate) fn read_register(&mut self, name: &str) -> Result<Option<u32>, BenchError> {
        let Some(answer) = self.read_hex(name)? else { return Ok(None) };
        let value =
            u32::from_str_radix(&answer, 16).map_err(|_| self.channel.protocol(&*answer))?;
        // Target byte order, which is little-endian.
        Ok(Some(value.swap_bytes()))
    }

    /// A double-precision register. `None`: this core has none.
    pub(crate) fn read_double(&mut self, name: &str) -> Result<Option<u64>, BenchError> {
        let Some(answer) = self.read_hex(name)? else { return Ok(None) };
        let value =
            u64::from_str_radix(&answer, 16).map_err(|_| self.channel.protocol(&*answer))?;
        Ok(Some(value.swap_bytes()))
    }

    fn read_hex(&mut self, name: &str) -> Result<Option<String>, BenchError> {
        match self.registers.get(name) {
            Some(number) => self.command(&format!("p{number:x}")).map(Some),
            None => Ok(None),
        }
    }

    /// False: this QEMU does not have the register.
    pub(crate) fn write_register(&mut self, name: &str, value: u32) -> Result<bool, BenchError> {
        let Some(number) = self.registers.get(name) else {
            return Ok(false);
        };
        self.expect_ok(&format!("P{number:x}={:08x}", value.swap_bytes()))?;
        Ok(true)
    }

    /// False: this core does not have the register.
    pub(crate) fn write_double(&mut self, name: &str, value: u64) -> Result<bool, BenchError> {
        let Some(number) = self.registers.get(name) else {
            return Ok(false);
        };
        self.expect_ok(&format!("P{number:x}={:016x}", value.swap_bytes()))?;
        Ok(true)
    }

    /// Writes memory, flash included.
    pub(crate) fn write_memory(&mut self, address: u64, bytes: &[u8]) -> Result<(), BenchError> {
        for (at, chunk) in (address..).step_by(WRITE_BYTES).zip(bytes.chunks(WRITE_BYTES)) {
            let mut command = format!("M{at:x},{:x}:", chunk.len());
            for byte in chunk {
                let digits =
                    [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
                command.extend(digits.map(char::from));
            }
            self.expect_ok(&command)?;
        }
        Ok(())
    }

    pub(crate) fn insert_breakpoint(&mut self, address: u32) -> Result<(), BenchError> {
        self.expect_ok(&format!("Z1,{address:x},2"))
    }

    pub(crate) fn remove_breakpoint(&mut self, address: u32) -> Result<(), BenchError> {
        self.expect_ok(&format!("z1,{address:x},2"))
    }

    pub(crate) fn insert_watchpoint(&mut self, point: Watchpoint) -> Result<(), BenchError> {
        self.expect_ok(&format!("Z{}", watch_arguments(point)))
    }

    pub(crate) fn remove_watchpoint(&mut self, point: Watchpoint) -> Result<(), BenchError> {
        self.expect_ok(&format!("z{}", watch_arguments(point)))
    }

    fn wait_stop(&mut self) -> Result<Stop, BenchError> {
        loop {
            if let Some(stop) = Stop::of(&self.packet()?) {
                return Ok(stop);
            }
        }
    }

    fn expect_ok(&mut self, command: &str) -> Result<(), BenchError> {
        match self.command(command)?.as_str() {
            "OK" => Ok(()),
            other => Err(self.channel.protocol(format!("`{other}` to {command}"))),
        }
    }

    fn command(&mut self, command: &str) -> Result<String, BenchError> {
        self.send(command)?;
        self.packet()
    }

    fn send(&mut self, command: &str) -> Result<(), BenchError> {
        let sum = command.bytes().fold(0u8, u8::wrapping_add);
        self.channel.send(format!("${command}#{sum:02x}").as_bytes())
    }

    /// The next packet's payload; acknowledgements are passed over.
    fn packet(&mut self) -> Result<String, BenchError> {
        let framed = self.channel.take_until(b'#')?;
        self.finish_packet(framed)
    }

    fn poll_packet(&mut self) -> Result<Option<String>, BenchError> {
        match self.channel.poll_until(b'#')? {
            Some(framed) => self.finish_packet(framed).map(Some),
            None => Ok(None),
        }
    }

    fn finish_packet(&mut self, framed: Vec<u8>) -> Result<String, BenchError> {
        // The transport is a local socket: the checksum is read, not checked.
        self.channel.take(2)?;
        self.channel.send(ACKNOWLEDGE)?;
        let start = framed.iter().position(|&byte| byte == b'$');
        let payload = match start {
            Some(start) => &framed[start + 1..framed.len() - 1],
            None => return Err(self.channel.protocol(String::from_utf8_lossy(&framed))),
        };
        Ok(String::from_utf8_lossy(payload).into_owned())
    }

    fn read_target_description(&mut self) -> Result<(), BenchError> {
        let target = self.read_feature("target.xml")?;
        let mut numbering = Numbering::default();
        for file in attributes(&target, "xi:include", "href") {
            let feature = self.read_feature(&file)?;
            numbering.add(&feature);
        }
        self.registers = numbering.numbers;
        match ["r0", "sp", "pc", "xpsr"].iter().find(|name| !self.registers.contains_key(**name)) {
            Some(missing) => Err(self.channel.protocol(format!("no register {missing}"))),
            None => Ok(()),
        }
    }

    fn read_feature(&mut self, file: &str) -> Result<String, BenchError> {
        let mut text = String::new();
        loop {
            let answer =
                self.command(&format!("qXfer:features:read:{file}:{:x},7fb", text.len()))?;
            let (more, part) = answer.split_at_checked(1).unwrap_or((&answer, ""));
            text.push_str(part);
            match more {
                "m" if !part.is_empty() => {}
                "l" => return Ok(text),
                _ => return Err(self.channel.protocol(format!("`{more}` for {file}"))),
            }
        }
    }
}

impl Stop {
    /// `T…` and `S…` are stop replies; everything else that may come unasked is console output.
    fn of(packet: &str) -> Option<Stop> {
        let pairs = match packet.split_at_checked(1)? {
            ("S", _) => return Some(Stop::default()),
            ("T", rest) => rest.get(2..)?,
            _ => return None,
        };
        let data =
            pairs.split(';').filter_map(|pair| pair.split_once(':')).find_map(|(key, at)| {
                matches!(key, "watch" | "rwatch" | "awatch")
                    .then(|| u32::from_str_radix(at, 16).ok())
            });
        Some(Stop { data: data.flatten() })
    }
}

/// Type, address and length, as `Z` and `z` take them.
fn watch_arguments(point: Watchpoint) -> String {
    let kind = match point.watch {
        Watch::Write => 2,
        Watch::Read => 3,
        Watch::Access => 4,
    };
    format!("{kind},{:x},{:x}", point.address, point.bytes)
}

/// Register numbers as gdb counts them: from 0 over all features, `regnum` sets the count.
#[derive(Default)]
struct Numbering {
    next: u32,
    numbers: HashMap<String, u32>,
}

impl Numbering {
    fn add(&mut self, feature: &str) {
        for tag in tags(feature, "reg") {
            if let Some(number) = attribute(tag, "regnum").and_then(|text| text.parse().ok()) {
                self.next = number;
            }
            if let Some(name) = attribute(tag, "name") {
                self.numbers.insert(name.to_owned(), self.next);
            }
            self.next += 1;
        }
    }
}

fn attributes(xml: &str, tag: &str, name: &str) -> Vec<String> {
    tags(xml, tag).filter_map(|tag| attribute(tag, name)).map(str::to_owned).collect()
}

/// The inside of every `<name …>`. Enough for the plain files QEMU ships.
fn tags<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    xml.split('<').skip(1).filter_map(move |rest| {
        let inside = rest.split('>').next()?.strip_prefix(name)?;
        inside.starts_with(char::is_whitespace).then_some(inside)
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_registers_as_gdb_does() {
        let mut numbering = Numbering::default();
        numbering.add(
            r#"<feature name="a"><reg name="r0" bitsize="32"/><reg name="sp"/>
            <reg name="xpsr" bitsize="32" regnum="25"/></feature>"#,
        );
        numbering.add(r#"<feature name="b"><reg name="msp" bitsize="32"/></feature>"#);
        let number = |name| numbering.numbers.get(name).copied();
        assert_eq!(number("r0"), Some(0));
        assert_eq!(number("sp"), Some(1));
        assert_eq!(number("xpsr"), Some(25));
        assert_eq!(number("msp"), Some(26));
        assert_eq!(number("psp"), None);
    }

    #[test]
    fn stop_replies_tell_a_watched_address() {
        let data = |packet| Stop::of(packet).map(|stop| stop.data);
        assert_eq!(data("S05"), Some(None));
        assert_eq!(data("T05thread:01;"), Some(None));
        assert_eq!(data("T05thread:01;watch:20000010;"), Some(Some(0x2000_0010)));
        assert_eq!(data("T05awatch:4;"), Some(Some(4)));
        assert_eq!(data("O48690a"), None);
        assert_eq!(data(""), None);
    }

    #[test]
    fn finds_included_features() {
        let xml =
            r#"<target><xi:include href="arm-m-profile.xml"/><xi:include href="x.xml"/></target>"#;
        assert_eq!(attributes(xml, "xi:include", "href"), ["arm-m-profile.xml", "x.xml"]);
    }
}
