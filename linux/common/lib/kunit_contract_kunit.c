// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of KUnit: the behaviour that other tests take for granted.
 *
 * Kernels before v5.5 have no KUnit and get a subset of it. This file passes
 * with that subset and with KUnit proper (v6.1, v6.12), so that a verdict of
 * a test means the same on all of them.
 *
 * Two ways lead to a failure without a red test. Where the status is all that
 * counts, checks are made on a struct kunit of the test's own, which nobody
 * reports. Where the thread has to die, the test says so beforehand with
 * contract_provoke(), and exit() turns the status that was announced, and no
 * other, into a success. Both leave "EXPECTATION FAILED" or "ASSERTION
 * FAILED" in the log of tests that pass.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/test.h>

/* The fixture, made anew by each init(). */
struct contract_context {
	struct task_struct *thread;	/* that init() ran in */
	bool used;			/* a test has had it */
	bool provoking;			/* the test ends with ... */
	enum kunit_status provoked;	/* ... this status, on purpose ... */
	bool went_on;			/* ... and does not come so far */
};

/* What must be remembered for the next run: none can watch its own end. */
static struct contract_history {
	int suite_inits;
	int inits;
	int exits;
	int first_init;
	const char *events[4];
	int nr_events;
} history;

static void contract_record(const char *event)
{
	if (history.nr_events < ARRAY_SIZE(history.events))
		history.events[history.nr_events++] = event;
}

/* Announce that this test will end with a status that is no success. */
static struct contract_context *contract_provoke(struct kunit *test, enum kunit_status status)
{
	struct contract_context *ctx = test->priv;

	ctx->provoking = true;
	ctx->provoked = status;
	return ctx;
}

static struct kunit *contract_new_fake(struct kunit *test)
{
	struct kunit *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	kunit_init_test(fake, "fake", NULL);
	return fake;
}

/* Two functions for each kind of expectation, which holds or does not. */
#define CONTRACT_CHECK(name, kind, ...)						\
	static void contract_##name(struct kunit *test, bool hold)		\
	{									\
		KUNIT_EXPECT_##kind(test, __VA_ARGS__);				\
	}									\
	static void contract_##name##_msg(struct kunit *test, bool hold)	\
	{									\
		KUNIT_EXPECT_##kind##_MSG(test, __VA_ARGS__, "number %d", 1);	\
	}

/* Equal strings need not be in the same place. */
static const char contract_same[] = "same";

CONTRACT_CHECK(true, TRUE, hold)
CONTRACT_CHECK(false, FALSE, !hold)
CONTRACT_CHECK(eq, EQ, -1, hold ? -1 : 1)
CONTRACT_CHECK(ne, NE, 0, hold ? -1 : 0)
CONTRACT_CHECK(ne_wide, NE, 0, hold ? 1ULL << 32 : 0)
CONTRACT_CHECK(lt, LT, 0, hold ? 1 : 0)
CONTRACT_CHECK(le, LE, 0, hold ? 0 : -1)
CONTRACT_CHECK(gt, GT, 0, hold ? -1 : 0)
CONTRACT_CHECK(ge, GE, 0, hold ? 0 : 1)
CONTRACT_CHECK(ptr_eq, PTR_EQ, test, hold ? test : NULL)
CONTRACT_CHECK(ptr_ne, PTR_NE, test, hold ? NULL : test)
CONTRACT_CHECK(null, NULL, hold ? NULL : test)
CONTRACT_CHECK(not_null, NOT_NULL, hold ? ERR_PTR(-EPROBE_DEFER) : NULL)
CONTRACT_CHECK(valid_null, NOT_ERR_OR_NULL, hold ? test : NULL)
CONTRACT_CHECK(valid_err, NOT_ERR_OR_NULL, hold ? test : ERR_PTR(-EPROBE_DEFER))
CONTRACT_CHECK(streq, STREQ, "same", hold ? contract_same : "lame")

