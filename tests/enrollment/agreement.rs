//! Random lives of an academy: after every step the requirements are the model's, however they came about.

use std::collections::BTreeSet;

use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use provost::{
    db::{Fixed, sql::Bind},
    enrollment::{
        completions::{
            model::CompletionSource,
            record::{self, NewCompletion},
        },
        requirements::{assign, model::CreateRequirement},
        rules::reconcile::{Outcome, People, reconcile},
        target::Target,
    },
    http::bulk::only,
    sql,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    fixture::{course, today},
    model::{Audience, COURSES, Due, Model, PEOPLE, RULES, Rule, Step, VALIDITY, plus},
};
use crate::support::{TestApp, soak};

const LIVES: usize = 30;
const STEPS: usize = 40;

#[actix_web::test]
async fn requirements_are_what_the_model_says_after_every_step_of_random_lives() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..soak(LIVES) {
        let rules = prop::collection::vec(rule(), RULES)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let steps = prop::collection::vec(step(), STEPS)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        live(rules, &steps).await;
    }
}

async fn live(rules: Vec<Rule>, steps: &[Step]) {
    let app = TestApp::start().await;
    let today = today(&app);
    let rules: Vec<Rule> = rules
        .into_iter()
        .map(|rule| Rule {
            due_day_zero: today,
            ..rule
        })
        .collect();
    let world = World::new(app, &rules);
    let mut model = Model::new(today, rules);
    for (index, step) in steps.iter().enumerate() {
        if let Step::Assign(person, ..) = step
            && model.people[*person].archived
        {
            continue;
        }
        world.take(step, &model);
        model.take(step);
        let told = || format!("rules {:#?}\nsteps {:#?}", model.rules, &steps[..=index]);
        assert_eq!(world.outline(), model.outline(), "{}", told());
        let again = world.app.write(|tx| reconcile(tx, People::EVERYBODY, None));
        assert_eq!(
            again,
            Outcome::default(),
            "a reconcile of everybody finds something to do: {}",
            told()
        );
    }
}

struct World {
    app: TestApp,
    people: Vec<Uuid>,
    courses: Vec<Uuid>,
    rules: Vec<Uuid>,
}

impl World {
    fn new(app: TestApp, rules: &[Rule]) -> Self {
        let courses: Vec<Uuid> = (0..COURSES)
            .map(|number| {
                let validity = VALIDITY[number].map(|days| format!("P{days}D"));
                course(&app, &format!("course-{number}"), validity.as_deref())
            })
            .collect();
        let ids = |count: usize| (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
        let world = World {
            people: ids(PEOPLE),
            rules: ids(RULES),
            courses,
            app,
        };
        for (number, id) in world.people.iter().enumerate() {
            world.run(|_, now| {
                sql!(
                    "INSERT INTO users (id, username, username_folded, given_name, given_name_folded,
                        family_name, family_name_folded, status, created_at, updated_at)
                     VALUES ({id}, {name}, {name}, '', '', '', '', 'active', {now}, {now})",
                    name = format!("p{number}"),
                )
            });
        }
        for (number, rule) in rules.iter().enumerate() {
            world.add_rule(number, rule);
        }
        world
    }

