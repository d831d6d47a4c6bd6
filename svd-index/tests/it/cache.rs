//! Opening from the cache: what is there is used, what is stale or torn is built again, and
//! without a cache it works all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use svd_index::store::{Cache, Dispensable, Entry, OpenError};
use svd_index::{Chip, Index, IndexError, NoteKind, Opened, Sources};

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a folder") };
        bench.write("R0");
        bench
    }

    fn svd(&self) -> PathBuf {
        self.folder.path().join("chip.svd")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Writes a chip with one register, dated so that it counts as settled.
    fn write(&self, register: &str) {
        let text = format!(
            "<device><name>T</name><peripherals><peripheral><name>P</name><baseAddress>16\
             </baseAddress><registers><register><name>{register}</name><addressOffset>4\
             </addressOffset></register><register><name>{register}_</name></register></registers>\
             </peripheral></peripherals></device>"
        );
        fs::write(self.svd(), text).expect("it can be written");
        let file = fs::File::options().write(true).open(self.svd()).expect("it is there");
        let settled = SystemTime::now() - Duration::from_secs(60);
        file.set_modified(settled).expect("times can be set");
    }

    fn open(&self) -> Opened {
        open(&self.svd(), &self.cache()).expect("it opens")
    }

    /// The one index file in the cache.
    fn index_file(&self) -> PathBuf {
        let files: Vec<PathBuf> = fs::read_dir(self.cache().join("v1"))
            .expect("it was made")
            .map(|entry| entry.expect("it can be listed").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "idx"))
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

fn open(svd: &Path, cache: &Path) -> Result<Opened, IndexError> {
    let sources = Sources { svds: vec![svd.to_owned().into()], elfs: Vec::new() };
    Index::open(&sources, cache)
}

fn register(opened: &Opened) -> String {
    let chip = opened.index.chip().expect("there is one");
    chip.registers_at(20).first().expect("there is one").path()
}

#[test]
fn built_once_then_opened() {
    let bench = Bench::new();
    let first = bench.open();
    assert!(matches!(first.notes[0].kind, NoteKind::Built));
    let second = bench.open();
    assert!(second.notes.is_empty(), "{:?}", second.notes);
    assert_eq!(register(&second), "P.R0");
    assert_eq!(first.warnings, second.warnings, "warnings are told again");
    assert_eq!(second.warnings.len(), 1);
    assert!(second.warnings[0].to_string().contains("chip.svd:1: P.R0_: a register without"));
}

#[test]
fn a_changed_source_is_indexed_again() {
    let bench = Bench::new();
    bench.open();
    bench.write("R1");
    let changed = bench.open();
    assert!(matches!(changed.notes[0].kind, NoteKind::Built));
    assert_eq!(register(&changed), "P.R1");
    // Back again: the old content is still indexed.
    bench.write("R0");
    let back = bench.open();
    assert!(back.notes.is_empty());
    assert_eq!(register(&back), "P.R0");
}

#[test]
fn the_same_content_elsewhere_is_not_built_again() {
    let bench = Bench::new();
    bench.open();
    let copy = bench.folder.path().join("copy.svd");
    fs::copy(bench.svd(), &copy).expect("it can be copied");
    let opened = open(&copy, &bench.cache()).expect("it opens");
    assert!(opened.notes.is_empty(), "{:?}", opened.notes);
}

#[test]
fn torn_old_and_foreign_index_files_are_built_again() {
    let bench = Bench::new();
    bench.open();
    let path = bench.index_file();
    let good = fs::read(&path).expect("it can be read");
    let mut foreign = good.clone();
    foreign[8..12].reverse();
    let mut old = good.clone();
    old[12] = 0;
    for (bytes, expected) in [
        (good[..good.len() - 5].to_vec(), "torn"),
        (Vec::new(), "torn"),
        (foreign, "byte order"),
        (old, "format"),
    ] {
        // As a writer does: a new file in the place of the old one.
        fs::remove_file(&path).expect("it can be removed");
        fs::write(&path, bytes).expect("it can be written");
        let opened = bench.open();
        let NoteKind::Rebuilt(why) = &opened.notes[0].kind else {
            panic!("{:?}", opened.notes);
        };
        let why: &OpenError = why;
        assert!(why.to_string().contains(expected), "{why}");
        assert_eq!(register(&opened), "P.R0");
        assert_eq!(fs::read(&path).expect("it is there"), good);
    }
}

#[test]
fn a_damaged_body_is_repaired_from_the_source_or_told() {
    let bench = Bench::new();
    bench.open();
    let path = bench.index_file();
    let mut damaged = fs::read(&path).expect("it can be read");
    for byte in &mut damaged[4096..8192] {
        *byte ^= 0xff;
    }
    fs::remove_file(&path).expect("it can be removed");
    fs::write(&path, &damaged).expect("it can be written");
    let opened = bench.open();
    assert_eq!(register(&opened), "P.R0");
    assert!(!opened.index.is_damaged());

    // Without the source: nothing is said of what was there, and that is told.
    let chip = Chip::from_index(&damaged).expect("the head is sound");
    assert!(chip.registers_at(20).is_empty());
    assert!(chip.file().is_damaged());
}

#[test]
fn without_a_cache_it_works_in_memory() {
    let bench = Bench::new();
    // A file where the folder should be: nobody can write there, root included.
    fs::write(bench.cache(), "in the way").expect("it can be written");
    let opened = bench.open();
    assert_eq!(register(&opened), "P.R0");
    let told = opened.notes.iter().any(|note| matches!(note.kind, NoteKind::NotCached(_)));
    assert!(told, "{:?}", opened.notes);
}

#[test]
fn bad_sources_say_what_they_are() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    let missing = open(&folder.join("none.svd"), &bench.cache()).expect_err("it is missing");
    assert!(matches!(missing, IndexError::Read { .. }));
    let nothing = folder.join("empty");
    fs::create_dir(&nothing).expect("it can be made");
    let error = open(&nothing, &bench.cache()).expect_err("it is an empty folder");
    assert!(matches!(error, IndexError::Container { .. }), "{error}");
    let sources = Sources { svds: Vec::new(), elfs: vec![folder.to_owned()] };
    let error = Index::open(&sources, &bench.cache()).expect_err("it is a folder");
    assert!(matches!(error, IndexError::Read { .. }), "{error}");
    for (content, found) in [("", "it is empty"), ("\u{7f}ELF", "it is an ELF file")] {
        fs::write(bench.svd(), content).expect("it can be written");
        let error = open(&bench.svd(), &bench.cache()).expect_err("it is no SVD");
        assert!(error.to_string().contains(found), "{error}");
    }
    let sources = Sources { svds: Vec::new(), elfs: vec![crate::nrf51_path()] };
    let error = Index::open(&sources, &bench.cache()).expect_err("it is no ELF");
    assert!(matches!(error, IndexError::Elf { .. }), "{error}");
}

