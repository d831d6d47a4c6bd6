//! Patches in svdtools' YAML: each rule does what it does there, and one that cannot be followed
//! costs itself and a warning.

use std::fs;
use std::path::Path;

use svd_index::svd::{Build, Patch, PatchError};
use svd_index::{Chip, EnumUsage, Index, IndexError, Sources, SvdSource, WriteConstraint};

const SVD: &str = r#"<device><name>T</name><width>32</width><peripherals>
<peripheral><name>TIM1</name><baseAddress>0x40000000</baseAddress>
 <interrupt><name>TIM1_UP</name><value>3</value></interrupt>
 <registers>
 <register><name>TIM_CR1</name><addressOffset>0</addressOffset><access>read-write</access><fields>
  <field><name>CEN</name><bitOffset>0</bitOffset><bitWidth>1</bitWidth></field>
  <field><name>CKD0</name><description>Divide</description><bitOffset>8</bitOffset><bitWidth>1</bitWidth></field>
  <field><name>CKD1</name><bitOffset>9</bitOffset><bitWidth>1</bitWidth></field>
  <field><name>CH</name><bitOffset>4</bitOffset><bitWidth>2</bitWidth></field>
 </fields></register>
 <register><name>TIM_SR</name><addressOffset>4</addressOffset><fields>
  <field><name>UIF</name><bitOffset>0</bitOffset><bitWidth>1</bitWidth></field></fields></register>
 <register><name>TIM_JUNK</name><addressOffset>8</addressOffset></register>
 <cluster><name>SUB</name><addressOffset>0x20</addressOffset>
  <register><name>A</name><addressOffset>0</addressOffset></register></cluster>
 </registers></peripheral>
<peripheral derivedFrom="TIM1"><name>TIM2</name><baseAddress>0x40001000</baseAddress></peripheral>
<peripheral><name>GONE</name><baseAddress>0x50000000</baseAddress><registers>
 <register><name>R</name><addressOffset>0</addressOffset></register></registers></peripheral>
</peripherals></device>"#;

/// The chip and what is odd in the patch, each as `line: path: what`.
fn patched(yaml: &str) -> (Chip, Vec<String>) {
    let patch = Patch::from_text(Path::new("fix.yaml"), yaml).unwrap();
    let build = Build { patches: vec![patch], ..Build::default() };
    let (chip, warnings) = Chip::from_svd_with(SVD.as_bytes(), &build).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let told = chip
        .patch_warnings()
        .into_iter()
        .map(|(file, warning)| {
            assert_eq!(file, "fix.yaml");
            format!("{}: {}: {}", warning.line, warning.path, warning.what)
        })
        .collect();
    (chip, told)
}

fn clean(yaml: &str) -> Chip {
    let (chip, told) = patched(yaml);
    assert!(told.is_empty(), "{told:?}");
    chip
}

fn paths(chip: &Chip) -> Vec<String> {
    crate::paths(chip)
}

fn fields(chip: &Chip, register: &str) -> Vec<String> {
    let all = chip.registers();
    let register = all.into_iter().find(|one| one.path() == register).expect("it is there");
    register
        .fields()
        .map(|field| format!("{} {}+{}", field.name(), field.lsb(), field.width()))
        .collect()
}

#[test]
fn peripherals_are_deleted_added_renamed_and_derived() {
    let chip = clean(
        "_svd: ignored.svd\n_delete: GONE\n_modify:\n  version: 2.0\n  TIM1: {name: TIMA, baseAddress: 0x40000400}\n\
         _add:\n  NEW:\n    description: d\n    baseAddress: 0x60000000\n    registers:\n      R: {addressOffset: 4, size: 16}\n\
         _derive:\n  TIM3: {_from: TIMA, baseAddress: 0x40002000}\n",
    );
    let of = |path: &str| {
        let register = chip.registers().find(|register| register.path() == path);
        register.map(|register| register.address())
    };
    assert_eq!(of("TIMA.TIM_SR"), Some(0x4000_0404));
    // What was derived from the old name follows it.
    assert_eq!(of("TIM2.TIM_SR"), Some(0x4000_1004));
    assert_eq!(of("TIM3.TIM_SR"), Some(0x4000_2004));
    assert_eq!(of("NEW.R"), Some(0x6000_0004));
    assert_eq!(of("GONE.R"), None);
    assert_eq!(chip.device().version, "2.0");
}

