#!/usr/bin/env bash
# build.sh OUTDIR - makes the sample images as archives that `docker load` and `berth lab load|push` read.
#
# No engine, no registry, no internet: layers are packed from programs of this Debian (busybox-static, nginx,
# redis-server and the libraries they are linked with), configuration and manifest are written by hand. The same
# programs give the same bytes and so the same image ids. Up-to-date archives are left alone.
#
#   berth/busybox:1, :2   the usual applets, httpd among them
#   berth/hello:1, :2     nginx; tells its version and the host name at port $PORT (8080); has a health check
#   berth/redis:1, :2     redis-server, health check with redis-cli
#   berth/slow:1          becomes healthy about 8 s after its start
#   berth/crash:1         ends with status 1 after 1 s
#   berth/stubborn:1      ignores SIGTERM
# Those with one version are also :latest.
#
# OUTDIR gets NAME-TAG.tar for each and all.tar with all of them (they share layers).
set -euo pipefail
[ $# = 1 ] || { echo "usage: build.sh OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(readlink -f "$1")
busybox=$(command -v busybox || true) nginx=$(PATH=$PATH:/usr/sbin command -v nginx || true) redis=$(command -v redis-server || true)
for need in "busybox-static:$busybox" "nginx:$nginx" "redis-server:$redis"; do
  [ -n "${need#*:}" ] || { echo "build.sh: ${need%%:*} is not installed; next: apt-get install -y busybox-static nginx-light redis-server" >&2; exit 1; }
done
redis_cli=$(command -v redis-cli)

# Debian's plain busybox needs libraries that an image of nothing else does not have.
if ldd "$busybox" >/dev/null 2>&1; then
  echo "build.sh: $busybox needs shared libraries; next: apt-get install -y busybox-static" >&2; exit 1
fi
stamp=$(sha256sum "$0" "$busybox" "$nginx" "$redis" "$redis_cli" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$out/.stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$out/all.tar" ]; then exit 0; fi
rm -f "$out/.stamp" "$out"/*.tar
work=$(mktemp -d "$out/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/all"

digest() { sha256sum "$1" | cut -d' ' -f1; }
packed() { tar -C "$1" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -cf "$2" .; }
root() { local r="$work/root.$1"; mkdir -p "$r"; echo "$r"; }

# layer NAME: packs root.NAME; afterwards $work/NAME.layer holds its digest
layer() {
  packed "$work/root.$1" "$work/$1.tar"
  digest "$work/$1.tar" >"$work/$1.layer"
  mkdir -p "$work/all/$(cat "$work/$1.layer")"
  mv "$work/$1.tar" "$work/all/$(cat "$work/$1.layer")/layer.tar"
}

# libraries ROOT PROGRAM...: copies programs and what the loader finds for them to the same paths
libraries() {
  local r=$1 program library
  shift
  for program; do
    install -D -m 755 "$(readlink -f "$program")" "$r$program"
    ldd "$program" | grep -o '/[^ )]*' | while read -r library; do
      # One layout for both, as on a merged-/usr Debian: /lib is a link there.
      [ -e "$r$library" ] || install -D -m 755 "$(readlink -f "$library")" "$r$library"
    done
  done
}

# image NAME TAG 'JSON of config' LAYER...
manifests=()
image() {
  local name=$1 tag=$2 config=$3 ids="" paths="" history="" l file tags manifest
  shift 3
  for l; do
    l=$(cat "$work/$l.layer")
    ids+=",\"sha256:$l\"" paths+=",\"$l/layer.tar\"" history+=',{"created":"2024-01-01T00:00:00Z","created_by":"samples/images/build.sh"}'
  done
  printf '{"architecture":"%s","os":"linux","created":"2024-01-01T00:00:00Z","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}' \
    "$(dpkg --print-architecture)" "$config" "${ids:1}" "${history:1}" >"$work/config"
  file=$(digest "$work/config").json
  mv "$work/config" "$work/all/$file"
  tags="\"berth/$name:$tag\""
  case $name in slow | crash | stubborn) tags+=",\"berth/$name:latest\"" ;; esac
  manifest="{\"Config\":\"$file\",\"RepoTags\":[$tags],\"Layers\":[${paths:1}]}"
  manifests+=("$manifest")
  echo "[$manifest]" >"$work/all/manifest.json"
  # shellcheck disable=SC2046 # layer paths have no blanks
  tar -C "$work/all" --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -cf "$out/$name-$tag.tar" \
    manifest.json "$file" $(tr -d '"' <<<"${paths:1}" | tr ',' '\n')
}
# Without wget's own timeout: the static busybox of Debian 12 crashes on it; the engine's ends a check that hangs.
SECOND=1000000000
health() { printf '"Healthcheck":{"Test":[%s],"Interval":%d,"Timeout":%d,"Retries":%d%s}' "$1" "$2" $((3 * SECOND)) "$3" "${4:-}"; }

# ---- layers ------------------------------------------------------------------------
r=$(root busybox)
mkdir -p "$r"/{bin,etc,tmp,proc,sys,dev,root,var,run,www}
chmod 1777 "$r/tmp"
install -m 755 "$busybox" "$r/bin/busybox"
for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -sf busybox "$r/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$r/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$r/etc/group"
layer busybox

r=$(root nginx)
libraries "$r" "$nginx"
mkdir -p "$r/etc/nginx" "$r/var/log/nginx" "$r/var/lib/nginx"
# The image also runs as another user and on a read-only disk with a /tmp: everything nginx writes is there.
cat >"$r/etc/nginx/hello.conf" <<'CONF'
daemon off;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr notice;
events { worker_connections 512; }
http {
  access_log off;
  server_tokens off;
  default_type text/plain;
  keepalive_timeout 15s;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen @PORT@;
    location = /health { return 200 "ok\n"; }
    location / { return 200 "hello version @VERSION@ from $hostname\n"; }
  }
}
CONF
cat >"$r/bin.hello" <<'SCRIPT'
#!/bin/sh
# The page's version and port are environment variables, which nginx's configuration cannot read.
sed -e "s/@PORT@/${PORT:-8080}/" -e "s/@VERSION@/${VERSION:-0}/" /etc/nginx/hello.conf >/tmp/hello.conf || exit 1
exec /usr/sbin/nginx -e stderr -c /tmp/hello.conf
SCRIPT
install -D -m 755 "$r/bin.hello" "$r/usr/bin/hello"
rm "$r/bin.hello"
layer nginx

r=$(root redis)
libraries "$r" "$redis" "$redis_cli"
mkdir -p "$r/data"
chmod 1777 "$r/data"
layer redis

r=$(root slow)
mkdir -p "$r/usr/bin"
cat >"$r/usr/bin/slow" <<'SCRIPT'
#!/bin/sh
# Stands for a server that loads for a while before it can serve.
echo "slow: loading for ${DELAY:-8} s"
sleep "${DELAY:-8}"
echo ok >/tmp/index.html
echo "slow: serving on port ${PORT:-8080}"
exec httpd -f -p "${PORT:-8080}" -h /tmp
SCRIPT
cat >"$r/usr/bin/crash" <<'SCRIPT'
#!/bin/sh
echo "crash: will fail in ${DELAY:-1} s"
sleep "${DELAY:-1}"
echo "crash: failed on purpose" >&2
exit 1
SCRIPT
cat >"$r/usr/bin/stubborn" <<'SCRIPT'
#!/bin/sh
trap 'echo "stubborn: SIGTERM ignored"' TERM
echo "stubborn: started"
while :; do sleep 1; done
SCRIPT
chmod 755 "$r"/usr/bin/*
layer slow

# ---- images ------------------------------------------------------------------------
path='"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
shell() { printf '"CMD-SHELL","%s"' "$1"; }
for version in 1 2; do
  r=$(root "version$version")
  mkdir -p "$r/etc"
  echo "$version" >"$r/etc/version"
  layer "version$version"
  env="$path,\"VERSION=$version\""
  image busybox $version "{\"Env\":[$env],\"Cmd\":[\"sh\"]}" busybox "version$version"
  image hello $version "{\"Env\":[$env,\"PORT=8080\"],\"Cmd\":[\"/usr/bin/hello\"],\"ExposedPorts\":{\"8080/tcp\":{}},\"StopSignal\":\"SIGQUIT\",$(
    health "$(shell 'wget -q -O /dev/null http://127.0.0.1:${PORT:-8080}/health')" $((2 * SECOND)) 3)}" busybox nginx "version$version"
  image redis $version "{\"Env\":[$env],\"WorkingDir\":\"/data\",\"Cmd\":[\"redis-server\",\"--protected-mode\",\"no\",\"--save\",\"\"],\"ExposedPorts\":{\"6379/tcp\":{}},$(
    health '"CMD","redis-cli","ping"' $((2 * SECOND)) 3)}" busybox redis "version$version"
done
env="$path,\"VERSION=1\""
image slow 1 "{\"Env\":[$env],\"Cmd\":[\"/usr/bin/slow\"],\"ExposedPorts\":{\"8080/tcp\":{}},$(
  health "$(shell 'wget -q -O /dev/null http://127.0.0.1:${PORT:-8080}/')" $SECOND 3 ",\"StartPeriod\":$((30 * SECOND))")}" busybox slow
image crash 1 "{\"Env\":[$env],\"Cmd\":[\"/usr/bin/crash\"]}" busybox slow
image stubborn 1 "{\"Env\":[$env],\"Cmd\":[\"/usr/bin/stubborn\"]}" busybox slow

(IFS=,; echo "[${manifests[*]}]") >"$work/all/manifest.json"
tar -C "$work/all" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -cf "$out/all.tar" $(ls "$work/all")
echo "$stamp" >"$out/.stamp"
