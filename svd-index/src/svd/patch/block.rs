//! Rules for a peripheral or cluster and the registers in it.

use super::spec::Spec;
use super::values::find;
use super::yaml::{Key, Kind, Node, Place};
use super::{Patcher, join};
use crate::svd::tree::{Cluster, Node as Child, Peripheral, Register};

/// Rules of a block in the order in which svdtools follows them, before those for its registers.
const ORDER: [&str; 10] = [
    "_delete",
    "_copy",
    "_strip",
    "_strip_end",
    "_prefix",
    "_suffix",
    "_modify",
    "_clear_fields",
    "_add",
    "_derive",
];

/// What a rule is for, of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Register,
    Cluster,
    /// Registers; clusters if no register matches.
    Any,
}

impl<'a> Patcher<'a> {
    pub(super) fn peripheral(&mut self, peripheral: &mut Peripheral<'a>, key: &Key, node: &Node) {
        let rules = self.rules(peripheral.name, key, node);
        self.interrupts(peripheral, rules);
        if peripheral.derived_from.is_some() {
            return;
        }
        let mut children = peripheral.children.take().unwrap_or_default();
        self.rules_of_block(peripheral.name, &mut children, rules);
        peripheral.children = Some(children);
    }

    /// `_delete`, `_modify` and `_add` of `_interrupts`.
    fn interrupts(&mut self, peripheral: &mut Peripheral<'a>, rules: &[(Key, Node)]) {
        let of = |rule| find(find(rules, rule)?.1.map()?, "_interrupts");
        if let Some((key, node)) = of("_delete") {
            for name in self.texts(peripheral.name, key, node) {
                let spec = Spec::new(&name.text);
                peripheral.interrupts.retain(|interrupt| !spec.matches(interrupt.name));
            }
        }
        for rule in ["_modify", "_add"] {
            let Some((key, node)) = of(rule) else { continue };
            for (name, node) in self.rules(peripheral.name, key, node) {
                let is_there = peripheral.interrupts.iter().any(|one| one.name == name.text);
                if is_there == (rule == "_modify") {
                    self.set_interrupt(peripheral, name, node);
                } else {
                    let what = if is_there { "there is already an" } else { "there is no" };
                    let what = format!("{what} interrupt `{}`", name.text);
                    self.warn(name.place, peripheral.name, what);
                }
            }
        }
    }

    fn rules_of_block(&mut self, path: &str, children: &mut Vec<Child<'a>>, rules: &[(Key, Node)]) {
        for rule in ORDER {
            if let Some((key, node)) = find(rules, rule) {
                self.rule_of_block(path, children, key, node);
            }
        }
        for (key, node) in rules {
            match key.text.as_str() {
                rule if ORDER.contains(&rule) || matches!(rule, "_path" | "_include") => {}
                "_clusters" => {
                    for (name, node) in self.rules(path, key, node) {
                        self.inside(path, children, name, node, Sort::Cluster);
                    }
                }
                "_interrupts" => {}
                rule if rule.starts_with('_') => self.unsupported(key, path),
                _ => self.inside(path, children, key, node, Sort::Any),
            }
        }
    }

    fn rule_of_block(&mut self, path: &str, children: &mut Vec<Child<'a>>, key: &Key, node: &Node) {
        match key.text.as_str() {
            "_delete" => self.delete(path, children, key, node),
            "_clear_fields" => {
                for name in self.texts(path, key, node) {
                    self.clear_fields(children, &Spec::new(&name.text), name.place);
                }
            }
            rule @ ("_strip" | "_strip_end" | "_prefix" | "_suffix") => {
                for affix in self.texts(path, key, node) {
                    self.affix(children, rule, &affix);
                }
            }
            rule => {
                for (name, node) in self.rules(path, key, node) {
                    let sort = match name.text.as_str() {
                        "_registers" => Sort::Register,
                        "_clusters" => Sort::Cluster,
                        "_interrupts" => continue,
                        _ => {
                            self.change(path, children, rule, name, node, Sort::Any);
                            continue;
                        }
                    };
                    for (name, node) in self.rules(path, name, node) {
                        self.change(path, children, rule, name, node, sort);
                    }
                }
            }
        }
    }

