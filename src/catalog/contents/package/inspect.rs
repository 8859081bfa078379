//! What is seen in the files of a package while they are inflated, each of them once.

use std::collections::BTreeMap;

use memchr::memmem;

use super::{
    archive::{ReadError, Refusal, Watch},
    page::{self, PageFacts},
    parse::MANIFEST,
    pdf,
};
use crate::catalog::contents::{
    findings::{Finding, FindingCode},
    versions::model::PackageFile,
};

/// The largest page that is read; larger ones are made by programs for programs.
const LARGEST_PAGE: usize = 2 << 20;
/// What a script that reports completion has in it.
const REPORTS: &[&str] = &["SetValue", "lesson_status", "completion_status"];
/// How many findings of one kind name a file each.
pub const MOST_OF_A_KIND: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Manifest,
    Page,
    Script,
    Pdf,
    Flash,
    Other,
}

impl Kind {
    fn of(file: &PackageFile) -> Self {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            _ if file.path == MANIFEST => Kind::Manifest,
            Some("html" | "htm" | "xhtml") => Kind::Page,
            Some("js" | "mjs" | "jsp" | "asp" | "php") => Kind::Script,
            Some("pdf") => Kind::Pdf,
            Some("swf") => Kind::Flash,
            _ => Kind::Other,
        }
    }

    /// How many of its bytes are kept until its end.
    fn kept(self, manifest: usize) -> usize {
        match self {
            Kind::Manifest => manifest,
            Kind::Page => LARGEST_PAGE,
            Kind::Pdf => pdf::LARGEST,
            Kind::Script | Kind::Flash | Kind::Other => 0,
        }
    }
}

/// Looks at the files of a package.
pub struct Inspector<'a> {
    go_on: &'a mut dyn FnMut(u64) -> bool,
    /// The most bytes of the manifest.
    most_of_manifest: usize,
    /// How many bytes of the archive the files before took.
    done: u64,
    compressed: u64,
    kind: Option<Kind>,
    path: String,
    kept: Vec<u8>,
    is_cut: bool,
    /// The end of the piece before: what is searched for may lie across two.
    tail: Vec<u8>,
    /// The manifest, where there is one.
    pub manifest: Option<Vec<u8>>,
    /// Whether any script has words that report completion.
    pub reports: bool,
    pages: BTreeMap<String, PageFacts>,
    untagged: Vec<String>,
    flash: Vec<String>,
}

impl Watch for Inspector<'_> {
    fn begin(&mut self, file: &PackageFile) {
        self.kind = Some(Kind::of(file));
        self.path.clone_from(&file.path);
        self.compressed = file.compressed.unsigned_abs();
        self.kept.clear();
        self.tail.clear();
        self.is_cut = false;
    }

    fn data(&mut self, bytes: &[u8]) {
        let kind = self.kind.unwrap_or(Kind::Other);
        if matches!(kind, Kind::Page | Kind::Script) && !self.reports {
            self.search(bytes);
        }
        let room = kind.kept(self.most_of_manifest).saturating_sub(self.kept.len());
        self.is_cut |= bytes.len() > room;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end(&mut self) -> Result<(), ReadError> {
        match self.kind {
            Some(Kind::Manifest) if self.is_cut => {
                let reason = format!("It is larger than {} bytes.", self.most_of_manifest);
                return Err(Refusal::new(reason, "Split the package into several.")
                    .at(MANIFEST)
                    .into());
            }
            Some(Kind::Manifest) => self.manifest = Some(std::mem::take(&mut self.kept)),
            Some(Kind::Page) if !self.is_cut => {
                let facts = page::look(&String::from_utf8_lossy(&self.kept));
                self.pages.insert(self.path.clone(), facts);
            }
            Some(Kind::Pdf) if !self.is_cut && pdf::is_untagged(&self.kept) => {
                self.untagged.push(self.path.clone())
            }
            Some(Kind::Flash) => self.flash.push(self.path.clone()),
            _ => {}
        }
        if self.kept.capacity() > LARGEST_PAGE {
            self.kept = Vec::new();
        }
        self.done += self.compressed;
        match (self.go_on)(self.done) {
            true => Ok(()),
            false => Err(ReadError::Stopped),
        }
    }
}

impl<'a> Inspector<'a> {
    /// One that asks `go_on` between files whether to read on.
    pub fn new(most_of_manifest: usize, go_on: &'a mut dyn FnMut(u64) -> bool) -> Self {
        Inspector {
            most_of_manifest,
            go_on,
            done: 0,
            compressed: 0,
            kind: None,
            path: String::new(),
            kept: Vec::new(),
            is_cut: false,
            tail: Vec::new(),
            manifest: None,
            reports: false,
            pages: BTreeMap::new(),
            untagged: Vec::new(),
            flash: Vec::new(),
        }
    }