static const struct contract_check {
	const char *name;
	void (*check)(struct kunit *test, bool hold);
	void (*check_msg)(struct kunit *test, bool hold);
} contract_checks[] = {
	{ "TRUE", contract_true, contract_true_msg },
	{ "FALSE", contract_false, contract_false_msg },
	{ "EQ", contract_eq, contract_eq_msg },
	{ "NE", contract_ne, contract_ne_msg },
	{ "NE beyond 32 bits", contract_ne_wide, contract_ne_wide_msg },
	{ "LT", contract_lt, contract_lt_msg },
	{ "LE", contract_le, contract_le_msg },
	{ "GT", contract_gt, contract_gt_msg },
	{ "GE", contract_ge, contract_ge_msg },
	{ "PTR_EQ", contract_ptr_eq, contract_ptr_eq_msg },
	{ "PTR_NE", contract_ptr_ne, contract_ptr_ne_msg },
	{ "NULL", contract_null, contract_null_msg },
	{ "NOT_NULL", contract_not_null, contract_not_null_msg },
	{ "NOT_ERR_OR_NULL of NULL", contract_valid_null, contract_valid_null_msg },
	{ "NOT_ERR_OR_NULL of an error", contract_valid_err, contract_valid_err_msg },
	{ "STREQ", contract_streq, contract_streq_msg },
};

static void contract_check_desc(const struct contract_check *check, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", check->name);
}

KUNIT_ARRAY_PARAM(contract_check, contract_checks, contract_check_desc);

static void contract_expect_check(struct kunit *test, void (*check)(struct kunit *, bool))
{
	struct kunit *fake = contract_new_fake(test);

	check(fake, true);
	KUNIT_EXPECT_EQ(test, fake->status, KUNIT_SUCCESS);

	/* No expectation tells that expectations do not fail. */
	check(fake, false);
	if (fake->status != KUNIT_FAILURE)
		test->status = KUNIT_FAILURE;

	/* What failed once stays failed. */
	check(fake, true);
	KUNIT_EXPECT_EQ(test, fake->status, KUNIT_FAILURE);
	kunit_cleanup(fake);
}

/* An expectation fails the test exactly if it does not hold, and goes on. */
static void expectation_fails_if_it_does_not_hold(struct kunit *test)
{
	const struct contract_check *check = test->param_value;

	contract_expect_check(test, check->check);
	contract_expect_check(test, check->check_msg);
}

/* KUNIT_FAIL() always fails the test, and goes on. */
static void fail_fails_the_test(struct kunit *test)
{
	struct kunit *fake = contract_new_fake(test);

	KUNIT_FAIL(fake, "number %d", 1);
	KUNIT_EXPECT_EQ(test, fake->status, KUNIT_FAILURE);
	kunit_cleanup(fake);
}

/* A check evaluates its operands once when it holds, on both sides. */
static void operands_are_evaluated_once_if_it_holds(struct kunit *test)
{
	void *ptrs[] = { test, test, test };
	static const char * const strings[] = { "same", "same" };
	int i = 0, left = 0, right = 0;

	KUNIT_EXPECT_TRUE(test, ++i);
	KUNIT_EXPECT_EQ(test, i, 1);
	KUNIT_EXPECT_EQ(test, left++, right++);
	KUNIT_EXPECT_EQ(test, left, 1);
	KUNIT_EXPECT_EQ(test, right, 1);

	i = 0;
	KUNIT_EXPECT_PTR_EQ(test, ptrs[i++], (void *)test);
	KUNIT_EXPECT_NOT_NULL(test, ptrs[i++]);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, ptrs[i++]);
	KUNIT_EXPECT_EQ(test, i, 3);

	i = 0;
	KUNIT_EXPECT_STREQ(test, strings[i++], "same");
	KUNIT_EXPECT_EQ(test, i, 1);
}

/* Nor does printing a failure evaluate them again. */
static void operands_are_evaluated_once_if_it_fails(struct kunit *test)
{
	struct kunit *fake = contract_new_fake(test);
	void *ptrs[] = { NULL, NULL, NULL };
	static const char * const strings[] = { "same", "same" };
	int i = 0, left = 0, right = 1;

	KUNIT_EXPECT_FALSE(fake, ++i);
	KUNIT_EXPECT_EQ(test, i, 1);
	KUNIT_EXPECT_EQ(fake, left++, right++);
	KUNIT_EXPECT_EQ(test, left, 1);
	KUNIT_EXPECT_EQ(test, right, 2);

	i = 0;
	KUNIT_EXPECT_PTR_EQ(fake, ptrs[i++], (void *)test);
	KUNIT_EXPECT_NOT_NULL(fake, ptrs[i++]);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(fake, ptrs[i++]);
	KUNIT_EXPECT_EQ(test, i, 3);

	i = 0;
	KUNIT_EXPECT_STREQ(fake, strings[i++], "other");
	KUNIT_EXPECT_EQ(test, i, 1);
	KUNIT_EXPECT_EQ(test, fake->status, KUNIT_FAILURE);
	kunit_cleanup(fake);
}

