//! spin-forever
