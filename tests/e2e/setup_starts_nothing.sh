#!/usr/bin/env bash
# Proves that `./run setup` starts nothing: in a copy of this machine (an overlay of its root, with
# processes and a network of its own) Redis and PostgreSQL are removed, setup installs them again,
# and afterwards nobody listens. Then each is started by hand, to show that the look would have found it.
# Needs root and the distribution's packages; without root it ends with 77: not seen.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ((EUID != 0)); then
  echo "not seen: an overlay of / needs root"
  exit 77
fi

# Mounts and processes of the inner shell end with it.
if [[ ${1:-} != inside ]]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  unshare --mount --pid --fork --kill-child "$0" inside "$scratch"
  exit
fi

make_copy() {
  mount -t tmpfs tmpfs "$1"
  mkdir "$1/upper" "$1/work" "$1/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
  mount -t proc proc "$1/root/proc"
  mount --rbind /dev "$1/root/dev"
  mkdir -p "$1/root/opt/checkout/tools"
  cp tools/setup.sh tools/packages.txt "$1/root/opt/checkout/tools/"
}

make_copy "$2"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
cd /

# What another tool left behind must not help: no policy, no package; only its archive is here.
chroot "$2/root" /bin/bash -euo pipefail <<'PREPARE'
rm -f /usr/sbin/policy-rc.d
rm -rf /etc/postgresql-common/createcluster.d
rm -f /etc/apt/apt.conf.d/docker-clean  # an image's habit: it would throw the archives away again
{
  apt-get update
  apt-get purge -y redis-server 'postgresql*'
  apt-get install -y --download-only --no-install-recommends redis-server postgresql
} >/tmp/prepare.log 2>&1 || { cat /tmp/prepare.log; exit 1; }
PREPARE

# A network of its own, so that what listens outside says nothing.
unshare --net chroot "$2/root" /bin/bash -euo pipefail <<'MEASURE'
cd /opt/checkout
ip link set lo up
source tools/setup.sh
readonly LISTENS_WITHIN_S=20
listeners() { ss -ltnH | awk '{print $4}' | sort; }
say() { echo "setup: FAILED: $*"; exit 1; }
is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# is_seen NAME COMMAND...: once it is started by hand, somebody listens.
is_seen() {
  local name=$1
  shift
  "$@" >/dev/null
  SECONDS=0
  until [[ $(listeners) != "$before" ]]; do
    ((SECONDS < LISTENS_WITHIN_S)) || say "$name does not listen when started by hand: this test would see nothing"
  done
}

for package in redis-server postgresql; do
  ! is_installed "$package" || say "$package is still there"
done
before=$(listeners)
setup_packages run
for package in redis-server postgresql; do
  is_installed "$package" || say "$package was not installed"
done
[[ $(listeners) == "$before" ]] || say "somebody listens: $(listeners | tr '\n' ' ')"
[[ -z $(pg_lsclusters -h) ]] || say "a cluster was made: $(pg_lsclusters -h)"
[[ ! -e /usr/sbin/policy-rc.d ]] || say "our policy-rc.d stayed behind"
echo "setup: installed Redis and PostgreSQL, and started nothing"

is_seen Redis service redis-server start
service redis-server stop >/dev/null
is_seen PostgreSQL pg_createcluster "$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)" seen --start
MEASURE
