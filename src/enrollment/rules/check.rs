//! What must hold of rules before they are written, and what follows.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::{
    audience_check,
    change::plan_required,
    due::DuePolicy,
    job::ReconcileRule,
    model::{Rule, RuleStatus},
    repeat::Repeat,
};
use crate::{
    app::Tx,
    authz::Protected,
    catalog::courses::model::{Course, CourseStatus},
    db::{
        Condition, Sql,
        schema::{attribute_definitions, courses, rule_targets, rules},
    },
    enrollment::{
        events::{RULE_APPLIED, RULE_ARCHIVED},
        target::Target,
    },
    filter::{Attribute, Column, Kind},
    http::{ApiError, ApiResult, Code, FieldError},
    people::{days, groups::model::Group, org_units::model::OrgUnit},
    resource::{
        self, Expansion, NoExtra, Reference, Resource, Row, Unique,
        draft::{due, without_faults},
        write::require_scope,
    },
    sql,
};

type Draft = resource::Draft<Rule>;

const ORG_UNIT: Reference<Rule, OrgUnit> = Reference::new("org_unit_id", |rule| rule.org_unit_id);

const PILOT_GROUP: Reference<Rule, Group> = Reference::new("pilot_group_id", |rule| rule.pilot_group_id);

impl Resource for Rule {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/rules";
    const SEARCH: Option<&'static str> = Some("rules.search");
    const ATTRIBUTES: &'static [Attribute] = &[Attribute {
        name: "course_id",
        kind: Kind::Id,
        column: Column::Exists {
            from: "rule_targets rt",
            on: "rt.rule_id = rules.id",
            value: "rt.course_id",
        },
        doc: "The courses that it asks for.",
    }];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::each::<Course>("courses", "targets"),
        Expansion::of::<OrgUnit>("org_unit", "org_unit_id"),
        Expansion::of::<Group>("pilot_group", "pilot_group_id"),
    ];
    const UNIQUE: &'static [Unique<Self>] = &[Unique::new("code", |rule| &rule.code)];

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_unit(tx, drafts)?;
        ORG_UNIT.check(tx, drafts)?;
        PILOT_GROUP.check(tx, drafts)?;
        for draft in drafts.iter_mut().filter(|draft| was_archived(draft)) {
            draft.refuse(archived());
        }
        by_plan(drafts);
        audience_check::check(tx, drafts)?;
        let courses = Courses::load(tx, drafts)?;
        known_courses(drafts, &courses);
        known_attributes(tx, drafts)?;
        due_after_itself(drafts);
        repeats(drafts);
        limits(tx, drafts)?;
        activation_days(tx, drafts);
        let is_to_be_ready = |draft: &&mut Draft| is_active(draft) || draft.after.activates_on.is_some();
        for draft in without_faults(drafts).filter(is_to_be_ready) {
            if let Err(error) = ready(&draft.after, &courses) {
                draft.refuse(error);
            }
        }
        Ok(())
    }

    fn follow(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        let asking = due(drafts).filter(|draft| draft.sets(|rule| &rule.targets));
        let asking: Vec<&Rule> = asking.map(|draft| &draft.after).collect();
        if asking.is_empty() {
            return Ok(());
        }
        let rules: Vec<Uuid> = asking.iter().map(|rule| rule.id).collect();
        diesel::delete(rule_targets::table.filter(rule_targets::rule_id.eq_any(rules))).execute(tx.conn)?;
        let pairs = asking
            .iter()
            .flat_map(|rule| courses_of(rule).map(|course| (rule.id, course)));
        let (rules, courses): (Vec<Uuid>, Vec<Uuid>) = pairs.unzip();
        sql!("INSERT INTO rule_targets (rule_id, course_id) SELECT * FROM unnest({rules}, {courses})")
            .execute(tx.conn)?;
        Ok(())
    }

    /// What an active rule asks for is settled after the transaction; what is applied by plan, by its own operation. Archiving
    /// without a plan is for drafts, which ask for nothing.
    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        let by_plan = [RULE_APPLIED.action, RULE_ARCHIVED.action];
        let at_once =
            due(drafts).filter(|draft| draft.kind.is_none_or(|kind| !by_plan.contains(&kind.action)));
        for draft in at_once.filter(|draft| is_active(draft) || draft.changes(|rule| &rule.status)) {
            tx.enqueue(&ReconcileRule {
                rule_id: draft.after.id,
                operation_id: None,
                progress: 0,
            })?;
        }
        Ok(())
    }
}

