//! lab-viewer
