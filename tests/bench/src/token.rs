//! `token`: requests of a backend service for a token with `private_key_jwt`, 64 at once,
//! against as many bare verifications of ES384 signatures side by side.

use anyhow::{Context as _, ensure};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_tests::assertion;
use serde_json::Value;

use crate::flight::{CALLERS, side_by_side};
use crate::measure::{Pair, Plan, Row, interleave};
use crate::smart::Smart;

const CLIENT: &str = "demo-backend";
/// Requests of one caller in a sample, so that few of them wait for the last.
const EACH: usize = 8;
const PLAN: Plan = Plan {
    blocks: 40,
    block: 1,
    warm_up: 4,
};

struct Token {
    smart: Smart,
    jwk: Value,
    key: ParsedPublicKey,
}

impl Token {
    /// Signed before the clock runs: that is the client's work.
    fn assertions(&self) -> Vec<Vec<String>> {
        let url = &self.smart.token_url;
        let one = || assertion::sign(CLIENT, url, &self.jwk, |_| {});
        let of_caller = || (0..EACH).map(|_| one()).collect();
        (0..CALLERS).map(|_| of_caller()).collect()
    }
}

async fn ask(smart: Smart, assertion: String) -> anyhow::Result<()> {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "system/*.rs"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion.as_str()),
    ];
    smart.token("client_credentials", &fields).await.map(drop)
}

impl Pair for Token {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let (work, smart) = (self.assertions(), self.smart.clone());
        let (taken, _) = side_by_side(work, move |jwt| ask(smart.clone(), jwt)).await?;
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let signed = self.assertions();
        let parts = signed.iter().map(|own| own.iter().map(|jwt| parts(jwt)));
        let work = parts.map(Iterator::collect);
        let work: anyhow::Result<Vec<Vec<_>>> = work.collect();
        let key = self.key.clone();
        let (taken, _) = side_by_side(work?, move |(message, signature)| {
            let key = key.clone();
            async move { Ok(key.verify_sig(message.as_bytes(), &signature)?) }
        })
        .await?;
        Ok(taken)
    }
}

/// What is signed, and the signature.
fn parts(jwt: &str) -> anyhow::Result<(String, Vec<u8>)> {
    let (message, signature) = jwt.rsplit_once('.').context("not a JWT")?;
    Ok((message.to_owned(), URL_SAFE_NO_PAD.decode(signature)?))
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let smart = Smart::new().await?;
    let jwk = smart.host.client(CLIENT).pointer("/jwk/0");
    let jwk = jwk.context("no key of the backend service")?.clone();
    let member = |name: &str| -> anyhow::Result<Vec<u8>> {
        let text = jwk.get(name).and_then(Value::as_str);
        Ok(URL_SAFE_NO_PAD.decode(text.context("not an elliptic key")?)?)
    };
    // An uncompressed point: SEC 1 section 2.3.3.
    let point = [vec![4], member("x")?, member("y")?].concat();
    let mut pair = Token {
        key: ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)?,
        smart,
        jwk,
    };
    let row = interleave("token", "us", PLAN, &mut pair).await?;
    ensure!(row.median > row.floor, "faster than its own signature");
    crate::report::note(&format!(
        "{:.0} tokens a second, {:.0} % of the rate of bare verification",
        1e6 / row.median,
        100.0 * row.floor / row.median
    ));
    Ok(row)
}
