//! Connections within bounds: how long a request's head may take to arrive and how large it
//! may be. Whoever opens connections and says nothing is let go.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::peer::Peer;

/// How long the head of a request may take, from its first chance to come.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Largest head in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most header lines.
const HEADERS_MAX: usize = 100;
/// How long to wait when a connection cannot be taken, such as for want of descriptors.
const BREATH: Duration = Duration::from_millis(200);

/// Serves until `stop`: then no connection is taken any more, and requests under way are
/// finished.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_within(listener, router, stop, HEAD_MAX).await
}

async fn serve_within(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    head_max: Duration,
) -> io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_max)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let under_way = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, from) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(problem) => {
                    rest(&problem).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        without_delay(&stream);
        let from = Peer(from.ip());
        let service = router
            .clone()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(from);
                request
            });
        let service = TowerToHyperService::new(service);
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = under_way.watch(connection);
        tokio::spawn(async move {
            if let Err(problem) = connection.await {
                tracing::debug!(error = %problem, "a connection ended early");
            }
        });
    }
    drop(listener);
    under_way.shutdown().await;
    Ok(())
}

fn without_delay(stream: &TcpStream) {
    if let Err(problem) = stream.set_nodelay(true) {
        tracing::debug!(error = %problem, "a connection keeps delaying small packets");
    }
}

/// A client that is gone already is nobody's problem; anything else passes with time.
async fn rest(problem: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        problem.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return;
    }
    tracing::error!(error = %problem, "no connection can be taken now");
    tokio::time::sleep(BREATH).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a server with little patience answers to these bytes, and then ends.
    async fn answer(bytes: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let router = Router::new().fallback(|| async { "served" });
        let patience = Duration::from_millis(200);
        let served = tokio::spawn(serve_within(listener, router, stopped, patience));
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Whoever is refused early cannot send the rest.
        let _ = stream.write_all(bytes).await;
        let mut told = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut told));
        let _ = ended.await.unwrap();
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
        String::from_utf8_lossy(&told).into_owned()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_in_time_ends_the_connection() {
        let whole = answer(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(
            whole.starts_with("HTTP/1.1 200") && whole.ends_with("served"),
            "{whole}"
        );
        for slow in [&b""[..], b"GET / HTT", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
            let told = answer(slow).await;
            assert!(!told.contains("served"), "{told}");
        }
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let lines = "x: y\r\n".repeat(HEADERS_MAX + 1);
        let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{lines}\r\n");
        let told = answer(many.as_bytes()).await;
        assert!(told.starts_with("HTTP/1.1 431"), "{told}");
        let endless = "y".repeat(3 * HEAD_BYTES_MAX);
        let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {endless}\r\n\r\n");
        let told = answer(long.as_bytes()).await;
        assert!(!told.contains("served"), "{told}");
    }
}
