#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# Build, boot and everything on top of them, with a toy kernel and a stand-in for QEMU.
load helper

setup() {
	load_toy
	"$HARNESS/series" 2>/dev/null
	export TREE=$tree ARCH=arm
}

log() { echo "$CACHE"/src/toy-*/boot-arm.log; }

matrix() { echo "$DEFER_ROOT/results/toy.arm"; }

@test "results name what is expected; without a record names are not checked, but all else is" {
	h run
	expect 0 "no record of toy.arm: names are not checked"
	expect 0 "tests: 3 passed, 0 failed, 0 skipped"
	h boot
	expect 0 "no record of toy.arm: names are not checked"
	FAKE_QEMU=oops h run
	expect 1 "splat: "
	h flips
	expect 0 "6 rows; without fixes 3 fail, 0 not reached; at the end 0 fail"
	h run
	[[ $output != *"no record"* ]]
	expect 0 "toy arm: pass"
	expect 0 "the toy  fixed   fixed"
	expect 0 "tests: 3 passed, 0 failed, 0 skipped"
	# All fixes are a pass without what is for discussion, and with it.
	UPTO=2 h run
	expect 0 "toy arm, fixes up to 2: pass"
	RFC=1 h run
	expect 0 "tests: 4 passed, 0 failed, 0 skipped"
}

@test "run shows each command, and where the log is" {
	h run
	expect 0 "$ timeout --foreground"
	expect 0 "merge_config.sh"
	[ -s "$(log)" ]
}

@test "run without the fixes fails, and says which tests" {
	UPTO=0 h run
	expect 1 "not ok 1 one; not ok 2 two"
	expect 1 "<- not as wanted"
	one_error
}

@test "a symbol that Kconfig drops is named" {
	echo CONFIG_LOST=y >>"$DEFER_ROOT/bases/toy/kconfig"
	h run
	expect 17 "Kconfig did not keep: CONFIG_LOST=y"
	# As 7.3 says it
	sed -i 's/echo "Value requested/echo "WARNING: Value requested/' "$tree/scripts/kconfig/merge_config.sh"
	h run
	expect 17 "Kconfig did not keep: CONFIG_LOST=y"
	one_error
}

@test "a kernel that does not build shows its first errors" {
	sed -i 's/^int almost;/int BROKEN;/' "$tree/drivers/toy.c"
	sed -i 's/^ int almost;/ int BROKEN;/' "$DEFER_ROOT"/patches/toy-fix-two.patch
	h run
	expect 18 "drivers/toy.c: error: does not compile"
	one_error
}

@test "bad input: a missing compiler without root" {
	FAKE_UID=1000 FAKE_MISSING="gcc-arm-linux-gnueabi flex" h run
	expect 10 "As root: apt-get install --no-install-recommends flex gcc-arm-linux-gnueabi"
	one_error
}

@test "as root, what is missing is installed" {
	FAKE_MISSING="qemu-system-arm" FAKE_APT_LOG=$BATS_TEST_TMPDIR/apt h run
	expect 0 "2 decisions"
	grep -qx 'install -y --no-install-recommends qemu-system-arm' "$BATS_TEST_TMPDIR/apt"
}

@test "an apt-get that fails is updated once, then an error" {
	FAKE_MISSING="qemu-system-arm" FAKE_APT=fail FAKE_APT_LOG=$BATS_TEST_TMPDIR/apt h run
	expect 10 "apt-get could not install qemu-system-arm"
	one_error
}

@test "bad input: QEMU hangs" {
	FAKE_QEMU=hang BOOT_LIMIT=1 h run
	expect 19 "QEMU timed out after 1 s"
	expect 19 "Booting Linux"
	one_error
}

@test "bad input: a panic before KTAP" {
	FAKE_QEMU=panic h run
	expect 20 "no KTAP in the log: [    0.000200] Kernel panic - not syncing: no toy"
	one_error
}

@test "bad input: an empty log" {
	: >"$BATS_TEST_TMPDIR/nothing"
	FAKE_QEMU=$BATS_TEST_TMPDIR/nothing h run
	expect 20 "the kernel said nothing at all"
	one_error
}

@test "bad input: a log without KTAP" {
	FAKE_QEMU=silent h run
	expect 20 "no KTAP in the log"
	one_error
}

@test "an oops amid the tests is no pass" {
	FAKE_QEMU=oops h run
	expect 1 "splat: "
}

@test "bad input: two runs at once" {
	FAKE_QEMU=hang BOOT_LIMIT=20 "$HARNESS/run" >/dev/null 2>&1 3>&- &
	first=$!
	for _ in $(seq 100); do
		[ ! -s "$(log)" ] || break
		sleep 0.1
	done
	h run
	kill "$first"
	expect 16 "another run (process $first) is using"
	one_error
}

