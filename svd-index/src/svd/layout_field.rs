//! Lays out fields and enumerated values. Registers derived from one another share them.

use super::arrays;
use super::bounds::MAX_FIELDS;
use super::derive::Scope;
use super::layout::{Layout, span};
use super::tree::{BitRange, Enums, Field};
use crate::chip::EnumUsage;
use crate::chip::records as rec;

/// A register has at most 64 bits, so a field array has at most 64 elements.
const MAX_FIELD_ARRAY: u32 = 64;

impl<'t, 'a> Layout<'t, 'a> {
    /// The records of `fields`, which stand in a register at `scope`.
    pub(super) fn field_span(
        &mut self,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
        path: &dyn Fn() -> String,
    ) -> rec::Span {
        let key = fields.as_ptr() as usize;
        if let Some(&known) = self.field_spans.get(&key)
            && !fields.is_empty()
        {
            return known;
        }
        let first = self.tables.fields.len();
        for field in fields {
            if self.tables.fields.len() >= MAX_FIELDS {
                let what = format!("more than {MAX_FIELDS} fields");
                self.leave_out(&path(), field.line, what);
                break;
            }
            self.field(field, fields, scope, path);
        }
        let records = span(first, self.tables.fields.len());
        self.field_spans.insert(key, records);
        records
    }

    fn field(
        &mut self,
        field: &'t Field<'a>,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
        register_path: &dyn Fn() -> String,
    ) {
        let chain = self.derivation.field(field, fields, scope);
        let path = || format!("{}.{}", register_path(), field.name);
        if let Some(lost) = &chain.lost {
            let what = format!("derived from `{lost}`, which is not there or leads back here");
            self.warn(&path(), field.line, what, "took what it says itself".into());
        }
        let links = || chain.links().map(|(link, _)| *link);
        let Some((lsb, width)) = links().map(|link| link.bits).find_map(BitRange::resolve) else {
            let what = "a field without bits".into();
            return self.leave_out(&path(), field.line, what);
        };
        let (array, odd) = arrays::resolve(field.name, links().map(|link| link.dim.given()));
        if let Some(odd) = odd {
            let assumed = "read as well as possible".into();
            self.warn(&path(), field.line, odd, assumed);
        }
        let owner = chain.links().find(|(link, _)| !link.enums.is_empty());
        let enums = match owner {
            Some((owner, around)) => self.enum_span(owner.enums, around, scope, &path),
            None => rec::Span::default(),
        };
        let description = links().find_map(|link| link.description);
        let constraint = links().find_map(|link| link.constraint);
        let mut record = rec::FieldRecord {
            description: self.writer.text(description.unwrap_or("")),
            first_enum: enums.first,
            enum_count: enums.count,
            constraint: self.constraint(constraint),
            line: field.line,
            width: width as u8,
            access: links().find_map(|link| link.access).map_or(0, |access| access.code()),
            read_action: links()
                .find_map(|link| link.read_action)
                .map_or(0, |action| action.code()),
            modified_write_values: links()
                .find_map(|link| link.modified_write_values)
                .map_or(0, |values| values.code()),
            ..rec::FieldRecord::default()
        };
        let Some(array) = array else {
            record.name = self.writer.text(&arrays::template(field.name, None));
            record.lsb = lsb as u8;
            self.tables.fields.push(record);
            return;
        };
        let template = arrays::template(field.name, Some('\u{1}'));
        for n in 0..array.count.min(MAX_FIELD_ARRAY) {
            let offset = array.increment.saturating_mul(u64::from(n));
            let lsb = offset.saturating_add(u64::from(lsb));
            if lsb.saturating_add(u64::from(width)) > 64 {
                let what = "a field array that leaves the register".into();
                self.warn(&path(), field.line, what, "cut there".into());
                break;
            }
            record.name = self.writer.text(&template.replace('\u{1}', &array.text(n)));
            record.lsb = lsb as u8;
            self.tables.fields.push(record);
        }
    }

    fn enum_span(
        &mut self,
        sets: &'t [Enums<'a>],
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
        path: &dyn Fn() -> String,
    ) -> rec::Span {
        if let [set] = sets {
            let (values, usage) = self.resolve_enums(set, fields, scope, path);
            let key = (values.values.as_ptr() as usize, usage);
            if !values.values.is_empty()
                && let Some(&known) = self.enum_spans.get(&key)
            {
                return known;
            }
            let first = self.tables.enums.len();
            self.push_enums(values, usage);
            let records = span(first, self.tables.enums.len());
            self.enum_spans.insert(key, records);
            return records;
        }
        let first = self.tables.enums.len();
        for set in sets {
            let (values, usage) = self.resolve_enums(set, fields, scope, path);
            self.push_enums(values, usage);
        }
        span(first, self.tables.enums.len())
    }

    /// The set that has the values, and for what they are used.
    fn resolve_enums(
        &mut self,
        set: &'t Enums<'a>,
        fields: &'t [Field<'a>],
        scope: &Scope<'t, 'a>,
        path: &dyn Fn() -> String,
    ) -> (&'t Enums<'a>, u32) {
        let chain = self.derivation.enums(set, fields, scope);
        if let Some(lost) = &chain.lost {
            let what = format!("enumerated values derived from `{lost}`, which is not there");
            self.leave_out(&path(), set.line, what);
        }
        let usage = chain.links().find_map(|link| link.usage);
        let flags = match usage {
            Some(EnumUsage::Read) => rec::ENUM_READ,
            Some(EnumUsage::Write) => rec::ENUM_WRITE,
            Some(EnumUsage::ReadWrite) | None => rec::ENUM_READ | rec::ENUM_WRITE,
        };
        let mut owners = chain.links().filter(|link| !link.values.is_empty());
        (owners.next().copied().unwrap_or(set), flags)
    }

    fn push_enums(&mut self, set: &'t Enums<'a>, usage: u32) {
        let room = MAX_FIELDS.saturating_sub(self.tables.enums.len());
        if set.values.len() > room {
            let what = format!("more than {MAX_FIELDS} enumerated values");
            self.leave_out(set.name, set.line, what);
        }
        for value in set.values.iter().take(room) {
            let (number, mask) = value.value.unwrap_or((0, u64::MAX));
            let mut flags = usage;
            if value.is_default {
                flags |= rec::ENUM_DEFAULT;
            }
            if value.value.is_some() {
                flags |= rec::ENUM_HAS_VALUE;
            }
            let record = rec::EnumRecord {
                value: number,
                mask,
                name: self.writer.text(value.name),
                description: self.writer.text(value.description),
                flags,
                line: value.line,
            };
            self.tables.enums.push(record);
        }
    }
}
