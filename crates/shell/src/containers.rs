//! `docker` and `podman`: `exec` and `run`, also as `container exec` and
//! `compose exec` (Docker CLI reference, podman-run(1), podman-exec(1)).

use super::invoke::{Run, Step};
use super::options::OptionTable;
use super::wrappers::{Look, Wrapper, options, strip_to};

const EXEC: OptionTable = OptionTable {
    short: "de:itlTu:w:",
    long: "detach detach-keys: env: env-file: interactive latest no-TTY no-tty preserve-fds: \
        privileged tty user: workdir: index:",
};

const RUN: OptionTable = OptionTable {
    short: "a:c:de:h:il:m:p:PqrTtu:v:w:",
    long: "add-host: annotation: arch: attach: authfile: blkio-weight: blkio-weight-device: \
        build cap-add: cap-drop: cgroup-parent: cgroupns: cgroups: cidfile: conmon-pidfile: \
        cpu-count: cpu-percent: cpu-period: cpu-quota: cpu-rt-period: cpu-rt-runtime: \
        cpu-shares: cpus: cpuset-cpus: cpuset-mems: detach detach-keys: device: \
        device-cgroup-rule: device-read-bps: device-read-iops: device-write-bps: \
        device-write-iops: disable-content-trust dns: dns-opt: dns-option: dns-search: \
        domainname: entrypoint: env: env-file: expose: gidmap: gpus: group-add: health-cmd: \
        health-interval: health-retries: health-start-period: health-timeout: hostname: init \
        interactive io-maxbandwidth: io-maxiops: ip: ip6: ipc: isolation: kernel-memory: label: \
        label-file: link: link-local-ip: log-driver: log-opt: mac-address: memory: \
        memory-reservation: memory-swap: memory-swappiness: mount: name: net: net-alias: \
        network: network-alias: no-deps no-healthcheck no-hosts no-TTY no-tty \
        oom-kill-disable oom-score-adj: os: pid: pids-limit: platform: pod: privileged \
        publish: publish-all pull: quiet quiet-pull read-only remove-orphans replace restart: \
        rm rmi runtime: secret: security-opt: service-ports shm-size: sig-proxy:: \
        stop-signal: stop-timeout: storage-opt: subuidname: sysctl: systemd: timezone: tls-verify:: \
        tmpfs: tty tz: uidmap: ulimit: umask: use-aliases user: userns: uts: volume: \
        volume-driver: volumes-from: workdir:",
};

const COMPOSE: OptionTable = OptionTable {
    short: "f:p:",
    long: "file: project-name: project-directory: profile: env-file: ansi: parallel: progress: \
        compatibility all-resources dry-run",
};

/// `docker [options] exec|run [options] CONTAINER|IMAGE COMMAND…`
pub(super) fn docker(run: &mut Run, wrapper: &'static Wrapper) -> Step {
    let mut given = match options(run, wrapper, 1) {
        Ok(given) => given,
        Err(step) => return step,
    };
    match run.text(given.at) {
        b"container" => given.at += 1,
        b"compose" => {
            let compose = nested(wrapper, COMPOSE);
            given = match options(run, &compose, given.at + 1) {
                Ok(given) => given,
                Err(step) => return step,
            };
        }
        _ => {}
    }
    let (grammar, verb) = match run.text(given.at) {
        b"exec" => (EXEC, "exec"),
        b"run" => (RUN, "run"),
        _ => return Step::Leaf,
    };
    let inner = nested(wrapper, grammar);
    let given = match options(run, &inner, given.at + 1) {
        Ok(given) => given,
        Err(step) => return step,
    };
    let label = format!("{} {verb}", wrapper.name);
    let step = strip_to(run, &inner, &given, given.at + 1);
    if step == Step::Again {
        if let Some(last) = run.command.via.last_mut() {
            *last = label;
        }
        run.goes_away();
        run.note("this runs in a container; what of this machine it can reach cannot be seen here");
    }
    step
}

/// The wrapper's subcommand with its own options.
fn nested(wrapper: &Wrapper, grammar: OptionTable) -> Wrapper {
    Wrapper {
        name: wrapper.name,
        grammar,
        operands: 0,
        directory: 0,
        idle: "",
        look: Look::Strip(docker),
    }
}
