#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# patches/ and linux/ -> series/ -> git am -> import -> patches/ and linux/.
load helper

@test "series gives patches that plain git am applies, all of it and what is mergeable" {
	h series
	expect 0 "toy: 5 patches"
	git_tree
	apply_to_tree
	grep -q 'two: fixed' "$tree/drivers/toy.c"
	cmp "$tree/lib/toy_shim.c" "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	[ "$(git -C "$tree" log -1 --format=%s HEAD~2)" = "toy: add tests" ]
	git -C "$tree" reset -q --hard HEAD~5
	git -C "$tree" -c user.name=Dev -c user.email=d@example.org am -q "$DEFER_ROOT"/series/toy/1-fixes/*.patch
	# What stands below --- is no part of the commit.
	[ "$(git -C "$tree" log -1 --format=%b HEAD~1)" = "One is broken, and a user sees it." ]
}

@test "the names in shell order are the order of the list, the numbers real" {
	"$HARNESS/series"
	list=$(cd "$DEFER_ROOT/series/toy" && echo */*.patch)
	[ "$list" = "1-fixes/0001-toy-fix-one.patch 1-fixes/0002-toy-fix-two.patch 2-tests/0003-toy-add-tests.patch 3-rfc-policy/0004-toy-add-a-policy.patch 4-local/0005-toy-add-a-shim.patch" ]
	grep -q '^Subject: \[PATCH v2 03/05\] toy: add tests$' "$DEFER_ROOT"/series/toy/2-tests/0003-*
}

@test "series gives the same bytes whatever the user's git configuration is" {
	"$HARNESS/series"
	cp -r "$DEFER_ROOT/series" "$BATS_TEST_TMPDIR/first"
	export HOME=$BATS_TEST_TMPDIR GIT_DIR=/nonexistent GIT_EXTERNAL_DIFF=/bin/false
	printf '[diff]\n\tnoprefix = true\n\tcontext = 1\n\tmnemonicPrefix = true\n[core]\n\tabbrev = 5\n' >"$HOME/.gitconfig"
	"$HARNESS/series"
	diff -r "$DEFER_ROOT/series" "$BATS_TEST_TMPDIR/first"
}

@test "a patch has a diffstat that shows new files, full ids, and no signature of git" {
	"$HARNESS/series"
	patch=$(echo "$DEFER_ROOT"/series/toy/2-tests/0003-*)
	grep -q '^ create mode 100644 lib/toy_kunit.c$' "$patch"
	grep -Eq '^index [0-9a-f]{40}\.\.[0-9a-f]{40}' "$patch"
	[ "$(tail -n 3 "$patch")" = "$(printf -- '-- \niommu-defer\n')" ]
}

@test "the cover letter is no *.patch, has real numbers, and names every group and patch" {
	"$HARNESS/series"
	letter=$DEFER_ROOT/series/toy/cover-letter.txt
	grep -q '^Subject: \[PATCH v2 00/05\] A toy series$' "$letter"
	grep -q '^1-fixes: the fixes$' "$letter"
	grep -q '^  04 toy: add a policy$' "$letter"
	grep -Eq '^  drivers/toy.c +\+2 +-2$' "$letter"
}

@test "series refuses a New-file that no layer has, one in two layers, and hunks on one" {
	mv "$DEFER_ROOT/linux/toy/lib/toy_shim.c" "$BATS_TEST_TMPDIR/"
	h series
	expect 21 "New-file lib/toy_shim.c is in none of the layers"
	cp "$BATS_TEST_TMPDIR/toy_shim.c" "$DEFER_ROOT/linux/toy/lib/"
	cp "$BATS_TEST_TMPDIR/toy_shim.c" "$DEFER_ROOT/linux/common/lib/"
	h series
	expect 21 "in two layers"
	rm "$DEFER_ROOT/linux/common/lib/toy_shim.c"
	sed -i 's,^---$,---\nNew-file: drivers/toy.c,' "$DEFER_ROOT"/patches/toy-fix-one.patch
	mkdir -p "$DEFER_ROOT/linux/toy/drivers"
	echo x >"$DEFER_ROOT/linux/toy/drivers/toy.c"
	h series
	expect 21 "no hunk may touch it: drivers/toy.c"
}

