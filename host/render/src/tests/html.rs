//! Just enough HTML reading for tests. It may be this simple because attribute values never
//! hold `<` or `>`: maud escapes both.

#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// Whether a `label` element was open around it.
    pub(crate) in_label: bool,
}

impl Tag {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }
}

/// All start tags.
pub(crate) fn tags(page: &str) -> Vec<Tag> {
    let mut in_label = false;
    let mut found = Vec::new();
    for piece in page.split('<').skip(1) {
        let inside = piece.split('>').next().unwrap();
        if inside == "/label" {
            in_label = false;
        }
        if inside.starts_with(['/', '!']) {
            continue;
        }
        let (name, rest) = inside.split_once(' ').unwrap_or((inside, ""));
        in_label |= name == "label";
        found.push(Tag {
            name: name.to_owned(),
            attributes: attributes(rest),
            in_label,
        });
    }
    found
}

fn attributes(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while !text.trim().is_empty() {
        text = text.trim_start();
        let end = text.find(['=', ' ']).unwrap_or(text.len());
        let (key, rest) = text.split_at(end);
        let (value, rest) = match rest.strip_prefix("=\"") {
            Some(rest) => rest.split_once('"').unwrap(),
            None => ("", rest),
        };
        found.push((key.to_owned(), value.to_owned()));
        text = rest;
    }
    found
}

/// Visible controls that no label names.
pub(crate) fn unlabelled(tags: &[Tag]) -> Vec<String> {
    let controls = tags.iter().filter(|tag| {
        matches!(tag.name.as_str(), "input" | "select" | "textarea")
            && tag.get("type") != Some("hidden")
    });
    controls
        .filter(|control| {
            let labelled = |id: &str| {
                tags.iter()
                    .any(|tag| tag.name == "label" && tag.get("for") == Some(id))
            };
            !control.in_label && !control.get("id").is_some_and(labelled)
        })
        .map(|control| format!("{control:?}"))
        .collect()
}

#[test]
fn a_control_without_label_is_noticed() {
    assert_eq!(unlabelled(&tags("<input type=\"text\" id=\"a\">")).len(), 1);
    assert_eq!(
        unlabelled(&tags("<label for=\"a\">A</label><input id=\"a\">")).len(),
        0
    );
    assert_eq!(
        unlabelled(&tags("<label>A <input></label><select></select>")).len(),
        1
    );
}
