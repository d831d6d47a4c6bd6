//! A way through the entries of a unit, in their order.
//!
//! Own, and not gimli's, because most entries are of no interest, and nearly all of these have
//! attributes of fixed sizes, which one addition skips. gimli still reads the abbreviations, and
//! every attribute that is not of the plainest forms; what is damaged here is damaged there.

use gimli::{Abbreviation, AttributeValue, EntriesRaw, Error, Reader, UnitOffset};

use super::units::{Entry, Slice};

/// What is known of abbreviations with numbers above is found each time.
const MAX_REMEMBERED: u64 = 1 << 12;

/// A way through the entries of a unit that are of interest. What an entry has is read only if
/// asked for.
pub(super) struct Walk<'u, 'a> {
    unit: &'u gimli::Unit<Slice<'a>>,
    /// From the next entry, or the attributes of this one, to the end of the unit.
    input: Slice<'a>,
    end: usize,
    depth: isize,
    is_of_interest: fn(&Abbreviation) -> bool,
    /// By the numbers of the abbreviations, as far as they were met.
    plans: Vec<Option<Plan>>,
    entry: Entry<'a>,
}

/// What an abbreviation tells of its entries.
#[derive(Clone, Copy)]
struct Plan {
    is_of_interest: bool,
    has_children: bool,
    extent: Extent,
    /// Bytes of attributes with a fixed size: all, or those before the one that has none.
    before: u16,
    /// Bytes of those after it.
    after: u16,
}

/// Which attributes have a size of their own in each entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Fixed,
    /// One, which is a LEB128 number.
    Number,
    /// One, which starts with its length in bytes.
    Block,
    Varying,
}

/// An entry on the way, before its attributes.
#[derive(Clone, Copy)]
pub(super) struct Head<'u> {
    pub(super) depth: isize,
    /// The lowest depth since the entry before, this one's included: what is at that depth or
    /// deeper is not around this entry.
    pub(super) lowest: isize,
    pub(super) offset: UnitOffset,
    pub(super) abbreviation: &'u Abbreviation,
    plan: Plan,
}

impl Head<'_> {
    pub(super) fn tag(&self) -> gimli::DwTag {
        self.abbreviation.tag()
    }
}

impl<'u, 'a> Walk<'u, 'a> {
    /// Starts before the first entry.
    pub(super) fn new(
        unit: &'u gimli::Unit<Slice<'a>>,
        is_of_interest: fn(&Abbreviation) -> bool,
    ) -> Self {
        let start = unit.header.root_offset();
        let input = unit.header.range_from(start..).unwrap_or_default();
        let end = start.0 + input.len();
        let (plans, entry) = (Vec::new(), Entry::null());
        Self { unit, input, end, depth: 0, is_of_interest, plans, entry }
    }

