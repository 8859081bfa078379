//! `q`: what people type into a search box.

use provost::authz::Permission;
use serde_json::{Value, json};

use super::{names, person, unit, uuid};
use crate::{
    catalog::encoded,
    scim,
    support::{Client, TestApp},
};

const PEOPLE: [(&str, &str, &str, &str); 8] = [
    ("ana", "Ana", "Graça da Silva", "a.graca@corp.example"),
    ("sean_n", "Seán", "O'Neil-Smith", "s@corp.example"),
    ("lxl", "小龙", "李", "l@corp.example"),
    ("taro", "太郎", "山田", "t@corp.example"),
    ("kata", "カタリナ", "Straße", "k@corp.example"),
    ("mo", "مُحمَّد", "السباعي", "m@corp.example"),
    ("lukasz", "Łukasz", "Żuraw", "z@corp.example"),
    ("gil", "Gil", "Silveira", "gil@corp.example"),
];

async fn academy() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (username, given, family, email) in PEOPLE {
        let fields = json!({"given_name": given, "family_name": family, "email": email});
        person(&admin, username, fields).await;
    }
    (app, admin)
}

/// Whom a search finds exactly: where the client names an order, nothing similar is among them.
async fn found(client: &Client, q: &str) -> Vec<String> {
    names(client, &format!("/v1/users?sort=username&q={}", encoded(q))).await
}

/// The usernames of a page, in its order, and its cursor.
async fn page(client: &Client, query: &str) -> (Vec<String>, Option<String>) {
    let page = client.get(&format!("/v1/users?{query}")).await.assert_status(200);
    let rows = page.at("/data").as_array().unwrap().clone();
    let usernames = rows
        .iter()
        .map(|row| row["username"].as_str().unwrap().to_owned());
    (
        usernames.collect(),
        page.at("/next_cursor").as_str().map(str::to_owned),
    )
}

#[actix_web::test]
async fn people_are_found_by_beginnings_of_words_in_any_script_and_order() {
    let (_app, admin) = academy().await;
    for (q, expected) in [
        ("graca", vec!["ana"]),
        ("GRAÇA", vec!["ana"]),
        ("silva ana", vec!["ana"]),
        ("ana silva ana ANA silva", vec!["ana"]),
        ("sil", vec!["ana", "gil"]),
        ("ilva", vec![]),
        ("ana - silva", vec!["ana"]),
        ("a.graca@co", vec!["ana"]),
        ("A.Graca@corp.example", vec!["ana"]),
        ("corp zur", vec!["lukasz"]),
        ("@corp.example ana", vec!["ana"]),
        ("o'neil", vec!["sean_n"]),
        ("neil smi", vec!["sean_n"]),
        ("sean_n", vec!["sean_n"]),
        ("李小龙", vec!["lxl"]),
        ("小龙", vec!["lxl"]),
        ("龙", vec!["lxl"]),
        ("李", vec!["lxl"]),
        ("山田太郎", vec!["taro"]),
        ("太郎 山", vec!["taro"]),
        ("カタ", vec!["kata"]),
        ("ｶﾀﾘﾅ", vec!["kata"]),
        ("strasse", vec!["kata"]),
        ("محمد", vec!["mo"]),
        ("السباعي محمد", vec!["mo"]),
        ("lukasz zur", vec!["lukasz"]),
        ("ana zur", vec![]),
    ] {
        assert_eq!(found(&admin, q).await, expected, "{q}");
    }
    assert_eq!(found(&admin, " \u{3000}").await.len(), PEOPLE.len() + 1);
}

#[actix_web::test]
async fn keys_of_other_systems_are_found_as_a_whole_but_for_those_of_scim_clients() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let keys = json!({"external_keys": [{"source": "hr", "key": "E 10/084"}]});
    person(&admin, "ana", keys).await;
    let body = json!({"code": "emea", "name": "Europe"});
    let emea = admin.post("/v1/org-units", body).await.assert_status(201).id();
    let key = json!({"source": "hr", "key": "7000"});
    admin
        .post(&format!("/v1/org-units/{emea}/external-keys"), key)
        .await
        .assert_status(201);
    let provider = scim::provider(&app, "directory").await;
    let provided = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bo",
        "externalId": "secret-key", "name": {"givenName": "Bo", "familyName": "B"}});
    provider.scim.post("/Users", provided).await.assert_status(201);

    assert_eq!(found(&admin, "e 10/084 ").await, ["ana"]);
    assert!(found(&admin, "10/084").await.is_empty());
    assert!(found(&admin, "7000").await.is_empty());
    assert_eq!(names(&admin, "/v1/org-units?q=7000").await, ["emea"]);
    assert!(found(&admin, "secret-key").await.is_empty());
}

