//! Rules for a field: its enumerated values, or the range of what may be written.

use super::Patcher;
use super::values::find;
use super::yaml::{Key, Kind, Node};
use crate::chip::{Access, EnumUsage, ModifiedWriteValues, ReadAction};
use crate::svd::tree::{EnumValue, Enums, Field};

const READ: [(&str, Option<ReadAction>); 5] = [
    ("_read", None),
    ("_RM", Some(ReadAction::Modify)),
    ("_RS", Some(ReadAction::Set)),
    ("_RC", Some(ReadAction::Clear)),
    ("_RME", Some(ReadAction::ModifyExternal)),
];

const WRITE: [(&str, Option<ModifiedWriteValues>); 10] = [
    ("_write", None),
    ("_WM", Some(ModifiedWriteValues::Modify)),
    ("_WS", Some(ModifiedWriteValues::Set)),
    ("_WC", Some(ModifiedWriteValues::Clear)),
    ("_W1S", Some(ModifiedWriteValues::OneToSet)),
    ("_W0C", Some(ModifiedWriteValues::ZeroToClear)),
    ("_W1C", Some(ModifiedWriteValues::OneToClear)),
    ("_W0S", Some(ModifiedWriteValues::ZeroToSet)),
    ("_W1T", Some(ModifiedWriteValues::OneToToggle)),
    ("_W0T", Some(ModifiedWriteValues::ZeroToToggle)),
];

