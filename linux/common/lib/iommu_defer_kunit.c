// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: the decision table.
 *
 * What becomes of a master is decided by the state of the IOMMU that it names,
 * and by whether the kernel still waits for suppliers.  Each row of the table
 * is put to of_iommu_configure(), with nodes that really are in the device tree
 * and a fake IOMMU driver behind the real IOMMU core, once by an initcall while
 * drivers may still come, and once by KUnit after the end of init.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_table.h"

/* What happened before the end of init, for the tests to judge. */
static struct defer_outcome defer_early[DEFER_ROWS];

static int __init defer_play_early(void)
{
	unsigned int i;

	if (defer_scenario())
		return 0;

	for (i = 0; i < DEFER_ROWS; i++)
		defer_row_play(&defer_rows[i], &defer_early[i]);

	return 0;
}
device_initcall(defer_play_early);

static void defer_row_assert_played(struct kunit *test,
				    const struct defer_row *row,
				    const struct defer_outcome *out)
{
	if (defer_row_differs(row) && out->err == -EBUSY)
		kunit_skip(test, "the IOMMU core takes one driver only");

	KUNIT_ASSERT_EQ(test, out->err, 0);
}

static void defer_row_judge(struct kunit *test, const struct defer_row *row,
			    enum defer_result want,
			    const struct defer_outcome *out)
{
	char faults[DEFER_FAULT_NAMES_SIZE];

	defer_row_assert_played(test, row, out);
	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->name,
		   defer_result_name(want), defer_result_name(out->first));

	KUNIT_EXPECT_EQ_MSG(test, (int)out->first, (int)want,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->first),
			    defer_result_name(want));
	KUNIT_EXPECT_EQ_MSG(test, out->asked, row->asked,
			    "of_xlate calls by the first attempt");
	KUNIT_EXPECT_EQ_MSG(test, out->first_faults, 0U, "broken: %s",
			    defer_fault_names(out->first_faults, faults,
					      sizeof(faults)));
}

/*
 * Before the end of init, a master waits exactly if its IOMMU may still come, and
 * no driver is asked before it is clear that the master can have all that it names
 */
static void before_end_of_init(struct kunit *test)
{
	const struct defer_row *row = test->param_value;

	defer_row_judge(test, row, row->before ?: row->want,
			&defer_early[row - defer_rows]);
}

/* After the end of init nobody waits for an IOMMU that hasn't come */
static void after_end_of_init(struct kunit *test)
{
	const struct defer_row *row = test->param_value;
	struct defer_outcome out;

	defer_row_play(row, &out);
	defer_row_judge(test, row, row->want, &out);
}

static void defer_next_judge(struct kunit *test, const struct defer_row *row,
			     enum defer_result first,
			     const struct defer_outcome *out)
{
	char faults[DEFER_FAULT_NAMES_SIZE];
	unsigned int asked = 0;

	/* For each specifier of a master that can have all, but only once */
	if (first != DEFER_OPS && row->next == DEFER_OPS)
		asked = row->second == SECOND_NONE ? 1 : 2;
	/* Or for those before the one of another driver, if that shows so late */
	if (defer_row_differs(row) && DEFER_ASKED_DIFFERENT_DRIVERS)
		asked = row->third == SECOND_NONE ? 1 : 2;

	defer_row_assert_played(test, row, out);
	KUNIT_EXPECT_EQ_MSG(test, (int)out->next, (int)row->next,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->next),
			    defer_result_name(row->next));
	KUNIT_EXPECT_EQ_MSG(test, (int)out->again, (int)row->next,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->again),
			    defer_result_name(row->next));
	KUNIT_EXPECT_EQ_MSG(test, out->xlate_calls, asked,
			    "of_xlate calls by the next attempt");
	KUNIT_EXPECT_EQ_MSG(test, out->faults, 0U, "broken: %s",
			    defer_fault_names(out->faults, faults,
					      sizeof(faults)));
}

/*
 * A failed attempt leaves nothing behind: the next one gives what a first one
 * would.  A success lasts: of_xlate isn't called again.  In the end all groups,
 * domains and device nodes are released.
 */
static void next_attempt(struct kunit *test)
{
	const struct defer_row *row = test->param_value;
	struct defer_outcome out;

	defer_next_judge(test, row, row->before ?: row->want,
			 &defer_early[row - defer_rows]);
	defer_row_play(row, &out);
	defer_next_judge(test, row, row->want, &out);
}

static void defer_row_desc(const struct defer_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(defer_row, defer_rows, defer_row_desc);

static int defer_init(struct kunit *test)
{
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

	return 0;
}

static struct kunit_case defer_cases[] = {
	KUNIT_CASE_PARAM(before_end_of_init, defer_row_gen_params),
	KUNIT_CASE_PARAM(after_end_of_init, defer_row_gen_params),
	KUNIT_CASE_PARAM(next_attempt, defer_row_gen_params),
	{}
};

/*
 * The decision table for one specifier.  The fixture is a scene: an IOMMU node,
 * its registration with the IOMMU core, and a master without a driver.
 */
static struct kunit_suite defer_suite = {
	.name = "iommu_defer",
	.init = defer_init,
	.test_cases = defer_cases,
};

kunit_test_suites(&defer_suite);
