//! Reading the manifest of a package: `imsmanifest.xml` of SCORM 1.2 and SCORM 2004.

use std::collections::{HashMap, HashSet};

use roxmltree::{Document, Node, ParsingOptions};

use super::{
    address::{encoded, is_elsewhere, path_of, with_parameters},
    archive::Refusal,
    describe::{hidden_controls, metadata, organization, standard},
    inspect::MOST_OF_A_KIND,
    manifest::{PackageItem, PackageManifest, PackageStandard, ScormType},
    sequencing::{Collections, Place, Sequencing, Unfollowed, sequencing},
    xml::{LONGEST_TEXT, LONGEST_TITLE, attribute, child, children, decode, line, text},
};
use crate::{
    catalog::contents::findings::{Finding, FindingCode},
    text::fold,
};

/// The name of the manifest, at the root of a package.
pub const MANIFEST: &str = "imsmanifest.xml";
const LONGEST_TAG: usize = 32 << 10;
const MOST_NAMESPACES: usize = 20_000;
const MOST_NODES: u32 = 1_000_000;
const MOST_ITEMS: usize = 5_000;
const DEEPEST: usize = 50;

pub(super) const FIX: &str = "Publish the package again for SCORM 1.2 or SCORM 2004 in the authoring tool.";

/// What the manifest says, and what is wrong with it. `files` are the paths of the archive's files.
pub fn parse(bytes: &[u8], files: &HashSet<&str>) -> Result<(PackageManifest, Vec<Finding>), Refusal> {
    let text = decode(bytes);
    check_shape(&text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => {
            refuse("It has a document type definition (DTD).", "Remove the DOCTYPE.")
        }
        roxmltree::Error::NodesLimitReached => refuse("It is too large.", "Split the package into several."),
        error => refuse(&format!("It is no XML: {error}."), FIX),
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "manifest" {
        return Err(refuse("It is no manifest of a package.", FIX));
    }
    Reader::new(root, files)?.manifest(root)
}

/// Refuses what would take long to read: time grows with the square of an element's attributes and of the declared namespaces.
fn check_shape(text: &str) -> Result<(), Refusal> {
    // A tag has no `<` in it.
    if text.split('<').any(|tag| tag.len() > LONGEST_TAG) {
        return Err(refuse(
            &format!("An element of it, or the text after that, has more than {LONGEST_TAG} bytes."),
            "Shorten its attributes and texts.",
        ));
    }
    match text.matches("xmlns").count() > MOST_NAMESPACES {
        true => Err(refuse(
            &format!("It declares more than {MOST_NAMESPACES} namespaces."),
            "Declare each namespace once, in the first element.",
        )),
        false => Ok(()),
    }
}

pub(super) fn refuse(reason: &str, fix: &str) -> Refusal {
    Refusal::new(reason, fix).at(MANIFEST)
}

/// A resource of the manifest.
struct Resource {
    href: Option<String>,
    scorm_type: Option<ScormType>,
}

struct Reader<'a, 'input> {
    files: &'a HashSet<&'a str>,
    /// The paths of the files by their key forms.
    folded: HashMap<String, &'a str>,
    resources: HashMap<String, Resource>,
    collections: Collections<'a, 'input>,
    unfollowed: Unfollowed,
    has_several_parts: bool,
    findings: Vec<Finding>,
    ids: HashSet<String>,
}

impl<'a, 'input> Reader<'a, 'input> {
    fn new(root: Node<'a, 'input>, files: &'a HashSet<&'a str>) -> Result<Self, Refusal> {
        let folded = files.iter().map(|path| (fold(path), *path)).collect();
        let mut reader = Reader {
            files,
            folded,
            resources: HashMap::new(),
            collections: Collections::new(root),
            unfollowed: Unfollowed::default(),
            has_several_parts: false,
            findings: Vec::new(),
            ids: HashSet::new(),
        };
        if let Some(resources) = child(root, "resources") {
            let base = format!("{}{}", base(root), base(resources));
            for resource in children(resources, "resource") {
                reader.read_resource(resource, &base);
            }
        }
        Ok(reader)
    }

    fn read_resource(&mut self, resource: Node, base: &str) {
        let base = format!("{base}{}", self::base(resource));
        let scorm_type = match attribute(resource, "scormtype") {
            Some(kind) if kind.eq_ignore_ascii_case("sco") => Some(ScormType::Sco),
            _ => Some(ScormType::Asset),
        };
        let href = attribute(resource, "href").filter(|href| !href.is_empty());
        for file in children(resource, "file") {
            let Some(named) = attribute(file, "href").filter(|href| !href.is_empty()) else {
                continue;
            };
            let address = format!("{base}{named}");
            if is_elsewhere(&address) {
                continue;
            }
            if self.resolve(&address, named).is_none() && Some(named) != href {
                self.missing(FindingCode::FileMissing, &address);
            }
        }
        let Some(id) = attribute(resource, "identifier") else {
            return;
        };
        let href = href.map(|href| match is_elsewhere(href) {
            true => href.to_owned(),
            false => format!("{base}{href}"),
        });
        self.resources
            .entry(id.to_owned())
            .or_insert(Resource { href, scorm_type });
    }

    fn missing(&mut self, code: FindingCode, address: &str) {
        let path: String = path_of(address).unwrap_or_else(|| address.to_owned());
        if self
            .findings
            .iter()
            .any(|finding| finding.path.as_deref() == Some(path.as_str()))
        {
            return;
        }
        let message = format!("The manifest names `{path}`, which is not in the package.");
        let fix = "Publish the package again in the authoring tool, and do not take files out of it.";
        self.findings.push(Finding::new(code, message, fix).at(path));
    }

    /// The path of the file that an address names, as the archive writes it.
    fn resolve(&mut self, address: &str, named: &str) -> Option<String> {
        let undecoded = address.split(['?', '#']).next().unwrap_or_default();
        if self.files.contains(undecoded) {
            return Some(undecoded.to_owned());
        }
        let path = path_of(address)?;
        if self.files.contains(path.as_str()) {
            return Some(path);
        }
        let found = (*self.folded.get(&fold(&path))?).to_owned();
        let is_told = |finding: &Finding| {
            finding.code == FindingCode::CaseMismatch && finding.path.as_ref() == Some(&found)
        };
        if !self.findings.iter().any(is_told) {
            let message = format!("The manifest names `{named}`; the file is called `{found}`.");
            let fix = "Name the file as the manifest does: web servers tell capital from small letters.";
            self.findings
                .push(Finding::new(FindingCode::CaseMismatch, message, fix).at(&found));
        }
        Some(found)
    }

    fn manifest(mut self, root: Node<'a, 'input>) -> Result<(PackageManifest, Vec<Finding>), Refusal> {
        let metadata_node = child(root, "metadata");
        let schema_version = metadata_node
            .and_then(|node| line(node, "schemaversion"))
            .unwrap_or_default();
        let (standard, doubt) = standard(root, &schema_version)?;
        self.findings.extend(doubt);
        let organization = organization(root)?;
        let named = organization
            .descendants()
            .filter(|node| attribute(*node, "identifierref").is_some());
        self.has_several_parts = named.take(2).count() > 1;
        let own = line(organization, "title");
        self.sequencing(organization, own.as_deref().unwrap_or_default(), standard);
        let mut count = 0;
        let items = self.items(organization, standard, 1, &mut count)?;
        self.findings.extend(self.unfollowed.finding());
        let opened = |item: &&PackageItem| item.href.is_some();
        let manifest = PackageManifest {
            standard,
            schema_version,
            identifier: attribute(root, "identifier")
                .unwrap_or_default()
                .chars()
                .take(LONGEST_TITLE)
                .collect(),
            title: String::new(),
            items,
            metadata: metadata_node.map(metadata).unwrap_or_default(),
        };
        if !manifest.all_items().iter().any(opened) {
            return Err(refuse("It has nothing to open: no item names a file.", FIX));
        }
        let own = own.or_else(|| manifest.metadata.title.clone());
        let first = || manifest.all_items().first().map(|item| item.title.clone());
        let title = own.or_else(first).unwrap_or_default();
        Ok((PackageManifest { title, ..manifest }, self.findings))
    }

    fn items(
        &mut self,
        above: Node<'a, 'input>,
        standard: PackageStandard,
        depth: usize,
        count: &mut usize,
    ) -> Result<Vec<PackageItem>, Refusal> {
        if depth > DEEPEST {
            return Err(refuse(
                "Its items are more than 50 levels deep.",
                "Use fewer levels.",
            ));
        }
        let mut items = Vec::new();
        for node in children(above, "item") {
            *count += 1;
            if *count > MOST_ITEMS {
                return Err(refuse(
                    "It has more than 5,000 items.",
                    "Split the package into several.",
                ));
            }
            items.push(self.item(node, standard, depth, count)?);
        }
        Ok(items)
    }

    fn item(
        &mut self,
        node: Node<'a, 'input>,
        standard: PackageStandard,
        depth: usize,
        count: &mut usize,
    ) -> Result<PackageItem, Refusal> {
        let id = attribute(node, "identifier").filter(|id| !id.is_empty());
        let id = id.map_or_else(|| format!("item-{count}"), str::to_owned);
        if id.len() > 1_000 || !self.ids.insert(id.clone()) {
            return Err(refuse(
                "Two of its items have the same identifier, or one is too long.",
                FIX,
            ));
        }
        let title = line(node, "title").unwrap_or_else(|| id.clone());
        let (href, path, scorm_type) = self.target(node, &title);
        let is_2004 = standard != PackageStandard::Scorm12;
        let own = |name: &str| child(node, name).and_then(|found| text(found, LONGEST_TEXT));
        let threshold = child(node, "completionThreshold").filter(|_| is_2004);
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
        };
        let prerequisites = own("prerequisites").filter(|_| !is_2004);
        if prerequisites.is_some()
            && !self
                .findings
                .iter()
                .any(|told| told.code == FindingCode::PrerequisitesUnsupported)
        {
            let message =
                "The package has prerequisites between its parts. Learners can open the parts in any order.";
            let fix = "Use SCORM 2004 sequencing, or modules of the course that are taken in order.";
            self.findings
                .push(Finding::new(FindingCode::PrerequisitesUnsupported, message, fix).at(MANIFEST));
        }
        let sequencing = self.sequencing(node, &title, standard);
        Ok(PackageItem {
            is_visible: attribute(node, "isvisible") != Some("false"),
            mastery_score: own("masteryscore").and_then(|score| self.mastery_score(&score, &title)),
            max_time_allowed: own("maxtimeallowed").or(sequencing.time_limit),
            time_limit_action: own(if is_2004 {
                "timeLimitAction"
            } else {
                "timelimitaction"
            }),
            launch_data: own(if is_2004 { "dataFromLMS" } else { "datafromlms" }),
            prerequisites,
            completion_threshold: threshold.and_then(|threshold| {
                let least = attribute(threshold, "minProgressMeasure").and_then(number);
                least.or_else(|| text(threshold, 100).as_deref().and_then(number))
            }),
            is_completed_by_measure: threshold.is_some_and(|threshold| {
                match attribute(threshold, "completedByMeasure") {
                    Some(decides) => decides == "true",
                    None => text(threshold, 100).is_some(),
                }
            }),
            progress_weight: threshold
                .and_then(|threshold| attribute(threshold, "progressWeight").and_then(number)),
            objectives: sequencing.objectives,
            hidden_controls: hidden_controls(node),
            items: self.items(node, standard, depth + 1, count)?,
            id,
            title,
            href,
            path,
            scorm_type,
        })
    }

    /// The mastery score of an item, where it is one.
    fn mastery_score(&mut self, text: &str, title: &str) -> Option<f64> {
        let score = text
            .parse::<f64>()
            .ok()
            .filter(|score| (0.0..=100.0).contains(score));
        let code = FindingCode::ManifestValueInvalid;
        let told = self.findings.iter().filter(|finding| finding.code == code);
        if score.is_none() && told.count() < MOST_OF_A_KIND {
            let shown: String = text.chars().take(60).collect();
            let message = format!(
                "The item `{title}` has the mastery score `{shown}`, which is no number from 0 to 100. The item's own status counts."
            );
            let fix = "Set the passing score in the authoring tool and publish the package again, or give the activity the \
                criterion `passed`.";
            self.findings.push(Finding::new(code, message, fix).at(MANIFEST));
        }
        score
    }

    fn sequencing(&mut self, node: Node<'a, 'input>, title: &str, standard: PackageStandard) -> Sequencing {
        if standard == PackageStandard::Scorm12 {
            return Sequencing::default();
        }
        let place = Place {
            title,
            parts: children(node, "item").count(),
            is_root: node.tag_name().name() == "organization",
            is_one_of_several: self.has_several_parts,
        };
        sequencing(node, &place, &self.collections, &mut self.unfollowed)
    }

    /// What an item opens: the address, the file, and whether it talks with the player.
    fn target(&mut self, node: Node, title: &str) -> (Option<String>, Option<String>, Option<ScormType>) {
        let Some(reference) = attribute(node, "identifierref").filter(|reference| !reference.is_empty())
        else {
            return (None, None, None);
        };
        let Some(resource) = self.resources.get(reference) else {
            let message = format!(
                "The item `{title}` names the resource `{reference}`, which the manifest does not have."
            );
            self.findings
                .push(Finding::new(FindingCode::LaunchFileMissing, message, FIX).at(MANIFEST));
            return (None, None, None);
        };
        let (href, scorm_type) = (resource.href.clone(), resource.scorm_type);
        let Some(href) = href else {
            return (None, None, None);
        };
        let parameters = attribute(node, "parameters").unwrap_or_default();
        if is_elsewhere(&href) {
            if !["http://", "https://"]
                .iter()
                .any(|scheme| href.starts_with(scheme))
            {
                self.missing(FindingCode::LaunchFileMissing, &href);
                return (None, None, None);
            }
            let message = format!(
                "The item `{title}` opens {href}, on another server, where it cannot report that it was completed."
            );
            let fix = "Export the package with all of its files inside, or use a content of the kind `link`.";
            self.findings
                .push(Finding::new(FindingCode::LaunchElsewhere, message, fix).at(MANIFEST));
            return (Some(with_parameters(&href, parameters)), None, scorm_type);
        }
        let rest = href.find(['?', '#']).map_or("", |at| &href[at..]).to_owned();
        let Some(path) = self.resolve(&href, &href) else {
            self.missing(FindingCode::LaunchFileMissing, &href);
            return (Some(with_parameters(&href, parameters)), None, scorm_type);
        };
        let address = format!("{}{rest}", encoded(&path));
        (
            Some(with_parameters(&address, parameters)),
            Some(path),
            scorm_type,
        )
    }
}

fn base(node: Node) -> String {
    let base = node.attributes().find(|found| found.name() == "base");
    base.map(|base| base.value().trim().to_owned())
        .filter(|base| !is_elsewhere(base))
        .unwrap_or_default()
}
