//! Asks the host for the time, as often as the launch intent says, and shows how many
//! bytes came back: the benchmark of one host call.
#![forbid(unsafe_code)]

use glovebox_sdk::{App, AppError, Screen, View, launch, now};

/// The loop.
pub struct ClockLoop;

impl App for ClockLoop {
    fn open() -> Result<Screen, AppError> {
        let calls = launch().intent.and_then(|intent| intent.parse().ok());
        let bytes: usize = (0..calls.unwrap_or(0_u32)).map(|_| now().len()).sum();
        let mut view = View::new("Clock");
        view.paragraph(format!("{bytes} bytes"));
        Ok(view.into())
    }
}

glovebox_sdk::register!(ClockLoop);