/* A test goes on after assertions that hold. */
static void assertions_that_hold_let_the_test_go_on(struct kunit *test)
{
	int went_on = 0;

	KUNIT_ASSERT_TRUE(test, true);
	KUNIT_ASSERT_FALSE_MSG(test, false, "no");
	KUNIT_ASSERT_EQ(test, went_on, 0);
	KUNIT_ASSERT_NE_MSG(test, went_on, 1, "no");
	KUNIT_ASSERT_LT(test, went_on, 1);
	KUNIT_ASSERT_LE_MSG(test, went_on, 0, "no");
	KUNIT_ASSERT_GT(test, 1, went_on);
	KUNIT_ASSERT_GE_MSG(test, 0, went_on, "no");
	KUNIT_ASSERT_PTR_EQ(test, test, test);
	KUNIT_ASSERT_PTR_NE_MSG(test, test, (struct kunit *)NULL, "no");
	KUNIT_ASSERT_NULL(test, (void *)NULL);
	KUNIT_ASSERT_NOT_NULL_MSG(test, test, "no");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, test);
	KUNIT_ASSERT_STREQ_MSG(test, "same", "same", "no");
	went_on = 1;
	KUNIT_EXPECT_EQ(test, went_on, 1);
}

/* An assertion that does not hold fails the test and ends its thread. */
static void assertion_that_fails_ends_the_test(struct kunit *test)
{
	struct contract_context *ctx = contract_provoke(test, KUNIT_FAILURE);

	KUNIT_ASSERT_EQ_MSG(test, 0, 1, "on purpose");
	ctx->went_on = true;
}

/* So it does from a function that the test called. */
static void contract_assert(struct kunit *test, int value)
{
	KUNIT_ASSERT_EQ_MSG(test, value, 1, "on purpose");
}

static void assertion_that_fails_in_a_helper_ends_the_test(struct kunit *test)
{
	struct contract_context *ctx = contract_provoke(test, KUNIT_FAILURE);

	contract_assert(test, 0);
	ctx->went_on = true;
}

/* kunit_skip() marks the test as skipped and ends its thread. */
static void skip_ends_the_test(struct kunit *test)
{
	struct contract_context *ctx = contract_provoke(test, KUNIT_SKIPPED);

	kunit_skip(test, "on purpose");
	ctx->went_on = true;
}

/* kunit_mark_skipped() notes the reason and goes on. */
static void mark_skipped_goes_on(struct kunit *test)
{
	struct kunit *fake = contract_new_fake(test);

	kunit_mark_skipped(fake, "reason %d", 1);
	KUNIT_EXPECT_EQ(test, fake->status, KUNIT_SKIPPED);
	KUNIT_EXPECT_STREQ(test, fake->status_comment, "reason 1");
}

/* A test that was marked as skipped and then fails has failed. */
static void failure_after_mark_skipped_counts(struct kunit *test)
{
	struct kunit *fake = contract_new_fake(test);

	kunit_mark_skipped(fake, "too early");
	KUNIT_FAIL(fake, "on purpose");
	KUNIT_EXPECT_EQ(test, fake->status, KUNIT_FAILURE);
	kunit_cleanup(fake);
}

/* init() and the test share a thread, which is not the one of the boot. */
static void test_runs_in_a_thread_of_its_own(struct kunit *test)
{
	struct contract_context *ctx = test->priv;

	KUNIT_EXPECT_NE(test, task_pid_nr(current), 1);
	KUNIT_EXPECT_PTR_EQ(test, ctx->thread, current);
}

/* The suite's own init comes once, before all tests; its exit resets this. */
static void suite_init_comes_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, history.suite_inits, 1);
}

/* The test knows its name, and starts as a success. */
static void test_knows_its_name(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, test->name, "test_knows_its_name");
	KUNIT_EXPECT_EQ(test, test->status, KUNIT_SUCCESS);
}

/* An error from init() fails the test: it is not run, but exit() is. */
static void init_error_skips_the_test_but_not_exit(struct kunit *test)
{
	struct contract_context *ctx = test->priv;

	ctx->went_on = true;
}

static const struct contract_param {
	const char *name;
	int number;
} contract_params[] = {
	{ "first", 0 },
	{ "second", 1 },
	{ "third", 2 },
};

static void contract_param_desc(const struct contract_param *param, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", param->name);
}

