//! Tells the linker in which order the functions of the allowed path stand.
#![allow(clippy::expect_used)]

fn main() {
    order_functions();
}

/// Puts the functions of the allowed path next to each other (see `scripts/hot-order`). Only for the
/// linkers that understand the file: a linker of the user's own choice may not.
fn order_functions() {
    let order = "scripts/hot.ld";
    println!("cargo::rerun-if-changed={order}");
    let is = |name: &str, value: &str| std::env::var_os(name).is_some_and(|found| found == value);
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let own_linker = flags.contains("link") || std::env::var_os("RUSTC_LINKER").is_some();
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") && !own_linker {
        let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{here}/{order}");
    }
}
