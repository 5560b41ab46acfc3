#!/bin/sh
# Builds guard in the checkout that this file lies in, and installs it. Asks nothing; safe to run
# again, also while guard runs.
set -eu
umask 022
unset CDPATH

TOOLS='rm git kubectl terraform psql aws'
NEWLINE='
'

usage() {
    cat <<'END'
Usage: ./install.sh [--prefix DIR] [--config-dir DIR] [--state-dir DIR] [--uninstall] [--help]
       sudo ./install.sh --system [--secure-path] [--uninstall]

Builds guard with cargo and installs it:

  PREFIX/bin/guard                 the binary
  PREFIX/share/guard/shims/        rm, git, kubectl, terraform, psql, aws: links to the binary
  PREFIX/share/guard/places        where rules and audit log are; later changes of HOME do not move them

  --prefix DIR      where to install                 (~/.local)
  --config-dir DIR  where your rules.toml is         (~/.config/guard)
  --state-dir DIR   where the audit log is           (~/.local/state/guard)
  --uninstall       remove all of it, also what guard setup wrote, but for your own rules and the audit log
  --system          for all users, owned by root: below /usr/local, with /etc/profile.d/zz-guard.sh, which puts the
                    shims first in every login shell. Each user's rules and log stay in their own home directory
  --secure-path     with --system: also put the shims first for what sudo runs (/etc/sudoers.d/zz-guard)
  --help            print this

Installing again upgrades guard and keeps the directories that were chosen before, unless an option
names others.
END
}

# fail WHAT [WHAT TO DO]
fail() {
    printf 'install.sh: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf '  %s\n' "$2" >&2
    exit "${3:-1}"
}

# PATH without the directories in which rm is guard's shim: what follows uses the real tools.
path_without_shims() {
    kept=
    old_ifs=$IFS
    IFS=:
    set -f
    for directory in $PATH; do
        [ -n "$directory" ] || continue
        if [ -L "$directory/rm" ]; then
            link=$(readlink "$directory/rm")
            [ "${link##*/}" != guard ] || continue
        fi
        kept=${kept:+$kept:}$directory
    done
    set +f
    IFS=$old_ifs
    printf '%s' "${kept:-/usr/bin:/bin}"
}

