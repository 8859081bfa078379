use serde_json::json;

use super::{Importing, outline, send, small_profile};
use crate::support::TestApp;

#[actix_web::test]
async fn what_is_no_csv_fails_with_the_line_and_the_reason() {
    let importing = Importing::with(small_profile()).await;
    let long_line = [b"id,name,boss\n1,".as_slice(), &vec![b'x'; 10 << 20]].concat();
    let open_quote = [
        b"id,name,boss\n1,\"Ana,\n".as_slice(),
        &b"2,Bea,1\n".repeat(1 << 19),
    ]
    .concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("an empty file", b"".to_vec(), "no line 1"),
        ("a header alone", b"id,name,boss\n".to_vec(), "no rows"),
        (
            "latin-1",
            b"id,name,boss\n1,Jos\xe9,\n".to_vec(),
            "Line 2 holds bytes that are not UTF-8",
        ),
        ("a broken end", b"id,name,boss\n1,Jos\xc3".to_vec(), "not UTF-8"),
        (
            "a NUL",
            b"id,name,boss\n1,A\0na,\n".to_vec(),
            "Line 2 holds U+0000",
        ),
        ("binary junk", (0..=255).cycle().take(100_000).collect(), "Line 1"),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "Line"),
        (
            "a missing column",
            b"id,first name\n1,Ana\n".to_vec(),
            "it has: id, first name",
        ),
        (
            "another delimiter",
            b"id;name;boss\n1;Ana;\n".to_vec(),
            "it has: id;name;boss",
        ),
        (
            "a column twice",
            b"id,name,name,boss\n1,Ana,Bea,\n".to_vec(),
            "lacks columns",
        ),
        (
            "a header with an open quote",
            b"id,\"name,boss\n1,Ana,\n".to_vec(),
            "Line 1: a quote is not closed",
        ),
        ("one long line", long_line, "longer than 1048576 bytes"),
        ("an open quote", open_quote, "longer than 1048576 bytes"),
    ];
    for (name, file, expected) in cases {
        let import = importing.plan("small", file).await;
        assert_eq!(
            (import.at("/status"), import.at("/problem/code")),
            (json!("failed"), json!("import_file_invalid")),
            "{name}: {}",
            import.text()
        );
        let detail = import.at("/problem/detail").as_str().unwrap().to_owned();
        assert!(detail.contains(expected), "{name}: {detail}");
        let operation = import.at("/operation_id").as_str().unwrap().to_owned();
        let operation = importing.admin.get(&format!("/v1/operations/{operation}")).await;
        assert_eq!(operation.at("/status"), "failed", "{name}");
        importing.apply(&import).await.assert_status(422);
    }
}

#[actix_web::test]
async fn each_missing_column_is_told_with_the_field_that_wants_it() {
    let importing = Importing::with(small_profile()).await;

    let import = importing.plan("small", "id,first name\n1,Ana\n").await;

    let errors = import.at("/problem/errors");
    let pointers: Vec<_> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(
        pointers,
        ["/mapping/fields/given_name", "/mapping/references/manager/value"]
    );
}

#[actix_web::test]
async fn encodings_and_byte_order_marks_are_understood() {
    let mut profile = small_profile();
    profile["mapping"]["format"] = json!({ "encoding": "windows-1252" });
    let importing = Importing::with(profile).await;
    let utf_16: Vec<u8> = "\u{feff}id,name,boss\n1,José,\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [Vec<u8>; 3] = [
        b"id,name,boss\n1,Jos\xe9,\n".to_vec(),
        "\u{feff}id,name,boss\n1,José,\n".into(),
        utf_16,
    ];
    for file in cases {
        let import = importing.plan("small", file).await;
        let rows = importing.rows(&import, "line eq 2").await;
        assert_eq!(rows[0]["fields"]["given_name"], "José", "{}", import.text());
    }
}

#[actix_web::test]
async fn lines_above_the_header_are_passed_over() {
    let mut profile = small_profile();
    profile["mapping"]["format"] = json!({ "header_line": 3 });
    let importing = Importing::with(profile).await;

    let import = importing
        .plan("small", "HR report\n2026\nid,name,boss\n1,Ana,\n")
        .await;

    assert_eq!(importing.rows(&import, "line eq 4").await[0]["key"], "1");
}

