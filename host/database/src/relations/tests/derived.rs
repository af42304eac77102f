//! Rights that follow from resources.

use glovebox_model::FhirUser;

use super::*;

const TEAM: &str = "CareTeam/ward-3";

fn term(starts: Option<Timestamp>, expires: Option<Timestamp>) -> Term {
    Term { starts, expires }
}

fn statement(of: &str, members: &[(&str, Term)]) -> Statement {
    let member = |(who, term): &(&str, Term)| (who.parse().unwrap(), *term);
    Statement {
        patient: (!of.is_empty()).then(|| patient(of)),
        members: members.iter().map(member).collect(),
    }
}

impl World {
    /// Nurse Okafor's account is the nurse of the record.
    async fn with_accounts(self, accounts: &[(&str, &str)]) -> Self {
        self.accounts(accounts).await;
        self
    }

    async fn accounts(&self, accounts: &[(&str, &str)]) -> PeopleChange {
        let person = |(member, user): &(&str, &str)| Person {
            tenant: self.main.clone(),
            member: member.parse().unwrap(),
            user: user.parse().unwrap(),
        };
        let people = accounts.iter().map(person).collect();
        self.relations.set_people(&people).await.unwrap()
    }

    async fn accept(&self, origin: &str, statement: &Statement) -> Vec<Shift> {
        let origin = origin.parse().unwrap();
        let found = self.relations.accepted(&self.main, &origin).await.unwrap();
        let accepted = self
            .relations
            .accept(&self.main, &origin, &found, statement, NOW);
        accepted.await.unwrap().expect("nobody was faster")
    }

    async fn naming(&self, member: &str) -> Vec<String> {
        let member: FhirUser = member.parse().unwrap();
        let found = self.relations.naming(&self.main, &member, None).await;
        found.unwrap().iter().map(ToString::to_string).collect()
    }
}

async fn ward() -> World {
    world()
        .with_accounts(&[("Practitioner/okafor", "nurse.okafor")])
        .await
}

const ALWAYS: Term = Term {
    starts: None,
    expires: None,
};

#[tokio::test]
async fn whoever_a_team_names_may_open_its_patient_until_it_no_longer_does() {
    let world = ward().await;
    let team = statement("anna", &[("Practitioner/okafor", ALWAYS)]);
    let shifts = world.accept(TEAM, &team).await;
    assert!(shifts[0].is_given && !shifts[0].ends && shifts.len() == 1);
    assert!(world.may_open("anna", NOW).await && !world.may_open("tom", NOW).await);
    assert_eq!(world.naming("Practitioner/okafor").await, [TEAM]);
    assert_eq!(world.accept(TEAM, &team).await, []);
    let shifts = world.accept(TEAM, &statement("anna", &[])).await;
    assert!(!shifts[0].is_given && shifts[0].ends && shifts.len() == 1);
    assert!(!world.may_open("anna", NOW).await);
    assert!(world.naming("Practitioner/okafor").await.is_empty());
}

#[tokio::test]
async fn a_team_that_changes_its_patient_takes_the_old_one_along() {
    let world = ward().await;
    let member = [("Practitioner/okafor", ALWAYS)];
    world.accept(TEAM, &statement("anna", &member)).await;
    let shifts = world.accept(TEAM, &statement("tom", &member)).await;
    assert_eq!(shifts.len(), 2);
    assert!(!world.may_open("anna", NOW).await && world.may_open("tom", NOW).await);
}

#[tokio::test]
async fn a_team_and_an_administrator_hold_a_right_each_by_themselves() {
    let world = ward().await;
    let team = statement("anna", &[("Practitioner/okafor", ALWAYS)]);
    let nobody = Statement::default();
    world.grant("anna", None).await;
    world.accept(TEAM, &team).await;
    let shifts = world.accept(TEAM, &nobody).await;
    assert!(!shifts[0].is_given && !shifts[0].ends);
    assert!(world.may_open("anna", NOW).await, "asserted, still");
    world.accept(TEAM, &team).await;
    world.accept("CareTeam/other", &team).await;
    let right = Right::Patient(patient("anna"));
    let left = world
        .relations
        .revoke(&world.main, &world.okafor, &right)
        .await
        .unwrap();
    let origins: Vec<_> = left.iter().filter_map(|one| one.origin.as_ref()).collect();
    assert_eq!(origins.len(), 2);
    assert!(world.may_open("anna", NOW).await, "derived, still");
    world.accept(TEAM, &nobody).await;
    assert!(world.may_open("anna", NOW).await, "by the other team");
    let shifts = world.accept("CareTeam/other", &nobody).await;
    assert!(shifts[0].ends && !world.may_open("anna", NOW).await);
}

#[tokio::test]
async fn a_term_starts_and_ends_by_itself() {
    let world = ward().await;
    let [soon, later] = [10, 20].map(|secs| NOW + Duration::from_secs(secs));
    let member = [("Practitioner/okafor", term(Some(soon), Some(later)))];
    world.accept(TEAM, &statement("anna", &member)).await;
    assert!(!world.may_open("anna", NOW).await);
    assert!(world.may_open("anna", soon).await);
    assert!(!world.may_open("anna", later).await);
    let over = [("Practitioner/okafor", term(None, Some(NOW)))];
    world.accept(TEAM, &statement("anna", &over)).await;
    assert!(!world.may_open("anna", soon).await);
}

