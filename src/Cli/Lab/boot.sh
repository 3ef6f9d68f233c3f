#!/bin/bash
# boot.sh NETNS HOST_DIRECTORY CGROUP_PROCS_FILE...
# Turns on one lab host: joins its control groups and network, then makes its other namespaces. What follows is process 1
# of the host; when that dies the kernel kills everything in the host at once, which is what a power loss looks like.
set -eu
net=$1 host=$2
shift 2
exec </dev/null >>"$host/log/init.log" 2>&1
for procs; do echo $BASHPID >"$procs"; done
# Not `ip netns exec`: the /sys it mounts hides the control groups.
exec setsid nsenter --net="$net" unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc /bin/bash "$host/../init.sh" "$host"
