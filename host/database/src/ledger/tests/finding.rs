use super::*;

/// A ledger over several segments: 60 reads, of two apps and three patients in turn.
async fn sample(place: &Place, flushed: bool) -> Ledger {
    let ledger = place.open(small()).await.unwrap();
    for round in 0..60 {
        let app = ["lab-viewer", "med-check"][round % 2];
        let patient = ["anna-rossi", "tom-rossi", "james-miller"][round % 3];
        place.clock.advance(Duration::from_secs(60));
        ledger
            .append(read_of(app, patient).with("round", round as u64))
            .unwrap();
    }
    if flushed {
        ledger.flush().await.unwrap();
    }
    assert!(ledger.shared().writer().number > 10);
    ledger
}

fn rounds(found: &[Entry]) -> Vec<u64> {
    found
        .iter()
        .filter_map(|entry| entry.detail.get("round")?.as_u64())
        .collect()
}

#[tokio::test]
async fn entries_are_found_newest_first_by_app_and_patient() {
    for flushed in [false, true] {
        let place = Place::new();
        let ledger = sample(&place, flushed).await;
        let by_app = Filter {
            app: Some("lab-viewer".to_owned()),
            ..Filter::default()
        };
        let expected: Vec<_> = (0..60).rev().filter(|n| n % 2 == 0).collect();
        assert_eq!(rounds(&ledger.search(&by_app).unwrap()), expected);

        let both = Filter {
            patient: Some("tom-rossi".to_owned()),
            ..by_app
        };
        let expected: Vec<_> = (0..60).rev().filter(|n| n % 2 == 0 && n % 3 == 1).collect();
        assert_eq!(rounds(&ledger.search(&both).unwrap()), expected);

        let nobody = Filter {
            patient: Some("nobody".to_owned()),
            ..Filter::default()
        };
        assert!(ledger.search(&nobody).unwrap().is_empty());
    }
}

#[tokio::test]
async fn every_filter_narrows() {
    let place = Place::new();
    let start = Timestamp::parse("2026-11-23T08:00:00.25Z").unwrap();
    let ledger = sample(&place, true).await;
    let some = |text: &str| Some(text.to_owned());
    let all = Filter {
        kind: some("fhir"),
        ..Filter::default()
    };
    for (filter, count) in [
        (all.clone(), 60),
        (
            Filter {
                kind: some("ledger.start"),
                ..Filter::default()
            },
            1,
        ),
        (
            Filter {
                user: some("dr.rivera"),
                ..all.clone()
            },
            60,
        ),
        (
            Filter {
                user: some("dr.rive"),
                ..all.clone()
            },
            0,
        ),
        (
            Filter {
                tenant: some("main"),
                ..all.clone()
            },
            60,
        ),
        (
            Filter {
                tenant: some("sandbox"),
                ..all.clone()
            },
            0,
        ),
        (
            Filter {
                session: some("s1"),
                ..all.clone()
            },
            0,
        ),
        (
            Filter {
                from: Some(start + Duration::from_secs(60 * 51)),
                ..all.clone()
            },
            10,
        ),
        (
            Filter {
                to: Some(start + Duration::from_secs(60 * 11)),
                ..all.clone()
            },
            10,
        ),
        (Filter { limit: 7, ..all }, 7),
    ] {
        assert_eq!(ledger.search(&filter).unwrap().len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn pages_cover_everything_once() {
    let place = Place::new();
    let ledger = sample(&place, true).await;
    let mut filter = Filter {
        app: Some("med-check".to_owned()),
        limit: 7,
        ..Filter::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = ledger.search(&filter).unwrap();
        let Some(last) = page.last() else { break };
        filter.before_seq = Some(last.seq);
        seen.extend(rounds(&page));
    }
    assert_eq!(
        seen,
        (0..60).rev().filter(|n| n % 2 == 1).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_search_reads_only_segments_whose_sidecar_names_the_app() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    ledger.append(read_of("med-check", "tom-rossi")).unwrap();
    while ledger.shared().writer().number < 4 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    ledger.flush().await.unwrap();
    // segments 2 and 3 cannot even be opened
    for number in [2, 3] {
        std::fs::remove_file(place.segment(number)).unwrap();
    }
    let of = |app: &str| Filter {
        app: Some(app.to_owned()),
        ..Filter::default()
    };
    assert_eq!(ledger.search(&of("med-check")).unwrap().len(), 1);
    assert!(ledger.search(&of("lab-viewer")).is_err());
}

#[tokio::test]
async fn what_was_found_is_the_line_as_stored() {
    let place = Place::new();
    let ledger = sample(&place, true).await;
    let found = ledger
        .search(&Filter {
            limit: 1,
            ..Filter::default()
        })
        .unwrap();
    let number = ledger.shared().writer().number;
    assert_eq!(Some(&found[0].raw), lines(&place.segment(number)).last());
}
