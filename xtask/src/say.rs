//! What the commands print: steps on stderr, answers on stdout.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line of the command's answer.
#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(crate) fn answer(line: &str) {
    println!("{line}");
}

/// Prints a line that is not the answer.
pub(crate) fn note(line: &str) {
    // a closed stderr is no reason to stop
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints why the command failed, the cause below the consequence.
pub(crate) fn failure(problem: &anyhow::Error) {
    note(&format!("error: {problem}"));
    for cause in problem.chain().skip(1) {
        note(&format!("  caused by: {cause}"));
    }
}

/// Something that takes a while: a spinner on a terminal, plain lines elsewhere. Dropped
/// without [`Step::done`], it counts as failed.
pub(crate) struct Step {
    label: String,
    started: Instant,
    spinner: Option<ProgressBar>,
    open: bool,
}

impl Step {
    /// A step that prints nothing of its own while it runs.
    pub(crate) fn quiet(label: &str) -> Self {
        let spinner = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let bar = ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if spinner.is_none() {
            note(&format!("  {label} …"));
        }
        Self::new(label, spinner)
    }

    /// A step whose program writes to the terminal itself.
    pub(crate) fn loud(label: &str) -> Self {
        note(&format!("→ {label}"));
        Self::new(label, None)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it measures how long people wait"
    )]
    fn new(label: &str, spinner: Option<ProgressBar>) -> Self {
        Self {
            label: label.to_owned(),
            started: Instant::now(),
            spinner,
            open: true,
        }
    }

    /// Says what it is busy with.
    pub(crate) fn busy_with(&self, what: &str) {
        match &self.spinner {
            Some(bar) => bar.set_message(format!("{}: {what}", self.label)),
            None => note(&format!("  {}: {what}", self.label)),
        }
    }

    /// It went well.
    pub(crate) fn done(self) {
        self.done_with("");
    }

    /// It went well; `found` says what came of it.
    pub(crate) fn done_with(mut self, found: &str) {
        self.open = false;
        let found = match found {
            "" => String::new(),
            found => format!(": {found}"),
        };
        self.end(&format!("✓ {}{found} ({})", self.label, self.took()));
    }

    fn end(&self, line: &str) {
        if let Some(bar) = &self.spinner {
            bar.finish_and_clear();
        }
        note(line);
    }

    fn took(&self) -> String {
        took(self.started.elapsed())
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.open {
            self.end(&format!("✗ {} ({})", self.label, self.took()));
        }
    }
}

/// A duration as people say it.
fn took(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f32()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, text) in [
            (7, "7 ms"),
            (1_500, "1.5 s"),
            (59_900, "59.9 s"),
            (61_000, "1 min 1 s"),
        ] {
            assert_eq!(took(Duration::from_millis(millis)), text);
        }
    }
}