@test "series refuses a list with a wrong group, a missing patch, or groups out of order" {
	list=$DEFER_ROOT/patches/series.toy
	echo "5-more toy-fix-one" >>"$list"
	h series
	expect 21 'not "5-more toy-fix-one"'
	sed -i '$d' "$list"
	echo "4-local nothing" >>"$list"
	h series
	expect 21 "there is no patches/nothing.patch"
	sed -i '$d' "$list"
	# shellcheck disable=SC2016
	# shellcheck disable=SC2016
	sed -i '1{h;d};$G' "$list"
	h series
	expect 21 "the groups are not in order"
}

@test "import of what series gave changes nothing" {
	"$HARNESS/series"
	git_tree
	apply_to_tree
	cp -r "$DEFER_ROOT" "$BATS_TEST_TMPDIR/before"
	TREE=$tree BASE=toy RANGE=HEAD~5..HEAD h import
	expect 0 "importing 5 commits"
	"$HARNESS/series"
	diff -r -x series.toy "$BATS_TEST_TMPDIR/before" "$DEFER_ROOT"
	diff "$BATS_TEST_TMPDIR/before/patches/series.toy" <(grep -v '^#' "$DEFER_ROOT/patches/series.toy")
}

@test "import takes a changed fix, a changed new file and an added one from the tree" {
	"$HARNESS/series"
	git_tree
	apply_to_tree
	echo '/* more */' >>"$tree/lib/toy_shim.c"
	commit "toy: only a new file changes"
	echo '/* new */' >"$tree/lib/toy_more.c"
	echo 'int third;' >>"$tree/drivers/toy.c"
	commit "toy: add a third"
	TREE=$tree BASE=toy RANGE=HEAD~7..HEAD h import
	expect 0 "only changes new files, folded into them"
	grep -q more "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	cmp "$tree/lib/toy_more.c" "$DEFER_ROOT/linux/toy/lib/toy_more.c"
	grep -q '^New-file: lib/toy_more.c$' "$DEFER_ROOT/patches/toy-add-a-third.patch"
	grep -q '^4-local toy-add-a-third$' "$DEFER_ROOT/patches/series.toy"
}

@test "GROUP= replaces one group, keeps the notes below ---, and removes what no list names" {
	"$HARNESS/series"
	git_tree
	git -C "$tree" -c user.name=Dev -c user.email=d@example.org am -q "$DEFER_ROOT"/series/toy/1-fixes/0001-*
	TREE=$tree BASE=toy GROUP=1-fixes RANGE=HEAD~1..HEAD h import
	expect 0 "removed patches/toy-fix-two.patch"
	[ "$(grep -c . "$DEFER_ROOT/patches/series.toy")" -eq 5 ]
	grep -q '^  toy.one$' "$DEFER_ROOT/patches/toy-fix-one.patch"
	grep -q '^2-tests toy-add-tests$' "$DEFER_ROOT/patches/series.toy"
}

