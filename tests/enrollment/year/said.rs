//! Acts and rules as the API has them.

use serde_json::{Map, Value, json};

use super::academy::{Academy, Act, Choice, Due, Fact, NewHires, Repeat, Rule, Saying, Thing, Who};

/// An act as a row of a bulk request.
pub fn row(academy: &Academy, act: &Act) -> Value {
    let user = |person: &usize| academy.people[*person].id;
    let target = |course: &usize| json!({"kind": "course", "id": academy.courses[*course].id});
    match act {
        Act::Hire(name, facts) => {
            let mut create = facts_of(academy, facts);
            create["username"] = json!(name);
            create["given_name"] = json!(name);
            create["external_keys"] = json!([{"source": "hr", "key": name}]);
            create["family_name"] = json!("Year");
            create["status"] = json!("active");
            json!({ "create": create })
        }
        Act::Change(person, facts) => {
            json!({"id": user(person), "update": facts_of(academy, facts)})
        }
        Act::Complete(person, course, at, expires_on) => json!({"create": {"user_id": user(person),
            "course_id": academy.courses[*course].id, "occurred_at": at, "expires_on": expires_on}}),
        Act::Correct(_, completion, Some(at)) => {
            json!({"id": completion, "correct": {"occurred_at": at, "reason": "Another day."}})
        }
        Act::Correct(_, completion, None) => {
            json!({"id": completion, "correct": {"is_void": true, "reason": "Somebody else's."}})
        }
        Act::Absent(person, first, last) => json!({"create": {"user_id": user(person), "kind": "leave",
            "starts_on": first, "ends_on": last}}),
        Act::Return(_, absence, last) => json!({"id": absence, "update": {"ends_on": last}}),
        Act::Override(person, says) => json!({"create": {"user_id": user(person),
            "rule_id": academy.rules[says.rule].id, "until": says.until, "reason": "Decided.",
            "effect": if says.is_release { "released" } else { "required" }}}),
        Act::Extend(person, course, day) => json!({"create": {"user_id": user(person),
            "target": target(course), "due_on": day, "reason": "Agreed."}}),
        Act::ExtendGroup(group, course, day) => json!({"create": {"group_id": academy.groups[*group],
            "target": target(course), "due_on": day, "reason": "Agreed."}}),
        Act::Waive(person, course, first, last) => json!({"create": {"user_id": user(person),
            "target": target(course), "begins_on": first, "expires_on": last, "reason": "Knows it."}}),
        Act::Equate(course, equivalent, is_mutual) => json!({"create": {
            "course_id": academy.courses[*course].id, "equivalent_id": academy.courses[*equivalent].id,
            "is_mutual": is_mutual}}),
        Act::Assign(person, course, opens_on, due_on) => json!({"create": {"user_id": user(person),
            "target": target(course), "due_on": due_on,
            "opens_on": opens_on}}),
        Act::Unassign(_, _, requirement, reason) => {
            json!({"id": requirement, "remove_reason": {"reason_id": reason}})
        }
        other => panic!("{other:?} does not go in bulk"),
    }
}

fn facts_of(academy: &Academy, facts: &[Fact]) -> Value {
    let mut body = Map::new();
    for fact in facts {
        let (name, value) = match fact {
            Fact::Status(status) => ("status", json!(status)),
            Fact::Department(department) => ("department", json!(department)),
            Fact::Employment(employment) => ("employment_type", json!(employment)),
            Fact::Unit(unit) => ("org_unit_id", json!(academy.units[*unit].id)),
            Fact::Manager(manager) => {
                let manager = manager.map(|manager| academy.people[manager].id);
                ("manager_id", json!(manager))
            }
            Fact::HiredOn(day) => ("hired_on", json!(day)),
            Fact::SignedOn(day) => ("attributes", json!({ "signed_on": day })),
            Fact::Zone(zone) => ("time_zone", json!(zone.map(|zone| zone.name()))),
        };
        body.insert(name.into(), value);
    }
    body.into()
}

