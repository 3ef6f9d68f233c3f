#!/usr/bin/env bash
# up.sh [--hosts N] | up.sh down
# From a fresh Debian 12 with the .NET SDK, as root, to a running cluster with a sample stack on it. Run again, it changes
# nothing that is as it should be. --hosts 1 uses this machine's own Docker Engine, without namespaces.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. scripts/setup.sh

hosts=3
case ${1:-} in
  '') ;;
  down) [ $# = 1 ] || die "up.sh down takes no arguments" "run: ./up.sh down" ;;
  --hosts) hosts=${2:-} ;;
  --hosts=*) hosts=${1#*=} ;;
  *) die "unknown argument '$1'" "run: ./up.sh, ./up.sh --hosts N, or ./up.sh down" ;;
esac
require_root
local_dir=/var/lib/berth/local
lab_record=/var/lib/berth/lab/berth/lab.json

if [ "${1:-}" = down ]; then
  . scripts/local.sh
  if [ ! -e "$lab_record" ]; then :
  elif [ -x bin/berth ]; then step "taking the lab down"; bin/berth lab down
  else die "bin/berth is missing, and it takes the lab down" "run: make publish"; fi
  local_down
  step "all removed; built files stay in bin/ and .out/ (git clean -xdf removes them)"
  exit 0
fi
case $hosts in '' | *[!0-9]* | 0) die "'$hosts' is not a number of hosts" "run: ./up.sh --hosts 3" ;; esac

# A build replaces the files of daemons that run: these still run the old ones. Their containers do not notice. What comes
# after it, lab up, waits until they are ready.
restart_replaced() {
  local host daemon pid
  while read -r host daemon pid; do
    case $(readlink "/proc/$pid/exe") in *' (deleted)') ;; *) continue ;; esac
    step "restarting the $daemon of $host: it was built anew"
    bin/berth lab "$daemon" "$host" stop
    bin/berth lab "$daemon" "$host" start
  done < <(bin/berth lab status --format json | sed -n -e 's/^ *"name": "\(.*\)",$/host \1/p' \
    -e 's/^ *"\(agent\|manager\)_pid": \([0-9]*\),\{0,1\}$/\1 \2/p' | awk '$1 == "host" { host = $2; next } { print host, $1, $2 }')
}

install_missing docker.io:dockerd iproute2:ip iptables:iptables curl:curl $BUILD_PACKAGES $IMAGE_PACKAGES $LAB_PACKAGES
publish
images

if [ "$hosts" = 1 ]; then
  . scripts/local.sh
  local_up
  addresses=(127.0.0.1)
else
  if [ -e "$lab_record" ]; then restart_replaced; fi
  bin/berth lab up --hosts "$hosts"
  bin/berth lab load .out/images/all.tar
  # The lab's own managers are asked: another one may be this machine's default.
  BERTH_HOST=$(bin/berth lab status --format json | sed -n 's/^  "berth_host": "\(.*\)",$/\1/p')
  export BERTH_HOST
  mapfile -t addresses < <(bin/berth lab status --format json | sed -n 's/^ *"address": "\(.*\)",$/\1/p')
fi

step "deploying samples/stacks/hello.yml"
bin/berth stack deploy -c samples/stacks/hello.yml hello
for address in "${addresses[@]}"; do
  for port in 8080 8081; do
    for _ in $(seq 100); do curl -fs --noproxy '*' -m 2 -o /dev/null "http://$address:$port/" && continue 2; sleep 0.2; done
    die "http://$address:$port/ does not answer" "look at the tasks: bin/berth stack ps hello"
  done
done

if [ "unix://$(readlink /run/berth/manager.sock 2>/dev/null)" != "${BERTH_HOST%%,*}" ] && [ "$hosts" != 1 ]; then
  step "another manager is this machine's default; first: export BERTH_HOST=$BERTH_HOST"
fi
cat <<END

The cluster is up, and the stack 'hello' answers from every node:
$(for address in "${addresses[@]}"; do echo "  http://$address:8080/   $(curl -fs --noproxy '*' -m 2 "http://$address:8080/" || true)"; done)

Try:
$(try() { printf '  %-66s %s\n' "$1" "$2"; }
try "bin/berth stack services hello" "what runs"
try "bin/berth service scale hello_cache=4" "more replicas"
try "VERSION=2 bin/berth stack deploy -c samples/stacks/hello.yml hello" "a rolling update"
if [ "$hosts" = 1 ]; then
  try "bin/berth service logs hello_cache" "what the replicas say"
  try "bin/berth events --follow" "what happens in the cluster"
else
  try "bin/berth lab kill berth$hosts; sleep 5; bin/berth stack ps hello" "power loss: its replicas run elsewhere"
  try "bin/berth lab start berth$hosts" "the host comes back"
fi)
Remove everything: ./up.sh down
END
