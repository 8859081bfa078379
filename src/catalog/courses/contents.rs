//! Which contents of the library a course consists of: asked when its outline is written, and when it is frozen.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    findings::{self, CourseFinding, Used},
    model::Course,
    modules::{Activity, Criterion, Modules},
};
use crate::{
    app::Tx,
    authz::{self, Permission},
    catalog::contents::{
        body::ContentKind,
        checks::{
            self,
            model::{ContentCheckAction, ContentCheckChoices},
        },
        model::Content,
        versions::model::ContentVersionState,
    },
    http::{ApiError, ApiResult, Code, FieldError},
    resource, sql,
};

/// How many contents or findings a refusal names.
const MOST_NAMED: usize = 5;

type Draft = resource::Draft<Course>;

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    kind: ContentKind,
    #[diesel(sql_type = sql_types::Text)]
    state: ContentVersionState,
    #[diesel(sql_type = sql_types::Bool)]
    is_archived: bool,
}

/// Refuses drafts whose outline names versions of contents that the caller may not see, that cannot be used, or that do not
/// report what a criterion asks for.
pub fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let setting = drafts.iter().filter(|draft| draft.sets(|course| &course.modules));
    let named: HashSet<Uuid> = setting
        .flat_map(|draft| draft.after.modules.content_versions())
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let named: Vec<Uuid> = named.into_iter().collect();
    let nameable = authz::nameable::<Content>(tx, Permission::CoursesWrite);
    // The locks keep contents from being archived, and versions from being deleted, before the commit.
    let found: Vec<Version> = sql!(
        "SELECT v.id, contents.kind, v.state, contents.archived_at IS NOT NULL AS is_archived
         FROM content_versions v JOIN contents ON contents.id = v.content_id
         WHERE v.id = ANY({named}) AND ({nameable} OR v.id = ANY({kept})) ORDER BY contents.id FOR SHARE OF contents, v",
        kept = kept(drafts),
    )
    .load(tx.conn)?;
    let found: HashMap<Uuid, Version> = found.into_iter().map(|version| (version.id, version)).collect();
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.sets(|course| &course.modules))
    {
        let before = draft.before.as_ref();
        let before: HashSet<Uuid> = before
            .into_iter()
            .flat_map(|course| course.modules.content_versions())
            .collect();
        let faults = draft
            .after
            .modules
            .activities()
            .flat_map(|(at, activity)| faults(&at, activity, &found, &before))
            .collect();
        draft.refuse_faults(faults);
    }
    Ok(())
}

/// Refuses to bring back retired courses whose current version shows contents that were archived meanwhile.
pub fn check_restored(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    #[derive(QueryableByName)]
    struct Shown {
        #[diesel(sql_type = sql_types::Uuid)]
        course_id: Uuid,
        #[diesel(sql_type = sql_types::Text)]
        code: String,
        #[diesel(sql_type = sql_types::Bool)]
        is_archived: bool,
    }
    let restored = drafts.iter().filter(|draft| draft.restores());
    let current: Vec<Uuid> = restored
        .filter_map(|draft| draft.after.current_version_id)
        .collect();
    if current.is_empty() {
        return Ok(());
    }
    // The locks keep contents from being archived before the commit.
    let shown: Vec<Shown> = sql!(
        "SELECT version.course_id, c.code, c.archived_at IS NOT NULL AS is_archived FROM course_versions version
         JOIN content_versions v ON v.id = ANY(version.content_version_ids) JOIN contents c ON c.id = v.content_id
         WHERE version.id = ANY({current}) ORDER BY c.id FOR SHARE OF c"
    )
    .load(tx.conn)?;
    for draft in drafts.iter_mut().filter(|draft| draft.restores()) {
        let archived = shown
            .iter()
            .filter(|shown| shown.is_archived && shown.course_id == draft.after.id);
        if let Some(told) = named(archived.map(|shown| &*shown.code)) {
            draft.refuse(ApiError::new(
                Code::Conflict,
                format!("Its current version shows contents that were archived meanwhile; restore them first: {told}"),
            ));
        }
    }
    Ok(())
}

/// What the working copies hold already, by any caller.
fn kept(drafts: &[Draft]) -> Vec<Uuid> {
    let before = drafts.iter().filter_map(|draft| draft.before.as_ref());
    before
        .flat_map(|course| course.modules.content_versions())
        .collect()
}