    /// The next entry of interest, which must then be read or [skipped](Self::skip).
    #[inline]
    pub(super) fn next(&mut self) -> gimli::Result<Option<Head<'u>>> {
        let mut lowest = isize::MAX;
        while !self.input.is_empty() {
            let (offset, depth) = (self.offset(), self.depth);
            let code = number(&mut self.input)?;
            if code == 0 {
                self.depth -= 1;
                continue;
            }
            let plan = match self.plans.get(code as usize) {
                Some(&Some(plan)) => plan,
                _ => self.plan(code)?,
            };
            lowest = lowest.min(depth);
            self.depth += isize::from(plan.has_children);
            if plan.is_of_interest {
                let abbreviation = self.abbreviation(code)?;
                return Ok(Some(Head { depth, lowest, offset, abbreviation, plan }));
            }
            match plan.extent {
                Extent::Fixed => self.input.skip(plan.before.into())?,
                _ => self.skip_varying(plan, self.abbreviation(code)?)?,
            }
        }
        Ok(None)
    }

    /// Goes on to what follows the attributes of an entry.
    pub(super) fn skip(&mut self, head: &Head<'u>) -> gimli::Result<()> {
        self.skip_varying(head.plan, head.abbreviation)
    }

    fn skip_varying(&mut self, plan: Plan, abbreviation: &Abbreviation) -> gimli::Result<()> {
        let Plan { extent, before, after, .. } = plan;
        if extent == Extent::Varying {
            let mut raw = self.raw();
            raw.skip_attributes(abbreviation.attributes())?;
            return self.go_on_after(&raw);
        }
        self.input.skip(before.into())?;
        match extent {
            Extent::Fixed | Extent::Varying => return Ok(()),
            Extent::Number => self.input.skip_leb128()?,
            Extent::Block => {
                let length = number(&mut self.input)?;
                let length = usize::try_from(length).map_err(|_| Error::UnsupportedOffset)?;
                self.input.skip(length)?;
            }
        }
        self.input.skip(after.into())
    }

    /// Reads all attributes of an entry.
    pub(super) fn read(&mut self, head: &Head<'u>) -> gimli::Result<&Entry<'a>> {
        let mut raw = self.raw();
        raw.read_attributes(head.abbreviation.attributes(), &mut self.entry.attrs)?;
        self.go_on_after(&raw)?;
        self.entry.tag = head.abbreviation.tag();
        self.entry.has_children = head.abbreviation.has_children();
        (self.entry.offset, self.entry.depth) = (head.offset, head.depth);
        Ok(&self.entry)
    }

    /// Reads the attributes of an entry one after the other, and gives their names and values.
    pub(super) fn read_each(
        &mut self,
        head: &Head<'u>,
        mut take: impl FnMut(gimli::DwAt, AttributeValue<Slice<'a>>),
    ) -> gimli::Result<()> {
        let is_short = self.unit.encoding().format == gimli::Format::Dwarf32;
        for spec in head.abbreviation.attributes() {
            let value = match spec.form() {
                gimli::DW_FORM_data1 => AttributeValue::Data1(self.input.read_u8()?),
                gimli::DW_FORM_data2 => AttributeValue::Data2(self.input.read_u16()?),
                gimli::DW_FORM_udata => AttributeValue::Udata(number(&mut self.input)?),
                gimli::DW_FORM_flag_present => AttributeValue::Flag(true),
                gimli::DW_FORM_ref4 => {
                    AttributeValue::UnitRef(UnitOffset(self.input.read_u32()? as usize))
                }
                gimli::DW_FORM_strp if is_short => {
                    let offset = self.input.read_u32()? as usize;
                    AttributeValue::DebugStrRef(gimli::DebugStrOffset(offset))
                }
                _ => {
                    let mut raw = self.raw();
                    let attribute = raw.read_attribute(*spec)?;
                    self.go_on_after(&raw)?;
                    attribute.raw_value()
                }
            };
            take(spec.name(), value);
        }
        Ok(())
    }

    #[cold]
    fn plan(&mut self, code: u64) -> gimli::Result<Plan> {
        let abbreviation = self.abbreviation(code)?;
        let plan = Plan::of(abbreviation, &self.unit.header, self.is_of_interest);
        if code < MAX_REMEMBERED {
            let code = code as usize;
            if code >= self.plans.len() {
                self.plans.resize((code + 1).next_power_of_two(), None);
            }
            self.plans[code] = Some(plan);
        }
        Ok(plan)
    }

    fn abbreviation(&self, code: u64) -> gimli::Result<&'u Abbreviation> {
        self.unit.abbreviations.get(code).ok_or(Error::InvalidAbbreviationCode(code))
    }

    fn offset(&self) -> UnitOffset {
        UnitOffset(self.end - self.input.len())
    }

    /// gimli's way, from here on.
    fn raw(&self) -> EntriesRaw<'u, Slice<'a>> {
        let Self { unit, input, .. } = self;
        EntriesRaw::new(*input, unit.encoding(), &unit.abbreviations, self.offset())
    }

    /// Goes on where gimli came to.
    fn go_on_after(&mut self, raw: &EntriesRaw<'u, Slice<'a>>) -> gimli::Result<()> {
        let taken = raw.next_offset().0 - self.offset().0;
        self.input.skip(taken)
    }
}

impl Plan {
    fn of(
        abbreviation: &Abbreviation,
        header: &gimli::UnitHeader<Slice<'_>>,
        is_of_interest: fn(&Abbreviation) -> bool,
    ) -> Self {
        let (is_of_interest, has_children) =
            (is_of_interest(abbreviation), abbreviation.has_children());
        let (extent, before, after) = (Extent::Fixed, 0, 0);
        let mut plan = Self { is_of_interest, has_children, extent, before, after };
        for spec in abbreviation.attributes() {
            let size = spec.size(header).and_then(|size| u16::try_from(size).ok());
            let fixed = match plan.extent {
                Extent::Fixed => &mut plan.before,
                _ => &mut plan.after,
            };
            match size.and_then(|size| fixed.checked_add(size)) {
                Some(sum) => *fixed = sum,
                None if plan.extent == Extent::Fixed => plan.extent = Extent::of(spec.form()),
                None => plan.extent = Extent::Varying,
            }
        }
        plan
    }
}

impl Extent {
    /// Of an attribute that has no fixed size.
    fn of(form: gimli::DwForm) -> Self {
        match form {
            gimli::DW_FORM_block | gimli::DW_FORM_exprloc => Self::Block,
            gimli::DW_FORM_udata
            | gimli::DW_FORM_sdata
            | gimli::DW_FORM_ref_udata
            | gimli::DW_FORM_strx
            | gimli::DW_FORM_addrx
            | gimli::DW_FORM_loclistx
            | gimli::DW_FORM_rnglistx => Self::Number,
            _ => Self::Varying,
        }
    }
}

/// A LEB128 number, nearly always of one byte.
#[inline]
pub(super) fn number(input: &mut Slice<'_>) -> gimli::Result<u64> {
    match *input.slice() {
        [byte @ ..0x80, ..] => {
            input.skip(1)?;
            Ok(byte.into())
        }
        _ => input.read_uleb128(),
    }
}

#[cfg(test)]
mod tests {
    use gimli::{DebugAbbrev, DebugInfo, Dwarf, RunTimeEndian};

