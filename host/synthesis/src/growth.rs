//! How children grow: medians by age, after the WHO (0–2 years) and CDC growth charts.

use crate::person::Sex;

/// Months and the median for girls and boys.
type Median = (f64, f64, f64);

/// Length or height, cm.
static HEIGHT: [Median; 27] = [
    (0.0, 49.1, 49.9),
    (1.0, 53.7, 54.7),
    (2.0, 57.1, 58.4),
    (4.0, 62.1, 63.9),
    (6.0, 65.7, 67.6),
    (9.0, 70.1, 72.0),
    (12.0, 74.0, 75.7),
    (15.0, 77.5, 79.1),
    (18.0, 80.7, 82.3),
    (24.0, 85.9, 87.1),
    (30.0, 90.7, 91.9),
    (36.0, 95.1, 96.1),
    (48.0, 102.7, 103.3),
    (60.0, 109.4, 110.0),
    (72.0, 115.1, 116.0),
    (84.0, 121.0, 121.8),
    (96.0, 126.7, 127.4),
    (108.0, 132.4, 132.7),
    (120.0, 138.2, 138.0),
    (132.0, 144.3, 143.3),
    (144.0, 151.0, 149.1),
    (156.0, 157.0, 156.1),
    (168.0, 160.4, 163.6),
    (180.0, 161.9, 169.8),
    (192.0, 162.6, 173.4),
    (204.0, 163.0, 175.3),
    (228.0, 163.3, 176.6),
];

/// Weight, kg.
static WEIGHT: [Median; 27] = [
    (0.0, 3.2, 3.3),
    (1.0, 4.2, 4.5),
    (2.0, 5.1, 5.6),
    (4.0, 6.4, 7.0),
    (6.0, 7.3, 7.9),
    (9.0, 8.2, 8.9),
    (12.0, 8.9, 9.6),
    (15.0, 9.6, 10.3),
    (18.0, 10.2, 10.9),
    (24.0, 11.7, 12.4),
    (30.0, 12.8, 13.4),
    (36.0, 13.9, 14.3),
    (48.0, 16.0, 16.3),
    (60.0, 18.1, 18.4),
    (72.0, 20.2, 20.7),
    (84.0, 22.7, 23.0),
    (96.0, 25.6, 25.6),
    (108.0, 28.9, 28.6),
    (120.0, 32.9, 31.9),
    (132.0, 37.2, 35.8),
    (144.0, 41.6, 40.4),
    (156.0, 45.8, 45.5),
    (168.0, 49.3, 50.9),
    (180.0, 52.0, 56.1),
    (192.0, 53.9, 60.8),
    (204.0, 55.1, 64.5),
    (228.0, 57.0, 69.0),
];

/// Head circumference, cm; measured until the third birthday.
static HEAD: [Median; 10] = [
    (0.0, 33.9, 34.5),
    (1.0, 36.5, 37.3),
    (2.0, 38.3, 39.1),
    (4.0, 40.6, 41.6),
    (6.0, 42.2, 43.3),
    (9.0, 43.8, 45.0),
    (12.0, 44.9, 46.1),
    (18.0, 46.2, 47.4),
    (24.0, 47.2, 48.3),
    (36.0, 48.5, 49.5),
];

/// What is measured, with the share of the median that is one standard deviation.
#[derive(Clone, Copy)]
pub(crate) enum Measure {
    Height,
    Weight,
    Head,
}

impl Measure {
    /// The value of a child who keeps `z` deviations from the median.
    pub(crate) fn at(self, sex: Sex, months: f64, z: f64) -> f64 {
        let (table, deviation): (&[Median], f64) = match self {
            Self::Height => (&HEIGHT, 0.038),
            Self::Weight => (&WEIGHT, 0.11),
            Self::Head => (&HEAD, 0.026),
        };
        interpolate(table, sex, months) * (1.0 + z * deviation)
    }
}

fn interpolate(table: &[Median], sex: Sex, months: f64) -> f64 {
    let of = |point: &Median| if sex == Sex::Female { point.1 } else { point.2 };
    let mut below: Option<&Median> = None;
    for point in table {
        if months <= point.0 {
            let Some(from) = below else { return of(point) };
            let share = (months - from.0) / (point.0 - from.0);
            return of(from) + share * (of(point) - of(from));
        }
        below = Some(point);
    }
    below.map_or(0.0, of)
}
