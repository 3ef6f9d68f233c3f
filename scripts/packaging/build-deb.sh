#!/usr/bin/env bash
# build-deb.sh BIN OUT: makes OUT/berth_VERSION_ARCHITECTURE.deb of the published programs in BIN, and prints its path.
# The same programs make the same package: times come from SOURCE_DATE_EPOCH, or from the commit.
set -euo pipefail
bin=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")

for program in berth berth-agent berth-runc manager/berth-manager; do
  [ -x "$bin/$program" ] || { printf 'error: %s is not there\n  next: make publish\n' "$bin/$program" >&2; exit 1; }
done
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$root/Directory.Build.props")
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || stat -c %Y "$bin/berth")}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
umask 022

install -D -m 755 "$bin/berth" "$tree/usr/bin/berth"
install -D -m 755 "$bin/berth-agent" "$tree/usr/lib/berth/berth-agent"
install -D -m 755 "$bin/berth-runc" "$tree/usr/lib/berth/berth-runc"
# A manager brings what other systems would need; this package is for this one.
mkdir -p "$tree/usr/lib/berth/manager"
(cd "$bin/manager" && find . -type f -not -name web.config -not -name '*.staticwebassets.*' \
  \( -not -path './runtimes/*' -o -path './runtimes/unix/*' -o -path './runtimes/linux-x64/*' -o -path './runtimes/linux-arm64/*' \) -print0) |
  while IFS= read -rd '' file; do install -D -m 644 "$bin/manager/$file" "$tree/usr/lib/berth/manager/$file"; done
case $architecture in
  amd64) rm -rf "$tree/usr/lib/berth/manager/runtimes/linux-arm64" ;;
  arm64) rm -rf "$tree/usr/lib/berth/manager/runtimes/linux-x64" ;;
esac
chmod 755 "$tree/usr/lib/berth/manager/berth-manager"

for unit in "$here"/units/*.service "$here"/units/*.path; do install -D -m 644 "$unit" "$tree/lib/systemd/system/${unit##*/}"; done
install -D -m 644 "$here/units/berth.sysusers" "$tree/usr/lib/sysusers.d/berth.conf"
for daemon in agent manager; do install -D -m 644 "$here/units/berth-$daemon.default" "$tree/etc/default/berth-$daemon"; done

install -D -m 644 "$root/LICENSE" "$tree/usr/share/doc/berth/copyright"
install -D -m 644 "$root/docs/install.md" "$tree/usr/share/doc/berth/install.md"
gzip -9nc "$root/CHANGELOG.md" >"$tree/usr/share/doc/berth/changelog.gz"
mkdir -p "$tree/usr/share/bash-completion/completions"
"$bin/berth" completion bash >"$tree/usr/share/bash-completion/completions/berth"

mkdir "$tree/DEBIAN"
size=$(du -ks --exclude=DEBIAN "$tree" | cut -f1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" "$here/debian/control" >"$tree/DEBIAN/control"
install -m 644 "$here/debian/conffiles" "$tree/DEBIAN/conffiles"
install -m 755 "$here"/debian/{preinst,postinst,prerm,postrm} "$tree/DEBIAN/"
(cd "$tree" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

package=$out/berth_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zzstd -z3 --build "$tree" "$package.new" >/dev/null
mv "$package.new" "$package"
echo "$package"
