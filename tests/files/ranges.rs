//! Parts of a file, and which files browsers show.

use actix_web::{HttpResponse, http::header, test::TestRequest};
use provost::files::serve::{is_harmless, part};

#[test]
fn ranges_are_those_of_rfc_9110() {
    let (all, nothing) = (Some(0..100), None);
    let cases = [
        ("bytes=0-9", Some(0..10)),
        ("bytes=0-0", Some(0..1)),
        ("bytes=90-", Some(90..100)),
        ("bytes=90-200", Some(90..100)),
        ("bytes=-10", Some(90..100)),
        ("bytes=-1000", all.clone()),
        ("bytes=100-", nothing.clone()),
        ("bytes=-0", nothing),
        ("bytes=9-0", all.clone()),
        ("bytes=-", all.clone()),
        ("bytes=a-5", all.clone()),
        ("bytes=5-a", all.clone()),
        ("bytes=0-1,5-6", all.clone()),
        ("bytes=99999999999999999999999-", all.clone()),
        ("pages=0-9", all),
    ];
    for (range, expected) in cases {
        let request = TestRequest::default()
            .insert_header((header::RANGE, range))
            .to_http_request();
        assert_eq!(
            part(&request, &mut HttpResponse::Ok(), "\"a\"", 100),
            expected,
            "{range}"
        );
    }
}

#[test]
fn only_what_runs_nothing_is_shown() {
    for harmless in [
        "image/png",
        "image/jpeg",
        "audio/mpeg",
        "video/mp4",
        "application/pdf",
        "text/plain",
    ] {
        assert!(is_harmless(harmless), "{harmless}");
    }
    for other in [
        "image/svg+xml",
        "text/html",
        "application/xml",
        "application/zip",
        "text/csv",
        "x",
    ] {
        assert!(!is_harmless(other), "{other}");
    }
}