#[actix_web::test]
async fn similar_names_follow_only_where_the_exact_ones_are_less_than_a_page() {
    let (_app, admin) = academy().await;
    for (q, best) in [
        ("graza", "ana"),
        ("silvera", "gil"),
        ("lucasz", "lukasz"),
        ("seam", "sean_n"),
    ] {
        let (usernames, _) = page(&admin, &format!("q={q}")).await;
        assert_eq!(
            usernames.first().map(String::as_str),
            Some(best),
            "{q}: {usernames:?}"
        );
        assert!(found(&admin, q).await.is_empty(), "{q}");
    }
    // Ana Silva and Gil Silveira begin so; nobody else is like it.
    assert_eq!(page(&admin, "q=silv").await.0, ["ana", "gil"]);
    let fields = json!({"given_name": "Sylvia", "family_name": "Silvia"});
    person(&admin, "sylvia", fields).await;
    assert_eq!(page(&admin, "q=silva").await.0, ["ana", "sylvia"]);
    assert_eq!(
        page(&admin, "q=silva&limit=1").await,
        (vec!["ana".to_owned()], None)
    );
    assert_eq!(page(&admin, "q=silva&sort=username").await.0, ["ana"]);
    // Numbers and addresses are one or another.
    let fields = json!({"given_name": "Xi", "family_name": "", "email": "nobody@corp.example"});
    person(&admin, "e100841", fields).await;
    assert!(page(&admin, "q=e100842").await.0.is_empty());
    assert!(page(&admin, "q=nobodi@corp.example").await.0.is_empty());
}

#[actix_web::test]
async fn pages_of_a_search_neither_skip_nor_repeat() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for n in 0..7 {
        let family = if n % 2 == 0 { "Kowalski" } else { "Kovalski" };
        person(&admin, &format!("p{n}"), json!({"family_name": family})).await;
    }
    for (query, expected) in [
        // A full page of exact ones: nothing similar follows on any page.
        ("q=kowalski&limit=3", vec!["p0", "p2", "p4", "p6"]),
        (
            "q=kowalski&limit=5",
            vec!["p0", "p2", "p4", "p6", "p1", "p3", "p5"],
        ),
        (
            "q=ko&limit=2&sort=-username",
            vec!["p6", "p5", "p4", "p3", "p2", "p1", "p0"],
        ),
        ("q=ko&limit=2&filter=username%20gt%20%22p4%22", vec!["p5", "p6"]),
    ] {
        let (mut all, mut cursor) = page(&admin, query).await;
        while let Some(next) = cursor {
            let more = page(&admin, &format!("{query}&cursor={next}")).await;
            all.extend(more.0);
            cursor = more.1;
        }
        assert_eq!(all, expected, "{query}");
    }
    let (_, cursor) = page(&admin, "q=kowalski&limit=5").await;
    let elsewhere = format!("/v1/users?limit=5&cursor={}", cursor.unwrap());
    admin.get(&elsewhere).await.assert_problem(400, "invalid_cursor");
}

#[actix_web::test]
async fn what_is_outside_the_scope_neither_shows_nor_counts() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (emea, apac) = (unit(&admin, "emea", None).await, unit(&admin, "apac", None).await);
    let keyed =
        json!({"family_name": "Silva", "org_unit_id": apac, "external_keys": [{"source": "hr", "key": "7"}]});
    person(&admin, "outside", keyed).await;
    person(
        &admin,
        "inside",
        json!({"family_name": "Silwa", "org_unit_id": emea}),
    )
    .await;
    let hr = app.holding(&[Permission::UsersRead], "org_unit", Some(uuid(&emea)));

    // The exact match is outside the scope: the similar one is found all the same, on a page of one.
    assert_eq!(
        page(&hr, "q=silva&limit=1").await,
        (vec!["inside".to_owned()], None)
    );
    assert_eq!(page(&admin, "q=silva&limit=1").await.0, ["outside"]);
    assert!(page(&hr, "q=7").await.0.is_empty());
    assert_eq!(page(&admin, "q=7").await.0, ["outside"]);
}

