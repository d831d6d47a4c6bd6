//! Resolves the tree and lays it out as records: derivation, inheritance, absolute addresses,
//! clusters joined into names. Arrays of registers and clusters stay symbolic.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use bumpalo::Bump;

use super::arrays::{self, Array, Index};
use super::bounds::{MAX_NODES, MAX_REGISTERS, MAX_TEXT, MAX_WARNINGS, clip};
use super::core;
use super::derive::{Chain, Derivation, Scope};
use super::patch::{self, PatchWarning};
use super::source::Build;
use super::tree::{Cluster, Device, Dim, Node, Peripheral, Properties, Register};
use crate::Warning;
use crate::chip::array::MAX_DIMS;
use crate::chip::records as rec;
use crate::chip::{Origin, Space, WriteConstraint};
use crate::store::{Kind, SourceId, StrRef, Writer};

/// Arrays of peripherals are written out; no vendor has more than a few.
const MAX_PERIPHERAL_ARRAY: u32 = 256;

/// Size of a register where no level gives one and the device no width.
const DEFAULT_SIZE_BITS: u32 = 32;

/// Looked up for every register and field, so hashed fast; never iterated.
type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// The records under construction.
pub(super) struct Layout<'t, 'a> {
    pub(super) derivation: Derivation<'t, 'a>,
    pub(super) writer: Writer,
    pub(super) warnings: Vec<Warning>,
    pub(super) tables: Tables,
    pub(super) field_spans: Map<usize, rec::Span>,
    pub(super) enum_spans: Map<(usize, u32), rec::Span>,
    constraints: Map<(u64, u64, u64), u32>,
    device: Properties,
    declared: Declared,
    /// What the core gives, and whether it may have bit-band regions.
    built_in: (Origin, bool),
    /// Registers and clusters looked at.
    nodes: usize,
    told: HashSet<(u32, String)>,
    untold: usize,
}

/// How much the SVD itself declares; what comes after in the tables is built in.
#[derive(Clone, Copy, Default)]
pub(super) struct Declared {
    pub(super) peripherals: usize,
    pub(super) registers: usize,
}

#[derive(Default)]
pub(super) struct Tables {
    pub(super) peripherals: Vec<rec::PeripheralRecord>,
    pub(super) registers: Vec<rec::RegisterRecord>,
    pub(super) dims: Vec<rec::DimRecord>,
    pub(super) index_names: Vec<StrRef>,
    pub(super) fields: Vec<rec::FieldRecord>,
    pub(super) enums: Vec<rec::EnumRecord>,
    pub(super) constraints: Vec<rec::ConstraintRecord>,
    pub(super) interrupts: Vec<rec::InterruptRecord>,
    pub(super) blocks: Vec<rec::BlockRecord>,
    pub(super) aliases: Vec<rec::AliasRecord>,
    patched: Vec<rec::PatchedRecord>,
}

/// What encloses a node, resolved.
struct Place<'t, 'a> {
    scope: Scope<'t, 'a>,
    properties: Properties,
    address: u64,
    /// Names of the clusters around, each with a `.` after it, as a template.
    prefix: String,
    dims: Vec<rec::DimRecord>,
    peripheral: u32,
    peripheral_name: String,
    /// The nodes being unfolded, outermost first, each by its place in memory.
    unfolding: Vec<*const Node<'a>>,
}

/// Lays `device` out as the bytes of an index file.
pub(super) fn lay_out(
    device: &Device<'_>,
    warnings: Vec<Warning>,
    source: SourceId,
    (build, oddities): (&Build, &[PatchWarning]),
    memory: &Bump,
) -> Vec<u8> {
    let core = core::of(device, build.core, memory);
    let mut layout = Layout {
        derivation: Derivation::new(device),
        writer: Writer::new(Kind::Svd, rec::SCHEMA, source),
        warnings,
        tables: Tables::default(),
        field_spans: Map::default(),
        enum_spans: Map::default(),
        constraints: Map::default(),
        device: defaults(device),
        declared: Declared::default(),
        built_in: (Origin::Svd, false),
        nodes: 0,
        told: HashSet::new(),
        untold: 0,
    };
    for peripheral in &device.peripherals {
        layout.peripheral(peripheral);
    }
    layout.declared = Declared {
        peripherals: layout.tables.peripherals.len(),
        registers: layout.tables.registers.len(),
    };
    layout.tell_untold();
    if let Some(core) = &core {
        layout.core(core);
    }
    patch::write(&mut layout.writer, &layout.tables.patched, &build.patches, oddities);
    layout.finish(device)
}

