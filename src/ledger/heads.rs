//! Signed heads: every hour, and at every export, the end of the chain is signed with a key that is used for nothing else.
//! Copies of them, kept elsewhere, show later that nobody rewrote what was before.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, PgConnection, QueryDsl,
    QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper, dsl::sql, expression::SqlLiteral,
    sql_types::Text,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    events::{LEDGER_KEY_CREATED, LEDGER_KEY_RETIRED},
    seal,
};
use crate::{
    app::{Event, Tx},
    authz::Protected,
    db::schema::{ledger_entries, ledger_heads, ledger_keys},
    filter::{Attribute, Kind, Schema},
    http::{
        ApiError, ApiResult, ListQuery, Listing, Page, Sort,
        jwk::{Jwk, JwkSet},
        list::SortKind,
    },
    jobs::{Job, JobError, JobRun},
    protected,
};

/// The end of the chain at a time, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = ledger_heads)]
pub struct SignedHead {
    /// Our id.
    pub id: Uuid,
    /// The last position.
    pub position: i64,
    /// Its hash, in hexadecimal.
    #[diesel(select_expression = sql("encode(ledger_heads.hash, 'hex')"), select_expression_type = SqlLiteral<Text>)]
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub hash: String,
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
    /// The key that signed it: one of `/.well-known/ledger-keys.json`.
    pub key_id: Uuid,
    /// The Ed25519 signature (RFC 8032), in hexadecimal, of the UTF-8 bytes of the JSON array without white space of
    /// "provost-ledger-head", id, position, hash and signed_at (RFC 3339, UTC, microseconds).
    #[diesel(select_expression = sql("encode(ledger_heads.signature, 'hex')"), select_expression_type = SqlLiteral<Text>)]
    #[schema(pattern = "^[0-9a-f]{128}$")]
    pub signature: String,
}

protected!(SignedHead in ledger_heads, name: "signed head", external: None, read: EventsRead,
covered: |scope| scope.global());

impl SignedHead {
    /// Whether the signature is by one of `keys` over this head.
    pub fn is_signed_by(&self, keys: &JwkSet) -> bool {
        let kid = self.key_id.to_string();
        let key = keys
            .keys
            .iter()
            .find(|key| key.kid == kid)
            .and_then(Jwk::public_key);
        let signature = HEXLOWER.decode(self.signature.as_bytes()).ok();
        key.zip(signature).is_some_and(|(key, signature)| {
            let signed = signed_text(self.id, self.position, &self.hash, self.signed_at);
            UnparsedPublicKey::new(&ED25519, key)
                .verify(signed.as_bytes(), &signature)
                .is_ok()
        })
    }
}

fn signed_text(id: Uuid, position: i64, hash: &str, signed_at: DateTime<Utc>) -> String {
    let signed_at = signed_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    json!(["provost-ledger-head", id, position, hash, signed_at]).to_string()
}

/// Signs the end of the chain, unless it was signed already; none where nothing is sealed.
pub fn sign(tx: &mut Tx) -> ApiResult<Option<SignedHead>> {
    tx.advisory_lock("ledger_heads")?;
    let head = seal::head(tx.conn)?;
    if head.position == 0 {
        return Ok(None);
    }
    if let Some(signed) = at(tx.conn, head.position)? {
        return Ok(Some(signed));
    }
    let (key_id, private_key) = signing_key(tx)?;
    let pair = Ed25519KeyPair::from_pkcs8(&private_key).map_err(ApiError::internal)?;
    let id = Uuid::now_v7();
    let signature = pair.sign(signed_text(id, head.position, &head.hash, tx.now).as_bytes());
    let hash = HEXLOWER
        .decode(head.hash.as_bytes())
        .map_err(ApiError::internal)?;
    let signed = diesel::insert_into(ledger_heads::table)
        .values((
            ledger_heads::id.eq(id),
            ledger_heads::position.eq(head.position),
            ledger_heads::hash.eq(hash),
            ledger_heads::signed_at.eq(tx.now),
            ledger_heads::key_id.eq(key_id),
            ledger_heads::signature.eq(signature.as_ref()),
        ))
        .returning(SignedHead::as_returning())
        .get_result(tx.conn)?;
    Ok(Some(signed))
}

fn at(conn: &mut PgConnection, position: i64) -> QueryResult<Option<SignedHead>> {
    ledger_heads::table
        .filter(ledger_heads::position.eq(position))
        .select(SignedHead::as_select())
        .first(conn)
        .optional()
}

/// The key that signs now: another takes its place once it has signed for as long as keys of access tokens do.
fn signing_key(tx: &mut Tx) -> ApiResult<(Uuid, Vec<u8>)> {
    let present: Option<(Uuid, Vec<u8>, DateTime<Utc>)> = ledger_keys::table
        .filter(ledger_keys::retired_at.is_null())
        .order(ledger_keys::created_at.desc())
        .select((ledger_keys::id, ledger_keys::private_key, ledger_keys::created_at))
        .first(tx.conn)
        .optional()?;
    let lifetime = TimeDelta::from_std(tx.app.config.key_lifetime).map_err(ApiError::internal)?;
    match present {
        Some((id, key, created_at)) if lifetime.is_zero() || created_at + lifetime > tx.now => Ok((id, key)),
        _ => replace_key(tx),
    }
}

