//! Elements of the data models of SCORM, one by one.

use provost::learning::runtime::elements::{self, Standard, seconds};

#[test]
fn times_of_both_standards_are_read() {
    assert_eq!(seconds("0000:05:30.50"), Some(330));
    assert_eq!(seconds("01:00:00"), Some(3600));
    assert_eq!(seconds("PT1H2M3.5S"), Some(3723));
    assert_eq!(seconds("P1DT1S"), Some(86401));
    for wrong in [
        "",
        "P",
        "PT",
        "5",
        "1:2",
        "1:2:3:4",
        "PT1",
        "-1:0:0",
        "1e9:0:0",
        "9999999:00:00",
        "PTM",
        "P1H",
    ] {
        assert_eq!(seconds(wrong), None, "{wrong}");
    }
}

#[test]
fn places_in_lists_are_any_of_ten_thousand() {
    let check = |element| elements::check(Standard::Scorm12, element, "x").is_ok();
    assert!(check("cmi.interactions.9999.id"));
    assert!(!check("cmi.interactions.10000.id"));
    assert!(!check("cmi.interactions.n.id"));
    assert!(!check("cmi.core.student_id"));
    assert!(!check("cmi.core.lesson_location.0"));
}