/// What `device` gives its registers.
fn defaults(device: &Device<'_>) -> Properties {
    let width_bits = device.width_bits.unwrap_or(0);
    let default_size = if (1..=64).contains(&width_bits) { width_bits } else { DEFAULT_SIZE_BITS };
    let mut properties = device.properties;
    properties.size_bits = properties.size_bits.or(Some(default_size));
    properties
}

impl<'t, 'a> Layout<'t, 'a> {
    fn core(&mut self, core: &'t core::Core<'a>) {
        self.derivation = Derivation::new(&core.device);
        self.device = defaults(&core.device);
        for peripheral in &core.device.peripherals {
            self.peripheral(peripheral);
        }
        core::merge(&mut self.tables, &mut self.writer, self.declared, core.origin);
        self.built_in = (core.origin, core.bit_band);
    }

    fn peripheral(&mut self, peripheral: &'t Peripheral<'a>) {
        let chain = self.derivation.peripheral(peripheral);
        if let Some(lost) = &chain.lost {
            self.warn_lost(peripheral.name, peripheral.line, lost);
        }
        let dims = chain.links().map(|link| Some(&link.dim));
        let (array, odd) = arrays::resolve(peripheral.name, dims);
        if let Some(odd) = odd {
            self.warn_array(peripheral.name, peripheral.line, odd, array.is_some());
        }
        let base = peripheral.base_address.unwrap_or(0);
        let Some(array) = array else {
            let name = arrays::template(peripheral.name, None);
            return self.instance(&name, base, &chain);
        };
        if array.count > MAX_PERIPHERAL_ARRAY {
            let odd = format!("an array of {} peripherals", array.count);
            let assumed = format!("took the first {MAX_PERIPHERAL_ARRAY}");
            self.warn(peripheral.name, peripheral.line, odd, assumed);
        }
        for n in 0..array.count.min(MAX_PERIPHERAL_ARRAY) {
            let base =
                array.increment.checked_mul(u64::from(n)).and_then(|at| base.checked_add(at));
            let Some(base) = base else {
                let odd = "an array of peripherals that reaches beyond 64 bits".into();
                return self.warn(peripheral.name, peripheral.line, odd, "cut there".into());
            };
            let name = arrays::template(peripheral.name, Some('\u{1}'));
            let name = name.replace('\u{1}', &array.text(n));
            self.instance(&name, base, &chain);
        }
    }

    fn instance(&mut self, name: &str, base: u64, chain: &Chain<&'t Peripheral<'a>>) {
        let own = chain.own;
        let text = |pick: &dyn Fn(&'t Peripheral<'a>) -> Option<&'t str>| {
            chain.links().find_map(|link| pick(link)).unwrap_or("")
        };
        let index = self.tables.peripherals.len() as u32;
        let blocks = self.blocks(base, chain);
        let interrupts = self.interrupts(index, own);
        let record = rec::PeripheralRecord {
            base_address: base,
            name: self.writer.text(name),
            description: self.writer.text(text(&|link| link.description)),
            group: self.writer.text(text(&|link| link.group)),
            derived_from: self.writer.text(own.derived_from.unwrap_or("")),
            prepend_to_name: self.writer.text(text(&|link| link.prepend_to_name)),
            append_to_name: self.writer.text(text(&|link| link.append_to_name)),
            registers: rec::Span::default(),
            blocks,
            interrupts,
            line: own.line,
            origin: 0,
        };
        self.tables.peripherals.push(record);

