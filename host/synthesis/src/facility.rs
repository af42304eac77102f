//! What patients share: the hospital, its people, its places, its formulary.

use serde_json::{Value, json};

use crate::{
    chart::{resource, set},
    terms::{drug::FORMULARY, hl7},
};

pub(crate) const RIVERA: &str = "rivera";
pub(crate) const OKAFOR: &str = "okafor";
pub(crate) const LINDQVIST: &str = "lindqvist";
pub(crate) const HADDAD: &str = "haddad";
pub(crate) const NAKAMURA: &str = "nakamura";
pub(crate) const SATO: &str = "sato";
pub(crate) const BAUER: &str = "bauer";
pub(crate) const HOSPITAL: &str = "Organization/harbor-point";
pub(crate) const LABORATORY: &str = "Organization/harbor-point-laboratory";
pub(crate) const CLINIC: &str = "clinic";
pub(crate) const PEDIATRICS: &str = "pediatrics";
pub(crate) const URGENT_CARE: &str = "urgent-care";
pub(crate) const WARD_EAST: &str = "ward-3-east";
pub(crate) const WARD_WEST: &str = "ward-4-west";

/// A clinician: id, given name, family name, prefix, NUCC taxonomy code and display, and
/// the administrative gender.
type Clinician = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    (&'static str, &'static str),
    &'static str,
);

static CLINICIANS: [Clinician; 7] = [
    (
        RIVERA,
        "Elena",
        "Rivera",
        Some("Dr."),
        ("207R00000X", "Internal Medicine Physician"),
        "female",
    ),
    (
        OKAFOR,
        "Grace",
        "Okafor",
        None,
        ("163W00000X", "Registered Nurse"),
        "female",
    ),
    (
        LINDQVIST,
        "Karin",
        "Lindqvist",
        Some("Dr."),
        ("208000000X", "Pediatrics Physician"),
        "female",
    ),
    (
        HADDAD,
        "Samir",
        "Haddad",
        Some("Dr."),
        ("207RC0000X", "Cardiovascular Disease Physician"),
        "male",
    ),
    (
        NAKAMURA,
        "Yuki",
        "Nakamura",
        Some("Dr."),
        ("207RP1001X", "Pulmonary Disease Physician"),
        "female",
    ),
    (
        SATO,
        "Ken",
        "Sato",
        Some("Dr."),
        ("207Q00000X", "Family Medicine Physician"),
        "male",
    ),
    (
        BAUER,
        "Miriam",
        "Bauer",
        None,
        ("163W00000X", "Registered Nurse"),
        "female",
    ),
];

static ORGANIZATIONS: [(&str, &str, &str, &str); 4] = [
    (
        "harbor-point",
        "Harbor Point Medical Center",
        "prov",
        "Healthcare Provider",
    ),
    (
        "harbor-point-laboratory",
        "Harbor Point Laboratory",
        "dept",
        "Hospital Department",
    ),
    (
        "evergreen-health-plan",
        "Evergreen Health Plan",
        "pay",
        "Payer",
    ),
    ("tidewater-mutual", "Tidewater Mutual", "pay", "Payer"),
];

/// Id, name, v3 RoleCode and display, physical type code and display.
type Place = (
    &'static str,
    &'static str,
    (&'static str, &'static str),
    (&'static str, &'static str),
);

static PLACES: [Place; 5] = [
    (
        CLINIC,
        "Internal Medicine Clinic",
        ("OF", "Outpatient facility"),
        ("ro", "Room"),
    ),
    (
        PEDIATRICS,
        "Pediatric Clinic",
        ("PEDC", "Pediatrics clinic"),
        ("ro", "Room"),
    ),
    (
        URGENT_CARE,
        "Urgent Care",
        ("OF", "Outpatient facility"),
        ("ro", "Room"),
    ),
    (
        WARD_EAST,
        "Ward 3 East",
        ("HU", "Hospital unit"),
        ("wa", "Ward"),
    ),
    (
        WARD_WEST,
        "Ward 4 West",
        ("HU", "Hospital unit"),
        ("wa", "Ward"),
    ),
];

/// A Reference to a clinician, with the name.
pub(crate) fn clinician(id: &str) -> Value {
    let name = CLINICIANS
        .iter()
        .find(|clinician| clinician.0 == id)
        .map(display_name)
        .unwrap_or_default();
    json!({ "reference": format!("Practitioner/{id}"), "display": name })
}

/// A Reference to a place, with the name.
pub(crate) fn place(id: &str) -> Value {
    let name = PLACES
        .iter()
        .find(|place| place.0 == id)
        .map_or("", |place| place.1);
    json!({ "reference": format!("Location/{id}"), "display": name })
}

fn display_name(clinician: &Clinician) -> String {
    let prefix = clinician
        .3
        .map(|prefix| format!("{prefix} "))
        .unwrap_or_default();
    format!("{prefix}{} {}", clinician.1, clinician.2)
}

