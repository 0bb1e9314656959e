#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The gate and the table, on recorded logs. tests/logs/verdicts says what each log must come to.
load helper

@test "verdicts of recorded logs, each fault by a condition of its own, the table, the matrix" {
	PYTHONPATH=$HARNESS run python3 "$TESTS/judge.py"
	[ "$status" -eq 0 ] || { echo "$output"; false; }
}
