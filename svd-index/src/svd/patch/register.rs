//! Rules for a register and its fields.

use super::spec::Spec;
use super::values::find;
use super::yaml::{Key, Kind, Node, Place};
use super::{Patcher, join};
use crate::svd::tree::{BitRange, Field, Register};

/// Rules of a register in the order in which svdtools follows them, before those for its fields.
const ORDER: [&str; 11] = [
    "_delete",
    "_strip",
    "_strip_end",
    "_prefix",
    "_suffix",
    "_clear",
    "_modify",
    "_add",
    "_derive",
    "_merge",
    "_split",
];

impl<'a> Patcher<'a> {
    pub(super) fn register(
        &mut self,
        path: &str,
        register: &mut Register<'a>,
        name: &Key,
        rules: &[(Key, Node)],
    ) {
        if register.derived_from.is_some() {
            return;
        }
        let path = join(path, register.name);
        let mut fields = register.fields.unwrap_or_default().to_vec();
        for rule in ORDER {
            if let Some((key, node)) = find(rules, rule) {
                self.rule_of_register(&path, &mut fields, key, node);
            }
        }
        let access = register.properties.access;
        for (key, node) in rules {
            match key.text.as_str() {
                rule if ORDER.contains(&rule) || matches!(rule, "_path" | "_include") => {}
                rule if rule.starts_with('_') => self.unsupported(key, &path),
                _ => self.field_rule(&path, &mut fields, access, key, node),
            }
        }
        register.fields = Some(self.memory.alloc_slice_copy(&fields));
        register.patched = Some(name.place);
    }

    fn rule_of_register(
        &mut self,
        path: &str,
        fields: &mut Vec<Field<'a>>,
        key: &Key,
        node: &Node,
    ) {
        match key.text.as_str() {
            "_delete" => {
                for name in self.texts(path, key, node) {
                    if !self.fields(path, fields, &name).is_empty() {
                        let spec = Spec::new(&name.text);
                        fields.retain(|field| !spec.matches(field.name));
                    }
                }
            }
            "_clear" => {
                for name in self.texts(path, key, node) {
                    for index in self.fields(path, fields, &name) {
                        clear(&mut fields[index]);
                    }
                }
            }
            rule @ ("_strip" | "_strip_end" | "_prefix" | "_suffix") => {
                for affix in self.texts(path, key, node) {
                    for field in fields.iter_mut() {
                        field.name =
                            self.affixed(rule, &affix.text, field.name).unwrap_or(field.name);
                    }
                }
            }
            rule @ ("_merge" | "_split") => {
                let alone = Node { place: key.place, kind: Kind::Null };
                let entries = match &node.kind {
                    Kind::Map(map) => map.clone(),
                    _ => {
                        let names = self.texts(path, key, node);
                        names.into_iter().map(|name| (name, alone.clone())).collect()
                    }
                };
                for (name, node) in entries {
                    match rule {
                        "_merge" => self.merge(path, fields, &name, &node),
                        _ => self.split(path, fields, &name, &node),
                    }
                }
            }
            rule => {
                for (name, node) in self.rules(path, key, node) {
                    match rule {
                        "_modify" => {
                            let rules = self.rules(path, name, node);
                            for index in self.fields(path, fields, name) {
                                let field = &mut fields[index];
                                let path = join(path, field.name);
                                self.set_field(&path, field, rules);
                            }
                        }
                        "_add" if fields.iter().any(|field| field.name == name.text) => {
                            let what = format!("there is a field `{}` already", name.text);
                            self.warn(name.place, path, what);
                        }
                        "_add" => fields.extend(self.new_field(path, name, node)),
                        _ => self.derive_field(path, fields, name, node),
                    }
                }
            }
        }
    }

    fn derive_field(&mut self, path: &str, fields: &mut Vec<Field<'a>>, name: &Key, node: &Node) {
        let from = Key { place: name.place, text: "_from".into() };
        let rules = match &node.kind {
            Kind::Map(map) if find(map, "_from").is_some() => map.clone(),
            Kind::Text(_) => vec![(from, node.clone())],
            _ => return self.warn(name.place, path, "`_derive` without a field to derive from"),
        };
        let spec = Spec::new(&name.text);
        if fields.iter().any(|field| spec.matches(field.name)) {
            for field in fields.iter_mut().filter(|field| spec.matches(field.name)) {
                self.set_field(&join(path, field.name), field, &rules);
            }
        } else if !spec.is_optional {
            let rules = Node { place: name.place, kind: Kind::Map(rules) };
            fields.extend(self.new_field(path, name, &rules));
        }
    }

