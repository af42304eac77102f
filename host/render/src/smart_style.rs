//! What apps need to look like our pages: the SMART style document (SMART App Launch 2.2,
//! "Styling"; experimental there). It says in JSON what the light theme of the stylesheet
//! says in CSS.

use crate::assets::{hex, text};

/// The document.
pub const SMART_STYLE: &str = r##"{
  "color_background": "#f5f7f8",
  "color_error": "#a5201a",
  "color_highlight": "#0a6673",
  "color_modal_backdrop": "rgba(20, 35, 42, 0.5)",
  "color_success": "#1b6a3b",
  "color_text": "#14232a",
  "dim_border_radius": "10px",
  "dim_font_size": "15px",
  "dim_spacing_size": "8px",
  "font_family_body": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif",
  "font_family_heading": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
}
"##;

const HEX: [u8; 16] = hex(SMART_STYLE);

/// Where the server answers it. The path changes with the content, as the specification
/// asks, so the answer may be kept for ever.
pub fn path() -> String {
    format!("/smart-style/{}.json", text(&HEX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::STYLESHEET;

    fn style() -> BTreeMap<String, String> {
        let pairs = SMART_STYLE.lines().filter_map(|line| {
            let (name, value) = line.trim().trim_end_matches(',').split_once("\": \"")?;
            let name = name.trim_start_matches('"').to_owned();
            Some((name, value.trim_end_matches('"').to_owned()))
        });
        pairs.collect()
    }

    /// A variable of the light theme.
    fn variable(name: &str) -> &'static str {
        let light = STYLESHEET.split(":root {").nth(1).unwrap();
        let light = light.split('}').next().unwrap();
        let mut declarations = light.split(';').filter_map(|line| line.split_once(": "));
        declarations
            .find(|(found, _)| found.trim() == name)
            .map(|(_, value)| value.trim())
            .unwrap_or_else(|| panic!("there is no variable {name}"))
    }

    #[test]
    fn the_document_says_what_the_stylesheet_says() {
        let style = style();
        for (name, of_stylesheet) in [
            ("color_background", "--bg"),
            ("color_error", "--danger"),
            ("color_highlight", "--accent"),
            ("color_success", "--good"),
            ("color_text", "--text"),
            ("dim_border_radius", "--radius"),
        ] {
            assert_eq!(style[name], variable(of_stylesheet), "{name}");
        }
        let font = variable("--font").replace('"', "'");
        assert_eq!(style["font_family_body"], font);
        assert_eq!(style["font_family_heading"], font);
        // 15 px are the 0.9375rem of the body at a browser's 16 px.
        assert!(STYLESHEET.contains("font: 400 0.9375rem/1.5"));
        assert_eq!(style["dim_font_size"], "15px");
        assert_eq!(style.len(), 11);
    }

    #[test]
    fn the_address_changes_with_the_content() {
        assert_ne!(hex(SMART_STYLE), hex(&SMART_STYLE.replace("8px", "9px")));
        assert!(path().starts_with("/smart-style/") && path().ends_with(".json"));
    }
}
