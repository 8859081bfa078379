//! Explanations, and the listing of a schema.

use provost::filter::{AttributeDescription, Explanation, Facts, Filter};
use serde_json::json;

use super::fixture::{clock, schema};

#[test]
fn an_explanation_shows_each_clause_with_its_facts() {
    let text = "tags eq \"EMEA\" and (hired_on gt \"-P30D\" or not (status eq \"active\")) and emails[type eq \"work\"]";
    let filter = Filter::parse(text, &schema()).unwrap();
    let facts = Facts::new(json!({
        "tags": ["emea-de", "emea"],
        "hired_on": "2025-12-01",
        "status": "active",
        "emails": [{"type": "home", "value": "a@b"}],
    }));

    let explanation = filter.explain(&facts, &clock());

    assert_eq!(
        serde_json::to_value(explanation).unwrap(),
        json!({
            "clause": text, "holds": false, "kind": "all",
            "children": [
                {
                    "clause": "tags eq \"EMEA\"", "holds": true, "kind": "comparison",
                    "fact": {"attribute": "tags", "values": ["emea-de", "emea"]}
                },
                {
                    "clause": "hired_on gt \"-P30D\" or not (status eq \"active\")", "holds": false, "kind": "any",
                    "children": [
                        {
                            "clause": "hired_on gt \"-P30D\"", "holds": false, "kind": "comparison",
                            "compared_with": "2026-01-01",
                            "fact": {"attribute": "hired_on", "values": ["2025-12-01"]}
                        },
                        {
                            "clause": "not (status eq \"active\")", "holds": false, "kind": "not",
                            "children": [{
                                "clause": "status eq \"active\"", "holds": true, "kind": "comparison",
                                "fact": {"attribute": "status", "values": ["active"]}
                            }]
                        }
                    ]
                },
                {
                    "clause": "emails[type eq \"work\"]", "holds": false, "kind": "comparison",
                    "fact": {"attribute": "emails", "values": [{"type": "home", "value": "a@b"}]}
                }
            ]
        })
    );
}

#[test]
fn absent_values_satisfy_only_what_negates() {
    let facts = Facts::default();
    for (text, holds) in [
        ("name eq \"x\"", false),
        ("name ne \"x\"", true),
        ("not (name eq \"x\")", true),
        ("not (name ne \"x\")", false),
        ("level lt 5", false),
        ("level ge 5", false),
        ("name pr", false),
        ("name eq null", true),
        ("name ne null", false),
        ("not (name ne null)", true),
        ("emails[not (type pr)]", false),
    ] {
        let filter = Filter::parse(text, &schema()).unwrap();
        assert_eq!(filter.matches(&facts, &clock()), holds, "{text}");
    }
}

#[test]
fn a_schema_lists_its_attributes() {
    let table = schema().to_markdown();

    assert!(
        table.contains("| `status` | `active`, `on_leave`, `archived` | eq ne pr |  |\n"),
        "{table}"
    );
    assert!(
        table.contains("| `emails.verified_on` | date | eq ne gt ge lt le pr |  |\n"),
        "{table}"
    );
    assert!(
        table.contains("| `attributes.size` | `S`, `M`, `L` | eq ne pr |  |\n"),
        "{table}"
    );
}

#[test]
fn the_document_describes_explanations_without_dangling_references() {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(Explanation, AttributeDescription)))]
    struct Document;

    let document = serde_json::to_value(<Document as utoipa::OpenApi>::openapi()).unwrap();

    let schemas = &document["components"]["schemas"];
    let names: Vec<_> = schemas.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "AttributeDescription",
            "Explanation",
            "ExplanationKind",
            "FactUsed",
            "FactValue"
        ]
    );
    let children = &schemas["Explanation"]["properties"]["children"];
    assert_eq!(children["items"]["$ref"], "#/components/schemas/Explanation");
    let values = &schemas["FactUsed"]["properties"]["values"];
    assert_eq!(values["items"]["$ref"], "#/components/schemas/FactValue");
}