        let children = self.derivation.children(own);
        let properties =
            chain.links().fold(Properties::default(), |all, link| all.or(link.properties));
        let place = Place {
            scope: Scope::default().within(children),
            properties: properties.or(self.device),
            address: base,
            prefix: String::new(),
            dims: Vec::new(),
            peripheral: index,
            peripheral_name: name.to_owned(),
            unfolding: vec![children.as_ptr()],
        };
        let first = self.tables.registers.len();
        self.nodes(children, &place);
        self.tables.peripherals[index as usize].registers =
            span(first, self.tables.registers.len());
        self.mark_patched(first, own);
    }

    /// What changes a peripheral changes all of its registers, from `first` on.
    fn mark_patched(&mut self, first: usize, peripheral: &Peripheral<'_>) {
        let Some(patch::Place { file, line }) = peripheral.patched else { return };
        let patched = &mut self.tables.patched;
        let marked = patched.partition_point(|record| (record.register as usize) < first);
        let own: Vec<u32> = patched[marked..].iter().map(|record| record.register).collect();
        let all = first as u32..self.tables.registers.len() as u32;
        let others = all.filter(|register| own.binary_search(register).is_err());
        patched.extend(others.map(|register| rec::PatchedRecord { register, file, line }));
        patched[marked..].sort_unstable_by_key(|record| record.register);
    }

    fn blocks(&mut self, base: u64, chain: &Chain<&'t Peripheral<'a>>) -> rec::Span {
        let first = self.tables.blocks.len();
        let link = chain.links().find(|link| !link.blocks.is_empty());
        for block in link.iter().flat_map(|link| &link.blocks) {
            let start = block.offset.and_then(|offset| base.checked_add(offset));
            let (Some(start), Some(size)) = (start, block.size) else {
                continue;
            };
            let record = rec::BlockRecord { start, size, usage: self.writer.text(block.usage) };
            self.tables.blocks.push(record);
        }
        span(first, self.tables.blocks.len())
    }

    /// Only a peripheral's own interrupts: two instances do not share a line just because one is
    /// derived from the other.
    fn interrupts(&mut self, index: u32, peripheral: &'t Peripheral<'a>) -> rec::Span {
        let first = self.tables.interrupts.len();
        for interrupt in &peripheral.interrupts {
            let record = rec::InterruptRecord {
                name: self.writer.text(interrupt.name),
                description: self.writer.text(interrupt.description),
                number: interrupt.number.unwrap_or(0),
                peripheral: index,
            };
            self.tables.interrupts.push(record);
        }
        span(first, self.tables.interrupts.len())
    }

    fn nodes(&mut self, nodes: &'t [Node<'a>], place: &Place<'t, 'a>) {
        for node in nodes {
            self.nodes += 1;
            if let Some(what) = self.excess() {
                return self.warn(&place.peripheral_name, 0, what, "took as many".into());
            }
            match node {
                Node::Cluster(cluster) => self.cluster(cluster, place),
                Node::Register(register) => self.register(register, place),
            }
        }
    }

    /// What there is too much of, if anything.
    fn excess(&self) -> Option<String> {
        if self.tables.registers.len() >= MAX_REGISTERS {
            return Some(format!("more than {MAX_REGISTERS} registers"));
        }
        if self.nodes > MAX_NODES {
            return Some(format!("more than {MAX_NODES} registers and clusters"));
        }
        let is_long = self.writer.text_len() > MAX_TEXT;
        is_long.then(|| format!("more than {MAX_TEXT} bytes of names and descriptions"))
    }

    fn cluster(&mut self, cluster: &'t Cluster<'a>, place: &Place<'t, 'a>) {
        let chain = self.derivation.cluster(cluster, place.scope.clone());
        let path = || format!("{}.{}{}", place.peripheral_name, place.prefix, cluster.name);
        if let Some(lost) = &chain.lost {
            self.warn_lost(&path(), cluster.line, lost);
        }
        let dims = chain.links().map(|(link, _)| Some(&link.dim));
        let Some((name, dims)) = self.level(&path, cluster.line, cluster.name, dims, place) else {
            return;
        };
        let Some(address) = self.address(&path, cluster.line, place, cluster.offset) else {
            return;
        };
        let properties =
            chain.links().fold(Properties::default(), |all, (link, _)| all.or(link.properties));
        let owner = chain.links().find(|(link, _)| !link.children.is_empty());
        let Some((owner, scope)) = owner else {
            return;
        };
        let children = owner.children.as_ptr();
        if place.unfolding.contains(&children) {
            let what = "a cluster derived from one that holds it".into();
            return self.leave_out(&path(), cluster.line, what);
        }
        let inner = Place {
            scope: scope.within(&owner.children),
            properties: properties.or(place.properties),
            address,
            prefix: format!("{}{name}.", place.prefix),
            dims,
            peripheral: place.peripheral,
            peripheral_name: place.peripheral_name.clone(),
            unfolding: [place.unfolding.as_slice(), &[children]].concat(),
        };
        self.nodes(&owner.children, &inner);
    }

    fn register(&mut self, register: &'t Register<'a>, place: &Place<'t, 'a>) {
        let chain = self.derivation.register(register, place.scope.clone());
        let path = || format!("{}.{}{}", place.peripheral_name, place.prefix, register.name);
        if let Some(lost) = &chain.lost {
            self.warn_lost(&path(), register.line, lost);
        }
        let dims = chain.links().map(|(link, _)| link.dim.given());
        let own_dims = place.dims.len();
        let Some((name, dims)) = self.level(&path, register.line, register.name, dims, place)
        else {
            return;
        };
        let Some(address) = self.address(&path, register.line, place, register.offset) else {
            return;
        };
        let links = || chain.links().map(|(link, _)| *link);
        let properties = links().fold(Properties::default(), |all, link| all.or(link.properties));
        let properties = properties.or(place.properties);
        let size_bits = properties.size_bits.unwrap_or(DEFAULT_SIZE_BITS);
        let all_bits = u64::MAX >> (64 - size_bits.clamp(1, 64));
        if properties.reset_value.is_some_and(|value| value & !all_bits != 0) {
            let what = format!("a reset value wider than the register's {size_bits} bits");
            self.warn(&path(), register.line, what, "cut to the size".into());
        }
        let end = u64::from(size_bits.div_ceil(8)).checked_add(crate::chip::array::reach(&dims));
        if end.and_then(|end| address.checked_add(end)).is_none() {
            let what = "it reaches beyond 64 bits".into();
            return self.leave_out(&path(), register.line, what);
        }
        let placeholder = (dims.len() > own_dims).then(|| placeholder(own_dims));
        let display_name = match register.display_name {
            // A `%s` of no array: most likely the manual counts the one there is from 0.
            "" if arrays::has_placeholder(&name) => Cow::Owned(name.replace("%s", "0")),
            "" => Cow::Borrowed(""),
            written => arrays::template(written, placeholder),
        };
        let display_name = if display_name == name { Cow::Borrowed("") } else { display_name };
        let group = register.alternate_group;
        let alternate = register.alternate_register.or(group).unwrap_or("");
        let description = links().find_map(|link| link.description);
        let fields = chain.links().find_map(|(link, scope)| Some((link.fields?, scope)));
        let mut flags = 0;
        if properties.reset_value.is_some() {
            flags |= rec::REGISTER_HAS_RESET;
        }
        if register.alternate_register.is_none() && group.is_some() {
            flags |= rec::REGISTER_ALTERNATE_GROUP;
        }
        let constraint = links().find_map(|link| link.constraint);
        let record = rec::RegisterRecord {
            address,
            reset_value: properties.reset_value.unwrap_or(0) & all_bits,
            reset_mask: properties.reset_mask.unwrap_or(u64::MAX) & all_bits,
            name: self.prefixed(&place.prefix, &name),
            display_name: self.prefixed(&place.prefix, &display_name),
            description: self.writer.text(description.unwrap_or("")),
            alternate: self.writer.text(alternate),
            dims: self.dim_span(dims),
            fields: match fields {
                Some((fields, scope)) => self.field_span(fields, scope, &path),
                None => rec::Span::default(),
            },
            peripheral: place.peripheral,
            line: register.line,
            constraint: self.constraint(constraint),
            size_bits: size_bits as u16,
            access: properties.access.map_or(0, |access| access.code()),
            read_action: links()
                .find_map(|link| link.read_action)
                .map_or(0, |action| action.code()),
            modified_write_values: links()
                .find_map(|link| link.modified_write_values)
                .map_or(0, |values| values.code()),
            flags,
            reserved: [0; 6],
        };
        if let Some(patch::Place { file, line }) = register.patched {
            let register = self.tables.registers.len() as u32;
            self.tables.patched.push(rec::PatchedRecord { register, file, line });
        }
        self.tables.registers.push(record);
    }

    /// Stores `name` with the clusters around it; the empty name stays empty.
    fn prefixed(&mut self, prefix: &str, name: &str) -> StrRef {
        if prefix.is_empty() || name.is_empty() {
            return self.writer.text(name);
        }
        self.writer.text(&format!("{prefix}{name}"))
    }

    /// A node's name as a template, and the arrays around its content.
    fn level<'n>(
        &mut self,
        path: &dyn Fn() -> String,
        line: u32,
        name: &'n str,
        dims: impl Iterator<Item = Option<&'n Dim<'n>>> + Clone,
        place: &Place<'t, 'a>,
    ) -> Option<(Cow<'n, str>, Vec<rec::DimRecord>)> {
        let (array, odd) = arrays::resolve(name, dims);
        if let Some(odd) = odd {
            self.warn_array(&path(), line, odd, array.is_some());
        }
        let mut all = place.dims.clone();
        let Some(array) = array else {
            return Some((arrays::template(name, None), all));
        };
        if all.len() == MAX_DIMS {
            let what = format!("arrays nest deeper than {MAX_DIMS}");
            self.leave_out(&path(), line, what);
            return None;
        }
        let name = arrays::template(name, Some(placeholder(all.len())));
        all.push(self.dim_record(&array));
        Some((name, all))
    }

    fn dim_record(&mut self, array: &Array) -> rec::DimRecord {
        let mut record = rec::DimRecord {
            stride: array.increment,
            count: array.count,
            ..rec::DimRecord::default()
        };
        match &array.index {
            Index::From(first) => record.start = *first,
            Index::Names(names) => {
                let first = self.tables.index_names.len();
                for name in names {
                    let name = self.writer.text(name);
                    self.tables.index_names.push(name);
                }
                record.names = span(first, self.tables.index_names.len());
            }
        }
        record
    }

    fn dim_span(&mut self, dims: Vec<rec::DimRecord>) -> rec::Span {
        if dims.is_empty() {
            return rec::Span::default();
        }
        let table = &mut self.tables.dims;
        let first = if table.ends_with(&dims) {
            table.len() - dims.len()
        } else {
            table.extend_from_slice(&dims);
            table.len() - dims.len()
        };
        span(first, first + dims.len())
    }

    fn address(
        &mut self,
        path: &dyn Fn() -> String,
        line: u32,
        place: &Place<'t, 'a>,
        offset: Option<u64>,
    ) -> Option<u64> {
        let address = place.address.checked_add(offset.unwrap_or(0));
        if address.is_none() {
            let what = "an address beyond 64 bits".into();
            self.leave_out(&path(), line, what);
        }
        address
    }

    pub(super) fn constraint(&mut self, constraint: Option<WriteConstraint>) -> u32 {
        let record = match constraint {
            None => return 0,
            Some(WriteConstraint::WriteAsRead) => {
                rec::ConstraintRecord { kind: 1, ..rec::ConstraintRecord::default() }
            }
            Some(WriteConstraint::UseEnumeratedValues) => {
                rec::ConstraintRecord { kind: 2, ..rec::ConstraintRecord::default() }
            }
            Some(WriteConstraint::Range { minimum, maximum }) => {
                rec::ConstraintRecord { minimum, maximum, kind: 3 }
            }
        };
        let key = (record.kind, record.minimum, record.maximum);
        *self.constraints.entry(key).or_insert_with(|| {
            self.tables.constraints.push(record);
            self.tables.constraints.len() as u32
        })
    }

    fn warn_lost(&mut self, path: &str, line: u32, base: &str) {
        let what = format!("derived from `{base}`, which is not there or leads back here");
        self.warn(path, line, what, "took what it says itself".into());
    }

    fn warn_array(&mut self, path: &str, line: u32, odd: String, is_array: bool) {
        let assumed = if is_array { "numbered from 0" } else { "read as a single one" };
        self.warn(path, line, odd, assumed.into());
    }

    pub(super) fn warn(&mut self, path: &str, line: u32, what: String, assumed: String) {
        let path = path.to_owned();
        self.tell(Warning { path, line, what, assumed, left_out: false });
    }

    /// Warns of an element that is not taken.
    pub(super) fn leave_out(&mut self, path: &str, line: u32, what: String) {
        let (path, assumed) = (path.to_owned(), "left out".into());
        self.tell(Warning { path, line, what, assumed, left_out: true });
    }

    /// A derived peripheral is told once of what is odd in the registers it shares.
    fn tell(&mut self, mut warning: Warning) {
        warning.what = clip(warning.what);
        warning.path = clip(warning.path);
        if self.told.len() >= MAX_WARNINGS {
            self.untold += 1;
        } else if self.told.insert((warning.line, warning.what.clone())) {
            self.warnings.push(warning);
        }
    }

    fn tell_untold(&mut self) {
        if self.untold > 0 {
            let what = format!("{} more oddities in what is derived or repeated", self.untold);
            let assumed = "not listed".into();
            self.warnings.push(Warning { what, assumed, ..Warning::default() });
        }
        if self.derivation.comparisons.are_used_up() {
            let what = "finding what elements are derived from takes too long".into();
            let assumed = "the last ones say only what they say themselves".into();
            self.warnings.push(Warning { what, assumed, ..Warning::default() });
        }
    }

    fn finish(mut self, device: &Device<'_>) -> Vec<u8> {
        let record = self.device_record(device);
        self.tables.interrupts.sort_by_key(|interrupt| interrupt.number);
        let extents = extents(&self.tables);
        let (writer, tables) = (&mut self.writer, &self.tables);
        writer
            .section(rec::DEVICE, &[record])
            .section(rec::PERIPHERALS, &tables.peripherals)
            .section(rec::EXTENTS, &extents)
            .section(rec::REGISTERS, &tables.registers)
            .section(rec::DIMS, &tables.dims)
            .section(rec::INDEX_NAMES, &tables.index_names)
            .section(rec::FIELDS, &tables.fields)
            .section(rec::ENUMS, &tables.enums)
            .section(rec::CONSTRAINTS, &tables.constraints)
            .section(rec::INTERRUPTS, &tables.interrupts)
            .section(rec::BLOCKS, &tables.blocks)
            .section(rec::ALIASES, &tables.aliases)
            .warnings(&self.warnings);
        self.writer.finish()
    }

    fn device_record(&mut self, device: &Device<'_>) -> rec::DeviceRecord {
        let mut register_count = 0_u64;
        let mut field_count = 0_u64;
        for register in &self.tables.registers[..self.declared.registers] {
            let dims = &self.tables.dims[register.dims.range()];
            let count = crate::chip::array::count(dims);
            register_count = register_count.saturating_add(count);
            let fields = count.saturating_mul(u64::from(register.fields.count));
            field_count = field_count.saturating_add(fields);
        }
        let mut record = rec::DeviceRecord {
            name: self.writer.text(device.name),
            vendor: self.writer.text(device.vendor),
            series: self.writer.text(device.series),
            version: self.writer.text(device.version),
            description: self.writer.text(device.description),
            width_bits: device.width_bits.unwrap_or(DEFAULT_SIZE_BITS),
            address_unit_bits: device.address_unit_bits.unwrap_or(8),
            peripheral_count: self.declared.peripherals as u64,
            register_count,
            field_count,
            core: self.built_in.0.code(),
            bit_band: self.built_in.1.into(),
            ..rec::DeviceRecord::default()
        };
        if let Some(cpu) = &device.cpu {
            record.cpu_name = self.writer.text(cpu.name);
            record.cpu_revision = self.writer.text(cpu.revision);
            record.cpu_endian = self.writer.text(cpu.endian);
            record.cpu_nvic_prio_bits = cpu.nvic_prio_bits;
            record.cpu_flags = [
                (cpu.mpu, rec::CPU_MPU),
                (cpu.fpu, rec::CPU_FPU),
                (cpu.vendor_systick, rec::CPU_VENDOR_SYSTICK),
            ]
            .iter()
            .filter(|(has, _)| *has)
            .fold(0, |flags, (_, flag)| flags | flag);
        }
        record
    }
}

