use super::*;

fn broken(result: Result<Ledger, LedgerError>) -> (u32, u64, u64, Fault) {
    match result {
        Err(LedgerError::Broken {
            segment,
            line,
            seq,
            what,
        }) => (segment, line, seq, what),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it opened"),
    }
}

fn append_bytes(path: &Path, bytes: &[u8]) {
    let mut content = std::fs::read(path).unwrap();
    content.extend_from_slice(bytes);
    std::fs::write(path, content).unwrap();
}

/// A ledger with an anchored entry 2 and entries 3 and 4 beyond the anchor, as a crash
/// leaves it, and the ledger that still runs.
async fn crashed(place: &Place) -> (tempfile::TempDir, Ledger) {
    let ledger = place.open(lazy()).await.unwrap();
    ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await
        .unwrap();
    ledger.append(read_of("lab-viewer", "tom-rossi")).unwrap();
    ledger
        .append(read_of("lab-viewer", "james-miller"))
        .unwrap();
    (place.crash(), ledger)
}

#[tokio::test]
async fn a_closed_ledger_goes_on_where_it_stood() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    for _ in 0..20 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    ledger.shutdown().await.unwrap();
    let (seq, hash) = ledger.head();
    let copy = place.crash();
    let again = place.open_at(copy.path(), small()).await.unwrap();
    let (first, _) = again.head();
    assert_eq!(first, seq + 1);
    let found = again
        .search(&Filter {
            limit: 1,
            ..Filter::default()
        })
        .unwrap();
    assert_eq!(
        (found[0].kind.as_str(), found[0].prev),
        ("ledger.start", hash)
    );
    again.shutdown().await.unwrap();
    let key = again.public_key();
    verify(&dir(copy.path()), place.anchor().await, Some(&key), |_| {}).unwrap();
}

#[tokio::test]
async fn lines_beyond_the_anchor_that_chain_are_kept() {
    let place = Place::new();
    let (copy, _running) = crashed(&place).await;
    let ledger = place.open_at(copy.path(), lazy()).await.unwrap();
    let found = ledger.search(&Filter::default()).unwrap();
    assert_eq!(found.len(), 5);
    assert_eq!(found[0].detail["kept_beyond_anchor"], 2);
    assert!(found[0].detail.get("dropped_bytes").is_none());
}

#[tokio::test]
async fn a_torn_line_beyond_the_anchor_is_dropped_and_that_is_recorded() {
    for torn in [
        &b"{\"seq\":5,\"at\":\"20"[..],
        b"x",
        b"\0\0\0\0\n\0\0",
        b"{\"seq\":5\0\0\0\n",
    ] {
        let place = Place::new();
        let (copy, _running) = crashed(&place).await;
        append_bytes(&copy.path().join(segment::name(1)), torn);
        let ledger = place.open_at(copy.path(), lazy()).await.unwrap();
        let start = &ledger.search(&Filter::default()).unwrap()[0];
        assert_eq!(start.seq, 5);
        assert_eq!(start.detail["kept_beyond_anchor"], 2);
        assert_eq!(start.detail["dropped_bytes"], torn.len() as u64);
        let key = ledger.public_key();
        verify(&dir(copy.path()), place.anchor().await, Some(&key), |_| {}).unwrap();
    }
}

#[tokio::test]
async fn a_crash_at_any_byte_beyond_the_anchor_opens_again() {
    let place = Place::new();
    let (copy, _running) = crashed(&place).await;
    let whole = std::fs::read(copy.path().join(segment::name(1))).unwrap();
    let anchored = whole
        .split_inclusive(|b| *b == b'\n')
        .take(2)
        .map(<[u8]>::len)
        .sum::<usize>();
    for end in (anchored..whole.len()).step_by(13) {
        let cut = tempfile::tempdir().unwrap();
        std::fs::write(cut.path().join(segment::name(1)), &whole[..end]).unwrap();
        // each try has the anchor of the crash
        let other = Place {
            store: temporary_sled(),
            ..Place::new()
        };
        let anchor = anchor::read(&place.anchors()).await.unwrap().unwrap().0;
        anchor::write(&other.anchors(), &anchor, None)
            .await
            .unwrap()
            .unwrap();
        let ledger = other.open_at(cut.path(), lazy()).await.unwrap();
        let lines = whole[..end].iter().filter(|b| **b == b'\n').count() as u64;
        assert_eq!(ledger.head().0, lines + 1, "cut at byte {end}");
    }
}

