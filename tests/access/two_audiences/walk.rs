//! Asks every question that reads, and makes every change, with the ids of one's choice.

use std::{collections::BTreeMap, sync::OnceLock};

use awc::http::Method;
use serde_json::Value;

use super::academy::Ids;
use crate::{
    contract::{
        operations::{self, NOBODY, Operation, fill},
        samples,
        story::Story,
    },
    support::{Answer, Client},
};

/// Reads that are nobody's in particular.
const PUBLIC: &[(&str, &str)] = &[
    (
        "verify_certificate",
        "whoever holds a certificate shows its serial to whom they like",
    ),
    (
        "get_metrics",
        "counts of the whole server for its operators, without names",
    ),
];

/// Questions beside those that the document's walk makes up, with `{name}` for an id.
const PROBES: &[(&str, &str)] = &[
    ("list_users", "filter=username eq \"{word}-learner\""),
    ("list_users", "filter=org_unit eq \"{word}-unit\""),
    ("list_users", "filter=groups eq \"{word}-group\""),
    ("list_users", "filter=manager_id eq \"{manager_id}\""),
    ("list_users", "filter=line_manager_id eq \"{manager_id}\""),
    ("list_users", "filter=report_id eq \"{user_id}\""),
    ("list_org_units", "filter=within eq \"{word}-unit\""),
    ("list_groups", "filter=member_id eq \"{user_id}\""),
    ("list_group_members", "filter=username eq \"{word}-learner\""),
    ("list_categories", "filter=visibility eq \"restricted\""),
    ("list_courses", "q=fire"),
    ("list_courses", "q={word}"),
    (
        "list_courses",
        "sort=-code&filter=category eq \"{word}-category\"",
    ),
    (
        "list_courses",
        "filter=category_id eq \"{category_id}\" or tags eq \"{word}\"",
    ),
    (
        "list_requirements",
        "filter=course_id eq \"{course_id}\" or user_id eq \"{user_id}\"",
    ),
    (
        "list_enrollments",
        "filter=course_id eq \"{course_id}\" or user_id eq \"{user_id}\"",
    ),
    (
        "list_completions",
        "filter=course_id eq \"{course_id}\" or user_id eq \"{user_id}\"",
    ),
    (
        "list_certificates",
        "filter=course_id eq \"{course_id}\" or user_id eq \"{user_id}\"",
    ),
    (
        "list_events",
        "filter=object_id eq \"{course_id}\" or user_id eq \"{user_id}\"",
    ),
    (
        "list_grants",
        "filter=principal_id eq \"{manager_id}\" or scope_id eq \"{category_id}\"",
    ),
    ("get_compliance_report", "org_unit_id={org_unit_id}"),
    ("get_compliance_report", "course_id={course_id}"),
    ("get_compliance_report", "filter=org_unit eq \"{word}-unit\""),
    ("list_overdue_requirements", "org_unit_id={org_unit_id}"),
    ("list_overdue_requirements", "course_id={course_id}&format=csv"),
    (
        "explain_user_access",
        "permission=courses.read&kind=course&id={course_id}",
    ),
    (
        "explain_user_access",
        "permission=users.read&kind=user&id={user_id}",
    ),
    (
        "explain_user_access",
        "permission=courses.write&kind=category&id={category_id}",
    ),
    ("list_scim_users", "filter=userName eq \"{word}-learner\""),
    (
        "list_scim_users",
        "filter=manager.value eq \"{manager_id}\"&count=0",
    ),
    ("list_scim_groups", "filter=displayName sw \"{word}\""),
];

/// A request that reads.
pub struct Question {
    pub operation: Operation,
    query: String,
    accept: Option<&'static str>,
    body: Option<Value>,
}

/// Every operation that reads, as JSON, as CSV where there is some, and each question of [`PROBES`].
pub fn questions() -> &'static [Question] {
    static QUESTIONS: OnceLock<Vec<Question>> = OnceLock::new();
    QUESTIONS.get_or_init(all_questions)
}

fn all_questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for operation in operations::all() {
        let is_public = PUBLIC.iter().any(|(id, _)| *id == operation.id);
        if !operation.is_read() || is_public {
            continue;
        }
        let known = operation.parameters("query");
        let takes = |name: &str| known.iter().any(|parameter| parameter == name);
        let sample = samples::of(&operation);
        let body = sample
            .as_ref()
            .and_then(|sample| sample.json(&mut Story::default()));
        let plain = sample.map_or("", |sample| sample.query);
        let mut ask = |query: &str, accept| {
            let query = query.trim_start_matches('?');
            questions.push(Question {
                operation: operation.clone(),
                query: query.replace(' ', "%20").replace('"', "%22"),
                accept,
                body: body.clone(),
            });
        };
        ask(plain, None);
        if takes("limit") {
            ask("limit=200", None);
        }
        if takes("count") {
            ask("count=200", None);
        }
        if takes("format") {
            ask("format=csv", None);
            ask("", Some("text/csv"));
        }
        let probes = PROBES.iter().filter(|(id, _)| *id == operation.id);
        probes.for_each(|(_, query)| ask(query, None));
    }
    questions
}

