//! glovebox-registry
