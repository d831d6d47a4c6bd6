//! Taking an SVD out of a CMSIS pack, another archive, or a folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use svd_index::svd::ContainerError;
use svd_index::{Index, IndexError, Sources, SvdSource};
use zip::write::SimpleFileOptions;

/// What a pack of two families looks like: SVDs given to a family, to a device, to a variant,
/// and by core.
const DESCRIPTION: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<package schemaVersion="1.7.7"><vendor>V</vendor><name>V_DFP</name>
<devices>
 <family Dfamily="F4" Dvendor="V:1"><processor Dcore="Cortex-M4"/>
  <subFamily DsubFamily="F407"><debug svd="SVD\F407.svd"/>
   <device Dname="STM32F407VGTx"/><device Dname="STM32F407ZGTx"></device></subFamily>
  <subFamily DsubFamily="F405"><debug svd="SVD/F405.svd"/>
   <device Dname="STM32F405RGTx">
    <variant Dvariant="STM32F405RGTxQ"><debug svd="SVD/F405Q.svd"/></variant></device></subFamily>
 </family>
 <family Dfamily="H7" Dvendor="V:1">
  <device Dname="STM32H745ZITx"><processor Pname="CM7"/><processor Pname="CM4"/>
   <debug Pname="CM7" svd="SVD/H745_CM7.svd"/><debug Pname="CM4" svd="SVD/H745_CM4.svd"/></device>
  <device Dname="STM32H743ZITx"><debug svd="svd/h743.SVD"/></device>
 </family>
</devices></package>"#;

const MEMBERS: [&str; 6] = ["F407", "F405", "F405Q", "H745_CM7", "H745_CM4", "H743"];

fn svd(device: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<device><name>{device}</name><peripherals><peripheral>\
         <name>P</name><baseAddress>0x40000000</baseAddress><registers><register><name>R</name>\
         <addressOffset>0</addressOffset></register></registers></peripheral></peripherals></device>"
    )
}

fn members() -> Vec<(String, String)> {
    let mut members = vec![("V.V_DFP.pdsc".to_owned(), DESCRIPTION.to_owned())];
    members.extend(MEMBERS.map(|name| (format!("SVD/{name}.svd"), svd(name))));
    members
}

fn zip(path: &Path, members: &[(String, String)]) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, content) in members {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
}

