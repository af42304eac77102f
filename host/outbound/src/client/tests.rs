use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Notes the outcome of each call.
#[derive(Default)]
struct Calls(Mutex<Vec<(String, Result<usize, OutboundError>)>>);

impl CallSink for Calls {
    fn called(&self, call: &Call<'_>) {
        let outcome = call.outcome.map_err(Clone::clone);
        let mut calls = self.0.lock().unwrap();
        calls.push((call.origin.to_owned(), outcome));
    }
}

/// Answers with one list after the other, the last one again and again.
struct Answers(Vec<Vec<IpAddr>>, AtomicUsize);

#[async_trait]
impl Lookup for Answers {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0[asked.min(self.0.len() - 1)].clone())
    }
}

fn lookup(answers: &[&[&str]]) -> Arc<Answers> {
    let read = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
    Arc::new(Answers(
        answers.iter().map(read).collect(),
        AtomicUsize::new(0),
    ))
}

/// A server that sends these bytes to whoever connects, and counts them.
async fn server(answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(&answer).await;
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            });
        }
    });
    (address, seen)
}

fn http(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn request(url: &str) -> Request<'_> {
    Request {
        url,
        purpose: "test",
        accept: "application/json",
        media_types: &["application/json"],
        bytes_max: 1_000,
        time_max: Duration::from_secs(2),
    }
}

async fn listed(address: SocketAddr) -> Outbound {
    let origin = format!("http://{address}");
    let policy = AddressPolicy::new([origin.as_str()]).unwrap();
    Outbound::new(policy, Arc::new(Calls::default()))
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_stands_for_when_it_is_called() {
    let (address, seen) = server(http("200 OK", b"")).await;
    let port = address.port();
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fe80::1"],
        &["fd00:ec2::254"],
        &["93.184.216.34", "127.0.0.1"],
    ] {
        let sink = Arc::new(Calls::default());
        let calls = Arc::clone(&sink) as Arc<dyn CallSink>;
        let outbound = Outbound::with_lookup(AddressPolicy::default(), calls, lookup(&[addresses]));
        let url = format!("https://keys.example.org:{port}/jwks");
        let answer = outbound.get(request(&url)).await;
        assert_eq!(answer, Err(OutboundError::Blocked), "{addresses:?}");
        let heard = sink.0.lock().unwrap();
        let origin = format!("https://keys.example.org:{port}");
        assert_eq!(*heard, [(origin, Err(OutboundError::Blocked))]);
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0, "a connection was made");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once_for_each_call() {
    let (address, seen) = server(http("200 OK", b"")).await;
    // Public the first time, the machine itself from then on.
    let names = lookup(&[&["192.88.98.1"], &["127.0.0.1"]]);
    let sink = Arc::new(Calls::default());
    let outbound = Outbound::with_lookup(
        AddressPolicy::default(),
        sink,
        Arc::clone(&names) as Arc<dyn Lookup>,
    );
    let url = format!("https://keys.example.org:{}/jwks", address.port());
    let mut first = request(&url);
    first.time_max = Duration::from_millis(300);
    let answer = outbound.get(first).await;
    assert!(
        matches!(
            answer,
            Err(OutboundError::TimedOut | OutboundError::Unreachable)
        ),
        "{answer:?}"
    );
    assert_eq!(names.1.load(Ordering::SeqCst), 1);
    let answer = outbound.get(request(&url)).await;
    assert_eq!(answer, Err(OutboundError::Blocked));
    assert_eq!(seen.load(Ordering::SeqCst), 0, "a connection was made");
}

#[tokio::test]
async fn a_good_answer_comes_whole_with_how_long_it_may_be_kept() {
    let head = "200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\n\
        Cache-Control: max-age=60\r\nCache-Control: private\r\nAge: 5";
    let (address, _) = server(http(head, b"{}")).await;
    let answer = listed(address)
        .await
        .get(request(&format!("http://{address}/jwks")))
        .await;
    let expected = Answer {
        body: b"{}".to_vec(),
        cache_control: "max-age=60,private".to_owned(),
        age: Duration::from_secs(5),
    };
    assert_eq!(answer, Ok(expected));
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_none() {
    let json = "200 OK\r\nContent-Type: application/json";
    let long = "x".repeat(2_000);
    for (answer, expected) in [
        (
            http("302 Found\r\nLocation: http://127.0.0.1/", b""),
            OutboundError::Status(302),
        ),
        (http("500 Oh", b""), OutboundError::Status(500)),
        (http("204 No Content", b""), OutboundError::Status(204)),
        (
            http("200 OK\r\nContent-Type: text/html", b"{}"),
            OutboundError::MediaType,
        ),
        (http("200 OK", b"{}"), OutboundError::MediaType),
        (
            http(&format!("{json}\r\nContent-Encoding: gzip"), b"\x1f\x8b"),
            OutboundError::Compressed,
        ),
        (
            http(&format!("{json}\r\nContent-Length: 2000"), b""),
            OutboundError::TooLarge,
        ),
        (http(json, long.as_bytes()), OutboundError::TooLarge),
        (b"nonsense\r\n\r\n".to_vec(), OutboundError::Unreachable),
    ] {
        let (address, _) = server(answer).await;
        let answer = listed(address)
            .await
            .get(request(&format!("http://{address}/jwks")))
            .await;
        assert_eq!(answer, Err(expected));
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let (address, _) = server(Vec::new()).await;
    let url = format!("http://{address}/jwks");
    let mut short = request(&url);
    short.time_max = Duration::from_millis(200);
    let answer = listed(address).await.get(short).await;
    assert_eq!(answer, Err(OutboundError::TimedOut));
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_reported_and_not_called() {
    let (address, seen) = server(http("200 OK", b"")).await;
    let sink = Arc::new(Calls::default());
    let calls = Arc::clone(&sink) as Arc<dyn CallSink>;
    let outbound = Outbound::new(AddressPolicy::default(), calls);
    for url in [
        format!("http://{address}/jwks"),
        format!("https://{address}/jwks"),
    ] {
        let answer = outbound.get(request(&url)).await;
        assert!(matches!(answer, Err(OutboundError::Address(_))), "{url}");
    }
    assert_eq!(sink.0.lock().unwrap().len(), 2);
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}
