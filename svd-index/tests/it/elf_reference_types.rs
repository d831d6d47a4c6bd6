//! Variables and the layouts of their types, equal to the symbol table's addresses, to the debug
//! information read anew by a plain walk, and to what gdb says.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use gimli::{AttributeValue, Operation, UnitOffset};
use object::{Object, ObjectSymbol};
use svd_index::elf::{self, Facts, TypeKind};

use super::reference::{Slice, elfs, sections};
use super::{firmware, read};

type Unit<'a> = gimli::Unit<Slice<'a>>;
type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// Elements of an array that are looked at, besides the last.
const ELEMENTS: u64 = 4;

/// A part of a variable that has no parts.
struct Leaf {
    path: String,
    address: u64,
}

/// A plain reading of one unit: by recursion, without a cache, for what compilers write.
struct Walk<'d, 'a> {
    dwarf: &'d gimli::Dwarf<Slice<'a>>,
    unit: &'d Unit<'a>,
    leaves: Vec<Leaf>,
    bit_fields: usize,
}

impl<'a> Walk<'_, 'a> {
    fn name(&self, entry: &Entry<'a>) -> String {
        let name = entry.attr_value(gimli::DW_AT_name).map(|value| {
            self.dwarf.attr_string(self.unit, value).unwrap().to_string_lossy().into_owned()
        });
        name.or_else(|| Some(self.name(&self.origin(entry)?))).unwrap_or_default()
    }

    fn at(&self, entry: &Entry<'a>, attribute: gimli::DwAt) -> Option<Entry<'a>> {
        match entry.attr_value(attribute)? {
            AttributeValue::UnitRef(offset) => Some(self.unit.entry(offset).unwrap()),
            _ => None,
        }
    }

    fn origin(&self, entry: &Entry<'a>) -> Option<Entry<'a>> {
        self.at(entry, gimli::DW_AT_specification)
            .or_else(|| self.at(entry, gimli::DW_AT_abstract_origin))
    }

    /// The type, without the names and qualifiers around it.
    fn ty(&self, entry: &Entry<'a>) -> Option<Entry<'a>> {
        let Some(mut ty) = self.at(entry, gimli::DW_AT_type) else {
            return self.ty(&self.origin(entry)?);
        };
        while matches!(
            ty.tag(),
            gimli::DW_TAG_typedef
                | gimli::DW_TAG_const_type
                | gimli::DW_TAG_volatile_type
                | gimli::DW_TAG_atomic_type
        ) {
            ty = self.at(&ty, gimli::DW_AT_type)?;
        }
        Some(ty)
    }

    fn number(&self, entry: &Entry<'a>, attribute: gimli::DwAt) -> Option<u64> {
        entry.attr_value(attribute)?.udata_value()
    }

    fn size(&self, ty: &Entry<'a>) -> u64 {
        let own = self.number(ty, gimli::DW_AT_byte_size);
        own.unwrap_or_else(|| match ty.tag() {
            gimli::DW_TAG_array_type => {
                let element = self.ty(ty).map_or(0, |element| self.size(&element));
                self.counts(ty.offset()).iter().product::<u64>() * element
            }
            _ => u64::from(self.unit.header.address_size()),
        })
    }

    fn children(&self, offset: UnitOffset) -> Vec<Entry<'a>> {
        let mut tree = self.unit.entries_tree(Some(offset)).unwrap();
        let mut children = tree.root().unwrap().children();
        let mut found = Vec::new();
        while let Some(child) = children.next().unwrap() {
            found.push(child.entry().clone());
        }
        found
    }

    fn counts(&self, array: UnitOffset) -> Vec<u64> {
        let ranges = self.children(array).into_iter();
        ranges
            .filter(|child| child.tag() == gimli::DW_TAG_subrange_type)
            .map(|range| {
                let last = self.number(&range, gimli::DW_AT_upper_bound).map(|last| last + 1);
                self.number(&range, gimli::DW_AT_count).or(last).unwrap_or(0)
            })
            .collect()
    }

    fn fixed_address(&self, entry: &Entry<'a>) -> Option<u64> {
        let Some(AttributeValue::Exprloc(expression)) = entry.attr_value(gimli::DW_AT_location)
        else {
            return None;
        };
        let mut operations = expression.operations(self.unit.encoding());
        let address = match operations.next().unwrap()? {
            Operation::Address { address } => address,
            Operation::AddressIndex { index } => self.dwarf.address(self.unit, index).unwrap(),
            _ => return None,
        };
        operations.next().unwrap().is_none().then_some(address)
    }

    fn walk(&mut self, ty: &Entry<'a>, path: String, address: u64) {
        match ty.tag() {
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type => {
                let members = self.members(ty);
                if members.is_empty() {
                    return;
                }
                for member in members {
                    self.walk_member(&member, &path, address);
                }
            }
            // All members lie at one address, which has the name of the first.
            gimli::DW_TAG_union_type => {
                if let Some(member) = self.members(ty).first() {
                    self.walk_member(member, &path, address);
                }
            }
            gimli::DW_TAG_array_type => {
                let counts = self.counts(ty.offset());
                if let Some(element) = self.ty(ty) {
                    self.walk_array(&element, &counts, path, address);
                }
            }
            _ => self.leaves.push(Leaf { path, address }),
        }
    }

    fn members(&self, ty: &Entry<'a>) -> Vec<Entry<'a>> {
        let is_member = |entry: &Entry<'a>| {
            matches!(entry.tag(), gimli::DW_TAG_member | gimli::DW_TAG_inheritance)
                && entry.attr_value(gimli::DW_AT_external).is_none()
                && entry.attr_value(gimli::DW_AT_declaration).is_none()
        };
        self.children(ty.offset()).into_iter().filter(is_member).collect()
    }

    fn walk_member(&mut self, member: &Entry<'a>, path: &str, address: u64) {
        if member.attr_value(gimli::DW_AT_bit_size).is_some() {
            self.bit_fields += 1;
            return;
        }
        let Some(ty) = self.ty(member).filter(|ty| self.size(ty) > 0) else { return };
        let offset = self.number(member, gimli::DW_AT_data_member_location).unwrap_or(0);
        let name = match member.tag() {
            gimli::DW_TAG_member => self.name(member),
            _ => String::new(),
        };
        let dot = if name.is_empty() { "" } else { "." };
        self.walk(&ty, format!("{path}{dot}{name}"), address + offset);
    }

    fn walk_array(&mut self, element: &Entry<'a>, counts: &[u64], path: String, address: u64) {
        let Some((&count, rest)) = counts.split_first() else {
            return self.walk(element, path, address);
        };
        let stride = self.size(element) * rest.iter().product::<u64>();
        for index in (0..count.min(ELEMENTS)).chain(count.checked_sub(1)) {
            self.walk_array(element, rest, format!("{path}[{index}]"), address + index * stride);
        }
    }
}

/// All parts of all variables with an address that is the program's, and how many bit-fields were
/// passed over.
fn leaves(bytes: &[u8], facts: &Facts) -> (Vec<Leaf>, usize) {
    let file = object::File::parse(bytes).unwrap();
    let sections = sections(&file);
    let dwarf = sections.borrow(|bytes| Slice::new(bytes.as_ref(), gimli::LittleEndian));
    let is_own = |address: u64| {
        facts.sections.iter().any(|section| {
            section.allocated
                && address.checked_sub(section.address).is_some_and(|at| at < section.size)
        })
    };
    let (mut leaves, mut bit_fields) = (Vec::new(), 0);
    let mut headers = dwarf.units();
    while let Some(header) = headers.next().unwrap() {
        let unit = dwarf.unit(header).unwrap();
        let mut walk = Walk { dwarf: &dwarf, unit: &unit, leaves: Vec::new(), bit_fields: 0 };
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs().unwrap() {
            let is_variable = entry.tag() == gimli::DW_TAG_variable;
            let address = walk.fixed_address(entry).filter(|&at| is_variable && is_own(at));
            let Some(address) = address else { continue };
            let (name, ty) = (walk.name(entry), walk.ty(entry));
            if let Some(ty) = ty.filter(|_| !name.is_empty() && address != 0) {
                walk.walk(&ty, name, address);
            }
        }
        leaves.append(&mut walk.leaves);
        bit_fields += walk.bit_fields;
    }
    (leaves, bit_fields)
}

/// `path` as the last part of `whole`, which may begin with namespaces and functions.
fn is_end_of(path: &str, whole: &str) -> bool {
    whole.strip_suffix(path).is_some_and(|scope| scope.is_empty() || scope.ends_with("::"))
}

#[test]
fn every_part_of_every_variable_has_its_path() {
    let mut total = 0;
    for path in elfs() {
        let bytes = read(&path);
        let (facts, _) = elf::parse(&bytes).unwrap();
        let ours = firmware(&bytes);
        let (leaves, bit_fields) = leaves(&bytes, &facts);
        let mut differences = Vec::new();
        for leaf in &leaves {
            let found = ours.variable_at(leaf.address);
            if !found.as_ref().is_some_and(|found| is_end_of(&leaf.path, found)) {
                differences.push(format!("{:#x}: {found:?}, not {}", leaf.address, leaf.path));
            }
        }
        let name = path.file_name().unwrap().display();
        println!(
            "{name}: {} parts of variables, {bit_fields} bit-fields passed over",
            leaves.len()
        );
        differences.truncate(10);
        assert!(differences.is_empty(), "{name}: {differences:#?}");
        total += leaves.len();
    }
    assert!(total > 100, "{total}");
}

#[test]
fn variables_lie_where_the_symbol_table_says() {
    let mut total = 0;
    for path in elfs() {
        let bytes = read(&path);
        let (facts, _) = elf::parse(&bytes).unwrap();
        let file = object::File::parse(&bytes[..]).unwrap();
        let mut symbols: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| symbol.size() > 0) {
            symbols.entry(symbol.address()).or_default().push(symbol.size());
        }
        let name = path.file_name().unwrap().display();
        let (mut without, mut differences) = (0, Vec::new());
        for variable in &facts.variables {
            match symbols.get(&variable.address) {
                Some(sizes) if sizes.contains(&variable.size) => {}
                // The linker has no name for what Rust's compiler makes of a trait.
                None if variable.name.ends_with("{vtable}") => without += 1,
                sizes => differences.push(format!("{variable:?}, symbols {sizes:?}")),
            }
        }
        differences.truncate(10);
        assert!(differences.is_empty(), "{name}: {differences:#?}");
        total += facts.variables.len() - without;
        println!(
            "{name}: {} variables, {without} of them tables without a symbol, {} data symbols",
            facts.variables.len(),
            symbols.len()
        );
    }
    assert!(total > 30, "{total}");
}

