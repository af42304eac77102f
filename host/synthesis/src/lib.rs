//! glovebox-synthesis
