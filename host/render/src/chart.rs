//! The geometry of a line chart, apart from how it is written. Decimals become `f64` here,
//! for positions only: every value that people read stays as it was written.

mod axis;
mod thin;

use glovebox_model::view::{Chart, Point};

use self::axis::{date_ticks, value_ticks};
use self::thin::thin;
use crate::moment::Moment;

/// Width of a drawing across the page, in its own units.
pub const WIDE: u32 = 1_100;
/// Width of a drawing beside something else, in its own units.
pub const NARROW: u32 = 520;
/// Height of the drawing, in its own units.
pub const HEIGHT: u32 = 300;
/// Most points that are drawn, over all series.
pub const POINTS_MAX: usize = 2_000;
/// Greater numbers are not drawn: beyond, `f64` arithmetic on spans could overflow.
const MAGNITUDE_MAX: f64 = 1e300;
const DAY: f64 = 86_400.0;

/// The rectangle between the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Where the value axis stands.
    pub left: f64,
    /// The right end.
    pub right: f64,
    /// The upper end.
    pub top: f64,
    /// Where the date axis stands.
    pub bottom: f64,
}

/// A labelled place on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Coordinate along its axis.
    pub at: f64,
    /// What people read.
    pub label: String,
}

/// The reference interval, clipped to the area.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Upper coordinate.
    pub top: f64,
    /// Lower coordinate.
    pub bottom: f64,
    /// Whether `top` is a limit and not just the edge of the area.
    pub high: bool,
    /// Whether `bottom` is a limit and not just the edge of the area.
    pub low: bool,
}

/// How a point is marked; the shape repeats what the colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Unremarkable.
    Dot,
    /// Flagged high.
    Up,
    /// Flagged low.
    Down,
    /// Flagged otherwise.
    Diamond,
}

/// A drawn point.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Coordinate from the left.
    pub x: f64,
    /// Coordinate from the top.
    pub y: f64,
    /// From its flag.
    pub shape: Shape,
    /// What it stands for.
    pub point: &'a Point,
}

/// One series, by date.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// The drawn points.
    pub marks: Vec<Mark<'a>>,
}

/// Some points were left out of the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinned {
    /// Drawn.
    pub drawn: usize,
    /// Drawable.
    pub given: usize,
}

/// Everything that a drawing needs.
#[derive(Clone, Debug)]
pub struct Plot<'a> {
    /// Width of the whole drawing.
    pub width: u32,
    /// Between the axes.
    pub area: Area,
    /// Ticks from low to high values.
    pub values: Vec<Tick>,
    /// Ticks from early to late.
    pub dates: Vec<Tick>,
    /// The reference interval.
    pub band: Option<Band>,
    /// As many as the chart has series.
    pub lines: Vec<Line<'a>>,
    /// How many drawn points carry a flag.
    pub flagged: usize,
    /// Set when points were left out.
    pub thinned: Option<Thinned>,
    /// Points without a readable date or a finite number: they are in the table only.
    pub undrawn: usize,
}

/// A point that can be drawn: seconds, value, and the point itself.
pub(crate) type Placed<'a> = (f64, f64, &'a Point);

