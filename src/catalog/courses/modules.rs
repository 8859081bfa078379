//! What a course consists of: modules of activities, kept with the course as JSON, which a version freezes.

use std::collections::{HashMap, HashSet};

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::ValidationError;

use crate::{
    http::{FieldError, rules::complaints},
    json_column, text_enum,
};

text_enum! {
    /// What kind of thing an activity is.
    ActivityKind {
        /// An address elsewhere that learners open.
        Link = "link",
        /// A version of a content of the library, which learners open in the player.
        Content = "content",
        /// Something that learners do elsewhere, such as practising at a machine.
        Task = "task",
    }
}

text_enum! {
    /// Which attempt's score counts.
    ScorePolicy {
        /// The best one.
        Best = "best",
        /// The latest one.
        Last = "last",
        /// The first one.
        First = "first",
    }
}

/// What completes an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Criterion {
    /// The learner opened it.
    Viewed {},
    /// The learner watched a part of a video.
    Watched {
        /// How much, of 100.
        #[schema(minimum = 1, maximum = 100, example = 90)]
        percent: i16,
    },
    /// The content reported that it was completed, or passed.
    Content {},
    /// The content reported a score.
    Passed {
        /// The least score, of 100.
        #[schema(minimum = 0, maximum = 100, example = 80)]
        score: f64,
    },
    /// The learner confirmed a text with their name.
    Declared {
        /// What they confirm.
        #[schema(
            min_length = 1,
            max_length = 2000,
            format = "multiline",
            example = "I have read and understood the fire plan."
        )]
        text: String,
    },
    /// An instructor or administrator confirmed it.
    Confirmed {},
}

/// What completes a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ModuleRule {
    /// All required activities.
    All {},
    /// Some of its activities.
    AtLeast {
        /// How many.
        #[schema(minimum = 1, maximum = 200, example = 2)]
        count: i32,
    },
}

impl Default for ModuleRule {
    fn default() -> Self {
        ModuleRule::All {}
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Our id. It stays over all versions of the course: send it to keep the activity, and leave it out for a new one.
    #[serde(default = "Uuid::now_v7")]
    #[schema(required = false)]
    pub id: Uuid,
    /// What it is called.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Fire doors")]
    pub title: String,
    /// What kind of thing it is.
    pub kind: ActivityKind,
    /// Where a link leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$",
        max_length = 2000,
        example = "https://learn.example.com/fire-doors",
        nullable = false
    )]
    pub url: Option<String>,
    /// Which version of which content it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub content_version_id: Option<Uuid>,
    /// The number of the content's current version, where that is a later one. Only `GET /v1/courses/{course_id}` tells it; what
    /// is sent is ignored.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "ignored"
    )]
    #[schema(read_only, nullable = false)]
    pub newer_version: Option<i32>,
    /// What completes it. If absent, nothing is recorded of it, and learners tell by themselves how far they are with the course.
    /// Content without one is completed when it is opened, a package when it reports so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub criterion: Option<Criterion>,
    /// Whether the module needs it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[schema(default = true)]
    pub is_required: bool,
    /// How much it counts for the progress and the score of the course, beside others.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schema(minimum = 0, maximum = 1000, default = 1)]
    pub weight: i32,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000, nullable = false)]
    pub minutes: Option<i32>,
    /// How many attempts a learner has; no limit, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    pub attempts: Option<i32>,
    /// Which attempt's score counts.
    #[serde(default = "best", skip_serializing_if = "is_best")]
    #[schema(default = "best")]
    pub score_of: ScorePolicy,
}

impl Activity {
    /// Whether Provost records what learners do with it.
    pub fn is_tracked(&self) -> bool {
        self.criterion.is_some() || self.kind == ActivityKind::Content
    }
}

/// A part of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// Our id; it stays over all versions of the course.
    #[serde(default = "Uuid::now_v7")]
    #[schema(required = false)]
    pub id: Uuid,
    /// What it is called.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Before a fire")]
    pub title: String,
    /// What completes it.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(required = false)]
    pub complete_when: ModuleRule,
    /// Whether each required activity is locked until those before it are completed.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(default = false)]
    pub in_order: bool,
    /// Modules before this one that must be completed first, by their ids.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schema(max_items = 200)]
    pub after: Vec<Uuid>,
    /// What there is to do, in order.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub activities: Vec<Activity>,
}

