//! QEMU's control channel: JSON commands, answers and events, one per line.

use serde_json::{Value, json};

use crate::channel::Channel;
use crate::{BenchError, Version};

pub(crate) struct Qmp {
    channel: Channel,
    version: Version,
    /// `RESET` events seen and not yet asked about.
    resets: usize,
}

impl Qmp {
    /// Reads the greeting and leaves negotiation mode.
    pub(crate) fn open(mut channel: Channel) -> Result<Qmp, BenchError> {
        let greeting = read(&mut channel)?;
        let number = |name: &str| {
            let number = &greeting["QMP"]["version"]["qemu"][name];
            number.as_u64().and_then(|number| u32::try_from(number).ok())
        };
        let version = match (number("major"), number("minor"), number("micro")) {
            (Some(major), Some(minor), Some(micro)) => Version { major, minor, micro },
            _ => return Err(channel.protocol(greeting.to_string())),
        };
        let mut qmp = Qmp { channel, version, resets: 0 };
        qmp.execute("qmp_capabilities", Value::Null)?;
        Ok(qmp)
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Runs a command and gives its `return` value. Events that come first are kept.
    pub(crate) fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, BenchError> {
        let mut request = json!({ "execute": command });
        if !arguments.is_null() {
            request["arguments"] = arguments;
        }
        self.channel.send(format!("{request}\n").as_bytes())?;
        loop {
            let mut answer = read(&mut self.channel)?;
            if let Some(result) = answer.get_mut("return") {
                return Ok(result.take());
            }
            if !self.note_event(&answer) {
                return Err(self.channel.protocol(answer.to_string()));
            }
        }
    }

    /// Runs a command of the human monitor, for what QMP does not offer, and gives its text.
    pub(crate) fn monitor(&mut self, command: &str) -> Result<String, BenchError> {
        let text = self.execute("human-monitor-command", json!({ "command-line": command }))?;
        match text {
            Value::String(text) => Ok(text),
            other => Err(self.channel.protocol(other.to_string())),
        }
    }

    /// Resets the machine and waits until it has been reset.
    pub(crate) fn system_reset(&mut self) -> Result<(), BenchError> {
        self.resets = 0;
        self.execute("system_reset", Value::Null)?;
        while self.resets == 0 {
            let event = read(&mut self.channel)?;
            if !self.note_event(&event) {
                return Err(self.channel.protocol(event.to_string()));
            }
        }
        self.resets = 0;
        Ok(())
    }

    /// Whether the guest has reset itself since the last call.
    pub(crate) fn take_guest_reset(&mut self) -> Result<bool, BenchError> {
        while let Some(line) = self.channel.poll_until(b'\n')? {
            let event = parse(&self.channel, &line)?;
            self.note_event(&event);
        }
        Ok(std::mem::take(&mut self.resets) > 0)
    }

    /// False: this was no event.
    fn note_event(&mut self, message: &Value) -> bool {
        let event = message.get("event").and_then(Value::as_str);
        if event == Some("RESET") {
            self.resets += 1;
        }
        event.is_some()
    }
}

fn read(channel: &mut Channel) -> Result<Value, BenchError> {
    let line = channel.take_until(b'\n')?;
    parse(channel, &line)
}

fn parse(channel: &Channel, line: &[u8]) -> Result<Value, BenchError> {
    serde_json::from_slice(line)
        .map_err(|error| channel.protocol(format!("{}: {error}", String::from_utf8_lossy(line))))
}
