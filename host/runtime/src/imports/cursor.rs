//! An open search: the page that the host holds and where the next one starts.

use std::collections::VecDeque;

use glovebox_fhir::EntryMode;
use glovebox_gateway::{Cursor, CursorBinding, Page, Released};
use wasmtime::component::Resource;

use crate::bindings::{HostCursor, WitEntry};
use crate::imports::fault::FhirFault;
use crate::imports::read::{PAGE_ROWS, text_of};
use crate::state::{CallEnv, CallState};
use crate::stop::Stopped;

/// Most rows that a token may skip inside a page.
const SKIP_MAX: usize = 1_000;

/// What a guest's `cursor` stands for. One page at a time is in host memory.
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export it inside this crate"
)]
pub struct OpenSearch {
    /// Where the page in hand starts.
    start: Cursor,
    /// How many of that page's matches the guest has.
    given: usize,
    /// The matches that are left, then what is included with them.
    page: VecDeque<(EntryMode, Released)>,
    next: Option<Cursor>,
    total: Option<u64>,
}

impl OpenSearch {
    /// A search whose first page is here.
    pub(crate) fn new(start: Cursor, page: Page) -> Self {
        let matches = page.matches.into_iter();
        let included = page.included.into_iter();
        Self {
            start,
            given: 0,
            page: matches
                .map(|released| (EntryMode::Match, released))
                .chain(included.map(|released| (EntryMode::Include, released)))
                .collect(),
            next: page.next,
            total: page.total,
        }
    }

    /// Leaves out matches that the guest has. What is included with them comes again.
    fn skip(mut self, given: usize) -> Self {
        let is_match = |(mode, _): &&(EntryMode, Released)| *mode == EntryMode::Match;
        let matches = self.page.iter().take_while(is_match).count();
        self.given = given.min(matches);
        self.page.drain(..self.given);
        self
    }

    /// As many entries as fit into `bytes_max`.
    fn take(&mut self, bytes_max: usize) -> Result<Vec<(EntryMode, Released)>, FhirFault> {
        let mut left = bytes_max;
        let mut taken = Vec::new();
        while let Some(first) = self.page.front() {
            let (_, released) = first;
            if released.bytes.len() > left {
                if taken.is_empty() {
                    return Err(FhirFault::too_costly(
                        "one resource is larger than bytes-max",
                    ));
                }
                break;
            }
            left -= released.bytes.len();
            taken.extend(self.page.pop_front());
        }
        self.given += taken
            .iter()
            .filter(|(mode, _)| *mode == EntryMode::Match)
            .count();
        Ok(taken)
    }
}

/// Tokens are good for the session and the component that they were made for.
pub(crate) fn binding(env: &CallEnv) -> CursorBinding {
    let subject = &env.session.subject;
    let session = subject
        .session
        .as_ref()
        .map_or("", |session| session.as_str());
    let digest = subject
        .digest
        .map(|digest| digest.to_string())
        .unwrap_or_default();
    CursorBinding(format!("{session}:{digest}"))
}

/// Opens a search where its token says.
pub(crate) async fn resume(env: &CallEnv, token: &str) -> Result<OpenSearch, FhirFault> {
    let bad = || FhirFault::other("bad-cursor", "search again");
    let (given, sealed) = token.split_once('.').ok_or_else(bad)?;
    let given: usize = given
        .parse()
        .ok()
        .filter(|given| *given <= SKIP_MAX)
        .ok_or_else(bad)?;
    let start = env.services.gateway.open_cursor(&binding(env), sealed)?;
    let page = page_at(env, &start, given + PAGE_ROWS).await?;
    Ok(OpenSearch::new(start, page).skip(given))
}

async fn page_at(env: &CallEnv, start: &Cursor, rows: usize) -> Result<Page, FhirFault> {
    let stop = &env.stop;
    let work = env
        .services
        .gateway
        .page(&env.session, &stop.pass, start, rows);
    Ok(stop.guard(work).await??.release(&stop.pass, |page| page)?)
}

impl CallState {
    /// Hands a search to the guest.
    pub(crate) fn open_search(
        &mut self,
        search: OpenSearch,
    ) -> Result<Resource<OpenSearch>, FhirFault> {
        self.table
            .push(search)
            .map_err(|_| FhirFault::too_costly("cursors_max"))
    }

    fn search_of(&mut self, cursor: &Resource<OpenSearch>) -> Result<&mut OpenSearch, Stopped> {
        self.table
            .get_mut(cursor)
            .map_err(|_| Stopped::OverBudget("handles_max"))
    }
}

impl HostCursor for CallState {
    async fn next_page(
        &mut self,
        cursor: Resource<OpenSearch>,
        bytes_max: u32,
    ) -> Result<Option<Vec<WitEntry>>, FhirFault> {
        self.enter(0)?;
        let env = self.env.clone();
        let search = self.search_of(&cursor)?;
        while search.page.is_empty() {
            let Some(start) = search.next.take() else {
                return Ok(None);
            };
            let page = page_at(&env, &start, PAGE_ROWS).await?;
            let total = search.total;
            *search = OpenSearch::new(start, page);
            search.total = search.total.or(total);
        }
        let page_max = u64::from(bytes_max).min(env.limits.page_bytes_max);
        let taken = search.take(usize::try_from(page_max).unwrap_or(usize::MAX))?;
        let bytes = taken.iter().map(|(_, released)| released.bytes.len()).sum();
        self.reserve(u64::try_from(taken.len()).unwrap_or(u64::MAX), bytes)
            .map_err(FhirFault::too_costly)?;
        let entries = taken
            .into_iter()
            .map(|(mode, released)| {
                Ok(WitEntry {
                    mode: mode.as_str().to_owned(),
                    resource: text_of(released.bytes)?,
                })
            })
            .collect::<Result<_, FhirFault>>()?;
        Ok(Some(env.stop.pass.release(|| entries)?))
    }

    async fn total(&mut self, cursor: Resource<OpenSearch>) -> wasmtime::Result<Option<u64>> {
        self.enter(0)?;
        Ok(self.search_of(&cursor)?.total)
    }

    async fn token(&mut self, cursor: Resource<OpenSearch>) -> wasmtime::Result<String> {
        self.enter(0)?;
        let env = self.env.clone();
        let search = self.search_of(&cursor)?;
        let (start, given) = match &search.next {
            Some(next) if search.page.is_empty() => (next, 0),
            _ => (&search.start, search.given),
        };
        let sealed = env.services.gateway.seal_cursor(&binding(&env), start);
        Ok(format!(
            "{given}.{}",
            sealed.map_err(|_| Stopped::Unavailable)?
        ))
    }

    async fn drop(&mut self, cursor: Resource<OpenSearch>) -> wasmtime::Result<()> {
        self.table.delete(cursor)?;
        Ok(())
    }
}
