//! What must hold of rules before they are written, and what follows.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    change,
    job::ReconcileRule,
    model::{Rule, RuleStatus},
};
use crate::{
    app::Tx,
    catalog::courses::model::{Course, CourseStatus},
    db::schema::{courses, rule_courses},
    filter::{Attribute, Column, Kind},
    http::{ApiError, ApiResult, Code, FieldError},
    people::users,
    resource::{
        self, Expansion, NoExtra, Resource, Row, Unique,
        draft::{due, require_everywhere, without_faults},
    },
    sql,
};

type Draft = resource::Draft<Rule>;

const CODE: Unique<Rule> = Unique {
    column: "code",
    value: |rule| &rule.code,
};

impl Resource for Rule {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/rules";
    const SEARCH: Option<&'static str> = Some("rules.search");
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "course_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "rule_courses rc",
            on: "rc.rule_id = rules.id",
            value: "rc.course_id",
        },
        doc: "The courses that it asks for.",
    }];
    const EXPANSIONS: &'static [Expansion] = &[Expansion::each::<Course>("courses", "course_ids")];

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_everywhere(tx, drafts, Self::WRITE, Draft::is_new)?;
        for draft in drafts.iter_mut().filter(|draft| was_archived(draft)) {
            draft.refuse(archived());
        }
        audiences(tx, drafts)?;
        let courses = courses(tx, drafts)?;
        CODE.check(tx, drafts)?;
        for draft in without_faults(drafts).filter(|draft| is_active(draft)) {
            if let Err(error) = ready(&draft.after, &courses) {
                draft.refuse(error);
            }
        }
        Ok(())
    }

    fn follow(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        let asking = due(drafts).filter(|draft| draft.sets(|rule| &rule.course_ids));
        let asking: Vec<&Rule> = asking.map(|draft| &draft.after).collect();
        if asking.is_empty() {
            return Ok(());
        }
        let rules: Vec<Uuid> = asking.iter().map(|rule| rule.id).collect();
        diesel::delete(rule_courses::table.filter(rule_courses::rule_id.eq_any(rules))).execute(tx.conn)?;
        let pairs = asking
            .iter()
            .flat_map(|rule| rule.course_ids.iter().map(|course| (rule.id, *course)));
        let (rules, courses): (Vec<Uuid>, Vec<Uuid>) = pairs.unzip();
        sql!("INSERT INTO rule_courses (rule_id, course_id) SELECT * FROM unnest({rules}, {courses})")
            .execute(tx.conn)?;
        Ok(())
    }

    /// What an active rule asks for is settled after the transaction; what is applied by plan, by its own operation.
    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        let applied = due(drafts).filter(|draft| draft.action != Some(change::APPLIED));
        for draft in applied.filter(|draft| is_active(draft) || draft.changes(|rule| &rule.status)) {
            tx.enqueue(&ReconcileRule {
                rule_id: draft.after.id,
                operation_id: None,
                progress: 0,
            })?;
        }
        Ok(())
    }
}

fn was_archived(draft: &Draft) -> bool {
    let before = draft.before.as_ref();
    before.is_some_and(|rule| rule.status == RuleStatus::Archived)
}

fn archived() -> ApiError {
    ApiError::new(
        Code::RuleArchived,
        "It does nothing any more and cannot be changed; make a new rule.",
    )
}

fn is_active(draft: &Draft) -> bool {
    draft.after.status == RuleStatus::Active
}

/// Audiences can be read.
fn audiences(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let names_one = |draft: &Draft| draft.sets(|rule| &rule.audience);
    if !drafts.iter().any(names_one) {
        return Ok(());
    }
    let schema = users::filter::schema(tx)?;
    for draft in drafts.iter_mut().filter(|draft| names_one(draft)) {
        if let Err(error) = users::filter::parse_at(&schema, "/audience", &draft.after.audience) {
            draft.refuse(error);
        }
    }
    Ok(())
}

/// The status and the title of courses.
type Courses = HashMap<Uuid, (CourseStatus, String)>;

/// The courses that rules ask for. Refuses rules of which one does not exist, and puts those of the others in order.
fn courses(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<Courses> {
    let asked = drafts
        .iter()
        .flat_map(|draft| draft.after.course_ids.iter().copied());
    let asked: HashSet<Uuid> = asked.collect();
    let found: Vec<(Uuid, (CourseStatus, String))> = courses::table
        .filter(courses::id.eq_any(asked))
        .select((courses::id, (courses::status, courses::title)))
        .load(tx.conn)?;
    let found: Courses = found.into_iter().collect();
    for draft in drafts {
        let asked = draft.after.course_ids.iter().enumerate();
        let unknown = asked.filter(|(_, course)| !found.contains_key(course));
        let faults = unknown
            .map(|(index, _)| FieldError::new(format!("/course_ids/{index}"), "names no course that exists"));
        draft.refuse_faults(faults.collect());
        draft.after.fields.course_ids.sort();
        draft.after.fields.course_ids.dedup();
    }
    Ok(found)
}

/// An active rule asks for courses that can be taken.
fn ready(rule: &Rule, courses: &Courses) -> ApiResult<()> {
    if rule.course_ids.is_empty() {
        return Err(ApiError::new(
            Code::RuleNotReady,
            "The rule asks for no course yet; give it course_ids.",
        ));
    }
    let asked = rule
        .course_ids
        .iter()
        .filter_map(|id| Some((id, courses.get(id)?)));
    let unpublished = asked.filter(|(_, (status, _))| *status != CourseStatus::Published);
    let mut unpublished: Vec<String> = unpublished
        .map(|(id, (status, title))| format!("{title} ({id}, {})", status.as_str()))
        .collect();
    if unpublished.is_empty() {
        return Ok(());
    }
    unpublished.sort();
    Err(ApiError::new(
        Code::RuleNotReady,
        format!(
            "These courses are not published: {}. Publish them or take them out of course_ids.",
            unpublished.join(", ")
        ),
    ))
}
