//! The stories of the two adults that every demo has.

use crate::{
    calendar::{days_between, plus_days, plus_years, working_day},
    chance::Chance,
    facility,
    person::Person,
    story::{Reason, Smoking, Story, Treatment, VisitKind},
    terms::{acute::Acute, allergen::Allergen, drug, illness::Illness},
};

impl Story {
    /// Anna Rossi: diabetes, high blood pressure and lipids found at her first
    /// visit; metformin helps, wears off, a second drug helps again.
    pub(super) fn anna(&mut self, person: &Person, chance: &mut Chance) {
        self.begins = plus_days(self.today, -3150);
        self.smoking = Smoking::Former;
        self.falls_ill(Illness::Diabetes, plus_days(self.begins, 8));
        self.falls_ill(Illness::Hypertension, plus_days(self.begins, -30));
        self.falls_ill(Illness::Obesity, plus_years(self.begins, -6.0));
        self.falls_ill(Illness::Hyperlipidemia, plus_days(self.begins, 8));
        for course in self.courses.clone() {
            self.takes_ladder(course, 1.0, chance);
        }
        self.routine_visits(person, chance);
        self.sick_visits(
            0.4,
            &[Acute::UrinaryInfection, Acute::Sinusitis],
            false,
            chance,
        );
    }

    /// James Miller: COPD, atrial fibrillation on warfarin, a penicillin allergy that
    /// urgent care did not see last week, and metoprolol prescribed twice.
    pub(super) fn james(&mut self, person: &Person, chance: &mut Chance) {
        self.begins = plus_days(self.today, -2900);
        self.smoking = Smoking::Former;
        self.allergies.push(Allergen::Penicillin);
        let fibrillation = plus_years(self.begins, 4.5);
        self.falls_ill(Illness::Copd, plus_years(self.begins, -2.0));
        self.falls_ill(Illness::Hypertension, plus_years(self.begins, -6.0));
        self.falls_ill(Illness::Hyperlipidemia, plus_years(self.begins, 0.5));
        self.falls_ill(Illness::AtrialFibrillation, fibrillation);
        for course in self.courses.clone() {
            if course.illness != Illness::AtrialFibrillation {
                self.takes_ladder(course, 1.0, chance);
            }
        }
        let anticoagulated = plus_days(fibrillation, 7);
        self.takes(
            &drug::WARFARIN,
            Illness::AtrialFibrillation,
            anticoagulated,
            facility::HADDAD,
        );
        self.takes(
            &drug::METOPROLOL,
            Illness::AtrialFibrillation,
            anticoagulated,
            facility::HADDAD,
        );
        self.treatments.push(Treatment {
            drug: &drug::METOPROLOL,
            reason: Reason::Lasting(Illness::Hypertension),
            start: plus_days(self.today, -200),
            stop: None,
            requester: facility::RIVERA,
            is_by_reference: true,
        });
        self.routine_visits(person, chance);
        self.anticoagulation_visits(anticoagulated, chance);

        let exacerbation = working_day(plus_days(self.today, -420));
        self.visit(
            exacerbation,
            VisitKind::Inpatient(4),
            Some(Acute::CopdExacerbation),
            chance,
        );
        self.treatments.push(Treatment {
            drug: &drug::PREDNISONE,
            reason: Reason::Passing(Acute::CopdExacerbation),
            start: exacerbation,
            stop: Some(plus_days(exacerbation, 5)),
            requester: facility::NAKAMURA,
            is_by_reference: false,
        });
        let last_week = working_day(plus_days(self.today, -5));
        self.visit(last_week, VisitKind::Sick, Some(Acute::Bronchitis), chance);
        self.treatments.push(Treatment {
            drug: &drug::AMOXICILLIN,
            reason: Reason::Passing(Acute::Bronchitis),
            start: last_week,
            stop: Some(plus_days(last_week, 14)),
            requester: facility::SATO,
            is_by_reference: false,
        });
    }

    /// Close together while the dose is found, then every month.
    fn anticoagulation_visits(&mut self, start: time::Date, chance: &mut Chance) {
        let mut date = plus_days(start, 5);
        while date < self.today {
            self.visit(working_day(date), VisitKind::Anticoagulation, None, chance);
            let step = if days_between(start, date) < 40 {
                8
            } else {
                31
            };
            date = plus_days(date, step + chance.between(-2, 3));
        }
    }
}
