//! The steps of a value.

use proptest::prelude::*;
use provost::{
    import::{
        mapping::{LookupTable, Otherwise, Step},
        step::{slug, through},
    },
    years::YEARS,
};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = || ".{0,12}";
    let step = prop_oneof![
        Just(Step::Trim {}),
        Just(Step::CollapseSpaces {}),
        Just(Step::Lower {}),
        Just(Step::Upper {}),
        Just(Step::Slug {}),
        (".{1,3}", text()).prop_map(|(from, to)| Step::Replace { from, to }),
        (text(), any::<i32>()).prop_map(|(separator, part)| Step::Take { separator, part }),
        (0u32..300, ".").prop_map(|(width, with)| Step::PadLeft { width, with }),
        (0u32..50).prop_map(|length| Step::Truncate { length }),
        (
            proptest::collection::btree_map(text(), text(), 0..4),
            0..4usize,
            proptest::option::of(text())
        )
            .prop_map(|(values, otherwise, default)| Step::Lookup {
                values: LookupTable(values),
                otherwise: [
                    Otherwise::Error,
                    Otherwise::Keep,
                    Otherwise::Empty,
                    Otherwise::Default
                ][otherwise],
                default,
            }),
        proptest::collection::vec("[%YymdHjUe/. a-zA-Z-]{0,8}", 0..3)
            .prop_map(|formats| Step::Date { formats }),
        proptest::collection::vec(text(), 0..3).prop_map(|values| Step::Empty { values }),
        text().prop_map(|value| Step::Default { value }),
    ];
    proptest::collection::vec(step, 0..8)
}

proptest! {
    #[test]
    fn no_step_panics_and_no_value_is_empty_text(steps in steps(), text in "\\PC{0,80}|.{0,80}") {
        if let Ok(Some(value)) = through(&steps, text, &YEARS) {
            let by_default = matches!(steps.last(), Some(Step::Default { .. }));
            prop_assert!(!value.is_empty() || by_default);
        }
    }

    #[test]
    fn a_slug_is_its_own_slug(text in "\\PC{0,40}") {
        let once = slug(&text);
        prop_assert_eq!(slug(&once), once);
    }
}

// Fault 2.
#[test]
fn marks_are_letters_of_a_slug() {
    for (text, expected) in [
        ("हिन्दी विभाग", "हिन्दी-विभाग"),
        ("ฝ่ายขาย ที่ 2", "ฝ่ายขาย-ที่-2"),
        ("الإدَارَة العامّة", "الإدَارَة-العامّة"),
        ("می\u{200c}خواهم", "میخواهم"),
        ("Cafe\u{301} & Bar", "cafe\u{301}-bar"),
        ("-\u{301}a", "a"),
        ("++", ""),
    ] {
        assert_eq!(slug(text), expected, "{text}");
    }
}

#[test]
fn steps_do_what_they_say() {
    let cases: &[(&str, &str, Option<&str>)] = &[
        (
            r#"[{"step": "collapse_spaces"}]"#,
            "  Brandon   R ",
            Some("Brandon R"),
        ),
        (
            r#"[{"step": "take", "separator": "/", "part": -1}]"#,
            "https://x.org/course/algebra",
            Some("algebra"),
        ),
        (
            r#"[{"step": "take", "separator": " ", "part": 3}]"#,
            "4 Weeks",
            None,
        ),
        (
            r#"[{"step": "pad_left", "width": 5, "with": "0"}]"#,
            "2148",
            Some("02148"),
        ),
        (
            r#"[{"step": "slug"}]"#,
            "Data Analysis & Statistics",
            Some("data-analysis-statistics"),
        ),
        (
            r#"[{"step": "lookup", "values": {"1": "archived"}, "otherwise": "default", "default": "active"}]"#,
            "0",
            Some("active"),
        ),
        (
            r#"[{"step": "empty", "values": ["NA"]}, {"step": "default", "value": "none"}]"#,
            "NA",
            Some("none"),
        ),
        (
            r#"[{"step": "date", "formats": ["%d.%m.%Y"]}]"#,
            "28.02.2024",
            Some("2024-02-28"),
        ),
    ];
    for (steps, text, expected) in cases {
        let steps: Vec<Step> = serde_json::from_str(steps).unwrap();
        assert_eq!(
            through(&steps, (*text).to_owned(), &YEARS).unwrap().as_deref(),
            *expected,
            "{text}"
        );
    }
}