/// A rule.
pub fn rule_of(academy: &Academy, rule: &Rule) -> Value {
    let course = |course: &usize| academy.courses[*course].id;
    let targets = rule.targets.iter().map(course);
    let targets: Vec<_> = targets.map(|id| json!({"kind": "course", "id": id})).collect();
    let mut due = match &rule.due {
        Due::On(day) => json!({"kind": "on", "date": day}),
        Due::AfterHire(offset) => json!({"kind": "after_hire", "offset": offset}),
        Due::AfterJoining(offset) => json!({"kind": "after_joining", "offset": offset}),
        Due::AfterActivation(offset) => json!({"kind": "after_activation", "offset": offset}),
        Due::AfterSigning(offset) => {
            json!({"kind": "after_attribute", "attribute": "signed_on", "offset": offset})
        }
        Due::AfterCompletion(of, offset) => {
            json!({"kind": "after_completion", "course_id": course(of), "offset": offset})
        }
    };
    // After joining needs none.
    if let Some(lead) = rule.lead.filter(|_| !matches!(rule.due, Due::AfterJoining(_))) {
        due["minimum_lead"] = json!(lead);
    }
    let repeat = rule.repeat.map(|repeat| match repeat {
        Repeat::Never => json!({"kind": "never"}),
        Repeat::AfterCompletion(period) => json!({"kind": "after_completion", "period": period}),
        Repeat::AfterDueDate(period) => json!({"kind": "after_due_date", "period": period}),
        Repeat::Calendar(months, new_hires) => {
            let months: Vec<_> = (1..=12)
                .step_by(months as usize)
                .map(|month| month.to_string())
                .collect();
            let new_hires = match new_hires {
                NewHires::Join => "join",
                NewHires::Skip => "skip",
                NewHires::Prorate => "prorate",
            };
            json!({"kind": "calendar", "new_hires": new_hires,
                "days": format!("FREQ=YEARLY;BYMONTH={};BYMONTHDAY=1", months.join(","))})
        }
    });
    json!({"code": rule.code, "name": rule.code, "audience": audience(&rule.who, academy),
        "org_unit_id": rule.unit.map(|unit| academy.units[unit].id),
        "pilot_group_id": rule.pilot.map(|group| academy.groups[group]),
        "targets": targets, "due": due, "repeat": repeat, "renewal_window": rule.window,
        "grace_period": rule.grace, "minimum_gap": rule.gap, "on_leave": rule.on_leave,
        "early_completions": if rule.ignores_early { "ignore" } else { "count" },
        "on_absence": if rule.absence_lead.is_some() { "move" } else { "keep" },
        "absence_lead": rule.absence_lead.unwrap_or("P0D")})
}

/// A change of what a rule says.
pub fn saying_of(academy: &Academy, number: usize, saying: &Saying) -> Value {
    let mut changed = academy.rules[number].clone();
    changed.say(saying.clone());
    let all = rule_of(academy, &changed);
    let name = match saying {
        Saying::Due(_) => "due",
        Saying::Repeat(_) => "repeat",
        Saying::Grace(_) => "grace_period",
        Saying::Targets(_) => "targets",
        Saying::OnLeave(_) => "on_leave",
        Saying::Pilot(_) => "pilot_group_id",
    };
    json!({ name: all[name] })
}

/// A decision about an issue.
pub fn choice_of(choice: Choice) -> Value {
    match choice {
        Choice::AsScheduled => json!({"choice": "as_scheduled", "due_on": null}),
        Choice::DueOn(day) => json!({"choice": "due_on", "due_on": day}),
        Choice::NoDueDate => json!({"choice": "no_due_date", "due_on": null}),
        Choice::CountFromJoining => json!({"choice": "count_from_joining", "due_on": null}),
        Choice::Waive => json!({"choice": "waive"}),
        Choice::Require => json!({"choice": "require"}),
    }
}

/// Where acts of this kind go in bulk, if they can.
pub fn bulk_path(act: &Act) -> Option<&'static str> {
    Some(match act {
        Act::Hire(..) | Act::Change(..) => "/v1/users",
        Act::Complete(..) | Act::Correct(..) => "/v1/completions",
        Act::Absent(..) | Act::Return(..) => path_of(Thing::Absence(0)),
        Act::Override(..) => path_of(Thing::Override(0)),
        Act::Extend(..) | Act::ExtendGroup(..) => path_of(Thing::GroupExtension),
        Act::Waive(..) => path_of(Thing::Waiver(0)),
        Act::Equate(..) => path_of(Thing::Equivalence),
        Act::Assign(..) | Act::Unassign(..) => "/v1/requirements",
        _ => return None,
    })
}

/// Where things of this kind are.
pub fn path_of(thing: Thing) -> &'static str {
    match thing {
        Thing::Absence(_) => "/v1/absences",
        Thing::Override(_) => "/v1/rule-overrides",
        Thing::Extension(_) | Thing::GroupExtension => "/v1/extensions",
        Thing::Waiver(_) => "/v1/waivers",
        Thing::Equivalence => "/v1/course-equivalences",
    }
}

fn audience(who: &Who, academy: &Academy) -> Value {
    let filter = |text: String| json!({ "filter": text });
    match who {
        Who::Active => filter("status eq \"active\"".into()),
        Who::NotContractor => filter("employment_type ne \"contractor\"".into()),
        Who::Contractor => filter("employment_type eq \"contractor\"".into()),
        Who::Department(name) => filter(format!("department eq \"{name}\"")),
        Who::HiredWithin(days) => filter(format!("hired_on gt \"-P{days}D\"")),
        Who::Unit(unit) => filter(format!("org_unit eq \"{}\"", academy.units[*unit].code)),
        Who::Units(units, except) => {
            let units: Vec<_> = units.iter().map(|unit| academy.units[*unit].id).collect();
            let except: Vec<_> = except.iter().map(|person| academy.people[*person].id).collect();
            json!({"org_unit_ids": units, "except": {"user_ids": except}})
        }
        Who::Group(group) => json!({"group_ids": [academy.groups[*group]]}),
        Who::Managers => filter("report_id pr".into()),
    }
}
