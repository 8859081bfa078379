//! What a reader, a checker and a text extractor make of the certificates. Needs `qpdf` and
//! `pdftotext` (poppler-utils) on the machine.

use std::io::Write;
use std::process::{Command, Stdio};

use chrono::{NaiveDate, TimeZone, Utc};

use provost::credential::pdf::{
    self, CertificateDocument, Orientation, PageSize, RenderError, Signature, Template,
};

const URL: &str = "https://academy.example.com/verify/CERT-7F3K-92QX";

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn document<'a>(name: &'a str, course: &'a str, template: &'a Template) -> CertificateDocument<'a> {
    CertificateDocument {
        name,
        course,
        completed_on: day(2026, 11, 21),
        valid_until: Some(day(2028, 11, 20)),
        serial: "CERT-7F3K-92QX",
        verification_url: URL,
        issuer: "Northwind Academy",
        issued_at: Utc.with_ymd_and_hms(2026, 11, 21, 9, 30, 0).unwrap(),
        template,
        font_dir: None,
    }
}

fn render(document: &CertificateDocument<'_>) -> Result<Vec<u8>, RenderError> {
    pdf::render(document).map(|rendered| rendered.pdf)
}

fn in_language(language: &str) -> Template {
    Template {
        language: language.to_owned(),
        ..Template::default()
    }
}

fn signed() -> Template {
    let signature = Signature {
        name: "Dr. Iris Lindqvist".to_owned(),
        title: "Head of Learning".to_owned(),
    };
    Template {
        signature: Some(signature),
        ..Template::default()
    }
}

/// What `tool` prints when it reads `pdf`; fails the test if it finds fault.
fn run(tool: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let mut child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{tool}: {error}; install poppler-utils and qpdf"));
    child.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn text(pdf: &[u8]) -> String {
    run("pdftotext", &["-layout", "-", "-"], pdf)
}

fn words(pdf: &[u8]) -> String {
    text(pdf).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_one_sound_page(pdf: &[u8]) {
    assert!(pdf.starts_with(b"%PDF-"));
    let mut file = tempfile();
    file.1.write_all(pdf).unwrap();
    run("qpdf", &["--check", &file.0], &[]);
    assert_eq!(run("qpdf", &["--show-npages", &file.0], &[]).trim(), "1");
    std::fs::remove_file(file.0).unwrap();
}

fn tempfile() -> (String, std::fs::File) {
    let name = format!("certificate-{}.pdf", uuid::Uuid::now_v7());
    let path = std::env::temp_dir().join(name);
    let file = std::fs::File::create(&path).unwrap();
    (path.to_str().unwrap().to_owned(), file)
}

#[test]
fn a_certificate_says_who_completed_what_and_when() {
    let template = signed();
    let pdf = render(&document(
        "Zoë Griffin-Łukasz",
        "Efficient Office Traffic",
        &template,
    ))
    .unwrap();

    assert_one_sound_page(&pdf);
    let words = words(&pdf);
    for expected in [
        "Northwind Academy",
        "Certificate of Completion",
        "Zoë Griffin-Łukasz",
        "Efficient Office Traffic",
        "on 21 November 2026",
        "Valid until 20 November 2028",
        "Certificate no. CERT-7F3K-92QX",
        URL,
        "Dr. Iris Lindqvist",
    ] {
        assert!(words.contains(expected), "{expected:?} is not in {words:?}");
    }
}

#[test]
fn a_serial_stays_in_one_piece() {
    let serial = "WWWWW-WFS4M-ZBPYF-DPXE7-WT813S";
    for orientation in [Orientation::Landscape, Orientation::Portrait] {
        let template = Template {
            orientation,
            ..signed()
        };
        let certificate = CertificateDocument {
            serial,
            ..document("Zoë Griffin-Łukasz", "Fire Safety", &template)
        };
        let text = text(&render(&certificate).unwrap());
        assert!(text.contains(serial), "{serial:?} is not in {text:?}");
    }
}

#[test]
fn names_in_other_scripts_can_be_copied() {
    for (name, language) in [
        ("محمد عبد الله", "en"),
        ("محمد عبد الله", "ar"),
        ("דוד בן־גוריון", "en"),
        ("王小明", "zh"),
        ("山田太郎", "ja"),
        ("김민준", "ko"),
        ("प्रिया शर्मा", "hi"),
        ("สมชาย ใจดี", "th"),
        ("Αλέξανδρος Παπαδόπουλος", "el"),
        ("Катерина Шевченко", "uk"),
    ] {
        let template = in_language(language);
        let pdf = render(&document(name, "Fire Safety", &template)).unwrap();

        assert_one_sound_page(&pdf);
        let text = text(&pdf);
        for word in name.split_whitespace() {
            assert!(text.contains(word), "{word:?} in {language} is not in {text:?}");
        }
    }
}

#[test]
fn a_sentence_keeps_its_order_around_a_right_to_left_name() {
    let mut template = Template::default();
    template.lines[0].text = "We certify that {name} has passed.".to_owned();
    let pdf = render(&document("דוד", "Fire Safety", &template)).unwrap();

    assert!(words(&pdf).contains("We certify that"), "{}", words(&pdf));
    assert!(words(&pdf).contains("has passed."), "{}", words(&pdf));
}

#[test]
fn long_texts_stay_on_one_page() {
    let title = "Safe handling of hazardous materials ".repeat(9);
    let unbroken = "W".repeat(300);
    for (orientation, page_size) in [
        (Orientation::Landscape, PageSize::A4),
        (Orientation::Portrait, PageSize::A4),
        (Orientation::Landscape, PageSize::Letter),
        (Orientation::Portrait, PageSize::Letter),
    ] {
        let template = Template {
            orientation,
            page_size,
            ..signed()
        };
        for (name, course) in [("Ada Lovelace", title.as_str()), (&unbroken, &unbroken)] {
            let pdf = render(&document(name, course, &template)).unwrap();

            assert_one_sound_page(&pdf);
            let letters: String = text(&pdf).split_whitespace().collect();
            let expected: String = course.split_whitespace().collect();
            assert!(letters.contains(&expected), "the title is cut in {letters:?}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_on_every_thread() {
    let template = signed();
    let render_one = || render(&document("محمد Griffin 王", "Fire Safety", &template)).unwrap();
    let first = render_one();

    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(render_one)).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == first);
        }
    });
}