    /// One entry of `_modify`, `_add`, `_derive` or `_copy`.
    fn change(
        &mut self,
        path: &str,
        children: &mut Vec<Child<'a>>,
        rule: &str,
        name: &Key,
        node: &Node,
        sort: Sort,
    ) {
        match rule {
            "_modify" => {
                let rules = self.rules(path, name, node);
                for index in self.matching(path, children, name, sort) {
                    match &mut children[index] {
                        Child::Register(register) => {
                            let path = join(path, register.name);
                            register.patched = Some(name.place);
                            self.set_register(&path, register, rules);
                        }
                        Child::Cluster(cluster) => self.set_cluster(path, cluster, name, rules),
                    }
                }
            }
            "_add" if sort == Sort::Cluster => {
                let mut cluster = Cluster {
                    name: self.keep(&name.text),
                    line: name.place.line,
                    ..Cluster::default()
                };
                let rules = self.rules(path, name, node);
                self.set_cluster(path, &mut cluster, name, rules);
                match cluster.offset {
                    Some(_) => children.push(Child::Cluster(cluster)),
                    None => self.warn(name.place, path, "a cluster without `addressOffset`"),
                }
            }
            "_add" => {
                if registers(children).any(|register| register.name == name.text) {
                    let what = format!("there is a register `{}` already", name.text);
                    return self.warn(name.place, path, what);
                }
                let register = self.new_register(path, name, node);
                children.extend(register.map(Child::Register));
            }
            "_derive" if sort != Sort::Cluster => self.derive(path, children, name, node),
            "_copy" if sort != Sort::Cluster => self.copy(path, children, name, node),
            _ => self.warn(name.place, path, format!("`{rule}` of clusters is not supported here")),
        }
    }

    fn set_cluster(
        &mut self,
        path: &str,
        cluster: &mut Cluster<'a>,
        name: &Key,
        rules: &[(Key, Node)],
    ) {
        let path = join(path, cluster.name);
        for (key, node) in rules {
            match key.text.as_str() {
                "name" => cluster.name = self.text(&path, key, node).unwrap_or(cluster.name),
                "description" => {}
                "derivedFrom" => cluster.derived_from = self.text(&path, key, node),
                "addressOffset" => {
                    cluster.offset = self.number(&path, key, node).or(cluster.offset);
                }
                "registers" => {
                    cluster.children.clear();
                    for (name, node) in self.rules(&path, key, node) {
                        let register = self.new_register(&path, name, node);
                        cluster.children.extend(register.map(Child::Register));
                    }
                }
                _ if self.property(&path, key, node, &mut cluster.properties) => {}
                _ if self.dim(&path, key, node, &mut cluster.dim) => {}
                _ => self.unknown(key, &path),
            }
        }
        mark(&mut cluster.children, name.place);
    }

    fn derive(&mut self, path: &str, children: &mut Vec<Child<'a>>, name: &Key, node: &Node) {
        let of_map = || node.map().and_then(|map| find(map, "_from")?.1.text());
        let Some(base) = node.text().or_else(of_map) else {
            return self.warn(name.place, path, "`_derive` without a register to derive from");
        };
        if !base.contains('.') && !registers(children).any(|register| register.name == base) {
            return self.warn(name.place, path, format!("there is no register `{base}`"));
        }
        let from = Key { place: name.place, text: "_from".into() };
        let base = Node { place: name.place, kind: Kind::Text(base.to_owned()) };
        let mut rules = vec![(from, base)];
        let more = node.map().into_iter().flatten().filter(|(key, _)| key.text != "_from");
        rules.extend(more.cloned());
        let spec = Spec::new(&name.text);
        if registers(children).any(|register| spec.matches(register.name)) {
            for register in registers_mut(children).filter(|one| spec.matches(one.name)) {
                register.patched = Some(name.place);
                self.set_register(&join(path, register.name), register, &rules);
            }
        } else if !spec.is_optional {
            let rules = Node { place: name.place, kind: Kind::Map(rules) };
            children.extend(self.new_register(path, name, &rules).map(Child::Register));
        }
    }

    fn copy(&mut self, path: &str, children: &mut Vec<Child<'a>>, name: &Key, node: &Node) {
        let rules = self.rules(path, name, node);
        let from = find(rules, "_from").and_then(|(_, from)| from.text()).unwrap_or_default();
        let Some(mut copy) = registers(children).find(|one| one.name == from).copied() else {
            return self.warn(name.place, path, format!("there is no register `{from}`"));
        };
        let rules: Vec<_> = rules.iter().filter(|(key, _)| key.text != "_from").cloned().collect();
        (copy.name, copy.display_name) = (self.keep(&name.text), "");
        copy.patched = Some(name.place);
        self.set_register(&join(path, &name.text), &mut copy, &rules);
        let there = registers_mut(children).find(|one| one.name == name.text);
        match there {
            Some(there) => *there = Register { offset: there.offset, ..copy },
            None => children.push(Child::Register(copy)),
        }
    }

    fn delete(&mut self, path: &str, children: &mut Vec<Child<'a>>, key: &Key, node: &Node) {
        let Kind::Map(map) = &node.kind else {
            for name in self.texts(path, key, node) {
                self.delete_matching(path, children, &name, Sort::Any);
            }
            return;
        };
        for (key, node) in map {
            let sort = match key.text.as_str() {
                "_registers" => Sort::Register,
                "_clusters" => Sort::Cluster,
                "_interrupts" => continue,
                _ => {
                    self.delete_matching(path, children, key, Sort::Any);
                    continue;
                }
            };
            for name in self.texts(path, key, node) {
                self.delete_matching(path, children, &name, sort);
            }
        }
    }

