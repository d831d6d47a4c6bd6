//! Chooses the SVD in a container: by its name, by the pack's own list of devices, or by what
//! the SVDs are called.
//!
//! Source: Open-CMSIS-Pack specification 1.7, `/package/devices`: `<family>` holds `<subFamily>`
//! holds `<device>` holds `<variant>`; a `<debug svd="…" Pname="…">` counts for all below it,
//! unless one below says otherwise for the same processor.

use bumpalo::Bump;

use super::container::{Choice, Container, ContainerError};
use super::fit::{fits, nearness};
use super::xml::Xml;

/// Bytes of an SVD in which its device's name stands.
const HEAD: u64 = 8 << 10;

/// SVDs whose heads are read, where no file name fits.
const MAX_HEADS: usize = 1000;

/// Elements of `<devices>` in each other; the specification has four.
const MAX_LEVELS: u32 = 8;

/// The name of the SVD in `container` that is meant.
///
/// `member` is what a person wrote; of a path its end is enough, if that is unique. Without it
/// the only SVD is taken, or the one that is for `chip`.
pub(super) fn choose(
    container: &mut Container,
    member: Option<&str>,
    chip: Option<&str>,
) -> Result<String, ContainerError> {
    let svds = svd_names(container);
    if let Some(member) = member {
        return named(container, &svds, member);
    }
    let devices = devices(container)?;
    if !devices.is_empty() {
        return by_device(container, devices, chip);
    }
    let choices = || svds.iter().map(|name| plain(name)).collect();
    match (svds.as_slice(), chip) {
        ([], _) => Err(ContainerError::NoSvd),
        ([only], _) => Ok(only.clone()),
        (_, None) => Err(ContainerError::NoChip { found: choices() }),
        (_, Some(chip)) => {
            let mut fitting = best(&svds, |name| fits(stem(name), chip));
            if fitting.is_empty() {
                let names = device_names(container, &svds);
                let with_names: Vec<_> = svds.iter().zip(names).collect();
                let all = best(&with_names, |(_, device)| fits(device, chip));
                fitting = all.into_iter().map(|(name, _)| name.clone()).collect();
            }
            match fitting.as_slice() {
                [] => Err(ContainerError::NoneFits { chip: chip.into(), found: choices() }),
                [only] => Ok(only.clone()),
                several => Err(ContainerError::Several {
                    chip: chip.into(),
                    found: several.iter().map(|name| plain(name)).collect(),
                }),
            }
        }
    }
}

/// Those of `all` that fit best; several if they fit equally well.
fn best<T: Clone>(all: &[T], fit: impl Fn(&T) -> Option<usize>) -> Vec<T> {
    let Some(most) = all.iter().filter_map(&fit).max() else { return Vec::new() };
    all.iter().filter(|one| fit(one) == Some(most)).cloned().collect()
}

fn plain(name: &str) -> Choice {
    Choice { member: name.to_owned(), device: None }
}

/// The SVDs in a container: `.svd`, plain or gzip; where there is none, `.xml`.
fn svd_names(container: &Container) -> Vec<String> {
    let names = container.names();
    let ending = |ends: &[&str]| -> Vec<String> {
        let is_one = |name: &&String| {
            let name = name.to_ascii_lowercase();
            ends.iter().any(|end| name.ends_with(end))
        };
        names.iter().filter(is_one).cloned().collect()
    };
    let svds = ending(&[".svd", ".svd.gz"]);
    if svds.is_empty() { ending(&[".xml"]) } else { svds }
}

fn named(container: &Container, svds: &[String], member: &str) -> Result<String, ContainerError> {
    let wanted = member.replace('\\', "/").trim_start_matches("./").to_ascii_lowercase();
    let names = container.names();
    if let Some(exact) = names.iter().find(|name| *name == member) {
        return Ok(exact.clone());
    }
    let ends = |name: &&String| {
        let name = name.to_ascii_lowercase();
        name.strip_suffix(&wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    match names.iter().filter(ends).collect::<Vec<_>>().as_slice() {
        [only] => Ok((*only).clone()),
        _ => Err(ContainerError::NoMember {
            member: member.into(),
            found: svds.iter().map(|name| plain(name)).collect(),
        }),
    }
}

fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split_once('.').map_or(file, |(stem, _)| stem)
}

/// The device's name in each SVD; empty where its head has none.
fn device_names(container: &mut Container, svds: &[String]) -> Vec<String> {
    let mut name = |svd: &String| {
        let head = container.read_head(svd, HEAD).ok()?;
        let head = String::from_utf8_lossy(&head);
        let (_, device) = head.split_once("<device")?;
        let (_, name) = device.split_once("<name>")?;
        Some(name.split_once('<')?.0.trim().to_owned())
    };
    svds.iter().take(MAX_HEADS).map(|svd| name(svd).unwrap_or_default()).collect()
}

/// A device of a pack and the SVD of one of its processors.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    name: String,
    /// Empty where the device has but one.
    processor: String,
    svd: String,
}

