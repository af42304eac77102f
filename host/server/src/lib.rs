//! glovebox-server
