//! What people are allergic to.

use serde_json::{Value, json};

use crate::terms::{RXNORM, Term, snomed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allergen {
    Penicillin,
    Aspirin,
    Peanut,
    Egg,
    Latex,
    GrassPollen,
    HouseDustMite,
}

impl Allergen {
    pub(crate) const ALL: [Self; 7] = [
        Self::Penicillin,
        Self::Aspirin,
        Self::Peanut,
        Self::Egg,
        Self::Latex,
        Self::GrassPollen,
        Self::HouseDustMite,
    ];

    /// The CodeableConcept of the allergy. Drug allergies carry the RxNorm ingredient, which
    /// is what programs compare with prescriptions.
    pub(crate) fn concept(self) -> Value {
        let (terms, text): (&[Term], &str) = match self {
            Self::Penicillin => (
                &[
                    Term {
                        system: RXNORM,
                        code: "7980",
                        display: "penicillin G",
                    },
                    snomed("91936005", "Allergy to penicillin"),
                ],
                "Penicillin",
            ),
            Self::Aspirin => (
                &[
                    Term {
                        system: RXNORM,
                        code: "1191",
                        display: "aspirin",
                    },
                    snomed("293586001", "Allergy to aspirin"),
                ],
                "Aspirin",
            ),
            Self::Peanut => (&[snomed("91935009", "Allergy to peanut")], "Peanut"),
            Self::Egg => (&[snomed("91930004", "Allergy to egg")], "Egg"),
            Self::Latex => (&[snomed("300916003", "Allergy to latex")], "Latex"),
            Self::GrassPollen => (
                &[snomed("418689008", "Allergy to grass pollen")],
                "Grass pollen",
            ),
            Self::HouseDustMite => (
                &[snomed("232350006", "Allergy to house dust mite")],
                "House dust mite",
            ),
        };
        let codings: Vec<Value> = terms.iter().map(Term::coding).collect();
        json!({ "coding": codings, "text": text })
    }

    pub(crate) fn category(self) -> &'static str {
        match self {
            Self::Penicillin | Self::Aspirin => "medication",
            Self::Peanut | Self::Egg => "food",
            Self::Latex | Self::GrassPollen | Self::HouseDustMite => "environment",
        }
    }

    pub(crate) fn reaction(self) -> Term {
        match self {
            Self::Penicillin | Self::Egg => snomed("126485001", "Urticaria"),
            Self::Peanut => snomed("39579001", "Anaphylaxis"),
            Self::Aspirin | Self::Latex => snomed("271807003", "Eruption of skin"),
            Self::GrassPollen | Self::HouseDustMite => snomed("61582004", "Allergic rhinitis"),
        }
    }

    /// The product that brought the reaction on, where it is known.
    pub(crate) fn culprit(self) -> Option<Term> {
        (self == Self::Penicillin).then_some(Term {
            system: RXNORM,
            code: "723",
            display: "amoxicillin",
        })
    }
}
