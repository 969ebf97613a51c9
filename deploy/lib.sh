# shellcheck shell=bash
# What the scripts here share. Sourced, not run.

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Who runs this, in messages; the number where it has no name.
user=$(id -un 2>/dev/null || true)

# Swift itself is not a Debian package; the rest is.
need_swift() {
    local version install="install Swift 6.3 from https://swift.org/install/linux"
    # sudo has a PATH of its own.
    command -v swift >/dev/null ||
        die "swift is not in PATH; ${SUDO_USER:+try sudo env PATH=\"\$PATH\" $0, or }$install"
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p') ||
        die "swift --version fails; $install"
    printf '6.2\n%s\n' "$version" | sort --check=quiet --version-sort ||
        die "Swift $version is too old; $install"
}

# need_packages NAME...: installs the Debian packages that are missing, and starts no service.
need_packages() {
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    ((EUID == 0)) || die "Debian packages are missing; as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    (
        # Debian starts a service as soon as it is installed, unless this file forbids it: nginx would take port 80.
        local policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod +x $policy
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null || exit
        # And at each boot.
        if command -v systemctl >/dev/null; then
            for package in nginx prometheus; do
                [[ " ${missing[*]} " != *" $package "* ]] || systemctl --quiet disable "$package"
            done
        fi
    ) || die "apt-get could not install ${missing[*]}"
}

# What every build needs.
build_packages=(git libbpf-dev libelf-dev zlib1g-dev libsqlite3-dev libfcgi-dev pkg-config)
