#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# make explore, make races, make faults and make sanitize: what they make of a boot's log, and what they record.
load helper

setup() {
	load_toy
	"$HARNESS/series" 2>/dev/null
	export TREE=$tree ARCH=arm FAKE_QEMU=$BATS_TEST_TMPDIR/log
	unset DEPTH MINUTES RACES SEED
}

t() { run "$TESTS/../tools/$1"; }

# ktap SUITE TEST LINE...: the log of a boot with one suite of one test, which says these lines.
ktap() {
	printf '%s\n' "Booting Linux" "KTAP version 1" "1..1" "    KTAP version 1" "    # Subtest: $1" "    1..1" \
		"${@:3}" "    ok 1 $2" "ok 1 $1" \
		"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)" >"$FAKE_QEMU"
}

explored() { # NUMBER [LEFT]: all three parts, with so many sequences, LEFT of them left out
	ktap iommu_defer_explore explores \
		"    # before: 1 of each: $1 sequences, 7 states, depth 5, 0 left out" \
		"    # across: 1 of each: 20 sequences, 8 states, depth 4, ${2:-0} left out" \
		"    # after: 1 of each: 30 sequences, 9 states, depth 5, 0 left out"
}

recorded() { grep -v '^#' "$DEFER_ROOT/results/$1.toy"; }

@test "explore records what was covered, of the series as it is" {
	explored 10
	t explore
	expect 0 "toy arm, 2 of each, across: 20 sequences of at most 4 events, 8 states, 0 left out"
	[ "$(recorded explore | wc -l)" -eq 6 ]
	recorded explore | grep -qx "arm 1 before 10 7 5 0"
	explored 11
	t explore
	expect 0 ""
	[ "$(recorded explore | grep -c " before 11 ")" -eq 2 ]
	[ "$(recorded explore | grep -c " before 10 ")" -eq 0 ]
}

@test "what explore finds is shown, and nothing is recorded" {
	ktap iommu_defer_explore explores \
		"    # before: { IOMMU_REGISTERS, 0 }, { MASTER_ADDED, 0 },: want translated, got deferred" \
		"    # before: 1 of each: 10 sequences, 7 states, depth 5, 0 left out" \
		"    # across: 1 of each: 20 sequences, 8 states, depth 4, 0 left out" \
		"    # after: 1 of each: 30 sequences, 9 states, depth 5, 0 left out"
	t explore
	expect 1 "not a pass: before: { IOMMU_REGISTERS, 0 }, { MASTER_ADDED, 0 },: want translated"
	[ ! -e "$DEFER_ROOT/results/explore.toy" ]
}

@test "explore is not a pass when a sequence was left out" {
	explored 10 1
	t explore
	expect 1 "not a pass: sequences were left out"
	[ ! -e "$DEFER_ROOT/results/explore.toy" ]
}

@test "a sample is run, and not recorded" {
	explored 10
	SAMPLE=1 t explore
	expect 0 "toy arm, 2 of each, across: 20 sequences"
	[ ! -e "$DEFER_ROOT/results/explore.toy" ]
}

@test "a suite that ends early is not a pass" {
	ktap iommu_defer_explore explores "    # before: 1 of each: 10 sequences, 7 states, depth 5, 0 left out"
	t explore
	expect 1 "not a pass: the suite did not come to its end"
	[ ! -e "$DEFER_ROOT/results/explore.toy" ]
}

@test "bad input: a depth that is none" {
	explored 10
	DEPTH="7" t explore
	expect 2 "DEPTH='7': want two numbers from 1 to 9"
	one_error
	DEPTH="7 10" t explore
	expect 2 "want two numbers from 1 to 9"
}

# What user space says, before the kernel's last line
kmemleak_looks() { sed -i '$i rebind: kmemleak found 0 objects' "$FAKE_QEMU"; }

@test "faults records how many allocations have failed in each step" {
	cp "$TESTS/../scenarios/user.c" "$DEFER_ROOT/scenarios/"
	ktap iommu_defer_faults allocation_fails \
		"        KTAP version 1" "        # Subtest: allocation_fails" \
		"    # allocation_fails: 12 allocations have failed, one at a time" "        ok 1 C17 master is added" \
		"    # allocation_fails: 3 allocations have failed, one at a time" "        ok 2 C17 master binds"
	t faults
	expect 1 "not a pass: arm iommu_defer_faults: kmemleak has not looked for what is lost"
	[ ! -e "$DEFER_ROOT/results/faults.toy" ]
	kmemleak_looks
	t faults
	expect 0 "toy arm: C17 master is added: 12 allocations failed, one at a time"
	recorded faults | grep -qx "arm C17 master binds: 3"
}

