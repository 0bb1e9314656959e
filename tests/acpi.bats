#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # bats sets status and output
# make acpi: the table of SMMUs, as iasl reads it, and what is made of a boot with it.
load helper

# table LINE...: what iasl makes of the table of these lines, one field a line
table() {
	cd "$BATS_TEST_TMPDIR" || return
	PYTHONPATH=$HARNESS run python3 -c "import sys; from defer import iort, lib
try:
    open('iort.dat', 'wb').write(iort.table(sys.argv[1:]))
except lib.Stop as stop:
    sys.exit(str(stop))" "$@"
	[ "$status" -eq 0 ] || return 0
	run iasl -d iort.dat
	[ "$status" -eq 0 ] && [[ $output != *[Ee]rror* ]]
	fields=$(sed -n 's/^\[.*\] *\([A-Za-z][^:]*\) : \(.*\)/\1=\2/p' iort.dsl)
}

# has FIELD=VALUE N: so often
has() { [ "$(grep -cx "$1" <<<"$fields")" -eq "$2" ] || { echo "$fields" && return 1; }; }

@test "each node is what iasl reads, and each map leads to its SMMU" {
	table "smmu a 0x9050000" "smmu b 0x4000000" "pci 0 0x0-0xff=a+0x0 0x100-0x1ff=b+0x200" 'device \_SB_.VR31 0=b+0x20'
	has "Type=04" 2
	has "Type=02" 1
	has "Type=01" 1
	has "Base Address=0000000004000000" 1
	has "ID Count=000000FF" 2
	has "Input base=00000100" 1
	has "Output Base=00000200" 1
	# The first SMMU is at 0x30, the second behind it.
	has "Output Reference=00000030" 1
	has "Output Reference=00000074" 2
	# A single mapping; and both SMMUs are cache-coherent.
	has "Flags (decoded below)=00000001" 3
	has 'Device Name="\\_SB_.VR31"' 1
	has "Event GSIV=0000006A" 2
}

@test "an SMMUv2 has its interrupts where iasl looks for them" {
	table "smmuv2 a 0x80000000 132" 'device \_SB_.VR31 0=a+0x5'
	has "Type=03" 1
	has "Base Address=0000000080000000" 1
	has "Span=0000000000010000" 1
	has "Model=00000001" 1
	has "Context Interrupt Count=00000004" 1
	has "NSgIrpt=00000084" 1
	has "NSgCfgIrpt=00000084" 1
	[ "$(grep -c "Interrupt.*=00000084\|^.*Irpt=00000084\|=0000000000000084" <<<"$fields")" -eq 6 ]
}

@test "a table has the sum that ACPI asks for, and outranks QEMU's" {
	table "smmu a 0x9050000"
	has "Oem Revision=00001000" 1
	[ "$(od -An -v -tu1 -w1 iort.dat | awk '{ sum += $1 } END { print sum % 256 }')" -eq 0 ]
}

@test "bad input: a map of nobody, a map that is none, a word that means nothing" {
	table "pci 0 0x0-0xff=a+0x0"
	expect 1 'iort: "0x0-0xff=a+0x0": want FIRST-LAST=NAME+OUT, with the name of an smmu before it'
	table "smmu a 0x9050000" "pci 0 0x0..0xff=a"
	expect 1 'want FIRST-LAST=NAME+OUT'
	table "smm a 0x9050000"
	expect 1 'iort: what is "smm a 0x9050000"?'
}

setup() {
	load_toy
	"$HARNESS/series" 2>/dev/null
	sed -i 's/BASE_ARCHES="arm"/BASE_ARCHES="arm arm64"/' "$DEFER_ROOT/bases/toy/base.conf"
	export TREE=$tree FAKE_BOARD=$BATS_TEST_TMPDIR/board
	mkdir -p "$DEFER_ROOT/scenarios/acpi" "$BATS_TEST_TMPDIR/bin"
	printf '%s\n' "// about: a toy" "// iort: smmu a 0x9050000" "// must: acpi: disk group 1" "// mustnot: bad luck" \
		>"$DEFER_ROOT/scenarios/acpi/plain.iort"
	touch "$DEFER_ROOT/scenarios/acpi/init.c"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\n: >"$2"\n' >"$BATS_TEST_TMPDIR/bin/aarch64-linux-gnu-gcc"
	# The disk is translated if the kernel has the first fix.
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' 'case $* in *--version*) echo "QEMU emulator version 9.9.9"; exit ;; esac' \
		'while [ "$1" != -kernel ]; do shift; done' 'grep -q "one: fixed" "$2" && echo "acpi: disk group 1"' \
		'cat "$FAKE_BOARD"' >"$BATS_TEST_TMPDIR/bin/qemu-system-aarch64"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
	printf '%s\n' "acpi: end" "reboot: Power down" >"$FAKE_BOARD"
}

@test "acpi boots without the fixes and with all, and records both" {
	h acpi
	expect 0 "FAIL  plain                    no line matches: acpi: disk group 1"
	expect 0 "PASS  plain"
	grep -qx "arm64 plain: fails, passes" "$DEFER_ROOT/results/acpi.toy"
}

@test "a machine that fails with all fixes, a splat, or one that doesn't end is an error" {
	printf '%s\n' "bad luck" "acpi: end" "reboot: Power down" >"$FAKE_BOARD"
	h acpi
	expect 1 "bad luck (must not match: bad luck)"
	[ ! -e "$DEFER_ROOT/results/acpi.toy" ]
	printf '%s\n' "WARNING: CPU: 0 PID: 1 at toy.c:1" "acpi: end" "reboot: Power down" >"$FAKE_BOARD"
	UPTO=2 h acpi
	expect 1 "splat: "
	echo "Booting" >"$FAKE_BOARD"
	UPTO=2 h acpi
	expect 1 'no "acpi: end"'
}

@test "bad input: a machine that there is none of, a base that has none" {
	SCENARIO=none h acpi
	expect 2 "unknown SCENARIO=none for ACPI and toy; known: plain"
	echo "// bases: other" >>"$DEFER_ROOT/scenarios/acpi/plain.iort"
	h acpi
	expect 2 "no ACPI machine is for toy yet"
	[[ $output != *"-j"* ]]
}

@test "lines asl: are devices of a machine's own; iasl reads them, and what it refuses is an error" {
	echo "// asl: Device (MC00) { Name (_HID, \"NXP0008\") }" >>"$DEFER_ROOT/scenarios/acpi/plain.iort"
	UPTO=2 h acpi
	expect 0 "PASS  plain"
	echo "// asl: Device (MC01) { Nome }" >>"$DEFER_ROOT/scenarios/acpi/plain.iort"
	UPTO=2 h acpi
	expect 1 "iasl refuses the lines \"asl:\" of $DEFER_ROOT/scenarios/acpi/plain.iort"
}
