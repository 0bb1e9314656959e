// SPDX-License-Identifier: GPL-2.0
/*
 * Subset of KUnit: finding the suites and running them at boot.
 */
#include <kunit/test.h>
#include <linux/glob.h>
#include <linux/init.h>
#include <linux/moduleparam.h>

static char *filter_glob;
module_param(filter_glob, charp, 0);
MODULE_PARM_DESC(filter_glob, "Run only these suites or tests, e.g. list* or list*.*del_test");

/* An entry that is always there, else a kernel without suites would not link. */
kunit_test_suites(NULL);

/* Drop the tests of a suite that do not match; return how many are left. */
static size_t __init kunit_filter_tests(struct kunit_suite *suite, const char *glob)
{
	struct kunit_case *from, *to = suite->test_cases;

	for (from = to; from->run_case; from++)
		if (!glob || glob_match(glob, from->name))
			*to++ = *from;

	/* Ends the list anew. */
	to->run_case = NULL;
	return to - suite->test_cases;
}

/* Does anything of the suite match a filter of the form suite[.test]? */
static bool __init kunit_filter_suite(struct kunit_suite *suite)
{
	char *glob, *test_glob;
	bool match;

	if (!filter_glob)
		return true;

	glob = kstrdup(filter_glob, GFP_KERNEL);
	if (!glob)
		return true;

	test_glob = strchr(glob, '.');
	if (test_glob)
		*test_glob++ = '\0';

	match = glob_match(glob, suite->name) && kunit_filter_tests(suite, test_glob);
	kfree(glob);
	return match;
}

/*
 * KUnit proper runs after all initcalls. This is the last level of them, where
 * lib/ comes before drivers/: the clean-up of unused clocks and regulators is
 * still ahead, the deferred probes are done.
 */
static int __init kunit_run_all_tests(void)
{
	struct kunit_suite **from, **to = __start_kunit_test_suites;
	size_t i, n;

	for (from = to; from < __stop_kunit_test_suites; from++)
		if (*from && kunit_filter_suite(*from))
			*to++ = *from;
	n = to - __start_kunit_test_suites;

	pr_info("KTAP version 1\n");
	pr_info("1..%zu\n", n);
	for (i = 0; i < n; i++)
		kunit_run_suite(__start_kunit_test_suites[i], i + 1);

	return 0;
}
late_initcall_sync(kunit_run_all_tests);
