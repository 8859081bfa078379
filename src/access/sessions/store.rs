//! The statements of sessions, but for those of refresh tokens and ends.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper,
};
use uuid::Uuid;

use super::model::{ProviderSession, Session, SessionEndReason};
use crate::{
    app::Tx,
    db::schema::sessions,
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

const LISTING: Listing = Listing {
    id: "sessions.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "sessions.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "last_used_at",
            column: "sessions.last_used_at",
            kind: SortKind::Instant,
        },
    ],
};

const NEWEST_FIRST: &str = "-created_at";

static FILTER: Schema = Schema::new(&[
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "sessions.created_at",
        "When they signed in.",
    ),
    Attribute::scalar(
        "last_used_at",
        Kind::Instant,
        "sessions.last_used_at",
        "When they last signed in or refreshed.",
    ),
    Attribute::scalar(
        "expires_at",
        Kind::Instant,
        "sessions.expires_at",
        "When the session expires.",
    ),
    Attribute::scalar("address", Kind::String, "sessions.address", "Where it came from."),
    Attribute::scalar(
        "ended_at",
        Kind::Instant,
        "sessions.ended_at",
        "When it was ended.",
    ),
    Attribute::scalar(
        "end_reason",
        Kind::Enum(SessionEndReason::WORDS),
        "sessions.end_reason",
        "Why the session ended.",
    ),
]);

/// A page of a person's sessions, the newest first unless the client asks for another order.
pub fn list(tx: &mut Tx, user: Uuid, query: &ListQuery) -> ApiResult<Page<Session>> {
    let sort = query.sort.clone().unwrap_or_else(|| NEWEST_FIRST.to_owned());
    let query = ListQuery {
        sort: Some(sort),
        ..query.clone()
    };
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows = sessions::table
        .select((Session::as_select(), page.key()))
        .filter(sessions::user_id.eq(user))
        .filter(page.rows([filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |session| session.id))
}

/// One of a person's sessions.
pub fn find(tx: &mut Tx, user: Uuid, id: Uuid) -> ApiResult<Session> {
    sessions::table
        .find(id)
        .filter(sessions::user_id.eq(user))
        .select(Session::as_select())
        .first(tx.conn)
        .optional()?
        .ok_or_else(|| ApiError::not_found("session"))
}

/// Whether a session of the same person at the same provider was ended at that time or later.
pub fn has_ended_since(
    conn: &mut PgConnection,
    like: &ProviderSession,
    since: DateTime<Utc>,
) -> QueryResult<bool> {
    let ended = sessions::table
        .filter(sessions::identity_provider_id.eq(like.provider_id))
        .filter(sessions::provider_subject.eq(&like.subject))
        .filter(sessions::ended_at.ge(since));
    diesel::select(diesel::dsl::exists(ended)).get_result(conn)
}

/// A person's sessions that ended after `since`.
pub fn ended_since(conn: &mut PgConnection, user: Uuid, since: DateTime<Utc>) -> QueryResult<Vec<Uuid>> {
    sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::ended_at.gt(since))
        .select(sessions::id)
        .load(conn)
}
