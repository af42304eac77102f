//! The one engine: which WebAssembly is accepted, how it is bounded, and the clock hand
//! that interrupts it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::{
    Config, Engine, EngineWeak, PoolingAllocationConfig, WasmBacktraceDetails, WasmFeatures as F,
};

use crate::settings::RuntimeSettings;

/// Proposals that no app gets. Rust guests need none of them, and most advisories against
/// the engine sit in them.
pub(crate) const REFUSED_PROPOSALS: [(&str, F); 22] = [
    ("threads", F::THREADS),
    ("shared-everything-threads", F::SHARED_EVERYTHING_THREADS),
    ("gc-types", F::GC_TYPES),
    ("gc", F::GC),
    ("function-references", F::FUNCTION_REFERENCES),
    ("exceptions", F::EXCEPTIONS),
    ("legacy-exceptions", F::LEGACY_EXCEPTIONS),
    ("tail-call", F::TAIL_CALL),
    ("memory64", F::MEMORY64),
    ("multi-memory", F::MULTI_MEMORY),
    ("relaxed-simd", F::RELAXED_SIMD),
    ("stack-switching", F::STACK_SWITCHING),
    ("custom-page-sizes", F::CUSTOM_PAGE_SIZES),
    ("wide-arithmetic", F::WIDE_ARITHMETIC),
    ("component-async", F::CM_ASYNC),
    ("component-threading", F::CM_THREADING),
    ("component-error-context", F::CM_ERROR_CONTEXT),
    ("component-gc", F::CM_GC),
    ("component-map", F::CM_MAP),
    ("component-64", F::CM64),
    ("component-fixed-length-lists", F::CM_FIXED_LENGTH_LISTS),
    ("component-implements", F::CM_IMPLEMENTS),
];

/// Largest linear memory that the pool holds, in bytes; also what bounds the longest
/// uninterruptible `memory.fill`.
pub(crate) const POOLED_MEMORY_BYTES_MAX: usize = 64 << 20;
/// Deepest guest stack, in bytes.
const WASM_STACK_BYTES_MAX: usize = 512 << 10;
/// Stack of a call: the guest's and what host functions need on top of it, in bytes.
const CALL_STACK_BYTES: usize = 2 << 20;
/// How often running guests are looked at.
const TICK: Duration = Duration::from_millis(1);
/// A ticker that was silent for so long is dead: without it no deadline holds.
const HEARTBEAT_STALE_AFTER: Duration = Duration::from_millis(500);

/// The engine, its ticker and how memory is handed out.
pub(crate) struct SandboxEngine {
    engine: Engine,
    pooling: bool,
    heartbeat: Arc<Heartbeat>,
    /// Dropping it ends the ticker.
    _ticker: mpsc::Sender<()>,
}

/// When the ticker last ticked.
pub(crate) struct Heartbeat {
    start: Instant,
    last_us: AtomicU64,
}

impl Heartbeat {
    fn beat(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_us.store(elapsed, Ordering::Relaxed);
    }

    fn is_stale(&self) -> bool {
        let last = Duration::from_micros(self.last_us.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(last) > HEARTBEAT_STALE_AFTER
    }
}

impl SandboxEngine {
    /// Builds the engine, with pooled memory where the address space allows it (the attempt
    /// is the probe), and starts its ticker.
    pub(crate) fn new(settings: &RuntimeSettings) -> wasmtime::Result<Self> {
        let pooled = if settings.pooling {
            match Engine::new(config().allocation_strategy(pool(settings))) {
                Ok(engine) => Some(engine),
                Err(error) => {
                    tracing::warn!(%error, "no address space for pooled memory: using memory on demand");
                    None
                }
            }
        } else {
            None
        };
        let pooling = pooled.is_some();
        let engine = match pooled {
            Some(engine) => engine,
            None => Engine::new(&config())?,
        };
        let heartbeat = Arc::new(Heartbeat {
            start: Instant::now(),
            last_us: AtomicU64::new(0),
        });
        let (ticker, stop) = mpsc::channel();
        let (weak, beats) = (engine.weak(), Arc::clone(&heartbeat));
        std::thread::Builder::new()
            .name("epoch-ticker".to_owned())
            .spawn(move || tick(&weak, &beats, &stop))
            .map_err(|error| wasmtime::Error::from(error).context("cannot start the ticker"))?;
        Ok(Self {
            engine,
            pooling,
            heartbeat,
            _ticker: ticker,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether memory comes from the pool.
    pub(crate) fn is_pooling(&self) -> bool {
        self.pooling
    }

    /// Whether deadlines hold. Nothing is started when they do not.
    pub(crate) fn is_ticking(&self) -> bool {
        !self.heartbeat.is_stale()
    }
}

fn tick(engine: &EngineWeak, heartbeat: &Heartbeat, stop: &mpsc::Receiver<()>) {
    while let Err(mpsc::RecvTimeoutError::Timeout) = stop.recv_timeout(TICK) {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        engine.increment_epoch();
        heartbeat.beat();
    }
}

/// What runs and how it is stopped. Memory reservation, guards and copy-on-write images
/// keep their defaults on purpose: they are what the bounds checks rest on.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.consume_fuel(true);
    config.epoch_interruption(true);
    for (_, proposal) in REFUSED_PROPOSALS {
        config.wasm_features(proposal, false);
    }
    config.concurrency_support(false);
    config.cranelift_nan_canonicalization(true);
    config.max_wasm_stack(WASM_STACK_BYTES_MAX);
    config.async_stack_size(CALL_STACK_BYTES);
    // pooled stacks are used again by other apps, and patient data was on them
    config.async_stack_zeroing(true);
    config.wasm_backtrace_max_frames(NonZeroUsize::new(16));
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.native_unwind_info(false);
    config
}

fn pool(settings: &RuntimeSettings) -> PoolingAllocationConfig {
    let instances = settings.concurrent_calls_max.max(1);
    let mut pool = PoolingAllocationConfig::new();
    // a componentised Rust guest is two to four core instances: main, shim, fix-up
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances)
        .max_core_instances_per_component(16)
        .max_memories_per_component(2)
        .max_tables_per_component(8)
        .max_memories_per_module(1)
        .max_tables_per_module(4)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(20_000)
        .max_memory_size(POOLED_MEMORY_BYTES_MAX)
        // about the working set of a screen: the next call finds its pages in place
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(64 << 10)
        .async_stack_keep_resident(64 << 10)
        .max_unused_warm_slots(32)
        .decommit_batch_size(1);
    pool
}

#[cfg(test)]
mod tests;
