//! Nothing writes to a board unless the verb that was typed says so.
//!
//! Every verb and every MCP tool is run against a served board over a line that notes each transfer.
//! What those notes show as written is held against what the verb is for. A verb that is new fails
//! here until it is in the table.
//!
//! probe-rs 0.32 halts each core for a moment when it attaches and when it lets go, to clear the
//! comparators that an earlier debugger may have left. That is all the halting that a verb which only
//! reads may do, and the core runs afterwards.

use std::collections::BTreeSet;

use vbench::wire::{self, Packets, Target};

use crate::parts;
use crate::proxy::Line;
use crate::serving::Served;
use crate::silk::{Silk, example};

/// What a verb may do to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Read, and attach for that: the debug registers are written, nothing else.
    Read,
    /// Leave the core in another state than it was in.
    Halt,
    /// Reset as well.
    Reset,
    /// Anything: its name is the word.
    Write,
}

/// Every verb, with arguments that make it work.
const VERBS: &[(&str, May, &[&str])] = &[
    ("addr", May::Read, &["0x40002524"]),
    ("ask", May::Read, &["what is UART0.BAUDRATE?", "--dry-run"]),
    ("bench", May::Read, &["list"]),
    ("check", May::Read, &["README.md"]),
    ("completions", May::Read, &["bash"]),
    ("config", May::Read, &[]),
    ("context", May::Read, &["what is UART0.BAUDRATE?"]),
    ("demo", May::Read, &["--recorded"]),
    ("diff", May::Read, &["faulty.silk", "faulty.silk"]),
    ("doctor", May::Read, &[]),
    ("erase", May::Write, &["0x3f000+0x100"]),
    ("eval", May::Read, &["questions.jsonl"]),
    ("explain", May::Read, &["faulty.silk"]),
    ("flash", May::Write, &[]),
    ("gateway", May::Read, &["explain"]),
    ("halt", May::Halt, &[]),
    ("hil", May::Read, &["list"]),
    ("index", May::Read, &["list"]),
    ("init", May::Read, &["--dry-run"]),
    ("log", May::Read, &["--for", "0.2"]),
    ("mcp", May::Read, &[]),
    ("read", May::Read, &["UART0.BAUDRATE", "0x20000000"]),
    ("reg", May::Read, &["UART0.BAUDRATE"]),
    ("reset", May::Reset, &[]),
    ("run", May::Halt, &[]),
    ("size", May::Read, &[]),
    ("snap", May::Read, &["-o", "now.silk"]),
    ("sym", May::Read, &["main"]),
    ("triage", May::Read, &[]),
    ("type", May::Read, &["uint32_t"]),
    ("uses", May::Read, &["UART0.BAUDRATE"]),
    ("vectors", May::Read, &[]),
    ("write", May::Write, &["0x20003000=1"]),
];

/// What was written over a line, taken apart.
#[derive(Debug, Default)]
struct Written {
    /// Memory and registers of the chip, without those for debugging.
    chip: BTreeSet<u32>,
    halts: usize,
    /// Whether the last that the core was told is to halt.
    halted: bool,
    resets: bool,
    transfers: usize,
}

const DHCSR: u32 = 0xe000_edf0;
const AIRCR: u32 = 0xe000_ed0c;

impl Written {
    /// Source: ADIv5.2, IHI 0031E, B2.2.11 (SELECT), C2.6 (CSW, TAR, DRW, BD0 to BD3).
    fn in_line(sent: &[u8]) -> Written {
        let mut written = Written::default();
        let (mut select, mut tar) = (0u32, 0u32);
        for (target, data) in Packets::default().take(sent).unwrap() {
            if target == Target::Root {
                written.resets |= data.contains(&wire::ROOT_ASSERT_RESET);
                continue;
            }
            let mut rest = data.as_slice();
            while let Some((&command, tail)) = rest.split_first() {
                let reads = command < wire::SWD_SEQUENCE && command & wire::TRANSFER_READ != 0;
                let value = match reads {
                    true => None,
                    false => Some(u32::from_le_bytes(tail[..4].try_into().unwrap())),
                };
                rest = if reads { tail } else { &tail[4..] };
                if command >= wire::SWD_SEQUENCE {
                    continue;
                }
                written.transfers += 1;
                let address = command & wire::TRANSFER_ADDRESS;
                let to_port = command & wire::TRANSFER_AP != 0;
                let register = select & 0xf0 | u32::from(address);
                match (to_port, register, value) {
                    (false, _, Some(value)) if address == 0x8 => select = value,
                    (true, 0x04, Some(value)) => tar = value,
                    (true, 0x0c, value) => {
                        if let Some(value) = value {
                            written.note(tar, value);
                        }
                        tar = tar & !0x3ff | tar.wrapping_add(4) & 0x3ff;
                    }
                    (true, 0x10..=0x1c, Some(value)) => {
                        written.note(tar & !0xf | register & 0xc, value)
                    }
                    _ => {}
                }
            }
        }
        written
    }

