//! A browser without JavaScript: cookies, redirects, forms.

use anyhow::{Context as _, bail};

use super::form::{Form, forms};
use super::http::{Answer, Origin};

/// Redirects that are followed after one click.
const REDIRECTS_MAX: usize = 10;

/// One person's browser.
pub(super) struct Browser {
    origin: Origin,
    cookies: Vec<(String, String)>,
}

/// A page that was reached.
pub(super) struct Page {
    /// Path and query.
    pub(super) path: String,
    /// The redirects on the way: status and where to.
    pub(super) redirects: Vec<(u16, String)>,
    pub(super) html: String,
}

impl Browser {
    /// An empty one.
    pub(super) fn new(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            cookies: Vec::new(),
        }
    }

    /// Opens an address of the server.
    pub(super) fn open(&mut self, address: &str) -> anyhow::Result<Page> {
        self.go("GET", address, "")
    }

    /// Sends a form.
    pub(super) fn submit(&mut self, form: &Form) -> anyhow::Result<Page> {
        let fields = form.encoded();
        if form.is_post {
            return self.go("POST", &form.action, &fields);
        }
        let path = form.action.split('?').next().unwrap_or_default();
        self.go("GET", &format!("{path}?{fields}"), "")
    }

    fn go(&mut self, method: &str, address: &str, body: &str) -> anyhow::Result<Page> {
        let mut path = self.origin.path(address)?.to_owned();
        let mut answer = self.send(method, &path, body)?;
        let mut redirects = Vec::new();
        while (300..400).contains(&answer.status) {
            if redirects.len() >= REDIRECTS_MAX {
                bail!("{address} leads on and on: {redirects:?}");
            }
            let location = answer
                .header("location")
                .with_context(|| format!("{path} redirects to nowhere"))?;
            path = self.origin.path(location)?.to_owned();
            redirects.push((answer.status, path.clone()));
            answer = self.send("GET", &path, "")?;
        }
        if answer.status != 200 {
            bail!("{method} {path} was answered with {}", answer.status);
        }
        Ok(Page {
            path,
            redirects,
            html: answer.body,
        })
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Accept", "text/html")];
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
            headers.push(("Sec-Fetch-Site", "same-origin"));
        }
        let answer = self.origin.send(method, path, &headers, body)?;
        let set: Vec<(String, String)> = answer
            .headers("set-cookie")
            .into_iter()
            .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        for (name, value) in set {
            self.cookies.retain(|(known, _)| *known != name);
            if !value.is_empty() {
                self.cookies.push((name, value));
            }
        }
        Ok(answer)
    }
}

impl Page {
    /// The first form for which this holds.
    pub(super) fn form(&self, what: &str, is_it: impl Fn(&Form) -> bool) -> anyhow::Result<Form> {
        forms(&self.html)
            .into_iter()
            .find(is_it)
            .with_context(|| format!("{} has no {what}", self.path))
    }

    /// The first link for which this holds.
    pub(super) fn link(&self, what: &str, is_it: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        super::html::tags(&self.html)
            .filter(|tag| tag.name == "a")
            .filter_map(|tag| tag.attribute("href"))
            .find(|href| is_it(href))
            .with_context(|| format!("{} has no {what}", self.path))
    }
}
