//! Fewer points with the same look: from each stretch of time the least and the greatest
//! value stay, because a peak that a drawing loses is a peak that nobody treats.

use super::Placed;

/// At most `max` of `points` (sorted by time), always with the first and the last.
pub(super) fn thin<'a>(points: &[Placed<'a>], max: usize) -> Vec<Placed<'a>> {
    if points.len() <= max {
        return points.to_vec();
    }
    let (Some((first, rest)), true) = (points.split_first(), max >= 2) else {
        return Vec::new();
    };
    let Some((last, inner)) = rest.split_last() else {
        return vec![*first];
    };
    let mut kept = vec![*first];
    let stretches = (max - 2) / 2;
    if stretches > 0 {
        for stretch in inner.chunks(inner.len().div_ceil(stretches)) {
            let by_value = |a: &&Placed<'a>, b: &&Placed<'a>| a.1.total_cmp(&b.1);
            let least = stretch.iter().min_by(by_value);
            let greatest = stretch.iter().max_by(by_value);
            let (Some(least), Some(greatest)) = (least, greatest) else {
                continue;
            };
            let (earlier, later) = if least.0 <= greatest.0 {
                (least, greatest)
            } else {
                (greatest, least)
            };
            kept.push(*earlier);
            if !std::ptr::eq(earlier.2, later.2) {
                kept.push(*later);
            }
        }
    }
    kept.push(*last);
    kept
}
