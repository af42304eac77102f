//! `glovebox fhir synthesize`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use glovebox_model::Clock as _;
use glovebox_synthesis::{Plan, patient, shared};
use serde_json::Value;
use time::format_description::well_known::Iso8601;

use crate::cli::failure::{Done, Failure};
use crate::cli::say;
use crate::clock::SystemClock;

/// Patients that are made at most: each has hundreds of resources.
const PATIENTS_MAX: usize = 1_000_000;

/// Writes synthetic patients with years of history, one NDJSON file for each resource
/// type. They belong to nobody. The same seed, number and date give the same files.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox fhir synthesize --out patients --patients 50\n  \
    glovebox fhir import --data glovebox-data --tenant main patients/*.ndjson"
)]
pub(crate) struct Arguments {
    /// Folder to make; it must be new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many patients; never fewer than the three that every demo has
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = patients)]
    patients: usize,
    /// Other seeds give other patients
    #[arg(long, default_value_t = crate::demo::SEED)]
    seed: u64,
    /// The day before which the charts end [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    today: Option<time::Date>,
}

/// Reads a number of patients.
pub(crate) fn patients(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=PATIENTS_MAX).contains(&number) => Ok(number),
        _ => Err(format!("give a number from 1 to {PATIENTS_MAX}")),
    }
}

fn day(text: &str) -> Result<time::Date, String> {
    time::Date::parse(text, &Iso8601::DATE).map_err(|_| "give a date such as 2026-01-31".to_owned())
}

/// Writes the files beside the goal and renames the folder when it is complete.
pub(crate) fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let out = &arguments.out;
    let is_taken = fs::read_dir(out)
        .map(|mut entries| entries.next().is_some())
        .unwrap_or(out.exists());
    if is_taken {
        return Err(Failure::fault(format!(
            "{} is not empty: name a new folder with --out",
            out.display()
        )));
    }
    let plan = Plan {
        patients: arguments.patients,
        seed: arguments.seed,
        today: arguments
            .today
            .unwrap_or_else(|| crate::demo::day_of(SystemClock.now())),
    };
    let mut partial = out.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = write(&partial, &plan).and_then(|counts| {
        fs::rename(&partial, out).map_err(|problem| Failure::file(out, &problem))?;
        Ok(counts)
    });
    let counts = match written {
        Ok(counts) => counts,
        Err(failure) => {
            let _ = fs::remove_dir_all(&partial);
            return Err(failure);
        }
    };
    let file = |name: &str| out.join(format!("{name}.ndjson")).display().to_string();
    let rows = counts
        .iter()
        .map(|(name, count)| [name.clone(), count.to_string(), file(name)]);
    say::table(["type", "resources", "file"], rows);
    Ok(Done::Yes)
}

fn write(dir: &Path, plan: &Plan) -> Result<BTreeMap<String, u64>, Failure> {
    let failed = |problem: std::io::Error| Failure::file(dir, &problem);
    fs::create_dir_all(dir).map_err(failed)?;
    let bar = say::bar("making patients", u64::try_from(plan.count()).unwrap_or(0));
    let mut files: BTreeMap<String, (BufWriter<File>, u64)> = BTreeMap::new();
    let mut put = |resources: Vec<Value>| -> std::io::Result<()> {
        for resource in resources {
            let name = resource
                .get("resourceType")
                .and_then(Value::as_str)
                .unwrap_or("Unknown");
            if !files.contains_key(name) {
                let file = File::create(dir.join(format!("{name}.ndjson")))?;
                files.insert(name.to_owned(), (BufWriter::new(file), 0));
            }
            if let Some((file, count)) = files.get_mut(name) {
                writeln!(file, "{resource}")?;
                *count += 1;
            }
        }
        Ok(())
    };
    put(shared(plan)).map_err(failed)?;
    for index in 0..plan.count() {
        put(patient(plan, index)).map_err(failed)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut counts = BTreeMap::new();
    for (name, (mut file, count)) in files {
        file.flush().map_err(failed)?;
        counts.insert(name, count);
    }
    Ok(counts)
}
