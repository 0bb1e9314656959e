#!/usr/bin/env bats
# shellcheck disable=SC2154 # the helper sets tree, bats sets status and output
# edits/ and linux/ -> series/ -> git am -> import -> edits/ and linux/.
load helper

@test "series gives patches that plain git am applies to the pristine tree" {
	h series
	expect 0 "toy: 3 patches"
	git_tree
	apply_to_tree
	grep -q 'one: fixed' "$tree/drivers/toy.c"
	grep -q 'two: fixed' "$tree/drivers/toy.c"
	cmp "$tree/lib/toy_shim.c" "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	[ "$(git -C "$tree" log -1 --format=%s)" = "toy: add tests" ]
	[ "$(git -C "$tree" log -1 --format=%b)" = "They prove one and two." ]
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
	patch=$(echo "$DEFER_ROOT"/series/toy/0003-*)
	grep -q '^ create mode 100644 lib/toy_kunit.c$' "$patch"
	grep -q '^ lib/toy_shim.c *| ' "$patch"
	grep -Eq '^index [0-9a-f]{40}\.\.[0-9a-f]{40}' "$patch"
	grep -q '^Subject: \[PATCH 03/03\] toy: add tests$' "$patch"
	[ "$(tail -n 3 "$patch")" = "$(printf -- '-- \niommu-defer\n')" ]
}

@test "the cover letter is no *.patch and names the cut line and every patch" {
	"$HARNESS/series"
	letter=$DEFER_ROOT/series/toy/cover-letter.txt
	grep -q '^Patches 1 to 2 are the fixes' "$letter"
	grep -q '^Cut line: what follows are documents, tests[.]$' "$letter"
	grep -q '03 toy: add tests' "$letter"
	grep -q 'drivers/toy.c .*+2 -2' "$letter"
}

@test "series refuses a New-file that no layer has" {
	rm "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	h series
	expect 21 "New-file lib/toy_shim.c is in none of the layers"
}

@test "series refuses a file in a layer that no patch names" {
	echo >"$DEFER_ROOT/linux/common/lib/forgotten.c"
	h series
	expect 21 "linux/common/lib/forgotten.c: no patch names it"
}

@test "series refuses a file that is in two layers" {
	cp "$DEFER_ROOT/linux/toy/lib/toy_shim.c" "$DEFER_ROOT/linux/common/lib/"
	h series
	expect 21 "in two layers"
}

@test "series refuses hunks on a new file" {
	sed -i 's,^---$,---\nNew-file: drivers/toy.c,' "$DEFER_ROOT"/edits/toy/0001-*
	mkdir -p "$DEFER_ROOT/linux/toy/drivers"
	echo x >"$DEFER_ROOT/linux/toy/drivers/toy.c"
	h series
	expect 21 "no hunk may touch it: drivers/toy.c"
}

@test "series refuses a gap in the numbers" {
	mv "$DEFER_ROOT"/edits/toy/0003-toy-tests.patch "$DEFER_ROOT"/edits/toy/0004-toy-tests.patch
	h series
	expect 21 "its number should be 0003"
}

@test "import of what series gave changes nothing" {
	"$HARNESS/series"
	git_tree
	apply_to_tree
	cp -r "$DEFER_ROOT" "$BATS_TEST_TMPDIR/before"
	TREE=$tree BASE=toy h import
	expect 0 "importing 3 commits on top of"
	diff -r "$BATS_TEST_TMPDIR/before" "$DEFER_ROOT"
}

@test "import writes the same edits even when there were none" {
	"$HARNESS/series"
	git_tree
	apply_to_tree
	cp -r "$DEFER_ROOT/series" "$BATS_TEST_TMPDIR/before"
	rm "$DEFER_ROOT"/edits/toy/[0-9]*
	TREE=$tree BASE=toy ONTO=HEAD~3 h import
	expect 0 "toy: 3 patches"
	for n in 1 2 3; do
		cmp "$BATS_TEST_TMPDIR"/before/toy/000$n-* "$DEFER_ROOT"/series/toy/000$n-*
	done
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
	TREE=$tree BASE=toy h import
	expect 0 "only changes new files, folded into them"
	grep -q more "$DEFER_ROOT/linux/toy/lib/toy_shim.c"
	cmp "$tree/lib/toy_more.c" "$DEFER_ROOT/linux/toy/lib/toy_more.c"
	grep -q '^New-file: lib/toy_more.c$' "$DEFER_ROOT/edits/toy/0004-toy-add-a-third.patch"
	grep -q '^+int third;$' "$DEFER_ROOT"/series/toy/0004-*
}

@test "import needs a commit that is the pristine base" {
	"$HARNESS/series"
	echo 'int local;' >>"$tree/drivers/toy.c"
	git_tree
	TREE=$tree BASE=toy h import
	expect 21 "name it with ONTO=commit"
}
