//! A running server with the demo world, asked at its authorization server's core: what
//! HTTP adds is not measured here.

use std::sync::Arc;

use anyhow::Context as _;
use glovebox_authorization::{TokenRequest, TokenResponse};
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_tests::TestHost;
use glovebox_tests::oauth::{self, pairs};

/// The server.
#[derive(Clone)]
pub(crate) struct Smart {
    pub(crate) host: Arc<TestHost>,
    pub(crate) tenant: TenantId,
    pub(crate) token_url: String,
}

impl Smart {
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let host = TestHost::fresh().await;
        Ok(Self {
            tenant: "main".parse()?,
            token_url: format!("{}/oauth/main/token", host.base_url),
            host: Arc::new(host),
        })
    }

    /// The token endpoint with its entry in the ledger, both durable, as the server's
    /// route answers.
    pub(crate) async fn token(
        &self,
        what: &'static str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<TokenResponse> {
        let services = &self.host.services;
        let request = TokenRequest::new(pairs(fields), None)?;
        let endpoint = &services.authorization.token_endpoint;
        let now = services.clock.now();
        let issued = endpoint
            .token(&self.tenant, &request, &self.token_url, now)
            .await?;
        let subject = Subject {
            tenant: Some(self.tenant.clone()),
            client: Some(issued.client.id.clone()),
            ..Subject::default()
        };
        let event = Event::new(Kind::Token, what, subject, Outcome::Ok)
            .with("token", issued.token_id.as_str())
            .with("granted", issued.scope.to_string());
        services.ledger.append_durable(event).await?;
        Ok(issued)
    }

    /// So many grants of one user for `demo-public`, by way of the pages: the refresh and
    /// the access token of each.
    pub(crate) async fn grants(&self, count: usize) -> anyhow::Result<Vec<(String, String)>> {
        let host = &self.host;
        let mut browser = host.signed_in("dr.rivera").await;
        let mut grants = Vec::new();
        for _ in 0..count {
            let page = browser.open_until_away(&oauth::authorize(host, &[])).await;
            let page = oauth::pick(&mut browser, &page, "anna-rossi").await;
            let page = oauth::allow(&mut browser, &page).await;
            let answer = oauth::exchange(host, &oauth::code(&page)).await;
            let text = |name: &str| answer.json.get(name)?.as_str().map(str::to_owned);
            let pair = text("refresh_token").zip(text("access_token"));
            grants.push(pair.with_context(|| format!("no tokens: {}", answer.text))?);
        }
        Ok(grants)
    }
}
