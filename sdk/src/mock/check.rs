//! What the real host would refuse, found on the developer's machine.

use std::collections::BTreeSet;

use super::shown::node_actions;
use crate::view::{Document, Node};
use crate::{AppError, State};

/// Bytes of state that the host keeps.
const STATE_BYTES_MAX: usize = 64 << 10;
/// Nodes of a document.
const NODES_MAX: usize = 4_096;

/// Refuses a state over the limit.
pub(super) fn state(state: &State) -> Result<(), AppError> {
    if state.len() > STATE_BYTES_MAX {
        return refuse(format!("the state has {} bytes", state.len()));
    }
    Ok(())
}

/// Refuses a document that is no tree, has ragged tables or ambiguous actions.
pub(super) fn document(document: &Document) -> Result<(), AppError> {
    if document.title.trim().is_empty() {
        return refuse("the document has no title".to_owned());
    }
    if document.nodes.len() > NODES_MAX {
        return refuse(format!("the document has {} nodes", document.nodes.len()));
    }
    let mut used = BTreeSet::new();
    for id in &document.root {
        use_once(document, *id, &mut used)?;
    }
    for (parent, node) in (0_u32..).zip(&document.nodes) {
        let (Node::Section((_, children)) | Node::Columns(children) | Node::Details((_, children))) =
            node
        else {
            continue;
        };
        for child in children {
            if *child <= parent {
                return refuse(format!("node {child} comes before its parent {parent}"));
            }
            use_once(document, *child, &mut used)?;
        }
    }
    if used.len() != document.nodes.len() {
        return refuse("a node is not used".to_owned());
    }
    let mut actions = BTreeSet::new();
    for action in document.nodes.iter().flat_map(node_actions) {
        if action.id.is_empty() || action.id.len() > 200 || !actions.insert(&action.id) {
            return refuse(format!(
                "the action id `{}` is empty, too long or used twice",
                action.id
            ));
        }
    }
    for node in &document.nodes {
        if let Node::Table(table) = node
            && (table.columns.is_empty()
                || table
                    .rows
                    .iter()
                    .any(|row| row.len() != table.columns.len()))
        {
            return refuse(format!("table `{}` is ragged", table.caption));
        }
    }
    Ok(())
}

fn use_once(document: &Document, id: u32, used: &mut BTreeSet<u32>) -> Result<(), AppError> {
    let exists = usize::try_from(id).is_ok_and(|index| index < document.nodes.len());
    if exists && used.insert(id) {
        Ok(())
    } else {
        refuse(format!("node {id} does not exist or is used twice"))
    }
}

fn refuse(problem: String) -> Result<(), AppError> {
    Err(AppError::Other(format!(
        "the host would refuse this screen: {problem}"
    )))
}
