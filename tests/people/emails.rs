//! What an e-mail address is, whatever way it comes. (Claims: `access/sso/claims.rs`; all cases: `src/email.rs`.)

use serde_json::{Value, json};

use crate::{
    import::Importing,
    scim::{provider, user},
};

const GOOD: &[&str] = &["ana.silva+lms@example.com", "jörg@münchen.de"];

const BAD: &[&str] = &[
    "a@@b.de",
    "a@b..de",
    "a@b.de?bcc=x@y.z",
    "a\u{200b}@b.de",
    "Ana <a@b.de>",
    "A <a@b.de>, B <b@b.de>",
    "\"a b\"@example.com",
    "a@[127.0.0.1]",
];

// Faults 4 and 29.
#[actix_web::test]
async fn every_way_in_takes_the_same_addresses() {
    let profile = json!({ "code": "mail", "name": "Mail", "resource": "users", "mapping": {
        "format": { "delimiter": ";", "quote": "'" },
        "key": { "source": "hr", "value": { "column": "name" } },
        "fields": {
            "username": { "column": "name" }, "given_name": { "column": "name" }, "email": { "column": "email" },
        },
    }});
    let importing = Importing::with(profile).await;
    let admin = &importing.admin;
    let scim = provider(&importing.app, "Okta").await.scim;
    let target = scim.user("target").await;
    let person = |name: String, email: &str| json!({"username": name, "given_name": "x", "family_name": "", "email": email});

    for (at, email) in GOOD.iter().chain(BAD).enumerate() {
        let is_good = GOOD.contains(email);
        let status = |good: u16, bad: u16| if is_good { good } else { bad };
        let added = admin.post("/v1/users", person(format!("v1-{at}"), email)).await;
        assert_eq!(added.status, status(201, 422), "{email}: {}", added.text());
        let changed = admin
            .patch(&format!("/v1/users/{target}"), json!({"email": email}))
            .await;
        assert_eq!(changed.status, status(200, 422), "{email}: {}", changed.text());
        let mut body = user(&format!("scim-{at}"));
        body["emails"] = json!([{"value": email, "type": "work"}]);
        let added = scim.post("/Users", body).await;
        assert_eq!(added.status, status(201, 400), "{email}: {}", added.text());
    }
    let all = || GOOD.iter().chain(BAD).enumerate();
    let rows: Vec<Value> = all()
        .map(|(at, email)| json!({"row_key": at.to_string(), "create": person(format!("bulk-{at}"), email)}))
        .collect();
    let bulk = admin
        .post("/v1/users/bulk", json!({ "rows": rows }))
        .await
        .assert_status(200);
    for (at, email) in all() {
        let status = bulk.at(&format!("/results/{at}/status"));
        assert_eq!(status == 201, GOOD.contains(email), "{email}: {}", bulk.text());
    }
    let lines: String = all()
        .map(|(at, email)| format!("import-{at};{email}\n"))
        .collect();
    let import = importing.plan("mail", format!("name;email\n{lines}")).await;
    assert_eq!(
        (import.at("/counts/create"), import.at("/counts/refuse")),
        (json!(GOOD.len()), json!(BAD.len())),
        "{}",
        import.text()
    );
}
