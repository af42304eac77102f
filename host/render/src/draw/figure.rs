//! A chart as accessible SVG, with the same numbers as a table below it.

use glovebox_model::view::{Chart, NodeId, Point, Series};
use maud::{Markup, html};

use crate::chart::{HEIGHT, Mark, NARROW, Plot, Shape, WIDE};
use crate::moment::{Moment, moment};
use crate::text::shown;

use super::heading;

/// Most rows of the table twin; a document of the greatest size seldom has more.
const ROWS_MAX: usize = 20_000;
/// Flags are written beside their points up to this many; beyond, shapes must do.
const FLAG_TEXTS_MAX: usize = 40;
/// Colours and dashes that the stylesheet knows; further series repeat them.
const STYLES: usize = 6;

pub(super) fn figure(id: NodeId, chart: &Chart, depth: u8, beside: bool) -> Markup {
    let plot = Plot::of(chart, if beside { NARROW } else { WIDE });
    let several = chart.series.len() > 1;
    html! {
        figure class="chart" {
            figcaption {
                (heading(depth, Some(&format!("c{id}")), &chart.title))
                @if !chart.unit.is_empty() { span class="muted" { (shown(&chart.unit)) } }
            }
            @if plot.is_empty() {
                p class="muted" { "There is nothing to draw." }
            } @else {
                div class="chart-wrap" role="region" aria-labelledby={ "c" (id) } tabindex="0" { (svg(id, chart, &plot)) }
                (legend(chart, &plot, several))
            }
            @if let Some(left_out) = &plot.thinned {
                p class="muted small" { "Drawn: " (left_out.drawn) " of " (left_out.given) " values, highs and lows kept. The table has them all." }
            }
            @if plot.undrawn > 0 {
                p class="muted small" { (plot.undrawn) " " (if plot.undrawn == 1 { "value" } else { "values" }) " without a usable date or number: see the table." }
            }
            (twin(id, chart, several))
        }
    }
}

fn svg(id: NodeId, chart: &Chart, plot: &Plot) -> Markup {
    let (title, desc) = (format!("c{id}-title"), format!("c{id}-desc"));
    let area = plot.area;
    html! {
        svg class={ "plot" @if plot.width == NARROW { " narrow-plot" } } viewBox={ "0 0 " (plot.width) " " (HEIGHT) } role="img" aria-labelledby={ (title) " " (desc) } {
            title id=(title) { (shown(&chart.title)) }
            desc id=(desc) { (shown(&describe(chart, plot))) }
            @if let Some(band) = &plot.band {
                rect class="band" x=(px(area.left)) y=(px(band.top)) width=(px(area.right - area.left)) height=(px(band.bottom - band.top)) {}
                @if band.high { line class="band-edge" x1=(px(area.left)) x2=(px(area.right)) y1=(px(band.top)) y2=(px(band.top)) {} }
                @if band.low { line class="band-edge" x1=(px(area.left)) x2=(px(area.right)) y1=(px(band.bottom)) y2=(px(band.bottom)) {} }
            }
            g class="grid" {
                @for tick in &plot.values {
                    line x1=(px(area.left)) x2=(px(area.right)) y1=(px(tick.at)) y2=(px(tick.at)) {}
                    text x=(px(area.left - 8.0)) y=(px(tick.at + 4.0)) text-anchor="end" { (tick.label) }
                }
            }
            g class="axis" {
                line x1=(px(area.left)) x2=(px(area.right)) y1=(px(area.bottom)) y2=(px(area.bottom)) {}
                @for tick in &plot.dates {
                    line x1=(px(tick.at)) x2=(px(tick.at)) y1=(px(area.bottom)) y2=(px(area.bottom + 5.0)) {}
                    text x=(px(tick.at)) y=(px(area.bottom + 20.0)) text-anchor="middle" { (tick.label) }
                }
            }
            @for (index, line) in plot.lines.iter().enumerate() {
                g class={ "series s" (index % STYLES) } {
                    @if line.marks.len() > 1 { polyline points=(polyline(&line.marks)) fill="none" {} }
                    @for mark in &line.marks { (point(mark, chart, plot.flagged <= FLAG_TEXTS_MAX)) }
                }
            }
        }
    }
}

fn point(mark: &Mark<'_>, chart: &Chart, with_text: bool) -> Markup {
    let (x, y) = (mark.x, mark.y);
    let flag = mark
        .point
        .flag
        .as_deref()
        .filter(|_| mark.shape != Shape::Dot);
    html! {
        g class={ "point" @if flag.is_some() { " flagged" } } {
            title { (shown(&spoken(mark.point, &chart.unit))) }
            @match mark.shape {
                Shape::Dot => { circle cx=(px(x)) cy=(px(y)) r="3" {} },
                Shape::Up => { path d={ "M" (px(x)) " " (px(y - 6.0)) "l5.6 10h-11.200z" } {} },
                Shape::Down => { path d={ "M" (px(x)) " " (px(y + 6.0)) "l5.6 -10h-11.200z" } {} },
                Shape::Diamond => { path d={ "M" (px(x)) " " (px(y - 6.0)) "l6 6l-6 6l-6 -6z" } {} },
            }
            @if let Some(flag) = flag {
                @if with_text { text x=(px(x)) y=(px(if mark.shape == Shape::Down { y + 20.0 } else { y - 11.0 })) text-anchor="middle" { (shown(flag)) } }
            }
        }
    }
}

