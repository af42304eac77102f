//! The stylesheet, the script and the logo.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_render::ASSETS;

/// `GET /assets/{file}`. Addresses in pages carry the content's hash, so answers may be
/// kept for ever.
pub async fn get(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{file}");
    let Some(asset) = ASSETS.iter().find(|asset| asset.path == path) else {
        return super::not_found().await;
    };
    let tag = format!("\"{}\"", asset.hash);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    if known {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, asset.content_type.to_owned()),
        (
            header::CACHE_CONTROL,
            "public, max-age=31536000, immutable".to_owned(),
        ),
        (header::ETAG, tag),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, asset.body).into_response()
}
