//! Where imported resources go: into a data directory, or to a running server.

use std::sync::Arc;

use glovebox_fhir::{OwnBase, Resource};
use glovebox_gateway::{ImportOptions, ImportReport, Refusal, RefusedResource};
use glovebox_model::TenantId;
use glovebox_model::ledger::Subject;
use reqwest::{Method, header};
use serde::Deserialize;

use crate::cli::failure::Failure;
use crate::cli::installation::Offline;
use crate::cli::remote::{Remote, TokenArguments};
use crate::services::Services;

/// Where to.
#[derive(clap::Args)]
pub(crate) struct TargetArguments {
    #[command(flatten)]
    offline: Offline,
    /// Address of a running server, in place of --data
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config"])]
    server: Option<String>,
    #[command(flatten)]
    token: TokenArguments,
    /// Tenant
    #[arg(long, default_value = "main")]
    tenant: String,
    /// Replace resources that have the same id and other content
    #[arg(long)]
    update: bool,
}

/// An open target.
pub(crate) enum Target {
    /// A data directory whose server does not run.
    Offline {
        services: Arc<Services>,
        tenant: TenantId,
        options: ImportOptions,
    },
    /// A running server.
    Server {
        remote: Remote,
        tenant: TenantId,
        update: bool,
    },
}

/// The server's report.
#[derive(Deserialize)]
struct Answer {
    created: usize,
    updated: usize,
    unchanged: usize,
    refused: Vec<AnswerRefused>,
}

#[derive(Deserialize)]
struct AnswerRefused {
    reference: String,
    why: String,
}

impl TargetArguments {
    /// Opens the data directory, or makes ready to call the server.
    pub(crate) async fn open(&self) -> Result<Target, Failure> {
        let tenant: TenantId = self
            .tenant
            .parse()
            .map_err(|problem| Failure::fault(format!("--tenant: {problem}")))?;
        if let Some(server) = &self.server {
            return Ok(Target::Server {
                remote: Remote::new(server, &self.token)?,
                tenant,
                update: self.update,
            });
        }
        if self.offline.data.is_none() && self.offline.config.is_none() {
            return Err(Failure::fault(
                "say where to: --data DIR (while its server does not run) or --server URL with a token",
            ));
        }
        let settings = self.offline.settings()?;
        if settings.tenant_name(&tenant).is_none() {
            let known: Vec<&str> = settings.tenants.iter().map(|(id, _)| id.as_str()).collect();
            return Err(Failure::fault(format!(
                "there is no tenant `{tenant}`: there are {}",
                known.join(", ")
            )));
        }
        let services = self
            .offline
            .open("import with --server URL and a token instead, or stop the server")
            .await?;
        Ok(Target::Offline {
            services,
            tenant,
            options: ImportOptions {
                update: self.update,
            },
        })
    }
}

impl Target {
    /// Puts some resources. What the report calls created or updated is on disk.
    pub(crate) async fn put(&self, resources: Vec<Resource>) -> Result<ImportReport, Failure> {
        match self {
            Self::Offline {
                services,
                tenant,
                options,
            } => {
                let base = services.settings.fhir_url(tenant);
                let own = |resource| OwnBase::new(&base).localise(resource);
                let resources = resources.into_iter().map(own).collect();
                let imported = services
                    .gateway
                    .import(tenant, &Subject::default(), resources, *options)
                    .await;
                imported.map_err(|refusal| match refusal {
                    Refusal::Invalid(problem) => Failure::fault(problem),
                    _ => Failure::fault(
                        "the data directory cannot be written now: see the log above",
                    ),
                })
            }
            Self::Server {
                remote,
                tenant,
                update,
            } => {
                let mut body = Vec::new();
                for resource in &resources {
                    body.extend(on_one_line(resource.bytes()));
                    body.push(b'\n');
                }
                let update = if *update { "true" } else { "false" };
                let request = remote
                    .request(Method::POST, "/fhir/import")
                    .query(&[("tenant", tenant.as_str()), ("update", update)])
                    .header(header::CONTENT_TYPE, "application/fhir+ndjson")
                    .body(body);
                let answer = remote.json(request).await?;
                let answer: Answer = serde_json::from_value(answer).map_err(|problem| {
                    Failure::fault(format!(
                        "the server's report is not understood ({problem}): is it another version?"
                    ))
                })?;
                let refused = answer.refused.into_iter();
                Ok(ImportReport {
                    created: answer.created,
                    updated: answer.updated,
                    unchanged: answer.unchanged,
                    refused: refused
                        .map(|r| RefusedResource {
                            reference: r.reference,
                            why: r.why,
                        })
                        .collect(),
                })
            }
        }
    }

    /// Writes what is pending.
    pub(crate) async fn close(&self) {
        if let Self::Offline { services, .. } = self {
            services.close().await;
        }
    }
}

/// The same JSON without white space between its tokens: one line of NDJSON.
fn on_one_line(json: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |byte: &u8| {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            return true;
        }
        in_string = *byte == b'"';
        !byte.is_ascii_whitespace()
    };
    json.iter().copied().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_on_one_line_says_the_same() {
        let pretty = "{\n \"a b\" : \"x\\\"\\n y\",\r\n\t\"c\\\\\": [ 1.50 , true ]\n}";
        let line = on_one_line(pretty.as_bytes());
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"a b\":\"x\\\"\\n y\",\"c\\\\\":[1.50,true]}"
        );
    }
}
