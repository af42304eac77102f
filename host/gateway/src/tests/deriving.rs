//! Who may open whom by care teams and related persons.

use std::collections::BTreeSet;

use glovebox_database::relations::{Origin, Pending, Person};
use glovebox_model::Clock as _;
use serde_json::{Value, json};

use super::*;
use crate::{Derived, Viewer};

const ROLE: &str = r#"{"resourceType":"PractitionerRole","id":"nurse-3","active":true,"practitioner":{"reference":"Practitioner/okafor"}}"#;

fn team_of(of: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|who| json!({ "member": { "reference": who } }))
        .collect();
    let mut team = json!({
        "resourceType": "CareTeam", "id": "ward", "status": "active",
        "subject": { "reference": format!("Patient/{of}") },
    });
    if !members.is_empty() {
        team["participant"] = members.into();
    }
    team
}

fn team(of: &str, members: &[&str]) -> String {
    team_of(of, members).to_string()
}

fn viewer(user: &str) -> Viewer {
    Viewer {
        tenant: main_tenant(),
        user: user.parse().unwrap(),
    }
}

impl Door {
    async fn accounts(&self, accounts: &[(&str, &str)]) {
        let person = |(member, user): &(&str, &str)| Person {
            tenant: main_tenant(),
            member: member.parse().unwrap(),
            user: user.parse().unwrap(),
        };
        let people: BTreeSet<Person> = accounts.iter().map(person).collect();
        let set = self.gateway.set_people(&people, &Subject::default()).await;
        set.unwrap();
    }

    async fn opens(&self, user: &str, of: &str) -> bool {
        let may = self.gateway.may_open(&viewer(user), &patient(of)).await;
        may.unwrap()
    }

    async fn nurse_opens(&self, of: &str) -> bool {
        self.opens("nurse.okafor", of).await
    }

    async fn derive(&self, only: Option<&str>) -> Derived {
        let only: Option<Origin> = only.map(|only| only.parse().unwrap());
        let actor = Subject::default();
        self.gateway
            .derive_relations(&main_tenant(), only.as_ref(), &actor, "looked through")
            .await
            .unwrap()
    }

    /// Creates a resource as an app does: the server gives it an id.
    async fn created(&self, json: &str) -> String {
        match self
            .call(Interaction::create(resource(json)))
            .await
            .unwrap()
        {
            Answer::Written(written) => format!("{}/{}", written.resource_type, written.id),
            other => panic!("{other:?}"),
        }
    }

    /// What an administrator would find in the ledger of changes of this patient's relations.
    fn changes(&self, of: &str) -> Vec<String> {
        let entries = self.entries();
        let of = entries.iter().filter(|entry| {
            entry.kind == "relation.change" && entry.patient.as_deref() == Some(of)
        });
        of.map(|entry| entry.action.clone()).collect()
    }
}

/// The nurse has an account, and an app that reaches everybody writes as it likes.
async fn hospital() -> Door {
    let door = Door::new().await.with("system/*.cruds");
    door.accounts(&[("Practitioner/okafor", "nurse.okafor")])
        .await;
    door.without_user().without_patient()
}

#[tokio::test]
async fn an_imported_team_opens_its_patient_to_its_members_and_an_update_takes_that_away() {
    let door = hospital().await;
    assert!(!door.nurse_opens("james").await);
    door.import(&[&team("james", &["Practitioner/okafor"])], false)
        .await;
    assert!(door.nurse_opens("james").await);
    assert!(!door.opens("dr.rivera", "james").await);
    door.import(&[&team("james", &["Practitioner/rivera"])], true)
        .await;
    assert!(!door.nurse_opens("james").await);
    assert_eq!(door.changes("james"), ["grant", "withdraw"]);
}

