//! Single properties of elements, as patches spell them: the names of CMSIS-SVD.

use super::spec::Spec;
use super::yaml::{Key, Kind, Map, Node};
use super::{Patcher, join};
use crate::chip::{Access, ModifiedWriteValues, ReadAction, WriteConstraint};
use crate::svd::tree::{BitRange, Block, Dim, Field, Interrupt, Properties, Rare, Register};

impl<'a> Patcher<'a> {
    pub(super) fn keep(&self, text: &str) -> &'a str {
        self.memory.alloc_str(text)
    }

    /// The text of `node`, or a warning.
    pub(super) fn text(&mut self, path: &str, key: &Key, node: &Node) -> Option<&'a str> {
        let text = node.text().map(|text| self.keep(text));
        if text.is_none() {
            self.warn(key.place, path, format!("`{}` should be a text", key.text));
        }
        text
    }

    pub(super) fn number(&mut self, path: &str, key: &Key, node: &Node) -> Option<u64> {
        let number = node.number().and_then(|number| u64::try_from(number).ok());
        if number.is_none() {
            self.warn(key.place, path, format!("`{}` should be a number", key.text));
        }
        number
    }

    pub(super) fn number_u32(&mut self, path: &str, key: &Key, node: &Node) -> Option<u32> {
        let number = self.number(path, key, node)?;
        let small = u32::try_from(number).ok();
        if small.is_none() {
            self.warn(key.place, path, format!("`{}` is too large", key.text));
        }
        small
    }

    /// A word of a closed vocabulary.
    pub(super) fn word<T>(
        &mut self,
        path: &str,
        key: &Key,
        node: &Node,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let word = node.text().and_then(parse);
        if word.is_none() {
            let written = node.text().unwrap_or_default();
            self.warn(key.place, path, format!("`{written}` is no `{}`", key.text));
        }
        word
    }

    /// The map that a rule has to the right; nothing written is an empty one.
    pub(super) fn rules<'n>(&mut self, path: &str, key: &Key, node: &'n Node) -> &'n [(Key, Node)] {
        match &node.kind {
            Kind::Map(map) => map,
            Kind::Null => &[],
            _ => {
                self.warn(key.place, path, format!("`{}` should be a map", key.text));
                &[]
            }
        }
    }

    /// The texts that a rule has to the right, one or a list.
    pub(super) fn texts(&mut self, path: &str, key: &Key, node: &Node) -> Vec<Key> {
        let nodes = match &node.kind {
            Kind::List(list) => list.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for node in nodes {
            match node.text() {
                Some(text) => texts.push(Key { place: node.place, text: text.to_owned() }),
                None => {
                    let what = format!("`{}` should be a name or a list of names", key.text);
                    self.warn(key.place, path, what);
                }
            }
        }
        texts
    }

    /// Sets a property that devices, peripherals, clusters and registers share.
    pub(super) fn property(
        &mut self,
        path: &str,
        key: &Key,
        node: &Node,
        properties: &mut Properties,
    ) -> bool {
        match key.text.as_str() {
            "size" => {
                let size = self.number_u32(path, key, node).filter(|size| (1..=64).contains(size));
                properties.size_bits = size.or(properties.size_bits);
            }
            "access" if node.text() == Some("") => properties.access = None,
            "access" => {
                let access = self.word(path, key, node, Access::parse);
                properties.access = access.or(properties.access);
            }
            "resetValue" => {
                let value = self.number(path, key, node);
                properties.reset_value = value.or(properties.reset_value);
            }
            "resetMask" => {
                let mask = self.number(path, key, node);
                properties.reset_mask = mask.or(properties.reset_mask);
            }
            "protection" => {}
            _ => return false,
        }
        true
    }

    /// Sets what makes an array of an element.
    pub(super) fn dim(&mut self, path: &str, key: &Key, node: &Node, dim: &mut Dim<'a>) -> bool {
        match key.text.as_str() {
            "dim" => dim.count = self.number_u32(path, key, node).or(dim.count),
            "dimIncrement" => dim.increment = self.number(path, key, node).or(dim.increment),
            "dimIndex" => {
                let names: Vec<String> =
                    self.texts(path, key, node).into_iter().map(|name| name.text).collect();
                dim.index = Some(self.keep(&names.join(",")));
            }
            "dimName" | "dimArrayIndex" => {}
            _ => return false,
        }
        true
    }

    /// As [`Self::dim`], of an element that is seldom an array.
    fn rare_dim(
        &mut self,
        path: &str,
        key: &Key,
        node: &Node,
        rare: &mut Rare<'a, Dim<'a>>,
    ) -> bool {
        let mut dim = rare.get();
        let is_taken = self.dim(path, key, node, &mut dim);
        if is_taken {
            rare.put(dim, self.memory);
        }
        is_taken
    }

    /// Sets properties of a register.
    pub(super) fn set_register(
        &mut self,
        path: &str,
        register: &mut Register<'a>,
        rules: &[(Key, Node)],
    ) {
        for (key, node) in rules {
            match key.text.as_str() {
                "name" => register.name = self.text(path, key, node).unwrap_or(register.name),
                "displayName" => {
                    register.display_name = self.text(path, key, node).unwrap_or_default();
                }
                "description" => register.description = self.text(path, key, node),
                "derivedFrom" | "_from" => {
                    register.derived_from = self.text(path, key, node);
                    (register.fields, register.constraint) = (None, None);
                    register.modified_write_values = None;
                    register.properties = Properties::default();
                }
                "alternateGroup" => register.alternate_group = self.text(path, key, node),
                "alternateRegister" => register.alternate_register = self.text(path, key, node),
                "addressOffset" => {
                    register.offset = self.number(path, key, node).or(register.offset);
                }
                "readAction" => {
                    register.read_action = self.word(path, key, node, ReadAction::parse);
                }
                "modifiedWriteValues" => {
                    let values = self.word(path, key, node, ModifiedWriteValues::parse);
                    register.modified_write_values = values;
                }
                "writeConstraint" | "_write_constraint" => {
                    register.constraint = self.constraint(path, key, node);
                }
                "fields" => {
                    let mut fields = Vec::new();
                    for (name, rules) in self.rules(path, key, node) {
                        fields.extend(self.new_field(path, name, rules));
                    }
                    register.fields = Some(self.memory.alloc_slice_copy(&fields));
                }
                _ if self.property(path, key, node, &mut register.properties) => {}
                _ if self.rare_dim(path, key, node, &mut register.dim) => {}
                _ => self.unknown(key, path),
            }
        }
    }

    pub(super) fn new_register(
        &mut self,
        path: &str,
        name: &Key,
        node: &Node,
    ) -> Option<Register<'a>> {
        let mut register = Register {
            name: self.keep(&name.text),
            patched: Some(name.place),
            ..Register::default()
        };
        let path = join(path, &name.text);
        let rules = self.rules(&path, name, node);
        self.set_register(&path, &mut register, rules);
        if register.offset.is_none() {
            self.warn(name.place, &path, "a register without `addressOffset`");
            return None;
        }
        Some(register)
    }

    /// Sets properties of a field.
    pub(super) fn set_field(&mut self, path: &str, field: &mut Field<'a>, rules: &[(Key, Node)]) {
        let (mut lsb, mut width) =
            field.bits.resolve().map_or((None, None), |(lsb, width)| (Some(lsb), Some(width)));
        let mut msb = None;
        for (key, node) in rules {
            match key.text.as_str() {
                "name" => field.name = self.text(path, key, node).unwrap_or(field.name),
                "description" => field.description = self.text(path, key, node),
                "derivedFrom" | "_from" => {
                    field.derived_from = self.text(path, key, node);
                    (field.enums, field.constraint) = (&[], None);
                    field.modified_write_values = None;
                }
                "access" if node.text() == Some("") => field.access = None,
                "access" => field.access = self.word(path, key, node, Access::parse),
                "readAction" => field.read_action = self.word(path, key, node, ReadAction::parse),
                "modifiedWriteValues" => {
                    let values = self.word(path, key, node, ModifiedWriteValues::parse);
                    field.modified_write_values = values;
                }
                "writeConstraint" | "_write_constraint" => {
                    field.constraint = self.constraint(path, key, node);
                }
                "bitOffset" | "lsb" => lsb = self.number_u32(path, key, node).or(lsb),
                "bitWidth" => width = self.number_u32(path, key, node).or(width),
                "msb" => msb = self.number_u32(path, key, node),
                "bitRange" => {
                    let range = node.text().and_then(|text| {
                        let (high, low) =
                            text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
                        Some((high.trim().parse().ok()?, low.trim().parse().ok()?))
                    });
                    match range {
                        Some((high, low)) => (msb, lsb) = (Some(high), Some(low)),
                        None => self.warn(key.place, path, "`bitRange` should be `[msb:lsb]`"),
                    }
                }
                _ if self.rare_dim(path, key, node, &mut field.dim) => {}
                _ => self.unknown(key, path),
            }
        }
        let width = if msb.is_some() { None } else { width };
        field.bits = BitRange { lsb, msb, width };
    }

    pub(super) fn new_field(&mut self, path: &str, name: &Key, node: &Node) -> Option<Field<'a>> {
        let mut field =
            Field { name: self.keep(&name.text), line: name.place.line, ..Field::default() };
        let path = join(path, &name.text);
        let rules = self.rules(&path, name, node);
        self.set_field(&path, &mut field, rules);
        if field.bits.resolve().is_none() {
            self.warn(name.place, &path, "a field without bits");
            return None;
        }
        Some(field)
    }

    /// `none`, `enum`, or the least and the greatest value.
    fn constraint(&mut self, path: &str, key: &Key, node: &Node) -> Option<WriteConstraint> {
        match (&node.kind, node.text()) {
            (_, Some("none")) => None,
            (_, Some("enum")) => Some(WriteConstraint::UseEnumeratedValues),
            (Kind::List(list), _) => self.range(path, key, list),
            _ => {
                let what =
                    format!("`{}` should be `none`, `enum` or `[least, greatest]`", key.text);
                self.warn(key.place, path, what);
                None
            }
        }
    }

    pub(super) fn range(
        &mut self,
        path: &str,
        key: &Key,
        list: &[Node],
    ) -> Option<WriteConstraint> {
        let number = |node: &Node| node.number().and_then(|number| u64::try_from(number).ok());
        if let [least, greatest] = list
            && let (Some(minimum), Some(maximum)) = (number(least), number(greatest))
        {
            return Some(WriteConstraint::Range { minimum, maximum });
        }
        self.warn(key.place, path, "a range should be `[least, greatest]`");
        None
    }

    pub(super) fn interrupt(
        &mut self,
        path: &str,
        interrupt: &mut Interrupt<'a>,
        rules: &[(Key, Node)],
    ) {
        for (key, node) in rules {
            match key.text.as_str() {
                "name" => interrupt.name = self.text(path, key, node).unwrap_or(interrupt.name),
                "description" => {
                    interrupt.description = self.text(path, key, node).unwrap_or_default();
                }
                "value" => {
                    let number = self.number_u32(path, key, node);
                    interrupt.number = number.or(interrupt.number);
                }
                _ => self.unknown(key, path),
            }
        }
    }

    pub(super) fn block(&mut self, path: &str, rules: &Map) -> Block<'a> {
        let mut block = Block::default();
        for (key, node) in rules {
            match key.text.as_str() {
                "offset" => block.offset = self.number(path, key, node),
                "size" => block.size = self.number(path, key, node),
                "usage" => block.usage = self.text(path, key, node).unwrap_or_default(),
                "protection" => {}
                _ => self.unknown(key, path),
            }
        }
        block
    }

    pub(super) fn unknown(&mut self, key: &Key, path: &str) {
        let what = format!("`{}` is not known here", key.text);
        self.warn(key.place, path, what);
    }

    /// `_strip`, `_strip_end`, `_prefix`, `_suffix`: a name put right; `None` for other rules.
    pub(super) fn affixed(&self, rule: &str, affix: &str, name: &'a str) -> Option<&'a str> {
        let cut = |at: usize| name.is_char_boundary(at);
        match rule {
            "_strip" if affix.len() <= name.len() && cut(affix.len()) => {
                let matched = Spec::new(&format!("{affix}*")).matches(name);
                Some(if matched { &name[affix.len()..] } else { name })
            }
            "_strip_end" if affix.len() <= name.len() && cut(name.len() - affix.len()) => {
                let matched = Spec::new(&format!("*{affix}")).matches(name);
                Some(if matched { &name[..name.len() - affix.len()] } else { name })
            }
            "_strip" | "_strip_end" => Some(name),
            "_prefix" => Some(self.keep(&format!("{affix}{name}"))),
            "_suffix" => Some(self.keep(&format!("{name}{affix}"))),
            _ => None,
        }
    }
}

/// The value of `key` among `rules`.
pub(super) fn find<'n>(rules: &'n [(Key, Node)], key: &str) -> Option<&'n (Key, Node)> {
    rules.iter().find(|(own, _)| own.text == key)
}
