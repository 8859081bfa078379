//! What must hold of rules before they are written, and what follows.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    job::ReconcileRule,
    model::{Rule, RuleStatus},
};
use crate::{
    app::Tx,
    authz::Protected,
    catalog::courses::model::{Course, CourseStatus},
    db::{
        Condition, Sql,
        schema::{courses, rule_courses},
    },
    enrollment::events::RULE_APPLIED,
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
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |rule| &rule.code)];

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_everywhere(tx, drafts, Self::WRITE, Draft::is_new)?;
        for draft in drafts.iter_mut().filter(|draft| was_archived(draft)) {
            draft.refuse(archived());
        }
        audiences(tx, drafts)?;
        let courses = Courses::load(tx, drafts)?;
        known_courses(drafts, &courses);
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
        let applied =
            due(drafts).filter(|draft| draft.kind.is_none_or(|kind| kind.action != RULE_APPLIED.action));
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

/// The courses that rules ask for.
struct Courses {
    /// The status and the title of each.
    stored: HashMap<Uuid, (CourseStatus, String)>,
    /// Those that the caller may see.
    visible: HashSet<Uuid>,
}

impl Courses {
    fn load(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<Self> {
        let asked = drafts
            .iter()
            .flat_map(|draft| draft.after.course_ids.iter().copied());
        let asked: HashSet<Uuid> = asked.collect();
        let scope = tx.caller.scope_if_any(Course::READ, tx.now);
        let visible = scope.map_or_else(Sql::never, |scope| Course::visible(&scope));
        let found: Vec<(Uuid, CourseStatus, String, bool)> = courses::table
            .filter(courses::id.eq_any(asked))
            .select((
                courses::id,
                courses::status,
                courses::title,
                Condition::new(sql!("coalesce({visible}, false)")),
            ))
            .load(tx.conn)?;
        let visible = found.iter().filter(|(.., is_visible)| *is_visible);
        Ok(Courses {
            visible: visible.map(|(id, ..)| *id).collect(),
            stored: found
                .into_iter()
                .map(|(id, status, title, _)| (id, (status, title)))
                .collect(),
        })
    }

    /// Whether a draft may ask for the course: a new one must be one that the caller may see; those that the rule has stay.
    fn takes(&self, draft: &Draft, course: &Uuid) -> bool {
        let before = draft.before.as_ref();
        self.visible.contains(course)
            || before.is_some_and(|rule| rule.course_ids.contains(course)) && self.stored.contains_key(course)
    }

    /// How problems call a course: its title is for callers who may see it.
    fn describe(&self, course: &Uuid, (status, title): &(CourseStatus, String)) -> String {
        match self.visible.contains(course) {
            true => format!("{title} ({course}, {})", status.as_str()),
            false => format!("{course} ({})", status.as_str()),
        }
    }
}

/// Refuses rules that newly name a course which does not exist, or which the caller may not see, and sorts the courses of all.
fn known_courses(drafts: &mut [Draft], courses: &Courses) {
    for draft in drafts {
        let asked = draft.after.course_ids.iter().enumerate();
        let unknown = asked.filter(|(_, course)| !courses.takes(draft, course));
        let faults = unknown.map(|(index, _)| {
            FieldError::new(format!("/course_ids/{index}"), "names no course that you may see")
        });
        draft.refuse_faults(faults.collect());
        draft.after.fields.course_ids.sort();
        draft.after.fields.course_ids.dedup();
    }
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
        .filter_map(|id| Some((id, courses.stored.get(id)?)));
    let unpublished = asked.filter(|(_, (status, _))| *status != CourseStatus::Published);
    let mut unpublished: Vec<String> = unpublished
        .map(|(id, course)| courses.describe(id, course))
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
