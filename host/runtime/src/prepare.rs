//! From bytes to something that can run: what a component may import is checked by name
//! and by exact type before anything of it is executed.

mod error;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use dashmap::DashMap;
use glovebox_model::Digest;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use crate::bindings::ScreenAppPre;
use crate::code_cache::CodeCache;
use crate::engine::{POOLED_MEMORY_BYTES_MAX, SandboxEngine};
use crate::imports::{self, ALLOWED};
use crate::settings::RuntimeSettings;
use crate::state::CallState;

pub use error::{EngineError, ImportProblem, PrepareError};

/// First bytes of a component.
const COMPONENT_MAGIC: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// First bytes of a core module.
const MODULE_MAGIC: [u8; 8] = *b"\0asm\x01\0\0\0";
/// Components that are compiled at once: the code generator fills a core, and those who
/// use apps need some too. Others wait.
const COMPILING_MAX: usize = 2;
/// Most imports of a component.
const IMPORTS_MAX: usize = 64;

/// One import of a prepared component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// As the component names it, such as `glovebox:fhir/read@0.1.0`.
    pub name: String,
    /// What it lets the app do; empty for interfaces that only hold types.
    pub words: &'static str,
}

/// A component that was checked, compiled and linked. It is shared by all its calls.
pub struct Prepared {
    digest: Digest,
    imports: Vec<Import>,
    pub(crate) pre: ScreenAppPre<CallState>,
    compile_time: Option<Duration>,
}

impl Prepared {
    /// SHA-256 of the component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The app's greatest power: what is not here it cannot do.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// How long compiling took; `None` if compiled code was at hand.
    pub fn compile_time(&self) -> Option<Duration> {
        self.compile_time
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// Checks, compiles and links components. Needs no patient data: a check without a server
/// uses the same.
#[derive(Clone)]
pub struct Preparer {
    inner: Arc<Inner>,
}

struct Inner {
    engine: SandboxEngine,
    linker: Linker<CallState>,
    cache: Option<CodeCache>,
    prepared: DashMap<Digest, Arc<Prepared>>,
    compiling: Arc<Semaphore>,
    settings: RuntimeSettings,
}

impl Preparer {
    /// Builds the engine and the linker.
    ///
    /// # Errors
    /// The text of the engine's own error: the machine cannot run it.
    pub fn new(settings: RuntimeSettings, cache: Option<CodeCache>) -> Result<Self, EngineError> {
        let engine = SandboxEngine::new(&settings).map_err(EngineError::from)?;
        let linker = imports::linker(engine.engine()).map_err(EngineError::from)?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                linker,
                cache,
                prepared: DashMap::new(),
                compiling: Arc::new(Semaphore::new(COMPILING_MAX)),
                settings,
            }),
        })
    }

    /// Makes a component ready to run; an equal one is compiled once.
    ///
    /// # Errors
    /// Why it cannot run here, for its author.
    pub async fn prepare(&self, bytes: &[u8]) -> Result<Arc<Prepared>, PrepareError> {
        let max = self.inner.settings.component_bytes_max;
        if bytes.len() > max {
            return Err(PrepareError::TooLarge {
                size: bytes.len(),
                max,
            });
        }
        if bytes.starts_with(&MODULE_MAGIC) {
            return Err(PrepareError::CoreModule);
        }
        if !bytes.starts_with(&COMPONENT_MAGIC) || Engine::detect_precompiled(bytes).is_some() {
            return Err(PrepareError::NotWebAssembly);
        }
        let digest = sha256(bytes);
        if let Some(prepared) = self.prepared(&digest) {
            return Ok(prepared);
        }
        let turn = Arc::clone(&self.inner.compiling).acquire_owned().await;
        let turn = turn.map_err(|_| PrepareError::CompilerFailed)?;
        // Somebody who waited for the same one need not compile it again.
        if let Some(prepared) = self.prepared(&digest) {
            return Ok(prepared);
        }
        let (inner, bytes) = (Arc::clone(&self.inner), bytes.to_vec());
        let work = tokio::task::spawn_blocking(move || {
            let prepared = inner.prepare(&digest, &bytes);
            // The turn ends with the work, also when nobody waits for it any more.
            drop(turn);
            prepared
        });
        let prepared = Arc::new(work.await.map_err(|_| PrepareError::CompilerFailed)??);
        self.inner.make_room();
        self.inner.prepared.insert(digest, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// A component that was prepared before, by its digest.
    pub fn prepared(&self, digest: &Digest) -> Option<Arc<Prepared>> {
        self.inner
            .prepared
            .get(digest)
            .map(|found| Arc::clone(&found))
    }

    /// Forgets a component: calls that run keep it until they end.
    pub fn forget(&self, digest: &Digest) {
        self.inner.prepared.remove(digest);
    }

    /// Whether calls get their memory from the pool.
    pub fn is_pooling(&self) -> bool {
        self.inner.engine.is_pooling()
    }

    pub(crate) fn sandbox(&self) -> &SandboxEngine {
        &self.inner.engine
    }
}

impl Inner {
    fn make_room(&self) {
        if self.prepared.len() < self.settings.prepared_max {
            return;
        }
        // what nobody else holds has no session open in this process
        let idle = self
            .prepared
            .iter()
            .find(|entry| Arc::strong_count(entry.value()) == 1);
        let idle = idle.map(|entry| *entry.key());
        if let Some(digest) = idle {
            self.prepared.remove(&digest);
        }
    }

    fn prepare(&self, digest: &Digest, bytes: &[u8]) -> Result<Prepared, PrepareError> {
        let engine = self.engine.engine();
        let cached = self
            .cache
            .as_ref()
            .and_then(|cache| cache.load(engine, digest));
        let (component, compile_time) = match cached {
            Some(component) => (component, None),
            None => {
                let start = Instant::now();
                let component =
                    Component::from_binary(engine, bytes).map_err(|error| invalid(&error))?;
                (component, Some(start.elapsed()))
            }
        };
        let imports = check_imports(engine, &component)?;
        check_resources(&component)?;
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(|error| PrepareError::WrongType(short(&error)))?;
        let pre = ScreenAppPre::new(pre).map_err(|error| PrepareError::Exports(short(&error)))?;
        if let (Some(cache), Some(_)) = (&self.cache, compile_time) {
            cache.store(engine, digest, &component);
        }
        Ok(Prepared {
            digest: *digest,
            imports,
            pre,
            compile_time,
        })
    }
}

/// The engine's error as one bounded line: names in a component may be very long.
fn short(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(400)
        .collect()
}

/// Where memory is pooled, the engine itself refuses what would not fit into a slot.
fn invalid(error: &wasmtime::Error) -> PrepareError {
    let text = short(error);
    if text.contains("pooling allocator") {
        PrepareError::Resources(text)
    } else {
        PrepareError::Invalid(text)
    }
}

fn check_imports(engine: &Engine, component: &Component) -> Result<Vec<Import>, PrepareError> {
    let ty = component.component_type();
    let (mut imports, mut problems) = (Vec::new(), Vec::new());
    for (name, import) in ty.imports(engine).take(IMPORTS_MAX + 1) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
        if import.implements.is_some() || import.external_id.is_some() {
            problems.push(ImportProblem::NotAllowed(shown));
            continue;
        }
        let (base, version) = name.split_once('@').unwrap_or((name, ""));
        match ALLOWED.iter().find(|allowed| allowed.name == base) {
            None => problems.push(ImportProblem::NotAllowed(shown)),
            Some(allowed) if allowed.version != version => {
                problems.push(ImportProblem::OtherVersion {
                    import: shown,
                    supported: allowed.version,
                })
            }
            Some(allowed) => match kind(&import.ty) {
                None => imports.push(Import {
                    name: shown,
                    words: allowed.words,
                }),
                Some(kind) => problems.push(ImportProblem::NotAnInterface(shown, kind)),
            },
        }
    }
    if imports.len() + problems.len() > IMPORTS_MAX {
        return Err(PrepareError::Resources(format!(
            "more than {IMPORTS_MAX} imports"
        )));
    }
    if problems.is_empty() {
        Ok(imports)
    } else {
        Err(PrepareError::Imports(problems))
    }
}

