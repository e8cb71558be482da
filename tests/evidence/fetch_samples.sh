#!/bin/sh
# Fetches the volumes that Windows and macOS encrypted and that cryptsetup's own tests use, from Debian's source
# package of cryptsetup, into the folder given. They are its authors' to ship, not ours. What it downloads is checked
# as apt checks a package, against the keys of the archives this machine already uses. Without apt or a network it
# says so and ends well: the tests that need them are skipped.
set -u
target=${1:?usage: fetch_samples.sh FOLDER}
images="bitlk-images fvault2-images"

missing=
for name in $images; do [ -d "$target/$name" ] || missing="$missing $name"; done
[ -n "$missing" ] || exit 0

give_up() {
	echo "fetch_samples.sh: $1; the tests of BitLocker and FileVault volumes will be skipped" >&2
	exit 0
}

command -v apt-get >/dev/null && command -v xz >/dev/null || give_up "apt-get and xz are needed"
work=$(mktemp -d) || give_up "no temporary folder"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/sources" "$work/cache/archives/partial"

# the machine's own sources of binary packages, as sources of source packages
apt-get indextargets --format '$(SOURCESENTRY)' 'Created-By: Packages' 2>/dev/null | sed 's/:[0-9]*$//' | sort -u |
	while read -r file; do
		name=$(basename "$file")
		case $name in
		*.sources) sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources/$name" ;;
		*.list) sed -n 's/^deb[[:space:]]/deb-src /p' "$file" >"$work/sources/$name" ;;
		esac
	done

apt() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= \
		-o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::Languages=none "$@" >"$work/log" 2>&1
}

apt update || true # a source without source packages is no reason to stop
(cd "$work" && apt source --download-only --only-source cryptsetup) || give_up "apt-get source cryptsetup failed"
archive=$(ls "$work"/cryptsetup_*.orig.tar.* 2>/dev/null | grep -v '\.asc$' | head -n 1)
[ -n "$archive" ] || give_up "the source package holds no archive"

mkdir -p "$target"
for name in $missing; do
	if tar -xOf "$archive" --wildcards "*/tests/$name.tar.xz" >"$work/$name.tar.xz" 2>/dev/null &&
		mkdir -p "$work/unpacked" &&
		tar -xJSf "$work/$name.tar.xz" -C "$work/unpacked" --no-same-owner 2>/dev/null; then
		# all or nothing: copied beside it, then renamed
		rm -rf "$target/.$name.new" && cp -r --sparse=always "$work/unpacked/$name" "$target/.$name.new" &&
			mv "$target/.$name.new" "$target/$name"
	else
		echo "fetch_samples.sh: this release of cryptsetup has no $name; their tests will be skipped" >&2
	fi
done
exit 0
