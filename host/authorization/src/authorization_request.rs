//! Authorization requests (RFC 6749 section 4.1.1; SMART App Launch 2.2, "Obtain
//! authorization code"): checked once as they arrive, kept unchanged until they are
//! answered. What people decide on is what is stored, never what a form says.

mod parameters;
mod pushed;
mod recent;
mod redirect;
mod stored;
#[cfg(test)]
mod tests;

use std::time::Duration;

use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::scope::{Level, Scope, ScopeSet};
use glovebox_model::{PatientId, TenantId, Timestamp};

use crate::authorization_code::{Code, Codes};
use crate::browser_session::BrowserSession;
use crate::consent::{Consent, Consents};
use crate::context::GrantContext;
use crate::ehr_launch::{Launches, Presenter};
use crate::grant::{Access, Grant, OFFLINE_AGE_MAX};
use crate::pkce::Challenge;
use crate::table::Table;
use crate::token_endpoint::APP_TOKEN_TTL;
use crate::{Client, Clients, Error, LaunchRefused, secret};

pub use parameters::Unredirectable;
pub use pushed::{PUSHED_TTL, Pushed};
use recent::Recent;
pub use redirect::{Redirect, RedirectError};
use stored::StoredRequest;

/// How long somebody may take to sign in, choose and decide.
pub const REQUEST_TTL: Duration = Duration::from_secs(10 * 60);

/// What `prompt` asks for (OpenID Connect Core section 3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The user has to sign in once more.
    pub login: bool,
    /// The user has to decide, also where they would not be asked.
    pub consent: bool,
}

/// A request that was found good and waits for people.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    /// The public id: what pages carry.
    pub id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub client: Client,
    /// What of the scope asked for can be granted, spelled as it was asked for.
    pub scope: ScopeSet,
    /// What was asked for and cannot be granted, for the ledger.
    pub dropped: Vec<String>,
    /// Who is expected to sign in.
    pub login_hint: Option<String>,
    /// Where it was opened, as far as it is known.
    pub context: GrantContext,
    /// Whether a launch from the chart brought it here.
    pub is_ehr_launch: bool,
    /// Whether the encounter was chosen, or left open on purpose.
    pub has_encounter_choice: bool,
    /// The public id of the browser session that it belongs to, once there is one.
    pub browser_session: Option<String>,
    /// When it arrived.
    pub created_at: Timestamp,
    redirect_uri: String,
    state: String,
    challenge: Challenge,
    /// The key to which the code is bound, if it is to one (RFC 9449 section 10).
    thumbprint: Option<String>,
    nonce: Option<String>,
    prompt: Prompt,
    max_age: Option<u64>,
    launch: Option<String>,
    version: u64,
}

/// What has to happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody has to sign in, perhaps once more.
    SignIn,
    /// A patient has to be chosen.
    Patient,
    /// An encounter may be chosen.
    Encounter,
    /// The user has to be asked.
    Consent,
    /// Everything is known: the launch from the chart was the decision.
    Grant,
    /// It cannot go on.
    Refuse(RedirectError),
}

impl PendingRequest {
    /// What has to happen next, for the browser's session if it has one.
    pub fn step(&self, session: Option<&BrowserSession>, now: Timestamp) -> Step {
        let page = |step, without: RedirectError| match self.prompt.none {
            true => Step::Refuse(without),
            false => step,
        };
        let is_fresh = |session: &BrowserSession| {
            let in_time = self
                .max_age
                .is_none_or(|max| now.since(session.signed_in_at) <= Duration::from_secs(max));
            // A sign-in since the request came counts, however short `max_age` is.
            let since = session.signed_in_at >= self.created_at;
            since || (in_time && !self.prompt.login)
        };
        if !session.is_some_and(is_fresh) {
            return page(Step::SignIn, RedirectError::LoginRequired);
        }
        if self.wants_patient() && self.context.patient.is_none() {
            return page(Step::Patient, RedirectError::InteractionRequired);
        }
        if self.wants_encounter() && !self.has_encounter_choice {
            return page(Step::Encounter, RedirectError::InteractionRequired);
        }
        if self.is_ehr_launch && !self.prompt.consent {
            return Step::Grant;
        }
        page(Step::Consent, RedirectError::ConsentRequired)
    }

    /// Whether people may be shown a page on the way (`prompt=none` says no).
    pub fn may_show_pages(&self) -> bool {
        !self.prompt.none
    }

    /// Where it will be answered: a registered address of the client's.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether a granted scope needs a patient in context.
    fn wants_patient(&self) -> bool {
        let is_patients = |scope: &Scope| match scope {
            Scope::Resource(scope) => scope.level == Level::Patient,
            other => *other == Scope::LaunchPatient,
        };
        self.scope.iter().any(is_patients)
    }

    fn wants_encounter(&self) -> bool {
        !self.is_ehr_launch
            && self.scope.contains(&Scope::LaunchEncounter)
            && self.context.patient.is_some()
            && self.context.encounter.is_none()
    }

