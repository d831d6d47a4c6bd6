//! Texts made to be slow: the time of a check follows the length of its text.

use std::time::{Duration, Instant};

use assist::Verifier;
use assist::check::{Checker, Headers, Language};

use crate::support::index;

/// What is repeated. Each was, or could be, read again and again from every place it stands at.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "{",
    "}",
    "<",
    "a.",
    "a->",
    "a(",
    "a[",
    "-",
    "!",
    "*",
    "= ",
    "a=",
    "a,",
    "?",
    ":",
    "a ? b : ",
    "a|",
    "|",
    "|w|",
    "let ",
    "let x = ",
    "const A: ",
    "const A: B = ",
    "static ",
    "struct ",
    "struct A { ",
    "struct { int a; ",
    "union {",
    "typedef ",
    "typedef a ",
    "typedef struct A { int b; } A;\n",
    "enum ",
    "enum { A, ",
    "enum { A",
    "enum{",
    "#[cfg(a)] ",
    "#[cfg",
    "#[",
    "#if A\n",
    "#ifdef A\n",
    "#endif\n",
    "#if 0\n",
    "#define A A\n",
    "#define A(a) A(a)\n",
    "#define A(",
    "#define ",
    "#define A \\\n",
    "\\\n",
    "#include \"a\"\n",
    "#if A\nUART0->BAUDRATE = 1;\n",
    "#if A\nUART0->BAUDRATE = 1;\n#endif\n",
    "/*",
    "*/",
    "// a\n",
    "/* a */",
    "\"",
    "'",
    "r#\"",
    "r#",
    "'a ",
    "\u{fc}",
    "\u{1f600}",
    "\n",
    "\r\n",
    " ",
    "\t",
    "`",
    "``",
    "```",
    "```\n",
    "```c\n",
    "~~~rust\n",
    "UART0 ",
    "UART0.",
    "UART0->BAUDRATE",
    "UART0->BAUDRATE = 1; ",
    "UART0->BAUDRATE |= UART_BAUDRATE_BAUDRATE_Msk;\n",
    "UART0->BUADRATE = 1;\n",
    "UART0_BAUDRATE_",
    "UART0_",
    "A_",
    "`UART0.BAUDRATE` is 0x1 ",
    "`UART0.BAUDRATE` is 0x1. ",
    "`UART0.BAUDRATE` is 0x1.\n",
    "the register ",
    "line ",
    "main.c:12 ",
    "1,",
    "1,200 ",
    "0x",
    "0x1 ",
    "0x40002524 ",
    "| a ",
    "| UART0.BAUDRATE | 0x524 |\n",
    "|a",
    "| offset ",
    "UART0.BAUDRATE bits 3:2 ",
    "BAUDRATE ",
    "`BAUDRATE` ",
    "Baud9600 ",
    "Baud9601 ",
    "field ",
    "UART0.CONFIG.PARITY ",
    "uart0.config.write(|w| w.parity().",
    "w.bits(1) ",
    "p.UART0.config.modify(|r, w| w.hwfc().bit(r.parity().bit()));\n",
    "unsafe {",
    "silk: allow(all) a\n",
    "UART0->BUADRATE = 1; // silk: allow(register)\n",
    "void TIMER0_IRQHandler(void) {}\n",
    "fn a() {",
    "impl ",
    "int ",
    "int a; ",
    "int a = UART0_BASE;\n",
    "a * ",
    "(a *)",
    "(a)",
    "(uint32_t *)",
    "*(volatile uint32_t *)0x40002524 = 1;\n",
    " as *mut u32",
    "as ",
    "a::",
    "::",
    "mut ",
    "UART0->PSELTXD[",
    "UART0->",
    "main() ",
    "`main` ",
    "uart_init ",
    "static_assert(offsetof(A, b) == 4);",
    "move ",
    "|a| ",
    "&&",
    "& & ",
    "a as u32 ",
    "if a { ",
    "match a { ",
    ".. ",
    "a.b().c().",
    ". ",
    "? ",
    "a. b",
];

#[test]
fn time_follows_the_length_of_a_text() {
    /// Bytes of a text, and several times what the slowest piece takes.
    const LENGTH: usize = 128 << 10;
    const LIMIT: Duration = Duration::from_secs(2);
    let index = index("faulty.elf");
    let checker = Checker::new(&index, None);
    for piece in PIECES {
        let text = piece.repeat(LENGTH / piece.len());
        let limit = |reader: &str, start: Instant| {
            let took = start.elapsed();
            assert!(took < LIMIT, "{reader}: {piece:?} again and again took {took:?}");
        };
        for language in [Language::C, Language::Rust, Language::Markdown] {
            let start = Instant::now();
            checker.check(&text, language, &Headers::default());
            limit(&format!("{language:?}"), start);
        }
        let start = Instant::now();
        Verifier::check(&index, None, &text);
        limit("answer", start);
    }
}
