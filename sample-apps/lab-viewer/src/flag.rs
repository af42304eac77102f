//! What is out of the ordinary about a value.

use glovebox_sdk::clinical::{Measured, Observation};
use glovebox_sdk::view::{Cell, Tone};

/// A mark beside a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// HL7 code such as `H`.
    pub(crate) code: String,
    words: String,
    tone: Tone,
}

impl Flag {
    /// What the laboratory said; where it said nothing, what the reference range says.
    pub(crate) fn of(result: Observation<'_>) -> Option<Self> {
        if let Some(said) = result.interpretation() {
            let (words, tone) =
                meaning(said.code).unwrap_or((said.words.unwrap_or(said.code), Tone::Neutral));
            return Some(Self {
                code: said.code.to_owned(),
                words: words.to_owned(),
                tone,
            });
        }
        let Measured::Quantity {
            value,
            comparator: None,
            ..
        } = result.value()
        else {
            return None;
        };
        let code = result.reference_range()?.judge(&value)?;
        let (words, tone) = meaning(code)?;
        Some(Self {
            code: code.to_owned(),
            words: words.to_owned(),
            tone,
        })
    }

    /// Whether somebody should look.
    pub(crate) fn is_abnormal(&self) -> bool {
        matches!(self.tone, Tone::Caution | Tone::Danger)
    }

    /// How it is shown.
    pub(crate) fn cell(flag: Option<&Self>) -> Cell {
        match flag {
            Some(flag) => Cell::badge(flag.words.clone(), flag.tone),
            None => Cell::text(""),
        }
    }
}

/// Words and tone of an HL7 ObservationInterpretation code.
fn meaning(code: &str) -> Option<(&'static str, Tone)> {
    Some(match code {
        "N" => ("Normal", Tone::Good),
        "NEG" | "ND" => ("Negative", Tone::Good),
        "H" | "HU" => ("High", Tone::Caution),
        "L" | "LU" => ("Low", Tone::Caution),
        "A" => ("Abnormal", Tone::Caution),
        "POS" | "DET" => ("Positive", Tone::Caution),
        "HH" => ("Critically high", Tone::Danger),
        "LL" => ("Critically low", Tone::Danger),
        "AA" => ("Critical", Tone::Danger),
        "S" => ("Susceptible", Tone::Good),
        "I" => ("Intermediate", Tone::Caution),
        "R" => ("Resistant", Tone::Caution),
        "IND" => ("Indeterminate", Tone::Neutral),
        _ => return None,
    })
}
