//! `POST …/bulk` of facts. The functions that serve single requests write the rows. Changes come before new facts, so that a
//! request may withdraw an enrollment and enroll the user again.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::Serialize;
use uuid::Uuid;

use super::{
    completions::model::CreateCompletion, enrollments::model::CreateEnrollment, people,
    requirements::model::CreateRequirement,
};
use crate::{
    app::{Call, Tx},
    authz::{Authorized, Permission, Protected, authorize_all},
    db::Fixed,
    http::{
        ApiError, ApiResult, Reply, Versioned,
        bulk::{BulkAnswer, BulkBody, ChangeRow, Outcomes, RowChange, answered, next},
    },
    resource::bulk::take,
    sql,
};

/// Writes any number of changes, each by itself or not at all.
type Writer<N, A> = fn(&mut Tx, Vec<N>) -> ApiResult<Outcomes<A>>;

/// A fact to be written.
pub trait NewFact {
    /// The user whom it is about.
    fn user_id(&self) -> Uuid;
}

macro_rules! new_facts {
    ($($new:ty)*) => {
        $(impl NewFact for $new {
            fn user_id(&self) -> Uuid {
                self.user_id
            }
        })*
    };
}

new_facts!(CreateEnrollment CreateRequirement CreateCompletion);

/// Answers a bulk request about facts of the type `T`, shown as `A`.
pub async fn respond<R, T, A>(
    call: Call,
    body: BulkBody,
    permission: Permission,
    create: Writer<R::Create, A>,
    change: Writer<(Authorized<T>, R::Update), A>,
) -> ApiResult<Reply>
where
    R: ChangeRow,
    R::Create: NewFact,
    T: Protected + Versioned + 'static,
    A: Serialize + 'static,
{
    call.write(move |tx| {
        tx.require(permission)?;
        let rows = body.read::<R>();
        let rows = rows.into_iter().map(|row| {
            let change = row.body.and_then(|body| {
                let neither = || ApiError::internal("a row passed its check and has neither form");
                body.into_change().ok_or_else(neither)
            });
            (row.key, change)
        });
        let rows: Vec<_> = rows.collect();
        let changes = || rows.iter().filter_map(|(_, change)| change.as_ref().ok());
        let ids: Vec<Uuid> = changes().filter_map(RowChange::id).collect();
        let learners = changes().filter_map(RowChange::new_fields).map(NewFact::user_id);
        lock_people::<T>(tx, &ids, learners.collect())?;
        let mut facts = authorize_all::<T>(tx, &ids, permission)?;
        let (mut created, mut changed, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for (key, change) in rows {
            let pointer = change.and_then(|change| match change {
                RowChange::Create(new) => {
                    created.push(new);
                    Ok("/create")
                }
                RowChange::Update { id, version, changes } => {
                    changed.push((take(&mut facts, id, version)?, changes));
                    Ok(R::CHANGE)
                }
            });
            asked.push((key, pointer));
        }
        let mut changed = change(tx, changed)?.into_iter();
        let mut created = create(tx, created)?.into_iter();
        let answered = answered(asked, |pointer| match pointer {
            "/create" => next(&mut created),
            _ => next(&mut changed),
        });
        Reply::ok(&BulkAnswer::new(answered)?)
    })
    .await
}

#[derive(QueryableByName)]
struct OfUser {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
}

/// Locks the users of facts and others, all at once and before the facts: requests that lock users in two rounds, or facts
/// first, would wait for each other.
fn lock_people<T: Protected>(tx: &mut Tx, facts: &[Uuid], mut people: Vec<Uuid>) -> ApiResult<()> {
    if !facts.is_empty() {
        let table = T::ID.split_once('.').map_or(T::ID, |(table, _)| table);
        let of_facts: Vec<OfUser> = sql!(
            "SELECT user_id FROM {table} WHERE {id} = ANY({facts})",
            table = Fixed(table),
            id = Fixed(T::ID),
            facts = facts.to_vec(),
        )
        .load(tx.conn)?;
        people.extend(of_facts.into_iter().map(|fact| fact.user_id));
    }
    people::lock(tx, people).map(drop)
}
