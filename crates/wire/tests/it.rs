//! The checked-in protobuf code is what the contracts in `proto/` say.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// After a change in `proto/`: `UPDATE_GENERATED=1 cargo test -p wire generated_code_is_fresh`.
#[test]
fn generated_code_is_fresh() -> Result<(), Box<dyn Error>> {
    let fresh = generate()?;
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen");
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone, not configuration")]
    let update = std::env::var("UPDATE_GENERATED").is_ok();
    if update {
        for (name, text) in &fresh {
            fs::write(checked_in.join(name), text)?;
        }
    }
    assert_eq!(files(&checked_in)?, fresh, "run this test with UPDATE_GENERATED=1");
    Ok(())
}

fn generate() -> Result<BTreeMap<PathBuf, String>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut contracts = Vec::new();
    find_contracts(&root, &mut contracts)?;
    contracts.sort();
    let descriptors = protox::compile(&contracts, [&root])?;
    let target = tempfile::tempdir()?;
    prost_build::Config::new().out_dir(target.path()).compile_fds(descriptors)?;
    Ok(files(target.path())?)
}

fn find_contracts(folder: &Path, contracts: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_contracts(&path, contracts)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            contracts.push(path);
        }
    }
    Ok(())
}

fn files(folder: &Path) -> io::Result<BTreeMap<PathBuf, String>> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        texts.insert(PathBuf::from(entry.file_name()), fs::read_to_string(entry.path())?);
    }
    Ok(texts)
}
