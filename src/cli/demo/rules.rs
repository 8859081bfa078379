//! The demo company's rules, groups and grants, written through the same functions as the API.

use std::collections::HashMap;

use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::export::{COMPANY, SOURCE};
use crate::{
    access::grants::{self, model::PrincipalKind},
    app::Tx,
    authz::{self, Permission, ScopeKind},
    db::schema::{courses, external_keys, roles, users},
    enrollment::{
        rules::{
            change,
            model::{Rule, RuleStatus},
        },
        target::Target,
    },
    http::{ApiError, ApiResult, Ref, body},
    people::{
        groups::{
            self,
            model::{CreateGroup, Group, UpdateGroupMembers},
        },
        org_units::model::OrgUnit,
    },
    resource::{Change, write},
};

/// A rule of the company.
struct Ask {
    code: &'static str,
    name: &'static str,
    audience: &'static str,
    courses: &'static [&'static str],
    due: Value,
    on_leave: &'static str,
    /// What else it says.
    more: Value,
    is_active: bool,
}

/// The rule that is paused after a while.
pub const PAUSED: &str = "winter-driving";

fn asks() -> Vec<Ask> {
    let rule = |code, name, audience, courses, offset: &str| Ask {
        code,
        name,
        audience,
        courses,
        due: json!({ "kind": "after_joining", "offset": offset }),
        on_leave: "end",
        more: json!({}),
        is_active: true,
    };
    vec![
        Ask {
            more: json!({
                "repeat": { "kind": "after_due_date", "period": "P1Y" },
                "renewal_window": "P60D",
                "grace_period": "P14D",
            }),
            ..rule(
                "code-of-conduct",
                "Code of conduct, every year",
                "status eq \"active\"",
                &["CONDUCT"],
                "P60D",
            )
        },
        rule(
            "security-awareness",
            "Security awareness for everybody with an account",
            "status eq \"active\" and employment_type ne \"contractor\"",
            &["SECURITY"],
            "P45D",
        ),
        Ask {
            due: json!({ "kind": "after_hire", "offset": "P30D", "minimum_lead": "P30D" }),
            on_leave: "keep_until_satisfied",
            ..rule(
                "onboarding",
                "Onboarding",
                "hired_on gt \"-P90D\"",
                &["WELCOME"],
                "P30D",
            )
        },
        rule(
            "production-safety",
            "Safety in production",
            "org_unit eq \"production\"",
            &["FIRE", "FIRST-AID"],
            "P60D",
        ),
        rule("leading", "Leading people", "report_id pr", &["LEADING"], "P90D"),
        rule(
            "data-protection",
            "Data protection for sales and IT",
            "org_unit eq \"sales\" or org_unit eq \"it\"",
            &["PRIVACY"],
            "P60D",
        ),
        rule(
            "contractors",
            "Fire safety for contractors",
            "employment_type eq \"contractor\"",
            &["FIRE"],
            "P14D",
        ),
        rule(
            PAUSED,
            "Field safety on winter roads",
            "department eq \"Transport\"",
            &["SALESERV-010"],
            "P30D",
        ),
        Ask {
            is_active: false,
            more: json!({ "repeat": {
                "kind": "calendar", "days": "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYDAY=-1FR", "new_hires": "join",
            } }),
            ..rule(
                "quarterly-security",
                "Security awareness in IT, every quarter",
                "org_unit eq \"it\"",
                &["SECURITY"],
                "P14D",
            )
        },
        Ask {
            more: json!({ "repeat": {
                "kind": "calendar", "days": "FREQ=YEARLY;INTERVAL=3;BYMONTH=3;BYMONTHDAY=1", "starts_on": "2027-03-01",
                "new_hires": "prorate",
            } }),
            ..rule(
                "warehouse-forklift",
                "Forklift refresher in the warehouse, every three years",
                "department eq \"Warehouse\"",
                &["WORKSAFE-006"],
                "P90D",
            )
        },
    ]
}

/// Adds the unit that all others stand below.
pub fn found(tx: &mut Tx) -> ApiResult<()> {
    let (code, name) = COMPANY;
    let new = body::read_value(&mut json!({ "code": code, "name": name }))?;
    write::one::<OrgUnit>(tx, Change::create(new))?;
    Ok(())
}

