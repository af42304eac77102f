//! One part of a call at a time, for the benchmarks. Behind the feature `bench`, because
//! nobody else may run a guest outside [`crate::Screens`].

use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::Store;

use crate::call::{Fuel, instantiate};
use crate::error::RunError;
use crate::prepare::Prepared;
use crate::runtime::Runtime;
use crate::screens::ScreenLaunch;
use crate::state::{CallEnv, CallState};
use crate::stop::{Kill, Stop};
use crate::trap::classify;

/// A call that is set up once, to make instances from.
pub struct Instances {
    runtime: Runtime,
    prepared: Arc<Prepared>,
    env: Arc<CallEnv>,
}

impl Instances {
    /// Registers the launch with the fence, as a call does.
    ///
    /// # Errors
    /// If what the launch holds was revoked.
    pub fn new(runtime: &Runtime, launch: ScreenLaunch) -> Result<Self, RunError> {
        let services = Arc::clone(&runtime.parts().services);
        let pass = services
            .fence
            .enter(&launch.held)
            .map_err(|revoked| RunError::Terminated(revoked.reason))?;
        let stop = Stop {
            pass,
            kill: Arc::new(Kill::default()),
            deadline: Instant::now() + launch.limits.wall(),
            host_call: launch.limits.host_call(),
        };
        Ok(Self {
            runtime: runtime.clone(),
            prepared: launch.prepared,
            env: Arc::new(CallEnv {
                services,
                session: launch.session,
                context: Arc::new(launch.context),
                storage_granted: launch.storage_granted,
                limits: launch.limits,
                stop,
            }),
        })
    }

    /// A fresh store with every limit armed, an instance in it, and the drop of both.
    ///
    /// # Errors
    /// How the instantiation ended.
    pub async fn one(&self) -> Result<(), RunError> {
        let engine = self.runtime.parts().preparer.sandbox().engine();
        let state = CallState::new(Arc::clone(&self.env));
        let mut store = Store::try_new(engine, state).map_err(|error| classify(&error))?;
        let made = instantiate(&mut store, &self.prepared, &self.env, &mut Fuel::default()).await;
        made.map(drop).map_err(|error| classify(&error))
    }
}
