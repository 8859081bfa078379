//! Trees with a closure table: org units, and the reporting line. One set-based algorithm keeps both.
//!
//! A node's parent is the truth; the closure follows it. Whoever writes parents calls [`Tree::keep`] with the nodes
//! that they wrote, be it one or all of them.

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{
    app::Tx,
    db::bind,
    http::{ApiError, ApiResult, Code},
    sql,
};

/// A table of nodes that name their parents, and the table of all pairs of a node and one above it, itself included.
#[derive(Debug)]
pub struct Tree {
    nodes: &'static str,
    parent: &'static str,
    closure: &'static str,
    cycle: Code,
    /// Where a body names the parent.
    pointer: &'static str,
}

/// Org units.
pub static ORG_UNITS: Tree = Tree {
    nodes: "org_units",
    parent: "parent_id",
    closure: "org_unit_closure",
    cycle: Code::OrgUnitCycle,
    pointer: "/parent_id",
};

/// Who reports to whom.
pub static REPORTING_LINES: Tree = Tree {
    nodes: "users",
    parent: "manager_id",
    closure: "reporting_lines",
    cycle: Code::ManagerCycle,
    pointer: "/manager_id",
};

#[derive(QueryableByName)]
struct Node {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

impl Tree {
    /// Brings the closure up to date after the parents of `written` were written. Answers the nodes whose ancestors
    /// changed: those that moved or are new, and all below them. Refuses a cycle.
    pub fn keep(&self, tx: &mut Tx, written: &[Uuid]) -> ApiResult<Vec<Uuid>> {
        if self.moved(tx, written)?.is_empty() {
            return Ok(Vec::new());
        }
        self.lock(tx)?;
        let moved = self.moved(tx, written)?;
        self.refuse_cycle(tx, &moved)?;
        let affected = self.with_descendants(tx, moved)?;
        sql![
            "DELETE FROM ",
            self.closure,
            " WHERE descendant_id = ANY(",
            bind(affected.clone()),
            ")"
        ]
        .execute(tx.conn)?;
        sql![
            "WITH RECURSIVE line(ancestor_id, descendant_id, depth) AS (
                SELECT id, id, 0 FROM unnest(",
            bind(affected.clone()),
            ") AS affected(id)
                UNION ALL
                SELECT node.",
            self.parent,
            ", line.descendant_id, line.depth + 1 FROM line JOIN ",
            self.nodes,
            " node ON node.id = line.ancestor_id AND node.",
            self.parent,
            " IS NOT NULL)
            INSERT INTO ",
            self.closure,
            " (ancestor_id, descendant_id, depth) SELECT ancestor_id, descendant_id, depth FROM line"
        ]
        .execute(tx.conn)?;
        Ok(affected)
    }

    /// The nodes that would stand below themselves if these were given these parents.
    pub fn cycles(&self, tx: &mut Tx, parents: &[(Uuid, Option<Uuid>)]) -> ApiResult<Vec<Uuid>> {
        let (nodes, parents): (Vec<_>, Vec<_>) = parents
            .iter()
            .map(|(node, parent)| (*node, parent.unwrap_or(Uuid::nil())))
            .unzip();
        let found: Vec<Node> = sql![
            "WITH RECURSIVE given(id, parent) AS MATERIALIZED (
                SELECT id, nullif(parent, '00000000-0000-0000-0000-000000000000') FROM unnest(",
            bind(nodes),
            ", ",
            bind(parents),
            ") AS pair(id, parent)),
            line(id, ancestor) AS (
                SELECT id, parent FROM given WHERE parent IS NOT NULL
                UNION
                SELECT line.id, above.parent FROM line
                CROSS JOIN LATERAL (
                    SELECT given.parent FROM given WHERE given.id = line.ancestor
                    UNION ALL
                    SELECT node.",
            self.parent,
            " FROM ",
            self.nodes,
            " node WHERE node.id = line.ancestor AND NOT EXISTS (SELECT 1 FROM given WHERE given.id = node.id)
                ) above
                WHERE line.id <> line.ancestor AND above.parent IS NOT NULL)
            SELECT id FROM line WHERE id = ancestor"
        ]
        .load(tx.conn)?;
        Ok(found.into_iter().map(|node| node.id).collect())
    }

    /// The refusal of a cycle.
    pub fn cycle(&self) -> ApiError {
        ApiError::new(
            self.cycle,
            "Choose one that does not stand below it already, or move that one first.",
        )
        .with_field(self.pointer, "makes a circle")
    }

    /// One writer of parents at a time: two that see only their own change could close a circle between them.
    pub fn lock(&self, tx: &mut Tx) -> ApiResult<()> {
        sql!["SELECT pg_advisory_xact_lock(hashtext(", bind(self.closure), "))"].execute(tx.conn)?;
        Ok(())
    }

    /// Those of `written` whose line does not say what their row says.
    fn moved(&self, tx: &mut Tx, written: &[Uuid]) -> ApiResult<Vec<Uuid>> {
        let moved: Vec<Node> = sql![
            "SELECT node.id FROM unnest(",
            bind(written.to_vec()),
            ") AS written(id) JOIN ",
            self.nodes,
            " node ON node.id = written.id
             LEFT JOIN ",
            self.closure,
            " itself ON itself.descendant_id = node.id AND itself.ancestor_id = node.id
             LEFT JOIN ",
            self.closure,
            " above ON above.descendant_id = node.id AND above.depth = 1
             WHERE itself.depth IS NULL OR above.ancestor_id IS DISTINCT FROM node.",
            self.parent
        ]
        .load(tx.conn)?;
        Ok(moved.into_iter().map(|node| node.id).collect())
    }

    /// Any circle goes through a node that moved.
    fn refuse_cycle(&self, tx: &mut Tx, moved: &[Uuid]) -> ApiResult<()> {
        let found: Vec<Node> = sql![
            "WITH RECURSIVE line(id, ancestor) AS (
                SELECT id, ",
            self.parent,
            " FROM ",
            self.nodes,
            " WHERE id = ANY(",
            bind(moved.to_vec()),
            ") AND ",
            self.parent,
            " IS NOT NULL
                UNION
                SELECT line.id, node.",
            self.parent,
            " FROM line JOIN ",
            self.nodes,
            " node ON node.id = line.ancestor WHERE line.id <> line.ancestor AND node.",
            self.parent,
            " IS NOT NULL)
            SELECT id FROM line WHERE id = ancestor LIMIT 1"
        ]
        .load(tx.conn)?;
        if found.is_empty() {
            Ok(())
        } else {
            Err(self.cycle())
        }
    }

    /// `moved`, and all that the closure as it was has below them.
    fn with_descendants(&self, tx: &mut Tx, moved: Vec<Uuid>) -> ApiResult<Vec<Uuid>> {
        let affected: Vec<Node> = sql![
            "SELECT id FROM unnest(",
            bind(moved.clone()),
            ") AS moved(id) UNION SELECT descendant_id FROM ",
            self.closure,
            " WHERE ancestor_id = ANY(",
            bind(moved),
            ")"
        ]
        .load(tx.conn)?;
        Ok(affected.into_iter().map(|node| node.id).collect())
    }
}
