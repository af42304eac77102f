//! One call into a guest: a fresh store, every limit armed before the first instruction
//! of the guest, a task of its own, and an entry in the ledger however it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use glovebox_database::fence::Held;
use glovebox_gateway::Session;
use glovebox_model::launch::LaunchContext;
use glovebox_model::ledger::{Event as Entry, Kind, Outcome};
use glovebox_model::limits::Limits;
use glovebox_model::view::{Event, ValidDocument};
use tokio::time::Instant;
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::bindings::{ScreenApp, WitAppError, WitScreen, view};
use crate::error::RunError;
use crate::prepare::Prepared;
use crate::runtime::Runtime;
use crate::state::{CallEnv, CallState};
use crate::stop::{Kill, Stop, Stopped};
use crate::trap::classify;
use crate::usage::Usage;

/// How long after the deadline a call that did not notice it is dropped.
const DEADLINE_GRACE: Duration = Duration::from_millis(50);

/// What is asked of the guest.
pub(crate) enum Input {
    Open,
    Handle(Event, Vec<u8>),
}

impl Input {
    fn action(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Handle(..) => "handle",
        }
    }
}

/// Everything that one call needs.
pub(crate) struct Call {
    pub(crate) prepared: Arc<Prepared>,
    /// Of the gateway, without the call's id.
    pub(crate) session: Session,
    pub(crate) held: Vec<Held>,
    pub(crate) context: Arc<LaunchContext>,
    pub(crate) storage_granted: bool,
    pub(crate) limits: Limits,
    pub(crate) input: Input,
}

/// A screen and the state that belongs to it.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) document: ValidDocument,
    pub(crate) state: Vec<u8>,
}

/// How a call ended. While `env` is kept, its pass is registered with the fence.
pub(crate) struct Done {
    pub(crate) result: Result<Screen, RunError>,
    pub(crate) usage: Usage,
    pub(crate) env: Option<Arc<CallEnv>>,
}

impl Done {
    fn refused(error: RunError) -> Self {
        Self {
            result: Err(error),
            usage: Usage::default(),
            env: None,
        }
    }
}

/// Ends the guest when nobody waits for the answer any more.
struct Waiting(Arc<Kill>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set("nobody waits for the answer");
    }
}

impl Runtime {
    /// Runs one call. Dropping the future ends the guest.
    pub(crate) async fn call(&self, call: Call) -> Done {
        let parts = self.parts();
        if !parts.preparer.sandbox().is_ticking() {
            tracing::error!("the epoch ticker is silent: no guest is started");
            return Done::refused(RunError::HostFault);
        }
        let Call {
            prepared,
            mut session,
            held,
            context,
            storage_granted,
            limits,
            input,
        } = call;
        let id = parts.ids.next();
        session.subject.call = id.clone();
        let (Some(id), Some(app)) = (id, session.subject.app.clone()) else {
            return Done::refused(RunError::HostFault);
        };
        let (per_app, per_user) = (
            limits.concurrent_calls_per_app_max,
            limits.concurrent_calls_per_user_max,
        );
        let in_tenant = (session.tenant.clone(), app.clone());
        let permit = match parts
            .permits
            .take(&in_tenant, per_app, session.user.as_ref(), per_user)
            .await
        {
            Ok(permit) => permit,
            Err(busy) => return Done::refused(busy),
        };
        let pass = match parts.services.fence.enter(&held) {
            Ok(pass) => pass,
            Err(revoked) => return Done::refused(RunError::Terminated(revoked.reason)),
        };
        let kill = Arc::new(Kill::default());
        let subject = session.subject.clone();
        let started = parts.services.clock.now();
        let registered = parts
            .running
            .register(id, subject.clone(), started, Arc::clone(&kill));
        let start = Instant::now();
        let deadline = start + limits.wall();
        let stop = Stop {
            pass,
            kill: Arc::clone(&kill),
            deadline,
            host_call: limits.host_call(),
        };
        let services = Arc::clone(&parts.services);
        let env = Arc::new(CallEnv {
            services,
            session,
            context,
            storage_granted,
            limits,
            stop,
        });

        let waiting = Waiting(kill);
        let (action, runtime, task_env) = (input.action(), self.clone(), Arc::clone(&env));
        let task = tokio::spawn(async move {
            let engine = runtime.parts().preparer.sandbox().engine().clone();
            let (result, mut usage, lines) = run(&engine, &prepared, &task_env, input).await;
            usage.us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            runtime.parts().logs.append(&app, lines);
            let recorded = record(&task_env, action, &result, &usage);
            drop((registered, permit));
            (recorded.and(result), usage)
        });
        let joined = task.await;
        drop(waiting);
        match joined {
            Ok((result, usage)) => Done {
                result,
                usage,
                env: Some(env),
            },
            Err(failed) => {
                let panicked = failed.is_panic();
                tracing::error!(panicked, app = ?subject.app, "a call ended by a fault of the host");
                let result = Err(RunError::HostFault);
                let _ = record(&env, action, &result, &Usage::default());
                Done {
                    result,
                    usage: Usage::default(),
                    env: Some(env),
                }
            }
        }
    }
}

