#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# The user's tree: recognised, exported, patched in the export, never written to.
load helper

setup_series() { "$HARNESS/series" 2>/dev/null; }

exported() { echo "$CACHE"/src/toy*/linux; }

# What run does before it builds.
prepare() { PYTHONPATH=$HARNESS run python3 -c "from defer import lib, tree; lib.main(lambda: tree.Tree().prepare() and None)"; }

@test "a git tree, a plain directory and a tarball all give the patched source" {
	setup_series
	cp -r "$tree" "$BATS_TEST_TMPDIR/plain"
	tar -cJf "$BATS_TEST_TMPDIR/linux.tar.xz" -C "$BATS_TEST_TMPDIR" linux
	git_tree
	for t in "$tree" "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/linux.tar.xz"; do
		rm -rf "$CACHE/src"
		TREE=$t prepare
		expect 0 "fixes up to 2 of 2 and the tests are applied"
		grep -q 'two: fixed' "$(exported)/drivers/toy.c"
		[ -e "$(exported)/lib/toy_shim.c" ]
	done
}

@test "UPTO=1 leaves out the second fix, UPTO=0 both, and the tests are always there" {
	setup_series
	git_tree
	TREE=$tree UPTO=0001 prepare
	expect 0 "fixes up to 1 of 2"
	grep -q 'one: fixed' "$(exported)/drivers/toy.c"
	grep -q 'two: broken' "$(exported)/drivers/toy.c"
	TREE=$tree UPTO=0 prepare
	grep -q 'one: broken' "$(exported)/drivers/toy.c"
	[ -e "$(exported)/lib/toy_kunit.c" ]
}

@test "RFC=1 adds what is for discussion, on all fixes only" {
	setup_series
	git_tree
	TREE=$tree prepare
	[ ! -e "$(exported)/lib/toy_policy.c" ]
	TREE=$tree RFC=1 prepare
	expect 0 "and the RFC"
	[ -e "$(exported)/lib/toy_policy.c" ]
	TREE=$tree RFC=1 UPTO=1 prepare
	expect 2 "RFC=1 stands on all fixes"
}

@test "a killed run leaves no lock behind that stops the next one" {
	setup_series
	git_tree
	TREE=$tree prepare
	touch "$(exported)/.git/index.lock"
	TREE=$tree UPTO=0 prepare
	expect 0 "fixes up to 0 of 2"
}

@test "another UPTO writes only the files that differ" {
	setup_series
	git_tree
	TREE=$tree UPTO=1 prepare
	touch -d '2001-01-01' "$(exported)"/lib/* "$(exported)"/drivers/*
	TREE=$tree UPTO=2 prepare
	[ "$(find "$(exported)"/lib "$(exported)"/drivers -type f -newermt 2002-01-01 -printf '%f ')" = "toy.c " ]
	grep -q 'two: fixed' "$(exported)/drivers/toy.c"
}

@test "a patch that the series no longer has is gone from the source" {
	setup_series
	git_tree
	TREE=$tree prepare
	sed -i '/toy-add-a-shim/d' "$DEFER_ROOT"/patches/series.toy
	rm "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	setup_series
	TREE=$tree prepare
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
	TREE=$tree ARCH=arm h flips
	expect 0 written
	TREE=$tree ARCH=arm h boot
	TREE=$tree ARCH=arm UPTO=0 h run
	expect 1 ""
	TREE=$tree BASE=toy DEST=$BATS_TEST_TMPDIR/copy h apply
	expect 0 commits
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
	TREE=$tree prepare
	echo 'int more;' >>"$tree/lib/toy.c"
	commit more
	TREE=$tree prepare
	grep -q more "$(exported)/lib/toy.c"
}

@test "a tree that has the series is taken as it is, its own changes included" {
	setup_series
	git_tree
	apply_to_tree
	echo 'int mine;' >>"$tree/lib/toy_kunit.c"
	commit mine
	TREE=$tree prepare
	expect 0 "has the series already and is taken as it is"
	grep -q mine "$(exported)/lib/toy_kunit.c"
	TREE=$tree UPTO=1 prepare
	expect 2 "UPTO= and RFC= cannot choose"
}

@test "a tree with part of the new files is refused" {
	setup_series
	echo 'New-file: lib/toy_more.c' >"$BATS_TEST_TMPDIR/more"
	sed -i "/^New-file/r $BATS_TEST_TMPDIR/more" "$DEFER_ROOT/patches/toy-add-tests.patch"
	echo '/* more */' >"$DEFER_ROOT/linux/toy/lib/toy_more.c"
	cp "$DEFER_ROOT/linux/toy/lib/toy_more.c" "$tree/lib/"
	git_tree
	TREE=$tree prepare
	expect 15 "some of the new files of 2-tests, but not all (it lacks lib/toy_kunit.c)"
}

