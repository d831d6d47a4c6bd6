//! What stands where on the core's bus, out of QEMU's own flat view.

use std::ops::RangeInclusive;

/// One stretch of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) range: RangeInclusive<u64>,
    pub(crate) kind: Kind,
    /// QEMU's name, such as `nrf51_soc.uart`.
    pub(crate) name: String,
}

/// What kind of memory a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain storage: RAM, or flash in read mode.
    Storage,
    /// A device model answers.
    Device,
    /// QEMU's catch-all for devices that it does not have: reads 0, ignores writes.
    Unimplemented,
}

/// The regions of one address space, by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Regions {
    list: Vec<Region>,
}

/// QEMU's name of the address space that a Cortex-M core fetches and loads from.
const CORE_SPACE: &str = "AS \"cpu-memory-0\"";

/// Priority that `create_unimplemented_device` gives, below everything real.
const UNIMPLEMENTED_PRIORITY: i32 = -1000;

impl Regions {
    /// Reads the text of `info mtree -f`. Empty if it has no view of a core's memory.
    pub(crate) fn parse(text: &str) -> Regions {
        let view = text.split("FlatView #").find(|view| view.contains(CORE_SPACE));
        let lines = view.into_iter().flat_map(str::lines);
        Regions { list: lines.filter_map(parse_line).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The region that holds all `size` bytes from `address` on.
    pub(crate) fn at(&self, address: u64, size: u64) -> Option<&Region> {
        let next = self.list.partition_point(|region| *region.range.start() <= address);
        let region = &self.list[next.checked_sub(1)?];
        let last = address.checked_add(size - 1)?;
        region.range.contains(&last).then_some(region)
    }
}

/// `  0000000000000000-000000000003ffff (prio 0, romd): nrf51_soc.flash`
fn parse_line(line: &str) -> Option<Region> {
    let (range, rest) = line.trim().split_once(" (prio ")?;
    let (start, end) = range.split_once('-')?;
    let (traits, name) = rest.split_once("): ")?;
    let (priority, kind) = traits.split_once(", ")?;
    let hex = |text| u64::from_str_radix(text, 16).ok();
    let kind = match kind {
        "ram" | "rom" | "romd" => Kind::Storage,
        _ if priority.parse() == Ok(UNIMPLEMENTED_PRIORITY) => Kind::Unimplemented,
        _ => Kind::Device,
    };
    let name = name.split(" @").next().unwrap_or(name).to_owned();
    Some(Region { range: hex(start)?..=hex(end)?, kind, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Out of QEMU 7.2.22, `-M microbit`, shortened.
    const MTREE: &str = "\
FlatView #0
 AS \"cpu-memory-0\", root: armv7m-container
 Root memory region: armv7m-container
  0000000000000000-000000000003ffff (prio 0, romd): nrf51_soc.flash
  0000000020000000-0000000020003fff (prio 0, ram): nrf51.sram
  0000000040001000-0000000040001fff (prio -1000, i/o): nrf51_soc.io @0000000000001000
  0000000040002000-0000000040002fff (prio 0, i/o): nrf51_soc.uart

FlatView #1
 AS \"I/O\", root: io
  0000000000000000-000000000000ffff (prio 0, i/o): io
";

    #[test]
    fn knows_storage_devices_and_holes() {
        let regions = Regions::parse(MTREE);
        let kind = |address, size| regions.at(address, size).map(|region| region.kind);
        assert_eq!(kind(0x0, 4), Some(Kind::Storage));
        assert_eq!(kind(0x3_fffc, 4), Some(Kind::Storage));
        assert_eq!(kind(0x3_fffe, 4), None, "runs past the end");
        assert_eq!(kind(0x4_0000, 4), None);
        assert_eq!(kind(0x4000_1000, 4), Some(Kind::Unimplemented));
        assert_eq!(kind(0x4000_2524, 4), Some(Kind::Device));
        assert_eq!(kind(u64::MAX, 4), None);
        assert_eq!(regions.at(0x4000_1004, 4).map(|r| r.name.as_str()), Some("nrf51_soc.io"));
    }

    #[test]
    fn other_text_gives_no_regions() {
        assert!(Regions::parse("unknown command: 'info mtree -f'").is_empty());
    }
}
