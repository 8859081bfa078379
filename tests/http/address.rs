//! Where a request comes from.

use actix_web::test::TestRequest;
use clap::Parser;
use provost::{config::Config, http::address};

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

fn found(arguments: &[&str], peer: &str, headers: &[(&str, &str)]) -> String {
    let arguments = std::iter::once(&"provost").chain(arguments);
    let config = Defaults::parse_from(arguments).config;
    let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
    for (name, value) in headers {
        request = request.append_header((*name, *value));
    }
    let request = request.to_srv_request();
    let kept = address::remember(&request, &config).unwrap();
    assert_eq!(address::of(request.request()), Some(kept));
    kept.to_string()
}

#[test]
fn headers_of_those_who_are_not_trusted_count_for_nothing() {
    let spoofed = [
        ("x-forwarded-for", "198.51.100.9"),
        ("forwarded", "for=198.51.100.9"),
    ];
    assert_eq!(found(&[], "203.0.113.7:4000", &spoofed), "203.0.113.7");
    let proxies = ["--trusted-proxies", "10.0.0.0/8"];
    assert_eq!(found(&proxies, "203.0.113.7:4000", &spoofed), "203.0.113.7");
    // The setting names one header; the other is passed on as the client wrote it.
    assert_eq!(found(&proxies, "10.0.0.1:1", &spoofed[1..]), "10.0.0.1");
}

#[test]
fn the_right_most_address_that_is_not_trusted_is_the_clients() {
    let proxies = ["--trusted-proxies", "10.0.0.0/8, 192.0.2.1,2001:db8::/32"];
    for (header, expected) in [
        ("198.51.100.9", "198.51.100.9"),
        ("1.2.3.4, 198.51.100.9, 192.0.2.1", "198.51.100.9"),
        ("1.2.3.4,198.51.100.9:5060", "198.51.100.9"),
        ("::ffff:198.51.100.9", "198.51.100.9"),
        ("[2a00::1]:443, 2001:db8::7", "2a00::1"),
        ("198.51.100.9, unknown", "10.0.0.1"),
        ("198.51.100.9, unknown, 192.0.2.1", "192.0.2.1"),
        ("10.9.9.9", "10.9.9.9"),
        ("", "10.0.0.1"),
    ] {
        let given = [("x-forwarded-for", header)];
        assert_eq!(found(&proxies, "10.0.0.1:1", &given), expected, "{header}");
    }
    let lines = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-for", "198.51.100.9"),
    ];
    assert_eq!(found(&proxies, "10.0.0.1:1", &lines), "198.51.100.9");
}

#[test]
fn forwarded_is_read_where_the_setting_says_so() {
    let arguments = ["--trusted-proxies", "10.0.0.1", "--proxy-header", "forwarded"];
    for (header, expected) in [
        ("for=198.51.100.9;proto=https;by=10.0.0.1", "198.51.100.9"),
        ("For=1.2.3.4, For=\"[2a00::1]:4711\"", "2a00::1"),
        ("for=\"_hidden\"", "10.0.0.1"),
    ] {
        let given = [("forwarded", header)];
        assert_eq!(found(&arguments, "10.0.0.1:1", &given), expected, "{header}");
    }
}
