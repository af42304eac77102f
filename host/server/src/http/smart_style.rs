//! `GET /smart-style/{hash}.json`: what apps need to look like our pages
//! (`smart_style_url` of a launch).

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use glovebox_render::smart_style::{SMART_STYLE, path};

use super::oauth::discovery::Missing;

/// The address carries the content's hash: the answer may be kept for ever, and a document
/// of another time is not there.
pub(super) async fn get(Path(file): Path<String>) -> Result<Response, Missing> {
    if format!("/smart-style/{file}") != path() {
        return Err(Missing::Unknown);
    }
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, SMART_STYLE).into_response())
}
