//! Which core a firmware was built for, as its file says.
//!
//! Source of the layout and the values of `.ARM.attributes`: Addenda to, and Errata in, the ABI
//! for the Arm Architecture, IHI 0045, "Build attributes": the encoding of a public attributes
//! section, and `Tag_CPU_arch` and `Tag_CPU_arch_profile` of the target-related attributes.

use super::Machine;
use crate::chip::Origin;

/// Version of the section's format.
const FORMAT: u8 = b'A';

/// The vendor whose attributes every tool of Arm's ABI understands.
const PUBLIC: &[u8] = b"aeabi";

/// Attributes of the file as a whole, not of single sections or symbols.
const TAG_FILE: u64 = 1;
const TAG_CPU_RAW_NAME: u64 = 4;
const TAG_CPU_NAME: u64 = 5;
const TAG_CPU_ARCH: u64 = 6;
const TAG_CPU_ARCH_PROFILE: u64 = 7;
const TAG_COMPATIBILITY: u64 = 32;

/// The core for which `attributes`, the bytes of `.ARM.attributes`, or the container say the
/// program is built. `None`: they do not say, or it is no microcontroller's.
pub(super) fn origin(
    machine: Machine,
    class_bits: u8,
    attributes: Option<&[u8]>,
) -> Option<Origin> {
    match machine {
        Machine::RiscV if class_bits == 64 => Some(Origin::RiscV64),
        Machine::RiscV => Some(Origin::RiscV32),
        Machine::Arm => arm(attributes?),
        _ => None,
    }
}

fn arm(section: &[u8]) -> Option<Origin> {
    let mut rest = section.strip_prefix(&[FORMAT])?;
    while !rest.is_empty() {
        let mut vendor = take_sized(&mut rest, 0)?;
        let name = take_text(&mut vendor)?;
        while name == PUBLIC && !vendor.is_empty() {
            let mut content = vendor;
            let tag = take_number(&mut content)?;
            let header = vendor.len() - content.len();
            let mut attributes = take_sized(&mut content, header)?;
            vendor = content;
            if tag == TAG_FILE {
                return of_attributes(&mut attributes);
            }
        }
    }
    None
}

fn of_attributes(attributes: &mut &[u8]) -> Option<Origin> {
    let (mut architecture, mut profile) = (None, None);
    while !attributes.is_empty() {
        let tag = take_number(attributes)?;
        match tag {
            TAG_CPU_RAW_NAME | TAG_CPU_NAME => {
                take_text(attributes)?;
            }
            TAG_COMPATIBILITY => {
                take_number(attributes)?;
                take_text(attributes)?;
            }
            TAG_CPU_ARCH => architecture = Some(take_number(attributes)?),
            TAG_CPU_ARCH_PROFILE => profile = Some(take_number(attributes)?),
            // Above 32 the lowest bit tells text from number, so that unknown tags can be passed.
            tag if tag > TAG_COMPATIBILITY && tag % 2 == 1 => {
                take_text(attributes)?;
            }
            _ => {
                take_number(attributes)?;
            }
        }
    }
    match architecture? {
        // v7 of the microcontroller profile.
        10 if profile == Some(u64::from(b'M')) => Some(Origin::ArmV7M),
        // v6-M, v6S-M.
        11 | 12 => Some(Origin::ArmV6M),
        // v7E-M.
        13 => Some(Origin::ArmV7M),
        16 => Some(Origin::ArmV8MBaseline),
        // v8-M.mainline, v8.1-M.mainline.
        17 | 21 => Some(Origin::ArmV8M),
        _ => None,
    }
}

/// Takes what a 32-bit length, which counts itself and `before` bytes before it, says.
fn take_sized<'a>(bytes: &mut &'a [u8], before: usize) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let taken = rest.get(..length.checked_sub(4 + before)?)?;
    *bytes = &rest[taken.len()..];
    Some(taken)
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr(0, bytes)?;
    let (text, rest) = (&bytes[..end], &bytes[end + 1..]);
    *bytes = rest;
    Some(text)
}

/// ULEB128.
fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section of one public vendor with these file attributes.
    fn section(attributes: &[u8]) -> Vec<u8> {
        let file_size = u32::try_from(attributes.len() + 5).expect("a test is short");
        let vendor_size = file_size + 4 + 6;
        let mut section = vec![FORMAT];
        section.extend(vendor_size.to_le_bytes());
        section.extend(b"aeabi\0\x01");
        section.extend(file_size.to_le_bytes());
        section.extend(attributes);
        section
    }

    fn check(attributes: &[u8], expected: Option<Origin>) {
        let section = section(attributes);
        assert_eq!(arm(&section), expected, "{attributes:x?}");
        // Cut anywhere, it says nothing rather than something else.
        for end in 0..section.len() {
            let cut = arm(&section[..end]);
            assert!(cut.is_none(), "{attributes:x?} cut at {end}");
        }
    }

    #[test]
    fn architectures() {
        check(b"\x05CORTEX-M0\0\x06\x0b\x07M", Some(Origin::ArmV6M));
        check(b"\x05Cortex-M0\0\x06\x0c\x07M\x08\x00\x09\x01", Some(Origin::ArmV6M));
        check(b"\x06\x0a\x07M", Some(Origin::ArmV7M));
        check(b"\x06\x0a\x07A", None);
        check(b"\x06\x0d\x07M\x0a\x06", Some(Origin::ArmV7M));
        check(b"\x06\x10\x07M", Some(Origin::ArmV8MBaseline));
        check(b"\x06\x11\x07M", Some(Origin::ArmV8M));
        check(b"\x06\x15\x07M", Some(Origin::ArmV8M));
        check(b"\x06\x0e\x07A", None);
        check(b"\x20\x01gnu\0\x43", None);
        check(b"\x43\x32.09\0\x06\x0d\x22\x01", Some(Origin::ArmV7M));
    }

    #[test]
    fn other_vendors_are_passed_over() {
        let mut bytes = vec![FORMAT];
        bytes.extend(9_u32.to_le_bytes());
        bytes.extend(b"gnu\0\x01");
        bytes.extend(&section(b"\x06\x0d")[1..]);
        assert_eq!(arm(&bytes), Some(Origin::ArmV7M));
    }
}