    fn delete_matching(
        &mut self,
        path: &str,
        children: &mut Vec<Child<'a>>,
        name: &Key,
        sort: Sort,
    ) {
        let spec = Spec::new(&name.text);
        let is_meant = |child: &Child<'_>| match child {
            Child::Register(register) => sort != Sort::Cluster && spec.matches(register.name),
            Child::Cluster(cluster) => sort != Sort::Register && spec.matches(cluster.name),
        };
        if !children.iter().any(is_meant) {
            return self.warn_nothing(path, children, name);
        }
        children.retain(|child| !is_meant(child));
    }

    /// Follows the rules for what is in registers and clusters.
    fn inside(
        &mut self,
        path: &str,
        children: &mut [Child<'a>],
        name: &Key,
        node: &Node,
        sort: Sort,
    ) {
        let rules = self.rules(path, name, node);
        let matched = self.matching(path, children, name, sort);
        let derived = |child: &Child<'a>| match child {
            Child::Register(register) => register.derived_from,
            Child::Cluster(_) => None,
        };
        if let Some(&first) = matched.first()
            && matched.iter().all(|index| derived(&children[*index]).is_some())
        {
            let base = derived(&children[first]).unwrap_or_default();
            let what = format!("it is derived from `{base}`, which is the one to patch");
            return self.warn(name.place, &join(path, &name.text), what);
        }
        for index in matched {
            match &mut children[index] {
                Child::Register(register) => self.register(path, register, name, rules),
                Child::Cluster(cluster) => {
                    let path = join(path, cluster.name);
                    self.rules_of_block(&path, &mut cluster.children, rules);
                }
            }
        }
    }

    /// Positions of what a rule is for; none, and a warning unless it is optional.
    fn matching(
        &mut self,
        path: &str,
        children: &[Child<'a>],
        name: &Key,
        sort: Sort,
    ) -> Vec<usize> {
        let spec = Spec::new(&name.text);
        let of = |wanted: Sort| -> Vec<usize> {
            let is_meant = |child: &Child<'_>| match child {
                Child::Register(register) => {
                    wanted == Sort::Register && spec.matches(register.name)
                }
                Child::Cluster(cluster) => wanted == Sort::Cluster && spec.matches(cluster.name),
            };
            let all = children.iter().enumerate();
            all.filter(|(_, child)| is_meant(child)).map(|(index, _)| index).collect()
        };
        let matched = match sort {
            Sort::Any => Some(of(Sort::Register)).filter(|found| !found.is_empty()),
            sort => Some(of(sort)),
        };
        let matched = matched.unwrap_or_else(|| of(Sort::Cluster));
        if matched.is_empty() {
            self.warn_nothing(path, children, name);
        }
        matched
    }

    fn warn_nothing(&mut self, path: &str, children: &[Child<'a>], name: &Key) {
        let spec = Spec::new(&name.text);
        if spec.is_optional {
            return;
        }
        let what = format!("register or cluster is called `{}`", spec.text());
        let present = children.iter().map(|child| match child {
            Child::Register(register) => register.name,
            Child::Cluster(cluster) => cluster.name,
        });
        self.warn_unmatched(name.place, path, &what, present);
    }

    fn affix(&mut self, children: &mut [Child<'a>], rule: &str, affix: &Key) {
        let put = |name: &'a str| self.affixed(rule, &affix.text, name).unwrap_or(name);
        for child in children {
            match child {
                Child::Register(register) => {
                    let before = *register;
                    register.name = put(register.name);
                    register.display_name = match register.display_name {
                        "" => "",
                        name => put(name),
                    };
                    register.alternate_register = register.alternate_register.map(put);
                    if register.name != before.name {
                        register.patched = Some(affix.place);
                    }
                }
                Child::Cluster(cluster) if rule.starts_with("_strip") => {
                    cluster.name = put(cluster.name);
                }
                Child::Cluster(_) => {}
            }
        }
    }

    pub(super) fn clear_fields(
        &mut self,
        children: &mut [Child<'a>],
        spec: &Spec<'_>,
        place: Place,
    ) {
        for child in children {
            match child {
                Child::Register(register) if spec.matches(register.name) => {
                    if register.derived_from.is_none() {
                        self.clear(register, &Spec::new("*"), place);
                    }
                }
                Child::Register(_) => {}
                Child::Cluster(cluster) => self.clear_fields(&mut cluster.children, spec, place),
            }
        }
    }
}

fn registers<'c, 'a>(children: &'c [Child<'a>]) -> impl Iterator<Item = &'c Register<'a>> {
    children.iter().filter_map(|child| match child {
        Child::Register(register) => Some(register),
        Child::Cluster(_) => None,
    })
}

fn registers_mut<'c, 'a>(
    children: &'c mut [Child<'a>],
) -> impl Iterator<Item = &'c mut Register<'a>> {
    children.iter_mut().filter_map(|child| match child {
        Child::Register(register) => Some(register),
        Child::Cluster(_) => None,
    })
}

fn mark(children: &mut [Child<'_>], place: Place) {
    for child in children {
        match child {
            Child::Register(register) => register.patched = Some(place),
            Child::Cluster(cluster) => mark(&mut cluster.children, place),
        }
    }
}
