//! Rules for a device and its peripherals.

use super::Patcher;
use super::spec::Spec;
use super::values::find;
use super::yaml::{Key, Kind, Node, Place};
use crate::svd::tree::{Cpu, Device, Interrupt, Node as Child, Peripheral, Properties};

/// Rules of a device in the order in which svdtools follows them, whatever order they stand in.
const ORDER: [&str; 7] =
    ["_delete", "_copy", "_modify", "_clear_fields", "_add", "_derive", "_rebase"];

impl<'a> Patcher<'a> {
    pub(super) fn device(&mut self, device: &mut Device<'a>, root: &Node) {
        let Some(rules) = root.map() else { return };
        for rule in ORDER {
            if let Some((key, node)) = find(rules, rule) {
                self.device_rule(device, key, node);
            }
        }
        for (key, node) in rules {
            let text = key.text.as_str();
            if ORDER.contains(&text) || matches!(text, "_svd" | "_path") {
                continue;
            }
            if text.starts_with('_') {
                self.unsupported(key, "");
                continue;
            }
            let Some(matched) = self.peripherals(device, key) else { continue };
            let mut derived_only = true;
            for index in matched {
                let peripheral = &mut device.peripherals[index];
                derived_only &= peripheral.derived_from.is_some();
                self.peripheral(peripheral, key, node);
            }
            if derived_only {
                self.warn_derived(device, key, node);
            }
        }
    }

    /// svdtools changes a derived peripheral's interrupts only, and says nothing of the rest.
    fn warn_derived(&mut self, device: &Device<'a>, key: &Key, node: &Node) {
        let is_interrupts = |rules: &Node| {
            rules.map().is_some_and(|map| map.iter().all(|(key, _)| key.text == "_interrupts"))
        };
        let all = node.map().is_some_and(|map| map.iter().all(|(_, rules)| is_interrupts(rules)));
        let spec = Spec::new(&key.text);
        let base = device.peripherals.iter().find(|peripheral| spec.matches(peripheral.name));
        if let (false, Some(base)) = (all, base.and_then(|peripheral| peripheral.derived_from)) {
            let what = format!("it is derived from `{base}`, which is the one to patch");
            self.warn(key.place, &key.text, what);
        }
    }

    fn device_rule(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        match key.text.as_str() {
            "_delete" => {
                for name in self.texts("", key, node) {
                    if self.peripherals(device, &name).is_some() {
                        let spec = Spec::new(&name.text);
                        device.peripherals.retain(|peripheral| !spec.matches(peripheral.name));
                    }
                }
            }
            "_clear_fields" => {
                for name in self.texts("", key, node) {
                    for index in self.peripherals(device, &name).unwrap_or_default() {
                        let peripheral = &mut device.peripherals[index];
                        if let (None, Some(children)) =
                            (peripheral.derived_from, &mut peripheral.children)
                        {
                            self.clear_fields(children, &Spec::new("*"), name.place);
                        }
                    }
                }
            }
            rule => {
                for (name, node) in self.rules("", key, node) {
                    match rule {
                        "_copy" => self.copy_peripheral(device, name, node),
                        "_modify" => self.modify_device(device, name, node),
                        "_add" => self.add_peripheral(device, name, node),
                        "_derive" => self.derive_peripheral(device, name, node),
                        _ => self.rebase_peripheral(device, name, node),
                    }
                }
            }
        }
    }

    /// Positions of the peripherals that a rule is for; `None`, and a warning, if it is for none.
    fn peripherals(&mut self, device: &Device<'a>, key: &Key) -> Option<Vec<usize>> {
        let spec = Spec::new(&key.text);
        let all = device.peripherals.iter().enumerate();
        let matched: Vec<usize> =
            all.filter(|(_, one)| spec.matches(one.name)).map(|(index, _)| index).collect();
        if matched.is_empty() {
            if !spec.is_optional {
                let present = device.peripherals.iter().map(|peripheral| peripheral.name);
                let what = format!("peripheral is called `{}`", spec.text());
                self.warn_unmatched(key.place, "", &what, present);
            }
            return None;
        }
        Some(matched)
    }

    fn modify_device(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        match key.text.as_str() {
            "name" => device.name = self.text("", key, node).unwrap_or(device.name),
            "vendor" => device.vendor = self.text("", key, node).unwrap_or(device.vendor),
            "series" => device.series = self.text("", key, node).unwrap_or(device.series),
            "version" => device.version = self.text("", key, node).unwrap_or(device.version),
            "description" => {
                device.description = self.text("", key, node).unwrap_or(device.description);
            }
            "width" => device.width_bits = self.number_u32("", key, node).or(device.width_bits),
            "addressUnitBits" => {
                let bits = self.number_u32("", key, node);
                device.address_unit_bits = bits.or(device.address_unit_bits);
            }
            "vendorID" | "licenseText" | "headerSystemFilename" | "headerDefinitionsPrefix" => {}
            "cpu" => {
                let rules = self.rules("cpu", key, node);
                self.cpu(device.cpu.get_or_insert_default(), rules);
            }
            "_peripherals" => {
                for (name, node) in self.rules("", key, node) {
                    self.modify_peripherals(device, name, node);
                }
            }
            _ if self.property("", key, node, &mut device.properties) => {}
            _ => self.modify_peripherals(device, key, node),
        }
    }

