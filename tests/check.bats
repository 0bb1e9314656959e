#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# make check and make release: each item fails when what it guards is broken.
load helper

setup() {
	load_toy
	# checkpatch wants of toys what it wants of kernels.
	sed -i '3,$d' "$DEFER_ROOT/patches/series.toy"
	rm -r "$DEFER_ROOT"/patches/toy-add-* "$DEFER_ROOT"/linux
	git -C "$DEFER_ROOT" init -q
	"$HARNESS/series" 2>/dev/null
}

@test "a sound project is all ok" {
	h check
	for item in "series in sync: toy" "round trip: toy" "messages: toy" "checkpatch: toy/1-fixes/0001-toy-fix-one.patch" \
		"scenario: arm/plain.dtsi" "every file is used" "README table" codespell; do
		expect 0 "ok $item"
	done
	expect 0 " 0 failed"
}

@test "a pool patch without make series is not in sync, nor is a leftover" {
	sed -i 's/a user sees it/nobody sees it/' "$DEFER_ROOT"/patches/toy-fix-one.patch
	h check
	expect 22 "not ok series in sync: toy"
	one_error
	"$HARNESS/series"
	cp "$DEFER_ROOT"/series/toy/1-fixes/0001-* "$DEFER_ROOT"/series/toy/1-fixes/0009-old.patch
	h check
	expect 22 "1-fixes: 0009-old.patch"
}

@test "a series patch changed by hand is no round trip" {
	sed -i 's/^+.* one: fixed.*/+ \/* one: mended *\//' "$DEFER_ROOT"/series/toy/1-fixes/0001-*
	h check
	expect 22 "not ok round trip: toy"
}

@test "a new file changed by hand in the series is no round trip" {
	rm -rf "$DEFER_ROOT"/{patches,linux}
	cp -r "$TESTS"/toy/project/{patches,linux} "$DEFER_ROOT/"
	"$HARNESS/series" 2>/dev/null
	h check
	[[ $output = *"ok round trip: toy"* && $output != *"not ok round trip"* ]]
	sed -i '/^+++ b.lib.toy_shim.c/,$ s/^+[^+].*/&\/* more *\//' "$DEFER_ROOT"/series/toy/4-local/*
	h check
	expect 22 "lib/toy_shim.c: not linux/toy/lib/toy_shim.c"
}

@test "messages: author, signature, long line, Fixes, subject, list of tests" {
	sed -i 's/^One is broken.*/&\n\nFixes: 1234 (no title)\nLink:\nSigned-off-by: A Developer <dev@example.org>\nTests: none/; s/^From: .*/From: Me <me@example.org>/' "$DEFER_ROOT"/patches/toy-fix-one.patch
	sed -i "s/^Two is.*/$(printf 'two %.0s' {1..20})/; s/^Subject:.*/Subject: no subsystem/" "$DEFER_ROOT"/patches/toy-fix-two.patch
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "a tag without its value: Link:"
	for fault in "want Fixes: <12 hex>" "who takes the series signs it" "line of 80 columns" 'want "subsystem: what it does"' \
		"author is Me <me@example.org>, not IOMMU" "lists of tests stand below ---"; do
		expect 22 "$fault"
	done
	sed -i '/^One is broken/,/^Tests/d' "$DEFER_ROOT"/patches/toy-fix-one.patch
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "0001-toy-fix-one.patch: no message"
}

