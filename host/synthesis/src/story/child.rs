//! The story of a child: well-child visits by the usual schedule, and colds.

use crate::{
    calendar::{plus_days, plus_months, working_day},
    chance::Chance,
    facility,
    person::Person,
    story::{Course, Story, VisitKind},
    terms::{acute::Acute, illness::Illness},
};

/// Ages in months at which a healthy child is seen.
static SCHEDULE: [i64; 28] = [
    0, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30, 36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156, 168,
    180, 192, 204, 216, 228,
];

impl Story {
    pub(super) fn child(&mut self, person: &Person, chance: &mut Chance) {
        self.begins = person.birth_date;
        let age = person.age_on(self.today);
        for illness in [Illness::Eczema, Illness::Asthma, Illness::Rhinitis] {
            if person.named.is_none()
                && age >= illness.earliest_age()
                && chance.odds(illness.prevalence(person.sex, age))
            {
                let onset = plus_months(
                    person.birth_date,
                    illness.earliest_age() * 12 + chance.between(2, 10),
                );
                if onset < plus_days(self.today, -30) {
                    self.falls_ill(illness, onset);
                    self.takes_ladder(Course { illness, onset }, 0.4, chance);
                }
            }
        }
        for treatment in &mut self.treatments {
            treatment.requester = facility::LINDQVIST;
        }
        for months in SCHEDULE {
            // The newborn is seen on the day of birth, the others within days of the date.
            let jitter = if months == 0 { 0 } else { chance.between(0, 8) };
            let due = plus_days(plus_months(person.birth_date, months), jitter);
            let date = if months == 0 { due } else { working_day(due) };
            if date < self.today {
                self.visit(date, VisitKind::WellChild(months), None, chance);
            }
        }
        self.sick_visits(if age < 7 { 1.1 } else { 0.6 }, &Acute::CHILD, true, chance);
    }
}
