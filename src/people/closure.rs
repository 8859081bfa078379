//! Trees with a closure table: org units, and the reporting line. One set-based algorithm keeps both.
//!
//! A node's parent is the truth; the closure follows it. Code that writes parents calls [`Tree::refresh`] with the nodes
//! that they wrote, be it one or all of them.

use std::collections::{HashMap, HashSet};

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use crate::{
    app::Tx,
    db::Fixed,
    http::{ApiError, ApiResult, Code},
    resource::{Draft, Resource, draft::without_faults},
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

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = sql_types::Uuid)]
    ancestor_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    descendant_id: Uuid,
}

/// The nodes from which going up, step by step, leads back to themselves.
fn circling(above: &HashMap<Uuid, Uuid>) -> Vec<Uuid> {
    let next = |node: &Uuid| above.get(node).copied();
    let mut reached_from: HashMap<Uuid, Uuid> = HashMap::new();
    let mut found = Vec::new();
    for start in above.keys() {
        let mut at = Some(*start);
        while let Some(node) = at.filter(|node| !reached_from.contains_key(node)) {
            reached_from.insert(node, *start);
            at = next(&node);
        }
        // A node that this very walk has met before: from here it goes round.
        if let Some(first) = at.filter(|node| reached_from.get(node) == Some(start)) {
            found.push(first);
            found.extend(std::iter::successors(next(&first), next).take_while(|node| *node != first));
        }
    }
    found
}

