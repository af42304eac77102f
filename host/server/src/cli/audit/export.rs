//! `glovebox audit export`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::source::{FilterArguments, Pages, SourceArguments};
use crate::cli::failure::{Done, Failure};
use crate::cli::say;

/// Writes entries as NDJSON, one line an entry exactly as it is stored, the newest first.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox audit export --out audit.ndjson --from 2026-01-01 --data glovebox-data"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes beside the goal and renames when it is complete.
pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    let out = &arguments.out;
    if out.exists() {
        return Err(Failure::fault(format!(
            "{} exists already: name a new file with --out",
            out.display()
        )));
    }
    let mut partial = out.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let mut pages = arguments
        .source
        .pages(&arguments.filter, usize::MAX)
        .await?;
    let written = write(&mut pages, &partial).await;
    let rows = written.as_ref().copied().unwrap_or(0);
    let closed = pages.close(rows).await;
    let done = written.and(closed).and_then(|()| {
        std::fs::rename(&partial, out).map_err(|problem| Failure::file(out, &problem))
    });
    if let Err(failure) = done {
        let _ = std::fs::remove_file(&partial);
        return Err(failure);
    }
    say::answer(&format!("{rows} entries written to {}", out.display()));
    Ok(Done::Yes)
}

async fn write(pages: &mut Pages, path: &Path) -> Result<u64, Failure> {
    let failed = |problem: std::io::Error| Failure::file(path, &problem);
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let bar = say::bar("entries", 0);
    let mut rows = 0;
    loop {
        let page = pages.next().await?;
        if page.is_empty() {
            break;
        }
        for line in page {
            writeln!(file, "{line}").map_err(failed)?;
            rows += 1;
        }
        bar.set_length(rows);
        bar.set_position(rows);
    }
    bar.finish_and_clear();
    file.flush().map_err(failed)?;
    Ok(rows)
}
