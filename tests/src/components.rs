//! Components that vendors send: sound ones under another name, and spoiled ones.

use glovebox_model::manifest::SECTION;
use serde_json::Value;
use wasm_encoder::{
    ComponentImportSection, ComponentSection as _, ComponentTypeRef, ComponentTypeSection,
    CustomSection, Encode as _, InstanceType, Module,
};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::guests;

/// A sample app whose manifest was changed.
pub fn with_manifest(app: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let component = guests::component(app);
    let package = glovebox_package::read(&component).unwrap();
    let mut manifest = serde_json::to_value(package.manifest.written()).unwrap();
    change(&mut manifest);
    let mut bytes = without_manifest(&component);
    let section = CustomSection {
        name: SECTION.into(),
        data: serde_json::to_vec(&manifest).unwrap().into(),
    };
    section.append_to_component(&mut bytes);
    bytes
}

/// A sample app under another id and version, of the publisher of the sample apps.
pub fn renamed(app: &str, id: &str, version: &str) -> Vec<u8> {
    with_manifest(app, |manifest| {
        manifest["id"] = id.into();
        manifest["version"] = version.into();
    })
}

/// A sample app that imports sockets as well.
pub fn with_sockets(app: &str) -> Vec<u8> {
    let mut bytes = guests::component(app);
    let types = Validator::new_with_features(WasmFeatures::all())
        .validate_all(&bytes)
        .unwrap();
    let mut instance = ComponentTypeSection::new();
    instance.instance(&InstanceType::new());
    instance.append_to_component(&mut bytes);
    let mut import = ComponentImportSection::new();
    import.import(
        "wasi:sockets/tcp@0.2.0",
        ComponentTypeRef::Instance(types.as_ref().component_type_count()),
    );
    import.append_to_component(&mut bytes);
    bytes
}

/// A core module: what a compiler writes before it is made a component.
pub fn core_module() -> Vec<u8> {
    Module::new().finish()
}

/// The component without its manifest, which is a custom section at its outermost level.
fn without_manifest(component: &[u8]) -> Vec<u8> {
    let mut kept = component.get(..8).unwrap().to_vec();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.unwrap();
        match &payload {
            Payload::ModuleSection {
                unchecked_range, ..
            }
            | Payload::ComponentSection {
                unchecked_range, ..
            } => {
                if depth == 0 {
                    let id = if matches!(payload, Payload::ModuleSection { .. }) {
                        1
                    } else {
                        4
                    };
                    section(&mut kept, id, &component[unchecked_range.clone()]);
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(custom) if depth == 0 && custom.name() == SECTION => {}
            other => {
                if depth == 0
                    && let Some((id, range)) = other.as_section()
                {
                    section(&mut kept, id, &component[range]);
                }
            }
        }
    }
    kept
}

fn section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    content.len().encode(out);
    out.extend_from_slice(content);
}
