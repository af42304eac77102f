use super::*;

fn offer(scopes: &str) -> Offer {
    Offer::of(&ScopeSet::parse(scopes).unwrap())
}

fn granted(scopes: &str, ticked: &[&str]) -> String {
    let ticked: Vec<String> = ticked.iter().map(|id| (*id).to_owned()).collect();
    offer(scopes).granted(&ticked).to_string()
}

#[test]
fn what_is_not_ticked_is_not_granted() {
    let asked = "launch/patient openid patient/Patient.r patient/Goal.rs offline_access";
    for (ticked, expected) in [
        (&[][..], "launch/patient openid"),
        (&["0"], "launch/patient openid patient/Patient.r"),
        (&["lasting"], "launch/patient openid offline_access"),
        (&["1", "0", "lasting"], asked),
        (&["7", "0.0", "nonsense"], "launch/patient openid"),
    ] {
        assert_eq!(granted(asked, ticked), expected, "{ticked:?}");
    }
    assert_eq!(offer(asked).whole().to_string(), asked);
}

#[test]
fn results_and_problems_can_be_granted_by_category_and_then_not_as_a_whole() {
    assert_eq!(
        granted(
            "patient/Observation.rs patient/Condition.read",
            &["0.0", "0.1", "1.0"]
        ),
        "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory \
         patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs \
         patient/Condition.rs?category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item"
    );
    // The whole stands for its parts.
    assert_eq!(
        granted("patient/Observation.rs", &["0", "0.1"]),
        "patient/Observation.rs"
    );
    for scopes in [
        "patient/Observation.c",
        "patient/Observation.rs?status=final",
        "patient/Goal.rs",
        "patient/*.rs",
    ] {
        assert!(offer(scopes).items[0].parts.is_empty(), "{scopes}");
    }
}

#[test]
fn whatever_is_ticked_is_never_more_than_what_was_asked_for() {
    let asked = "patient/Observation.rs user/Condition.cruds patient/Goal.r offline_access";
    let asked = ScopeSet::parse(asked).unwrap();
    let offer = Offer::of(&asked);
    let parts = offer.items.iter().flat_map(|item| &item.parts);
    for item in offer.items.iter().chain(parts).chain(&offer.lasting) {
        assert!(
            asked.covers_all(&offer.granted(std::slice::from_ref(&item.id))),
            "{item:?}"
        );
        assert!(item.sentence.starts_with(char::is_uppercase), "{item:?}");
    }
}

#[test]
fn what_has_no_words_is_not_offered() {
    assert!(offer("patient/Linkage.rs").items.is_empty());
}