#[tokio::test]
async fn a_right_that_no_longer_follows_ends_what_runs() {
    let door = hospital().await;
    door.import(&[&team("james", &["Practitioner/okafor"])], false)
        .await;
    let held = door
        .fence
        .generations(&[Mark::Relations(main_tenant(), okafor())]);
    let pass = door.fence.enter(&held).unwrap();
    // Named for longer or once more: nothing that runs is ended.
    door.import(
        &[&team("james", &["Practitioner/okafor", "Practitioner/x"])],
        true,
    )
    .await;
    assert!(pass.check().is_ok());
    let mut over = team_of("james", &["Practitioner/okafor"]);
    over["status"] = "inactive".into();
    door.import(&[&over.to_string()], true).await;
    assert!(pass.check().is_err());
    assert!(!door.nurse_opens("james").await);
}

#[tokio::test]
async fn who_may_open_a_patient_for_another_reason_goes_on_when_the_team_ends() {
    let door = hospital().await;
    door.import(&[&team("anna", &["Practitioner/okafor"])], false)
        .await;
    let held = door
        .fence
        .generations(&[Mark::Relations(main_tenant(), okafor())]);
    let pass = door.fence.enter(&held).unwrap();
    door.import(&[&team("anna", &[])], true).await;
    assert!(door.nurse_opens("anna").await && pass.check().is_ok());
}

#[tokio::test]
async fn a_withdrawal_says_what_the_right_follows_from_still() {
    let door = hospital().await;
    door.import(&[&team("anna", &["Practitioner/okafor"])], false)
        .await;
    let right = Right::Patient(patient("anna"));
    let (tenant, nurse, actor) = (main_tenant(), okafor(), Subject::default());
    let withdrawn = door
        .gateway
        .withdraw_relation(&tenant, &nurse, &right, &actor, "moved ward");
    let still = withdrawn.await.unwrap().still;
    assert_eq!(
        still[0].origin.as_ref().unwrap().to_string(),
        "CareTeam/ward"
    );
    assert!(door.nurse_opens("anna").await);
    door.import(&[&team("anna", &[])], true).await;
    assert!(
        !door.nurse_opens("anna").await,
        "the asserted one is gone too"
    );
}

#[tokio::test]
async fn an_app_gives_nobody_a_patient_by_writing_a_team() {
    let door = hospital().await;
    let created = door.created(&team("james", &["Practitioner/okafor"])).await;
    assert!(!door.nurse_opens("james").await, "by a team of its own");

    let given = team("james", &["Practitioner/rivera"]).replace("ward", "theirs");
    door.import(&[&given], false).await;
    let widened = team("james", &["Practitioner/rivera", "Practitioner/okafor"]);
    door.call(update(&widened.replace("ward", "theirs"), Some("1")))
        .await
        .unwrap();
    assert!(
        !door.nurse_opens("james").await,
        "by joining the hospital's"
    );

    let of_anna = team("tom", &["Practitioner/okafor"]).replace("ward", "moved");
    door.import(&[&of_anna], false).await;
    door.may_no_more("tom").await;
    assert!(door.nurse_opens("tom").await);
    door.call(update(
        &of_anna.replace("Patient/tom", "Patient/james"),
        Some("1"),
    ))
    .await
    .ok();
    assert!(
        !door.nurse_opens("james").await,
        "by moving one to another patient"
    );

    // An account that is made later, and a start, change nothing of it.
    door.accounts(&[]).await;
    door.accounts(&[("Practitioner/okafor", "nurse.okafor")])
        .await;
    assert!(!door.nurse_opens("james").await);
    let ward = Pending::origin(&created.parse().unwrap(), None);
    door.relations
        .mark_pending(&main_tenant(), &mut [ward])
        .await
        .unwrap();
    assert_eq!(door.gateway.settle_relations().await, Ok(1));
    assert!(!door.nurse_opens("james").await);
}

#[tokio::test]
async fn an_app_gives_nobody_a_patient_by_the_role_or_the_relative_that_is_meant() {
    let door = hospital().await;
    let of_another = ROLE.replace("okafor", "rivera");
    let named = team("james", &["PractitionerRole/nurse-3"]);
    door.import(&[&of_another, &named], false).await;
    door.call(update(ROLE, Some("1"))).await.unwrap();
    assert!(!door.nurse_opens("james").await);
    let relative = r#"{"resourceType":"RelatedPerson","id":"maria","active":false,"patient":{"reference":"Patient/james"}}"#;
    door.accounts(&[("RelatedPerson/maria", "maria.rossi")])
        .await;
    door.import(&[relative], false).await;
    let active = relative.replace("false", "true");
    door.call(update(&active, Some("1"))).await.unwrap();
    assert!(!door.opens("maria.rossi", "james").await);
}

