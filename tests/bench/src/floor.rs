//! The floor: the same guest on a bare engine, tuned, fuel and epoch on, with host
//! functions that do the least that the guest needs.

mod host;

use std::sync::mpsc;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, PoolingAllocationConfig, Store};

pub(crate) use host::Host;
use host::bindings::exports::glovebox::app::screen::Event;
use host::bindings::{ScreenApp, ScreenAppPre};

/// How often a guest is looked at: as often as ours.
const TICK: Duration = Duration::from_millis(1);
/// Never used up.
const FUEL: u64 = 200_000_000;

/// One guest, ready to run.
pub(crate) struct Floor {
    engine: Engine,
    pre: ScreenAppPre<Host>,
    /// Dropping it ends the ticker.
    _ticker: mpsc::Sender<()>,
}

/// What a bare screen was made of.
pub(crate) struct Bare {
    /// Nodes of its document.
    pub(crate) nodes: usize,
    /// Resources that the guest was given.
    pub(crate) rows: usize,
}

impl Floor {
    pub(crate) fn new(component: &[u8]) -> anyhow::Result<Self> {
        let engine = Engine::new(&tuned())?;
        let mut linker = Linker::new(&engine);
        ScreenApp::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        let component = Component::from_binary(&engine, component)?;
        let pre = ScreenAppPre::new(linker.instantiate_pre(&component)?)?;
        let (ticker, stop) = mpsc::channel::<()>();
        let weak = engine.weak();
        std::thread::spawn(move || {
            while let Err(mpsc::RecvTimeoutError::Timeout) = stop.recv_timeout(TICK) {
                let Some(engine) = weak.upgrade() else { return };
                engine.increment_epoch();
            }
        });
        Ok(Self {
            engine,
            pre,
            _ticker: ticker,
        })
    }

    fn store(&self, host: Host) -> anyhow::Result<Store<Host>> {
        let mut store = Store::new(&self.engine, host);
        store.set_fuel(FUEL)?;
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        Ok(store)
    }

    /// A store, an instance, and the drop of both.
    pub(crate) async fn instantiate(&self, host: Host) -> anyhow::Result<()> {
        let mut store = self.store(host)?;
        self.pre.instantiate_async(&mut store).await?;
        Ok(())
    }

    /// A screen from a fresh instance.
    pub(crate) async fn screen(&self, host: Host) -> anyhow::Result<Bare> {
        let mut store = self.store(host)?;
        let app = self.pre.instantiate_async(&mut store).await?;
        let answer = app
            .glovebox_app_screen()
            .call_handle(&mut store, &Event::Refreshed, &[])
            .await?;
        let screen = answer.map_err(|error| anyhow::anyhow!("the guest says: {error:?}"))?;
        Ok(Bare {
            nodes: screen.document.nodes.len(),
            rows: store.data().rows(),
        })
    }
}

/// As fast as this engine goes with a budget and a clock hand: pooled memory, 256 KiB of it
/// kept in place, no concurrency support.
fn tuned() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(256)
        .total_core_instances(2_048)
        .total_memories(512)
        .total_tables(1_024)
        .total_stacks(256)
        .max_memory_size(64 << 20)
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(64 << 10);
    let mut config = Config::new();
    config.consume_fuel(true);
    config.epoch_interruption(true);
    config.concurrency_support(false);
    config.allocation_strategy(pool);
    config
}
