//! What holds for every page, checked on the gallery's samples.

mod contrast;
#[path = "../examples/gallery/documents.rs"]
mod documents;
pub(crate) mod html;
#[path = "../examples/gallery/samples.rs"]
mod samples;

use std::collections::BTreeSet;

use self::html::{Tag, tags, unlabelled};

fn each_page(check: impl Fn(&str, &[Tag], &str)) {
    for (name, page) in samples::pages() {
        let page = page.into_string();
        check(name, &tags(&page), &page);
    }
}

#[test]
fn no_page_needs_more_than_the_content_security_policy_allows() {
    each_page(|name, tags, page| {
        for tag in tags {
            assert!(
                tag.get("style").is_none() && tag.name != "style",
                "{name}: {tag:?}"
            );
            let handler = tag.attributes.iter().find(|(key, _)| key.starts_with("on"));
            assert_eq!(handler, None, "{name}: {tag:?}");
            for key in ["src", "href", "action"] {
                let address = tag.get(key).unwrap_or_default();
                let elsewhere = ["http:", "https:", "//", "javascript:", "data:"];
                assert!(
                    !elsewhere.iter().any(|start| address.starts_with(start)),
                    "{name}: {tag:?}"
                );
            }
        }
        let scripts = tags.iter().filter(|tag| tag.name == "script").count();
        assert_eq!(
            scripts,
            page.matches("></script>").count(),
            "{name}: an inline script"
        );
    });
}

#[test]
fn every_control_has_a_label_and_every_table_a_caption() {
    each_page(|name, tags, page| {
        assert_eq!(unlabelled(tags), Vec::<String>::new(), "{name}");
        let count = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted).count();
        assert_eq!(count("table"), count("caption"), "{name}");
        for head in tags.iter().filter(|tag| tag.name == "th") {
            assert!(head.get("scope").is_some(), "{name}: {head:?}");
        }
        for drawing in tags.iter().filter(|tag| tag.name == "svg") {
            let hidden = drawing.get("aria-hidden") == Some("true");
            assert!(
                hidden || drawing.get("aria-labelledby").is_some(),
                "{name}: {drawing:?}"
            );
        }
        assert!(page.contains("<html lang=\"en\">"), "{name}");
    });
}

#[test]
fn every_page_has_one_main_heading_and_unique_ids() {
    each_page(|name, tags, _| {
        let headings = tags.iter().filter(|tag| tag.name == "h1").count();
        assert_eq!(headings, 1, "{name}");
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
        for tag in tags {
            for key in ["aria-labelledby", "aria-describedby", "for"] {
                for id in tag.get(key).unwrap_or_default().split_whitespace() {
                    assert!(unique.contains(id), "{name}: nothing has the id {id}");
                }
            }
        }
    });
}

#[test]
fn every_post_form_carries_its_csrf_field() {
    each_page(|name, _, page| {
        for form in page
            .split("<form ")
            .skip(1)
            .filter(|form| form.starts_with("method=\"post\""))
        {
            let form = form.split("</form>").next().unwrap();
            assert!(
                form.contains("name=\"csrf\" value=\"sample-csrf\""),
                "{name}: {form}"
            );
        }
    });
}

#[test]
fn sandbox_pages_say_so() {
    let pages = samples::pages();
    let page = |wanted: &str| {
        let (_, page) = pages.iter().find(|(name, _)| *name == wanted).unwrap();
        page.0.clone()
    };
    assert!(page("patient-sandbox").contains("<body class=\"sandbox\">"));
    assert!(page("patient-sandbox").contains("Nothing on this page is a real record."));
    assert!(!page("patient").contains("class=\"sandbox\""));
}

#[test]
fn a_stopped_app_is_told_calmly_with_a_next_step() {
    use crate::pages::Stop;
    let stops = [
        Stop::ComputingTime,
        Stop::TookTooLong,
        Stop::Memory,
        Stop::TooMuchData,
        Stop::Failed,
        Stop::UnreadableScreen,
        Stop::Reported("no data".into()),
        Stop::Refused("It may not.".into()),
        Stop::Quarantined,
        Stop::Revoked,
        Stop::NotOffered,
        Stop::Expired,
        Stop::Closed,
        Stop::NoRelation,
        Stop::Busy,
        Stop::OurFault,
    ];
    for stop in stops {
        let (headline, sentence) = stop.sentence("Lab Viewer");
        assert!(sentence.ends_with(['.', '”']), "{stop:?}: {sentence}");
        let both = format!("{headline} {sentence}").to_lowercase();
        for word in [
            "panic",
            "trap",
            "fuel",
            "wasm",
            "exception",
            "error code",
            "denied",
        ] {
            assert!(!both.contains(word), "{stop:?} says {word}");
        }
    }
    let (_, page) = samples::pages()
        .into_iter()
        .find(|(name, _)| *name == "stopped")
        .unwrap();
    for wanted in [
        "Lab Viewer was stopped",
        "used more computing time than allowed",
        "record is unaffected",
        "Try again",
        "Back to chart",
    ] {
        assert!(page.0.contains(wanted), "{wanted}");
    }
}

#[test]
fn foreign_text_on_pages_is_escaped_and_made_visible() {
    let evil = "\u{202e}<script>alert(1)</script>";
    let mut frame = samples::app_frame(
        "x",
        crate::pages::FrameState::Stopped {
            why: crate::pages::Stop::Reported(evil.into()),
            again: None,
            reference: Some(evil.into()),
        },
    );
    frame.patient.name = evil.into();
    frame.patient.sex = Some(evil.into());
    frame.patient.mrn = Some(evil.into());
    frame.patient.birth_date = Some(evil.into());
    frame.app.name = evil.into();
    frame.app.publisher = evil.into();
    frame.calls[0].what = evil.into();
    frame.calls[0].at = evil.into();
    frame.calls[0].outcome.text = evil.into();
    let shell = crate::Shell {
        tenant: evil.into(),
        ..Default::default()
    };
    let page = frame.page(&shell).0;
    assert!(!page.contains("<script>") && !page.contains('\u{202e}'));
    assert!(page.contains("\u{fffd}&lt;script&gt;"));
}
