#!/usr/bin/env bash
# packaging/ecluse.service under a real systemd, in a small virtual machine (cgroup v2): started, told
# ready, killed and started again, restarted, stopped; the app's process is the same one all the time.
#
# Usage: systemd_vm.sh [PATH_OF_ECLUSE]      (root; needs about 1.5 GB below build/vm)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/e2e/vm.sh
source tests/e2e/vm.sh

readonly ROOT=$VM/systemd
readonly INSIDE=systemd,systemd-sysv,dbus,git,iproute2,nftables,iptables,python3,kmod,procps,libcurl4,libssl3

write_scenario() {
  cat >"$ROOT/etc/systemd/system/vm-scenario.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=idle
ExecStart=/vm-scenario
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStopPost=/bin/systemctl --force --force poweroff
UNIT
  mkdir -p "$ROOT/etc/systemd/system/default.target.wants"
  ln -sf ../vm-scenario.service "$ROOT/etc/systemd/system/default.target.wants/vm-scenario.service"
  cat >"$ROOT/vm-scenario" <<'SCENARIO'
#!/bin/bash
set -euo pipefail
export HOME=/root LANG=C.UTF-8
trap 'code=$?; [[ $code == 0 ]] || { systemctl status ecluse --no-pager || true; journalctl -u ecluse --no-pager -n 40; }; echo "vm: exit code $code"; sync' EXIT
echo "vm: $(systemctl --version | head -n 1), cgroup $(stat -f -c %T /sys/fs/cgroup)"
say() { echo "vm: $*"; }
ip link set lo up

mkdir /srv/app && cd /srv/app
cat >app.py <<'APP'
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"pid of the host's view: ask the status")
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
APP
cat >ecluse.yml <<'YML'
app: hello
build: {command: chmod 644 app.py}
processes:
  web: {command: python3 app.py, ready: {path: /, start: 120s}}
environments:
  prod: {hosts: [hello.localhost], bake: 10m}
YML
git init -q -b main . && git add -A && git -c user.name=vm -c user.email=vm@example.invalid commit -q -m one

visit() {
  python3 -c '
import http.client
c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
c.request("GET", "/", headers={"Host": "hello.localhost"})
assert c.getresponse().status == 200'
}
main_pid() { systemctl show -p MainPID --value ecluse; }
app_pid() { ecluse status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["instances"][0]["pid"])'; }

systemctl enable --now ecluse
[[ $(systemctl is-active ecluse) == active ]]
say "enabled, started, and it told systemd that it is ready"
ecluse deploy
visit
app=$(app_pid)

before=$(main_pid)
kill -9 "$before"
SECONDS=0
until [[ $(main_pid) != "$before" && $(systemctl is-active ecluse) == active ]]; do ((SECONDS < 120)); done
visit
[[ $(app_pid) == "$app" ]]
say "killed: systemd started it again, the app's process is the same"

systemctl restart ecluse
visit
[[ $(app_pid) == "$app" ]]
say "restarted: the app's process is the same"

systemctl stop ecluse
visit
[[ -d /proc/$app ]]
say "stopped: the gateway and the app go on"

systemctl start ecluse
ecluse down --all --yes
[[ ! -d /proc/$app ]]
say "down --all: nothing is left"
SCENARIO
  chmod 755 "$ROOT/vm-scenario"
}

vm_install_missing
vm_make_root "$ROOT" "$INSIDE"
install -m 755 "${1:-build/release/ecluse}" "$ROOT/usr/local/bin/ecluse"
install -m 644 packaging/ecluse.service "$ROOT/etc/systemd/system/ecluse.service"
systemd-analyze verify --root="$(realpath "$ROOT")" ecluse.service
write_scenario
vm_run "$ROOT" /sbin/init
