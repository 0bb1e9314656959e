// SPDX-License-Identifier: GPL-2.0
/*
 * Subset of KUnit: running the tests of a suite and reporting them as KTAP.
 *
 * Each test has a thread of its own, because a failed assertion ends the
 * thread wherever it stands. What is left to do then, the suite's exit() and
 * the test's resources, is done by the thread that waits for it.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

/* As long as in KUnit proper; a test that is slow under emulation has room. */
#define KUNIT_TIMEOUT	(300 * HZ)

/* On the heap: the thread of a test that timed out goes on using it. */
struct kunit_run {
	struct kunit test;
	struct kunit_suite *suite;
	struct kunit_case *test_case;
};

/* How many runs ended with each status. */
struct kunit_stats {
	unsigned long count[KUNIT_SKIPPED + 1];
};

void kunit_init_test(struct kunit *test, const char *name, char *log)
{
	test->name = name;
	test->status = KUNIT_SUCCESS;
	test->status_comment[0] = '\0';
	test->aborted = false;
	test->abandoned = false;
	spin_lock_init(&test->lock);
	INIT_LIST_HEAD(&test->resources);
	init_completion(&test->finished);
}

void kunit_abort(struct kunit *test)
{
	test->aborted = true;
	complete_and_exit(&test->finished, 0);
}

static void kunit_finish_run(struct kunit_run *run)
{
	if (run->suite->exit)
		run->suite->exit(&run->test);
	kunit_cleanup(&run->test);
}

static int kunit_run_thread(void *data)
{
	struct kunit_run *run = data;
	struct kunit *test = &run->test;
	int err = 0;

	if (run->suite->init)
		err = run->suite->init(test);

	if (err) {
		kunit_err(test, "failed to initialize: %d", err);
		test->status = KUNIT_FAILURE;
	} else {
		run->test_case->run_case(test);
	}

	/* Other tests may be using the fixture by now. */
	if (!READ_ONCE(test->abandoned))
		kunit_finish_run(run);

	complete_and_exit(&test->finished, 0);
}

/* Run one test once; @result takes what there is to report. */
static void kunit_run_once(struct kunit_suite *suite, struct kunit_case *test_case,
			   struct kunit *result)
{
	struct kunit_run *run = kzalloc(sizeof(*run), GFP_KERNEL);
	struct task_struct *thread;

	kunit_init_test(result, test_case->name, NULL);
	result->status = KUNIT_FAILURE;
	if (!run) {
		kunit_err(result, "no memory to run the test");
		return;
	}

	run->suite = suite;
	run->test_case = test_case;
	run->test.param_value = result->param_value;
	run->test.param_index = result->param_index;
	kunit_init_test(&run->test, test_case->name, NULL);

	thread = kthread_run(kunit_run_thread, run, "kunit_try_catch_thread");
	if (IS_ERR(thread)) {
		kunit_err(result, "no thread to run the test: %ld", PTR_ERR(thread));
		kfree(run);
		return;
	}

	if (!wait_for_completion_timeout(&run->test.finished, KUNIT_TIMEOUT)) {
		WRITE_ONCE(run->test.abandoned, true);
		kunit_err(result, "test case timed out");
		return;
	}

	if (run->test.aborted)
		kunit_finish_run(run);

	result->status = run->test.status;
	memcpy(result->status_comment, run->test.status_comment,
	       sizeof(result->status_comment));
	kfree(run);
}

static enum kunit_status kunit_stats_status(const struct kunit_stats *stats)
{
	if (stats->count[KUNIT_FAILURE])
		return KUNIT_FAILURE;

	return stats->count[KUNIT_SUCCESS] ? KUNIT_SUCCESS : KUNIT_SKIPPED;
}

