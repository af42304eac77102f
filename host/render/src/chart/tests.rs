//! Geometry, in sentences.

use glovebox_model::view::Series;
use proptest::prelude::*;

use super::*;

fn point(at: &str, value: &str, flag: &str) -> Point {
    Point {
        at: at.into(),
        value: value.into(),
        flag: (!flag.is_empty()).then(|| flag.into()),
    }
}

fn chart(points: Vec<Point>, low: Option<&str>, high: Option<&str>) -> Chart {
    Chart {
        title: "t".into(),
        unit: "u".into(),
        series: vec![Series {
            label: "s".into(),
            points,
        }],
        low: low.map(Into::into),
        high: high.map(Into::into),
    }
}

fn labels(ticks: &[Tick]) -> Vec<&str> {
    ticks.iter().map(|tick| tick.label.as_str()).collect()
}

#[test]
fn ticks_are_round_numbers_and_whole_years() {
    let chart = chart(
        vec![
            point("2019-03-01", "4.9", ""),
            point("2025-06-01", "7.4", "H"),
        ],
        Some("4.0"),
        Some("5.6"),
    );
    let plot = Plot::of(&chart, WIDE);
    assert_eq!(labels(&plot.values), ["4", "5", "6", "7", "8"]);
    assert_eq!(
        labels(&plot.dates),
        ["2020", "2021", "2022", "2023", "2024", "2025"]
    );
}

#[test]
fn dates_get_steps_that_fit_their_span() {
    let cases = [
        ("2026-03-01T00:00:00Z", "2026-03-01T18:00:00Z", "03:00"),
        ("2026-03-01", "2026-03-09", "2 Mar"),
        ("2026-03-01", "2026-12-01", "Apr 2026"),
        ("1900-01-01", "2026-12-01", "1920"),
        ("0001-01-01", "9999-12-31", "2000"),
    ];
    for (first, last, wanted) in cases {
        let chart = chart(
            vec![point(first, "1", ""), point(last, "2", "")],
            None,
            None,
        );
        let plot = Plot::of(&chart, WIDE);
        assert!(
            labels(&plot.dates).contains(&wanted),
            "{first}: {:?}",
            plot.dates
        );
        assert!(
            (2..=14).contains(&plot.dates.len()),
            "{first}: {:?}",
            plot.dates
        );
    }
}

#[test]
fn points_run_by_date_and_up_means_more() {
    let chart = chart(
        vec![
            point("2026-02-01", "9", ""),
            point("2026-01-01", "3", ""),
            point("2026-03-01", "6", ""),
        ],
        None,
        None,
    );
    let plot = Plot::of(&chart, WIDE);
    let marks = &plot.lines[0].marks;
    let values: Vec<&str> = marks.iter().map(|mark| mark.point.value.as_str()).collect();
    assert_eq!(values, ["3", "9", "6"]);
    assert!(marks[0].x < marks[1].x && marks[1].x < marks[2].x);
    assert!(marks[1].y < marks[2].y && marks[2].y < marks[0].y);
}

#[test]
fn one_point_and_equal_values_stand_in_the_middle() {
    for values in [
        vec!["5"],
        vec!["5", "5.0"],
        vec!["0"],
        vec!["-3", "-3"],
        vec!["1e-200"],
        vec!["1e299"],
    ] {
        let points = values
            .iter()
            .enumerate()
            .map(|(day, value)| point(&format!("2026-01-{:02}", day + 1), value, ""));
        let chart = chart(points.collect(), None, None);
        let plot = Plot::of(&chart, WIDE);
        assert_eq!(plot.lines[0].marks.len(), values.len());
        for mark in &plot.lines[0].marks {
            let middle = (plot.area.top + plot.area.bottom) / 2.0;
            assert!((mark.y - middle).abs() < 60.0, "{values:?}: {mark:?}");
            assert!(
                mark.x >= plot.area.left && mark.x <= plot.area.right,
                "{values:?}: {mark:?}"
            );
        }
    }
}

