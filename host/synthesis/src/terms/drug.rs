//! Drugs by RxNorm ingredient, each with the one dose the charts use.

use serde_json::{Value, json};

use crate::terms::{RXNORM, Term};

/// A drug as it is prescribed here.
#[derive(Debug)]
pub(crate) struct Drug {
    /// RxNorm ingredient (RxCUI).
    pub(crate) code: &'static str,
    pub(crate) ingredient: &'static str,
    /// What the prescription says: strength and form.
    pub(crate) text: &'static str,
    pub(crate) route: Route,
    pub(crate) schedule: Schedule,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    Oral,
    Inhaled,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Schedule {
    /// Times a day.
    Daily(u8),
    Weekly,
    /// At most so many times a day.
    AsNeeded(u8),
}

const fn drug(
    code: &'static str,
    ingredient: &'static str,
    text: &'static str,
    route: Route,
    schedule: Schedule,
) -> Drug {
    Drug {
        code,
        ingredient,
        text,
        route,
        schedule,
    }
}

use Route::{Inhaled, Oral};
use Schedule::{AsNeeded, Daily, Weekly};

pub(crate) static METFORMIN: Drug = drug(
    "6809",
    "metformin",
    "Metformin 1000 mg tablet",
    Oral,
    Daily(2),
);
pub(crate) static EMPAGLIFLOZIN: Drug = drug(
    "1545653",
    "empagliflozin",
    "Empagliflozin 10 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static GLIPIZIDE: Drug =
    drug("4821", "glipizide", "Glipizide 5 mg tablet", Oral, Daily(1));
pub(crate) static LISINOPRIL: Drug = drug(
    "29046",
    "lisinopril",
    "Lisinopril 20 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static LOSARTAN: Drug =
    drug("52175", "losartan", "Losartan 50 mg tablet", Oral, Daily(1));
pub(crate) static AMLODIPINE: Drug = drug(
    "17767",
    "amlodipine",
    "Amlodipine 5 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static HYDROCHLOROTHIAZIDE: Drug = drug(
    "5487",
    "hydrochlorothiazide",
    "Hydrochlorothiazide 25 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static ATORVASTATIN: Drug = drug(
    "83367",
    "atorvastatin",
    "Atorvastatin 40 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static METOPROLOL: Drug = drug(
    "6918",
    "metoprolol",
    "Metoprolol tartrate 50 mg tablet",
    Oral,
    Daily(2),
);
pub(crate) static WARFARIN: Drug = drug(
    "11289",
    "warfarin",
    "Warfarin sodium 5 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static APIXABAN: Drug = drug(
    "1364430",
    "apixaban",
    "Apixaban 5 mg tablet",
    Oral,
    Daily(2),
);
pub(crate) static ASPIRIN: Drug = drug("1191", "aspirin", "Aspirin 81 mg tablet", Oral, Daily(1));
pub(crate) static ALBUTEROL: Drug = drug(
    "435",
    "albuterol",
    "Albuterol 90 mcg/actuation inhaler, 2 puffs",
    Inhaled,
    AsNeeded(4),
);
pub(crate) static TIOTROPIUM: Drug = drug(
    "69120",
    "tiotropium",
    "Tiotropium 18 mcg inhalation capsule",
    Inhaled,
    Daily(1),
);
pub(crate) static BUDESONIDE: Drug = drug(
    "19831",
    "budesonide",
    "Budesonide 180 mcg inhaler, 1 puff",
    Inhaled,
    Daily(2),
);
pub(crate) static LEVOTHYROXINE: Drug = drug(
    "10582",
    "levothyroxine",
    "Levothyroxine 75 mcg tablet",
    Oral,
    Daily(1),
);
pub(crate) static SERTRALINE: Drug = drug(
    "36437",
    "sertraline",
    "Sertraline 50 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static ESCITALOPRAM: Drug = drug(
    "321988",
    "escitalopram",
    "Escitalopram 10 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static FERROUS_SULFATE: Drug = drug(
    "24947",
    "ferrous sulfate",
    "Ferrous sulfate 325 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static OMEPRAZOLE: Drug = drug(
    "7646",
    "omeprazole",
    "Omeprazole 20 mg capsule",
    Oral,
    Daily(1),
);
pub(crate) static ACETAMINOPHEN: Drug = drug(
    "161",
    "acetaminophen",
    "Acetaminophen 500 mg tablet",
    Oral,
    AsNeeded(4),
);
pub(crate) static IBUPROFEN: Drug = drug(
    "5640",
    "ibuprofen",
    "Ibuprofen 400 mg tablet",
    Oral,
    AsNeeded(3),
);
pub(crate) static NAPROXEN: Drug =
    drug("7258", "naproxen", "Naproxen 250 mg tablet", Oral, Daily(2));
pub(crate) static CETIRIZINE: Drug = drug(
    "20610",
    "cetirizine",
    "Cetirizine 10 mg tablet",
    Oral,
    AsNeeded(1),
);
pub(crate) static SUMATRIPTAN: Drug = drug(
    "37418",
    "sumatriptan",
    "Sumatriptan 50 mg tablet",
    Oral,
    AsNeeded(2),
);
pub(crate) static TAMSULOSIN: Drug = drug(
    "77492",
    "tamsulosin",
    "Tamsulosin 0.4 mg capsule",
    Oral,
    Daily(1),
);
pub(crate) static ALENDRONATE: Drug = drug(
    "46041",
    "alendronate",
    "Alendronate 70 mg tablet",
    Oral,
    Weekly,
);
pub(crate) static AMOXICILLIN: Drug = drug(
    "723",
    "amoxicillin",
    "Amoxicillin 500 mg capsule",
    Oral,
    Daily(3),
);
pub(crate) static AZITHROMYCIN: Drug = drug(
    "18631",
    "azithromycin",
    "Azithromycin 250 mg tablet",
    Oral,
    Daily(1),
);
pub(crate) static NITROFURANTOIN: Drug = drug(
    "7454",
    "nitrofurantoin",
    "Nitrofurantoin 100 mg capsule",
    Oral,
    Daily(2),
);
pub(crate) static PREDNISONE: Drug = drug("8640", "prednisone", "Prednisone 40 mg", Oral, Daily(1));
pub(crate) static ACETAMINOPHEN_CHILD: Drug = drug(
    "161",
    "acetaminophen",
    "Acetaminophen 160 mg/5 mL oral suspension, 15 mg/kg",
    Oral,
    AsNeeded(4),
);
pub(crate) static AMOXICILLIN_CHILD: Drug = drug(
    "723",
    "amoxicillin",
    "Amoxicillin 400 mg/5 mL oral suspension, 45 mg/kg",
    Oral,
    Daily(2),
);

/// Those that exist as shared Medication resources, so that some requests refer to one.
pub(crate) static FORMULARY: [&Drug; 12] = [
    &METFORMIN,
    &LISINOPRIL,
    &AMLODIPINE,
    &ATORVASTATIN,
    &METOPROLOL,
    &WARFARIN,
    &APIXABAN,
    &ASPIRIN,
    &LEVOTHYROXINE,
    &SERTRALINE,
    &OMEPRAZOLE,
    &TIOTROPIUM,
];

impl Drug {
    pub(crate) fn term(&self) -> Term {
        Term {
            system: RXNORM,
            code: self.code,
            display: self.ingredient,
        }
    }

    pub(crate) fn concept(&self) -> Value {
        self.term().concept_as(self.text)
    }

    /// Whether prescriptions point to the formulary's Medication instead of naming the
    /// code, as pharmacies do for what they keep on the shelf.
    pub(crate) fn is_stocked(&self) -> bool {
        [&APIXABAN, &LEVOTHYROXINE, &ASPIRIN]
            .iter()
            .any(|stocked| stocked.code == self.code)
    }

    /// The shared Medication resource that stands for this drug, if there is one.
    pub(crate) fn formulary_reference(&self) -> Option<String> {
        FORMULARY
            .iter()
            .any(|listed| listed.code == self.code)
            .then(|| format!("Medication/rx-{}", self.code))
    }

    /// A FHIR Dosage, text and timing.
    pub(crate) fn dosage(&self) -> Value {
        let verb = match self.route {
            Route::Oral => "Take by mouth",
            Route::Inhaled => "Inhale",
        };
        let (how_often, repeat, as_needed) = match self.schedule {
            Schedule::Daily(1) => (
                "once daily".to_owned(),
                json!({ "frequency": 1, "period": 1, "periodUnit": "d" }),
                false,
            ),
            Schedule::Daily(times) => (
                format!("{times} times daily"),
                json!({ "frequency": times, "period": 1, "periodUnit": "d" }),
                false,
            ),
            Schedule::Weekly => (
                "once a week".to_owned(),
                json!({ "frequency": 1, "period": 1, "periodUnit": "wk" }),
                false,
            ),
            Schedule::AsNeeded(times) => (
                format!("up to {times} times daily as needed"),
                json!({ "frequency": times, "period": 1, "periodUnit": "d" }),
                true,
            ),
        };
        let route = match self.route {
            Route::Oral => crate::terms::snomed("26643006", "Oral route"),
            Route::Inhaled => crate::terms::snomed("447694001", "Respiratory tract route"),
        };
        json!({
            "text": format!("{verb} {how_often}"),
            "timing": { "repeat": repeat },
            "asNeededBoolean": as_needed,
            "route": route.concept(),
        })
    }
}
