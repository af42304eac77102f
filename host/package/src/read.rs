//! Reading a package: bytes from a stranger, so cheap checks come first and every
//! count is bounded.

use glovebox_model::Digest;
use glovebox_model::manifest::{BYTES_MAX, Manifest, SECTION, Written};
use wasmparser::{Encoding, Parser, Payload};

use crate::error::PackageError;

/// Largest component that is read, in bytes.
pub const COMPONENT_BYTES_MAX: usize = 8 << 20;
/// Most imports, and most exports, of a component; the widest world has ten.
const NAMES_MAX: usize = 64;
/// Longest import or export name, in bytes; the parser alone would accept 100,000.
const NAME_BYTES_MAX: usize = 200;

/// What a component says about itself. Nothing here is proof of anything: whether it
/// is valid, and may import what it imports, the registry's checks find out.
#[derive(Clone, Debug)]
pub struct Package {
    /// The embedded manifest.
    pub manifest: Manifest,
    /// SHA-256 of the component.
    pub digest: Digest,
    /// Names that the component imports from the host, in order.
    pub imports: Vec<String>,
    /// Names that it exports to the host, in order.
    pub exports: Vec<String>,
}

/// Reads manifest, digest and imports of a component.
pub fn read(component: &[u8]) -> Result<Package, PackageError> {
    if component.len() > COMPONENT_BYTES_MAX {
        return Err(PackageError::TooLarge {
            bytes: component.len(),
        });
    }
    check_magic(component)?;
    let Surface {
        manifest,
        imports,
        exports,
    } = surface(component)?;
    Ok(Package {
        manifest: parse_manifest(manifest.ok_or(PackageError::NoManifest)?)?,
        digest: crate::digest(component),
        imports,
        exports,
    })
}

fn check_magic(bytes: &[u8]) -> Result<(), PackageError> {
    if Parser::is_component(bytes) {
        return Ok(());
    }
    Err(if Parser::is_core_wasm(bytes) {
        PackageError::CoreModule
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        PackageError::Gzip
    } else if bytes.starts_with(b"\x7fELF") {
        // wasmtime's compiled artifacts are ELF files
        PackageError::Precompiled
    } else if bytes.trim_ascii_start().starts_with(b"(") {
        PackageError::Text
    } else {
        PackageError::NotWasm
    })
}

/// What stands at the top level of a component.
#[derive(Default)]
pub(crate) struct Surface<'a> {
    manifest: Option<&'a [u8]>,
    imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Collects the top level. Nested modules and components are passed over: their custom
/// sections and imports are not the component's own.
pub(crate) fn surface(component: &[u8]) -> Result<Surface<'_>, PackageError> {
    let mut found = Surface::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(damaged)? {
            Payload::Version {
                num,
                encoding,
                range,
            } => {
                depth += 1;
                if depth == 1 && encoding != Encoding::Component {
                    return Err(PackageError::Damaged {
                        offset: offset(range.start),
                        problem: format!("version {num} is not a component"),
                    });
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                add_manifest(&mut found.manifest, section.data())?;
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    add_name(&mut found.imports, import.map_err(damaged)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    add_name(&mut found.exports, export.map_err(damaged)?.name.name)?;
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn add_manifest<'a>(
    manifest: &mut Option<&'a [u8]>,
    section: &'a [u8],
) -> Result<(), PackageError> {
    match manifest.replace(section) {
        Some(_) => Err(PackageError::SeveralManifests),
        None => Ok(()),
    }
}

fn add_name(names: &mut Vec<String>, name: &str) -> Result<(), PackageError> {
    if name.len() > NAME_BYTES_MAX {
        return Err(PackageError::NameTooLong {
            bytes: name.len(),
            max: NAME_BYTES_MAX,
        });
    }
    if names.len() >= NAMES_MAX {
        return Err(PackageError::TooManyNames { max: NAMES_MAX });
    }
    names.push(name.to_owned());
    Ok(())
}

fn parse_manifest(json: &[u8]) -> Result<Manifest, PackageError> {
    if json.len() > BYTES_MAX {
        return Err(PackageError::ManifestTooLarge { bytes: json.len() });
    }
    let written: Written = serde_json::from_slice(json)
        .map_err(|problem| PackageError::ManifestUnreadable(problem.to_string()))?;
    Ok(Manifest::check(&written)?)
}

fn damaged(problem: wasmparser::BinaryReaderError) -> PackageError {
    PackageError::Damaged {
        offset: offset(problem.offset()),
        // the text may quote names from the file
        problem: problem.message().escape_debug().take(200).collect(),
    }
}

fn offset(position: impl TryInto<u64>) -> u64 {
    position.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