# The home directory that the system's user list names; empty when it names none.
listed_home() {
    id=$(id -u)
    entry=$(getent passwd "$id" 2>/dev/null) ||
        entry=$(awk -F: -v id="$id" '$3 == id { print; exit }' /etc/passwd 2>/dev/null) || entry=
    entry=$(printf '%s\n' "$entry" | cut -d: -f6)
    case $entry in
    /*) printf '%s' "$entry" ;;
    esac
}

# absolute OPTION DIR: DIR as an absolute path without a slash at its end.
absolute() {
    case $2 in
    '') fail "$1 needs a directory" "for example: $1 /opt/guard" 2 ;;
    *"$NEWLINE"*) fail "$1: a path with a line break cannot be written down" 'choose another directory' 2 ;;
    '~'*) fail "$1: your shell did not replace the ~ in $2" "write the path out, or: $1 \"\$HOME/…\"" 2 ;;
    /*) path=$2 ;;
    *) path=$PWD/$2 ;;
    esac
    case $path in
    *"$NEWLINE"*) fail "$1: a path with a line break cannot be written down" 'choose another directory' 2 ;;
    esac
    while [ "$path" != / ] && [ "${path%/}" != "$path" ]; do
        path=${path%/}
    done
    printf '%s' "$path"
}

# noted NAME: what an earlier installation wrote down.
noted() {
    [ ! -f "$share/places" ] || sed -n "s|^$1=\\(/.*\\)|\\1|p" "$share/places" | head -n 1
}

# make_directory DIR MODE: makes it and what is missing above it, and remembers what it made.
make_directory() {
    [ ! -d "$1" ] || return 0
    [ -z "${1%/*}" ] || make_directory "${1%/*}" "$2"
    mkdir -m "$2" "$1" || fail "$1 cannot be made" 'choose another directory (see --help), or make it yourself'
    made=$1$NEWLINE$made
}

# put FILE: standard input becomes the file in one step.
put() {
    leftover=$1.new.$$
    cat >"$leftover" || fail "$1 cannot be written"
    mv -f "$leftover" "$1" || fail "$1 cannot be written"
    leftover=
}

# Whether PREFIX/bin/guard is this guard, and not another program of that name.
is_ours() {
    [ -f "$share/places" ] || grep -q 'guard:shim:8f3d51c07be' "$binary" 2>/dev/null
}

find_cargo() {
    cargo=$(command -v cargo) && return
    for cargo in "${CARGO_HOME:-$home/.cargo}/bin/cargo" "$listed/.cargo/bin/cargo" "$called_home/.cargo/bin/cargo"; do
        [ ! -x "$cargo" ] || return 0
    done
    fail 'cargo was not found, neither on PATH nor in ~/.cargo/bin' \
        "install Rust $rust or newer (https://rustup.rs), then run ./install.sh again"
}

# Builds, and sets `built` to the path of the binary.
build() {
    if [ ! -f "$checkout/Cargo.toml" ] || [ ! -f "$checkout/rules.toml" ]; then
        fail "$checkout is no checkout of guard" 'run the install.sh that lies in one'
    fi
    rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$checkout/Cargo.toml")
    find_cargo
    command -v cc >/dev/null ||
        fail 'no C compiler (cc) was found; Rust needs one to link' \
            'on Debian and Ubuntu: apt-get install gcc libc6-dev'
    # Where HOME is a new one, Rust is still where it was installed.
    if [ -z "${RUSTUP_HOME-}" ] && [ ! -d "$home/.rustup" ] && [ -d "$listed/.rustup" ]; then
        RUSTUP_HOME=$listed/.rustup
        export RUSTUP_HOME
    fi
    if [ -z "${CARGO_HOME-}" ] && [ ! -d "$home/.cargo" ] && [ -d "$listed/.cargo" ]; then
        CARGO_HOME=$listed/.cargo
        export CARGO_HOME
    fi
    # Under sudo, Rust and the checkout are those of the person who called it.
    as=
    if [ -n "$called_home" ]; then
        as="sudo -u $SUDO_USER -H --"
        unset RUSTUP_HOME CARGO_HOME
    fi
    case ${CARGO_TARGET_DIR-} in
    '' | /*) ;;
    *)
        CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR
        export CARGO_TARGET_DIR
        ;;
    esac
    # cargo says where it put the binary: target directories can be configured in many ways.
    # shellcheck disable=SC2086 # words of a command
    report=$(cd "$checkout" &&
        $as "$cargo" build --profile dist --locked --message-format=json-render-diagnostics </dev/null) ||
        fail "guard could not be built in $checkout; cargo says why above" \
            "guard needs Rust $rust or newer (rustup update); nothing was installed"
    built=$(printf '%s\n' "$report" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
    [ -x "$built" ] || built=${CARGO_TARGET_DIR:-$checkout/target}/release/guard
    "$built" --version >/dev/null ||
        fail "the guard that was built does not run: $built" 'nothing was installed'
}

install_binary() {
    [ ! -d "$binary" ] || fail "$binary is a directory" 'move it away, or choose another --prefix'
    leftover=$prefix/bin/.guard.new.$$
    { cp "$built" "$leftover" && chmod 755 "$leftover" && mv -f "$leftover" "$binary"; } ||
        fail "$binary cannot be written" 'choose another --prefix, or make the directory writable'
    leftover=
}

install_shims() {
    for tool in $TOOLS; do
        shim=$shims/$tool
        [ "$(readlink "$shim" 2>/dev/null)" != ../../../bin/guard ] || continue
        if [ -d "$shim" ] && [ ! -L "$shim" ]; then
            fail "$shim is a directory" 'move it away'
        fi
        # A link to a directory would take the new one in.
        [ ! -d "$shim" ] || rm -f "$shim"
        leftover=$shims/.$tool.new.$$
        { ln -s ../../../bin/guard "$leftover" && mv -f "$leftover" "$shim"; } ||
            fail "$shim cannot be made" 'make the directory writable'
        leftover=
    done
    [ -x "$shims/rm" ] ||
        fail "$shims/rm does not lead to $binary" "is $prefix/share a link? choose another --prefix"
}

install_guard() {
    if [ -e "$binary" ] && ! is_ours; then
        fail "$binary is another program, so it was not replaced" 'move it away, or choose another --prefix'
    fi
    build
    make_directory "$prefix/bin" 755
    make_directory "$shims" 755
    make_directory "$config" 700
    make_directory "$state" 700
    before=$(cat "$share/made" 2>/dev/null) || before=
    printf '%s\n%s\n' "$made" "$before" | sed '/^$/d' | sort -ru | put "$share/made"
    printf 'config=%s\nstate=%s\n' "$config" "$state" | put "$share/places"
    install_binary
    install_shims
    report_installed
}

# What --system adds: everything is root's, and a user's places are below that user's home.
install_system() {
    [ "$(id -u)" = 0 ] || fail '--system needs root' 'sudo ./install.sh --system'
    if [ -e "$binary" ] && ! is_ours; then
        fail "$binary is another program, so it was not replaced" 'move it away'
    fi
    [ -z "$secure_path" ] || sudoers_line >/dev/null
    build
    make_directory "$prefix/bin" 755
    make_directory "$shims" 755
    before=$(cat "$share/made" 2>/dev/null) || before=
    printf '%s\n%s\n' "$made" "$before" | sed '/^$/d' | sort -ru | put "$share/made"
    # shellcheck disable=SC2088 # guard reads the tilde as the home that the user list names
    printf 'config=~/.config/guard\nstate=~/.local/state/guard\n' | put "$share/places"
    # For reading: the rules are compiled into the binary.
    put "$share/rules.toml" <"$checkout/rules.toml"
    install_binary
    install_shims
    chown -h 0:0 "$binary" "$share" "$shims" "$shims"/* "$share/places" "$share/made" "$share/rules.toml"
    chmod 644 "$share/places" "$share/made" "$share/rules.toml"
    if [ -d "${profile%/*}" ]; then
        profile_text | put "$profile"
        chmod 644 "$profile"
    fi
    [ -z "$secure_path" ] || install_sudoers
    report_system
}

# Read by the login shells of sh, bash and others, last of its directory; POSIX shell language.
profile_text() {
    cat <<END
# guard: the shims stand first on PATH in every login shell. Written by install.sh --system.
__guard_kept=
__guard_rest=\$PATH:
while [ -n "\$__guard_rest" ]; do
    __guard_one=\${__guard_rest%%:*}
    __guard_rest=\${__guard_rest#*:}
    [ "\$__guard_one" = "$shims" ] || __guard_kept=\$__guard_kept:\$__guard_one
done
PATH=$shims\$__guard_kept
export PATH
unset __guard_kept __guard_rest __guard_one
END
}

# The path that sudo uses now, with the shims in front.
sudoers_line() {
    command -v visudo >/dev/null ||
        fail '--secure-path: sudo is not installed (visudo was not found)' 'leave --secure-path out'
    now=$(sudo -V 2>/dev/null | sed -n 's/^Value to override user.s .PATH with: //p')
    now=$(printf '%s' "${now:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}" | sed "s|^$shims:||")
    printf 'Defaults secure_path="%s:%s"\n' "$shims" "$now"
}

install_sudoers() {
    line=$(sudoers_line)
    leftover=$sudoers.new.$$
    printf '# guard: what sudo runs meets the shims. Written by install.sh --system --secure-path.\n%s\n' "$line" >"$leftover"
    chmod 440 "$leftover"
    visudo -cqf "$leftover" || fail "sudo would not read $sudoers" 'it was not written'
    mv -f "$leftover" "$sudoers"
    leftover=
}

report_system() {
    cat <<END

guard is installed for all users: $binary
  rules        compiled in (to read: $share/rules.toml); each user's own: ~/.config/guard/rules.toml
  audit log    ~/.local/state/guard/audit.jsonl, of each user
  login shells $([ -e "$profile" ] && printf '%s puts the shims first' "$profile" || printf 'this system has no /etc/profile.d: put the shims first yourself')

Shells that are open now, and those that are no login shells, need a line of their own:

  export PATH="$shims:\$PATH"

Try it (this runs nothing):

  $binary explain 'rm -rf ~ && git push --force'
END
    if [ -e "$sudoers" ]; then
        printf '\nWhat sudo runs meets the shims as well (%s).\n' "$sudoers"
    elif command -v visudo >/dev/null; then
        printf '\nsudo has a PATH of its own, without the shims. To put them there as well:\n\n  sudo ./install.sh --system --secure-path\n'
    fi
}

uninstall_system() {
    [ "$(id -u)" = 0 ] || fail '--system needs root' 'sudo ./install.sh --system --uninstall'
    for left in "$profile" "$sudoers"; do
        [ ! -e "$left" ] || ! grep -q 'Written by install.sh --system' "$left" || remove "$left"
    done
    [ ! -e "$share/rules.toml" ] || remove "$share/rules.toml"
    # What users said and did is theirs.
    # shellcheck disable=SC2088
    config='~/.config/guard' state='~/.local/state/guard'
    uninstall
    printf 'Rules and logs of users remain in their homes: %s, %s\n' "$config" "$state"
}

# For use between double quotes.
escaped() { printf '%s' "$1" | sed 's/[\\"$`]/\\&/g'; }

# In single quotes.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

report_installed() {
    line="export PATH=\"$(escaped "$shims"):\$PATH\""
    # The first file is read by interactive shells, the second by login shells.
    login_shell=${SHELL:-}
    case ${login_shell##*/} in
    bash)
        login=.profile
        for file in .bash_login .bash_profile; do
            [ ! -f "$home/$file" ] || login=$file
        done
        keep="echo $(quoted "$line") | tee -a ~/.bashrc ~/$login"
        ;;
    zsh) keep="echo $(quoted "$line") | tee -a ~/.zshrc ~/.zprofile" ;;
    fish)
        line="set -gx PATH $(quoted "$shims") \$PATH"
        keep="fish_add_path --global --move --prepend $(quoted "$shims")"
        keep="echo $(quoted "$keep") >> ~/.config/fish/config.fish"
        ;;
    *) keep="echo $(quoted "$line") >> ~/.profile" ;;
    esac
    # shellcheck disable=SC2088 # guard reads the tilde, as the shell would
    example='rm -rf ~ && git push --force'
    program=$binary
    case $binary in
    *[!A-Za-z0-9/._+-]*) program=$(quoted "$binary") ;;
    esac
    cat <<END

