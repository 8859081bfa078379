//! Lists the migrations for `db::migrate`, and builds again when one is added: they are embedded, and cargo would not
//! see it.

use std::{env, error::Error, fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    let mut texts = String::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // The version as diesel has it.
        let version = name.split('_').next().unwrap_or_default().replace('-', "");
        let text = folder.join(&name).join("up.sql");
        writeln!(texts, "({version:?}, {name:?}, include_str!({text:?})),")?;
    }
    let list = Path::new(&env::var("OUT_DIR")?).join("migrations.rs");
    fs::write(list, format!("&[{texts}]"))?;
    Ok(())
}
