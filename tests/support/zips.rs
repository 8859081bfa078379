//! ZIP archives byte by byte, so that a test can make one that no tool would.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};

/// An entry of an archive; what the archive says of it may be another thing than what it is.
#[derive(Clone)]
pub struct Entry {
    pub name: Vec<u8>,
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub crc32: u32,
    pub bytes: u32,
    pub compressed: u32,
    /// The mode of Unix, where the entry has one.
    pub mode: u32,
    /// Where the table of contents says that the entry begins.
    pub position: Option<u32>,
    /// What stands between its name and its data.
    pub extra: Vec<u8>,
}

impl Entry {
    /// A file that is compressed.
    pub fn new(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content.as_ref()).unwrap();
        Entry {
            method: 8,
            ..Entry::raw(name, content.as_ref(), encoder.finish().unwrap())
        }
    }

    /// A file as it is.
    pub fn stored(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Entry::raw(name, content.as_ref(), content.as_ref().to_vec())
    }

    fn raw(name: impl AsRef<[u8]>, content: &[u8], data: Vec<u8>) -> Self {
        Entry {
            name: name.as_ref().to_vec(),
            method: 0,
            flags: 1 << 11,
            crc32: crc32fast::hash(content),
            bytes: content.len() as u32,
            compressed: data.len() as u32,
            mode: 0,
            position: None,
            extra: Vec::new(),
            data,
        }
    }

    fn header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        header.extend(20u16.to_le_bytes());
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        // 2026-01-01, midnight.
        header.extend(0u16.to_le_bytes());
        header.extend((((2026 - 1980) << 9 | 1 << 5 | 1) as u16).to_le_bytes());
        for value in [self.crc32, self.compressed, self.bytes] {
            header.extend(value.to_le_bytes());
        }
        header.extend((self.name.len() as u16).to_le_bytes());
        header.extend((self.extra.len() as u16).to_le_bytes());
        header
    }
}

/// An archive of these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let position = entry.position.unwrap_or(archive.len() as u32);
        archive.extend(b"PK\x03\x04");
        archive.extend(entry.header());
        archive.extend(&entry.name);
        archive.extend(&entry.extra);
        archive.extend(&entry.data);
        directory.extend(b"PK\x01\x02");
        directory.extend(if entry.mode > 0 { 0x0314u16 } else { 0x0014 }.to_le_bytes());
        directory.extend(entry.header());
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(position.to_le_bytes());
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
    }
    let (start, count) = (archive.len() as u32, entries.len() as u16);
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// A page that says its language and its title.
pub const PAGE: &str = "<!doctype html><html lang=\"en\"><head><title>Doors</title><script src=\"api.js\"></script></head>\
    <body><h1>Doors</h1></body></html>";

/// A script that reports completion.
pub const SCRIPT: &str = "var api = window.parent.API; api.LMSInitialize(''); \
    api.LMSSetValue('cmi.core.lesson_status', 'completed'); api.LMSFinish('');";

/// The manifest of a SCORM 1.2 package of one page, `index.html`.
pub fn manifest() -> String {
    manifest_of(
        "1.2",
        r#"<item identifier="one" identifierref="r1"><title>Doors</title><adlcp:masteryscore>80</adlcp:masteryscore></item>"#,
        r#"<resource identifier="r1" type="webcontent" adlcp:scormtype="sco" href="index.html"><file href="index.html"/></resource>"#,
    )
}

/// A manifest with these items and resources.
pub fn manifest_of(version: &str, items: &str, resources: &str) -> String {
    format!(
        r#"<?xml version="1.0"?>
<manifest identifier="fire" version="1" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
    xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2" xmlns:imsss="http://www.imsglobal.org/xsd/imsss"
    xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3" xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3">
  <metadata><schema>ADL SCORM</schema><schemaversion>{version}</schemaversion></metadata>
  <organizations default="o"><organization identifier="o"><title>Fire doors</title>{items}</organization></organizations>
  <resources>{resources}</resources>
</manifest>"#
    )
}

/// A small SCORM 1.2 package; `mark` makes it another one.
pub fn package(mark: &str) -> Vec<u8> {
    zip(&[
        Entry::new("imsmanifest.xml", manifest()),
        Entry::new("index.html", PAGE),
        Entry::new("api.js", SCRIPT),
        Entry::stored("mark.txt", mark),
    ])
}
