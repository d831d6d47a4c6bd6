//! Pieces added up by what one asks for.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt};

use super::{BlockKind, Bytes, Gap, Owner, Piece, ReservedFor, Sizes, origin};
use crate::elf::records::{
    FUNCTIONS, FunctionRecord, SYMBOLS, SymbolRecord, UNITS, UnitRecord, VARIABLES, VariableRecord,
};
use crate::store::Records;

/// What to add up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// Sections.
    Section,
    /// Rust crates; what is no Rust by the folder of its source file.
    Crate,
    /// Source files that were compiled: units of the debug information or, without that, the files
    /// that the symbol table names.
    File,
    /// Functions and variables. Instances of one generic function in one file are one row.
    Symbol,
}

/// What a [`Row`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// A section, or a segment of a file without sections.
    Section,
    /// A Rust crate.
    Crate,
    /// A folder of source files.
    Folder,
    /// A source file.
    File,
    /// A symbol, function or variable.
    Symbol,
    /// A symbol without a size: counted up to what comes next.
    Label,
    /// What no symbol covers, or of which the file does not tell where it comes from.
    Unknown,
}

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is the sum of; of gaps, what they are, in parentheses.
    pub name: String,
    /// What it stands for.
    pub kind: RowKind,
    /// How much.
    pub bytes: Bytes,
    /// Of how many symbols or gaps.
    pub count: usize,
    /// Lowest address, for a symbol or section.
    pub address: Option<u64>,
    /// For a symbol, the file that it was compiled in.
    pub file: Option<String>,
    /// For a symbol, the crate that defines it.
    pub krate: Option<String>,
    /// For a generic function, the crate that instantiated it, where that is another one.
    pub instantiated_in: Option<String>,
    /// For a crate, what other crates made of its generic code, the largest first. It is counted
    /// here, not with them.
    pub instances: Vec<(String, Bytes)>,
    /// For a symbol, its section.
    pub section: Option<String>,
}

