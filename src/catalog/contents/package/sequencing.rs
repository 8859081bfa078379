//! SCORM 2004 sequencing of a manifest as JSON, in the form in which the player's runtime takes it (the settings of an
//! activity of scorm-again).

use std::collections::HashMap;

use roxmltree::Node;
use serde_json::{Map, Value, json};

use super::xml::{attribute, child, children};

/// The sequencing that a manifest defines once for several items, by its ID.
pub struct Collections<'a, 'input>(HashMap<&'a str, Node<'a, 'input>>);

impl<'a, 'input> Collections<'a, 'input> {
    /// Those of a manifest.
    pub fn new(root: Node<'a, 'input>) -> Self {
        let collections = children(root, "sequencingCollection");
        let all = collections.flat_map(|collection| children(collection, "sequencing"));
        Collections(
            all.filter_map(|node| {
                Some((
                    node.attributes()
                        .find(|found| found.name().eq_ignore_ascii_case("id"))?
                        .value()
                        .trim(),
                    node,
                ))
            })
            .collect(),
        )
    }
}

/// What is said of an item, each part where the runtime looks for it.
#[derive(Default)]
struct Settings {
    controls: Map<String, Value>,
    delivery: Map<String, Value>,
    considerations: Map<String, Value>,
    primary: Option<Map<String, Value>>,
    objectives: Vec<Map<String, Value>>,
    others: Map<String, Value>,
}

impl Settings {
    fn into_value(self) -> Option<Value> {
        let mut all = self.others;
        let parts = [
            ("sequencingControls", self.controls),
            ("deliveryControls", self.delivery),
            ("rollupConsiderations", self.considerations),
            ("primaryObjective", self.primary.unwrap_or_default()),
        ];
        for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            all.insert(name.to_owned(), Value::Object(part));
        }
        if !self.objectives.is_empty() {
            let objectives = self.objectives.into_iter().map(Value::Object);
            all.insert("objectives".to_owned(), objectives.collect());
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

/// The sequencing of an item or organization; `unsupported` gets what the player cannot do.
pub fn sequencing(node: Node, collections: &Collections, unsupported: &mut Vec<String>) -> Option<Value> {
    if child(node, "data").is_some_and(|data| child(data, "map").is_some()) {
        unsupported.push("data that its parts share (adlcp:data)".to_owned());
    }
    let own = child(node, "sequencing")?;
    let mut settings = Settings::default();
    if let Some(shared) = attribute(own, "IDRef") {
        match collections.0.get(shared) {
            Some(shared) => read(*shared, &mut settings, unsupported),
            None => unsupported.push(format!(
                "the sequencing `{}`, which the manifest does not have",
                shown(shared)
            )),
        }
    }
    read(own, &mut settings, unsupported);
    settings.into_value()
}

fn read(node: Node, settings: &mut Settings, unsupported: &mut Vec<String>) {
    for part in node.children().filter(Node::is_element) {
        match part.tag_name().name() {
            "controlMode" => copy(
                part,
                &[
                    "choice",
                    "choiceExit",
                    "flow",
                    "forwardOnly",
                    "useCurrentAttemptObjectiveInfo",
                    "useCurrentAttemptProgressInfo",
                ],
                &mut settings.controls,
            ),
            "constrainedChoiceConsiderations" => {
                copy(
                    part,
                    &["preventActivation", "constrainChoice"],
                    &mut settings.controls,
                );
            }
            "randomizationControls" => {
                let names = ["randomizationTiming", "selectCount", "selectionTiming"];
                copy(part, &names, &mut settings.controls);
                if let Some(reorder) = attribute(part, "reorderChildren") {
                    settings
                        .controls
                        .insert("randomizeChildren".into(), value(reorder));
                    settings.controls.insert("reorderChildren".into(), value(reorder));
                }
            }
            "deliveryControls" => {
                let names = ["tracked", "completionSetByContent", "objectiveSetByContent"];
                copy(part, &names, &mut settings.delivery);
            }
            "rollupConsiderations" => copy(
                part,
                &[
                    "requiredForSatisfied",
                    "requiredForNotSatisfied",
                    "requiredForCompleted",
                    "requiredForIncomplete",
                    "measureSatisfactionIfActive",
                ],
                &mut settings.considerations,
            ),
            "limitConditions" => {
                let known = ["attemptLimit", "attemptAbsoluteDurationLimit"];
                copy(part, &known, &mut settings.others);
                let others = part.attributes().filter(|found| !known.contains(&found.name()));
                unsupported.extend(others.map(|found| format!("the limit `{}`", shown(found.name()))));
            }
            "sequencingRules" => {
                settings.others.insert("sequencingRules".into(), rules(part));
            }
            "rollupRules" => {
                let names = [
                    "rollupObjectiveSatisfied",
                    "rollupProgressCompletion",
                    "objectiveMeasureWeight",
                ];
                copy(part, &names, &mut settings.controls);
                let rules: Vec<Value> = children(part, "rollupRule").map(rollup_rule).collect();
                settings
                    .others
                    .insert("rollupRules".into(), json!({ "rules": rules }));
            }
            "objectives" => objectives(part, settings),
            "auxiliaryResources" => unsupported.push("auxiliary resources".to_owned()),
            other => unsupported.push(format!("the element `{}`", shown(other))),
        }
    }
}

/// A name out of a manifest, for people.
fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// A boolean, a number or a word, as JSON has it.
fn value(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number.fract() == 0.0 && number.abs() < 1e9 => {
                (number as i64).into()
            }
            Ok(number) if number.is_finite() => number.into(),
            _ => text.into(),
        },
    }
}

fn copy(node: Node, names: &[&str], into: &mut Map<String, Value>) {
    for name in names {
        if let Some(text) = attribute(node, name) {
            into.insert((*name).to_owned(), value(text));
        }
    }
}

/// The attributes of these names, as an object.
fn attributes(node: Node, names: &[&str]) -> Map<String, Value> {
    let mut found = Map::new();
    copy(node, names, &mut found);
    found
}

fn rules(node: Node) -> Value {
    let of = |name: &str| -> Vec<Value> { children(node, name).map(rule).collect() };
    json!({
        "preConditionRules": of("preConditionRule"),
        "exitConditionRules": of("exitConditionRule"),
        "postConditionRules": of("postConditionRule"),
    })
}

fn rule(node: Node) -> Value {
    let action = child(node, "ruleAction").and_then(|action| attribute(action, "action"));
    let conditions = child(node, "ruleConditions");
    let combination = conditions.and_then(|found| attribute(found, "conditionCombination"));
    let conditions = conditions
        .into_iter()
        .flat_map(|found| children(found, "ruleCondition"));
    let conditions = conditions.map(|condition| {
        let mut read = attributes(condition, &["condition", "referencedObjective"]);
        operator(condition, &mut read);
        if let Some(threshold) = attribute(condition, "measureThreshold") {
            read.insert("parameters".into(), json!({ "threshold": value(threshold) }));
        }
        Value::Object(read)
    });
    json!({
        "action": action.unwrap_or("skip"),
        "conditionCombination": combination.unwrap_or("all"),
        "conditions": conditions.collect::<Vec<_>>(),
    })
}

/// The only operator that changes anything is `not`.
fn operator(condition: Node, read: &mut Map<String, Value>) {
    if attribute(condition, "operator") == Some("not") {
        read.insert("operator".into(), "not".into());
    }
}

fn rollup_rule(node: Node) -> Value {
    let mut rule = attributes(node, &["minimumCount", "minimumPercent"]);
    rule.insert(
        "consideration".into(),
        attribute(node, "childActivitySet").unwrap_or("all").into(),
    );
    let action = child(node, "rollupAction").and_then(|action| attribute(action, "action"));
    rule.insert("action".into(), action.unwrap_or("satisfied").into());
    let conditions = child(node, "rollupConditions");
    let combination = conditions.and_then(|found| attribute(found, "conditionCombination"));
    rule.insert("conditionCombination".into(), combination.unwrap_or("any").into());
    let conditions = conditions
        .into_iter()
        .flat_map(|found| children(found, "rollupCondition"));
    let conditions = conditions.map(|condition| {
        let mut read = attributes(condition, &["condition"]);
        operator(condition, &mut read);
        Value::Object(read)
    });
    rule.insert("conditions".into(), conditions.collect());
    Value::Object(rule)
}

/// The 4th edition says more of an objective in a second list, `adlseq:objectives`.
fn objectives(node: Node, settings: &mut Settings) {
    for found in node.children().filter(Node::is_element) {
        let is_primary = found.tag_name().name() == "primaryObjective";
        let found = objective(found);
        let is_same = |known: &&mut Map<String, Value>| known.get("objectiveID") == found.get("objectiveID");
        let known = match is_primary {
            true => Some(settings.primary.get_or_insert_default()),
            false => settings
                .primary
                .as_mut()
                .into_iter()
                .chain(&mut settings.objectives)
                .find(is_same),
        };
        match known {
            Some(known) => merge(known, found),
            None => settings.objectives.push(found),
        }
    }
    if let Some(primary) = &mut settings.primary {
        primary.insert("isPrimary".into(), true.into());
    }
}

/// Adds what is said of an objective, and joins what is mapped to the same other objective.
fn merge(known: &mut Map<String, Value>, mut more: Map<String, Value>) {
    let maps = |of: &mut Map<String, Value>| match of.remove("mapInfo") {
        Some(Value::Array(maps)) => maps,
        _ => Vec::new(),
    };
    let (mut joined, added) = (maps(known), maps(&mut more));
    for map in added {
        let target = &map["targetObjectiveID"];
        match (
            joined
                .iter_mut()
                .find(|known| known["targetObjectiveID"] == *target),
            map,
        ) {
            (Some(Value::Object(known)), Value::Object(map)) => known.extend(map),
            (_, map) => joined.push(map),
        }
    }
    known.extend(more);
    known.insert("mapInfo".into(), joined.into());
}

fn objective(node: Node) -> Map<String, Value> {
    let mut read = Map::new();
    if let Some(by_measure) = attribute(node, "satisfiedByMeasure") {
        // XML writes true as 1, too.
        read.insert(
            "satisfiedByMeasure".into(),
            matches!(by_measure, "true" | "1").into(),
        );
    }
    read.insert(
        "objectiveID".into(),
        attribute(node, "objectiveID").unwrap_or_default().into(),
    );
    let least = child(node, "minNormalizedMeasure")
        .and_then(|least| least.text())
        .map(|least| value(least.trim()));
    if let Some(least) = least.filter(Value::is_number) {
        read.insert("minNormalizedMeasure".into(), least);
    }
    let maps = children(node, "mapInfo").map(|map| {
        let names = [
            "readSatisfiedStatus",
            "readNormalizedMeasure",
            "writeSatisfiedStatus",
            "writeNormalizedMeasure",
            "readCompletionStatus",
            "writeCompletionStatus",
            "readProgressMeasure",
            "writeProgressMeasure",
            "readRawScore",
            "writeRawScore",
            "readMinScore",
            "writeMinScore",
            "readMaxScore",
            "writeMaxScore",
        ];
        let mut read = attributes(map, &names);
        read.insert(
            "targetObjectiveID".into(),
            attribute(map, "targetObjectiveID").unwrap_or_default().into(),
        );
        Value::Object(read)
    });
    read.insert("mapInfo".into(), maps.collect());
    read
}
