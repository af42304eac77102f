//! Which documents are drawn: a tree, bounded, with unambiguous actions.

use std::collections::BTreeSet;

use super::{Action, Cell, Document, FieldKind, Node, ValidDocument};
use crate::manifest::is_deceptive;

/// Greatest depth of nesting.
pub const DEPTH_MAX: usize = 32;
/// Greatest number of nodes.
pub const NODES_MAX: usize = 4_096;
/// Greatest length of an action id or a field name, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// Greatest number of columns in a table.
const COLUMNS_MAX: usize = 32;

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDocument {
    /// The texts of the document together exceed the limit.
    #[error("the document has {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// Counted.
        bytes: u64,
        /// Allowed.
        max: u64,
    },
    /// More than [`NODES_MAX`] nodes.
    #[error("the document has {0} nodes, at most {NODES_MAX} are allowed")]
    TooManyNodes(usize),
    /// A container or the root names a node that is not there.
    #[error("node {0} is named but does not exist")]
    NoSuchNode(u32),
    /// A child's index is not greater than its parent's.
    #[error("node {child} is a child of node {parent} but does not come after it")]
    ChildBeforeParent {
        /// The container.
        parent: u32,
        /// The child.
        child: u32,
    },
    /// A node is named twice.
    #[error("node {0} is used more than once")]
    UsedTwice(u32),
    /// A node is never named.
    #[error("node {0} is not used")]
    Unused(u32),
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("the document is nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// Two actions share an id.
    #[error("the action id `{0}` is used more than once")]
    DuplicateAction(String),
    /// Two fields of a form share a name.
    #[error("the field name `{0}` is used more than once in a form")]
    DuplicateField(String),
    /// An action id or a field name is empty or too long.
    #[error(
        "action ids and field names have 1 to {NAME_BYTES_MAX} bytes without control characters"
    )]
    BadName,
    /// A row has more or fewer cells than there are columns, or there are too many columns.
    #[error("table `{0}`: every row needs one cell per column, at most {COLUMNS_MAX} columns")]
    RaggedTable(String),
    /// A decimal is not one.
    #[error("`{0}` is not a decimal number")]
    BadDecimal(String),
    /// The title is empty.
    #[error("the document needs a title")]
    NoTitle,
}

impl Document {
    /// Checks tree shape, sizes, names and numbers. `bytes_max` bounds the sum of all texts
    /// (plus a few bytes per node).
    pub fn validate(self, bytes_max: u64) -> Result<ValidDocument, InvalidDocument> {
        let bytes = self.bytes();
        if bytes > bytes_max {
            return Err(InvalidDocument::TooLarge {
                bytes,
                max: bytes_max,
            });
        }
        if self.nodes.len() > NODES_MAX {
            return Err(InvalidDocument::TooManyNodes(self.nodes.len()));
        }
        if self.title.trim().is_empty() {
            return Err(InvalidDocument::NoTitle);
        }
        self.check_tree()?;
        let mut actions = BTreeSet::new();
        for node in &self.nodes {
            check_node(node, &mut actions)?;
        }
        Ok(ValidDocument(self))
    }

    /// Because a child comes after its parent and is used once, one pass finds every depth.
    fn check_tree(&self) -> Result<(), InvalidDocument> {
        let mut depths = vec![0_usize; self.nodes.len()];
        let mut visit = |child: u32, depth: usize| {
            let slot = usize::try_from(child)
                .ok()
                .and_then(|index| depths.get_mut(index))
                .ok_or(InvalidDocument::NoSuchNode(child))?;
            if *slot != 0 {
                return Err(InvalidDocument::UsedTwice(child));
            }
            if depth > DEPTH_MAX {
                return Err(InvalidDocument::TooDeep);
            }
            *slot = depth;
            Ok(depth)
        };
        let mut pending: Vec<(Option<u32>, u32, usize)> = self
            .root
            .iter()
            .rev()
            .map(|child| (None, *child, 1))
            .collect();
        while let Some((parent, child, depth)) = pending.pop() {
            if let Some(parent) = parent.filter(|parent| child <= *parent) {
                return Err(InvalidDocument::ChildBeforeParent { parent, child });
            }
            visit(child, depth)?;
            let node = usize::try_from(child)
                .ok()
                .and_then(|index| self.nodes.get(index));
            for grandchild in node.map(Node::children).unwrap_or_default().iter().rev() {
                pending.push((Some(child), *grandchild, depth + 1));
            }
            if pending.len() > NODES_MAX * 2 {
                return Err(InvalidDocument::TooManyNodes(pending.len()));
            }
        }
        match depths.iter().position(|depth| *depth == 0) {
            Some(unused) => Err(InvalidDocument::Unused(
                u32::try_from(unused).unwrap_or(u32::MAX),
            )),
            None => Ok(()),
        }
    }

    fn bytes(&self) -> u64 {
        let extras: usize = self.extras.iter().map(|(k, v)| k.len() + v.len()).sum();
        let total = self.title.len()
            + extras
            + self.root.len() * 4
            + self.nodes.iter().map(node_bytes).sum::<usize>();
        u64::try_from(total).unwrap_or(u64::MAX)
    }
}

