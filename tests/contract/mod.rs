//! The API's document and the router agree.

use provost::contract;

/// The committed document is the code's. `make openapi` writes it anew.
#[test]
fn the_committed_document_is_the_codes() {
    let committed = std::fs::read_to_string("openapi/provost.json").unwrap_or_default();
    assert!(
        committed == contract::to_json(&contract::document()),
        "openapi/provost.json is stale: run `make openapi`"
    );
}
