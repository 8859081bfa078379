//! The made-up academy's library: pages, a video, packages and a link, imported as `provost content import` does it, and the courses
//! that are made of them.

use std::{
    collections::HashMap,
    fs,
    io::{self, Cursor, Write},
    path::{Path, PathBuf},
};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    app::{Acting, App, Tx},
    authz::{self, Permission},
    catalog::{
        contents::import::{Applied, apply, plan, read_manifest},
        courses::{model::Course, modules::Modules, publish},
    },
    cli::CommandError,
    db::schema::{contents, courses},
    http::{ApiError, ApiResult, Ref},
    resource::{Change, write},
};

/// A file of `assets/demo/library`: its name there, and its bytes.
type Asset = (&'static str, &'static [u8]);

/// A file of `assets/demo/library`, by its name there.
macro_rules! asset {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../assets/demo/library/", $name)),
        )
    };
}

/// What the library is imported from.
const FILES: &[Asset] = &[
    asset!("content.csv"),
    asset!("fire-doors.md"),
    asset!("fire-extinguisher.webm"),
    asset!("fire-extinguisher.en.vtt"),
    asset!("alarm.pdf"),
    asset!("conduct.md"),
];

/// Packages, made of the files of a folder each.
const PACKAGES: &[(&str, &[Asset])] = &[
    (
        "evacuation-drill.zip",
        &[
            asset!("drill/imsmanifest.xml"),
            asset!("drill/index.html"),
            asset!("drill/drill.js"),
        ],
    ),
    (
        "phishing.zip",
        &[
            asset!("phishing/imsmanifest.xml"),
            asset!("phishing/learn.html"),
            asset!("phishing/check.html"),
            asset!("phishing/check.js"),
            asset!("phishing/scorm.js"),
            asset!("phishing/phishing.css"),
        ],
    ),
];

/// Courses, and the modules that they get; activities name their content by `content_code`.
const OUTLINES: &str = include_str!("../../../assets/demo/library/outlines.json");

/// Fills the library.
pub fn fill(app: &App, acting: &Acting) -> Result<(), CommandError> {
    let folder = Folder(std::env::temp_dir().join(format!("provost-demo-{}", Uuid::now_v7())));
    let failed = |error: io::Error| {
        CommandError::of(
            "The demo library cannot be written to the temporary folder",
            error,
        )
    };
    write(&folder.0).map_err(failed)?;
    let manifest = fs::read(folder.0.join("content.csv")).map_err(failed)?;
    let rows = read_manifest(manifest.as_slice()).map_err(CommandError)?;
    let planned = app.read_blocking(acting, |tx| plan(tx, &folder.0, rows, &mut |_| ()))?;
    for row in &planned {
        if let Some(fault) = row.faults.first() {
            return Err(CommandError(format!(
                "The demo content {} is refused: {fault}",
                row.row.code
            )));
        }
        if let Applied::Failed(error) = apply(app, acting, row) {
            return Err(error.into());
        }
    }
    Ok(())
}

fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in FILES {
        fs::write(folder.join(name), bytes)?;
    }
    for (name, files) in PACKAGES {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // A fixed time: the same academy has the same file.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let options = options.last_modified_time(zip::DateTime::default());
        for (path, bytes) in *files {
            let path = path.split_once('/').map_or(*path, |(_, path)| path);
            archive.start_file(path, options).map_err(io::Error::other)?;
            archive.write_all(bytes)?;
        }
        let archive = archive.finish().map_err(io::Error::other)?;
        fs::write(folder.join(name), archive.into_inner())?;
    }
    Ok(())
}

/// Gives courses of the catalog an outline of contents, and publishes it.
pub fn use_it(tx: &mut Tx) -> ApiResult<()> {
    let outlines: Vec<Value> = serde_json::from_str(OUTLINES).map_err(ApiError::internal)?;
    let versions: HashMap<String, Option<Uuid>> = contents::table
        .select((contents::code, contents::current_version_id))
        .load(tx.conn)?
        .into_iter()
        .collect();
    for mut outline in outlines {
        let activities = outline["modules"].as_array_mut().into_iter().flatten();
        let activities = activities.filter_map(|module| module["activities"].as_array_mut());
        for activity in activities.flatten().filter_map(Value::as_object_mut) {
            if let Some(Value::String(code)) = activity.remove("content_code") {
                let version = versions.get(&code).copied().flatten();
                activity.insert("content_version_id".into(), serde_json::json!(version));
            }
        }
        let modules: Modules =
            serde_json::from_value(outline["modules"].take()).map_err(ApiError::internal)?;
        let code = outline["course"].as_str().unwrap_or_default();
        let id: Uuid = courses::table
            .filter(courses::code.eq(code))
            .select(courses::id)
            .first(tx.conn)?;
        let change = |tx: &mut Tx| authz::authorize::<Course>(tx, &Ref::from(id), Permission::CoursesWrite);
        let course = change(tx)?;
        write::one(tx, Change::edit(course, |fields| fields.modules = modules))?;
        let course = change(tx)?;
        publish::publish(tx, &course, None)?;
    }
    Ok(())
}

/// A folder that goes with this.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            log::warn!("{} is left: {error}", self.0.display());
        }
    }
}