    fn answer(&self) -> Redirect {
        Redirect::new(&self.redirect_uri, Some(&self.state))
    }
}

/// The requests that wait.
#[derive(Clone)]
pub struct AuthorizationRequests {
    table: Table,
    clients: Clients,
    launches: Launches,
    codes: Codes,
    consents: Consents,
    recent: Recent,
}

const REQUESTS: &str = "request/";
const ID_BYTES_MAX: usize = 64;

fn key(id: &str) -> String {
    format!("{REQUESTS}{id}")
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeRefused {
    /// Said on a page of ours: nobody may be sent to an address that nobody vouches for
    /// (RFC 6749 section 4.1.2.1).
    Here(Unredirectable),
    /// Said to the client, at its registered address.
    There {
        /// What is wrong.
        error: RedirectError,
        /// In words.
        description: &'static str,
        /// Where to.
        redirect: Redirect,
        /// The client, for the ledger.
        client: Box<Client>,
    },
}

impl AuthorizationRequests {
    pub(crate) fn new(
        table: Table,
        clients: Clients,
        launches: Launches,
        codes: Codes,
        consents: Consents,
    ) -> Self {
        Self {
            table,
            clients,
            launches,
            codes,
            consents,
            recent: Recent::default(),
        }
    }

    /// Checks a request to the authorization endpoint of `tenant` and keeps it. `pairs` are
    /// its decoded parameters in order, `fhir_base` is what `aud` has to name.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn begin(
        &self,
        tenant: &TenantId,
        fhir_base: &str,
        pairs: &[(String, String)],
        now: Timestamp,
    ) -> Result<Result<PendingRequest, AuthorizeRefused>, Error> {
        let pushed = match self.resolve(tenant, pairs, now).await? {
            Ok(pushed) => pushed,
            Err(refused) => return Ok(Err(refused)),
        };
        let asked = match &pushed {
            Some(pushed) => self.read(tenant, fhir_base, pushed, now).await?,
            None => self.read_unpushed(tenant, fhir_base, pairs, now).await?,
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(refused) => return Ok(Err(refused)),
        };
        let value = self.table.encode(&StoredRequest::from(&asked))?;
        let batch = Batch::new().put(key(&asked.id), value, Expect::Absent);
        // Relaxed: who loses a request to a power loss opens the app again.
        match self
            .table
            .commit_versions(batch, Durability::Relaxed)
            .await?
        {
            Some(versions) => Ok(Ok(PendingRequest {
                version: versions.first().copied().unwrap_or_default(),
                ..asked
            })),
            None => Err(self.table.contended()),
        }
    }

    /// A request that still waits.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn get(
        &self,
        tenant: &TenantId,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<PendingRequest>, Error> {
        // None of ours is longer, and a key has its bounds.
        if id.len() > ID_BYTES_MAX {
            return Ok(None);
        }
        let Some(row) = self.table.get::<StoredRequest>(&key(id)).await? else {
            return Ok(None);
        };
        let created_at = Timestamp::from_micros(row.value.created_micros);
        if now.since(created_at) >= REQUEST_TTL || row.value.tenant != tenant.as_str() {
            return Ok(None);
        }
        let client = self.table.parse(&row.value.client)?;
        let client = self.clients.get(tenant, &client).await?;
        let is_same = |client: &Client| client.registration == row.value.registration;
        match client.filter(is_same) {
            Some(client) => row
                .value
                .read(id, tenant, client, row.version, &self.table)
                .map(Some),
            None => Ok(None),
        }
    }

    /// Ties a request to the session of the browser that brought it, and uses up its launch
    /// handle. `Ok(Ok(None))`: it belongs to another session. If the handle is refused, the
    /// request stays: it is the caller's to answer.
    ///
    /// # Errors
    /// If the records fail, [`Error::Contended`] if the request changed meanwhile.
    pub async fn bind(
        &self,
        request: PendingRequest,
        session: &BrowserSession,
        now: Timestamp,
    ) -> Result<Result<Option<PendingRequest>, LaunchRefused>, Error> {
        match &request.browser_session {
            Some(bound) if *bound == session.id => return Ok(Ok(Some(request))),
            Some(_) => return Ok(Ok(None)),
            None => {}
        }
        let mut bound = request;
        bound.browser_session = Some(session.id.clone());
        if let Some(handle) = bound.launch.take() {
            let presenter = Presenter {
                tenant: &bound.tenant,
                user: &session.user.id,
                session: &session.id,
            };
            let client = &bound.client.id;
            let launch = self
                .launches
                .consume_for_client(&handle, presenter, client, now)
                .await?;
            match launch {
                Ok(launch) => {
                    bound.is_ehr_launch = true;
                    bound.context = GrantContext {
                        patient: launch.patient,
                        encounter: launch.encounter,
                        intent: launch.intent,
                        fhir_context: launch.fhir_context,
                        needs_patient_banner: true,
                    };
                }
                Err(refused) => return Ok(Err(refused)),
            }
        }
        self.keep(bound).await.map(|kept| Ok(Some(kept)))
    }

    /// Notes which patient was chosen. Whether the user may open them is the caller's to
    /// check.
    ///
    /// # Errors
    /// If the records fail, or the request changed meanwhile.
    pub async fn choose_patient(
        &self,
        mut request: PendingRequest,
        patient: &PatientId,
    ) -> Result<PendingRequest, Error> {
        request.context.patient = Some(patient.clone());
        request.context.encounter = None;
        request.context.needs_patient_banner = true;
        self.keep(request).await
    }

    /// Notes which encounter was chosen, or that none was.
    ///
    /// # Errors
    /// If the records fail, or the request changed meanwhile.
    pub async fn choose_encounter(
        &self,
        mut request: PendingRequest,
        encounter: Option<&str>,
    ) -> Result<PendingRequest, Error> {
        request.context.encounter = encounter.map(str::to_owned);
        request.has_encounter_choice = true;
        self.keep(request).await
    }

    /// Answers a request with a code for `granted`, which is no more than what was asked
    /// for. With what the user was shown, where they were asked. The redirect carries the
    /// code; the grant is for the ledger and comes into being when the code is exchanged.
    ///
    /// # Errors
    /// If the records fail, [`Error::Invalid`] if `granted` is more than what was asked for
    /// or nothing, [`Error::Unknown`] if the request was answered already.
    pub async fn grant(
        &self,
        request: PendingRequest,
        session: &BrowserSession,
        granted: ScopeSet,
        shown: Option<Vec<String>>,
        now: Timestamp,
    ) -> Result<(Redirect, Grant), Error> {
        if !request.scope.covers_all(&granted) || granted.is_empty() {
            let rule = "must be some of what was asked for, and no more";
            return Err(Error::invalid("the granted scope", rule));
        }
        if request.browser_session.as_deref() != Some(session.id.as_str()) {
            return Err(unknown(&request.id));
        }
        let access = Access::of(&granted);
        let lifetime = match access {
            Access::Once => APP_TOKEN_TTL,
            Access::Online => crate::browser_session::AGE_MAX,
            Access::Offline => OFFLINE_AGE_MAX,
        };
        let grant = Grant {
            id: secret::random_id()?,
            tenant: request.tenant.clone(),
            client: request.client.id.clone(),
            registration: request.client.registration.clone(),
            user: session.user.id.clone(),
            browser_session: session.id.clone(),
            scope: granted,
            context: request.context.clone(),
            access,
            signed_in_at: session.signed_in_at,
            created_at: now,
            expires_at: now + lifetime,
            thumbprint: None,
        };
        let code = Code {
            grant: grant.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            thumbprint: request.thumbprint.clone(),
            nonce: request.nonce.clone(),
        };
        let batch = Batch::new().delete(key(&request.id), Expect::Version(request.version));
        let batch = match shown {
            Some(shown) => self
                .consents
                .add(batch, &Consent::to(&grant, &request.scope, shown))?,
            None => batch,
        };
        let (batch, code) = self.codes.add(batch, &code, now)?;
        // Sync: a consent is a record, and a form that is sent twice is answered once.
        if self.table.commit(batch, Durability::Sync).await? {
            Ok((request.answer().with_code(code.text.expose()), grant))
        } else {
            Err(unknown(&request.id))
        }
    }

    /// Answers a request with an error.
    ///
    /// # Errors
    /// If the records fail, [`Error::Unknown`] if the request was answered already: a
    /// client hears one answer.
    pub async fn refuse(
        &self,
        request: PendingRequest,
        error: RedirectError,
        description: &'static str,
    ) -> Result<Redirect, Error> {
        let expect = Expect::Version(request.version);
        let batch = Batch::new().delete(key(&request.id), expect);
        match self.table.commit(batch, Durability::Sync).await? {
            true => Ok(request.answer().with_error(error, description)),
            false => Err(unknown(&request.id)),
        }
    }

    async fn keep(&self, request: PendingRequest) -> Result<PendingRequest, Error> {
        let value = self.table.encode(&StoredRequest::from(&request))?;
        let expect = Expect::Version(request.version);
        let batch = Batch::new().put(key(&request.id), value, expect);
        match self
            .table
            .commit_versions(batch, Durability::Relaxed)
            .await?
        {
            Some(versions) => Ok(PendingRequest {
                version: versions.first().copied().unwrap_or_default(),
                ..request
            }),
            None => Err(self.table.contended()),
        }
    }

    /// Removes requests that nobody answered in time.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        self.sweep_pushed(now).await?;
        for (id, row) in self.table.list::<StoredRequest>(REQUESTS).await? {
            let created_at = Timestamp::from_micros(row.value.created_micros);
            if now.since(created_at) >= REQUEST_TTL {
                self.table.delete(&key(&id), Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}

fn unknown(id: &str) -> Error {
    Error::Unknown {
        noun: "authorization request",
        id: id.to_owned(),
    }
}