@test "a tree with some of the fixes is refused, and they are named" {
	setup_series
	git_tree
	git -C "$tree" -c user.name=Dev -c user.email=d@example.org am -q "$DEFER_ROOT"/series/toy/1-fixes/0001-*
	TREE=$tree prepare
	expect 15 "It has part of the series already: 1-fixes/0001-toy-fix-one.patch"
	one_error
}

@test "a base that follows upstream goes on without the fixes that a tree has" {
	setup_series
	echo BASE_UPSTREAM=yes >>"$DEFER_ROOT/bases/toy/base.conf"
	git_tree
	git -C "$tree" -c user.name=Dev -c user.email=d@example.org am -q "$DEFER_ROOT"/series/toy/1-fixes/0001-*
	TREE=$tree prepare
	expect 0 "has it already: 1-fixes/0001-toy-fix-one.patch"
	expect 0 "fixes up to 2 of 2"
	grep -q 'two: fixed' "$(exported)/drivers/toy.c"
}

@test "a base that follows upstream takes a newer tree if BASE= names it" {
	setup_series
	echo BASE_UPSTREAM=yes >>"$DEFER_ROOT/bases/toy/base.conf"
	sed -i 's/^PATCHLEVEL = 9/PATCHLEVEL = 10/' "$tree/Makefile"
	git_tree
	TREE=$tree prepare
	expect 13 "which no base describes; known: toy. CONTRIBUTING.md says how to add a base. BASE=toy tries"
	BASE=toy TREE=$tree prepare
	expect 0 "is version 9.10.0-toy: taken for toy, as you say"
	expect 0 "fixes up to 2 of 2"
}

@test "a tree without the local part only gets that, and a shallow clone is as good as any" {
	setup_series
	git_tree
	git -C "$tree" -c user.name=Dev -c user.email=d@example.org am -q "$DEFER_ROOT"/series/toy/{1,2}-*/*.patch
	git clone -q --depth 1 "file://$tree" "$BATS_TEST_TMPDIR/shallow"
	TREE=$BATS_TEST_TMPDIR/shallow prepare
	expect 0 "has the series already"
	[ -e "$(exported)/lib/toy_shim.c" ]
}

@test "a change elsewhere in a file of the series does no harm" {
	setup_series
	sed -i 's/^int between;$/&\n\nint far_away;/' "$tree/drivers/toy.c"
	git_tree
	TREE=$tree prepare
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
	expect 2 "UPTO='9' is not a fix of toy: 0 (the tests only) to 2; RFC=1"
	TREE=$tree ARCH=arm UPTO=x h run
	expect 2 "UPTO='x'"
	TREE=$tree ARCH=arm SCENARIO=nope h boot
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
	expect 2 "needs DEST=dir for"
	TREE=$tree DEST=$BATS_TEST_TMPDIR/copy h apply
	expect 0 "is toy with 5 patches as commits"
	grep -q 'two: fixed' "$BATS_TEST_TMPDIR/copy/drivers/toy.c"
	TREE=$tree DEST=$BATS_TEST_TMPDIR/copy h apply
	expect 2 "exists: name a new directory"
}
