//! Archives that somebody made to do harm, or that a fault did.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use clap::Parser;
use provost::catalog::contents::package::{
    archive::{Limits, ReadError},
    read,
};

use super::{read_package, refused};
use crate::support::soak;
use crate::support::zips::{Entry, PAGE, SCRIPT, manifest, manifest_of, zip};

#[test]
fn the_limits_are_settings() {
    let arguments = [
        "provost",
        "--package-files=60000",
        "--package-expanded=1048576",
        "--package-ratio=20",
        "--package-manifest=2048",
    ];
    let read_with = |arguments: &[&str], archive: &[u8]| {
        let limits = Limits::of(&Settings::parse_from(arguments).config);
        let read = read::read(Cursor::new(archive), &limits, &mut |_| true);
        match read.expect_err("the archive is refused") {
            ReadError::Refused(refusal) => refusal.reason,
            error => panic!("memory cannot be read: {error:?}"),
        }
    };
    let large = with([Entry::new("film.mp4", vec![7; 2 << 20])]);
    assert!(read_with(&arguments, &large).contains("more than 1048576 bytes"));
    let long = format!("{}<!-- {} -->", manifest(), "x".repeat(4096));
    let long = zip(&[Entry::new("imsmanifest.xml", long)]);
    assert!(read_with(&arguments, &long).contains("larger than 2048 bytes"));
    assert!(read_with(&["provost", "--package-files=2"], &with([])).contains("at most 2"));
}

#[derive(clap::Parser)]
struct Settings {
    #[command(flatten)]
    config: provost::config::Config,
}

/// A package that is good but for these entries.
fn with(entries: impl IntoIterator<Item = Entry>) -> Vec<u8> {
    let good = [
        Entry::new("imsmanifest.xml", manifest()),
        Entry::new("index.html", PAGE),
        Entry::new("api.js", SCRIPT),
    ];
    zip(&good.into_iter().chain(entries).collect::<Vec<_>>())
}

fn named(name: impl AsRef<[u8]>) -> Vec<u8> {
    with([Entry::new(name, "x")])
}

fn altered(alter: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entry = Entry::new(
        "bad.txt",
        "a text that is long enough to be worth compressing, compressing, compressing",
    );
    alter(&mut entry);
    with([entry])
}

/// The bytes of an archive, with some of them written over.
fn patched(mut archive: Vec<u8>, at: impl FnOnce(&[u8]) -> usize, bytes: &[u8]) -> Vec<u8> {
    let at = at(&archive);
    archive[at..at + bytes.len()].copy_from_slice(bytes);
    archive
}

fn find(archive: &[u8], wanted: &[u8]) -> usize {
    archive
        .windows(wanted.len())
        .position(|window| window == wanted)
        .unwrap()
}

fn manifest_text(text: impl AsRef<[u8]>) -> Vec<u8> {
    zip(&[
        Entry::new("imsmanifest.xml", text),
        Entry::new("index.html", PAGE),
        Entry::new("api.js", SCRIPT),
    ])
}

