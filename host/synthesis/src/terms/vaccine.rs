//! Vaccines by CVX, with the schedules that a chart shows.

use time::{Date, Month};

use crate::terms::{CVX, Term};

const fn cvx(code: &'static str, display: &'static str) -> Term {
    Term {
        system: CVX,
        code,
        display,
    }
}

pub(crate) const INFLUENZA: Term = cvx("140", "Influenza, split virus, trivalent, PF");
pub(crate) const TDAP: Term = cvx("115", "Tdap");
pub(crate) const ZOSTER: Term = cvx("187", "zoster recombinant");
pub(crate) const PNEUMOCOCCAL_23: Term = cvx("33", "pneumococcal polysaccharide PPV23");
const HEPATITIS_B: Term = cvx("08", "Hep B, adolescent or pediatric");
const ROTAVIRUS: Term = cvx("116", "rotavirus, pentavalent");
const DTAP: Term = cvx("20", "DTaP");
const HIB: Term = cvx("48", "Hib (PRP-T)");
const PNEUMOCOCCAL_13: Term = cvx("133", "Pneumococcal conjugate PCV 13");
const PNEUMOCOCCAL_7: Term = cvx("100", "pneumococcal conjugate PCV 7");
const POLIO: Term = cvx("10", "IPV");
const MMR: Term = cvx("03", "MMR");
const VARICELLA: Term = cvx("21", "varicella");
const HEPATITIS_A: Term = cvx("83", "Hep A, ped/adol, 2 dose");
const HPV: Term = cvx("165", "HPV9");
const MENINGOCOCCAL: Term = cvx("114", "meningococcal MCV4P");

/// What is due at a well-child visit at that age in months.
pub(crate) fn due_at(months: i64) -> &'static [Term] {
    match months {
        0 => &[HEPATITIS_B],
        1 => &[HEPATITIS_B],
        2 | 4 => &[ROTAVIRUS, DTAP, HIB, PNEUMOCOCCAL_13, POLIO],
        6 => &[ROTAVIRUS, DTAP, HIB, PNEUMOCOCCAL_13, POLIO, HEPATITIS_B],
        12 => &[MMR, VARICELLA, PNEUMOCOCCAL_13, HIB, HEPATITIS_A],
        15 => &[DTAP],
        18 => &[HEPATITIS_A],
        48 => &[DTAP, POLIO, MMR, VARICELLA],
        132 => &[TDAP, MENINGOCOCCAL, HPV],
        144 => &[HPV],
        192 => &[MENINGOCOCCAL],
        _ => &[],
    }
}

/// The product in use on that day: the 13-valent conjugate replaced the 7-valent in 2010.
pub(crate) fn product_on(vaccine: Term, date: Date) -> Term {
    if vaccine == PNEUMOCOCCAL_13 && (date.year(), date.month() as u8) < (2010, Month::March as u8)
    {
        PNEUMOCOCCAL_7
    } else {
        vaccine
    }
}