@test "a scenario is booted with its name, its arguments, and judged by its expressions" {
	h boot
	expect 0 "PASS  plain"
	UPTO=0 h boot
	expect 1 "(must not match: one: broken)"
	sed -i 's/^.. must: scenario.*/\/\/ must: never said/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 1 "no line matches: never said"
}

@test "a line of a scenario that is for one base takes the place of the one above it" {
	sed -i '3i // must: never said\n// must[toy]: KTAP\n// mustnot[other]: KTAP' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 0 "PASS  plain"
	sed -i 's/^.. must.toy./\/\/ must[other]/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 1 "no line matches: never said"
	# What is for another base makes no other machine of it.
	sed -i '/never said/d' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	STEPS="0 N" h flips
	sed -i '/must.other/d' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	STEPS="0 N" h flips
	expect 0 "column 0: as before"
}

@test "a scenario that hangs is a failed scenario, and the next one is booted" {
	cp "$DEFER_ROOT/scenarios/arm/plain.dtsi" "$DEFER_ROOT/scenarios/arm/second.dtsi"
	FAKE_QEMU=hang BOOT_LIMIT=1 h boot
	expect 1 "FAIL  plain"
	expect 1 "FAIL  second"
	expect 1 "QEMU timed out"
}

@test "a scenario of which not all masters are judged fails" {
	sed -i 's/toy-node { };/toy-node { iommu-defer,want = "translated"; };/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 1 "1 masters in the fragment, 0 judged"
}

@test "APPEND= adds words to the kernel's command line" {
	sed -i '3i // must: cmdline: .* toy=yes .*more=words$' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 1 "no line matches"
	APPEND="and more=words" h boot
	expect 0 "PASS  plain"
}

@test "header lines of an included file count, and dtc finds it" {
	mkdir "$DEFER_ROOT/scenarios/arm/include"
	printf '// append: from=include\n/ { included { }; };\n' >"$DEFER_ROOT/scenarios/arm/include/node.dtsi"
	sed -i '3i // must: cmdline: .* toy=yes from=include' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	echo '/include/ "include/node.dtsi"' >>"$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 0 "PASS  plain"
	sed -i 's/include.node/include\/other/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 2 "includes include/other.dtsi, which isn't there"
}

@test "lint takes old warnings, and refuses those of a fix or of a new file" {
	echo "/* LINT of old */" >>"$tree/drivers/toy.c"
	TREE=$tree h lint
	expect 0 "toy arm: 1 warnings without the fixes, 1 with them"
	sed -i 's/^+.*one: fixed.*/& LINT/' "$DEFER_ROOT"/patches/toy-fix-one.patch
	TREE=$tree h lint
	expect 22 "drivers/toy.c: warning:"
	[[ $output != *"LINT of old"* ]]
	sed -i 's/ LINT$//' "$DEFER_ROOT"/patches/toy-fix-one.patch
	sed -i 's,^.*the tests of one,& LINT,' "$DEFER_ROOT"/linux/common/lib/toy_kunit.c
	TREE=$tree h lint
	expect 22 "warning:"
}

@test "a scenario for other bases is not booted" {
	sed -i '3i // bases: other' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h boot
	expect 0 "no scenarios"
}

