use glovebox_model::scope::ScopeSet;
use glovebox_policy::{Terms, WriteMode};

use super::*;
use crate::{ActRefused, UploadRefused};

fn artifacts(house: &House) -> usize {
    std::fs::read_dir(house.artifacts_dir.path())
        .unwrap()
        .count()
}

#[tokio::test]
async fn an_uploaded_and_approved_app_can_be_launched_within_its_approval() {
    let house = House::new().await;
    let bytes = component(&manifest());
    let vendor = actor("vendor");
    let uploaded = house
        .registry
        .upload(&tenant(), &vendor, None, &bytes)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(uploaded.stage, Stage::Checked);
    assert!(
        house
            .registry
            .installation(&tenant(), &app())
            .await
            .unwrap()
            .is_none()
    );
    let beyond = ScopeSet::parse("patient/Observation.cruds").unwrap();
    let who = actor("admin");
    let one = version("1.0.0");
    let refused = house
        .registry
        .approve(
            &tenant(),
            &app(),
            &one,
            &who,
            "ok",
            Some(beyond),
            None,
            None,
        )
        .await;
    assert!(matches!(
        refused.unwrap(),
        Err(ActRefused::BeyondManifest(_))
    ));
    let within = ScopeSet::parse("patient/Observation.rs?category=laboratory").unwrap();
    let limits = Limits {
        rows_max: 10,
        wall_ms_max: u64::MAX,
        ..Limits::default()
    };
    let terms = serde_json::json!({
        "projection": { "Patient": { "strip": ["telecom"] } },
        "labels": { "confidentiality": "R" },
        "budget": { "records_per_day": 100 },
    });
    let terms = Terms::from_json(&terms).unwrap();
    let approved = house
        .registry
        .approve(
            &tenant(),
            &app(),
            &one,
            &who,
            "ok",
            Some(within.clone()),
            Some(limits),
            Some(terms.clone()),
        )
        .await;
    approved.unwrap().unwrap();
    let installation = house
        .registry
        .installation(&tenant(), &app())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(installation.scopes.to_string(), within.to_string());
    assert_eq!(installation.limits.rows_max, 10);
    // what the approval says beyond scopes is kept as it was said
    assert_eq!(*installation.terms, terms);
    assert_eq!(installation.terms.writes, WriteMode::Draft);
    assert_eq!(
        installation.limits.wall_ms_max,
        Limits::default().wall_ms_max
    );
    assert_eq!(
        installation.version.digest,
        glovebox_package::digest(&bytes)
    );
    assert_eq!(
        house.entries(),
        ["app.upload upload ok", "app.approve approve ok"]
    );
}

#[tokio::test]
async fn the_same_bytes_again_are_no_change() {
    let house = House::new().await;
    let bytes = component(&manifest());
    for _ in 0..2 {
        let uploaded = house
            .registry
            .upload(&tenant(), &actor("vendor"), None, &bytes)
            .await;
        assert_eq!(uploaded.unwrap().unwrap().history.len(), 1);
    }
    assert_eq!(house.entries(), ["app.upload upload ok"]);
}

#[tokio::test]
async fn what_is_not_a_fitting_package_is_refused_recorded_and_not_kept() {
    let house = House::new().await;
    let vendor = actor("vendor");
    let first = component(&manifest());
    house
        .registry
        .upload(&tenant(), &vendor, None, &first)
        .await
        .unwrap()
        .unwrap();
    let changed = |change: &dyn Fn(&mut Written)| {
        let mut written = manifest();
        change(&mut written);
        component(&written)
    };
    let version_exists = changed(&|written| written.purpose = "Something else".to_owned());
    let other_owner = changed(&|written| {
        written.publisher = "rival".to_owned();
        written.version = "2.0.0".to_owned();
    });
    let endless = changed(&|written| {
        written.version = "3.0.0".to_owned();
        written.scopes = (0..180)
            .map(|n| WrittenScope {
                scope: format!("patient/Observation.rs?code={n:0200}"),
                why: "w".repeat(150),
            })
            .collect();
    });
    let core_module = b"\0asm\x01\0\0\0".to_vec();
    let mut cut = first.clone();
    cut.truncate(first.len() / 2);
    let rival = "rival".parse().unwrap();
    type Expected = fn(&UploadRefused) -> bool;
    let cases: [(Vec<u8>, Option<&_>, Expected); 8] = [
        (core_module, None, |refused| {
            matches!(refused, UploadRefused::Package(_))
        }),
        (b"garbage".to_vec(), None, |refused| {
            matches!(refused, UploadRefused::Package(_))
        }),
        (Vec::new(), None, |refused| {
            matches!(refused, UploadRefused::Package(_))
        }),
        (cut, None, |refused| {
            matches!(refused, UploadRefused::Package(_))
        }),
        (first, Some(&rival), |refused| {
            matches!(refused, UploadRefused::OtherPublisher { .. })
        }),
        (other_owner, None, |refused| {
            matches!(refused, UploadRefused::OtherOwner(_))
        }),
        (version_exists, None, |refused| {
            matches!(refused, UploadRefused::VersionExists(_))
        }),
        (endless, None, |refused| {
            matches!(
                refused,
                UploadRefused::ManifestTooLong { .. } | UploadRefused::Package(_)
            )
        }),
    ];
    for (number, (bytes, publisher, expected)) in cases.into_iter().enumerate() {
        let before = house.entries().len();
        let refused = house
            .registry
            .upload(&tenant(), &vendor, publisher, &bytes)
            .await
            .unwrap();
        let refused = refused.unwrap_err();
        assert!(expected(&refused), "case {number}: {refused}");
        assert_eq!(
            house.entries()[before..],
            ["app.upload upload denied: check"]
        );
    }
    assert_eq!(house.registry.all(&tenant()).await.unwrap().len(), 1);
    assert_eq!(artifacts(&house), 1);
}

#[tokio::test]
async fn an_import_that_no_scope_needs_is_refused() {
    let house = House::new().await;
    let uploaded = house
        .registry
        .upload(&tenant(), &actor("vendor"), None, &component(&manifest()))
        .await;
    let imports = uploaded.unwrap().unwrap().imports;
    let manifest_without_scopes = Manifest::check(&Written {
        scopes: vec![WrittenScope {
            scope: "launch/patient".to_owned(),
            why: "To know whom".to_owned(),
        }],
        storage: false,
        ..manifest()
    });
    let manifest_without_scopes = manifest_without_scopes.unwrap();
    for (import, refused) in [
        ("glovebox:fhir/read@0.1.0", true),
        ("glovebox:fhir/write@0.1.0", true),
        ("glovebox:host/storage@0.1.0", true),
        ("glovebox:host/log@0.1.0", false),
    ] {
        let found = crate::upload::check_imports(&manifest_without_scopes, &[import.to_owned()]);
        assert_eq!(found.is_err(), refused, "{import}");
    }
    assert!(imports.iter().all(|import| import.starts_with("glovebox:")));
}

#[tokio::test]
async fn of_two_publishers_at_once_one_owns_the_app() {
    let house = House::new().await;
    let mut written = manifest();
    let ours = Manifest::check(&written).unwrap();
    written.publisher = "rival".to_owned();
    written.version = "2.0.0".to_owned();
    let theirs = Manifest::check(&written).unwrap();
    house.shelve(&app(), "1.0.0").await;
    let mut foreign = house
        .registry
        .version(&tenant(), &app(), &ours.version)
        .await
        .unwrap()
        .unwrap();
    foreign.manifest = theirs;
    // the check before found nobody; the commit knows better
    assert!(!house.registry.put_new(&foreign).await.unwrap());
}
