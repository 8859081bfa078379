//! SCORM 2004 sequencing of a manifest: the objectives and limits that the player knows, and what else there is, which the
//! player does not follow and people are told.

use std::collections::{BTreeMap, HashMap, HashSet};

use roxmltree::Node;

use super::{
    manifest::PackageObjective,
    parse::MANIFEST,
    xml::{attribute, child, children},
};
use crate::catalog::contents::findings::{Finding, FindingCode};

/// How many constructs a finding names.
const MOST_NAMED: usize = 20;

/// The sequencing that a manifest defines once for several items, by its ID.
pub struct Collections<'a, 'input>(HashMap<&'a str, Node<'a, 'input>>);

impl<'a, 'input> Collections<'a, 'input> {
    /// Those of a manifest.
    pub fn new(root: Node<'a, 'input>) -> Self {
        let collections = children(root, "sequencingCollection");
        let all = collections.flat_map(|collection| children(collection, "sequencing"));
        Collections(
            all.filter_map(|node| Some((attribute(node, "id")?, node)))
                .collect(),
        )
    }
}

/// What a manifest says and the player does not follow: each construct, with the titles of the parts that have it.
#[derive(Default)]
pub struct Unfollowed(BTreeMap<String, Vec<String>>);

impl Unfollowed {
    fn add(&mut self, construct: impl Into<String>, title: &str) {
        let titles = self.0.entry(construct.into()).or_default();
        if titles.last().is_none_or(|last| last != title) {
            titles.push(title.to_owned());
        }
    }

    /// The finding that tells of it, if there is anything.
    pub fn finding(&self) -> Option<Finding> {
        let named = self.0.iter().take(MOST_NAMED);
        let mut told: Vec<String> = named
            .map(|(construct, titles)| match titles.as_slice() {
                [title] => format!("{construct} (“{title}”)"),
                titles => format!("{construct} ({} parts)", titles.len()),
            })
            .collect();
        if told.is_empty() {
            return None;
        }
        let more = self.0.len() - told.len();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        let message = format!("The player does not follow this sequencing: {}.", told.join("; "));
        let fix = "Test the package before you publish it: learners open its parts in any order, and all count alike. Where the \
            order matters, make each part a package of its own, in a module of the course that is taken in order.";
        Some(Finding::new(FindingCode::SequencingUnsupported, message, fix).at(MANIFEST))
    }
}

/// What the player knows of the sequencing of an item.
#[derive(Debug, Default)]
pub struct Sequencing {
    /// Its objectives, the primary one first.
    pub objectives: Vec<PackageObjective>,
    /// How long an attempt may take.
    pub time_limit: Option<String>,
}

/// An item, or the organization.
pub struct Place<'a> {
    /// What it is called.
    pub title: &'a str,
    /// How many items are directly below it.
    pub parts: usize,
    /// Whether it is the organization, which has nothing above it.
    pub is_root: bool,
    /// Whether the package has several parts to open.
    pub is_one_of_several: bool,
}

/// Reads the sequencing of an item or organization; `unfollowed` gets what the player does not follow.
pub fn sequencing(
    node: Node,
    place: &Place,
    collections: &Collections,
    unfollowed: &mut Unfollowed,
) -> Sequencing {
    let mut reader = Reader {
        place,
        unfollowed,
        read: Sequencing::default(),
    };
    if child(node, "data").is_some_and(|data| child(data, "map").is_some()) {
        reader.tell("data that its parts share (`adlcp:data`)");
    }
    if place.is_one_of_several && !place.is_root {
        let threshold = child(node, "completionThreshold");
        reader.tell_others(threshold, "completionThreshold", &[("progressWeight", "1")]);
    }
    let Some(own) = child(node, "sequencing") else {
        return reader.read;
    };
    let shared = attribute(own, "IDRef").and_then(|named| {
        let found = collections.0.get(named).copied();
        if found.is_none() {
            reader.tell(format!("`{}`, which the manifest does not have", shown(named)));
        }
        found
    });
    let own_parts: Vec<Node> = own.children().filter(Node::is_element).collect();
    // What an item says itself replaces what it shares with others.
    let replaced: HashSet<&str> = own_parts.iter().map(|part| part.tag_name().name()).collect();
    let shared = shared.into_iter().flat_map(|shared| shared.children());
    let shared = shared.filter(|part| part.is_element() && !replaced.contains(part.tag_name().name()));
    for part in own_parts.iter().copied().chain(shared) {
        reader.read(part);
    }
    reader
        .read
        .objectives
        .sort_by_key(|objective| !objective.is_primary);
    reader.read
}

struct Reader<'a> {
    place: &'a Place<'a>,
    unfollowed: &'a mut Unfollowed,
    read: Sequencing,
}

