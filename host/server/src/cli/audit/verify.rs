//! `glovebox audit verify`.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_database::ledger::{LedgerError, VerifyReport, read_anchor, verify};
use glovebox_database::vault::{KeyEncryptionKey, Vault};
use glovebox_database::{
    Keyspace, PostgresRecords, PostgresSettings, Records, RecordsError, SledRecords, SledSettings,
};
use glovebox_model::Digest;
use serde_json::json;

use crate::cli::failure::{Done, Failure};
use crate::cli::installation::{Offline, existing};
use crate::cli::say;
use crate::config::{Engine, Settings};
use crate::services::DataDir;

/// Reads every entry of the ledger and names the first one that was changed, removed,
/// added or moved. Exit code 1 if there is one. Works while the server runs too, but then
/// the anchor, which shows whether the end was cut off, cannot be read.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox audit verify --data glovebox-data")]
pub(crate) struct Arguments {
    #[command(flatten)]
    offline: Offline,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What the records know of the ledger.
#[derive(Default)]
struct Known {
    anchor: Option<(u64, Digest)>,
    public_key: Option<Vec<u8>>,
    is_locked: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Done, Failure> {
    if arguments.offline.data.is_none() && arguments.offline.config.is_none() {
        return Err(Failure::fault("say which ledger: --data DIR"));
    }
    let settings = arguments.offline.settings()?;
    existing(&settings.data_dir)?;
    DataDir::open(&settings.data_dir)?;
    let path = settings.data_dir.join("ledger");
    let dir = Dir::open_ambient_dir(&path, ambient_authority())
        .map_err(|problem| Failure::file(&path, &problem))?;
    let known = known(&settings).await?;
    let bar = say::bar("verifying segments", 0);
    let result = tokio::task::block_in_place(|| {
        verify(
            &dir,
            known.anchor,
            known.public_key.as_deref(),
            |progress| {
                bar.set_length(u64::try_from(progress.segments_total).unwrap_or(0));
                bar.set_position(u64::try_from(progress.segments).unwrap_or(0));
            },
        )
    });
    bar.finish_and_clear();
    match result {
        Ok(report) => {
            print(&report, &known, arguments.json);
            Ok(Done::Yes)
        }
        Err(LedgerError::Broken {
            segment,
            line,
            seq,
            what,
        }) => {
            if arguments.json {
                let first = json!({ "seq": seq, "segment": segment, "line": line, "what": what.to_string() });
                say::json(&json!({ "holds": false, "first_bad": first }));
            } else {
                say::answer(&format!(
                    "The ledger is broken. The first bad entry is {seq} (segment {segment}, line {line}): {what}."
                ));
                say::answer(
                    "Keep a copy of the data directory, and compare it with a backup from before.",
                );
            }
            if known.is_locked {
                say::note(
                    "the server runs and writes: verify again while it is stopped to be sure",
                );
            }
            Ok(Done::No)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Opens the records only: verifying must not write into what it verifies.
async fn known(settings: &Settings) -> Result<Known, Failure> {
    let records: Arc<dyn Records> = match &settings.engine {
        Engine::Sled { cache_bytes } => {
            let path = settings.data_dir.join("records");
            match tokio::task::block_in_place(|| {
                SledRecords::open(
                    &path,
                    &SledSettings {
                        cache_bytes: *cache_bytes,
                    },
                )
            }) {
                Ok(records) => records,
                Err(RecordsError::Locked) => {
                    return Ok(Known {
                        is_locked: true,
                        ..Known::default()
                    });
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        Engine::Postgres { url } => {
            PostgresRecords::connect(url, &PostgresSettings::default()).await?
        }
    };
    let anchor = read_anchor(&Keyspace::new(Arc::clone(&records), "ledger")).await?;
    let kek = settings.data_dir.join("keys").join("kek");
    let public_key = if kek.is_file() {
        let failed = |problem: glovebox_database::VaultError| Failure::fault(problem.to_string());
        let key = KeyEncryptionKey::load_or_create(&kek).map_err(failed)?;
        let vault =
            Vault::new(Keyspace::new(Arc::clone(&records), "vault"), &key).map_err(failed)?;
        let pkcs8 = vault.get("ledger-signing-key").await.map_err(failed)?;
        let pair = pkcs8.and_then(|pkcs8| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok());
        pair.map(|pair| pair.public_key().as_ref().to_vec())
    } else {
        None
    };
    Ok(Known {
        anchor,
        public_key,
        is_locked: false,
    })
}

fn print(report: &VerifyReport, known: &Known, as_json: bool) {
    let anchor = known.anchor.map(|(seq, _)| seq);
    if as_json {
        return say::json(&json!({
            "holds": true,
            "entries": report.entries,
            "segments": report.segments,
            "head": report.head.to_string(),
            "checkpoints": report.checkpoints,
            "signatures_checked": known.public_key.is_some(),
            "anchor": anchor,
            "beyond_anchor": anchor.map(|_| report.beyond_anchor),
            "torn_bytes": report.torn_bytes,
        }));
    }
    say::answer(&format!(
        "The ledger holds: {} entries in {} segments.",
        report.entries, report.segments
    ));
    say::answer(&format!("  head         {}", report.head));
    match (known.public_key.is_some(), report.covered) {
        (true, 0) => say::answer("  signatures   no checkpoint yet"),
        (true, covered) => {
            say::answer(&format!(
                "  signatures   {} checkpoints verified, up to entry {covered}",
                report.checkpoints
            ));
        }
        (false, _) => say::answer("  signatures   not checked: the signing key could not be read"),
    }
    match anchor {
        Some(anchor) if report.beyond_anchor > 0 => say::answer(&format!(
            "  anchor       at entry {anchor}; {} entries after it chain, but that none is missing cannot be proved",
            report.beyond_anchor
        )),
        Some(anchor) => say::answer(&format!(
            "  anchor       at entry {anchor}, the last one: nothing was cut off"
        )),
        None if known.is_locked => say::answer(
            "  anchor       not checked, because the server runs: stop it and verify again to see whether the end \
             was cut off",
        ),
        None => say::answer("  anchor       not checked: the records hold none"),
    }
    if report.torn_bytes > 0 {
        say::answer(&format!(
            "  last line    unfinished ({} bytes), as a crash leaves it: the next start drops it and records that",
            report.torn_bytes
        ));
    }
}
