//! What the manifest of a package says, as we keep it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::text_enum;

text_enum! {
    /// The standard that a package is written for.
    PackageStandard {
        /// SCORM 1.2.
        Scorm12 = "scorm_1_2",
        /// SCORM 2004, 3rd edition.
        Scorm2004Third = "scorm_2004_3rd",
        /// SCORM 2004, 4th edition.
        Scorm2004Fourth = "scorm_2004_4th",
    }
}

text_enum! {
    /// What a part of a package is.
    ScormType {
        /// It talks with the player: score, completion, bookmark.
        Sco = "sco",
        /// It is only shown.
        Asset = "asset",
    }
}

text_enum! {
    /// Buttons of the player that a part of a package asks to hide.
    HiddenControl {
        /// Back to the part before.
        Previous = "previous",
        /// On to the next part.
        Continue = "continue",
        /// Leaving this part.
        Exit = "exit",
        /// Leaving the package.
        ExitAll = "exit_all",
        /// Giving this part up.
        Abandon = "abandon",
        /// Giving the package up.
        AbandonAll = "abandon_all",
        /// Leaving the package to go on later.
        SuspendAll = "suspend_all",
    }
}

/// What the manifest of a package says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageManifest {
    /// The standard that it is written for.
    pub standard: PackageStandard,
    /// The standard's version as the manifest writes it.
    #[schema(example = "2004 3rd Edition")]
    pub schema_version: String,
    /// The manifest's own name for the package.
    pub identifier: String,
    /// The title.
    pub title: String,
    /// The parts of the package, in order; parts may have parts.
    pub items: Vec<PackageItem>,
    /// What it says about itself.
    #[serde(default)]
    pub metadata: PackageMetadata,
}

/// A part of a package: something to open, or a heading above others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageItem {
    /// The manifest's name for it; unique within the package.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What is opened: a path in the package with query and fragment, or an address elsewhere; null for a heading.
    #[serde(default)]
    #[schema(example = "shared/launchpage.html?content=playing")]
    pub href: Option<String>,
    /// The path of the file that is opened, as the archive writes it; null for a heading, and for what is elsewhere.
    #[serde(default)]
    pub path: Option<String>,
    /// Whether it talks with the player; null for a heading.
    #[serde(default)]
    pub scorm_type: Option<ScormType>,
    /// Whether it stands in the table of contents.
    pub is_visible: bool,
    /// SCORM 1.2: the score of 100 from which it is passed.
    #[serde(default)]
    pub mastery_score: Option<f64>,
    /// SCORM 1.2: how long a learner has, such as `01:30:00`. SCORM 2004: an ISO 8601 duration.
    #[serde(default)]
    pub max_time_allowed: Option<String>,
    /// What happens when the time is over.
    #[serde(default)]
    #[schema(example = "continue,no message")]
    pub time_limit_action: Option<String>,
    /// What it is given when it is opened.
    #[serde(default)]
    pub launch_data: Option<String>,
    /// SCORM 1.2: what must be completed before. It is not enforced.
    #[serde(default)]
    pub prerequisites: Option<String>,
    /// SCORM 2004: the progress from 0 to 1 from which it is completed.
    #[serde(default)]
    pub completion_threshold: Option<f64>,
    /// SCORM 2004: whether the progress decides that it is completed.
    #[serde(default)]
    pub is_completed_by_measure: bool,
    /// SCORM 2004: how much its progress counts for the part above.
    #[serde(default)]
    pub progress_weight: Option<f64>,
    /// SCORM 2004: its objectives, the primary one first.
    #[serde(default)]
    pub objectives: Vec<PackageObjective>,
    /// SCORM 2004: buttons of the player that it asks to hide.
    #[serde(default)]
    pub hidden_controls: Vec<HiddenControl>,
    /// Its parts, in order.
    #[serde(default)]
    #[schema(no_recursion)]
    pub items: Vec<PackageItem>,
}

/// An objective of a part of a SCORM 2004 package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageObjective {
    /// The manifest's name for it; null where the manifest gives none.
    pub id: Option<String>,
    /// Whether what is said of it is said of the part itself.
    pub is_primary: bool,
    /// The score from -1 to 1 from which it is satisfied; null where the score does not decide.
    pub passing_score: Option<f64>,
}

/// What a package says about itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct PackageMetadata {
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
    /// Its language.
    #[serde(default)]
    #[schema(example = "en")]
    pub language: Option<String>,
    /// What to find it by.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// How long it takes, as it writes it.
    #[serde(default)]
    #[schema(example = "PT30M")]
    pub duration: Option<String>,
}

impl PackageManifest {
    /// All items, each before its own.
    pub fn all_items(&self) -> Vec<&PackageItem> {
        let mut found = Vec::new();
        let mut left: Vec<&PackageItem> = self.items.iter().rev().collect();
        while let Some(item) = left.pop() {
            found.push(item);
            left.extend(item.items.iter().rev());
        }
        found
    }
}
