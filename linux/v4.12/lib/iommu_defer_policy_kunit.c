// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: IOMMUs that are mandatory.
 *
 * With iommu.mandatory=1 no master runs untranslated whose IOMMU the device tree
 * has enabled.  The decision table has a column for that, which is put to
 * of_dma_configure(); and where a probe has to fail, the driver must not be
 * called at all.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/of_iommu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_case.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_map_table.h"
#include "iommu_defer_table.h"

#define SUITE	"iommu_defer_policy"

/* What happened before the end of init, for the tests to judge. */
static struct case_outcome *policy_early;
static bool policy_at_boot;

static int __init run_policy_early(void)
{
	unsigned int i;

	policy_at_boot = of_iommu_mandatory;
	if (suite_is_off(SUITE))
		return 0;

	policy_early = kcalloc(ARRAY_SIZE(defer_cases), sizeof(*policy_early),
			       GFP_KERNEL);
	of_iommu_mandatory = true;
	for (i = 0; policy_early && i < ARRAY_SIZE(defer_cases); i++)
		run_case(&defer_cases[i], attempt_dma_configure,
			 &policy_early[i]);
	of_iommu_mandatory = policy_at_boot;

	return 0;
}
device_initcall(run_policy_early);

static void expect_mandatory(struct kunit *test, const struct defer_case *row,
			     enum attempt_result want,
			     const struct case_outcome *out)
{
	KUNIT_ASSERT_EQ(test, out->err, 0);
	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->name,
		   attempt_result_name(want), attempt_result_name(out->first));

	EXPECT_RESULT(test, out->first, want);
	EXPECT_NO_FAULTS(test, out->first_faults | out->faults);
	/* With all that was missing there, policy makes no difference */
	if (row->next == TRANSLATED)
		EXPECT_RESULT(test, out->next, TRANSLATED);
}

/* Before the end of init a master waits if its IOMMU may come, else it fails */
static void mandatory_before_end_of_init(struct kunit *test)
{
	const struct defer_case *row = test->param_value;

	KUNIT_ASSERT_NOT_NULL(test, policy_early);
	expect_mandatory(test, row,
			 row->before == DEFERRED ? DEFERRED : row->mandatory,
			 &policy_early[row - defer_cases]);
}

/*
 * After it only masters whose device tree says so run without an IOMMU, and
 * none waits unless a driver that is there asks for it
 */
static void mandatory_after_end_of_init(struct kunit *test)
{
	const struct defer_case *row = test->param_value;
	struct case_outcome out;

	of_iommu_mandatory = true;
	run_case(row, attempt_dma_configure, &out);
	expect_mandatory(test, row, row->mandatory, &out);
}

static void case_desc(const struct defer_case *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(defer_case, defer_cases, case_desc);

#ifdef CONFIG_PCI
/* What the table of "iommu-map" has in the same column */
static void mandatory_map(struct kunit *test)
{
	const struct map_case *row = test->param_value;
	struct map_outcome out;

	of_iommu_mandatory = true;
	map_case_run(row, attempt_dma_configure, &out);
	KUNIT_ASSERT_EQ(test, out.err, 0);
	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->desc,
		   attempt_result_name(row->mandatory),
		   attempt_result_name(out.first));
	EXPECT_RESULT(test, out.first, row->mandatory);
	EXPECT_NO_FAULTS(test, out.faults);
	if (row->next == TRANSLATED)
		EXPECT_RESULT(test, out.next, TRANSLATED);
}

static void map_case_desc(const struct map_case *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->desc);
}

KUNIT_ARRAY_PARAM(map_case, map_cases, map_case_desc);
#endif

/* IOMMUs are optional if neither configuration nor command line says otherwise */
static void optional_by_default(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_IOMMU_DEFAULT_MANDATORY) ||
	    strstr(saved_command_line, "iommu.mandatory="))
		kunit_skip(test, "this kernel was told what to do");

	KUNIT_EXPECT_FALSE(test, policy_at_boot);
}

