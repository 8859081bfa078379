//! A user in plain words: what the row holds, and what SCIM's client said of it.
//!
//! The rules are those of docs/scim.md, "SCIM and HR side by side":
//! the last one who names a field wins; a client that stops naming a field empties it only where the field still holds
//! what that client said.

use std::collections::BTreeMap;

/// The fields that SCIM empties where its client stops naming them.
pub const EMPTIED: &[&str] = &[
    "title",
    "employment_type",
    "department",
    "cost_centre",
    "employee_number",
    "manager_id",
    "org_unit_id",
    "time_zone",
];
/// The fields that stay where its client stops naming them.
pub const KEPT: &[&str] = &["given_name", "family_name", "locale", "username"];

/// An e-mail address as SCIM has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Email {
    pub kind: &'static str,
    pub primary: bool,
    pub value: Option<String>,
}

/// What a PATCH does to addresses.
#[derive(Debug, Clone)]
pub enum EmailStep {
    /// `emails`, or nothing.
    All(Vec<Email>),
    /// The value of those of that kind.
    Value(&'static str, Option<String>),
    /// Away with those of that kind.
    Remove(&'static str),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// The fields of `/v1/users`, but for the address and the status.
    pub row: BTreeMap<&'static str, String>,
    pub email: Option<String>,
    pub is_active: bool,
    /// What SCIM alone keeps.
    pub scim_only: BTreeMap<&'static str, String>,
    said: BTreeMap<&'static str, String>,
    said_emails: Vec<Email>,
}

impl Model {
    /// `/v1`, an import: the fields that are named, empty for none.
    pub fn write(&mut self, fields: &BTreeMap<&'static str, String>) {
        for (field, value) in fields {
            match (*field, value.is_empty()) {
                ("email", is_empty) => self.email = (!is_empty).then(|| value.clone()),
                (_, true) => drop(self.row.remove(field)),
                (_, false) => drop(self.row.insert(field, value.clone())),
            }
        }
    }

    /// PUT, and POST of a new user.
    pub fn put(
        &mut self,
        fields: BTreeMap<&'static str, String>,
        emails: Vec<Email>,
        scim_only: BTreeMap<&'static str, String>,
    ) {
        for field in EMPTIED {
            if !fields.contains_key(field) && self.row.get(field) == self.said.get(field) {
                self.row.remove(field);
            }
        }
        self.write(&fields);
        match (main(&emails), main(&self.said_emails)) {
            (Some(email), _) => self.email = Some(email),
            (None, said) if said == self.email => self.email = None,
            (None, _) => {}
        }
        self.said = fields;
        self.said_emails = emails;
        self.scim_only = scim_only;
    }

    /// An operation of a PATCH that gives a field a value, or takes it away.
    pub fn patch(&mut self, field: &'static str, value: Option<String>) {
        match value {
            Some(value) => {
                self.row.insert(field, value.clone());
                self.said.insert(field, value);
            }
            None => {
                if !KEPT.contains(&field) {
                    self.row.remove(field);
                }
                self.said.remove(field);
            }
        }
    }

    /// The operations of one PATCH about addresses.
    pub fn patch_emails(&mut self, steps: &[EmailStep]) {
        // Each address that clients see, and what the client said there: another value, or nothing.
        let said = |at: usize, shown: &Email| match self.said_emails.get(at) {
            Some(said) if said.value == shown.value => Some(shown.clone()),
            said => said.cloned(),
        };
        let shown = self.emails().into_iter().enumerate();
        let mut both: Vec<(Email, Option<Email>)> = shown
            .map(|(at, email)| (email.clone(), said(at, &email)))
            .collect();
        for step in steps {
            match step {
                EmailStep::All(emails) => {
                    both = emails
                        .iter()
                        .map(|email| (email.clone(), Some(email.clone())))
                        .collect();
                }
                EmailStep::Remove(kind) => both.retain(|(email, _)| email.kind != *kind),
                EmailStep::Value(kind, value) => {
                    if value.is_some() && both.iter().all(|(email, _)| email.kind != *kind) {
                        let made = Email {
                            kind,
                            primary: false,
                            value: None,
                        };
                        both.push((made.clone(), Some(made)));
                    }
                    for (email, said) in both.iter_mut().filter(|(email, _)| email.kind == *kind) {
                        email.value = value.clone();
                        *said = Some(email.clone());
                    }
                }
            }
        }
        let (emails, said): (Vec<Email>, Vec<Option<Email>>) = both.into_iter().unzip();
        self.email = main(&emails);
        self.said_emails = said.into_iter().flatten().collect();
    }

    /// The addresses that clients see: those that were said, and the user's own as one for work.
    pub fn emails(&self) -> Vec<Email> {
        let mut shown = self.said_emails.clone();
        let Some(email) = &self.email else {
            return Vec::new();
        };
        if main(&shown).as_ref() != Some(email) {
            let at = best(&shown, |email| email.kind == "work").unwrap_or(shown.len());
            if at == shown.len() {
                shown.iter_mut().for_each(|email| email.primary = false);
                shown.push(Email {
                    kind: "work",
                    primary: true,
                    value: None,
                });
            }
            shown[at].value = Some(email.clone());
        }
        shown
    }
}

/// The address for mail: one for work before others, the primary one before others, the first before others.
fn main(emails: &[Email]) -> Option<String> {
    emails[best(emails, |email| email.value.is_some())?].value.clone()
}

fn best(emails: &[Email], counts: impl Fn(&Email) -> bool) -> Option<usize> {
    let rank = |at: &usize| (emails[*at].kind != "work", !emails[*at].primary, *at);
    (0..emails.len())
        .filter(|at| counts(&emails[*at]))
        .min_by_key(rank)
}
