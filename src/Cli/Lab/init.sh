#!/bin/bash
# init.sh HOST_DIRECTORY
# Process 1 of a lab host. Prepares what a host has of its own, then keeps its daemons running. It is bash because bash
# reaps the orphans that fall to process 1 (the engine's shims do).
set -eu
host=$1
. "$host/host.env"                      # HOSTNAME, DAEMONS

hostname "$HOSTNAME"
ulimit -n "$(ulimit -Hn)"

# Copies of other namespaces' mounts would keep those namespaces alive after their own lab is gone.
mapfile -t mounts </proc/self/mountinfo
for mount in "${mounts[@]}"; do
  read -r _ _ _ _ where rest <<<"$mount"
  case " $rest " in *" - nsfs "*) umount -l "$where" ;; esac
done

# This network namespace needs a /sys of its own, which hides the control groups: put them back.
mkdir -p "$host/sys"
mount -t tmpfs lab "$host/sys"
mkdir "$host/sys/cgroup"
mount --rbind /sys/fs/cgroup "$host/sys/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$host/sys/cgroup" /sys/fs/cgroup
umount -l "$host/sys"

# Links such as /etc/resolv.conf may lead into the machine's /run, which the host does not see.
resolve() { readlink -m "/etc/$1"; }
hosts=$(resolve hosts) name=$(resolve hostname) resolver=$(resolve resolv.conf)
mount -t tmpfs -o mode=755 lab /run     # what a reboot loses
mkdir -p /run/lock /run/docker /run/berth /run/lab
chmod 700 /run/berth
mount --bind "$host/etc/docker" /etc/docker
own() {
  case $2 in /run/*) mkdir -p "${2%/*}"; : >"$2" ;; esac
  if [ -e "$2" ]; then mount --bind "$host/etc/$1" "$2"; fi
}
own hosts "$hosts"
own hostname "$name"
own resolv.conf "$resolver"
ln -s "$host/docker.sock" /run/docker.sock
ln -s "$host/manager.sock" /run/berth/manager.sock

# A disk of their own for the manager and etcd, where the lab has such: it can be filled and slowed.
if [ -e "$host/disk.img" ]; then
  mkdir -p "$host/disk"
  mount -o loop "$host/disk.img" "$host/disk"
  rm -f "$host/disk/fill"
  for folder in manager etcd; do
    mkdir -p -m 700 "$host/disk/$folder" "$host/$folder"
    mount --bind "$host/disk/$folder" "$host/$folder"
  done
fi

# Keeps the end of a log that grew too long. It is cut in place: what survived a daemon still appends to the same file. On a
# full disk it stays as it is.
cut_log() {
  [ -e "$1" ] && [ "$(stat -c %s "$1")" -gt $((50 << 20)) ] || return 0
  if tail -c $((5 << 20)) "$1" >"$1.end"; then cat "$1.end" >"$1"; fi
  rm -f "$1.end"
}

# Restarts a daemon half a second after it ended, unless a lab verb stopped it. One that is wanted only while a file exists
# (managers, etcd) is started once that is there. Waiting on a pipe nobody writes to costs no process, as `sleep` would; a
# line written to it ends the wait.
supervise() {
  local daemon=$1 status wanted=
  mkfifo "/run/lab/$daemon.wait"
  exec 9<>"/run/lab/$daemon.wait"
  while :; do
    if [ -e "$host/daemons/$daemon.wanted" ]; then read -r wanted <"$host/daemons/$daemon.wanted" || true; fi
    if [ -e "$host/daemons/$daemon" ] && [ ! -e "$host/stopped/$daemon" ] && { [ -z "$wanted" ] || [ -e "$wanted" ]; }; then
      cut_log "$host/log/$daemon.log" || true
      /bin/sh "$host/daemons/$daemon" </dev/null >>"$host/log/$daemon.log" 2>&1 9>&- &
      status=0
      wait $! || status=$?
      echo "$(date -Is) lab: $daemon ended with status $status" >>"$host/log/$daemon.log"
    fi
    read -rt 0.5 -u 9 || true
  done
}
for daemon in $DAEMONS; do supervise "$daemon" & done

trap : TERM INT HUP
while :; do wait || true; done
