//! A file of relations: `user,patient,expires`, one a line.

use std::collections::BTreeMap;

use glovebox_database::relations::{ASSERTIONS_MAX, Assertion, Right, Source};
use glovebox_model::{PatientId, Timestamp, UserId};

/// Bad lines that one answer names; beyond it the count tells.
const NAMED_MAX: usize = 20;

/// A line of the file.
#[derive(Debug)]
pub(super) struct Row {
    /// Counted from 1, the header included.
    pub(super) line: u64,
    pub(super) said: Assertion,
}

/// A line that cannot be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    pub(super) line: u64,
    pub(super) why: String,
}

/// All bad lines in one sentence, in their order.
pub(super) fn explain(mut bad: Vec<BadLine>) -> String {
    bad.sort_by_key(|bad| bad.line);
    let mut named: Vec<String> = bad
        .iter()
        .take(NAMED_MAX)
        .map(|bad| format!("line {}: {}", bad.line, bad.why))
        .collect();
    if bad.len() > NAMED_MAX {
        named.push(format!("and {} more", bad.len() - NAMED_MAX));
    }
    format!("nothing was granted; {}", named.join("; "))
}

/// Reads every line, or says of each bad one what is wrong with it.
pub(super) fn read(bytes: &[u8], now: Timestamp) -> Result<Vec<Row>, Vec<BadLine>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Lines {
        bytes,
        upto: 0,
        line: 1,
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let bad = |line: u64, why: String| BadLine { line, why };
    let header = reader.byte_headers();
    let names: Vec<&[u8]> = header
        .map(|names| names.iter().collect())
        .unwrap_or_default();
    if names != [b"user".as_slice(), b"patient", b"expires"] {
        let why = "the first line must be `user,patient,expires`".to_owned();
        return Err(vec![bad(1, why)]);
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<(UserId, Right), u64> = BTreeMap::new();
    for (n, record) in reader.into_records().enumerate() {
        if n >= ASSERTIONS_MAX {
            let why = format!("a file has at most {ASSERTIONS_MAX} lines below the first");
            wrong.push(bad(
                u64::try_from(n).unwrap_or(u64::MAX).saturating_add(2),
                why,
            ));
            break;
        }
        let record = match record {
            Ok(record) => record,
            Err(problem) => {
                let line = lines.of(problem.position());
                wrong.push(bad(line, broken(&problem)));
                continue;
            }
        };
        let line = lines.of(record.position());
        match assertion(&record, now) {
            Err(why) => wrong.push(bad(line, why)),
            Ok(said) => {
                let name = (said.user.clone(), said.right.clone());
                match seen.insert(name, line) {
                    Some(before) => {
                        wrong.push(bad(
                            line,
                            format!("the same user and patient as line {before}"),
                        ));
                    }
                    None => rows.push(Row { line, said }),
                }
            }
        }
    }
    if wrong.is_empty() {
        Ok(rows)
    } else {
        Err(wrong)
    }
}

/// Counts lines as editors do; the reader's own count depends on how lines end.
struct Lines<'a> {
    bytes: &'a [u8],
    upto: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record; records come in their order.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(usize::MAX).max(self.upto);
        let rest = self.bytes.get(start..).unwrap_or_default();
        let empty = rest.iter().take_while(|byte| b"\r\n".contains(byte));
        let start = start + empty.count();
        let passed = self.bytes.get(self.upto..start).unwrap_or_default();
        let ends = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line += u64::try_from(ends).unwrap_or(u64::MAX);
        self.upto = start;
        self.line
    }
}

fn broken(problem: &csv::Error) -> String {
    match problem.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => {
            format!(
                "it has {len} fields, not 3: write `user,patient,expires`, the last may be empty"
            )
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it cannot be read as CSV".to_owned(),
    }
}

fn assertion(record: &csv::StringRecord, now: Timestamp) -> Result<Assertion, String> {
    let field = |n: usize| record.get(n).unwrap_or_default();
    let user: UserId = field(0).parse().map_err(|problem| format!("{problem}"))?;
    let patient: PatientId = field(1).parse().map_err(|problem| format!("{problem}"))?;
    let expires = match field(2) {
        "" => None,
        text => Some(super::expires(text, now)?),
    };
    Ok(Assertion {
        user,
        right: Right::Patient(patient),
        source: Source::Csv,
        expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    fn bad(text: &str) -> Vec<(u64, String)> {
        let bad = read(text.as_bytes(), NOW).unwrap_err();
        bad.into_iter().map(|bad| (bad.line, bad.why)).collect()
    }

    #[test]
    fn a_file_is_read_as_spreadsheets_write_it() {
        let text = "\u{feff}user,patient,expires\r\nnurse.okafor, anna-rossi ,\r\n\"dr.lee\",tom,2030-01-01T00:00:00Z\r\n";
        let rows = read(text.as_bytes(), NOW).unwrap();
        let said: Vec<String> = rows
            .iter()
            .map(|row| {
                let Assertion {
                    user,
                    right,
                    expires,
                    ..
                } = &row.said;
                let expires = expires.map_or_else(|| "-".to_owned(), |at| at.to_string());
                format!("{} {user} {right} {expires}", row.line)
            })
            .collect();
        assert_eq!(
            said,
            [
                "2 nurse.okafor anna-rossi -",
                "3 dr.lee tom 2030-01-01T00:00:00Z"
            ]
        );
        assert!(read(b"user,patient,expires\n", NOW).unwrap().is_empty());
    }

    #[test]
    fn each_bad_line_is_named_with_what_is_wrong() {
        let text = "user,patient,expires\n\
            Nurse,anna,\r\n\
            nurse,anna rossi,\n\
            nurse,*,\n\
            nurse,anna,soon\n\
            nurse,anna,2001-01-01T00:00:00Z\n\
            nurse,anna\n\
            nurse,anna,\n\
            \n\
            nurse,anna,\n";
        let bad = bad(text);
        let lines: Vec<u64> = bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 10]);
        for ((_, why), part) in bad.iter().zip([
            "user name",
            "patient id",
            "patient id",
            "RFC 3339",
            "past",
            "2 fields",
            "line 8",
        ]) {
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_file_without_its_header_or_with_too_many_lines_is_refused() {
        for text in [
            "",
            "nurse,anna,\n",
            "patient,user,expires\n",
            "user,patient\n",
        ] {
            assert_eq!(bad(text)[0].0, 1, "{text}");
        }
        let mut text = "user,patient,expires\n".to_owned();
        for n in 0..=ASSERTIONS_MAX {
            text.push_str(&format!("nurse,p{n},\n"));
        }
        let bad = bad(&text);
        assert_eq!(bad.len(), 1);
        assert_eq!(bad[0].0, 2_002);
        assert!(read(b"user,patient,expires\nnurse,\xff,\n", NOW).is_err());
    }

    #[test]
    fn many_bad_lines_make_no_endless_answer() {
        let bad = (0..5_000).rev().map(|line| BadLine {
            line,
            why: "x".to_owned(),
        });
        let text = explain(bad.collect());
        assert!(
            text.starts_with("nothing was granted; line 0: x; line 1: x"),
            "{text}"
        );
        assert!(
            text.ends_with("and 4980 more") && text.len() < 1_000,
            "{text}"
        );
    }
}
