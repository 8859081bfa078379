//! How the user of a first sign-in is found.

use super::{super::role, *};

/// Whether signing in as who `told` says leads to that person.
async fn leads_to(academy: &Academy, told: Value, person: Uuid) -> bool {
    let signed_in = academy.sign_in(told).await;
    academy.me(&signed_in).await["id"] == json!(person)
}

fn told(email: &str, is_verified: Value) -> Value {
    json!({"sub": "x-1", "preferred_username": "xena", "given_name": "Xena", "family_name": "Xu", "email": email,
        "email_verified": is_verified})
}

#[actix_web::test]
async fn an_e_mail_address_links_only_if_it_is_verified_and_that_is_allowed() {
    for (allowed, verified, links) in [
        (false, json!(true), false),
        (true, json!(false), false),
        (true, json!(null), false),
        (true, json!("false"), false),
        (true, json!(true), true),
    ] {
        let academy = Academy::with(json!({"links_verified_email": allowed})).await;
        let person = person_with(
            &academy.admin,
            json!({"username": "boss", "email": "Boss@example.com"}),
        )
        .await;
        let is_linked = leads_to(&academy, told("boss@example.com", verified.clone()), person).await;
        assert_eq!(is_linked, links, "allowed {allowed}, verified {verified}");
    }
}

#[actix_web::test]
async fn an_address_that_is_not_verified_is_not_kept() {
    let academy = Academy::with(json!({})).await;
    let signed_in = academy.sign_in(told("boss@example.com", json!(false))).await;
    assert_eq!(academy.me(&signed_in).await["email"], json!(null));
}

#[actix_web::test]
async fn where_there_is_doubt_nobody_signs_in() {
    let academy = Academy::with(json!({"links_verified_email": true})).await;
    for name in ["one", "two"] {
        person_with(
            &academy.admin,
            json!({"username": name, "email": "shared@example.com"}),
        )
        .await;
    }
    let (error, why) = academy.refusal(told("shared@example.com", json!(true))).await;
    assert_eq!(error, "access_denied");
    assert!(why.contains("Several people"), "{why}");

    // Somebody else with the address of a person who is linked already.
    academy.sign_in(ana()).await;
    let (error, why) = academy.refusal(told("ana@example.com", json!(true))).await;
    assert_eq!(error, "access_denied");
    assert!(why.contains("another account"), "{why}");
}

#[actix_web::test]
async fn a_claim_finds_people_by_their_keys_in_another_system() {
    let link = json!({"claim": "employee.number", "source": "hr"});
    let academy = Academy::with(json!({"links_external_key": link, "creates_people": false})).await;
    let person = person(&academy.admin, "worker").await;
    academy
        .admin
        .post(
            &format!("/v1/users/{person}/external-keys"),
            json!({"source": "hr", "key": "10084"}),
        )
        .await
        .assert_status(201);
    let mut told = told("x@example.com", json!(true));
    let (error, _) = academy.refusal(told.clone()).await;
    assert_eq!(error, "access_denied");
    told["employee"] = json!({"number": 10084});
    assert!(leads_to(&academy, told, person).await);
}

#[actix_web::test]
async fn unknown_people_are_not_created_where_that_is_not_allowed() {
    let academy = Academy::with(json!({"creates_people": false})).await;
    let (error, why) = academy.refusal(ana()).await;
    assert_eq!(
        (error.as_str(), why.as_str()),
        ("access_denied", "Nobody here is linked to this account.")
    );
    let users = academy
        .admin
        .get("/v1/users?filter=username%20eq%20%22ana%22")
        .await;
    assert_eq!(users.at("/data"), json!([]));
}