#[test]
fn hostile_archives_are_refused_with_the_entry_and_the_reason() {
    let good = with([]);
    read_package(&good).unwrap();
    let end = good.len();
    let nested = |depth: usize| {
        let items: String = (0..depth)
            .map(|level| format!(r#"<item identifier="i{level}">"#))
            .collect();
        items + &"</item>".repeat(depth)
    };
    let zeros = vec![0; 1 << 20];
    let cases: Vec<(&str, Vec<u8>, Option<&str>, &str)> = vec![
        (
            "an absolute name",
            named("/etc/passwd"),
            Some("/etc/passwd"),
            "begins at the root",
        ),
        (
            "a way out",
            named("../../evil.sh"),
            Some("../../evil.sh"),
            "leads out",
        ),
        (
            "a way out inside",
            named("a/../../b"),
            Some("a/../../b"),
            "leads out",
        ),
        (
            "a way that stays inside",
            named("a/../b.js"),
            Some("a/../b.js"),
            "leads out",
        ),
        ("a backslash", named("a\\b.js"), Some("a\\b.js"), "backslash"),
        (
            "a way out by backslashes",
            named("..\\evil.exe"),
            Some("..\\evil.exe"),
            "backslash",
        ),
        (
            "a drive",
            named("C:/windows/a.dll"),
            Some("C:/windows/a.dll"),
            "drive",
        ),
        (
            "a drive without a slash",
            named("C:a.dll"),
            Some("C:a.dll"),
            "drive",
        ),
        ("a line break", named("a\nb.js"), Some("a\u{fffd}b.js"), "control"),
        ("a NUL", named("a.js\0.png"), Some("a.js\u{fffd}.png"), "control"),
        (
            "an escape sequence",
            named("\u{1b}[2J"),
            Some("\u{fffd}[2J"),
            "control",
        ),
        (
            "no UTF-8",
            named(b"caf\xe9.html"),
            Some("caf\u{fffd}.html"),
            "UTF-8",
        ),
        (
            "an overlong slash",
            named(b"..\xc0\xafa"),
            Some("..\u{fffd}\u{fffd}a"),
            "UTF-8",
        ),
        ("an empty part", named("a//b.js"), Some("a//b.js"), "empty part"),
        ("a dot", named("./b.js"), Some("./b.js"), "empty part"),
        ("no name", named(""), Some(""), "empty part"),
        ("a long name", named("a".repeat(2_000)), None, "longer than"),
        (
            "a symbolic link",
            altered(|entry| entry.mode = 0o120_777),
            Some("bad.txt"),
            "symbolic link",
        ),
        (
            "a device",
            altered(|entry| entry.mode = 0o020_666),
            Some("bad.txt"),
            "special file",
        ),
        (
            "an encrypted entry",
            altered(|entry| entry.flags |= 1),
            Some("bad.txt"),
            "encrypted",
        ),
        (
            "another method",
            altered(|entry| entry.method = 12),
            Some("bad.txt"),
            "DEFLATE",
        ),
        (
            "an unknown method",
            altered(|entry| entry.method = 77),
            Some("bad.txt"),
            "DEFLATE",
        ),
        (
            "names that differ in case",
            named("INDEX.HTML"),
            Some("INDEX.HTML"),
            "capital",
        ),
        (
            "a folder like a file",
            named("index.html/"),
            Some("index.html/"),
            "capital",
        ),
        (
            "the same name twice",
            named("index.html"),
            Some("index.html"),
            "same name",
        ),
        ("a folder with bytes", named("assets/"), Some("assets/"), "folder"),
        (
            "a wrong checksum",
            altered(|entry| entry.crc32 ^= 1),
            Some("bad.txt"),
            "CRC",
        ),
        (
            "more than it says",
            altered(|entry| entry.bytes -= 1),
            Some("bad.txt"),
            "larger than",
        ),
        (
            "less than it says",
            altered(|entry| entry.bytes += 1),
            Some("bad.txt"),
            "size",
        ),
        (
            "a stored file of two sizes",
            with([{
                let mut entry = Entry::stored("bad.txt", "abc");
                entry.bytes = 4;
                entry
            }]),
            Some("bad.txt"),
            "two sizes",
        ),
        (
            "bytes after the compressed ones",
            altered(|entry| {
                entry.data.extend(b"trailing");
                entry.compressed += 8;
            }),
            Some("bad.txt"),
            "size",
        ),
        (
            "compressed bytes that are none",
            altered(|entry| entry.data.fill(0xff)),
            Some("bad.txt"),
            "damaged",
        ),
        (
            "compressed bytes that end early",
            altered(|entry| {
                entry.data.truncate(20);
                entry.compressed = 20;
            }),
            Some("bad.txt"),
            "damaged",
        ),
        (
            "a bomb that says so",
            with([Entry::new("zeros.bin", &zeros)]),
            Some("zeros.bin"),
            "20 times",
        ),
        (
            "a bomb that lies",
            with([{
                let mut entry = Entry::new("zeros.bin", &zeros);
                entry.bytes = 100;
                entry
            }]),
            Some("zeros.bin"),
            "larger than",
        ),
        (
            "too much together",
            with((0..40).map(|n| Entry::stored(format!("{n}.bin"), &zeros[..100_000]))),
            Some("31.bin"),
            "more than 3145728 bytes",
        ),
        (
            "overlapping entries",
            with([Entry::stored("one.txt", "x".repeat(100)), {
                let mut entry = Entry::stored("two.txt", "x".repeat(100));
                entry.position = Some(0);
                entry
            }]),
            None,
            "bytes with another",
        ),
        (
            "data beyond the end",
            altered(|entry| {
                entry.method = 0;
                entry.compressed = 60_000;
                entry.bytes = 60_000;
            }),
            Some("bad.txt"),
            "bytes with another",
        ),
        (
            "an entry that begins nowhere",
            altered(|entry| entry.position = Some(5)),
            Some("bad.txt"),
            "damaged",
        ),
        (
            "too many entries",
            with((0..60).map(|n| Entry::stored(format!("{n}.txt"), ""))),
            None,
            "63 entries",
        ),
        (
            "too large a table of contents",
            with((0..3_000).map(|n| Entry::stored(format!("{n}.txt"), ""))),
            None,
            "table of contents",
        ),
        (
            "no archive",
            b"%PDF-1.7 certainly no archive".to_vec(),
            None,
            "no ZIP archive",
        ),
        ("nothing", Vec::new(), None, "no ZIP archive"),
        ("an empty archive", zip(&[]), None, "empty"),
        (
            "a file cut short",
            good[..end - 30].to_vec(),
            None,
            "no ZIP archive",
        ),
        ("a file without its beginning", good[50..].to_vec(), None, ""),
        (
            "something before it",
            [b"MZ\x90 a program".to_vec(), good.clone()].concat(),
            None,
            "",
        ),
        (
            "more entries than there are",
            patched(good.clone(), |_| end - 12, &[200, 0, 200, 0]),
            None,
            "no ZIP archive",
        ),
        (
            "a table of contents beyond the end",
            patched(good.clone(), |_| end - 6, &[255, 255, 255, 0]),
            None,
            "no ZIP archive",
        ),
        (
            "several disks",
            patched(good.clone(), |_| end - 18, &[1, 0]),
            None,
            "",
        ),
        (
            "a local header that is none",
            patched(good.clone(), |archive| find(archive, b"PK\x03\x04"), b"XX"),
            Some("imsmanifest.xml"),
            "damaged",
        ),
        (
            "a billion laughs",
            manifest_text("<!DOCTYPE m [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><manifest>&b;</manifest>"),
            Some("imsmanifest.xml"),
            "DTD",
        ),
        (
            "a file of the server",
            manifest_text("<!DOCTYPE m SYSTEM \"file:///etc/passwd\"><manifest/>"),
            Some("imsmanifest.xml"),
            "DTD",
        ),
        (
            "an element of many attributes",
            manifest_text(format!(
                "<manifest {}/>",
                (0..9_000).map(|n| format!("a{n}=\"\" ")).collect::<String>()
            )),
            Some("imsmanifest.xml"),
            "bytes",
        ),
        (
            "many namespaces",
            manifest_text(format!(
                "<manifest>{}</manifest>",
                (0..20_100)
                    .map(|n| format!("<a xmlns:n{n}=\"u:{n}\"/>"))
                    .collect::<String>()
            )),
            Some("imsmanifest.xml"),
            "namespaces",
        ),
        (
            "no XML",
            manifest_text("{\"no\": \"xml\"}"),
            Some("imsmanifest.xml"),
            "no XML",
        ),
        (
            "items in items",
            manifest_text(manifest_of("1.2", &nested(60), "")),
            Some("imsmanifest.xml"),
            "levels",
        ),
        (
            "elements in elements",
            manifest_text(manifest_of(
                "1.2",
                &format!("{}{}", "<a>".repeat(8_000), "</a>".repeat(8_000)),
                "",
            )),
            Some("imsmanifest.xml"),
            "nothing to open",
        ),
    ];
    assert!(cases.len() >= 40);
    for (what, archive, path, reason) in cases {
        let refusal = refused(&archive);
        assert!(refusal.reason.contains(reason), "{what}: {refusal:?}");
        if let Some(path) = path {
            assert_eq!(refusal.path.as_deref(), Some(path), "{what}: {refusal:?}");
        }
        assert!(!refusal.fix.is_empty(), "{what}: {refusal:?}");
    }
}

/// Every archive with one byte changed, or cut, is read or refused; nothing panics.
#[test]
fn no_damage_to_an_archive_is_a_fault_of_ours() {
    let good = with([Entry::stored("a.txt", "abc")]);
    let step = good.len().div_ceil(soak(good.len()));
    for at in (0..good.len()).step_by(step) {
        for byte in [0, 0xff, good[at] ^ 1] {
            let mut damaged = good.clone();
            damaged[at] = byte;
            let _ = read_package(&damaged);
        }
        let _ = read_package(&good[..at]);
    }
}

/// A disk that fails after some bytes.
struct Failing(Cursor<Vec<u8>>, usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::Error::other("the disk is gone"));
        }
        self.1 -= 1;
        self.0.read(buffer)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_fault_of_the_disk_refuses_no_package() {
    let good = with([]);
    let outcomes = (0..100).map(|reads| {
        let disk = Failing(Cursor::new(good.clone()), reads);
        match read::read(disk, &Limits::default(), &mut |_| true) {
            Ok(_) => true,
            Err(ReadError::Io(error)) => {
                assert_eq!(error.to_string(), "the disk is gone");
                false
            }
            Err(error) => panic!("{reads} reads: {error:?}"),
        }
    });
    let outcomes: Vec<bool> = outcomes.collect();
    assert!(!outcomes[0] && outcomes[99], "{outcomes:?}");
}
