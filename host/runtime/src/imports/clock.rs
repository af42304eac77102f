//! `glovebox:host/clock`: wall-clock time, cut to the second so that it is no timer.

use crate::bindings::ClockHost;
use crate::state::CallState;

impl ClockHost for CallState {
    fn now(&mut self) -> wasmtime::Result<String> {
        self.enter(0)?;
        self.usage.clock_calls += 1;
        Ok(self.env.services.clock.now().whole_second().to_string())
    }
}
