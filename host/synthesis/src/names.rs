//! Where people come from: names, languages, and the US Core race and ethnicity categories.

/// A group of names that go together.
pub(crate) struct Origin {
    /// CDC race code and display.
    pub(crate) race: (&'static str, &'static str),
    pub(crate) is_hispanic: bool,
    /// BCP 47 code and display.
    pub(crate) language: (&'static str, &'static str),
    pub(crate) female: [&'static str; 8],
    pub(crate) male: [&'static str; 8],
    pub(crate) families: [&'static str; 8],
}

const WHITE: (&str, &str) = ("2106-3", "White");
const BLACK: (&str, &str) = ("2054-5", "Black or African American");
const ASIAN: (&str, &str) = ("2028-9", "Asian");
const OTHER: (&str, &str) = ("2131-1", "Other Race");
const ENGLISH: (&str, &str) = ("en", "English");

pub(crate) static ORIGINS: [Origin; 10] = [
    Origin {
        race: WHITE,
        is_hispanic: false,
        language: ENGLISH,
        female: [
            "Grace", "Hannah", "Claire", "Ruth", "Abigail", "Joan", "Nora", "Beth",
        ],
        male: [
            "Samuel", "Peter", "Walter", "Owen", "Henry", "Luke", "George", "Alan",
        ],
        families: [
            "Whitaker",
            "Hollis",
            "Pemberton",
            "Cole",
            "Fairchild",
            "Marsh",
            "Langley",
            "Thorne",
        ],
    },
    Origin {
        race: WHITE,
        is_hispanic: false,
        language: ("de", "German"),
        female: [
            "Olga", "Ingrid", "Käthe", "Sabine", "Johanna", "Greta", "Ulrike", "Frieda",
        ],
        male: [
            "Jürgen", "Dieter", "Matthias", "Karl", "Søren", "Lars", "Björn", "Anton",
        ],
        families: [
            "Brandt",
            "Müller",
            "Lindqvist",
            "Vogel",
            "Sørensen",
            "Keller",
            "Hartmann",
            "Ekström",
        ],
    },
    Origin {
        race: BLACK,
        is_hispanic: false,
        language: ENGLISH,
        female: [
            "Denise", "Imani", "Latoya", "Keisha", "Simone", "Naomi", "Gloria", "Zora",
        ],
        male: [
            "Marcus", "Darnell", "Isaiah", "Jerome", "Terrence", "Malcolm", "Andre", "Clarence",
        ],
        families: [
            "Booker", "Freeman", "Gaines", "Holloway", "Tolliver", "Broadnax", "Mosley", "Dorsey",
        ],
    },
    Origin {
        race: BLACK,
        is_hispanic: false,
        language: ENGLISH,
        female: [
            "Adaeze", "Folake", "Amina", "Makena", "Ngozi", "Abeba", "Efua", "Wanjiru",
        ],
        male: [
            "Chinedu", "Kwame", "Tunde", "Dawit", "Kofi", "Emeka", "Jabari", "Sekou",
        ],
        families: [
            "Adeyemi", "Mensah", "Nwosu", "Tesfaye", "Kamau", "Boateng", "Diallo", "Eze",
        ],
    },
    Origin {
        race: OTHER,
        is_hispanic: true,
        language: ("es", "Spanish"),
        female: [
            "Lucía", "Carmen", "Rosa", "Ximena", "Pilar", "Inés", "Marisol", "Beatriz",
        ],
        male: [
            "Javier", "Andrés", "Diego", "Rafael", "Tomás", "Hugo", "Emilio", "Ramón",
        ],
        families: [
            "Núñez", "Castillo", "Ortega", "Fuentes", "Salazar", "Peña", "Vargas", "Quintero",
        ],
    },
    Origin {
        race: ASIAN,
        is_hispanic: false,
        language: ("zh", "Chinese"),
        female: [
            "Mei", "Xiulan", "Yan", "Hui", "Lihua", "Jing", "Fang", "Min",
        ],
        male: ["Wei", "Jun", "Hao", "Qiang", "Bo", "Ming", "Tao", "Feng"],
        families: [
            "Zhang", "Lin", "Huang", "Zhou", "Xu", "Liang", "Deng", "Song",
        ],
    },
    Origin {
        race: ASIAN,
        is_hispanic: false,
        language: ("hi", "Hindi"),
        female: [
            "Priya", "Anjali", "Lakshmi", "Meera", "Sunita", "Kavya", "Deepa", "Rani",
        ],
        male: [
            "Arjun", "Vikram", "Rohan", "Sanjay", "Ravi", "Nikhil", "Anil", "Kiran",
        ],
        families: [
            "Sharma", "Iyer", "Banerjee", "Kapoor", "Menon", "Reddy", "Chauhan", "Desai",
        ],
    },
    Origin {
        race: WHITE,
        is_hispanic: false,
        language: ("ar", "Arabic"),
        female: [
            "Layla", "Samira", "Nadia", "Yasmin", "Huda", "Rania", "Salma", "Dina",
        ],
        male: [
            "Omar", "Karim", "Tariq", "Youssef", "Hassan", "Bilal", "Samir", "Rami",
        ],
        families: [
            "Haddad", "Mansour", "Khoury", "Farouk", "Nasser", "Saleh", "Aziz", "Shaheen",
        ],
    },
    Origin {
        race: WHITE,
        is_hispanic: false,
        language: ("it", "Italian"),
        female: [
            "Giulia", "Chiara", "Lucia", "Bianca", "Elisa", "Paola", "Silvia", "Teresa",
        ],
        male: [
            "Marco", "Matteo", "Paolo", "Luca", "Enzo", "Dario", "Sergio", "Aldo",
        ],
        families: [
            "Conti", "Ferrari", "Moretti", "Greco", "Marino", "Rinaldi", "Bruno", "Galli",
        ],
    },
    Origin {
        race: WHITE,
        is_hispanic: false,
        language: ("pl", "Polish"),
        female: [
            "Zofia",
            "Hanna",
            "Małgorzata",
            "Irena",
            "Ewa",
            "Danuta",
            "Kinga",
            "Marta",
        ],
        male: [
            "Piotr",
            "Tomasz",
            "Wojciech",
            "Jakub",
            "Adam",
            "Marek",
            "Stanisław",
            "Filip",
        ],
        families: [
            "Nowak",
            "Wiśniewski",
            "Zieliński",
            "Kamiński",
            "Dąbrowski",
            "Wójcik",
            "Mazur",
            "Kozak",
        ],
    },
];

/// A name in the letters that a FHIR id may have: `Käthe Müller` becomes `kathe-muller`.
pub(crate) fn slug(name: &str) -> String {
    name.chars()
        .filter_map(|letter| match letter {
            'a'..='z' | '0'..='9' => Some(letter),
            'A'..='Z' => Some(letter.to_ascii_lowercase()),
            ' ' | '-' => Some('-'),
            'ä' | 'á' | 'à' | 'ą' => Some('a'),
            'é' | 'è' | 'ę' => Some('e'),
            'í' => Some('i'),
            'ö' | 'ø' | 'ó' => Some('o'),
            'ü' | 'ú' => Some('u'),
            'ñ' | 'ń' => Some('n'),
            'ł' => Some('l'),
            'ś' => Some('s'),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{ORIGINS, slug};

    #[test]
    fn every_name_keeps_all_its_letters_in_its_slug() {
        for origin in &ORIGINS {
            for name in origin
                .female
                .iter()
                .chain(&origin.male)
                .chain(&origin.families)
            {
                assert_eq!(slug(name).chars().count(), name.chars().count(), "{name}");
            }
        }
    }
}