#[actix_web::test]
async fn a_file_is_taken_up_to_its_limit_and_other_bodies_up_to_theirs() {
    let app = TestApp::start_with(|config| {
        config.body_limit = 10_000;
        config.import_limit = 100_000;
    })
    .await;
    let admin = app.admin().await;
    admin
        .post("/v1/import-profiles", small_profile())
        .await
        .assert_status(201);
    let file = |rows: usize| format!("id,name,boss\n{}", "1,Ana,\n".repeat(rows));

    send(&admin, "small", file(10_000)).await.assert_status(202);
    let keyed = admin.with("Idempotency-Key", "large");
    let first = send(&keyed, "small", file(10_000)).await.assert_status(202);
    let again = send(&keyed, "small", file(10_000)).await.assert_status(202);
    assert_eq!(first.id(), again.id());
    send(&keyed, "small", file(9_999))
        .await
        .assert_problem(422, "idempotency_mismatch");
    send(&keyed, "small", file(20_000))
        .await
        .assert_problem(413, "payload_too_large");
    send(&admin, "small", file(20_000))
        .await
        .assert_problem(413, "payload_too_large");
    let json = admin.send(
        awc::http::Method::POST,
        "/v1/imports?profile=small",
        Some(b"{}".to_vec()),
        "application/json",
    );
    json.await.assert_problem(415, "unsupported_media_type");
    send(&admin, "nobody", file(1))
        .await
        .assert_problem(400, "invalid_parameter");
}

#[actix_web::test]
async fn lines_are_counted_whatever_ends_them() {
    let importing = Importing::with(small_profile()).await;
    for end in ["\n", "\r\n", "\r"] {
        let file = ["id,name,boss", "1,Ana,", "", "2,\"Bea", "Bo\",", "3,Cem,"].join(end);
        let import = importing.plan("small", file).await;
        let rows = importing.rows(&import, "key pr").await;
        let lines: Vec<_> = rows.iter().map(|row| row["line"].as_i64().unwrap()).collect();
        assert_eq!(lines, [2, 4, 6], "{end:?}");
    }
}

#[actix_web::test]
async fn a_quote_that_is_not_closed_refuses_its_row_and_no_other() {
    let importing = Importing::with(small_profile()).await;
    for end in [
        "8,\"x,y",
        "8,\"x,y\n",
        "8,\"x\n\ny\n9,Cem,",
        "\"",
        "8,x,\"",
        "8,x,\"y\"\"",
    ] {
        let import = importing
            .plan("small", format!("id,name,boss\n7,Ana,\n\n{end}"))
            .await;

        let rows = importing.rows(&import, "line gt 0").await;
        let expected = [(2, String::new()), (4, "-:open_quote".to_owned())];
        assert_eq!(outline(&rows), expected, "{end:?}: {}", import.text());
        let detail = rows[1]["issues"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("line 4: a quote is not closed"), "{detail}");
    }
}

#[actix_web::test]
async fn a_last_cell_that_ends_with_a_line_feed_is_closed() {
    let importing = Importing::with(small_profile()).await;
    for end in ["", "\n", "\n\n"] {
        let import = importing
            .plan("small", format!("id,name,boss\n7,Ana,\n8,Bea,\"\n\"{end}"))
            .await;
        let rows = importing.rows(&import, "line gt 0").await;
        assert_eq!(
            outline(&rows),
            [(2, String::new()), (3, String::new())],
            "{end:?}"
        );
    }
}

#[actix_web::test]
async fn rows_are_listed_in_pages_by_line() {
    let importing = Importing::with(small_profile()).await;
    let file: String = (1..=30).map(|n| format!("{n},Ana,\n")).collect();
    let import = importing.plan("small", format!("id,name,boss\n{file}")).await;
    let mut path = format!("/v1/imports/{}/rows?limit=7", import.id());
    let mut lines = Vec::new();
    loop {
        let page = importing.admin.get(&path).await.assert_status(200);
        lines.extend(
            page.at("/data")
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["line"].as_i64().unwrap()),
        );
        let Some(link) = page.header("link") else { break };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(lines, (2..=31).collect::<Vec<_>>());
}

#[actix_web::test]
async fn parts_of_a_template_go_through_steps_of_their_own() {
    let mut profile = small_profile();
    profile["mapping"]["fields"]["username"] = json!({
        "template": "{initial}.{name}@{site}",
        "parts": {
            "initial": { "column": "first", "steps": [{ "step": "lower" }, { "step": "truncate", "length": 1 }] },
            "name": { "column": "name", "steps": [{ "step": "slug" }] },
            "site": { "column": "site", "steps": [{ "step": "lookup", "values": { "PT": "lisbon", "-": "" } }] },
        },
    });
    let importing = Importing::with(profile).await;

    let import = importing
        .plan(
            "small",
            "id,name,boss,first,site\n1,De la Cruz,,José,PT\n2,Bea,,B,XX\n3,-,,,-\n",
        )
        .await;

    let rows = importing.rows(&import, "key pr").await;
    assert_eq!(rows[0]["fields"]["username"], "j.de-la-cruz@lisbon");
    assert_eq!(
        outline(&rows[1..]),
        [
            (3, "username:not_in_lookup".to_owned()),
            (4, "username:required".to_owned())
        ]
    );
    assert_eq!(rows[1]["issues"][0]["column"], "first, name, site");
}

