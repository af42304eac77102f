//! Long-lasting illnesses: what they are called, whom they befall, how they are treated.

use crate::{
    person::Sex,
    terms::{
        Term,
        drug::{self, Drug},
        snomed,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Illness {
    Diabetes,
    Hypertension,
    Hyperlipidemia,
    Copd,
    AtrialFibrillation,
    CoronaryDisease,
    Asthma,
    Hypothyroidism,
    Depression,
    Anxiety,
    IronDeficiency,
    KidneyDisease,
    Reflux,
    Osteoarthritis,
    Obesity,
    Rhinitis,
    Migraine,
    Osteoporosis,
    ProstateHyperplasia,
    Eczema,
}

impl Illness {
    pub(crate) const ALL: [Self; 20] = [
        Self::Diabetes,
        Self::Hypertension,
        Self::Hyperlipidemia,
        Self::Copd,
        Self::AtrialFibrillation,
        Self::CoronaryDisease,
        Self::Asthma,
        Self::Hypothyroidism,
        Self::Depression,
        Self::Anxiety,
        Self::IronDeficiency,
        Self::KidneyDisease,
        Self::Reflux,
        Self::Osteoarthritis,
        Self::Obesity,
        Self::Rhinitis,
        Self::Migraine,
        Self::Osteoporosis,
        Self::ProstateHyperplasia,
        Self::Eczema,
    ];

    pub(crate) fn term(self) -> Term {
        match self {
            Self::Diabetes => snomed("44054006", "Diabetes mellitus type 2"),
            Self::Hypertension => snomed("59621000", "Essential hypertension"),
            Self::Hyperlipidemia => snomed("55822004", "Hyperlipidemia"),
            Self::Copd => snomed("13645005", "Chronic obstructive pulmonary disease"),
            Self::AtrialFibrillation => snomed("49436004", "Atrial fibrillation"),
            Self::CoronaryDisease => snomed("53741008", "Coronary arteriosclerosis"),
            Self::Asthma => snomed("195967001", "Asthma"),
            Self::Hypothyroidism => snomed("40930008", "Hypothyroidism"),
            Self::Depression => snomed("35489007", "Depressive disorder"),
            Self::Anxiety => snomed("21897009", "Generalized anxiety disorder"),
            Self::IronDeficiency => snomed("87522002", "Iron deficiency anemia"),
            Self::KidneyDisease => snomed("433144002", "Chronic kidney disease stage 3"),
            Self::Reflux => snomed("235595009", "Gastroesophageal reflux disease"),
            Self::Osteoarthritis => snomed("396275006", "Osteoarthritis"),
            Self::Obesity => snomed("414916001", "Obesity"),
            Self::Rhinitis => snomed("61582004", "Allergic rhinitis"),
            Self::Migraine => snomed("37796009", "Migraine"),
            Self::Osteoporosis => snomed("64859006", "Osteoporosis"),
            Self::ProstateHyperplasia => snomed("266569009", "Benign prostatic hyperplasia"),
            Self::Eczema => snomed("24079001", "Atopic dermatitis"),
        }
    }

    /// The share of people of that sex and age (in years) who have it, roughly.
    pub(crate) fn prevalence(self, sex: Sex, age: i64) -> f64 {
        let female = sex == Sex::Female;
        let from = |start: i64, full: i64, share: f64| {
            if age < start {
                0.0
            } else {
                share * ((age - start + 5) as f64 / (full - start) as f64).min(1.0)
            }
        };
        match self {
            Self::Diabetes => from(35, 70, 0.24),
            Self::Hypertension => from(30, 75, 0.60),
            Self::Hyperlipidemia => from(35, 70, 0.42),
            Self::Copd => from(45, 75, 0.12),
            Self::AtrialFibrillation => from(55, 85, 0.14),
            Self::CoronaryDisease => from(45, 80, if female { 0.12 } else { 0.20 }),
            Self::Asthma => from(4, 12, 0.08),
            Self::Hypothyroidism => from(25, 65, if female { 0.14 } else { 0.04 }),
            Self::Depression => from(15, 35, if female { 0.14 } else { 0.08 }),
            Self::Anxiety => from(15, 30, 0.07),
            Self::IronDeficiency => from(14, 25, if female { 0.10 } else { 0.03 }),
            Self::KidneyDisease => from(55, 85, 0.16),
            Self::Reflux => from(25, 55, 0.16),
            Self::Osteoarthritis => from(45, 75, 0.35),
            Self::Obesity => from(18, 45, 0.30),
            Self::Rhinitis => from(5, 15, 0.15),
            Self::Migraine => from(14, 30, if female { 0.14 } else { 0.06 }),
            Self::Osteoporosis => from(55, 80, if female { 0.22 } else { 0.05 }),
            Self::ProstateHyperplasia if female => 0.0,
            Self::ProstateHyperplasia => from(50, 80, 0.45),
            Self::Eczema if age < 12 => 0.12,
            Self::Eczema => 0.03,
        }
    }

    /// The youngest age of onset in years.
    pub(crate) fn earliest_age(self) -> i64 {
        match self {
            Self::Eczema => 0,
            Self::Asthma | Self::Rhinitis => 3,
            Self::Migraine | Self::Depression | Self::Anxiety | Self::IronDeficiency => 13,
            Self::Obesity => 16,
            Self::Hypothyroidism | Self::Reflux => 22,
            Self::Hypertension | Self::Hyperlipidemia | Self::Diabetes => 30,
            Self::Copd | Self::CoronaryDisease | Self::Osteoarthritis => 42,
            _ => 50,
        }
    }

    /// The drugs it is treated with, the first first; the second number is after how many
    /// years the drug is added.
    pub(crate) fn ladder(self) -> &'static [(&'static Drug, f64)] {
        match self {
            Self::Diabetes => {
                static STEPS: [(&Drug, f64); 2] =
                    [(&drug::METFORMIN, 0.05), (&drug::EMPAGLIFLOZIN, 4.0)];
                &STEPS
            }
            Self::Hypertension => {
                static STEPS: [(&Drug, f64); 2] =
                    [(&drug::LISINOPRIL, 0.1), (&drug::AMLODIPINE, 2.5)];
                &STEPS
            }
            Self::Hyperlipidemia => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::ATORVASTATIN, 0.3)];
                &STEPS
            }
            Self::Copd => {
                static STEPS: [(&Drug, f64); 2] =
                    [(&drug::ALBUTEROL, 0.0), (&drug::TIOTROPIUM, 0.5)];
                &STEPS
            }
            Self::AtrialFibrillation => {
                static STEPS: [(&Drug, f64); 2] =
                    [(&drug::APIXABAN, 0.05), (&drug::METOPROLOL, 0.05)];
                &STEPS
            }
            Self::CoronaryDisease => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::ASPIRIN, 0.05)];
                &STEPS
            }
            Self::Asthma => {
                static STEPS: [(&Drug, f64); 2] =
                    [(&drug::ALBUTEROL, 0.0), (&drug::BUDESONIDE, 0.6)];
                &STEPS
            }
            Self::Hypothyroidism => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::LEVOTHYROXINE, 0.1)];
                &STEPS
            }
            Self::Depression => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::SERTRALINE, 0.1)];
                &STEPS
            }
            Self::Anxiety => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::ESCITALOPRAM, 0.1)];
                &STEPS
            }
            Self::IronDeficiency => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::FERROUS_SULFATE, 0.05)];
                &STEPS
            }
            Self::KidneyDisease => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::LOSARTAN, 0.1)];
                &STEPS
            }
            Self::Reflux => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::OMEPRAZOLE, 0.05)];
                &STEPS
            }
            Self::Osteoarthritis => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::ACETAMINOPHEN, 0.1)];
                &STEPS
            }
            Self::Rhinitis => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::CETIRIZINE, 0.0)];
                &STEPS
            }
            Self::Migraine => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::SUMATRIPTAN, 0.1)];
                &STEPS
            }
            Self::Osteoporosis => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::ALENDRONATE, 0.1)];
                &STEPS
            }
            Self::ProstateHyperplasia => {
                static STEPS: [(&Drug, f64); 1] = [(&drug::TAMSULOSIN, 0.2)];
                &STEPS
            }
            Self::Obesity | Self::Eczema => &[],
        }
    }

    /// Days between the visits it takes; `None` where the yearly check-up is enough.
    pub(crate) fn visit_interval_days(self) -> Option<i64> {
        match self {
            Self::Diabetes | Self::Copd | Self::AtrialFibrillation | Self::KidneyDisease => {
                Some(122)
            }
            Self::Hypertension
            | Self::CoronaryDisease
            | Self::Hypothyroidism
            | Self::Depression
            | Self::Asthma => Some(183),
            _ => None,
        }
    }
}
