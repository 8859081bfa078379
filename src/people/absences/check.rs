//! What must hold of absences before they are written, and what follows.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::{Absence, AbsenceFields};
use crate::{
    app::Tx,
    http::{ApiError, ApiResult, Code},
    people::users::model::User,
    resource::{
        self, Expansion, NoExtra, Reference, Resource, SearchedName,
        draft::due,
        history::History,
        write::{require_scope, table},
    },
    sql,
};

type Draft = resource::Draft<Absence>;

const USER: Reference<Absence, User> = Reference::new("user_id", |absence| Some(absence.user_id));

/// Notes are for people; no report asks for their past.
const HISTORY: History = History {
    table: "absence_history",
    columns: "id, user_id, kind, starts_on, ends_on, archived_at",
};

impl Resource for Absence {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/absences";
    const NAMES: &'static [SearchedName] = &[SearchedName::of::<User>("absences.user_id")];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("user_id", "user_id"),
        ("user", "user.username"),
        ("kind", "kind"),
        ("starts_on", "starts_on"),
        ("ends_on", "ends_on"),
        ("note", "note"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("archived_at", "archived_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[Expansion::of::<User>("user", "user_id")];

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_scope(tx, drafts)?;
        USER.check(tx, drafts)?;
        refuse_overlaps(tx, drafts)
    }

    fn follow(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        HISTORY.keep(tx, drafts)
    }

    fn person(&self) -> Option<Uuid> {
        Some(self.user_id)
    }

    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        tx.touch_users(due(drafts).map(|draft| draft.after.user_id));
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Overlap {
    #[diesel(sql_type = sql_types::Uuid)]
    given: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Date)]
    starts_on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    ends_on: Option<NaiveDate>,
}

/// Refuses absences that overlap with another one of their user: as it is stored, or as an earlier row of the request has it.
fn refuse_overlaps(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let in_force = |draft: &&Draft| draft.is_due() && draft.after.archived_at.is_none();
    let users: Vec<Uuid> = drafts
        .iter()
        .filter(in_force)
        .map(|draft| draft.after.user_id)
        .collect();
    if users.is_empty() {
        return Ok(());
    }
    // Requests about the same user take turns, so that each sees what the others wrote.
    sql!("SELECT id FROM users WHERE id = ANY({users}) ORDER BY id FOR NO KEY UPDATE").execute(tx.conn)?;
    let stored: Vec<Overlap> = sql!(
        "SELECT DISTINCT ON (given.id) given.id AS given, present.id, present.starts_on, present.ends_on
         FROM {given} AS given
         JOIN absences present ON present.user_id = given.user_id AND present.id <> given.id
            AND present.archived_at IS NULL
            AND daterange(present.starts_on, present.ends_on, '[]') && daterange(given.starts_on, given.ends_on, '[]')
         ORDER BY given.id, present.starts_on",
        given = table(drafts.iter().filter(in_force))?,
    )
    .load(tx.conn)?;
    let stored: HashMap<Uuid, Overlap> = stored.into_iter().map(|row| (row.given, row)).collect();
    let mut earlier: HashMap<Uuid, Vec<(Uuid, AbsenceFields)>> = HashMap::new();
    for draft in drafts.iter_mut().filter(|draft| in_force(&&**draft)) {
        let id = draft.after.id;
        let of_user = earlier.entry(draft.after.user_id).or_default();
        let mut of_request = of_user
            .iter()
            .filter(|(_, other)| overlap(&draft.after.fields, other));
        if let Some(other) = stored.get(&id) {
            draft.refuse(overlaps(other.id, other.starts_on, other.ends_on));
        } else if let Some((other, fields)) = of_request.next() {
            draft.refuse(overlaps(*other, fields.starts_on, fields.ends_on));
        } else {
            of_user.push((id, draft.after.fields.clone()));
        }
    }
    Ok(())
}

fn overlap(one: &AbsenceFields, other: &AbsenceFields) -> bool {
    let starts_within = |one: &AbsenceFields, other: &AbsenceFields| {
        other.ends_on.is_none_or(|ends_on| one.starts_on <= ends_on)
    };
    starts_within(one, other) && starts_within(other, one)
}

fn overlaps(id: Uuid, starts_on: NaiveDate, ends_on: Option<NaiveDate>) -> ApiError {
    let until = ends_on.map_or_else(String::new, |day| format!(" until {day}"));
    ApiError::new(Code::Conflict, "Absences of one user must not overlap.").with_field(
        "/starts_on",
        format!("overlaps with the absence {id} from {starts_on}{until}; choose other days, or change that absence first"),
    )
}