    use super::*;

    /// An attribute and its form.
    type Spec = (u8, u8);

    /// Abbreviations by number: tag, children, attributes.
    const ABBREVIATIONS: [(u8, u8, &[Spec]); 6] = [
        (0x11, 1, &[(0x03, 0x0e), (0x13, 0x05)]),
        (0x13, 1, &[(0x03, 0x0e), (0x0b, 0x0b), (0x49, 0x13)]),
        (0x34, 0, &[(0x03, 0x08), (0x02, 0x18), (0x3a, 0x0b)]),
        (0x2e, 1, &[(0x3f, 0x19), (0x40, 0x18), (0x3b, 0x05)]),
        (0x24, 0, &[(0x0b, 0x0f), (0x3e, 0x0b)]),
        (0x28, 0, &[(0x1c, 0x0d), (0x0b, 0x0f), (0x03, 0x16)]),
    ];

    fn abbreviations() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, (tag, children, attributes)) in (1..).zip(ABBREVIATIONS) {
            bytes.extend([number, tag, children]);
            bytes.extend(attributes.iter().flat_map(|&(name, form)| [name, form]));
            bytes.extend([0, 0]);
        }
        bytes.push(0);
        bytes
    }

    /// Offset, depth and tag of an entry, and what it has.
    type Met<'a> = (UnitOffset, isize, gimli::DwTag, Vec<(gimli::DwAt, AttributeValue<Slice<'a>>)>);
    type Run<'a> = (Vec<Met<'a>>, Option<Error>);

    fn is_odd(abbreviation: &Abbreviation) -> bool {
        abbreviation.code() % 2 == 1
    }

    fn gimlis<'a>(unit: &gimli::Unit<Slice<'a>>) -> Run<'a> {
        let (mut raw, mut entry, mut met) =
            (unit.entries_raw(None).expect("it has entries"), Entry::null(), Vec::new());
        while !raw.is_empty() {
            let (offset, depth) = (raw.next_offset(), raw.next_depth());
            let abbreviation = match raw.read_abbreviation() {
                Ok(Some(abbreviation)) => abbreviation,
                Ok(None) => continue,
                Err(error) => return (met, Some(error)),
            };
            if let Err(error) = raw.read_attributes(abbreviation.attributes(), &mut entry.attrs) {
                return (met, Some(error));
            }
            if is_odd(abbreviation) {
                let all =
                    entry.attrs().iter().map(|attribute| (attribute.name(), attribute.raw_value()));
                met.push((offset, depth, abbreviation.tag(), all.collect()));
            }
        }
        (met, None)
    }

    /// Reads every second entry attribute by attribute, and all others as a whole.
    fn ours<'a>(unit: &gimli::Unit<Slice<'a>>) -> Run<'a> {
        let (mut walk, mut met) = (Walk::new(unit, is_odd), Vec::new());
        loop {
            let head = match walk.next() {
                Ok(Some(head)) => head,
                Ok(None) => return (met, None),
                Err(error) => return (met, Some(error)),
            };
            let mut all = Vec::new();
            let read = match met.len() % 2 {
                0 => walk.read_each(&head, |name, value| all.push((name, value))),
                _ => walk.read(&head).map(|entry| {
                    let attributes = entry.attrs().iter();
                    all = attributes.map(|one| (one.name(), one.raw_value())).collect();
                }),
            };
            if let Err(error) = read {
                return (met, Some(error));
            }
            met.push((head.offset, head.depth, head.tag(), all));
        }
    }

    #[test]
    fn any_bytes_give_what_gimli_gives() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // Mostly numbers of abbreviations.
            let byte = (state >> 32) as u8;
            if byte & 3 == 0 { byte } else { byte % 8 }
        };
        let abbreviations = abbreviations();
        let mut entries = 0;
        for length in (0..20_000).map(|number| number % 90) {
            let body: Vec<u8> = (0..length).map(|_| byte()).collect();
            let mut info = (7 + 8 + length as u32).to_le_bytes().to_vec();
            info.extend([4, 0, 0, 0, 0, 0, 4]);
            // The unit's own entry.
            info.extend([1, 0, 0, 0, 0, 0, 0, 2]);
            info.extend(&body);
            let slice = |bytes| Slice::new(bytes, RunTimeEndian::Little);
            let dwarf = Dwarf {
                debug_info: DebugInfo::from(slice(&info)),
                debug_abbrev: DebugAbbrev::from(slice(&abbreviations)),
                ..Dwarf::default()
            };
            let header = dwarf.units().next().expect("its head is whole").expect("it is there");
            let unit = dwarf.unit(header).expect("its first entry is whole");
            let (theirs, ours) = (gimlis(&unit), ours(&unit));
            let kind = |error: Option<Error>| error.map(|error| error.to_string());
            assert_eq!(ours.0, theirs.0, "{body:02x?}");
            assert_eq!(kind(ours.1), kind(theirs.1), "{body:02x?}");
            entries += theirs.0.len();
        }
        assert!(entries > 20_000, "{entries}");
    }
}
