# What up.sh, test.sh and the Makefile share: installing, publishing, sample images. Sourced from the checkout's root.

# package:program
BUILD_PACKAGES="gcc:gcc zlib1g-dev:/usr/include/zlib.h"
IMAGE_PACKAGES="busybox-static:busybox nginx-light:nginx redis-server:redis-server"
STORE_PACKAGES="postgresql:/usr/lib/postgresql"
LAB_PACKAGES="nftables:nft docker-registry:docker-registry util-linux:nsenter procps:ps etcd-server:etcd"

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

started=$SECONDS
step() { printf '[%3d s] %s\n' $((SECONDS - started)) "$*" >&2; }
die() { printf 'error: %s\n  next: %s\n' "$1" "$2" >&2; exit 1; }
require_root() {
  [ "$(id -u)" = 0 ] || die "this needs root: it installs packages and makes namespaces, mounts and networks" "run it with sudo, or as root"
  command -v dotnet >/dev/null || die "the .NET SDK is not installed (or not on root's PATH)" "install .NET SDK 10: https://dotnet.microsoft.com/download"
}

# install_missing PACKAGE:PROGRAM...: installs by apt what is not there; services that packages would start stay off.
install_missing() {
  local need package program missing=() policy
  for need; do
    package=${need%%:*} program=${need#*:}
    command -v "$program" >/dev/null || [ -e "$program" ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  step "installing ${missing[*]} (needed to build, and for hosts and sample images)"
  # nginx, redis, etcd and the registry are wanted as programs; their packages would also run them.
  policy=
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  local log
  log=$(mktemp)
  local apt=(apt-get install -y --no-install-recommends "${missing[@]}")
  if ! DEBIAN_FRONTEND=noninteractive "${apt[@]}" >"$log" 2>&1; then
    step "the package lists are too old: apt-get update"
    apt-get update >"$log" 2>&1 || { cat "$log" >&2; die "apt-get update failed" "check /etc/apt/sources.list and the network"; }
    DEBIAN_FRONTEND=noninteractive "${apt[@]}" >"$log" 2>&1 || { cat "$log" >&2; die "apt-get could not install ${missing[*]}" "read its message above"; }
  fi
  rm -f "$log"
  if [ -n "$policy" ]; then rm -f "$policy"; trap - EXIT; fi
}

# install_consul: .out/tools/consul, where there is no consul yet. Debian 12 has none, bullseye had: it is taken from there without
# touching this machine's sources. Where that cannot be had, the tests that need it say so and are skipped.
install_consul() {
  if command -v consul >/dev/null || [ -x .out/tools/consul ]; then return 0; fi
  step "getting Consul from Debian's bullseye suite (for tests)"
  local place sources options
  place=$(mktemp -d)
  mkdir -p "$place/lists/partial" "$place/cache/archives/partial" .out/tools
  # As this machine's own sources have it, with another suite: mirror and keys stay.
  if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    sources=$place/bullseye.sources
    awk 'BEGIN { RS = "" } NR == 1' /etc/apt/sources.list.d/debian.sources | sed 's/^Suites:.*/Suites: bullseye/' >"$sources"
  else
    sources=$place/bullseye.list
    sed -n 's/^\(deb \(\[[^]]*\] \)\?[^ ]*\) [^ ]* .*/\1 bullseye main/p' /etc/apt/sources.list 2>/dev/null | head -n 1 >"$sources" || true
  fi
  options=(-o "Dir::Etc::sourcelist=$sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$place/lists" -o "Dir::Cache=$place/cache" -o APT::Sandbox::User=root)
  if (apt-get "${options[@]}" update && cd "$place" && apt-get "${options[@]}" download consul && dpkg -x consul_*.deb unpacked) >"$place/log" 2>&1 &&
    "$place/unpacked/usr/bin/consul" version >/dev/null; then
    cp "$place/unpacked/usr/bin/consul" .out/tools/consul
  else
    step "Consul cannot be had ($(tail -n 1 "$place/log")): its tests are skipped"
  fi
  rm -rf "$place"
}

# What binaries are made from, as one number.
source_stamp() {
  { dotnet --version; find src/*/ Directory.*.props global.json -type f -not -path '*/bin/*' -not -path '*/obj/*' -print0 | sort -z | xargs -0 sha256sum; } | sha256sum | cut -d' ' -f1
}

# publish: bin/berth, bin/berth-agent and bin/berth-runc (native), bin/manager/berth-manager; nothing when they are newer than the sources.
publish() {
  local stamp
  stamp=$(source_stamp)
  if [ "$(cat bin/.stamp 2>/dev/null)" = "$stamp" ]; then return 0; fi
  step "restoring packages"
  local project
  for project in Cli Agent Runc Manager; do
    dotnet restore "src/$project" -p:LockedRestore=true -v q || die "packages could not be restored" "read the message above; the lock files say which versions are needed"
  done
  step "compiling berth, berth-agent, berth-runc (native) and berth-manager: a few minutes"
  rm -f bin/.stamp
  mkdir -p .out/publish bin
  # One after another what they share, then the native compilers side by side: each keeps one core busy for long.
  dotnet build src/Shared -c Release --no-restore -v q "-clp:ErrorsOnly;NoSummary" >.out/publish/shared.log 2>&1 ||
    { cat .out/publish/shared.log >&2; die "src/Shared does not build" "read the message above"; }
  local failed=0 jobs=() job
  publish_one Cli berth & jobs+=($!)
  publish_one Agent berth-agent & jobs+=($!)
  publish_one Runc berth-runc & jobs+=($!)
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  publish_one Manager berth-manager || failed=1
  [ $failed = 0 ] || die "publishing failed" "read the message above"
  echo "$stamp" >bin/.stamp
}
publish_one() {
  local target=.out/publish/$2
  rm -rf "$target"
  if ! dotnet publish "src/$1" -c Release --no-dependencies --no-restore -v q "-clp:ErrorsOnly;NoSummary" -o "$target" >"$target.log" 2>&1; then
    cat "$target.log" >&2
    return 1
  fi
  # A running lab keeps the old file open: replace it, do not write into it.
  if [ "$1" = Manager ]; then
    rm -rf bin/manager.old
    if [ -e bin/manager ]; then mv bin/manager bin/manager.old; fi
    mv "$target" bin/manager
    rm -rf bin/manager.old
  else
    mv -f "$target/$2" "bin/$2"
  fi
  step "published $2"
}

images() {
  samples/images/build.sh .out/images
}