    fn search(&mut self, bytes: &[u8]) {
        const LONGEST: usize = 32;
        let head = &bytes[..bytes.len().min(LONGEST)];
        self.tail.extend_from_slice(head);
        let has = |text: &[u8]| {
            REPORTS
                .iter()
                .any(|word| memmem::find(text, word.as_bytes()).is_some())
        };
        self.reports = has(&self.tail) || has(bytes);
        self.tail.clear();
        self.tail
            .extend_from_slice(&bytes[bytes.len().saturating_sub(LONGEST)..]);
    }

    /// What was found wrong with the files; `opened` are the pages that learners open first.
    pub fn findings(&self, opened: &[&str]) -> Vec<Finding> {
        let mut all = Vec::new();
        let launched = || {
            let pages = opened
                .iter()
                .filter_map(|path| Some((*path, self.pages.get(*path)?)));
            let mut pages: Vec<(&str, &PageFacts)> = pages.collect();
            pages.sort_by_key(|(path, _)| *path);
            pages.dedup_by_key(|(path, _)| *path);
            pages
        };
        let each = || self.pages.iter().map(|(path, facts)| (path.as_str(), facts));
        add(
            &mut all,
            launched()
                .into_iter()
                .filter(|(_, facts)| !facts.has_language)
                .map(|(path, _)| {
                    let fix = "Set `lang` in its `html` element, such as `<html lang=\"en\">`.";
                    Finding::new(
                        FindingCode::LanguageMissing,
                        format!("`{path}` does not say its language."),
                        fix,
                    )
                    .at(path)
                }),
        );
        add(
            &mut all,
            launched()
                .into_iter()
                .filter(|(_, facts)| !facts.has_title)
                .map(|(path, _)| {
                    let fix = "Give it a `title` element that says what it is about.";
                    Finding::new(FindingCode::TitleMissing, format!("`{path}` has no title."), fix).at(path)
                }),
        );
        add(
            &mut all,
            each().filter(|(_, facts)| facts.images_without_alt > 0).map(|(path, facts)| {
                let message = format!("`{path}` has images without a text alternative: {}.", facts.images_without_alt);
                let fix = "Give each image an `alt` text in the authoring tool; an empty one if it only decorates.";
                Finding::new(FindingCode::AltMissing, message, fix).at(path)
            }),
        );
        add(
            &mut all,
            each()
                .filter(|(_, facts)| facts.videos_without_captions > 0)
                .map(|(path, facts)| {
                    let message = format!(
                        "`{path}` has videos without captions: {}.",
                        facts.videos_without_captions
                    );
                    let fix = "Add captions to each video in the authoring tool.";
                    Finding::new(FindingCode::CaptionsMissing, message, fix).at(path)
                }),
        );
        add(
            &mut all,
            self.untagged.iter().map(|path| {
                let fix = "Export it as a tagged PDF (PDF/UA), or offer its text as a page.";
                Finding::new(FindingCode::PdfUntagged, format!("`{path}` has no tags."), fix).at(path)
            }),
        );
        add(
            &mut all,
            each().filter_map(|(path, facts)| {
                let address = facts.insecure.as_ref()?;
                let message = format!("`{path}` loads `{address}` by http.");
                let fix = "Put the file into the package, or load it by https.";
                Some(Finding::new(FindingCode::InsecureAddress, message, fix).at(path))
            }),
        );
        add(
            &mut all,
            each().filter_map(|(path, facts)| {
                let address = facts.external.as_ref()?;
                let message = format!("`{path}` loads `{address}` from another server.");
                let fix = "Put the file into the package, so that it works for as long as the package does.";
                Some(Finding::new(FindingCode::ExternalAddress, message, fix).at(path))
            }),
        );
        add(
            &mut all,
            self.flash.iter().map(|path| {
                let fix = "Publish the package as HTML5.";
                Finding::new(FindingCode::Flash, format!("`{path}` is a Flash file."), fix).at(path)
            }),
        );
        all
    }
}

/// Adds findings of one kind: the first by themselves, the others as a number.
fn add(all: &mut Vec<Finding>, mut found: impl Iterator<Item = Finding>) {
    all.extend(found.by_ref().take(MOST_OF_A_KIND));
    if let Some(next) = found.next() {
        let more = found.count() + 1;
        all.push(Finding {
            message: format!("The same is true of {more} more files."),
            path: None,
            ..next
        });
    }
}
