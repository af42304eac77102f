//! `glovebox:host/log`: lines are made harmless, cut and counted; what is over the budget
//! of the call is dropped and the count of dropped lines is kept. Never blocks.

use crate::bindings::{LogHost, WitLevel};
use crate::logs::{LogLevel, LogLine, harmless};
use crate::state::CallState;

/// Most fields of one line; the rest is left out.
const FIELDS_MAX: usize = 32;

impl LogHost for CallState {
    fn write(
        &mut self,
        level: WitLevel,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let given: usize = fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.enter(message.len() + given)?;
        let limits = &self.env.limits;
        if self.usage.log_lines >= limits.log_lines_max || self.log_bytes >= limits.log_bytes_max {
            self.usage.log_dropped += 1;
            return Ok(());
        }
        let line_max = usize::try_from(limits.log_line_bytes_max).unwrap_or(usize::MAX);
        let message = harmless(&message, line_max);
        let mut left = line_max.saturating_sub(message.len());
        let fields: Vec<_> = fields
            .into_iter()
            .take(FIELDS_MAX)
            .map(|(name, value)| {
                let (name, value) = (harmless(&name, left.min(64)), harmless(&value, left));
                left = left.saturating_sub(name.len() + value.len());
                (name, value)
            })
            .collect();
        let kept = message.len() + fields.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>();
        self.log_bytes = self
            .log_bytes
            .saturating_add(u64::try_from(kept).unwrap_or(u64::MAX));
        self.usage.log_lines += 1;
        self.log.push(LogLine {
            at: self.env.services.clock.now(),
            session: self.env.session.subject.session.clone(),
            level: match level {
                WitLevel::Debug => LogLevel::Debug,
                WitLevel::Info => LogLevel::Info,
                WitLevel::Warn => LogLevel::Warn,
                WitLevel::Error => LogLevel::Error,
            },
            message,
            fields,
        });
        Ok(())
    }
}
