use provost::sql;
use serde_json::json;

use super::{codes, create_course, encoded};
use crate::support::{TestApp, client::Client};

/// Courses in many languages.
async fn catalog() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (code, language, title, description) in [
        ("EN", "en", "Managing risks", "Fire doors and a chat about safety"),
        ("EN2", "en", "Swimming", "The risk of managing water"),
        (
            "ES",
            "es",
            "Introducción a la programación",
            "Programar en Python",
        ),
        ("FR", "fr", "Économie et chat", "Les chevaux nationaux"),
        ("DE", "de", "Häuser bauen", "Vom Haus zum Dorf"),
        ("PT", "pt", "Nações unidas", "Direitos"),
        ("AR", "ar", "العلوم والتكنولوجيا", "مقدمة"),
        ("ZH", "zh", "机器学习入门", "Python 与数据科学"),
        ("JA", "ja", "日本語入門", "データ分析を学ぶ"),
        ("KO", "ko", "한국어 입문", "안전을 배우다"),
        ("TLH", "tlh", "tlhIngan Hol", "Qapla"),
    ] {
        create_course(
            &admin,
            code,
            title,
            json!({"language": language, "description": description}),
        )
        .await;
    }
    (app, admin)
}

async fn found(client: &Client, q: &str, more: &str) -> Vec<String> {
    let path = format!("/v1/courses?q={}{more}", encoded(q));
    codes(&client.get(&path).await.assert_status(200))
}

#[actix_web::test]
async fn each_language_is_searched_by_its_own_word_forms() {
    let (_app, admin) = catalog().await;

    for (q, expected) in [
        ("risk", vec!["EN", "EN2"]),
        ("manages", vec!["EN", "EN2"]),
        ("introducciones", vec!["ES"]),
        ("programando", vec!["ES"]),
        ("introduccion", vec!["ES"]),
        ("economie", vec!["FR"]),
        ("hauser", vec!["DE"]),
        ("économique", vec!["FR"]),
        ("nationale", vec!["FR"]),
        ("häusern", vec!["DE"]),
        ("direito", vec!["PT"]),
        ("علوم", vec!["AR"]),
        ("qapla", vec!["TLH"]),
        ("safety -doors", vec![]),
        ("swimming or safety", vec!["EN2", "EN"]),
        ("\"fire doors\"", vec!["EN"]),
        ("\"doors fire\"", vec![]),
    ] {
        assert_eq!(found(&admin, q, "").await, expected, "{q}");
    }
}

#[actix_web::test]
async fn scripts_without_word_breaks_are_searched_by_any_part_of_a_run() {
    let (_app, admin) = catalog().await;

    for (q, expected) in [
        ("机器学习", vec!["ZH"]),
        ("学习", vec!["ZH"]),
        ("习", vec!["ZH"]),
        ("学器", vec![]),
        ("机习", vec![]),
        ("Python 数据", vec!["ZH"]),
        ("学习 -数据", vec![]),
        ("入門", vec!["JA"]),
        ("データ分析", vec!["JA"]),
        ("안전", vec!["KO"]),
    ] {
        assert_eq!(found(&admin, q, "&sort=code").await, expected, "{q}");
    }
    let mut everywhere = found(&admin, "Python", "").await;
    everywhere.sort();
    assert_eq!(everywhere, ["ES", "ZH"]);
}

#[actix_web::test]
async fn a_number_is_found_with_a_hyphen_before_it_and_without() {
    let (_app, admin) = catalog().await;
    create_course(&admin, "C19", "COVID-19 Training", json!({})).await;
    create_course(&admin, "ISO", "Audits by ISO 9001", json!({})).await;
    create_course(&admin, "ZH19", "新冠-19 培训", json!({"language": "zh"})).await;

    for (q, expected) in [
        ("COVID 19 Training", vec!["C19"]),
        ("COVID-19 training", vec!["C19"]),
        ("\"covid-19\"", vec!["C19"]),
        ("iso-9001", vec!["ISO"]),
        ("iso -9001", vec![]),
        ("新冠 19", vec!["ZH19"]),
        ("audits -covid-19", vec!["ISO"]),
        ("training -covid-19", vec![]),
        ("training -covid-20", vec!["C19"]),
    ] {
        assert_eq!(found(&admin, q, "&sort=code").await, expected, "{q}");
    }
}

#[actix_web::test]
async fn a_search_can_keep_to_one_language() {
    let (_app, admin) = catalog().await;

    assert_eq!(found(&admin, "chat", "&sort=code").await, ["EN", "FR"]);
    assert_eq!(found(&admin, "chat", "&language=fr").await, ["FR"]);
    assert_eq!(found(&admin, "", "&language=ja").await, ["JA"]);
    admin
        .get("/v1/courses?q=chat&language=French")
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?language");
}

