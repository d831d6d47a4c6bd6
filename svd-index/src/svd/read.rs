//! Reads the XML into a tree, element by element.
//!
//! Whatever a vendor got wrong costs at most the element it stands in. Warnings are collected
//! innermost first, and each element puts its own name before the paths of those raised inside
//! it when it ends, since a name may come after what is wrong.

use bumpalo::Bump;

use super::bounds::{MAX_NAME, MAX_WARNINGS, clip};
use super::tree::{
    Block, Cluster, Cpu, Device, EnumValue, Enums, Field, Interrupt, Node, Peripheral, Properties,
    Register,
};
use super::xml::{Start, Xml};
use crate::Warning;

/// Clusters in clusters; four levels are the deepest seen in 1,777 vendor files.
const MAX_CLUSTER_DEPTH: u32 = 16;

pub(super) struct Reader<'a> {
    pub(super) xml: Xml<'a>,
    pub(super) warnings: Vec<Warning>,
    /// Where the small parts of the tree live, which are too many to have a place each.
    pub(super) memory: &'a Bump,
    pub(super) pending: Pending<'a>,
    suppressed: Suppressed,
    is_break_told: bool,
}

/// Parts read whose whole is not at its end.
#[derive(Default)]
pub(super) struct Pending<'a> {
    pub(super) fields: Vec<Field<'a>>,
    pub(super) enums: Vec<Enums<'a>>,
    pub(super) values: Vec<EnumValue<'a>>,
}

/// Warnings beyond [`MAX_WARNINGS`].
#[derive(Default)]
struct Suppressed {
    all: usize,
    left_out: usize,
}

