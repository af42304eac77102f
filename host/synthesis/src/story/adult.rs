//! The story of a generated adult.

use crate::{
    calendar::{days_between, plus_days, plus_years, working_day},
    chance::Chance,
    person::Person,
    story::{Course, Smoking, Story, VisitKind},
    terms::{acute::Acute, drug, illness::Illness},
};

impl Story {
    pub(super) fn adult(&mut self, person: &Person, chance: &mut Chance) {
        let age_now = person.age_on(self.today);
        let years = chance.between(3, 5).min(age_now - 17).max(1);
        self.begins = plus_days(self.today, -(years * 365) + chance.between(0, 60));
        self.smoking = match chance.fraction() {
            dice if dice < 0.60 => Smoking::Never,
            dice if dice < 0.86 => Smoking::Former,
            _ => Smoking::Current,
        };
        for illness in Illness::ALL {
            let mut odds = illness.prevalence(person.sex, age_now);
            if illness == Illness::Copd && self.smoking == Smoking::Never {
                odds *= 0.15;
            }
            if chance.odds(odds) {
                let youngest = illness.earliest_age().min(age_now);
                let onset_age = youngest as f64 + chance.fraction() * (age_now - youngest) as f64;
                self.falls_ill(
                    illness,
                    plus_years(person.birth_date, onset_age).min(plus_days(self.today, -30)),
                );
            }
        }
        for course in self.courses.clone() {
            let covered = course.illness == Illness::KidneyDisease
                && self.onset(Illness::Hypertension).is_some();
            if !covered {
                self.takes_ladder(course, 0.6, chance);
            }
        }
        for treatment in &mut self.treatments {
            // Iron is given for a year; the others are for good.
            if treatment.drug.code == drug::FERROUS_SULFATE.code {
                let stop = plus_days(treatment.start, 365);
                treatment.stop = (stop < self.today).then_some(stop);
            }
        }
        self.routine_visits(person, chance);
        self.sick_visits(0.45, &Acute::ADULT, false, chance);
    }

    /// Check-ups every year, and between them what the illnesses ask for.
    pub(super) fn routine_visits(&mut self, person: &Person, chance: &mut Chance) {
        let mut date = self.begins;
        let mut last_check_up = None;
        while date < self.today {
            let on = working_day(date).max(person.birth_date);
            let is_check_up = last_check_up.is_none_or(|last| days_between(last, on) > 330);
            if is_check_up {
                last_check_up = Some(on);
            }
            self.visit(
                on,
                if is_check_up {
                    VisitKind::CheckUp
                } else {
                    VisitKind::FollowUp
                },
                None,
                chance,
            );
            date = plus_days(date, self.next_visit_days(on) + chance.between(-9, 9));
        }
    }

    fn next_visit_days(&self, on: time::Date) -> i64 {
        let of = |course: &Course| {
            course
                .illness
                .visit_interval_days()
                .filter(|_| course.onset <= on)
        };
        self.courses.iter().filter_map(of).min().unwrap_or(365)
    }

    /// Short illnesses, so many a year on average.
    pub(super) fn sick_visits<const N: usize>(
        &mut self,
        a_year: f64,
        which: &[Acute; N],
        is_child: bool,
        chance: &mut Chance,
    ) {
        let mut date = plus_days(self.begins, chance.between(10, 300));
        while date < plus_days(self.today, -3) {
            if chance.odds(a_year / 2.0) {
                let acute = *chance.pick(which);
                self.gets(acute, date, is_child, chance);
            }
            date = plus_days(date, chance.between(120, 245));
        }
    }
}
