//! Talking to a running server over `/api/v1`.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::cli::failure::Failure;

/// An act waits until it is in force everywhere; an import for its chunk.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Which server, and with whose token.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ServerArguments {
    /// Address of the running server
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    #[command(flatten)]
    token: TokenArguments,
}

/// Whose token.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct TokenArguments {
    /// API token; other users of this machine can see it, --token-file hides it
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// File that holds the API token
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "GLOVEBOX_TOKEN_FILE",
        conflicts_with = "token"
    )]
    pub(crate) token_file: Option<PathBuf>,
}

impl ServerArguments {
    /// Makes ready to call.
    pub(crate) fn connect(&self) -> Result<Remote, Failure> {
        Remote::new(&self.server, &self.token)
    }
}

/// A running server.
pub(crate) struct Remote {
    base: String,
    token: String,
    client: reqwest::Client,
}

/// RFC 9457, as far as a terminal shows it.
#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
    title: Option<String>,
}

impl Remote {
    /// Makes ready to call; nothing is sent yet.
    pub(crate) fn new(server: &str, token: &TokenArguments) -> Result<Self, Failure> {
        let url = url::Url::parse(server)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()));
        let Some(url) = url else {
            return Err(Failure::fault(format!(
                "`{server}` is no address of a server: give one such as http://127.0.0.1:8080"
            )));
        };
        let client = reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            .connect_timeout(CONNECT_WITHIN)
            // A token goes to the server that was named, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|problem| Failure::fault(format!("no HTTP client can be made: {problem}")))?;
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            token: token.read()?,
            client,
        })
    }

    /// A call to `/api/v1` plus `path`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// Sends a call and reads its JSON answer.
    pub(crate) async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        response.json().await.map_err(|problem| {
            Failure::fault(format!(
                "{} answered something that is not JSON ({problem}); is it a glovebox?",
                self.base
            ))
        })
    }

    /// Sends a call and reads its text answer.
    pub(crate) async fn text(&self, request: RequestBuilder) -> Result<String, Failure> {
        let response = self.send(request).await?;
        response
            .text()
            .await
            .map_err(|problem| self.unreachable(&problem))
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, Failure> {
        let response = request
            .send()
            .await
            .map_err(|problem| self.unreachable(&problem))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = response.json::<Problem>().await.ok();
        let said = problem.and_then(|problem| problem.detail.or(problem.title));
        let said = said.unwrap_or_else(|| format!("{} answered {status}", self.base));
        Err(refusal(status, &super::say::plain(&said)))
    }

    fn unreachable(&self, problem: &reqwest::Error) -> Failure {
        let why = match problem {
            problem if problem.is_connect() => "nothing answers there",
            problem if problem.is_timeout() => "it did not answer in time",
            _ => "the connection broke",
        };
        Failure::fault(format!(
            "{}: {why}; is the server running, and is --server its address?",
            self.base
        ))
    }
}

fn refusal(status: StatusCode, said: &str) -> Failure {
    match status {
        StatusCode::UNAUTHORIZED => Failure::fault(
            "the server does not accept this token: give one that is in force with --token-file, --token or \
             GLOVEBOX_TOKEN_FILE",
        ),
        StatusCode::FORBIDDEN | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            Failure::no(said)
        }
        StatusCode::NOT_FOUND => Failure::no(said),
        _ => Failure::fault(said),
    }
}

impl TokenArguments {
    fn read(&self) -> Result<String, Failure> {
        let text = match (&self.token, &self.token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(file)) => {
                std::fs::read_to_string(file).map_err(|problem| Failure::file(file, &problem))?
            }
            (None, None) => {
                return Err(Failure::fault(
                    "no API token: give one with --token-file, --token or GLOVEBOX_TOKEN_FILE \
                     (the demo's are in its demo.json)",
                ));
            }
        };
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::fault(
                "the API token is empty or is not one line of text: check the file",
            ));
        }
        Ok(text.to_owned())
    }
}

/// One step of an address, escaped.
pub(crate) fn step(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_refuses_is_a_no_and_what_fails_is_a_fault() {
        for (status, code) in [
            (409, 1),
            (403, 1),
            (422, 1),
            (404, 1),
            (401, 2),
            (400, 2),
            (500, 2),
            (503, 2),
        ] {
            assert_eq!(
                refusal(StatusCode::from_u16(status).unwrap(), "x").exit_code(),
                code,
                "{status}"
            );
        }
    }

    #[test]
    fn a_token_is_one_line_and_a_file_may_end_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "gb_api_x.y\n").unwrap();
        let arguments = TokenArguments {
            token: None,
            token_file: Some(file.clone()),
        };
        assert_eq!(arguments.read().unwrap(), "gb_api_x.y");
        std::fs::write(&file, "a\nb").unwrap();
        assert!(arguments.read().is_err());
        assert!(TokenArguments::default().read().is_err());
    }

    #[test]
    fn a_step_of_an_address_cannot_leave_its_place() {
        assert_eq!(step("../x y?z"), "..%2Fx%20y%3Fz");
    }
}
