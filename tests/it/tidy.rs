//! House rules that a machine can hold: file sizes, module docs, shared lints, no machine's own paths.

use std::fs;

use crate::workspace::{files, root};

const MAX_LINES: usize = 400;

/// Files that may be longer, each with its reason and its own bound.
const LONGER: &[(&str, usize, &str)] = &[];

fn is_ours(file: &str) -> bool {
    (file.ends_with(".rs") || file.ends_with(".ts") || file.ends_with(".tsx"))
        && !file.contains("/gen/")
        && !file.contains("/gql/")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut long = Vec::new();
    for file in files().into_iter().filter(|file| is_ours(file)) {
        let lines = read(&file).lines().count();
        let bound =
            LONGER.iter().find(|(name, _, _)| *name == file).map_or(MAX_LINES, |(_, bound, _)| *bound);
        if lines > bound {
            long.push(format!("{file}: {lines} lines, at most {bound}"));
        }
    }
    assert!(long.is_empty(), "split these, or list them with a reason:\n{}", long.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = files()
        .into_iter()
        .filter(|file| file.ends_with(".rs") && is_ours(file) && !file.ends_with("tests.rs"))
        .filter(|file| !read(file).starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "these do not begin with //!: {silent:?}");
}

#[test]
fn every_crate_takes_the_shared_lints() {
    let manifests: Vec<String> =
        files().into_iter().filter(|f| f.ends_with("/Cargo.toml") && !f.contains("/fuzz/")).collect();
    assert!(manifests.len() > 10);
    for manifest in manifests {
        assert!(
            read(&manifest).contains("[lints]\nworkspace = true"),
            "{manifest} does not take the workspace's lints"
        );
    }
}

#[test]
fn no_file_holds_a_path_of_one_machine() {
    let marks = ["/home/", "/Users/", concat!("/", "root/"), concat!("/", "work/")];
    for file in files() {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for mark in marks {
            let allowed = file == "tests/it/tidy.rs";
            assert!(allowed || !text.contains(mark), "{file} holds the path {mark}…");
        }
    }
}

#[test]
fn nothing_is_left_undone_in_the_sources() {
    let marks = [concat!("FIX", "ME"), concat!("X", "XX"), concat!("#[ign", "ore"), concat!("to", "do!(")];
    for file in files().into_iter().filter(|file| is_ours(file)) {
        let text = read(&file);
        for mark in marks {
            assert!(!text.contains(mark), "{file} holds {mark}");
        }
    }
}
