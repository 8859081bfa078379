//! What may be written, seen through the canonical form.

use provost::filter::{Filter, MAX_CLAUSES, MAX_DEPTH, MAX_LENGTH};

use super::fixture::schema;

fn canonical(text: &str) -> String {
    match Filter::parse(text, &schema()) {
        Ok(filter) => filter.to_string(),
        Err(errors) => panic!("{text}: {errors}"),
    }
}

#[test]
fn and_binds_tighter_than_or() {
    let text = "level eq 1 or level eq 2 and active eq true or (level eq 3 or active pr) and level eq 4";
    assert_eq!(
        canonical(text),
        "level eq 1 or level eq 2 and active eq true or (level eq 3 or active pr) and level eq 4"
    );
}

#[test]
fn parentheses_that_change_nothing_are_dropped() {
    assert_eq!(
        canonical("((level eq 1) and ((active pr) and level eq 2))"),
        "level eq 1 and active pr and level eq 2"
    );
    assert_eq!(canonical("not (not(level eq 1))"), "not (not (level eq 1))");
}

#[test]
fn names_operators_and_keywords_ignore_case() {
    assert_eq!(
        canonical("NAME Eq \"Ann\" AND Not (ACTIVE eq TRUE) Or EMAILS.Type PR"),
        "name eq \"Ann\" and not (active eq true) or emails.type pr"
    );
}

#[test]
fn values_are_json() {
    assert_eq!(
        canonical(r#"name eq "a\"\u00e9\ud83d\ude00\\""#),
        r#"name eq "aé😀\\""#.replace("aé", "a\\\"é")
    );
    assert_eq!(canonical("score lt -1.50e2"), "score lt -150.0");
    assert_eq!(
        canonical("level eq 1e3 or level eq 134.0"),
        "level eq 1000 or level eq 134"
    );
    assert_eq!(
        canonical("name eq null or name ne NULL"),
        "name eq null or name ne null"
    );
}

#[test]
fn value_paths_filter_by_the_parts_of_one_value() {
    assert_eq!(
        canonical("emails[type eq \"WORK\" and not (value co \"@x\" or verified_on pr)] and emails pr"),
        "emails[type eq \"work\" and not (value co \"@x\" or verified_on pr)] and emails pr"
    );
}

#[test]
fn a_part_may_follow_a_value_path() {
    for (text, expected) in [
        (
            "emails[type eq \"work\"].value eq \"x\"",
            "emails[type eq \"work\" and value eq \"x\"]",
        ),
        (
            "emails[type eq \"work\"].value ne \"x\"",
            "not (emails[type eq \"work\" and value eq \"x\"])",
        ),
        (
            "emails[type eq \"work\"].value pr",
            "emails[type eq \"work\" and value pr]",
        ),
        (
            "emails[type pr or value pr].value eq null",
            "not (emails[(type pr or value pr) and value pr])",
        ),
    ] {
        assert_eq!(canonical(text), expected);
    }
}

#[test]
fn a_complex_attribute_stands_for_its_value() {
    assert_eq!(canonical("emails co \"@x\""), "emails.value co \"@x\"");
    assert_eq!(canonical("emails eq null"), "not (emails pr)");
}

#[test]
fn names_may_follow_a_known_urn() {
    let schema = schema().with_urns(&["urn:ietf:params:scim:schemas:core:2.0:User"]);
    let filter = Filter::parse(
        "URN:ietf:params:scim:schemas:core:2.0:User:emails.type eq \"work\"",
        &schema,
    )
    .unwrap();
    assert_eq!(filter.to_string(), "emails.type eq \"work\"");

    assert!(Filter::parse("urn:example:2.0:User:name eq \"x\"", &schema).is_err());
}

#[test]
fn a_filter_keeps_its_source() {
    let text = "  (LEVEL eq 1)";
    assert_eq!(Filter::parse(text, &schema()).unwrap().source(), text);
}

#[test]
fn limits_are_reached_and_not_passed() {
    let schema = schema();
    let parse = |text: String| Filter::parse(&text, &schema).map_err(|errors| errors.to_string());

    let deep = |depth| format!("{}active pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(deep(MAX_DEPTH)).is_ok());
    let error = parse(deep(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(
        error,
        "at character 32: parentheses and brackets may nest 32 deep"
    );

    let wide = |clauses| vec!["active pr"; clauses].join(" or ");
    assert!(parse(wide(MAX_CLAUSES)).is_ok());
    let error = parse(wide(MAX_CLAUSES + 1)).unwrap_err();
    assert_eq!(error, "at character 1300: a filter has at most 100 comparisons");

    let long = |length| format!("{:length$}", "active pr");
    assert!(parse(long(MAX_LENGTH)).is_ok());
    let error = parse(long(MAX_LENGTH + 1)).unwrap_err();
    assert_eq!(error, "at character 4096: a filter has at most 4096 characters");
}
