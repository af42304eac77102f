use super::*;

const START: Timestamp = Timestamp::from_micros(1_000_000_000);

#[test]
fn a_bucket_lets_exactly_its_limit_out_at_once() {
    let mut bucket = TokenBucket::full(5, START);
    let taken = (0..20).filter(|_| bucket.take(START).is_ok()).count();
    assert_eq!(taken, 5);
    assert_eq!(bucket.take(START), Err(Duration::from_secs(12)));
}

#[test]
fn whoever_waits_as_told_finds_room() {
    for per_minute in [1, 7, 60, 1_000] {
        let mut bucket = TokenBucket::full(per_minute, START);
        while bucket.take(START).is_ok() {}
        let wait = bucket.take(START).unwrap_err();
        assert!(
            bucket
                .take(START + (wait - Duration::from_micros(1)))
                .is_err()
        );
        assert_eq!(bucket.take(START + wait), Ok(()), "{per_minute}");
    }
}

#[test]
fn a_minute_fills_a_bucket_and_no_more() {
    let mut bucket = TokenBucket::full(3, START);
    assert!(bucket.is_full(START));
    while bucket.take(START).is_ok() {}
    assert!(!bucket.is_full(START));
    let later = START + Duration::from_secs(3_600);
    assert!(bucket.is_full(later));
    let taken = (0..20).filter(|_| bucket.take(later).is_ok()).count();
    assert_eq!(taken, 3);
}

#[test]
fn a_clock_that_goes_back_fills_nothing() {
    let mut bucket = TokenBucket::full(1, START);
    assert!(bucket.take(START).is_ok());
    assert!(bucket.take(Timestamp::from_micros(0)).is_err());
    assert!(bucket.take(START + Duration::from_secs(1)).is_err());
}

#[test]
fn a_limit_of_none_at_all_lets_nothing_out() {
    let mut bucket = TokenBucket::full(0, START);
    assert!(bucket.take(START + Duration::from_secs(1_000)).is_err());
}

#[test]
fn windows_begin_at_whole_hours_and_days() {
    let quota = Quota {
        counted: Counted::Patients,
        max: 1,
        window: HOUR,
    };
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let (before, hour) = (at("2026-11-23T20:59:59Z"), at("2026-11-23T21:00:00Z"));
    assert_eq!(quota.window_at(before) + 1, quota.window_at(hour));
    assert_eq!(quota.until_next(before), Duration::from_secs(1));
    assert_eq!(quota.until_next(hour), HOUR);
}

#[test]
fn the_lower_limit_of_two_holds() {
    let mut one = Budget::default();
    assert!(one.set("records_per_day", 5) && one.set("patients_per_hour", 2));
    assert!(!one.set("records_per_year", 5));
    let mut other = Budget::default();
    assert!(other.set("records_per_day", 3));
    let both = one.min(&other);
    assert_eq!(
        both.rows(),
        [("patients_per_hour", 2), ("records_per_day", 3)]
    );
}
