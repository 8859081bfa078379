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

    fn with(secret: &[u8]) -> Self {
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_address_opens_until_it_expires_and_never_once_it_was_changed() {
        let addresses = Addresses::with(&[7; 32]);
        let now = DateTime::from_timestamp(1_800_000_000, 500).unwrap();
        let expires = now + TimeDelta::seconds(10);
        let signed = addresses.sign("file", b"what", expires);
        assert!(
            signed
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );

        let open = |segment: &str, at| addresses.open("file", segment, at);
        assert_eq!(open(&signed, now).as_deref(), Some(&b"what"[..]));
        assert_eq!(
            open(&signed, expires - TimeDelta::seconds(1)).as_deref(),
            Some(&b"what"[..])
        );
        assert_eq!(open(&signed, expires), None);
        assert_eq!(addresses.open("launch", &signed, now), None);
        assert_eq!(Addresses::with(&[8; 32]).open("file", &signed, now), None);
        assert_eq!(open(&addresses.sign("file", b"", expires), now), Some(Vec::new()));
        for place in 0..signed.len() {
            let mut other = signed.clone().into_bytes();
            other[place] = if other[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(open(&other, now), None, "{place}");
            assert_eq!(open(&signed[..place], now), None);
        }
        assert_eq!(open("not base64!", now), None);
    }
}
