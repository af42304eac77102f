//! A browser without JavaScript: cookies, links and forms, and a record of all it was sent.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};

use crate::html::{self, Element, Form};

/// A page as it was answered.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it came from: path and query.
    pub path: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub html: String,
    /// Statuses of the redirects that led here.
    pub redirects: Vec<StatusCode>,
}

impl Page {
    /// The page as a tree.
    pub fn tree(&self) -> Element {
        html::parse(&self.html)
    }

    /// What a person reads on it.
    pub fn text(&self) -> String {
        self.tree().text()
    }

    /// The first form of which this is true.
    pub fn form(&self, wanted: impl Fn(&Form) -> bool) -> Form {
        let found = self.tree().forms().into_iter().find(wanted);
        found.unwrap_or_else(|| {
            panic!(
                "{} ({}) has no such form: {}",
                self.path,
                self.status,
                self.text()
            )
        })
    }

    /// The form that is posted to an address with this in it.
    pub fn form_to(&self, address: &str) -> Form {
        self.form(|form| form.is_post && form.action.contains(address))
    }

    /// The form that opens this app.
    pub fn launcher(&self, app: &str) -> Form {
        self.form(|form| form.is_post && form.get("app") == Some(app))
    }

    /// Whether it has a form that opens this app.
    pub fn offers(&self, app: &str) -> bool {
        self.tree()
            .forms()
            .iter()
            .any(|form| form.get("app") == Some(app))
    }

    /// The header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The app session whose page this is.
    pub fn session(&self) -> &str {
        let id = self
            .path
            .strip_prefix("/chart/sessions/")
            .unwrap_or_default();
        assert!(
            !id.is_empty() && !id.contains('/'),
            "{} is no session: {}",
            self.path,
            self.text()
        );
        id
    }

    /// Where it sends the browser, if it does.
    pub fn location(&self) -> Option<&str> {
        self.headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
    }
}

/// A browser.
pub struct Browser {
    client: Client,
    base_url: String,
    cookies: BTreeMap<String, String>,
    /// Every answer with its headers, in order.
    pub seen: Vec<Page>,
}

impl Browser {
    /// A fresh profile.
    pub fn new(base_url: &str) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            client,
            base_url: base_url.to_owned(),
            cookies: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    /// The same profile in another window: the same cookies from now on.
    pub fn window(&self) -> Self {
        Self {
            cookies: self.cookies.clone(),
            ..Self::new(&self.base_url)
        }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Sends one request and follows nothing.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        fields: &[(String, String)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.base_url));
        if method == Method::POST {
            request = request.form(fields);
        } else if !fields.is_empty() {
            request = request.query(fields);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        let answer = request.send().await.unwrap();
        let path = match answer.url().query() {
            Some(query) => format!("{}?{query}", answer.url().path()),
            None => answer.url().path().to_owned(),
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        let page = Page {
            path,
            status,
            headers,
            html: answer.text().await.unwrap(),
            redirects: Vec::new(),
        };
        self.seen.push(page.clone());
        page
    }

    fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap();
        if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Opens an address and follows where it leads.
    pub async fn open(&mut self, path: &str) -> Page {
        let page = self.send(Method::GET, path, &[], &[]).await;
        self.follow(page).await
    }

    /// Sends a form as a browser would, and follows nothing.
    pub async fn send_form(&mut self, form: &Form) -> Page {
        let method = if form.is_post {
            Method::POST
        } else {
            Method::GET
        };
        let headers = [
            ("origin", self.base_url.clone()),
            ("sec-fetch-site", "same-origin".to_owned()),
        ];
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.send(method, &form.action, &form.fields, &headers)
            .await
    }

    /// Sends a form and follows where it leads.
    pub async fn submit(&mut self, form: &Form) -> Page {
        let page = self.send_form(form).await;
        self.follow(page).await
    }

    /// Opens an address and follows until it leads to another server: then that address is
    /// the page's location.
    pub async fn open_until_away(&mut self, path: &str) -> Page {
        let page = self.send(Method::GET, path, &[], &[]).await;
        self.follow_to_the_end(page, true).await
    }

    /// Sends a form and follows until it leads to another server.
    pub async fn submit_until_away(&mut self, form: &Form) -> Page {
        let page = self.send_form(form).await;
        self.follow_to_the_end(page, true).await
    }

    async fn follow(&mut self, page: Page) -> Page {
        self.follow_to_the_end(page, false).await
    }

    async fn follow_to_the_end(&mut self, mut page: Page, may_leave: bool) -> Page {
        let mut redirects = Vec::new();
        while page.status.is_redirection() {
            let to = page.location().unwrap();
            if may_leave && !to.starts_with('/') && !to.starts_with(&self.base_url) {
                break;
            }
            redirects.push(page.status);
            assert!(redirects.len() < 10, "too many redirects: {}", page.path);
            let to = page.location().unwrap().to_owned();
            let to = to
                .strip_prefix(&self.base_url)
                .map(str::to_owned)
                .unwrap_or(to);
            assert!(
                to.starts_with('/') && !to.starts_with("//"),
                "led elsewhere: {to}"
            );
            page = self.send(Method::GET, &to, &[], &[]).await;
        }
        Page { redirects, ..page }
    }

    /// Signs in and goes where that leads.
    pub async fn sign_in(&mut self, username: &str, password: &str) -> Page {
        let page = self.open("/sign-in").await;
        let form = page
            .form_to("/sign-in")
            .with("username", username)
            .with("password", password);
        let page = self.submit(&form).await;
        assert!(
            page.redirects.first() == Some(&StatusCode::SEE_OTHER),
            "{username} was not signed in: {}",
            page.text()
        );
        page
    }

    /// A patient's page.
    pub async fn open_patient(&mut self, tenant: &str, patient: &str) -> Page {
        self.open(&format!("/chart/patients/{patient}?tenant={tenant}"))
            .await
    }

    /// Opens an app from a patient's page and follows to its first screen.
    pub async fn launch(&mut self, tenant: &str, patient: &str, app: &str) -> Page {
        let page = self.open_patient(tenant, patient).await;
        self.submit(&page.launcher(app)).await
    }

    /// Presses a button of an app's screen, with values typed into its form.
    pub async fn press(&mut self, page: &Page, action: &str, values: &[(&str, &str)]) -> Page {
        let mut form = page.form(|form| form.is_post && form.offers(action));
        for (name, value) in values {
            form = form.with(&format!("v.{name}"), value);
        }
        self.submit(&form.pressing(action)).await
    }
}