@test "bases share a patch whose change is the same, each with blobs and lines of its own" {
	"$HARNESS/series"
	cp -r "$DEFER_ROOT/bases/toy" "$DEFER_ROOT/bases/other"
	sed -i 's/^BASE_VERSION=9/BASE_VERSION=8/' "$DEFER_ROOT/bases/other/base.conf"
	sed -i 's/^VERSION = 9/VERSION = 8/' "$tree/Makefile"
	sed -i 's/^int between;$/&\n\nint far_away;/' "$tree/drivers/toy.c"
	git_tree
	git -C "$tree" -c user.name=Dev -c user.email=d@example.org am -q "$DEFER_ROOT"/series/toy/1-fixes/*.patch
	TREE=$tree BASE=other GROUP=1-fixes RANGE=HEAD~2..HEAD "$HARNESS/import"
	[ "$(ls "$DEFER_ROOT"/patches/toy-fix-two*)" = "$DEFER_ROOT/patches/toy-fix-two.patch" ]
	"$HARNESS/series" other
	git -C "$tree" show --full-index --format= HEAD >"$BATS_TEST_TMPDIR/want"
	sed -n '/^diff/,/^-- $/p' "$DEFER_ROOT"/series/other/1-fixes/0002-* | sed '$d' | diff - "$BATS_TEST_TMPDIR/want"
}

@test "make apply and make import: there and back, and no tag without it" {
	"$HARNESS/series"
	cp -r "$DEFER_ROOT" "$BATS_TEST_TMPDIR/before"
	TREE=$tree DEST=$BATS_TEST_TMPDIR/copy "$HARNESS/apply"
	TREE=$BATS_TEST_TMPDIR/copy BASE=toy h import
	expect 0 "importing 5 commits of pristine..HEAD"
	diff -r -x series.toy "$BATS_TEST_TMPDIR/before" "$DEFER_ROOT"
	git_tree
	TREE=$tree BASE=toy h import
	expect 21 "name them with RANGE="
}

thread() { # NAME LINE...: a thread of the toy, with these fixes or needs
	mkdir -p "$DEFER_ROOT/patches/threads.toy"
	printf '%s\n' "${@:2}" >"$DEFER_ROOT/patches/threads.toy/$1"
}

@test "threads are written as mails: a cover letter, and whom to send each to" {
	thread both "Subject: toy: Mend all of it" "" "Why." "---" toy-fix-one toy-fix-two
	printf '%s\n' toy-fix-one "  To: One <one@example.org>" "  Cc: list@example.org" \
		toy-fix-two "  To: Two <two@example.org>" "  Cc: list@example.org" >"$DEFER_ROOT/patches/cc.toy"
	h series
	expect 0 ""
	cd "$DEFER_ROOT/threads/toy/both"
	[ "$(echo *)" = "0000-cover-letter.patch 0001-toy-fix-one.patch 0002-toy-fix-two.patch" ]
	grep -qx "Subject: \[PATCH 0/2\] toy: Mend all of it" 0000-*
	[ "$(grep -c "One <one\|Two <two" 0000-*)" -eq 2 ]
	grep -qx "Subject: \[PATCH 2/2\] toy: fix two" 0002-*
	grep -qx "To: Two <two@example.org>" 0002-*
	[ "$(grep -c "One <one" 0002-*)" -eq 0 ]
	# They are mails that git reads, and patches that it applies.
	git_tree
	git -C "$tree" -c user.name=Dev -c user.email=dev@example.org am -q "$PWD"/000[12]*
}

@test "a thread of one patch has no cover letter, and says what it stands on" {
	thread first "Subject: toy: fix one" "---" toy-fix-one
	thread second "Subject: toy: fix two" "Needs: first" "---" toy-fix-two
	h series
	[ "$(ls "$DEFER_ROOT"/threads/toy/second)" = 0001-toy-fix-two.patch ]
	grep -qx "Subject: \[PATCH\] toy: fix two" "$DEFER_ROOT"/threads/toy/second/0001-*
	grep -qx "It stands on: toy: fix one" "$DEFER_ROOT"/threads/toy/second/0001-*
}

@test "bad input: a thread of a fix, or on a thread, that there is none of" {
	thread first "Subject: toy: fix one" "---" toy-fix-three
	h series
	expect 21 "patches/threads.toy/first: toy has no toy-fix-three"
	thread first "Subject: toy: fix one" "Needs: other" "---" toy-fix-one
	h series
	expect 21 "patches/threads.toy/first: toy has no other"
	thread first "toy: fix one" "---" toy-fix-one
	h series
	expect 21 'patches/threads.toy/first: want "Subject: ..."'
}
