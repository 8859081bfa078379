//! What packages store: merging, and what an attempt comes to.

use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use provost::learning::package::Package;
use provost::learning::runtime::{
    elements::Standard,
    merge::{ElementChange, Elements, checked, merge},
    report::{AttemptCompletion, AttemptSuccess, ItemRules, Report, of_attempt, of_item},
};

use crate::support::soak;

fn change(element: &str, value: &str, seq: i64) -> ElementChange {
    ElementChange {
        element: element.to_owned(),
        value: value.to_owned(),
        seq,
    }
}

fn stored(standard: Standard, values: &[(&str, &str)]) -> Elements {
    let changes = values
        .iter()
        .zip(1..)
        .map(|((element, value), seq)| change(element, value, seq));
    checked(standard, changes.collect()).unwrap()
}

/// Whatever order changes arrive in, and however often: the one with the highest number stays.
#[test]
fn an_older_change_never_replaces_a_newer_one() {
    let mut runner = TestRunner::deterministic();
    let changes = proptest::collection::vec((0..4_usize, 1..30_i64), 1..30);
    for _ in 0..soak(2_000) {
        let sent = changes.new_tree(&mut runner).unwrap().current();
        let mut elements = Elements::new();
        let mut model: BTreeMap<String, i64> = BTreeMap::new();
        for (element, seq) in sent {
            let element = format!("cmi.objectives.{element}.id");
            let one = checked(Standard::Scorm12, vec![change(&element, &seq.to_string(), seq)]).unwrap();
            merge(&mut elements, one);
            let newest = model.entry(element).or_default();
            *newest = (*newest).max(seq);
        }
        for (element, seq) in model {
            assert_eq!(elements[&element].value, seq.to_string());
        }
    }
}

#[test]
fn packages_of_scorm_12_report_by_status_and_score() {
    let of = |rules: &ItemRules, values: &[(&str, &str)]| {
        of_item(Standard::Scorm12, rules, &stored(Standard::Scorm12, values), 60)
    };
    let none = ItemRules::default();
    let passed = of(
        &none,
        &[
            ("cmi.core.lesson_status", "passed"),
            ("cmi.core.score.raw", "15"),
            ("cmi.core.score.max", "20"),
            ("cmi.core.session_time", "0000:01:00"),
        ],
    );
    assert_eq!(
        (
            passed.success,
            passed.score,
            passed.progress_percent,
            passed.seconds
        ),
        (AttemptSuccess::Passed, Some(75.0), 100, 120)
    );
    // The manifest's mastery score decides, once the package is done.
    let mastery = ItemRules {
        mastery_score: Some(80.0),
        ..none
    };
    let under = |status| {
        of(
            &mastery,
            &[("cmi.core.lesson_status", status), ("cmi.core.score.raw", "70")],
        )
    };
    assert_eq!(under("completed").success, AttemptSuccess::Failed);
    assert_eq!(under("passed").success, AttemptSuccess::Failed);
    assert_eq!(under("incomplete").success, AttemptSuccess::Unknown);
    assert!(!under("completed").is_completed());
}

#[test]
fn packages_of_scorm_2004_report_by_thresholds_too() {
    let rules = ItemRules {
        completion_threshold: Some(0.5),
        scaled_passing_score: Some(0.7),
        ..ItemRules::default()
    };
    let of = |values: &[(&str, &str)]| {
        of_item(
            Standard::Scorm2004,
            &rules,
            &stored(Standard::Scorm2004, values),
            0,
        )
    };
    let report = of(&[
        ("cmi.progress_measure", "0.4"),
        ("cmi.completion_status", "completed"),
    ]);
    assert_eq!(
        (report.completion, report.progress_percent),
        (AttemptCompletion::Incomplete, 40)
    );
    let report = of(&[("cmi.score.scaled", "0.69"), ("cmi.success_status", "passed")]);
    assert_eq!(
        (report.success, report.score.map(f64::round)),
        (AttemptSuccess::Failed, Some(69.0))
    );
}

/// The statuses are those that scorm-again tells a package which sets the same.
#[test]
fn where_the_manifest_decides_by_a_measure_nothing_else_does() {
    let of = |rules: &ItemRules, values: &[(&str, &str)]| {
        let report = of_item(
            Standard::Scorm2004,
            rules,
            &stored(Standard::Scorm2004, values),
            0,
        );
        (report.completion, report.success, report.score)
    };
    let (unknown, said) = (AttemptSuccess::Unknown, AttemptSuccess::Passed);
    let scored = ItemRules {
        scaled_passing_score: Some(0.7),
        primary_objective: Some("doors".to_owned()),
        ..ItemRules::default()
    };
    let passed = ("cmi.success_status", "passed");
    assert_eq!(of(&scored, &[passed]).1, unknown);
    assert_eq!(of(&scored, &[passed, ("cmi.score.raw", "90")]).1, unknown);
    assert_eq!(of(&scored, &[("cmi.score.scaled", "0.7")]).1, said);
    let measured = ItemRules {
        completion_threshold: Some(0.5),
        ..ItemRules::default()
    };
    let completed = ("cmi.completion_status", "completed");
    assert_eq!(of(&measured, &[completed]).0, AttemptCompletion::Unknown);
    assert_eq!(
        of(&measured, &[("cmi.progress_measure", "0.5")]).0,
        AttemptCompletion::Completed
    );
    // What an item says of its primary objective, it says of itself.
    let objectives = [
        ("cmi.objectives.0.id", "windows"),
        ("cmi.objectives.0.score.scaled", "0.1"),
        ("cmi.objectives.1.id", "doors"),
        ("cmi.objectives.1.score.scaled", "0.8"),
    ];
    let (_, success, score) = of(&scored, &objectives);
    assert_eq!((success, score.map(f64::round)), (said, Some(80.0)));
    let initialized = [("cmi.objectives.0.score.scaled", "0.9")];
    assert_eq!(of(&scored, &initialized).1, said);
    let own = [&objectives[..], &[("cmi.score.scaled", "0.2")]].concat();
    assert_eq!(of(&scored, &own).1, AttemptSuccess::Failed);
}

