# shellcheck shell=bash
# A small virtual machine for what this machine cannot show: Debian's base system and kernel, software
# emulation, no network. Sourced; the machine says `vm: exit code N` on its console and ends.

readonly VM=build/vm
readonly VM_BOOT_SECONDS_MAX=900

vm_install_missing() {
  local missing=()
  local package
  mkdir -p "$VM"
  for package in qemu-system-x86 debootstrap linux-image-cloud-amd64; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  echo "vm: installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >"$VM/apt.log" 2>&1
}

vm_kernel() {
  basename "$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)" | sed 's/^vmlinuz-//'
}

# vm_make_root ROOT PACKAGES: Debian's base system with these packages, unless it is there already.
vm_make_root() {
  local root=$1 packages=$2
  [[ "$(cat "$root.made" 2>/dev/null)" == "$packages" ]] && return
  echo "vm: making Debian's base system"
  rm -rf "$root"
  debootstrap --variant=minbase --include="$packages" bookworm "$root" >"$VM/debootstrap.log" 2>&1
  echo "$packages" >"$root.made"
}

# vm_run ROOT INIT: boots a copy of ROOT; returns the exit code that was said on the console.
vm_run() {
  local root=$1 init=$2 kernel code
  kernel=$(vm_kernel)
  mkdir -p "$root/lib/modules"
  cp -a "/lib/modules/$kernel" "$root/lib/modules/"
  rm -f "$root.img"
  mke2fs -q -t ext4 -d "$root" "$root.img" 1500M
  echo "vm: booting $kernel"
  timeout "$VM_BOOT_SECONDS_MAX" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 2048 -nographic -no-reboot -nic none \
    -kernel "/boot/vmlinuz-$kernel" -initrd "/boot/initrd.img-$kernel" \
    -drive "file=$root.img,if=virtio,format=raw" \
    -append "console=ttyS0 root=/dev/vda rw init=$init panic=-1 quiet systemd.unified_cgroup_hierarchy=1" |
    tee "$root.console.log"
  code=$(tr -d '\r' <"$root.console.log" | sed -n 's/^vm: exit code \([0-9]*\)$/\1/p')
  if [[ -z $code ]]; then
    echo "vm: the machine ended without an exit code; its console is $root.console.log" >&2
    return 1
  fi
  return "$code"
}