impl<'a> Patcher<'a> {
    /// `FIELD: [least, greatest]` or `FIELD: {NAME: [value, description]}`.
    pub(super) fn field_rule(
        &mut self,
        path: &str,
        fields: &mut [Field<'a>],
        access: Option<Access>,
        key: &Key,
        node: &Node,
    ) {
        let matched = self.fields(path, fields, key);
        if matched.is_empty() {
            return;
        }
        let rules = match &node.kind {
            Kind::List(list) => {
                let range = self.range(path, key, list);
                for index in matched {
                    if fields[index].derived_from.is_none() {
                        fields[index].constraint = range.or(fields[index].constraint);
                    }
                }
                return;
            }
            Kind::Map(map) => map.as_slice(),
            Kind::Null => &[],
            Kind::Text(_) => {
                let what = "a field has enumerated values or a range to the right";
                return self.warn(key.place, path, what);
            }
        };
        let mut by_direction = false;
        for (name, action) in READ {
            let Some((key, node)) = find(rules, name) else { continue };
            by_direction = true;
            self.values(path, fields, &matched, access, Some(EnumUsage::Read), (key, node));
            if let Some(action) = action {
                matched.iter().for_each(|index| fields[*index].read_action = Some(action));
            }
        }
        for (name, values) in WRITE {
            let Some((key, node)) = find(rules, name) else { continue };
            by_direction = true;
            self.values(path, fields, &matched, access, Some(EnumUsage::Write), (key, node));
            if let Some(values) = values {
                let values = Some(values).filter(|values| *values != ModifiedWriteValues::Modify);
                matched.iter().for_each(|index| fields[*index].modified_write_values = values);
            }
        }
        if !by_direction && !rules.is_empty() {
            self.values(path, fields, &matched, access, None, (key, node));
        }
    }

    /// Gives the fields at `matched` enumerated values for one direction, or for both.
    fn values(
        &mut self,
        path: &str,
        fields: &mut [Field<'a>],
        matched: &[usize],
        register_access: Option<Access>,
        usage: Option<EnumUsage>,
        (key, node): (&Key, &Node),
    ) {
        let rules = self.rules(path, key, node);
        let replaced = find(rules, "_replace_enum");
        let rules = replaced.and_then(|(_, node)| node.map()).map_or(rules, Vec::as_slice);
        let own: Vec<usize> =
            matched.iter().copied().filter(|index| fields[*index].derived_from.is_none()).collect();
        let Some(&first) = own.iter().min_by_key(|index| fields[**index].bits.lsb) else { return };
        let width = |index: &usize| fields[*index].bits.resolve().map(|(_, width)| width);
        if own.iter().any(|index| width(index) != width(&first)) {
            let what = format!("fields of different width cannot share `{}`", key.text);
            return self.warn(key.place, path, what);
        }
        let derived = find(rules, "_derivedFrom").and_then(|(_, node)| node.text());
        let Some(values) = self.enum_values(path, rules, width(&first).unwrap_or(64)) else {
            return;
        };
        if values.is_empty() && derived.is_none() {
            return;
        }
        let name = find(rules, "_name").and_then(|(_, node)| node.text());
        let values = self.memory.alloc_slice_copy(&values);
        for index in own {
            let field = &mut fields[index];
            let access = field.access.or(register_access).unwrap_or(Access::ReadWrite);
            let Some(usage) = usage_for(access, usage) else {
                let what = format!("`{}` does not go with the access `{access}`", key.text);
                self.warn(key.place, &super::join(path, field.name), what);
                continue;
            };
            let name = name.map_or_else(|| default_name(field.name, usage), str::to_owned);
            let enums = Enums {
                line: key.place.line,
                name: if derived.is_some() { "" } else { self.keep(&name) },
                derived_from: derived.map(|derived| self.keep(derived)),
                usage: Some(usage),
                values,
            };
            let may_replace = replaced.is_some() || derived.is_some();
            match with_enums(field.enums, enums, access, may_replace) {
                Some(all) => field.enums = self.memory.alloc_slice_copy(&all),
                None => {
                    let what = "it has enumerated values already; `_replace_enum` replaces them";
                    self.warn(key.place, &super::join(path, field.name), what);
                }
            }
        }
    }

    /// `NAME: [value, description]`; -1 is all values that are not listed.
    fn enum_values(
        &mut self,
        path: &str,
        rules: &[(Key, Node)],
        width: u32,
    ) -> Option<Vec<EnumValue<'a>>> {
        let all_bits = u64::MAX >> (64 - width.clamp(1, 64));
        let mut values: Vec<EnumValue<'a>> = Vec::with_capacity(rules.len());
        for (key, node) in rules.iter().filter(|(key, _)| !key.text.starts_with('_')) {
            // A description with commas that nobody quoted is several; svdtools takes the first.
            let [value, description, ..] = node.list().unwrap_or_default() else {
                self.warn(key.place, path, "an enumerated value is `NAME: [value, description]`");
                return None;
            };
            let number = match value.number() {
                Some(-1) => None,
                Some(number) if u64::try_from(number).is_ok_and(|n| n <= all_bits) => {
                    u64::try_from(number).ok()
                }
                _ => {
                    let what = format!("the value of `{}` does not fit {width} bits", key.text);
                    self.warn(key.place, path, what);
                    return None;
                }
            };
            if values.iter().any(|other| other.value.map(|(value, _)| value) == number) {
                self.warn(key.place, path, format!("`{}` has the value of another", key.text));
                return None;
            }
            values.push(EnumValue {
                line: key.place.line,
                name: self.keep(&key.text),
                description: self.keep(description.text().unwrap_or_default()),
                value: number.map(|number| (number, all_bits)),
                is_default: number.is_none(),
            });
        }
        values.sort_by_key(|value| value.value.map_or(u64::MAX, |(value, _)| value));
        Some(values)
    }
}

/// The direction that values are for, of a field with this access; `None`: they contradict.
fn usage_for(access: Access, usage: Option<EnumUsage>) -> Option<EnumUsage> {
    match (access, usage) {
        (Access::ReadWrite | Access::ReadWriteOnce, usage) => {
            Some(usage.unwrap_or(EnumUsage::ReadWrite))
        }
        (Access::ReadOnly, None | Some(EnumUsage::Read)) => Some(EnumUsage::Read),
        (Access::WriteOnly | Access::WriteOnce, None | Some(EnumUsage::Write)) => {
            Some(EnumUsage::Write)
        }
        _ => None,
    }
}

fn default_name(field: &str, usage: EnumUsage) -> String {
    let letter = match usage {
        EnumUsage::Read => "R",
        EnumUsage::Write => "W",
        EnumUsage::ReadWrite => "",
    };
    format!("{}{letter}", field.replace("%s", ""))
}

/// `there` and `new`; `None` if the direction is taken and may not be replaced.
fn with_enums<'a>(
    there: &[Enums<'a>],
    new: Enums<'a>,
    access: Access,
    may_replace: bool,
) -> Option<Vec<Enums<'a>>> {
    let usage = new.usage.unwrap_or(EnumUsage::ReadWrite);
    let both_ways = matches!(access, Access::ReadWrite | Access::ReadWriteOnce);
    match there {
        [] => Some(vec![new]),
        _ if usage == EnumUsage::ReadWrite => may_replace.then(|| vec![new]),
        // Values for both directions make room for those of one.
        [one] if one.usage.is_none() && both_ways => {
            let other = match usage {
                EnumUsage::Read => EnumUsage::Write,
                _ => EnumUsage::Read,
            };
            Some(vec![Enums { usage: Some(other), ..*one }, new])
        }
        several => {
            let clashes = |one: &Enums<'_>| {
                one.usage.is_none_or(|own| own == usage || own == EnumUsage::ReadWrite)
            };
            if several.iter().any(clashes) && !may_replace {
                return None;
            }
            let kept = several.iter().filter(|one| !clashes(one)).copied();
            Some(kept.chain([new]).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_direction_leave_those_of_the_other() {
        let of = |usage| Enums { usage, ..Enums::default() };
        let usages = |there: &[Enums<'_>], usage, may_replace| {
            with_enums(there, of(Some(usage)), Access::ReadWrite, may_replace)
                .map(|all| all.iter().map(|enums| enums.usage).collect::<Vec<_>>())
        };
        let (read, write) = (EnumUsage::Read, EnumUsage::Write);
        assert_eq!(usages(&[], read, false), Some(vec![Some(read)]));
        assert_eq!(usages(&[of(None)], read, false), Some(vec![Some(write), Some(read)]));
        assert_eq!(usages(&[of(Some(write))], read, false), Some(vec![Some(write), Some(read)]));
        assert_eq!(usages(&[of(Some(read))], read, false), None);
        assert_eq!(usages(&[of(Some(read))], read, true), Some(vec![Some(read)]));
        assert_eq!(usages(&[of(None)], EnumUsage::ReadWrite, false), None);
    }
}
