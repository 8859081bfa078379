//! What exceptions from rules have in common: what rules want of the users concerned is settled in the same transaction.

use uuid::Uuid;

use super::rules::reconcile::{People, reconcile};
use crate::{app::Tx, http::ApiResult};

/// Settles what rules want of these users.
pub(super) fn settle(tx: &mut Tx, users: impl IntoIterator<Item = Uuid>) -> ApiResult<()> {
    let mut users: Vec<Uuid> = users.into_iter().collect();
    users.sort();
    users.dedup();
    reconcile(tx, People::These(users), None).map(drop)
}
