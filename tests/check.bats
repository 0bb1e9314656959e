#!/usr/bin/env bats
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# make check and make release: each item fails when what it guards is broken.
load helper

setup() {
	load_toy
	# checkpatch wants of toys what it wants of kernels.
	rm -r "$DEFER_ROOT"/edits/toy/0003-* "$DEFER_ROOT"/linux
	mkdir -p "$DEFER_ROOT/linux"
	"$HARNESS/series" 2>/dev/null
}

@test "a sound project is all ok" {
	h check
	expect 0 "ok series in sync: toy"
	expect 0 "ok round trip: toy"
	expect 0 "ok checkpatch: toy/0001-toy-fix-one.patch"
	expect 0 "ok scenario: arm/plain.dtsi"
	expect 0 "ok codespell"
	expect 0 " 0 failed"
}

@test "an edit without make series is not in sync" {
	sed -i 's/a user sees it/nobody sees it/' "$DEFER_ROOT"/edits/toy/0001-*
	h check
	expect 22 "not ok series in sync: toy"
	one_error
}

@test "a series patch changed by hand is no round trip" {
	sed -i 's/^+.* one: fixed.*/+ \/* one: mended *\//' "$DEFER_ROOT"/series/toy/0001-*
	h check
	expect 22 "not ok round trip: toy"
}

@test "a new file changed by hand in the series is no round trip" {
	cp "$TESTS"/toy/project/edits/toy/0003-* "$DEFER_ROOT/edits/toy/"
	cp -r "$TESTS/toy/project/linux" "$DEFER_ROOT/"
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "ok round trip: toy"
	[[ $output != *"not ok round trip"* ]]
	sed -i '/^+++ b.lib.toy_shim.c/,$ s/^+[^+].*/&\/* more *\//' "$DEFER_ROOT"/series/toy/0003-*
	h check
	expect 22 "linux/toy/lib/toy_shim.c differ"
	expect 22 "not ok round trip: toy"
}

@test "messages: signature, long line, Fixes and subject" {
	sed -i 's/^One is broken.*/&\n\nFixes: 1234 (no title)\nSigned-off-by: A Developer <dev@example.org>/' "$DEFER_ROOT"/edits/toy/0001-*
	sed -i "s/^Two is.*/$(printf 'two %.0s' {1..20})/; s/^Subject:.*/Subject: no subsystem/" "$DEFER_ROOT"/edits/toy/0002-*
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "want Fixes: <12 hex>"
	expect 22 "who takes the series signs it"
	expect 22 "line of 80 columns"
	expect 22 'want "subsystem: what it does"'
	sed -i '/^One is broken/,/^  boot: plain/d' "$DEFER_ROOT"/edits/toy/0001-*
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "toy/0001-toy-fix-one.patch: no message"
}

@test "checkpatch is heard, and again when asked again" {
	sed -i 's/^+.* one: fixed .*/+int  one;/' "$DEFER_ROOT"/edits/toy/0001-*
	sed -i 's/^-.* one: broken.*/&/; s/^+int  one;$/+if(one) one=1; /' "$DEFER_ROOT"/edits/toy/0001-*
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "not ok checkpatch: toy/0001-toy-fix-one.patch"
	h check
	expect 22 "not ok checkpatch: toy/0001-toy-fix-one.patch"
}

@test "a scenario with an unknown key, a bad expression or no about" {
	printf '// abuot: x\n// must: a(\n' >"$DEFER_ROOT/scenarios/arm/bad.dtsi"
	h check
	expect 22 'unknown key "// abuot:"'
	expect 22 "not a regular expression: a("
	expect 22 'no "// about:" line'
}

@test "an unsorted list of names" {
	printf 'toy.two\ntoy.one\n' >"$DEFER_ROOT/bases/toy/expect.arm"
	h check
	expect 22 "not ok sorted: bases/toy/expect.arm"
}

@test "shellcheck and codespell" {
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nrm $1\n' >"$DEFER_ROOT/harness/careless"
	printf 'This is t%s end.\n' eh >"$DEFER_ROOT/README.md"
	h check
	expect 22 "not ok shellcheck"
	expect 22 "not ok codespell"
}

@test "old results are a warning for check and an end for release" {
	h release
	expect 24 "results/toy/arm is missing"
	TREE=$tree ARCH=arm "$HARNESS/flips"
	h release
	expect 24 "results/toy/arm/flips.txt has lines with ! or -" || expect 0 "ready"
	sed -i 's/^series: .*/series: 0123/' "$DEFER_ROOT/results/toy/arm/meta"
	h check
	expect 0 "warning: results/toy/arm/meta is older than series/toy"
	h release
	expect 24 "results/toy/arm is older than series/toy"
}

@test "help lists every target and every exit code" {
	h help
	for word in run test series import check apply boot flips release busy timeout; do
		expect 0 "$word"
	done
}
