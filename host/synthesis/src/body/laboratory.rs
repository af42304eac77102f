//! What the laboratory finds.

use time::Date;

use super::Body;
use crate::{
    calendar::{days_between, years_between},
    chance::Chance,
    decimal::{power, rounded},
    person::Sex,
    terms::{analyte::Analyte, drug, illness::Illness},
};

/// One draw of blood or urine. A value that was measured once stays, and derived values
/// are derived from what the report says.
pub(crate) struct Sample {
    pub(crate) date: Date,
    /// An infection on the day of the draw.
    pub(crate) is_infected: bool,
    values: Vec<(Analyte, f64)>,
    reported: Vec<Analyte>,
}

impl Sample {
    pub(crate) fn new(date: Date, is_infected: bool) -> Self {
        Self {
            date,
            is_infected,
            values: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// The value, unless another panel of the same draw has reported it already.
    pub(crate) fn fresh(
        &mut self,
        analyte: Analyte,
        measure: impl FnOnce(&mut Self) -> f64,
    ) -> Option<f64> {
        if self.reported.contains(&analyte) {
            return None;
        }
        self.reported.push(analyte);
        Some(measure(self))
    }
}

impl Body<'_> {
    /// The reported value, rounded as the laboratory reports it.
    pub(crate) fn measure(
        &self,
        analyte: Analyte,
        sample: &mut Sample,
        chance: &mut Chance,
    ) -> f64 {
        if let Some((_, value)) = sample
            .values
            .iter()
            .find(|(measured, _)| *measured == analyte)
        {
            return *value;
        }
        let level = match analyte {
            Analyte::Egfr => self.filtration(sample, chance),
            Analyte::Ldl => {
                // Friedewald: what is left of the total.
                self.measure(Analyte::Cholesterol, sample, chance)
                    - self.measure(Analyte::Hdl, sample, chance)
                    - self.measure(Analyte::Triglycerides, sample, chance) / 5.0
            }
            Analyte::Hematocrit => {
                2.97 * self.measure(Analyte::Hemoglobin, sample, chance) + chance.normal(0.0, 0.35)
            }
            Analyte::Ast => {
                0.62 * self.measure(Analyte::Alt, sample, chance) + 7.0 + chance.normal(0.0, 1.0)
            }
            Analyte::Glucose => {
                let average = 28.7 * self.sugar(sample.date) - 46.7;
                0.88 * average + chance.normal(0.0, 1.0 + 0.04 * average)
            }
            Analyte::UreaNitrogen => {
                14.0 + 12.0 * (self.measure(Analyte::Creatinine, sample, chance) - 0.9)
                    + chance.normal(0.0, 1.6)
            }
            _ => {
                self.level(analyte, sample)
                    + chance.normal(0.0, 1.0) * self.scatter(analyte, sample.date)
            }
        };
        let value = rounded(level, analyte.facts().places);
        sample.values.push((analyte, value));
        value
    }

    /// CKD-EPI 2021 from the creatinine of the same sample.
    fn filtration(&self, sample: &mut Sample, chance: &mut Chance) -> f64 {
        let creatinine = self.measure(Analyte::Creatinine, sample, chance);
        let (kappa, alpha, factor) = match self.person.sex {
            Sex::Female => (0.7, -0.241, 1.012),
            Sex::Male => (0.9, -0.302, 1.0),
        };
        let ratio = creatinine / kappa;
        let age = self.person.age_on(sample.date) as f64;
        142.0
            * power(ratio.min(1.0), alpha)
            * power(ratio.max(1.0), -1.2)
            * power(0.9938, age)
            * factor
    }

    /// Hemoglobin A1c behind the scatter, in percent.
    fn sugar(&self, on: Date) -> f64 {
        let own = 5.25 + 0.1 * self.own(Analyte::HemoglobinA1c);
        let Some(onset) = self.story.onset(Illness::Diabetes) else {
            return own;
        };
        let years = years_between(onset, on);
        // It creeps up for three years before anybody notices, then goes on rising slowly.
        let untreated = if years < 0.0 {
            own + (9.2 - own) * (1.0 + years / 3.0).max(0.0)
        } else {
            9.2 + 0.3 * self.own(Analyte::HemoglobinA1c) + 0.13 * years.min(12.0)
        };
        let treated = untreated
            - 1.9 * self.story.effect(&drug::METFORMIN, on, 150)
            - 0.9 * self.story.effect(&drug::EMPAGLIFLOZIN, on, 150)
            - 1.0 * self.story.effect(&drug::GLIPIZIDE, on, 120);
        treated.max(5.4)
    }

    fn own(&self, analyte: Analyte) -> f64 {
        self.set_points
            .get(analyte as usize)
            .copied()
            .unwrap_or(0.0)
    }

    /// The mean on that day for analytes that stand alone.
    fn level(&self, analyte: Analyte, sample: &Sample) -> f64 {
        let (on, story) = (sample.date, self.story);
        let own = self.own(analyte);
        // For what cannot fall far below its mean.
        let skewed = own.max(-1.0);
        let female = self.person.sex == Sex::Female;
        let age = years_between(self.person.birth_date, on);
        let infected = f64::from(u8::from(sample.is_infected));
        let having = |illness| f64::from(u8::from(story.has(illness, on)));
        let by_sex = |of_women: f64, of_men: f64| if female { of_women } else { of_men };
        let by_age = |of_small_children: f64, of_others: f64| {
            if age < 6.0 {
                of_small_children
            } else {
                of_others
            }
        };
        match analyte {
            Analyte::HemoglobinA1c => self.sugar(on),
            Analyte::Creatinine => {
                let diabetic_years = story.years_with(Illness::Diabetes, on).min(20.0);
                let decline = 1.0 + 0.004 * (age - 45.0).max(0.0) + 0.018 * diabetic_years;
                (by_sex(0.74, 0.93) + 0.07 * own)
                    * decline
                    * (1.0 + 0.38 * having(Illness::KidneyDisease))
            }
            Analyte::Sodium => 140.0 + own - 1.5 * story.effect(&drug::HYDROCHLOROTHIAZIDE, on, 30),
            Analyte::Potassium => {
                4.2 + 0.18 * own + 0.25 * story.effect(&drug::LISINOPRIL, on, 30)
                    - 0.35 * story.effect(&drug::HYDROCHLOROTHIAZIDE, on, 30)
                    + 0.2 * having(Illness::KidneyDisease)
            }
            Analyte::Bicarbonate => {
                25.0 + own + 3.0 * having(Illness::Copd) - 1.5 * having(Illness::KidneyDisease)
            }
            Analyte::Calcium => 9.4 + 0.2 * own,
            Analyte::Alt => {
                21.0 + 3.5 * own + 11.0 * having(Illness::Obesity) + 5.0 * having(Illness::Diabetes)
            }
            Analyte::Hdl => by_sex(57.0, 48.0) + 6.0 * own - 6.0 * having(Illness::Diabetes),
            Analyte::Triglycerides => {
                112.0
                    + 22.0 * skewed
                    + 30.0 * having(Illness::Obesity)
                    + 16.0 * (self.sugar(on) - 5.5).max(0.0)
                    - 20.0 * story.effect(&drug::ATORVASTATIN, on, 60)
            }
            Analyte::Cholesterol => {
                let ldl =
                    (106.0 + 14.0 * skewed + 52.0 * self.onset_share(Illness::Hyperlipidemia, on))
                        * (1.0 - 0.42 * story.effect(&drug::ATORVASTATIN, on, 60));
                ldl + self.level(Analyte::Hdl, sample)
                    + self.level(Analyte::Triglycerides, sample) / 5.0
            }
            Analyte::Hemoglobin => {
                let base = if age < 13.0 {
                    11.9 + 0.12 * age
                } else {
                    by_sex(13.5, 15.1)
                };
                base + 0.45 * own - 3.0 * self.iron_lack(on) - 0.8 * having(Illness::KidneyDisease)
                    + 0.5 * having(Illness::Copd)
            }
            Analyte::Mcv => by_age(80.0, 90.0) + 2.0 * own - 14.0 * self.iron_lack(on),
            Analyte::Ferritin => {
                (by_sex(65.0, 140.0) + 20.0 * skewed) * (1.0 - 0.88 * self.iron_lack(on))
            }
            Analyte::Leukocytes => by_age(8.6, 6.6) + own + 5.2 * infected,
            Analyte::Platelets => by_age(300.0, 245.0) + 32.0 * own + 60.0 * self.iron_lack(on),
            Analyte::Crp => 2.6 + skewed + 2.5 * having(Illness::Copd) + 34.0 * infected,
            Analyte::Tsh => {
                let ill = self.onset_share(Illness::Hypothyroidism, on);
                2.0 + 0.5 * own
                    + 8.5 * ill * (1.0 - 0.97 * story.effect(&drug::LEVOTHYROXINE, on, 120))
            }
            Analyte::FreeThyroxine => {
                let ill = self.onset_share(Illness::Hypothyroidism, on);
                1.22 + 0.1 * own - 0.5 * ill * (1.0 - story.effect(&drug::LEVOTHYROXINE, on, 120))
            }
            Analyte::Inr => {
                // Antibiotics disturb the gut flora that makes vitamin K.
                let antibiotic = story.effect(&drug::AMOXICILLIN, on, 2).max(story.effect(
                    &drug::AZITHROMYCIN,
                    on,
                    2,
                ));
                let warfarin = story.effect(&drug::WARFARIN, on, 12);
                1.0 + warfarin * (1.5 + 0.9 * antibiotic)
            }
            Analyte::UrineAlbuminRatio => {
                let damage = 5.0 * story.years_with(Illness::Diabetes, on).min(12.0)
                    + 40.0 * having(Illness::KidneyDisease);
                12.0 + 3.0 * skewed
                    + damage * (1.0 - 0.35 * story.effect(&drug::LISINOPRIL, on, 90))
            }
            Analyte::Bnp => 32.0 + 10.0 * skewed + 150.0 * having(Illness::AtrialFibrillation),
            Analyte::Psa => 1.2 + 0.5 * skewed + 1.6 * having(Illness::ProstateHyperplasia),
            Analyte::Lead => 1.4 + 0.5 * skewed,
            // Derived in `measure`.
            Analyte::Egfr
            | Analyte::Ldl
            | Analyte::Hematocrit
            | Analyte::Ast
            | Analyte::Glucose
            | Analyte::UreaNitrogen => 0.0,
        }
    }

    /// How much of an illness has developed, from 0 (a year before onset) to 1.
    fn onset_share(&self, illness: Illness, on: Date) -> f64 {
        self.story.onset(illness).map_or(0.0, |onset| {
            (1.0 + days_between(onset, on) as f64 / 365.0).clamp(0.0, 1.0)
        })
    }

    /// Iron deficiency that treatment has not mended yet, from 0 to 1. The stores stay
    /// filled when the tablets end.
    fn iron_lack(&self, on: Date) -> f64 {
        let iron = self
            .story
            .treatments
            .iter()
            .filter(|treatment| treatment.drug.code == drug::FERROUS_SULFATE.code);
        let mended = iron
            .map(|treatment| days_between(treatment.start, on))
            .max();
        let mended = mended.map_or(0.0, |days| (days as f64 / 150.0).clamp(0.0, 0.95));
        self.onset_share(Illness::IronDeficiency, on) * (1.0 - mended)
    }

    /// The deviation from one day to the next.
    fn scatter(&self, analyte: Analyte, on: Date) -> f64 {
        match analyte {
            Analyte::HemoglobinA1c if self.story.has(Illness::Diabetes, on) => 0.16,
            Analyte::HemoglobinA1c => 0.05,
            Analyte::Creatinine => 0.04,
            Analyte::Sodium => 1.2,
            Analyte::Potassium => 0.18,
            Analyte::Bicarbonate | Analyte::Mcv => 1.0,
            Analyte::Calcium => 0.15,
            Analyte::Alt => 2.0,
            Analyte::Hdl => 1.8,
            Analyte::Triglycerides => 9.0,
            Analyte::Cholesterol => 4.0,
            Analyte::Ferritin => 0.8,
            Analyte::Hemoglobin => 0.25,
            Analyte::Leukocytes => 0.6,
            Analyte::Platelets => 13.0,
            Analyte::Crp => 0.4,
            Analyte::Tsh => 0.15,
            Analyte::FreeThyroxine => 0.05,
            Analyte::Inr if self.story.effect(&drug::WARFARIN, on, 1) > 0.0 => 0.38,
            Analyte::Inr => 0.04,
            Analyte::UrineAlbuminRatio => 2.0,
            Analyte::Bnp => 4.0,
            Analyte::Psa => 0.1,
            Analyte::Lead => 0.2,
            _ => 0.0,
        }
    }
}
