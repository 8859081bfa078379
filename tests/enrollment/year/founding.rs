//! What the academy begins with: the demo company in small. Its rules are of every kind: each base of due dates, each kind of
//! repeat, each way to name an audience and to leave it.

use chrono::{DateTime, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

use super::academy::{Day, Due, Fact, NewHires, Repeat, Rule, Status, Unit, Who};

pub const FIRST_AIDERS: usize = 0;
pub const PILOTS: usize = 1;
pub const GROUPS: [&str; 2] = ["first-aiders", "pilots"];

const PRODUCTION: usize = 1;
const SALES: usize = 4;
const IT: usize = 5;

/// The units where people work.
pub const WORKPLACES: [usize; 5] = [PRODUCTION, 2, 3, SALES, IT];
/// A unit that moves, and the units below which it may stand.
pub const MOVING: (usize, [usize; 2]) = (2, [PRODUCTION, SALES]);
pub const DEPARTMENTS: [&str; 4] = ["Warehouse", "Press", "Sales", "Software"];

pub fn units() -> Vec<Unit> {
    let unit = |code, parent, zone| Unit {
        id: Uuid::nil(),
        code,
        parent,
        zone,
    };
    vec![
        unit("company", None, None),
        unit("production", Some(0), None),
        unit("press", Some(PRODUCTION), None),
        unit("warehouse", Some(PRODUCTION), Some(Tz::America__Los_Angeles)),
        unit("sales", Some(0), Some(Tz::Pacific__Auckland)),
        unit("it", Some(0), None),
    ]
}

/// The rule whose audience speaks of today.
pub const ONBOARDING: usize = 2;

const CONDUCT: usize = 0;
const SECURITY: usize = 1;
const WELCOME: usize = 2;
const FIRE: usize = 3;
const FIRST_AID: usize = 4;
const LEADING: usize = 5;
const PRIVACY: usize = 6;
const FORKLIFT: usize = 7;
const OLD_FORKLIFT: usize = 8;

/// Codes, and how long completions count.
pub const COURSES: [(&str, Option<&str>); 9] = [
    ("CONDUCT", Some("P1Y")),
    ("SECURITY", None),
    ("WELCOME", None),
    ("FIRE", Some("P4M")),
    ("FIRST-AID", Some("P2M")),
    ("LEADING", None),
    ("PRIVACY", Some("P1Y")),
    ("FORKLIFT", None),
    ("OLD-FORKLIFT", Some("P3M")),
];

/// Courses that become equivalent: a completion of the second counts for the first.
pub const EQUIVALENT: [(usize, usize); 3] = [(FORKLIFT, OLD_FORKLIFT), (FIRE, FIRST_AID), (PRIVACY, CONDUCT)];

pub fn rules(day: Day) -> Vec<Rule> {
    let rule = |code, who, targets: &[usize], due, repeat| Rule {
        id: Uuid::nil(),
        code,
        status: Status::Draft,
        activated_at: DateTime::UNIX_EPOCH,
        who,
        unit: None,
        pilot: None,
        targets: targets.to_vec(),
        due,
        lead: None,
        repeat,
        window: "P14D",
        grace: "P0D",
        gap: "P0D",
        ignores_early: false,
        absence_lead: Some("P14D"),
        on_leave: "end",
    };
    vec![
        Rule {
            grace: "P7D",
            ..rule(
                "conduct",
                Who::Active,
                &[CONDUCT],
                Due::AfterJoining("P60D"),
                Some(Repeat::AfterDueDate("P3M")),
            )
        },
        Rule {
            lead: Some("P10D"),
            gap: "P20D",
            ignores_early: true,
            ..rule(
                "security",
                Who::NotContractor,
                &[SECURITY],
                Due::On(day + TimeDelta::days(60)),
                Some(Repeat::AfterCompletion("P2M")),
            )
        },
        Rule {
            lead: Some("P14D"),
            on_leave: "keep_until_satisfied",
            ..rule(
                "onboarding",
                Who::HiredWithin(90),
                &[WELCOME],
                Due::AfterHire("P30D"),
                None,
            )
        },
        Rule {
            window: "P30D",
            on_leave: "keep",
            ..rule(
                "production-safety",
                Who::Unit(PRODUCTION),
                &[FIRE, FIRST_AID],
                Due::AfterJoining("P20D"),
                None,
            )
        },
        Rule {
            lead: Some("P5D"),
            ..rule(
                "leading",
                Who::Managers,
                &[LEADING],
                Due::AfterSigning("P30D"),
                Some(Repeat::Calendar(3, NewHires::Prorate)),
            )
        },
        Rule {
            window: "P7D",
            absence_lead: None,
            ..rule(
                "data-protection",
                Who::Units(vec![SALES, IT], vec![1, 2]),
                &[PRIVACY],
                Due::AfterJoining("P30D"),
                Some(Repeat::Calendar(1, NewHires::Join)),
            )
        },
        Rule {
            lead: Some("P3D"),
            absence_lead: Some("P7D"),
            ..rule(
                "contractors",
                Who::Contractor,
                &[FIRE],
                Due::AfterActivation("P14D"),
                Some(Repeat::Calendar(2, NewHires::Skip)),
            )
        },
        Rule {
            unit: Some(PRODUCTION),
            on_leave: "keep_until_satisfied",
            ..rule(
                "forklift",
                Who::Department("Warehouse"),
                &[FORKLIFT],
                Due::AfterCompletion(FIRE, "P7D"),
                Some(Repeat::AfterDueDate("P1M")),
            )
        },
        Rule {
            pilot: Some(PILOTS),
            ..rule(
                "privacy-once",
                Who::Active,
                &[PRIVACY],
                Due::AfterJoining("P10D"),
                Some(Repeat::Never),
            )
        },
        Rule {
            window: "P21D",
            gap: "P30D",
            ..rule(
                "first-aiders",
                Who::Group(FIRST_AIDERS),
                &[FIRST_AID, FORKLIFT],
                Due::AfterHire("P20D"),
                Some(Repeat::AfterCompletion("P3M")),
            )
        },
    ]
}

/// Courses that a rule may ask for instead: others than those of the rule whose audience speaks of today.
pub const TARGETS: [usize; 6] = [CONDUCT, SECURITY, FIRE, FIRST_AID, PRIVACY, FORKLIFT];

/// Who somebody new is.
pub fn newcomer(random: &mut StdRng, people: usize, today: NaiveDate) -> Vec<Fact> {
    let days = random.random_range(0..400);
    let manager = random.random_range(0..people.max(1) / 6 + 1);
    let zones = [
        None,
        None,
        None,
        Some(Tz::Pacific__Auckland),
        Some(Tz::Europe__Lisbon),
    ];
    vec![
        Fact::Department(DEPARTMENTS.choose(random).unwrap()),
        Fact::Unit(*WORKPLACES.choose(random).unwrap()),
        Fact::Employment(if random.random_bool(0.2) {
            "contractor"
        } else {
            "permanent"
        }),
        Fact::Manager((manager < people).then_some(manager)),
        Fact::HiredOn(random.random_bool(0.9).then(|| today - TimeDelta::days(days))),
        Fact::SignedOn(
            random
                .random_bool(0.7)
                .then(|| today - TimeDelta::days(days + 10)),
        ),
        Fact::Zone(*zones.choose(random).unwrap()),
    ]
}