#[tokio::test]
async fn a_role_stands_for_its_practitioner_as_long_as_both_say_so() {
    let world = ward().await;
    let role = "PractitionerRole/nurse-3";
    world
        .accept(TEAM, &statement("anna", &[(role, ALWAYS)]))
        .await;
    assert!(
        !world.may_open("anna", NOW).await,
        "whose role it is, nobody said"
    );
    let end = NOW + Duration::from_secs(10);
    let of = statement("", &[("Practitioner/okafor", term(None, Some(end)))]);
    world.accept(role, &of).await;
    // What names the role is looked at again by whoever changed it.
    assert_eq!(world.naming(role).await, [TEAM]);
    world
        .accept(TEAM, &statement("anna", &[(role, ALWAYS)]))
        .await;
    assert!(world.may_open("anna", NOW).await && !world.may_open("anna", end).await);
}

#[tokio::test]
async fn an_account_that_changes_hands_is_pending_until_it_was_followed() {
    let world = world();
    let okafor = [("Practitioner/okafor", "nurse.okafor")];
    let change = world.accounts(&okafor).await;
    let marked = &change[&world.main];
    let open = world.relations.pending().await.unwrap();
    assert_eq!(open, [(world.main.clone(), marked[0].clone())]);
    let member = marked[0].as_member().unwrap();
    assert_eq!(member.as_str(), "Practitioner/okafor");
    assert_eq!(marked[0].as_origin(), None);
    let unmarked = world.relations.unmark_pending(&world.main, marked).await;
    unmarked.unwrap();
    assert!(world.relations.pending().await.unwrap().is_empty());
    assert!(world.accounts(&okafor).await.is_empty());
    let change = world
        .accounts(&[("Practitioner/okafor", "dr.rivera")])
        .await;
    assert_eq!(change[&world.main].len(), 1);
    assert_eq!(world.relations.pending().await.unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_read_before_another_accepted_starts_again() {
    let world = ward().await;
    let origin = TEAM.parse().unwrap();
    let early = world
        .relations
        .accepted(&world.main, &origin)
        .await
        .unwrap();
    world.accept(TEAM, &Statement::default()).await;
    let team = statement("anna", &[("Practitioner/okafor", ALWAYS)]);
    let late = world
        .relations
        .accept(&world.main, &origin, &early, &team, NOW);
    assert_eq!(late.await.unwrap(), None);
    assert!(!world.may_open("anna", NOW).await);
}

#[tokio::test]
async fn what_is_pending_is_kept_with_what_the_hospital_said() {
    let world = world();
    let said = statement("anna", &[("Practitioner/okafor", term(Some(NOW), None))]);
    let mut marked = [Pending::origin(&TEAM.parse().unwrap(), Some(said))];
    let relations = &world.relations;
    relations
        .mark_pending(&world.main, &mut marked)
        .await
        .unwrap();
    let open = relations.pending().await.unwrap();
    assert_eq!(open, [(world.main.clone(), marked[0].clone())]);
    let origin = marked[0].as_origin().unwrap();
    assert_eq!(
        (origin.to_string().as_str(), marked[0].as_member()),
        (TEAM, None)
    );
    relations
        .unmark_pending(&world.main, &marked)
        .await
        .unwrap();
    assert!(relations.pending().await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_crosses_out_what_another_noted_since() {
    let world = world();
    let relations = &world.relations;
    let note = || [Pending::origin(&TEAM.parse().unwrap(), None)];
    let (mut early, mut late) = (note(), note());
    relations
        .mark_pending(&world.main, &mut early)
        .await
        .unwrap();
    relations
        .mark_pending(&world.main, &mut late)
        .await
        .unwrap();
    relations.unmark_pending(&world.main, &early).await.unwrap();
    assert_eq!(relations.pending().await.unwrap().len(), 1);
    relations
        .unmark_pending(&world.main, &note())
        .await
        .unwrap();
    assert_eq!(relations.pending().await.unwrap().len(), 1);
    relations.unmark_pending(&world.main, &late).await.unwrap();
    assert!(relations.pending().await.unwrap().is_empty());
}

#[test]
fn two_statements_agree_on_no_more_than_each_of_them_says() {
    let at = |secs| Some(NOW + Duration::from_secs(secs));
    let (a, b, c) = ("Practitioner/a", "Practitioner/b", "Practitioner/c");
    let accepted = statement("anna", &[(a, ALWAYS), (b, term(at(0), at(10)))]);
    let now = statement(
        "anna",
        &[
            (a, term(None, at(5))),
            (b, term(at(5), at(20))),
            (c, ALWAYS),
        ],
    );
    let both = statement("anna", &[(a, term(None, at(5))), (b, term(at(5), at(10)))]);
    assert_eq!(now.agreed(&[&accepted]), both);
    let said = statement("anna", &[(c, ALWAYS), (b, ALWAYS)]);
    assert_eq!(
        now.agreed(&[&accepted, &said]),
        statement(
            "anna",
            &[
                (a, term(None, at(5))),
                (b, term(at(5), at(20))),
                (c, ALWAYS)
            ]
        )
    );
    let of_another = statement("tom", &[(a, ALWAYS)]);
    assert!(now.agreed(&[&of_another]).members.is_empty());
    let apart = statement("anna", &[(a, term(at(5), None))]);
    assert!(now.agreed(&[&apart]).members.is_empty());
}
