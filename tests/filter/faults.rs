//! What is said about filters that are wrong.

use provost::filter::{Filter, Schema};

use super::fixture::schema;

fn faults(text: &str) -> Vec<String> {
    match Filter::parse(text, &schema()) {
        Ok(filter) => panic!("{filter}"),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

fn fault(text: &str) -> String {
    let faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.concat()
}

#[test]
fn grammar_faults_name_the_character_and_what_was_expected() {
    let operator = "expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr";
    let attribute = "expected the name of an attribute, \"not\" or \"(\"";
    let value = "expected a value: text in double quotes, a number, true, false or null";
    for (text, expected) in [
        ("", format!("at character 0: {attribute}")),
        ("active = true", format!("at character 7: {operator}")),
        ("äctive eq true", format!("at character 0: {attribute}")),
        (
            "name eq \"ä😀\" xor active pr",
            "at character 13: expected \"and\", \"or\" or the end of the filter".to_owned(),
        ),
        ("active", format!("at character 6: {operator}")),
        ("active is true", format!("at character 7: {operator}")),
        ("active eq", format!("at character 9: {value}")),
        ("status eq active", format!("at character 10: {value}")),
        ("active pr and", format!("at character 13: {attribute}")),
        ("and eq 1", format!("at character 0: {attribute}")),
        (
            "not active pr",
            "at character 4: expected \"(\" after \"not\"".to_owned(),
        ),
        (
            "(active pr",
            "at character 10: expected \"and\", \"or\" or \")\"".to_owned(),
        ),
        (
            "active pr)",
            "at character 9: expected \"and\", \"or\" or the end of the filter".to_owned(),
        ),
        (
            "emails[type pr",
            "at character 14: expected \"and\", \"or\" or \"]\"".to_owned(),
        ),
        (
            "emails[emails[type pr]]",
            "at character 13: brackets may not stand in brackets".to_owned(),
        ),
        (
            "name eq \"x",
            "at character 8: this text has no closing double quote".to_owned(),
        ),
        (
            "name eq \"\\u0000\"",
            "at character 8: this text holds the character U+0000, which cannot be stored".to_owned(),
        ),
        (
            "hired_on gt -P30D",
            "at character 12: -P30D is not a number; text, dates and durations stand in double quotes"
                .to_owned(),
        ),
        (
            "level eq 007",
            "at character 9: 007 is not a number; text, dates and durations stand in double quotes"
                .to_owned(),
        ),
        (
            "score eq 1e999",
            "at character 9: 1e999 is not a number; text, dates and durations stand in double quotes"
                .to_owned(),
        ),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

#[test]
fn text_with_a_bad_escape_is_refused() {
    for text in ["name eq \"\\x\"", "name eq \"\\ud800\"", "name eq \"a\nb\""] {
        assert!(
            fault(text).starts_with("at character 8: this text is not a JSON string"),
            "{text}"
        );
    }
}

#[test]
fn all_faults_of_meaning_are_found() {
    assert_eq!(
        faults("nmae eq \"x\" and (status eq \"gone\" or level eq \"3\") and not (active gt true)"),
        [
            "at character 0: unknown attribute \"nmae\"; did you mean \"name\"?; custom attributes are written \"attributes.{name}\"",
            "at character 27: \"status\" is one of: \"active\", \"on_leave\", \"archived\"",
            "at character 46: \"level\" is an integer: expected a whole number without quotes",
            "at character 67: \"active\" takes eq, ne and pr, not gt",
        ]
    );
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    for (text, expected) in [
        ("name eq 1", "\"name\" is text: expected a value in double quotes"),
        (
            "active eq \"true\"",
            "\"active\" is true or false: expected one of the two, without quotes",
        ),
        (
            "level eq 1.5",
            "\"level\" is an integer: expected a whole number without quotes",
        ),
        (
            "level eq 9223372036854775808",
            "\"level\" is an integer: expected a whole number without quotes",
        ),
        (
            "score eq \"1\"",
            "\"score\" is a number: expected one without quotes",
        ),
        (
            "key eq \"1\"",
            "\"key\" is an id: expected a UUID in double quotes",
        ),
        ("level gt null", "null takes eq and ne, not gt"),
        ("emails[type pr].value gt null", "null takes eq and ne, not gt"),
    ] {
        assert!(
            fault(text).ends_with(&format!(": {expected}")),
            "{text}: {}",
            fault(text)
        );
    }
}

#[test]
fn days_and_durations_that_do_not_exist_are_refused() {
    for text in [
        "2026-02-30",
        "2023-02-29",
        "0000-01-01",
        "10000-01-01",
        "2026-1-1",
        "2026-01-31T00:00:00Z",
        "P",
        "PT",
        "P1",
        "P1D1M",
        "P1.5D",
        "-P-1D",
        "p1d",
        "P1M1M",
    ] {
        let expected = "\"hired_on\" is a date: expected one such as \"2026-01-31\" or a duration from today such as \"-P30D\"";
        assert_eq!(
            fault(&format!("hired_on gt \"{text}\"")),
            format!("at character 12: {expected}")
        );
    }
    for text in ["P1001Y", "P99999999999Y", "-P366001D", "P4294967295W"] {
        assert!(
            fault(&format!("hired_on gt \"{text}\"")).contains("at most 1,000 years"),
            "{text}"
        );
    }
    assert!(fault("hired_on gt \"-PT12H\"").contains("hours, minutes and seconds mean nothing"));
    for text in [
        "2026-01-31T25:00:00Z",
        "2016-12-31T23:59:61Z",
        "2026-01-31T00:00:00",
        "0000-12-31T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
    ] {
        assert!(
            fault(&format!("seen_at gt \"{text}\"")).contains("\"seen_at\" is an instant"),
            "{text}"
        );
    }
}

#[test]
fn unknown_names_are_met_with_a_suggestion_or_the_list() {
    assert!(fault("HiredOn pr").contains("did you mean \"hired_on\"?"));
    assert!(fault("emails.typ pr").contains("did you mean \"emails.type\"?"));
    assert!(
        fault("emails[type pr].valeu pr")
            .starts_with("at character 16: unknown attribute \"valeu\"; did you mean")
    );
    assert!(fault("emails[typ pr]").ends_with("did you mean \"type\"?"));
    assert!(
        fault("emails[hired_on pr]").ends_with("the attributes are \"type\", \"value\", \"verified_on\"")
    );
    assert!(fault("x.y pr").contains("the attributes are \"name\", \"code\", \"status\""));
    assert!(fault("name.first pr").contains("unknown attribute \"name.first\""));
}

/// Fault 10.
#[test]
fn an_unknown_name_is_met_with_how_custom_attributes_are_written() {
    let hint = "; custom attributes are written \"attributes.{name}\"";
    for text in ["badge eq \"1\"", "HiredOn pr", "attributes pr", "zz pr"] {
        assert!(fault(text).ends_with(hint), "{text}: {}", fault(text));
    }
    for text in ["emails[typ pr]", "attributes.badgr pr"] {
        assert!(!fault(text).contains(hint), "{text}: {}", fault(text));
    }
    let without_custom = Schema::new(&[]);
    let fault = Filter::parse("attributes.badge pr", &without_custom)
        .unwrap_err()
        .to_string();
    assert!(!fault.contains("custom") && !fault.contains("defined"), "{fault}");
}

/// There may be a thousand, and not everybody may read what is defined.
#[test]
fn custom_attributes_are_not_told_to_who_does_not_name_them() {
    for text in [
        "zz pr",
        "attributes.nickmane pr",
        "nickname pr",
        "attributes.badgr pr",
    ] {
        let fault = fault(text);
        assert!(!fault.contains("attributes.nickname"), "{fault}");
        assert!(!fault.contains("attributes.badge"), "{fault}");
    }
    assert!(
        fault("attributes.nickmane pr")
            .ends_with("unknown attribute \"attributes.nickmane\"; no attribute is defined under this name")
    );
}

#[test]
fn brackets_want_an_attribute_with_parts() {
    assert_eq!(
        fault("name[type pr]"),
        "at character 0: \"name\" has no parts to filter by in brackets"
    );
}