/// Callers who may not write all rules write those of their org units, so their new ones name a unit.
fn require_unit(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    require_scope(tx, drafts)?;
    if tx.scope(Rule::WRITE)?.is_everything() {
        return Ok(());
    }
    for draft in drafts
        .iter_mut()
        .filter(|draft| draft.is_new() && draft.after.org_unit_id.is_none())
    {
        let fault = "is required: name an org unit that you may see and write rules for; only rules.write in the scope of everything does without";
        draft.refused = Some(ApiError::field("/org_unit_id", fault));
    }
    Ok(())
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

/// Refuses changes to what active and paused rules ask for, unless they are applied by plan.
fn by_plan(drafts: &mut [Draft]) {
    let is_in_force = |rule: &Rule| matches!(rule.status, RuleStatus::Active | RuleStatus::Paused);
    for draft in drafts {
        let Some(before) = draft.before.as_ref().filter(|rule| is_in_force(rule)) else {
            continue;
        };
        let mut called = before.fields.clone();
        let after = &draft.after.fields;
        called.code.clone_from(&after.code);
        called.name.clone_from(&after.name);
        called.description.clone_from(&after.description);
        if draft.kind.is_none() && called != *after {
            draft.refuse(plan_required(
                "What an active or paused rule asks for is changed by plan",
            ));
        }
    }
}

/// Refuses days of activation that are past, and those of rules that are no drafts.
fn activation_days(tx: &Tx, drafts: &mut [Draft]) {
    let today = days::Todays::of(tx).of_zone(None);
    for draft in drafts {
        let Some(day) = draft.after.activates_on else {
            continue;
        };
        let fault = match draft.after.status {
            RuleStatus::Draft if draft.sets(|rule| &rule.activates_on) && day <= today => {
                "must be after today; activate the rule to have it active at once"
            }
            RuleStatus::Draft => continue,
            RuleStatus::Active | RuleStatus::Paused | RuleStatus::Archived => "is for drafts",
        };
        draft.refuse(ApiError::field("/activates_on", fault));
    }
}

fn is_active(draft: &Draft) -> bool {
    draft.after.status == RuleStatus::Active
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
            .flat_map(|draft| courses_of(&draft.after).chain(draft.after.due.counts_from_course()));
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
        let is_named = |rule: &Rule| {
            courses_of(rule).any(|known| known == *course) || rule.due.counts_from_course() == Some(*course)
        };
        self.visible.contains(course) || before.is_some_and(is_named) && self.stored.contains_key(course)
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
        let asked = courses_of(&draft.after).enumerate();
        let unknown = asked.filter(|(_, course)| !courses.takes(draft, course));
        let faults = unknown.map(|(index, _)| {
            FieldError::new(format!("/targets/{index}/id"), "names no course that you may see")
        });
        let counted = draft.after.due.counts_from_course();
        let counted = counted.filter(|course| !courses.takes(draft, course));
        let counted = counted.map(|_| FieldError::new("/due/course_id", "names no course that you may see"));
        let faults: Vec<FieldError> = faults.chain(counted).collect();
        draft.refuse_faults(faults);
        draft.after.fields.targets.sort_by_key(|target| target.id);
        draft.after.fields.targets.dedup();
    }
}

/// Refuses rules that newly count from an attribute that is no date.
fn known_attributes(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let named = |draft: &Draft| match &draft.after.due {
        DuePolicy::AfterAttribute { attribute, .. } if draft.sets(|rule| &rule.due) => {
            Some(attribute.clone())
        }
        _ => None,
    };
    let names: HashSet<String> = drafts.iter().filter_map(named).collect();
    if names.is_empty() {
        return Ok(());
    }
    let dates: HashSet<String> = attribute_definitions::table
        .filter(attribute_definitions::name.eq_any(names))
        .filter(attribute_definitions::kind.eq("date"))
        .select(attribute_definitions::name)
        .load(tx.conn)?
        .into_iter()
        .collect();
    for draft in drafts {
        if named(draft).is_some_and(|name| !dates.contains(&name)) {
            let fault =
                "names no attribute of the kind date; GET /v1/attribute-definitions lists the attributes";
            draft.refuse(ApiError::field("/due/attribute", fault));
        }
    }
    Ok(())
}