#[actix_web::test]
async fn who_is_invited_becomes_active_and_who_is_suspended_stays_out() {
    let academy = Academy::with(json!({"links_verified_email": true})).await;
    let invited = person_with(
        &academy.admin,
        json!({"username": "new", "email": "x@example.com", "status": "invited"}),
    )
    .await;
    let told = told("x@example.com", json!(true));
    assert!(leads_to(&academy, told.clone(), invited).await);
    let path = format!("/v1/users/{invited}");
    assert_eq!(academy.admin.get(&path).await.at("/status"), json!("active"));
    for status in ["suspended", "archived"] {
        academy
            .admin
            .patch(&path, json!({"status": status}))
            .await
            .assert_status(200);
        let (error, why) = academy.refusal(told.clone()).await;
        assert_eq!(
            (error.as_str(), why.as_str()),
            ("access_denied", "This account may not sign in.")
        );
        assert_eq!(academy.admin.get(&path).await.at("/status"), json!(status));
    }
}

#[actix_web::test]
async fn a_person_suspended_between_code_and_token_gets_none() {
    let academy = Academy::with(json!({})).await;
    let signed_in = academy.sign_in(ana()).await;
    let id = academy.me(&signed_in).await["id"].as_str().unwrap().to_owned();
    let mut browser = academy.begin().await;
    let back = browser.come_back(&academy, ana()).await;
    academy
        .admin
        .patch(&format!("/v1/users/{id}"), json!({"status": "suspended"}))
        .await
        .assert_status(200);
    let answer = browser.redeem(&academy, &back).await;
    super::super::assert_oauth_error(&answer, 400, "invalid_grant");
}

#[actix_web::test]
async fn identities_are_linked_by_hand_by_callers_who_may_set_the_password() {
    let academy = Academy::with(json!({"creates_people": false})).await;
    let boss = person(&academy.admin, "boss").await;
    let lms_admin = role(&academy.admin, "lms_admin").await;
    let grant = super::super::grant_body(("user", boss), lms_admin, ("everything", None));
    academy.admin.post("/v1/grants", grant).await.assert_status(201);
    let body = json!({"identity_provider_id": academy.id, "subject": "a-1"});
    let path = format!("/v1/users/{boss}/identities");
    let hr = academy.app.holding(
        &[
            provost::authz::Permission::UsersWrite,
            provost::authz::Permission::UsersRead,
        ],
        "everything",
        None,
    );
    hr.post(&path, body.clone())
        .await
        .assert_problem(403, "grant_exceeds_caller");

    let identity = academy.admin.post(&path, body.clone()).await.assert_status(201);
    academy
        .admin
        .post(&path, body.clone())
        .await
        .assert_problem(409, "already_exists");
    assert!(leads_to(&academy, ana(), boss).await);
    let signed_in = academy.sign_in(ana()).await;

    let identity = format!("{path}/{}", identity.id());
    hr.delete(&identity)
        .await
        .assert_problem(403, "grant_exceeds_caller");
    academy.admin.delete(&identity).await.assert_status(204);
    signed_in
        .client(&academy.app)
        .get("/v1/me")
        .await
        .assert_status(401);
    let (error, _) = academy.refusal(ana()).await;
    assert_eq!(error, "access_denied");
    // Both are taken: the subject by another, the provider by this person.
    let other = person(&academy.admin, "other").await;
    let own = json!({"identity_provider_id": academy.id, "subject": "o-1"});
    let others = format!("/v1/users/{other}/identities");
    academy.admin.post(&others, own.clone()).await.assert_status(201);
    academy.admin.post(&path, body.clone()).await.assert_status(201);
    academy
        .admin
        .post(&path, own)
        .await
        .assert_problem(409, "already_exists")
        .assert_fault("/subject")
        .assert_fault("/identity_provider_id");
    let unknown = json!({"identity_provider_id": Uuid::now_v7(), "subject": "a-1"});
    academy
        .admin
        .post(&path, unknown)
        .await
        .assert_problem(422, "validation_failed")
        .assert_fault("/identity_provider_id");
}

