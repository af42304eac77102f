//! Cells, tables, charts and actions, with constructors that read well.

use super::{Action, Cell, Chart, Column, Point, Series, Table, Tone};

impl Action {
    /// A button; `id` comes back in the event and is unique on the screen.
    pub fn new(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            tone: Tone::Neutral,
        }
    }

    /// The same button in another tone.
    #[must_use]
    pub fn with_tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

impl Cell {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number, as it was written, and its unit.
    pub fn quantity(value: impl Into<String>, unit: impl Into<String>) -> Self {
        Self::Quantity((value.into(), unit.into()))
    }

    /// A FHIR date, dateTime or instant; the host writes it in the user's way.
    pub fn date(date: impl Into<String>) -> Self {
        Self::Date(date.into())
    }

    /// A short marked word.
    pub fn badge(text: impl Into<String>, tone: Tone) -> Self {
        Self::Badge((text.into(), tone))
    }

    /// A button; see [`Action::new`].
    pub fn action(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self::Action(Action::new(id, label))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Table {
    /// An empty table; the caption says what it holds.
    pub fn new(caption: impl Into<String>) -> Self {
        Self {
            caption: caption.into(),
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds a column of text.
    #[must_use]
    pub fn column(mut self, label: impl Into<String>) -> Self {
        self.columns.push(Column {
            label: label.into(),
            numeric: false,
        });
        self
    }

    /// Adds a column of numbers.
    #[must_use]
    pub fn numeric(mut self, label: impl Into<String>) -> Self {
        self.columns.push(Column {
            label: label.into(),
            numeric: true,
        });
        self
    }

    /// Adds a row: one cell per column. Missing cells are filled with empty text, cells
    /// without a column are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Self {
        let mut row: Vec<Cell> = cells.into_iter().take(self.columns.len()).collect();
        row.resize_with(self.columns.len(), || Cell::text(""));
        self.rows.push(row);
        self
    }
}

impl Chart {
    /// A chart without lines yet; `unit` is the unit of all its values.
    pub fn new(title: impl Into<String>, unit: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            unit: unit.into(),
            series: Vec::new(),
            low: None,
            high: None,
        }
    }

    /// Draws the reference interval.
    #[must_use]
    pub fn reference(mut self, low: Option<String>, high: Option<String>) -> Self {
        self.low = low;
        self.high = high;
        self
    }

    /// Adds a line.
    #[must_use]
    pub fn line(mut self, label: impl Into<String>, points: Vec<Point>) -> Self {
        self.series.push(Series {
            label: label.into(),
            points,
        });
        self
    }
}
