//! `glovebox demo`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;

use crate::cli::failure::{Done, Failure, is_locked};
use crate::cli::installation::Written;
use crate::cli::{say, serving};
use crate::clock::SystemClock;
use crate::config::{Config, Settings, Tenant};
use crate::demo::{self, DemoError, PEOPLE, Step, World};
use crate::http;
use crate::services::{DataDir, Services};

/// Where `cargo xtask guests` puts the sample apps.
const APPS: &str = "target/guests";

/// Runs a demo world until Ctrl-C: synthetic patients, people who can sign in, sample
/// apps. The first start makes it, the next ones find it as it was left.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox demo --port 9000 --patients 500")]
pub(crate) struct Arguments {
    /// Port on this machine
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Data directory; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "glovebox-demo")]
    data: PathBuf,
    /// Synthetic patients; never fewer than three
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = super::fhir::patients)]
    patients: usize,
    /// Folder with the components of the sample apps [default: target/guests]
    #[arg(long, value_name = "DIR")]
    apps: Option<PathBuf>,
    /// One password for everybody, in place of random ones
    #[arg(long, value_name = "TEXT")]
    password: Option<String>,
}

impl From<DemoError> for Failure {
    fn from(problem: DemoError) -> Self {
        Self::fault(problem.to_string())
    }
}

/// Takes the port, then builds what is missing, then serves.
pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    let given = arguments.apps.as_deref();
    let apps = given.or_else(|| Some(Path::new(APPS)).filter(|dir| dir.is_dir()));
    let plan = demo::precheck(arguments.patients, arguments.password.clone(), apps)?;
    let settings = settings(&arguments)?;
    let listener = serving::listen(settings.address).await?;
    DataDir::open(&settings.data_dir)?;
    demo::remove_description(&settings.data_dir)
        .map_err(|problem| Failure::file(&settings.data_dir, &problem))?;
    let services = match Services::open(settings, Arc::new(SystemClock)).await {
        Err(problem) if is_locked(&problem) => {
            return Err(Failure::fault(format!(
                "{problem}: it runs already, or choose another directory with --data"
            )));
        }
        opened => opened?,
    };
    let mut shown = Shown::default();
    let built = demo::build(&services, &plan, &mut |step| shown.show(step)).await;
    shown.clear();
    let world = match built {
        Ok(world) => world,
        Err(problem) => {
            services.close().await;
            return Err(problem.into());
        }
    };
    for note in &world.notes {
        say::note(&format!("note: {note}"));
    }
    if apps.is_none() {
        say::note(
            "note: no sample apps here: build them with `cargo xtask guests`, or name their folder with --apps",
        );
    }
    let router = http::router(Arc::clone(&services));
    welcome(&services, &world);
    world.announce()?;
    let warming = tokio::spawn(async move { world.warm().await });
    let served = serving::serve(listener, router, services).await;
    warming.abort();
    served?;
    Ok(Done::Yes)
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let tenant = |id: &str, name: &str| Tenant {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let config = Config {
        tenants: vec![
            tenant("main", "Harbor Point Medical Center"),
            tenant("sandbox", "Sandbox"),
        ],
        ..Config::default()
    };
    Written::of(config).resolve(Some(arguments.data.clone()), Some(arguments.port))
}

/// The bar of the step that is being done.
#[derive(Default)]
struct Shown {
    bar: Option<ProgressBar>,
    label: String,
}

impl Shown {
    fn show(&mut self, step: Step<'_>) {
        let (label, done, total) = match step {
            Step::Patients {
                tenant,
                done,
                total,
            } => (format!("patients of {tenant}"), done, total),
            Step::Identities => ("people and clients".to_owned(), 0, 1),
            Step::App(name) => (format!("installing {name}"), 0, 1),
        };
        if self.label != label {
            self.clear();
            tracing::debug!(step = label, "building the demo world");
            self.bar = Some(say::bar(&label, u64::try_from(total).unwrap_or(0)));
            self.label = label;
        }
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(done).unwrap_or(0));
            bar.tick();
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn welcome(services: &Services, world: &World) {
    let settings = &services.settings;
    say::answer(&format!(
        "\nGlovebox demo: {} synthetic patients, who belong to nobody.\n",
        world.patients
    ));
    let same = PEOPLE
        .iter()
        .all(|person| world.password(person.username) == world.password("admin"));
    let rows = PEOPLE.iter().map(|person| {
        [
            person.username.to_owned(),
            world.password(person.username).to_owned(),
            person.can.to_owned(),
        ]
    });
    if same {
        let rows = rows.map(|[user, _, can]| [user, can]);
        say::table(["sign in as", "and try"], rows);
        say::answer(&format!(
            "\nPassword of everybody: {}",
            world.password("admin")
        ));
    } else {
        say::table(["sign in as", "password", "and try"], rows);
    }
    let main = settings
        .tenants
        .first()
        .map(|(id, _)| settings.fhir_url(id))
        .unwrap_or_default();
    say::answer(&format!(
        "\n  Chart   {base}/chart\n  Admin   {base}/admin\n  FHIR    {main}\n  Secrets {file}\n\n\
         Start at {base} and sign in as dr.rivera: Anna Rossi, then Lab Viewer. Ctrl-C ends the demo.",
        base = settings.base_url,
        file = settings.data_dir.join("demo.json").display(),
    ));
}
