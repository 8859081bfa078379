//! What an import of a folder would do, row by row. Files are read, packages whole; nothing is written.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    manifest::{ManifestRow, is_language},
    source::{Source, SourceTrack, read_source},
};
use crate::{
    app::Tx,
    catalog::{
        contents::{
            body::{ContentBody, ContentKind},
            findings::{Finding, FindingSeverity},
            package::archive::Limits,
        },
        tags,
    },
    files::Sha256,
    http::ApiResult,
    sql,
    text::fold,
};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowAction {
    /// A content is added, with its first version.
    Create,
    /// A content gets another version, and what else the row says.
    NewVersion,
    /// A content gets what the row says; its version stays.
    Update,
    /// Nothing: all is there already.
    Unchanged,
    /// The row has faults.
    Refused,
}

impl RowAction {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RowAction::Create => "create",
            RowAction::NewVersion => "new version",
            RowAction::Update => "update",
            RowAction::Unchanged => "unchanged",
            RowAction::Refused => "refused",
        }
    }
}

/// A row of a manifest, and what becomes of it.
#[derive(Debug)]
pub struct PlannedRow {
    /// The row.
    pub row: ManifestRow,
    /// What becomes of it.
    pub action: RowAction,
    /// Why it is refused.
    pub faults: Vec<String>,
    /// What was found wrong with its file.
    pub findings: Vec<Finding>,
    pub(super) content: Option<Present>,
    pub(super) fields: Option<Fields>,
    pub(super) source: Option<Source>,
}

impl PlannedRow {
    /// How many findings are of that severity.
    pub fn count(&self, severity: FindingSeverity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }
}

/// What a row says of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub kind: ContentKind,
    pub title: String,
    pub language: String,
    pub category_id: Option<Uuid>,
    pub tags: Vec<String>,
    pub description: String,
}

/// A content that is there.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Present {
    #[diesel(sql_type = sql_types::Uuid)]
    pub id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    code_folded: String,
    #[diesel(sql_type = sql_types::Text)]
    kind: ContentKind,
    #[diesel(sql_type = sql_types::Text)]
    title: String,
    #[diesel(sql_type = sql_types::Text)]
    language: String,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    category_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Array<sql_types::Text>)]
    tags: Vec<String>,
    #[diesel(sql_type = sql_types::Text)]
    description: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_archived: bool,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Binary>)]
    sha256: Option<Sha256>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    body: Option<ContentBody>,
    /// The kind, the language and the SHA-256 of each text of a video.
    #[diesel(sql_type = sql_types::Array<sql_types::Text>)]
    tracks: Vec<String>,
}

/// Plans all rows of a manifest; `told` hears of each.
pub fn plan(
    tx: &mut Tx,
    folder: &Path,
    rows: Vec<ManifestRow>,
    told: &mut dyn FnMut(usize),
) -> ApiResult<Vec<PlannedRow>> {
    let codes: Vec<String> = rows.iter().map(|row| fold(&row.code)).collect();
    let present: Vec<Present> = sql!(
        "SELECT c.id, c.code_folded, c.kind, c.title, c.language, c.category_id, c.tags, c.description,
            c.archived_at IS NOT NULL AS is_archived, v.sha256, ARRAY(SELECT t.kind || ':' || t.language || ':' || encode(t.sha256, 'hex')
                FROM content_tracks t WHERE t.content_version_id = v.id) AS tracks, CASE WHEN c.kind IN ('page', 'link') THEN v.body END AS body
         FROM contents c LEFT JOIN content_versions v ON v.id = c.current_version_id WHERE c.code_folded = ANY({codes})"
    )
    .load(tx.conn)?;
    let present: HashMap<String, Present> = present
        .into_iter()
        .map(|found| (found.code_folded.clone(), found))
        .collect();
    let categories = categories(tx, &rows)?;
    let limits = Limits::of(&tx.app.config);
    let planned = rows.into_iter().enumerate().map(|(index, row)| {
        let content = present.get(&fold(&row.code)).cloned();
        let planned = plan_row(folder, &limits, row, content, &categories);
        told(index + 1);
        planned
    });
    Ok(planned.collect())
}