#[test]
fn a_character_without_a_glyph_is_replaced_and_hides_nothing_else() {
    let template = Template::default();
    let pdf = render(&document(
        "Ada \u{1F9E8}\u{E000}\u{7}Lovelace",
        "Fire Safety",
        &template,
    ))
    .unwrap();

    assert_one_sound_page(&pdf);
    assert!(
        words(&pdf).contains("Ada \u{FFFD}\u{FFFD} Lovelace"),
        "{}",
        words(&pdf)
    );
}

#[test]
fn a_letter_whose_mark_has_no_glyph_is_printed_without_it() {
    let template = Template::default();
    let pdf = render(&document("A\u{20EC}da Aaron", "Fire Safety", &template)).unwrap();

    assert!(words(&pdf).contains("Ada Aaron"), "{}", words(&pdf));
    let marks_of_three_scripts = "\u{FCE}\u{A81}\u{A3E}";
    render(&document(marks_of_three_scripts, "Fire Safety", &template)).unwrap();
}

#[test]
fn a_name_cannot_turn_the_direction_of_the_text() {
    let template = Template::default();
    let pdf = render(&document(
        "\u{202E}ecalevoL\u{2069}\u{202C} adA",
        "Fire Safety",
        &template,
    ));

    assert!(words(&pdf.unwrap()).contains("ecalevoL adA"));
}

#[test]
fn a_certificate_that_does_not_expire_says_nothing_of_expiry() {
    let template = Template::default();
    let document = CertificateDocument {
        valid_until: None,
        ..document("Ada", "Fire", &template)
    };

    assert!(!words(&render(&document).unwrap()).contains("Valid"));
}

#[test]
fn readers_are_told_title_language_and_date() {
    let template = in_language("de");
    let pdf = render(&document("Ada Lovelace", "Brandschutz", &template)).unwrap();

    let info = run("pdfinfo", &["-isodates", "-"], &pdf);
    assert!(
        info.contains("Certificate of Completion – Ada Lovelace"),
        "{info}"
    );
    assert!(info.contains("2026-11-21T09:30:00Z"), "{info}");
    assert!(info.contains("Tagged:          yes"), "{info}");
    assert!(words(&pdf).contains("on 21. November 2026"));
}

#[test]
fn a_template_that_is_wrong_names_every_wrong_field() {
    let mut template = Template {
        heading: String::new(),
        ..Template::default()
    };
    template.lines[1].text = "{nmae} }".to_owned();
    template.colors.accent = "#12345é".to_owned();
    template.language = "no such language".to_owned();

    let errors = template.check().unwrap_err();
    let listed: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        listed,
        [
            "heading: may not be empty",
            "lines[1].text: there is no placeholder `{nmae}`",
            "lines[1].text: a brace has no partner",
            "colors.accent: is not a colour of the form #rrggbb",
            "language: is not a language tag",
        ]
    );
    let refused = render(&document("Ada", "Fire", &template));
    assert!(matches!(refused, Err(RenderError::Template(_))));
}

#[test]
fn a_template_survives_json_and_takes_defaults_for_what_is_absent() {
    let json = serde_json::to_value(signed()).unwrap();
    assert_eq!(serde_json::from_value::<Template>(json).unwrap(), signed());

    let partial = serde_json::json!({ "heading": "Urkunde", "page_size": "letter" });
    let partial: Template = serde_json::from_value(partial).unwrap();
    assert_eq!(partial.heading, "Urkunde");
    assert_eq!(partial.lines, Template::default().lines);
    assert!(serde_json::from_value::<Template>(serde_json::json!({ "hedding": "" })).is_err());
}

#[test]
fn an_address_that_no_qr_code_can_hold_is_refused() {
    let template = Template::default();
    let address = format!("https://example.com/{}", "x".repeat(3000));
    let document = CertificateDocument {
        verification_url: &address,
        ..document("Ada", "Fire", &template)
    };

    let refused = render(&document);
    assert!(matches!(
        refused,
        Err(RenderError::AddressTooLong | RenderError::DoesNotFit)
    ));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_learner_is_called_a_certificate_comes_out(name in ".{0,40}", course in "[\u{20}-\u{2FFF}]{0,30}") {
        let template = Template::default();
        let pdf = render(&document(&name, &course, &template));
        proptest::prop_assert!(pdf.is_ok(), "{:?}", pdf.err());
    }
}
