//! Adding up what the test programs of one run report.

/// The sum over all test programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    programs: u64,
}

impl Tally {
    /// Reads one line; only those that begin with `test result:` count.
    pub(crate) fn count(&mut self, line: &str) {
        let Some(result) = line.trim_start().strip_prefix("test result:") else {
            return;
        };
        self.programs += 1;
        let mut number = 0;
        for word in result.split_whitespace() {
            if let Ok(found) = word.parse() {
                number = found;
                continue;
            }
            let sum = match word.trim_end_matches(';') {
                "passed" => &mut self.passed,
                "failed" => &mut self.failed,
                "ignored" => &mut self.ignored,
                _ => continue,
            };
            *sum += number;
        }
    }

    /// The sum in one line.
    pub(crate) fn line(self) -> String {
        format!(
            "{} passed, {} failed, {} ignored in {} test programs",
            self.passed, self.failed, self.ignored, self.programs
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_add_up_and_other_lines_do_not_count() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test one ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.42s",
            "test result: \u{1b}[31mFAILED\u{1b}[m. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "a log says: test result: 9 passed",
        ] {
            tally.count(line);
        }
        let expected = Tally {
            passed: 5,
            failed: 1,
            ignored: 1,
            programs: 2,
        };
        assert_eq!(tally, expected);
        assert_eq!(
            tally.line(),
            "5 passed, 1 failed, 1 ignored in 2 test programs"
        );
    }
}
