//! Launches that are in use, and the files of their packages, kept in memory: opening a file asks the database nothing. What a
//! learner may no longer open is forgotten by notification.

use std::{
    collections::HashMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{address::LaunchAddress, commits::ended, model::LaunchMode, package::Package};
use crate::{
    app::{Part, Tx, Wake},
    catalog::contents::{body::ContentBody, store as contents, versions::model::PackageFile},
    enrollment::enrollments::model::IS_OPEN_TO_LEARNER,
    http::{ApiError, ApiResult},
    sql,
};

/// A launch that may be used now.
#[derive(Debug, Clone)]
pub struct LiveLaunch {
    /// Our id.
    pub launch_id: Uuid,
    /// The learner.
    pub user_id: Uuid,
    /// The name that packages show.
    pub learner_name: String,
    /// The enrollment.
    pub enrollment_id: Uuid,
    /// The activity.
    pub activity_id: Uuid,
    /// What the activity is called.
    pub title: String,
    /// The attempt, of a package.
    pub attempt_id: Option<Uuid>,
    /// What it is for.
    pub mode: LaunchMode,
    /// That of the attempt when it was launched.
    pub fence: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The content.
    pub content: Arc<LaunchedContent>,
}

/// The version of a content that a launch shows.
#[derive(Debug)]
pub struct LaunchedContent {
    /// The version.
    pub id: Uuid,
    /// The content's language.
    pub language: String,
    /// What it shows.
    pub body: ContentBody,
    /// What can be opened of a package.
    pub package: Option<Package>,
    /// The file in the store, where there is one.
    pub sha256: Option<Vec<u8>>,
    /// The name of the file.
    pub file_name: Option<String>,
    /// The files inside a package, by their paths.
    pub files: HashMap<String, PackageFile>,
    /// The captions and the like of a video.
    pub tracks: Vec<Track>,
}

/// Captions and the like of a video.
#[derive(Debug, Clone, QueryableByName)]
pub struct Track {
    /// Their language.
    #[diesel(sql_type = sql_types::Text)]
    pub language: String,
    /// What they are: captions, subtitles, descriptions, or a transcript.
    #[diesel(sql_type = sql_types::Text)]
    pub kind: String,
    /// The file in the store.
    #[diesel(sql_type = sql_types::Binary)]
    pub sha256: Vec<u8>,
    /// Its size.
    #[diesel(sql_type = sql_types::BigInt)]
    pub bytes: i64,
}

/// Launches kept; past that all are forgotten and read again.
const MOST_LAUNCHES: usize = 20_000;

/// Files of packages kept together; past that all are forgotten and read again.
const MOST_FILES: usize = 200_000;

/// What is kept.
pub struct Launches {
    launches: RwLock<HashMap<Uuid, (Instant, Arc<LiveLaunch>)>>,
    contents: RwLock<HashMap<Uuid, Arc<LaunchedContent>>>,
    /// Counts what was forgotten, so that what was read before is not kept after.
    forgotten: AtomicU64,
    keep_for: Duration,
}

impl LiveLaunch {
    /// What its address names.
    pub fn address(&self) -> LaunchAddress {
        LaunchAddress {
            launch_id: self.launch_id,
            user_id: self.user_id,
        }
    }
}

impl Part for Launches {
    fn on_wake(&self, wake: &Wake) {
        match wake {
            Wake::Launches(user) | Wake::Caller(user) => self.forget(|launch| launch.user_id == *user),
            Wake::Callers => self.forget(|_| true),
            _ => {}
        }
    }

    fn on_missed_wakes(&self) {
        self.forget(|_| true);
    }
}

impl Launches {
    /// Keeps launches until they are forgotten by notification, or for a second where none can arrive.
    pub fn new(notified: bool) -> Self {
        Launches {
            launches: RwLock::default(),
            contents: RwLock::default(),
            forgotten: AtomicU64::new(0),
            keep_for: Duration::from_secs(if notified { 60 } else { 1 }),
        }
    }

    fn forget(&self, is_meant: impl Fn(&LiveLaunch) -> bool) {
        if let Ok(mut launches) = self.launches.write() {
            self.forgotten.fetch_add(1, Ordering::AcqRel);
            launches.retain(|_, (_, launch)| !is_meant(launch));
        }
    }

    /// The launch, if it is known.
    pub fn get(&self, address: &LaunchAddress) -> Option<Arc<LiveLaunch>> {
        let launches = self.launches.read().ok()?;
        let (since, launch) = launches.get(&address.launch_id)?;
        let is_fresh = since.elapsed() < self.keep_for && launch.user_id == address.user_id;
        is_fresh.then(|| launch.clone())
    }

    fn content(&self, id: Uuid) -> Option<Arc<LaunchedContent>> {
        self.contents.read().ok()?.get(&id).cloned()
    }

    fn keep_content(&self, content: LaunchedContent) -> Arc<LaunchedContent> {
        let content = Arc::new(content);
        if let Ok(mut contents) = self.contents.write() {
            let files: usize = contents.values().map(|known| known.files.len() + 1).sum();
            if files + content.files.len() > MOST_FILES {
                contents.clear();
            }
            contents.insert(content.id, content.clone());
        }
        content
    }
}

#[derive(QueryableByName)]
struct LaunchRow {
    #[diesel(sql_type = sql_types::Text)]
    learner_name: String,
    #[diesel(sql_type = sql_types::Uuid)]
    enrollment_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    activity_id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    title: String,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    attempt_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Text)]
    mode: LaunchMode,
    #[diesel(sql_type = sql_types::BigInt)]
    fence: i64,
    #[diesel(sql_type = sql_types::Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = sql_types::Uuid)]
    content_version_id: Uuid,
}

