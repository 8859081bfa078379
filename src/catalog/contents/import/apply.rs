//! Applies a planned row: its file goes into the store, then one transaction writes the content and its version.

use std::fs::File;

use uuid::Uuid;

use super::{
    plan::{Fields, PlannedRow, RowAction},
    source::{Source, read_track},
};
use crate::{
    app::{Acting, App, Tx},
    authz::{Authorized, Permission, authorize},
    catalog::contents::{
        findings::Findings,
        model::{Content, ContentFields},
        versions::{
            model::{ContentVersion, ContentVersionState},
            store,
        },
    },
    files::{Sha256, Store, blobs},
    http::{ApiError, ApiResult, Ref},
    resource::{Change, Create, NoExtra, write},
};

/// What became of a row.
#[derive(Debug)]
pub enum Applied {
    /// It was written, or there was nothing to write.
    Done,
    /// It could not be written.
    Failed(ApiError),
}

/// Applies one row.
pub fn apply(app: &App, acting: &Acting, planned: &PlannedRow) -> Applied {
    let (Some(fields), Some(source)) = (&planned.fields, &planned.source) else {
        return Applied::Done;
    };
    if matches!(planned.action, RowAction::Unchanged | RowAction::Refused) {
        return Applied::Done;
    }
    let written = store_file(app, source).and_then(|()| {
        app.write_blocking(acting, |tx| {
            let content = write_content(tx, planned, fields)?;
            match planned.action {
                RowAction::Create | RowAction::NewVersion => add_version(tx, &content, planned, source),
                RowAction::Update | RowAction::Unchanged | RowAction::Refused => Ok(()),
            }
        })
    });
    match written {
        Ok(()) => Applied::Done,
        Err(error) => Applied::Failed(error),
    }
}

fn store_file(app: &App, source: &Source) -> ApiResult<()> {
    let Some(file) = &source.file else {
        return Ok(());
    };
    let files = app.part::<Store>();
    let failed =
        |error: std::io::Error| ApiError::unavailable(error, "The file cannot be stored; try again.");
    for track in &source.tracks {
        let text = read_track(&track.path).map_err(|fault| ApiError::field("/tracks", fault))?;
        if Sha256::of(text.as_bytes()) != track.sha256 {
            return Err(ApiError::field(
                "/tracks",
                "has a file that changed meanwhile; run the command again",
            ));
        }
        files.put_file(&track.sha256, text.as_bytes()).map_err(failed)?;
    }
    if files.exists(&file.sha256)? {
        return Ok(());
    }
    let opened = File::open(&file.path).map_err(failed)?;
    files.put_file(&file.sha256, opened).map_err(failed)
}

fn write_content(tx: &mut Tx, planned: &PlannedRow, said: &Fields) -> ApiResult<Authorized<Content>> {
    let fields = |present: Option<&Content>| ContentFields {
        code: present.map_or_else(|| planned.row.code.clone(), |content| content.code.clone()),
        kind: said.kind,
        title: said.title.clone(),
        description: said.description.clone(),
        language: said.language.clone(),
        category_id: said.category_id,
        tags: said.tags.clone(),
        owner_id: present.and_then(|content| content.owner_id),
    };
    let id = match &planned.content {
        Some(present) => {
            let content = authorize::<Content>(tx, &Ref::from(present.id), Permission::ContentsWrite)?;
            let fields = fields(Some(&content));
            write::one(tx, Change::Set(content, Box::new(fields)))?.id
        }
        None => {
            let new = Create {
                fields: fields(None),
                extra: NoExtra::default(),
            };
            write::one::<Content>(tx, Change::create(new))?.id
        }
    };
    authorize(tx, &Ref::from(id), Permission::ContentsWrite)
}

fn add_version(
    tx: &mut Tx,
    content: &Authorized<Content>,
    planned: &PlannedRow,
    source: &Source,
) -> ApiResult<()> {
    if let Some(file) = &source.file {
        blobs::add(tx, &file.sha256, file.bytes, file.media_type)?;
    }
    let is_package = source.package.is_some();
    let version = ContentVersion {
        id: Uuid::now_v7(),
        content_id: content.id,
        number: store::next_number(tx, content.id)?,
        state: if is_package {
            ContentVersionState::Importing
        } else {
            ContentVersionState::Ready
        },
        body: (!is_package).then(|| source.body.clone()),
        sha256: source.file.as_ref().map(|file| file.sha256),
        file_name: source.file.as_ref().map(|file| file.name.clone()),
        findings: if is_package {
            Findings::default()
        } else {
            Findings(planned.findings.clone())
        },
        note: planned.row.note.clone(),
        created_by: None,
        created_at: tx.now,
    };
    store::insert(tx, &version)?;
    for track in &source.tracks {
        blobs::add(tx, &track.sha256, track.bytes, "text/vtt")?;
        store::add_track(
            tx,
            version.id,
            &track.said.language,
            track.said.kind,
            &track.sha256,
        )?;
    }
    if let Some(package) = &source.package {
        store::become_ready(tx, &version, &source.body, &package.files, &package.findings)?;
    }
    Ok(())
}
