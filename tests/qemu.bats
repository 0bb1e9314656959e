#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # bats sets status and output
# The models of qemu/ under the installed QEMU, and make qemu, which gets them there. Without QEMU's source
# package nothing can be compiled: what needs it is skipped, and says why.
load helper

# Compiled once, into the cache of whoever runs the tests.
setup_file() {
	export WHY='' MODEL_STORE=''
	if "$HARNESS/qemu" >"$BATS_FILE_TMPDIR/command" 2>"$BATS_FILE_TMPDIR/said"; then
		MODEL_STORE=$(dirname "$(sed -n 's/.*LD_PRELOAD=\([^ ]*\).*/\1/p' "$BATS_FILE_TMPDIR/command")")
		MODEL_CACHE=$(dirname "$(dirname "$MODEL_STORE")")
		export MODEL_CACHE
	else
		WHY=$(grep '^error: ' "$BATS_FILE_TMPDIR/said" || tail -n 1 "$BATS_FILE_TMPDIR/said")
		# A model that doesn't compile is no reason to skip.
		[[ $WHY != *"does not compile"* ]] || { echo "$WHY" && return 1; }
	fi
}

setup() {
	export PYTHONDONTWRITEBYTECODE=1
	unset DEFER_ROOT
}

python() { # PROGRAM ARGUMENTS...
	local program=$1
	shift
	[ -z "$WHY" ] || skip "$WHY"
	CACHE=$MODEL_CACHE PYTHONPATH=$HARNESS run timeout 900 python3 "$TESTS/$program" "$@"
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
}

# A project with the models, and stand-ins for dpkg and apt.
toy() {
	load_toy
	bin=$BATS_TEST_TMPDIR/bin
	mkdir "$bin"
	cp -r "$TESTS/../qemu" "$DEFER_ROOT/"
	export PATH=$bin:$PATH QEMU=$bin/qemu-system-aarch64 FAKE_VERSION=${FAKE_VERSION:-1:7.2+dfsg-7+deb12u18}
	# shellcheck disable=SC2016
	printf '#!/bin/sh\ncase $* in *source:Version*) [ "$FAKE_VERSION" != - ] && printf %%s "$FAKE_VERSION" ;; *) printf installed ;; esac\n' >"$bin/dpkg-query"
	printf '#!/bin/sh\necho rcar-h3\n' >"$QEMU"
	fake_apt 'exit 0'
	chmod +x "$bin"/*
}

fake_apt() { # BODY OF apt-get update AND source
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "$*" >>"$FAKE_APT_LOG"\ncase $* in *indextargets*) exit 0 ;; esac\n%s\n' "$1" >"$bin/apt-get"
	chmod +x "$bin/apt-get"
	export FAKE_APT_LOG=$BATS_TEST_TMPDIR/apt
}

# The real headers, and the object that was compiled against them.
with_headers() {
	[ -z "$WHY" ] || skip "$WHY"
	unset FAKE_VERSION
	FAKE_VERSION=$(/usr/bin/dpkg-query -W -f '${source:Version}' qemu-system-arm)
	export FAKE_VERSION
	toy
	mkdir -p "$CACHE/qemu"
	cp -r "$MODEL_STORE" "$CACHE/qemu/"
	export QEMU=/usr/bin/qemu-system-aarch64
}

@test "H3: registers, page sizes, faults, TLBs, DMA, descriptors, serial port, clocks, power" {
	python qemu_qtest.py H3
}

@test "H2: the same, and the non-secure alias" {
	python qemu_qtest.py H2
}

@test "options, two clusters, banks of memory, migration" {
	python qemu_qtest.py Options
}

@test "100,000 random operations, DMA among registers included" {
	python qemu_fuzz.py 1 100000
	echo "$output"
	[ "$(grep -c 'operations' <<<"$output")" -eq 2 ]
}

@test "the models are clean under QEMU's checkpatch" {
	[ -z "$WHY" ] || skip "$WHY"
	cd "$MODEL_STORE"
	for file in "$TESTS"/../qemu/{*.[ch],trace-events,meson.build,Kconfig}; do
		run perl scripts/checkpatch.pl --no-tree --terse --file "$file"
		expect 0 ""
		[ -z "$output" ] || { echo "$output" && return 1; }
	done
}

@test "the overlay adds its lines and files, once, and says what it doesn't fit" {
	tree=$BATS_TEST_TMPDIR/qemu
	mkdir -p "$tree"/{hw,configs/devices/aarch64-softmmu,docs/system}
	printf '.. toctree::\n\n   arm/raspi\n   arm/xscale\n' >"$tree/docs/system/target-arm.rst"
	printf 'Raspberry Pi\nM: A\n\nReal View\nM: B\n' >"$tree/MAINTAINERS"
	echo 7.2.99 >"$tree/VERSION"
	printf "trace_events_subdirs += [\n    'hw/rdma',\n]\n" >"$tree/meson.build"
	printf "subdir('pcmcia')\nsubdir('rdma')\n" >"$tree/hw/meson.build"
	printf "source pci/Kconfig\nsource rdma/Kconfig\n" >"$tree/hw/Kconfig"
	echo include ../arm-softmmu/default.mak >"$tree/configs/devices/aarch64-softmmu/default.mak"
	for _ in 1 2; do
		run "$TESTS/../qemu/overlay" "$tree"
		expect 0 ""
		[ "$(grep -rn rcar "$tree"/{meson.build,hw/meson.build,hw/Kconfig} | cut -d : -f 2- | xargs -d '\n')" = \
			"2:    'hw/rcar', 2:subdir('rcar') 2:source rcar/Kconfig" ]
		[ "$(grep -c CONFIG_RCAR=y "$tree/configs/devices/aarch64-softmmu/default.mak")" -eq 1 ]
		[ "$(xargs <"$tree/docs/system/target-arm.rst")" = ".. toctree:: arm/raspi arm/rcar arm/xscale" ]
		[ "$(grep -c "^F: hw/rcar/$" "$tree/MAINTAINERS")" -eq 1 ]
		grep -A 1 "^R-Car$" "$tree/MAINTAINERS" | grep -q "^M: IOMMU probe deferral"
		cmp "$TESTS/../qemu/rcar.rst" "$tree/docs/system/arm/rcar.rst"
	done
	for file in "$TESTS"/../qemu/*.c; do
		cmp "$file" "$tree/hw/rcar/$(basename "$file")"
		grep -q "'$(basename "$file")'" "$tree/hw/rcar/meson.build"
	done
	sed -i /rdma/d "$tree/hw/Kconfig"
	sed -i /rcar/d "$tree/hw/Kconfig"
	run "$TESTS/../qemu/overlay" "$tree"
	expect 1 "hw/Kconfig has no line source rdma/Kconfig"
	echo 10.0.2 >"$tree/VERSION"
	run "$TESTS/../qemu/overlay" "$tree"
	expect 1 "written for QEMU 7.2, this is 10.0.2"
	rm "$tree/meson.build"
	run "$TESTS/../qemu/overlay" "$tree"
	expect 1 "is no source of QEMU"
}

@test "make qemu: compiled once, and again when a file changes" {
	with_headers
	h qemu
	expect 0 "-M rcar-h3"
	[[ $output != *gcc* ]]
	first=$output
	echo '/* more */' >>"$DEFER_ROOT/qemu/rcar_prr.c"
	h qemu
	expect 0 "gcc -shared"
	[[ $output != *"$first"* ]]
	[ "$(find "$CACHE/qemu" -name 'rcar-*.so' | wc -l)" -eq 1 ]
	run "$HARNESS/qemu" -M help
	expect 0 rcar-h2
	# What doesn't compile is shown, and the next run compiles it.
	echo 'int x = ;' >>"$DEFER_ROOT/qemu/rcar_prr.c"
	h qemu
	expect 26 "rcar_prr.c does not compile against QEMU"
	expect 26 "expected expression"
	one_error
	[ ! -s "$BATS_TEST_TMPDIR/apt" ]
}