@test "flips records a matrix; what did not change is not run again, and changes no file" {
	h flips
	expect 0 "results/toy.arm: written"
	[ "$(tail -n 7 "$(matrix)" | sed 's/  @[0-9a-f]*$//')" = "# 012R
  ....  boot: KUnit
  F...  boot: plain
  ....  iommu_defer_boot.state
  ---.  policy.mandatory
  F...  toy.one
  FF..  toy.two" ]
	before=$(fingerprint "$DEFER_ROOT/results")
	FAKE_LOG=$BATS_TEST_TMPDIR/boots h flips
	expect 0 "results/toy.arm: as it was"
	expect 0 "column 1: as before"
	[ ! -e "$BATS_TEST_TMPDIR/boots" ]
	[ "$(fingerprint "$DEFER_ROOT/results")" = "$before" ]
}

@test "a step that is another one with the same image is not booted again" {
	h flips
	# A comment in a text of the machine's file is part of what is hashed; a message is not.
	sed -i 's/^One is broken/One was broken/' "$DEFER_ROOT/patches/toy-fix-one.patch"
	FAKE_LOG=$BATS_TEST_TMPDIR/boots h flips
	expect 0 "column 0: as before"
	# Another configuration, the same image.
	echo CONFIG_MORE=y >>"$DEFER_ROOT/bases/toy/kconfig"
	FAKE_LOG=$BATS_TEST_TMPDIR/boots h flips
	[[ $output != *"as before"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/boots" ]
}

@test "a suite that has a program of its own makes no step old" {
	suite=$DEFER_ROOT/linux/common/lib/iommu_defer_explore_kunit.c
	echo "int explored;" >"$suite"
	sed -i 's,^New-file: lib/toy_kunit.c,&\nNew-file: lib/iommu_defer_explore_kunit.c,' "$DEFER_ROOT"/patches/toy-add-tests.patch
	h flips
	expect 0 "results/toy.arm: written"
	echo "int deeper;" >"$suite"
	h flips
	expect 0 "column 0: as before"
	expect 0 "results/toy.arm: as it was"
	echo "int more;" >>"$DEFER_ROOT"/linux/common/lib/toy_kunit.c
	h flips
	[[ $output != *"column 2: as before"* ]]
}

@test "another text of a machine boots that machine only, another text of a suite no machine" {
	sed 's/plain/second/' "$DEFER_ROOT/scenarios/arm/plain.dtsi" >"$DEFER_ROOT/scenarios/arm/second.dtsi"
	h flips
	sed -i 's,toy-node { };,toy-node { }; // more,' "$DEFER_ROOT/scenarios/arm/second.dtsi"
	FAKE_LOG=$BATS_TEST_TMPDIR/boots h flips
	expect 0 "results/toy.arm: written"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/boots")" -eq 4 ]
	[ "$(grep -c "filter_glob=iommu_defer_boot" "$BATS_TEST_TMPDIR/boots")" -eq 4 ]
	rm "$BATS_TEST_TMPDIR/boots"
	echo "int more;" >>"$DEFER_ROOT"/linux/common/lib/toy_kunit.c
	FAKE_LOG=$BATS_TEST_TMPDIR/boots h flips
	expect 0 "results/toy.arm: written"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/boots")" -eq 4 ]
	[ "$(grep -c "filter_glob=iommu_defer_boot" "$BATS_TEST_TMPDIR/boots")" -eq 0 ]
	# On another machine, of which not all columns are asked for
	rm -r "$CACHE"
	sed -i 's,more,even more,' "$DEFER_ROOT/scenarios/arm/second.dtsi"
	STEPS="0 N" h flips
	expect 2 "has all columns"
	h flips
	expect 0 "results/toy.arm: written"
	h flips
	expect 0 "results/toy.arm: as it was"
}

@test "when a boot dies, what had not run is booted again without the killer" {
	FAKE_QEMU=killer h flips
	expect 0 "results/toy.arm: written"
	grep -q '^  F\.\.\.  toy.one$' "$(matrix)"
	grep -q '^  FF\.\.  toy.two$' "$(matrix)"
	# Not "X": its suite was booted alone.
	grep -q '^  \.\.\.\.  iommu_defer_boot.state$' "$(matrix)"
	grep -q '^  FF\.\.  boot: KUnit$' "$(matrix)"
}

@test "flips refuses a fix that breaks a row, and a row that fails in the end" {
	sed -i 's/^+.*one: fixed.*/+\/* one: broken as before *\//' "$DEFER_ROOT/patches/toy-fix-one.patch"
	h flips
	expect 23 "toy.one: broken in column 2"
}

@test "an interrupted flips changes no results, and the next one goes on" {
	h flips
	before=$(fingerprint "$DEFER_ROOT/results")
	sed -i 's/^+.*two: fixed.*/+\/* two: fixed, better *\//; s/two: fixed/two: fixed /' "$DEFER_ROOT/patches/toy-fix-two.patch"
	echo 'CONFIG_LOST=y' >"$DEFER_ROOT/bases/toy/kconfig.arm"
	h flips
	expect 17 "CONFIG_LOST"
	[ "$(fingerprint "$DEFER_ROOT/results")" = "$before" ]
}

@test "bad input: results and a cache of the old form, a broken matrix" {
	mkdir -p "$DEFER_ROOT/results/toy/arm" "$CACHE/trees"
	h flips
	expect 21 "results/toy/ is of an older version of this project: remove it (git rm -r results/toy)"
	expect 21 "cache/trees is of an older version"
	rm -r "$DEFER_ROOT/results/toy"
	echo nonsense >"$(matrix)"
	h run
	expect 21 "results/toy.arm is not a matrix of results"
}

@test "series puts what turns below --- of the patches" {
	"$HARNESS/flips"
	"$HARNESS/series"
	grep -A2 '^Fails on toy without this patch, passes with it:$' "$DEFER_ROOT"/series/toy/1-fixes/0001-* | grep -qx '  toy.one'
	grep -qx '  toy.two' "$DEFER_ROOT"/series/toy/1-fixes/0002-*
}

# A third fix, which adds a line to the head of a file of its own.
third_fix() { # LINE
	printf 'From: Dev <dev@example.org>\nDate: Sun, 22 Nov 2026 10:02:30 +0000\nSubject: toy: fix three\n\nThree.\n---\n\n%s\n' \
		"diff --git a/lib/toy.c b/lib/toy.c
index $(git hash-object "$tree/lib/toy.c")..1111111111111111111111111111111111111111 100644
--- a/lib/toy.c
+++ b/lib/toy.c
@@ -1 +1,2 @@
+$1
 int toy;" >"$DEFER_ROOT/patches/toy-fix-three.patch"
	sed -i '2a 1-fixes toy-fix-three' "$DEFER_ROOT/patches/series.toy"
}

@test "ALONE=1 says which fixes need others, compiles what they touch, and each number of them" {
	# The second one stands on the first.
	sed -i '/^@@/,$d' "$DEFER_ROOT/patches/toy-fix-two.patch"
	printf '@@ -1,3 +1,3 @@\n // SPDX-License-Identifier: GPL-2.0\n-/* one: fixed */\n+/* one: fixed, and two: fixed */\n int one;\n' \
		>>"$DEFER_ROOT/patches/toy-fix-two.patch"
	third_fix 'int third;'
	git_tree
	ALONE=1 h flips
	expect 0 " 1 applies and builds alone on arm: toy: fix one"
	expect 0 " 2 needs others to apply: toy: fix two"
	expect 0 " 3 applies and builds alone on arm: toy: fix three"
	expect 0 "make -C $(echo "$CACHE"/src/toy-*/linux) O=o-arm-wide"
	expect 0 "drivers/ lib/"
	expect 0 "  1 to  3 builds on arm"
	expect 0 "toy: 2 applies and builds alone, 1 needs others to apply, 3 prefixes build"
	[ ! -e "$DEFER_ROOT/results" ]
}

@test "ALONE=1 says which fix and which number of fixes does not build, and why" {
	third_fix 'int BROKEN;'
	git_tree
	ALONE=1 h flips
	expect 23 " 3 doesn't build alone: toy: fix three
toy does not build for arm:"
	expect 23 "lib/: error: does not compile"
	expect 23 "  1 to  2 builds on arm"
	expect 23 "  1 to  3 toy does not build for arm:"
	expect 23 "2 applies and builds alone, 1 doesn't build alone, 2 prefixes build, 1 prefixes don't build"
	one_error
}

@test "ALONE=1 takes what the wide configuration asks for and a base does not know" {
	echo CONFIG_TOY_LOST=y >"$DEFER_ROOT/harness/kconfig/wide"
	ALONE=1 h flips
	expect 0 "toy: 2 applies and builds alone, 2 prefixes build"
}

@test "cost counts the instructions of a boot, and the size, and refuses fixes that make it longer or larger" {
	printf 'drivers/base/defer_size.o:\n\t@test -e drivers/base/defer_size.c\n' >>"$tree/Makefile"
	MASTERS=1 run "$TESTS/../tools/cost"
	expect 0 "toy arm, guest instructions"
	grep -Eq "retries never 1 64 .* 1.0000$" <<<"$output"
	grep -Eq "masters late 16 1 .* 1.0000$" <<<"$output"
	grep -Eq "size struct_device +712 +712  1.0000$" <<<"$output"
	[ ! -e "$DEFER_ROOT/results/cost.toy" ]
	FAKE_QEMU=slow DEVICES=0 MASTERS=1 IOMMUS=1 run "$TESTS/../tools/cost"
	expect 1 "more than 1 % longer or larger with the fixes: arm: retries none 1 0; arm: retries disabled 1 0"
	DEVICES=65 run "$TESTS/../tools/cost"
	expect 2 "DEVICES='65': want numbers up to 64"
	mkdir "$DEFER_ROOT/docs"
	run "$TESTS/../tools/cost"
	expect 0 "masters ready 16 1024"
	grep -q "^arm masters ready 16 1024 [0-9]* [0-9]*$" "$DEFER_ROOT/results/cost.toy"
	grep -q "<polyline" "$DEFER_ROOT/docs/cost.svg"
}

@test "STEPS= runs some columns, keeps what the record has of the others, and replaces no whole one" {
	STEPS="0 N" h flips
	expect 0 "results/toy.arm: written"
	grep -q '^  F?\.?  toy.one$' "$(matrix)"
	STEPS="0 R" h flips
	expect 2 "N (all fixes) among them"
	h flips
	expect 0 "column 0: as before"
	grep -q '^  F\.\.\.  toy.one$' "$(matrix)"
	# Where nothing is known but the boots, as of another column with the same image
	rm -r "$CACHE"/src/*/steps "$(matrix)"
	h flips
	expect 0 "results/toy.arm: written"
	# On another machine: the file says what was run, with what.
	cp "$(matrix)" "$BATS_TEST_TMPDIR/whole"
	rm -rf "$CACHE"
	STEPS="0 N" h flips
	expect 0 "column 1: as before"
	expect 0 "results/toy.arm: as it was"
	cmp "$(matrix)" "$BATS_TEST_TMPDIR/whole"
	# A machine is another one now: nothing of the file stands.
	echo "// about: more" >>"$DEFER_ROOT/scenarios/arm/plain.dtsi"
	STEPS="0 N" h flips
	expect 2 "has all columns"
}

@test "test sums up its stages, names what it leaves out, and fails with any of them" {
	cp -r "$HARNESS" "$BATS_TEST_TMPDIR/harness"
	HARNESS=$BATS_TEST_TMPDIR/harness
	unset TREE ARCH
	# shellcheck disable=SC2016 # for the stand-ins
	for program in check run boot bats; do
		printf '#!/bin/bash\n%s\n' "$(case $program in
		check) echo 'echo "ok one"; echo "ok two # SKIP no tool"' ;;
		run) echo 'echo "no record of $BASE.$ARCH: names are not checked"; echo "  tests: 5 passed, 0 failed, 1 skipped"' ;;
		boot) echo 'echo "  PASS  plain"; [ ! -e "$CACHE/bad" ] || { echo "  FAIL  other"; exit 1; }' ;;
		bats) echo 'echo "ok 1 this"; [ ! -e "$CACHE/worse" ] || exit 3' ;;
		esac)" >"$HARNESS/$program"
		chmod +x "$HARNESS/$program"
	done
	mkdir "$BATS_TEST_TMPDIR/tools"
	# shellcheck disable=SC2016
	for program in explore races mutants; do
		printf '#!/bin/bash\n[ "$SAMPLE" = 1 ] && [ "$ARCH" = arm ]\n' >"$BATS_TEST_TMPDIR/tools/$program"
		chmod +x "$BATS_TEST_TMPDIR/tools/$program"
	done
	export PATH=$HARNESS:$PATH
	cp -r "$(dirname "$TESTS")/bases/linux-6.1" "$DEFER_ROOT/bases"
	h test
	expect 0 "linux-7.3 can't be had, so this is linux-6.1"
	expect 0 "linux-6.1 arm: machines"
	# 1 of check, 1 of bats, twice 5 and 1; skipped: 1 of check, twice 1 and no record, 3 samples.
	[ "${lines[-1]}" = "14 passed, 0 failed, 8 skipped" ]
	# Here it was downloaded before.
	cp -r "$(dirname "$TESTS")/bases/linux-7.3" "$DEFER_ROOT/bases"
	mkdir -p "$CACHE/debian/linux-source-7.3"
	touch "$CACHE/debian/linux-source-7.3/linux-source-7.3.tar.xz"
	h test
	expect 0 "linux-7.3 arm64: machines"
	expect 0 "ok linux-6.1 arm64: KUnit # SKIP no record"
	[ "${lines[-1]}" = "14 passed, 0 failed, 10 skipped" ]
	mkdir -p "$DEFER_ROOT/results"
	touch "$DEFER_ROOT/results/linux-6.1.arm64"
	h test
	[ "${lines[-1]}" = "20 passed, 0 failed, 10 skipped" ]
	# A sample that passes counts as one.
	touch "$DEFER_ROOT/results/linux-7.3.arm"
	h test
	expect 0 "linux-7.3 arm: mutants"
	[ "${lines[-1]}" = "23 passed, 0 failed, 7 skipped" ]
	TEST_MINUTES=0 h test
	expect 0 "ok linux-6.1 arm64: machines # SKIP 0 minutes are over"
	touch "$CACHE/bad"
	h test
	[ "$status" -eq 1 ] && [ "${lines[-1]}" = "23 passed, 3 failed, 7 skipped" ]
	# A stage that fails without saying of what counts, too.
	rm "$CACHE/bad"
	touch "$CACHE/worse"
	h test
	[ "$status" -eq 1 ] && [ "${lines[-1]}" = "23 passed, 1 failed, 7 skipped" ]
}
