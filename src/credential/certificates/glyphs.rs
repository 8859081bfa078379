//! Characters of certificates that no font has. They are looked for when certificates are issued, one or many: their files
//! may be set much later.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::{
    model::MissingGlyphs,
    store::{self, Draft},
};
use crate::{
    app::Tx,
    credential::{events::GLYPHS_MISSING, pdf},
    http::{ApiError, ApiResult},
    ledger::Event,
};

/// Tells of each certificate just issued from `drafts`, laid out by `layout`, whose texts have characters that no font has.
pub fn record_missing_glyphs(tx: &mut Tx, drafts: &[Draft], layout: &Value) -> ApiResult<()> {
    let laid_out = missing_of(tx, &layout.to_string())?;
    let texts = store::shown_texts(tx, drafts, !laid_out.is_empty())?;
    // Thousands of certificates have a few hundred characters.
    let together: String = texts.iter().map(|row| row.text.as_str()).collect();
    let missing = missing_of(tx, &together)?;
    for row in texts {
        let mut lacking: BTreeSet<char> = row.text.chars().filter(|one| missing.contains(one)).collect();
        lacking.extend(&laid_out);
        if !lacking.is_empty() {
            let lacking: Vec<char> = lacking.into_iter().collect();
            tx.record(glyphs_missing(row.user_id, row.id, &lacking));
        }
    }
    Ok(())
}

/// The characters of `text` that no font has.
fn missing_of(tx: &Tx, text: &str) -> ApiResult<Vec<char>> {
    let characters: BTreeSet<char> = text.chars().filter(|one| !one.is_ascii()).collect();
    if characters.is_empty() {
        return Ok(Vec::new());
    }
    pdf::missing_of(characters, tx.app.config.font_dir.as_deref()).map_err(ApiError::internal)
}

fn glyphs_missing(user_id: Uuid, certificate_id: Uuid, missing: &[char]) -> Event {
    let missing_glyphs = MissingGlyphs {
        id: certificate_id,
        characters: missing.iter().copied().map(pdf::named).collect(),
        fonts: pdf::fonts_with(missing),
    };
    let fonts = &missing_glyphs.fonts;
    let which = if fonts.is_empty() {
        "a font that has the characters".to_owned()
    } else {
        fonts.join(", ")
    };
    Event::new(&GLYPHS_MISSING, certificate_id)
        .about(user_id)
        .after(&missing_glyphs)
        .because(Some(format!(
            "Put {which} into the folder of PROVOST_FONT_DIR, restart, then reissue the certificate."
        )))
}
