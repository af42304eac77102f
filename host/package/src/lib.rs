//! glovebox-package
