//! The body behind the numbers: what a measurement would show on a given day, with the
//! illnesses and treatments of the story. Analytes that depend on each other are derived
//! from each other, so that a panel adds up.

mod laboratory;

use time::Date;

use crate::{
    calendar::{months_between, years_between},
    chance::Chance,
    growth::Measure,
    person::{Named, Person, Sex},
    story::{Story, VisitKind},
    terms::{analyte::Analyte, drug, illness::Illness},
};

pub(crate) use laboratory::Sample;

/// A person's own set points, in deviations from the mean.
pub(crate) struct Body<'a> {
    person: &'a Person,
    story: &'a Story,
    set_points: [f64; Analyte::COUNT],
    stature: f64,
    build: f64,
    /// Adult height, cm.
    height: f64,
    /// Adult BMI when the records begin, kg/m2.
    bmi: f64,
    pressure: f64,
    tallest: f64,
}

/// What is measured at the door of each visit.
pub(crate) struct Vitals {
    pub(crate) systolic: f64,
    pub(crate) diastolic: f64,
    pub(crate) heart_rate: f64,
    pub(crate) respiratory_rate: f64,
    pub(crate) temperature: f64,
    pub(crate) oxygen_saturation: f64,
    /// cm
    pub(crate) height: f64,
    /// kg
    pub(crate) weight: f64,
    /// cm, until the third birthday.
    pub(crate) head: Option<f64>,
}

impl<'a> Body<'a> {
    pub(crate) fn new(person: &'a Person, story: &'a Story, chance: &mut Chance) -> Self {
        let mut set_points = [0.0; Analyte::COUNT];
        for point in &mut set_points {
            *point = chance.normal(0.0, 0.7);
        }
        let drawn = chance.normal(0.0, 0.7).clamp(-1.8, 1.8);
        let stature = if person.named == Some(Named::TomRossi) {
            0.35
        } else {
            drawn
        };
        let female = person.sex == Sex::Female;
        let heavy = story.onset(Illness::Obesity).is_some();
        Self {
            person,
            story,
            set_points,
            stature,
            // Tall children are heavier, so that the body mass index stays near its median.
            build: 0.85 * stature + chance.normal(0.0, 0.35),
            height: if female {
                162.5 + 6.5 * stature
            } else {
                176.0 + 7.0 * stature
            },
            bmi: match person.named {
                Some(Named::AnnaRossi) => 32.4,
                Some(Named::JamesMiller) => 25.1,
                _ if heavy => chance.normal(33.0, 1.4),
                _ => chance.normal(24.6, 1.6),
            },
            pressure: chance.normal(0.0, 4.0),
            tallest: 0.0,
        }
    }

    pub(crate) fn vitals(
        &mut self,
        on: Date,
        kind: VisitKind,
        feverish: bool,
        chance: &mut Chance,
    ) -> Vitals {
        let age = years_between(self.person.birth_date, on);
        let story = self.story;
        let fever = if feverish { 1.0 } else { 0.0 };
        let airways = story.has(Illness::Copd, on);
        let (height, weight, head) = self.size(on, age, chance);
        let youth = (18.0 - age).max(0.0);
        let systolic = if youth > 0.0 {
            118.0 - 1.9 * youth
        } else {
            114.0 + 0.18 * (age - 20.0)
        } + self.pressure
            + self.raised_pressure(on)
            + chance.normal(0.0, 4.0);
        let raised = self.raised_pressure(on);
        let acutely_ill = matches!(kind, VisitKind::Inpatient(_) | VisitKind::Admitted);
        Vitals {
            systolic,
            diastolic: if youth > 0.0 {
                74.0 - 1.0 * youth
            } else {
                75.0 - 0.06 * (age - 50.0)
            } + 0.5 * self.pressure
                + 0.5 * raised
                + chance.normal(0.0, 3.0),
            heart_rate: 72.0 + 0.2 * youth * youth + 16.0 * fever
                - 8.0 * story.effect(&drug::METOPROLOL, on, 14)
                + if story.has(Illness::AtrialFibrillation, on) {
                    9.0
                } else {
                    0.0
                }
                + chance.normal(0.0, 4.0),
            respiratory_rate: 15.0
                + 0.07 * youth * youth
                + if airways { 3.0 } else { 0.0 }
                + 2.0 * fever
                + chance.normal(0.0, 1.0),
            temperature: 36.7 + 1.5 * fever + chance.normal(0.0, 0.15),
            oxygen_saturation: if airways { 93.3 } else { 98.0 }
                - if acutely_ill && airways {
                    3.0
                } else {
                    0.4 * fever
                }
                + chance.normal(0.0, 0.6),
            height,
            weight,
            head,
        }
    }

    /// Millimetres of mercury above the usual, with what the drugs take away.
    fn raised_pressure(&self, on: Date) -> f64 {
        let Some(onset) = self.story.onset(Illness::Hypertension) else {
            return 0.0;
        };
        let grown = (years_between(onset, on) / 2.0 + 1.0).clamp(0.0, 1.0) * 32.0;
        let lowered = 13.0 * self.story.effect(&drug::LISINOPRIL, on, 60)
            + 9.0 * self.story.effect(&drug::AMLODIPINE, on, 60)
            + 8.0 * self.story.effect(&drug::HYDROCHLOROTHIAZIDE, on, 60);
        grown - lowered
    }

    /// Height, weight and, for small children, head circumference.
    fn size(&mut self, on: Date, age: f64, chance: &mut Chance) -> (f64, f64, Option<f64>) {
        if self.person.is_child_on(self.story.today) {
            let months = months_between(self.person.birth_date, on);
            let sex = self.person.sex;
            let height = Measure::Height.at(sex, months, self.stature + chance.normal(0.0, 0.06));
            // Nobody shrinks between two visits because a ruler was read differently.
            self.tallest = self.tallest.max(height);
            let weight = Measure::Weight.at(sex, months, self.build + chance.normal(0.0, 0.12));
            let head = (months < 36.0).then(|| {
                Measure::Head.at(sex, months, 0.7 * self.stature + chance.normal(0.0, 0.1))
            });
            return (self.tallest, weight, head);
        }
        let shrunk = ((age - 60.0).max(0.0) * 0.09).min(4.0);
        let years = years_between(self.story.begins, on);
        let bmi = self.bmi + 0.09 * years
            - 1.1 * self.story.effect(&drug::METFORMIN, on, 300)
            - 1.2 * self.story.effect(&drug::EMPAGLIFLOZIN, on, 300)
            + chance.normal(0.0, 0.2);
        let meters = self.height / 100.0;
        (self.height - shrunk, bmi.max(17.0) * meters * meters, None)
    }
}