/**
 * struct policy_fixture - fixture: a master with a driver, and its IOMMU
 * @topology: their nodes
 * @master: what the driver does and sees
 */
struct policy_fixture {
	struct test_topology topology;
	struct test_master master;
};

static void policy_build(struct kunit *test, bool registered)
{
	struct policy_fixture *priv = test->priv;
	struct test_topology *topology = &priv->topology;
	struct device *dev;

	of_iommu_mandatory = true;
	KUNIT_ASSERT_EQ(test, test_topology_build(topology), 0);
	if (registered)
		KUNIT_ASSERT_EQ(test, fake_iommu_register(&topology->iommu[0]),
				0);
	dev = test_master_add(topology->master_np, &priv->master);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	topology->master = dev;
}

static void policy_expect_refused(struct kunit *test)
{
	struct policy_fixture *priv = test->priv;

	KUNIT_EXPECT_FALSE(test, test_master_bound(priv->topology.master));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 0U);
	KUNIT_EXPECT_FALSE(test, has_iommu_dma_ops(priv->topology.master));
}

/* Nothing is left of the refusal once the IOMMU is there. */
static void policy_expect_recovers(struct kunit *test)
{
	struct policy_fixture *priv = test->priv;
	struct device *dev = priv->topology.master;

	/* It has been refused, and doesn't wait */
	KUNIT_ASSERT_EQ(test, retry_deferred(), 0);
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 0U);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 1U);
	EXPECT_RESULT(test, priv->master.result, TRANSLATED);
	KUNIT_EXPECT_TRUE(test, priv->master.reaches);
	EXPECT_NO_FAULTS(test, priv->master.faults);
}

/* C3: a driver isn't called for a master whose IOMMU never came */
static void no_driver_without_iommu(struct kunit *test)
{
	struct policy_fixture *priv = test->priv;

	policy_build(test, false);
	policy_expect_refused(test);

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	policy_expect_recovers(test);
}

/* Nor for one whose IOMMU is there, but has no domain for it (fail closed) */
static void no_driver_without_domain(struct kunit *test)
{
	fake_driver.no_domains = true;
	policy_build(test, true);
	policy_expect_refused(test);
}

/* C1: a disabled IOMMU is the device tree's own decision: the driver is called */
static void driver_without_disabled_iommu(struct kunit *test)
{
	struct policy_fixture *priv = test->priv;

	priv->topology.state[0] = DISABLED;
	policy_build(test, false);
	KUNIT_EXPECT_TRUE(test, test_master_bound(priv->topology.master));
	EXPECT_RESULT(test, priv->master.result, UNTRANSLATED);
	KUNIT_EXPECT_TRUE(test, priv->master.reaches);
}

static int policy_init(struct kunit *test)
{
	struct policy_fixture *priv;

	test->priv = NULL;
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	fake_driver_reset();
	test_topology_init(&priv->topology);
	init_completion(&priv->master.attempted);
	return 0;
}

static void policy_exit(struct kunit *test)
{
	struct policy_fixture *priv = test->priv;

	of_iommu_mandatory = policy_at_boot;
	if (!priv)
		return;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology) |
			 fake_driver.faults);
	fake_driver_reset();
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE_PARAM(mandatory_before_end_of_init, defer_case_gen_params),
	KUNIT_CASE_PARAM(mandatory_after_end_of_init, defer_case_gen_params),
#ifdef CONFIG_PCI
	KUNIT_CASE_PARAM(mandatory_map, map_case_gen_params),
#endif
	KUNIT_CASE(optional_by_default),
	KUNIT_CASE(no_driver_without_iommu),
	KUNIT_CASE(no_driver_without_domain),
	KUNIT_CASE(driver_without_disabled_iommu),
	{}
};

/*
 * The decision table where IOMMUs are mandatory, and what the driver core makes
 * of it.  The policy is as it was when a test ends.
 */
static struct kunit_suite policy_suite = {
	.name = SUITE,
	.init = policy_init,
	.exit = policy_exit,
	.test_cases = policy_cases,
};

kunit_test_suites(&policy_suite);