static void kunit_print_stats(const char *indent, const char *name,
			      const struct kunit_stats *stats)
{
	unsigned long pass = stats->count[KUNIT_SUCCESS];
	unsigned long fail = stats->count[KUNIT_FAILURE];
	unsigned long skip = stats->count[KUNIT_SKIPPED];

	if (pass + fail + skip > 1)
		pr_info("%s# %s: pass:%lu fail:%lu skip:%lu total:%lu\n", indent, name,
			pass, fail, skip, pass + fail + skip);
}

static void kunit_print_result(const char *indent, enum kunit_status status, size_t number,
			       const char *name, const char *comment)
{
	pr_info("%s%s %zu %s%s%s\n", indent, status == KUNIT_FAILURE ? "not ok" : "ok",
		number, name, status == KUNIT_SKIPPED ? " # SKIP " : "",
		status == KUNIT_SKIPPED ? comment : "");
}

static void kunit_run_params(struct kunit_suite *suite, struct kunit_case *test_case,
			     struct kunit *test, struct kunit_stats *stats)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";

	pr_info(KUNIT_SUBSUBTEST_INDENT "KTAP version 1\n");
	pr_info(KUNIT_SUBSUBTEST_INDENT "# Subtest: %s\n", test_case->name);

	test->param_value = test_case->generate_params(NULL, desc);
	while (test->param_value) {
		kunit_run_once(suite, test_case, test);
		stats->count[test->status]++;

		if (!desc[0])
			snprintf(desc, sizeof(desc), "param-%d", test->param_index);
		/* v6.1 does not say of a parameter that it was skipped. */
		pr_info(KUNIT_SUBSUBTEST_INDENT "%s %d %s\n",
			test->status == KUNIT_FAILURE ? "not ok" : "ok",
			test->param_index + 1, desc);

		desc[0] = '\0';
		test->param_value = test_case->generate_params(test->param_value, desc);
		test->param_index++;
	}
}

static void kunit_run_case(struct kunit_suite *suite, struct kunit_case *test_case,
			   size_t number, struct kunit_stats *totals)
{
	struct kunit_stats stats = { };
	struct kunit test = { };
	enum kunit_status status;

	if (test_case->generate_params) {
		kunit_run_params(suite, test_case, &test, &stats);
	} else {
		kunit_run_once(suite, test_case, &test);
		stats.count[test.status]++;
	}

	for (status = KUNIT_SUCCESS; status <= KUNIT_SKIPPED; status++)
		totals->count[status] += stats.count[status];

	test_case->status = kunit_stats_status(&stats);
	kunit_print_stats(KUNIT_SUBTEST_INDENT, test_case->name, &stats);
	kunit_print_result(KUNIT_SUBTEST_INDENT, test_case->status, number,
			   test_case->name, test.status_comment);
}

/**
 * kunit_run_suite() - run all tests of a suite and report them
 * @suite: the suite.
 * @number: its number in the report, from 1.
 */
void kunit_run_suite(struct kunit_suite *suite, size_t number)
{
	struct kunit_stats stats = { }, totals = { };
	struct kunit_case *test_case;
	size_t n = 0;
	int err;

	err = suite->suite_init ? suite->suite_init(suite) : 0;
	if (err) {
		kunit_err(suite, "failed to initialize: %d", err);
		kunit_print_result("", KUNIT_FAILURE, number, suite->name, "");
		return;
	}

	for (test_case = suite->test_cases; test_case->run_case; test_case++)
		n++;
	pr_info(KUNIT_SUBTEST_INDENT "KTAP version 1\n");
	pr_info(KUNIT_SUBTEST_INDENT "# Subtest: %s\n", suite->name);
	pr_info(KUNIT_SUBTEST_INDENT "1..%zu\n", n);

	n = 0;
	for (test_case = suite->test_cases; test_case->run_case; test_case++) {
		kunit_run_case(suite, test_case, ++n, &totals);
		stats.count[test_case->status]++;
	}

	if (suite->suite_exit)
		suite->suite_exit(suite);

	kunit_print_stats("", suite->name, &stats);
	kunit_print_stats("", "Totals", &totals);
	kunit_print_result("", kunit_stats_status(&stats), number, suite->name, "");
}