fn legend(chart: &Chart, plot: &Plot, several: bool) -> Markup {
    let swatch = |class: &str, body: Markup| {
        html! {
            svg class={ "swatch " (class) } viewBox="0 0 24 12" aria-hidden="true" focusable="false" { (body) }
        }
    };
    html! {
        ul class="legend" {
            @if several {
                @for (index, series) in chart.series.iter().enumerate() {
                    li { (swatch(&format!("series s{}", index % STYLES), html! { polyline points="1,6 23,6" fill="none" {} circle cx="12" cy="6" r="3" {} })) span dir="auto" { (shown(&series.label)) } }
                }
            }
            @if let Some(range) = reference(chart) {
                li { (swatch("", html! { rect class="band" x="0" y="1" width="24" height="10" {} })) "Reference " (shown(&range)) }
            }
            @if plot.flagged > 0 {
                li { (swatch("series s0", html! { g class="flagged" { path d="M6 1l4.500 8h-9z" {} path d="M18 11l4.500 -8h-9z" {} } })) "Flagged high or low" }
            }
        }
    }
}

/// The same numbers, the newest first, undatable ones last.
fn twin(id: NodeId, chart: &Chart, several: bool) -> Markup {
    let mut rows: Vec<(&Series, &Point)> = chart
        .series
        .iter()
        .flat_map(|series| series.points.iter().map(move |point| (series, point)))
        .collect();
    rows.sort_by_key(|(_, point)| {
        std::cmp::Reverse(Moment::parse(&point.at).and_then(Moment::seconds))
    });
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    let caption = format!("t{id}");
    html! {
        details class="fold twin" {
            summary { "Show as table" }
            div class="table-wrap" role="region" aria-labelledby=(caption) tabindex="0" {
                table class="data" {
                    caption id=(caption) dir="auto" { (shown(&chart.title)) }
                    thead { tr {
                        th scope="col" { "Date" }
                        @if several { th scope="col" { "Series" } }
                        th scope="col" class="numeric" { "Value" @if !chart.unit.is_empty() { " (" (shown(&chart.unit)) ")" } }
                        th scope="col" { "Flag" }
                    } }
                    tbody { @for (series, point) in rows.iter().take(ROWS_MAX) {
                        tr {
                            td class="figures nowrap" { (moment(&point.at)) }
                            @if several { td dir="auto" { (shown(&series.label)) } }
                            td class="numeric" { (shown(&point.value)) }
                            td { @if let Some(flag) = &point.flag { (shown(flag)) } }
                        }
                    } }
                }
            }
            @if left_out > 0 { p class="muted small" { (left_out) " more values are left out." } }
        }
    }
}

/// What the drawing says, for those who do not see it.
fn describe(chart: &Chart, plot: &Plot) -> String {
    let marks = || plot.lines.iter().flat_map(|line| &line.marks);
    let by = |a: &f64, b: &f64| a.total_cmp(b);
    let least = marks().max_by(|a, b| by(&a.y, &b.y));
    let greatest = marks().min_by(|a, b| by(&a.y, &b.y));
    let first = marks().min_by(|a, b| by(&a.x, &b.x));
    let last = marks().max_by(|a, b| by(&a.x, &b.x));
    let (Some(least), Some(greatest), Some(first), Some(last)) = (least, greatest, first, last)
    else {
        return "No values.".to_owned();
    };
    let given: usize = chart.series.iter().map(|series| series.points.len()).sum();
    let unit = |value: &str| with_unit(value, &chart.unit);
    let day = |at: &str| Moment::parse(at).map_or_else(|| at.to_owned(), Moment::readable);
    let mut text = format!(
        "Line chart of {given} {} from {} to {}. Lowest {}, highest {}, latest {}.",
        if given == 1 { "value" } else { "values" },
        day(&first.point.at),
        day(&last.point.at),
        unit(&least.point.value),
        unit(&greatest.point.value),
        unit(&last.point.value),
    );
    if let Some(range) = reference(chart) {
        text.push_str(&format!(" Reference {range}."));
    }
    if plot.flagged > 0 {
        text.push_str(&format!(" {} flagged.", plot.flagged));
    }
    text
}

fn spoken(point: &Point, unit: &str) -> String {
    let day = Moment::parse(&point.at).map_or_else(|| point.at.clone(), Moment::readable);
    let flag = point.flag.as_ref().map(|flag| format!(" ({flag})"));
    format!(
        "{day}: {}{}",
        with_unit(&point.value, unit),
        flag.unwrap_or_default()
    )
}

fn reference(chart: &Chart) -> Option<String> {
    match (&chart.low, &chart.high) {
        (Some(low), Some(high)) => Some(with_unit(&format!("{low}–{high}"), &chart.unit)),
        (Some(low), None) => Some(format!("from {}", with_unit(low, &chart.unit))),
        (None, Some(high)) => Some(format!("up to {}", with_unit(high, &chart.unit))),
        (None, None) => None,
    }
}

fn with_unit(value: &str, unit: &str) -> String {
    if unit.is_empty() {
        value.to_owned()
    } else {
        format!("{value} {unit}")
    }
}

fn polyline(marks: &[Mark<'_>]) -> String {
    let mut points = String::with_capacity(marks.len() * 12);
    for mark in marks {
        points.push_str(&px(mark.x));
        points.push(',');
        points.push_str(&px(mark.y));
        points.push(' ');
    }
    points.truncate(points.trim_end().len());
    points
}

/// A coordinate with one decimal: finer is not seen and doubles the page.
fn px(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}
