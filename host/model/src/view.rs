//! View documents: what an app shows, as data. The host validates a document before it
//! draws it, and an event before it hands it to the app.
//!
//! A document is a flat list of nodes; containers name their children by index. The
//! shapes mirror `wit/deps/view/view.wit`.

mod event;
mod validity;

pub use event::{Event, InvalidEvent, Submission};
pub use validity::{DEPTH_MAX, InvalidDocument, NODES_MAX};

/// Index of a node in [`Document::nodes`].
pub type NodeId = u32;

/// What a colour says; never the only carrier of the meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Neutral,
    /// As it should be.
    Good,
    /// Look at this.
    Caution,
    /// Act on this.
    Danger,
}

/// A button or link that comes back as an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Unique in the document.
    pub id: String,
    /// What the user reads.
    pub label: String,
    /// How it looks.
    pub tone: Tone,
}

/// One value in a table or a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Plain text.
    Text(String),
    /// Decimal text and unit.
    Quantity(String, String),
    /// FHIR date, dateTime or instant.
    Date(String),
    /// A short marked word.
    Badge(String, Tone),
    /// A button.
    Action(Action),
    /// JSON `{kind, body, fallback}`.
    Other(String),
}

/// Head of a table column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the user reads.
    pub label: String,
    /// Right-aligned with tabular figures.
    pub numeric: bool,
}

/// Rows of cells under columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Says what the table holds; always present for screen readers.
    pub caption: String,
    /// Heads.
    pub columns: Vec<Column>,
    /// Each as long as [`Table::columns`].
    pub rows: Vec<Vec<Cell>>,
}

/// One measurement of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// FHIR date, dateTime or instant.
    pub at: String,
    /// Decimal text, shown as written.
    pub value: String,
    /// FHIR interpretation code such as `H`.
    pub flag: Option<String>,
}

/// Measurements of one kind over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Name in the legend.
    pub label: String,
    /// In any order.
    pub points: Vec<Point>,
}

/// A trend over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Heading.
    pub title: String,
    /// Unit of all values.
    pub unit: String,
    /// Lines.
    pub series: Vec<Series>,
    /// Lower end of the reference interval, decimal text.
    pub low: Option<String>,
    /// Upper end of the reference interval, decimal text.
    pub high: Option<String>,
}

/// One value that a select field offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the app gets.
    pub value: String,
    /// What the user reads.
    pub label: String,
}

/// What a form field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line, with its greatest length in characters.
    Text(Option<u32>),
    /// Several lines, with their greatest length in characters.
    Multiline(Option<u32>),
    /// A number between two decimals.
    Number(Option<String>, Option<String>),
    /// A calendar date.
    Date,
    /// `true` or `false`.
    Checkbox,
    /// One of these.
    Select(Vec<Choice>),
    /// JSON `{kind, body, fallback}`.
    Other(String),
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Unique in its form.
    pub name: String,
    /// What the user reads.
    pub label: String,
    /// Help below the label.
    pub hint: Option<String>,
    /// What it takes.
    pub kind: FieldKind,
    /// Value at first.
    pub value: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// What is wrong with the value.
    pub problem: Option<String>,
}

/// Fields and the action that submits them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The submitting button.
    pub submit: Action,
    /// In order.
    pub fields: Vec<Field>,
}

/// One piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A heading; its level follows from its depth.
    Heading(String),
    /// Running text.
    Paragraph(String),
    /// Labels and values.
    Facts(Vec<(String, Cell)>),
    /// A table.
    Table(Table),
    /// A trend.
    Chart(Chart),
    /// A message that stands out.
    Alert(Tone, String),
    /// Buttons side by side.
    Actions(Vec<Action>),
    /// A form.
    Form(Form),
    /// Title and children.
    Section(String, Vec<NodeId>),
    /// Children side by side.
    Columns(Vec<NodeId>),
    /// Summary and folded children.
    Details(String, Vec<NodeId>),
    /// A rule.
    Divider,
    /// JSON `{kind, body, fallback}`.
    Other(String),
}

impl Node {
    /// The children, for containers.
    pub fn children(&self) -> &[NodeId] {
        match self {
            Self::Section(_, children) | Self::Columns(children) | Self::Details(_, children) => {
                children
            }
            _ => &[],
        }
    }
}

/// What an app wants to be shown. Not yet checked: see [`Document::validate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Title of the screen.
    pub title: String,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// The top nodes in order.
    pub root: Vec<NodeId>,
    /// Room for what later versions add.
    pub extras: Vec<(String, String)>,
}

/// A document that was validated: the only kind that is drawn, stored or answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidDocument(Document);

impl ValidDocument {
    /// The document.
    pub fn document(&self) -> &Document {
        &self.0
    }

    /// A node by its index; a valid document names only nodes that it has.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.0.nodes.get(usize::try_from(id).ok()?)
    }
}
