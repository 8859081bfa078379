//! The archive of a package: every entry is checked and inflated once, nothing is extracted, and little is kept in memory.
//!
//! An archive is hostile until it was read to its end. What is wrong with it is told with the name of the entry.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom},
};

use crc32fast::Hasher;
use flate2::bufread::DeflateDecoder;
use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config as ZipConfig},
    result::ZipError,
};

use super::{
    names,
    source::{Faults, Source},
};
use crate::{
    catalog::contents::versions::model::{PackageFile, PackageMethod},
    config::Config,
    text::fold,
};

/// How large an archive may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The number of its entries.
    pub entries: usize,
    /// The bytes of its table of contents.
    pub directory: u64,
    /// The bytes of all its files together, inflated.
    pub expanded: u64,
    /// How many times its own size a file may have, inflated.
    pub ratio: u64,
    /// The bytes up to which a file may have any ratio.
    pub free: u64,
    /// The bytes of the manifest.
    pub manifest: usize,
}

/// What an entry takes in the table of contents, at most: as much as the default of both limits allows.
const DIRECTORY_ENTRY: u64 = (12 << 20) / 20_000;

impl Limits {
    /// Those of the settings.
    pub fn of(config: &Config) -> Self {
        let others = Limits::default();
        Limits {
            entries: config.package_files as usize,
            directory: others
                .directory
                .max(u64::from(config.package_files) * DIRECTORY_ENTRY),
            expanded: config.package_expanded,
            ratio: config.package_ratio.into(),
            free: others.free,
            manifest: config.package_manifest as usize,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            entries: 20_000,
            directory: 12 << 20,
            expanded: 8 << 30,
            ratio: 200,
            free: 10 << 20,
            manifest: 8 << 20,
        }
    }
}

/// Why a package cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The entry of the archive, or the file, that it is about.
    pub path: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// How to fix it.
    pub fix: String,
}

impl Refusal {
    /// Something is wrong with the package as a whole.
    pub fn new(reason: impl Into<String>, fix: impl Into<String>) -> Self {
        Refusal {
            path: None,
            reason: reason.into(),
            fix: fix.into(),
        }
    }