fn faults(
    at: &str,
    activity: &Activity,
    found: &HashMap<Uuid, Version>,
    before: &HashSet<Uuid>,
) -> Vec<FieldError> {
    let Some(id) = activity.content_version_id else {
        return Vec::new();
    };
    let fault = |text: &str| vec![FieldError::new(format!("{at}/content_version_id"), text)];
    let Some(version) = found.get(&id) else {
        return fault("names no version of a content that you may see");
    };
    if version.is_archived && !before.contains(&id) {
        return fault("names a version of an archived content; restore the content first");
    }
    match version.state {
        ContentVersionState::Ready => {}
        ContentVersionState::Importing => {
            return fault("names a version that is still being read; wait until it is ready");
        }
        ContentVersionState::Refused => {
            return fault("names a version that was refused; its findings say why");
        }
        ContentVersionState::Deleted => return fault("names a version that was deleted"),
    }
    let unfit = match (&activity.criterion, version.kind) {
        (Some(Criterion::Watched { .. }), kind) if kind != ContentKind::Video => "needs a video",
        (Some(Criterion::Content {} | Criterion::Passed { .. }), kind) if kind != ContentKind::Package => {
            "needs a package, which alone reports that"
        }
        _ => return Vec::new(),
    };
    vec![FieldError::new(format!("{at}/criterion"), unfit)]
}

/// Tells the activities of a course the later versions of their contents; whether the course uses any content.
pub fn tell_newer(tx: &mut Tx, course: &mut Course) -> ApiResult<bool> {
    #[derive(QueryableByName)]
    struct Newer {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Integer)]
        number: i32,
    }
    let shown: Vec<Uuid> = course.modules.content_versions().collect();
    if shown.is_empty() {
        return Ok(false);
    }
    let newer: Vec<Newer> = sql!(
        "SELECT v.id, c.current_version_number AS number FROM content_versions v JOIN contents c ON c.id = v.content_id
         WHERE v.id = ANY({shown}) AND c.current_version_number > v.number"
    )
    .load(tx.conn)?;
    let newer = newer.into_iter().map(|found| (found.id, found.number)).collect();
    course.fields.modules.tell_newer(&newer);
    Ok(true)
}

/// What was found wrong with the contents of what is to be published. 409 where a content is archived, or where a finding blocks
/// publishing.
pub fn check_publishable(tx: &mut Tx, modules: &Modules) -> ApiResult<Vec<CourseFinding>> {
    let used = findings::used(tx, modules, true)?;
    if used.is_empty() {
        return Ok(Vec::new());
    }
    refuse_archived(&used)?;
    refuse_blocking(&checks::store::choices(tx)?, &used)?;
    Ok(findings::by_activity(modules, &used))
}

fn refuse_archived(used: &[Used]) -> ApiResult<()> {
    let archived = used.iter().filter(|version| version.is_archived);
    match named(archived.map(|version| &*version.code)) {
        None => Ok(()),
        Some(told) => Err(ApiError::new(
            Code::ContentBlocksPublishing,
            format!("Restore these archived contents, or take them out first: {told}"),
        )),
    }
}

/// The first of these codes, as a refusal names them; none without any.
fn named<'a>(codes: impl Iterator<Item = &'a str>) -> Option<String> {
    let codes: BTreeSet<&str> = codes.collect();
    let told: Vec<&str> = codes.into_iter().take(MOST_NAMED).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn refuse_blocking(choices: &ContentCheckChoices, used: &[Used]) -> ApiResult<()> {
    let blocking = used.iter().flat_map(|version| {
        let findings = version.findings.0.iter();
        let findings = findings.filter(|finding| choices.action(finding.code) == ContentCheckAction::Block);
        findings.map(|finding| {
            format!(
                "{}, version {}: {}",
                version.code, version.number, finding.message
            )
        })
    });
    let told: Vec<String> = blocking.take(MOST_NAMED).collect();
    if told.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(
        Code::ContentBlocksPublishing,
        format!(
            "Fix these findings in a new version of the content, or let /v1/content-checks warn of them only: {}",
            told.join("; ")
        ),
    ))
}