/// Reads a document; `None` if it has no `<device>`. The tree lives in `source` and `memory`.
pub(super) fn read<'a>(source: &'a str, memory: &'a Bump) -> Option<(Device<'a>, Vec<Warning>)> {
    let mut reader = Reader {
        xml: Xml::new(source, memory),
        warnings: Vec::new(),
        memory,
        pending: Pending::default(),
        suppressed: Suppressed::default(),
        is_break_told: false,
    };
    let device = reader.document()?;
    reader.tell_break();
    if reader.suppressed.all > 0 {
        let Suppressed { all, left_out } = reader.suppressed;
        reader.warnings.push(Warning {
            what: format!("{all} more oddities, which cost {left_out} elements"),
            assumed: "not listed".into(),
            left_out: left_out > 0,
            ..Warning::default()
        });
    }
    Some((device, reader.warnings))
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Device<'a>> {
        while let Some(start) = self.xml.child() {
            if start.name() == "device" {
                return Some(self.device());
            }
            self.xml.skip();
        }
        None
    }

    fn device(&mut self) -> Device<'a> {
        let mut device = Device::default();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => device.name = self.xml.text(),
                "vendor" => device.vendor = self.xml.text(),
                "series" => device.series = self.xml.text(),
                "version" => device.version = self.xml.text(),
                "description" => device.description = self.xml.text(),
                "cpu" => device.cpu = Some(self.cpu()),
                "width" => device.width_bits = self.number_u32("width"),
                "addressUnitBits" => {
                    device.address_unit_bits = self.number_u32("addressUnitBits");
                }
                "peripherals" => {
                    while let Some(start) = self.xml.child() {
                        if start.name() == "peripheral" {
                            let peripheral = self.peripheral(start);
                            device.peripherals.extend(peripheral);
                        } else {
                            self.xml.skip();
                        }
                    }
                }
                other => self.property_or_skip(other, &mut device.properties),
            }
        }
        device
    }

    fn cpu(&mut self) -> Cpu<'a> {
        let mut cpu = Cpu::default();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => cpu.name = self.xml.text(),
                "revision" => cpu.revision = self.xml.text(),
                "endian" => cpu.endian = self.xml.text(),
                "mpuPresent" => cpu.mpu = self.boolean("mpuPresent"),
                "fpuPresent" => cpu.fpu = self.boolean("fpuPresent"),
                "vendorSystickConfig" => {
                    cpu.vendor_systick = self.boolean("vendorSystickConfig");
                }
                "nvicPrioBits" => {
                    cpu.nvic_prio_bits = self.number_u32("nvicPrioBits").unwrap_or(0);
                }
                _ => self.xml.skip(),
            }
        }
        cpu
    }

    fn peripheral(&mut self, start: Start<'a>) -> Option<Peripheral<'a>> {
        let mark = self.warnings.len();
        let mut peripheral = Peripheral {
            line: self.xml.line(),
            derived_from: start.attribute("derivedFrom"),
            ..Peripheral::default()
        };
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => peripheral.name = self.xml.text(),
                "description" => peripheral.description = Some(self.xml.text()),
                "groupName" => peripheral.group = self.some_text(),
                "prependToName" => peripheral.prepend_to_name = self.some_text(),
                "appendToName" => peripheral.append_to_name = self.some_text(),
                "baseAddress" => {
                    let first = peripheral.base_address;
                    peripheral.base_address = self.number("baseAddress").or(first);
                    if let Some(first) = first {
                        // Seen where a peripheral was copied and the copy's base put below.
                        let what = format!("a base address after the first, {first:#010x}");
                        self.warn(what, "the last one counts".into());
                    }
                }
                "addressBlock" => peripheral.blocks.push(self.block()),
                "interrupt" => peripheral.interrupts.extend(self.interrupt()),
                "registers" => {
                    if peripheral.children.is_some() {
                        self.warn("`<registers>` once more".into(), "read too".into());
                    }
                    let children = self.children(0);
                    peripheral.children.get_or_insert_default().extend(children);
                }
                other if self.dim(other, &mut peripheral.dim) => {}
                other => self.property_or_skip(other, &mut peripheral.properties),
            }
        }
        self.tell_break();
        self.name_warnings(mark, peripheral.name);
        // Of a peripheral in which the document broke off, its whole registers are kept.
        let named = (1..=MAX_NAME).contains(&peripheral.name.len());
        let known = named && peripheral.base_address.is_some();
        if !known && self.xml.broken().is_none() {
            let what = match (peripheral.name, peripheral.base_address) {
                ("", _) => "a peripheral without a name",
                (_, None) => "a peripheral without a base address",
                (_, Some(_)) => "a peripheral's name that is no name but a text",
            };
            let line = peripheral.line;
            self.leave_out(line, peripheral.name, what.into());
        }
        known.then_some(peripheral)
    }

    fn block(&mut self) -> Block<'a> {
        let mut block = Block::default();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "offset" => block.offset = self.number("offset"),
                "size" => block.size = self.number("size"),
                "usage" => block.usage = self.xml.text(),
                _ => self.xml.skip(),
            }
        }
        block
    }

    fn interrupt(&mut self) -> Option<Interrupt<'a>> {
        let mut interrupt = Interrupt::default();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => interrupt.name = self.xml.text(),
                "description" => interrupt.description = self.xml.text(),
                "value" => interrupt.number = self.number_u32("value"),
                _ => self.xml.skip(),
            }
        }
        (interrupt.number.is_some() && self.xml.broken().is_none()).then_some(interrupt)
    }

    fn children(&mut self, depth: u32) -> Vec<Node<'a>> {
        let mut children = Vec::new();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "register" => children.extend(self.register(start).map(Node::Register)),
                "cluster" => children.extend(self.cluster(start, depth + 1).map(Node::Cluster)),
                _ => self.xml.skip(),
            }
        }
        children
    }

    fn cluster(&mut self, start: Start<'a>, depth: u32) -> Option<Cluster<'a>> {
        let line = self.xml.line();
        if depth > MAX_CLUSTER_DEPTH {
            self.leave_out(line, "", format!("clusters nest deeper than {MAX_CLUSTER_DEPTH}"));
            self.xml.skip();
            return None;
        }
        let mark = self.warnings.len();
        let mut cluster =
            Cluster { line, derived_from: start.attribute("derivedFrom"), ..Cluster::default() };
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => cluster.name = self.xml.text(),
                "addressOffset" => cluster.offset = self.number("addressOffset"),
                "register" => {
                    let register = self.register(start).map(Node::Register);
                    cluster.children.extend(register);
                }
                "cluster" => {
                    let inner = self.cluster(start, depth + 1).map(Node::Cluster);
                    cluster.children.extend(inner);
                }
                other if self.dim(other, &mut cluster.dim) => {}
                other => self.property_or_skip(other, &mut cluster.properties),
            }
        }
        self.tell_break();
        self.name_warnings(mark, cluster.name);
        let known = self.is_placed("cluster", line, cluster.name, cluster.offset);
        known.then_some(cluster)
    }

    fn register(&mut self, start: Start<'a>) -> Option<Register<'a>> {
        let mark = self.warnings.len();
        let mut register = Register {
            line: self.xml.line(),
            derived_from: start.attribute("derivedFrom"),
            ..Register::default()
        };
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => register.name = self.xml.text(),
                "displayName" => register.display_name = self.xml.text(),
                "description" => register.description = Some(self.xml.text()),
                "addressOffset" => register.offset = self.number("addressOffset"),
                "alternateRegister" => register.alternate_register = self.some_text(),
                "alternateGroup" => register.alternate_group = self.some_text(),
                "readAction" => register.read_action = self.read_action(),
                "modifiedWriteValues" => {
                    register.modified_write_values = self.modified_write_values();
                }
                "writeConstraint" => register.constraint = self.write_constraint(),
                "fields" => {
                    let fields = self.fields(register.fields.unwrap_or_default());
                    register.fields = Some(fields);
                }
                other if self.rare_dim(other, &mut register.dim) => {}
                other => self.property_or_skip(other, &mut register.properties),
            }
        }
        self.tell_break();
        self.name_warnings(mark, register.name);
        if self.xml.broken().is_some() {
            return None;
        }
        let known = self.is_placed("register", register.line, register.name, register.offset);
        known.then_some(register)
    }

    fn is_placed(&mut self, what: &str, line: u32, name: &str, offset: Option<u64>) -> bool {
        let missing = match (name.len(), offset) {
            (0, _) => "without name",
            (_, None) => "without address offset",
            (..=MAX_NAME, Some(_)) => return true,
            (_, Some(_)) => "with a name that is no name but a text",
        };
        if self.xml.broken().is_none() {
            let what = format!("a {what} {missing}");
            self.leave_out(line, name, what);
        }
        false
    }

    fn property_or_skip(&mut self, element: &str, properties: &mut Properties) {
        match element {
            "size" => {
                properties.size_bits = self.number_u32("size");
                let size = properties.size_bits;
                if size.is_some_and(|size| !(1..=64).contains(&size)) {
                    self.warn("a size that is not 1 to 64 bits".into(), "inherited".into());
                    properties.size_bits = None;
                }
            }
            "access" => properties.access = self.access(),
            "resetValue" => properties.reset_value = self.number("resetValue"),
            "resetMask" => properties.reset_mask = self.number("resetMask"),
            _ => self.xml.skip(),
        }
    }

    /// Warns of what was just read.
    pub(super) fn warn(&mut self, what: String, assumed: String) {
        let line = self.xml.line();
        self.warn_at(line, "", what, assumed);
    }

    /// Warns of an element that is not taken.
    pub(super) fn leave_out(&mut self, line: u32, path: &str, what: String) {
        let assumed = "left out".into();
        self.push_warning(Warning { path: path.into(), line, what, assumed, left_out: true });
    }

    /// Warns once of the document's breaking off, from within the element where it does.
    pub(super) fn tell_break(&mut self) {
        if self.is_break_told {
            return;
        }
        let Some(broken) = self.xml.broken() else {
            return;
        };
        self.is_break_told = true;
        let warning = Warning {
            path: String::new(),
            line: broken.line,
            what: broken.why.clone(),
            assumed: "took what stands before; the element it breaks in is left out".into(),
            left_out: true,
        };
        // Among a thousand others this one must not be lost.
        self.warnings.push(warning);
    }

    fn warn_at(&mut self, line: u32, path: &str, what: String, assumed: String) {
        self.push_warning(Warning { path: path.into(), line, what, assumed, left_out: false });
    }

    fn push_warning(&mut self, mut warning: Warning) {
        warning.what = clip(warning.what);
        warning.path = clip(warning.path);
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
            return;
        }
        self.suppressed.all += 1;
        self.suppressed.left_out += usize::from(warning.left_out);
    }

    /// Puts `name` before the paths of the warnings raised since `mark`.
    pub(super) fn name_warnings(&mut self, mark: usize, name: &str) {
        for warning in &mut self.warnings[mark..] {
            warning.path = clip(match warning.path.as_str() {
                "" => name.to_owned(),
                path => format!("{name}.{path}"),
            });
        }
    }
}