    fn note(&mut self, address: u32, value: u32) {
        match address {
            // C_HALT; a step, which is C_STEP, leaves the core halted as well.
            DHCSR if value & 0b010 != 0 => {
                self.halts += usize::from(!self.halted);
                self.halted = true;
            }
            DHCSR if value & 0b100 == 0 => self.halted = false,
            DHCSR => {}
            AIRCR => self.resets |= value & 0b101 != 0,
            // DCRSR to DEMCR, DFSR, breakpoint and watchpoint units.
            0xe000_edf4..=0xe000_edff | 0xe000_ed30 => {}
            0xe000_1000..=0xe000_2fff => {}
            _ => {
                self.chip.insert(address);
            }
        }
    }
}

#[test]
fn no_verb_writes_to_a_board_without_its_word() {
    let silk = Silk::new();
    let faulty = example("faulty.elf");
    let Some(served) = Served::start(&silk, &["start", "microbit", "--elf", &faulty]) else {
        return;
    };
    let line = Line::to(served.address);
    silk.write("README.md", "`UART0.BAUDRATE` is at 0x40002524.\n");
    silk.write("questions.jsonl", "");
    std::fs::copy(example("faulty.silk"), silk.home.path().join("faulty.silk")).unwrap();
    let probe = format!("tcp:{}", line.address);
    let sources = ["--svd", &example("nrf51.svd"), "--elf", &faulty, "--probe", &probe];
    let mut reached = 0;
    for (verb, may, arguments) in VERBS {
        line.take_sent();
        let run = silk.run([&[*verb], *arguments, &sources].concat());
        let written = Written::in_line(&line.take_sent());
        reached += usize::from(written.transfers > 0);
        let told = format!("silk {verb}: {written:x?}\n{}", run.stderr);
        assert!(*may == May::Write || written.chip.is_empty(), "{told}");
        assert!(matches!(may, May::Write | May::Reset) || !written.resets, "{told}");
        let attaches_only = written.halts <= 2 && !written.halted;
        assert!(*may != May::Read || attaches_only, "{told}");
        let touches =
            matches!(*verb, "read" | "snap" | "halt" | "reset" | "run" | "flash" | "write");
        assert!(!touches || (run.code == Some(0) && written.transfers > 0), "{told}");
        assert!(*verb != "write" || written.chip.contains(&0x2000_3000), "the notes work: {told}");
    }
    assert!(reached >= 8, "{reached} verbs reached the board");
}

#[test]
fn every_verb_is_in_the_table() {
    let help = Silk::new().run(["--help"]).expect(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let listed: BTreeSet<&str> = commands
        .lines()
        .take_while(|line| !line.starts_with("Options") && !line.starts_with("Global"))
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    let known: BTreeSet<&str> = VERBS.iter().map(|(verb, ..)| *verb).collect();
    assert_eq!(listed, known);
}

/// Tools take no path and no probe: the server is started without a board, and knows none.
#[test]
fn no_mcp_tool_reaches_a_board() {
    let silk = Silk::new();
    let Some(served) = Served::start(&silk, &["serve", "microbit"]) else { return };
    let line = Line::to(served.address);
    let call = |id: usize, method: &str, parameters: &str| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{parameters}}}\n"
        )
    };
    let open = call(
        0,
        "initialize",
        "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}",
    ) + "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
    let answers = mcp(&silk, &line, &(open.clone() + &call(1, "tools/list", "{}")), 2);
    let tools = answers[1]["result"]["tools"].as_array().unwrap().clone();
    assert!(tools.len() >= 8, "{} tools", tools.len());
    let mut calls = open;
    for (id, tool) in tools.iter().enumerate() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        let mut given = serde_json::Map::new();
        for name in tool["inputSchema"]["required"].as_array().into_iter().flatten() {
            given.insert(name.as_str().unwrap().to_owned(), "UART0.BAUDRATE".into());
        }
        let parameters = serde_json::json!({ "name": tool["name"], "arguments": given });
        calls += &call(id + 1, "tools/call", &parameters.to_string());
    }
    let answers = mcp(&silk, &line, &calls, tools.len() + 1);
    assert_eq!(answers.len(), tools.len() + 1);
    assert!(line.take_sent().is_empty(), "nothing went to the board");
}

/// Runs `silk mcp` with a board in its settings, and gives the first `count` answers.
fn mcp(silk: &Silk, line: &Line, calls: &str, count: usize) -> Vec<serde_json::Value> {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    let mut child = silk
        .command()
        .args(["mcp", "--svd", &example("nrf51.svd"), "--elf", &example("faulty.elf")])
        .args(["--probe", &format!("tcp:{}", line.address)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(calls.as_bytes()).unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answers: Vec<serde_json::Value> =
        lines.take(count).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(parts::has_qemu());
    answers
}
