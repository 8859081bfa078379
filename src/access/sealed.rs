//! Values that travel through browsers and other parties instead of being stored: encrypted, so that nobody reads them, and
//! authenticated, so that nobody makes or changes one. All processes open them, by the keys that they share, for as long as
//! the key counts.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::{
    access::keys::KeyRing,
    app::App,
    http::{ApiError, ApiResult},
};

/// Bytes of a key's id.
const KEY_ID: usize = 16;

/// Encrypts `value` to text that can stand in an address. It opens only with the same `context`, which says its purpose and
/// its holder.
pub fn seal(app: &App, context: &str, mut value: Vec<u8>) -> ApiResult<String> {
    let key = app.part::<KeyRing>().signing(app.clock.now())?;
    let key_id = Uuid::parse_str(&key.id).map_err(ApiError::internal)?;
    let nonce = key
        .sealing
        .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut value)
        .map_err(ApiError::internal)?;
    let sealed = [key_id.as_bytes().as_slice(), nonce.as_ref(), &value].concat();
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// What was sealed with that `context`; none if the text is anything else.
pub fn open(app: &App, context: &str, text: &str) -> Option<Vec<u8>> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (key_id, sealed) = sealed.split_at_checked(KEY_ID)?;
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let key_id = Uuid::from_slice(key_id).ok()?.to_string();
    let keys = app.part::<KeyRing>().all().ok()?;
    let key = keys.iter().find(|key| key.id == key_id)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut value = sealed.to_vec();
    let context = Aad::from(context.as_bytes());
    let opened = key.sealing.open_in_place(nonce, context, &mut value).ok()?;
    Some(opened.to_vec())
}
