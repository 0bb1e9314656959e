#!/usr/bin/env bats
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# Build, boot and everything on top of them, with a toy kernel and a stand-in for QEMU.
load helper

setup() {
	load_toy
	"$HARNESS/series" 2>/dev/null
	export TREE=$tree ARCH=arm
}

log() { echo "$CACHE"/trees/toy-*/boot-arm.log; }

@test "run ends in the decision table, and a second run gives the same" {
	h run
	expect 0 "toy arm: pass"
	expect 0 "the toy  fixed   fixed"
	expect 0 "tests: 3 passed, 0 failed, 0 skipped"
	h run
	expect 0 "2 decisions, 0 not as wanted"
}

@test "run shows each command, and where the log is" {
	h run
	expect 0 "$ timeout --foreground"
	expect 0 "allnoconfig"
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
	one_error
}

@test "a kernel that does not build shows its first errors" {
	sed -i 's/^int almost;/int BROKEN;/' "$tree/drivers/toy.c"
	sed -i 's/^ int almost;/ int BROKEN;/' "$DEFER_ROOT"/edits/toy/0002-*
	h run
	# The series no longer applies: take the tree as it is instead.
	expect 15 ""
	"$HARNESS/series" 2>/dev/null
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
		[ ! -s "$CACHE/lock.pid" ] || break
		sleep 0.1
	done
	h run
	kill "$first"
	expect 16 "another run (process $first) is using"
	one_error
}

@test "a scenario is booted with its name, its arguments, and judged by its expressions" {
	h scenarios
	expect 0 "PASS  plain"
	UPTO=0 h scenarios
	expect 1 "(must not match: one: broken)"
	sed -i 's/^.. must: scenario.*/\/\/ must: never said/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h scenarios
	expect 1 "no line matches: never said"
}

@test "a scenario that hangs is a failed scenario, and the next one is booted" {
	cp "$DEFER_ROOT/scenarios/arm/plain.dtsi" "$DEFER_ROOT/scenarios/arm/second.dtsi"
	FAKE_QEMU=hang BOOT_LIMIT=1 h scenarios
	expect 1 "FAIL  plain"
	expect 1 "FAIL  second"
	expect 1 "QEMU timed out"
}

@test "a scenario of which not all masters are judged fails" {
	sed -i 's/toy-node { };/toy-node { iommu-defer,want = "translated"; };/' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h scenarios
	expect 1 "1 masters in the fragment, 0 judged"
}

@test "APPEND= adds words to the kernel's command line" {
	sed -i '2i // must: cmdline: .* toy=yes .*more=words$' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h scenarios
	expect 1 "no line matches"
	APPEND="and more=words" h scenarios
	expect 0 "PASS  plain"
}

@test "bad input: a scenario that goes on in user space, of a kernel without initramfs" {
	sed -i '2i // user: rebind 10' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h scenarios
	expect 1 "usr/gen_init_cpio: the kernel has to be built with CONFIG_BLK_DEV_INITRD"
}

@test "lint takes old warnings, and refuses those of a fix or of a new file" {
	echo "/* LINT of old */" >>"$tree/drivers/toy.c"
	TREE=$tree h lint
	expect 0 "toy arm: 1 warnings without the fixes, 1 with them"
	sed -i 's/^+.*one: fixed.*/& LINT/' "$DEFER_ROOT"/series/toy/0001-*
	TREE=$tree h lint
	expect 22 "drivers/toy.c: warning:"
	[[ $output != *"LINT of old"* ]]
	sed -i 's/ LINT$//' "$DEFER_ROOT"/series/toy/0001-*
	sed -i 's,^+.*the tests of one,& LINT,' "$DEFER_ROOT"/series/toy/0003-*
	TREE=$tree h lint
	expect 22 "warning:"
}

@test "a scenario for other bases is not booted" {
	sed -i '2i // bases: other' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	h scenarios
	expect 0 "no scenarios"
}

@test "flips records what each fix turns, and agrees with the messages" {
	h flips
	expect 0 "+ toy.one"
	dir=$DEFER_ROOT/results/toy/arm
	grep -q '^UPTO=0: 3 failing$' "$dir/steps.txt"
	grep -q '^UPTO=2: 0 failing$' "$dir/steps.txt"
	grep -q '  + boot: plain' "$dir/flips.txt"
	grep -q 'not ok 1 one' "$dir/before.log"
	grep -q ' ok 2 two' "$dir/after.log"
	grep -q '^FAIL	plain' "$dir/scenarios-before/summary.txt"
	grep -q '^PASS	plain' "$dir/scenarios-after/summary.txt"
	grep -Eq '^plain +FAIL +PASS +[0-9.]+$' "$dir/scenarios.txt"
	grep -Eq '^series: [0-9a-f]{16}$' "$dir/meta"
	grep -q 'ab00dc43f27bff5fd0435d68771b8bc005e5e777 drivers/toy.c' "$dir/meta"
}