// Fault 19.
#[actix_web::test]
async fn cells_missing_at_the_end_of_rows_are_empty_and_the_first_such_row_says_so() {
    let importing = Importing::with(small_profile()).await;

    let import = importing
        .plan("small", "id,name,boss\n1,Ana,\n2,Bea\n\n3,Cem\n4,Dan,1,\n5\n ,\n")
        .await;

    let rows = importing.rows(&import, "line gt 0").await;
    let expected = [
        (2, ""),
        (3, "-:short_row"),
        (5, ""),
        (6, "-:ragged_row"),
        (7, "given_name:required"),
        (8, "-:blank_row"),
    ];
    assert_eq!(
        outline(&rows),
        expected.map(|(line, codes)| (line, codes.to_owned()))
    );
    let detail = rows[1]["issues"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("header: 3, this"), "{detail}");
    assert_eq!(import.at("/counts/create"), 3);
}

// Fault 5.
#[actix_web::test]
async fn a_year_of_two_digits_is_no_year_of_four() {
    let mut profile = small_profile();
    profile["mapping"]["date_formats"] = json!(["%d/%m/%Y", "%d/%m/%y"]);
    profile["mapping"]["fields"]["hired_on"] = json!({ "column": "hired" });
    profile["mapping"]["fields"]["left_on"] =
        json!({ "column": "left", "steps": [{ "step": "date", "formats": ["%Y%m%d"] }] });
    profile["mapping"]["fields"]["attributes.due"] = json!({ "column": "due" });
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let due = json!({ "name": "due", "kind": "date", "label": "Due" });
    admin
        .post("/v1/attribute-definitions", due)
        .await
        .assert_status(201);
    admin
        .post("/v1/import-profiles", profile.clone())
        .await
        .assert_status(201);
    let importing = Importing { app, admin };

    let file = "id,name,boss,hired,left,due\n1,Ana,,15/05/20,20211231,1/7/2021\n2,Bea,,15/05/0020,,\n3,Cem,,,2020051,\n4,Dan,,,99991231,\n5,Eve,,,,31/12/9999\n";
    let import = importing.plan("small", file).await;

    let rows = importing.rows(&import, "line gt 0").await;
    let ana = &rows[0]["fields"];
    assert_eq!(
        (&ana["hired_on"], &ana["left_on"], &ana["attributes.due"]),
        (&json!("2020-05-15"), &json!("2021-12-31"), &json!("2021-07-01"))
    );
    let expected = [
        (3, "hired_on:year_out_of_range"),
        (4, "left_on:not_a_date"),
        (5, "left_on:year_out_of_range"),
        (6, "attributes.due:year_out_of_range"),
    ];
    assert_eq!(
        outline(&rows[1..]),
        expected.map(|(line, codes)| (line, codes.to_owned()))
    );

    profile["code"] = json!("wide");
    profile["mapping"]["date_years"] = json!({ "first": 1, "last": 9999 });
    importing
        .admin
        .post("/v1/import-profiles", profile.clone())
        .await
        .assert_status(201);
    let import = importing.plan("wide", file).await;
    assert_eq!(import.at("/counts/refuse"), 1, "{}", import.text());
    profile["mapping"]["date_years"] = json!({ "first": 2000, "last": 1999 });
    importing
        .admin
        .post("/v1/import-profiles", profile)
        .await
        .assert_fault("/mapping/date_years/last");
}

#[actix_web::test]
async fn tabs_delimit_cells_and_spaces_part_values() {
    let mut profile = small_profile();
    profile["mapping"]["format"] = json!({ "delimiter": "\t" });
    profile["mapping"]["fields"]["given_name"]["steps"] = json!([{ "step": "take", "separator": " ", "part": 2 }, { "step": "replace", "from": "-", "to": " " }]);
    let importing = Importing::with(profile).await;

    let import = importing
        .plan("small", "id\tname\tboss\n1\tSilva Ana-Rita\t\n")
        .await;

    let rows = importing.rows(&import, "key eq \"1\"").await;
    assert_eq!(rows[0]["fields"]["given_name"], "Ana Rita");
}