impl Device {
    fn choice(&self) -> Choice {
        let device = match self.processor.as_str() {
            "" => self.name.clone(),
            processor => format!("{}, {processor}", self.name),
        };
        Choice { member: self.svd.clone(), device: Some(device) }
    }
}

fn by_device(
    container: &Container,
    devices: Vec<Device>,
    chip: Option<&str>,
) -> Result<String, ContainerError> {
    let chosen = match chip {
        Some(chip) => {
            let near = |device: &Device| nearness(&device.name, chip);
            let nearest = devices.iter().filter_map(near).max();
            let of = |device: &&Device| nearest.is_some() && near(device) == nearest;
            devices.iter().filter(of).cloned().collect()
        }
        None => devices.clone(),
    };
    let mut svds: Vec<&str> = chosen.iter().map(|device| device.svd.as_str()).collect();
    svds.sort_unstable_by_key(|svd| svd.to_ascii_lowercase());
    svds.dedup_by_key(|svd| svd.to_ascii_lowercase());
    let choices = |devices: &[Device]| devices.iter().map(Device::choice).collect();
    match (svds.as_slice(), chip) {
        ([only], _) => inside(container, only),
        (_, None) => Err(ContainerError::NoChip { found: choices(&devices) }),
        ([], Some(chip)) => {
            Err(ContainerError::NoneFits { chip: chip.into(), found: choices(&devices) })
        }
        (_, Some(chip)) => {
            Err(ContainerError::Several { chip: chip.into(), found: choices(&chosen) })
        }
    }
}

/// A pack made on Windows need not care for case: the name as it really is.
fn inside(container: &Container, svd: &str) -> Result<String, ContainerError> {
    let names = container.names();
    let found = names.iter().find(|name| name.eq_ignore_ascii_case(svd));
    found.cloned().ok_or_else(|| ContainerError::NoMember {
        member: svd.into(),
        found: svd_names(container).iter().map(|name| plain(name)).collect(),
    })
}

/// What the pack's description says; nothing if it has none.
fn devices(container: &mut Container) -> Result<Vec<Device>, ContainerError> {
    let names = container.names();
    let descriptions = names.iter().filter(|name| name.to_ascii_lowercase().ends_with(".pdsc"));
    // A folder of several packs has several; each has its root where its description stands.
    let descriptions: Vec<String> = descriptions.cloned().collect();
    let mut all = Vec::new();
    for description in descriptions {
        let bytes = container.read(&description)?;
        let root = description.rsplit_once('/').map_or("", |(root, _)| root);
        let mut devices = read_description(&String::from_utf8_lossy(&bytes));
        if !root.is_empty() {
            devices.iter_mut().for_each(|device| device.svd = format!("{root}/{}", device.svd));
        }
        all.extend(devices);
    }
    Ok(all)
}

/// Reads the devices of a `.pdsc`. One that is ill-formed gives what stands before the break.
fn read_description(text: &str) -> Vec<Device> {
    let memory = Bump::new();
    let mut reading = Description { xml: Xml::new(text, &memory), devices: Vec::new() };
    while let Some(start) = reading.xml.child() {
        match start.name() {
            // The document's only element.
            "package" => {}
            "devices" => reading.level(&Level::default(), 0),
            _ => reading.xml.skip(),
        }
    }
    reading.devices
}

struct Description<'a> {
    xml: Xml<'a>,
    devices: Vec<Device>,
}

/// What an element of `<devices>` says, what is around it included.
#[derive(Clone, Default)]
struct Level {
    name: Option<String>,
    /// Processor and SVD, the innermost last.
    svds: Vec<(String, String)>,
}

impl Description<'_> {
    /// Reads `<devices>` or an element in it.
    fn level(&mut self, around: &Level, depth: u32) {
        let mut level = around.clone();
        while let Some(start) = self.xml.child() {
            match start.name() {
                "debug" => {
                    if let Some(svd) = start.attribute("svd") {
                        let processor = start.attribute("Pname").unwrap_or_default().to_owned();
                        level.svds.push((processor, svd.replace('\\', "/")));
                    }
                    self.xml.skip();
                }
                "family" | "subFamily" | "device" | "variant" if depth < MAX_LEVELS => {
                    let name = start.attribute("Dvariant").or_else(|| start.attribute("Dname"));
                    let name = name.map(str::to_owned);
                    let inner =
                        Level { name: name.or_else(|| level.name.clone()), ..level.clone() };
                    self.level(&inner, depth + 1);
                }
                _ => self.xml.skip(),
            }
        }
        if let Some(name) = &level.name {
            self.devices.extend(level.devices(name));
        }
    }
}

impl Level {
    /// One for each processor, with the SVD said last.
    fn devices(&self, name: &str) -> Vec<Device> {
        let mut devices: Vec<Device> = Vec::new();
        for (processor, svd) in self.svds.iter().rev() {
            if !devices.iter().any(|device| device.processor == *processor) {
                let (processor, svd) = (processor.clone(), svd.clone());
                devices.push(Device { name: name.to_owned(), processor, svd });
            }
        }
        devices
    }
}
