# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # bats sets status and output
# What all tests of the harness share: a toy project, a toy kernel tree, and stand-ins for QEMU, dpkg,
# apt-get and id in front of PATH. Nothing here needs a compiler, a kernel or the network.

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HARNESS=$(dirname "$TESTS")/harness

# The parser is unpacked once, into the cache of whoever runs the tests.
setup_file() {
	KUNIT_TOOLS=$(PYTHONPATH=$HARNESS python3 -c "from defer import judge; print(judge.kunit_tools())")
	export KUNIT_TOOLS
}

setup() { load_toy; }

load_toy() {
	export DEFER_ROOT=$BATS_TEST_TMPDIR/project CACHE=$BATS_TEST_TMPDIR/cache NEED_GB=0
	export PATH=$TESTS/toy/bin:$PATH
	unset TREE BASE ARCH UPTO RFC SCENARIO GROUP RANGE CC DEST LOG ALONE STEPS APPEND DEFER_LOCKED "${!FAKE_@}"
	export PYTHONDONTWRITEBYTECODE=1
	mkdir -p "$CACHE"
	cp -r "$TESTS/toy/project" "$DEFER_ROOT"
	tree=$BATS_TEST_TMPDIR/linux
	cp -r "$TESTS/toy/tree" "$tree"
}

git_tree() { # makes the toy kernel a git tree
	git -C "$tree" init -q
	commit "Toy 9.9"
}

# Commits what there is in the toy kernel.
commit() {
	git -C "$tree" add -A
	git -C "$tree" -c user.name=Dev -c user.email=dev@example.org commit -q -m "$1"
}

apply_to_tree() {
	git -C "$tree" -c user.name=Dev -c user.email=dev@example.org am -q "$DEFER_ROOT"/series/toy/*/*.patch
}

# Every file below, .git included: names, modes, times, bytes.
fingerprint() {
	(cd "$1" && find . -printf '%p %m %s %T@ %y\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum
}

# h PROGRAM ARGS...: runs one program of the harness under bats' run.
h() {
	local program=$1
	shift
	run "$HARNESS/$program" "$@"
}

# The last command ended with this code and said this.
expect() { # CODE TEXT
	if [ "$status" -ne "$1" ] || [[ $output != *"$2"* ]]; then
		printf 'wanted %s and "%s", got %s and:\n%s\n' "$1" "$2" "$status" "$output"
		return 1
	fi
}

# One message, not a trail of them.
one_error() { [ "$(grep -c '^error: ' <<<"$output")" -eq 1 ]; }
