//! What the user sees, described as data: the host draws it.
//!
//! On the wire a document is a flat list of nodes in which containers name their
//! children by index. [`View`] writes that list: what is added inside a container's
//! closure becomes its child.

mod form;
mod parts;

use crate::bindings::glovebox::view::types as wire;

/// The wire types, for what the builders here do not cover.
pub use wire::{
    Action, Cell, Chart, Choice, Column, Document, Field, FieldKind, Form, Node, NodeId, Point,
    Series, Table, Tone,
};

/// A document under construction.
#[derive(Clone, Debug)]
pub struct View {
    title: String,
    nodes: Vec<Node>,
    /// Children of the container that is being filled; at the end, the top nodes.
    current: Vec<NodeId>,
    extras: Vec<(String, String)>,
}

impl View {
    /// An empty document with the title of the screen.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            nodes: Vec::new(),
            current: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// A heading; its level follows from its depth.
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Node::Heading(text.into()))
    }

    /// Running text.
    pub fn paragraph(&mut self, text: impl Into<String>) -> &mut Self {
        self.push(Node::Paragraph(text.into()))
    }

    /// Label and value pairs.
    pub fn facts<L: Into<String>, C: Into<Cell>>(
        &mut self,
        facts: impl IntoIterator<Item = (L, C)>,
    ) -> &mut Self {
        let facts = facts
            .into_iter()
            .map(|(label, cell)| (label.into(), cell.into()))
            .collect();
        self.push(Node::Facts(facts))
    }

    /// A table; see [`Table::new`].
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.push(Node::Table(table))
    }

    /// A trend; see [`Chart::new`].
    pub fn chart(&mut self, chart: Chart) -> &mut Self {
        self.push(Node::Chart(chart))
    }

    /// A message that stands out.
    pub fn alert(&mut self, tone: Tone, text: impl Into<String>) -> &mut Self {
        self.push(Node::Alert((tone, text.into())))
    }

    /// Buttons side by side; see [`Action::new`].
    pub fn actions(&mut self, actions: impl IntoIterator<Item = Action>) -> &mut Self {
        self.push(Node::Actions(actions.into_iter().collect()))
    }

    /// A form; see [`Form::new`].
    pub fn form(&mut self, form: Form) -> &mut Self {
        self.push(Node::Form(form))
    }

    /// A rule.
    pub fn divider(&mut self) -> &mut Self {
        self.push(Node::Divider)
    }

    /// A titled part.
    pub fn section(&mut self, title: impl Into<String>, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let title = title.into();
        self.container(fill, |children| Node::Section((title, children)))
    }

    /// Side by side where there is room: each node added inside is a column.
    pub fn columns(&mut self, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.container(fill, Node::Columns)
    }

    /// Folded until opened.
    pub fn details(
        &mut self,
        summary: impl Into<String>,
        fill: impl FnOnce(&mut Self),
    ) -> &mut Self {
        let summary = summary.into();
        self.container(fill, |children| Node::Details((summary, children)))
    }

    /// A hint that a later version of the host may understand.
    pub fn extra(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.extras.push((name.into(), value.into()));
        self
    }

    /// Any node that is not a container.
    pub fn push(&mut self, node: Node) -> &mut Self {
        let id = self.next_id();
        self.nodes.push(node);
        self.current.push(id);
        self
    }

    /// The finished document.
    pub fn into_document(self) -> Document {
        Document {
            title: self.title,
            nodes: self.nodes,
            root: self.current,
            extras: self.extras,
        }
    }

    /// A child's index must be greater than its parent's: so the container takes its
    /// place first and learns its children afterwards.
    fn container(
        &mut self,
        fill: impl FnOnce(&mut Self),
        finish: impl FnOnce(Vec<NodeId>) -> Node,
    ) -> &mut Self {
        let place = self.nodes.len();
        self.push(Node::Divider);
        let siblings = std::mem::take(&mut self.current);
        fill(self);
        let children = std::mem::replace(&mut self.current, siblings);
        if let Some(node) = self.nodes.get_mut(place) {
            *node = finish(children);
        }
        self
    }

    fn next_id(&self) -> NodeId {
        NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX)
    }
}

#[cfg(test)]
mod tests;
