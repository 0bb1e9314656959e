// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: the decision table.
 *
 * What becomes of a master is decided by the state of the IOMMUs that it names,
 * and by whether the kernel still waits for suppliers.  Each row of the table
 * is put to of_iommu_configure(), with nodes that really are in the device tree
 * and a fake IOMMU driver behind the real IOMMU core, once by an initcall while
 * drivers may still come, and once by KUnit after the end of init.
 *
 * The other files of these tests:
 *
 *   iommu_defer_table.h         the rows of the decision table
 *   iommu_defer_case.[ch]       how a row is put to the kernel
 *   iommu_defer.h, _fixture.c   device nodes, masters, topologies, invariants
 *   iommu_defer_log.c           what the log says about a master
 *   iommu_defer_fake.c          the fake IOMMU driver, and in _fake_core.c what
 *                               of it depends on this kernel's IOMMU core
 *   iommu_defer_compat.h        all else that depends on the kernel
 *   iommu_defer_*_kunit.c       the other suites, one file each
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_case.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_table.h"

#define SUITE	"iommu_defer"

/* What happened before the end of init, for the tests to judge. */
static struct case_outcome *cases_early;

static int __init run_cases_early(void)
{
	unsigned int i;

	if (suite_is_off(SUITE))
		return 0;

	cases_early = kcalloc(ARRAY_SIZE(defer_cases), sizeof(*cases_early),
			      GFP_KERNEL);
	for (i = 0; cases_early && i < ARRAY_SIZE(defer_cases); i++)
		run_case(&defer_cases[i], try_configure, &cases_early[i]);

	return 0;
}
device_initcall(run_cases_early);

static void assert_case_was_run(struct kunit *test, const struct defer_case *row,
				const struct case_outcome *out)
{
	if (case_names(row, READY_OTHER_DRIVER) && out->err == -EBUSY)
		kunit_skip(test, "the IOMMU core takes one driver only");

	KUNIT_ASSERT_EQ(test, out->err, 0);
}

static void expect_first_attempt(struct kunit *test,
				 const struct defer_case *row,
				 enum attempt_result want,
				 const struct case_outcome *out)
{
	assert_case_was_run(test, row, out);
	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->name,
		   attempt_result_name(want), attempt_result_name(out->first));

	EXPECT_RESULT(test, out->first, want);
	KUNIT_EXPECT_EQ_MSG(test, out->asked, row->asked,
			    "of_xlate calls by the first attempt");
	EXPECT_NO_FAULTS(test, out->first_faults);
}

/*
 * Before the end of init, a master waits exactly if its IOMMU may still come, and
 * no driver is asked before it is clear that the master can have all that it names
 */
static void before_end_of_init(struct kunit *test)
{
	const struct defer_case *row = test->param_value;

	KUNIT_ASSERT_NOT_NULL(test, cases_early);
	expect_first_attempt(test, row, case_before(row),
			     &cases_early[row - defer_cases]);
}

/* After the end of init nobody waits for an IOMMU that hasn't come */
static void after_end_of_init(struct kunit *test)
{
	const struct defer_case *row = test->param_value;
	struct case_outcome out;

	run_case(row, try_configure, &out);
	expect_first_attempt(test, row, row->after, &out);
}

/* What of_dma_configure() makes of the same, and passes on to the driver core */
static void with_dma_ops(struct kunit *test)
{
	const struct defer_case *row = test->param_value;
	struct case_outcome out;

	run_case(row, attempt_dma_configure, &out);
	expect_first_attempt(test, row, row->after, &out);
	EXPECT_RESULT(test, out.next, row->next);
	EXPECT_NO_FAULTS(test, out.faults);
}

/* Nothing is to be learnt from what is said of an attempt that went wrong */
static void expect_said(struct kunit *test, const struct defer_case *row,
			enum attempt_result want,
			const struct case_outcome *out)
{
	assert_case_was_run(test, row, out);
	EXPECT_RESULT(test, out->first, want);
	KUNIT_EXPECT_TRUE_MSG(test, case_said_enough(row, want, out->said),
			      "%s, %u lines of the log",
			      attempt_result_name(want), out->said);
}

/*
 * A master that goes on without an IOMMU that is enabled is said so once for each
 * attempt; one that is translated, waits or has none isn't mentioned
 */
static void said_once(struct kunit *test)
{
	const struct defer_case *row = test->param_value;
	struct case_outcome out;

	KUNIT_ASSERT_NOT_NULL(test, cases_early);
	expect_said(test, row, case_before(row),
		    &cases_early[row - defer_cases]);
	run_case(row, try_configure, &out);
	expect_said(test, row, row->after, &out);
}

/* How often of_xlate is called when all IOMMUs are there */
static unsigned int asked_next(const struct defer_case *row,
			       enum attempt_result first)
{
	unsigned int i, specifiers = 0;

	for (i = 0; i < TOPOLOGY_IOMMUS && row->iommu[i]; i++) {
		if (row->iommu[i] != EMPTY_ENTRY)
			specifiers++;
		/* Refused each time, and nobody is asked after that */
		if (row->iommu[i] == ZERO_CELLS || row->iommu[i] == WRONG_CELLS)
			return specifiers;
	}

	/* Once for each specifier of a master that can have all */
	return first != TRANSLATED && row->next == TRANSLATED ? specifiers : 0;
}

static void expect_next_attempt(struct kunit *test, const struct defer_case *row,
				enum attempt_result first,
				const struct case_outcome *out)
{
	assert_case_was_run(test, row, out);
	EXPECT_RESULT(test, out->next, row->next);
	EXPECT_RESULT(test, out->again, row->next);
	KUNIT_EXPECT_EQ_MSG(test, out->next_asked, asked_next(row, first),
			    "of_xlate calls by the next attempt");
	EXPECT_NO_FAULTS(test, out->faults);
}

/*
 * C50, C51, C54: a failed attempt leaves nothing behind, the next one gives what
 * a first one would.  A success lasts: of_xlate isn't called again.  In the end
 * all groups, domains and device nodes are released.
 */
static void next_attempt(struct kunit *test)
{
	const struct defer_case *row = test->param_value;
	struct case_outcome out;

	KUNIT_ASSERT_NOT_NULL(test, cases_early);
	expect_next_attempt(test, row, case_before(row),
			    &cases_early[row - defer_cases]);
	run_case(row, try_configure, &out);
	expect_next_attempt(test, row, row->after, &out);
}

static void case_desc(const struct defer_case *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(defer_case, defer_cases, case_desc);

static int table_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	return 0;
}

static struct kunit_case table_tests[] = {
	KUNIT_CASE_PARAM(before_end_of_init, defer_case_gen_params),
	KUNIT_CASE_PARAM(after_end_of_init, defer_case_gen_params),
	KUNIT_CASE_PARAM(with_dma_ops, defer_case_gen_params),
	KUNIT_CASE_PARAM(said_once, defer_case_gen_params),
	KUNIT_CASE_PARAM(next_attempt, defer_case_gen_params),
	{}
};

/* The decision table.  Each row is a topology of its own, gone before the next. */
static struct kunit_suite table_suite = {
	.name = SUITE,
	.init = table_init,
	.test_cases = table_tests,
};

kunit_test_suites(&table_suite);