/// The categories that rows name, by the key forms of their codes.
fn categories(tx: &mut Tx, rows: &[ManifestRow]) -> ApiResult<HashMap<String, Uuid>> {
    #[derive(QueryableByName)]
    struct Category {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Text)]
        code_folded: String,
    }
    let codes: Vec<String> = rows
        .iter()
        .filter_map(|row| row.category.as_deref())
        .map(fold)
        .collect();
    let found: Vec<Category> = sql!(
        "SELECT id, code_folded FROM categories WHERE code_folded = ANY({codes}) AND archived_at IS NULL"
    )
    .load(tx.conn)?;
    Ok(found
        .into_iter()
        .map(|category| (category.code_folded, category.id))
        .collect())
}

fn plan_row(
    folder: &Path,
    limits: &Limits,
    row: ManifestRow,
    content: Option<Present>,
    categories: &HashMap<String, Uuid>,
) -> PlannedRow {
    let mut planned = PlannedRow {
        action: RowAction::Refused,
        faults: row.faults.clone(),
        findings: Vec::new(),
        content,
        fields: None,
        source: None,
        row,
    };
    let Some(kind) = planned.row.kind.filter(|_| planned.faults.is_empty()) else {
        return planned;
    };
    match read_source(folder, limits, kind, &planned.row, &mut planned.findings) {
        Ok(source) => {
            planned.fields = fields(&planned.row, kind, &source, categories, &mut planned.faults);
            planned.source = Some(source);
        }
        Err(fault) => planned.faults.push(fault),
    }
    if let Some(present) = &planned.content {
        if present.kind != kind {
            planned.faults.push(format!(
                "the content is a {}, and a kind stays",
                present.kind.as_str()
            ));
        }
        if present.is_archived {
            planned
                .faults
                .push("the content is archived; restore it first".to_owned());
        }
    }
    if let (Some(fields), Some(source), true) = (&planned.fields, &planned.source, planned.faults.is_empty())
    {
        planned.action = action(planned.content.as_ref(), fields, source);
    }
    planned
}

fn action(present: Option<&Present>, fields: &Fields, source: &Source) -> RowAction {
    let Some(present) = present else {
        return RowAction::Create;
    };
    // A row without tracks says nothing of them.
    let has_tracks = source.tracks.is_empty() || has_tracks(present, &source.tracks);
    let is_same = match &source.file {
        Some(file) => present.sha256 == Some(file.sha256) && has_tracks,
        None => present.body.as_ref() == Some(&source.body),
    };
    let says_the_same = present.title == fields.title
        && present.language == fields.language
        && present.category_id == fields.category_id
        && present.tags == fields.tags
        && present.description == fields.description;
    match (is_same, says_the_same) {
        (false, _) => RowAction::NewVersion,
        (true, false) => RowAction::Update,
        (true, true) => RowAction::Unchanged,
    }
}

fn has_tracks(present: &Present, tracks: &[SourceTrack]) -> bool {
    let said = tracks.iter().map(|track| {
        let (kind, language) = (track.said.kind.as_str(), &track.said.language);
        format!("{kind}:{language}:{}", track.sha256)
    });
    said.collect::<HashSet<String>>() == present.tracks.iter().cloned().collect()
}

fn fields(
    row: &ManifestRow,
    kind: ContentKind,
    source: &Source,
    categories: &HashMap<String, Uuid>,
    faults: &mut Vec<String>,
) -> Option<Fields> {
    let manifest = source.package.as_ref().map(|package| &package.manifest);
    let own = manifest
        .map(|manifest| manifest.title.clone())
        .filter(|title| !title.is_empty());
    let title = row.title.clone().or(own);
    let named = manifest.and_then(|manifest| manifest.metadata.language.as_deref());
    let named = named.map(|language| language.split('-').next().unwrap_or_default().to_lowercase());
    let language = row
        .language
        .clone()
        .or(named.filter(|language| is_language(language)));
    let category = row
        .category
        .as_ref()
        .map(|code| categories.get(&fold(code)).copied());
    if title.is_none() {
        faults.push("title is empty".to_owned());
    }
    if language.is_none() {
        faults.push("language is empty, and the file does not say one".to_owned());
    }
    if category == Some(None) {
        faults.push("category names none that is there".to_owned());
    }
    Some(Fields {
        kind,
        title: title?,
        language: language?,
        category_id: category.flatten(),
        tags: tags::normalize(row.tags.iter().map(String::as_str)),
        description: row.description.clone().unwrap_or_default(),
    })
}