/// Opens the firmware at `elf`.
fn open_firmware(elf: &Path, cache: &Path) -> Index {
    let sources = Sources { svds: Vec::new(), elfs: vec![elf.to_owned()] };
    Index::open(&sources, cache).expect("it opens").index
}

fn accesses(index: &Index) -> usize {
    index.firmware().expect("there is one").accesses().count()
}

/// What the index files in the cache are of.
fn kinds(bench: &Bench) -> Vec<&'static str> {
    let mut kinds: Vec<_> = entries(bench).iter().map(|entry| entry.kind.name()).collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn types_that_will_be_asked_for_are_read_along() {
    let bench = Bench::new();
    let elf = bench.folder.path().join("firmware.elf");
    fs::copy(crate::elf::data("m4-O2-dwarf5.elf"), &elf).expect("it can be copied");
    let sources = Sources { svds: Vec::new(), elfs: vec![elf.clone()] };
    let types = |index: &Index| index.firmware().expect("there is one").types().count();
    let apart = types(&open_firmware(&elf, &bench.folder.path().join("other")));
    assert!(apart > 0);

    let opened = Index::open_with_types(&sources, &bench.cache()).expect("it opens");
    assert!(matches!(opened.notes[0].kind, NoteKind::Built));
    assert_eq!(kinds(&bench), ["elf", "types"]);
    let again = Index::open_with_types(&sources, &bench.cache()).expect("it opens");
    assert!(again.notes.is_empty(), "{:?}", again.notes);
    // Neither builds what is there, even if the ELF is not.
    fs::remove_file(&elf).expect("it can be removed");
    for Opened { index, .. } in [&opened, &again] {
        assert_eq!(types(index), apart);
        assert!(!index.is_damaged());
    }
}

#[test]
fn code_is_followed_when_first_asked_and_once() {
    let bench = Bench::new();
    let elf = bench.folder.path().join("firmware.elf");
    fs::copy(crate::elf::example("faulty.elf"), &elf).expect("it can be copied");
    let index = open_firmware(&elf, &bench.cache());
    assert_eq!(kinds(&bench), ["elf"]);
    let all = accesses(&index);
    assert!(all > 0);
    assert_eq!(kinds(&bench), ["elf", "uses"]);
    // The second finds a file that it need not build: it would not build one of another program.
    let second = open_firmware(&elf, &bench.cache());
    fs::remove_file(&elf).expect("it can be removed");
    assert_eq!(accesses(&second), all);
    assert!(!second.is_damaged());
}

#[test]
fn code_that_changed_before_it_was_followed_is_not_taken_for_the_old() {
    let bench = Bench::new();
    let elf = bench.folder.path().join("firmware.elf");
    fs::copy(crate::elf::example("faulty.elf"), &elf).expect("it can be copied");
    let index = open_firmware(&elf, &bench.cache());
    fs::copy(crate::elf::data("m4-O2-dwarf5.elf"), &elf).expect("it can be copied");
    assert!(!index.is_damaged());
    assert_eq!(accesses(&index), 0);
    assert!(index.is_damaged(), "what it says is not all there is");
    assert!(accesses(&open_firmware(&elf, &bench.cache())) > 0);
}

