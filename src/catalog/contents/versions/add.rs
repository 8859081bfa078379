//! Adding a version: what it needs depends on the kind of the content.

use uuid::Uuid;

use super::{
    import::ImportPackage,
    model::{
        ContentTrackKind, ContentVersion, ContentVersionState, CreateContentTrack, CreateContentVersion,
    },
    page::render,
    prepare::Prepared,
    store,
};
use crate::{
    app::Tx,
    authz::Authorized,
    catalog::contents::{
        body::{ContentBody, ContentKind, PageFormat},
        findings::{Finding, FindingCode, Findings},
        model::Content,
        package::page,
    },
    files::{
        blobs,
        uploads::{self, TakenUpload},
    },
    http::{ApiError, ApiResult, Code, Faults, FieldError},
    operations::{self, Operation},
};

/// What became of a version.
#[derive(Debug)]
pub enum Added {
    /// It is ready.
    Ready(Box<ContentVersion>),
    /// A job reads the package.
    Importing(Box<Operation>),
}

/// Adds the next version of a content.
pub fn add(
    tx: &mut Tx,
    content: &Authorized<Content>,
    new: &CreateContentVersion,
    prepared: &Prepared,
) -> ApiResult<Added> {
    if content.archived_at.is_some() {
        return Err(ApiError::new(
            Code::Conflict,
            "The content is archived. Restore it first: DELETE its archival.",
        ));
    }
    refuse_members(content.kind, new)?;
    let upload = match new.upload_id {
        Some(id) => Some(take(tx, content.kind, id)?),
        None => None,
    };
    let mut findings = Vec::new();
    let body = body(content.kind, new, upload.as_ref(), prepared, &mut findings)?;
    let version = ContentVersion {
        id: Uuid::now_v7(),
        content_id: content.id,
        number: store::next_number(tx, content.id)?,
        state: match body {
            Some(_) => ContentVersionState::Ready,
            None => ContentVersionState::Importing,
        },
        body,
        sha256: upload.as_ref().map(|upload| upload.sha256),
        file_name: upload.as_ref().map(|upload| upload.file_name.clone()),
        findings: Findings(findings),
        note: new.note.clone(),
        created_by: tx.caller.principal(),
        created_at: tx.now,
    };
    store::insert(tx, &version)?;
    add_tracks(tx, version.id, new, prepared)?;
    if version.state == ContentVersionState::Ready {
        return Ok(Added::Ready(Box::new(version)));
    }
    let operation = operations::begin(tx, "contents.import", upload.map(|upload| upload.bytes))?;
    tx.enqueue(&ImportPackage {
        content_version_id: version.id,
        operation_id: Some(operation.id),
    })?;
    Ok(Added::Importing(Box::new(operation)))
}

/// Refuses members that the kind does not have, and those that it lacks.
fn refuse_members(kind: ContentKind, new: &CreateContentVersion) -> ApiResult<()> {
    use ContentKind::{File, Link, Package, Page, Video};
    let mut faults = Vec::new();
    let of: &[(&str, bool, &[ContentKind])] = &[
        ("upload_id", new.upload_id.is_some(), &[File, Video, Package]),
        ("text", new.text.is_some(), &[Page]),
        ("format", new.format.is_some(), &[Page]),
        ("url", new.url.is_some(), &[Link]),
    ];
    for (member, is_given, kinds) in of {
        let word = kind.as_str();
        match (is_given, kinds.contains(&kind)) {
            (false, true) => faults.push(FieldError::new(
                format!("/{member}"),
                format!("is required of a {word}"),
            )),
            (true, false) => faults.push(FieldError::new(
                format!("/{member}"),
                format!("is not for a {word}; leave it out"),
            )),
            _ => {}
        }
    }
    if kind != Video && !new.tracks.is_empty() {
        faults.push(FieldError::new("/tracks", "is for videos only; leave it out"));
    }
    for (index, track) in new.tracks.iter().enumerate() {
        let is_same = |other: &CreateContentTrack| {
            other.kind == track.kind && other.language.eq_ignore_ascii_case(&track.language)
        };
        if new.tracks[..index].iter().any(is_same) {
            let text = "stands twice with this language and kind";
            faults.push(FieldError::new(format!("/tracks/{index}"), text));
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid(faults)),
    }
}

/// Takes the upload, and checks that what it is fits the kind.
fn take(tx: &mut Tx, kind: ContentKind, id: Uuid) -> ApiResult<TakenUpload> {
    let upload = take_at(tx, "/upload_id", id)?;
    fits(kind, &upload.media_type).map_err(|fault| ApiError::field("/upload_id", fault))?;
    Ok(upload)
}

