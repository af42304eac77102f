//! From a core module and a manifest to a component.

use glovebox_model::manifest::{BYTES_MAX, Manifest, SECTION};
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::ComponentEncoder;

use crate::error::PackageError;
use crate::read::{COMPONENT_BYTES_MAX, surface};

/// Encodes a core module as a component, validates it, and puts the manifest inside.
///
/// No WASI adapter is linked: a module that imports WASI does not become a component
/// here, and one that imports nothing but `glovebox:` interfaces stays that way.
pub fn encode(core_module: &[u8], manifest: &Manifest) -> Result<Vec<u8>, PackageError> {
    let mut component = ComponentEncoder::default()
        .module(core_module)
        .map(|encoder| encoder.validate(true))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|problem| PackageError::Encode(format!("{problem:#}")))?;
    // a module without WIT metadata becomes an empty component
    if surface(&component)?.exports.is_empty() {
        return Err(PackageError::ExportsNothing);
    }
    let json = serde_json::to_vec(&manifest.written())
        .map_err(|problem| PackageError::ManifestUnreadable(problem.to_string()))?;
    if json.len() > BYTES_MAX {
        return Err(PackageError::ManifestTooLarge { bytes: json.len() });
    }
    let section = CustomSection {
        name: SECTION.into(),
        data: json.into(),
    };
    section.append_to_component(&mut component);
    if component.len() > COMPONENT_BYTES_MAX {
        return Err(PackageError::TooLarge {
            bytes: component.len(),
        });
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, ExportKind, ExportSection, Function, FunctionSection, Module, TypeSection,
    };
    use wit_component::{StringEncoding, embed_component_metadata};
    use wit_parser::Resolve;

    use super::*;

    fn manifest() -> Manifest {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../sample-apps/lab-viewer/glovebox-app.toml"
        );
        crate::manifest_toml(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// A module that exports the function `f` and says which world it is for.
    fn module(wit: &str) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut exports = ExportSection::new();
        exports.export("f", ExportKind::Func, 0);
        let mut body = Function::new([]);
        body.instructions().end();
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module.section(&types).section(&functions);
        module.section(&exports).section(&code);
        let mut module = module.finish();

        let mut resolve = Resolve::default();
        let package = resolve.push_str("app.wit", wit).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module
    }

    #[test]
    fn a_module_becomes_a_valid_component_that_reads_back() {
        let module = module("package a:b; world w { export f: func(); }");
        let component = encode(&module, &manifest()).unwrap();
        wasmparser::Validator::new()
            .validate_all(&component)
            .unwrap();
        let package = crate::read(&component).unwrap();
        assert_eq!(package.manifest, manifest());
        assert!(package.imports.is_empty());
        assert_eq!(package.exports, ["f"]);
    }

    #[test]
    fn what_is_no_module_of_an_app_is_refused_with_the_next_step() {
        for bytes in [b"".as_slice(), b"nonsense", b"\0asm\x01\0\0\0"] {
            let problem = encode(bytes, &manifest()).unwrap_err().to_string();
            assert!(problem.contains("glovebox_sdk::register!"), "{problem}");
        }
    }
}
