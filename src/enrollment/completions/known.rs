//! What is recorded already: a second completion of the same person, course and instant is the same one, so a
//! system may send what it sent before.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{model::Completion, record::NewCompletion};
use crate::{
    app::Tx,
    db::schema::completions,
    http::{ApiError, ApiResult, Code},
};

/// Existing completions of the people and courses that are about to be recorded.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<(Uuid, Uuid), Vec<Completion>>);

type Key = (Uuid, Uuid, DateTime<Utc>);

impl Known {
    /// Reads what is known where one of `new` has the person and the instant of a completion that is there.
    pub(super) fn load(tx: &mut Tx, new: &[NewCompletion]) -> ApiResult<Self> {
        let people: HashSet<Uuid> = new.iter().map(|one| one.user_id).collect();
        let instants: HashSet<DateTime<Utc>> = new.iter().map(|one| one.occurred_at).collect();
        let repeated: Vec<(Uuid, Uuid)> = completions::table
            .filter(completions::user_id.eq_any(people))
            .filter(completions::occurred_at.eq_any(instants))
            .select((completions::user_id, completions::course_id))
            .load(tx.conn)?;
        if repeated.is_empty() {
            return Ok(Known::default());
        }
        let (people, courses): (HashSet<Uuid>, HashSet<Uuid>) = repeated.into_iter().unzip();
        let found: Vec<Completion> = completions::table
            .filter(completions::user_id.eq_any(people))
            .filter(completions::course_id.eq_any(courses))
            .order(completions::id)
            .select(Completion::as_select())
            .load(tx.conn)?;
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for completion in found {
            known
                .entry((completion.user_id, completion.course_id))
                .or_default()
                .push(completion);
        }
        Ok(Known(known))
    }

    /// The completion that `new` is, if it is known; 409 where that one, or what corrects it, says something else.
    pub(super) fn find(&self, new: &NewCompletion) -> ApiResult<Option<&Completion>> {
        let Some(all) = self.0.get(&(new.user_id, new.course_id)) else {
            return Ok(None);
        };
        let same: Vec<&Completion> = all.iter().filter(|known| key(known) == new.key()).collect();
        let Some(first) = same.first() else {
            return Ok(None);
        };
        let corrections = corrections(all, first);
        let last = corrections.last().unwrap_or(first);
        if last.is_void {
            return Err(void(last));
        }
        let mut candidates = same.iter().chain(&corrections);
        match candidates.find(|known| is_equal_to(new, known)) {
            Some(known) => Ok(Some(known)),
            None => Err(exists(last)),
        }
    }
}

/// The corrections that lead away from `first`, the one that counts last.
fn corrections<'a>(all: &'a [Completion], first: &Completion) -> Vec<&'a Completion> {
    let find = |id: Option<Uuid>| all.iter().find(|known| Some(known.id) == id);
    let next = |known: &&'a Completion| find(known.superseded_by_id);
    std::iter::successors(find(first.superseded_by_id), next).collect()
}

/// Whether `known` has the instant of `new`, and its score and evidence where `new` has them.
fn is_equal_to(new: &NewCompletion, known: &Completion) -> bool {
    let is_score = new.score.is_none() || new.score == known.score;
    let is_evidence = new.evidence.is_none() || new.evidence == known.evidence;
    let is_expiry = new.expires_on.is_none() || new.expires_on == known.expires_on;
    known.occurred_at == new.occurred_at && is_score && is_evidence && is_expiry
}

fn key(completion: &Completion) -> Key {
    (completion.user_id, completion.course_id, completion.occurred_at)
}

impl NewCompletion {
    pub(super) fn key(&self) -> Key {
        (self.user_id, self.course_id, self.occurred_at)
    }
}

impl Known {
    /// Refuses a correction of the completion `corrected` that makes of it one that is there beside it.
    pub(super) fn refuse_duplicate(&self, correction: &NewCompletion, corrected: Uuid) -> ApiResult<()> {
        let all = self.0.get(&(correction.user_id, correction.course_id));
        let mut others = all.into_iter().flatten();
        let is_other = |known: &&Completion| known.id != corrected && known.superseded_by_id.is_none();
        match others.find(|known| is_other(known) && !known.is_void && key(known) == correction.key()) {
            Some(other) => Err(exists(other)),
            None => Ok(()),
        }
    }

    /// Adds what is recorded now, for those that come after it in the same request.
    pub(super) fn add(&mut self, completion: &Completion) {
        let all = self
            .0
            .entry((completion.user_id, completion.course_id))
            .or_default();
        for known in all
            .iter_mut()
            .filter(|known| Some(known.id) == completion.supersedes_id)
        {
            known.superseded_by_id = Some(completion.id);
        }
        all.push(completion.clone());
    }
}

fn void(completion: &Completion) -> ApiError {
    ApiError::new(
        Code::CompletionExists,
        format!(
            "This completion was recorded and then corrected as not having happened: correct that by \
             POST /v1/completions/{}/corrections.",
            completion.id
        ),
    )
}

fn exists(completion: &Completion) -> ApiError {
    ApiError::new(
        Code::CompletionExists,
        format!(
            "This completion is recorded already, with another score or evidence: correct it by \
             POST /v1/completions/{}/corrections.",
            completion.id
        ),
    )
}