fn extents(tables: &Tables) -> Vec<rec::ExtentRecord> {
    let mut extents: Vec<rec::ExtentRecord> = tables
        .registers
        .iter()
        .enumerate()
        .filter(|(_, register)| is_found_by_address(tables, register))
        .map(|(index, register)| {
            let reach = crate::chip::array::reach(&tables.dims[register.dims.range()]);
            let size = u64::from(register.size_bits.div_ceil(8).max(1));
            rec::ExtentRecord {
                start: register.address,
                end: register.address.saturating_add(reach).saturating_add(size),
                reach: 0,
                register: index as u32,
                reserved: 0,
            }
        })
        .collect();
    extents.sort_by_key(|extent| (extent.start, extent.register));
    let mut reach = 0;
    for extent in &mut extents {
        reach = reach.max(extent.end);
        extent.reach = reach;
    }
    extents
}

/// False for what is not in memory, and for a built-in part of a built-in register: whoever asks
/// for the address gets the whole.
fn is_found_by_address(tables: &Tables, register: &rec::RegisterRecord) -> bool {
    let peripheral = &tables.peripherals[register.peripheral as usize];
    let origin = Origin::from_code(peripheral.origin);
    let is_view = origin != Origin::Svd && register.alternate.len != 0;
    origin.space() == Space::Memory && !is_view
}

pub(super) fn span(first: usize, end: usize) -> rec::Span {
    rec::Span { first: first as u32, count: (end - first) as u32 }
}

/// The character that stands for the index of the `n`th array around a register.
fn placeholder(n: usize) -> char {
    char::from(n as u8 + 1)
}
