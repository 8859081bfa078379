//! How large the next part of a long work is.

use std::time::Duration;

use provost::pace::Pace;

#[test]
fn parts_grow_and_shrink_with_the_time_that_they_take() {
    let pace = Pace {
        part: Duration::from_millis(100),
        fewest: 100,
        most: 500,
    };
    let after = |rows, millis| pace.next(rows, Duration::from_millis(millis));
    assert_eq!(after(200, 100), 200);
    assert_eq!(after(400, 200), 200);
    assert_eq!(after(200, 1), 400);
    assert_eq!(after(400, 1), 500);
    assert_eq!(after(500, 60_000), 100);
}

#[test]
fn a_part_is_at_most_twice_as_large_as_the_last() {
    let pace = Pace {
        part: Duration::from_millis(120),
        fewest: 100,
        most: 2_000,
    };
    let after = |rows, millis| pace.next(rows, Duration::from_millis(millis));
    assert_eq!(after(500, 120), 500);
    assert_eq!(after(500, 10), 1_000);
    assert_eq!(after(500, 240), 250);
    assert_eq!(after(500, 0), 1_000);
    assert_eq!(after(500, 10_000), 100);
    assert_eq!(after(1_900, 1), 2_000);
    assert_eq!(after(200, 360), 100);
}
