//! Writes every page with rich sample data as HTML, to look at:
//! `cargo run -p glovebox-render --example gallery -- OUTDIR`.

#[path = "gallery/documents.rs"]
mod documents;
#[path = "gallery/samples.rs"]
mod samples;

use std::path::Path;
use std::{env, fs, io, process};

use glovebox_render::ASSETS;

fn main() {
    let Some(out) = env::args_os().nth(1) else {
        eprintln!("usage: gallery OUTDIR");
        process::exit(2);
    };
    if let Err(error) = write(Path::new(&out)) {
        eprintln!("cannot write to {}: {error}", Path::new(&out).display());
        process::exit(2);
    }
}

fn write(out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    for asset in ASSETS {
        let name = asset.path.rsplit('/').next().unwrap_or(asset.path);
        fs::write(out.join(name), asset.body)?;
    }
    for (name, page) in samples::pages() {
        // On a server assets are absolute; from a folder they are neighbours.
        let page = page.into_string().replace("/assets/", "");
        fs::write(out.join(format!("{name}.html")), page)?;
    }
    Ok(())
}
