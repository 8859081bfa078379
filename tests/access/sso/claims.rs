//! What providers say of people, and what becomes of it.

use super::*;

#[actix_web::test]
async fn claims_that_make_no_person_are_refused_with_what_is_wrong() {
    let academy = Academy::with(json!({})).await;
    person(&academy.admin, "ana").await;
    let (error, why) = academy.refusal(ana()).await;
    assert_eq!(error, "access_denied");
    assert!(why.contains("username"), "{why}");
    let (_, why) = academy
        .refusal(json!({"sub": "n-1", "preferred_username": "nina"}))
        .await;
    assert!(why.contains("given_name"), "{why}");
}

#[actix_web::test]
async fn what_cannot_be_written_keeps_nobody_out() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    academy.sign_in(ana()).await;
    person(&academy.admin, "taken").await;
    let mut changed = ana();
    changed["preferred_username"] = json!("taken");
    let signed_in = academy.sign_in(changed).await;
    assert_eq!(academy.me(&signed_in).await["username"], json!("ana"));
}

// Fault 7.
#[actix_web::test]
async fn a_taken_username_gets_a_number_if_the_mapping_says_so() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    person(&academy.admin, "ANA").await;
    person(&academy.admin, "ana2").await;
    academy
        .change(json!({"mapping": {
            "username": {"column": "preferred_username", "on_taken": "number"},
            "given_name": {"column": "given_name"},
            "family_name": {"column": "family_name"},
        }}))
        .await;

    let signed_in = academy.sign_in(ana()).await;

    assert_eq!(academy.me(&signed_in).await["username"], json!("ana3"));
    let mut changed = ana();
    changed["family_name"] = json!("Costa");
    let signed_in = academy.sign_in(changed).await;
    let me = academy.me(&signed_in).await;
    assert_eq!(
        (&me["username"], &me["family_name"]),
        (&json!("ana3"), &json!("Costa"))
    );
}

#[actix_web::test]
async fn mappings_are_those_of_imports() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    academy
        .admin
        .post(
            "/v1/attribute-definitions",
            json!({"name": "shift", "kind": "string", "label": "Shift"}),
        )
        .await
        .assert_status(201);
    academy
        .admin
        .post("/v1/org-units", json!({"code": "emea", "name": "EMEA"}))
        .await
        .assert_status(201);
    academy
        .change(json!({"mapping": {
            "username": {"template": "{sub}@corp", "steps": [{"step": "upper"}]},
            "given_name": {"column": "given_name"},
            "family_name": {"column": "family_name"},
            "department": {"column": "groups", "steps": [{"step": "take", "separator": ",", "part": 1}]},
            "org_unit": {"column": "address.region"},
            "hired_on": {"column": "since", "steps": [{"step": "date", "formats": ["%d.%m.%Y"]}]},
            "attributes.shift": {"constant": "night"},
        }}))
        .await;
    let mut told = ana();
    told["groups"] = json!(["sales", "all"]);
    told["address"] = json!({"region": "emea"});
    told["since"] = json!("28.02.2024");
    let signed_in = academy.sign_in(told).await;
    let me = academy.me(&signed_in).await;
    assert_eq!(
        (
            &me["username"],
            &me["department"],
            &me["hired_on"],
            &me["attributes"]["shift"]
        ),
        (
            &json!("A-1@CORP"),
            &json!("sales"),
            &json!("2024-02-28"),
            &json!("night")
        )
    );
    assert!(me["org_unit_id"].is_string());
}

