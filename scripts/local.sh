# up.sh --hosts 1: this machine is the only node, with its own Docker Engine. Everything is under $local_dir.
# Sourced by up.sh after setup.sh.

engine_socket=/var/run/docker.sock
TASK_LABEL=berth.task                   # on every container that an agent made

# A process id that a file holds is ours only while that process runs our program.
is_running() { local pid; pid=$(cat "$local_dir/$1.pid" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ]; }

run_in_background() { # NAME COMM COMMAND...
  local name=$1 comm=$2
  shift 2
  if is_running "$name" "$comm"; then
    # A build replaces the file of a daemon that runs.
    case $(readlink "/proc/$(cat "$local_dir/$name.pid")/exe") in *' (deleted)') stop_background "$name" "$comm" ;; *) return 0 ;; esac
  fi
  step "starting $name (log: $local_dir/$name.log)"
  setsid "$@" </dev/null >>"$local_dir/$name.log" 2>&1 &
  echo $! >"$local_dir/$name.pid"
}

stop_background() { # NAME COMM
  if is_running "$1" "$2"; then
    step "stopping $1"
    local pid
    pid=$(cat "$local_dir/$1.pid")
    kill "$pid"
    for _ in $(seq 150); do [ -e "/proc/$pid" ] || break; sleep 0.1; done
    if is_running "$1" "$2"; then kill -9 "$pid"; fi
  fi
  rm -f "$local_dir/$1.pid"
}

wait_for() { # WHAT LOG COMMAND...
  local what=$1 log=$2
  shift 2
  for _ in $(seq 300); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.1; done
  tail -n 5 "$log" >&2 || true
  die "$what did not become ready within 30 s" "read $log"
}

engine_answers() { curl -fs -m 2 --unix-socket "$engine_socket" http://engine/_ping; }
node_is_ready() { [ "$(bin/berth node ls --format json --host "unix://$local_dir/manager.sock" | grep -c '"Status": *"Ready"')" -ge 1 ]; }

# What was not here before is noted before it is made, and removed by local_down.
note_made() { if [ ! -e "$1" ]; then echo "$1" >>"$local_dir/made"; fi; }
was_made() { grep -qxF "$1" "$local_dir/made" 2>/dev/null; }
note_images() {
  local tag
  for tag in $(tar -xOf .out/images/all.tar manifest.json | grep -o '"berth/[a-z]*:[a-z0-9]*"' | tr -d '"'); do
    if [ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$engine_socket" "http://engine/images/$tag/json")" = 404 ]; then
      echo "$tag" >>"$local_dir/images"
    fi
  done
}

start_manager() { run_in_background manager berth-manager bin/manager/berth-manager --data "$local_dir/manager" --listen "unix://$local_dir/manager.sock"; }

# The first time: what 'cluster init' wants is a manager, and the supervisor that starts it is this script.
form_cluster() {
  local wanted=$local_dir/manager/manager.json init
  if [ -e "$wanted" ]; then start_manager; return 0; fi
  step "forming a cluster of this machine: berth cluster init"
  BERTH_DIR=$local_dir BERTH_HOST=unix://$local_dir/manager.sock bin/berth cluster init --advertise-addr 127.0.0.1 >"$local_dir/init.log" 2>&1 &
  init=$!
  while [ ! -e "$wanted" ] && kill -0 $init 2>/dev/null; do sleep 0.05; done
  if [ -e "$wanted" ]; then start_manager; fi
  wait $init || { cat "$local_dir/init.log" >&2; die "the cluster could not be formed" "read $local_dir/manager.log and $local_dir/agent.log"; }
}

local_up() {
  mkdir -p "$local_dir"
  chmod 700 "$local_dir"
  if ! engine_answers >/dev/null; then
    if [ -d /run/systemd/system ]; then
      step "starting this machine's Docker Engine with systemd"
      systemctl start docker
    else
      rm -f /var/run/docker.pid
      note_made /var/lib/docker
      if ! ip link show docker0 >/dev/null 2>&1; then echo docker0 >>"$local_dir/made"; fi
      run_in_background engine dockerd dockerd --live-restore -H "unix://$engine_socket"
    fi
    wait_for "the Docker Engine" "$local_dir/engine.log" engine_answers
  fi
  run_in_background agent berth-agent bin/berth-agent --data "$local_dir/agent" --engine "unix://$engine_socket" --address 127.0.0.1
  form_cluster
  mkdir -p -m 700 /run/berth
  if [ -L /run/berth/manager.sock ] && [ ! -e /run/berth/manager.sock ]; then rm /run/berth/manager.sock; fi
  if [ ! -e /run/berth/manager.sock ]; then ln -s "$local_dir/manager.sock" /run/berth/manager.sock; fi
  export BERTH_HOST=unix://$local_dir/manager.sock
  wait_for "the node" "$local_dir/agent.log" node_is_ready
  note_images
  # An engine loads what it has already in no time.
  curl -fsS --unix-socket "$engine_socket" -H 'Content-Type: application/x-tar' --data-binary @.out/images/all.tar "http://engine/images/load?quiet=1" >/dev/null
}

# Removes Berth's containers, daemons and files; the engine stays when this script did not start it.
local_down() {
  [ -d "$local_dir" ] || return 0
  stop_background agent berth-agent
  stop_background manager berth-manager
  if engine_answers >/dev/null; then
    step "removing Berth's containers from this machine's engine"
    local id
    for id in $(curl -fs --unix-socket "$engine_socket" -G http://engine/containers/json --data-urlencode all=1 \
      --data-urlencode "filters={\"label\":[\"$TASK_LABEL\"]}" | grep -o '"Id":"[0-9a-f]*"' | cut -d'"' -f4); do
      curl -fs -X DELETE --unix-socket "$engine_socket" "http://engine/containers/$id?force=1&v=1" >/dev/null || true
    done
    # Whoever began to use the engine that we started keeps it on disk.
    if [ "$(curl -fs --unix-socket "$engine_socket" "http://engine/containers/json?all=1")" != '[]' ]; then sed -i '\#^/var/lib/docker$#d' "$local_dir/made" 2>/dev/null || true; fi
    for id in $(sort -u "$local_dir/images" 2>/dev/null); do
      # One that another container of this machine uses stays.
      curl -fs -X DELETE --unix-socket "$engine_socket" "http://engine/images/$id" >/dev/null || true
    done
  fi
  if is_running engine dockerd; then
    stop_background engine dockerd
    if was_made docker0; then ip link delete docker0 2>/dev/null || true; fi
    if was_made /var/lib/docker; then rm -rf --one-file-system /var/lib/docker; fi
  fi
  if [ "$(readlink /run/berth/manager.sock 2>/dev/null)" = "$local_dir/manager.sock" ]; then rm /run/berth/manager.sock; fi
  rmdir /run/berth 2>/dev/null || true
  rm -rf "$local_dir"
  rmdir /var/lib/berth 2>/dev/null || true
}