impl Sizes<'_> {
    /// Sums, the largest first. They add up to [`total`](Self::total).
    pub fn rows(&self, by: By) -> Vec<Row> {
        let mut rows = match by {
            By::Section => self.by_section(),
            By::Crate => self.by_crate(),
            By::File => self.by_origin(&Names::of(self), Names::file),
            By::Symbol => self.by_symbol(),
        };
        rows.retain(|row| row.bytes != Bytes::default());
        rows.sort_by(|a, b| b.bytes.sum().cmp(&a.bytes.sum()).then_with(|| a.name.cmp(&b.name)));
        rows
    }

    fn by_section(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut besides: Option<usize> = None;
        for block in self.blocks() {
            let (name, kind) = match block.kind {
                BlockKind::Section => (block.name.to_owned(), RowKind::Section),
                BlockKind::Segment => {
                    (format!("segment at {:#010x}", block.address), RowKind::Section)
                }
                BlockKind::Between => (gap_name(Gap::Between).to_owned(), RowKind::Unknown),
            };
            if let (BlockKind::Between, Some(row)) = (block.kind, besides) {
                rows[row].bytes += block.bytes;
                rows[row].count += 1;
                continue;
            }
            besides = besides.or((block.kind == BlockKind::Between).then_some(rows.len()));
            let address = (kind == RowKind::Section).then_some(block.address);
            rows.push(Row { bytes: block.bytes, address, ..Row::new(name, kind) });
        }
        rows
    }

    fn by_origin<'s>(
        &self,
        names: &'s Names<'s>,
        name: impl Fn(&'s Names<'s>, &Piece) -> (Cow<'s, str>, RowKind),
    ) -> Vec<Row> {
        let mut sums: HashMap<(Cow<'_, str>, RowKind), (Bytes, usize)> = HashMap::new();
        for piece in &self.pieces {
            let sum = sums.entry(name(names, piece)).or_default();
            sum.0 += self.bytes(piece);
            sum.1 += 1;
        }
        let row = |((name, kind), (bytes, count)): ((Cow<'_, str>, RowKind), _)| Row {
            bytes,
            count,
            ..Row::new(name.into_owned(), kind)
        };
        sums.into_iter().map(row).collect()
    }

    fn by_crate(&self) -> Vec<Row> {
        let names = Names::of(self);
        let mut rows = self.by_origin(&names, Names::krate);
        let mut instances: HashMap<(&str, &str), Bytes> = HashMap::new();
        for piece in &self.pieces {
            if let Some(krate) = names.own_crate(piece)
                && let Some(maker) = names.instantiated_in(piece).filter(|maker| *maker != krate)
            {
                *instances.entry((krate, maker)).or_default() += self.bytes(piece);
            }
        }
        for row in rows.iter_mut().filter(|row| row.kind == RowKind::Crate) {
            let of_row = instances.iter().filter(|((krate, _), _)| *krate == row.name);
            row.instances =
                of_row.map(|((_, maker), bytes)| ((*maker).to_owned(), *bytes)).collect();
            row.instances
                .sort_by(|(a, of_a), (b, of_b)| of_b.sum().cmp(&of_a.sum()).then_with(|| a.cmp(b)));
        }
        rows
    }

    fn by_symbol(&self) -> Vec<Row> {
        let names = Names::of(self);
        // What of one owner lies inside of it belongs together, then what has one name and file.
        let mut owners: HashMap<Owner, usize> = HashMap::new();
        let mut rows: HashMap<(&str, RowKind, Option<usize>, usize), Row> = HashMap::new();
        for piece in &self.pieces {
            let (name, kind) = names.symbol(piece);
            // Gaps of one kind in one section are one row.
            let unit = piece.unit.filter(|_| kind != RowKind::Unknown);
            let key = (name, kind, unit, piece.block);
            let row = rows.entry(key).or_insert_with(|| names.row(piece));
            row.bytes += self.bytes(piece);
            let seen = owners.entry(piece.owner).or_default();
            *seen += 1;
            row.count += usize::from(*seen == 1 || kind == RowKind::Unknown);
        }
        rows.into_values().collect()
    }
}

impl Row {
    fn new(name: String, kind: RowKind) -> Self {
        let bytes = Bytes::default();
        let (address, file, krate, section, instantiated_in) = (None, None, None, None, None);
        let (count, instances) = (1, Vec::new());
        Self { name, kind, bytes, count, address, file, krate, instantiated_in, instances, section }
    }
}

/// Names of what pieces belong to.
struct Names<'s> {
    sizes: &'s Sizes<'s>,
    symbols: Records<'s, SymbolRecord>,
    functions: Records<'s, FunctionRecord>,
    variables: Records<'s, VariableRecord>,
    /// Source file and crate of each unit.
    units: Vec<(String, Option<String>)>,
}

impl<'s> Names<'s> {
    fn of(sizes: &'s Sizes<'s>) -> Self {
        let firmware = sizes.firmware;
        let units: Records<'_, UnitRecord> = firmware.file().records(UNITS);
        let usual = usual_folder(units.into_iter().map(|unit| firmware.text(unit.comp_dir)));
        let describe = |unit: &UnitRecord| {
            let (name, folder) = (firmware.text(unit.name), firmware.text(unit.comp_dir));
            (origin::source_of(name, folder, usual), origin::crate_of_unit(name, folder))
        };
        Self {
            sizes,
            symbols: firmware.file().records(SYMBOLS),
            functions: firmware.file().records(FUNCTIONS),
            variables: firmware.file().records(VARIABLES),
            units: units.into_iter().map(describe).collect(),
        }
    }

    /// Name of the owner as people read it, and as the linker does.
    fn names(&self, owner: Owner) -> Option<[&'s str; 2]> {
        let text = |name| self.sizes.firmware.text(name);
        match owner {
            Owner::Symbol(at) | Owner::Label(at) => {
                self.symbols.get(at).map(|found| [text(found.name), text(found.linkage_name)])
            }
            Owner::Function(at) => {
                self.functions.get(at).map(|found| [text(found.name), text(found.linkage_name)])
            }
            Owner::Variable(at) => {
                self.variables.get(at).map(|found| [text(found.name), text(found.name)])
            }
            Owner::Gap(_) => None,
        }
    }