/// The `call` entry. If it cannot be written, what the guest made is not shown.
fn record(
    env: &CallEnv,
    action: &str,
    result: &Result<Screen, RunError>,
    usage: &Usage,
) -> Result<(), RunError> {
    let outcome = result.as_ref().err().map_or(Outcome::Ok, RunError::outcome);
    let mut entry = usage.describe(Entry::new(
        Kind::Call,
        action,
        env.session.subject.clone(),
        outcome,
    ));
    if let Some(detail) = result.as_ref().err().and_then(RunError::detail) {
        entry = entry.with("cause", detail);
    }
    env.record(entry).map_err(|_| RunError::Unavailable)
}

async fn run(
    engine: &Engine,
    prepared: &Prepared,
    env: &Arc<CallEnv>,
    input: Input,
) -> (Result<Screen, RunError>, Usage, Vec<crate::logs::LogLine>) {
    let mut store = match Store::try_new(engine, CallState::new(Arc::clone(env))) {
        Ok(store) => store,
        Err(error) => return (Err(classify(&error)), Usage::default(), Vec::new()),
    };
    let last_moment = env.stop.deadline + DEADLINE_GRACE;
    let mut fuel = Fuel::default();
    let ran = tokio::time::timeout_at(
        last_moment,
        enter(&mut store, prepared, env, input, &mut fuel),
    )
    .await;
    let result = match ran {
        Ok(Ok(answer)) => accept(answer, env),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_) => Err(RunError::DeadlineExceeded),
    };
    let left = store.get_fuel().unwrap_or(0);
    let state = store.into_data();
    let mut usage = state.usage;
    usage.fuel = fuel.before.saturating_add(fuel.given.saturating_sub(left));
    usage.memory_bytes = state.limiter.memory_bytes();
    (result, usage, state.log)
}

/// Fuel is given twice: for instantiation and for the call.
#[derive(Default)]
pub(crate) struct Fuel {
    /// Used by instantiation.
    before: u64,
    /// Given last.
    given: u64,
}

type Answer = Result<WitScreen, WitAppError>;

/// Arms every limit of a fresh store and makes the guest's instance in it.
pub(crate) async fn instantiate(
    store: &mut Store<CallState>,
    prepared: &Prepared,
    env: &Arc<CallEnv>,
    fuel: &mut Fuel,
) -> wasmtime::Result<ScreenApp> {
    let limits = &env.limits;
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(usize::try_from(limits.message_bytes_max)?);
    store.set_max_component_handles(usize::try_from(limits.handles_max)?);
    let instantiating = Arc::new(AtomicBool::new(true));
    arm(store, Arc::clone(env), Arc::clone(&instantiating));
    fuel.given = limits.init_fuel_max;
    store.set_fuel(fuel.given)?;
    let app = prepared.pre.instantiate_async(&mut *store).await?;
    instantiating.store(false, Ordering::Relaxed);
    fuel.before = fuel.given.saturating_sub(store.get_fuel()?);
    Ok(app)
}

async fn enter(
    store: &mut Store<CallState>,
    prepared: &Prepared,
    env: &Arc<CallEnv>,
    input: Input,
    fuel: &mut Fuel,
) -> wasmtime::Result<Answer> {
    let app = instantiate(store, prepared, env, fuel).await?;
    fuel.given = env.limits.call_fuel_max;
    store.set_fuel(fuel.given)?;
    let screen = app.glovebox_app_screen();
    match input {
        Input::Open => screen.call_open(&mut *store).await,
        Input::Handle(event, state) => {
            screen
                .call_handle(&mut *store, &view::event(event), &state)
                .await
        }
    }
}

/// At each tick of the engine the guest is looked at: ended, or made to yield, so that it
/// keeps no thread to itself. While instantiating it may not yield.
fn arm(store: &mut Store<CallState>, env: Arc<CallEnv>, instantiating: Arc<AtomicBool>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| match env.stop.check() {
        Ok(()) if instantiating.load(Ordering::Relaxed) => Ok(UpdateDeadline::Continue(1)),
        Ok(()) => Ok(UpdateDeadline::Yield(1)),
        Err(Stopped::Deadline) => Ok(UpdateDeadline::Interrupt),
        Err(stopped) => Err(stopped.into()),
    });
}

/// What the guest gave back is not believed: sizes and shape are checked.
fn accept(answer: Answer, env: &CallEnv) -> Result<Screen, RunError> {
    let screen = answer.map_err(|error| match error {
        WitAppError::Message(text) => RunError::AppMessage(text),
        WitAppError::Needs(scope) => RunError::AppNeeds(scope),
        WitAppError::Other(text) => RunError::AppOther(text),
    })?;
    if u64::try_from(screen.state.len()).unwrap_or(u64::MAX) > env.limits.state_bytes_max {
        return Err(RunError::OverBudget("state_bytes_max"));
    }
    let document = view::document(screen.document);
    let document = document
        .validate(env.limits.document_bytes_max)
        .map_err(RunError::InvalidView)?;
    Ok(Screen {
        document,
        state: screen.state,
    })
}
