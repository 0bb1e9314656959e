// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: IOMMUs that are mandatory.
 *
 * Whoever runs the kernel may demand that no master runs untranslated whose
 * IOMMU the device tree has enabled.  The decision table has a column for that;
 * and where a probe has to fail, the driver must not be called at all.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/of_iommu.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_table.h"

/* What happened before the end of init, for the tests to judge. */
static struct defer_outcome defer_early[DEFER_ROWS];
static bool defer_default;

static int __init defer_policy_early(void)
{
	unsigned int i;

	if (defer_scenario())
		return 0;

	defer_default = of_iommu_mandatory;
	of_iommu_mandatory = true;
	for (i = 0; i < DEFER_ROWS; i++)
		defer_row_play(&defer_rows[i], &defer_early[i]);
	of_iommu_mandatory = defer_default;

	return 0;
}
device_initcall(defer_policy_early);

static void defer_policy_judge(struct kunit *test, const struct defer_row *row,
			       enum defer_result want,
			       const struct defer_outcome *out)
{
	char faults[DEFER_FAULT_NAMES_SIZE];

	KUNIT_ASSERT_EQ(test, out->err, 0);
	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->name,
		   defer_result_name(want), defer_result_name(out->first));

	KUNIT_EXPECT_EQ_MSG(test, (int)out->first, (int)want,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(out->first),
			    defer_result_name(want));
	KUNIT_EXPECT_EQ_MSG(test, out->first_faults | out->faults, 0U,
			    "broken: %s",
			    defer_fault_names(out->first_faults | out->faults,
					      faults, sizeof(faults)));
	/* With all that was missing there, policy makes no difference */
	if (row->next == DEFER_OPS)
		KUNIT_EXPECT_EQ(test, (int)out->next, (int)DEFER_OPS);
}

/* Before the end of init, who has to wait waits, and who waits in vain fails */
static void mandatory_before_end_of_init(struct kunit *test)
{
	const struct defer_row *row = test->param_value;
	enum defer_result want = row->mandatory ?: row->want;

	if (row->before == DEFER_WAIT)
		want = DEFER_WAIT;

	defer_policy_judge(test, row, want, &defer_early[row - defer_rows]);
}

/* After it, to run without an IOMMU is for those that the device tree lets */
static void mandatory_after_end_of_init(struct kunit *test)
{
	const struct defer_row *row = test->param_value;
	struct defer_outcome out;

	of_iommu_mandatory = true;
	defer_row_play(row, &out);
	defer_policy_judge(test, row, row->mandatory ?: row->want, &out);
}

static void defer_row_desc(const struct defer_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(defer_row, defer_rows, defer_row_desc);

/* IOMMUs are optional unless the configuration says otherwise */
static void optional_by_default(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, defer_default,
			IS_ENABLED(CONFIG_IOMMU_DEFAULT_MANDATORY));
}

/**
 * struct defer_policy - fixture: a master with a driver, and its IOMMU
 * @scene: their nodes
 * @master: what the driver does and sees
 */
struct defer_policy {
	struct defer_scene scene;
	struct defer_master master;
};

static void defer_policy_add(struct kunit *test)
{
	struct defer_policy *priv = test->priv;
	struct device *dev;

	KUNIT_ASSERT_EQ(test, defer_scene_build(&priv->scene), 0);
	dev = defer_master_add(priv->scene.master_np, &priv->master);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	priv->scene.master = dev;
}

static void defer_policy_expect_refused(struct kunit *test)
{
	struct defer_policy *priv = test->priv;

	KUNIT_EXPECT_FALSE(test, defer_master_bound(priv->scene.master));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 0U);
	KUNIT_EXPECT_FALSE(test, defer_iommu_dma_ops(priv->scene.master));
}

/* Nothing is left of the refusal once the IOMMU is there. */
static void defer_policy_expect_recovers(struct kunit *test)
{
	struct defer_policy *priv = test->priv;
	struct device *dev = priv->scene.master;

	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 1U);
	KUNIT_EXPECT_EQ(test, (int)priv->master.result, (int)DEFER_OPS);
	KUNIT_EXPECT_TRUE(test, priv->master.reaches);
	KUNIT_EXPECT_EQ(test, priv->master.faults, 0U);
}

/* A driver isn't called for a master whose IOMMU never came */
static void no_driver_without_iommu(struct kunit *test)
{
	struct defer_policy *priv = test->priv;

	of_iommu_mandatory = true;
	defer_policy_add(test);
	defer_policy_expect_refused(test);

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_policy_expect_recovers(test);
}

/* Nor for one whose IOMMU is there, but has no domain for it (fail closed) */
static void no_driver_without_domain(struct kunit *test)
{
	struct defer_policy *priv = test->priv;

	of_iommu_mandatory = true;
	defer_fake.no_domains = true;
	KUNIT_ASSERT_EQ(test, defer_scene_build(&priv->scene), 0);
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	priv->scene.master = defer_master_add(priv->scene.master_np,
					      &priv->master);
	KUNIT_ASSERT_FALSE(test, IS_ERR(priv->scene.master));
	defer_policy_expect_refused(test);
}

/* A disabled IOMMU is the device tree's own decision: the driver is called */
static void driver_without_disabled_iommu(struct kunit *test)
{
	struct defer_policy *priv = test->priv;

	of_iommu_mandatory = true;
	priv->scene.status = "disabled";
	defer_policy_add(test);
	KUNIT_EXPECT_TRUE(test, defer_master_bound(priv->scene.master));
	KUNIT_EXPECT_EQ(test, (int)priv->master.result, (int)DEFER_NO_IOMMU);
	KUNIT_EXPECT_TRUE(test, priv->master.reaches);
}

static int defer_policy_init(struct kunit *test)
{
	struct defer_policy *priv;

	test->priv = NULL;
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	defer_fake_reset();
	defer_scene_init(&priv->scene);
	init_completion(&priv->master.attempted);
	return 0;
}

static void defer_policy_exit(struct kunit *test)
{
	struct defer_policy *priv = test->priv;

	of_iommu_mandatory = defer_default;
	if (!priv)
		return;

	KUNIT_EXPECT_EQ(test, defer_scene_destroy(&priv->scene) |
			defer_fake.faults, 0U);
	defer_fake_reset();
}

static struct kunit_case defer_policy_cases[] = {
	KUNIT_CASE_PARAM(mandatory_before_end_of_init, defer_row_gen_params),
	KUNIT_CASE_PARAM(mandatory_after_end_of_init, defer_row_gen_params),
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
static struct kunit_suite defer_policy_suite = {
	.name = "iommu_defer_policy",
	.init = defer_policy_init,
	.exit = defer_policy_exit,
	.test_cases = defer_policy_cases,
};

kunit_test_suites(&defer_policy_suite);
