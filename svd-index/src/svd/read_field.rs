//! Reads fields and their enumerated values.

use super::bounds::MAX_NAME;
use super::read::Reader;
use super::tree::{EnumValue, Enums, Field};
use super::values;
use super::xml::Start;
use crate::chip::EnumUsage;

impl<'a> Reader<'a> {
    /// The fields of one `<fields>`, after those `before` it: there should be one only.
    pub(super) fn fields(&mut self, before: &'a [Field<'a>]) -> &'a [Field<'a>] {
        let mark = self.pending.fields.len();
        self.pending.fields.extend_from_slice(before);
        while let Some(start) = self.xml.child() {
            if start.name() == "field" {
                let field = self.field(start);
                self.pending.fields.extend(field);
            } else {
                self.xml.skip();
            }
        }
        let fields = self.memory.alloc_slice_copy(&self.pending.fields[mark..]);
        self.pending.fields.truncate(mark);
        fields
    }

    fn field(&mut self, start: Start<'a>) -> Option<Field<'a>> {
        let mark = self.warnings.len();
        let first_set = self.pending.enums.len();
        let mut field = Field {
            line: self.xml.line(),
            derived_from: start.attribute("derivedFrom"),
            ..Field::default()
        };
        // Where among the warnings the first about the field's place stands.
        let mut cause = None;
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => field.name = self.xml.text(),
                "description" => field.description = Some(self.xml.text()),
                element @ ("lsb" | "msb" | "bitOffset" | "bitWidth" | "bitRange") => {
                    let before = self.warnings.len();
                    self.bits(element, &mut field);
                    cause = cause.or((self.warnings.len() > before).then_some(before));
                }
                "access" => field.access = self.access(),
                "readAction" => field.read_action = self.read_action(),
                "modifiedWriteValues" => {
                    field.modified_write_values = self.modified_write_values();
                }
                "writeConstraint" => field.constraint = self.write_constraint(),
                "enumeratedValues" => {
                    let set = self.enums(start);
                    self.pending.enums.push(set);
                }
                other if self.rare_dim(other, &mut field.dim) => {}
                _ => self.xml.skip(),
            }
        }
        field.enums = self.memory.alloc_slice_copy(&self.pending.enums[first_set..]);
        self.pending.enums.truncate(first_set);
        self.tell_break();
        self.name_warnings(mark, field.name);
        if self.xml.broken().is_some() {
            return None;
        }
        let what = if field.name.is_empty() {
            "a field without name"
        } else if field.name.len() > MAX_NAME {
            "a field with a name that is no name but a text"
        } else if !has_bits(&field) {
            "a field whose bits are missing or outside of 0 to 63"
        } else {
            return Some(field);
        };
        match cause.and_then(|cause| self.warnings.get_mut(cause)) {
            // What was wrong with its place is told already.
            Some(cause) => {
                cause.assumed = "the field is left out".into();
                cause.left_out = true;
            }
            None => self.leave_out(field.line, field.name, what.into()),
        }
        None
    }

    fn bits(&mut self, element: &str, field: &mut Field<'a>) {
        match element {
            "lsb" | "bitOffset" => field.bits.lsb = self.number_u32(element),
            "msb" => field.bits.msb = self.number_u32(element),
            "bitWidth" => field.bits.width = self.number_u32(element),
            _ => self.bit_range(field),
        }
    }

    fn bit_range(&mut self, field: &mut Field<'a>) {
        let text = self.xml.text();
        match values::bit_range(text) {
            Some((msb, lsb)) => {
                if msb < lsb {
                    let what = format!("bit range `{text}` the wrong way round");
                    self.warn(what, format!("read as [{lsb}:{msb}]"));
                }
                field.bits.msb = Some(msb.max(lsb));
                field.bits.lsb = Some(msb.min(lsb));
            }
            None => self.warn(format!("bit range `{text}` is none"), "ignored".into()),
        }
    }

    fn enums(&mut self, start: Start<'a>) -> Enums<'a> {
        let first_value = self.pending.values.len();
        let mut enums = Enums {
            line: self.xml.line(),
            derived_from: start.attribute("derivedFrom"),
            ..Enums::default()
        };
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => enums.name = self.xml.text(),
                "usage" => enums.usage = self.usage(),
                "enumeratedValue" => {
                    let value = self.enum_value();
                    self.pending.values.extend(value);
                }
                _ => self.xml.skip(),
            }
        }
        enums.values = self.memory.alloc_slice_copy(&self.pending.values[first_value..]);
        self.pending.values.truncate(first_value);
        enums
    }

    fn usage(&mut self) -> Option<EnumUsage> {
        let text = self.xml.text();
        let usage = EnumUsage::parse(text);
        if usage.is_none() {
            let what = format!("unknown usage `{text}` of enumerated values");
            self.warn(what, "read as `read-write`".into());
        }
        usage
    }

    pub(super) fn enum_value(&mut self) -> Option<EnumValue<'a>> {
        let mark = self.warnings.len();
        let mut value = EnumValue { line: self.xml.line(), ..EnumValue::default() };
        let mut text = None;
        while let Some(start) = self.xml.child() {
            match start.name() {
                "name" => value.name = self.xml.text(),
                "description" => value.description = self.xml.text(),
                "value" => text = self.some_text(),
                "isDefault" => value.is_default = self.boolean("isDefault"),
                _ => self.xml.skip(),
            }
        }
        self.name_warnings(mark, value.name);
        if self.xml.broken().is_some() {
            return None;
        }
        value.value = text.and_then(values::masked_number);
        if value.value.is_some() || value.is_default && text.is_none() {
            return Some(value);
        }
        let what = match text {
            Some(text) => format!("enumerated value `{text}` is no number"),
            None => "an enumerated value without `value`".into(),
        };
        self.leave_out(value.line, value.name, what);
        None
    }
}

/// A field without bits of its own takes those of the field it is derived from.
fn has_bits(field: &Field<'_>) -> bool {
    let inherits = field.derived_from.is_some() && !field.bits.is_given();
    inherits || field.bits.resolve().is_some()
}
