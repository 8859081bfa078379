//! Both closures against a slow, obvious model: random trees, random moves, many at a time.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use provost::{
    app::Tx,
    db::Fixed,
    http::{ApiResult, Code},
    people::closure::{ORG_UNITS, REPORTING_LINES, Tree},
    sql,
};
use uuid::Uuid;

use crate::support::TestApp;

const NODES: usize = 12;

/// Batches of moves: node, and its new parent (itself stands for none).
fn batches() -> impl Strategy<Value = Vec<Vec<(usize, usize)>>> {
    vec(vec((0..NODES, 0..NODES), 1..6), 1..8)
}

type Pairs = BTreeSet<(Uuid, Uuid, i32)>;
type Parents = BTreeMap<Uuid, Option<Uuid>>;

/// Every node with all above it, or nothing if there is a circle.
fn model(parents: &Parents) -> Option<Pairs> {
    let mut pairs = Pairs::new();
    for start in parents.keys() {
        let (mut at, mut depth) = (Some(*start), 0);
        while let Some(node) = at {
            if depth > NODES as i32 {
                return None;
            }
            pairs.insert((node, *start, depth));
            at = parents[&node];
            depth += 1;
        }
    }
    Some(pairs)
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = sql_types::Uuid)]
    ancestor_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    descendant_id: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    depth: i32,
}

/// What one kind of tree needs in SQL.
struct Subject {
    tree: &'static Tree,
    insert: &'static str,
    set_parent: &'static str,
    pairs: &'static str,
    cycle: Code,
}

const UNITS: Subject = Subject {
    tree: &ORG_UNITS,
    insert: "INSERT INTO org_units (id, code, code_folded, name, name_folded, created_at, updated_at)
        SELECT id, id::text, id::text, 'unit', 'unit', now(), now() FROM unnest(",
    set_parent: "UPDATE org_units SET parent_id = ",
    pairs: "SELECT * FROM org_unit_closure WHERE descendant_id = ANY(",
    cycle: Code::OrgUnitCycle,
};

const LINES: Subject = Subject {
    tree: &REPORTING_LINES,
    insert: "INSERT INTO users (id, username, username_folded, given_name, given_name_folded, family_name, family_name_folded, status, created_at, updated_at)
        SELECT id, id::text, id::text, 'a', 'a', 'b', 'b', 'active', now(), now() FROM unnest(",
    set_parent: "UPDATE users SET manager_id = ",
    pairs: "SELECT * FROM reporting_lines WHERE descendant_id = ANY(",
    cycle: Code::ManagerCycle,
};

impl Subject {
    fn plant(&self, tx: &mut Tx) -> ApiResult<Vec<Uuid>> {
        let nodes: Vec<Uuid> = (0..NODES).map(|_| Uuid::now_v7()).collect();
        sql!("{insert}{nodes}) AS node(id)", insert = Fixed(self.insert)).execute(tx.conn)?;
        self.tree.refresh(tx, &nodes)?;
        Ok(nodes)
    }

    fn pairs(&self, tx: &mut Tx, nodes: &[Uuid]) -> ApiResult<Pairs> {
        let pairs: Vec<Pair> = sql!("{pairs}{nodes})", pairs = Fixed(self.pairs)).load(tx.conn)?;
        Ok(pairs
            .into_iter()
            .map(|pair| (pair.ancestor_id, pair.descendant_id, pair.depth))
            .collect())
    }

    /// Writes the parents and keeps the closure, as one transaction.
    fn turn(&self, app: &TestApp, moves: &Parents) -> Result<(), Code> {
        let acting = provost::app::Acting::system("test");
        let outcome = app.app.write_blocking(&acting, |tx| {
            for (node, parent) in moves {
                sql!(
                    "{set_parent}{parent} WHERE id = {node}",
                    set_parent = Fixed(self.set_parent)
                )
                .execute(tx.conn)?;
            }
            let nodes: Vec<Uuid> = moves.keys().copied().collect();
            self.tree.refresh(tx, &nodes).map(drop)
        });
        outcome.map_err(|error| error.code)
    }

    fn check(&self, app: &TestApp, batches: &[Vec<(usize, usize)>]) {
        let nodes = app.write(|tx| self.plant(tx));
        let mut parents: Parents = nodes.iter().map(|node| (*node, None)).collect();
        for batch in batches {
            let moves: Parents = batch
                .iter()
                .filter(|(node, parent)| node != parent || *node % 2 == 0)
                .map(|(node, parent)| (nodes[*node], (node != parent).then(|| nodes[*parent])))
                .collect();
            let mut moved = parents.clone();
            moved.extend(moves.clone());
            let overlay: Vec<_> = moves.clone().into_iter().collect();
            let foretold = app.write(|tx| self.tree.cycles(tx, &overlay));
            match model(&moved) {
                Some(_) => {
                    assert!(foretold.is_empty());
                    assert_eq!(self.turn(app, &moves), Ok(()));
                    parents = moved;
                }
                None => {
                    assert!(!foretold.is_empty());
                    assert_eq!(self.turn(app, &moves), Err(self.cycle));
                }
            }
            assert_eq!(app.write(|tx| self.pairs(tx, &nodes)), model(&parents).unwrap());
        }
    }
}

#[actix_web::test]
async fn both_closures_equal_the_slow_model_after_any_moves() {
    let app = TestApp::start().await;
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    for subject in [UNITS, LINES] {
        TestRunner::new(config.clone())
            .run(&batches(), |batches| {
                subject.check(&app, &batches);
                Ok(())
            })
            .unwrap();
    }
}