/// All shared resources, those that others refer to first.
pub(crate) fn resources() -> Vec<Value> {
    let mut all: Vec<Value> = ORGANIZATIONS.iter().map(organization).collect();
    all.extend(PLACES.iter().map(location));
    for (number, clinician) in CLINICIANS.iter().enumerate() {
        all.push(practitioner(number, clinician));
        all.push(practitioner_role(clinician));
    }
    all.extend(FORMULARY.iter().map(|drug| {
        resource(
            "Medication",
            format!("rx-{}", drug.code),
            Some("us-core-medication"),
            json!({
                "code": drug.concept(),
                "status": "active",
            }),
        )
    }));
    all
}

fn organization((id, name, kind, kind_display): &(&str, &str, &str, &str)) -> Value {
    let mut body = json!({
        "active": true,
        "type": [hl7("organization-type", kind, kind_display)],
        "name": name,
        "telecom": [{ "system": "phone", "value": "617-555-0100" }],
        "address": [hospital_address()],
    });
    if *kind == "dept" {
        set(&mut body, "partOf", json!({ "reference": HOSPITAL }));
    }
    resource(
        "Organization",
        (*id).to_owned(),
        Some("us-core-organization"),
        body,
    )
}

fn location((id, name, role, physical): &Place) -> Value {
    resource(
        "Location",
        (*id).to_owned(),
        Some("us-core-location"),
        json!({
            "status": "active",
            "name": name,
            "mode": "instance",
            "type": [hl7("v3-RoleCode", role.0, role.1)],
            "address": hospital_address(),
            "physicalType": hl7("location-physical-type", physical.0, physical.1),
            "managingOrganization": { "reference": HOSPITAL, "display": "Harbor Point Medical Center" },
        }),
    )
}

fn hospital_address() -> Value {
    json!({ "line": ["1 Harbor Street"], "city": "Harbor Point", "state": "MA", "postalCode": "02191", "country": "US" })
}

fn practitioner(number: usize, clinician: &Clinician) -> Value {
    let (id, given, family, prefix, _, gender) = clinician;
    let mut name = json!({ "use": "official", "family": family, "given": [given] });
    if let Some(prefix) = prefix {
        set(&mut name, "prefix", json!([prefix]));
    }
    resource(
        "Practitioner",
        (*id).to_owned(),
        Some("us-core-practitioner"),
        json!({
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": npi(number) }],
            "active": true,
            "name": [name],
            "telecom": [{ "system": "email", "value": format!("{id}@harbor-point.example"), "use": "work" }],
            "gender": gender,
        }),
    )
}

fn practitioner_role(clinician: &Clinician) -> Value {
    let (id, _, _, _, taxonomy, _) = clinician;
    let code = json!({
        "coding": [{ "system": "http://nucc.org/provider-taxonomy", "code": taxonomy.0, "display": taxonomy.1 }],
        "text": taxonomy.1,
    });
    let workplace = match *id {
        OKAFOR => WARD_EAST,
        LINDQVIST => PEDIATRICS,
        NAKAMURA => WARD_WEST,
        SATO => URGENT_CARE,
        _ => CLINIC,
    };
    resource(
        "PractitionerRole",
        format!("{id}-role"),
        Some("us-core-practitionerrole"),
        json!({
            "active": true,
            "practitioner": { "reference": format!("Practitioner/{id}"), "display": display_name(clinician) },
            "organization": { "reference": HOSPITAL, "display": "Harbor Point Medical Center" },
            "code": [code],
            "location": [place(workplace)],
            "telecom": [{ "system": "email", "value": format!("{id}@harbor-point.example"), "use": "work" }],
        }),
    )
}

/// A well-formed NPI that no person has: real ones begin with 1 or 2. The last digit is
/// the Luhn digit over `80840` and the number.
fn npi(number: usize) -> String {
    let stem = 999_999_000 + number as u64;
    let (mut rest, mut sum, mut doubles) = (stem, 24, true);
    while rest > 0 {
        let digit = rest % 10;
        sum += match doubles {
            true if digit > 4 => 2 * digit - 9,
            true => 2 * digit,
            false => digit,
        };
        doubles = !doubles;
        rest /= 10;
    }
    format!("{stem}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_npi_check_digit_is_the_published_one() {
        // The example of the NPI standard is 123456789 with check digit 3; ours differ only in the stem.
        let luhn = |text: &str| {
            text.bytes()
                .rev()
                .enumerate()
                .fold(0u32, |sum, (place, byte)| {
                    let digit = u32::from(byte - b'0') * if place % 2 == 1 { 2 } else { 1 };
                    sum + digit / 10 + digit % 10
                })
        };
        assert_eq!(luhn("808401234567893") % 10, 0);
        for number in 0..20 {
            assert_eq!(luhn(&format!("80840{}", super::npi(number))) % 10, 0);
        }
    }
}