impl<'a> Plot<'a> {
    /// Computes the drawing, `width` units wide ([`WIDE`] or [`NARROW`]).
    pub fn of(chart: &'a Chart, width: u32) -> Self {
        let mut undrawn = 0;
        let placed: Vec<Vec<Placed<'a>>> = chart
            .series
            .iter()
            .map(|series| {
                let mut drawable: Vec<Placed<'a>> =
                    series.points.iter().filter_map(place).collect();
                undrawn += series.points.len() - drawable.len();
                drawable.sort_by(|a, b| a.0.total_cmp(&b.0));
                drawable
            })
            .collect();
        let given: usize = placed.iter().map(Vec::len).sum();
        let busy = placed.iter().filter(|points| !points.is_empty()).count();
        let placed: Vec<Vec<Placed<'a>>> = if given > POINTS_MAX {
            let share = (POINTS_MAX / busy.max(1)).max(2);
            placed.iter().map(|points| thin(points, share)).collect()
        } else {
            placed
        };
        let drawn = placed.iter().map(Vec::len).sum();
        Self::from_placed(
            chart,
            width,
            &placed,
            undrawn,
            (drawn < given).then_some(Thinned { drawn, given }),
        )
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.marks.is_empty())
    }

    fn from_placed(
        chart: &Chart,
        width: u32,
        placed: &[Vec<Placed<'a>>],
        undrawn: usize,
        thinned: Option<Thinned>,
    ) -> Self {
        let all = || placed.iter().flatten();
        let (low, high) = (bound(chart.low.as_ref()), bound(chart.high.as_ref()));
        let (least, greatest) = value_range(all().map(|point| point.1), low, high);
        let ticks = value_ticks(least, greatest);
        let (bottom_value, top_value) = match (ticks.first(), ticks.last()) {
            (Some(first), Some(last)) => (first.0.min(least), last.0.max(greatest)),
            _ => (least, greatest),
        };
        let widest = ticks
            .iter()
            .map(|(_, label)| label.chars().count())
            .max()
            .unwrap_or(1);
        let area = Area {
            // Seven units per character at the size of the axis text.
            left: 20.0 + 7.5 * f64::from(u8::try_from(widest).unwrap_or(u8::MAX)),
            right: f64::from(width) - 24.0,
            top: 22.0,
            bottom: f64::from(HEIGHT) - 34.0,
        };
        // A label needs about a hundred units.
        let steps = f64::from(width) / 110.0;
        let (start, end) = date_range(all().map(|point| point.0));
        let x = |at: f64| {
            area.left + 12.0 + (at - start) / (end - start) * (area.right - area.left - 24.0)
        };
        let y = |value: f64| {
            area.bottom - share(value, bottom_value, top_value) * (area.bottom - area.top)
        };
        let lines: Vec<Line<'a>> = placed
            .iter()
            .map(|points| Line {
                marks: points
                    .iter()
                    .map(|(at, value, point)| Mark {
                        x: x(*at),
                        y: y(*value),
                        shape: shape(point),
                        point,
                    })
                    .collect(),
            })
            .collect();
        let flagged = lines
            .iter()
            .flat_map(|line| &line.marks)
            .filter(|mark| mark.shape != Shape::Dot)
            .count();
        let band = (low.is_some() || high.is_some()).then(|| {
            let clip = |value: f64| y(value).clamp(area.top, area.bottom);
            let (top, bottom) = (high.map_or(area.top, clip), low.map_or(area.bottom, clip));
            Band {
                top: top.min(bottom),
                bottom: bottom.max(top),
                high: high.is_some(),
                low: low.is_some(),
            }
        });
        Self {
            width,
            area,
            values: ticks
                .into_iter()
                .map(|(value, label)| Tick {
                    at: y(value),
                    label,
                })
                .collect(),
            dates: date_ticks(start, end, steps)
                .into_iter()
                .map(|(at, label)| Tick { at: x(at), label })
                .collect(),
            band,
            lines,
            flagged,
            thinned,
            undrawn,
        }
    }
}

fn place(point: &Point) -> Option<Placed<'_>> {
    let at = Moment::parse(&point.at)?.seconds()?;
    let value = number(&point.value)?;
    // Seconds of FHIR's years 0000 to 9999 are exact in f64.
    #[expect(
        clippy::cast_precision_loss,
        reason = "below 2^53, and only for geometry"
    )]
    Some((at as f64, value, point))
}

fn number(decimal: &str) -> Option<f64> {
    decimal
        .parse::<f64>()
        .ok()
        .filter(|value| value.abs() <= MAGNITUDE_MAX)
}

fn bound(decimal: Option<&String>) -> Option<f64> {
    decimal.and_then(|decimal| number(decimal))
}

/// From the least to the greatest of values and limits, never empty: equal values get
/// room around them, so that the line runs through the middle.
fn value_range(
    values: impl Iterator<Item = f64>,
    low: Option<f64>,
    high: Option<f64>,
) -> (f64, f64) {
    let (least, greatest) = values.chain(low).chain(high).fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, greatest), value| (least.min(value), greatest.max(value)),
    );
    if least > greatest {
        return (0.0, 1.0);
    }
    if greatest - least > f64::EPSILON * greatest.abs().max(least.abs()) * 8.0 {
        return (least, greatest);
    }
    let room = if least == 0.0 { 1.0 } else { least.abs() * 0.1 };
    (least - room, greatest + room)
}

/// From the first to the last instant; a single day gets two weeks on either side.
fn date_range(dates: impl Iterator<Item = f64>) -> (f64, f64) {
    let (first, last) = dates.fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), at| {
        (first.min(at), last.max(at))
    });
    if first > last {
        return (0.0, DAY);
    }
    if last - first < 3_600.0 {
        return (first - 14.0 * DAY, last + 14.0 * DAY);
    }
    (first, last)
}

/// Where `value` lies between the two, as a share; divided first, so that nothing overflows.
fn share(value: f64, least: f64, greatest: f64) -> f64 {
    let span = greatest / 2.0 - least / 2.0;
    (value / 2.0 - least / 2.0) / span
}

/// From the HL7 v3 ObservationInterpretation codes that FHIR uses.
fn shape(point: &Point) -> Shape {
    match point.flag.as_deref().map(str::trim) {
        None | Some("" | "N") => Shape::Dot,
        Some("H" | "HH" | "HU" | "H>" | ">") => Shape::Up,
        Some("L" | "LL" | "LU" | "L<" | "<") => Shape::Down,
        Some(_) => Shape::Diamond,
    }
}

#[cfg(test)]
mod tests;
