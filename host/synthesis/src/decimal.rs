//! FHIR decimals carry their precision in their spelling: `5.40` is not `5.4`.

use serde_json::{Number, Value, json};

/// The nearest value with that many decimal places.
pub(crate) fn rounded(value: f64, places: u8) -> f64 {
    let mut scale = 1.0;
    for _ in 0..places {
        scale *= 10.0;
    }
    (value * scale).round() / scale
}

/// A JSON number spelled with exactly `places` decimals.
pub(crate) fn decimal(value: f64, places: u8) -> Value {
    let text = format!("{value:.*}", usize::from(places));
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// A FHIR Quantity in UCUM.
pub(crate) fn quantity(value: f64, places: u8, unit: &str, ucum: &str) -> Value {
    json!({
        "value": decimal(value, places),
        "unit": unit,
        "system": "http://unitsofmeasure.org",
        "code": ucum,
    })
}

/// `base` to the power `exponent`, for positive bases between 0.01 and 100, from the four
/// basic operations only, so that every platform rounds alike.
pub(crate) fn power(base: f64, exponent: f64) -> f64 {
    exponential(exponent * logarithm(base))
}

fn logarithm(x: f64) -> f64 {
    // ln x = ln(m) + k ln 2 with m in [0.7, 1.4]; ln m = 2 artanh((m-1)/(m+1)).
    let (mut m, mut halvings) = (x, 0.0);
    while m > 1.4 {
        m /= 2.0;
        halvings += 1.0;
    }
    while m < 0.7 && m > 0.0 {
        m *= 2.0;
        halvings -= 1.0;
    }
    let t = (m - 1.0) / (m + 1.0);
    let (mut term, mut sum) = (t, 0.0);
    for odd in [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0] {
        sum += term / odd;
        term *= t * t;
    }
    2.0 * sum + halvings * core::f64::consts::LN_2
}

fn exponential(x: f64) -> f64 {
    // e^x = (e^(x/64))^64: the small argument converges in a few terms.
    let y = x / 64.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0] {
        term *= y / n;
        sum += term;
    }
    for _ in 0..6 {
        sum *= sum;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{decimal, power};

    #[test]
    fn decimals_keep_their_trailing_zero() {
        assert_eq!(decimal(5.4, 2).to_string(), "5.40");
        assert_eq!(decimal(140.0, 0).to_string(), "140");
    }

    #[test]
    fn power_agrees_with_the_standard_library() {
        for (base, exponent) in [
            (0.9938, 62.0),
            (1.4, -1.2),
            (0.8, -0.302),
            (3.7, -1.2),
            (0.3, -0.241),
        ] {
            let expected = f64::powf(base, exponent);
            assert!(
                (power(base, exponent) - expected).abs() < 1e-9 * expected,
                "{base}^{exponent}"
            );
        }
    }
}