@test "make qemu: a QEMU that doesn't export its symbols" {
	with_headers
	rm "$CACHE"/qemu/*/rcar-*.so
	QEMU=$bin/qemu-system-aarch64
	printf '#!/bin/sh\necho "qemu: symbol lookup error: rcar.so: undefined symbol: x" >&2\nexit 127\n' >"$QEMU"
	h qemu
	expect 26 "does not export what the models need"
	one_error
}

@test "make qemu: a version that the models don't fit, and a QEMU that is not Debian's" {
	toy
	FAKE_VERSION=1:10.0.2+ds-2 h qemu
	expect 26 "written for QEMU 7.2, and qemu-system-arm is 1:10.0.2+ds-2"
	one_error
	FAKE_VERSION=- h qemu
	expect 26 "is not of Debian's package qemu-system-arm"
	FAKE_VERSION=1:7.22+dfsg-1 h qemu
	expect 26 "written for QEMU 7.2"
}

@test "make qemu: no network, and no source package of this version" {
	toy
	# shellcheck disable=SC2016
	fake_apt 'case $* in *update*) echo "Err:1 http://deb.debian.org Could not resolve '\''deb.debian.org'\''" ;; *) exit 100 ;; esac'
	h qemu
	expect 26 "no network, or no mirror"
	expect 26 "make boot goes on without them"
	one_error
	# shellcheck disable=SC2016
	fake_apt 'case $* in *update*) ;; *) echo "E: Unable to find a source package for qemu" && exit 100 ;; esac'
	h qemu
	expect 26 "have no source of qemu 1:7.2+dfsg-7+deb12u18 (any more): update qemu-system-arm"
	one_error
	# Nothing is left behind, and the machine's lists were not used.
	[ -z "$(ls "$CACHE/qemu")" ]
	run grep -v 'Dir::Etc::sourceparts=/dev/null\|indextargets' "$BATS_TEST_TMPDIR/apt"
	[ "$status" -eq 1 ]
}
