//! Screen sessions: one user, one app version, one launch, a sequence of screens. What a
//! session is stands in the records, so that it survives this process; what is in memory
//! is only a copy that is compared before it is used.

mod launch;
mod record;
mod store;

use std::sync::Arc;

use dashmap::DashMap;
use glovebox_database::fence::Mark;
use glovebox_database::{Durability, Keyspace};
use glovebox_gateway::Door;
use glovebox_model::ledger::{Event as Entry, Kind, Outcome, Subject};
use glovebox_model::view::Event;
use glovebox_model::{SessionId, TenantId, UserId};
use tokio::sync::Mutex;

use crate::call::{Call, Done, Input, Screen};
use crate::error::RunError;
use crate::prepare::Prepared;
use crate::running::Target;
use crate::runtime::{Runtime, session_id};
use crate::usage::Usage;
pub use launch::{ScreenInput, ScreenLaunch, SessionInfo, SessionsPage, Shown};
use record::Head;
use store::{Live, Store};

/// Copies of sessions that are kept in memory.
const LIVE_MAX: usize = 2_048;
/// Most sessions on one page of a list.
const LIST_MAX: usize = 200;

/// The sessions of this installation. Clones share everything.
#[derive(Clone)]
pub struct Screens {
    runtime: Runtime,
    store: Store,
    live: Arc<DashMap<SessionId, Arc<Mutex<Live>>>>,
}

impl Screens {
    /// Sessions kept in `keyspace`.
    pub fn new(runtime: Runtime, keyspace: Keyspace) -> Self {
        Self {
            runtime,
            store: Store::new(keyspace),
            live: Arc::default(),
        }
    }

    /// Opens a session: asks the app for its first screen. Without a screen there is no
    /// session.
    ///
    /// # Errors
    /// How the call ended.
    pub async fn open(&self, launch: ScreenLaunch) -> Result<Shown, RunError> {
        let ScreenLaunch {
            prepared,
            app_name,
            mut session,
            mut held,
            context,
            storage_granted,
            limits,
        } = launch;
        let id = match session.subject.session.take() {
            Some(id) => id,
            None => session_id().ok_or(RunError::HostFault)?,
        };
        session.subject.session = Some(id.clone());
        session.subject.digest = Some(prepared.digest());
        session.door = Door::Wit;
        let services = &self.runtime.parts().services;
        held.extend(services.fence.generations(&[Mark::Session(id.clone())]));
        let mut head = Head {
            id: id.clone(),
            app_name,
            session,
            held,
            context: Arc::new(context),
            storage_granted,
            limits,
            opened: services.clock.now(),
            seq: 0,
            chunks: 0,
            ended: None,
        };
        self.record(Entry::new(
            Kind::SessionOpen,
            "open",
            head.subject(),
            Outcome::Ok,
        ))?;
        let done = self.runtime.call(head.call(prepared, Input::Open)).await;
        match self.show(&mut head, None, done, "open").await {
            Ok((shown, live)) => {
                self.keep(live);
                Ok(shown)
            }
            Err(error) => {
                self.record(
                    Entry::new(
                        Kind::SessionClose,
                        "not-opened",
                        head.subject(),
                        error.outcome(),
                    )
                    .with("cause", error.code()),
                )?;
                Err(error)
            }
        }
    }

    /// Answers the current screen. An event for an earlier screen only draws the current
    /// one again: whoever pressed twice acts once.
    ///
    /// # Errors
    /// [`RunError::InvalidEvent`] before the app is asked at all, or how the call ended;
    /// the current screen then stays.
    pub async fn event(
        &self,
        id: &SessionId,
        user: &UserId,
        seq: u64,
        input: ScreenInput,
    ) -> Result<Shown, RunError> {
        let cell = self.cell(id).await?;
        let mut live = cell.lock().await;
        self.freshen(&mut live, Some(user)).await?;
        if seq != live.head.seq {
            return self.redraw(&mut live).await;
        }
        let event = match input {
            ScreenInput::Submit { action, values } => live
                .document
                .submission(&action, &values)
                .map_err(RunError::InvalidEvent)?,
            ScreenInput::Refresh => Event::Refreshed,
        };
        let digest = live
            .head
            .session
            .subject
            .digest
            .ok_or(RunError::HostFault)?;
        let prepared = self
            .runtime
            .preparer()
            .prepared(&digest)
            .ok_or(RunError::NotPrepared(digest))?;
        let mut head = live.head.clone();
        let done = self
            .runtime
            .call(head.call(prepared, Input::Handle(event, live.state.clone())))
            .await;
        match self
            .show(&mut head, Some(live.version), done, "event")
            .await
        {
            Ok((shown, next)) => {
                *live = next;
                Ok(shown)
            }
            Err(error) => {
                self.end_if_revoked(&mut live).await?;
                Err(error)
            }
        }
    }

    /// The current screen, without asking the app.
    ///
    /// # Errors
    /// If there is no such session for this user, or it has ended.
    pub async fn current(&self, id: &SessionId, user: &UserId) -> Result<Shown, RunError> {
        let cell = self.cell(id).await?;
        let mut live = cell.lock().await;
        self.freshen(&mut live, Some(user)).await?;
        self.redraw(&mut live).await
    }

