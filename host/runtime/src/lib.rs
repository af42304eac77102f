//! glovebox-runtime
