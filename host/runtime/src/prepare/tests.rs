use wasm_encoder::ValType;

use super::*;
use crate::guest::Guest;
use crate::house::{sealed_cache, small};

/// A component that imports one instance of this name, without content.
fn importing(name: &str) -> Vec<u8> {
    use wasm_encoder::{
        Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType,
    };
    let (mut types, mut imports) = (ComponentTypeSection::new(), ComponentImportSection::new());
    types.instance(&InstanceType::new());
    imports.import(name, ComponentTypeRef::Instance(0));
    let mut component = Component::new();
    component.section(&types).section(&imports);
    component.finish()
}

#[tokio::test]
async fn a_component_that_imports_what_it_may_is_prepared_once() {
    let preparer = Preparer::new(small(), None).unwrap();
    let guest = Guest {
        imports: vec![("glovebox:host/clock", "now", vec![ValType::I32], vec![])],
        ..Guest::default()
    };
    let bytes = guest.build();
    let prepared = preparer.prepare(&bytes).await.unwrap();
    let powers = prepared
        .imports()
        .iter()
        .filter(|import| !import.words.is_empty());
    let names: Vec<_> = powers.map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["glovebox:host/clock@0.1.0"]);
    assert!(Arc::ptr_eq(
        &prepared,
        &preparer.prepare(&bytes).await.unwrap()
    ));
    assert!(preparer.prepared(&prepared.digest()).is_some());
    preparer.forget(&prepared.digest());
    assert!(preparer.prepared(&prepared.digest()).is_none());
}

#[tokio::test]
async fn every_other_import_is_refused_by_name() {
    let preparer = Preparer::new(small(), None).unwrap();
    for (import, text) in [
        (
            "wasi:sockets/tcp@0.2.0",
            "imports wasi:sockets/tcp@0.2.0, which no app may use",
        ),
        (
            "wasi:filesystem/types@0.2.6",
            "imports wasi:filesystem/types@0.2.6, which no app may use",
        ),
        (
            "wasi:http/outgoing-handler@0.2.0",
            "imports wasi:http/outgoing-handler@0.2.0, which no app may use",
        ),
        (
            "other:pkg/thing@1.0.0",
            "imports other:pkg/thing@1.0.0, which no app may use",
        ),
        (
            "glovebox:fhir/read@9.9.9",
            "imports glovebox:fhir/read@9.9.9, this host has version 0.1.0",
        ),
        (
            "glovebox:fhir/read",
            "imports glovebox:fhir/read, this host has version 0.1.0",
        ),
    ] {
        let refused = preparer.prepare(&importing(import)).await.unwrap_err();
        assert_eq!(refused.code(), "forbidden-import");
        assert_eq!(refused.to_string(), text);
    }
}

#[tokio::test]
async fn an_import_that_is_no_interface_is_refused() {
    use wasm_encoder::{Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection};
    let preparer = Preparer::new(small(), None).unwrap();
    let (mut types, mut imports) = (ComponentTypeSection::new(), ComponentImportSection::new());
    types
        .function()
        .params::<[(&str, wasm_encoder::ComponentValType); 0], _>([])
        .result(None);
    imports.import("glovebox:fhir/read@0.1.0", ComponentTypeRef::Func(0));
    let mut component = Component::new();
    component.section(&types).section(&imports);
    let refused = preparer.prepare(&component.finish()).await.unwrap_err();
    assert!(
        matches!(&refused, PrepareError::Imports(problems) if matches!(problems.first(), Some(ImportProblem::NotAnInterface(_, "function"))))
            || matches!(&refused, PrepareError::Invalid(_)),
        "{refused}"
    );
}

#[tokio::test]
async fn what_is_not_a_screen_component_is_refused_with_the_next_step() {
    let preparer = Preparer::new(
        RuntimeSettings {
            component_bytes_max: 1 << 20,
            ..small()
        },
        None,
    )
    .unwrap();
    let module = b"\0asm\x01\0\0\0".to_vec();
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    let (mut cut, mut large) = (Guest::default().build(), empty.clone());
    cut.truncate(cut.len() / 2);
    large.resize((1 << 20) + 1, 0);
    for (name, bytes, code) in [
        ("core module", module, "core-module"),
        ("text", b"(component)".to_vec(), "not-webassembly"),
        ("nothing", Vec::new(), "not-webassembly"),
        ("without exports", empty, "missing-export"),
        ("cut", cut, "invalid-component"),
        ("too large", large, "too-large"),
        (
            "much memory",
            Guest {
                pages: 1_025,
                ..Guest::default()
            }
            .build(),
            "too-many-resources",
        ),
    ] {
        let refused = preparer.prepare(&bytes).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}: {refused}");
    }
    let refused = preparer.prepare(b"\0asm\x01\0\0\0").await.unwrap_err();
    assert!(refused.to_string().contains("run `glovebox app build`"));
}

#[tokio::test]
async fn compiled_code_is_used_again_and_never_when_it_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Guest::default().build();
    let prepare = || async {
        let preparer = Preparer::new(small(), Some(sealed_cache(dir.path()))).unwrap();
        preparer.prepare(&bytes).await.unwrap().compile_time()
    };
    assert!(prepare().await.is_some());
    assert!(prepare().await.is_none(), "the second start compiles again");
    let file = std::fs::read_dir(dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut code = std::fs::read(&file).unwrap();
    let last = code.len() - 1;
    code[last] ^= 1;
    std::fs::write(&file, code).unwrap();
    assert!(prepare().await.is_some(), "changed code was used");
    assert!(
        prepare().await.is_none(),
        "the changed file was not replaced"
    );
}
