//! Decimals compared exactly, by their digits: binary fractions cannot say 5.35.

use std::cmp::Ordering;

/// Digits that are kept; those of a stored value beyond them do not count.
const DIGITS_MAX: usize = 34;
/// Largest exponent either way. What goes beyond is not a clinical amount.
const EXPONENT_MAX: i32 = 400;

/// `±digits · 10^exponent`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

impl Decimal {
    /// Reads `-1.50`, `1e3` and the like (R4, decimal). `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let too_large = exponent
            .checked_abs()
            .is_none_or(|size| size > EXPONENT_MAX);
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || too_large {
            return None;
        }
        let mut number = Self {
            negative,
            digits: 0,
            exponent,
        };
        let mut kept = 0;
        for (at, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
            let is_fraction = at >= whole.len();
            if kept < DIGITS_MAX {
                number.digits = number.digits * 10 + u128::from(digit - b'0');
                kept += usize::from(number.digits != 0);
                number.exponent -= i32::from(is_fraction);
            } else if !is_fraction {
                number.exponent = number.exponent.checked_add(1)?;
            }
        }
        Some(number)
    }

    /// From and to what the last digit means: `5.4` is 5.35 up to 5.45.
    pub(super) fn implied(self) -> (Self, Self) {
        self.spread(5)
    }

    /// A tenth of it less and more, or what its last digit means if that is wider.
    pub(super) fn about(self) -> (Self, Self) {
        // A tenth of the number is as many tenths of its last digit as it has of those.
        self.spread(self.digits.max(5))
    }

    /// `units` tenths of the last digit less and more.
    fn spread(self, units: u128) -> (Self, Self) {
        let scaled = self.digits.saturating_mul(10);
        let outward = self.at(self.negative, scaled.saturating_add(units));
        let inward = match scaled.checked_sub(units) {
            Some(digits) => self.at(self.negative, digits),
            None => self.at(!self.negative, units.saturating_sub(scaled)),
        };
        if self.negative {
            (outward, inward)
        } else {
            (inward, outward)
        }
    }

    fn at(self, negative: bool, digits: u128) -> Self {
        Self {
            negative,
            digits,
            exponent: self.exponent - 1,
        }
    }

    /// Bytes that compare as the numbers do; equal numbers have equal bytes.
    pub(super) fn write_ordered(self, out: &mut Vec<u8>) {
        if self.digits == 0 {
            return out.push(1);
        }
        let start = out.len() + 1;
        out.push(if self.negative { 0 } else { 2 });
        let place = i64::from(self.digits.ilog10()) + i64::from(self.exponent);
        out.extend_from_slice(&(place.cast_unsigned() ^ (1 << 63)).to_be_bytes());
        // A zero byte ends the digits, below any of them.
        let digits = self.digits.to_string();
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
        out.push(0);
        if self.negative {
            out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
        }
    }

    /// Compares sizes without signs.
    fn compare_size(self, other: Self) -> Ordering {
        match (self.digits, other.digits) {
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            _ => {}
        }
        // Where the first digit stands decides, unless it is the same place.
        let place = |n: Self| i64::from(n.digits.ilog10()) + i64::from(n.exponent);
        place(self).cmp(&place(other)).then_with(|| {
            let shift = |n: Self, to: i32| {
                let zeros = u32::try_from(n.exponent - to).unwrap_or(0);
                n.digits.saturating_mul(10_u128.saturating_pow(zeros))
            };
            let lowest = self.exponent.min(other.exponent);
            shift(self, lowest).cmp(&shift(other, lowest))
        })
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (
            self.negative && self.digits != 0,
            other.negative && other.digits != 0,
        ) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => other.compare_size(*self),
            (false, false) => self.compare_size(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn numbers_compare_by_what_they_say_and_not_how() {
        let ordered = [
            "-1e30",
            "-100.5",
            "-100",
            "-0.001",
            "0",
            "1e-30",
            "0.1",
            "0.25",
            "5.35",
            "5.4",
            "9.99",
            "10",
            "99.5",
            "1e2",
            "100.000001",
            "1E3",
        ];
        for (at, left) in ordered.iter().enumerate() {
            for (other, right) in ordered.iter().enumerate() {
                assert_eq!(
                    number(left).cmp(&number(right)),
                    at.cmp(&other),
                    "{left} {right}"
                );
            }
        }
        for (left, right) in [
            ("1.00", "1"),
            ("1e3", "1000"),
            ("-0", "0.000"),
            ("0.1e1", "1"),
            ("007", "7"),
            (
                "12345678901234567890123456789012345678901",
                "12345678901234567890123456789012340000000",
            ),
        ] {
            assert_eq!(number(left), number(right), "{left} {right}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_none() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1,5",
            "+1",
            "1e",
            "1e1.5",
            "0x1",
            "NaN",
            "inf",
            "1e401",
            "1e-401",
            "1e99999999999",
            "--1",
            "１",
        ] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn digits_say_how_exact_a_number_is_meant() {
        for (text, from, to) in [
            ("5.4", "5.35", "5.45"),
            ("100", "99.5", "100.5"),
            ("100.00", "99.995", "100.005"),
            ("1e2", "50", "150"),
            ("-5.4", "-5.45", "-5.35"),
            ("0", "-0.5", "0.5"),
            ("0.0", "-0.05", "0.05"),
        ] {
            assert_eq!(number(text).implied(), (number(from), number(to)), "{text}");
        }
        for (text, from, to) in [
            ("100", "90", "110"),
            ("-50", "-55", "-45"),
            ("5.4", "4.86", "5.94"),
            ("0", "-0.5", "0.5"),
            ("1", "0.5", "1.5"),
        ] {
            assert_eq!(number(text).about(), (number(from), number(to)), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_compare_as_numbers(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, zeros in 0..5_usize) {
            let padded = format!("{b}.{}", "0".repeat(zeros + 1));
            proptest::prop_assert_eq!(number(&a.to_string()).cmp(&number(&padded)), a.cmp(&b));
        }

        #[test]
        fn bytes_compare_as_the_numbers_do(a in "-?[0-9]{1,30}(\\.[0-9]{1,6})?(e-?[0-9]{1,2})?", b in "-?[0-9]{1,3}(\\.[0-9]{1,2})?(e-?[0-9])?", c in "-?[0-9]{1,3}(\\.[0-9]{1,2})?(e-?[0-9])?") {
            let bytes = |text: &str| {
                let mut out = vec![7];
                number(text).write_ordered(&mut out);
                out
            };
            for (left, right) in [(&a, &b), (&b, &c)] {
                let order = number(left).cmp(&number(right));
                proptest::prop_assert_eq!(bytes(left).cmp(&bytes(right)), order, "{} {}", left, right);
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[-0-9eE.+]{0,60}|.*", other in "[-0-9eE.]{1,12}") {
            if let (Some(a), Some(b)) = (Decimal::parse(&text), Decimal::parse(&other)) {
                proptest::prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
                let (from, to) = a.implied();
                proptest::prop_assert!(from < to);
            }
        }
    }
}
