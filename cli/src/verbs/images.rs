//! The firmware images that a verb asks, and what an answer calls the one it is from.

use svd_index::Index;
use svd_index::elf::Firmware;

/// One image.
pub(crate) struct Image<'a> {
    pub(crate) firmware: &'a Firmware,
    /// Path as it was named, for JSON. `None` where it is the only one: it needs no name.
    pub(crate) elf: Option<String>,
    label: String,
}

impl Image<'_> {
    /// The shortest end of its path that no other image has; `None` where it is the only one.
    pub(crate) fn label(&self) -> Option<&str> {
        self.elf.as_ref().map(|_| self.label.as_str())
    }
}

/// All images of an index, in the order given.
pub(crate) fn images(index: &Index) -> Vec<Image<'_>> {
    let firmwares = index.firmwares();
    let path = |firmware: &Firmware| {
        firmware.path().map_or_else(String::new, |path| path.display().to_string())
    };
    let paths: Vec<String> = firmwares.iter().map(path).collect();
    let several = firmwares.len() > 1;
    let image = |(position, firmware): (usize, _)| Image {
        firmware,
        elf: several.then(|| paths[position].clone()),
        label: label(&paths, position),
    };
    firmwares.iter().enumerate().map(image).collect()
}

/// The image that `firmware` is.
pub(crate) fn image_of<'i, 'a>(images: &'i [Image<'a>], firmware: &Firmware) -> &'i Image<'a> {
    let is = |image: &&Image<'_>| std::ptr::eq(image.firmware, firmware);
    images.iter().find(is).expect("the images are those of the index that answers")
}

fn label(paths: &[String], position: usize) -> String {
    let path = &paths[position];
    let ends = path.rmatch_indices(['/', '\\']).map(|(at, _)| &path[at + 1..]);
    let others = || paths.iter().enumerate().filter(|(other, _)| *other != position);
    let is_unique = |end: &&str| {
        !others().any(|(_, other)| {
            other
                .strip_suffix(end)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', '\\']))
        })
    };
    let mut ends = ends.filter(|end| !end.is_empty());
    ends.find(is_unique).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_tells_them_apart() {
        let check = |paths: &[&str], expected: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            let labels: Vec<String> = (0..paths.len()).map(|at| label(&paths, at)).collect();
            assert_eq!(labels, expected);
        };
        check(&["out/boot.elf", "out/app.elf"], &["boot.elf", "app.elf"]);
        check(&["boot/fw.elf", "app/fw.elf"], &["boot/fw.elf", "app/fw.elf"]);
        check(&["/b/s/fw.elf", "/b/ns/fw.elf"], &["s/fw.elf", "ns/fw.elf"]);
        check(&["fw.elf", "/b/fw.elf"], &["fw.elf", "b/fw.elf"]);
        check(&["a.elf", "a.elf"], &["a.elf", "a.elf"]);
    }
}
