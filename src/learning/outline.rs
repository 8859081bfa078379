//! What a course comes to for one learner: which activities are locked and why, which modules are completed, and the progress,
//! the score and the completion of the course. A function of the modules and of what was done, which reads and writes nothing.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::{
    catalog::courses::modules::{Activity, Module, ModuleRule, Modules},
    text_enum,
};

text_enum! {
    /// How far a learner is with an activity.
    ActivityProgressState {
        /// Not opened yet.
        NotStarted = "not_started",
        /// Begun.
        InProgress = "in_progress",
        /// Its criterion is met.
        Completed = "completed",
        /// The last attempt ended without meeting the criterion.
        Failed = "failed",
    }
}

/// What a learner did with an activity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Done {
    /// How far they are.
    pub state: ActivityProgressState,
    /// How much of it is done, of 100.
    pub progress_percent: i16,
    /// The score, of 100.
    pub score: Option<f64>,
}

impl Done {
    /// Nothing yet.
    pub const NOTHING: Done = Done {
        state: ActivityProgressState::NotStarted,
        progress_percent: 0,
        score: None,
    };

    /// Whether the criterion is met.
    pub fn is_completed(&self) -> bool {
        self.state == ActivityProgressState::Completed
    }

    /// Its share of the course's progress, of 100.
    fn percent(&self) -> i64 {
        match self.is_completed() {
            true => 100,
            // All of it is done when the criterion is met, and not before.
            false => i64::from(self.progress_percent.clamp(0, 99)),
        }
    }
}

/// A module, for one learner.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleOutline {
    /// Whether its rule is met.
    pub is_completed: bool,
    /// The modules that must be completed first and are not, in words.
    pub locked_because: Vec<String>,
}

/// A course, for one learner.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Its modules, in order.
    pub modules: Vec<ModuleOutline>,
    /// What keeps each locked activity locked, in words. Others are not named.
    pub locked: HashMap<Uuid, Vec<String>>,
    /// How much of the course is done, of 100.
    pub progress_percent: i16,
    /// The score of the course, of 100: the mean of the activities' scores by weight.
    pub score: Option<f64>,
    /// Whether all modules are completed.
    pub is_completed: bool,
}

/// Works it out. Activities that `done` does not name are not started.
pub fn outline(modules: &Modules, done: &HashMap<Uuid, Done>) -> Outline {
    let of = |activity: &Activity| done.get(&activity.id).copied().unwrap_or(Done::NOTHING);
    let mut completed: HashSet<Uuid> = HashSet::new();
    let titles: HashMap<Uuid, &str> = modules
        .0
        .iter()
        .map(|module| (module.id, &*module.title))
        .collect();
    let mut outlines = Vec::with_capacity(modules.0.len());
    let mut locked = HashMap::new();
    let mut counted = Vec::new();
    for module in &modules.0 {
        let missing = module.after.iter().filter(|id| !completed.contains(*id));
        let missing = missing.filter_map(|id| titles.get(id));
        let locked_because: Vec<String> = missing
            .map(|title| format!("Complete the module “{title}” first."))
            .collect();
        for (activity, reasons) in locked_of(module, &of, &locked_because) {
            locked.insert(activity, reasons);
        }
        let is_completed = is_completed(module, &of);
        if is_completed {
            completed.insert(module.id);
        }
        counted.extend(counting(module, &of));
        outlines.push(ModuleOutline {
            is_completed,
            locked_because,
        });
    }
    if counted.is_empty() {
        // Nothing is required: whatever is done counts.
        let tracked = modules.0.iter().flat_map(|module| &module.activities);
        let tracked = tracked.filter(|activity| activity.is_tracked());
        counted.extend(tracked.map(|activity| (activity.weight, of(activity))));
    }
    let is_anything_completed = counted.iter().any(|(_, done)| done.is_completed());
    let is_completed = is_anything_completed && outlines.iter().all(|module| module.is_completed);
    Outline {
        progress_percent: match is_completed {
            true => 100,
            false => progress(&counted).min(99),
        },
        score: score(&counted),
        is_completed,
        modules: outlines,
        locked,
    }
}

/// How many of a module's activities its rule wants, where it does not want all that are required: no more than can be completed.
fn wanted(module: &Module) -> Option<usize> {
    let ModuleRule::AtLeast { count } = module.complete_when else {
        return None;
    };
    let tracked = tracked(module).count();
    Some(usize::try_from(count).unwrap_or_default().min(tracked))
}

fn tracked(module: &Module) -> impl Iterator<Item = &Activity> {
    module.activities.iter().filter(|activity| activity.is_tracked())
}

fn is_completed(module: &Module, of: &impl Fn(&Activity) -> Done) -> bool {
    match wanted(module) {
        Some(count) => {
            tracked(module)
                .filter(|activity| of(activity).is_completed())
                .count()
                >= count
        }
        None => tracked(module)
            .filter(|activity| activity.is_required)
            .all(|activity| of(activity).is_completed()),
    }
}

/// Which activities are locked. What is completed can be looked at again, whatever changed since.
fn locked_of(
    module: &Module,
    of: &impl Fn(&Activity) -> Done,
    locked_because: &[String],
) -> Vec<(Uuid, Vec<String>)> {
    let mut before = None;
    let mut locked = Vec::new();
    for activity in &module.activities {
        let mut reasons = locked_because.to_vec();
        if let Some(title) = before.filter(|_| module.in_order) {
            reasons.push(format!("Complete “{title}” first."));
        }
        let done = of(activity);
        if before.is_none() && activity.is_required && activity.is_tracked() && !done.is_completed() {
            before = Some(&activity.title);
        }
        if !reasons.is_empty() && !done.is_completed() {
            locked.push((activity.id, reasons));
        }
    }
    locked
}

/// The activities of a module that count for the course's progress, with their weights: those that are required. Where the rule
/// wants a number of activities, that many, which the learner is furthest with, as if each were the heaviest of them.
fn counting(module: &Module, of: &impl Fn(&Activity) -> Done) -> Vec<(i32, Done)> {
    let Some(count) = wanted(module) else {
        let required = tracked(module).filter(|activity| activity.is_required);
        return required.map(|activity| (activity.weight, of(activity))).collect();
    };
    let weight = tracked(module)
        .map(|activity| activity.weight)
        .max()
        .unwrap_or_default();
    let mut all: Vec<_> = tracked(module).map(|activity| (weight, of(activity))).collect();
    all.sort_by_key(|(_, done)| std::cmp::Reverse(done.percent()));
    all.truncate(count);
    all
}

/// The share of what is done, by weight; by number where nothing has a weight.
fn progress(counted: &[(i32, Done)]) -> i16 {
    let total: i64 = counted.iter().map(|(weight, _)| i64::from(*weight)).sum();
    let weight = |weight: i32| if total == 0 { 1 } else { i64::from(weight) };
    let total = if total == 0 { counted.len() as i64 } else { total };
    let done: i64 = counted
        .iter()
        .map(|(own, done)| weight(*own) * done.percent())
        .sum();
    if total == 0 { 0 } else { (done / total) as i16 }
}

/// The mean score by weight of what has one.
fn score(counted: &[(i32, Done)]) -> Option<f64> {
    let scored = counted
        .iter()
        .filter_map(|(weight, done)| Some((f64::from(*weight), done.score?)));
    let (sum, total) = scored.fold((0.0, 0.0), |(sum, total), (weight, score)| {
        (sum + weight * score, total + weight)
    });
    (total > 0.0).then(|| (sum / total).clamp(0.0, 100.0))
}
