//! Writes how far a learner is with an activity, and what follows from it for the enrollment, in one transaction.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    events::{ACTIVITY_COMPLETED, ACTIVITY_STARTED},
    model::{
        ActivityContent, ActivityProgressState, ActivityRecord, Attempt, EnrollmentActivities,
        EnrollmentActivity, EnrollmentModule,
    },
    outline::{Done, Outline, outline},
    store,
};
use crate::{
    app::{Tx, Wake},
    catalog::courses::modules::{Activity, Modules},
    enrollment::{
        completions::{
            correct,
            model::CompletionSource,
            record::{self, NewCompletion},
        },
        enrollments::{
            self,
            model::{Enrollment, EnrollmentKind, EnrollmentState},
            progress,
        },
    },
    http::{ApiError, ApiResult, bulk::only},
    ledger::Event,
};

/// An enrollment with what its course consists of, and what was done.
pub struct Learning {
    /// The enrollment.
    pub enrollment: Enrollment,
    /// What the version of the course consists of.
    pub modules: Modules,
    /// What is on record, by activity.
    pub records: HashMap<Uuid, ActivityRecord>,
}

impl Learning {
    /// Reads it.
    pub fn load(tx: &mut Tx, enrollment: Enrollment) -> ApiResult<Self> {
        Ok(Learning {
            modules: store::modules(tx, enrollment.course_version_id)?,
            records: store::records(tx, &enrollment)?,
            enrollment,
        })
    }

    /// An activity of the course; 404 for any other id.
    pub fn activity(&self, id: Uuid) -> ApiResult<Activity> {
        let mut activities = self.modules.activities().map(|(_, activity)| activity);
        let found = activities.find(|activity| activity.id == id);
        found.cloned().ok_or_else(|| ApiError::not_found("activity"))
    }

    /// What it comes to. Nothing of a completed enrollment is locked: learners look things up after a course, too. Of one that
    /// ended otherwise only what is completed can be looked at.
    pub fn outline(&self) -> Outline {
        let mut outline = outline_of(&self.modules, &self.records);
        match progress::check_open(&self.enrollment) {
            Ok(()) if self.enrollment.state.is_live() => {}
            Ok(()) => {
                outline.locked.clear();
                for module in &mut outline.modules {
                    module.locked_because.clear();
                }
            }
            Err(ended) => {
                let activities = self.modules.activities().map(|(_, activity)| activity.id);
                let is_completed = |id: &Uuid| {
                    self.records
                        .get(id)
                        .is_some_and(|record| record.completed_at.is_some())
                };
                let locked = activities.filter(|id| !is_completed(id));
                outline.locked = locked.map(|id| (id, vec![ended.detail.to_string()])).collect();
            }
        }
        outline
    }

    /// What is on record about an activity; nothing yet, if it was not opened.
    pub fn record(&self, tx: &Tx, activity_id: Uuid) -> ActivityRecord {
        let known = self.records.get(&activity_id).cloned();
        known.unwrap_or(ActivityRecord {
            user_id: self.enrollment.user_id,
            enrollment_id: self.enrollment.id,
            activity_id,
            state: ActivityProgressState::InProgress,
            progress_percent: 0,
            score: None,
            seconds: 0,
            position_seconds: None,
            declared_as: None,
            attempts_granted: 0,
            started_at: tx.now,
            completed_at: None,
            corrected_at: None,
            version: 0,
        })
    }

    /// Writes what is on record about an activity now, with the events that say so, and settles the enrollment where the
    /// state changed.
    pub fn write(&mut self, tx: &mut Tx, mut record: ActivityRecord) -> ApiResult<ActivityRecord> {
        let before = self.records.get(&record.activity_id);
        if before == Some(&record) {
            return Ok(record);
        }
        let is_new = before.is_none();
        let was_completed = before.is_some_and(|before| before.completed_at.is_some());
        let changes_state = before.is_none_or(|before| before.state != record.state);
        record.version += 1;
        store::put_record(tx, &record)?;
        if is_new {
            self.tell(
                tx,
                Event::new(&ACTIVITY_STARTED, record.activity_id).after(&record),
            );
        }
        if record.completed_at.is_some() && !was_completed {
            self.tell(
                tx,
                Event::new(&ACTIVITY_COMPLETED, record.activity_id).after(&record),
            );
        }
        self.records.insert(record.activity_id, record.clone());
        if changes_state {
            self.settle(tx)?;
        }
        Ok(record)
    }

