//! Chromium under the WebDriver protocol (W3C WebDriver), spoken directly: it takes a dozen
//! commands, and two of them (the console's log, the colour scheme) are Chromium's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::machine;

/// Member that holds an element's id (W3C WebDriver section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const WAIT: Duration = Duration::from_secs(20);

/// A running Chromium. It ends with this value.
pub struct Chrome {
    driver: Child,
    client: Client,
    session: String,
    _profile: tempfile::TempDir,
}

impl Chrome {
    /// Whether this machine has what it takes; otherwise why not.
    pub fn missing() -> Option<&'static str> {
        if machine::program(&[
            "chromium",
            "chromium-browser",
            "google-chrome",
            "google-chrome-stable",
        ])
        .is_none()
        {
            Some("there is no Chromium on the path")
        } else if machine::program(&["chromedriver"]).is_none() {
            Some("there is no chromedriver on the path")
        } else {
            None
        }
    }

    /// Starts a browser with a fresh profile.
    pub async fn start(has_javascript: bool) -> Self {
        let chromium = machine::program(&[
            "chromium",
            "chromium-browser",
            "google-chrome",
            "google-chrome-stable",
        ])
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let driver = Command::new(machine::program(&["chromedriver"]).unwrap())
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let profile = tempfile::tempdir().unwrap();
        let client = Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let mut chrome = Self {
            driver,
            client,
            session: format!("http://127.0.0.1:{port}/session"),
            _profile: profile,
        };
        chrome.open_session(&chromium, has_javascript).await;
        chrome
    }

    async fn open_session(&mut self, chromium: &Path, has_javascript: bool) {
        let data = format!("--user-data-dir={}", self._profile.path().display());
        let javascript = if has_javascript { 1 } else { 2 };
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                    "--disable-background-networking", "--disable-component-update", "--disable-sync",
                    "--disable-dev-shm-usage", "--disable-features=Translate,OptimizationHints,MediaRouter",
                    "--password-store=basic", "--window-size=1280,900", "--hide-scrollbars", data,
                ],
                "prefs": {
                    "profile.managed_default_content_settings.javascript": javascript,
                    "credentials_enable_service": false,
                    "profile.password_manager_enabled": false,
                    "profile.password_manager_leak_detection": false,
                },
            },
        } } });
        let started = tokio::time::Instant::now();
        let address = self.session.clone();
        let answer = loop {
            match self.client.post(&address).json(&capabilities).send().await {
                Ok(answer) => break answer,
                Err(problem) => assert!(
                    started.elapsed() < WAIT,
                    "chromedriver does not answer: {problem}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("no browser: {answer}"));
        self.session = format!("{}/{id}", self.session);
    }

    async fn try_command(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let request = self
            .client
            .request(method.clone(), format!("{}{path}", self.session));
        let request = if method == Method::POST {
            request.json(&body)
        } else {
            request
        };
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        let value = answer["value"].take();
        if value.get("error").is_some() {
            Err(value)
        } else {
            Ok(value)
        }
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Value {
        self.try_command(method, path, body)
            .await
            .unwrap_or_else(|problem| panic!("{path}: {problem}"))
    }

    /// Types an address.
    pub async fn open(&self, url: &str) {
        self.command(Method::POST, "/url", json!({ "url": url }))
            .await;
    }

    /// The address that is shown.
    pub async fn url(&self) -> String {
        self.command(Method::GET, "/url", Value::Null)
            .await
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The page as the browser holds it.
    pub async fn source(&self) -> String {
        self.command(Method::GET, "/source", Value::Null)
            .await
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Waits for an element (XPath) and answers its id.
    pub async fn element(&self, xpath: &str) -> String {
        let started = tokio::time::Instant::now();
        loop {
            let body = json!({ "using": "xpath", "value": xpath });
            match self.try_command(Method::POST, "/element", body).await {
                Ok(found) => return found[ELEMENT].as_str().unwrap().to_owned(),
                Err(problem) => {
                    let page = if started.elapsed() < WAIT {
                        None
                    } else {
                        Some(self.source().await)
                    };
                    assert!(
                        page.is_none(),
                        "{xpath} is not there ({problem}): {}",
                        page.unwrap_or_default()
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits for an element (XPath) and has it do or say something. A page that gives way to the
    /// next between the two takes the element with it: then it is looked for again.
    async fn with_element(&self, method: Method, xpath: &str, act: &str, body: Value) -> Value {
        let started = tokio::time::Instant::now();
        loop {
            let element = self.element(xpath).await;
            let path = format!("/element/{element}/{act}");
            match self.try_command(method.clone(), &path, body.clone()).await {
                Ok(answer) => return answer,
                Err(problem) => assert!(
                    problem["error"] == "stale element reference" && started.elapsed() < WAIT,
                    "{act} of {xpath}: {problem}"
                ),
            }
        }
    }

    /// Clicks an element, scrolling to it first.
    pub async fn click(&self, xpath: &str) {
        self.with_element(Method::POST, xpath, "click", json!({}))
            .await;
    }

    /// Types into a field.
    pub async fn type_into(&self, xpath: &str, text: &str) {
        self.with_element(Method::POST, xpath, "value", json!({ "text": text }))
            .await;
    }

    /// Whether the element is really drawn.
    pub async fn is_displayed(&self, xpath: &str) -> bool {
        self.with_element(Method::GET, xpath, "displayed", Value::Null)
            .await
            == Value::Bool(true)
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command(
            Method::POST,
            "/goog/cdp/execute",
            json!({ "cmd": command, "params": parameters }),
        )
        .await
    }

    /// Saves the whole page as `NAME-light.png` and `NAME-dark.png`.
    pub async fn screenshots(&self, name: &str) {
        let dir = screenshot_dir();
        for scheme in ["light", "dark"] {
            // without motion, or colours would still be fading from one scheme to the other
            let features = json!({ "features": [
                { "name": "prefers-reduced-motion", "value": "reduce" },
                { "name": "prefers-color-scheme", "value": scheme },
            ] });
            self.devtools("Emulation.setEmulatedMedia", features).await;
            let shot = self
                .devtools(
                    "Page.captureScreenshot",
                    json!({ "captureBeyondViewport": true }),
                )
                .await;
            let png = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
            std::fs::write(dir.join(format!("{name}-{scheme}.png")), png).unwrap();
        }
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] }))
            .await;
    }

    /// What the console said since it was asked last: errors and violations of the content
    /// policy among it.
    pub async fn console(&self) -> Vec<String> {
        let log = self
            .command(Method::POST, "/se/log", json!({ "type": "browser" }))
            .await;
        let lines = log.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .map(|line| format!("{} {}", line["level"], line["message"]))
            .collect()
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        // Asked to end, chromedriver ends its browser; killed, it would leave it behind.
        let session = self.session.clone();
        let closing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let client = Client::builder()
                    .timeout(Duration::from_secs(10))
                    .build()
                    .unwrap();
                let _ = client.delete(session).send().await;
            });
        });
        let _ = closing.join();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Where screenshots go.
pub fn screenshot_dir() -> PathBuf {
    let dir = machine::target_dir().join("screenshots");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