KUNIT_ARRAY_PARAM(contract_param, contract_params, contract_param_desc);
KUNIT_ARRAY_PARAM(contract_unnamed, contract_params, NULL);

/*
 * Parameters come in the order of their array, each with an init() before it
 * that starts from scratch, and an exit() after it.
 */
static void each_param_has_a_fixture_of_its_own(struct kunit *test)
{
	const struct contract_param *param = test->param_value;
	struct contract_context *ctx = test->priv;

	if (param == &contract_params[0])
		history.first_init = history.inits;

	KUNIT_EXPECT_EQ(test, param->number, history.inits - history.first_init);
	KUNIT_EXPECT_EQ(test, history.inits - history.exits, 1);
	KUNIT_EXPECT_FALSE(test, ctx->used);
	ctx->used = true;
}

/* A parameter that failed does not fail the next one. */
static void each_param_starts_as_success(struct kunit *test)
{
	const struct contract_param *param = test->param_value;
	struct contract_context *ctx;

	KUNIT_EXPECT_EQ(test, test->status, KUNIT_SUCCESS);
	if (param == &contract_params[ARRAY_SIZE(contract_params) - 1])
		return;

	ctx = contract_provoke(test, KUNIT_FAILURE);
	KUNIT_ASSERT_TRUE_MSG(test, false, "on purpose");
	ctx->went_on = true;
}

/* KUNIT_ARRAY_PARAM() gives each element once, then NULL. */
static void array_param_walks_the_array(struct kunit *test)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";
	const void *param = NULL;
	int i;

	for (i = 0; i < ARRAY_SIZE(contract_params); i++) {
		param = contract_param_gen_params(param, desc);
		KUNIT_EXPECT_PTR_EQ(test, param, (const void *)&contract_params[i]);
		KUNIT_EXPECT_STREQ(test, desc, contract_params[i].name);
	}
	KUNIT_EXPECT_NULL(test, contract_param_gen_params(param, desc));
}

/* Without a function that describes it, a parameter has no name. */
static void array_param_may_be_unnamed(struct kunit *test)
{
	char desc[KUNIT_PARAM_DESC_SIZE] = "";
	const void *param = contract_unnamed_gen_params(NULL, desc);

	KUNIT_EXPECT_PTR_EQ(test, param, (const void *)&contract_params[0]);
	KUNIT_EXPECT_STREQ(test, desc, "");
}

static int contract_resource_init(struct kunit_resource *res, void *context)
{
	res->data = context;
	return 0;
}

static void contract_resource_free(struct kunit_resource *res)
{
	contract_record(res->data);
}

static void contract_leave_resource(struct kunit *test, struct kunit *owner, char *name)
{
	void *data = kunit_alloc_resource(owner, contract_resource_init, contract_resource_free,
					  GFP_KERNEL, name);

	KUNIT_ASSERT_PTR_EQ(test, data, (void *)name);
}

static const struct contract_step {
	const char *name;
	bool leave;
	bool abort;
} contract_steps[] = {
	{ "leaves resources and returns", true, false },
	{ "finds them released after a return", false, false },
	{ "leaves resources and asserts", true, true },
	{ "finds them released after an assertion", false, false },
};

static void contract_step_desc(const struct contract_step *step, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", step->name);
}

KUNIT_ARRAY_PARAM(contract_step, contract_steps, contract_step_desc);

/* Resources are released after exit(), the youngest first, however it ended. */
static void resources_go_after_exit_youngest_first(struct kunit *test)
{
	const struct contract_step *step = test->param_value;
	struct contract_context *ctx;

	if (!step->leave) {
		KUNIT_ASSERT_EQ(test, history.nr_events, 3);
		KUNIT_EXPECT_STREQ(test, history.events[0], "exit");
		KUNIT_EXPECT_STREQ(test, history.events[1], "younger");
		KUNIT_EXPECT_STREQ(test, history.events[2], "older");
		return;
	}

	history.nr_events = 0;
	contract_leave_resource(test, test, "older");
	contract_leave_resource(test, test, "younger");
	KUNIT_EXPECT_EQ(test, history.nr_events, 0);
	if (!step->abort)
		return;

	ctx = contract_provoke(test, KUNIT_FAILURE);
	KUNIT_ASSERT_TRUE_MSG(test, false, "on purpose");
	ctx->went_on = true;
}