#[actix_web::test]
async fn no_search_is_an_error_but_one_that_is_too_long() {
    let (_app, admin) = academy().await;
    for q in [
        "'",
        "\"",
        "''; DROP TABLE users; --",
        ":*",
        "ana:*",
        "&|!",
        "! & |",
        "(",
        ")",
        "<->",
        "%",
        "_",
        "%ana%",
        "\\",
        "a\\",
        "***",
        "-",
        "\u{301}",
        "\u{200d}",
        "🙂",
        "\u{fdfa}\u{fdfa}",
        "{ana}",
        "$1",
        "ana\u{1}silva",
        "ﾞ",
    ] {
        for list in ["users", "groups", "org-units", "locations", "categories"] {
            let path = format!("/v1/{list}?q={}", encoded(q));
            admin.get(&path).await.assert_status(200);
        }
    }
    for nothing in ["%", "_", "***", "\\", "🙂"] {
        assert!(found(&admin, nothing).await.is_empty(), "{nothing}");
    }
    let longest = ["ab "; 66].concat();
    admin
        .get(&format!("/v1/users?q={}", encoded(&longest)))
        .await
        .assert_status(200);
    for (q, fault) in [("a".repeat(10_000), "?q"), ("a\0".to_owned(), "?q")] {
        let path = format!("/v1/users?q={}", encoded(&q));
        let problem = admin.get(&path).await.assert_problem(400, "invalid_parameter");
        assert_eq!(problem.at("/errors/0/pointer"), fault);
    }
    admin
        .get("/v1/users?sort=relevance&q=ana")
        .await
        .assert_problem(400, "invalid_parameter");
    admin
        .get("/v1/attribute-definitions?q=ana")
        .await
        .assert_problem(400, "invalid_parameter");
}

#[actix_web::test]
async fn other_resources_are_found_by_code_and_name() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = json!({"code": "C++", "name": "Ação Cívica"});
    for list in ["groups", "org-units", "locations", "categories"] {
        let path = format!("/v1/{list}");
        admin.post(&path, body.clone()).await.assert_status(201);
        admin
            .post(&path, json!({"code": "c", "name": "Other"}))
            .await
            .assert_status(201);
        for (q, expected) in [
            ("civica aca", vec!["C++"]),
            ("oth", vec!["c"]),
            ("c++", vec!["C++", "c"]),
            ("x", vec![]),
        ] {
            let mut codes = names(&admin, &format!("{path}?sort=code&q={}", encoded(q))).await;
            codes.sort();
            assert_eq!(codes, expected, "{list} {q}");
        }
        let similar = names(&admin, &format!("{path}?q=civika")).await;
        assert_eq!(similar, ["C++"], "{list}");
    }
    let rule = json!({"code": "FIRE", "name": "Évacuation", "audience": {"filter": "department pr"}, "targets": [],
        "due": {"kind": "after_hire", "offset": "P30D"}, "on_leave": "end"});
    admin.post("/v1/rules", rule).await.assert_status(201);
    for path in ["/v1/rules?q=evac", "/v1/rules?q=fire", "/v1/rules?q=ewacuation"] {
        assert_eq!(names(&admin, path).await, ["FIRE"], "{path}");
    }
    let roles = ["/v1/roles?q=adm%20hr", "/v1/roles?q=admyn%20hr"];
    for path in roles {
        assert_eq!(names(&admin, path).await, ["hr_admin"], "{path}");
    }
}

#[actix_web::test]
async fn filters_with_co_find_what_they_found_without_the_index() {
    let (_app, admin) = academy().await;
    for (filter, expected) in [
        ("username co \"ean\"", vec!["sean_n"]),
        (
            "email co \"CORP.\" and not (email co \"a.gra\") and given_name co \"Il\"",
            vec!["gil"],
        ),
        ("family_name co \"o'neil-\"", vec!["sean_n"]),
        ("family_name co \"ça d\"", vec!["ana"]),
        ("given_name co \"ilva\"", vec![]),
        ("not (email co \"corp\")", vec!["admin"]),
        (
            "given_name co \"小龙\" or family_name co \"raß\"",
            vec!["kata", "lxl"],
        ),
        ("family_name co \"%\"", vec![]),
        ("username co \"an_\"", vec!["sean_n"]),
    ] {
        let path = format!("/v1/users?filter={}", encoded(filter));
        assert_eq!(names(&admin, &path).await, expected, "{filter}");
    }
    let _: Value = admin
        .get("/v1/users?filter=username%20co%20%22%22")
        .await
        .assert_status(200)
        .json();
}
