//! The firmware that ran, as far as an autopsy needs it.

use std::convert::Infallible;
use std::sync::Arc;

use gimli::{DebugFrame, DwarfSections, EhFrame, EndianSlice, RunTimeEndian, UnwindSection};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind, elf};

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Not a readable ELF file.
    #[error("read the image as an ELF file")]
    Elf(#[from] object::Error),
    /// An ELF file of another kind of core.
    #[error("unwind {machine}: little-endian 32-bit Arm, RISC-V and Xtensa are known")]
    Machine {
        /// What it is for.
        machine: String,
    },
}

/// Code, constants, call frame and debug information of an ELF file.
#[derive(Debug, Clone)]
pub struct Image {
    /// What is in memory for good: what of a variable's memory the file has is not what it held.
    constants: Vec<(u64, Vec<u8>)>,
    code: Vec<std::ops::Range<u64>>,
    /// Where functions are, by their symbols.
    functions: Vec<std::ops::Range<u64>>,
    debug_frame: Vec<u8>,
    eh_frame: (u64, Vec<u8>),
    debug: Arc<DwarfSections<Vec<u8>>>,
    has_freertos: bool,
    /// Where a task of FreeRTOS that returns would go.
    task_exit: Option<u32>,
}

impl Image {
    /// Reads an image's bytes.
    ///
    /// # Errors
    /// [`ImageError`]; missing call frame information is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageError> {
        let file = object::File::parse(bytes)?;
        use object::Architecture::{Arm, Riscv32, Xtensa};
        if !matches!(file.architecture(), Arm | Riscv32 | Xtensa) || !file.is_little_endian() {
            let machine = format!("{:?}", file.architecture());
            return Err(ImageError::Machine { machine });
        }
        let section = |name: &str| {
            let section = file.section_by_name(name)?;
            Some((section.address(), section.uncompressed_data().ok()?.into_owned()))
        };
        let executable = |section: &object::Section<'_, '_>| match section.flags() {
            object::SectionFlags::Elf { sh_flags } => sh_flags & u64::from(elf::SHF_EXECINSTR) != 0,
            _ => false,
        };
        let code = file
            .sections()
            .filter(executable)
            .map(|section| section.address()..section.address() + section.size())
            .collect();
        let constants = file
            .sections()
            .filter(is_constant)
            .filter_map(|section| Some((section.address(), section.data().ok()?.to_owned())))
            .collect();
        let functions = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            // Bit 0 of a function's address says that it is Thumb code.
            .map(|symbol| symbol.address() & !1..(symbol.address() & !1) + symbol.size())
            .collect();
        let symbol = |wanted: &str| file.symbols().find(|symbol| symbol.name() == Ok(wanted));
        let has_freertos = ["pxCurrentTCB", "pxCurrentTCBs"].iter().any(|of| symbol(of).is_some());
        let task_exit = symbol("prvTaskExitError").map(|exit| exit.address() as u32 & !1);
        let debug_frame = section(".debug_frame").unwrap_or_default().1;
        let eh_frame = section(".eh_frame").unwrap_or_default();
        let Ok(debug) =
            DwarfSections::load(|id| Ok::<_, Infallible>(section(id.name()).unwrap_or_default().1));
        Ok(Self {
            constants,
            code,
            functions,
            debug_frame,
            eh_frame,
            debug: Arc::new(debug),
            has_freertos,
            task_exit,
        })
    }

    /// The sections with its debug information; empty where there is none.
    pub(crate) fn debug(&self) -> &DwarfSections<Vec<u8>> {
        &self.debug
    }

    /// Whether FreeRTOS is in it, by its symbols.
    pub(crate) fn has_freertos(&self) -> bool {
        self.has_freertos
    }

    /// Whether a return to `address` is that of a task's own function, which nobody called. Source:
    /// FreeRTOS-Kernel V11, `portTASK_RETURN_ADDRESS`.
    pub(crate) fn is_task_exit(&self, address: u32) -> bool {
        self.task_exit == Some(address & !1)
    }

    /// What is at `address`, if the program never writes there.
    pub(crate) fn constant<const N: usize>(&self, address: u32) -> Option<[u8; N]> {
        self.constants.iter().find_map(|(start, bytes)| bytes_at(*start, bytes, address))
    }

    /// Whether `address` is in a section of code.
    pub(crate) fn is_code(&self, address: u32) -> bool {
        self.code.iter().any(|range| range.contains(&u64::from(address)))
    }

    /// Whether one function holds both addresses.
    pub(crate) fn is_one_function(&self, a: u32, b: u32) -> bool {
        let (a, b) = (u64::from(a), u64::from(b));
        self.functions.iter().any(|function| function.contains(&a) && function.contains(&b))
    }

    /// How the caller's registers are found from within the function at `address`.
    pub(crate) fn unwind_row(&self, address: u32) -> Option<Row> {
        let frame = DebugFrame::from(EndianSlice::new(&self.debug_frame, RunTimeEndian::Little));
        let mut frame = frame;
        frame.set_address_size(4);
        let bases = gimli::BaseAddresses::default().set_eh_frame(self.eh_frame.0);
        row(&frame, &bases, address).or_else(|| {
            let data = EndianSlice::new(self.eh_frame.1.as_slice(), RunTimeEndian::Little);
            let mut frame = EhFrame::from(data);
            frame.set_address_size(4);
            row(&frame, &bases, address)
        })
    }
}

