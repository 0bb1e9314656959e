#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets DEFER_ROOT, bats sets status and output
# The source package of a base that the machine's own releases don't have, with an apt that has no network.
load helper

setup() {
	load_toy
	"$HARNESS/series" 2>/dev/null
	sed -i 's/^BASE_PACKAGE=.*/BASE_PACKAGE=linux-source-9.9\nBASE_SUITE=toy-backports/' "$DEFER_ROOT/bases/toy/base.conf"
	mkdir -p "$BATS_TEST_TMPDIR/apt"
	export PATH=$BATS_TEST_TMPDIR/apt:$PATH HAS="linux-source-9.9"
	stand_in apt-get <<-'EOF'
		printf '%s\n' "$*" >>"$BATS_TEST_TMPDIR/calls"
		case $* in
		indextargets*) printf 'http://sec.example/debian-security|Debian-Security\nhttp://deb.example/debian|Debian\n' ;;
		*update) [ -z "$OFFLINE" ] || { echo "E: Failed to fetch http://deb.example/debian"; exit 100; } ;;
		*download*) cp "$BATS_TEST_TMPDIR/toy.deb" linux-source-9.9_9.9-1_all.deb ;;
		esac
	EOF
	stand_in apt-cache <<-'EOF'
		printf '%s\n' $HAS
	EOF
	package
}

stand_in() {
	{ echo '#!/bin/sh'; cat; } >"$BATS_TEST_TMPDIR/apt/$1"
	chmod +x "$BATS_TEST_TMPDIR/apt/$1"
}

package() {
	mkdir -p "$BATS_TEST_TMPDIR/deb/usr/src" "$BATS_TEST_TMPDIR/deb/DEBIAN"
	tar -cJf "$BATS_TEST_TMPDIR/deb/usr/src/linux-source-9.9.tar.xz" -C "$BATS_TEST_TMPDIR" linux
	printf 'Package: linux-source-9.9\nVersion: 9.9-1\nArchitecture: all\nMaintainer: toy <t@example.org>\n' \
		>"$BATS_TEST_TMPDIR/deb/DEBIAN/control"
	printf 'Description: toy\n' >>"$BATS_TEST_TMPDIR/deb/DEBIAN/control"
	dpkg-deb -b "$BATS_TEST_TMPDIR/deb" "$BATS_TEST_TMPDIR/toy.deb" >/dev/null
}

prepare() { PYTHONPATH=$HARNESS run python3 -c "from defer import lib, tree; lib.main(lambda: tree.Tree().prepare() and None)"; }

@test "the source is downloaded once, by a source list of the project's own" {
	BASE=toy prepare
	expect 0 "fixes up to 2 of 2"
	grep -qx 'URIs: http://deb.example/debian' "$CACHE/debian/linux-source-9.9/own.sources"
	grep -qx 'Suites: toy-backports' "$CACHE/debian/linux-source-9.9/own.sources"
	grep -q '^Signed-By: ' "$CACHE/debian/linux-source-9.9/own.sources"
	rm "$BATS_TEST_TMPDIR/calls"
	BASE=toy prepare
	expect 0 "fixes up to 2 of 2"
	[ ! -e "$BATS_TEST_TMPDIR/calls" ]
}

@test "bad input: no network" {
	OFFLINE=1 BASE=toy prepare
	expect 10 "E: Failed to fetch http://deb.example/debian"
	expect 10 "Is there a network? Or give a tree that you have: TREE=path"
}

@test "bad input: Debian has moved on" {
	HAS="linux-source-9.10" BASE=toy prepare
	expect 10 "toy-backports has no linux-source-9.9 any more: it has linux-source-9.10"
}
