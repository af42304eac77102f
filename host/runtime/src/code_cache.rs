//! Compiled code on disk, sealed. It is native code: whoever can write it owns the
//! process, so it is believed only under a seal made with a key of this host, and the
//! bytes that were checked are the bytes that are used. It can be deleted at any time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};

use aws_lc_rs::hmac;
use cap_std::fs::{Dir, OpenOptions};
use glovebox_model::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

/// First bytes of a file; the number is the version of this format.
const MAGIC: &[u8; 8] = b"gbxcode1";
/// Version of the engine: a security fix must not leave code of the engine it fixed.
const ENGINE_VERSION: &str = "48.0.8";
/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
const TAG_BYTES: usize = 32;

/// The cache: a directory of its own and the sealing key.
pub struct CodeCache {
    dir: Dir,
    key: hmac::Key,
}

impl CodeCache {
    /// `key` seals the files; it must be secret and at least 32 bytes.
    pub fn new(dir: Dir, key: &[u8]) -> Self {
        Self {
            dir,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// The compiled form of a component, if it is there and genuine.
    pub(crate) fn load(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let file = self.dir.open(file_name(digest)).ok()?;
        if file.metadata().ok()?.len() > FILE_BYTES_MAX {
            return None;
        }
        let mut sealed = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut sealed).ok()?;
        let header = header(engine, digest);
        let code = match open(&self.key, &header, &sealed) {
            Opened::Genuine(code) => code,
            Opened::Stale => return None,
            Opened::Forged => {
                tracing::error!(%digest, "compiled code has a wrong seal: compiling again");
                return None;
            }
        };
        #[expect(unsafe_code, reason = "the one way to use compiled code again")]
        // SAFETY: `deserialize` trusts its bytes to come from `Component::serialize` of a
        // compatible engine. The seal over header and code was verified on this very
        // buffer with a key that only this host has, the header names the component, the
        // engine's version and its compatibility hash, and the buffer is not shared.
        let loaded = unsafe { Component::deserialize(engine, code) };
        loaded
            .inspect_err(|error| tracing::warn!(%digest, %error, "compiled code does not load: compiling again"))
            .ok()
    }

    /// Keeps the compiled form. Failing to is a loss of time only.
    pub(crate) fn store(&self, engine: &Engine, digest: &Digest, component: &Component) {
        let stored = component
            .serialize()
            .map_err(|error| error.to_string())
            .and_then(|code| {
                self.write(engine, digest, &code)
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = stored {
            tracing::warn!(%digest, %error, "compiled code was not kept");
        }
    }

    fn write(&self, engine: &Engine, digest: &Digest, code: &[u8]) -> std::io::Result<()> {
        let header = header(engine, digest);
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&header);
        context.update(code);
        let tag = context.sign();
        let (name, temporary) = (file_name(digest), format!("{digest}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = self.dir.open_with(&temporary, &options)?;
        for part in [header.as_slice(), tag.as_ref(), code] {
            file.write_all(part)?;
        }
        file.sync_all()?;
        self.dir.rename(&temporary, &self.dir, name)
    }
}

fn file_name(digest: &Digest) -> String {
    format!("{digest}.cwasm")
}

/// What the code was made from and for. Its length does not depend on its content.
fn header(engine: &Engine, digest: &Digest) -> Vec<u8> {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(digest.as_bytes());
    header.extend_from_slice(&hasher.finish().to_be_bytes());
    header.extend_from_slice(ENGINE_VERSION.as_bytes());
    header
}

enum Opened<'a> {
    Genuine(&'a [u8]),
    /// Made for another engine or component.
    Stale,
    Forged,
}

fn open<'a>(key: &hmac::Key, header: &[u8], sealed: &'a [u8]) -> Opened<'a> {
    let Some((found, rest)) = sealed.split_at_checked(header.len()) else {
        return Opened::Stale;
    };
    if found != header {
        return Opened::Stale;
    }
    let Some((tag, code)) = rest.split_at_checked(TAG_BYTES) else {
        return Opened::Forged;
    };
    let signed = [header, code].concat();
    match hmac::verify(key, &signed, tag) {
        Ok(()) => Opened::Genuine(code),
        Err(_) => Opened::Forged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_that_is_linked_is_the_engine_in_the_header() {
        let lock = include_str!("../../../Cargo.lock");
        let linked = format!("name = \"wasmtime\"\nversion = \"{ENGINE_VERSION}\"");
        assert!(
            lock.contains(&linked),
            "set ENGINE_VERSION to the version in Cargo.lock"
        );
    }

    #[test]
    fn a_flipped_byte_anywhere_is_not_run() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let (header, code) = (b"header".to_vec(), b"machine code".to_vec());
        let tag = hmac::sign(&key, &[header.clone(), code.clone()].concat());
        let sealed = [header.clone(), tag.as_ref().to_vec(), code.clone()].concat();
        assert!(matches!(open(&key, &header, &sealed), Opened::Genuine(found) if found == code));
        for position in 0..sealed.len() {
            let mut spoilt = sealed.clone();
            spoilt[position] ^= 1;
            assert!(
                !matches!(open(&key, &header, &spoilt), Opened::Genuine(_)),
                "{position}"
            );
        }
        let other = hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]);
        assert!(matches!(open(&other, &header, &sealed), Opened::Forged));
        assert!(matches!(open(&key, &header, b""), Opened::Stale));
    }
}
