//! Laboratory analytes: LOINC code, UCUM unit, how precisely it is reported, and what
//! is normal.

use crate::{
    person::Sex,
    terms::{Term, loinc},
};

/// A laboratory test with one numeric result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Analyte {
    HemoglobinA1c,
    Glucose,
    UreaNitrogen,
    Creatinine,
    Egfr,
    Sodium,
    Potassium,
    Bicarbonate,
    Calcium,
    Alt,
    Ast,
    Cholesterol,
    Hdl,
    Ldl,
    Triglycerides,
    Hemoglobin,
    Hematocrit,
    Leukocytes,
    Platelets,
    Mcv,
    Tsh,
    FreeThyroxine,
    Inr,
    Crp,
    Ferritin,
    UrineAlbuminRatio,
    Bnp,
    Psa,
    Lead,
}

/// What a laboratory prints beside a value of an [`Analyte`].
pub(crate) struct Facts {
    pub(crate) term: Term,
    /// The short name used on reports.
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ucum: &'static str,
    /// Decimal places reported.
    pub(crate) places: u8,
}

/// Reference limits, either of which may be open.
pub(crate) type Range = (Option<f64>, Option<f64>);

const fn facts(
    code: &'static str,
    display: &'static str,
    name: &'static str,
    unit: &'static str,
    ucum: &'static str,
    places: u8,
) -> Facts {
    Facts {
        term: loinc(code, display),
        name,
        unit,
        ucum,
        places,
    }
}

impl Analyte {
    pub(crate) const COUNT: usize = Self::Lead as usize + 1;

    pub(crate) fn facts(self) -> Facts {
        match self {
            Self::HemoglobinA1c => facts(
                "4548-4",
                "Hemoglobin A1c/Hemoglobin.total in Blood",
                "Hemoglobin A1c",
                "%",
                "%",
                1,
            ),
            Self::Glucose => facts(
                "2345-7",
                "Glucose [Mass/volume] in Serum or Plasma",
                "Glucose",
                "mg/dL",
                "mg/dL",
                0,
            ),
            Self::UreaNitrogen => facts(
                "3094-0",
                "Urea nitrogen [Mass/volume] in Serum or Plasma",
                "Urea nitrogen",
                "mg/dL",
                "mg/dL",
                0,
            ),
            Self::Creatinine => facts(
                "2160-0",
                "Creatinine [Mass/volume] in Serum or Plasma",
                "Creatinine",
                "mg/dL",
                "mg/dL",
                2,
            ),
            Self::Egfr => facts(
                "98979-8",
                "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood by Creatinine-based formula (CKD-EPI 2021)",
                "eGFR",
                "mL/min/1.73 m2",
                "mL/min/{1.73_m2}",
                0,
            ),
            Self::Sodium => facts(
                "2951-2",
                "Sodium [Moles/volume] in Serum or Plasma",
                "Sodium",
                "mmol/L",
                "mmol/L",
                0,
            ),
            Self::Potassium => facts(
                "2823-3",
                "Potassium [Moles/volume] in Serum or Plasma",
                "Potassium",
                "mmol/L",
                "mmol/L",
                1,
            ),
            Self::Bicarbonate => facts(
                "2028-9",
                "Carbon dioxide, total [Moles/volume] in Serum or Plasma",
                "Carbon dioxide",
                "mmol/L",
                "mmol/L",
                0,
            ),
            Self::Calcium => facts(
                "17861-6",
                "Calcium [Mass/volume] in Serum or Plasma",
                "Calcium",
                "mg/dL",
                "mg/dL",
                1,
            ),
            Self::Alt => facts(
                "1742-6",
                "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
                "ALT",
                "U/L",
                "U/L",
                0,
            ),
            Self::Ast => facts(
                "1920-8",
                "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
                "AST",
                "U/L",
                "U/L",
                0,
            ),
            Self::Cholesterol => facts(
                "2093-3",
                "Cholesterol [Mass/volume] in Serum or Plasma",
                "Total cholesterol",
                "mg/dL",
                "mg/dL",
                0,
            ),
            Self::Hdl => facts(
                "2085-9",
                "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
                "HDL cholesterol",
                "mg/dL",
                "mg/dL",
                0,
            ),
            Self::Ldl => facts(
                "13457-7",
                "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
                "LDL cholesterol",
                "mg/dL",
                "mg/dL",
                0,
            ),
            Self::Triglycerides => facts(
                "2571-8",
                "Triglyceride [Mass/volume] in Serum or Plasma",
                "Triglycerides",
                "mg/dL",
                "mg/dL",
                0,
            ),
            Self::Hemoglobin => facts(
                "718-7",
                "Hemoglobin [Mass/volume] in Blood",
                "Hemoglobin",
                "g/dL",
                "g/dL",
                1,
            ),
            Self::Hematocrit => facts(
                "4544-3",
                "Hematocrit [Volume Fraction] of Blood by Automated count",
                "Hematocrit",
                "%",
                "%",
                1,
            ),
            Self::Leukocytes => facts(
                "6690-2",
                "Leukocytes [#/volume] in Blood by Automated count",
                "White blood cells",
                "10*3/uL",
                "10*3/uL",
                1,
            ),
            Self::Platelets => facts(
                "777-3",
                "Platelets [#/volume] in Blood by Automated count",
                "Platelets",
                "10*3/uL",
                "10*3/uL",
                0,
            ),
            Self::Mcv => facts(
                "787-2",
                "MCV [Entitic mean volume] in Red Blood Cells by Automated count",
                "MCV",
                "fL",
                "fL",
                0,
            ),
            Self::Tsh => facts(
                "3016-3",
                "Thyrotropin [Units/volume] in Serum or Plasma",
                "TSH",
                "mIU/L",
                "m[IU]/L",
                2,
            ),
            Self::FreeThyroxine => facts(
                "3024-7",
                "Thyroxine (T4) free [Mass/volume] in Serum or Plasma",
                "Free T4",
                "ng/dL",
                "ng/dL",
                2,
            ),
            Self::Inr => facts(
                "6301-6",
                "INR in Platelet poor plasma by Coagulation assay",
                "INR",
                "INR",
                "{INR}",
                1,
            ),
            Self::Crp => facts(
                "1988-5",
                "C reactive protein [Mass/volume] in Serum or Plasma",
                "C-reactive protein",
                "mg/L",
                "mg/L",
                1,
            ),
            Self::Ferritin => facts(
                "2276-4",
                "Ferritin [Mass/volume] in Serum or Plasma",
                "Ferritin",
                "ng/mL",
                "ng/mL",
                0,
            ),
            Self::UrineAlbuminRatio => facts(
                "9318-7",
                "Albumin/Creatinine [Mass Ratio] in Urine",
                "Urine albumin/creatinine",
                "mg/g",
                "mg/g{creat}",
                0,
            ),
            Self::Bnp => facts(
                "30934-4",
                "Natriuretic peptide B [Mass/volume] in Serum or Plasma",
                "BNP",
                "pg/mL",
                "pg/mL",
                0,
            ),
            Self::Psa => facts(
                "2857-1",
                "Prostate specific Ag [Mass/volume] in Serum or Plasma",
                "PSA",
                "ng/mL",
                "ng/mL",
                1,
            ),
            Self::Lead => facts(
                "5671-3",
                "Lead [Mass/volume] in Blood",
                "Lead",
                "ug/dL",
                "ug/dL",
                1,
            ),
        }
    }