/// Makes a key that signs from now on, and retires the others: their private halves are gone, and what they signed can
/// still be verified.
pub fn replace_key(tx: &mut Tx) -> ApiResult<(Uuid, Vec<u8>)> {
    let retired: Vec<Uuid> = diesel::update(ledger_keys::table)
        .filter(ledger_keys::retired_at.is_null())
        .set((
            ledger_keys::retired_at.eq(tx.now),
            ledger_keys::private_key.eq(Vec::<u8>::new()),
        ))
        .returning(ledger_keys::id)
        .get_results(tx.conn)?;
    for id in retired {
        tx.record(Event::new(&LEDGER_KEY_RETIRED, id));
    }
    let pair = Ed25519KeyPair::generate().map_err(ApiError::internal)?;
    let private_key = pair.to_pkcs8v1().map_err(ApiError::internal)?.as_ref().to_vec();
    let id = Uuid::now_v7();
    diesel::insert_into(ledger_keys::table)
        .values((
            ledger_keys::id.eq(id),
            ledger_keys::private_key.eq(&private_key),
            ledger_keys::public_key.eq(pair.public_key().as_ref()),
            ledger_keys::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    tx.record(Event::new(&LEDGER_KEY_CREATED, id));
    Ok((id, private_key))
}

/// The public halves of all keys that ever signed a head.
pub fn keys(conn: &mut PgConnection) -> QueryResult<JwkSet> {
    let keys: Vec<(Uuid, Vec<u8>)> = ledger_keys::table
        .order(ledger_keys::id)
        .select((ledger_keys::id, ledger_keys::public_key))
        .load(conn)?;
    Ok(JwkSet {
        keys: keys
            .iter()
            .map(|(id, public_key)| Jwk::ed25519(id.to_string(), public_key))
            .collect(),
    })
}

const LISTING: Listing = Listing {
    id: "ledger_heads.id",
    sorts: &[Sort {
        name: "position",
        column: "ledger_heads.position",
        kind: SortKind::Integer,
    }],
};

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar(
        "signed_at",
        Kind::Instant,
        "ledger_heads.signed_at",
        "When it was signed.",
    ),
    Attribute::scalar(
        "key_id",
        Kind::Id,
        "ledger_heads.key_id",
        "The key that signed it.",
    ),
]);

/// A page of the signed heads.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<SignedHead>> {
    let scope = tx.scope(SignedHead::READ)?;
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let rows = ledger_heads::table
        .select((SignedHead::as_select(), page.key()))
        .filter(page.rows([scope.global(), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |head| head.id))
}

/// The heads signed after `position`, up to `last`, in their order.
pub fn between(conn: &mut PgConnection, after: i64, last: i64) -> QueryResult<Vec<SignedHead>> {
    ledger_heads::table
        .filter(ledger_heads::position.gt(after))
        .filter(ledger_heads::position.le(last))
        .order(ledger_heads::position)
        .select(SignedHead::as_select())
        .load(conn)
}

/// The first position up to `last` whose signed head is not by one of the keys, or says another hash than the entry there.
pub fn first_fault(conn: &mut PgConnection, last: i64) -> QueryResult<Option<i64>> {
    let keys = keys(conn)?;
    let heads: Vec<(SignedHead, Option<Vec<u8>>)> = ledger_heads::table
        .left_join(ledger_entries::table.on(ledger_entries::position.eq(ledger_heads::position)))
        .filter(ledger_heads::position.le(last))
        .order(ledger_heads::position)
        .select((SignedHead::as_select(), ledger_entries::hash.nullable()))
        .load(conn)?;
    let is_right = |head: &SignedHead, hash: &Option<Vec<u8>>| {
        let hash = hash.as_ref().map(|hash| HEXLOWER.encode(hash));
        hash.as_ref() == Some(&head.hash) && head.is_signed_by(&keys)
    };
    let wrong = heads.iter().find(|(head, hash)| !is_right(head, hash));
    Ok(wrong.map(|(head, _)| head.position))
}

/// The first head that was signed at `position` or after it.
pub fn first_from(conn: &mut PgConnection, position: i64) -> QueryResult<Option<SignedHead>> {
    ledger_heads::table
        .filter(ledger_heads::position.ge(position))
        .order(ledger_heads::position)
        .select(SignedHead::as_select())
        .first(conn)
        .optional()
}

/// Signs the end of the chain.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignHead {}

impl Job for SignHead {
    const KIND: &'static str = "ledger.sign_head";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| sign(tx).map(drop))
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
