//! Stack of functions, against what GCC itself writes down (`-fstack-usage`).

use std::collections::BTreeMap;
use std::process::Command;

use svd_index::elf::{Firmware, StackSource, StackUse};

use super::{data, firmware, open, read};

/// Functions of every shape that takes stack. None is inlined, so that each has a line in `.su`.
const SOURCE: &str = r#"
#define KEEP __attribute__((noinline, noclone, used))
volatile int sink; int use(void *); int many(int, int, int, int, int, int, int);
KEEP int use(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); return sink; }
KEEP int many(int a, int b, int c, int d, int e, int f, int g) { return a + b + c + d + e + f + g + sink; }
KEEP int leaf(int a) { return a + 1; }
KEEP int array(int a) { char buffer[100]; buffer[a & 31] = 1; return use(buffer) + a; }
KEEP int large(int a) { char buffer[5000]; buffer[a & 31] = 1; return use(buffer) + a; }
KEEP int huge(int a) { char buffer[70000]; buffer[a & 31] = 1; return use(buffer) + a; }
KEEP int passes(int a) { return many(a, a, a, a, a, a, a) + many(1, a, 2, a, 3, a, 4) + a; }
KEEP int variable(int n) { char buffer[n]; return use(buffer) + n; }
KEEP int taken(int n) { void *p = __builtin_alloca(n); return use(p) + use(&n); }
KEEP int early(int a) { if (a < 0) return -1; char b[64]; sink = use(b); return use(b) + a; }
KEEP int chosen(int a) { switch (a) { case 0: return use(&a); case 1: return use(0) * 3; case 2: return leaf(a) + use(&sink);
  case 3: return array(a); case 4: return passes(a); case 5: return large(1); default: return use(&a) + 7; } }
KEEP int printed(const char *f, ...) { __builtin_va_list l; __builtin_va_start(l, f); int r = use(&l) + __builtin_va_arg(l, int); __builtin_va_end(l); return r; }
KEEP long long wide(long long a, long long b) { long long x[4] = {a, b, a + b, a - b}; use(x); return x[0] * x[1] + x[2]; }
KEEP int looped(int n) { int s = 0; for (int i = 0; i < n; i++) { int v[9]; v[i & 7] = n; s += use(v) + v[1]; } return s; }
KEEP int recursive(int n) { return n < 2 ? n : recursive(n - 1) + recursive(n - 2); }
#ifdef __ARM_FP
KEEP float floats(float a, float b) { float s = a; for (int i = 0; i < 9; i++) { s = s * b + a; sink = use(&s); a += b * s; } return a * b + s; }
#endif
void start(void) { sink = use(0); for (;;) chosen(printed("", 1) + early(1) + looped(2) + recursive(3) + variable(1) + taken(2) + huge(1) + (int)wide(1, 2)); }
"#;

/// Builds the source; the ELF and GCC's list. `None` without the compiler.
fn build(compiler: &str, flags: &[&str]) -> Option<(Vec<u8>, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stack.c"), SOURCE).unwrap();
    let output = Command::new(compiler)
        .args(["-ffreestanding", "-fstack-usage", "-g", "-c", "stack.c"])
        .args(flags)
        .current_dir(folder.path())
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let link = Command::new(compiler)
        .args(["-nostdlib", "-Wl,-Ttext=0x1000,-Tdata=0x20000000,-e,start,--no-warn-rwx-segments"])
        .args(flags)
        .args(["stack.o", "-lgcc", "-o", "stack.elf"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(link.status.success(), "{}", String::from_utf8_lossy(&link.stderr));
    let list = String::from_utf8(read(&folder.path().join("stack.su"))).unwrap();
    Some((read(&folder.path().join("stack.elf")), list))
}

/// What GCC says: bytes, and whether they are static.
fn told(list: &str) -> BTreeMap<String, (u64, bool)> {
    list.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let name = fields[0].rsplit(':').next().unwrap().to_owned();
            (name, (fields[1].parse().unwrap(), fields[2] == "static"))
        })
        .collect()
}

fn stack_of(firmware: &Firmware, name: &str) -> Option<StackUse> {
    let functions = firmware.find_functions(name);
    firmware.stack_use(functions.first()?.address)
}

/// How many functions are as GCC says.
#[derive(Default)]
struct Tally {
    exact: usize,
    dynamic: usize,
    unknown: Vec<String>,
    wrong: Vec<String>,
}