fn unpack(folder: &Path, members: &[(String, String)]) {
    for (name, content) in members {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The device's name in the SVD that is taken.
    fn open(&self, source: &SvdSource) -> Result<String, IndexError> {
        let sources = Sources { svds: vec![source.clone()], elfs: Vec::new() };
        let opened = Index::open(&sources, &self.path("cache"))?;
        Ok(opened.index.chip().unwrap().device().name.to_owned())
    }

    fn of_chip(&self, path: &Path, chip: &str) -> Result<String, ContainerError> {
        let chip = Some(chip).filter(|chip| !chip.is_empty()).map(str::to_owned);
        self.choose(&SvdSource { chip, ..SvdSource::from(path.to_owned()) })
    }

    fn choose(&self, source: &SvdSource) -> Result<String, ContainerError> {
        self.open(source).map_err(|error| match error {
            IndexError::Container { source, .. } => source,
            other => panic!("{other}"),
        })
    }
}

#[test]
fn a_pack_gives_the_svd_of_the_chip() {
    let bench = Bench::new();
    let pack = bench.path("V.V_DFP.1.0.0.pack");
    zip(&pack, &members());
    let folder = bench.path("V/V_DFP/1.0.0");
    unpack(&folder, &members());
    let cases = [
        ("STM32F407VGTx", "F407"),
        ("stm32f407vg", "F407"),
        ("STM32F407VGT6", "F407"),
        // Several devices of one SVD are no question.
        ("STM32F407", "F407"),
        ("STM32F405RGTx", "F405"),
        ("STM32F405RGTxQ", "F405Q"),
        // Its SVD is spelled otherwise in the pack's description.
        ("STM32H743ZI", "H743"),
    ];
    for (chip, expected) in cases {
        assert_eq!(bench.of_chip(&pack, chip).unwrap(), expected, "{chip} in the pack");
        assert_eq!(bench.of_chip(&folder, chip).unwrap(), expected, "{chip} in the folder");
    }
}

#[test]
fn a_choice_that_is_not_clear_lists_what_there_is() {
    let bench = Bench::new();
    let pack = bench.path("V.pack");
    zip(&pack, &members());
    let told = |chip: &str| match bench.of_chip(&pack, chip).unwrap_err() {
        ContainerError::NoChip { found } => ("none", found),
        ContainerError::NoneFits { chip: named, found } => {
            assert_eq!(named, chip);
            ("other", found)
        }
        ContainerError::Several { found, .. } => ("several", found),
        other => panic!("{other}"),
    };
    let (why, found) = told("");
    assert_eq!((why, found.len()), ("none", 7));
    let (why, found) = told("nRF52840");
    assert_eq!((why, found.len()), ("other", 7));
    let (why, found) = told("STM32H745ZI");
    let found: Vec<String> = found.into_iter().map(|choice| choice.device.unwrap()).collect();
    assert_eq!(why, "several");
    assert_eq!(found, ["STM32H745ZITx, CM4", "STM32H745ZITx, CM7"]);
}

#[test]
fn an_svd_inside_can_be_named() {
    let bench = Bench::new();
    let pack = bench.path("V.pack");
    zip(&pack, &members());
    let spelled = |member: &str| {
        let path = PathBuf::from(format!("{}:{member}", pack.display()));
        bench.choose(&SvdSource::spelled(&path))
    };
    for member in ["SVD/H745_CM7.svd", "H745_CM7.svd", "svd\\h745_cm7.SVD", "./SVD/H745_CM7.svd"] {
        assert_eq!(spelled(member).unwrap(), "H745_CM7", "{member}");
    }
    for member in ["745_CM7.svd", "../SVD/H745_CM7.svd", "SVD/X.svd", "/etc/passwd"] {
        let error = spelled(member).unwrap_err();
        let ContainerError::NoMember { found, .. } = &error else { panic!("{error}") };
        assert_eq!(found.len(), MEMBERS.len());
    }
    // Of a plain file there is nothing inside.
    let plain = bench.path("plain.zip");
    fs::write(&plain, svd("X")).unwrap();
    let source = SvdSource::spelled(&PathBuf::from(format!("{}:a.svd", plain.display())));
    assert!(matches!(bench.choose(&source), Err(ContainerError::NotContainer { .. })));
}

#[test]
fn a_path_is_split_only_after_an_archive() {
    let cases = [
        ("a/b.svd", "a/b.svd", None),
        ("a/b.PACK:c/d.svd", "a/b.PACK", Some("c/d.svd")),
        ("C:\\x\\b.zip:d.svd", "C:\\x\\b.zip", Some("d.svd")),
        ("C:\\x\\b.svd", "C:\\x\\b.svd", None),
        ("b.zip:", "b.zip:", None),
        ("b.zip", "b.zip", None),
    ];
    for (written, path, member) in cases {
        let source = SvdSource::spelled(Path::new(written));
        assert_eq!(source.path, Path::new(path), "{written}");
        assert_eq!(source.member.as_deref(), member, "{written}");
    }
}

#[test]
fn without_a_description_names_decide() {
    let bench = Bench::new();
    let named = |names: &[(&str, &str)]| -> Vec<(String, String)> {
        names.iter().map(|(file, device)| ((*file).to_owned(), svd(device))).collect()
    };
    let archive = bench.path("data.zip");
    zip(
        &archive,
        &named(&[("STM32F40x.svd", "a"), ("x/STM32F405.svd", "b"), ("one.svd", "LPC55S69")]),
    );
    assert_eq!(bench.of_chip(&archive, "STM32F405RGTx").unwrap(), "b");
    assert_eq!(bench.of_chip(&archive, "STM32F401RETx").unwrap(), "a");
    // No file is called so: the device's own name tells.
    assert_eq!(bench.of_chip(&archive, "LPC55S69JBD100").unwrap(), "LPC55S69");
    assert!(matches!(bench.of_chip(&archive, "RP2040"), Err(ContainerError::NoneFits { .. })));

    let folder = bench.path("folder");
    unpack(&folder, &named(&[("deep/er/only.svd", "ONLY"), ("readme.txt", "no")]));
    assert_eq!(bench.of_chip(&folder, "").unwrap(), "ONLY");
    let empty = bench.path("empty");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(bench.of_chip(&empty, "X"), Err(ContainerError::NoSvd)));
}