    /// Ends a session on its user's wish. What it kept is deleted.
    ///
    /// # Errors
    /// If there is no such session for this user.
    pub async fn close(&self, id: &SessionId, user: &UserId) -> Result<(), RunError> {
        // Whose it is comes first: a stranger must not even end the call that runs.
        let head = self.store.head(id).await?;
        if head.is_none_or(|(head, _)| head.session.user.as_ref() != Some(user)) {
            return Err(RunError::NoSuchSession);
        }
        self.runtime.kill(&Target::Session(id.clone()), "closed");
        let cell = self.cell(id).await?;
        let mut live = cell.lock().await;
        match self.freshen(&mut live, Some(user)).await {
            Ok(()) => self.finish(&mut live, "closed", true).await,
            // closing what has ended is no mistake
            Err(RunError::Terminated(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends every session that matches, running calls first; says how many sessions ended.
    /// State and documents stay as evidence.
    ///
    /// # Errors
    /// If the records do not answer.
    pub async fn end(&self, target: &Target, reason: &str) -> Result<usize, RunError> {
        self.runtime.kill(target, reason);
        let mut ended = 0;
        for id in self.store.open_sessions().await? {
            let Some((head, _)) = self.store.head(&id).await? else {
                continue;
            };
            if !target.matches(&head.subject()) {
                continue;
            }
            let cell = self.cell(&id).await?;
            let mut live = cell.lock().await;
            self.reload_if_older(&mut live).await?;
            if live.head.ended.is_none() {
                self.finish(&mut live, reason, false).await?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// Ends the sessions that are too old or whose generations have moved on, and that
    /// nobody has asked for since; says how many. They would answer nothing any more, but
    /// they would stand among the open ones.
    ///
    /// # Errors
    /// If the records do not answer.
    pub async fn sweep(&self) -> Result<usize, RunError> {
        let parts = self.runtime.parts();
        let mut ended = 0;
        for id in self.store.open_sessions().await? {
            let Some((head, _)) = self.store.head(&id).await? else {
                continue;
            };
            let age = parts.services.clock.now().since(head.opened);
            let is_over = age > parts.settings.session_life
                || parts.services.fence.check(&head.held).is_err();
            if !is_over {
                continue;
            }
            let cell = self.cell(&id).await?;
            let mut live = cell.lock().await;
            let user = live.head.session.user.clone();
            match self.freshen(&mut live, user.as_ref()).await {
                Err(RunError::Terminated(_)) => ended += 1,
                // Somebody else has just changed or ended it: the next time.
                Ok(()) | Err(RunError::Busy | RunError::NoSuchSession) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }

    /// One session, running or past.
    ///
    /// # Errors
    /// If the records do not answer.
    pub async fn get(&self, id: &SessionId) -> Result<Option<SessionInfo>, RunError> {
        Ok(self.store.head(id).await?.map(|(head, _)| self.info(&head)))
    }

    /// Running and past sessions, of one tenant or of all, at most 200 looked at per page.
    ///
    /// # Errors
    /// If the records do not answer.
    pub async fn list(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&SessionId>,
    ) -> Result<SessionsPage, RunError> {
        let heads = self.store.heads(after, LIST_MAX).await?;
        let next = (heads.len() == LIST_MAX)
            .then(|| heads.last().map(|head| head.id.clone()))
            .flatten();
        let wanted = |head: &&Head| tenant.is_none_or(|tenant| head.session.tenant == *tenant);
        Ok(SessionsPage {
            items: heads
                .iter()
                .filter(wanted)
                .map(|head| self.info(head))
                .collect(),
            next,
        })
    }

    /// The app's name of a session, for sentences.
    ///
    /// # Errors
    /// If the records do not answer.
    pub async fn app_name(&self, id: &SessionId) -> Result<Option<String>, RunError> {
        Ok(self.store.head(id).await?.map(|(head, _)| head.app_name))
    }

    fn info(&self, head: &Head) -> SessionInfo {
        let ended = head.ended.clone().or_else(|| {
            let revoked = self
                .runtime
                .parts()
                .services
                .fence
                .check(&head.held)
                .err()?;
            Some((revoked.reason, self.runtime.parts().services.clock.now()))
        });
        SessionInfo {
            id: head.id.clone(),
            subject: head.subject(),
            app_name: head.app_name.clone(),
            opened: head.opened,
            seq: head.seq,
            ended,
        }
    }

    fn record(&self, entry: Entry) -> Result<(), RunError> {
        match self.runtime.parts().services.ledger.append(entry) {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the ledger refused an entry of a session");
                Err(RunError::Unavailable)
            }
        }
    }

    /// Keeps the new screen, records it, and hands it over under the pass of its call.
    async fn show(
        &self,
        head: &mut Head,
        version: Option<u64>,
        done: Done,
        action: &str,
    ) -> Result<(Shown, Live), RunError> {
        let Done { result, usage, env } = done;
        let screen = match result {
            Ok(screen) => screen,
            Err(error) => {
                let entry = Entry::new(Kind::Screen, action, head.subject(), error.outcome());
                self.record(entry.with("seq", head.seq))?;
                return Err(error);
            }
        };
        let Screen { document, state } = screen;
        head.seq += 1;
        let document = Arc::new(document);
        let version = self.store.save(head, version, &state, &document).await?;
        let entry = Entry::new(Kind::Screen, action, head.subject(), Outcome::Ok);
        self.record(entry.with("seq", head.seq))?;
        let env = env.ok_or(RunError::HostFault)?;
        let shown = Shown {
            session: head.id.clone(),
            seq: head.seq,
            document: Arc::clone(&document),
            usage,
        };
        let shown = env
            .stop
            .pass
            .release(|| shown)
            .map_err(|revoked| RunError::Terminated(revoked.reason))?;
        Ok((
            shown,
            Live {
                head: head.clone(),
                version,
                document,
                state,
            },
        ))
    }

    async fn redraw(&self, live: &mut Live) -> Result<Shown, RunError> {
        let shown = Shown {
            session: live.head.id.clone(),
            seq: live.head.seq,
            document: Arc::clone(&live.document),
            usage: Usage::default(),
        };
        let entered = self.runtime.parts().services.fence.enter(&live.head.held);
        match entered.and_then(|pass| pass.release(|| shown)) {
            Ok(shown) => Ok(shown),
            Err(revoked) => {
                self.finish(live, &revoked.reason, false).await?;
                Err(RunError::Terminated(revoked.reason))
            }
        }
    }

    /// The copy of a session in memory, loaded where there is none.
    async fn cell(&self, id: &SessionId) -> Result<Arc<Mutex<Live>>, RunError> {
        if let Some(found) = self.live.get(id) {
            return Ok(Arc::clone(&found));
        }
        let loaded = self.store.load(id).await?.ok_or(RunError::NoSuchSession)?;
        Ok(self.keep(loaded))
    }

    fn keep(&self, live: Live) -> Arc<Mutex<Live>> {
        if self.live.len() >= LIVE_MAX {
            self.live.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        let id = live.head.id.clone();
        let entry = self
            .live
            .entry(id)
            .or_insert_with(|| Arc::new(Mutex::new(live)));
        Arc::clone(&entry)
    }

    /// Another node or an administrator may have changed the session meanwhile.
    async fn reload_if_older(&self, live: &mut Live) -> Result<(), RunError> {
        if self.store.version(&live.head.id).await? != Some(live.version) {
            *live = self
                .store
                .load(&live.head.id)
                .await?
                .ok_or(RunError::NoSuchSession)?;
        }
        Ok(())
    }

    /// Whether the session may go on, for this user.
    async fn freshen(&self, live: &mut Live, user: Option<&UserId>) -> Result<(), RunError> {
        self.reload_if_older(live).await?;
        if live.head.session.user.as_ref() != user {
            return Err(RunError::NoSuchSession);
        }
        if let Some((reason, _)) = &live.head.ended {
            return Err(RunError::Terminated(reason.clone()));
        }
        let parts = self.runtime.parts();
        if parts.services.clock.now().since(live.head.opened) > parts.settings.session_life {
            self.finish(live, "expired", false).await?;
            return Err(RunError::Terminated("expired".to_owned()));
        }
        match self.end_if_revoked(live).await? {
            Some(reason) => Err(RunError::Terminated(reason)),
            None => Ok(()),
        }
    }

    async fn end_if_revoked(&self, live: &mut Live) -> Result<Option<String>, RunError> {
        let Err(revoked) = self.runtime.parts().services.fence.check(&live.head.held) else {
            return Ok(None);
        };
        self.finish(live, &revoked.reason, false).await?;
        Ok(Some(revoked.reason))
    }

    /// Marks a session as ended, durably. `forget` also deletes its state and document.
    async fn finish(&self, live: &mut Live, reason: &str, forget: bool) -> Result<(), RunError> {
        if live.head.ended.is_some() {
            return Ok(());
        }
        let now = self.runtime.parts().services.clock.now();
        let mut head = live.head.clone();
        head.ended = Some((reason.to_owned(), now));
        live.version = self
            .store
            .end(&mut head, live.version, forget, Durability::Sync)
            .await?;
        live.head = head;
        self.live.remove(&live.head.id);
        let entry = Entry::new(
            Kind::SessionClose,
            "close",
            live.head.subject(),
            Outcome::Ok,
        );
        self.record(entry.with("reason", reason).with("seq", live.head.seq))
    }
}

impl Head {
    fn subject(&self) -> Subject {
        self.session.subject.clone()
    }

    fn call(&self, prepared: Arc<Prepared>, input: Input) -> Call {
        Call {
            prepared,
            session: self.session.clone(),
            held: self.held.clone(),
            context: Arc::clone(&self.context),
            storage_granted: self.storage_granted,
            limits: self.limits.clone(),
            input,
        }
    }
}

#[cfg(test)]
mod tests;
