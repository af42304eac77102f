//! Short illnesses: a visit, perhaps a drug, and gone.

use crate::terms::{
    Term,
    drug::{self, Drug},
    snomed,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acute {
    RespiratoryInfection,
    Bronchitis,
    Sinusitis,
    OtitisMedia,
    StrepThroat,
    UrinaryInfection,
    AnkleSprain,
    CopdExacerbation,
}

impl Acute {
    pub(crate) const CHILD: [Self; 4] = [
        Self::RespiratoryInfection,
        Self::OtitisMedia,
        Self::RespiratoryInfection,
        Self::StrepThroat,
    ];
    pub(crate) const ADULT: [Self; 6] = [
        Self::RespiratoryInfection,
        Self::Bronchitis,
        Self::Sinusitis,
        Self::UrinaryInfection,
        Self::AnkleSprain,
        Self::RespiratoryInfection,
    ];

    pub(crate) fn term(self) -> Term {
        match self {
            Self::RespiratoryInfection => snomed("54150009", "Upper respiratory infection"),
            Self::Bronchitis => snomed("10509002", "Acute bronchitis"),
            Self::Sinusitis => snomed("444814009", "Viral sinusitis"),
            Self::OtitisMedia => snomed("65363002", "Otitis media"),
            Self::StrepThroat => snomed("43878008", "Streptococcal sore throat"),
            Self::UrinaryInfection => snomed("68566005", "Urinary tract infectious disease"),
            Self::AnkleSprain => snomed("44465007", "Sprain of ankle"),
            Self::CopdExacerbation => snomed(
                "195951007",
                "Acute exacerbation of chronic obstructive airways disease",
            ),
        }
    }

    /// Days until it has passed.
    pub(crate) fn days(self) -> i64 {
        match self {
            Self::AnkleSprain => 30,
            Self::Bronchitis | Self::Sinusitis | Self::CopdExacerbation => 14,
            _ => 8,
        }
    }

    pub(crate) fn is_infection(self) -> bool {
        self != Self::AnkleSprain
    }

    /// What is prescribed, and for how many days.
    pub(crate) fn remedy(self, is_child: bool) -> Option<(&'static Drug, i64)> {
        match (self, is_child) {
            (Self::OtitisMedia | Self::StrepThroat, true) => Some((&drug::AMOXICILLIN_CHILD, 10)),
            (Self::StrepThroat | Self::OtitisMedia, false) => Some((&drug::AMOXICILLIN, 10)),
            (Self::Bronchitis, _) => Some((&drug::AZITHROMYCIN, 5)),
            (Self::UrinaryInfection, false) => Some((&drug::NITROFURANTOIN, 5)),
            (Self::AnkleSprain, false) => Some((&drug::IBUPROFEN, 7)),
            (Self::CopdExacerbation, _) => Some((&drug::PREDNISONE, 5)),
            (_, true) => Some((&drug::ACETAMINOPHEN_CHILD, 3)),
            (Self::RespiratoryInfection | Self::Sinusitis, false) => None,
        }
    }
}
