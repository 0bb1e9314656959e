#!/usr/bin/env bats
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# The gate and the table, on recorded logs. tests/logs/verdicts says what each log must come to.
load helper

logs=$BATS_TEST_DIRNAME/logs

j() { h judge "$logs/$1.log" "$logs/expect" "$HARNESS/splats" "${@:2}"; }

verdict_of() { sed -n "s/^$1  *//p" "$logs/verdicts"; }

@test "every recorded log comes to its verdict" {
	for log in "$logs"/*.log; do
		name=$(basename "$log" .log)
		wanted=$(verdict_of "$name")
		[ -n "$wanted" ] || continue
		j "$name"
		echo "$name: wanted $wanted"
		if [ "$wanted" = pass ]; then expect 0 "0 failed"; else expect 1 "$wanted"; fi
	done
	[ "$(grep -vc '^#' "$logs/verdicts")" -ge 17 ]
}

@test "each fault is caught by a condition of its own" {
	# These logs break one rule only: were its condition gone, they would pass.
	for name in no-plan warn timeout missing-test extra-test wrong-number; do
		j "$name"
		echo "$name: $output"
		[ "$(grep -c 'not a pass' <<<"$output")" -eq 1 ]
	done
}

@test "a warning that the test declares is allowed, another one is not" {
	j warn 'WARNING: .*really_probe'
	expect 0 "4 passed"
	j warn 'WARNING: .*elsewhere'
	expect 1 "splat"
}

@test "an empty declaration allows nothing" {
	j warn ''
	expect 1 "splat"
}

@test "-s judges the names of one suite only" {
	h judge -s iommu_defer_boot "$logs/good.log" "$logs/expect" "$HARNESS/splats"
	expect 1 "not expected: iommu_defer.needs_a_disk"
}

@test "an empty list of expected names is no pass" {
	: >"$BATS_TEST_TMPDIR/none"
	h judge "$logs/good.log" "$BATS_TEST_TMPDIR/none" "$HARNESS/splats"
	expect 1 "nothing is expected"
}

@test "judge says which file it does not find" {
	h judge /nowhere.log "$logs/expect" "$HARNESS/splats"
	expect 2 "no file /nowhere.log"
}

@test "ktap gives each result its full name" {
	h ktap "$logs/good.log"
	expect 0 "PASS iommu_defer.one_specifier.not probed, before"
	expect 0 "SKIP iommu_defer.needs_a_disk"
}

@test "the table is aligned, marks what is not as wanted, and counts" {
	TITLE="toy arm" h table "$logs/unwanted-decision.log"
	expect 0 "toy arm"
	expect 0 "  node disabled, before the end of init      no IOMMU       no IOMMU"
	expect 0 "  driver not probed, before the end of init  -EPROBE_DEFER  no IOMMU   <- not as wanted"
	expect 0 "2 decisions, 1 not as wanted"
	h table "$logs/good-crlf.log"
	expect 0 "2 decisions, 0 not as wanted"
}

@test "the table of a log without decisions says so" {
	h table "$logs/empty.log"
	expect 0 "no decision was printed"
}
