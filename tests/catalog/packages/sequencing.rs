//! SCORM 2004 sequencing: what the player knows of it, and what people are told that it does not follow.

use provost::catalog::contents::{
    findings::FindingCode,
    package::{
        manifest::{HiddenControl, PackageObjective, PackageStandard},
        read::Package,
    },
};

use super::read_package;
use crate::support::zips::{Entry, PAGE, SCRIPT, manifest_of, zip};

const SCO: &str = r#"<resource identifier="r1" type="webcontent" adlcp:scormtype="sco" href="index.html"/>"#;

/// A package whose organization has these items and says this after them; `collection` stands behind it.
fn of(items: &str, collection: &str) -> Package {
    let manifest = manifest_of("2004 4th Edition", items, SCO);
    let manifest = manifest.replace("</manifest>", &format!("{collection}</manifest>"));
    read_package(&zip(&[
        Entry::new("imsmanifest.xml", manifest),
        Entry::new("index.html", PAGE),
        Entry::new("api.js", SCRIPT),
    ]))
    .unwrap()
}

fn item(title: &str, more: &str) -> String {
    format!(r#"<item identifier="{title}" identifierref="r1"><title>{title}</title>{more}</item>"#)
}

fn sequencing(inner: &str) -> String {
    format!("<imsss:sequencing>{inner}</imsss:sequencing>")
}

/// What the only finding tells.
#[track_caller]
fn told(package: &Package) -> &str {
    let [finding] = package.findings.as_slice() else {
        panic!("{:?}", package.findings)
    };
    assert_eq!(finding.code, FindingCode::SequencingUnsupported);
    &finding.message
}

#[test]
fn what_the_player_knows_of_an_item_is_read() {
    let shared = r#"<imsss:sequencingCollection><imsss:sequencing ID="shared">
        <imsss:objectives><imsss:primaryObjective objectiveID="other"/></imsss:objectives>
        <imsss:limitConditions attemptAbsoluteDurationLimit="PT1H"/></imsss:sequencing></imsss:sequencingCollection>"#;
    let doors = item(
        "Doors",
        r#"<adlcp:timeLimitAction>continue,message</adlcp:timeLimitAction><adlcp:dataFromLMS>x</adlcp:dataFromLMS>
          <adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.8" progressWeight="0.5"/>
          <adlnav:presentation><adlnav:navigationInterface><adlnav:hideLMSUI>continue</adlnav:hideLMSUI>
            <adlnav:hideLMSUI>exitAll</adlnav:hideLMSUI></adlnav:navigationInterface></adlnav:presentation>
          <imsss:sequencing IDRef="shared"><imsss:objectives>
            <imsss:primaryObjective objectiveID="p" satisfiedByMeasure="1">
              <imsss:minNormalizedMeasure>0.7</imsss:minNormalizedMeasure></imsss:primaryObjective>
            <imsss:objective objectiveID="q"/><imsss:objective objectiveID="q"/></imsss:objectives>
            <adlseq:objectives><adlseq:objective objectiveID="p"/></adlseq:objectives>
          </imsss:sequencing>"#,
    );
    let read = of(&doors, shared);
    assert_eq!(read.findings, []);
    assert_eq!(read.manifest.standard, PackageStandard::Scorm2004Fourth);
    let item = &read.manifest.items[0];
    assert_eq!(
        item.hidden_controls,
        [HiddenControl::Continue, HiddenControl::ExitAll]
    );
    assert_eq!(
        (
            item.completion_threshold,
            item.is_completed_by_measure,
            item.progress_weight
        ),
        (Some(0.8), true, Some(0.5))
    );
    assert_eq!(
        (item.launch_data.as_deref(), item.max_time_allowed.as_deref()),
        (Some("x"), Some("PT1H"))
    );
    let objective = |id: &str, passing_score: Option<f64>| PackageObjective {
        id: Some(id.to_owned()),
        is_primary: id == "p",
        passing_score,
    };
    assert_eq!(item.objectives, [objective("p", Some(0.7)), objective("q", None)]);
}

#[test]
fn sequencing_that_the_player_does_not_follow_is_told() {
    let disabled = sequencing(
        r#"<imsss:sequencingRules><imsss:preConditionRule><imsss:ruleConditions><imsss:ruleCondition condition="always"/>
            </imsss:ruleConditions><imsss:ruleAction action="disabled"/></imsss:preConditionRule></imsss:sequencingRules>"#,
    );
    let shared = r#"<imsss:objectives><imsss:primaryObjective objectiveID="p"/><imsss:objective objectiveID="q">
        <imsss:mapInfo targetObjectiveID="g" readSatisfiedStatus="true"/></imsss:objective></imsss:objectives>"#;
    let limited = sequencing(&format!(
        r#"<imsss:limitConditions attemptLimit="2" beginTimeLimit="2026"/>{shared}
            <imsss:rollupRules objectiveMeasureWeight="0"/>"#
    ));
    let whole = sequencing(
        r#"<imsss:controlMode choice="false" flow="true" forwardOnly="true"/>
            <imsss:rollupRules><imsss:rollupRule childActivitySet="any">
              <imsss:rollupConditions><imsss:rollupCondition condition="attempted"/></imsss:rollupConditions>
              <imsss:rollupAction action="completed"/></imsss:rollupRule></imsss:rollupRules>"#,
    );
    let unknown = r#"<imsss:sequencing IDRef="gone"><imsss:strange/></imsss:sequencing>"#;
    let items = [
        item("A", &limited),
        item("B", &disabled),
        item("C", &disabled),
        item("D", unknown),
        whole,
    ];
    let read = of(&items.concat(), "");
    assert_eq!(
        told(&read),
        "The player does not follow this sequencing: \
            `controlMode choice=\"false\"` (“Fire doors”); `controlMode forwardOnly=\"true\"` (“Fire doors”); \
            `gone`, which the manifest does not have (“D”); `limitConditions attemptLimit` (“A”); \
            `limitConditions beginTimeLimit` (“A”); `preConditionRule` with the action `disabled` (2 parts); \
            `rollupRule` with the action `completed` (“Fire doors”); `rollupRules objectiveMeasureWeight=\"0\"` (“A”); \
            `strange` (“D”); objectives that parts share (`mapInfo`) (“A”)."
    );
}

#[test]
fn an_item_replaces_what_it_shares_with_others() {
    let shared = r#"<imsss:sequencingCollection><imsss:sequencing ID="shared">
        <imsss:controlMode choice="false"/></imsss:sequencing></imsss:sequencingCollection>"#;
    let two = [item("A", ""), item("B", "")].concat();
    let whole = |own: &str| format!(r#"{two}<imsss:sequencing IDRef="shared">{own}</imsss:sequencing>"#);
    assert_eq!(
        of(&whole(r#"<imsss:controlMode flow="true"/>"#), shared).findings,
        []
    );
    assert!(told(&of(&whole(""), shared)).contains("choice=\"false\""));
}

#[test]
fn what_changes_nothing_is_not_told() {
    let defaults = sequencing(
        r#"<imsss:controlMode choice="true" choiceExit="1" flow="true" forwardOnly="false"/>
            <imsss:rollupRules rollupObjectiveSatisfied="true" rollupProgressCompletion="true" objectiveMeasureWeight="1.0000">
              <imsss:rollupRule childActivitySet="all">
                <imsss:rollupConditions><imsss:rollupCondition condition="completed"/></imsss:rollupConditions>
                <imsss:rollupAction action="completed"/></imsss:rollupRule></imsss:rollupRules>
            <adlseq:rollupConsiderations requiredForSatisfied="always" measureSatisfactionIfActive="true"/>
            <imsss:randomizationControls randomizationTiming="never" reorderChildren="false"/>
            <adlseq:constrainedChoiceConsiderations preventActivation="false" constrainChoice="false"/>
            <imsss:deliveryControls tracked="true" completionSetByContent="true" objectiveSetByContent="true"/>"#,
    );
    let several = [item("A", &defaults), item("B", &defaults), defaults.clone()].concat();
    assert_eq!(of(&several, "").findings, []);

    // With one part there is nothing to choose and nothing to sum up.
    let lone = sequencing(
        r#"<imsss:controlMode choice="false" choiceExit="false" flow="true" forwardOnly="true"/>
            <imsss:rollupRules objectiveMeasureWeight="0"><imsss:rollupRule childActivitySet="any">
              <imsss:rollupConditions><imsss:rollupCondition condition="satisfied"/></imsss:rollupConditions>
              <imsss:rollupAction action="satisfied"/></imsss:rollupRule></imsss:rollupRules>"#,
    );
    assert_eq!(of(&[item("A", &lone), lone].concat(), "").findings, []);
}

#[test]
fn a_package_with_all_sorts_of_sequencing_gets_one_finding() {
    let names = (0..50).map(|name| format!("<imsss:strange{name}/>"));
    let read = of(&item("A", &sequencing(&names.collect::<String>())), "");
    assert!(told(&read).ends_with("; and 30 more."), "{}", told(&read));
}
