//! What comes round.

use chrono::{DateTime, TimeDelta, Utc};
use provost::jobs::{Every, Schedule, Worker};
use uuid::Uuid;

use super::kinds::{HANDLERS, Mark};
use crate::support::{TestApp, count, wait_until};

const SCHEDULES: &[Schedule] = &[Schedule {
    name: "mark",
    every: Every::DayAt(3),
    enqueue: |tx| tx.enqueue(&Mark { mark: Uuid::now_v7() }),
}];

const MARKS: &str = "SELECT count(*) FROM events WHERE action = 'test.marked'";

#[actix_web::test]
async fn a_round_runs_once_however_many_workers_there_are() {
    let app = TestApp::start().await;
    let workers: Vec<_> = (0..2)
        .map(|_| {
            Worker::start(
                app.app.clone(),
                HANDLERS,
                SCHEDULES,
                provost::ledger::seal_some,
                1,
            )
            .unwrap()
        })
        .collect();
    wait_until("the schedule is known", || {
        count(&app, "SELECT count(*) FROM job_schedules") == 1
    });
    assert_eq!(count(&app, MARKS), 0, "the first round comes after its interval");

    for day in 1..=3 {
        app.app.clock.advance(TimeDelta::days(1));
        app.app.part::<provost::jobs::JobSignal>().notify();
        wait_until("the round is marked", || count(&app, MARKS) == day);
    }

    for worker in workers {
        worker.stop();
    }
    assert_eq!(count(&app, MARKS), 3);
    assert_eq!(
        count(&app, "SELECT count(*) FROM jobs WHERE kind = 'test.mark'"),
        3
    );
}

#[test]
fn rounds_fall_on_the_clock() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let cases = [
        (Every::Minutes(15), "2026-03-01T10:07:31Z", "2026-03-01T10:15:00Z"),
        (Every::Minutes(15), "2026-03-01T10:15:00Z", "2026-03-01T10:30:00Z"),
        (Every::DayAt(3), "2026-03-01T02:59:59Z", "2026-03-01T03:00:00Z"),
        (Every::DayAt(3), "2026-03-01T03:00:00Z", "2026-03-02T03:00:00Z"),
    ];
    for (every, now, next) in cases {
        assert_eq!(every.after(at(now)).unwrap(), at(next), "{every:?} after {now}");
    }
}
