//! The keys that sign access tokens: Ed25519, kept in the database, shared by all processes.
//!
//! A new key is published before it signs, so that by then every process and every client that keeps the key set knows
//! it; an old one counts until no token of it can be about. So no request fails when keys change.
//!
//! From each a second key is derived, for what Provost lets travel through browsers (`sealed`).

use std::{
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, Salt},
    signature::{Ed25519KeyPair, KeyPair},
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryResult, RunQueryDsl};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::{
        events::{SIGNING_KEY_CREATED, SIGNING_KEY_RETIRED},
        token::VerifiedTokens,
    },
    app::{App, Part, Tx, Wake},
    db::schema::signing_keys,
    http::{
        ApiError, ApiResult,
        jwk::{Jwk, JwkSet},
    },
    jobs::{Job, JobError, JobRun},
    ledger::Event,
};

/// A key, ready for use.
pub struct SigningKey {
    /// The `kid` of its tokens.
    pub id: String,
    /// Signs.
    pub encoding: EncodingKey,
    /// Verifies.
    pub decoding: DecodingKey,
    /// Encrypts.
    pub sealing: RandomizedNonceKey,
    public_key: Vec<u8>,
    signs_from: DateTime<Utc>,
}

/// A new key is published for so long before it signs: twice as long as clients may keep the key set.
const LEAD: TimeDelta = TimeDelta::minutes(10);
/// A key counts for so long after another took its place: longer than any access token lasts.
const KEPT: TimeDelta = TimeDelta::days(2);
/// Keys are looked up so often, whether or not a change was heard of.
const LOOKED_UP_EVERY: Duration = Duration::from_secs(60);

/// The keys in force, the last to sign first.
#[derive(Default)]
pub struct KeyRing {
    keys: RwLock<Arc<[Arc<SigningKey>]>>,
    stale: AtomicBool,
    looked_up: Mutex<Option<Instant>>,
}

impl Part for KeyRing {
    fn on_wake(&self, wake: &Wake) {
        if *wake == Wake::Keys {
            self.mark_stale();
        }
    }

    fn on_missed_wakes(&self) {
        self.mark_stale();
    }

    fn readiness(&self, now: DateTime<Utc>) -> Option<(&'static str, Option<String>)> {
        let fault = self.signing(now).err().map(|error| error.to_string());
        Some(("signing_keys", fault))
    }
}

impl KeyRing {
    /// The key that signs at `now`.
    pub fn signing(&self, now: DateTime<Utc>) -> ApiResult<Arc<SigningKey>> {
        let keys = self.all()?;
        let signing = keys.iter().find(|key| key.signs_from <= now).cloned();
        signing.ok_or_else(|| ApiError::internal("there is no signing key; run `provost migrate`"))
    }

    /// All keys in force.
    pub fn all(&self) -> ApiResult<Arc<[Arc<SigningKey>]>> {
        Ok(self.keys.read().map_err(ApiError::internal)?.clone())
    }

    /// Whether the keys must be loaded again: they changed, or nobody looked for a while.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed) || self.is_due()
    }

    /// True for one caller per refresh interval.
    fn is_due(&self) -> bool {
        let Ok(mut looked_up) = self.looked_up.try_lock() else {
            return false;
        };
        let is_due = looked_up.is_some_and(|at| at.elapsed() >= LOOKED_UP_EVERY);
        if is_due {
            *looked_up = Some(Instant::now());
        }
        is_due
    }

    /// Says that the keys changed.
    pub fn mark_stale(&self) {
        self.stale.store(true, Ordering::Relaxed);
    }

    /// The public keys, for those who verify tokens themselves: also the one that signs next.
    pub fn jwks(&self) -> ApiResult<JwkSet> {
        let keys = self.all()?;
        let keys = keys
            .iter()
            .map(|key| Jwk::ed25519(key.id.clone(), &key.public_key));
        Ok(JwkSet { keys: keys.collect() })
    }
}

/// Sees to it that the keys are those in force; to be called before any is used.
pub async fn refresh(app: &Arc<App>) -> ApiResult<()> {
    if app.part::<KeyRing>().is_stale() {
        app.on_database(load).await?;
    }
    Ok(())
}

/// Loads the keys in force. Tokens verified by other keys are verified again.
pub fn load(app: &App, conn: &mut PgConnection) -> ApiResult<()> {
    let ring = &app.part::<KeyRing>();
    // Before the look, so that a change after it is not missed.
    ring.stale.store(false, Ordering::Relaxed);
    *ring.looked_up.lock().map_err(ApiError::internal)? = Some(Instant::now());
    let keys: Arc<[Arc<SigningKey>]> = stored(conn)
        .inspect_err(|_| ring.mark_stale())?
        .into_iter()
        .map(|(id, private_key, public_key, signs_from)| {
            Ok(Arc::new(SigningKey {
                id,
                encoding: EncodingKey::from_ed_der(&private_key),
                decoding: DecodingKey::from_ed_der(&public_key),
                sealing: sealing_key(&private_key)?,
                public_key,
                signs_from,
            }))
        })
        .collect::<ApiResult<_>>()?;
    let is_gone = |known: &Arc<SigningKey>| !keys.iter().any(|key| key.id == known.id);
    let has_lost_one = ring.all()?.iter().any(is_gone);
    *ring.keys.write().map_err(ApiError::internal)? = keys;
    if has_lost_one {
        app.part::<VerifiedTokens>().forget_all();
    }
    Ok(())
}

