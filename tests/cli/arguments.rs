//! What is said about arguments and settings that cannot be taken.

use std::process::Command;

fn said(arguments: &[&str], variable: Option<(&str, &str)>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_provost"))
        .args(arguments)
        // Should the settings be taken after all, this ends at once.
        .env("DATABASE_URL", "postgres://127.0.0.1:1/none")
        .envs(variable)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap().trim().to_owned()
}

#[test]
fn an_argument_without_a_variable_is_named_alone_and_its_bounds_are_told() {
    for (arguments, sentence) in [
        (
            &["demo", "--people", "10"][..],
            "--people is \"10\": give a whole number from 50 to 50000.",
        ),
        (
            &["demo", "--seed", "x"],
            "--seed is \"x\": give a whole number from 0 to 18446744073709551615.",
        ),
        (
            &[
                "import",
                "f.csv",
                "--profile",
                "hr",
                "--allow-removals-percent",
                "101",
            ],
            "--allow-removals-percent is \"101\": give a whole number from 0 to 100.",
        ),
    ] {
        assert_eq!(said(arguments, None), sentence);
    }
}

#[test]
fn a_setting_is_named_by_its_variable_and_its_flag() {
    assert_eq!(
        said(&["serve"], Some(("PROVOST_HTTP_THREADS", "0"))),
        "PROVOST_HTTP_THREADS (or --http-threads) is \"0\": give a whole number from 1 to 256."
    );
    assert!(
        said(&["serve", "--database-url", "mysql://x"], None)
            .starts_with("DATABASE_URL (or --database-url) is \"mysql://x\": give a PostgreSQL URL")
    );
}

#[test]
fn origins_addresses_and_folders_that_cannot_be_used_stop_the_start() {
    for (variable, value, fix) in [
        ("PROVOST_CORS_ORIGINS", "notanorigin", "give scheme and host"),
        (
            "PROVOST_CONTENT_URL",
            "https://content.example.net/{package}",
            "{package} must be the first part of the host",
        ),
        (
            "PROVOST_CORS_ORIGINS",
            "https://learn.example.com/",
            "give scheme and host",
        ),
        (
            "PROVOST_CORS_ORIGINS",
            "https://Learn.example.com",
            "give scheme and host",
        ),
        (
            "PROVOST_CORS_ORIGINS",
            "capacitor://localhost/app",
            "give scheme and host",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "http://a b",
            "give an http:// or https:// address",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "https:a.example",
            "give an http:// or https:// address",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "http://a.example/l m",
            "give an http:// or https:// address",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "http://a.example?x=1",
            "give an http:// or https:// address",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "http://a.example#x",
            "give an http:// or https:// address",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "http://a.example/",
            "give an http:// or https:// address",
        ),
        (
            "PROVOST_PUBLIC_URL",
            "ftp://a.example",
            "give an http:// or https:// address",
        ),
        ("PROVOST_DATA_DIR", "", "give a folder."),
        ("PROVOST_POSTGRES_BIN", "", "give a folder."),
    ] {
        let told = said(&["serve"], Some((variable, value)));
        let flag = variable
            .trim_start_matches("PROVOST_")
            .to_lowercase()
            .replace('_', "-");
        let sentence = format!("{variable} (or --{flag}) is \"{value}\": {fix}");
        assert!(told.starts_with(&sentence), "{told}");
    }
    let two = said(&["serve", "--cors-origins", "https://a.example, b.example"], None);
    assert!(
        two.starts_with("PROVOST_CORS_ORIGINS (or --cors-origins) is"),
        "{two}"
    );
    assert!(two.contains("b.example"), "{two}");
    let empty = said(&["import", "", "--profile", "hr"], None);
    assert!(empty.ends_with("is \"\": give a value."), "{empty}");
}
