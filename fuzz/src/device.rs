//! Made-up SVDs: well-formed XML whose elements mean what no vendor ever wrote.

use std::fmt::Write;

use arbitrary::Arbitrary;

/// A device, to be written as an SVD.
#[derive(Arbitrary, Debug)]
pub struct Device {
    /// Which core, if any; mostly none, since its many registers take long.
    cpu: u8,
    size: Option<Number>,
    peripherals: Vec<Peripheral>,
}

#[derive(Arbitrary, Debug)]
struct Peripheral {
    derived_from: Option<Path>,
    name: Name,
    dim: Option<Dim>,
    base: Number,
    block: Option<(Number, Number)>,
    interrupt: Option<(Name, Number)>,
    nodes: Vec<Node>,
}

#[derive(Arbitrary, Debug)]
enum Node {
    Register(Register),
    Cluster(Cluster),
}

#[derive(Arbitrary, Debug)]
struct Cluster {
    derived_from: Option<Path>,
    name: Name,
    dim: Option<Dim>,
    offset: Number,
    nodes: Vec<Node>,
}

#[derive(Arbitrary, Debug)]
struct Register {
    derived_from: Option<Path>,
    name: Name,
    display_name: Option<Name>,
    dim: Option<Dim>,
    offset: Number,
    size: Option<Number>,
    reset: Option<Number>,
    fields: Vec<Field>,
}

#[derive(Arbitrary, Debug)]
struct Field {
    derived_from: Option<Path>,
    name: Name,
    dim: Option<Dim>,
    bits: Option<(u8, u8)>,
    enums: Option<(Option<Path>, Vec<(Name, Number)>)>,
}

#[derive(Arbitrary, Debug)]
struct Dim {
    count: Number,
    increment: Option<Number>,
    index: Option<Index>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Index {
    Numbers,
    Letters,
    List,
    Odd,
}

/// Few names, so that they meet.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Name {
    A,
    B,
    Lower,
    Array,
    Bracketed,
    Twice,
    Inner,
    Scb,
    Underscore,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B1",
            Self::Lower => "a",
            Self::Array => "C%s",
            Self::Bracketed => "D[%s]",
            Self::Twice => "%sE%s",
            Self::Inner => "F%sG",
            Self::Scb => "SCB",
            Self::Underscore => "A_B",
        }
    }
}

/// What `derivedFrom` names.
#[derive(Arbitrary, Debug)]
struct Path {
    first: Name,
    rest: Vec<Name>,
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.first.text())?;
        self.rest.iter().try_for_each(|name| write!(f, ".{}", name.text()))
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    Small(u8),
    Middle(u16),
    Any(u64),
    Base(u8),
    Bus(u16),
    Most32,
    Most64,
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Small(number) => write!(f, "{number}"),
            Self::Middle(number) => write!(f, "{number:#x}"),
            Self::Any(number) => write!(f, "{number:#x}"),
            Self::Base(number) => write!(f, "{:#x}", 0x4000_0000 + 0x100 * u64::from(number)),
            Self::Bus(number) => write!(f, "{:#x}", 0xe000_0000 + u64::from(number)),
            Self::Most32 => write!(f, "{:#x}", u32::MAX),
            Self::Most64 => write!(f, "{:#x}", u64::MAX),
        }
    }
}

impl Device {
    /// The XML.
    pub fn svd(&self) -> String {
        let mut out = String::from("<device><name>MADE</name>");
        let cpu = match self.cpu {
            0xf0..0xf4 => Some("CM0"),
            0xf4..0xf8 => Some("CM4"),
            0xf8..0xfc => Some("CM33"),
            0xfc.. => Some("other"),
            _ => None,
        };
        if let Some(name) = cpu {
            let rest = "<mpuPresent>1</mpuPresent><fpuPresent>1</fpuPresent>";
            write_to(&mut out, format_args!("<cpu><name>{name}</name>{rest}</cpu>"));
        }
        element(&mut out, "size", self.size);
        out.push_str("<peripherals>");
        for peripheral in &self.peripherals {
            peripheral.write(&mut out);
        }
        out.push_str("</peripherals></device>");
        out
    }
}

