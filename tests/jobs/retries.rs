//! When a job that failed is tried again.

use provost::jobs::backoff;

#[test]
fn the_delay_grows_and_is_bounded() {
    for attempts in 1..40 {
        let delay = backoff(attempts).as_seconds_f64();
        let middle = (5.0 * 2f64.powi(attempts - 1)).min(3600.0);
        assert!(
            (middle * 0.79..middle * 1.21).contains(&delay),
            "{attempts}: {delay}"
        );
    }
}
