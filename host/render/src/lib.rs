//! What people see: view documents become accessible HTML and SVG, and every page of the
//! product is a pure function from a plain struct to markup.
//!
//! Nothing here knows HTTP, storage or time: the caller fills structs, with addresses and
//! instants as text. No page needs JavaScript, and none carries an inline style or script,
//! so the strict content security policy of the server holds as it stands.
//!
//! **Invariant:** every text that comes from outside is drawn through [`text::shown`],
//! which escapes it and makes characters that reorder or hide text visible.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod assets;
pub mod chart;
mod draw;
mod icon;
pub mod moment;
pub mod pages;
pub mod parts;
pub mod shell;
pub mod smart_style;
pub mod text;

pub use assets::{ASSETS, Asset, SCRIPT, STYLESHEET, STYLESHEET_HASH};
pub use draw::{Entered, Frame, draw};
pub use maud::Markup;
pub use moment::age;
pub use parts::{AppIdentity, Badge, Csrf, Link, PatientHead, PostForm, Reason};
pub use shell::{NavLink, Notice, Place, Shell, Viewer, nav};

// The gallery's samples are compiled into the tests, where they name this crate.
#[cfg(test)]
extern crate self as glovebox_render;
#[cfg(test)]
mod tests;
