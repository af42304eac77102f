//! Bodies within bounds: size and time are limited before a byte is parsed.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::route::Route;
use super::route_error::RouteError;

/// Largest body that holds one resource.
pub(super) const RESOURCE_BYTES_MAX: usize = glovebox_fhir::Limits::RESOURCE.bytes_max;
/// Largest batch or transaction.
pub(super) const BUNDLE_BYTES_MAX: usize = 16 << 20;
/// Largest search form.
pub(super) const FORM_BYTES_MAX: usize = 64 << 10;
/// How long a body may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);
/// What is read and thrown away of a body that is too large.
const DRAIN_BYTES_MAX: usize = 32 << 20;
/// How long that may take.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// The most that this route reads.
pub(super) fn bytes_max(route: &Route) -> usize {
    match route {
        Route::Bundle => BUNDLE_BYTES_MAX,
        Route::SearchForm(_) | Route::CompartmentForm(..) => FORM_BYTES_MAX,
        Route::Create(_)
        | Route::Update(..)
        | Route::UpdateWhere(_)
        | Route::Patch(..)
        | Route::PatchWhere(_)
        | Route::Call(..) => RESOURCE_BYTES_MAX,
        Route::Metadata
        | Route::Page
        | Route::Read(..)
        | Route::Vread(..)
        | Route::History(..)
        | Route::Search(_)
        | Route::Compartment(..)
        | Route::Delete(..)
        | Route::DeleteWhere(_)
        | Route::Ask(..) => 0,
    }
}

/// Reads a body of at most `max` bytes.
pub(super) async fn read(body: Body, max: usize) -> Result<Bytes, RouteError> {
    read_within(body, max, ARRIVAL_MAX).await
}

async fn read_within(body: Body, max: usize, within: Duration) -> Result<Bytes, RouteError> {
    let mut body = body;
    let announced = body.size_hint().lower();
    if announced > u64::try_from(max).unwrap_or(u64::MAX) {
        drain(&mut body).await;
        return Err(RouteError::TooLarge(max));
    }
    let arriving = Limited::new(&mut body, max).collect();
    match tokio::time::timeout(within, arriving).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(problem)) if problem.is::<LengthLimitError>() => {
            drain(&mut body).await;
            Err(RouteError::TooLarge(max))
        }
        Ok(Err(_)) => Err(RouteError::Invalid(
            "the body did not arrive whole".to_owned(),
        )),
        Err(_) => Err(RouteError::SlowBody),
    }
}

/// Lets a client that is still sending finish, within bounds, and keeps nothing of it: one
/// whose connection is cut in the middle of its body never reads why.
async fn drain(body: &mut Body) {
    let thrown_away = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > DRAIN_BYTES_MAX {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_MAX, thrown_away).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_not_beyond() {
        let read = |length: usize, max| read(Body::from(vec![b'x'; length]), max);
        assert_eq!(read(10, 10).await.unwrap().len(), 10);
        assert!(matches!(read(11, 10).await, Err(RouteError::TooLarge(10))));
        assert!(matches!(read(1, 0).await, Err(RouteError::TooLarge(0))));
        assert!(read(0, 0).await.unwrap().is_empty());
        // One that does not announce its length.
        let chunks = (0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"xxxx")));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        assert!(matches!(
            super::read(body, 10).await,
            Err(RouteError::TooLarge(10))
        ));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let body =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let read = read_within(body, 10, Duration::from_millis(10)).await;
        assert!(matches!(read, Err(RouteError::SlowBody)));
    }
}
