//! Just enough HTML to do with our pages what a browser does without JavaScript.

/// Elements without content.
const VOID: [&str; 10] = [
    "area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source",
];

/// A part of a page.
#[derive(Clone, Debug)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, decoded.
    Text(String),
}

/// An element with what is in it.
#[derive(Clone, Debug, Default)]
pub struct Element {
    /// Lower case.
    pub tag: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

/// A form as the page offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whether it is posted.
    pub is_post: bool,
    /// Where it goes.
    pub action: String,
    /// What is sent if nobody touches it.
    pub fields: Vec<(String, String)>,
    /// Its buttons.
    pub buttons: Vec<Button>,
}

/// A button that sends a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What is sent when it is pressed, if anything.
    pub sends: Option<(String, String)>,
    /// What stands on it.
    pub label: String,
}

impl Form {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Types a value into a field that the page offers.
    #[must_use]
    pub fn with(mut self, name: &str, typed: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        let (_, value) = field.unwrap_or_else(|| panic!("the form has no field {name}"));
        typed.clone_into(value);
        self
    }

    /// Ticks a box, or chooses one of several, that the page offers unticked.
    #[must_use]
    pub fn ticking(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes the tick away.
    #[must_use]
    pub fn unticking(mut self, name: &str, value: &str) -> Self {
        let before = self.fields.len();
        self.fields
            .retain(|(field, sent)| field != name || sent != value);
        assert!(self.fields.len() < before, "{name}={value} is not ticked");
        self
    }

    /// Presses the button that sends this action.
    #[must_use]
    pub fn pressing(mut self, action: &str) -> Self {
        let button = self.buttons.iter().find(|button| {
            button
                .sends
                .as_ref()
                .is_some_and(|(_, value)| value == action)
        });
        let pressed = button.and_then(|button| button.sends.clone());
        self.fields
            .push(pressed.unwrap_or_else(|| panic!("the form has no button that sends {action}")));
        self
    }

    /// Whether one of its buttons sends this.
    pub fn offers(&self, action: &str) -> bool {
        self.buttons.iter().any(|button| {
            button
                .sends
                .as_ref()
                .is_some_and(|(_, value)| value == action)
        })
    }
}

/// Reads a page.
pub fn parse(html: &str) -> Element {
    let mut open = vec![Element {
        tag: "#page".to_owned(),
        ..Element::default()
    }];
    let mut rest = html;
    while !rest.is_empty() {
        let at = rest.find('<').unwrap_or(rest.len());
        let (text, after) = rest.split_at(at);
        if !text.is_empty() {
            open.last_mut()
                .unwrap()
                .children
                .push(Node::Text(decode(text)));
        }
        let Some(after) = after.strip_prefix('<') else {
            break;
        };
        let end = tag_end(after);
        let inside = &after[..end];
        rest = after.get(end + 1..).unwrap_or_default();
        if inside.starts_with('!') {
            continue;
        }
        if let Some(name) = inside.strip_prefix('/') {
            close(&mut open, &name.trim().to_ascii_lowercase());
            continue;
        }
        let element = start_tag(inside);
        let raw = ["script", "style"].contains(&element.tag.as_str());
        let is_void = VOID.contains(&element.tag.as_str()) || inside.ends_with('/');
        let tag = element.tag.clone();
        open.push(element);
        if is_void {
            close(&mut open, &tag);
        } else if raw {
            let end = rest.find(&format!("</{tag}")).unwrap_or(rest.len());
            rest = &rest[end..];
        }
    }
    while open.len() > 1 {
        let tag = open.last().unwrap().tag.clone();
        close(&mut open, &tag);
    }
    open.pop().unwrap()
}

fn close(open: &mut Vec<Element>, tag: &str) {
    let Some(at) = open.iter().rposition(|element| element.tag == tag) else {
        return;
    };
    while open.len() > at.max(1) {
        let element = open.pop().unwrap();
        open.last_mut()
            .unwrap()
            .children
            .push(Node::Element(element));
    }
}

fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '>') => return at,
            _ => {}
        }
    }
    text.len()
}

fn start_tag(inside: &str) -> Element {
    let inside = inside.trim_end_matches('/');
    let split = inside
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(inside.len());
    let (name, mut rest) = inside.split_at(split);
    let mut attributes = Vec::new();
    rest = rest.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => ("", after.strip_prefix('=').unwrap_or(after)),
        };
        attributes.push((name.to_ascii_lowercase(), decode(value)));
        rest = after.trim_start();
    }
    Element {
        tag: name.to_ascii_lowercase(),
        attributes,
        children: Vec::new(),
    }
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

