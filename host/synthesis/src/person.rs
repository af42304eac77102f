//! Who a patient is, before anything happens to them.

use time::{Date, Month};

use crate::{
    Plan, calendar,
    chance::{Chance, Topic},
    names::{self, ORIGINS, Origin},
};

/// Administrative sex as the charts record it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// FHIR `female`.
    Female,
    /// FHIR `male`.
    Male,
}

impl Sex {
    /// The code of FHIR's `administrative-gender`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// The three patients that every demo has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    AnnaRossi,
    TomRossi,
    JamesMiller,
}

pub(crate) struct Person {
    pub(crate) index: usize,
    pub(crate) id: String,
    pub(crate) given: String,
    pub(crate) family: String,
    pub(crate) sex: Sex,
    pub(crate) birth_date: Date,
    pub(crate) origin: &'static Origin,
    pub(crate) named: Option<Named>,
    pub(crate) street: String,
    pub(crate) city: &'static (&'static str, &'static str),
    pub(crate) phone: String,
}

/// How many patients every plan has at least.
pub(crate) const NAMED: usize = 3;

static CITIES: [(&str, &str); 5] = [
    ("Harbor Point", "02191"),
    ("Millbrook", "02492"),
    ("Eastfield", "02138"),
    ("Quarry Hill", "02169"),
    ("Alder Bay", "02184"),
];
static STREETS: [&str; 8] = [
    "Juniper Lane",
    "Harbor Street",
    "Mill Road",
    "Chestnut Avenue",
    "Lantern Way",
    "Orchard Street",
    "Granite Court",
    "Ferry Road",
];

impl Person {
    pub(crate) fn new(plan: &Plan, index: usize) -> Self {
        let mut chance = Chance::new(plan.seed, index, Topic::Identity);
        let origin = chance.pick(&ORIGINS);
        let sex = if chance.odds(0.5) {
            Sex::Female
        } else {
            Sex::Male
        };
        let given = match sex {
            Sex::Female => *chance.pick(&origin.female),
            Sex::Male => *chance.pick(&origin.male),
        };
        let family = *chance.pick(&origin.families);
        let age_days = chance.between(30, 95 * 365);
        let mut person = Self {
            index,
            id: format!("{}-{}-{index:03}", names::slug(given), names::slug(family)),
            given: given.to_owned(),
            family: family.to_owned(),
            sex,
            birth_date: calendar::plus_days(plan.today, -age_days),
            origin,
            named: None,
            street: format!("{} {}", chance.between(2, 240), chance.pick(&STREETS)),
            city: chance.pick(&CITIES),
            phone: format!("617-555-01{:02}", chance.between(0, 99)),
        };
        let italian = ORIGINS.iter().find(|origin| origin.language.0 == "it");
        let english = ORIGINS.first();
        match index {
            0 => person.rename(
                Named::AnnaRossi,
                ("Anna", "Rossi"),
                Sex::Female,
                date(1961, Month::March, 14),
                italian,
            ),
            1 => {
                // Five years old, whenever the demo is made.
                let birth = date(plan.today.year() - 5, Month::June, 18);
                person.rename(Named::TomRossi, ("Tom", "Rossi"), Sex::Male, birth, italian);
            }
            2 => person.rename(
                Named::JamesMiller,
                ("James", "Miller"),
                Sex::Male,
                date(1955, Month::November, 2),
                english,
            ),
            _ => {}
        }
        person
    }

    fn rename(
        &mut self,
        named: Named,
        name: (&str, &str),
        sex: Sex,
        birth: Option<Date>,
        origin: Option<&'static Origin>,
    ) {
        self.named = Some(named);
        self.id = names::slug(&format!("{} {}", name.0, name.1));
        self.given = name.0.to_owned();
        self.family = name.1.to_owned();
        self.sex = sex;
        self.birth_date = birth.unwrap_or(self.birth_date);
        self.origin = origin.unwrap_or(self.origin);
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    pub(crate) fn age_on(&self, date: Date) -> i64 {
        calendar::age(self.birth_date, date)
    }

    pub(crate) fn is_child_on(&self, date: Date) -> bool {
        self.age_on(date) < 18
    }

    /// Every third patient lies on nurse Okafor's ward: `anna-rossi` does, `tom-rossi` and
    /// `james-miller` do not.
    pub(crate) fn is_on_ward(&self) -> bool {
        self.index.is_multiple_of(3)
    }
}

fn date(year: i32, month: Month, day: u8) -> Option<Date> {
    Date::from_calendar_date(year, month, day).ok()
}