#[test]
fn registers_are_stripped_deleted_changed_and_added() {
    let chip = clean(
        "\"TIM[1-9],TIM1\":\n  _delete: [TIM_JUNK]\n  _strip: TIM_\n  _modify:\n    SR: {addressOffset: 0x10, access: read-only}\n\
         \x20 _add:\n    DR: {addressOffset: 0x14, fields: {D: {bitRange: \"[7:0]\"}}}\n  SUB:\n    _add:\n      B: {addressOffset: 4}\n",
    );
    assert_eq!(paths(&chip)[..5], ["TIM1.CR1", "TIM1.SR", "TIM1.SUB.A", "TIM1.SUB.B", "TIM1.DR"],);
    let sr = chip.registers_at(0x4000_0010).remove(0);
    assert_eq!(sr.path(), "TIM1.SR");
    assert_eq!(sr.access().unwrap().as_str(), "read-only");
    assert_eq!(sr.patch(), Some(("fix.yaml", 5)));
    let cr1 = chip.registers_at(0x4000_0000).remove(0);
    assert_eq!(cr1.patch(), Some(("fix.yaml", 3)), "the rule that renamed it");
    assert_eq!(fields(&chip, "TIM1.DR"), ["D 0+8"]);
    assert_eq!(chip.patches(), ["fix.yaml"]);
    let untouched = chip.registers_at(0x5000_0000).remove(0);
    assert_eq!(untouched.patch(), None);
}

#[test]
fn fields_are_merged_split_changed_and_given_values() {
    let chip = clean(
        "TIM1:\n  TIM_CR1:\n    _merge: [\"CKD*\"]\n    _split: {CH: {name: CH%s}}\n    _modify:\n      CEN: {bitWidth: 2, description: On}\n\
         \x20   CEN: {Off: [0, Stopped, or not], Run: [0b1, Counts], Rest: [-1, Other]}\n    CKD: [0, 0x2]\n  TIM_SR:\n    UIF:\n      _read: {Quiet: [0, n], Fired: [1, y]}\n      _W0C: {Clear: [0, c]}\n",
    );
    assert_eq!(fields(&chip, "TIM1.TIM_CR1"), ["CEN 0+2", "CKD 8+2", "CH0 4+1", "CH1 5+1"]);
    let register = chip.registers_at(0x4000_0000).remove(0);
    let of = |name: &str| register.fields().find(|field| field.name() == name).unwrap();
    let names: Vec<_> = of("CEN").enums().map(|value| value.name.to_owned()).collect();
    assert_eq!(names, ["Off", "Run", "Rest"]);
    let read = |raw| of("CEN").named(raw, EnumUsage::Read).map(|value| value.name.to_owned());
    assert_eq!((read(1), read(3)), (Some("Run".into()), Some("Rest".into())));
    let range = WriteConstraint::Range { minimum: 0, maximum: 2 };
    assert_eq!(of("CKD").write_constraint(), Some(range));
    let sr = chip.registers_at(0x4000_0004).remove(0);
    let uif = sr.fields().next().unwrap();
    assert_eq!(uif.modified_write_values().unwrap().as_str(), "zeroToClear");
    assert_eq!(uif.enums().count(), 3);
}

#[test]
fn interrupts_are_changed_even_where_the_peripheral_is_derived() {
    let chip = clean(
        "TIM2:\n  _add:\n    _interrupts:\n      TIM2: {value: 28}\nTIM1:\n  _modify:\n    _interrupts:\n      TIM1_UP: {value: 25}\n",
    );
    let numbers: Vec<u32> = chip.interrupts().map(|interrupt| interrupt.number).collect();
    assert_eq!(numbers, [25, 28]);
}