#[actix_web::test]
async fn the_groups_claim_brings_people_into_groups_and_out_of_them() {
    let academy = Academy::with(json!({})).await;
    let (safety, sales, other) = (
        group(&academy.admin, "safety").await,
        group(&academy.admin, "sales").await,
        group(&academy.admin, "other").await,
    );
    academy
        .change(json!({"groups_claim": "roles", "groups": [
            {"value": "SAFE", "group_id": safety}, {"value": "SELL", "group_id": sales}]}))
        .await;
    let mut told = ana();
    told["roles"] = json!(["SAFE", "unknown"]);
    let signed_in = academy.sign_in(told.clone()).await;
    let id: Uuid = academy.me(&signed_in).await["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let add = json!({"add": [id], "remove": []});
    academy
        .admin
        .post(&format!("/v1/groups/{other}/members"), add)
        .await
        .assert_status(200);
    assert_eq!(members(&academy.admin, &safety).await, [id]);

    told["roles"] = json!("SELL");
    academy.sign_in(told.clone()).await;
    assert!(members(&academy.admin, &safety).await.is_empty());
    assert_eq!(members(&academy.admin, &sales).await, [id]);

    // Without the claim nothing is said; and what the provider has no say in stays.
    academy.sign_in(ana()).await;
    assert_eq!(members(&academy.admin, &sales).await, [id]);
    told["roles"] = json!([]);
    academy.sign_in(told).await;
    assert!(members(&academy.admin, &sales).await.is_empty());
    assert_eq!(members(&academy.admin, &other).await, [id]);
}

#[actix_web::test]
async fn people_need_no_family_name_and_units_no_case_and_templates_all_their_claims() {
    let academy = Academy::with(json!({"updates_people": true, "mapping": {
        "username": {"column": "preferred_username"}, "given_name": {"column": "given_name"},
        "org_unit": {"column": "unit"}, "title": {"template": "{job} of {place}"}}}))
    .await;
    let unit = json!({"code": "Sales", "name": "Sales"});
    let unit = academy
        .admin
        .post("/v1/org-units", unit)
        .await
        .assert_status(201)
        .id();
    let told = json!({"sub": "x-1", "preferred_username": "xena", "given_name": "Xena", "unit": "sALES",
        "job": "Keeper", "place": "Keys"});
    let me = academy.me(&academy.sign_in(told).await).await;
    assert_eq!(me["org_unit_id"], json!(unit));
    assert_eq!(
        [&me["family_name"], &me["title"]],
        [&json!(""), &json!("Keeper of Keys")]
    );

    let told = json!({"sub": "x-1", "preferred_username": "xena", "given_name": "Xena", "job": "King"});
    let me = academy.me(&academy.sign_in(told).await).await;
    assert_eq!(me["title"], json!("Keeper of Keys"));
}

// Fault 23, for claims.
#[actix_web::test]
async fn a_claim_that_is_only_said_again_sets_nothing_back() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    academy
        .admin
        .post(
            "/v1/attribute-definitions",
            json!({"name": "shift", "kind": "string", "label": "Shift"}),
        )
        .await
        .assert_status(201);
    let mapping = json!({"username": {"column": "preferred_username"}, "given_name": {"column": "given_name"},
        "email": {"column": "email"}, "department": {"column": "department"}, "attributes.shift": {"constant": "night"}});
    academy.change(json!({"mapping": mapping})).await;
    let mut told = ana();
    told["department"] = json!("Sales");
    let me = academy.me(&academy.sign_in(told.clone()).await).await;
    let path = format!("/v1/users/{}", me["id"].as_str().unwrap());
    let by_hr = json!({"department": "Care", "email": "hr@example.com", "attributes": {"shift": "day"}});
    academy.admin.patch(&path, by_hr).await.assert_status(200);

    let fields = ["/department", "/email", "/attributes/shift", "/given_name"];
    let after = async |told: &Value| {
        academy.sign_in(told.clone()).await;
        let person = academy.admin.get(&path).await;
        fields.map(|field| person.at(field).as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(after(&told).await, ["Care", "hr@example.com", "day", "Ana"]);
    told["given_name"] = json!("Anna");
    assert_eq!(after(&told).await, ["Care", "hr@example.com", "day", "Anna"]);
    told["department"] = json!("Legal");
    assert_eq!(after(&told).await, ["Legal", "hr@example.com", "day", "Anna"]);
}

// Fault 4.
#[actix_web::test]
async fn an_e_mail_claim_that_is_no_address_is_passed_over() {
    let academy = Academy::with(json!({"updates_people": true})).await;
    let email = async |subject: &str, email: &str| {
        let told =
            json!({"sub": subject, "preferred_username": subject, "given_name": "Ana", "email": email});
        academy.me(&academy.sign_in(told).await).await["email"].clone()
    };
    assert_eq!(email("jörg", "jörg@münchen.de").await, json!("jörg@münchen.de"));
    assert_eq!(email("ana", "Ana <a@b.de>").await, json!(null));
    assert_eq!(email("ana", "a@b.de").await, json!("a@b.de"));
    assert_eq!(email("ana", "a@b.de?bcc=x@y.z").await, json!("a@b.de"));
}

#[actix_web::test]
async fn claims_are_one_text_in_whatever_form_and_give_no_blank_or_broken_names() {
    // Faults 1, 3 and 29.
    let academy = Academy::with(json!({"links_verified_email": true, "updates_people": true})).await;
    let body = json!({"username": "jürgen", "given_name": "Jürgen", "family_name": "Öz", "email": "juergen@example.com"});
    let here = academy
        .admin
        .post("/v1/users", body)
        .await
        .assert_status(201)
        .id();
    let mut told = ana();
    told["preferred_username"] = json!("ju\u{308}rgen");
    told["email"] = json!("JUERGEN@EXAMPLE.COM");
    told["given_name"] = json!(" Ju\u{308}rgen\u{200b}");
    told["family_name"] = json!("\u{2800}");

    let me = academy.me(&academy.sign_in(told.clone()).await).await;

    assert_eq!(
        (&me["id"], &me["username"], &me["given_name"]),
        (&json!(here), &json!("jürgen"), &json!("Jürgen"))
    );
    told["given_name"] = json!("Ju\r\nrgen");
    let me = academy.me(&academy.sign_in(told).await).await;
    assert_eq!(me["given_name"], "Jürgen");
}
