use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};

use glovebox_outbound::{AddressPolicy, Call, CallSink};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::testing::{backend, key_pair, keyspace, noon};
use crate::{Clients, KeyAlgorithm};

struct Silent;

impl CallSink for Silent {
    fn called(&self, _: &Call<'_>) {}
}

/// A client's own server: what it answers can be changed, and it counts.
struct Site {
    uri: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    jwks: ClientJwks,
    client: Client,
}

fn answer(cache_control: &str, keys: &[Value]) -> String {
    let body = json!({ "keys": keys }).to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{cache_control}\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn key(kid: &str) -> Value {
    let mut jwk = key_pair(KeyAlgorithm::Es384).public.to_jwk();
    jwk["kid"] = kid.into();
    jwk
}

async fn site(first: String) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (answer, asked) = (Arc::new(Mutex::new(first)), Arc::new(AtomicUsize::new(0)));
    let (told, counter) = (Arc::clone(&answer), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let policy = AddressPolicy::new([origin.as_str()]).unwrap();
    let clients = Clients::new(keyspace());
    let registered = clients.register(backend("demo-backend")).await.unwrap();
    Site {
        uri: format!("{origin}/jwks"),
        answer,
        asked,
        jwks: ClientJwks::new(Outbound::new(policy, Arc::new(Silent))),
        client: registered.client,
    }
}

impl Site {
    /// The kids that are known when an assertion names `wanted`, this long after noon.
    async fn kids(&self, wanted: &str, seconds: u64) -> Vec<String> {
        let now = noon() + Duration::from_secs(seconds);
        let wanted = |key: &ClientKey| key.kid == wanted;
        let keys = self.jwks.of(&self.client, &self.uri, wanted, now).await;
        keys.into_iter().map(|key| key.kid).collect()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn now_answers(&self, text: String) {
        *self.answer.lock().unwrap() = text;
    }
}

#[tokio::test]
async fn a_set_is_asked_for_once_while_it_holds_and_a_key_that_is_taken_out_is_none_after() {
    let site = site(answer(
        "Cache-Control: max-age=60\r\n",
        &[key("a"), key("b")],
    ))
    .await;
    for seconds in [0, 30, 59] {
        assert_eq!(site.kids("a", seconds).await, ["a", "b"], "{seconds}");
    }
    assert_eq!(site.asked(), 1);
    site.now_answers(answer("Cache-Control: max-age=60\r\n", &[key("b")]));
    assert_eq!(site.kids("a", 60).await, ["b"]);
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn what_may_not_be_kept_is_asked_for_each_time_within_bounds() {
    let site = site(answer("Cache-Control: no-store\r\n", &[key("a")])).await;
    assert_eq!(site.kids("a", 0).await, ["a"]);
    site.now_answers(answer("Cache-Control: no-store\r\n", &[]));
    assert_eq!(site.kids("a", 0).await, Vec::<String>::new());
    assert_eq!(site.asked(), 2);
    site.now_answers(answer("Cache-Control: max-age=0\r\n", &[key("a")]));
    for _ in 0..20 {
        site.kids("a", 1).await;
    }
    assert_eq!(site.asked(), 6, "no more at once");
    assert_eq!(site.kids("a", 1).await, Vec::<String>::new());
    assert_eq!(site.kids("a", 11).await, ["a"]);
}

#[tokio::test]
async fn a_new_key_is_found_and_keys_that_do_not_exist_cause_no_flood() {
    let site = site(answer("Cache-Control: max-age=3600\r\n", &[key("old")])).await;
    assert_eq!(site.kids("old", 0).await, ["old"]);
    site.now_answers(answer(
        "Cache-Control: max-age=3600\r\n",
        &[key("old"), key("new")],
    ));
    assert_eq!(site.kids("new", 1).await, ["old", "new"]);
    assert_eq!(site.asked(), 2);
    for number in 0..100 {
        let kids = site.kids(&format!("random-{number}"), 2).await;
        assert_eq!(kids, ["old", "new"], "the known keys stay good");
    }
    assert_eq!(site.asked(), 6);
    // An hour of it: one each ten seconds at most.
    for second in 3..603 {
        site.kids("random", second).await;
    }
    assert!(site.asked() <= 6 + 60, "{}", site.asked());
}

#[tokio::test]
async fn many_at_once_cause_one_fetch() {
    let site = Arc::new(site(answer("Cache-Control: no-store\r\n", &[key("a")])).await);
    let all: Vec<_> = (0..16)
        .map(|_| {
            let site = Arc::clone(&site);
            tokio::spawn(async move { site.kids("a", 0).await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), ["a"]);
    }
    assert_eq!(site.asked(), 1);
}

#[tokio::test]
async fn what_cannot_be_had_is_not_asked_for_again_at_once_and_old_keys_are_not_used_for_it() {
    let good = answer("Cache-Control: max-age=10\r\n", &[key("a")]);
    let mut private = key("a");
    private["d"] = "AAAA".into();
    for bad in [
        "HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n".to_owned(),
        good.replace("application/json", "text/html"),
        good.replace("\"keys\"", "\"kees\""),
        good.replace("{\"keys\"", "no"),
        answer("", &[private]),
        answer("", &[key("a"), key("a")]),
        answer("", &vec![key("a"); 60]),
        answer("", &[json!({"kty": "oct", "k": "AAAA", "kid": "a"})]),
    ] {
        let site = site(good.clone()).await;
        assert_eq!(site.kids("a", 0).await, ["a"]);
        site.now_answers(bad.clone());
        for second in [10, 11, 39] {
            assert_eq!(site.kids("a", second).await, Vec::<String>::new(), "{bad}");
        }
        assert_eq!(site.asked(), 2, "{bad}");
        site.now_answers(good.clone());
        assert_eq!(site.kids("a", 40).await, ["a"], "{bad}");
    }
}

#[tokio::test]
async fn keys_for_other_purposes_may_stand_in_the_set() {
    let others = [
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "ed"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "p256"}),
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "enc", "use": "enc"}),
        key("a"),
    ];
    let site = site(answer("", &others)).await;
    assert_eq!(site.kids("a", 0).await, ["a"]);
}
