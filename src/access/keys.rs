//! The keys that sign access tokens: Ed25519, kept in the database, shared by all processes.

use std::sync::{
    Arc, RwLock,
    atomic::{AtomicBool, Ordering},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, QueryResult, RunQueryDsl};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::{Tx, Wake},
    db::schema::signing_keys,
    http::{ApiError, ApiResult},
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
    public_key: Vec<u8>,
}

/// A public key as a JWK (RFC 8037).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Jwk {
    /// The key type.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// What it is for.
    #[schema(example = "sig")]
    pub r#use: &'static str,
    /// The algorithm.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// The key's id.
    pub kid: String,
    /// The public key, in base64url.
    pub x: String,
}

/// The public keys (RFC 7517).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JwkSet {
    /// The keys; tokens name theirs by `kid`.
    pub keys: Vec<Jwk>,
}

/// The keys in force, newest first.
#[derive(Default)]
pub struct KeyRing {
    keys: RwLock<Arc<[Arc<SigningKey>]>>,
    stale: AtomicBool,
}

impl KeyRing {
    /// The newest key, which signs.
    pub fn newest(&self) -> ApiResult<Arc<SigningKey>> {
        let newest = self.all()?.first().cloned();
        newest.ok_or_else(|| ApiError::internal("there is no signing key; run `provost migrate`"))
    }

    /// All keys in force.
    pub fn all(&self) -> ApiResult<Arc<[Arc<SigningKey>]>> {
        Ok(self.keys.read().map_err(ApiError::internal)?.clone())
    }

    /// Whether the keys must be loaded again.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// Says that the keys changed.
    pub fn mark_stale(&self) {
        self.stale.store(true, Ordering::Relaxed);
    }

    /// Loads the keys in force.
    pub fn load(&self, conn: &mut PgConnection) -> ApiResult<()> {
        let keys = stored(conn)?
            .into_iter()
            .map(|(id, private_key, public_key)| {
                Arc::new(SigningKey {
                    id,
                    encoding: EncodingKey::from_ed_der(&private_key),
                    decoding: DecodingKey::from_ed_der(&public_key),
                    public_key,
                })
            })
            .collect();
        *self.keys.write().map_err(ApiError::internal)? = keys;
        self.stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// The public keys, for those who verify tokens themselves.
    pub fn jwks(&self) -> ApiResult<JwkSet> {
        let keys = self.all()?;
        let keys = keys.iter().map(|key| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            r#use: "sig",
            alg: "EdDSA",
            kid: key.id.clone(),
            x: URL_SAFE_NO_PAD.encode(&key.public_key),
        });
        Ok(JwkSet { keys: keys.collect() })
    }
}

/// Id, private key, public key.
type StoredKey = (String, Vec<u8>, Vec<u8>);

fn stored(conn: &mut PgConnection) -> QueryResult<Vec<StoredKey>> {
    signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .order(signing_keys::created_at.desc())
        .select((
            signing_keys::id,
            signing_keys::private_key,
            signing_keys::public_key,
        ))
        .load(conn)
}

/// Makes the first key where there is none.
pub fn ensure(tx: &mut Tx) -> ApiResult<()> {
    // Processes that start together take turns.
    crate::sql!["LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"].execute(tx.conn)?;
    let count: i64 = signing_keys::table
        .filter(signing_keys::retired_at.is_null())
        .count()
        .get_result(tx.conn)?;
    if count > 0 {
        return Ok(());
    }
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
        ))
        .execute(tx.conn)?;
    tx.record(Event::new("signing_key.created", "signing_key", id));
    tx.wake(Wake::Keys);
    Ok(())
}