/// The key that encrypts, derived from the one that signs: neither tells anything of the other. The cipher stands it if two
/// of its random nonces are ever the same.
fn sealing_key(private_key: &[u8]) -> ApiResult<RandomizedNonceKey> {
    let mut key = [0; 32];
    let secret = Salt::new(HKDF_SHA256, &[]).extract(private_key);
    let expanded = secret.expand(&[b"provost: sealed values"], &AES_256_GCM_SIV);
    expanded
        .and_then(|expanded| expanded.fill(&mut key))
        .and_then(|()| RandomizedNonceKey::new(&AES_256_GCM_SIV, &key))
        .map_err(ApiError::internal)
}

/// Id, private key, public key, from when it signs.
type StoredKey = (String, Vec<u8>, Vec<u8>, DateTime<Utc>);

fn stored(conn: &mut PgConnection) -> QueryResult<Vec<StoredKey>> {
    signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .order((signing_keys::signs_from.desc(), signing_keys::id.desc()))
        .select((
            signing_keys::id,
            signing_keys::private_key,
            signing_keys::public_key,
            signing_keys::signs_from,
        ))
        .load(conn)
}

/// Makes the first key where there is none.
pub fn ensure(tx: &mut Tx) -> ApiResult<()> {
    if last(tx)?.is_none() {
        make(tx, tx.now)?;
    }
    Ok(())
}

/// Makes the key that signs next, unless there is one already; answers from when it does.
pub fn rotate(tx: &mut Tx) -> ApiResult<DateTime<Utc>> {
    match last(tx)? {
        Some(signs_from) if signs_from > tx.now => Ok(signs_from),
        _ => make(tx, tx.now + LEAD),
    }
}

/// Makes a key that signs at once and retires all others, for when one has leaked: all access tokens end. Sessions go on by
/// their refresh tokens.
pub fn replace(tx: &mut Tx) -> ApiResult<()> {
    let after_the_last = last(tx)?.unwrap_or(tx.now) + TimeDelta::seconds(1);
    retire(tx, after_the_last)?;
    make(tx, tx.now).map(drop)
}

/// From when the last key signs. Processes that change keys take turns.
fn last(tx: &mut Tx) -> ApiResult<Option<DateTime<Utc>>> {
    crate::sql!("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(tx.conn)?;
    let last = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .select(diesel::dsl::max(signing_keys::signs_from))
        .first(tx.conn)?;
    Ok(last)
}

fn make(tx: &mut Tx, signs_from: DateTime<Utc>) -> ApiResult<DateTime<Utc>> {
    let pair = Ed25519KeyPair::generate().map_err(ApiError::internal)?;
    let private_key = pair.to_pkcs8v1().map_err(ApiError::internal)?;
    let id = Uuid::now_v7();
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::id.eq(id.to_string()),
            signing_keys::algorithm.eq("EdDSA"),
            signing_keys::private_key.eq(private_key.as_ref()),
            signing_keys::public_key.eq(pair.public_key().as_ref()),
            signing_keys::created_at.eq(tx.now),
            signing_keys::signs_from.eq(signs_from),
        ))
        .execute(tx.conn)?;
    tx.record(Event::new(&SIGNING_KEY_CREATED, id));
    tx.wake(Wake::Keys);
    Ok(signs_from)
}

/// Retires keys that began to sign before `before`; their private halves are gone.
fn retire(tx: &mut Tx, before: DateTime<Utc>) -> ApiResult<()> {
    let retired: Vec<String> = diesel::update(signing_keys::table)
        .filter(signing_keys::retired_at.is_null())
        .filter(signing_keys::signs_from.lt(before))
        .set((
            signing_keys::retired_at.eq(tx.now),
            signing_keys::private_key.eq(Vec::<u8>::new()),
        ))
        .returning(signing_keys::id)
        .get_results(tx.conn)?;
    for id in retired.iter().filter_map(|id| Uuid::parse_str(id).ok()) {
        tx.record(Event::new(&SIGNING_KEY_RETIRED, id));
        tx.wake(Wake::Keys);
    }
    Ok(())
}

/// Makes the next key when the present one has signed for long enough, and retires those that no token is of any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct RotateKeys {}

impl Job for RotateKeys {
    const KIND: &'static str = "signing_keys.rotate";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            let lifetime = TimeDelta::from_std(tx.app.config.key_lifetime).map_err(ApiError::internal)?;
            let now = tx.now;
            let is_over = |signs_from| !lifetime.is_zero() && signs_from + lifetime <= now;
            if last(tx)?.is_some_and(is_over) {
                rotate(tx)?;
            }
            let replaced: Option<DateTime<Utc>> = signing_keys::table
                .filter(signing_keys::retired_at.is_null())
                .filter(signing_keys::signs_from.le(tx.now - KEPT))
                .select(diesel::dsl::max(signing_keys::signs_from))
                .first(tx.conn)?;
            match replaced {
                Some(by) => retire(tx, by),
                None => Ok(()),
            }
        })
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
