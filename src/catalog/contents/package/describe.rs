//! What a manifest says of the package as a whole, and small parts of it.

use roxmltree::Node;

use super::{
    archive::Refusal,
    manifest::{HiddenControl, PackageMetadata, PackageStandard},
    parse::{FIX, MANIFEST, refuse},
    xml::{LONGEST_TEXT, LONGEST_TITLE, attribute, child, children, line, text},
};
use crate::catalog::contents::findings::{Finding, FindingCode};

/// The standard of a package, by its version or else by the namespaces of its manifest. It is a guess where the version names
/// none that there is.
pub fn standard(root: Node, version: &str) -> Result<(PackageStandard, Option<Finding>), Refusal> {
    let known = |name: &str| {
        let declared = root.descendants().filter(Node::is_element).take(2_000);
        declared
            .flat_map(|node| node.namespaces())
            .any(|space| space.uri().contains(name))
    };
    let lower = version.to_lowercase();
    let guess = match lower.as_str() {
        "1.2" => return Ok((PackageStandard::Scorm12, None)),
        "2004 3rd edition" | "cam 1.3" => return Ok((PackageStandard::Scorm2004Third, None)),
        "2004 4th edition" => return Ok((PackageStandard::Scorm2004Fourth, None)),
        version if version.contains("4th") => PackageStandard::Scorm2004Fourth,
        version if version.contains("3rd") || version.contains("2004") => PackageStandard::Scorm2004Third,
        _ if known("adlcp_v1p3") => PackageStandard::Scorm2004Third,
        _ if known("adlcp_rootv1p2") => PackageStandard::Scorm12,
        _ => {
            let reason = "It names neither SCORM 1.2 nor SCORM 2004 as its standard.";
            return Err(refuse(reason, FIX));
        }
    };
    let taken = match guess {
        PackageStandard::Scorm12 => "SCORM 1.2",
        PackageStandard::Scorm2004Third => "SCORM 2004, 3rd edition",
        PackageStandard::Scorm2004Fourth => "SCORM 2004, 4th edition",
    };
    let message =
        format!("The manifest names `{version}` as the version of its standard; it is taken as {taken}.");
    let fix = "Publish the package again for SCORM 1.2, or for SCORM 2004 3rd or 4th edition, or test it before you publish the \
        course.";
    let finding = Finding::new(FindingCode::ManifestValueInvalid, message, fix).at(MANIFEST);
    Ok((guess, Some(finding)))
}

/// What learners open: the default organization, or the first.
pub fn organization<'a, 'input>(root: Node<'a, 'input>) -> Result<Node<'a, 'input>, Refusal> {
    let none = || refuse("It has no organization, which says what learners open.", FIX);
    let all = child(root, "organizations").ok_or_else(none)?;
    let wanted = attribute(all, "default");
    let named =
        children(all, "organization").find(|one| wanted.is_some() && attribute(*one, "identifier") == wanted);
    named.or_else(|| child(all, "organization")).ok_or_else(none)
}

/// The buttons of the player that an item asks to hide.
pub fn hidden_controls(node: Node) -> Vec<HiddenControl> {
    let interface = child(node, "presentation").and_then(|found| child(found, "navigationInterface"));
    let Some(interface) = interface else {
        return Vec::new();
    };
    let hidden = children(interface, "hideLMSUI").filter_map(|found| {
        Some(match found.text()?.trim() {
            "previous" => HiddenControl::Previous,
            "continue" => HiddenControl::Continue,
            "exit" => HiddenControl::Exit,
            "exitAll" => HiddenControl::ExitAll,
            "abandon" => HiddenControl::Abandon,
            "abandonAll" => HiddenControl::AbandonAll,
            "suspendAll" => HiddenControl::SuspendAll,
            _ => return None,
        })
    });
    let mut hidden: Vec<HiddenControl> = hidden.collect();
    hidden.sort();
    hidden.dedup();
    hidden
}

/// What stands in the learning object metadata of a manifest, of any of its versions.
pub fn metadata(node: Node) -> PackageMetadata {
    let Some(lom) = child(node, "lom") else {
        return PackageMetadata::default();
    };
    let general = child(lom, "general");
    let found = |name: &str| general.and_then(|general| text(child(general, name)?, LONGEST_TEXT));
    let language = general.and_then(|general| line(general, "language"));
    let keywords = general
        .into_iter()
        .flat_map(|general| children(general, "keyword"));
    let duration = child(lom, "technical").and_then(|technical| child(technical, "duration"));
    let learning = child(lom, "educational").and_then(|found| {
        child(found, "typicallearningtime").or_else(|| child(found, "typicalLearningTime"))
    });
    let time = |node: Node| {
        let inner = child(node, "datetime")
            .or_else(|| child(node, "duration"))
            .unwrap_or(node);
        text(inner, 100)
    };
    PackageMetadata {
        title: found("title").map(|title| {
            title
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .chars()
                .take(LONGEST_TITLE)
                .collect()
        }),
        description: found("description"),
        language: language.filter(|language| language != "x-none"),
        keywords: keywords
            .filter_map(|keyword| text(keyword, 200))
            .take(100)
            .collect(),
        duration: learning.or(duration).and_then(time),
    }
}
