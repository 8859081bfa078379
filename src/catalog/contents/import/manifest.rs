//! The manifest of a folder: a CSV file with a row for each content.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::{
    catalog::contents::{body::ContentKind, versions::model::ContentTrackKind},
    text::{fold, is_one_line},
};

/// The most rows of a manifest.
pub const MOST_ROWS: usize = 10_000;

const COLUMNS: &[&str] = &[
    "code",
    "kind",
    "file",
    "title",
    "language",
    "category",
    "tags",
    "description",
    "note",
    "tracks",
];
const REQUIRED: &[&str] = &["code", "kind", "file"];

/// A row of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestRow {
    /// The line of the file that it begins in.
    pub line: u64,
    /// The content's code.
    pub code: String,
    /// The content's kind.
    pub kind: Option<ContentKind>,
    /// A file in the folder; of a link, its address.
    pub file: String,
    /// The title; a package has one of its own.
    pub title: Option<String>,
    /// The language; a package may have one of its own.
    pub language: Option<String>,
    /// The code of the category.
    pub category: Option<String>,
    /// Tags, with semicolons between.
    pub tags: Vec<String>,
    /// What it is about.
    pub description: Option<String>,
    /// What is new in this version.
    pub note: Option<String>,
    /// The texts of a video.
    pub tracks: Vec<ManifestTrack>,
    /// What is wrong with the row by itself.
    pub faults: Vec<String>,
}

/// A text of a video, as a manifest writes it: `captions:en:fire.vtt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestTrack {
    /// What it is for.
    pub kind: ContentTrackKind,
    /// Its language: a BCP 47 tag.
    pub language: String,
    /// A file in the folder: WebVTT or SubRip (SRT).
    pub file: String,
}

/// Reads a manifest, or says why it cannot be read at all.
pub fn read_manifest(mut file: impl Read) -> Result<Vec<ManifestRow>, String> {
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|error| error.to_string())?;
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .flexible(false)
        .from_reader(text.as_slice());
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let headers: Vec<String> = headers
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_lowercase())
        .collect();
    if let Some(missing) = REQUIRED
        .iter()
        .find(|wanted| !headers.iter().any(|name| name == *wanted))
    {
        return Err(format!(
            "it has no column \"{missing}\"; its columns are {}",
            COLUMNS.join(", ")
        ));
    }
    if let Some(unknown) = headers.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(format!(
            "it has a column \"{unknown}\", which means nothing; its columns are {}",
            COLUMNS.join(", ")
        ));
    }
    let mut rows: Vec<ManifestRow> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        if rows.len() == MOST_ROWS {
            return Err(format!("it has more than {MOST_ROWS} rows; split it"));
        }
        rows.push(row(&headers, &record, line_of(&text, &record)));
    }
    refuse_repeated(&mut rows);
    Ok(rows)
}

/// The line that a record begins in. The reader's own count is behind where lines end as Windows writes them.
fn line_of(text: &[u8], record: &StringRecord) -> u64 {
    let begins = record.position().map_or(0, |position| position.byte() as usize);
    let (before, rest) = text.split_at(begins.min(text.len()));
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let newlines = before.iter().chain(ends).filter(|byte| **byte == b'\n');
    newlines.count() as u64 + 1
}

fn row(headers: &[String], record: &StringRecord, line: u64) -> ManifestRow {
    let cell = |name: &str| {
        let index = headers.iter().position(|header| header == name)?;
        record
            .get(index)
            .filter(|text| !text.is_empty())
            .map(|text| crate::text::normalize(text).into_owned())
    };
    let mut faults = Vec::new();
    let mut required = |name: &str| {
        let value = cell(name);
        if value.is_none() {
            faults.push(format!("{name} is empty"));
        }
        value.unwrap_or_default()
    };
    let (code, file, word) = (required("code"), required("file"), required("kind"));
    let kind = ContentKind::ALL
        .iter()
        .copied()
        .find(|kind| kind.as_str() == word.to_lowercase());
    if kind.is_none() && !word.is_empty() {
        faults.push(format!(
            "kind \"{word}\" is none of {}",
            ContentKind::WORDS.join(", ")
        ));
    }
    if code.chars().any(char::is_whitespace) || code.chars().count() > 200 {
        faults.push("code has white space or more than 200 characters".to_owned());
    }
    let language = cell("language");
    if language.as_ref().is_some_and(|language| !is_language(language)) {
        faults.push("language is no tag of two or three small letters, such as en".to_owned());
    }
    let title = cell("title");
    if title
        .as_ref()
        .is_some_and(|title| !is_one_line(title) || title.chars().count() > 500)
    {
        faults.push("title has several lines or more than 500 characters".to_owned());
    }
    let tags: Vec<String> = cell("tags")
        .unwrap_or_default()
        .split(';')
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .collect();
    if tags.len() > 50 || tags.iter().any(|tag| tag.chars().count() > 100) {
        faults.push("tags are more than 50, or one has more than 100 characters".to_owned());
    }
    let tracks = tracks(&cell("tracks").unwrap_or_default(), &mut faults);
    if kind != Some(ContentKind::Video) && !tracks.is_empty() {
        faults.push("tracks are for videos only".to_owned());
    }
    ManifestRow {
        line,
        code,
        kind,
        file,
        title,
        language,
        category: cell("category"),
        tags,
        description: cell("description"),
        note: cell("note"),
        tracks,
        faults,
    }
}

/// Reads tracks with semicolons between.
fn tracks(cell: &str, faults: &mut Vec<String>) -> Vec<ManifestTrack> {
    let mut tracks: Vec<ManifestTrack> = Vec::new();
    for text in cell.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let mut parts = text.splitn(3, ':').map(str::trim);
        let kind = parts.next().and_then(|word| {
            let mut kinds = ContentTrackKind::ALL.iter().copied();
            kinds.find(|kind| kind.as_str() == word.to_lowercase())
        });
        let language = parts.next().filter(|language| is_language_tag(language));
        let file = parts.next().filter(|file| !file.is_empty());
        let (Some(kind), Some(language), Some(file)) = (kind, language, file) else {
            faults.push(format!(
                "tracks has \"{text}\", which is not like captions:en:fire.vtt; the kinds are {}",
                ContentTrackKind::WORDS.join(", ")
            ));
            continue;
        };
        let is_same =
            |other: &ManifestTrack| other.kind == kind && other.language.eq_ignore_ascii_case(language);
        if tracks.iter().any(is_same) {
            faults.push(format!("tracks has {}:{language} twice", kind.as_str()));
        }
        tracks.push(ManifestTrack {
            kind,
            language: language.to_owned(),
            file: file.to_owned(),
        });
    }
    tracks
}

/// Whether a text is a BCP 47 tag, such as `pt-BR`.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_primary =
        |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let is_other =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= 35 && parts.next().is_some_and(is_primary) && parts.all(is_other)
}

/// Whether a text is a BCP 47 primary tag.
pub fn is_language(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn refuse_repeated(rows: &mut [ManifestRow]) {
    let mut seen = std::collections::HashMap::new();
    for row in rows.iter_mut().filter(|row| !row.code.is_empty()) {
        if let Some(line) = seen.insert(fold(&row.code), row.line) {
            row.faults.push(format!("line {line} has the same code"));
        }
    }
}