/// What gdb answers to each expression, in hexadecimal; empty where it objects.
fn gdb(elf: &Path, expressions: &[String]) -> Option<Vec<String>> {
    let mut command = Command::new("gdb-multiarch");
    command.args(["-nx", "-batch"]).arg(elf).args(["-ex", "set language c++"]);
    for expression in expressions {
        command.args(["-ex", &format!("output/x {expression}"), "-ex", "echo \\n"]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: gdb-multiarch: {error}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(
        answers.len(),
        expressions.len(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(answers)
}

/// What gdb is asked about the named structures, and what we say.
fn questions(facts: &Facts) -> Vec<(String, u64)> {
    let mut questions = Vec::new();
    for ty in &facts.types {
        let (word, members) = match &ty.kind {
            TypeKind::Struct(members) => ("struct", members),
            TypeKind::Union(members) => ("union", members),
            _ => continue,
        };
        // Other languages' names are no C.
        if ty.name.is_empty() || !ty.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            continue;
        }
        questions.push((format!("sizeof({word} {})", ty.name), ty.size));
        for member in members.iter().filter(|member| !member.name.is_empty()) {
            let member_of = format!("(({word} {}*)0)->{}", ty.name, member.name);
            questions.push((format!("(unsigned long)&{member_of}"), member.offset));
        }
    }
    questions
}

#[test]
fn layouts_and_addresses_equal_gdb() {
    let mut total = 0;
    for path in elfs() {
        let bytes = read(&path);
        let (facts, _) = elf::parse(&bytes).unwrap();
        let ours = firmware(&bytes);
        let mut questions = questions(&facts);
        for leaf in leaves(&bytes, &facts).0.into_iter().take(500) {
            if let Some(path) = ours.variable_at(leaf.address) {
                questions.push((format!("(unsigned long)&({path})"), leaf.address));
            }
        }
        let expressions: Vec<String> = questions.iter().map(|(text, _)| text.clone()).collect();
        let Some(answers) = gdb(&path, &expressions) else { return };
        let mut silent = 0;
        for ((expression, ours), answer) in questions.iter().zip(&answers) {
            // gdb reads C++ here: Rust's names, and structures of namespaces, it may not find.
            if answer.is_empty() {
                silent += 1;
                continue;
            }
            assert_eq!(*answer, format!("{ours:#x}"), "{}: {expression}", path.display());
        }
        let name = path.file_name().unwrap().display();
        println!("{name}: {} of {} answers", answers.len() - silent, answers.len());
        total += answers.len() - silent;
    }
    assert!(total > 100, "{total}");
}
