#!/usr/bin/env bash
# Runs one program, by default the process runtime's tests, in a small virtual machine whose only
# cgroup hierarchy is v2: for machines, like most CI, that mount v1. Debian's own kernel, software
# emulation, no network. Exits with the program's exit code.
#
# Usage: cgroup_v2_vm.sh [PROGRAM [ARGUMENT...]]      (root; needs about 1 GB below build/vm)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly VM=build/vm
readonly ROOT=$VM/root
readonly BOOT_SECONDS_MAX=900
readonly INSIDE=iproute2,nftables,iptables,python3,kmod,procps,util-linux,libcurl4,libsodium23,libssl3,libsqlite3-0,libfmt9,libspdlog1.10,libyaml-cpp0.7,libasan8,libubsan1

program=${1:-build/dev/test_ecluse_runtime_process}
(($# == 0)) || shift

install_missing() {
  local missing=()
  local package
  for package in qemu-system-x86 debootstrap linux-image-cloud-amd64; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  echo "vm: installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >"$VM/apt.log" 2>&1
}

make_root() {
  [[ "$(cat "$VM/root.made" 2>/dev/null)" == "$INSIDE" ]] && return
  echo "vm: making Debian's base system"
  rm -rf "$ROOT"
  debootstrap --variant=minbase --include="$INSIDE" bookworm "$ROOT" >"$VM/debootstrap.log" 2>&1
  echo "$INSIDE" >"$VM/root.made"
}

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

make_image() {
  local kernel=$1
  mkdir -p "$ROOT/lib/modules"
  cp -a "/lib/modules/$kernel" "$ROOT/lib/modules/"
  install -m 755 "$program" "$ROOT/vm-program"
  printf '%s ' "$@" | cut -d' ' -f2- >"$ROOT/vm-arguments"
  write_init
  rm -f "$VM/root.img"
  mke2fs -q -t ext4 -d "$ROOT" "$VM/root.img" 1500M
}

mkdir -p "$VM"
install_missing
make_root
kernel=$(basename "$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)" | sed 's/^vmlinuz-//')
make_image "$kernel" "$@"
echo "vm: booting $kernel"
timeout "$BOOT_SECONDS_MAX" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 2048 -nographic -no-reboot -nic none \
  -kernel "/boot/vmlinuz-$kernel" -initrd "/boot/initrd.img-$kernel" \
  -drive "file=$VM/root.img,if=virtio,format=raw" \
  -append "console=ttyS0 root=/dev/vda rw init=/vm-init panic=-1 quiet systemd.unified_cgroup_hierarchy=1" |
  tee "$VM/console.log"
code=$(tr -d '\r' <"$VM/console.log" | sed -n 's/^vm: exit code \([0-9]*\)$/\1/p')
if [[ -z $code ]]; then
  echo "vm: the machine ended without an exit code; its console is $VM/console.log" >&2
  exit 1
fi
exit "$code"