fn check_node(node: &Node, actions: &mut BTreeSet<String>) -> Result<(), InvalidDocument> {
    match node {
        Node::Facts(facts) => facts
            .iter()
            .try_for_each(|(_, cell)| check_cell(cell, actions)),
        Node::Table(table) => {
            let width = table.columns.len();
            if width == 0 || width > COLUMNS_MAX || table.rows.iter().any(|row| row.len() != width)
            {
                return Err(InvalidDocument::RaggedTable(
                    table.caption.chars().take(80).collect(),
                ));
            }
            table
                .rows
                .iter()
                .flatten()
                .try_for_each(|cell| check_cell(cell, actions))
        }
        Node::Chart(chart) => {
            let points = chart.series.iter().flat_map(|series| &series.points);
            points
                .map(|point| &point.value)
                .chain(&chart.low)
                .chain(&chart.high)
                .try_for_each(|decimal| check_decimal(decimal))
        }
        Node::Actions(buttons) => buttons
            .iter()
            .try_for_each(|action| check_action(action, actions)),
        Node::Form(form) => {
            check_action(&form.submit, actions)?;
            let mut names = BTreeSet::new();
            for field in &form.fields {
                check_name(&field.name)?;
                if !names.insert(field.name.as_str()) {
                    return Err(InvalidDocument::DuplicateField(field.name.clone()));
                }
                if let FieldKind::Number(low, high) = &field.kind {
                    low.iter()
                        .chain(high)
                        .try_for_each(|decimal| check_decimal(decimal))?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn check_cell(cell: &Cell, actions: &mut BTreeSet<String>) -> Result<(), InvalidDocument> {
    match cell {
        Cell::Quantity(value, _) => check_decimal(value),
        Cell::Action(action) => check_action(action, actions),
        _ => Ok(()),
    }
}

fn check_action(action: &Action, actions: &mut BTreeSet<String>) -> Result<(), InvalidDocument> {
    check_name(&action.id)?;
    if actions.insert(action.id.clone()) {
        Ok(())
    } else {
        Err(InvalidDocument::DuplicateAction(action.id.clone()))
    }
}

fn check_name(name: &str) -> Result<(), InvalidDocument> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(is_deceptive) {
        Ok(())
    } else {
        Err(InvalidDocument::BadName)
    }
}

/// FHIR `decimal` (R4, datatypes), at most 40 characters.
fn check_decimal(text: &str) -> Result<(), InvalidDocument> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let fine = text.len() <= 40
        && digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| e.len() <= 4 && digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
    if fine {
        Ok(())
    } else {
        Err(InvalidDocument::BadDecimal(text.chars().take(40).collect()))
    }
}

fn node_bytes(node: &Node) -> usize {
    let action = |a: &Action| a.id.len() + a.label.len();
    let cell = |c: &Cell| match c {
        Cell::Text(t) | Cell::Date(t) | Cell::Badge(t, _) | Cell::Other(t) => t.len(),
        Cell::Quantity(v, u) => v.len() + u.len(),
        Cell::Action(a) => action(a),
    };
    let optional = |o: &Option<String>| o.as_ref().map_or(0, String::len);
    let kind = |k: &FieldKind| match k {
        FieldKind::Select(choices) => choices.iter().map(|c| c.value.len() + c.label.len()).sum(),
        FieldKind::Number(low, high) => optional(low) + optional(high),
        FieldKind::Other(t) => t.len(),
        _ => 0,
    };
    8 + match node {
        Node::Heading(t) | Node::Paragraph(t) | Node::Alert(_, t) | Node::Other(t) => t.len(),
        Node::Facts(facts) => facts
            .iter()
            .map(|(label, c)| 4 + label.len() + cell(c))
            .sum(),
        Node::Table(t) => {
            t.caption.len()
                + t.columns.iter().map(|c| 4 + c.label.len()).sum::<usize>()
                + t.rows.iter().flatten().map(|c| 4 + cell(c)).sum::<usize>()
        }
        Node::Chart(c) => {
            let points = |s: &super::Series| {
                s.points
                    .iter()
                    .map(|p| 4 + p.at.len() + p.value.len() + optional(&p.flag))
                    .sum::<usize>()
            };
            c.title.len()
                + c.unit.len()
                + optional(&c.low)
                + optional(&c.high)
                + c.series
                    .iter()
                    .map(|s| 4 + s.label.len() + points(s))
                    .sum::<usize>()
        }
        Node::Actions(buttons) => buttons.iter().map(|a| 4 + action(a)).sum(),
        Node::Form(form) => {
            action(&form.submit)
                + form
                    .fields
                    .iter()
                    .map(|f| {
                        8 + f.name.len()
                            + f.label.len()
                            + f.value.len()
                            + optional(&f.hint)
                            + optional(&f.problem)
                            + kind(&f.kind)
                    })
                    .sum::<usize>()
        }
        Node::Section(t, children) | Node::Details(t, children) => t.len() + children.len() * 4,
        Node::Columns(children) => children.len() * 4,
        Node::Divider => 0,
    }
}

#[cfg(test)]
mod tests;