    /// Makes one field of several; without a name of its own, of what their names begin with.
    fn merge(&mut self, path: &str, fields: &mut Vec<Field<'a>>, name: &Key, node: &Node) {
        let specs = match &node.kind {
            Kind::Null => vec![name.clone()],
            _ => self.texts(path, name, node),
        };
        let mut merged = Vec::new();
        for spec in &specs {
            merged.extend(self.fields(path, fields, spec));
        }
        merged.sort_unstable();
        merged.dedup();
        let bits: Option<Vec<(u32, u32)>> =
            merged.iter().map(|index| fields[*index].bits.resolve()).collect();
        let (Some(&first), Some(bits)) = (merged.first(), bits) else { return };
        let new_name = match &node.kind {
            Kind::Null => common_start(merged.iter().map(|index| fields[*index].name)),
            _ => &name.text,
        };
        let lsb = bits.iter().map(|(lsb, _)| *lsb).min();
        let width = bits.iter().map(|(_, width)| *width).sum();
        let field = Field {
            name: self.keep(new_name),
            line: fields[first].line,
            description: fields[first].description,
            bits: BitRange { lsb, msb: None, width: Some(width) },
            ..Field::default()
        };
        let mut index = 0;
        fields.retain(|_| {
            index += 1;
            !merged.contains(&(index - 1))
        });
        fields.insert(first, field);
    }

    /// Makes a field of each bit of one.
    fn split(&mut self, path: &str, fields: &mut Vec<Field<'a>>, name: &Key, node: &Node) {
        let matched = self.fields(path, fields, name);
        let [index] = matched[..] else {
            if matched.len() > 1 {
                let what = format!("`{}` is several fields; one can be split", name.text);
                self.warn(name.place, path, what);
            }
            return;
        };
        let whole = fields[index];
        let Some((lsb, width)) = whole.bits.resolve() else { return };
        let text = |key: &str| node.map().and_then(|map| find(map, key)?.1.text());
        let names = text("name").map_or_else(|| format!("{}%s", whole.name), str::to_owned);
        let description = text("description").or(whole.description);
        fields.remove(index);
        for bit in 0..width {
            let number = bit.to_string();
            let description = description.map(|text| self.keep(&text.replace("%s", &number)));
            fields.push(Field {
                name: self.keep(&names.replace("%s", &number)),
                line: whole.line,
                description,
                bits: BitRange { lsb: Some(lsb + bit), msb: None, width: Some(1) },
                ..Field::default()
            });
        }
    }

    /// Positions of the fields that a rule is for; none, and a warning unless it is optional.
    pub(super) fn fields(&mut self, path: &str, fields: &[Field<'a>], name: &Key) -> Vec<usize> {
        let spec = Spec::new(&name.text);
        let all = fields.iter().enumerate();
        let matched: Vec<usize> =
            all.filter(|(_, field)| spec.matches(field.name)).map(|(index, _)| index).collect();
        if matched.is_empty() && !spec.is_optional {
            let what = format!("field is called `{}`", spec.text());
            self.warn_unmatched(name.place, path, &what, fields.iter().map(|field| field.name));
        }
        matched
    }

    /// Takes enumerated values and constraints from the fields that `spec` is for.
    pub(super) fn clear(&mut self, register: &mut Register<'a>, spec: &Spec<'_>, place: Place) {
        let Some(fields) = register.fields else { return };
        let mut fields = fields.to_vec();
        fields.iter_mut().filter(|field| spec.matches(field.name)).for_each(clear);
        register.fields = Some(self.memory.alloc_slice_copy(&fields));
        register.patched = Some(place);
    }
}

fn clear(field: &mut Field<'_>) {
    if field.derived_from.is_none() {
        (field.enums, field.constraint) = (&[], None);
    }
}

fn common_start<'n>(mut names: impl Iterator<Item = &'n str>) -> &'n str {
    let Some(first) = names.next() else { return "" };
    let shared = |start: &'n str, name: &str| {
        let equal = start.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        &start[..(0..=equal).rev().find(|at| start.is_char_boundary(*at)).unwrap_or(0)]
    };
    names.fold(first, shared)
}