#[test]
fn objectives_of_a_manifest_begin_with_the_primary_one() {
    let objectives = serde_json::json!([
        {"id": "doors", "is_primary": true, "passing_score": 0.7},
        {"id": "windows", "is_primary": false},
    ]);
    let manifest = serde_json::json!({"standard": "scorm_2004_4th", "schema_version": "2004 4th Edition", "identifier": "m",
        "title": "Fire", "items": [{"id": "one", "title": "One", "href": "index.html", "path": "index.html",
            "scorm_type": "sco", "is_visible": true, "objectives": objectives}]});
    let package = Package::of(&serde_json::from_value(manifest).unwrap());
    let part = package.part("one").unwrap();
    assert_eq!(part.objectives, ["doors", "windows"]);
    assert_eq!(part.rules.primary_objective.as_deref(), Some("doors"));
    assert_eq!(part.rules.scaled_passing_score, Some(0.7));
}

#[test]
fn an_attempt_is_complete_when_all_its_items_are() {
    let done = |success, score| Report {
        completion: AttemptCompletion::Completed,
        success,
        score,
        progress_percent: 100,
        seconds: 10,
    };
    let shown = done(AttemptSuccess::Unknown, None);
    let quiz = done(AttemptSuccess::Passed, Some(90.0));
    let half = of_attempt(&[Some(shown), None]);
    assert_eq!(
        (half.completion, half.progress_percent),
        (AttemptCompletion::Incomplete, 50)
    );
    let all = of_attempt(&[Some(shown), Some(quiz)]);
    assert_eq!(
        (all.success, all.score, all.seconds),
        (AttemptSuccess::Passed, Some(90.0), 20)
    );
    let failed = of_attempt(&[Some(shown), Some(done(AttemptSuccess::Failed, Some(10.0)))]);
    assert!(!failed.is_completed());
}

/// What hostile browsers send.
#[test]
fn hostile_changes_are_refused() {
    let long = "x".repeat((1 << 20) + 1);
    let large = "x".repeat((64 << 10) + 1);
    let deep = format!("cmi.interactions.0.objectives.0.id{}", ".x".repeat(200));
    let hostile: &[(&str, &str, i64)] = &[
        ("cmi.suspend_data", &long, 1),
        ("cmi.core.lesson_location", &large, 1),
        ("cmi.suspend_data", "a\0b", 1),
        ("cmi.core.student_id", "somebody", 1),
        ("cmi.core.student_name", "somebody", 1),
        ("cmi.core.credit", "credit", 1),
        ("cmi.core.lesson_mode", "normal", 1),
        ("cmi.core.entry", "resume", 1),
        ("cmi.core.total_time", "9999:00:00", 1),
        ("cmi.launch_data", "x", 1),
        ("cmi.student_data.mastery_score", "0", 1),
        ("cmi.core._children", "x", 1),
        ("cmi.interactions._count", "1", 1),
        ("cmi.core.lesson_status", "PASSED", 1),
        ("cmi.core.lesson_status", "passed ", 1),
        ("cmi.core.lesson_status", "", 1),
        ("cmi.core.score.raw", "NaN", 1),
        ("cmi.core.score.raw", "Infinity", 1),
        ("cmi.core.score.raw", "1e400", 1),
        ("cmi.core.score.raw", "99999999999999", 1),
        ("cmi.core.score.raw", "'; DROP TABLE users", 1),
        ("cmi.core.session_time", "99999999:00:00", 1),
        ("cmi.core.session_time", "-1:00:00", 1),
        ("cmi.core.session_time", "soon", 1),
        ("cmi.core.exit", "explode", 1),
        ("cmi.interactions.99999999999999999999.id", "x", 1),
        ("cmi.interactions.-1.id", "x", 1),
        ("cmi.interactions.0", "x", 1),
        ("cmi.interactions..id", "x", 1),
        ("cmi.objectives.0.score", "x", 1),
        ("__proto__", "x", 1),
        ("cmi.__proto__.polluted", "x", 1),
        ("constructor.prototype", "x", 1),
        ("", "x", 1),
        ("cmi", "x", 1),
        ("CMI.suspend_data", "x", 1),
        ("cmi.suspend_data\n", "x", 1),
        ("cmi.suspend_data; --", "x", 1),
        ("cmi.süspend_data", "x", 1),
        (&deep, "x", 1),
        ("cmi.suspend_data", "x", 0),
        ("cmi.suspend_data", "x", -5),
        ("cmi.suspend_data", "x", i64::MAX),
    ];
    assert!(hostile.len() >= 40);
    for (element, value, seq) in hostile {
        let refused = checked(Standard::Scorm12, vec![change(element, value, *seq)]);
        assert!(refused.is_err(), "{element} = {:.40} was taken", value);
    }
    let many = (1..=2_001).map(|seq| change("cmi.suspend_data", "x", seq));
    assert!(checked(Standard::Scorm12, many.collect()).is_err());
}
