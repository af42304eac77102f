//! Serving until somebody asks to stop: listen first, drain at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http;
use crate::services::{Services, StartError};

/// How long requests under way may take once the server is asked to stop.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How often what has expired is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(5 * 60);

/// Takes the address, before anything else is done: a busy port costs nothing.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::AddressInUse {
                address: address.to_string(),
            },
            _ => StartError::Listen {
                address: address.to_string(),
                source,
            },
        })
}

/// Serves until Ctrl-C or SIGTERM: then no connection is accepted any more, requests under
/// way are finished, and the ledger is closed.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    services: Arc<Services>,
) -> Result<(), StartError> {
    let stop = CancellationToken::new();
    let sweeper = tokio::spawn(sweep(Arc::clone(&services), stop.clone()));
    let address = listener
        .local_addr()
        .map(|address| address.to_string())
        .unwrap_or_default();
    let mut served = std::pin::pin!(http::serve(
        listener,
        router,
        stop.clone().cancelled_owned()
    ));
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = asked_to_stop() => {
            tracing::info!("stopping: finishing the requests under way");
            stop.cancel();
            match tokio::time::timeout(DRAIN_MAX, &mut served).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::warn!("some requests did not end in time and were cut off");
                    Ok(())
                }
            }
        }
    };
    stop.cancel();
    let _ = sweeper.await;
    services.close().await;
    ended.map_err(|source| StartError::Listen { address, source })
}

async fn sweep(services: Arc<Services>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
        if let Err(problem) = services.authorization.sweep(services.clock.now()).await {
            tracing::warn!(error = %problem, "what has expired could not be removed");
        }
    }
}

/// Ctrl-C, or the signal that service managers send.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(problem) => {
                tracing::warn!(error = %problem, "SIGTERM cannot be heard, Ctrl-C can");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_port_is_named_with_the_next_step() {
        let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = taken.local_addr().unwrap();
        let refused = listen(address).await.unwrap_err().to_string();
        assert!(
            refused.contains(&address.to_string()) && refused.contains("--port"),
            "{refused}"
        );
    }
}