@test "flips, when it is to be brief, runs none and all of the fixes only, and is not enough for a release" {
	BRIEF=1 h flips
	expect 23 "+ toy.one"
	expect 23 "! brief: the fixes were not run one by one"
	expect 23 "lines with ! or -"
	[[ $output != *"fixes up to 1"* ]]
	dir=$DEFER_ROOT/results/toy/arm
	[ "$(grep -c '^UPTO=' "$dir/steps.txt")" -eq 2 ]
	grep -q '^UPTO=0: 3 failing$' "$dir/steps.txt"
	grep -q '^UPTO=2: 0 failing$' "$dir/steps.txt"
	grep -q '^all fixes at once$' "$dir/flips.txt"
	for name in toy.one toy.two "boot: plain"; do
		grep -q "^  + $name$" "$dir/flips.txt"
	done
	grep -q 'not ok 1 one' "$dir/before.log"
	grep -q ' ok 2 two' "$dir/after.log"
}

@test "flips refuses a message that names too much or too little" {
	sed -i 's/^  toy.two$/  toy.nothing/' "$DEFER_ROOT"/edits/toy/0002-*
	"$HARNESS/series" 2>/dev/null
	h flips
	expect 23 "! flips, but the message does not name it: toy.two"
	expect 23 "! named by the message, but does not flip: toy.nothing"
}

@test "flips counts a crash as failing and names the oops" {
	FAKE_QEMU=oops h flips
	expect 23 "! fails with all fixes: toy.one"
	grep -q 'UPTO=0: 4 failing; crashed: .*Internal error: Oops' "$DEFER_ROOT/results/toy/arm/steps.txt"
}

@test "listed expands a star to the names that are expected, and to no other" {
	sed 's/^  toy.one$/  toy.on*/' "$DEFER_ROOT"/series/toy/0001-* >"$DEFER_ROOT/series/toy/star.patch"
	h listed "$DEFER_ROOT/series/toy/star.patch" arm
	[ "$output" = "$("$HARNESS/listed" "$DEFER_ROOT"/series/toy/0001-* arm)" ]
	sed 's/^  toy.one$/  toy.nothing*/' "$DEFER_ROOT"/series/toy/0001-* >"$DEFER_ROOT/series/toy/star.patch"
	h listed "$DEFER_ROOT/series/toy/star.patch" arm
	[ "$status" -ne 0 ]
	[[ $output = *"no name in"* ]]
}

@test "listed reads both forms, and leaves other archs out" {
	h listed "$DEFER_ROOT"/series/toy/0001-* arm
	[ "$output" = "$(printf 'boot: plain\ntoy.one')" ]
	h listed "$DEFER_ROOT"/series/toy/0001-* arm64
	[ "$output" = toy.one ]
	h listed "$DEFER_ROOT"/series/toy/0002-* arm
	[ "$output" = toy.two ]
}

# The second fix becomes one that stands apart.
set_apart() {
	sed -i 's/^BASE_FIXES=2/BASE_FIXES=1\nBASE_APART=2/' "$DEFER_ROOT/bases/toy/base.conf"
}

@test "a patch that stands apart is left out by UPTO, and is a step of its own for flips" {
	set_apart
	UPTO=1 h run
	expect 1 "patches up to 1 of 2"
	h run
	expect 0 "patches up to 2 of 2"
	UPTO=3 h run
	expect 2 "UPTO='3' is not a fix of toy: 0 (the tests only) to 1, or 2"
	h flips
	expect 0 "0002 toy"
	[ "$(grep -c '^UPTO=' "$DEFER_ROOT/results/toy/arm/steps.txt")" -eq 3 ]
}

@test "cost counts the instructions of a boot, and refuses fixes that make it longer" {
	COUNTS="0 2" h cost
	expect 0 "toy arm: instructions"
	grep -Eq "never +2 .* 1.0000$" <<<"$output"
	FAKE_QEMU=slow COUNTS=0 h cost
	expect 1 "more than 2 % longer with the fixes: arm/none/0 arm/disabled/0 arm/never/0"
}
