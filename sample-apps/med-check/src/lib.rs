//! med-check