    /// It is about this entry or file.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

/// Why reading an archive ended early.
#[derive(Debug)]
pub enum ReadError {
    /// The archive cannot be used.
    Refused(Refusal),
    /// It could not be read now.
    Io(io::Error),
    /// The caller asked to stop.
    Stopped,
}

impl From<Refusal> for ReadError {
    fn from(refusal: Refusal) -> Self {
        ReadError::Refused(refusal)
    }
}

/// Who looks at the files of an archive while they are inflated.
pub trait Watch {
    /// A file begins.
    fn begin(&mut self, file: &PackageFile);
    /// The next bytes of it.
    fn data(&mut self, bytes: &[u8]);
    /// It ended, and is as it should be. Answers whether to go on.
    fn end(&mut self) -> Result<(), ReadError>;
}

const REZIP: &str = "Publish the package again in the authoring tool, or pack it again as a plain ZIP file.";

/// Reads the whole archive, and answers where its files are, in the order of their paths.
pub fn read<R: Read + Seek>(
    reader: R,
    limits: &Limits,
    watch: &mut dyn Watch,
) -> Result<Vec<PackageFile>, ReadError> {
    let faults = Faults::default();
    let source = Source {
        inner: reader,
        faults: faults.clone(),
    };
    match read_source(source, limits, watch, &faults) {
        // What the archive seems to lack may be a fault of the disk.
        Err(_) if faults.failed.borrow().is_some() => Err(ReadError::Io(
            faults.failed.take().unwrap_or_else(|| ErrorKind::Other.into()),
        )),
        result => result,
    }
}

fn read_source<R: Read + Seek>(
    source: Source<R>,
    limits: &Limits,
    watch: &mut dyn Watch,
    faults: &Faults,
) -> Result<Vec<PackageFile>, ReadError> {
    faults.left.set(Some(limits.directory));
    let config = ZipConfig {
        archive_offset: ArchiveOffset::Known(0),
    };
    let opened = ZipArchive::with_config(config, BufReader::with_capacity(8 << 10, source));
    let mut archive = opened.map_err(|error| match faults.left.get() {
        Some(0) => Refusal::new(
            "Its table of contents is too large.",
            format!(
                "A package has at most {} files. Split it into several packages.",
                limits.entries
            ),
        ),
        _ => not_an_archive(&error),
    })?;
    faults.left.set(None);
    if archive.has_duplicate_names() {
        let directory = archive.central_directory_start();
        let name = duplicate(archive.into_inner(), directory).map_err(ReadError::Io)?;
        return Err(Refusal::new("Another entry has the same name.", REZIP)
            .at(name)
            .into());
    }
    let mut files = table(&mut archive, limits)?;
    files.sort_by_key(|found| found.file.position);
    refuse_overlaps(&files, archive.central_directory_start())?;
    let mut expanded = 0;
    for found in &files {
        inflate(&mut archive, found, limits, &mut expanded, watch)?;
    }
    let mut files: Vec<PackageFile> = files.into_iter().map(|found| found.file).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn not_an_archive(error: &ZipError) -> Refusal {
    match error {
        ZipError::UnsupportedArchive(_) => Refusal::new(
            "The archive is of several parts, or of another kind that is not supported.",
            REZIP,
        ),
        _ => Refusal::new(
            "The file is no ZIP archive, or it is cut short.",
            "Upload the package as the authoring tool wrote it: a ZIP file. If it is one, upload it again.",
        ),
    }
}

/// The name that two entries of a table of contents have, which was read once by now.
fn duplicate<R: Read + Seek>(mut reader: R, directory: u64) -> io::Result<String> {
    const HEADER: usize = 46;
    let mut seen = HashSet::new();
    reader.seek(SeekFrom::Start(directory))?;
    let mut header = [0; HEADER];
    loop {
        reader.read_exact(&mut header)?;
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let mut name = vec![0; length(28)];
        reader.read_exact(&mut name)?;
        reader.seek_relative((length(30) + length(32)) as i64)?;
        let shown = String::from_utf8_lossy(&name).into_owned();
        if !seen.insert(name) {
            return Ok(shown);
        }
    }
}

/// A file, and which entry of the archive it is.
struct Found {
    index: usize,
    header: u64,
    file: PackageFile,
}

/// Reads what the archive says of its entries, and refuses what it should not hold. Folders are left out.
fn table<R: Read + Seek>(archive: &mut ZipArchive<R>, limits: &Limits) -> Result<Vec<Found>, Refusal> {
    if archive.len() > limits.entries {
        return Err(Refusal::new(
            format!(
                "It has {} entries; a package has at most {}.",
                archive.len(),
                limits.entries
            ),
            "Split it into several packages.",
        ));
    }
    if archive.is_empty() {
        return Err(Refusal::new("It is empty.", REZIP));
    }
    let mut seen = HashMap::new();
    let mut files = Vec::with_capacity(archive.len());
    let mut expanded: u64 = 0;
    for index in 0..archive.len() {
        let raw = archive
            .by_index_data(index)
            .map(|entry| entry.name_raw().to_vec());
        let raw = raw.map_err(|error| not_an_archive(&error))?;
        let name = names::check(&raw)?;
        let refuse = |reason: &str, fix: &str| Refusal::new(reason, fix).at(&name);
        let entry = archive
            .by_index_raw(index)
            .map_err(|_| refuse("The archive is damaged here.", "Upload the package again."))?;
        if entry.encrypted() {
            return Err(refuse("It is encrypted.", "Pack the package without a password."));
        }
        if let Some(mode) = entry.unix_mode()
            && !matches!(mode & 0o170_000, 0 | 0o100_000 | 0o040_000)
        {
            return Err(refuse(
                "It is a symbolic link or a special file.",
                "Put the file itself into the package.",
            ));
        }
        let method = match entry.compression() {
            CompressionMethod::Stored => PackageMethod::Stored,
            method if method == CompressionMethod::DEFLATE => PackageMethod::Deflated,
            _ => {
                return Err(refuse(
                    "It is compressed by a method other than DEFLATE.",
                    "Pack the package as a plain ZIP file, with ordinary compression.",
                ));
            }
        };
        let (bytes, compressed) = (entry.size(), entry.compressed_size());
        if let Some(other) = seen.insert(fold(name.trim_end_matches('/')), name.clone()) {
            return Err(refuse(
                &format!("Its name is that of `{other}` but for capital and small letters."),
                "Rename one of the two: not every system tells them apart.",
            ));
        }
        if name.ends_with('/') {
            if bytes > 0 {
                return Err(refuse("It is a folder that holds bytes.", REZIP));
            }
            continue;
        }
        if method == PackageMethod::Stored && bytes != compressed {
            return Err(refuse("The archive names two sizes of it.", REZIP));
        }
        refuse_size(&name, bytes, compressed, limits)?;
        expanded = expanded.saturating_add(bytes);
        refuse_expanded(&name, expanded, limits)?;
        let (Some(position), header) = (entry.data_start(), entry.header_start()) else {
            return Err(refuse(
                "The archive is damaged here.",
                "Upload the package again.",
            ));
        };
        let signed = |value: u64| i64::try_from(value).map_err(|_| refuse("It is too large.", REZIP));
        let media_type = mime_guess::from_path(&name).first_or_octet_stream();
        let file = PackageFile {
            position: signed(position)?,
            compressed: signed(compressed)?,
            method,
            crc32: entry.crc32().into(),
            bytes: signed(bytes)?,
            media_type: media_type.essence_str().to_owned(),
            path: name.clone(),
        };
        files.push(Found { index, header, file });
    }
    Ok(files)
}

fn refuse_size(name: &str, bytes: u64, compressed: u64, limits: &Limits) -> Result<(), Refusal> {
    if bytes > limits.free && bytes / compressed.max(1) > limits.ratio {
        return Err(Refusal::new(
            format!("Inflated it is more than {} times as large.", limits.ratio),
            "Leave out files that hold nothing but repetitions.",
        )
        .at(name));
    }
    Ok(())
}

fn refuse_expanded(name: &str, expanded: u64, limits: &Limits) -> Result<(), Refusal> {
    if expanded > limits.expanded {
        return Err(Refusal::new(
            format!(
                "With it the package has more than {} bytes, inflated.",
                limits.expanded
            ),
            "Split it into several packages, and upload videos as contents of their own.",
        )
        .at(name));
    }
    Ok(())
}

/// Refuses archives whose entries share bytes; `files` are in the order of their positions.
fn refuse_overlaps(files: &[Found], directory: u64) -> Result<(), Refusal> {
    let mut end = 0;
    for Found { header, file, .. } in files {
        let shares = *header < end;
        end = file
            .position
            .unsigned_abs()
            .saturating_add(file.compressed.unsigned_abs());
        if shares || end > directory {
            return Err(
                Refusal::new("It shares bytes with another entry of the archive.", REZIP).at(&file.path),
            );
        }
    }
    Ok(())
}

/// Reads a file to its end, and compares what it is with what the archive says of it.
fn inflate<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    found: &Found,
    limits: &Limits,
    expanded: &mut u64,
    watch: &mut dyn Watch,
) -> Result<(), ReadError> {
    let file = &found.file;
    let refuse = |reason: &str| {
        Refusal::new(
            reason,
            "Upload the package again; if that does not help, pack it again.",
        )
        .at(&file.path)
    };
    let damaged = |_| refuse("Its compressed bytes are damaged.");
    let raw = archive
        .by_index_raw(found.index)
        .map_err(|_| refuse("The archive is damaged here."))?;
    let mut raw = BufReader::with_capacity(64 << 10, raw);
    let mut sum = Hasher::new();
    let (mut bytes, compressed) = (0u64, file.compressed.unsigned_abs());
    watch.begin(file);
    let mut take = |piece: &[u8]| -> Result<(), ReadError> {
        bytes += piece.len() as u64;
        *expanded += piece.len() as u64;
        refuse_size(&file.path, bytes, compressed, limits)?;
        refuse_expanded(&file.path, *expanded, limits)?;
        if bytes > file.bytes.unsigned_abs() {
            return Err(refuse("It is larger than the archive says.").into());
        }
        sum.update(piece);
        watch.data(piece);
        Ok(())
    };
    let consumed = match file.method {
        PackageMethod::Stored => {
            let mut consumed = 0;
            loop {
                let piece = raw.fill_buf().map_err(damaged)?;
                if piece.is_empty() {
                    break consumed;
                }
                take(piece)?;
                let length = piece.len();
                consumed += length as u64;
                raw.consume(length);
            }
        }
        PackageMethod::Deflated => {
            let mut decoder = DeflateDecoder::new(raw);
            let mut piece = vec![0; 64 << 10];
            loop {
                let length = decoder.read(&mut piece).map_err(damaged)?;
                if length == 0 {
                    break decoder.total_in();
                }
                take(&piece[..length])?;
            }
        }
    };
    if consumed != compressed || bytes != file.bytes.unsigned_abs() {
        return Err(refuse("Its size is not the one that the archive says.").into());
    }
    if i64::from(sum.finalize()) != file.crc32 {
        return Err(refuse("Its checksum (CRC-32) is not the one that the archive says.").into());
    }
    watch.end()
}
