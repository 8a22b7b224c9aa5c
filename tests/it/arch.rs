//! Who may know whom. A new edge is a reviewed change of this file.
//!
//! Invariant: the data plane never meets SQL or the control plane, `domain`, `policy` and `providers` never meet IO, and
//! the sandbox and the bench meet nothing of ours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::{dependents, metadata};

/// Each crate with everything of ours it may depend on (not counting dev-dependencies).
const EDGES: &[(&str, &[&str])] = &[
    ("backplane", &["domain", "metering", "policy", "wire"]),
    ("bench", &[]),
    ("chargeback", &["domain", "metering"]),
    ("controlplane", &["chargeback", "domain", "metering", "notices", "policy", "store"]),
    ("dataplane", &["domain", "metering", "policy", "providers"]),
    ("domain", &[]),
    ("journal", &["domain", "metering", "policy", "wire"]),
    ("metering", &["domain"]),
    ("migrations", &[]),
    ("nodelink", &["domain", "metering", "policy", "wire"]),
    ("notices", &["domain"]),
    ("policy", &["domain"]),
    ("providers", &["domain"]),
    ("sandbox", &[]),
    (
        "server",
        &[
            "backplane",
            "controlplane",
            "dataplane",
            "domain",
            "journal",
            "metering",
            "nodelink",
            "notices",
            "policy",
            "sandbox",
            "store",
        ],
    ),
    // A tool of development: real parts of both sides in one process. Nothing depends on it.
    ("simulation", &["controlplane", "dataplane", "domain", "journal", "metering", "policy", "store"]),
    ("store", &["domain", "metering", "migrations", "policy"]),
    ("tests", &[]),
    ("wire", &["domain", "metering", "policy"]),
];

/// Third-party crates that only these may name.
const OWNERS: &[(&str, &[&str])] = &[
    ("async-graphql", &["controlplane"]),
    ("argon2", &["controlplane"]),
    ("jsonwebtoken", &["controlplane"]),
    ("sea-orm", &["store"]),
    ("sea-orm-migration", &["migrations", "store"]),
    ("sqlx", &["server"]),
    ("prost", &["wire"]),
    ("prost-build", &["wire"]),
    ("hyper-rustls", &["dataplane"]),
    ("hyper-util", &["bench", "dataplane", "nodelink", "sandbox", "server"]),
    ("redis", &["backplane"]),
    // What calls and mails people outside is the control plane's alone.
    ("reqwest", &["notices"]),
    ("lettre", &["notices"]),
    ("aes-gcm-siv", &["policy"]),
    ("opentelemetry", &["server"]),
];

/// Crates that must stay free of IO, async runtimes and wire formats.
const PURE: &[(&str, &[&str])] = &[
    ("domain", &["tokio", "serde", "axum", "sea-orm", "redis"]),
    ("policy", &["tokio", "serde", "axum", "sea-orm", "redis", "hyper"]),
    ("providers", &["tokio", "axum", "hyper", "tracing", "chrono", "rand", "sea-orm"]),
    ("metering", &["tokio", "axum", "sea-orm", "redis", "serde"]),
    ("chargeback", &["tokio", "axum", "sea-orm"]),
    ("dataplane", &["sea-orm", "redis", "async-graphql", "prost", "sqlx", "reqwest", "lettre", "notices"]),
    ("controlplane", &["sea-orm", "redis", "prost", "sqlx"]),
];

/// Normal dependencies of each workspace crate, by package name.
fn direct() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let ours = packages.filter(|package| package["source"].is_null());
    ours.map(|package| {
        let named = |dependency: &Value| dependency["name"].as_str().expect("name").to_owned();
        let normal = |dependency: &&Value| dependency["kind"].is_null();
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        (named(package), dependencies.filter(normal).map(named).collect())
    })
    .collect()
}

#[test]
fn every_edge_between_our_crates_is_in_the_table() {
    let direct = direct();
    let ours: BTreeSet<&str> = direct.keys().map(String::as_str).collect();
    let found: BTreeMap<&str, BTreeSet<&str>> = direct
        .iter()
        .map(|(name, deps)| {
            (name.as_str(), deps.iter().map(String::as_str).filter(|d| ours.contains(d)).collect())
        })
        .collect();
    let table: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, deps)| (*name, deps.iter().copied().collect())).collect();
    assert_eq!(found, table, "left: Cargo.toml files, right: the table in tests/it/arch.rs");
}

#[test]
fn each_guarded_library_is_named_by_its_owners_only() {
    for (library, owners) in OWNERS {
        for (name, deps) in direct() {
            assert!(!deps.contains(*library) || owners.contains(&name.as_str()), "{name} names {library}");
        }
    }
}

#[test]
fn pure_crates_name_no_io() {
    let direct = direct();
    for (name, banned) in PURE {
        for library in *banned {
            assert!(!direct[*name].contains(*library), "{name} names {library}");
        }
    }
}

#[test]
fn one_tls_library_is_in_the_tree() {
    for banned in ["ring", "openssl", "native-tls"] {
        let found = dependents(banned);
        assert!(found.is_empty(), "{banned} is in the tree; TLS is rustls with aws-lc-rs:\n{found}");
    }
    assert!(!dependents("aws-lc-rs").is_empty(), "the way to look for them finds nothing");
}
