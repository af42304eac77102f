//! Groups of analytes that a laboratory reports together.

use crate::terms::{Term, analyte::Analyte, loinc};

/// A laboratory order: one DiagnosticReport with its Observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panel {
    BasicMetabolic,
    ComprehensiveMetabolic,
    Renal,
    Lipids,
    BloodCount,
    HemoglobinA1c,
    Thyroid,
    Inr,
    Inflammation,
    Ferritin,
    UrineAlbumin,
    Natriuretic,
    Prostate,
    Lead,
    HemoglobinOnly,
}

impl Panel {
    pub(crate) fn term(self) -> Term {
        match self {
            Self::BasicMetabolic => {
                loinc("24321-2", "Basic metabolic 2000 panel - Serum or Plasma")
            }
            Self::ComprehensiveMetabolic => loinc(
                "24323-8",
                "Comprehensive metabolic 2000 panel - Serum or Plasma",
            ),
            Self::Renal => loinc("24362-6", "Renal function 2000 panel - Serum or Plasma"),
            Self::Lipids => loinc("24331-1", "Lipid 1996 panel - Serum or Plasma"),
            Self::BloodCount => loinc("58410-2", "CBC panel - Blood by Automated count"),
            Self::Thyroid => loinc("24348-5", "Free T4 and TSH panel - Serum or Plasma"),
            Self::HemoglobinA1c => Analyte::HemoglobinA1c.facts().term,
            Self::Inr => Analyte::Inr.facts().term,
            Self::Inflammation => Analyte::Crp.facts().term,
            Self::Ferritin => Analyte::Ferritin.facts().term,
            Self::UrineAlbumin => Analyte::UrineAlbuminRatio.facts().term,
            Self::Natriuretic => Analyte::Bnp.facts().term,
            Self::Prostate => Analyte::Psa.facts().term,
            Self::Lead => Analyte::Lead.facts().term,
            Self::HemoglobinOnly => Analyte::Hemoglobin.facts().term,
        }
    }

    pub(crate) fn analytes(self) -> &'static [Analyte] {
        use Analyte as A;
        match self {
            Self::BasicMetabolic => &[
                A::Glucose,
                A::UreaNitrogen,
                A::Creatinine,
                A::Egfr,
                A::Sodium,
                A::Potassium,
                A::Bicarbonate,
                A::Calcium,
            ],
            Self::ComprehensiveMetabolic => &[
                A::Glucose,
                A::UreaNitrogen,
                A::Creatinine,
                A::Egfr,
                A::Sodium,
                A::Potassium,
                A::Bicarbonate,
                A::Calcium,
                A::Alt,
                A::Ast,
            ],
            Self::Renal => &[A::Glucose, A::Creatinine, A::Egfr, A::Sodium, A::Potassium],
            Self::Lipids => &[A::Cholesterol, A::Triglycerides, A::Hdl, A::Ldl],
            Self::BloodCount => &[
                A::Leukocytes,
                A::Hemoglobin,
                A::Hematocrit,
                A::Mcv,
                A::Platelets,
            ],
            Self::Thyroid => &[A::Tsh, A::FreeThyroxine],
            Self::HemoglobinA1c => &[A::HemoglobinA1c],
            Self::Inr => &[A::Inr],
            Self::Inflammation => &[A::Crp],
            Self::Ferritin => &[A::Ferritin],
            Self::UrineAlbumin => &[A::UrineAlbuminRatio],
            Self::Natriuretic => &[A::Bnp],
            Self::Prostate => &[A::Psa],
            Self::Lead => &[A::Lead],
            Self::HemoglobinOnly => &[A::Hemoglobin],
        }
    }
}