/// Reads a number, which is told and never kept.
fn ignored<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i32>, D::Error> {
    i32::deserialize(from).map(|_| None)
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn one() -> i32 {
    1
}

fn is_one(value: &i32) -> bool {
    *value == 1
}

fn best() -> ScorePolicy {
    ScorePolicy::Best
}

fn is_best(value: &ScorePolicy) -> bool {
    *value == ScorePolicy::Best
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The modules of a course, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = Jsonb)]
pub struct Modules(pub Vec<Module>);

json_column!(Modules);

impl Modules {
    /// All activities with their addresses as JSON pointers below the course.
    pub fn activities(&self) -> impl Iterator<Item = (String, &Activity)> {
        self.0.iter().enumerate().flat_map(|(module, of)| {
            let activities = of.activities.iter().enumerate();
            activities
                .map(move |(index, activity)| (format!("/modules/{module}/activities/{index}"), activity))
        })
    }

    /// The versions of contents that its activities show.
    pub fn content_versions(&self) -> impl Iterator<Item = Uuid> {
        self.activities()
            .filter_map(|(_, activity)| activity.content_version_id)
    }

    /// Tells each activity the number of its content's current version, by the version that it shows.
    pub fn tell_newer(&mut self, newer: &HashMap<Uuid, i32>) {
        for activity in self.0.iter_mut().flat_map(|module| &mut module.activities) {
            let shown = activity.content_version_id;
            activity.newer_version = shown.and_then(|shown| newer.get(&shown)).copied();
        }
    }

    /// Whether Provost records what learners do with any of it.
    pub fn is_tracked(&self) -> bool {
        self.activities().any(|(_, activity)| activity.is_tracked())
    }
}

/// Rules for bodies: each activity says where it is, and ids stand for one thing each.
pub fn are_sound(modules: &Modules) -> Result<(), ValidationError> {
    let mut faults = Vec::new();
    let mut ids = HashSet::new();
    for (at, activity) in modules.activities() {
        let mut fault =
            |member: &str, text: &str| faults.push(FieldError::new(format!("{at}/{member}"), text));
        match (activity.kind, &activity.url, activity.content_version_id) {
            (ActivityKind::Link, None, _) => fault("url", "is required of a link"),
            (ActivityKind::Content, _, None) => fault("content_version_id", "is required of a content"),
            (ActivityKind::Content, Some(_), _) => fault("url", "is for links only"),
            (ActivityKind::Link | ActivityKind::Task, _, Some(_)) => {
                fault("content_version_id", "is for content only");
            }
            _ => {}
        }
        let reports = activity.kind == ActivityKind::Content;
        match activity.criterion {
            Some(Criterion::Watched { .. } | Criterion::Content {} | Criterion::Passed { .. })
                if !reports =>
            {
                fault("criterion", "needs content, which alone reports that");
            }
            Some(Criterion::Viewed {}) if activity.kind == ActivityKind::Task => {
                fault(
                    "criterion",
                    "needs something to open; a task is declared or confirmed",
                );
            }
            _ => {}
        }
        if !ids.insert(activity.id) {
            fault("id", "stands twice; leave it out for a new activity");
        }
    }
    let mut before: HashSet<Uuid> = HashSet::new();
    for (index, module) in modules.0.iter().enumerate() {
        let at = format!("/modules/{index}");
        if !ids.insert(module.id) {
            faults.push(FieldError::new(
                format!("{at}/id"),
                "stands twice; leave it out for a new module",
            ));
        }
        for (place, id) in module.after.iter().enumerate() {
            if !before.contains(id) {
                let text = "must name a module that stands before this one";
                faults.push(FieldError::new(format!("{at}/after/{place}"), text));
            }
        }
        if let ModuleRule::AtLeast { count } = module.complete_when
            && usize::try_from(count).is_ok_and(|count| count > module.activities.len())
        {
            let text = "is more than the module has activities";
            faults.push(FieldError::new(format!("{at}/complete_when/count"), text));
        }
        before.insert(module.id);
    }
    complaints(faults)
}