@test "a kernel in which no allocation fails is not a pass" {
	cp "$TESTS/../scenarios/user.c" "$DEFER_ROOT/scenarios/"
	ktap iommu_defer_faults allocation_fails \
		"    # allocation_fails: 0 allocations have failed, one at a time" "        ok 1 C17 master binds"
	t faults
	expect 1 "not a pass: arm iommu_defer_faults: no allocation has failed"
	[ ! -e "$DEFER_ROOT/results/faults.toy" ]
}

@test "faults on machines that have masters which are translated" {
	cp "$TESTS/../scenarios/user.c" "$DEFER_ROOT/scenarios/"
	printf '%s\n' "// about: a master" '/ { master { iommu-defer,want = "translated"; }; };' \
		>"$DEFER_ROOT/scenarios/arm/master.dtsi"
	ktap iommu_defer_faults allocation_fails "        KTAP version 1" "        # Subtest: allocation_fails" \
		"    # masters: given: /master | wanted: translated | got: translated" \
		"    # master_comes: /vsp: 17 allocations have failed, one at a time" \
		"    # master_comes: /du: 5 allocations have failed, one at a time" \
		"    # allocation_fails: 3 allocations have failed, one at a time" "        ok 1 C17 master binds"
	kmemleak_looks
	SCENARIO=master t faults
	expect 0 "toy arm: master: 22 allocations failed, one at a time"
	[ ! -e "$DEFER_ROOT/results/faults.toy" ]
	[[ ! $output =~ "arm plain" ]]
	t faults
	recorded faults | grep -qx "arm master: 22"
	recorded faults | grep -qx "arm C17 master binds: 3"
	sed -i 's/given:/gives:/' "$FAKE_QEMU"
	SCENARIO=master t faults
	expect 1 "not a pass: arm master iommu_defer_faults: 1 masters in the fragment, 0 judged"
	SCENARIO=plain t faults
	expect 2 "unknown scenario 'plain' for toy arm"
	one_error
}

@test "a record of another series is not added to" {
	mkdir -p "$DEFER_ROOT/results"
	printf '%s\n' "# series: 0" "# columns" "arm64 1 before 99 7 5 0" >"$DEFER_ROOT/results/explore.toy"
	explored 10
	t explore
	[ "$(recorded explore | wc -l)" -eq 6 ]
	[ "$(recorded explore | grep -c arm64)" -eq 0 ]
}

@test "races records how many there were, and shows the seed of one that goes wrong" {
	ktap iommu_defer_explore events_race "    # events_race: 20 races" "    # events_race: 7 races"
	RACES=27 SEED=3 t races
	expect 0 "toy arm: 27 races from seed 3 on, none goes wrong"
	recorded races | grep -qx "arm 27 3"
	# Of others than were asked for
	RACES=28 SEED=3 t races
	expect 1 "not a pass: the races did not come to their end"
	ktap iommu_defer_explore events_race "    seed 5: not as expected: whether it is bound" "    # events_race: 8 races"
	RACES=8 SEED=3 t races
	expect 1 "not a pass: seed 5: not as expected: whether it is bound"
	recorded races | grep -qx "arm 27 3"
	RACES=501 t races
	expect 2 "RACES='501': want a number from 1 to 500"
	one_error
}

@test "races with KCSAN are for arm64" {
	KCSAN=1 t races
	expect 2 "KCSAN=1 is for arm64, not for arm"
	one_error
}

@test "a record is of the suite, and of what all suites stand on" {
	explored 10
	t explore
	old() { PYTHONPATH=$HARNESS python3 -c 'from defer import suite; print(*suite.old("toy"))'; }
	[ -z "$(old)" ]
	echo '/* changed */' >>"$DEFER_ROOT/linux/common/lib/iommu_defer_fixture.c"
	[ "$(old)" = results/explore.toy ]
}

