//! Signals: which are ignored, and those that guard catches.

/// Whether a signal was ignored when guard started.
pub fn is_ignored(number: i32) -> bool {
    let mut current = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with a null new action sigaction(2) only fills `current`, which is large enough and
    // is read only when the call succeeded.
    #[allow(unsafe_code)]
    unsafe {
        libc::sigaction(number, std::ptr::null(), current.as_mut_ptr()) == 0
            && current.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Past a limit on file size (setrlimit(2)) a write shall fail, not kill: the signal is caught, and
/// has its default action again in the real tool.
pub fn catch_size_limit() {
    let number = signal_hook::consts::SIGXFSZ;
    if !is_ignored(number) {
        let _ = signal_hook::flag::register(number, std::sync::Arc::default());
    }
}
