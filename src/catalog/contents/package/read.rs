//! Reading a package: the archive, its manifest, and what is wrong with them.

use std::{
    collections::HashSet,
    io::{Read, Seek},
};

use super::{
    archive::{self, Limits, ReadError, Refusal},
    inspect::Inspector,
    manifest::{PackageManifest, ScormType},
    parse::{self, MANIFEST},
};
use crate::catalog::contents::{
    body::ContentBody,
    findings::{Finding, FindingCode},
    versions::model::PackageFile,
};

/// A package that can be used.
#[derive(Debug)]
pub struct Package {
    /// What its manifest says.
    pub manifest: PackageManifest,
    /// Its files, in the order of their paths.
    pub files: Vec<PackageFile>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

impl Package {
    /// What a content version keeps of it.
    pub fn body(&self) -> ContentBody {
        ContentBody::Package {
            manifest: Box::new(self.manifest.clone()),
            // No more than a limit of archives.
            files: i32::try_from(self.files.len()).unwrap_or(i32::MAX),
            bytes: self.files.iter().map(|file| file.bytes).sum(),
        }
    }
}

/// Reads a package. `go_on` is told how many bytes of the archive were read, and answers whether to read on.
pub fn read(
    reader: impl Read + Seek,
    limits: &Limits,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Package, ReadError> {
    let mut inspector = Inspector::new(limits.manifest, go_on);
    let files = archive::read(reader, limits, &mut inspector)?;
    let paths: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let Some(manifest) = inspector.manifest.take() else {
        return Err(no_manifest(&files).into());
    };
    let (manifest, mut findings) = parse::parse(&manifest, &paths)?;
    let items = manifest.all_items();
    let opened: Vec<&str> = items.iter().filter_map(|item| item.path.as_deref()).collect();
    let talks = items.iter().any(|item| item.scorm_type == Some(ScormType::Sco));
    if talks && !inspector.reports {
        let message = "No script of the package sets `cmi.core.lesson_status` or `cmi.completion_status`.";
        let fix = "Turn on reporting of completion in the authoring tool and publish the package again, or let the \
            activity be completed when it is viewed.";
        findings.push(Finding::new(FindingCode::NoCompletion, message, fix));
    }
    findings.extend(inspector.findings(&opened));
    findings.sort_by_key(|finding| finding.severity);
    Ok(Package {
        manifest,
        files,
        findings,
    })
}

/// Says what an archive without a manifest at its root is, and what to do with it.
fn no_manifest(files: &[PackageFile]) -> Refusal {
    let name = |file: &PackageFile| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        name.to_ascii_lowercase()
    };
    let other = "Publish it for SCORM 1.2 or SCORM 2004 in the authoring tool.";
    let has = |wanted: &str| files.iter().any(|file| name(file) == wanted);
    let ends = |endings: &[&str]| {
        let found = |file: &PackageFile| endings.iter().any(|ending| name(file).ends_with(ending));
        files.iter().any(found)
    };
    if let Some(found) = files.iter().find(|file| name(file) == MANIFEST) {
        return match found.path.rsplit_once('/') {
            Some((folder, _)) => Refusal::new(
                format!("Its manifest is in the folder `{folder}`."),
                "Pack what is inside that folder, not the folder itself: `imsmanifest.xml` must stand at the root.",
            ),
            None => Refusal::new("Its manifest has capital letters in its name.", "Call it `imsmanifest.xml`."),
        }
        .at(&found.path);
    }
    if has("cmi5.xml") {
        return Refusal::new("It is a cmi5 package, which is not supported.", other);
    }
    if has("tincan.xml") {
        return Refusal::new("It is an xAPI (Tin Can) package, which is not supported.", other);
    }
    if ends(&[".au", ".crs"]) {
        return Refusal::new("It is an AICC package, which is not supported.", other);
    }
    Refusal::new(
        "It has no manifest: no file `imsmanifest.xml` stands at its root.",
        "Publish it for SCORM 1.2 or SCORM 2004 in the authoring tool. A document or video is a content of its own kind.",
    )
}