/// Compares every function.
fn check(firmware: &Firmware, list: &str, what: &str, tally: &mut Tally) {
    for (name, (mut bytes, is_static)) in told(list) {
        // On Arm GCC leaves out the argument registers that a variadic function pushes.
        if name == "printed" && what.starts_with("arm") {
            bytes += 16;
        }
        let found = stack_of(firmware, &name);
        let line = format!("{what}: {name} takes {bytes} (static: {is_static}), found {found:?}");
        match found {
            Some(StackUse::Bytes { bytes: found, .. }) if is_static && found == bytes => {
                tally.exact += 1;
            }
            Some(StackUse::Dynamic { .. }) if !is_static => tally.dynamic += 1,
            None => tally.unknown.push(line),
            Some(_) => tally.wrong.push(line),
        }
    }
}

const ARM: &[&[&str]] = &[
    &["-mcpu=cortex-m0", "-mthumb"],
    &["-mcpu=cortex-m3", "-mthumb"],
    &["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
];
const RISC_V: &[&[&str]] = &[
    &["-march=rv32imac", "-mabi=ilp32"],
    &["-march=rv32i", "-mabi=ilp32"],
    &["-march=rv32imac", "-mabi=ilp32", "-msave-restore"],
];
const LEVELS: &[&str] = &["-O0", "-Og", "-O2", "-Os", "-O2 -fno-omit-frame-pointer"];

fn check_all(compiler: &str, machines: &[&[&str]]) {
    let mut tally = Tally::default();
    for machine in machines {
        for level in LEVELS {
            let flags: Vec<&str> = machine.iter().copied().chain(level.split(' ')).collect();
            let Some((bytes, list)) = build(compiler, &flags) else {
                let required = std::env::var_os("SILK_REQUIRE_PARTS").is_some_and(|v| v == "1");
                assert!(!required, "{compiler} is missing");
                return println!("skipped: {compiler} is missing");
            };
            check(&firmware(&bytes), &list, &format!("{compiler} {flags:?}"), &mut tally);
        }
    }
    let Tally { exact, dynamic, unknown, wrong } = tally;
    println!("{compiler}: {exact} functions exact, {dynamic} dynamic, not known:");
    println!("{}", unknown.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(exact > 200 && dynamic >= 2 * machines.len() * LEVELS.len(), "{exact} {dynamic}");
    assert!(unknown.len() * 20 <= exact, "{} unknown", unknown.len());
}

#[test]
fn stack_is_what_gcc_says_on_arm() {
    check_all("arm-none-eabi-gcc", ARM);
}

#[test]
fn stack_is_what_gcc_says_on_riscv() {
    check_all("riscv64-unknown-elf-gcc", RISC_V);
}

#[test]
fn without_call_frame_information_the_code_tells() {
    let with = open(&data("m4-O2-dwarf5.elf"));
    let without = open(&data("no-debug.elf"));
    let mut compared = 0;
    for function in with.functions() {
        let Some(StackUse::Bytes { bytes, .. }) = with.stack_use(function.address) else {
            continue;
        };
        let expected = StackUse::Bytes { bytes, source: StackSource::Code };
        assert_eq!(without.stack_use(function.address), Some(expected), "{}", function.name);
        compared += 1;
    }
    assert!(compared >= 9, "{compared}");
}

#[test]
fn llvms_own_section_comes_first() {
    // `start` is at 0x1000; its Thumb bit may be set.
    let Some((bytes, _)) = build("arm-none-eabi-gcc", &["-mcpu=cortex-m3", "-mthumb", "-O2"])
    else {
        return println!("skipped: arm-none-eabi-gcc is missing");
    };
    let folder = tempfile::tempdir().unwrap();
    let leaf = firmware(&bytes).find_functions("leaf")[0].address;
    let mut sizes = (leaf as u32 | 1).to_le_bytes().to_vec();
    sizes.extend([0x88, 0x01]);
    // Discarded by the linker, then cut off.
    sizes.extend([0, 0, 0, 0, 4, 9, 9]);
    std::fs::write(folder.path().join("in.elf"), bytes).unwrap();
    std::fs::write(folder.path().join("sizes"), sizes).unwrap();
    let status = Command::new("arm-none-eabi-objcopy")
        .args(["--add-section", ".stack_sizes=sizes", "in.elf", "out.elf"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let firmware = open(&folder.path().join("out.elf"));
    let expected = StackUse::Bytes { bytes: 0x88, source: StackSource::StackSizes };
    assert_eq!(firmware.stack_use(leaf), Some(expected));
    assert_eq!(firmware.stack_use(0), None);
}
