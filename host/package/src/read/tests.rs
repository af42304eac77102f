use glovebox_model::manifest::{InvalidManifest, WrittenScope};
use wasm_encoder::{
    Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, CustomSection,
    InstanceType, Module, ModuleSection, NestedComponentSection,
};

use super::*;

fn written() -> Written {
    Written {
        id: "lab-viewer".into(),
        name: "Lab Viewer".into(),
        purpose: "Shows results".into(),
        publisher: "northlake-health".into(),
        publisher_name: "Northlake Health".into(),
        version: "1.0.0".into(),
        category: "results".into(),
        security_contact: "mailto:security@northlake.example".into(),
        scopes: vec![WrittenScope {
            scope: "patient/Observation.rs".into(),
            why: "To draw the trend".into(),
        }],
        storage: false,
        limits: Default::default(),
    }
}

fn json(written: &Written) -> Vec<u8> {
    serde_json::to_vec(written).unwrap()
}

/// A component that holds these manifests and imports these instances.
fn component(manifests: &[&[u8]], imports: &[&str]) -> Vec<u8> {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut section = ComponentImportSection::new();
    for name in imports {
        section.import(*name, ComponentTypeRef::Instance(0));
    }
    component.section(&section);
    for manifest in manifests {
        component.section(&CustomSection {
            name: SECTION.into(),
            data: (*manifest).into(),
        });
    }
    component.finish()
}

#[test]
fn a_component_tells_its_manifest_digest_and_imports() {
    let bytes = component(
        &[&json(&written())],
        &["glovebox:fhir/read@0.1.0", "glovebox:host/log@0.1.0"],
    );
    let package = read(&bytes).unwrap();
    assert_eq!(package.manifest, Manifest::check(&written()).unwrap());
    assert_eq!(package.digest, crate::digest(&bytes));
    assert_eq!(
        package.imports,
        ["glovebox:fhir/read@0.1.0", "glovebox:host/log@0.1.0"]
    );
}

#[test]
fn what_is_no_component_is_told_apart_before_anything_is_parsed() {
    for (bytes, words) in [
        (
            b"\0asm\x01\0\0\0".to_vec(),
            "this is a core module; run `glovebox app build`",
        ),
        (vec![0x1f, 0x8b, 8, 0], "gzip"),
        (b"\x7fELF\x02".to_vec(), "precompiled"),
        (b"\n (component)".to_vec(), "text"),
        (b"".to_vec(), "not a WebAssembly component"),
        (b"\0asm".to_vec(), "not a WebAssembly component"),
        (vec![0; COMPONENT_BYTES_MAX + 1], "at most 8388608"),
    ] {
        let problem = read(&bytes).unwrap_err().to_string();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn exactly_one_manifest_at_the_top_level_counts() {
    let manifest = json(&written());
    let none = read(&component(&[], &[])).unwrap_err();
    assert!(matches!(none, PackageError::NoManifest), "{none}");
    let two = read(&component(&[&manifest, &manifest], &[])).unwrap_err();
    assert!(matches!(two, PackageError::SeveralManifests), "{two}");

    let section = CustomSection {
        name: SECTION.into(),
        data: manifest.as_slice().into(),
    };
    let mut inner = Component::new();
    inner.section(&section);
    let mut module = Module::new();
    module.section(&section);
    let mut outer = Component::new();
    outer.section(&NestedComponentSection(&inner));
    outer.section(&ModuleSection(&module));
    let nested = read(&outer.finish()).unwrap_err();
    assert!(matches!(nested, PackageError::NoManifest), "{nested}");
}

#[test]
fn imports_of_a_nested_component_are_not_its_own() {
    let inner = component(&[], &["wasi:sockets/tcp@0.2.6"]);
    let mut outer = component(&[&json(&written())], &[]);
    let nested = wasm_encoder::RawSection {
        id: 4,
        data: &inner,
    };
    wasm_encoder::ComponentSection::append_to_component(&nested, &mut outer);
    assert!(read(&outer).unwrap().imports.is_empty());
}

#[test]
fn a_bad_manifest_is_named() {
    let mut wrong = written();
    wrong.version = "1".into();
    let problem = read(&component(&[&json(&wrong)], &[])).unwrap_err();
    assert!(
        matches!(&problem, PackageError::Manifest(InvalidManifest { field, .. }) if field == "version"),
        "{problem}"
    );
    let unknown = br#"{"id":"a","surprise":1}"#;
    for (manifest, words) in [
        (unknown.as_slice(), "unknown field `surprise`"),
        (b"nonsense", "cannot be read"),
        (&vec![b' '; BYTES_MAX + 1], "at most 65536"),
    ] {
        let problem = read(&component(&[manifest], &[])).unwrap_err().to_string();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn names_and_counts_are_bounded() {
    let long = format!("glovebox:{}/x", "a".repeat(NAME_BYTES_MAX));
    let problem = read(&component(&[&json(&written())], &[&long])).unwrap_err();
    assert!(
        matches!(problem, PackageError::NameTooLong { .. }),
        "{problem}"
    );
    let names: Vec<String> = (0..=NAMES_MAX).map(|i| format!("a:b/c{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let problem = read(&component(&[&json(&written())], &names)).unwrap_err();
    assert!(
        matches!(problem, PackageError::TooManyNames { .. }),
        "{problem}"
    );
}

#[test]
fn a_cut_or_flipped_component_is_an_error_and_never_a_panic() {
    let whole = component(&[&json(&written())], &["glovebox:fhir/read@0.1.0"]);
    for end in 8..whole.len() {
        let _ = read(&whole[..end]);
    }
    assert!(read(&whole[..whole.len() - 1]).is_err());
    for position in 8..whole.len() {
        for bit in [1, 0x80] {
            let mut flipped = whole.clone();
            flipped[position] ^= bit;
            let _ = read(&flipped);
        }
    }
}