    fn tell(&self, tx: &mut Tx, event: Event) {
        tx.record(event.about(self.enrollment.user_id));
    }

    /// Gives the enrollment the progress that follows from its activities, and records the completion once all is done. What
    /// has ended stays as it is, and tests complete nothing.
    fn settle(&mut self, tx: &mut Tx) -> ApiResult<()> {
        // What another request wrote of it since counts.
        let enrollment = enrollments::store::find(tx, self.enrollment.user_id, self.enrollment.id)?;
        self.enrollment = enrollment;
        if !self.enrollment.state.is_live() {
            return Ok(());
        }
        let outline = self.outline();
        if outline.is_completed && self.is_counted() {
            let new = completion(tx, &self.enrollment, &outline);
            only(record::record(tx, vec![new])?)?;
            self.enrollment = enrollments::store::find(tx, self.enrollment.user_id, self.enrollment.id)?;
            return Ok(());
        }
        let progress = [(&self.enrollment, outline.progress_percent)];
        enrollments::progress::follow_activities(tx, &progress)?;
        self.enrollment = enrollments::store::find(tx, self.enrollment.user_id, self.enrollment.id)?;
        Ok(())
    }

    /// Gives the completion the score that an attempt at an activity told after it. The attempt must have been under way by then:
    /// what is done after the course counts for the activity alone.
    pub fn follow_score(&mut self, tx: &mut Tx, attempt: &Attempt) -> ApiResult<()> {
        if self.enrollment.state != EnrollmentState::Completed || !self.is_counted() {
            return Ok(());
        }
        let score = outline_of(&self.modules, &self.records).score;
        correct::follow_score(tx, &self.enrollment, score, attempt.started_at)
    }

    /// Whether what is done counts: not in tests.
    pub fn is_counted(&self) -> bool {
        self.enrollment.kind == EnrollmentKind::Normal
    }

    /// What the API shows of it.
    pub fn show(&self, tx: &mut Tx) -> ApiResult<EnrollmentActivities> {
        let versions = self
            .modules
            .activities()
            .filter_map(|(_, activity)| activity.content_version_id);
        let versions = versions.collect();
        let contents = store::contents(tx, versions)?;
        let used = store::attempts_used(tx, &self.enrollment)?;
        let outline = self.outline();
        let modules = self.modules.0.iter().zip(&outline.modules);
        let modules = modules.map(|(module, state)| EnrollmentModule {
            id: module.id,
            title: module.title.clone(),
            complete_when: module.complete_when.clone(),
            in_order: module.in_order,
            is_completed: state.is_completed,
            is_locked: !state.locked_because.is_empty(),
            locked_because: state.locked_because.clone(),
            activities: module
                .activities
                .iter()
                .map(|activity| self.show_activity(module.id, activity, &outline, &contents, &used))
                .collect(),
        });
        let (title, language) = store::course(tx, self.enrollment.course_version_id)?;
        Ok(EnrollmentActivities {
            enrollment_id: self.enrollment.id,
            course_version_id: self.enrollment.course_version_id,
            title,
            language,
            state: self.enrollment.state,
            is_tracked: self.modules.is_tracked(),
            // What was completed elsewhere is completed, whatever was opened of it.
            progress_percent: match self.modules.is_tracked() && self.enrollment.state.is_live() {
                true => outline.progress_percent,
                false => self.enrollment.progress_percent,
            },
            score: outline.score,
            modules: modules.collect(),
        })
    }

    /// What the API shows of one activity.
    pub fn show_one(&self, tx: &mut Tx, activity_id: Uuid) -> ApiResult<EnrollmentActivity> {
        let all = self
            .show(tx)?
            .modules
            .into_iter()
            .flat_map(|module| module.activities);
        let mut all = all.filter(|activity| activity.id == activity_id);
        all.next().ok_or_else(|| ApiError::not_found("activity"))
    }