impl Tree {
    /// Brings the closure up to date after the parents of `written` were written. Answers the nodes whose ancestors
    /// changed: those that moved or are new, and all below them. Refuses a cycle.
    pub fn refresh(&self, tx: &mut Tx, written: &[Uuid]) -> ApiResult<Vec<Uuid>> {
        if self.moved(tx, written)?.is_empty() {
            return Ok(Vec::new());
        }
        self.lock(tx)?;
        let moved = self.moved(tx, written)?;
        self.refuse_cycle(tx, &moved)?;
        let affected = self.with_descendants(tx, moved)?;
        sql!(
            "DELETE FROM {closure} WHERE descendant_id = ANY({affected})",
            closure = Fixed(self.closure),
        )
        .execute(tx.conn)?;
        sql!(
            "WITH RECURSIVE line(ancestor_id, descendant_id, depth) AS (
                SELECT id, id, 0 FROM unnest({affected}) AS affected(id)
                UNION ALL
                SELECT node.{parent}, line.descendant_id, line.depth + 1 FROM line
                JOIN {nodes} node ON node.id = line.ancestor_id AND node.{parent} IS NOT NULL)
             INSERT INTO {closure} (ancestor_id, descendant_id, depth)
             SELECT ancestor_id, descendant_id, depth FROM line",
            parent = Fixed(self.parent),
            nodes = Fixed(self.nodes),
            closure = Fixed(self.closure),
        )
        .execute(tx.conn)?;
        Ok(affected)
    }

    /// The nodes that would stand below themselves if these were given these parents. Goes by the closure as it is kept,
    /// so whatever was written must have been kept; nodes that are not written yet may stand among the given.
    pub fn cycles(&self, tx: &mut Tx, parents: &[(Uuid, Option<Uuid>)]) -> ApiResult<Vec<Uuid>> {
        let nodes: HashSet<Uuid> = parents.iter().map(|(node, _)| *node).collect();
        let nearest = self.nearest(tx, parents, &nodes)?;
        let above = parents.iter().filter_map(|(node, parent)| {
            let parent = (*parent)?;
            let next = if nodes.contains(&parent) {
                parent
            } else {
                *nearest.get(&parent)?
            };
            Some((*node, next))
        });
        Ok(circling(&above.collect()))
    }

    /// Refuses drafts that would stand below themselves with the parents that they newly have; false if there are none.
    pub fn refuse_circles<T: Resource>(
        &self,
        tx: &mut Tx,
        parent: fn(&T) -> &Option<Uuid>,
        drafts: &mut [Draft<T>],
    ) -> ApiResult<bool> {
        let standing_ones = drafts.iter().filter(|draft| draft.stands());
        let circling = self.circling(tx, parent, standing_ones)?;
        for draft in without_faults(drafts).filter(|draft| circling.contains(&draft.after.id())) {
            draft.refuse(self.cycle());
        }
        Ok(!circling.is_empty())
    }

    /// Tells drafts that are refused already of a circle, too, if they are in one where all others stand as they ask.
    pub fn explain_circles<T: Resource>(
        &self,
        tx: &mut Tx,
        parent: fn(&T) -> &Option<Uuid>,
        drafts: &mut [Draft<T>],
    ) -> ApiResult<()> {
        if drafts.iter().all(|draft| draft.stands() || !draft.sets(parent)) {
            return Ok(());
        }
        let circling = self.circling(tx, parent, drafts.iter())?;
        let refused = drafts.iter_mut().filter(|draft| !draft.stands());
        for draft in refused.filter(|draft| circling.contains(&draft.after.id())) {
            draft.refuse(self.cycle());
        }
        Ok(())
    }

    fn circling<'a, T: Resource>(
        &self,
        tx: &mut Tx,
        parent: fn(&T) -> &Option<Uuid>,
        drafts: impl Iterator<Item = &'a Draft<T>>,
    ) -> ApiResult<HashSet<Uuid>> {
        let placed = drafts.filter(|draft| draft.sets(parent));
        let placed: Vec<_> = placed
            .map(|draft| (draft.after.id(), *parent(&draft.after)))
            .collect();
        if placed.is_empty() {
            return Ok(HashSet::new());
        }
        Ok(self.cycles(tx, &placed)?.into_iter().collect())
    }

    /// For each parent, the nearest of `nodes` at or above it.
    fn nearest(
        &self,
        tx: &mut Tx,
        parents: &[(Uuid, Option<Uuid>)],
        nodes: &HashSet<Uuid>,
    ) -> ApiResult<HashMap<Uuid, Uuid>> {
        let named: HashSet<Uuid> = parents.iter().filter_map(|(_, parent)| *parent).collect();
        let pairs: Vec<Pair> = sql!(
            "SELECT DISTINCT ON (descendant_id) descendant_id, ancestor_id FROM {closure}
             WHERE descendant_id = ANY({named}) AND ancestor_id = ANY({nodes})
             ORDER BY descendant_id, depth",
            closure = Fixed(self.closure),
            named = Vec::from_iter(named),
            nodes = Vec::from_iter(nodes.iter().copied()),
        )
        .load(tx.conn)?;
        Ok(pairs
            .into_iter()
            .map(|pair| (pair.descendant_id, pair.ancestor_id))
            .collect())
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
        tx.advisory_lock(self.closure)
    }

    /// Those of `written` whose line does not say what their row says.
    fn moved(&self, tx: &mut Tx, written: &[Uuid]) -> ApiResult<Vec<Uuid>> {
        let moved: Vec<Node> = sql!(
            "SELECT node.id FROM unnest({written}) AS written(id)
             JOIN {nodes} node ON node.id = written.id
             LEFT JOIN {closure} itself ON itself.descendant_id = node.id
                AND itself.ancestor_id = node.id
             LEFT JOIN {closure} above ON above.descendant_id = node.id AND above.depth = 1
             WHERE itself.depth IS NULL OR above.ancestor_id IS DISTINCT FROM node.{parent}",
            nodes = Fixed(self.nodes),
            closure = Fixed(self.closure),
            parent = Fixed(self.parent),
        )
        .load(tx.conn)?;
        Ok(moved.into_iter().map(|node| node.id).collect())
    }

    /// Any circle goes through a node that moved.
    fn refuse_cycle(&self, tx: &mut Tx, moved: &[Uuid]) -> ApiResult<()> {
        let found: Vec<Node> = sql!(
            "WITH RECURSIVE line(id, ancestor) AS (
                SELECT id, {parent} FROM {nodes} WHERE id = ANY({moved}) AND {parent} IS NOT NULL
                UNION
                SELECT line.id, node.{parent} FROM line JOIN {nodes} node ON node.id = line.ancestor
                WHERE line.id <> line.ancestor AND node.{parent} IS NOT NULL)
             SELECT id FROM line WHERE id = ancestor LIMIT 1",
            parent = Fixed(self.parent),
            nodes = Fixed(self.nodes),
        )
        .load(tx.conn)?;
        if found.is_empty() {
            Ok(())
        } else {
            Err(self.cycle())
        }
    }

    /// `moved`, and all that the closure as it was has below them.
    fn with_descendants(&self, tx: &mut Tx, moved: Vec<Uuid>) -> ApiResult<Vec<Uuid>> {
        let affected: Vec<Node> = sql!(
            "SELECT id FROM unnest({moved}) AS moved(id) UNION SELECT descendant_id FROM {closure}
             WHERE ancestor_id = ANY({moved})",
            closure = Fixed(self.closure),
        )
        .load(tx.conn)?;
        Ok(affected.into_iter().map(|node| node.id).collect())
    }
}