#[actix_web::test]
async fn the_best_come_first_and_pages_of_them_neither_skip_nor_repeat() {
    let (_app, admin) = catalog().await;
    for n in 0..5 {
        create_course(
            &admin,
            &format!("F{n}"),
            "Fire",
            json!({"description": "fire ".repeat(n % 2)}),
        )
        .await;
    }
    create_course(&admin, "D", "Doors", json!({"description": "and a word on fire"})).await;

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin
            .get(&format!("/v1/courses?q=fire&limit=2{cursor}"))
            .await
            .assert_status(200);
        seen.extend(codes(&page));
        let Some(next) = page.at("/next_cursor").as_str().map(str::to_owned) else {
            break;
        };
        cursor = format!("&cursor={next}");
    }

    assert_eq!(seen, ["F1", "F3", "F0", "F2", "F4", "EN", "D"]);
}

#[actix_web::test]
async fn a_changed_course_is_found_by_its_new_words() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let course = create_course(
        &admin,
        "A",
        "Fire",
        json!({"tags": ["smoke"], "provider": "Acme"}),
    )
    .await;
    let path = format!("/v1/courses/{}", course.id());
    for q in ["fire", "smoke", "acme"] {
        assert_eq!(found(&admin, q, "").await, ["A"], "{q}");
    }

    let change = json!({"title": "Jardines", "language": "es", "tags": []});
    admin.patch(&path, change).await.assert_status(200);

    assert_eq!(found(&admin, "jardín", "").await, ["A"]);
    assert_eq!(found(&admin, "smoke", "").await, Vec::<String>::new());
}

#[actix_web::test]
async fn no_search_is_an_error_but_one_that_is_too_long() {
    let (_app, admin) = catalog().await;

    for q in [
        "",
        " ",
        "\"",
        "\"\"",
        "-",
        "--",
        "- -",
        "or",
        "or or",
        "& | ! ( ) <-> :* ' \\",
        "'; DROP TABLE courses; --",
        "%",
        "the",
        "\u{1}\u{7f}\u{feff}",
        "\"机",
        "机\"器\"学\"",
        "-\"学",
        "🦀",
        "a:*b",
        "<script>",
        "http://x/?a=b&c=d",
        "ﷺ\u{202e}",
    ] {
        let path = format!("/v1/courses?q={}", encoded(q));
        admin.get(&path).await.assert_status(200);
    }
    for long in ["字".repeat(500), "x".repeat(500), "\"学\" ".repeat(100)] {
        admin
            .get(&format!("/v1/courses?q={}", encoded(&long)))
            .await
            .assert_status(200);
    }
    admin
        .get(&format!("/v1/courses?q={}", "x".repeat(501)))
        .await
        .assert_problem(400, "invalid_parameter")
        .assert_fault("?q");
}

/// Fault 8.
#[actix_web::test]
async fn every_word_is_found_however_it_is_written() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (code, language, title) in [
        ("HS", "en", "Health/Safety"),
        ("HR", "en", "HR/Payroll"),
        ("NODE", "en", "Node.js for all"),
        ("TLS", "en", "TLS1.3 in depth"),
        ("WHO", "en", "Guidelines of the WHO"),
        ("ETE", "fr", "Un été à Paris"),
        ("LODZ", "pl", "Wizyta w Łodzi: Łódź"),
        ("VI", "vi", "An toàn lao động"),
        ("SJO", "nb", "Arbeid på sjøen"),
        ("STR", "de", "Straße und Schiene"),
        ("DA", "da", "Ærlighed og tillid"),
        ("TR", "tr", "İş güvenliği ve ışık"),
        ("TH", "th", "ความปลอดภัยในการทำงาน"),
        ("SAFE-101", "en", "A code"),
        ("APOS", "fr", "Les fondements de l’entreprise"),
    ] {
        create_course(&admin, code, title, json!({"language": language})).await;
    }

    for (q, expected) in [
        ("health", "HS"),
        ("Safety", "HS"),
        ("health/safety", "HS"),
        ("safety health", "HS"),
        ("payroll", "HR"),
        ("hr", "HR"),
        ("node", "NODE"),
        ("js", "NODE"),
        ("Node.js", "NODE"),
        ("tls", "TLS"),
        ("TLS1.3", "TLS"),
        ("tls 1.3", "TLS"),
        ("été", "ETE"),
        ("ete", "ETE"),
        ("lodz", "LODZ"),
        ("łódź", "LODZ"),
        ("lao dong", "VI"),
        ("lao động", "VI"),
        ("sjoen", "SJO"),
        ("sjøen", "SJO"),
        ("strasse", "STR"),
        ("aerlighed", "DA"),
        ("is guvenligi", "TR"),
        ("isik", "TR"),
        ("ปลอดภัย", "TH"),
        ("safe-101", "SAFE-101"),
        ("safe 101", "SAFE-101"),
        ("safe101", "SAFE-101"),
        ("entreprise", "APOS"),
        ("l'entreprise", "APOS"),
    ] {
        assert_eq!(found(&admin, q, "").await, [expected], "{q}");
    }
}

