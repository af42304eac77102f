//! WCAG 2.2 contrast of the stylesheet's colours, computed from the variables themselves.

use std::collections::BTreeMap;

use crate::STYLESHEET;

type Theme = BTreeMap<String, f64>;

/// Relative luminance per variable: the light theme, and the dark one over it.
fn themes() -> [Theme; 2] {
    let mut blocks = STYLESHEET.split(":root {").skip(1);
    let light = variables(blocks.next().unwrap());
    let mut dark = light.clone();
    dark.extend(variables(blocks.next().unwrap()));
    [light, dark]
}

fn variables(block: &str) -> Theme {
    let block = block.split('}').next().unwrap();
    let pairs = block
        .split(';')
        .filter_map(|line| line.trim().split_once(": #"));
    pairs
        .map(|(name, hex)| (name.trim().to_owned(), luminance(hex.trim())))
        .collect()
}

fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn contrast(theme: &Theme, a: &str, b: &str) -> f64 {
    let (a, b) = (theme[a], theme[b]);
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_has_a_contrast_of_four_and_a_half() {
    let mut pairs = vec![
        ("--text", "--bg"),
        ("--text", "--surface"),
        ("--text", "--raised"),
        ("--text", "--accent-soft"),
        ("--muted", "--bg"),
        ("--muted", "--surface"),
        ("--muted", "--raised"),
        ("--muted", "--accent-soft"),
        ("--accent", "--surface"),
        ("--accent", "--bg"),
        ("--accent", "--accent-soft"),
        ("--on-accent", "--accent"),
        ("--on-accent", "--accent-strong"),
        ("--danger", "--surface"),
        ("--danger", "--raised"),
        ("--caution", "--raised"),
    ];
    for tone in [
        ("--good", "--good-bg"),
        ("--caution", "--caution-bg"),
        ("--danger", "--danger-bg"),
        ("--neutral", "--neutral-bg"),
    ] {
        pairs.push(tone);
        pairs.push(("--text", tone.1));
    }
    for (number, theme) in themes().iter().enumerate() {
        for (text, ground) in &pairs {
            let found = contrast(theme, text, ground);
            assert!(
                found >= 4.5,
                "theme {number}: {text} on {ground} has {found:.2}"
            );
        }
    }
}

#[test]
fn controls_and_lines_of_charts_have_a_contrast_of_three() {
    for (number, theme) in themes().iter().enumerate() {
        for part in [
            "--edge", "--focus", "--s0", "--s1", "--s2", "--s3", "--s4", "--s5", "--danger",
        ] {
            for ground in ["--surface", "--bg", "--band"] {
                if part == "--edge" && ground == "--band" {
                    continue;
                }
                let found = contrast(theme, part, ground);
                assert!(
                    found >= 3.0,
                    "theme {number}: {part} on {ground} has {found:.2}"
                );
            }
        }
    }
}

#[test]
fn the_formula_is_the_one_of_the_standard() {
    let theme = variables("--black: #000000; --white: #ffffff; --grey: #767676}");
    assert!((contrast(&theme, "--black", "--white") - 21.0).abs() < 0.01);
    assert!((contrast(&theme, "--grey", "--white") - 4.54).abs() < 0.01);
}
