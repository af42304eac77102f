#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "generated code"
)]
#[doc(hidden)]
pub mod bindings;

mod app;
pub mod clinical;
mod export;
pub mod fhir;
mod host;
#[cfg(not(target_arch = "wasm32"))]
pub mod mock;
pub mod storage;
pub mod view;

pub use app::{App, AppError, Event, Screen, State};
pub use fhir::FhirError;
pub use host::{ContextItem, Launch, Level, launch, log, log_with, now};
pub use serde_json::{Value, json};
pub use view::View;

/// What [`register!`] expands to; not for direct use.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::Adapter;
}

/// Names the type that is the app: `glovebox_sdk::register!(LabViewer);`
///
/// Outside WebAssembly it expands to nothing, so that the same crate is tested with
/// plain `cargo test`.
#[macro_export]
macro_rules! register {
    ($app:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Registered = $crate::__private::Adapter<$app>;
            $crate::bindings::export_screen!(
                Registered with_types_in $crate::bindings
            );
        };
    };
}
