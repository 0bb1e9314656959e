#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # bats sets status and output
# make mutants: which mutants a toy file has, and that each of them does what it says.
load helper

@test "every mutant of a toy is found, compiles, and changes what it says, and only with its number" {
	run /usr/bin/python3 "$TESTS/mutants.py"
	expect 0 ""
	[ -z "$output" ]
}
