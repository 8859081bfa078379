//! Open issues: what keeps a rule from giving a person a due date, until somebody decides. The person stays required, without a
//! due date.

use std::collections::BTreeSet;

use chrono::{Months, NaiveDate};
use uuid::Uuid;

use super::{
    person::{Cycle, Person, Proof, Renewed},
    settle::{Case, DueDate, Mover, Want},
};
use crate::enrollment::{
    issues::model::{IssueChoice, IssueKind},
    target::Target,
};

/// An issue of a rule with a person and a target, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its id.
    pub id: Uuid,
    /// The rule.
    pub rule_id: Uuid,
    /// What it asks for.
    pub target: Target,
    /// What is the matter.
    pub kind: IssueKind,
    /// What somebody decided.
    pub choice: Option<IssueChoice>,
    /// The day that they chose.
    pub due_on: Option<NaiveDate>,
}

/// Every kind, in the order in which they are looked at: a decision about one may bring up a later one.
const KINDS: [IssueKind; 4] = [
    IssueKind::Conflict,
    IssueKind::TargetRetired,
    IssueKind::MissingDate,
    IssueKind::ImpossibleDate,
];

/// A due date that is further away than this is a slip of somebody's pen.
const MOST_MONTHS: Months = Months::new(100 * 12);

impl Case<'_> {
    /// The issues of a cycle, as they should be open or resolved: by rule and kind.
    pub fn issues(&self, cycle: &Cycle) -> BTreeSet<(Uuid, IssueKind)> {
        let mut issues = BTreeSet::new();
        if cycle.ended.is_some() {
            return issues;
        }
        for want in self.wants() {
            let (_, kinds) = self.decided(want, cycle.renews.as_ref(), cycle.opens_on);
            let kinds = kinds.into_iter().filter(|kind| match cycle.satisfied {
                None => true,
                Some((Proof::Waiver(_), _)) => *kind == IssueKind::Conflict,
                Some((Proof::Completion(_), _)) => false,
            });
            issues.extend(kinds.map(|kind| (want.policy.rule_id, kind)));
        }
        issues
    }

    /// When a cycle is due for a rule after what was decided about its issues, and these. Nothing is due while one is open.
    pub(super) fn decided(
        &self,
        want: &Want,
        renews: Option<&Renewed>,
        opens_on: NaiveDate,
    ) -> (DueDate, Vec<IssueKind>) {
        let mut due = self.planned(want, renews, opens_on);
        let mut kinds = Vec::new();
        for kind in KINDS {
            if !self.holds(kind, want, renews, &due) {
                continue;
            }
            kinds.push(kind);
            let issue = self.issue(want.policy.rule_id, kind);
            let choice = issue.and_then(|issue| Some((issue.id, issue.choice?, issue.due_on)));
            let decided_on = |day: Option<NaiveDate>, id: Uuid| {
                let mut due = DueDate::on(day);
                due.moves.push((Mover::Resolution(id), day));
                self.postponed(due, want.policy.absence_lead)
            };
            match choice {
                None | Some((_, IssueChoice::NoDueDate, _)) => due = DueDate::default(),
                Some((_, IssueChoice::AsScheduled | IssueChoice::Waive | IssueChoice::Require, _)) => {}
                Some((id, IssueChoice::DueOn, day)) => due = decided_on(day, id),
                Some((id, IssueChoice::CountFromJoining, _)) => {
                    let offset = want.policy.due.offset().unwrap_or_default();
                    let day = offset.after(want.joined_on);
                    due = decided_on(Some(want.policy.due.not_before_lead(day, want.joined_on)), id);
                }
            }
        }
        (due, kinds)
    }

    fn holds(&self, kind: IssueKind, want: &Want, renews: Option<&Renewed>, due: &DueDate) -> bool {
        match kind {
            IssueKind::Conflict => self.has_conflict(want),
            IssueKind::TargetRetired => !self.can_begin(),
            IssueKind::MissingDate => self.is_first(want, renews) && self.misses_date(want),
            IssueKind::ImpossibleDate => due.due_on.is_some_and(|day| is_impossible(self.person(), day)),
        }
    }

    /// Whether an override says that the person must and a waiver that they need not.
    fn has_conflict(&self, want: &Want) -> bool {
        let today = self.person().today;
        let is_in_force = |day: Option<NaiveDate>| day.is_none_or(|day| day >= today);
        let mut waivers = self
            .all_evidence()
            .filter(|one| matches!(one.proof, Proof::Waiver(_)));
        self.person().required.contains(&want.policy.rule_id)
            && waivers.any(|one| is_in_force(one.expires_on))
    }

    /// Whether an override for which nobody has decided otherwise keeps waivers from counting.
    pub(super) fn ignores_waivers(&self) -> bool {
        let waives = |rule| {
            let issue = self.issue(rule, IssueKind::Conflict);
            issue.is_some_and(|issue| issue.choice == Some(IssueChoice::Waive))
        };
        self.wants().iter().any(|want| {
            let rule = want.policy.rule_id;
            self.person().required.contains(&rule) && !waives(rule)
        })
    }

    /// The stored issue of a rule and the target.
    pub fn issue(&self, rule: Uuid, kind: IssueKind) -> Option<&Issue> {
        let issues = &self.person().issues;
        issues
            .iter()
            .find(|issue| issue.rule_id == rule && issue.target == self.target() && issue.kind == kind)
    }
}

/// Whether a day cannot be meant: it is before the person's first day of work, or far away.
fn is_impossible(person: &Person, day: NaiveDate) -> bool {
    let earliest = person.today.checked_sub_months(MOST_MONTHS);
    let latest = person.today.checked_add_months(MOST_MONTHS);
    person.hired_on.is_some_and(|hired_on| day < hired_on)
        || earliest.is_some_and(|earliest| day < earliest)
        || latest.is_some_and(|latest| day > latest)
}