#[actix_web::test]
async fn keys_by_which_people_sign_in_are_given_by_callers_who_may_set_the_password() {
    let link = json!({"claim": "number", "source": "hr", "privileged": true});
    let academy = Academy::with(json!({"links_external_key": link})).await;
    let boss = person(&academy.admin, "boss").await;
    let lms_admin = role(&academy.admin, "lms_admin").await;
    let grant = super::super::grant_body(("user", boss), lms_admin, ("everything", None));
    academy.admin.post("/v1/grants", grant).await.assert_status(201);
    let hr = academy.app.holding(
        &[
            provost::authz::Permission::UsersWrite,
            provost::authz::Permission::UsersRead,
        ],
        "everything",
        None,
    );
    let path = format!("/v1/users/{boss}/external-keys");
    hr.post(&path, json!({"source": "hr", "key": "1"}))
        .await
        .assert_problem(403, "grant_exceeds_caller");
    hr.post(&path, json!({"source": "payroll", "key": "1"}))
        .await
        .assert_status(201);
    let learner = person(&academy.admin, "learner").await;
    hr.post(
        &format!("/v1/users/{learner}/external-keys"),
        json!({"source": "hr", "key": "1"}),
    )
    .await
    .assert_status(201);
}

#[actix_web::test]
async fn a_key_that_was_there_before_makes_nobody_an_administrator() {
    let link = json!({"claim": "number", "source": "hr"});
    let academy = Academy::with(json!({"links_external_key": link})).await;
    let boss = person(&academy.admin, "boss").await;
    academy
        .admin
        .post(
            &format!("/v1/users/{boss}/external-keys"),
            json!({"source": "hr", "key": "7"}),
        )
        .await
        .assert_status(201);
    let lms_admin = role(&academy.admin, "lms_admin").await;
    let grant = super::super::grant_body(("user", boss), lms_admin, ("everything", None));
    academy.admin.post("/v1/grants", grant).await.assert_status(201);
    let mut told = told("x@example.com", json!(true));
    told["number"] = json!("7");
    let (error, why) = academy.refusal(told.clone()).await;
    assert_eq!(error, "access_denied");
    assert!(why.contains("holds roles"), "{why}");
    let privileged = json!({"claim": "number", "source": "hr", "privileged": true});
    academy.change(json!({"links_external_key": privileged})).await;
    assert!(leads_to(&academy, told, boss).await);
}

#[actix_web::test]
async fn an_address_that_another_provider_told_of_links_nobody() {
    let academy = Academy::with(json!({})).await;
    academy.sign_in(told("victim@example.com", json!(null))).await;
    let other = Provider::start();
    let setup = other.setup(json!({"code": "other", "links_verified_email": true,
        "audiences": ["https://api.example.com"]}));
    academy
        .admin
        .post("/v1/identity-providers", setup)
        .await
        .assert_status(201);
    let mut claims = academy.claims("victim");
    for (name, value) in told("victim@example.com", json!(true)).as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims["sub"] = json!("victim");
    claims["iss"] = json!(other.issuer);
    claims["aud"] = json!("https://api.example.com");
    let answer = super::bearer::exchange(&academy, other.sign(&claims)).await;
    super::super::assert_oauth_error(&answer, 400, "invalid_request");
    assert!(answer.text().contains("another account"), "{}", answer.text());
}

#[actix_web::test]
async fn a_thousand_first_sign_ins_at_once_would_make_one_person() {
    let academy = Academy::with(json!({"audiences": ["https://api.example.com"]})).await;
    let mut claims = academy.claims("a-1");
    for (name, value) in ana().as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims["aud"] = json!("https://api.example.com");
    let exchanges = (0..20).map(|number| {
        claims["jti"] = json!(number);
        super::bearer::exchange(&academy, academy.provider.sign(&claims))
    });
    let answers = futures_util::future::join_all(exchanges).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let users = academy
        .admin
        .get("/v1/users?filter=username%20sw%20%22ana%22")
        .await;
    assert_eq!(users.at("/data").as_array().unwrap().len(), 1);
}