#[tokio::test]
async fn what_an_app_takes_out_of_a_team_is_gone_at_once_and_stays_gone() {
    let door = hospital().await;
    let whole = team("james", &["Practitioner/okafor"]);
    door.import(&[&whole], false).await;
    assert!(door.nurse_opens("james").await);
    door.call(update(&team("james", &[]), Some("1")))
        .await
        .unwrap();
    assert!(!door.nurse_opens("james").await);
    door.call(update(&whole, Some("2"))).await.unwrap();
    assert!(
        !door.nurse_opens("james").await,
        "an app's word gives nothing back"
    );
    // The hospital says it again, although nothing changes in the record.
    assert_eq!(door.import(&[&whole], false).await.unchanged, 1);
    assert!(door.nurse_opens("james").await);
    door.call(Interaction::delete("CareTeam", "ward", Some("3")).unwrap())
        .await
        .unwrap();
    assert!(!door.nurse_opens("james").await);
}

#[tokio::test]
async fn an_administrator_may_accept_what_is_in_the_record() {
    let door = hospital().await;
    let role = door.created(ROLE).await;
    let team = door.created(&team("james", &[&role])).await;
    let one = door.derive(Some(&team)).await;
    assert_eq!(
        (one.looked_at, one.given),
        (1, 0),
        "whose role it is, nobody said"
    );
    let all = door.derive(None).await;
    assert_eq!((all.looked_at, all.given, all.taken), (2, 1, 0));
    assert!(door.nurse_opens("james").await);
    assert_eq!(door.derive(None).await.given, 0);
}

#[tokio::test]
async fn a_role_that_ends_takes_the_teams_that_name_it_along() {
    let door = hospital().await;
    let named = team("james", &["PractitionerRole/nurse-3"]);
    door.import(&[&named, ROLE], false).await;
    assert!(door.nurse_opens("james").await);
    let over = ROLE.replace("\"active\":true", "\"active\":false");
    door.call(update(&over, Some("1"))).await.unwrap();
    assert!(!door.nurse_opens("james").await);
}

#[tokio::test]
async fn a_related_person_opens_the_patient_within_the_period() {
    let door = hospital().await;
    door.accounts(&[("RelatedPerson/maria", "maria.rossi")])
        .await;
    let mother = r#"{"resourceType":"RelatedPerson","id":"maria","active":true,"patient":{"reference":"Patient/tom"},"period":{"end":"2026-11-23"}}"#;
    door.import(&[mother], false).await;
    assert!(door.opens("maria.rossi", "tom").await);
    door.clock.advance(std::time::Duration::from_secs(4 * 3600));
    assert!(!door.opens("maria.rossi", "tom").await, "the day is over");
}

#[tokio::test]
async fn an_account_that_is_given_later_gets_what_follows_and_loses_it_with_the_account() {
    let door = hospital().await;
    door.accounts(&[]).await;
    door.import(&[&team("james", &["Practitioner/okafor"])], false)
        .await;
    assert!(!door.nurse_opens("james").await);
    door.accounts(&[("Practitioner/okafor", "nurse.okafor")])
        .await;
    assert!(door.nurse_opens("james").await);
    door.accounts(&[("Practitioner/okafor", "dr.rivera")]).await;
    assert!(!door.nurse_opens("james").await && door.opens("dr.rivera", "james").await);
}

