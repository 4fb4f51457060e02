//! Gives the Windows program its icon, its version and its manifest. Does nothing for other systems.

const MANIFEST: &str = "assets/windows/visualcron-tray.manifest";
const ICON: &str = "assets/ico/app.ico";

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    println!("cargo::rerun-if-changed={MANIFEST}");
    println!("cargo::rerun-if-changed={ICON}");
    // Name, version and description come from Cargo.toml.
    winresource::WindowsResource::new()
        .set_icon(ICON)
        .set_manifest_file(MANIFEST)
        .set("ProductName", "visualcron-tray")
        .set("InternalName", "visualcron-tray")
        .set("OriginalFilename", "visualcron-tray.exe")
        .set("CompanyName", "The authors of visualcron-tray")
        .set("LegalCopyright", "MIT or Apache-2.0. Not made by the vendor of VisualCron.")
        .compile()
}
