#!/usr/bin/env bash
# Runs one program, by default the process runtime's tests, in a small virtual machine whose only
# cgroup hierarchy is v2: for machines, like most CI, that mount v1. Exits with the program's exit code.
#
# Usage: cgroup_v2_vm.sh [PROGRAM [ARGUMENT...]]      (root; needs about 1 GB below build/vm)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/e2e/vm.sh
source tests/e2e/vm.sh

readonly ROOT=$VM/root
readonly INSIDE=iproute2,nftables,iptables,python3,kmod,procps,util-linux,libcurl4,libsodium23,libssl3,libsqlite3-0,libfmt9,libspdlog1.10,libyaml-cpp0.7,libasan8,libubsan1

program=${1:-build/dev/test_ecluse_runtime_process}
(($# == 0)) || shift

# The kernel waits for this to end, then the machine is switched off.
write_init() {
  cat >"$ROOT/vm-init" <<'INIT'
#!/bin/bash
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm && mount -t devpts pts /dev/pts && mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp && mount -t tmpfs run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for m in veth bridge overlay nf_tables nft_masq nft_nat nft_chain_nat nf_nat; do modprobe -q $m; done
ip link set lo up
# Tests make their folders on the disk: the tmpfs of this kernel knows no idmapped mounts.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/var/tmp
echo "vm: kernel $(uname -r), cgroup $(stat -f -c %T /sys/fs/cgroup)"
/vm-program $(cat /vm-arguments)
echo "vm: exit code $?"
sync
echo o >/proc/sysrq-trigger
sleep 60
INIT
  chmod 755 "$ROOT/vm-init"
}

vm_install_missing
vm_make_root "$ROOT" "$INSIDE"
install -m 755 "$program" "$ROOT/vm-program"
printf '%s ' "$@" >"$ROOT/vm-arguments"
write_init
vm_run "$ROOT" /vm-init
