//! `defmt-decoder-rate ELF STREAM bare|text`: decodes a stream twice, and prints the nanoseconds and the
//! frames of the second time.

use std::error::Error;
use std::fmt::Write;
use std::time::Instant;

use defmt_decoder::{DecodeError, Table};

/// Bytes that arrive together.
const CHUNK: usize = 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [elf, stream, mode] = arguments.as_slice() else {
        return Err("usage: defmt-decoder-rate ELF STREAM bare|text".into());
    };
    let (elf, stream) = (std::fs::read(elf)?, std::fs::read(stream)?);
    let table = Table::parse(&elf)?.ok_or("the ELF has no defmt table")?;
    decode(&table, &stream, mode == "text")?;
    let begun = Instant::now();
    let frames = decode(&table, &stream, mode == "text")?;
    println!("{} {frames}", begun.elapsed().as_nanos());
    Ok(())
}

fn decode(table: &Table, stream: &[u8], with_text: bool) -> Result<u64, Box<dyn Error>> {
    let mut decoder = table.new_stream_decoder();
    let (mut frames, mut text) = (0, String::new());
    for chunk in stream.chunks(CHUNK) {
        decoder.received(chunk);
        loop {
            match decoder.decode() {
                Ok(frame) => {
                    frames += 1;
                    if with_text {
                        text.clear();
                        write!(text, "{}", frame.display_message())?;
                        std::hint::black_box(&text);
                    }
                    std::hint::black_box(&frame);
                }
                Err(DecodeError::UnexpectedEof) => break,
                Err(DecodeError::Malformed) => return Err("a frame is malformed".into()),
            }
        }
    }
    Ok(frames)
}
