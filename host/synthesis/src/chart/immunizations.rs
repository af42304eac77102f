//! Immunization.

use serde_json::json;
use time::{Date, Month};

use super::{Chart, encounters::Written, reference};
use crate::{
    calendar::{day, working_day, years_between},
    chance::Chance,
    facility,
    terms::{Term, vaccine},
};

impl Chart<'_> {
    /// What the schedule asks for at a well-child visit.
    pub(super) fn scheduled_vaccines(&mut self, months: i64, written: &Written<'_>) {
        for due in vaccine::due_at(months) {
            let product = vaccine::product_on(*due, written.visit.date);
            self.immunization(product, written.visit.date, Some(&written.encounter));
        }
    }

    /// Influenza every autumn, and what adults get at their age.
    pub(super) fn yearly_vaccines(&mut self, chance: &mut Chance) {
        let (person, story) = (self.person, self.story);
        for year in story.begins.year()..=story.today.year() {
            let Ok(october) = Date::from_calendar_date(year, Month::October, 8) else {
                continue;
            };
            let date = working_day(crate::calendar::plus_days(october, chance.between(0, 40)));
            let wants = chance.odds(if person.named.is_some() { 1.0 } else { 0.6 });
            if wants
                && date > story.begins
                && date < story.today
                && years_between(person.birth_date, date) > 0.5
            {
                self.immunization(vaccine::INFLUENZA, date, None);
            }
        }
        if person.is_child_on(story.today) {
            return;
        }
        let first = story
            .visits
            .first()
            .map_or(story.begins, |visit| visit.date);
        let last_year = story
            .visits
            .iter()
            .rev()
            .map(|visit| visit.date)
            .find(|date| years_between(*date, story.today) > 0.8);
        if chance.odds(0.8) {
            self.immunization(vaccine::TDAP, first, None);
        }
        if let Some(date) = last_year {
            if person.age_on(date) >= 50 && chance.odds(0.7) {
                self.immunization(vaccine::ZOSTER, date, None);
            }
            if person.age_on(date) >= 65 {
                self.immunization(vaccine::PNEUMOCOCCAL_23, date, None);
            }
        }
    }

    fn immunization(&mut self, product: Term, date: Date, encounter: Option<&str>) {
        let body = json!({
            "status": "completed",
            "vaccineCode": product.concept(),
            "patient": self.subject(),
            "encounter": encounter.map_or(serde_json::Value::Null, reference),
            "occurrenceDateTime": day(date),
            "primarySource": true,
            "performer": [{ "actor": facility::clinician(facility::BAUER) }],
        });
        self.add(
            "Immunization",
            "immunization",
            Some("us-core-immunization"),
            body,
        );
    }
}
