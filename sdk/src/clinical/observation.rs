//! Observation and its components.

use serde_json::Value;

use super::{Coded, LOINC, decimal, list, text};

/// An Observation, or one of its components: both have a code and a value.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a>(&'a Value);

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// A number.
    Quantity {
        /// As written.
        value: String,
        /// Unit in words, else its code, else empty.
        unit: String,
        /// `<`, `<=`, `>=` or `>`: the true value lies beyond.
        comparator: Option<String>,
    },
    /// Anything that is shown as words.
    Words(String),
    /// No value; with the reason, where one is given.
    Absent(Option<String>),
}

/// What the laboratory says about a value (HL7 ObservationInterpretation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpretation<'a> {
    /// Code such as `H`.
    pub code: &'a str,
    /// Words for it, where the record has them.
    pub words: Option<&'a str>,
}

/// Reference range: ends as decimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceRange {
    /// Lower end.
    pub low: Option<String>,
    /// Upper end.
    pub high: Option<String>,
    /// Where it is given in words.
    pub text: Option<String>,
}

impl<'a> Observation<'a> {
    /// Looks at an Observation resource, or at an element of its `component`.
    pub fn new(resource: &'a Value) -> Self {
        Self(resource)
    }

    /// Logical id; components have none.
    pub fn id(self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// `final`, `preliminary`, `entered-in-error` …
    pub fn status(self) -> Option<&'a str> {
        text(self.0, "status")
    }

    /// What was measured.
    pub fn code(self) -> Option<Coded<'a>> {
        self.0.get("code").map(Coded::new)
    }

    /// What was measured, as a LOINC code.
    pub fn loinc(self) -> Option<&'a str> {
        self.code()?.code_in(LOINC)
    }

    /// When it was true of the patient: `effectiveDateTime`, `effectiveInstant`, the end
    /// (or start) of `effectivePeriod`; where none is given, `issued`.
    pub fn effective(self) -> Option<&'a str> {
        let period = self.0.get("effectivePeriod");
        text(self.0, "effectiveDateTime")
            .or_else(|| text(self.0, "effectiveInstant"))
            .or_else(|| period.and_then(|period| text(period, "end")))
            .or_else(|| period.and_then(|period| text(period, "start")))
            .or_else(|| text(self.0, "issued"))
    }

    /// The value, of whatever type.
    pub fn value(self) -> Measured {
        let resource = self.0;
        if let Some(measured) = resource.get("valueQuantity").and_then(quantity) {
            return measured;
        }
        let concept = |key: &str| {
            let words = resource.get(key).map(Coded::new)?.words()?;
            Some(words.to_owned())
        };
        let plain = |key: &str| text(resource, key).map(str::to_owned);
        let words = concept("valueCodeableConcept")
            .or_else(|| plain("valueString"))
            .or_else(|| plain("valueDateTime"))
            .or_else(|| plain("valueTime"))
            .or_else(|| resource.get("valueRange").and_then(range_words))
            .or_else(|| resource.get("valueRatio").and_then(ratio_words))
            .or_else(|| {
                let yes = resource.get("valueBoolean")?.as_bool()?;
                Some(if yes { "yes" } else { "no" }.to_owned())
            });
        if let Some(words) = words {
            return Measured::Words(words);
        }
        if let Some(value) = decimal(resource, "valueInteger") {
            return Measured::Quantity {
                value,
                unit: String::new(),
                comparator: None,
            };
        }
        Measured::Absent(concept("dataAbsentReason"))
    }

    /// What the laboratory says about the value.
    pub fn interpretation(self) -> Option<Interpretation<'a>> {
        let concept = Coded::new(list(self.0, "interpretation").first()?);
        Some(Interpretation {
            code: concept.any_code().or_else(|| concept.words())?,
            words: concept.words(),
        })
    }

    /// The first reference range: R4 lists the normal range first, or alone.
    pub fn reference_range(self) -> Option<ReferenceRange> {
        let range = list(self.0, "referenceRange").first()?;
        let end = |key: &str| range.get(key).and_then(|end| decimal(end, "value"));
        Some(ReferenceRange {
            low: end("low"),
            high: end("high"),
            text: text(range, "text").map(str::to_owned),
        })
    }

    /// Results within this one, such as the parts of a panel.
    pub fn components(self) -> impl Iterator<Item = Observation<'a>> {
        list(self.0, "component").iter().map(Observation::new)
    }

    /// Whether it only groups other Observations (`hasMember`).
    pub fn has_members(self) -> bool {
        !list(self.0, "hasMember").is_empty()
    }
}

fn quantity(quantity: &Value) -> Option<Measured> {
    Some(Measured::Quantity {
        value: decimal(quantity, "value")?,
        unit: text(quantity, "unit")
            .or_else(|| text(quantity, "code"))
            .unwrap_or_default()
            .to_owned(),
        comparator: text(quantity, "comparator").map(str::to_owned),
    })
}

fn quantity_words(value: &Value) -> Option<String> {
    let Measured::Quantity {
        value,
        unit,
        comparator,
    } = quantity(value)?
    else {
        return None;
    };
    let words = format!("{} {value} {unit}", comparator.unwrap_or_default());
    Some(words.trim().to_owned())
}

fn range_words(range: &Value) -> Option<String> {
    let end = |key: &str| range.get(key).and_then(quantity_words);
    match (end("low"), end("high")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("at least {low}")),
        (None, Some(high)) => Some(format!("at most {high}")),
        (None, None) => None,
    }
}

fn ratio_words(ratio: &Value) -> Option<String> {
    let part = |key: &str| ratio.get(key).and_then(quantity_words);
    Some(format!("{} : {}", part("numerator")?, part("denominator")?))
}

impl ReferenceRange {
    /// The range in words, for people.
    pub fn words(&self) -> String {
        match (&self.low, &self.high, &self.text) {
            (Some(low), Some(high), _) => format!("{low} – {high}"),
            (Some(low), None, _) => format!("≥ {low}"),
            (None, Some(high), _) => format!("≤ {high}"),
            (None, None, Some(text)) => text.clone(),
            (None, None, None) => String::new(),
        }
    }

    /// `H` above, `L` below, `N` within; `None` where the range or the value is no number.
    pub fn judge(&self, value: &str) -> Option<&'static str> {
        let number = |text: &String| text.parse::<f64>().ok();
        let value: f64 = value.parse().ok()?;
        let (low, high) = (
            self.low.as_ref().and_then(number),
            self.high.as_ref().and_then(number),
        );
        if low.is_none() && high.is_none() {
            None
        } else if high.is_some_and(|high| value > high) {
            Some("H")
        } else if low.is_some_and(|low| value < low) {
            Some("L")
        } else {
            Some("N")
        }
    }
}
