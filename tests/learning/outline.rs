//! The outline of a course beside a slow, obvious model of it.

use std::collections::HashMap;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use provost::{
    catalog::courses::modules::{Activity, Modules},
    learning::outline::{ActivityProgressState, Done, outline},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::soak;

/// For each module: whether it wants a number of activities, whether they come in order, which earlier modules it follows.
type Shape = Vec<(Option<u8>, bool, Vec<bool>, Vec<(bool, bool, i32)>)>;

fn shapes() -> impl Strategy<Value = Shape> {
    let activity = (any::<bool>(), any::<bool>(), 0..4_i32);
    let module = (
        proptest::option::of(1..3_u8),
        any::<bool>(),
        proptest::collection::vec(any::<bool>(), 4),
        proptest::collection::vec(activity, 1..5),
    );
    proptest::collection::vec(module, 1..4)
}

fn modules(shape: &Shape) -> Modules {
    let ids: Vec<Uuid> = shape.iter().map(|_| Uuid::now_v7()).collect();
    let modules = shape.iter().enumerate().map(|(index, (count, in_order, after, activities))| {
        let after: Vec<Uuid> = (0..index).filter(|place| after[*place]).map(|place| ids[place]).collect();
        let activities: Vec<Value> = activities
            .iter()
            .map(|(is_required, is_tracked, weight)| {
                let mut one = json!({"title": "a", "kind": "task", "is_required": is_required, "weight": weight});
                if *is_tracked {
                    one["criterion"] = json!({"kind": "confirmed"});
                }
                one
            })
            .collect();
        let complete_when = match count {
            Some(count) => json!({"kind": "at_least", "count": count}),
            None => json!({"kind": "all"}),
        };
        json!({"id": ids[index], "title": "m", "complete_when": complete_when, "in_order": in_order, "after": after,
            "activities": activities})
    });
    serde_json::from_value(modules.collect()).unwrap()
}

struct Model<'a> {
    modules: &'a Modules,
    done: &'a HashMap<Uuid, Done>,
}

impl Model<'_> {
    fn is_done(&self, activity: &Activity) -> bool {
        self.done.get(&activity.id).is_some_and(Done::is_completed)
    }

    fn module_is_done(&self, place: usize, count: Option<u8>) -> bool {
        let tracked: Vec<_> = self.modules.0[place]
            .activities
            .iter()
            .filter(|one| one.criterion.is_some())
            .collect();
        let done = tracked.iter().filter(|one| self.is_done(one)).count();
        match count {
            Some(count) => done >= tracked.len().min(count.into()),
            None => tracked.iter().all(|one| !one.is_required || self.is_done(one)),
        }
    }

    fn is_locked(&self, shape: &Shape, place: usize, index: usize) -> bool {
        let module = &self.modules.0[place];
        let waits =
            (0..place).any(|other| shape[place].2[other] && !self.module_is_done(other, shape[other].0));
        let earlier = &module.activities[..index];
        let in_order = module.in_order
            && earlier
                .iter()
                .any(|one| one.is_required && one.criterion.is_some() && !self.is_done(one));
        (waits || in_order) && !self.is_done(&module.activities[index])
    }
}

#[test]
fn the_outline_says_what_the_model_says() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..soak(5_000) {
        let shape = shapes().new_tree(&mut runner).unwrap().current();
        let modules = modules(&shape);
        let mut done = HashMap::new();
        let mut progress = -1;
        let mut open: Vec<Uuid> = modules
            .activities()
            .filter(|(_, one)| one.is_tracked())
            .map(|(_, one)| one.id)
            .collect();
        // The learner does one activity after another, in any order.
        loop {
            let model = Model {
                modules: &modules,
                done: &done,
            };
            let outline = outline(&modules, &done);
            let completed: Vec<bool> = shape
                .iter()
                .enumerate()
                .map(|(place, module)| model.module_is_done(place, module.0))
                .collect();
            let told: Vec<bool> = outline.modules.iter().map(|module| module.is_completed).collect();
            assert_eq!(told, completed, "{modules:?} {done:?}");
            for (place, module) in modules.0.iter().enumerate() {
                for (index, activity) in module.activities.iter().enumerate() {
                    let locked = model.is_locked(&shape, place, index);
                    assert_eq!(
                        outline.locked.contains_key(&activity.id),
                        locked,
                        "{modules:?} {done:?}"
                    );
                }
            }
            assert_eq!(
                outline.is_completed,
                outline.progress_percent == 100,
                "{modules:?} {done:?}"
            );
            if outline.is_completed {
                assert!(completed.iter().all(|done| *done));
            }
            assert!(
                outline.progress_percent >= progress,
                "progress went back: {modules:?} {done:?}"
            );
            assert!(outline.score.is_none_or(|score| (0.0..=100.0).contains(&score)));
            progress = outline.progress_percent;
            let Some(next) = (!open.is_empty()).then(|| {
                let place = (0..open.len()).new_tree(&mut runner).unwrap().current();
                open.swap_remove(place)
            }) else {
                let is_anything_tracked = modules.is_tracked();
                assert_eq!(outline.is_completed, is_anything_tracked && counts(&shape));
                break;
            };
            let state = ActivityProgressState::Completed;
            done.insert(
                next,
                Done {
                    state,
                    progress_percent: 100,
                    score: Some(80.0),
                },
            );
        }
    }
}

/// Whether something of the course counts at all once everything is done: something that is required, or, without that,
/// something that is tracked.
fn counts(shape: &Shape) -> bool {
    shape
        .iter()
        .any(|module| module.3.iter().any(|(_, is_tracked, _)| *is_tracked))
}
