#!/usr/bin/env bats
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# The user's tree: recognised, exported, patched in the export, never written to.
load helper

setup_series() { "$HARNESS/series" 2>/dev/null; }

exported() { echo "$CACHE"/trees/toy*/src; }

@test "a git tree, a plain directory and a tarball all give the patched source" {
	setup_series
	cp -r "$tree" "$BATS_TEST_TMPDIR/plain"
	tar -cJf "$BATS_TEST_TMPDIR/linux.tar.xz" -C "$BATS_TEST_TMPDIR" linux
	git_tree
	for t in "$tree" "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/linux.tar.xz"; do
		rm -rf "$CACHE/trees"
		TREE=$t h tree
		expect 0 "patches up to 2 of 2 and the tests are applied"
		grep -q 'two: fixed' "$(exported)/drivers/toy.c"
		[ -e "$(exported)/lib/toy_shim.c" ]
	done
}

@test "UPTO=1 leaves out the second fix, UPTO=0 both, and the tests are always there" {
	setup_series
	git_tree
	TREE=$tree UPTO=0001 h tree
	expect 0 "patches up to 1 of 2"
	grep -q 'one: fixed' "$(exported)/drivers/toy.c"
	grep -q 'two: broken' "$(exported)/drivers/toy.c"
	TREE=$tree UPTO=0 h tree
	grep -q 'one: broken' "$(exported)/drivers/toy.c"
	[ -e "$(exported)/lib/toy_kunit.c" ]
}

