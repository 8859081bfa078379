//! What filters may say about requirements.

use std::sync::LazyLock;

use super::model::{Requirement, RequirementStatus};
use crate::{
    db::Fixed,
    filter::{Attribute, Column, Kind},
    http::Sort,
    resource::{Declaration, Filterable},
};

/// Where a requirement stands, over `requirements` and `clock`, a row that holds today.
pub const STATUS: Fixed = Fixed(
    "(CASE
    WHEN requirements.ended_at IS NOT NULL THEN 'ended'
    WHEN requirements.satisfied_at IS NOT NULL AND requirements.valid_until < clock.today THEN 'expired'
    WHEN requirements.waiver_id IS NOT NULL THEN 'waived'
    WHEN requirements.satisfied_at IS NOT NULL THEN 'satisfied'
    WHEN requirements.opens_on > clock.today THEN 'upcoming'
    WHEN requirements.due_on < clock.today AND NOT EXISTS (SELECT FROM absences
        WHERE absences.user_id = requirements.user_id AND absences.archived_at IS NULL
            AND absences.starts_on <= clock.today
            AND (absences.ends_on IS NULL OR absences.ends_on >= clock.today)) THEN 'overdue'
    ELSE 'open' END)",
);

/// What filters may name of requirements, and the orders of their list.
pub static DECLARATION: LazyLock<Declaration> = LazyLock::new(|| {
    let others = [
        Attribute::scalar("status", RequirementStatus::KIND, STATUS.0, "Its status today."),
        Attribute::scalar(
            "course_id",
            Kind::Id,
            "requirements.course_id",
            "The course, if that is its target.",
        ),
        Attribute {
            name: "rule_id",
            kind: Kind::Id,
            column: Column::Exists {
                from: "requirement_reasons rr",
                on: "rr.user_id = requirements.user_id AND rr.requirement_id = requirements.id AND rr.ended_at IS NULL",
                value: "rr.rule_id",
            },
            doc: "The rules that ask for it.",
        },
    ];
    let mut declaration = Declaration::new::<Requirement>(&others, "created_at", None);
    declaration.sorts.push(Sort::by_day(
        "due_on",
        "coalesce(requirements.due_on, '9999-12-31'::date)",
    ));
    declaration
});
