//! The guest interface as generated from `wit/`. This file and its folder are the only
//! place where generated types are named; everything else sees the model's types.

pub(crate) mod view;

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "glovebox:app/screen-app",
        imports: {
            // answered at once from what the call already holds
            "glovebox:host/launch": trappable,
            "glovebox:host/clock": trappable,
            "glovebox:host/log": trappable,
            default: async | trappable,
        },
        exports: { default: async },
        with: { "glovebox:fhir/read.cursor": crate::imports::cursor::OpenSearch },
        trappable_error_type: { "glovebox:fhir/types.fhir-error" => crate::imports::fault::FhirFault },
    });
}

pub(crate) use generated::exports::glovebox::app::screen::{
    AppError as WitAppError, Screen as WitScreen,
};
pub(crate) use generated::glovebox::fhir::read::{
    Answer as WitAnswer, Entry as WitEntry, Host as ReadHost, HostCursor, Query as WitQuery,
    Request as WitRequest,
};
pub(crate) use generated::glovebox::fhir::types::{
    FhirError as WitFhirError, Host as FhirTypesHost,
};
pub(crate) use generated::glovebox::fhir::write::{Host as WriteHost, Outcome as WitOutcome};
pub(crate) use generated::glovebox::host::clock::Host as ClockHost;
pub(crate) use generated::glovebox::host::launch::{
    ContextItem as WitContextItem, Host as LaunchHost, LaunchContext as WitLaunchContext,
};
pub(crate) use generated::glovebox::host::log::{Host as LogHost, Level as WitLevel};
pub(crate) use generated::glovebox::host::storage::{
    Host as StorageHost, StorageError as WitStorageError,
};
pub(crate) use generated::glovebox::view::types as wit_view;
pub(crate) use generated::glovebox::view::types::Host as ViewTypesHost;
pub(crate) use generated::{ScreenApp, ScreenAppPre};
