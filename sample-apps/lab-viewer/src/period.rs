//! How far back to look.

use glovebox_sdk::clinical::{order_key, years_before};
use glovebox_sdk::view::{Action, Field, Form};
use serde::{Deserialize, Serialize};

/// How far back to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Period {
    /// The last year.
    Year,
    /// The last five years.
    FiveYears,
    /// As far as the record goes.
    #[default]
    All,
}

impl Period {
    const EVERY: [Self; 3] = [Self::Year, Self::FiveYears, Self::All];

    /// Reads a value of the form.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        Self::EVERY
            .into_iter()
            .find(|period| period.value() == value)
    }

    /// Where the period begins, as an [`order_key`]; `None` for no beginning.
    pub(crate) fn since(self, now: &str) -> Option<i64> {
        let years = match self {
            Self::Year => 1,
            Self::FiveYears => 5,
            Self::All => return None,
        };
        order_key(&years_before(now, years)?)
    }

    /// The form that changes the period.
    pub(crate) fn form(self) -> Form {
        let choices = Self::EVERY.map(|period| (period.value(), period.label()));
        Form::new(Action::new("period", "Show")).field(
            Field::select("period", "Period", choices)
                .with_value(self.value())
                .required(),
        )
    }

    fn value(self) -> &'static str {
        match self {
            Self::Year => "1y",
            Self::FiveYears => "5y",
            Self::All => "all",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Year => "Last year",
            Self::FiveYears => "Last 5 years",
            Self::All => "All results",
        }
    }
}
