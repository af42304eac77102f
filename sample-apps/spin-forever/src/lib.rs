//! Hostile on purpose: an app that never answers. The host's fuel, or with unlimited
//! fuel its deadline, must end it, and nobody else may notice.
#![forbid(unsafe_code)]

use std::hint::black_box;

use glovebox_sdk::{App, AppError, Screen};

/// Never answers.
pub struct SpinForever;

impl App for SpinForever {
    fn open() -> Result<Screen, AppError> {
        let mut turns = 0_u64;
        loop {
            turns = black_box(turns.wrapping_add(1));
        }
    }
}

glovebox_sdk::register!(SpinForever);
