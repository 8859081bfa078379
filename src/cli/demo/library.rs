//! The made-up academy's library: a page, a package and a link, imported as `provost content import` does it.

use std::{
    fs,
    io::{self, Cursor, Write},
    path::{Path, PathBuf},
};

use uuid::Uuid;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    app::{Acting, App},
    catalog::contents::import::{Applied, apply, plan, read_manifest},
    cli::CommandError,
};

const MANIFEST: &str = include_str!("../../../assets/demo/library/content.csv");
const PAGE: &str = include_str!("../../../assets/demo/library/fire-doors.md");

/// The files of the package.
const DRILL: &[(&str, &str)] = &[
    (
        "imsmanifest.xml",
        include_str!("../../../assets/demo/library/drill/imsmanifest.xml"),
    ),
    (
        "index.html",
        include_str!("../../../assets/demo/library/drill/index.html"),
    ),
    (
        "drill.js",
        include_str!("../../../assets/demo/library/drill/drill.js"),
    ),
];

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
    let rows = read_manifest(MANIFEST.as_bytes()).map_err(CommandError)?;
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
    fs::write(folder.join("fire-doors.md"), PAGE)?;
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed time: the same academy has the same file.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let options = options.last_modified_time(zip::DateTime::default());
    for (name, content) in DRILL {
        archive.start_file(*name, options).map_err(io::Error::other)?;
        archive.write_all(content.as_bytes())?;
    }
    let archive = archive.finish().map_err(io::Error::other)?;
    fs::write(folder.join("evacuation-drill.zip"), archive.into_inner())
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
