//! What happens to a patient: illnesses, treatments, visits. The chart is written from it.

mod adult;
mod child;
mod named;

use time::Date;

use crate::{
    Plan,
    calendar::{days_between, plus_days, plus_years, working_day, years_between},
    chance::{Chance, Topic},
    facility,
    person::{Named, Person},
    terms::{
        Term,
        acute::Acute,
        allergen::Allergen,
        drug::{self, Drug},
        illness::Illness,
    },
};

/// The life of one patient as far as the chart knows it.
pub(crate) struct Story {
    /// The first day in this hospital's records.
    pub(crate) begins: Date,
    pub(crate) today: Date,
    pub(crate) courses: Vec<Course>,
    pub(crate) treatments: Vec<Treatment>,
    /// By date.
    pub(crate) visits: Vec<Visit>,
    pub(crate) allergies: Vec<Allergen>,
    pub(crate) smoking: Smoking,
}

/// A long-lasting illness.
#[derive(Clone, Copy)]
pub(crate) struct Course {
    pub(crate) illness: Illness,
    pub(crate) onset: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Lasting(Illness),
    Passing(Acute),
}

impl Reason {
    pub(crate) fn term(self) -> Term {
        match self {
            Self::Lasting(illness) => illness.term(),
            Self::Passing(acute) => acute.term(),
        }
    }
}

/// A drug taken for a time.
#[derive(Clone)]
pub(crate) struct Treatment {
    pub(crate) drug: &'static Drug,
    pub(crate) reason: Reason,
    pub(crate) start: Date,
    /// `None` while it goes on.
    pub(crate) stop: Option<Date>,
    /// Id of the Practitioner who prescribes it.
    pub(crate) requester: &'static str,
    /// Whether requests point to the shared Medication instead of naming the code.
    pub(crate) is_by_reference: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Smoking {
    Never,
    Former,
    Current,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VisitKind {
    /// The yearly check-up of an adult.
    CheckUp,
    FollowUp,
    /// Age in months of the schedule.
    WellChild(i64),
    Sick,
    Anticoagulation,
    /// A past stay of so many nights.
    Inpatient(i64),
    /// In the hospital today.
    Admitted,
}

#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) date: Date,
    /// Minutes after midnight, UTC.
    pub(crate) minute: i64,
    pub(crate) kind: VisitKind,
    pub(crate) acute: Option<Acute>,
}

impl Story {
    pub(crate) fn new(plan: &Plan, person: &Person) -> Self {
        let mut chance = Chance::new(plan.seed, person.index, Topic::Story);
        let mut story = Self {
            begins: person.birth_date,
            today: plan.today,
            courses: Vec::new(),
            treatments: Vec::new(),
            visits: Vec::new(),
            allergies: Vec::new(),
            smoking: Smoking::Never,
        };
        story.allergies.extend(
            Allergen::ALL
                .into_iter()
                .filter(|_| person.named.is_none() && chance.odds(0.035)),
        );
        match person.named {
            Some(Named::AnnaRossi) => story.anna(person, &mut chance),
            Some(Named::JamesMiller) => story.james(person, &mut chance),
            Some(Named::TomRossi) => story.child(person, &mut chance),
            None if person.is_child_on(plan.today) => story.child(person, &mut chance),
            None => story.adult(person, &mut chance),
        }
        if person.is_on_ward() {
            let acute = story
                .courses
                .is_empty()
                .then_some(Acute::RespiratoryInfection);
            let date = plus_days(story.today, -chance.between(1, 3)).max(person.birth_date);
            story.visit(date, VisitKind::Admitted, acute, &mut chance);
        }
        story.visits.sort_by_key(|visit| (visit.date, visit.minute));
        story
    }

    pub(crate) fn onset(&self, illness: Illness) -> Option<Date> {
        self.courses
            .iter()
            .find(|course| course.illness == illness)
            .map(|course| course.onset)
    }

