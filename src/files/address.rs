//! Addresses that are themselves the permission: a payload, its expiry and a code over both, as one segment of a path.
//!
//! Nothing is looked up to check one. The secret is the academy's: every process opens what another signed.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_types};

use crate::{
    app::Part,
    http::{ApiError, ApiResult},
    sql,
};

/// Bytes of the expiry in front of the payload, and of the code after it.
const EXPIRY: usize = 8;
const CODE: usize = 16;

/// Signs addresses and opens them.
pub struct Addresses {
    key: hmac::Key,
}

impl Part for Addresses {}

#[derive(QueryableByName)]
struct Secret {
    #[diesel(sql_type = sql_types::Binary)]
    secret: Vec<u8>,
}

impl Addresses {
    /// With the secret of the academy, which is made at `now` if there is none.
    pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> ApiResult<Self> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| ApiError::internal("the system gives no random bytes"))?;
        sql!(
            "INSERT INTO address_secrets (secret, created_at) VALUES ({secret}, {now}) ON CONFLICT DO NOTHING",
            secret = secret[..],
        )
        .execute(conn)?;
        let Secret { secret } = sql!("SELECT secret FROM address_secrets").get_result(conn)?;
        Ok(Addresses::with(&secret))
    }

    /// Those that are signed with `secret`.
    pub fn with(secret: &[u8]) -> Self {
        Addresses {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// A segment that [`Addresses::open`] takes until `expires`, to the second. `kind` keeps what different parts of Provost
    /// sign apart.
    pub fn sign(&self, kind: &str, payload: &[u8], expires: DateTime<Utc>) -> String {
        let mut signed = expires.timestamp().to_be_bytes().to_vec();
        signed.extend_from_slice(payload);
        let code = self.code(kind, &signed);
        signed.extend_from_slice(&code);
        BASE64URL_NOPAD.encode(&signed)
    }

    /// What was signed; none if somebody else made it, it is of another kind, or it has expired at `now`.
    pub fn open(&self, kind: &str, segment: &str, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let mut signed = BASE64URL_NOPAD.decode(segment.as_bytes()).ok()?;
        let code = signed.split_off(signed.len().checked_sub(CODE)?);
        verify_slices_are_equal(&self.code(kind, &signed), &code).ok()?;
        let (expires, payload) = signed.split_first_chunk::<EXPIRY>()?;
        (now.timestamp() < i64::from_be_bytes(*expires)).then(|| payload.to_vec())
    }

    fn code(&self, kind: &str, signed: &[u8]) -> [u8; CODE] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(signed);
        let tag = context.sign();
        let mut code = [0; CODE];
        code.copy_from_slice(&tag.as_ref()[..CODE]);
        code
    }
}
