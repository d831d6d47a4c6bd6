//! Paths as they go into `silk.toml`.

use std::path::{Path, PathBuf};

/// `path` as seen from `folder`; both absolute and without links. Up to `steps_up` folders above
/// are written as `..`, so that a repository can move as a whole.
pub(super) fn relative(folder: &Path, path: &Path, steps_up: usize) -> PathBuf {
    for (steps, ancestor) in folder.ancestors().enumerate().take(steps_up + 1) {
        if let Ok(rest) = path.strip_prefix(ancestor) {
            let up: PathBuf = std::iter::repeat_n("..", steps).collect();
            return up.join(rest);
        }
    }
    path.to_owned()
}

/// A text of at most `most_bytes`, whatever its encoding. None if there is no such file.
pub(super) fn load_text(path: &Path, most_bytes: u64) -> Option<String> {
    use std::io::Read;
    let file = std::fs::File::open(path).ok().filter(|_| path.is_file())?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_where_they_can_be() {
        let cases = [
            ("/home/ada/p", 0, "/home/ada/p/a/b.elf", "a/b.elf"),
            ("/home/ada/p", 1, "/home/ada/target/b", "../target/b"),
            ("/home/ada/w/x/p", 2, "/home/ada/w/target/b", "../../target/b"),
            ("/home/ada/p", 0, "/home/ada/target/b", "/home/ada/target/b"),
            ("/home/ada/p", 1, "/opt/packs/b.svd", "/opt/packs/b.svd"),
        ];
        for (folder, steps, path, expected) in cases {
            let shown = relative(Path::new(folder), Path::new(path), steps);
            assert_eq!(shown, Path::new(expected), "{path} from {folder}");
        }
    }
}
