//! The names of entries in archives.

use super::archive::Refusal;

/// What an index of the database takes.
const LONGEST: usize = 1_000;

/// The name of an entry, or why it is refused. The names of folders end with a slash.
pub fn check(raw: &[u8]) -> Result<String, Refusal> {
    let shown = || {
        let name: String = String::from_utf8_lossy(raw).chars().take(200).collect();
        name.chars()
            .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
            .collect::<String>()
    };
    let refuse = |reason: &str, fix: &str| Err(Refusal::new(reason, fix).at(shown()));
    let Ok(name) = std::str::from_utf8(raw) else {
        return refuse(
            "Its name is not UTF-8.",
            "Rename the file with plain letters, or pack the package with UTF-8 names.",
        );
    };
    if name.len() > LONGEST {
        return refuse("Its name is longer than 1,000 bytes.", "Use shorter names.");
    }
    if name.chars().any(char::is_control) {
        return refuse("Its name has control characters.", "Rename the file.");
    }
    if name.contains('\\') {
        return refuse(
            "Its name has a backslash.",
            "Pack the package with a tool that writes `/` between folders.",
        );
    }
    if name.starts_with('/') {
        return refuse(
            "Its name begins at the root.",
            "Pack the package with relative names.",
        );
    }
    if name.as_bytes().get(1) == Some(&b':') {
        return refuse(
            "Its name has a drive letter.",
            "Pack the package with relative names.",
        );
    }
    let parts = name.strip_suffix('/').unwrap_or(name).split('/');
    for part in parts {
        match part {
            ".." => {
                return refuse(
                    "Its name leads out of the package.",
                    "Pack the package with plain relative names.",
                );
            }
            "" | "." => {
                return refuse(
                    "Its name has an empty part.",
                    "Pack the package with plain relative names.",
                );
            }
            _ => {}
        }
    }
    Ok(name.to_owned())
}