    fn add_rule(&self, number: usize, rule: &Rule) {
        let audience = match rule.audience {
            Audience::Department(name) => format!("department eq \"{name}\""),
            Audience::HiredWithin(days) => format!("hired_on gt \"-P{days}D\""),
        };
        self.run(|world, now| {
            sql!(
                "INSERT INTO rules (id, code, code_folded, name, status, audience, due, renewal_window,
                    on_leave, created_at, updated_at)
                 VALUES ({rule}, {name}, {name}, '', 'draft', {audience}, {due}, {text_2}, {on_leave},
                    {now}, {now})",
                rule = world.rules[number],
                name = format!("r{number}"),
                audience = json!({"filter": audience}),
                due = due(&rule.due, rule),
                text_2 = format!("P{}D", rule.window),
                on_leave = if rule.keep { "keep_until_satisfied" } else { "end" },
            )
        });
        self.set_courses(number, &rule.courses);
    }

    fn run(&self, statement: impl Fn(&Self, Bind) -> provost::db::Sql) {
        self.app
            .write(|tx| Ok(statement(self, Bind::from(tx.now)).execute(tx.conn).map(drop)?));
    }

    fn set_courses(&self, number: usize, courses: &[usize]) {
        self.run(|world, _| {
            sql!(
                "DELETE FROM rule_targets WHERE rule_id = {rule}",
                rule = world.rules[number]
            )
        });
        self.run(|world, _| {
            sql!(
                "UPDATE rules SET version = version + 1 WHERE id = {rule}",
                rule = world.rules[number]
            )
        });
        for course in courses {
            self.run(|world, _| {
                sql!(
                    "INSERT INTO rule_targets (rule_id, course_id) VALUES ({rule}, {course_id})",
                    rule = world.rules[number],
                    course_id = world.courses[*course],
                )
            });
        }
    }

    fn change_person(&self, person: usize, assignment: &'static str, value: Bind) {
        self.app.write(|tx| {
            sql!(
                "UPDATE users SET {assignment} = {value} WHERE id = {id}",
                assignment = Fixed(assignment),
                id = self.people[person],
            )
            .execute(tx.conn)?;
            tx.touch_users([self.people[person]]);
            Ok(())
        });
    }

    fn change_rule(&self, rule: usize, assignment: &'static str, value: Bind) {
        self.app.write(|tx| {
            sql!(
                "UPDATE rules SET {assignment} = {value}, version = version + 1 WHERE id = {id}",
                assignment = Fixed(assignment),
                id = self.rules[rule],
            )
            .execute(tx.conn)?;
            Ok(())
        });
        self.reconcile_rule(rule);
    }

    fn reconcile_rule(&self, rule: usize) {
        self.app
            .write(|tx| reconcile(tx, People::EVERYBODY, Some(self.rules[rule])));
    }

    fn take(&self, step: &Step, model: &Model) {
        let day = |days: &Option<i64>| Bind::from(days.map(|days| plus(model.today, days)));
        match step {
            Step::Move(person, department) => {
                self.change_person(*person, "department", Bind::from(department.map(str::to_owned)))
            }
            Step::Hire(person, days) => self.change_person(*person, "hired_on", day(days)),
            Step::Activate(person, days) => self.change_person(*person, "activated_on", day(days)),
            Step::Archive(person, archived) => self.change_person(
                *person,
                "status",
                Bind::from(if *archived { "archived" } else { "active" }),
            ),
            Step::Rule(rule, status) => self.change_rule(*rule, "status", Bind::from(*status)),
            Step::Due(rule, new) => {
                let text = Rule {
                    due_day_zero: model.today,
                    ..model.rules[*rule].clone()
                };
                self.change_rule(*rule, "due", Bind::from(due(new, &text)));
            }
            Step::Courses(rule, courses) => {
                // The courses in reach are those before and those after, as the job finds them.
                self.set_courses(*rule, courses);
                self.reconcile_rule(*rule);
            }
            Step::Complete(person, course, ago) => {
                self.app.write(|tx| {
                    let new = NewCompletion {
                        user_id: self.people[*person],
                        course_id: self.courses[*course],
                        occurred_at: tx.now - chrono::TimeDelta::days(*ago),
                        source: CompletionSource::Import,
                        score: None,
                        evidence: None,
                        expires_on: None,
                    };
                    only(record::record(tx, vec![new])?)
                });
            }
            Step::Assign(person, course, days) => {
                let new = CreateRequirement {
                    user_id: self.people[*person],
                    target: Target::course(self.courses[*course]),
                    opens_on: None,
                    due_on: days.map(|days| plus(model.today, days)),
                    note: None,
                };
                self.app.write(|tx| only(assign::assign(tx, vec![new.clone()])?));
            }
            Step::Days(days) => {
                self.app.app.clock.advance(chrono::TimeDelta::days(*days));
                self.app.write(|tx| reconcile(tx, People::EVERYBODY, None));
            }
        }
    }

    fn outline(&self) -> BTreeSet<String> {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            line: String,
        }
        let lines: Vec<Line> = self.app.write(|tx| {
            let statement = sql!(
                "SELECT 'person ' || array_position({self.people}, q.user_id) - 1
                    || ' course ' || array_position({self.courses}, q.course_id) - 1
                    || ' cycle ' || q.cycle || ': ' || CASE WHEN q.ended_at IS NOT NULL THEN 'ended'
                        WHEN q.satisfied_at IS NOT NULL THEN 'until ' || coalesce(q.valid_until::text,
                            'never')
                        ELSE 'due ' || coalesce(q.due_on::text,
                            'never') || ' for ' || (SELECT string_agg(reason,
                                ', ' ORDER BY reason COLLATE \"C\")
                                FROM (SELECT coalesce('rule ' || array_position({self.rules},
                                    rr.rule_id) - 1, 'hand') || ' ' || coalesce(rr.due_on::text,
                                        'never') AS reason FROM requirement_reasons rr
                                    WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id
                                        AND rr.ended_at IS NULL) reasons) END AS line
                 FROM requirements q"
            );
            Ok(statement.load(tx.conn)?)
        });
        lines.into_iter().map(|line| line.line).collect()
    }
}

