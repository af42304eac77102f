//! Procedure: the examinations that go with age and illness.

use serde_json::{Value, json};

use super::{Chart, encounters::Written, reference};
use crate::{
    chance::Chance,
    facility,
    person::Sex,
    story::VisitKind,
    terms::{Term, illness::Illness, snomed},
};

impl Chart<'_> {
    pub(super) fn procedures(&mut self, written: &Written<'_>, chance: &mut Chance) {
        let visit = written.visit;
        let (on, age) = (visit.date, self.person.age_on(visit.date));
        let has = |illness| self.story.has(illness, on);
        let is_inpatient = matches!(visit.kind, VisitKind::Inpatient(_));
        let mut done: Vec<(Term, Option<Illness>)> = Vec::new();
        if visit.kind == VisitKind::CheckUp {
            if has(Illness::Diabetes) {
                done.push((
                    snomed("401191002", "Diabetic foot examination"),
                    Some(Illness::Diabetes),
                ));
                done.push((
                    snomed("134395001", "Diabetic retinopathy screening"),
                    Some(Illness::Diabetes),
                ));
            }
            if has(Illness::Copd) {
                done.push((snomed("127783003", "Spirometry"), Some(Illness::Copd)));
            }
            if has(Illness::AtrialFibrillation) || has(Illness::CoronaryDisease) {
                let heart = if has(Illness::AtrialFibrillation) {
                    Illness::AtrialFibrillation
                } else {
                    Illness::CoronaryDisease
                };
                done.push((
                    snomed("29303009", "Electrocardiographic procedure"),
                    Some(heart),
                ));
            }
            if self.person.sex == Sex::Female && (50..75).contains(&age) && on.year() % 2 == 0 {
                done.push((snomed("71651007", "Mammography"), None));
            }
            if (45..76).contains(&age) && chance.odds(0.1) {
                done.push((snomed("73761001", "Colonoscopy"), None));
            }
        }
        if is_inpatient {
            done.push((snomed("399208008", "Plain X-ray of chest"), None));
        }
        for (term, illness) in done {
            let condition = illness.and_then(|illness| self.condition_of(illness));
            let body = json!({
                "status": "completed",
                "code": term.concept(),
                "subject": self.subject(),
                "encounter": reference(&written.encounter),
                "performedDateTime": written.after(20),
                "performer": [{ "actor": facility::clinician(self.setting(visit).1) }],
                "reasonReference": condition.map_or(Value::Null, |condition| json!([condition])),
            });
            self.add("Procedure", "procedure", Some("us-core-procedure"), body);
        }
    }
}
