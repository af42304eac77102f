//! What a test sees of a screen.

use crate::State;
use crate::view::{Action, Cell, Document, Node};

/// A screen as the host would draw it.
#[derive(Clone, Debug)]
pub struct Shown {
    document: Document,
    state: State,
}

impl Shown {
    pub(crate) fn new(document: Document, state: State) -> Self {
        Self { document, state }
    }

    /// Title of the screen.
    pub fn title(&self) -> &str {
        &self.document.title
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What the app keeps for the next call.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Ids of all actions, in order.
    pub fn actions(&self) -> Vec<&str> {
        self.document
            .nodes
            .iter()
            .flat_map(node_actions)
            .map(|action| action.id.as_str())
            .collect()
    }

    /// Every text on the screen, one piece per line; the cells of a row are parted by
    /// ` | `.
    pub fn text(&self) -> String {
        let mut lines = vec![self.document.title.clone()];
        for node in &self.document.nodes {
            node_lines(node, &mut lines);
        }
        lines.join("\n")
    }

    /// Whether this text is on the screen.
    pub fn contains(&self, text: &str) -> bool {
        self.text().contains(text)
    }
}

pub(super) fn node_actions(node: &Node) -> Vec<&Action> {
    fn of_cell(cell: &Cell) -> Option<&Action> {
        match cell {
            Cell::Action(action) => Some(action),
            _ => None,
        }
    }
    match node {
        Node::Actions(actions) => actions.iter().collect(),
        Node::Form(form) => vec![&form.submit],
        Node::Facts(facts) => facts.iter().filter_map(|(_, cell)| of_cell(cell)).collect(),
        Node::Table(table) => table.rows.iter().flatten().filter_map(of_cell).collect(),
        _ => Vec::new(),
    }
}

fn node_lines(node: &Node, lines: &mut Vec<String>) {
    match node {
        Node::Heading(text) | Node::Paragraph(text) | Node::Other(text) => {
            lines.push(text.clone());
        }
        Node::Alert((tone, text)) => lines.push(format!("[{}] {text}", tone_word(*tone))),
        Node::Section((title, _)) | Node::Details((title, _)) => lines.push(title.clone()),
        Node::Facts(facts) => lines.extend(
            facts
                .iter()
                .map(|(label, cell)| format!("{label}: {}", cell_text(cell))),
        ),
        Node::Table(table) => {
            lines.push(table.caption.clone());
            let heads: Vec<&str> = table.columns.iter().map(|c| c.label.as_str()).collect();
            lines.push(heads.join(" | "));
            for row in &table.rows {
                let cells: Vec<String> = row.iter().map(cell_text).collect();
                lines.push(cells.join(" | "));
            }
        }
        Node::Chart(chart) => {
            lines.push(format!("{} ({})", chart.title, chart.unit));
            for series in &chart.series {
                let points: Vec<String> = series
                    .points
                    .iter()
                    .map(|point| format!("{}={}", point.at, point.value))
                    .collect();
                lines.push(format!("{}: {}", series.label, points.join(" ")));
            }
        }
        Node::Actions(actions) => {
            lines.extend(actions.iter().map(|action| format!("({})", action.label)));
        }
        Node::Form(form) => {
            lines.extend(
                form.fields
                    .iter()
                    .map(|field| format!("{}: {}", field.label, field.value)),
            );
            lines.push(format!("({})", form.submit.label));
        }
        Node::Columns(_) | Node::Divider => {}
    }
}

fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Date(text) | Cell::Other(text) => text.clone(),
        Cell::Quantity((value, unit)) => format!("{value} {unit}").trim().to_owned(),
        Cell::Badge((text, tone)) => format!("[{}] {text}", tone_word(*tone)),
        Cell::Action(action) => format!("({})", action.label),
    }
}

fn tone_word(tone: crate::view::Tone) -> &'static str {
    use crate::view::Tone;
    match tone {
        Tone::Neutral => "neutral",
        Tone::Good => "good",
        Tone::Caution => "caution",
        Tone::Danger => "danger",
    }
}