    fn symbol(&self, piece: &Piece) -> (&'s str, RowKind) {
        match (piece.owner, self.names(piece.owner)) {
            (Owner::Gap(gap), _) => (gap_name(gap), RowKind::Unknown),
            (Owner::Label(_), Some([name, _])) => (name, RowKind::Label),
            (_, Some([name, _])) => (name, RowKind::Symbol),
            (_, None) => (gap_name(Gap::Data), RowKind::Unknown),
        }
    }

    fn unit(&self, piece: &Piece) -> Option<&(String, Option<String>)> {
        self.units.get(piece.unit?)
    }

    fn file(&self, piece: &Piece) -> (Cow<'_, str>, RowKind) {
        match self.unit(piece) {
            Some((source, _)) if !source.is_empty() => (Cow::Borrowed(source), RowKind::File),
            _ => self.unknown(piece, "(file not known)"),
        }
    }

    fn own_crate(&self, piece: &Piece) -> Option<&'s str> {
        let [name, linkage_name] = self.names(piece.owner)?;
        origin::crate_of(linkage_name, name)
    }

    /// The crate that a piece was compiled in: as its name tells, else as its unit does.
    fn instantiated_in(&self, piece: &Piece) -> Option<&str> {
        let of_name = self.names(piece.owner).and_then(|[_, name]| origin::instantiated_in(name));
        of_name.or_else(|| self.unit(piece).and_then(|(_, krate)| krate.as_deref()))
    }

    fn krate(&self, piece: &Piece) -> (Cow<'_, str>, RowKind) {
        if let Some(krate) = self.own_crate(piece) {
            return (Cow::Borrowed(krate), RowKind::Crate);
        }
        match self.unit(piece) {
            Some((_, Some(krate))) => (Cow::Borrowed(krate), RowKind::Crate),
            // Symbol tables give files without their folders.
            Some((source, None)) if source.contains(['/', '\\']) || self.has_folders() => {
                (Cow::Owned(origin::folder_of(source)), RowKind::Folder)
            }
            _ => self.unknown(piece, "(crate or folder not known)"),
        }
    }

    fn has_folders(&self) -> bool {
        self.sizes.firmware.has_dwarf()
    }

    fn unknown(&self, piece: &Piece, otherwise: &'static str) -> (Cow<'_, str>, RowKind) {
        let name = match piece.owner {
            Owner::Gap(gap) => gap_name(gap),
            _ => otherwise,
        };
        (Cow::Borrowed(name), RowKind::Unknown)
    }

    /// A row without a sum yet.
    fn row(&self, piece: &Piece) -> Row {
        let (name, kind) = self.symbol(piece);
        let block = &self.sizes.blocks[piece.block];
        let section = Some(block.name.to_owned()).filter(|name| !name.is_empty());
        let mut row = Row { count: 0, section, ..Row::new(name.to_owned(), kind) };
        if kind != RowKind::Unknown {
            let unit = self.unit(piece);
            row.address = Some(piece.range.start);
            row.file = unit.map(|(source, _)| source.to_string());
            let unit_crate = unit.and_then(|(_, krate)| krate.as_deref());
            let krate = self.own_crate(piece).or(unit_crate);
            row.krate = krate.map(str::to_owned);
            let maker = self.instantiated_in(piece);
            row.instantiated_in = maker.filter(|_| maker != krate).map(str::to_owned);
        }
        row
    }
}

/// The folder that most units were compiled in.
fn usual_folder<'a>(folders: impl Iterator<Item = &'a str>) -> &'a str {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for folder in folders.filter(|folder| !folder.is_empty()) {
        *counts.entry(folder).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|&(folder, count)| (count, std::cmp::Reverse(folder)));
    most.map_or("", |(folder, _)| folder)
}

fn gap_name(gap: Gap) -> &'static str {
    match gap {
        Gap::Padding => "(padding)",
        Gap::Code => "(code without a symbol)",
        Gap::Constants => "(constants without a symbol)",
        Gap::Data => "(data without a symbol)",
        Gap::Zeroed => "(memory without a symbol)",
        Gap::Reserved(ReservedFor::Stack) => "(stack)",
        Gap::Reserved(ReservedFor::Heap) => "(heap)",
        Gap::Reserved(ReservedFor::StackAndHeap) => "(stack and heap)",
        Gap::Between => "(between sections)",
    }
}