#[test]
fn a_pack_is_read_again_only_when_it_changed() {
    let bench = Bench::new();
    let pack = bench.path("V.pack");
    zip(&pack, &members());
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(&pack).unwrap().set_modified(old).unwrap();
    let of = |chip: &str| SvdSource { chip: Some(chip.into()), ..SvdSource::from(pack.clone()) };
    assert_eq!(bench.open(&of("STM32F407VG")).unwrap(), "F407");
    assert_eq!(bench.open(&of("STM32F405RGTx")).unwrap(), "F405");
    assert_eq!(bench.open(&of("STM32F407VG")).unwrap(), "F407");
    let mut changed = members();
    changed[1].1 = svd("F407_NEW");
    zip(&pack, &changed);
    assert_eq!(bench.open(&of("STM32F407VG")).unwrap(), "F407_NEW");
}

#[test]
fn broken_and_hostile_archives_end_in_an_error() {
    let bench = Bench::new();
    let pack = bench.path("V.pack");
    zip(&pack, &members());
    let whole = fs::read(&pack).unwrap();
    // Cut anywhere, or with a byte turned over: an SVD, or an error that says what is wrong.
    for cut in (5..whole.len()).step_by(97) {
        fs::write(&pack, &whole[..cut]).unwrap();
        assert!(bench.of_chip(&pack, "STM32F407VG").is_err(), "cut at {cut}");
    }
    for place in (4..whole.len()).step_by(13) {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        fs::write(&pack, &changed).unwrap();
        let source = SvdSource { chip: Some("STM32F407VG".into()), ..pack.clone().into() };
        if let Err(error) = bench.open(&source) {
            assert!(!error.to_string().is_empty());
        }
    }

    let bomb = bench.path("bomb.zip");
    let mut writer = zip::ZipWriter::new(fs::File::create(&bomb).unwrap());
    writer.start_file("bomb.svd", SimpleFileOptions::default()).unwrap();
    let blanks = vec![b' '; 1 << 20];
    (0..300).for_each(|_| writer.write_all(&blanks).unwrap());
    writer.finish().unwrap();
    assert!(fs::metadata(&bomb).unwrap().len() < 1 << 20, "it is small");
    let error = bench.of_chip(&bomb, "").unwrap_err();
    assert!(matches!(error, ContainerError::TooLarge { .. }), "{error}");
    // One that lies about its size is stopped all the same.
    let mut lying = fs::read(&bomb).unwrap();
    let size = (300_u32 << 20).to_le_bytes();
    for place in 0..lying.len() - 4 {
        if lying[place..place + 4] == size {
            lying[place..place + 4].copy_from_slice(&1000_u32.to_le_bytes());
        }
    }
    fs::write(&bomb, &lying).unwrap();
    assert!(bench.of_chip(&bomb, "").is_err());

    // Bit 0 of the general purpose flags says that a file is encrypted (APPNOTE 6.3.10, 4.4.4).
    let locked = bench.path("locked.zip");
    zip(&locked, &[("a.svd".to_owned(), svd("A"))]);
    let mut bytes = fs::read(&locked).unwrap();
    bytes[6] |= 1;
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[directory + 8] |= 1;
    fs::write(&locked, &bytes).unwrap();
    let error = bench.of_chip(&locked, "").unwrap_err();
    assert!(matches!(error, ContainerError::Encrypted { .. }), "{error}");
}

#[test]
fn names_that_lead_out_of_the_archive_are_only_names() {
    let bench = Bench::new();
    let outside = bench.path("outside.svd");
    fs::write(&outside, svd("OUTSIDE")).unwrap();
    let description = "<package><devices><family><device Dname=\"CHIP1\"><debug svd=\"../outside.svd\"/>\
         </device></family></devices></package>";
    let hostile = [("x.pdsc".to_owned(), description.to_owned()), ("a.svd".to_owned(), svd("A"))];
    let folder = bench.path("pack");
    unpack(&folder, &hostile);
    let error = bench.of_chip(&folder, "CHIP1").unwrap_err();
    assert!(matches!(error, ContainerError::NoMember { .. }), "{error}");
    let archive = bench.path("hostile.pack");
    zip(&archive, &[hostile[0].clone(), ("../outside.svd".to_owned(), svd("INSIDE"))]);
    assert_eq!(
        bench.of_chip(&archive, "CHIP1").unwrap(),
        "INSIDE",
        "nothing is written or followed"
    );
}
