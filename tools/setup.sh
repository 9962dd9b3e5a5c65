# shellcheck shell=bash
# Installs what is missing from the distribution's packages, and starts nothing: sourced by ./run.

readonly PACKAGE_TABLE=tools/packages.txt

# The column of the table that holds this distribution's names.
package_column() {
  local id version
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "$ID")
  # shellcheck source=/dev/null
  version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  case $id-$version in
    debian-*) echo 2 ;;
    ubuntu-*) echo 3 ;;
    *)
      echo "setup: $id $version has no column in $PACKAGE_TABLE; ecluse is built on Debian 12" >&2
      return 1
      ;;
  esac
}

# packages_of GROUP...: their names on this distribution, one a line.
packages_of() {
  local column
  column=$(package_column) || return 1
  awk -v column="$column" -v groups=" $* " \
    '!/^#/ && NF && index(groups, " " $1 " ") {print $column}' "$PACKAGE_TABLE"
}

# dpkg-query fails when it has never heard of one of them, as on a machine that has nothing yet.
missing_packages() {
  local present
  present=$({ dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null || true; } |
    awk '/^ii/ {print $2}')
  printf '%s\n' "$@" | grep -vxF "${present:-.}" || true
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "setup: need root for: $*" >&2
    echo "setup: run it as root, or install sudo" >&2
    return 1
  fi
}

# While packages are unpacked, invoke-rc.d asks this file and is told "do not start" (101); a file
# that was there before comes back afterwards.
forbid_service_starts() {
  local policy=/usr/sbin/policy-rc.d
  as_root sh -c "
    [ ! -e $policy ] || [ -e $policy.before-ecluse ] || mv $policy $policy.before-ecluse
    printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/ecluse.conf"
}

permit_service_starts() {
  local policy=/usr/sbin/policy-rc.d
  as_root sh -c "rm -f $policy; [ ! -e $policy.before-ecluse ] || mv $policy.before-ecluse $policy"
}

# A package's units are enabled when it is installed; at the next boot they would listen.
disable_units_of() {
  command -v systemctl >/dev/null || return 0
  local units
  mapfile -t units < <(dpkg -L "$@" 2>/dev/null |
    sed -n 's|^.*/systemd/system/\([^/@]*\.\(service\|socket\|timer\)\)$|\1|p' | sort -u)
  ((${#units[@]} == 0)) || as_root systemctl disable --quiet "${units[@]}" || true
}

install_packages() {
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# setup_packages GROUP...: quick when nothing is missing (one dpkg-query).
setup_packages() {
  local wanted missing status=0
  mapfile -t wanted < <(packages_of "$@")
  ((${#wanted[@]})) || return 1
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]})) || return 0
  echo "setup: installing ${missing[*]}"
  mkdir -p build/logs
  forbid_service_starts
  install_packages "${missing[@]}" >build/logs/setup.log 2>&1 || status=$?
  permit_service_starts
  if ((status != 0)); then
    tail -n 20 build/logs/setup.log >&2
    echo "setup: apt-get failed; the whole log is build/logs/setup.log" >&2
    return 1
  fi
  disable_units_of "${missing[@]}"
}

# npm fetches the grammars of the syntax trees. A table row would not do: who has Node from elsewhere
# has npm with it, and the distribution's package would conflict.
setup_npm() {
  command -v npm >/dev/null && return 0
  echo "setup: installing npm"
  mkdir -p build/logs
  install_packages npm >build/logs/setup-npm.log 2>&1 || {
    tail -n 20 build/logs/setup-npm.log >&2
    echo "setup: apt-get failed; the whole log is build/logs/setup-npm.log" >&2
    return 1
  }
}