/// The courses among the targets of a rule.
fn courses_of(rule: &Rule) -> impl Iterator<Item = Uuid> + '_ {
    rule.targets.iter().filter_map(Target::course_id)
}

/// Refuses rules whose due date counts from a completion of what they ask for: it would come when all is done.
fn due_after_itself(drafts: &mut [Draft]) {
    for draft in drafts {
        let counted = draft.after.due.counts_from_course();
        if counted.is_some_and(|course| courses_of(&draft.after).any(|asked| asked == course)) {
            let fault = "must be another course than those of targets: the due date would be known only once the target is completed";
            draft.refuse(ApiError::field("/due/course_id", fault));
        }
    }
}

/// Refuses rules whose calendar is none, and those whose next cycle would open as soon as one is satisfied.
fn repeats(drafts: &mut [Draft]) {
    for draft in drafts {
        let fields = &draft.after.fields;
        let mut faults = Vec::new();
        if let Some(fault) = fields.repeat.as_ref().and_then(Repeat::fault) {
            faults.push(FieldError::new("/repeat/days", fault));
        }
        let period = fields.repeat.as_ref().and_then(Repeat::period);
        if period.is_some_and(|period| !fields.renewal_window.is_shorter_than(period)) {
            let detail = "must be shorter than the period of repeat, or the next cycle would open at once";
            faults.push(FieldError::new("/renewal_window", detail));
        }
        if period.is_some_and(|period| period.is_shorter_than(fields.minimum_gap)) {
            let detail = "must not be longer than the period of repeat, or the next cycle would open after the end of the one before";
            faults.push(FieldError::new("/minimum_gap", detail));
        }
        draft.refuse_faults(faults);
    }
}

/// Rules that may be active at a time.
const MOST_ACTIVE: i64 = 1_000;

/// Refuses to activate more rules than there may be.
fn limits(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let was_active = |draft: &Draft| {
        let before = draft.before.as_ref();
        before.is_some_and(|rule| rule.status == RuleStatus::Active)
    };
    if !drafts.iter().any(|draft| is_active(draft) && !was_active(draft)) {
        return Ok(());
    }
    let mut active: i64 = rules::table
        .filter(rules::status.eq("active"))
        .count()
        .get_result(tx.conn)?;
    for draft in drafts
        .iter_mut()
        .filter(|draft| is_active(draft) && !was_active(draft))
    {
        active += 1;
        if active > MOST_ACTIVE {
            draft.refuse(ApiError::new(
                Code::Conflict,
                format!("There are {MOST_ACTIVE} active rules, as many as there may be: archive one first."),
            ));
        }
    }
    Ok(())
}

/// An active rule has an audience, and asks for courses that can be taken.
fn ready(rule: &Rule, courses: &Courses) -> ApiResult<()> {
    if rule.audience.names_nobody() {
        return Err(ApiError::new(
            Code::RuleNotReady,
            "The rule is for nobody yet; give its audience a filter, groups, org units or users.",
        ));
    }
    if rule.targets.is_empty() {
        return Err(ApiError::new(
            Code::RuleNotReady,
            "The rule asks for nothing yet; give it targets.",
        ));
    }
    let asked = courses_of(rule).filter_map(|id| Some((id, courses.stored.get(&id)?)));
    let unpublished = asked.filter(|(_, (status, _))| *status != CourseStatus::Published);
    let mut unpublished: Vec<String> = unpublished
        .map(|(id, course)| courses.describe(&id, course))
        .collect();
    if unpublished.is_empty() {
        return Ok(());
    }
    unpublished.sort();
    Err(ApiError::new(
        Code::RuleNotReady,
        format!(
            "These courses are not published: {}. Publish them or take them out of targets.",
            unpublished.join(", ")
        ),
    ))
}
