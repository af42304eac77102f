//! The adapter between the generated `Guest` trait and [`App`].

use std::marker::PhantomData;

use crate::app::{App, AppError, Event, Screen, State};
use crate::bindings::exports::glovebox::app::screen as wire;

/// Carries an [`App`] across the boundary.
pub struct Adapter<A>(PhantomData<A>);

impl<A: App> wire::Guest for Adapter<A> {
    fn open() -> Result<wire::Screen, wire::AppError> {
        report_panics();
        answer(A::open())
    }

    fn handle(event: wire::Event, state: Vec<u8>) -> Result<wire::Screen, wire::AppError> {
        report_panics();
        let event = match event {
            wire::Event::Submitted(submission) => Event::Submitted {
                action: submission.action,
                values: submission.values,
            },
            wire::Event::Refreshed => Event::Refreshed,
            wire::Event::Other(text) => Event::Other(text),
        };
        answer(A::handle(event, State::from_bytes(state)))
    }
}

fn answer(result: Result<Screen, AppError>) -> Result<wire::Screen, wire::AppError> {
    match result {
        Ok(Screen { view, state }) => Ok(wire::Screen {
            document: view.into_document(),
            state: state.into_bytes(),
        }),
        Err(AppError::Message(text)) => Err(wire::AppError::Message(text)),
        Err(AppError::Needs(scope)) => Err(wire::AppError::Needs(scope)),
        Err(AppError::Other(cause)) => Err(wire::AppError::Other(cause)),
    }
}

/// A panic ends the call with `unreachable`, which says nothing: its place and text go
/// to the app's log first.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        crate::log(crate::Level::Error, &panic.to_string());
    }));
}