    fn cpu(&mut self, cpu: &mut Cpu<'a>, rules: &[(Key, Node)]) {
        for (key, node) in rules {
            let boolean = |node: &Node| matches!(node.text(), Some("true" | "True" | "1"));
            match key.text.as_str() {
                "name" => cpu.name = self.text("cpu", key, node).unwrap_or(cpu.name),
                "revision" => cpu.revision = self.text("cpu", key, node).unwrap_or(cpu.revision),
                "endian" => cpu.endian = self.text("cpu", key, node).unwrap_or(cpu.endian),
                "mpuPresent" => cpu.mpu = boolean(node),
                "fpuPresent" => cpu.fpu = boolean(node),
                "vendorSystickConfig" => cpu.vendor_systick = boolean(node),
                "nvicPrioBits" => {
                    let bits = self.number_u32("cpu", key, node);
                    cpu.nvic_prio_bits = bits.unwrap_or(cpu.nvic_prio_bits);
                }
                _ => {}
            }
        }
    }

    fn modify_peripherals(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        let Some(matched) = self.peripherals(device, key) else { return };
        let rules = self.rules("", key, node);
        for index in matched {
            let peripheral = &mut device.peripherals[index];
            let before = peripheral.name;
            self.set_peripheral(peripheral, rules, key.place);
            let after = peripheral.name;
            for other in &mut device.peripherals {
                if other.derived_from == Some(before) {
                    other.derived_from = Some(after);
                }
            }
        }
    }

    fn set_peripheral(
        &mut self,
        peripheral: &mut Peripheral<'a>,
        rules: &[(Key, Node)],
        place: Place,
    ) {
        let path = peripheral.name;
        peripheral.patched = Some(place);
        for (key, node) in rules {
            match key.text.as_str() {
                "name" => peripheral.name = self.text(path, key, node).unwrap_or(path),
                "description" => peripheral.description = self.text(path, key, node),
                "groupName" => peripheral.group = self.text(path, key, node),
                "prependToName" => peripheral.prepend_to_name = self.text(path, key, node),
                "appendToName" => peripheral.append_to_name = self.text(path, key, node),
                "baseAddress" => {
                    let base = self.number(path, key, node);
                    peripheral.base_address = base.or(peripheral.base_address);
                }
                "derivedFrom" | "_from" => {
                    peripheral.derived_from = self.text(path, key, node);
                    peripheral.children = None;
                    peripheral.blocks.clear();
                    peripheral.properties = Properties::default();
                }
                "interrupts" => {
                    for (name, node) in self.rules(path, key, node) {
                        self.set_interrupt(peripheral, name, node);
                    }
                }
                "addressBlock" | "addressBlocks" => {
                    let blocks = match &node.kind {
                        Kind::List(list) => list.iter().filter_map(Node::map).collect(),
                        Kind::Map(map) => vec![map],
                        _ => Vec::new(),
                    };
                    peripheral.blocks =
                        blocks.into_iter().map(|rules| self.block(path, rules)).collect();
                }
                "registers" => {
                    let mut children = Vec::new();
                    for (name, node) in self.rules(path, key, node) {
                        let register = self.new_register(path, name, node);
                        children.extend(register.map(Child::Register));
                    }
                    peripheral.children = Some(children);
                }
                "displayName" | "version" | "headerStructName" => {}
                _ if self.property(path, key, node, &mut peripheral.properties) => {}
                _ if self.dim(path, key, node, &mut peripheral.dim) => {}
                _ => self.unknown(key, path),
            }
        }
    }

    /// Changes the interrupt called so, or adds it.
    pub(super) fn set_interrupt(
        &mut self,
        peripheral: &mut Peripheral<'a>,
        name: &Key,
        node: &Node,
    ) {
        let path = peripheral.name;
        let rules = self.rules(path, name, node);
        let there = peripheral.interrupts.iter_mut().find(|one| one.name == name.text);
        if let Some(interrupt) = there {
            return self.interrupt(path, interrupt, rules);
        }
        let mut interrupt = Interrupt { name: self.keep(&name.text), ..Interrupt::default() };
        self.interrupt(path, &mut interrupt, rules);
        match interrupt.number {
            Some(_) => peripheral.interrupts.push(interrupt),
            None => {
                self.warn(name.place, path, format!("interrupt `{}` has no `value`", name.text))
            }
        }
    }