    pub(crate) fn has(&self, illness: Illness, on: Date) -> bool {
        self.onset(illness).is_some_and(|onset| onset <= on)
    }

    /// Years since the illness began; zero without it.
    pub(crate) fn years_with(&self, illness: Illness, on: Date) -> f64 {
        self.onset(illness)
            .map_or(0.0, |onset| years_between(onset, on).max(0.0))
    }

    /// How much of a drug's full effect is there on that day, from 0 to 1: it takes some
    /// weeks to build up and ends with the treatment.
    pub(crate) fn effect(&self, drug: &Drug, on: Date, build_up_days: i64) -> f64 {
        self.treatments
            .iter()
            .filter(|treatment| treatment.drug.code == drug.code && treatment.start <= on)
            .filter(|treatment| treatment.stop.is_none_or(|stop| on < stop))
            .map(|treatment| {
                (days_between(treatment.start, on) as f64 / build_up_days as f64).min(1.0)
            })
            .fold(0.0, f64::max)
    }

    fn falls_ill(&mut self, illness: Illness, onset: Date) {
        self.courses.push(Course { illness, onset });
    }

    fn takes(
        &mut self,
        drug: &'static Drug,
        illness: Illness,
        start: Date,
        requester: &'static str,
    ) {
        if start < self.today && !self.is_allergic_to(drug) && !self.is_taking(drug, start) {
            self.treatments.push(Treatment {
                drug,
                reason: Reason::Lasting(illness),
                start,
                stop: None,
                requester,
                is_by_reference: drug.is_stocked(),
            });
        }
    }

    /// The usual drugs of an illness, later steps with the given odds.
    fn takes_ladder(&mut self, course: Course, later_odds: f64, chance: &mut Chance) {
        for (step, (drug, after)) in course.illness.ladder().iter().enumerate() {
            if step == 0 || chance.odds(later_odds) {
                self.takes(
                    drug,
                    course.illness,
                    plus_years(course.onset, *after),
                    facility::RIVERA,
                );
            }
        }
    }

    /// Nobody prescribes on purpose what the patient takes already.
    fn is_taking(&self, drug: &Drug, on: Date) -> bool {
        let same = self
            .treatments
            .iter()
            .filter(|treatment| treatment.drug.code == drug.code);
        same.into_iter()
            .any(|treatment| treatment.stop.is_none_or(|stop| stop > on))
    }

    fn is_allergic_to(&self, drug: &Drug) -> bool {
        let is_allergic = |allergen| self.allergies.contains(&allergen);
        (drug.code == drug::AMOXICILLIN.code && is_allergic(Allergen::Penicillin))
            || ([&drug::ASPIRIN, &drug::IBUPROFEN, &drug::NAPROXEN]
                .iter()
                .any(|nsaid| nsaid.code == drug.code)
                && is_allergic(Allergen::Aspirin))
    }

    fn visit(&mut self, date: Date, kind: VisitKind, acute: Option<Acute>, chance: &mut Chance) {
        let minute = 14 * 60 + 10 * chance.between(0, 40);
        self.visits.push(Visit {
            date,
            minute,
            kind,
            acute,
        });
    }

    /// A short illness with its visit and its drug.
    fn gets(&mut self, acute: Acute, date: Date, is_child: bool, chance: &mut Chance) {
        let date = working_day(date).max(self.begins);
        self.visit(date, VisitKind::Sick, Some(acute), chance);
        let Some((drug, days)) = acute.remedy(is_child) else {
            return;
        };
        let drug = match self.is_allergic_to(drug) {
            true if drug.code == drug::AMOXICILLIN.code => &drug::AZITHROMYCIN,
            true => return,
            false => drug,
        };
        if self.is_taking(drug, date) {
            return;
        }
        self.treatments.push(Treatment {
            drug,
            reason: Reason::Passing(acute),
            start: date,
            stop: Some(plus_days(date, days)),
            requester: if is_child {
                facility::LINDQVIST
            } else {
                facility::SATO
            },
            is_by_reference: false,
        });
    }
}
