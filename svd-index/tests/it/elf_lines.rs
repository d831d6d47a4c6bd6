//! Lines and inlined calls, equal to addr2line's at every code address.

use std::borrow::Cow;

use addr2line::{Context, LookupResult};
use object::{Object, ObjectSection};

use super::{data, example, firmware, read};

type Slice<'a> = gimli::EndianSlice<'a, gimli::LittleEndian>;

/// Function, file, line and column of a frame, as comparable text.
fn shown(function: &str, file: Option<&str>, line: Option<u32>, column: Option<u32>) -> String {
    // Both say where a line is; only addr2line keeps the `.` of a mapped prefix, and names file
    // or column of a row without a line.
    let file = file.map(|file| file.replace("./", "")).filter(|_| line.is_some());
    format!("{function} {file:?} {line:?} {:?}", column.filter(|_| line.is_some()))
}

fn frames_by_addr2line(context: &Context<Slice<'_>>, address: u64) -> Vec<String> {
    let LookupResult::Output(Ok(mut frames)) = context.find_frames(address) else {
        panic!("addr2line wants another file at {address:#x}");
    };
    let mut shown_frames = Vec::new();
    while let Some(frame) = frames.next().unwrap() {
        let Some(function) = frame.function else { continue };
        let location = frame.location.as_ref();
        shown_frames.push(shown(
            &function.demangle().unwrap(),
            location.and_then(|location| location.file),
            location.and_then(|location| location.line).filter(|&line| line != 0),
            location.and_then(|location| location.column).filter(|&column| column != 0),
        ));
    }
    shown_frames
}

/// Compares every second address of every code section.
fn check(path: &std::path::Path) {
    let bytes = read(path);
    let file = object::File::parse(&bytes[..]).unwrap();
    let sections = gimli::DwarfSections::load(|id| {
        let section = file.section_by_name(id.name());
        Ok::<_, object::Error>(
            section
                .map_or(Cow::Borrowed(&[][..]), |section| Cow::Borrowed(section.data().unwrap())),
        )
    })
    .unwrap();
    let dwarf = sections.borrow(|bytes| Slice::new(bytes.as_ref(), gimli::LittleEndian));
    let context = Context::from_dwarf(dwarf).unwrap();
    let ours = firmware(&bytes);

    let (mut compared, mut with_line) = (0, 0);
    let code = file.sections().filter(|section| section.kind() == object::SectionKind::Text);
    for section in code {
        for address in (section.address()..section.address() + section.size()).step_by(2) {
            let expected = frames_by_addr2line(&context, address);
            if expected.is_empty() {
                continue;
            }
            let found: Vec<String> = ours
                .frames_at(address)
                .into_iter()
                .map(|frame| shown(frame.function, frame.file, frame.line, frame.column))
                .collect();
            assert_eq!(found, expected, "{} {address:#x}", path.display());
            compared += 1;
            with_line += usize::from(ours.line_at(address).is_some());
        }
    }
    assert!(compared > 10 && with_line > 10, "{}: {compared} {with_line}", path.display());
}

#[test]
fn equal_to_addr2line() {
    for elf in ["m4-O2-dwarf5.elf", "m4-O0-dwarf4.elf", "m0-Os-dwarf5.elf", "m0-O0-dwarf4.elf"] {
        check(&data(elf));
    }
    check(&example("faulty.elf"));
    check(&example("fixed.elf"));
}

#[test]
fn compressed_debug_sections_say_the_same() {
    let (plain, compressed) = (data("m4-O2-dwarf5.elf"), data("compressed.elf"));
    let (plain, compressed) = (firmware(&read(&plain)), firmware(&read(&compressed)));
    assert!(compressed.has_dwarf());
    for access in plain.accesses() {
        assert_eq!(compressed.frames_at(access.pc), plain.frames_at(access.pc));
    }
}