    fn add_peripheral(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        if device.peripherals.iter().any(|peripheral| peripheral.name == key.text) {
            return self.warn(key.place, &key.text, "there is a peripheral of that name already");
        }
        let mut peripheral = Peripheral {
            name: self.keep(&key.text),
            line: key.place.line,
            ..Peripheral::default()
        };
        let rules = self.rules(&key.text, key, node);
        self.set_peripheral(&mut peripheral, rules, key.place);
        match peripheral.base_address {
            Some(_) => device.peripherals.push(peripheral),
            None => self.warn(key.place, &key.text, "a peripheral without `baseAddress`"),
        }
    }

    fn copy_peripheral(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        let from = node.map().and_then(|map| find(map, "from")).and_then(|(_, from)| from.text());
        let Some(from) = from else {
            return self.warn(key.place, &key.text, "`_copy` without `from`");
        };
        if from.contains(':') {
            return self.warn(
                key.place,
                &key.text,
                "`_copy` from another file is not supported here",
            );
        }
        let Some(source) = device.peripherals.iter().find(|one| one.name == from) else {
            return self.warn(key.place, &key.text, format!("there is no peripheral `{from}`"));
        };
        let mut copy = Peripheral {
            name: self.keep(&key.text),
            derived_from: None,
            interrupts: Vec::new(),
            patched: Some(key.place),
            ..source.clone()
        };
        match device.peripherals.iter_mut().find(|one| one.name == key.text) {
            Some(there) => {
                copy.base_address = there.base_address;
                copy.interrupts = std::mem::take(&mut there.interrupts);
                *there = copy;
            }
            None => device.peripherals.push(copy),
        }
    }

    fn derive_peripheral(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        let path = key.text.as_str();
        let of_map = || node.map().and_then(|map| find(map, "_from")?.1.text());
        let Some(base) = node.text().or_else(of_map) else {
            return self.warn(key.place, path, "`_derive` without a peripheral to derive from");
        };
        if !device.peripherals.iter().any(|one| one.name == base) {
            return self.warn(key.place, path, format!("there is no peripheral `{base}`"));
        }
        let leads_back = |one: &Peripheral<'_>| one.name == base && one.derived_from == Some(path);
        if base == path || device.peripherals.iter().any(leads_back) {
            let what = format!("`{base}` is derived from it; `_rebase` turns that round");
            return self.warn(key.place, path, what);
        }
        let base = self.keep(base);
        let place = device.peripherals.iter().position(|one| one.name == path);
        let place = place.unwrap_or_else(|| {
            let name = self.keep(path);
            device.peripherals.push(Peripheral { name, ..Peripheral::default() });
            device.peripherals.len() - 1
        });
        let derived = &mut device.peripherals[place];
        derived.derived_from = Some(base);
        derived.children = None;
        derived.blocks.clear();
        derived.properties = Properties::default();
        let rules = node.map().map_or(&[][..], Vec::as_slice);
        let rules: Vec<_> = rules.iter().filter(|(key, _)| key.text != "_from").cloned().collect();
        self.set_peripheral(derived, &rules, key.place);
        if derived.base_address.is_none() {
            self.warn(key.place, path, "a peripheral without `baseAddress`");
            device.peripherals.remove(place);
            return;
        }
        for other in &mut device.peripherals {
            if other.derived_from == Some(path) {
                other.derived_from = Some(base);
            }
        }
    }

    /// The peripheral `key` takes what `node` has, which then is derived from it.
    fn rebase_peripheral(&mut self, device: &mut Device<'a>, key: &Key, node: &Node) {
        let old = node.text().unwrap_or_default();
        let of = |name: &str| device.peripherals.iter().position(|one| one.name == name);
        let (Some(new_place), Some(old_place)) = (of(&key.text), of(old)) else {
            let what = format!("there is no peripheral `{}` or `{old}`", key.text);
            return self.warn(key.place, &key.text, what);
        };
        let (new, old) =
            (device.peripherals[new_place].clone(), device.peripherals[old_place].clone());
        device.peripherals[new_place] = Peripheral {
            name: new.name,
            base_address: new.base_address,
            interrupts: new.interrupts,
            patched: Some(key.place),
            ..old.clone()
        };
        device.peripherals[old_place] = Peripheral {
            line: old.line,
            name: old.name,
            base_address: old.base_address,
            interrupts: old.interrupts,
            derived_from: Some(new.name),
            ..Peripheral::default()
        };
        for other in &mut device.peripherals {
            if other.derived_from == Some(old.name) {
                other.derived_from = Some(new.name);
            }
        }
    }
}
