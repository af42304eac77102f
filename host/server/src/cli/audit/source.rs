//! Where entries come from: a data directory, or a running server.

use std::sync::Arc;
use std::time::Duration;

use glovebox_database::ledger::Filter;
use glovebox_model::Timestamp;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use reqwest::{Method, header};
use serde_json::Value;

use crate::cli::failure::Failure;
use crate::cli::installation::Offline;
use crate::cli::remote::{Remote, TokenArguments};
use crate::services::Services;

/// Entries of one page.
const PAGE: usize = 1_000;

/// Where from.
#[derive(clap::Args)]
pub(crate) struct SourceArguments {
    #[command(flatten)]
    offline: Offline,
    /// Address of a running server, in place of --data
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    server: Option<String>,
    #[command(flatten)]
    token: TokenArguments,
}

/// What to look for.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct FilterArguments {
    /// Tenant [default: main from a server, all from a data directory]
    #[arg(long)]
    tenant: Option<String>,
    /// App, such as lab-viewer
    #[arg(long)]
    app: Option<String>,
    /// Patient, such as anna-rossi
    #[arg(long)]
    patient: Option<String>,
    /// User, such as dr.rivera
    #[arg(long)]
    user: Option<String>,
    /// App session
    #[arg(long)]
    session: Option<String>,
    /// Kind, such as fhir or app.approve
    #[arg(long, value_parser = kind)]
    kind: Option<String>,
    /// Not before this day or RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = not_before)]
    from: Option<Timestamp>,
    /// Until the end of this day, or before this RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = before)]
    to: Option<Timestamp>,
}

fn kind(text: &str) -> Result<String, String> {
    if Kind::parse(text).is_some() {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Err(format!("there are {}", known.join(", ")))
}

fn instant(text: &str, whole_day: Duration) -> Result<Timestamp, String> {
    let day = Timestamp::parse(&format!("{text}T00:00:00Z")).map(|day| day + whole_day);
    let found = Timestamp::parse(text).or(day);
    found.ok_or_else(|| {
        "give a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z".to_owned()
    })
}

fn not_before(text: &str) -> Result<Timestamp, String> {
    instant(text, Duration::ZERO)
}

fn before(text: &str) -> Result<Timestamp, String> {
    instant(text, Duration::from_secs(24 * 60 * 60))
}

/// Entries, a page at a time, newest first.
pub(crate) struct Pages {
    source: Source,
    filter: FilterArguments,
    before: Option<u64>,
    left: usize,
}

enum Source {
    Offline(Arc<Services>),
    Server(Remote),
}

impl SourceArguments {
    /// Opens the source; at most `limit` entries will come.
    pub(crate) async fn pages(
        &self,
        filter: &FilterArguments,
        limit: usize,
    ) -> Result<Pages, Failure> {
        let source = match &self.server {
            Some(server) => Source::Server(Remote::new(server, &self.token)?),
            None if self.offline.data.is_none() && self.offline.config.is_none() => {
                return Err(Failure::fault(
                    "say which ledger: --data DIR (while its server does not run) or --server URL with a token",
                ));
            }
            None => Source::Offline(
                self.offline
                    .open("ask it with --server URL and a token instead, or stop the server")
                    .await?,
            ),
        };
        Ok(Pages {
            source,
            filter: filter.clone(),
            before: None,
            left: limit,
        })
    }
}

impl Pages {
    /// The next page as stored lines; empty at the end.
    pub(crate) async fn next(&mut self) -> Result<Vec<String>, Failure> {
        let limit = self.left.min(PAGE);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let lines = match &self.source {
            Source::Offline(services) => {
                offline(services, &self.filter, self.before, limit).await?
            }
            Source::Server(remote) => online(remote, &self.filter, self.before, limit).await?,
        };
        // A page that is not full is the last one.
        self.left = if lines.len() < limit {
            0
        } else {
            self.left - limit
        };
        self.before = lines.last().and_then(|line| {
            let entry: Value = serde_json::from_str(line).ok()?;
            entry.get("seq")?.as_u64()
        });
        if self.before.is_none() {
            self.left = 0;
        }
        Ok(lines)
    }

    /// Records that the ledger was read (a server does so itself), and closes it.
    pub(crate) async fn close(self, rows: u64) -> Result<(), Failure> {
        if let Source::Offline(services) = &self.source {
            let event = Event::new(
                Kind::AuditRead,
                "command-line",
                Subject::default(),
                Outcome::Ok,
            )
            .with("rows", rows);
            services.ledger.append_durable(event).await?;
            services.close().await;
        }
        Ok(())
    }
}

async fn offline(
    services: &Services,
    filter: &FilterArguments,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<String>, Failure> {
    let filter = Filter {
        tenant: filter.tenant.clone(),
        app: filter.app.clone(),
        patient: filter.patient.clone(),
        user: filter.user.clone(),
        session: filter.session.clone(),
        kind: filter.kind.clone(),
        from: filter.from,
        to: filter.to,
        before_seq: before,
        limit,
    };
    let entries = tokio::task::block_in_place(|| services.ledger.search(&filter))?;
    Ok(entries.into_iter().map(|entry| entry.raw).collect())
}

async fn online(
    remote: &Remote,
    filter: &FilterArguments,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<String>, Failure> {
    let mut query: Vec<(&str, String)> = vec![("limit", limit.to_string())];
    let named = [
        ("tenant", filter.tenant.clone()),
        ("app", filter.app.clone()),
        ("patient", filter.patient.clone()),
        ("user", filter.user.clone()),
        ("session", filter.session.clone()),
        ("kind", filter.kind.clone()),
        ("from", filter.from.map(|from| from.to_string())),
        ("to", filter.to.map(|to| to.to_string())),
        ("next", before.map(|before| before.to_string())),
    ];
    query.extend(
        named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let request = remote
        .request(Method::GET, "/audit")
        .query(&query)
        .header(header::ACCEPT, "application/x-ndjson");
    let text = remote.text(request).await?;
    Ok(text
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect())
}