    /// The reference range printed for a patient of that sex and age in years.
    pub(crate) fn range(self, sex: Sex, age: i64) -> Range {
        let female = sex == Sex::Female;
        let both = |low, high| (Some(low), Some(high));
        match self {
            Self::HemoglobinA1c => both(4.0, 5.6),
            Self::Glucose => both(70.0, 99.0),
            Self::UreaNitrogen => both(7.0, 20.0),
            Self::Creatinine if female => both(0.50, 1.00),
            Self::Creatinine => both(0.70, 1.20),
            Self::Egfr => (Some(60.0), None),
            Self::Sodium => both(135.0, 145.0),
            Self::Potassium => both(3.5, 5.1),
            Self::Bicarbonate => both(22.0, 29.0),
            Self::Calcium => both(8.6, 10.3),
            Self::Alt if female => both(7.0, 35.0),
            Self::Alt => both(7.0, 45.0),
            Self::Ast => both(8.0, 40.0),
            Self::Cholesterol => (None, Some(199.0)),
            Self::Hdl => (Some(if female { 50.0 } else { 40.0 }), None),
            Self::Ldl => (None, Some(129.0)),
            Self::Triglycerides => (None, Some(149.0)),
            Self::Hemoglobin if age < 6 => both(11.0, 14.0),
            Self::Hemoglobin if age < 13 => both(11.5, 15.5),
            Self::Hemoglobin if female => both(12.0, 15.5),
            Self::Hemoglobin => both(13.5, 17.5),
            Self::Hematocrit if age < 13 => both(33.0, 45.0),
            Self::Hematocrit if female => both(36.0, 46.0),
            Self::Hematocrit => both(40.0, 52.0),
            Self::Leukocytes if age < 6 => both(5.0, 15.0),
            Self::Leukocytes => both(4.0, 11.0),
            Self::Platelets => both(150.0, 400.0),
            Self::Mcv if age < 6 => both(74.0, 89.0),
            Self::Mcv => both(80.0, 100.0),
            Self::Tsh => both(0.40, 4.50),
            Self::FreeThyroxine => both(0.80, 1.80),
            Self::Inr => both(2.0, 3.0),
            Self::Crp => (None, Some(5.0)),
            Self::Ferritin if female => both(15.0, 150.0),
            Self::Ferritin => both(30.0, 400.0),
            Self::UrineAlbuminRatio => (None, Some(29.0)),
            Self::Bnp => (None, Some(100.0)),
            Self::Psa => (None, Some(4.0)),
            Self::Lead => (None, Some(3.4)),
        }
    }

    /// The INR range is the goal of anticoagulation, not what healthy people have.
    pub(crate) fn range_is_therapeutic(self) -> bool {
        self == Self::Inr
    }
}