@test "the contract quotes what the records say, and which are not of the series as it is" {
	mkdir -p "$DEFER_ROOT/docs"
	printf 'What was tried:\n<!-- proof: begin -->\n<!-- proof: end -->\n' >"$DEFER_ROOT/docs/contract.md"
	explored 10
	t explore
	printf '%s\n' '# fixes: 0' '# columns' 'arm plain: fails, passes' 'arm other: passes, passes' >"$DEFER_ROOT/results/acpi.toy"
	"$HARNESS/series" 2>/dev/null
	# shellcheck disable=SC2016 # these are not commands
	grep -qxF '| sequences of events (`make explore`) | 120, of at most 5 and 5 events |' "$DEFER_ROOT/docs/contract.md"
	grep -qF '| 2 pass, 1 fail without the fixes, before the last changes |' "$DEFER_ROOT/docs/contract.md"
	sed -i 's/| 120,/| 121,/' "$DEFER_ROOT/docs/contract.md"
	h check
	expect 22 "the table of docs/contract.md is not that of results/"
}

# Checkers, and a user space for boots that have none.
sanitizers() {
	unset FAKE_QEMU KIND
	cp "$TESTS/../scenarios/user.c" "$DEFER_ROOT/scenarios/"
	cp "$HARNESS"/kconfig/{kmemleak,sanitize.*} "$DEFER_ROOT/harness/kconfig/"
}

# Boots that say what a test has them say
removal() {
	sanitizers
	export KIND=remove FAKE_QEMU=$BATS_TEST_TMPDIR/log
}

@test "sanitize: clean boots are recorded, with what the kernel has of the checkers" {
	sanitizers
	t sanitize
	expect 0 "toy arm remove: 2 boots of 2 clean, with DEBUG_TEST_DRIVER_REMOVE"
	[[ $output == *"-append 'console=ttyAMA0 "*" -- rebind 0'"* ]]
	recorded sanitize | grep -q "^arm memory: 2 boots of 2 clean, with DEBUG_KMEMLEAK KASAN .* PROVE_RCU"
	[ "$(recorded sanitize | wc -l)" -eq 2 ]
}

@test "sanitize: what the pristine kernel fails as well is named, all else is not a pass" {
	sanitizers
	echo "// must: never" >>"$DEFER_ROOT/scenarios/arm/plain.dtsi"
	t sanitize
	expect 0 "toy arm memory: 1 boots of 2 clean"
	recorded sanitize | grep -qx "arm memory plain: pristine: no line matches: never"
	rm "$DEFER_ROOT/results/sanitize.toy"
	KIND=remove t sanitize
	expect 0 "toy arm remove: 1 boots of 2 clean"
	[ ! -e "$DEFER_ROOT/results/sanitize.toy" ]
	FAKE_QEMU=oops t sanitize
	expect 1 "not a pass: KUnit: "
	[ ! -e "$DEFER_ROOT/results/sanitize.toy" ]
	# With the fixes only
	sed -i '/mustnot/d; /must: never/s/never/one: broken/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	t sanitize
	expect 1 "not a pass: plain: no line matches: one: broken"
	KIND="memory all" t sanitize
	expect 2 "KIND='memory all': want some of memory remove"
	one_error
}

@test "sanitize: where drivers are removed at once, tests that count attempts are let off, and no others" {
	removal
	ktap iommu_defer_probe waits "    # waits: EXPECTATION FAILED at lib/toy_kunit.c:1" \
		"    Expected master.attempts == 1U, but" "        master.attempts == 2 (0x2)" \
		"    # fails: EXPECTATION FAILED at lib/kunit_contract_kunit.c:1" "    Expected 0 == 1, but"
	sed -i 's/ok 1/not &/' "$FAKE_QEMU"
	t sanitize
	expect 0 "toy arm remove: 1 boots of 2 clean"
	expect 0 "remove plain: pristine: "
	sed -i 's/attempts == 1U/faults == 1U/' "$FAKE_QEMU"
	t sanitize
	expect 1 "not a pass: KUnit: "
	expect 1 "not ok 1 waits"
}

@test "sanitize: a device whose driver can't be bound twice is let off, and no other" {
	removal
	ktap iommu_defer_boot pci_masters "scenario: plain" "cmdline: a toy=yes" "i6300esb: This driver only supports 1 device" \
		"    # pci_masters: EXPECTATION FAILED at lib/toy_kunit.c:1" \
		"    # pci_masters: 0000:00:01.0: got unbound, wanted translated"
	sed -i 's/ok 1/not &/' "$FAKE_QEMU"
	t sanitize
	[[ $output == *"arm remove plain: but for i6300esb, which can't be bound twice"* ]]
	sed -i 's/got unbound/got untranslated/' "$FAKE_QEMU"
	t sanitize
	[[ $output != *"but for i6300esb"* && $output == *"remove plain: pristine: "* ]]
}
