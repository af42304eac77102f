use proptest::prelude::*;

use super::super::line::sha256;
use super::*;

impl Place {
    pub(super) fn public_key(&self) -> Vec<u8> {
        super::super::checkpoint::Signer::from_pkcs8(&self.key)
            .unwrap()
            .public_key()
    }
}

/// A closed ledger of a few entries in one segment: its lines, anchor and public key.
struct Sample {
    content: Vec<u8>,
    anchor: (u64, Digest),
    key: Vec<u8>,
    scratch: tempfile::TempDir,
}

impl Sample {
    async fn new() -> Self {
        let place = Place::new();
        let ledger = place.open(lazy()).await.unwrap();
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
        ledger.append(read_of("med-check", "tom-rossi")).unwrap();
        ledger
            .append(read_of("lab-viewer", "james-miller").with("n", 3))
            .unwrap();
        ledger.shutdown().await.unwrap();
        Self {
            content: std::fs::read(place.segment(1)).unwrap(),
            anchor: place.anchor().await.unwrap(),
            key: place.public_key(),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    fn verify(&self, content: &[u8]) -> Result<VerifyReport, LedgerError> {
        std::fs::write(self.scratch.path().join(segment::name(1)), content).unwrap();
        verify(
            &dir(self.scratch.path()),
            Some(self.anchor),
            Some(&self.key),
            |_| {},
        )
    }

    fn fault(&self, content: &[u8]) -> (u64, Fault) {
        fault(self.verify(content))
    }

    fn lines(&self) -> Vec<&[u8]> {
        self.content.split_inclusive(|b| *b == b'\n').collect()
    }
}

fn fault(result: Result<VerifyReport, LedgerError>) -> (u64, Fault) {
    match result {
        Err(LedgerError::Broken { seq, what, .. }) => (seq, what),
        other => panic!("not found: {other:?}"),
    }
}

/// Replaces text and then mends every hash, as somebody with the files but not the key
/// would.
pub(super) fn rewrite(lines: &[String], from: &str, to: &str) -> String {
    let mut prev = Digest::ZERO.to_string();
    let mut content = String::new();
    for line in lines {
        let line = line.replace(from, to);
        let at = line.find("\"prev\":\"").unwrap() + 8;
        let body = format!("{}{prev}{}", &line[..at], &line[at + 64..line.len() - 75]);
        prev = sha256(format!("{body}}}").as_bytes()).to_string();
        content.push_str(&format!("{body},\"hash\":\"{prev}\"}}\n"));
    }
    content
}

#[tokio::test]
async fn an_untouched_ledger_holds() {
    let sample = Sample::new().await;
    let report = sample.verify(&sample.content).unwrap();
    assert_eq!(
        (report.entries, report.segments, report.checkpoints),
        (5, 1, 1)
    );
    assert_eq!(
        (report.covered, report.beyond_anchor, report.torn_bytes),
        (4, 0, 0)
    );
    assert_eq!(report.head, sample.anchor.1);
}

#[tokio::test]
async fn every_flipped_byte_is_found_in_its_entry() {
    let sample = Sample::new().await;
    let mut start = 0;
    for (line, seq) in sample.lines().into_iter().zip(1_u64..) {
        for position in start..start + line.len() {
            for mask in [0x01, 0x20, 0x80] {
                let mut content = sample.content.clone();
                content[position] ^= mask;
                let (found, what) = sample.fault(&content);
                assert_eq!(found, seq, "byte {position} ^ {mask:#x}: {what}");
            }
        }
        start += line.len();
    }
}

#[tokio::test]
async fn every_deleted_line_is_found() {
    let sample = Sample::new().await;
    for deleted in 0..sample.lines().len() {
        let mut lines = sample.lines();
        lines.remove(deleted);
        let seq = deleted as u64 + 1;
        let expected = match seq {
            5 => Fault::Cut { anchor: 5 },
            _ => Fault::Sequence { found: seq + 1 },
        };
        assert_eq!(sample.fault(&lines.concat()), (seq, expected));
    }
}

#[tokio::test]
async fn every_swap_of_neighbours_is_found() {
    let sample = Sample::new().await;
    for first in 0..sample.lines().len() - 1 {
        let mut lines = sample.lines();
        lines.swap(first, first + 1);
        let seq = first as u64 + 1;
        assert_eq!(
            sample.fault(&lines.concat()),
            (seq, Fault::Sequence { found: seq + 1 })
        );
    }
}

#[tokio::test]
async fn a_repeated_line_is_found() {
    let sample = Sample::new().await;
    let mut lines = sample.lines();
    lines.insert(2, lines[1]);
    assert_eq!(
        sample.fault(&lines.concat()),
        (3, Fault::Sequence { found: 2 })
    );
}

#[tokio::test]
async fn a_tail_cut_before_the_anchor_is_found_at_every_byte() {
    let sample = Sample::new().await;
    for end in 0..sample.content.len() {
        let lines = sample.content[..end]
            .iter()
            .filter(|b| **b == b'\n')
            .count() as u64;
        assert_eq!(
            sample.fault(&sample.content[..end]).0,
            lines + 1,
            "cut at {end}"
        );
    }
}

#[tokio::test]
async fn a_torn_line_beyond_the_anchor_is_reported_and_no_fault() {
    let sample = Sample::new().await;
    let torn = [&sample.content[..], b"{\"seq\":6,"].concat();
    assert_eq!(sample.verify(&torn).unwrap().torn_bytes, 9);
    // a whole line that does not hold is one
    let garbage = [&sample.content[..], b"{\"seq\":6}\n"].concat();
    assert_eq!(sample.fault(&garbage).0, 6);
}

#[tokio::test]
async fn a_rewritten_ledger_fails_at_the_checkpoint_and_at_the_anchor() {
    let sample = Sample::new().await;
    let text = String::from_utf8(sample.content.clone()).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let forged = rewrite(&lines, "tom-rossi", "anna-rossi");
    assert_ne!(forged, text);
    assert_eq!(rewrite(&lines, "tom-rossi", "tom-rossi"), text);
    std::fs::write(sample.scratch.path().join(segment::name(1)), &forged).unwrap();
    let dir = dir(sample.scratch.path());
    assert_eq!(
        fault(verify(&dir, None, Some(&sample.key), |_| {})),
        (5, Fault::Checkpoint)
    );
    let (seq, what) = fault(verify(&dir, Some(sample.anchor), None, |_| {}));
    assert!(seq == 5 && matches!(what, Fault::Anchor { .. }), "{what}");
}

#[tokio::test]
async fn one_entry_forged_with_its_hash_is_found_at_the_next() {
    let sample = Sample::new().await;
    let text = String::from_utf8(sample.content.clone()).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let forged = rewrite(&lines, "tom-rossi", "anna-rossi");
    let mut mixed: Vec<_> = text.lines().collect();
    mixed[2] = forged.lines().nth(2).unwrap();
    let mixed = format!("{}\n", mixed.join("\n"));
    assert_eq!(sample.fault(mixed.as_bytes()), (4, Fault::Previous));
}

#[tokio::test]
async fn a_sealed_segment_without_its_checkpoint_is_found() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    while ledger.shared().writer().number < 2 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    let copy = place.crash();
    let (first, second) = (lines(&place.segment(1)), lines(&place.segment(2)));
    let forged = rewrite(
        &[first.clone(), second].concat(),
        "\"ledger.checkpoint\"",
        "\"ledger.start\"",
    );
    let cut = forged
        .split_inclusive('\n')
        .take(first.len())
        .map(str::len)
        .sum();
    let (one, two) = forged.split_at(cut);
    std::fs::write(copy.path().join(segment::name(1)), one).unwrap();
    std::fs::write(copy.path().join(segment::name(2)), two).unwrap();
    let (seq, what) = fault(verify(&dir(copy.path()), None, None, |_| {}));
    assert_eq!((seq, what), (first.len() as u64, Fault::Unsealed));
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_found() {
    let sample = Sample::new().await;
    let other = Place::new().public_key();
    std::fs::write(
        sample.scratch.path().join(segment::name(1)),
        &sample.content,
    )
    .unwrap();
    let result = verify(
        &dir(sample.scratch.path()),
        Some(sample.anchor),
        Some(&other),
        |_| {},
    );
    assert_eq!(fault(result), (5, Fault::Checkpoint));
}

#[tokio::test]
async fn what_is_wrong_with_sealed_segments_is_found() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    while ledger.shared().writer().number < 4 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    ledger.shutdown().await.unwrap();
    let anchor = place.anchor().await;
    let key = place.public_key();
    let check = |copy: &tempfile::TempDir| verify(&dir(copy.path()), anchor, Some(&key), |_| {});

    let copy = place.crash();
    let mut seen = Vec::new();
    let report = verify(&dir(copy.path()), anchor, Some(&key), |p| {
        seen.push(p.segments)
    })
    .unwrap();
    assert_eq!((report.segments, seen.as_slice()), (4, &[1, 2, 3, 4][..]));

    std::fs::remove_file(copy.path().join(segment::name(2))).unwrap();
    let missing = check(&copy);
    assert!(matches!(
        missing,
        Err(LedgerError::Broken {
            segment: 2,
            what: Fault::Segment,
            ..
        })
    ));

    let copy = place.crash();
    let sidecar = copy.path().join(segment::sidecar_name(2));
    let hidden = std::fs::read_to_string(&sidecar)
        .unwrap()
        .replace("anna-rossi", "anna-rosso");
    std::fs::write(&sidecar, hidden).unwrap();
    assert_eq!(fault(check(&copy)).1, Fault::Sidecar);

    // the last segment gone: what is there chains, the anchor tells
    let copy = place.crash();
    std::fs::remove_file(copy.path().join(segment::name(4))).unwrap();
    let end = lines(&place.segment(4)).len() as u64;
    let (seq, what) = fault(check(&copy));
    let last = anchor.unwrap().0;
    assert_eq!((seq, what), (last - end + 1, Fault::Cut { anchor: last }));
}

fn sample() -> &'static Sample {
    static SAMPLE: std::sync::OnceLock<Sample> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(Sample::new())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_single_edit_is_found(
        at in 0..10_000_usize,
        removed in 0..600_usize,
        added in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let sample = sample();
        let at = at % (sample.content.len() + 1);
        let end = (at + removed).min(sample.content.len());
        let edited = [&sample.content[..at], &added, &sample.content[end..]].concat();
        prop_assume!(edited != sample.content);
        match sample.verify(&edited) {
            Err(LedgerError::Broken { seq, .. }) => {
                // Where the two differ first: a line end put before a line end is the same
                // text as one put behind it.
                let same = sample.content.iter().zip(&edited);
                let same = same.take_while(|(before, after)| before == after);
                let whole = same.filter(|(byte, _)| **byte == b'\n').count() as u64;
                prop_assert_eq!(seq, whole + 1);
            }
            Ok(report) => {
                // bytes after the anchored end are an unfinished line, and nothing else
                prop_assert!(edited.starts_with(&sample.content) && report.torn_bytes > 0);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