/* kunit_cleanup() releases what there is, and leaves nothing to do. */
static void cleanup_releases_everything_once(struct kunit *test)
{
	struct kunit *fake = contract_new_fake(test);

	history.nr_events = 0;
	contract_leave_resource(test, fake, "older");
	contract_leave_resource(test, fake, "younger");
	kunit_cleanup(fake);
	KUNIT_ASSERT_EQ(test, history.nr_events, 2);
	KUNIT_EXPECT_STREQ(test, history.events[0], "younger");
	KUNIT_EXPECT_STREQ(test, history.events[1], "older");

	kunit_cleanup(fake);
	KUNIT_EXPECT_EQ(test, history.nr_events, 2);
}

/* kunit_kzalloc() and kunit_kcalloc() give memory of zeroes. */
static void kzalloc_and_kcalloc_clear(struct kunit *test)
{
	u8 *one = kunit_kzalloc(test, 64, GFP_KERNEL);
	u8 *many = kunit_kcalloc(test, 8, 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, one);
	KUNIT_ASSERT_NOT_NULL(test, many);
	KUNIT_EXPECT_NULL(test, memchr_inv(one, 0, 64));
	KUNIT_EXPECT_NULL(test, memchr_inv(many, 0, 64));
}

static int contract_suite_init(struct kunit_suite *suite)
{
	history.suite_inits++;
	return 0;
}

static void contract_suite_exit(struct kunit_suite *suite)
{
	memset(&history, 0, sizeof(history));
}

static int contract_init(struct kunit *test)
{
	struct contract_context *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	history.inits++;
	test->priv = ctx;
	if (!ctx)
		return -ENOMEM;

	ctx->thread = current;
	if (!strcmp(test->name, "init_error_skips_the_test_but_not_exit")) {
		contract_provoke(test, KUNIT_FAILURE);
		return -EINVAL;
	}
	return 0;
}

static void contract_exit(struct kunit *test)
{
	struct contract_context *ctx = test->priv;

	history.exits++;
	contract_record("exit");
	if (!ctx || !ctx->provoking)
		return;

	/* Not by KUNIT_FAIL(), which is itself under test. */
	kunit_info(test, "status %d, wanted %d, went on: %d\n",
		   test->status, ctx->provoked, ctx->went_on);
	if (test->status == ctx->provoked && !ctx->went_on)
		test->status = KUNIT_SUCCESS;
	else
		test->status = KUNIT_FAILURE;
}

static struct kunit_case contract_cases[] = {
	KUNIT_CASE_PARAM(expectation_fails_if_it_does_not_hold, contract_check_gen_params),
	KUNIT_CASE(fail_fails_the_test),
	KUNIT_CASE(operands_are_evaluated_once_if_it_holds),
	KUNIT_CASE(operands_are_evaluated_once_if_it_fails),
	KUNIT_CASE(assertions_that_hold_let_the_test_go_on),
	KUNIT_CASE(assertion_that_fails_ends_the_test),
	KUNIT_CASE(assertion_that_fails_in_a_helper_ends_the_test),
	KUNIT_CASE(skip_ends_the_test),
	KUNIT_CASE(mark_skipped_goes_on),
	KUNIT_CASE(failure_after_mark_skipped_counts),
	KUNIT_CASE(test_runs_in_a_thread_of_its_own),
	KUNIT_CASE(suite_init_comes_once),
	KUNIT_CASE(test_knows_its_name),
	KUNIT_CASE(init_error_skips_the_test_but_not_exit),
	KUNIT_CASE_PARAM(each_param_has_a_fixture_of_its_own, contract_param_gen_params),
	KUNIT_CASE_PARAM(each_param_starts_as_success, contract_param_gen_params),
	KUNIT_CASE(array_param_walks_the_array),
	KUNIT_CASE(array_param_may_be_unnamed),
	KUNIT_CASE_PARAM(resources_go_after_exit_youngest_first, contract_step_gen_params),
	KUNIT_CASE(cleanup_releases_everything_once),
	KUNIT_CASE(kzalloc_and_kcalloc_clear),
	{}
};

/*
 * The fixture is a context that tells a test what init() did, and exit() what
 * the test meant to do; the rest is in the history, which outlives a run.
 */
static struct kunit_suite contract_suite = {
	.name = "kunit_contract",
	.suite_init = contract_suite_init,
	.suite_exit = contract_suite_exit,
	.init = contract_init,
	.exit = contract_exit,
	.test_cases = contract_cases,
};

kunit_test_suite(contract_suite);