#[tokio::test]
async fn a_tail_cut_before_the_anchor_is_an_error() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await
        .unwrap();
    ledger
        .append_durable(read_of("lab-viewer", "tom-rossi"))
        .await
        .unwrap();
    let copy = place.crash();
    let file = copy.path().join(segment::name(1));
    let lines = lines(&file);
    std::fs::write(&file, format!("{}\n{}\n", lines[0], lines[1])).unwrap();
    let refused = broken(place.open_at(copy.path(), lazy()).await);
    assert_eq!(refused, (1, 3, 3, Fault::Cut { anchor: 3 }));

    // torn within the anchored part: the same
    std::fs::write(
        &file,
        format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..50]),
    )
    .unwrap();
    assert_eq!(
        broken(place.open_at(copy.path(), lazy()).await),
        (1, 3, 3, Fault::Torn)
    );

    // no file at all
    std::fs::remove_file(&file).unwrap();
    let refused = broken(place.open_at(copy.path(), lazy()).await);
    assert_eq!(refused, (1, 1, 1, Fault::Cut { anchor: 3 }));
}

#[tokio::test]
async fn a_changed_line_is_an_error_on_either_side_of_the_anchor() {
    for (from, to, seq) in [
        ("anna-rossi", "anna-rosso", 2),
        ("james-miller", "james-milles", 4),
    ] {
        let place = Place::new();
        let (copy, _running) = crashed(&place).await;
        let file = copy.path().join(segment::name(1));
        let content = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, content.replace(from, to)).unwrap();
        let refused = broken(place.open_at(copy.path(), lazy()).await);
        assert_eq!(refused, (1, seq, seq, Fault::Hash));
    }
}

#[tokio::test]
async fn entries_without_an_anchor_are_an_error() {
    let place = Place::new();
    let (copy, _running) = crashed(&place).await;
    let other = Place {
        store: temporary_sled(),
        ..Place::new()
    };
    assert_eq!(
        broken(other.open_at(copy.path(), lazy()).await),
        (1, 2, 2, Fault::NoAnchor)
    );
}

#[tokio::test]
async fn a_first_start_that_was_interrupted_can_be_repeated() {
    let place = Place::new();
    let _running = place.open(lazy()).await.unwrap();
    let copy = place.crash();
    let other = Place {
        store: temporary_sled(),
        ..Place::new()
    };
    let ledger = other.open_at(copy.path(), lazy()).await.unwrap();
    assert_eq!(ledger.head().0, 2);
}

#[tokio::test]
async fn a_rewritten_tail_does_not_match_the_anchor() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await
        .unwrap();
    let copy = place.crash();
    let file = copy.path().join(segment::name(1));
    let forged = super::verifying::rewrite(&lines(&file), "anna-rossi", "tom-rossi");
    std::fs::write(&file, forged).unwrap();
    let (_, _, seq, what) = broken(place.open_at(copy.path(), lazy()).await);
    assert!(seq == 2 && matches!(what, Fault::Anchor { .. }), "{what}");
}

#[tokio::test]
async fn a_segment_that_follows_a_torn_one_is_dropped_with_it() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    while ledger.shared().writer().number < 3 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    let copy = place.crash();
    let first = copy.path().join(segment::name(1));
    let lines = lines(&first);
    std::fs::write(
        &first,
        format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..9]),
    )
    .unwrap();
    let again = place.open_at(copy.path(), small()).await.unwrap();
    assert_eq!(again.head().0, 3);
    assert!(!copy.path().join(segment::name(2)).exists());
    assert!(!copy.path().join(segment::name(3)).exists());
}

#[tokio::test]
async fn a_missing_sidecar_is_made_again() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    while ledger.shared().writer().number < 3 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    ledger.flush().await.unwrap();
    let copy = place.crash();
    let sidecar = copy.path().join(segment::sidecar_name(1));
    let before = std::fs::read(&sidecar).unwrap();
    std::fs::remove_file(&sidecar).unwrap();
    let again = place.open_at(copy.path(), small()).await.unwrap();
    assert_eq!(std::fs::read(&sidecar).unwrap(), before);
    assert_eq!(again.head().0, ledger.head().0 + 1);
}

#[tokio::test]
async fn intents_without_an_outcome_are_found_at_start() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    let settled = ledger.intent(write_intent()).await.unwrap();
    let open = ledger
        .intent(write_intent().with("digest", "d1"))
        .await
        .unwrap();
    ledger.outcome(settled, write_outcome()).unwrap();
    assert!(
        ledger.unresolved_intents().is_empty(),
        "those of this run are under way"
    );
    // sealed segments lie between the intent and the anchor
    for _ in 0..30 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    let late = ledger.intent(write_intent()).await.unwrap();
    let copy = place.crash();

    let again = place.open_at(copy.path(), small()).await.unwrap();
    let found = again.unresolved_intents();
    assert_eq!(
        found.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [open, late]
    );
    assert_eq!(found[0].detail["digest"], "d1");
    again.outcome(open, write_outcome()).unwrap();
    again.outcome(late, write_outcome()).unwrap();
    assert!(again.unresolved_intents().is_empty());
    again.flush().await.unwrap();
    let (anchor, _) = anchor::read(&place.anchors()).await.unwrap().unwrap();
    assert_eq!(anchor.open_from, again.head().0 + 1);
}
