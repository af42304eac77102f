//! glovebox-render