/// What an import is; `None` for an interface, which is as it should be.
fn kind(item: &ComponentItem) -> Option<&'static str> {
    match item {
        ComponentItem::ComponentInstance(_) => None,
        ComponentItem::ComponentFunc(_) => Some("function"),
        ComponentItem::CoreFunc(_) => Some("core function"),
        ComponentItem::Module(_) => Some("core module"),
        ComponentItem::Component(_) => Some("component"),
        ComponentItem::Type(_) => Some("type"),
        ComponentItem::Resource(_) => Some("resource"),
    }
}

fn check_resources(component: &Component) -> Result<(), PrepareError> {
    let Some(needed) = component.resources_required() else {
        return Err(PrepareError::Resources(
            "it instantiates modules that it imports".to_owned(),
        ));
    };
    let memory = needed.max_initial_memory_size.unwrap_or(0);
    if memory > u64::try_from(POOLED_MEMORY_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(PrepareError::Resources(format!("{memory} bytes of memory")));
    }
    if needed.num_memories > 2 || needed.num_tables > 8 {
        return Err(PrepareError::Resources(format!(
            "{} memories and {} tables, at most 2 and 8",
            needed.num_memories, needed.num_tables
        )));
    }
    if needed
        .max_initial_table_size
        .is_some_and(|elements| elements > 20_000)
    {
        return Err(PrepareError::Resources(
            "a table of more than 20000 elements".to_owned(),
        ));
    }
    Ok(())
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let hash = digest(&SHA256, bytes);
    Digest::from_bytes(hash.as_ref().try_into().unwrap_or([0; 32]))
}

#[cfg(test)]
mod tests;
