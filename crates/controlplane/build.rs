//! Rebuilds the crate when the web admin was built anew: the files of `web-admin/dist` are embedded in release builds.

fn main() {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for watched in ["../../web-admin/dist", "../../web-admin"] {
        let folder = manifest.join(watched);
        // Watching a folder that is not there would rebuild every time.
        if folder.is_dir() {
            println!("cargo::rerun-if-changed={}", folder.display());
            return;
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
}
