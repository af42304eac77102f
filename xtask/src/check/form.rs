//! Forms of a page, and how a browser would send them.

use super::html::{Tag, tags};

/// A form with the values that it has before anybody types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Whether it is posted.
    pub(super) is_post: bool,
    /// Where it goes.
    pub(super) action: String,
    fields: Vec<(String, String)>,
}

/// Every form of a page.
pub(super) fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut is_open = false;
    for tag in tags(html) {
        match tag.name.as_str() {
            "form" => {
                forms.push(Form::new(&tag));
                is_open = true;
            }
            "/form" => is_open = false,
            "input" if is_open => {
                if let Some(form) = forms.last_mut() {
                    form.fields.extend(field(&tag));
                }
            }
            _ => {}
        }
    }
    forms
}

/// What a browser sends for an input that nobody touched. A button sends nothing unless
/// it is pressed, a box only when ticked.
fn field(tag: &Tag<'_>) -> Option<(String, String)> {
    let kind = tag.attribute("type").unwrap_or_default();
    let name = tag.attribute("name").filter(|name| !name.is_empty())?;
    let sent = match kind.as_str() {
        "submit" | "button" | "image" | "reset" | "file" => false,
        "checkbox" | "radio" => tag.attribute("checked").is_some(),
        _ => true,
    };
    sent.then(|| (name, tag.attribute("value").unwrap_or_default()))
}

impl Form {
    fn new(tag: &Tag<'_>) -> Self {
        let method = tag.attribute("method").unwrap_or_default();
        Self {
            is_post: method.eq_ignore_ascii_case("post"),
            action: tag.attribute("action").unwrap_or_default(),
            fields: Vec::new(),
        }
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Types a value into a field. A form without that field stays as it was: nothing is
    /// sent that the page did not offer.
    pub(super) fn set(&mut self, name: &str, typed: &str) {
        for (field, value) in &mut self.fields {
            if field == name {
                typed.clone_into(value);
            }
        }
    }

    /// The fields as `application/x-www-form-urlencoded`.
    pub(super) fn encoded(&self) -> String {
        encode(
            self.fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    }
}

/// Names and values as `application/x-www-form-urlencoded`.
pub(super) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        percent(&mut text, name);
        text.push('=');
        percent(&mut text, value);
    }
    text
}

fn percent(text: &mut String, plain: &str) {
    for byte in plain.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                text.push(char::from(byte));
            }
            b' ' => text.push('+'),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_what_it_holds_and_what_was_typed() {
        let html = r#"<input name="outside" value="1">
            <form method="post" action="/sign-in">
              <input type="hidden" name="csrf" value="t&amp;k">
              <input type="text" name="username" value=""><input type="checkbox" name="stay" value="1">
              <input type="submit" name="go" value="Go"><button name="decision" value="allow">Allow</button>
            </form>
            <form action="/chart"><input type="search" name="q"></form>"#;
        let mut forms = forms(html);
        assert_eq!(forms.len(), 2);
        let search = forms.pop().unwrap();
        assert_eq!(
            (search.is_post, search.action.as_str(), search.get("q")),
            (false, "/chart", Some(""))
        );
        let mut sign_in = forms.pop().unwrap();
        sign_in.set("username", "dr. rivera é");
        sign_in.set("admin", "1");
        assert!(sign_in.is_post);
        assert_eq!(sign_in.get("stay"), None);
        assert_eq!(sign_in.encoded(), "csrf=t%26k&username=dr.+rivera+%C3%A9");
    }
}