    fn show_activity(
        &self,
        module_id: Uuid,
        activity: &Activity,
        outline: &Outline,
        contents: &HashMap<Uuid, ActivityContent>,
        used: &HashMap<Uuid, i32>,
    ) -> EnrollmentActivity {
        let record = self.records.get(&activity.id);
        let locked_because = outline.locked.get(&activity.id).cloned().unwrap_or_default();
        let attempts_used = used.get(&activity.id).copied().unwrap_or_default();
        EnrollmentActivity {
            id: activity.id,
            module_id,
            title: activity.title.clone(),
            kind: activity.kind,
            content: activity
                .content_version_id
                .and_then(|id| contents.get(&id).cloned()),
            criterion: activity.criterion.clone(),
            is_tracked: activity.is_tracked(),
            is_required: activity.is_required,
            weight: activity.weight,
            minutes: activity.minutes,
            state: record.map_or(ActivityProgressState::NotStarted, |record| record.state),
            progress_percent: record.map_or(0, |record| record.progress_percent),
            score: record.and_then(|record| record.score),
            score_of: activity.score_of,
            seconds: record.map_or(0, |record| record.seconds),
            position_seconds: record.and_then(|record| record.position_seconds),
            declared_as: record.and_then(|record| record.declared_as.clone()),
            is_locked: !locked_because.is_empty(),
            locked_because,
            attempts_used,
            attempts_left: attempts_left(activity, record, attempts_used),
            started_at: record.map(|record| record.started_at),
            completed_at: record.and_then(|record| record.completed_at),
            version: record.map_or(0, |record| record.version),
        }
    }
}

/// What the records of an enrollment come to.
pub fn outline_of(modules: &Modules, records: &HashMap<Uuid, ActivityRecord>) -> Outline {
    let done = records.values().map(|record| {
        let done = Done {
            state: record.state,
            progress_percent: record.progress_percent,
            score: record.score,
        };
        (record.activity_id, done)
    });
    outline(modules, &done.collect())
}

fn completion(tx: &Tx, enrollment: &Enrollment, outline: &Outline) -> NewCompletion {
    NewCompletion {
        user_id: enrollment.user_id,
        course_id: enrollment.course_id,
        occurred_at: tx.now,
        source: CompletionSource::Content,
        score: outline.score,
        evidence: None,
        expires_on: None,
    }
}

/// Brings what was done in line with the version of the course that enrollments moved to; `before` are the same enrollments as
/// they were. Attempts and launches of content that the version does not show end, and activities that show other content begin
/// again, unless they are completed. Where something was done, progress follows from the new modules, and completions are
/// recorded. Answers how many there are.
pub fn follow_version(
    tx: &mut Tx,
    before: &[Enrollment],
    moved: &[Enrollment],
    version_id: Uuid,
) -> ApiResult<usize> {
    let modules = store::modules(tx, version_id)?;
    for learner in store::leave_content(tx, moved, &modules)? {
        tx.wake(Wake::Launches(learner));
    }
    store::begin_replaced_again(tx, before, &modules)?;
    if !modules.is_tracked() {
        return Ok(0);
    }
    let records = store::records_of_all(tx, moved)?;
    let (mut progress, mut completions) = (Vec::new(), Vec::new());
    for enrollment in moved {
        let Some(records) = records.get(&enrollment.id) else {
            continue;
        };
        let outline = outline_of(&modules, records);
        match outline.is_completed {
            true => completions.push(completion(tx, enrollment, &outline)),
            false => progress.push((enrollment, outline.progress_percent)),
        }
    }
    enrollments::progress::follow_activities(tx, &progress)?;
    let completed = completions.len();
    for recorded in record::record(tx, completions)? {
        recorded?;
    }
    Ok(completed)
}

/// How many attempts a learner may still begin, after `used`; none: no limit.
pub fn attempts_left(activity: &Activity, record: Option<&ActivityRecord>, used: i32) -> Option<i32> {
    let granted = record.map_or(0, |record| i32::from(record.attempts_granted));
    activity.attempts.map(|limit| (limit + granted - used).max(0))
}

/// The criterion is met. Once met it stays so, whatever comes later.
pub fn complete(tx: &Tx, record: &mut ActivityRecord) {
    record.state = ActivityProgressState::Completed;
    record.progress_percent = 100;
    record.completed_at = record.completed_at.or(Some(tx.now));
}
