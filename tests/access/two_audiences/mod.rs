//! Two audiences in one academy, kept wholly apart by scope: neither learns anything of the other.

mod academy;
mod walk;

use std::collections::BTreeMap;

use academy::{Audience, Ids, audience, commons};
use walk::{Told, change, changes, external, kept, nobodys, questions};

use crate::{contract::story::Story, support::TestApp};

const WORDS: [&str; 2] = ["quartz", "velvet"];

/// What each caller of an audience is told about all that is theirs.
async fn all_told(audience: &Audience) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::new();
    for (name, client) in audience.callers() {
        for (number, question) in questions().iter().enumerate() {
            let answer = question.ask(client, &audience.ids, &audience.ids).await;
            let label = format!("{name}: {number} {}", question.operation.id);
            told.insert(label, answer);
        }
    }
    told
}

#[track_caller]
fn assert_same(before: &BTreeMap<String, Told>, after: &BTreeMap<String, Told>, what: &str) {
    let differences: Vec<_> = before
        .iter()
        .filter(|(label, told)| after.get(*label) != Some(told))
        .map(|(label, told)| format!("{label}\n  {told:?}\n  {:?}", after.get(label)))
        .collect();
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}

/// Lists, searches, reports, exports, counts: with every id of theirs in turn, neither is told of the other, nor whether
/// it is there at all.
#[actix_web::test]
async fn neither_audience_is_told_anything_of_the_other() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let common = commons(&app, &admin, WORDS).await;
    let quartz = audience(&app, &admin, &common, WORDS[0]).await;
    let alone = all_told(&quartz).await;
    let velvet = audience(&app, &admin, &common, WORDS[1]).await;
    let beside = all_told(&quartz).await;
    assert_same(&alone, &beside, "told otherwise since there is another audience");

    let others = all_told(&velvet).await;
    let mut faults = Vec::new();
    for (label, told) in &beside {
        let other = &others[label];
        if (told.status, told.amounts()) != (other.status, other.amounts()) {
            faults.push(format!(
                "{label}: told otherwise than the other audience:\n  {told:?}\n  {other:?}"
            ));
        }
    }
    for (own, other, told) in [(&quartz, &velvet, &beside), (&velvet, &quartz, &others)] {
        let foreign = other.all_ids(&app);
        for (label, told) in told {
            let body = told.body.to_lowercase();
            let tells = |word: &str| body.contains(&word.to_lowercase());
            if tells(other.word) || foreign.iter().any(|id| tells(id)) {
                faults.push(format!(
                    "{} {label}: told of the other audience: {told:?}",
                    own.word
                ));
            }
        }
        let has_own = |label: &str| {
            told.iter()
                .any(|(known, told)| known.contains(label) && told.body.contains(own.word))
        };
        for list in [
            "list_users",
            "list_org_units",
            "list_groups",
            "list_group_members",
            "list_categories",
            "list_courses",
            "list_course_versions",
            "list_user_history",
            "list_overdue_requirements",
            "get_compliance_report",
            "get_transcript",
            "list_events",
            "list_scim_users",
            "list_scim_groups",
            "search_scim",
        ] {
            assert!(
                has_own(&format!("administrator: {}", place(list))),
                "{}: {list} is empty",
                own.word
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `ids` with `others` in their places.
fn with(ids: &Ids, others: &Ids) -> Ids {
    ids.iter()
        .chain(others)
        .map(|(name, id)| (name.clone(), id.clone()))
        .collect()
}

/// The number and name of a question in labels.
fn place(operation: &str) -> String {
    let number = questions()
        .iter()
        .position(|question| question.operation.id == operation);
    format!(
        "{} {operation}",
        number.unwrap_or_else(|| panic!("nothing asks {operation}"))
    )
}

/// What is the other's is answered like what is not there.
#[actix_web::test]
async fn what_is_the_other_audiences_is_answered_like_what_is_nobodys() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let common = commons(&app, &admin, WORDS).await;
    let quartz = audience(&app, &admin, &common, WORDS[0]).await;
    let velvet = audience(&app, &admin, &common, WORDS[1]).await;
    let before = all_told(&velvet).await;
    let theirs = kept(&velvet.ids);
    let nothing = nobodys(&theirs);
    let mut story = Story::default();
    let mut faults = Vec::new();
    let mut compare = |who: &str, told: Told, unknown: Told| {
        let told = told.without(theirs.values());
        let unknown = unknown.without(nothing.values());
        if (told.status, &told.body) != (unknown.status, &unknown.body) {
            faults.push(format!("{who}: {told:?}\n  instead of {unknown:?}"));
        }
    };
    for (name, client) in quartz.callers() {
        for question in questions() {
            let mut named = [&theirs, &external(&theirs), &nothing].map(|ids| with(&quartz.ids, ids));
            let unknown = question.ask(client, &named[2], &named[2]).await;
            named[2] = named[0].clone();
            let [theirs, external, queried] = &named;
            compare(name, question.ask(client, theirs, queried).await, unknown.clone());
            if question.names_by_key() {
                compare(name, question.ask(client, external, queried).await, unknown);
            }
        }
        for (operation, what) in changes() {
            let Some(thing) = theirs.get(&what) else { continue };
            let naming = |thing: &String| with(&quartz.ids, &[(what.clone(), thing.clone())].into());
            let unknown = change(client, &operation, &naming(&nothing[&what]), &mut story).await;
            let told = change(client, &operation, &naming(thing), &mut story).await;
            // Where a part of it was done, the new things have ids and words of their own.
            if told.status >= 300 || (told.status, told.amounts()) != (unknown.status, unknown.amounts()) {
                compare(&format!("{name}, {what}"), told, unknown);
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_same(&before, &all_told(&velvet).await, "changed by the other audience");
}