fn due(due: &Due, rule: &Rule) -> Value {
    match due {
        Due::On(days) => json!({"kind": "on", "date": plus(rule.due_day_zero, *days)}),
        Due::AfterJoining(days) => json!({"kind": "after_joining", "offset": format!("P{days}D")}),
        Due::AfterActivation(days) => json!({"kind": "after_activation", "offset": format!("P{days}D")}),
        Due::AfterHire(days, None) => json!({"kind": "after_hire", "offset": format!("P{days}D")}),
        Due::AfterHire(days, Some(lead)) => {
            json!({"kind": "after_hire", "offset": format!("P{days}D"), "minimum_lead": format!("P{lead}D")})
        }
    }
}

fn department() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("A"), Just("B")]
}

fn due_policy() -> impl Strategy<Value = Due> {
    prop_oneof![
        (-5..30i64).prop_map(Due::On),
        (0..30u64, prop::option::of(0..10u64)).prop_map(|(days, lead)| Due::AfterHire(days, lead)),
        (0..30u64).prop_map(Due::AfterJoining),
        (0..30u64).prop_map(Due::AfterActivation),
    ]
}

fn courses() -> impl Strategy<Value = Vec<usize>> {
    prop::sample::subsequence((0..COURSES).collect::<Vec<_>>(), 1..=COURSES)
}

fn rule() -> impl Strategy<Value = Rule> {
    let audience = prop_oneof![
        3 => department().prop_map(Audience::Department),
        1 => (1..15u64).prop_map(Audience::HiredWithin),
    ];
    (audience, courses(), due_policy(), any::<bool>(), 0..12u64).prop_map(
        |(audience, courses, due, keep, window)| Rule {
            audience,
            courses,
            due,
            due_day_zero: Default::default(),
            keep,
            window,
            status: "draft",
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![4 => Just("active"), 1 => Just("paused")];
    prop_oneof![
        4 => (0..PEOPLE, prop::option::weighted(0.8, department())).prop_map(|(p, d)| Step::Move(p, d)),
        2 => (0..PEOPLE, prop::option::weighted(0.8, -20..5i64)).prop_map(|(p, d)| Step::Hire(p, d)),
        1 => (0..PEOPLE, prop::option::weighted(0.8, -20..5i64)).prop_map(|(p, d)| Step::Activate(p, d)),
        1 => (0..PEOPLE, any::<bool>()).prop_map(|(p, a)| Step::Archive(p, a)),
        3 => (0..RULES, status).prop_map(|(r, s)| Step::Rule(r, s)),
        1 => (0..RULES, due_policy()).prop_map(|(r, d)| Step::Due(r, d)),
        1 => (0..RULES, courses()).prop_map(|(r, c)| Step::Courses(r, c)),
        3 => (0..PEOPLE, 0..COURSES, 0..25i64).prop_map(|(p, c, d)| Step::Complete(p, c, d)),
        1 => (0..PEOPLE, 0..COURSES, prop::option::of(0..20i64)).prop_map(|(p, c, d)| Step::Assign(p, c, d)),
        3 => (1..12i64).prop_map(Step::Days),
    ]
}
