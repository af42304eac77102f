//! glovebox-tests
