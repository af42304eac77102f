//! Substances: from codes and drug names to ingredients and their families.

use std::collections::BTreeSet;

use glovebox_sdk::clinical::{Coded, RXNORM, SNOMED};

/// System and code.
pub(crate) type Code = (String, String);

/// A family of substances: who is allergic to one may react to the others. RxNorm
/// ingredient and SNOMED CT codes name the family itself.
struct Family {
    name: &'static str,
    codes: &'static [(&'static str, &'static str)],
    members: &'static [&'static str],
}

/// Ingredients by their RxNorm code.
const INGREDIENTS: [(&str, &str); 30] = [
    ("161", "acetaminophen"),
    ("723", "amoxicillin"),
    ("733", "ampicillin"),
    ("1191", "aspirin"),
    ("2193", "ceftriaxone"),
    ("2231", "cephalexin"),
    ("2551", "ciprofloxacin"),
    ("2582", "clindamycin"),
    ("2670", "codeine"),
    ("3355", "diclofenac"),
    ("3640", "doxycycline"),
    ("3827", "enalapril"),
    ("4053", "erythromycin"),
    ("4603", "furosemide"),
    ("5487", "hydrochlorothiazide"),
    ("5640", "ibuprofen"),
    ("6809", "metformin"),
    ("6918", "metoprolol"),
    ("7052", "morphine"),
    ("7258", "naproxen"),
    ("7804", "oxycodone"),
    ("7980", "penicillin g"),
    ("7984", "penicillin v"),
    ("10180", "sulfamethoxazole"),
    ("10829", "trimethoprim"),
    ("11289", "warfarin"),
    ("17767", "amlodipine"),
    ("18631", "azithromycin"),
    ("29046", "lisinopril"),
    ("36567", "simvastatin"),
];

const FAMILIES: [Family; 4] = [
    Family {
        name: "penicillin",
        codes: &[
            (SNOMED, "91936005"),
            (SNOMED, "373270004"),
            (SNOMED, "764146007"),
        ],
        members: &["penicillin g", "penicillin v", "amoxicillin", "ampicillin"],
    },
    Family {
        name: "sulfonamide",
        codes: &[(SNOMED, "91939003"), (SNOMED, "387406002")],
        members: &["sulfamethoxazole", "sulfadiazine"],
    },
    Family {
        name: "NSAID",
        codes: &[(SNOMED, "372665008")],
        members: &["ibuprofen", "naproxen", "diclofenac", "aspirin"],
    },
    Family {
        name: "ACE inhibitor",
        codes: &[(SNOMED, "372733002")],
        members: &["lisinopril", "enalapril", "ramipril"],
    },
];

/// Words of a drug name that are not its ingredient: salts, forms, routes.
const NOT_INGREDIENTS: [&str; 22] = [
    "hydrochloride",
    "hcl",
    "sodium",
    "potassium",
    "calcium",
    "sulfate",
    "succinate",
    "tartrate",
    "besylate",
    "maleate",
    "oral",
    "tablet",
    "capsule",
    "solution",
    "injection",
    "extended",
    "release",
    "delayed",
    "chewable",
    "mg",
    "ml",
    "hr",
];

/// The RxNorm and SNOMED CT codes of a concept.
pub(crate) fn codes(concept: Coded<'_>) -> BTreeSet<Code> {
    concept
        .codings()
        .filter(|coding| [RXNORM, SNOMED].contains(&coding.system))
        .map(|coding| (coding.system.to_owned(), coding.code.to_owned()))
        .collect()
}

/// Substances that codes name: ingredients, and families for what names a family.
pub(crate) fn named_by(codes: &BTreeSet<Code>) -> BTreeSet<String> {
    let has = |system: &str, code: &str| {
        codes
            .iter()
            .any(|(known_system, known)| known_system == system && known == code)
    };
    let ingredients = INGREDIENTS
        .iter()
        .filter(|(code, _)| has(RXNORM, code))
        .map(|(_, name)| (*name).to_owned());
    let families = FAMILIES
        .iter()
        .filter(|family| family.codes.iter().any(|(system, code)| has(system, code)))
        .map(|family| family.name.to_owned());
    ingredients.chain(families).collect()
}

/// Ingredients in an RxNorm drug name: `24 HR metformin hydrochloride 500 MG Extended
/// Release Oral Tablet` gives `metformin`, `acetaminophen 325 MG / oxycodone …` two.
pub(crate) fn ingredients(drug: &str) -> BTreeSet<String> {
    let drug = drug.split('[').next().unwrap_or(drug).to_lowercase();
    drug.split(['/', '+'])
        .filter_map(|part| {
            let words: Vec<&str> = part
                .split([' ', ',', '(', ')'])
                .filter(|word| !word.is_empty())
                .skip_while(|word| !is_name(word))
                .take_while(|word| is_name(word))
                .collect();
            (!words.is_empty()).then(|| words.join(" "))
        })
        .collect()
}

/// The substance in the name of an allergy: `Allergy to penicillin` gives `penicillin`.
pub(crate) fn allergen(name: &str) -> BTreeSet<String> {
    let name = name.to_lowercase();
    let name = name.strip_prefix("allergy to ").unwrap_or(&name);
    let name = name.strip_suffix(" allergy").unwrap_or(name);
    let family = FAMILIES
        .iter()
        .find(|family| family.name.to_lowercase() == name.trim_end_matches('s'));
    match family {
        Some(family) => BTreeSet::from([family.name.to_owned()]),
        None => ingredients(name),
    }
}

/// The family that both belong to, where they are not the same substance.
pub(crate) fn shared_family(one: &str, other: &str) -> Option<&'static str> {
    FAMILIES
        .iter()
        .find(|family| {
            let belongs = |name: &str| name == family.name || family.members.contains(&name);
            one != other && belongs(one) && belongs(other)
        })
        .map(|family| family.name)
}

fn is_name(word: &str) -> bool {
    word.starts_with(char::is_alphabetic) && !NOT_INGREDIENTS.contains(&word)
}