impl Peripheral {
    fn write(&self, out: &mut String) {
        open(out, "peripheral", self.derived_from.as_ref());
        element(out, "name", Some(self.name.text()));
        dim(out, self.dim.as_ref());
        element(out, "baseAddress", Some(self.base));
        if let Some((offset, size)) = self.block {
            out.push_str("<addressBlock>");
            element(out, "offset", Some(offset));
            element(out, "size", Some(size));
            out.push_str("</addressBlock>");
        }
        if let Some((name, number)) = self.interrupt {
            out.push_str("<interrupt>");
            element(out, "name", Some(name.text()));
            element(out, "value", Some(number));
            out.push_str("</interrupt>");
        }
        out.push_str("<registers>");
        self.nodes.iter().for_each(|node| node.write(out));
        out.push_str("</registers></peripheral>\n");
    }
}

impl Node {
    fn write(&self, out: &mut String) {
        match self {
            Self::Register(register) => register.write(out),
            Self::Cluster(cluster) => {
                open(out, "cluster", cluster.derived_from.as_ref());
                element(out, "name", Some(cluster.name.text()));
                dim(out, cluster.dim.as_ref());
                element(out, "addressOffset", Some(cluster.offset));
                cluster.nodes.iter().for_each(|node| node.write(out));
                out.push_str("</cluster>\n");
            }
        }
    }
}

impl Register {
    fn write(&self, out: &mut String) {
        open(out, "register", self.derived_from.as_ref());
        element(out, "name", Some(self.name.text()));
        element(out, "displayName", self.display_name.map(Name::text));
        dim(out, self.dim.as_ref());
        element(out, "addressOffset", Some(self.offset));
        element(out, "size", self.size);
        element(out, "resetValue", self.reset);
        out.push_str("<fields>");
        self.fields.iter().for_each(|field| field.write(out));
        out.push_str("</fields></register>\n");
    }
}

impl Field {
    fn write(&self, out: &mut String) {
        open(out, "field", self.derived_from.as_ref());
        element(out, "name", Some(self.name.text()));
        dim(out, self.dim.as_ref());
        if let Some((msb, lsb)) = self.bits {
            element(out, "bitRange", Some(format_args!("[{msb}:{lsb}]")));
        }
        if let Some((base, values)) = &self.enums {
            open(out, "enumeratedValues", base.as_ref());
            element(out, "name", Some("A"));
            for (name, value) in values {
                out.push_str("<enumeratedValue>");
                element(out, "name", Some(name.text()));
                element(out, "value", Some(value));
                out.push_str("</enumeratedValue>");
            }
            out.push_str("</enumeratedValues>");
        }
        out.push_str("</field>\n");
    }
}

fn dim(out: &mut String, dim: Option<&Dim>) {
    let Some(dim) = dim else { return };
    element(out, "dim", Some(dim.count));
    element(out, "dimIncrement", dim.increment);
    let index = dim.index.map(|index| match index {
        Index::Numbers => "3-6",
        Index::Letters => "A-D",
        Index::List => "x,y,10",
        Index::Odd => "7-3,",
    });
    element(out, "dimIndex", index);
}

fn open(out: &mut String, name: &str, derived_from: Option<&Path>) {
    match derived_from {
        Some(base) => write_to(out, format_args!("<{name} derivedFrom=\"{base}\">")),
        None => write_to(out, format_args!("<{name}>")),
    }
}

fn element(out: &mut String, name: &str, content: Option<impl std::fmt::Display>) {
    if let Some(content) = content {
        write_to(out, format_args!("<{name}>{content}</{name}>"));
    }
}

fn write_to(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes all text");
}
