//! Which representation a client gets.

use actix_web::test::TestRequest;
use provost::http::accept::preferred;

#[test]
fn the_client_gets_what_it_likes_best() {
    let offered = ["text/html", "application/json"];
    for (accept, expected) in [
        ("", Some("text/html")),
        ("*/*", Some("text/html")),
        ("application/json", Some("application/json")),
        ("text/html, application/json;q=0.9", Some("text/html")),
        ("text/html;q=0.5, application/*", Some("application/json")),
        ("*/*;q=0.1, application/json", Some("application/json")),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Some("text/html")),
        ("text/html;q=0, */*", Some("application/json")),
        ("image/png", None),
    ] {
        let request = TestRequest::default().insert_header(("accept", accept));
        let found = preferred(&request.to_http_request(), &offered);
        assert_eq!(found, expected, "{accept}");
    }
}
