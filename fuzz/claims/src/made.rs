//! Texts made of what the claim finder looks for: names of the chip and the firmware, right ones
//! and slips, numbers, signs and words of each language.

use arbitrary::Arbitrary;

/// A piece of a text.
#[derive(Arbitrary, Debug)]
pub enum Piece {
    /// A name.
    Name(u8),
    /// A word or sign, of a language or of prose.
    Word(u8),
    /// A sign right after what stands before it.
    Joint(u8),
    Number(Number),
    /// Something whole.
    Whole(u8),
    Line,
    Any(char),
    Again(Box<[Self]>, u8),
}

/// A number as it is written.
#[derive(Arbitrary, Debug)]
pub enum Number {
    Small(u8),
    Place(u16),
    Hex(u32),
    Wide(u64),
    Shift(u8, u8),
}

const NAMES: &[&str] = &[
    "UART0",
    "NRF_UART0",
    "UART1",
    "TIMER0",
    "NRF_TIMER0",
    "GPIO",
    "P0",
    "BAUDRATE",
    "BUADRATE",
    "ENABLE",
    "CONFIG",
    "CC[1]",
    "CC[9]",
    "PIN_CNF[31]",
    "INTENSET",
    "RXDRDY",
    "PARITY",
    "HWFC",
    "Baud9600",
    "Baud9601",
    "UART_CONFIG_PARITY_Msk",
    "UART_CONFIG_PARITY_Pos",
    "UART_BAUDRATE_BAUDRATE_Baud9600",
    "UART0_BASE",
    "UART0_IRQn",
    "UART0_IRQHandler",
    "TIEMR0_IRQHandler",
    "NRF_UART_Type",
    "main",
    "uart_init",
    "main.c",
    "SCB",
    "SCB->CFSR",
    "uart0",
    "baudrate",
    "config",
    "parity",
    "included",
    "A",
    "b",
    "GRÖSSE",
    "β",
    "x",
];

const WORDS: &[&str] = &[
    "=",
    "|=",
    "&= ~",
    "^=",
    "|",
    "&",
    "~",
    "<<",
    ">>",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ";",
    ",",
    "?",
    ":",
    "*",
    "-",
    "!",
    "#define",
    "#if",
    "#ifdef",
    "#if 0",
    "#else",
    "#endif",
    "#include",
    "struct",
    "union",
    "enum",
    "typedef",
    "volatile",
    "const",
    "static",
    "let",
    "fn",
    "mod",
    "unsafe",
    "as *mut u32",
    "uint32_t",
    "u32",
    "void",
    "return",
    "offsetof",
    "sizeof",
    "#[cfg(a)]",
    "#[cfg(test)]",
    "#[interrupt]",
    "#[repr(C)]",
    "|w|",
    "move",
    "if",
    "match",
    "=>",
    "//",
    "/*",
    "*/",
    "\"",
    "'",
    "`",
    "```",
    "```c",
    "~~~rust",
    "r#\"",
    "\\",
    "the",
    "register",
    "field",
    "bit",
    "bits",
    "is",
    "at",
    "address",
    "offset",
    "reset",
    "value",
    "mask",
    "should be",
    "holds",
    "contains",
    "line",
    "interrupt",
    "number",
    "base",
    "| Register | Offset | Reset |",
    "|---|",
    "|",
    "silk: allow(all) why",
    "silk: allow-file(register)",
    "// silk: allow",
];

const JOINTS: &[&str] = &[
    "->", ".", "::", "(", ")", "()", "[", "]", "_", "`", ",", ":", ";", "'", "\"", "[3:0]", "+",
    "-", "\\\n", "\r\n",
];

const WHOLE: &[&str] = &[
    "NRF_UART0->BAUDRATE = 115200; /* Größe */",
    "#define UART_CONFIG_PARITY_Msk (0x7UL << 1)",
    "#define SET(r, b) ((r) |= BIT(b))",
    "enum { A = 1, B, C = B + 2 };",
    "typedef struct { volatile uint32_t ENABLE; uint32_t r[3]; } NRF_UART_Type;",
    "#[repr(C)] pub struct UartRegs { pub tasks_startrx: u32, pub tasks_stoprx: u32 }",
    "p.UART0.config.modify(|_, w| w.hwfc().set_bit().parity().included());",
    "const UART0_BASE: usize = 0x4000_2000;",
    "*(volatile uint32_t *)0x40002524 = 0x1000; // UART0.BAUDRATE",
    "`UART0.BAUDRATE` is at 0x40002524 and holds 0x01D7E000.",
    "| UART0.BAUDRATE | 0x524 | 0x04000000 |",
    "The PARITY field of UART0.CONFIG is bits 3:1.",
];

/// Writes `pieces`, at most `most` bytes of them.
pub fn text(pieces: &[Piece], most: usize) -> String {
    let mut out = String::new();
    write(pieces, most, &mut out);
    out
}

fn write(pieces: &[Piece], most: usize, out: &mut String) {
    for piece in pieces {
        if out.len() >= most {
            return;
        }
        match piece {
            Piece::Name(name) => *out += pick(NAMES, *name),
            Piece::Word(word) => {
                *out += " ";
                *out += pick(WORDS, *word);
                *out += " ";
            }
            Piece::Joint(sign) => *out += pick(JOINTS, *sign),
            Piece::Number(number) => *out += &number.text(),
            Piece::Whole(whole) => *out += pick(WHOLE, *whole),
            Piece::Line => out.push('\n'),
            Piece::Any(any) => out.push(*any),
            Piece::Again(pieces, times) => {
                let before = out.len();
                write(pieces, most, out);
                let once = out[before..].to_owned();
                let room = most.saturating_sub(out.len()).div_ceil(once.len().max(1));
                *out += &once.repeat(room.min(usize::from(*times)));
            }
        }
    }
}

fn pick(of: &'static [&'static str], which: u8) -> &'static str {
    of[usize::from(which) % of.len()]
}

impl Number {
    fn text(&self) -> String {
        match self {
            Self::Small(number) => format!("{number}"),
            Self::Place(offset) => format!("{:#010x}", 0x4000_2000 + u32::from(*offset)),
            Self::Hex(number) => format!("{number:#x}"),
            Self::Wide(number) => format!("0x{number:X}UL"),
            Self::Shift(number, by) => format!("({number}u << {by})"),
        }
    }
}
