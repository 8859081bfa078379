//! The files of a folder: what the versions of contents are made of.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use super::manifest::{ManifestRow, ManifestTrack};
use crate::{
    catalog::contents::{
        body::{ContentBody, ContentKind, PageFormat},
        findings::Finding,
        package::{
            archive::{Limits, ReadError},
            pdf,
            read::{self, Package},
        },
        versions::{
            add::{self, page_body},
            tracks,
        },
        video,
    },
    files::{Sha256, media_type, sha256::Sha256Hasher},
};

/// What the version of a row is made of.
#[derive(Debug)]
pub struct Source {
    /// Its file, where the store is to hold it.
    pub file: Option<StoredFile>,
    /// What it shows.
    pub body: ContentBody,
    /// What a package holds.
    pub package: Option<Package>,
    /// The texts of a video.
    pub tracks: Vec<SourceTrack>,
}

/// A text of a video.
#[derive(Debug)]
pub struct SourceTrack {
    /// What the manifest says of it.
    pub said: ManifestTrack,
    /// Where its file is.
    pub path: PathBuf,
    /// The hash of its WebVTT.
    pub sha256: Sha256,
    /// How many bytes that has.
    pub bytes: u64,
}

/// A file that the store is to hold.
#[derive(Debug)]
pub struct StoredFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called.
    pub name: String,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// How many there are.
    pub bytes: u64,
    /// What its first bytes say that it is.
    pub media_type: &'static str,
}

/// Reads the file that a row names, or says what is wrong with it.
pub fn read_source(
    folder: &Path,
    limits: &Limits,
    kind: ContentKind,
    row: &ManifestRow,
    findings: &mut Vec<Finding>,
) -> Result<Source, String> {
    if kind == ContentKind::Link {
        let url = row.file.clone();
        let is_address = url.starts_with("https://") || url.starts_with("http://");
        return match is_address
            && url.len() <= 2_000
            && !url.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        {
            true => Ok(Source {
                file: None,
                body: ContentBody::Link { url },
                package: None,
                tracks: Vec::new(),
            }),
            false => Err("file is no address that begins with https:// or http://".to_owned()),
        };
    }
    let path = inside(folder, &row.file)?;
    let unreadable = |error: io::Error| format!("file cannot be read: {error}");
    let mut file = File::open(&path).map_err(unreadable)?;
    if kind == ContentKind::Page {
        return page(&path, file, findings);
    }
    let stored = stored(path, &mut file).map_err(unreadable)?;
    add::fits(kind, stored.media_type)?;
    file.rewind().map_err(unreadable)?;
    let bytes = i64::try_from(stored.bytes).map_err(|_| "file is too large".to_owned())?;
    let media_type = stored.media_type.to_owned();
    let (body, package) = match kind {
        ContentKind::Package => {
            let package = read::read(file, limits, &mut |_| true).map_err(refused)?;
            findings.extend(package.findings.iter().cloned());
            (package.body(), Some(package))
        }
        ContentKind::Video => {
            findings.extend(add::video_findings(row.tracks.iter().map(|track| track.kind)));
            let duration_seconds = video::seconds(&mut file).map_err(unreadable)?;
            let body = ContentBody::Video {
                media_type,
                bytes,
                duration_seconds,
            };
            (body, None)
        }
        ContentKind::File | ContentKind::Page | ContentKind::Link => {
            if media_type == "application/pdf" && stored.bytes <= pdf::LARGEST as u64 {
                let mut content = Vec::new();
                file.read_to_end(&mut content).map_err(unreadable)?;
                findings.extend(add::file_findings(pdf::is_untagged(&content)));
            }
            (ContentBody::File { media_type, bytes }, None)
        }
    };
    let tracks = row.tracks.iter().map(|said| track(folder, said));
    Ok(Source {
        file: Some(stored),
        body,
        package,
        tracks: tracks.collect::<Result<_, _>>()?,
    })
}

fn track(folder: &Path, said: &ManifestTrack) -> Result<SourceTrack, String> {
    let fault = |fault: String| format!("the track {}: {fault}", said.file);
    let path = inside(folder, &said.file).map_err(fault)?;
    let text = read_track(&path).map_err(fault)?;
    Ok(SourceTrack {
        sha256: Sha256::of(text.as_bytes()),
        bytes: text.len() as u64,
        said: said.clone(),
        path,
    })
}

/// The text of a track as WebVTT, or what is wrong with it.
pub fn read_track(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(tracks::MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > tracks::MOST_BYTES {
        return Err(format!(
            "has more than {} bytes; a track is a short text",
            tracks::MOST_BYTES
        ));
    }
    tracks::to_web_vtt(&bytes)
}

fn refused(error: ReadError) -> String {
    match error {
        ReadError::Refused(refusal) => {
            let about = refusal.path.map(|path| format!("`{path}`: ")).unwrap_or_default();
            format!("{about}{} {}", refusal.reason, refusal.fix)
        }
        ReadError::Io(error) => format!("file cannot be read: {error}"),
        ReadError::Stopped => "reading it was stopped".to_owned(),
    }
}

/// The path of a file that must be inside the folder.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let found = folder
        .join(name)
        .canonicalize()
        .map_err(|error| format!("file cannot be read: {error}"))?;
    let folder = folder
        .canonicalize()
        .map_err(|error| format!("the folder cannot be read: {error}"))?;
    if !found.starts_with(folder) {
        return Err("file is outside the folder".to_owned());
    }
    // Reading a pipe or a device might never end.
    match found.is_file() {
        true => Ok(found),
        false => Err("file is no regular file".to_owned()),
    }
}

fn stored(path: PathBuf, file: &mut File) -> io::Result<StoredFile> {
    let mut first = Vec::new();
    file.take(media_type::FIRST_BYTES as u64)
        .read_to_end(&mut first)?;
    let mut hasher = Sha256Hasher::default();
    hasher.update(&first);
    let rest = io::copy(file, &mut hasher)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().chars().take(255).collect());
    Ok(StoredFile {
        name: name.unwrap_or_default(),
        sha256: hasher.finish(),
        bytes: first.len() as u64 + rest,
        media_type: media_type::sniff(&first, rest == 0),
        path,
    })
}

fn page(path: &Path, file: File, findings: &mut Vec<Finding>) -> Result<Source, String> {
    const MOST: u64 = 500_000;
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    let format = match ending.as_deref() {
        Some("md" | "markdown" | "txt") => PageFormat::Markdown,
        Some("html" | "htm") => PageFormat::Html,
        _ => return Err("file of a page ends in .md or .html".to_owned()),
    };
    let mut text = String::new();
    let read = file.take(MOST + 1).read_to_string(&mut text);
    read.map_err(|error| format!("file cannot be read as UTF-8: {error}"))?;
    if text.len() as u64 > MOST {
        return Err(format!("file has more than {MOST} bytes"));
    }
    let text = crate::text::normalize(text.trim_start_matches('\u{feff}')).into_owned();
    if text.trim().is_empty() {
        return Err("file is empty".to_owned());
    }
    Ok(Source {
        file: None,
        body: page_body(format, text, findings).map_err(|fault| format!("file {fault}"))?,
        package: None,
        tracks: Vec::new(),
    })
}