/// Whether a section takes memory that the program does not write.
fn is_constant(section: &object::Section<'_, '_>) -> bool {
    let object::SectionFlags::Elf { sh_flags } = section.flags() else { return false };
    let has = |flag: u32| sh_flags & u64::from(flag) != 0;
    has(elf::SHF_ALLOC) && !has(elf::SHF_WRITE)
}

/// The rules of one instruction's frame, free of the section they were read from.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Register and offset that make the canonical frame address.
    pub(crate) cfa: (u16, i64),
    /// The rules for the registers by their numbers in DWARF: R0 to R15, or x0 to x31.
    pub(crate) rules: [Rule; 32],
    /// The register that holds the return address.
    pub(crate) return_register: u16,
}

/// How one register of the caller is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rule {
    /// Nothing is said: callee-saved registers keep their value.
    #[default]
    Unspecified,
    /// Gone.
    Undefined,
    Same,
    /// Saved at this distance from the canonical frame address.
    Saved(i64),
    /// It is the canonical frame address plus this.
    Value(i64),
    Register(u16),
}

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

fn row<'a, S>(section: &S, bases: &gimli::BaseAddresses, address: u32) -> Option<Row>
where
    S: UnwindSection<Slice<'a>>,
    S::Offset: gimli::UnwindOffset<usize>,
{
    let fde = section.fde_for_address(bases, u64::from(address), S::cie_from_offset).ok()?;
    let mut context = gimli::UnwindContext::new();
    let found =
        fde.unwind_info_for_address(section, bases, &mut context, u64::from(address)).ok()?;
    let gimli::CfaRule::RegisterAndOffset { register, offset } = *found.cfa() else {
        // Expressions are for signal trampolines and PLTs, which firmware has none of.
        return None;
    };
    let mut rules = [Rule::default(); 32];
    for (number, rule) in rules.iter_mut().enumerate() {
        *rule = match found.register(gimli::Register(number as u16)) {
            None => Rule::Unspecified,
            Some(gimli::RegisterRule::Undefined) => Rule::Undefined,
            Some(gimli::RegisterRule::SameValue) => Rule::Same,
            Some(gimli::RegisterRule::Offset(offset)) => Rule::Saved(offset),
            Some(gimli::RegisterRule::ValOffset(offset)) => Rule::Value(offset),
            Some(gimli::RegisterRule::Register(other)) => Rule::Register(other.0),
            Some(_) => Rule::Undefined,
        };
    }
    Some(Row {
        cfa: (register.0, offset),
        rules,
        return_register: fde.cie().return_address_register().0,
    })
}

/// `N` bytes at `address`, of those that begin at `start`.
pub(super) fn bytes_at<const N: usize>(start: u64, bytes: &[u8], address: u32) -> Option<[u8; N]> {
    let offset = usize::try_from(u64::from(address).checked_sub(start)?).ok()?;
    bytes.get(offset..)?.first_chunk::<N>().copied()
}