#[test]
fn what_cannot_be_followed_is_told_with_its_line_and_costs_itself() {
    let cases = [
        ("NOPE:\n  R: {}\n", "1: : no peripheral is called `NOPE`"),
        ("\"?~NOPE\":\n  R: {}\n", ""),
        ("TIM1:\n  NOPE: {}\n", "2: TIM1: no register or cluster is called `NOPE`"),
        ("TIM1:\n  \"?~NOPE\": {}\n", ""),
        ("TIM1:\n  TIM_SR:\n    NOPE: [0, 1]\n", "3: TIM1.TIM_SR: no field is called `NOPE`"),
        ("_delete: [NOPE]\n", "1: : no peripheral is called `NOPE`"),
        ("TIM1:\n  _array: {\"TIM_*\": {}}\n", "2: TIM1: `_array` is not supported here"),
        ("_zap: 1\n", "1: : `_zap` is not supported here"),
        ("TIM1:\n  _modify:\n    TIM_SR: {colour: red}\n", "3: TIM1.TIM_SR: `colour` is not known"),
        (
            "TIM1:\n  _modify:\n    TIM_SR: {addressOffset: far}\n",
            "3: TIM1.TIM_SR: `addressOffset`",
        ),
        ("TIM1:\n  _add:\n    TIM_SR: {addressOffset: 0}\n", "3: TIM1: there is a register"),
        ("TIM1:\n  _add:\n    X: {size: 8}\n", "3: TIM1.X: a register without `addressOffset`"),
        (
            "TIM1:\n  TIM_SR:\n    UIF: {A: [2, x]}\n",
            "3: TIM1.TIM_SR: the value of `A` does not fit",
        ),
        ("TIM1:\n  TIM_SR:\n    UIF: {A: 1}\n", "3: TIM1.TIM_SR: an enumerated value is"),
        ("TIM2:\n  TIM_SR: {UIF: [0, 1]}\n", "1: TIM2: it is derived from `TIM1`"),
        ("_copy:\n  X: {from: \"other.svd:TIM1\"}\n", "2: X: `_copy` from another file"),
        ("_derive: {TIM1: TIM2}\n", "1: TIM1: `TIM2` is derived from it"),
        ("- a list\n", "1: : a patch is a map of rules"),
        ("", ""),
    ];
    for (yaml, expected) in cases {
        let (chip, told) = patched(yaml);
        match expected {
            "" => assert!(told.is_empty(), "{yaml}: {told:?}"),
            _ => {
                assert_eq!(told.len(), 1, "{yaml}: {told:?}");
                assert!(told[0].starts_with(expected), "{yaml}: {told:?}");
            }
        }
        assert_eq!(chip.registers().count(), 9, "{yaml}: nothing else changed");
    }
}

#[test]
fn yaml_that_is_none_is_an_error_with_its_line() {
    let bomb = (1..40).fold("a: &a0 [x, x]\n".to_owned(), |all, n| {
        format!("{all}b{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)
    });
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases = [
        ("TIM1:\n  a: b: c\n", 2),
        ("TIM1: {}\nTIM1: {}\n", 2),
        ("a: [1, 2\n", 2),
        ("a: *nobody\n", 1),
        (bomb.as_str(), 18),
        (deep.as_str(), 1),
    ];
    for (yaml, expected) in cases {
        let error = Patch::from_text(Path::new("fix.yaml"), yaml).unwrap_err();
        let PatchError::NotYaml { line, .. } = error else { panic!("{error}") };
        assert_eq!(line, expected, "{}", &yaml[..yaml.len().min(60)]);
    }
}

#[test]
fn files_are_included_and_changes_of_any_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| {
        fs::write(path(name), text).unwrap();
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(path(name)).unwrap().set_modified(old).unwrap();
    };
    write("chip.svd", SVD);
    fs::create_dir(path("sub")).unwrap();
    write(
        "top.yaml",
        "_include: sub/common.yaml\nTIM1:\n  _include: [sub/tim.yaml]\n  _delete: [TIM_JUNK]\n",
    );
    write("sub/common.yaml", "_include: [common.yaml]\n_delete: [GONE]\n");
    write("sub/tim.yaml", "_delete: [NOPE]\n_strip: TIM_\n");
    let patches = vec![path("top.yaml")];
    let source = SvdSource { patches, ..SvdSource::from(path("chip.svd")) };
    let sources = Sources { svds: vec![source], elfs: Vec::new() };
    let open = || Index::open(&sources, &path("cache")).unwrap();
    let opened = open();
    let chip = opened.index.chip().unwrap();
    assert_eq!(paths(chip)[..2], ["TIM1.CR1", "TIM1.SR"]);
    assert!(paths(chip).iter().all(|path| !path.contains("JUNK") && !path.contains("GONE")));
    // The warning names the file that the rule stands in.
    let [around, warning] = opened.warnings.as_slice() else { panic!("{:?}", opened.warnings) };
    assert!(around.to_string().contains("common.yaml` includes itself"), "{around}");
    assert!(warning.to_string().contains("sub/tim.yaml:1: TIM1: no register"), "{warning}");
    assert!(open().notes.is_empty(), "known without reading");
    write("sub/tim.yaml", "_strip: TI\n");
    let changed = open();
    assert_eq!(paths(changed.index.chip().unwrap())[0], "TIM1.M_CR1");
    // The SVD alone is another index, and not disturbed.
    let plain = Sources { svds: vec![path("chip.svd").into()], elfs: Vec::new() };
    let plain = Index::open(&plain, &path("cache")).unwrap();
    assert_eq!(paths(plain.index.chip().unwrap())[0], "TIM1.TIM_CR1");
    assert!(plain.index.chip().unwrap().patches().is_empty());

    fs::remove_file(path("sub/tim.yaml")).unwrap();
    let error = Index::open(&sources, &path("cache")).unwrap_err();
    let IndexError::Patch(error) = &error else { panic!("{error}") };
    assert!(error.to_string().contains("sub/tim.yaml"), "{error}");
}