#[test]
fn writers_at_once_do_not_mix() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(register(&bench.open()), "P.R0"));
        }
    });
    assert!(bench.open().notes.is_empty());
    let left = fs::read_dir(bench.cache().join("v1")).expect("it was made");
    let names: Vec<_> = left.map(|entry| entry.expect("it can be listed").file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".silk-")), "{names:?}");
}

fn entries(bench: &Bench) -> Vec<Entry> {
    Cache::at(&bench.cache()).entries().expect("it can be read")
}

#[test]
fn an_index_names_its_sources_and_goes_when_they_are_gone() {
    let bench = Bench::new();
    bench.open();
    let copy = bench.folder.path().join("copy.svd");
    fs::copy(bench.svd(), &copy).expect("it can be copied");
    // Too young to be known without reading, and named all the same.
    open(&copy, &bench.cache()).expect("it opens");
    let listed = entries(&bench);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].sources, [bench.svd(), copy.clone()]);

    fs::remove_file(&copy).expect("it can be removed");
    assert!(Cache::dispensable(&entries(&bench), u64::MAX).is_empty(), "one is left");
    fs::remove_file(bench.svd()).expect("it can be removed");
    let listed = entries(&bench);
    let [(entry, Dispensable::SourceGone)] = Cache::dispensable(&listed, u64::MAX)[..] else {
        panic!("{listed:?}");
    };
    let cache = Cache::at(&bench.cache());
    assert!(cache.remove(entry).expect("it can be removed"));
    assert!(!cache.remove(entry).expect("it is gone already"));
    cache.tidy();
    let known = fs::read_dir(bench.cache().join("v1/known")).expect("it was made");
    assert_eq!(known.count(), 0, "nothing is remembered of what is gone");
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let bench = Bench::new();
    bench.open();
    let other = bench.folder.path().join("other.svd");
    let text = fs::read_to_string(bench.svd()).expect("it is there").replace("R0", "OTHER");
    fs::write(&other, text).expect("it can be written");
    open(&other, &bench.cache()).expect("it opens");
    // As if the first had been opened last a day after both were built.
    let later = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
    for file in fs::read_dir(bench.cache().join("v1/known")).expect("it was made") {
        let path = file.expect("it can be listed").path();
        let bytes = fs::read(&path).expect("it is there");
        if bytes.windows(8).any(|window| window == b"chip.svd") {
            let file = fs::File::open(&path).expect("it opens");
            file.set_modified(later).expect("times can be set");
        }
    }
    let listed = entries(&bench);
    assert_eq!(listed[0].sources, [bench.svd()], "the one used last comes first");
    let [(entry, Dispensable::BeyondBound)] = Cache::dispensable(&listed, listed[0].size)[..]
    else {
        panic!("{listed:?}");
    };
    assert_eq!(entry.sources, [other]);
}

#[test]
fn what_is_remembered_of_a_source_may_be_damaged() {
    let bench = Bench::new();
    bench.open();
    let folder = bench.cache().join("v1/known");
    let mut files = fs::read_dir(&folder).expect("it was made");
    let path = files.next().expect("there is one").expect("it can be listed").path();
    let good = fs::read(&path).expect("it can be read");
    let mut swapped = good.clone();
    swapped[48..52].reverse();
    let mut cases = vec![Vec::new(), good[..20].to_vec(), swapped];
    cases.extend((0..good.len()).step_by(7).map(|place| {
        let mut changed = good.clone();
        changed[place] ^= 0x10;
        changed
    }));
    for bytes in cases {
        fs::write(&path, bytes).expect("it can be written");
        let opened = bench.open();
        assert!(opened.notes.is_empty(), "the index itself is sound: {:?}", opened.notes);
        assert_eq!(register(&opened), "P.R0");
        assert_eq!(fs::read(&path).expect("it is there"), good, "and it is put right");
    }
}

/// Not a test by itself: what [`processes_at_once_do_not_mix`] runs in each of them.
const WORK: &str = "SILK_TEST_CACHE_OF_ANOTHER_PROCESS";

#[test]
fn processes_at_once_do_not_mix() {
    if let Some(folder) = std::env::var_os(WORK) {
        let folder = PathBuf::from(folder);
        let opened = open(&folder.join("chip.svd"), &folder.join("cache")).expect("it opens");
        assert_eq!(register(&opened), "P.R0");
        return;
    }
    let bench = Bench::new();
    let this = std::env::current_exe().expect("a test has a binary");
    let mut others: Vec<_> = (0..6)
        .map(|_| {
            std::process::Command::new(&this)
                .args(["--exact", "cache::processes_at_once_do_not_mix"])
                .env(WORK, bench.folder.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("it starts")
        })
        .collect();
    for other in &mut others {
        assert!(other.wait().expect("it ends").success());
    }
    let opened = bench.open();
    assert!(opened.notes.is_empty(), "{:?}", opened.notes);
    assert_eq!(entries(&bench).len(), 1);
}