guard is installed: $binary
  your rules   $config/rules.toml
  audit log    $state/audit.jsonl

Put the shims first on PATH, in this shell and in those to come; then start your agent from there:

  $line
  $keep

Or let guard write it into your start-up files, and its hook into your agent's configuration:

  $program setup

Try it (this runs nothing):

  $program explain $(quoted "$example")
END
    moved "$config_before" "$config" rules.toml
    moved "$state_before" "$state" audit.jsonl
}

# moved BEFORE NOW FILE: says where a file was left.
moved() {
    [ "$1" = "$2" ] || [ ! -e "$1/$3" ] ||
        printf '\nguard reads %s no more; move it to %s if you want to keep it.\n' "$1/$3" "$2"
}

uninstall() {
    if [ ! -d "$share" ] && [ ! -L "$binary" ] && ! is_ours; then
        printf 'guard is not installed in %s; nothing was changed.\n' "$prefix"
        printf 'If it was installed elsewhere, name the place with --prefix.\n'
        return
    fi
    if [ -e "$binary" ] && ! is_ours; then
        printf '%s is another program and stays.\n' "$binary"
    else
        if [ -d "$state/setup" ] && [ -x "$binary" ]; then
            "$binary" setup --undo ||
                fail 'what guard setup wrote could not be taken out, so nothing was removed' \
                    'do what the lines above say, in a terminal of your own, then run this again'
        fi
        for shim in "$shims"/* "$shims"/.[!.]*; do
            link=$(readlink "$shim" 2>/dev/null) || continue
            [ "${link##*/}" != guard ] || remove "$shim"
        done
        for left in "$binary" "$prefix/bin/.guard.new."*; do
            remove "$left"
        done
    fi
    # What waits and what was answered; the log of it stays.
    for left in requests grants refusals exceptions holds run runs rules.checked; do
        [ -L "$state/$left" ] || rm -rf "${state:?}/$left"
    done
    for left in "$state"/passphrase-failures*; do
        [ ! -e "$left" ] || remove "$left"
    done
    directories=$(cat "$share/made" 2>/dev/null) || directories=
    remove "$share/made"
    remove "$share/places"
    rmdir "$shims" "$share" 2>/dev/null || :
    printf '%s\n' "$directories" | while IFS= read -r directory; do
        case $directory in
        /*) rmdir "$directory" 2>/dev/null || : ;;
        esac
    done
    printf 'guard was removed from %s.\n' "$prefix"
    [ ! -d "$share" ] || printf 'Files of yours remain in %s.\n' "$share"
    [ ! -e "$config/rules.toml" ] || printf 'Your rules remain:     %s\n' "$config/rules.toml"
    [ ! -e "$config/allowed_signers" ] || printf 'Your keys remain in:   %s\n' "$config"
    [ ! -e "/etc/guard/$(id -u)" ] || printf 'Locked rules and keys remain in: %s\n' "/etc/guard/$(id -u)"
    [ ! -e "$state/audit.jsonl" ] || printf 'The audit log remains: %s\n' "$state/audit.jsonl"
    # What was saved is somebody's work.
    [ ! -d "$state/backups" ] || printf 'Backups remain: %s\n' "$state/backups"
    printf 'If you put %s on PATH yourself, take that line out of your shell'"'"'s start-up files.\n' "$shims"
}

remove() {
    rm -f "$1" || fail "$1 cannot be removed" 'make its directory writable, then run this again'
}

clean_up() {
    [ -z "$leftover" ] || rm -f "$leftover"
}

leftover=
made=
PATH=$(path_without_shims)
export PATH
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

prefix=
config=
state=
action=install_guard
system=
secure_path=
profile=/etc/profile.d/zz-guard.sh
sudoers=/etc/sudoers.d/zz-guard
while [ $# -gt 0 ]; do
    case $1 in
    --prefix | --config-dir | --state-dir)
        [ $# -ge 2 ] || fail "$1 needs a directory" "for example: $1 /opt/guard" 2
        value=$2
        name=$1
        shift
        ;;
    --prefix=* | --config-dir=* | --state-dir=*)
        name=${1%%=*}
        value=${1#*=}
        ;;
    --uninstall)
        action=uninstall
        name=
        ;;
    --system)
        system=yes
        name=
        ;;
    --secure-path)
        secure_path=yes
        name=
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        fail "unknown option: $1" 'see above for those that there are' 2
        ;;
    esac
    case $name in
    --prefix) prefix=$(absolute "$name" "$value") ;;
    --config-dir) config=$(absolute "$name" "$value") ;;
    --state-dir) state=$(absolute "$name" "$value") ;;
    esac
    shift
done

self=$0
while [ -L "$self" ]; do
    link=$(readlink "$self")
    case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
    esac
done
checkout=$(cd "$(dirname "$self")" && pwd -P)

if [ -n "$system" ]; then
    [ -z "$prefix$config$state" ] ||
        fail '--system has places of its own: /usr/local, and the home of each user' 'leave --prefix, --config-dir and --state-dir out' 2
    prefix=/usr/local
    action=$([ "$action" = uninstall ] && echo uninstall_system || echo install_system)
elif [ -n "$secure_path" ]; then
    fail '--secure-path belongs to --system' 'sudo ./install.sh --system --secure-path' 2
fi

# The person who installs says with HOME what they mean. guard itself never asks HOME again.
listed=$(listed_home)
called_home=
if [ -n "$system" ] && [ -n "${SUDO_USER-}" ] && [ "$SUDO_USER" != root ]; then
    called_home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
fi
case ${HOME-} in
/?*) home=${HOME%/} ;;
*) home=$listed ;;
esac
if [ -z "$prefix" ]; then
    [ -n "$home" ] || fail 'no home directory is known' 'name the places: --prefix, --config-dir, --state-dir'
    prefix=$home/.local
fi
case $prefix in
*:*) fail "a directory with a colon cannot stand on PATH: $prefix" 'choose another --prefix' 2 ;;
esac
[ "$prefix" != / ] || prefix=
binary=$prefix/bin/guard
share=$prefix/share/guard
shims=$share/shims
config_before=$(noted config)
state_before=$(noted state)
config=${config:-$config_before}
state=${state:-$state_before}
if [ -z "$config" ] || [ -z "$state" ]; then
    [ -n "$home" ] || fail 'no home directory is known' 'name the places: --config-dir and --state-dir'
    case $home in
    *"$NEWLINE"*) fail 'the home directory has a line break in its name' 'name the places: --config-dir and --state-dir' ;;
    esac
    config=${config:-$home/.config/guard}
    state=${state:-$home/.local/state/guard}
fi

$action
