//! A SCORM package as the player and the runtime see it: one list of what can be opened.

use serde::Serialize;

use super::runtime::{elements::Standard, report::ItemRules};
use crate::catalog::contents::package::manifest::{
    HiddenControl, PackageItem, PackageManifest, PackageStandard, ScormType,
};

/// A package.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// The standard that it follows.
    pub standard: Standard,
    /// Its headings and what can be opened, in order.
    pub parts: Vec<PackagePart>,
}

/// A heading, or something to open.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackagePart {
    /// Its id in the manifest.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// How deep it stands below others.
    pub level: usize,
    /// What is opened; none for a heading.
    pub href: Option<String>,
    /// Whether it counts for what the package reports.
    pub reports: bool,
    /// Whether it only shows something: opening it is all there is to do.
    pub is_asset: bool,
    /// Whether it stands in the table of contents.
    pub is_visible: bool,
    /// What it is given when it is opened.
    pub launch_data: Option<String>,
    /// How long the learner has.
    pub max_time_allowed: Option<String>,
    /// What happens when the time is over.
    pub time_limit_action: Option<String>,
    /// What decides that it is complete or passed.
    pub rules: ItemRules,
    /// SCORM 2004: the ids of its objectives, the primary one first, which the data model begins with.
    pub objectives: Vec<String>,
    /// Buttons of the player that it asks to hide.
    pub hidden_controls: Vec<HiddenControl>,
}

impl Package {
    /// The package that a manifest describes.
    pub fn of(manifest: &PackageManifest) -> Self {
        let mut parts = Vec::new();
        let mut left: Vec<(usize, &PackageItem)> =
            manifest.items.iter().rev().map(|item| (0, item)).collect();
        while let Some((level, item)) = left.pop() {
            parts.push(part(level, item));
            left.extend(item.items.iter().rev().map(|item| (level + 1, item)));
        }
        // A package of nothing but assets is complete when each was opened.
        if !parts.iter().any(|part| part.reports) {
            parts
                .iter_mut()
                .for_each(|part| part.reports = part.href.is_some());
        }
        Package {
            standard: match manifest.standard {
                PackageStandard::Scorm12 => Standard::Scorm12,
                PackageStandard::Scorm2004Third | PackageStandard::Scorm2004Fourth => Standard::Scorm2004,
            },
            parts,
        }
    }

    /// What can be opened under this id.
    pub fn part(&self, id: &str) -> Option<&PackagePart> {
        self.parts
            .iter()
            .find(|part| part.id == id && part.href.is_some())
    }
}

fn part(level: usize, item: &PackageItem) -> PackagePart {
    let primary = item.objectives.iter().find(|objective| objective.is_primary);
    let ids = item
        .objectives
        .iter()
        .filter_map(|objective| objective.id.clone());
    PackagePart {
        id: item.id.clone(),
        title: item.title.clone(),
        level,
        href: item.href.clone(),
        reports: item.href.is_some() && item.scorm_type == Some(ScormType::Sco),
        is_asset: item.scorm_type == Some(ScormType::Asset),
        is_visible: item.is_visible,
        launch_data: item.launch_data.clone(),
        max_time_allowed: item.max_time_allowed.clone(),
        time_limit_action: item.time_limit_action.clone(),
        rules: ItemRules {
            mastery_score: item.mastery_score,
            scaled_passing_score: primary.and_then(|objective| objective.passing_score),
            completion_threshold: item.completion_threshold.filter(|_| item.is_completed_by_measure),
            primary_objective: primary.and_then(|objective| objective.id.clone()),
        },
        objectives: ids.collect(),
        hidden_controls: item.hidden_controls.clone(),
    }
}