@test "checkpatch is heard, and skipped by name where there is none" {
	sed -i 's/^+.* one: fixed .*/+if(one) one=1; /' "$DEFER_ROOT"/patches/toy-fix-one.patch
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "not ok checkpatch: toy/1-fixes/0001-toy-fix-one.patch"
	KUNIT_TOOLS='' KUNIT_TARBALL=/nowhere h check
	expect 0 "ok checkpatch: toy/1-fixes/0001-toy-fix-one.patch # SKIP linux-source-6.12 isn't installed"
	[ "$(grep -c "^ok checkpatch: .* # SKIP linux-source-6.12 isn't installed$" <<<"$output")" -eq 2 ]
}

@test "checkpatch looks at a new file once, and at the mail of each base that brings it" {
	local word=linux/toy/lib/word.c
	mkdir -p "$DEFER_ROOT/${word%/*}"
	printf '// SPDX-License-Identifier: GPL-2.0\nint word;\nif(word) word=1;\n' >"$DEFER_ROOT/$word"
	sed -i 's/^---$/---\nNew-file: lib\/word.c/' "$DEFER_ROOT"/patches/toy-fix-two.patch
	"$HARNESS/series" 2>/dev/null
	h check
	expect 22 "not ok checkpatch: $word"
	expect 22 "FILE: lib/word.c:3:"
	expect 22 "not ok checkpatch: toy/1-fixes/0002-toy-fix-two.patch"
	expect 22 "FILE_PATH_CHANGES"
	expect 22 "ok checkpatch: toy/1-fixes/0001-toy-fix-one.patch"
	[ "$(grep -c "# ERROR:SPACING: space required before the open parenthesis" <<<"$output")" -eq 1 ]
}

@test "a scenario with an unknown key, a bad expression, an unknown base or no about" {
	printf '// abuot: x\n// must: a(\n// bases: v99\n// must[v98]: b\n' >"$DEFER_ROOT/scenarios/arm/bad.dtsi"
	h check
	expect 22 'unknown key "// abuot:"'
	expect 22 "not a regular expression: a("
	expect 22 "unknown base v99"
	expect 22 'unknown base "// must[v98]:"'
	expect 22 'no "// about:" line'
}

@test "contract: each id has a test and a machine, or its row the reason" {
	mkdir -p "$DEFER_ROOT/docs" "$DEFER_ROOT/linux/toy/lib"
	printf '| id | rule |\n|---|---|\n| C1 | one |\n| C2 | two; no machine: QEMU has none |\n' >"$DEFER_ROOT/docs/contract.md"
	echo '	{ "C1 disabled", NO },' >"$DEFER_ROOT/linux/toy/lib/t.c"
	h check
	expect 22 'C1: no machine has "// rule: C1"'
	expect 22 "C2: no test begins with it"
	[[ $output != *"C2: no machine"* ]]
	sed -i '1i // rule: C1 C9' "$DEFER_ROOT/scenarios/arm/plain.dtsi"
	echo '	{ "C2 pending", NO },' >>"$DEFER_ROOT/linux/toy/lib/t.c"
	h check
	expect 22 "C9: in a test or a machine, but not in docs/contract.md"
	[[ $output != *"C1: "* && $output != *"C2: "* ]]
}

@test "shellcheck, codespell, SPDX, and a file that nothing names" {
	mkdir -p "$DEFER_ROOT/.ci" "$DEFER_ROOT/linux/toy/lib"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nrm $1\n' >"$DEFER_ROOT/.ci/careless"
	printf 'This is t%s end.\n' eh >"$DEFER_ROOT/README.md"
	echo 'int x;' >"$DEFER_ROOT/linux/toy/lib/forgotten.c"
	h check
	expect 22 "not ok shellcheck"
	expect 22 "not ok codespell"
	expect 22 ".ci/careless: no SPDX-License-Identifier"
	expect 22 "linux/toy/lib/forgotten.c: no patch names it"
}

@test "claims and README are held against the matrix" {
	printf 'A toy.\n<!-- results: begin -->\n<!-- results: end -->\n' >"$DEFER_ROOT/README.md"
	TREE=$tree ARCH=arm "$HARNESS/flips"
	h check
	expect 22 "not ok README table"
	"$HARNESS/series"
	grep -q '^| toy | arm | 5 | 3 | 0 | 0 |$' "$DEFER_ROOT/README.md"
	h check
	expect 0 "ok results and claims: toy"
	sed -i 's/^  toy.one$/  toy.two*/' "$DEFER_ROOT/patches/toy-fix-one.patch"
	"$HARNESS/series"
	h check
	expect 22 'says it turns "toy.two*", but no such row'
	sed -i 's/^  F\.\.  toy.one/  F.F  toy.one/' "$DEFER_ROOT/results/toy.arm"
	h check
	expect 22 "results/toy.arm: toy.one is broken in column 2"
	sed -i 's/^  F\.F  toy.one/  .F.  toy.one/' "$DEFER_ROOT/results/toy.arm"
	h check
	expect 22 "results/toy.arm: toy.one is broken in column 1"
}

@test "a race may be lost before the fix that ends it, and not with it" {
	printf 'A toy.\n<!-- results: begin -->\n<!-- results: end -->\n' >"$DEFER_ROOT/README.md"
	TREE=$tree ARCH=arm "$HARNESS/flips"
	sed -i 's/^---$/&\nLost by chance without this patch:\n  toy.race/' "$DEFER_ROOT"/patches/toy-fix-two.patch
	"$HARNESS/series"
	h check
	expect 22 "says that toy.race is lost by chance without it, but no record has lost it"
	echo '  F..  toy.race' >>"$DEFER_ROOT/results/toy.arm"
	"$HARNESS/series"
	run grep '^  toy.race' "$DEFER_ROOT"/series/toy/1-fixes/0001-* # by chance: not the first fix
	[ "$status" = 1 ]
	sed -i 's/^  F\.\.  toy.race/  .F.  toy.race/' "$DEFER_ROOT/results/toy.arm"
	"$HARNESS/series"
	[ "$(grep -c '^  toy.race' "$DEFER_ROOT"/series/toy/1-fixes/0002-*)" = 1 ]
	h check
	expect 0 "ok results and claims: toy"
	sed -i 's/^  \.F\.  toy.race/  ..F  toy.race/' "$DEFER_ROOT/results/toy.arm"
	h check
	expect 22 "results/toy.arm: toy.race is broken in column 2"
}

@test "old results are a warning for check and an end for release" {
	h release
	expect 24 "results/toy.arm is missing"
	cp "$DEFER_ROOT/bases/toy/base.conf" "$BATS_TEST_TMPDIR/base.conf"
	echo BASE_DRAFT=yes >>"$DEFER_ROOT/bases/toy/base.conf"
	h release
	expect 0 "not released: toy, which is in preparation"
	cp "$BATS_TEST_TMPDIR/base.conf" "$DEFER_ROOT/bases/toy/base.conf"
	TREE=$tree ARCH=arm STEPS="0 N" "$HARNESS/flips"
	"$HARNESS/series"
	h release
	expect 24 "results/toy.arm has columns that were not run"
	# What was not run turns nothing, and no patch says so.
	run grep -r 'No test of toy turns\|Fails on toy' "$DEFER_ROOT/series"
	[ "$status" -eq 1 ]
	TREE=$tree ARCH=arm "$HARNESS/flips"
	"$HARNESS/series"
	h release
	expect 0 "ready"
	sed -i 's/series: [0-9a-f]*/series: 0123/' "$DEFER_ROOT/results/toy.arm"
	h check
	expect 0 "warning: results/toy.arm is older than series/toy"
	h release
	expect 24 "results/toy.arm is older than series/toy"
}

@test "help lists every target and every exit code" {
	h help
	for word in run test series import check apply boot flips deps release busy timeout; do
		expect 0 "$word"
	done
}

@test "a record of make explore or make faults that is older than the series is named" {
	mkdir -p "$DEFER_ROOT/results"
	echo "# series: 0" >"$DEFER_ROOT/results/faults.toy"
	h check
	expect 0 "warning: results/faults.toy is older than series/toy: run \`make faults\`"
	[[ $output != *"explore"* ]]
}

@test "a fix that is in no thread, or in two, is named" {
	mkdir "$DEFER_ROOT/patches/threads.toy"
	printf '%s\n' "Subject: toy: fix one" "---" toy-fix-one >"$DEFER_ROOT/patches/threads.toy/first"
	h check
	expect 22 "0002-toy-fix-two.patch: in 0 of patches/threads.toy, want one"
	echo toy-fix-two >>"$DEFER_ROOT/patches/threads.toy/first"
	cp "$DEFER_ROOT"/patches/threads.toy/{first,second}
	h check
	expect 22 "0001-toy-fix-one.patch: in 2 of patches/threads.toy, want one"
	rm "$DEFER_ROOT/patches/threads.toy/second"
	printf 'toy-fix-one\n  To: a@b.example\n' >"$DEFER_ROOT/patches/cc.toy"
	h check
	expect 22 "0002-toy-fix-two.patch: patches/cc.toy doesn't say whom to send it to"
	printf 'toy-fix-two\n  To: a@b.example\n' >>"$DEFER_ROOT/patches/cc.toy"
	"$HARNESS/series"
	rm -r "$DEFER_ROOT/threads"
	h check
	expect 0 "ok threads: toy"
}

@test "what coverage.md says would notice a failure has to be there" {
	mkdir "$DEFER_ROOT/docs"
	# shellcheck disable=SC2016
	printf '%s\n' '| C1 | It breaks. | `plain`, `make it` | - |' '| C2 | It breaks, too. | `nobody`, `toy.nothing` | - |' \
		>"$DEFER_ROOT/docs/coverage.md"
	h check
	expect 22 "C2 is noticed by nobody, which is neither a test nor a machine"
	expect 22 "C2 is noticed by toy.nothing, which is neither"
	[[ $output != *"C1 is noticed"* ]]
	sed -i 2d "$DEFER_ROOT/docs/coverage.md"
	h check
	expect 22 "ok coverage"
}