/// Adds the rules; all but the draft are active.
pub fn create(tx: &mut Tx) -> ApiResult<()> {
    let ids: HashMap<String, Uuid> = courses::table
        .select((courses::code, courses::id))
        .load(tx.conn)?
        .into_iter()
        .collect();
    for ask in asks() {
        let asked = ask.courses.iter().filter_map(|code| ids.get(*code).copied());
        let asked: Vec<Target> = asked.map(Target::course).collect();
        let mut new = json!({
            "code": ask.code,
            "name": ask.name,
            "audience": { "filter": ask.audience },
            "targets": asked,
            "due": ask.due,
            "on_leave": ask.on_leave,
        });
        for (name, value) in ask.more.as_object().into_iter().flatten() {
            new[name] = value.clone();
        }
        let rule = write::one::<Rule>(tx, Change::create(body::read_value(&mut new)?))?;
        if ask.is_active {
            set_status(tx, rule.id, RuleStatus::Active)?;
        }
    }
    Ok(())
}

/// Pauses the rule that the company thinks over.
pub fn pause(tx: &mut Tx) -> ApiResult<()> {
    use crate::db::schema::rules;
    let id = rules::table
        .filter(rules::code.eq(PAUSED))
        .select(rules::id)
        .first(tx.conn)?;
    set_status(tx, id, RuleStatus::Paused)
}

fn set_status(tx: &mut Tx, rule: Uuid, status: RuleStatus) -> ApiResult<()> {
    let rule = authz::authorize::<Rule>(tx, &Ref::from(rule), Permission::RulesWrite)?;
    change::set_status(tx, rule, status).map(drop)
}

/// Adds a group that follows facts and two that are kept by hand, and gives roles: to all managers over their reports,
/// to a payroll lead and a controlling lead over everything.
pub fn organize(tx: &mut Tx) -> ApiResult<()> {
    group(
        tx,
        json!({ "code": "new-hires", "name": "New hires", "kind": "dynamic", "filter": "hired_on gt \"-P90D\"" }),
    )?;
    let some = people(tx)?.into_iter().step_by(40).collect();
    filled_group(tx, "first-aiders", "First aiders", some)?;
    let managers = managers(tx)?;
    let managers = filled_group(tx, "managers", "Managers", managers)?;
    grant(
        tx,
        PrincipalKind::Group,
        managers,
        "manager",
        ScopeKind::OwnReports,
    )?;
    for (department, role) in [("Payroll", "hr_admin"), ("Controlling", "auditor")] {
        if let Some(holder) = lead(tx, department)? {
            grant(tx, PrincipalKind::User, holder, role, ScopeKind::Everything)?;
        }
    }
    Ok(())
}

fn group(tx: &mut Tx, mut new: Value) -> ApiResult<Uuid> {
    let new: CreateGroup = body::read_value(&mut new)?;
    Ok(write::one(tx, Change::create(new))?.id)
}

/// A static group of these people.
fn filled_group(tx: &mut Tx, code: &str, name: &str, members: Vec<Uuid>) -> ApiResult<Uuid> {
    let id = group(tx, json!({ "code": code, "name": name }))?;
    let group = authz::authorize::<Group>(tx, &Ref::from(id), Permission::GroupsWrite)?;
    let joining = UpdateGroupMembers {
        add: members,
        remove: Vec::new(),
    };
    groups::members::change(tx, &group, &joining)?;
    Ok(id)
}

/// Everybody to whom somebody reports.
fn managers(tx: &mut Tx) -> ApiResult<Vec<Uuid>> {
    let managers = users::table
        .filter(users::manager_id.is_not_null())
        .select(users::manager_id.assume_not_null())
        .distinct()
        .load(tx.conn)?;
    Ok(managers)
}

/// Active people, in the order of their numbers.
fn people(tx: &mut Tx) -> ApiResult<Vec<Uuid>> {
    let people = external_keys::table
        .filter(external_keys::kind.eq("user"))
        .filter(external_keys::source.eq(SOURCE))
        .order(external_keys::key)
        .select(external_keys::object_id)
        .load(tx.conn)?;
    Ok(people)
}

/// Somebody who leads a team of a department.
fn lead(tx: &mut Tx, department: &str) -> ApiResult<Option<Uuid>> {
    let found: Vec<Uuid> = users::table
        .filter(users::status.eq("active"))
        .filter(users::department.eq(department))
        .filter(users::title.eq(format!("Team Lead {department}")))
        .order(users::username)
        .limit(1)
        .select(users::id)
        .load(tx.conn)?;
    Ok(found.first().copied())
}

fn grant(tx: &mut Tx, kind: PrincipalKind, holder: Uuid, role: &str, scope: ScopeKind) -> ApiResult<()> {
    let role_id = roles::table
        .filter(roles::code.eq(role))
        .select(roles::id)
        .first(tx.conn)
        .map_err(ApiError::from)?;
    grants::check::give(tx, (kind, holder), role_id, scope)
}
