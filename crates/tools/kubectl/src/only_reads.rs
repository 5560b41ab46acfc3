//! Which commands change nothing.

use guard_core::invocation::Invocation;

/// Verbs of one word that change nothing.
const READING: [&str; 9] = [
    "api-resources",
    "api-versions",
    "describe",
    "diff",
    "events",
    "explain",
    "get",
    "logs",
    "wait",
];

/// Verbs that only group others: alone they show their help.
const GROUPS: [&str; 7] = [
    "alpha",
    "auth",
    "certificate",
    "config",
    "plugin",
    "rollout",
    "set",
];

/// Whether the invocation is known to change nothing, neither in the cluster nor in files.
pub fn only_reads(invocation: &Invocation) -> bool {
    if invocation.inert {
        return true;
    }
    // --profile-output and --output-directory name files that are written.
    let writes = invocation.has_any(&["--profile-output", "--output-directory"])
        || (invocation.has("--profile") && !invocation.verb_is(&["debug"]));
    let verb: Vec<&str> = invocation.verb.iter().map(|word| &**word).collect();
    !writes
        && match verb.as_slice() {
            [name] if READING.contains(name) || GROUPS.contains(name) => true,
            ["cluster-info" | "top", ..]
            | ["auth", "can-i" | "whoami"]
            | ["rollout", "status" | "history"]
            | ["plugin", "list"]
            | ["apply", "view-last-applied"]
            | [
                "config",
                "view" | "current-context" | "get-clusters" | "get-contexts" | "get-users",
            ] => true,
            // Generators and plugins of kustomize are programs of their own.
            ["kustomize"] => !invocation.has_any(&[
                "--output",
                "--enable-helm",
                "--enable-alpha-plugins",
                "--mount",
                "--network",
            ]),
            _ => false,
        }
}
