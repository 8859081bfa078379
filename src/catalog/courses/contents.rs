//! Which contents of the library a course consists of: asked when its outline is written, and when it is frozen.

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{
    model::Course,
    modules::{Activity, Criterion, Modules},
};
use crate::{
    app::Tx,
    authz::{self, Permission},
    catalog::contents::{body::ContentKind, checks, model::Content, versions::model::ContentVersionState},
    http::{ApiError, ApiResult, Code, FieldError},
    resource, sql,
};

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
    let named: HashSet<Uuid> = setting.flat_map(|draft| named(&draft.after.modules)).collect();
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
            .flat_map(|course| self::named(&course.modules))
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

fn named(modules: &Modules) -> impl Iterator<Item = Uuid> {
    modules
        .activities()
        .filter_map(|(_, activity)| activity.content_version_id)
}

/// What the working copies hold already, by any caller.
fn kept(drafts: &[Draft]) -> Vec<Uuid> {
    let before = drafts.iter().filter_map(|draft| draft.before.as_ref());
    before.flat_map(|course| named(&course.modules)).collect()
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

/// 409 where findings of its contents block publishing.
pub fn check_findings(tx: &mut Tx, course: &Course) -> ApiResult<()> {
    let versions: Vec<Uuid> = named(&course.modules).collect();
    if versions.is_empty() {
        return Ok(());
    }
    let blocking = checks::store::blocking(tx, &versions)?;
    let told = blocking.iter().take(5).map(|found| {
        let place = format!("{}, version {}", found.content_code, found.number);
        format!("{place}: {}", found.finding.message)
    });
    let told: Vec<String> = told.collect();
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