/// Fault 8.
#[actix_web::test]
async fn stop_words_rank_and_never_vanish() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (code, title) in [
        ("A", "Guidelines for all"),
        ("B", "Guidelines of the WHO"),
        ("C", "Everything else"),
        ("D", "Arbeits\u{ad}sicherheit am Lade\u{200b}kran"),
    ] {
        create_course(&admin, code, title, json!({})).await;
    }

    for (q, expected) in [
        ("WHO", vec!["B"]),
        ("WHO guidelines", vec!["B", "A"]),
        ("the guideline", vec!["B", "A"]),
        ("guidelines -who", vec!["A"]),
        ("\"the who\"", vec!["B"]),
        ("who or else", vec!["C", "B"]),
        ("or", vec![]),
        ("arbeitssicherheit ladekran", vec!["D"]),
        ("Ar\u{ad}beitssicherheit", vec!["D"]),
    ] {
        assert_eq!(found(&admin, q, "").await, expected, "{q}");
    }
}

/// Fault 8.
#[actix_web::test]
async fn what_is_spelled_as_typed_comes_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (code, title) in [
        ("PLAIN", "C for beginners"),
        ("PLUS", "C++ for beginners"),
        ("SHARP", "C# for beginners"),
        ("DOT", ".NET for beginners"),
        ("FISH", "A net for beginners"),
    ] {
        create_course(&admin, code, title, json!({})).await;
    }

    for (q, first, count) in [
        ("C", "PLAIN", 3),
        ("C++", "PLUS", 3),
        ("c#", "SHARP", 3),
        ("(C++)", "PLUS", 3),
        ("beginners: C++", "PLUS", 3),
        (".net", "DOT", 2),
        ("net", "FISH", 2),
        ("a net for beginners", "FISH", 2),
        ("sharp", "SHARP", 1),
    ] {
        let found = found(&admin, q, "").await;
        assert_eq!((found[0].as_str(), found.len()), (first, count), "{q}: {found:?}");
    }
}

#[actix_web::test]
async fn runs_without_word_breaks_become_phrases_of_pairs() {
    let app = TestApp::start().await;
    for (typed, query) in [
        ("fire safety", "'fire' & 'safety'"),
        ("机器学习", "'机器' <-> '器学' <-> '学习'"),
        ("-入門 Python", "'python' & !'入門'"),
        ("Python入門", "'python' & '入門'"),
        ("\"机器学 intro\" 文", "'intro' & '机器' <-> '器学' & '文'"),
        ("\"", ""),
    ] {
        let fits = app.write(|tx| {
            let fits = sql!("SELECT 1 WHERE search_query('simple', {typed})::text = {query}");
            Ok(fits.execute(tx.conn)?)
        });
        assert_eq!(fits, 1, "{typed}");
    }
}

#[actix_web::test]
async fn relevance_lists_a_thousand_courses_and_those_with_the_words_in_their_titles_are_among_them() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.write(|tx| {
        let courses = sql!(
            "INSERT INTO courses (id, code, code_folded, status, title, summary, language, created_at, updated_at)
             SELECT {ids}, 'C' || n, 'c' || n, 'draft', 'Course', 'Safety', 'en', {tx.now}, {tx.now}
             FROM generate_series(1, 1010) AS n",
            ids = tx.new_ids(),
        );
        Ok(courses.execute(tx.conn)?)
    });
    create_course(&admin, "LAST", "Safety", json!({"summary": "Drafts"})).await;
    let list = |more: &str| format!("/v1/courses?limit=200&q=safety{more}");

    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&list(&cursor)).await.assert_status(200);
        all.extend(codes(&page));
        match page.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }

    assert_eq!((all.len(), all[0].as_str()), (1_000, "LAST"));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 1_000);
    let filtered = list("&filter=code%20eq%20%22c1010%22");
    assert_eq!(codes(&admin.get(&filtered).await), ["C1010"]);
    let last = admin
        .get(&list("&sort=-title&limit=1").replace("limit=200&", ""))
        .await;
    assert_eq!(codes(&last), ["LAST"]);
}