/// Reads a launch that may be used now, and keeps it; 410 where it may not be.
pub fn load(tx: &mut Tx, address: LaunchAddress) -> ApiResult<Arc<LiveLaunch>> {
    let mark = tx.app.part::<Launches>().forgotten.load(Ordering::Acquire);
    let LaunchAddress { launch_id, user_id } = address;
    let rows: Vec<LaunchRow> = sql!(
        "SELECT trim(u.given_name || ' ' || u.family_name) AS learner_name, l.enrollment_id, l.activity_id,
            coalesce(activity ->> 'title', '') AS title, l.attempt_id, l.mode, l.fence, l.created_at,
            l.content_version_id
         FROM launches l JOIN enrollments e ON e.user_id = l.user_id AND e.id = l.enrollment_id
         JOIN users u ON u.id = l.user_id
         JOIN course_versions v ON v.id = e.course_version_id
         LEFT JOIN LATERAL (SELECT found AS activity FROM jsonb_path_query(v.modules, '$[*].activities[*]') found
            WHERE found ->> 'id' = l.activity_id::text LIMIT 1) shown ON TRUE
         WHERE l.user_id = {user_id} AND l.id = {launch_id} AND l.expires_at > {tx.now}
            AND u.status = 'active' AND {IS_OPEN_TO_LEARNER}"
    )
    .load(tx.conn)?;
    let row = rows.into_iter().next().ok_or_else(ended)?;
    let known = tx.app.part::<Launches>().content(row.content_version_id);
    let content = match known {
        Some(content) => content,
        None => {
            let content = load_content(tx, row.content_version_id)?;
            tx.app.part::<Launches>().keep_content(content)
        }
    };
    let launch = Arc::new(LiveLaunch {
        launch_id,
        user_id,
        learner_name: row.learner_name,
        enrollment_id: row.enrollment_id,
        activity_id: row.activity_id,
        title: row.title,
        attempt_id: row.attempt_id,
        mode: row.mode,
        fence: row.fence,
        created_at: row.created_at,
        content,
    });
    let kept = tx.app.part::<Launches>();
    if let Ok(mut launches) = kept.launches.write()
        && kept.forgotten.load(Ordering::Acquire) == mark
    {
        if launches.len() >= MOST_LAUNCHES {
            launches.clear();
        }
        launches.insert(launch_id, (Instant::now(), launch.clone()));
    }
    Ok(launch)
}

#[derive(QueryableByName)]
struct Language {
    #[diesel(sql_type = sql_types::Text)]
    language: String,
}

fn load_content(tx: &mut Tx, id: Uuid) -> ApiResult<LaunchedContent> {
    let version = contents::find_version(tx, id)?;
    let version = version.ok_or_else(|| ApiError::internal("a launch shows no content"))?;
    let body = version
        .body
        .ok_or_else(|| ApiError::internal("a launch shows content that is not ready"))?;
    let language: Language =
        sql!("SELECT language FROM contents WHERE id = {version.content_id}").get_result(tx.conn)?;
    let files: Vec<PackageFile> = sql!(
        "SELECT path, position, compressed, method, crc32, bytes, media_type FROM content_files
         WHERE content_version_id = {id}"
    )
    .load(tx.conn)?;
    let tracks = sql!(
        "SELECT t.language, t.kind, t.sha256, b.bytes FROM content_tracks t JOIN blobs b ON b.sha256 = t.sha256
         WHERE t.content_version_id = {id} ORDER BY t.language, t.kind"
    )
    .load(tx.conn)?;
    Ok(LaunchedContent {
        id,
        language: language.language,
        package: match &body {
            ContentBody::Package { manifest, .. } => Some(Package::of(manifest)),
            _ => None,
        },
        body,
        sha256: version.sha256.map(|sha256| sha256.as_bytes().to_vec()),
        file_name: version.file_name,
        files: files.into_iter().map(|file| (file.path.clone(), file)).collect(),
        tracks,
    })
}
