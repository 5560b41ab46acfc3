//! The guard binary: dispatches on argv\[0\] before any parser or configuration is touched.
#![no_main]

use std::ffi::OsString;

/// The entry point, called by the C library. The standard library's own would ignore SIGPIPE and
/// open closed descriptors before guard could see what the real tool should inherit.
// SAFETY: the symbol is defined once, with the signature that the C standard gives `main`.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _words: *const *const std::ffi::c_char) -> i32 {
    // The standard library keeps argc and argv by itself, from the loader.
    let argv: Vec<OsString> = std::env::args_os().collect();
    guard::start(&argv)
}
