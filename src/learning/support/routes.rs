//! `/v1/launches`.

use actix_web::{get, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{LaunchReport, RecordedLaunch},
    store,
    verdict::{Facts, verdict},
    words,
};
use crate::{
    app::{Call, Tx},
    catalog::contents::{body::ContentBody, store as contents},
    enrollment::enrollments,
    http::{ApiResult, ListQuery, Page, Query, Reply},
    learning::{
        outcome::unfinished,
        package::Package,
        store as activities,
        track::{self, Learning},
    },
};

/// The routes of launches.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_launches).service(get_launch);
}

/// List launches.
///
/// When learners opened activities, as far as the caller's scope covers their enrollments. Filter by `user_id`, `enrollment_id`,
/// `activity_id` or `content_version_id`.
#[utoipa::path(tag = "learning", params(ListQuery), responses((status = 200, body = Page<RecordedLaunch>)),
    extensions(("x-permission" = json!("launches.read"))))]
#[get("/launches")]
async fn list_launches(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Get a launch.
///
/// For support: what the package said and when (`log`), and why the activity counts now or does not (`verdict`), in words.
#[utoipa::path(tag = "learning", params(("launch_id" = Uuid, Path)), responses((status = 200, body = LaunchReport)),
    extensions(("x-permission" = json!("launches.read"))))]
#[get("/launches/{launch_id}")]
async fn get_launch(call: Call, id: Path<Uuid>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::ok(&report(tx, *id)?)).await
}

fn report(tx: &mut Tx, id: Uuid) -> ApiResult<LaunchReport> {
    let found = store::find(tx, id)?;
    let launch = &found.launch;
    let body = contents::find_version(tx, launch.content_version_id)?.and_then(|version| version.body);
    let package = match &body {
        Some(ContentBody::Package { manifest, .. }) => Some(Package::of(manifest)),
        _ => None,
    };
    let enrollment = enrollments::store::find(tx, launch.user_id, launch.enrollment_id)?;
    let learning = Learning::load(tx, enrollment)?;
    let activity = learning.activity(launch.activity_id).ok();
    let record = learning.records.get(&launch.activity_id);
    let attempts = activities::attempts(tx, &learning.enrollment, launch.activity_id)?;
    let unfinished = match (&package, attempts.last()) {
        (Some(package), Some(last)) if last.content_version_id == launch.content_version_id => {
            unfinished(package, &activities::items(tx, last.user_id, last.id)?)
        }
        _ => Vec::new(),
    };
    let used = i32::try_from(attempts.len()).unwrap_or(i32::MAX);
    let verdict = verdict(&Facts {
        version_number: store::version_number(tx, learning.enrollment.course_version_id)?,
        attempts_left: activity
            .as_ref()
            .and_then(|activity| track::attempts_left(activity, record, used)),
        activity: activity.as_ref(),
        record,
        attempts: &attempts,
        unfinished,
        mode: launch.mode,
        learning: &learning,
    });
    let log = store::log(tx, launch)?;
    Ok(LaunchReport {
        verdict,
        log: words::entries(&found, package.as_ref(), log, tx.now),
        launch: found.launch,
    })
}