/// What other systems have names of their own for.
const NAMED_BY_KEY: &[&str] = &["user_id", "org_unit_id", "group_id", "course_id"];

impl Question {
    /// Whether its path names things that other systems know.
    pub fn names_by_key(&self) -> bool {
        let path = &self.operation.path;
        NAMED_BY_KEY
            .iter()
            .any(|name| path.contains(&format!("{{{name}}}")))
    }

    /// What a caller is told who names things in the path by `named`, and in the query by `ids`.
    pub async fn ask(&self, client: &Client, named: &Ids, ids: &Ids) -> Told {
        let client = match self.accept {
            Some(accept) => client.with("Accept", accept),
            None => client.clone(),
        };
        let path = format!("{}?{}", fill(&self.operation.path, named), fill(&self.query, ids));
        let content_type = if self.body.is_some() {
            "application/json"
        } else {
            ""
        };
        let body = self.body.as_ref().map(|body| body.to_string().into_bytes());
        Told::by(
            client
                .send(self.operation.method.clone(), &path, body, content_type)
                .await,
        )
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub request: String,
    pub status: u16,
    pub body: String,
}

impl Told {
    fn by(answer: Answer) -> Self {
        let body = match serde_json::from_slice::<Value>(&answer.bytes) {
            Ok(mut body) => {
                if let Some(members) = body.as_object_mut() {
                    members.remove("request_id");
                }
                body.to_string()
            }
            Err(_) => answer.text(),
        };
        Told {
            request: answer.request,
            status: answer.status,
            body,
        }
    }

    /// Without the names that the caller used, which some answers repeat.
    pub fn without<'a>(mut self, names: impl IntoIterator<Item = &'a String>) -> Self {
        for name in names {
            self.body = self.body.replace(name.as_str(), "…");
        }
        self
    }

    /// What there is of everything in it: lengths of lists, and numbers.
    pub fn amounts(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(body) => amounts(&body),
            Err(_) if self.body.starts_with("%PDF") => true.into(),
            Err(_) => self.body.lines().count().into(),
        }
    }
}

/// Numbers stay, but for positions and places in the ledger; texts count as one.
fn amounts(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(amounts).collect(),
        Value::Object(members) => {
            let counted = members
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "position" | "before" | "after"));
            counted
                .map(|(name, member)| (name.clone(), amounts(member)))
                .collect()
        }
        Value::String(_) => Value::Bool(true),
        other => other.clone(),
    }
}

/// What is common to all audiences.
const COMMON: &[&str] = &[
    "role_id",
    "service_account_id",
    "resource_type",
    "schema",
    "number",
];

/// `ids` without those of what is common: what may not be told to others.
pub fn kept(ids: &Ids) -> Ids {
    let is_kept = |(name, _): &(&String, &String)| !COMMON.contains(&name.as_str());
    let kept = ids.iter().filter(is_kept);
    kept.map(|(name, id)| (name.clone(), id.clone())).collect()
}

/// The same names for what is nobody's.
pub fn nobodys(ids: &Ids) -> Ids {
    let nothing = |(name, id): (&String, &String)| {
        let is_id = id.len() == NOBODY.len() && id.contains('-');
        let nothing = if is_id { NOBODY } else { "999999" };
        (name.clone(), nothing.to_owned())
    };
    ids.iter().map(nothing).collect()
}

/// `ids` with the things that other systems know named by their external keys.
pub fn external(ids: &Ids) -> Ids {
    let mut external = ids.clone();
    for name in NAMED_BY_KEY {
        external.insert(
            (*name).to_owned(),
            format!("ext:{}:{}", ids["source"], ids["key"]),
        );
    }
    external
}

/// Every change that names something, with a name that it uses.
pub fn changes() -> Vec<(Operation, String)> {
    let mut changes = Vec::new();
    for operation in operations::private()
        .into_iter()
        .filter(|operation| !operation.is_read())
    {
        let body = samples::of(&operation)
            .map(|sample| format!("{:?}", sample.body))
            .unwrap_or_default();
        let text = operation.path.clone() + &body;
        let names: BTreeMap<&str, ()> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| Some((rest.split_once('}')?.0, ())))
            .filter(|(name, ())| {
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && *name != "unique"
            })
            .collect();
        changes.extend(names.into_keys().map(|name| (operation.clone(), name.to_owned())));
    }
    changes
}

/// Makes a change with these ids. `story` has new words for each.
pub async fn change(client: &Client, operation: &Operation, ids: &Ids, story: &mut Story) -> Told {
    story.ids.clone_from(ids);
    let sample = samples::of(operation);
    let client = match operation.method {
        Method::POST => client.clone(),
        _ => client.with("If-Match", "*"),
    };
    Told::by(story.send(&client, operation, sample.as_ref()).await)
}