impl Element {
    /// An attribute's value; empty if it has none.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(attribute, _)| attribute == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether it is of this class.
    pub fn is_class(&self, class: &str) -> bool {
        self.attribute("class")
            .is_some_and(|classes| classes.split_whitespace().any(|one| one == class))
    }

    /// Every element in it with this tag, in the order of the page.
    pub fn all(&self, tag: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect(&mut found, &|element| element.tag == tag);
        found
    }

    /// Every element in it of this class.
    pub fn all_of_class(&self, class: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect(&mut found, &|element| element.is_class(class));
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Self>, wanted: &dyn Fn(&Self) -> bool) {
        for child in &self.children {
            if let Node::Element(element) = child {
                if wanted(element) {
                    found.push(element);
                }
                element.collect(found, wanted);
            }
        }
    }

    /// The text in it, words separated by single spaces.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.gather(&mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn gather(&self, text: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(words) => text.push_str(words),
                Node::Element(element) => {
                    element.gather(text);
                    if !["b", "i", "span", "strong", "em"].contains(&element.tag.as_str()) {
                        text.push(' ');
                    }
                }
            }
        }
    }

    /// Addresses and labels of its links.
    pub fn links(&self) -> Vec<(String, String)> {
        let links = self.all("a").into_iter();
        links
            .filter_map(|link| Some((link.attribute("href")?.to_owned(), link.text())))
            .collect()
    }

    /// Rows of its tables as the texts of their cells.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let cells = |row: &Self| {
            let mut cells = Vec::new();
            row.collect(&mut cells, &|element| {
                ["td", "th"].contains(&element.tag.as_str())
            });
            cells.into_iter().map(Self::text).collect()
        };
        self.all("tr").into_iter().map(cells).collect()
    }

    /// Labels and values of its lists of facts.
    pub fn facts(&self) -> Vec<(String, String)> {
        let text = |tag: &str| {
            self.all(tag)
                .into_iter()
                .map(Self::text)
                .collect::<Vec<_>>()
        };
        text("dt").into_iter().zip(text("dd")).collect()
    }

    /// Its forms.
    pub fn forms(&self) -> Vec<Form> {
        self.all("form").into_iter().map(Self::form).collect()
    }

    fn form(&self) -> Form {
        let mut controls = Vec::new();
        self.collect(&mut controls, &|element| {
            ["input", "select", "textarea", "button"].contains(&element.tag.as_str())
        });
        let mut form = Form {
            is_post: self
                .attribute("method")
                .is_some_and(|method| method.eq_ignore_ascii_case("post")),
            action: self.attribute("action").unwrap_or_default().to_owned(),
            fields: Vec::new(),
            buttons: Vec::new(),
        };
        for control in controls {
            let name = control.attribute("name").unwrap_or_default().to_owned();
            let value = control.attribute("value").unwrap_or_default().to_owned();
            match (
                control.tag.as_str(),
                control.attribute("type").unwrap_or_default(),
            ) {
                ("button", _) => form.buttons.push(Button {
                    sends: (!name.is_empty()).then_some((name, value)),
                    label: control.text(),
                }),
                ("input", "checkbox" | "radio") if control.attribute("checked").is_none() => {}
                ("select", _) => {
                    let options = control.all("option");
                    let chosen = options
                        .iter()
                        .find(|option| option.attribute("selected").is_some());
                    let chosen = chosen.or_else(|| options.first());
                    let value = chosen
                        .and_then(|option| option.attribute("value"))
                        .unwrap_or_default();
                    form.fields.push((name, value.to_owned()));
                }
                ("textarea", _) => form.fields.push((name, control.text())),
                _ => form.fields.push((name, value)),
            }
        }
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_what_it_holds_what_was_typed_and_the_pressed_button() {
        let page = parse(
            r#"<!DOCTYPE html><form method="post" action="/e?a=1&amp;b=2"><input type="hidden" name="csrf" value="t&amp;k">
            <select name="v.p"><option value="1y">Year</option><option value="all" selected>All</option></select>
            <input type="checkbox" name="c" value="true"><button name="action" value="open:1">Open <b>one</b></button></form>
            <table><tr><th>Test</th></tr><tr><td><span>7.0</span> <i>%</i></td></tr></table>"#,
        );
        let forms = page.forms();
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "/e?a=1&b=2");
        assert_eq!(forms[0].buttons[0].label, "Open one");
        let sent = forms[0].clone().with("v.p", "1y").pressing("open:1");
        let pairs: Vec<(&str, &str)> = sent
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("csrf", "t&k"), ("v.p", "1y"), ("action", "open:1")]
        );
        assert_eq!(page.rows(), [vec!["Test"], vec!["7.0 %"]]);
    }
}
