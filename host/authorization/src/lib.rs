//! glovebox-authorization