#[test]
fn what_has_no_date_or_no_finite_number_is_not_drawn_but_counted() {
    let chart = chart(
        vec![
            point("soon", "1", ""),
            point("2026-01-01", "1e999", ""),
            point("2026-01-02", "2", ""),
        ],
        None,
        None,
    );
    let plot = Plot::of(&chart, WIDE);
    assert_eq!((plot.undrawn, plot.lines[0].marks.len()), (2, 1));
    let nothing = super::tests::chart(vec![point("soon", "1", "")], Some("1"), Some("2"));
    assert!(Plot::of(&nothing, WIDE).is_empty());
}

#[test]
fn flags_become_shapes() {
    let flags = [
        ("", Shape::Dot),
        ("N", Shape::Dot),
        ("H", Shape::Up),
        ("HH", Shape::Up),
        ("L", Shape::Down),
        ("LL", Shape::Down),
        ("A", Shape::Diamond),
    ];
    for (flag, expected) in flags {
        let chart = chart(vec![point("2026-01-01", "1", flag)], None, None);
        assert_eq!(
            Plot::of(&chart, WIDE).lines[0].marks[0].shape,
            expected,
            "{flag}"
        );
    }
}

#[test]
fn the_reference_band_is_inside_the_area_and_open_where_a_limit_is_missing() {
    let points = || vec![point("2026-01-01", "5", ""), point("2026-02-01", "15", "")];
    let both = chart(points(), Some("4"), Some("10"));
    let band = Plot::of(&both, WIDE).band.unwrap();
    assert!(band.low && band.high && band.top < band.bottom);
    let upper = chart(points(), None, Some("10"));
    let plot = Plot::of(&upper, WIDE);
    let band = plot.band.unwrap();
    assert!(!band.low && band.high);
    assert!((band.bottom - plot.area.bottom).abs() < 1e-9);
    assert!(Plot::of(&chart(points(), None, None), WIDE).band.is_none());
}

#[test]
fn many_points_are_thinned_and_keep_their_peaks() {
    let points: Vec<Point> = (0..9_000)
        .map(|index| {
            let value = if index == 4_567 {
                "999".to_owned()
            } else {
                (index % 7).to_string()
            };
            point(
                &format!(
                    "{:04}-{:02}-{:02}",
                    1990 + index / 336,
                    index / 28 % 12 + 1,
                    index % 28 + 1
                ),
                &value,
                "",
            )
        })
        .collect();
    let chart = chart(points, None, None);
    let plot = Plot::of(&chart, WIDE);
    let marks = &plot.lines[0].marks;
    assert!(
        marks.len() <= POINTS_MAX && marks.len() > POINTS_MAX / 2,
        "{}",
        marks.len()
    );
    assert!(marks.iter().any(|mark| mark.point.value == "999"));
    assert_eq!(
        marks.last().unwrap().point.at,
        chart.series[0].points.last().unwrap().at
    );
    assert_eq!(
        plot.thinned,
        Some(Thinned {
            drawn: marks.len(),
            given: 9_000
        })
    );
}

proptest! {
    #[test]
    fn every_coordinate_is_finite_and_inside(
        points in prop::collection::vec((0_i32..=9999, 1_u8..=12, -300_i32..=310, -9_999_i32..=9_999), 1..40),
        low in prop::option::of(-300_i32..300),
    ) {
        let points = points.into_iter().map(|(year, month, exponent, mantissa)| {
            point(&format!("{year:04}-{month:02}-01"), &format!("{mantissa}e{exponent}"), "H")
        });
        let low = low.map(|exponent| format!("1e{exponent}"));
        let chart = chart(points.collect(), low.as_deref(), None);
        let plot = Plot::of(&chart, NARROW);
        for mark in plot.lines.iter().flat_map(|line| &line.marks) {
            prop_assert!(mark.x >= plot.area.left - 1.0 && mark.x <= plot.area.right + 1.0, "{:?}", mark);
            prop_assert!(mark.y >= plot.area.top - 1.0 && mark.y <= plot.area.bottom + 1.0, "{:?}", mark);
        }
        for tick in plot.values.iter().chain(&plot.dates) {
            prop_assert!(tick.at.is_finite(), "{:?}", tick);
        }
        prop_assert!(plot.values.len() <= 24 && plot.dates.len() <= 24);
    }
}
