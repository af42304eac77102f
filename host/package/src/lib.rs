//! The package format: a WebAssembly component with the app's manifest inside.
//!
//! A vendor's crate is built for `wasm32-unknown-unknown` ([`cargo_build`]), its core
//! module is encoded as a component and the manifest is appended as a custom section
//! ([`encode`]). Reading goes from cheap to expensive and never executes, compiles or
//! validates anything ([`read`]): the registry's checks come after it.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod cargo_build;
mod encode;
mod error;
mod manifest_file;
mod read;

pub use encode::encode;
pub use error::PackageError;
pub use manifest_file::{MANIFEST_FILE, manifest_toml};
pub use read::{COMPONENT_BYTES_MAX, Package, read};

/// SHA-256 of `bytes`: what names a version of an app for good.
pub fn digest(bytes: &[u8]) -> glovebox_model::Digest {
    let mut digest = [0; 32];
    let computed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.copy_from_slice(computed.as_ref());
    glovebox_model::Digest::from_bytes(digest)
}