impl Reader<'_> {
    fn tell(&mut self, construct: impl Into<String>) {
        self.unfollowed.add(construct, self.place.title);
    }

    /// Tells of the attributes that have another value than without them.
    fn tell_others(&mut self, node: Option<Node>, name: &str, defaults: &[(&str, &str)]) {
        for (attribute_name, default) in defaults {
            let Some(value) = node.and_then(|node| attribute(node, attribute_name)) else {
                continue;
            };
            if !is_same(value, default) {
                self.tell(format!("`{name} {attribute_name}=\"{}\"`", shown(value)));
            }
        }
    }

    fn read(&mut self, part: Node) {
        let (has_parts, is_one_of_several) = (self.place.parts > 1, self.place.is_one_of_several);
        match part.tag_name().name() {
            "controlMode" => {
                if is_one_of_several {
                    self.tell_others(Some(part), "controlMode", &[("choiceExit", "true")]);
                }
                // How learners move between the parts below.
                if has_parts {
                    let defaults = [
                        ("choice", "true"),
                        ("forwardOnly", "false"),
                        ("useCurrentAttemptObjectiveInfo", "true"),
                        ("useCurrentAttemptProgressInfo", "true"),
                    ];
                    self.tell_others(Some(part), "controlMode", &defaults);
                }
            }
            name @ "constrainedChoiceConsiderations" if is_one_of_several => {
                let defaults = [("preventActivation", "false"), ("constrainChoice", "false")];
                self.tell_others(Some(part), name, &defaults);
            }
            name @ "randomizationControls" if has_parts => {
                let defaults = [("randomizationTiming", "never"), ("selectionTiming", "never")];
                self.tell_others(Some(part), name, &defaults);
            }
            name @ "deliveryControls" => self.tell_others(Some(part), name, &[("tracked", "true")]),
            name @ "rollupConsiderations" if is_one_of_several => {
                let defaults = [
                    ("requiredForSatisfied", "always"),
                    ("requiredForNotSatisfied", "always"),
                    ("requiredForCompleted", "always"),
                    ("requiredForIncomplete", "always"),
                    ("measureSatisfactionIfActive", "true"),
                ];
                self.tell_others(Some(part), name, &defaults);
            }
            "constrainedChoiceConsiderations" | "randomizationControls" | "rollupConsiderations" => {}
            "limitConditions" => self.limits(part),
            "sequencingRules" => self.rules(part),
            "rollupRules" => self.rollup(part),
            "objectives" => self.objectives(part),
            "auxiliaryResources" => self.tell("`auxiliaryResources`"),
            other => self.tell(format!("`{}`", shown(other))),
        }
    }

    fn limits(&mut self, part: Node) {
        for limit in part.attributes() {
            match limit.name() {
                "attemptAbsoluteDurationLimit" if self.place.parts == 0 => {
                    self.read.time_limit = Some(limit.value().trim().to_owned());
                }
                name => self.tell(format!("`limitConditions {}`", shown(name))),
            }
        }
    }

    fn rules(&mut self, part: Node) {
        for rule in part.children().filter(Node::is_element) {
            let name = shown(rule.tag_name().name());
            let action = child(rule, "ruleAction").and_then(|action| attribute(action, "action"));
            self.tell(format!(
                "`{name}` with the action `{}`",
                shown(action.unwrap_or("skip"))
            ));
        }
    }

    fn rollup(&mut self, part: Node) {
        if self.place.is_one_of_several && !self.place.is_root {
            let defaults = [
                ("rollupObjectiveSatisfied", "true"),
                ("rollupProgressCompletion", "true"),
                ("objectiveMeasureWeight", "1"),
            ];
            self.tell_others(Some(part), "rollupRules", &defaults);
        }
        for rule in children(part, "rollupRule") {
            if self.place.parts > 0 && !is_plain(rule, self.place.parts) {
                let action = rollup_action(rule);
                self.tell(format!("`rollupRule` with the action `{}`", shown(action)));
            }
        }
    }

    /// The 4th edition says more of an objective in a second list, `adlseq:objectives`.
    fn objectives(&mut self, part: Node) {
        let is_first_list = !part
            .tag_name()
            .namespace()
            .is_some_and(|space| space.contains("adlseq"));
        for node in part.children().filter(Node::is_element) {
            if child(node, "mapInfo").is_some() {
                self.tell("objectives that parts share (`mapInfo`)");
            }
            let found = objective(node);
            let known = &mut self.read.objectives;
            let is_known = found.id.is_some() && known.iter().any(|known| known.id == found.id);
            if is_first_list && !is_known && (found.is_primary || found.id.is_some()) {
                known.push(found);
            }
        }
    }
}

/// A name or value out of a manifest, for people.
fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// Whether a value means the same: XML writes true also as 1, and 1 also as 1.0.
fn is_same(value: &str, default: &str) -> bool {
    let number = |text: &str| match text {
        "true" => Some(1.0),
        "false" => Some(0.0),
        text => text.parse::<f64>().ok(),
    };
    value == default || number(value).is_some_and(|value| Some(value) == number(default))
}

fn rollup_action<'a>(rule: Node<'a, '_>) -> &'a str {
    let action = child(rule, "rollupAction").and_then(|action| attribute(action, "action"));
    action.unwrap_or("satisfied")
}

/// Whether a rule says what holds without it: that something is completed or satisfied when all its parts are.
fn is_plain(rule: Node, parts: usize) -> bool {
    let set = attribute(rule, "childActivitySet").unwrap_or("all");
    let conditions = child(rule, "rollupConditions").into_iter();
    let conditions: Vec<Node> = conditions
        .flat_map(|found| children(found, "rollupCondition"))
        .collect();
    let [condition] = conditions.as_slice() else {
        return false;
    };
    let says = attribute(*condition, "condition").unwrap_or_default();
    (set == "all" || set == "any" && parts == 1)
        && attribute(*condition, "operator") != Some("not")
        && matches!(says, "completed" | "satisfied")
        && says == rollup_action(rule)
}

fn objective(node: Node) -> PackageObjective {
    let measure = child(node, "minNormalizedMeasure").and_then(|least| least.text());
    let measure = measure.and_then(|least| least.trim().parse::<f64>().ok());
    let by_measure = attribute(node, "satisfiedByMeasure").is_some_and(|by| is_same(by, "true"));
    PackageObjective {
        id: attribute(node, "objectiveID")
            .filter(|id| !id.is_empty())
            .map(str::to_owned),
        is_primary: node.tag_name().name() == "primaryObjective",
        passing_score: by_measure.then(|| measure.filter(|measure| measure.is_finite()).unwrap_or(1.0)),
    }
}
