#!/usr/bin/env bash
# Proves that `./run setup` starts nothing: in a copy of this machine (an overlay of its root, with
# processes and a network of its own) Redis is removed, setup installs it again, and afterwards
# nobody listens. Then Redis is started by hand, to show that the look would have found it.
# Needs root and the distribution's packages; without root it ends with 77: not seen.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly PACKAGE=redis-server

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
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PACKAGE
cd /

# What another tool left behind must not help: no policy, no package; only its archive is here.
chroot "$2/root" /bin/bash -euo pipefail <<'PREPARE'
rm -f /usr/sbin/policy-rc.d
rm -f /etc/apt/apt.conf.d/docker-clean  # an image's habit: it would throw the archive away again
{
  apt-get update
  apt-get purge -y "$PACKAGE"
  apt-get install -y --download-only --no-install-recommends "$PACKAGE"
} >/tmp/prepare.log 2>&1 || { cat /tmp/prepare.log; exit 1; }
PREPARE

# A network of its own, so that what listens outside says nothing.
unshare --net chroot "$2/root" /bin/bash -euo pipefail <<'MEASURE'
cd /opt/checkout
ip link set lo up
source tools/setup.sh
listeners() { ss -ltnH | awk '{print $4}' | sort; }
say() { echo "setup: FAILED: $*"; exit 1; }

! dpkg-query -W -f '${Status}' "$PACKAGE" 2>/dev/null | grep -q 'ok installed' || say "$PACKAGE is still there"
before=$(listeners)
setup_packages run
dpkg-query -W -f '${Status}' "$PACKAGE" | grep -q 'ok installed' || say "$PACKAGE was not installed"
[[ $(listeners) == "$before" ]] || say "somebody listens: $(listeners | tr '\n' ' ')"
[[ ! -e /usr/sbin/policy-rc.d ]] || say "our policy-rc.d stayed behind"

service "$PACKAGE" start >/dev/null
SECONDS=0
readonly LISTENS_WITHIN_S=10
while ((SECONDS < LISTENS_WITHIN_S)); do
  [[ $(listeners) == "$before" ]] || { echo "setup: installed $PACKAGE and started nothing"; exit 0; }
done
say "$PACKAGE does not listen when started by hand: this test would see nothing"
MEASURE