/// As if the server had died after the record was written and before anything was derived.
#[tokio::test]
async fn what_a_crash_left_open_is_made_good_at_the_next_start() {
    let mut door = hospital().await;
    let whole = team("james", &["Practitioner/okafor"]);
    door.import(&[&whole], false).await;
    // The record loses the team, and the derivation after it never happens.
    let relations = door.relations.clone();
    let origin: Origin = "CareTeam/ward".parse().unwrap();
    let before = relations.accepted(&main_tenant(), &origin).await.unwrap();
    door.call(update(&team("james", &[]), Some("1")))
        .await
        .unwrap();
    let after = relations.accepted(&main_tenant(), &origin).await.unwrap();
    let (tenant, now) = (main_tenant(), door.clock.now());
    let undone = relations.accept(&tenant, &origin, &after, &before.statement, now);
    assert!(undone.await.unwrap().is_some());
    let mut open = [Pending::origin(&origin, None)];
    relations
        .mark_pending(&main_tenant(), &mut open)
        .await
        .unwrap();
    assert!(door.nurse_opens("james").await);
    door.restart_gateway();
    assert_eq!(door.gateway.settle_relations().await, Ok(1));
    assert!(!door.nurse_opens("james").await);
    assert_eq!(door.gateway.settle_relations().await, Ok(0));
}

#[tokio::test]
async fn an_import_that_was_announced_and_never_written_gives_nothing_at_the_next_start() {
    let door = hospital().await;
    let json = team("james", &["Practitioner/okafor"]);
    door.import(&[&json], false).await;
    let origin: Origin = "CareTeam/ward".parse().unwrap();
    let accepted = door
        .relations
        .accepted(&main_tenant(), &origin)
        .await
        .unwrap();
    door.import(&[&team("james", &[])], true).await;
    let mut open = [Pending::origin(&origin, Some(accepted.statement))];
    door.relations
        .mark_pending(&main_tenant(), &mut open)
        .await
        .unwrap();
    assert_eq!(door.gateway.settle_relations().await, Ok(1));
    assert!(!door.nurse_opens("james").await);
}

#[tokio::test]
async fn a_draft_that_a_clinician_commits_narrows_and_does_not_widen() {
    let terms = json!({ "writes": "draft" });
    let door = Door::new().await.with("patient/*.cruds").under(&terms);
    let accounts = [
        ("Practitioner/okafor", "nurse.okafor"),
        ("Practitioner/rivera", "dr.rivera"),
    ];
    door.accounts(&accounts).await;
    door.import(&[&team("anna", &["Practitioner/rivera"])], false)
        .await;
    assert!(door.opens("dr.rivera", "anna").await);
    let other = team("anna", &["Practitioner/lee"]);
    let Answer::Drafted(draft) = door.call(update(&other, Some("1"))).await.unwrap() else {
        panic!("the app's writes are drafts")
    };
    door.accounts(&[accounts[0], accounts[1], ("Practitioner/lee", "dr.lee")])
        .await;
    assert!(
        door.opens("dr.rivera", "anna").await,
        "nothing is committed yet"
    );
    let committed = door
        .gateway
        .commit_draft(&viewer("nurse.okafor"), None, &draft.draft)
        .await;
    committed.unwrap();
    assert!(!door.opens("dr.rivera", "anna").await);
    assert!(!door.opens("dr.lee", "anna").await);
}

#[tokio::test]
async fn several_grants_are_recorded_each_before_they_are_in_force() {
    let door = hospital().await;
    let say = |of: &str| glovebox_database::relations::Assertion {
        user: "dr.rivera".parse().unwrap(),
        right: Right::Patient(patient(of)),
        source: Source::Csv,
        expires: None,
    };
    let actor = Subject {
        user: Some("admin".parse().unwrap()),
        ..Subject::default()
    };
    let (tenant, said) = (main_tenant(), [say("james"), say("tom")]);
    let granted = door
        .gateway
        .grant_relations(&tenant, &said, &actor, "new on the ward");
    granted.await.unwrap();
    assert!(door.opens("dr.rivera", "james").await && door.opens("dr.rivera", "tom").await);
    for of in ["james", "tom"] {
        assert_eq!(door.changes(of), ["grant"]);
    }
    let entry = door.entries().pop().unwrap();
    for part in ["admin", "dr.rivera", "new on the ward", "csv"] {
        assert!(entry.raw.contains(part), "{part}: {}", entry.raw);
    }
}