/// Says what is wrong with a file of this type for a content of this kind.
pub fn fits(kind: ContentKind, found: &str) -> Result<(), String> {
    match kind {
        ContentKind::Video if !["video/mp4", "video/webm"].contains(&found) => Err(format!(
            "is {found}; a video is MP4 (video/mp4) or WebM (video/webm)"
        )),
        ContentKind::Package if found != "application/zip" => {
            Err(format!("is {found}; a package is a ZIP file (application/zip)"))
        }
        ContentKind::File if ["text/html", "image/svg+xml"].contains(&found) => Err(format!(
            "is {found}, which could run code; make it a page, or upload it in another format"
        )),
        _ => Ok(()),
    }
}

/// Takes an upload that the body names at `pointer`.
fn take_at(tx: &mut Tx, pointer: &str, id: Uuid) -> ApiResult<TakenUpload> {
    uploads::take(tx, id).map_err(|error| match error.code {
        Code::NotFound => ApiError::field(pointer, "names no upload of yours, or one that has expired"),
        _ => error,
    })
}

/// What the version shows; none for a package, which is read first.
fn body(
    kind: ContentKind,
    new: &CreateContentVersion,
    upload: Option<&TakenUpload>,
    prepared: &Prepared,
    findings: &mut Vec<Finding>,
) -> ApiResult<Option<ContentBody>> {
    if let (ContentKind::Page, Some(format), Some(text)) = (kind, new.format, &new.text) {
        let page = page_body(format, text.clone(), findings);
        return page.map(Some).map_err(|fault| ApiError::field("/text", fault));
    }
    let mut other = || {
        Some(match kind {
            ContentKind::Package | ContentKind::Page => return None,
            ContentKind::Link => ContentBody::Link {
                url: new.url.clone()?,
            },
            ContentKind::File => {
                findings.extend(file_findings(prepared.is_untagged_pdf));
                let upload = upload?;
                ContentBody::File {
                    media_type: upload.media_type.clone(),
                    bytes: upload.bytes,
                }
            }
            ContentKind::Video => {
                findings.extend(video_findings(new.tracks.iter().map(|track| track.kind)));
                let upload = upload?;
                ContentBody::Video {
                    media_type: upload.media_type.clone(),
                    bytes: upload.bytes,
                    duration_seconds: prepared.duration_seconds,
                }
            }
        })
    };
    Ok(other())
}

/// A page of this text, and what is wrong with it.
pub fn page_body(
    format: PageFormat,
    text: String,
    findings: &mut Vec<Finding>,
) -> Result<ContentBody, String> {
    let html = render(format, &text)?;
    // Markdown writes an empty text where there is none.
    let empty = match format {
        PageFormat::Markdown => html.matches("alt=\"\"").count(),
        PageFormat::Html => 0,
    };
    let images = page::look(&html).images_without_alt + empty;
    if images > 0 {
        let fix = "Say what each image shows: in Markdown as `![a shut fire door](…)`.";
        let message = format!("The page has images without a text alternative: {images}.");
        findings.push(Finding::new(FindingCode::AltMissing, message, fix));
    }
    Ok(ContentBody::Page { format, text, html })
}

/// What is wrong with a file.
pub fn file_findings(is_untagged_pdf: bool) -> Option<Finding> {
    let fix = "Export it as a tagged PDF (PDF/UA), or offer its text as a page.";
    is_untagged_pdf.then(|| Finding::new(FindingCode::PdfUntagged, "The PDF file has no tags.", fix))
}

/// What is wrong with a video that has tracks of these kinds.
pub fn video_findings(mut tracks: impl Iterator<Item = ContentTrackKind>) -> Option<Finding> {
    let shows_speech =
        |kind: ContentTrackKind| matches!(kind, ContentTrackKind::Captions | ContentTrackKind::Subtitles);
    let fix = "Add a track of captions in the language of the video.";
    (!tracks.any(shows_speech))
        .then(|| Finding::new(FindingCode::CaptionsMissing, "The video has no captions.", fix))
}

fn add_tracks(tx: &mut Tx, version: Uuid, new: &CreateContentVersion, prepared: &Prepared) -> ApiResult<()> {
    let mut faults = Faults::default();
    for (index, track) in new.tracks.iter().enumerate() {
        let pointer = format!("/tracks/{index}/upload_id");
        let taken = take_at(tx, &pointer, track.upload_id);
        match (taken, prepared.tracks.get(&track.upload_id)) {
            (Ok(_), Some(Ok(stored))) => {
                blobs::add(tx, &stored.sha256, stored.bytes, "text/vtt")?;
                store::add_track(tx, version, &track.language, track.kind, &stored.sha256)?;
            }
            (Ok(_), Some(Err(fault))) => faults.check(Err(ApiError::field(pointer, fault.clone())))?,
            (Ok(_), None) => return Err(ApiError::unavailable("the upload was not read", "Try again.")),
            (Err(error), _) => faults.check(Err(error))?,
        }
    }
    faults.into_result()
}