@test "another UPTO writes only the files that differ" {
	setup_series
	git_tree
	TREE=$tree UPTO=1 "$HARNESS/tree"
	touch -d '2001-01-01' "$(exported)"/lib/* "$(exported)"/drivers/*
	TREE=$tree UPTO=2 "$HARNESS/tree"
	[ "$(find "$(exported)"/lib "$(exported)"/drivers -type f -newermt 2002-01-01 -printf '%f ')" = "toy.c " ]
	grep -q 'two: fixed' "$(exported)/drivers/toy.c"
}

@test "a patch that the series no longer has is gone from the source" {
	setup_series
	git_tree
	TREE=$tree "$HARNESS/tree"
	sed -i '/New-file: lib.toy_shim/d' "$DEFER_ROOT"/edits/toy/0003-*
	rm "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	setup_series
	TREE=$tree "$HARNESS/tree"
	[ ! -e "$(exported)/lib/toy_shim.c" ]
	[ -e "$(exported)/lib/toy_kunit.c" ]
}

@test "the tree and its .git stay byte for byte what they were" {
	setup_series
	git_tree
	# An index with old time stamps is what git status likes to refresh.
	touch -d '2001-01-01' "$tree"/drivers/toy.c "$tree"/MAINTAINERS
	before=$(fingerprint "$tree")
	TREE=$tree ARCH=arm h run
	expect 0 "2 decisions"
	TREE=$tree ARCH=arm h scenarios
	TREE=$tree ARCH=arm UPTO=0 h run
	expect 1 ""
	TREE=$tree BASE=toy DEST=$BATS_TEST_TMPDIR/copy h apply
	echo 'int mine;' >>"$tree/MAINTAINERS"
	between=$(fingerprint "$tree")
	TREE=$tree ARCH=arm h run
	[ "$(fingerprint "$tree")" = "$between" ]
	git -C "$tree" checkout -q MAINTAINERS
	[ "$before" != "$between" ]
}

@test "a new commit in the tree is noticed" {
	setup_series
	git_tree
	TREE=$tree "$HARNESS/tree"
	echo 'int more;' >>"$tree/lib/toy.c"
	commit more
	TREE=$tree "$HARNESS/tree"
	grep -q more "$(exported)/lib/toy.c"
}

@test "a tree that has the series is taken as it is, its own changes included" {
	setup_series
	git_tree
	apply_to_tree
	echo 'int mine;' >>"$tree/lib/toy_kunit.c"
	commit mine
	TREE=$tree h tree
	expect 0 "has the series already and is taken as it is"
	grep -q mine "$(exported)/lib/toy_kunit.c"
	TREE=$tree UPTO=1 h tree
	expect 2 "UPTO= cannot choose"
}

@test "a tree with part of the new files is refused" {
	setup_series
	cp "$DEFER_ROOT/linux/toy/lib/toy_shim.c" "$tree/lib/"
	git_tree
	TREE=$tree h tree
	expect 15 "some of the new files of the series, but not all"
}

@test "a change elsewhere in a file of the series does no harm" {
	setup_series
	sed -i 's/^int between;$/&\n\nint far_away;/' "$tree/drivers/toy.c"
	git_tree
	TREE=$tree h tree
	expect 0 "are applied"
	grep -q far_away "$(exported)/drivers/toy.c"
}

@test "bad input: no such TREE" {
	setup_series
	TREE=$BATS_TEST_TMPDIR/nowhere h run
	expect 12 "is not there"
	one_error
}

@test "bad input: a TREE that is no kernel" {
	setup_series
	mkdir "$BATS_TEST_TMPDIR/other"
	TREE=$BATS_TEST_TMPDIR/other h run
	expect 12 "is not a kernel tree"
	echo 'all:' >"$BATS_TEST_TMPDIR/other/Makefile"
	TREE=$BATS_TEST_TMPDIR/other h run
	expect 12 "is not a kernel tree"
	one_error
}

@test "bad input: a TREE of another version" {
	setup_series
	sed -i 's/^PATCHLEVEL = 9/PATCHLEVEL = 10/' "$tree/Makefile"
	git_tree
	TREE=$tree h run
	expect 13 "is version 9.10.0-toy, which no base describes; known: toy"
	one_error
}

@test "bad input: a TREE that is not the BASE asked for" {
	setup_series
	cp -r "$DEFER_ROOT/bases/toy" "$DEFER_ROOT/bases/other"
	sed -i 's/^BASE_VERSION=9/BASE_VERSION=8/' "$DEFER_ROOT/bases/other/base.conf"
	TREE=$tree BASE=other h run
	expect 13 "is toy, not BASE=other"
	one_error
}

@test "bad input: a dirty TREE, by an edit or by an untracked new file" {
	setup_series
	git_tree
	echo 'int mine;' >>"$tree/drivers/toy.c"
	TREE=$tree h run
	expect 14 "uncommitted changes in files of the series: drivers/toy.c"
	one_error
	git -C "$tree" checkout -q drivers/toy.c
	cp "$DEFER_ROOT/linux/toy/lib/toy_shim.c" "$tree/lib/"
	TREE=$tree h run
	expect 14 "lib/toy_shim.c"
}

@test "bad input: a changed file, with both ids and how to go on" {
	setup_series
	sed -i 's/^int one;/int two_in_one;/' "$tree/drivers/toy.c"
	git_tree
	TREE=$tree h run
	found=$(git -C "$tree" rev-parse HEAD:drivers/toy.c)
	expect 15 "drivers/toy.c: wanted blob ab00dc43f27bff5fd0435d68771b8bc005e5e777, found $found"
	expect 15 "git am -3"
	one_error
}

@test "bad input: a file of the series is missing" {
	setup_series
	rm "$tree/lib/Makefile"
	git_tree
	TREE=$tree h run
	expect 15 "lib/Makefile: wanted blob f29e9cf1601de767cc8e5a6ebb47017100b5e5e2, found missing"
}

@test "bad input: unknown base, ARCH, UPTO, scenario" {
	setup_series
	BASE=v99 h run
	expect 2 "unknown base 'v99'; known: toy"
	one_error
	BASE=toy ARCH=mips h run
	expect 2 "unknown ARCH 'mips'; known: arm arm64"
	one_error
	BASE=toy ARCH=arm64 h run
	expect 2 "base toy is not for ARCH 'arm64'"
	TREE=$tree ARCH=arm UPTO=9 h run
	expect 2 "UPTO='9' is not a fix of toy: 0 (the tests only) to 2"
	TREE=$tree ARCH=arm UPTO=x h run
	expect 2 "UPTO='x'"
	TREE=$tree ARCH=arm SCENARIO=nope h scenarios
	expect 2 "unknown scenario 'nope' for toy arm; known: plain"
}

@test "bad input: a base without a package needs TREE" {
	setup_series
	BASE=toy h run
	expect 2 "base toy needs TREE=path of its source. It is in tests/toy/tree."
}

@test "bad input: no disk space" {
	setup_series
	TREE=$tree ARCH=arm NEED_GB=99999999 h run
	expect 11 "GB free in"
	one_error
	[ ! -d "$(exported)" ]
}

@test "bad input: a cache that cannot be written" {
	setup_series
	touch "$BATS_TEST_TMPDIR/file"
	CACHE=$BATS_TEST_TMPDIR/file/cache TREE=$tree ARCH=arm h run
	expect 11 "cannot write to the cache directory"
	one_error
}

@test "apply writes a patched copy to DEST and to nothing else" {
	setup_series
	git_tree
	TREE=$tree h apply
	expect 2 "needs DEST=dir"
	TREE=$tree DEST=$BATS_TEST_TMPDIR/copy h apply
	expect 0 "toy with the series applied"
	grep -q 'two: fixed' "$BATS_TEST_TMPDIR/copy/drivers/toy.c"
	TREE=$tree DEST=$BATS_TEST_TMPDIR/copy h apply
	expect 2 "exists: name a new directory"
}
