// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: an IOMMU registers that can't have one of
 * its devices, and one unregisters while another device asks for it.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_core.h"

#define SUITE		"iommu_defer_register"

/**
 * struct register_fixture - fixture: two masters of an IOMMU that isn't registered
 * @topology: its nodes; its master is the one that probe_device() fails for
 * @other: the other master
 */
struct register_fixture {
	struct test_topology topology;
	struct device *other;
};

/* What probe_device() returns, and what is wanted of the registration */
struct register_case {
	const char *name;
	int err;
	int want;
};

static const struct register_case register_cases[] = {
	{ "C6 probe_device defers", -EPROBE_DEFER, 0 },
	{ "C7 probe_device fails", -EINVAL, 0 },
	{ "C7 probe_device refuses", -ENODEV, 0 },
	/* Not the fault of the device */
	{ "C7 out of memory", -ENOMEM, -ENOMEM },
};

static void register_case_desc(const struct register_case *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(register_case, register_cases, register_case_desc);

/*
 * C6, C7: the first device that an IOMMU finds is one that it can't serve for
 * now.  The IOMMU is there for the other device, and later for that one, too.
 */
static void device_fails_as_iommu_registers(struct kunit *test)
{
	const struct register_case *row = test->param_value;
	struct register_fixture *priv = test->priv;
	struct device *dev = priv->topology.master;

	fake_core.fails_for = dev;
	fake_driver.add_ret = row->err;
	KUNIT_EXPECT_EQ(test, fake_core_register(&priv->topology.iommu[0]),
			row->want);
	EXPECT_NO_FAULTS(test, check_invariants(dev, UNTRANSLATED));
	EXPECT_NO_FAULTS(test, check_invariants(priv->other, row->want ?
						UNTRANSLATED : TRANSLATED));

	/* By now it can be served */
	fake_driver.add_ret = 0;
	if (!priv->topology.iommu[0].registered)
		KUNIT_ASSERT_EQ(test,
				fake_core_register(&priv->topology.iommu[0]), 0);
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	EXPECT_NO_FAULTS(test, check_invariants(priv->other, TRANSLATED));
}

/* An attempt that is made while the IOMMU is going, by another thread */
static struct register_retry {
	struct device *dev;
	enum attempt_result result;
	struct work_struct work;
	struct completion done;
} register_retry;

static void register_try(struct work_struct *work)
{
	struct register_retry *retry = &register_retry;

	retry->result = try_configure(retry->dev, retry->dev->of_node);
	complete(&retry->done);
}

/* Who has waited for its lock while this slept has it before the next one goes */
static void register_released(struct device *dev)
{
	if (dev == register_retry.dev)
		schedule_work(&register_retry.work);
	schedule_timeout_uninterruptible(HZ / 20);
}

/*
 * C55: a device that an IOMMU has let go of because it unregisters does not come
 * back to it while it lets go of the others.
 */
static void device_returns_as_iommu_goes(struct kunit *test)
{
	struct register_fixture *priv = test->priv;
	struct fake_iommu *iommu = &priv->topology.iommu[0];
	struct device *dev = priv->topology.master;

	KUNIT_ASSERT_EQ(test, fake_core_register(iommu), 0);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	EXPECT_NO_FAULTS(test, check_invariants(priv->other, TRANSLATED));

	INIT_WORK(&register_retry.work, register_try);
	init_completion(&register_retry.done);
	register_retry.dev = dev;
	register_retry.result = NOT_RUN;
	fake_core.released = register_released;
	fake_iommu_unregister(iommu);
	fake_core.released = NULL;
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&register_retry.done,
							    5 * HZ));

	EXPECT_RESULT(test, register_retry.result, UNTRANSLATED);
	EXPECT_NO_FAULTS(test, check_invariants(dev, UNTRANSLATED));
	EXPECT_NO_FAULTS(test, check_invariants(priv->other, UNTRANSLATED));
}

static struct device *register_add_master(struct kunit *test)
{
	struct register_fixture *priv = test->priv;
	struct device *dev = test_master_add(priv->topology.master_np, NULL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	return dev;
}

static int register_init(struct kunit *test)
{
	struct register_fixture *priv;

	test->priv = NULL;
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	fake_driver_reset();
	fake_core_reset();
	fake_core.answers = true;
	test_topology_init(&priv->topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	/* An IOMMU looks at its devices in the order in which they were added */
	priv->topology.master = register_add_master(test);
	priv->other = register_add_master(test);
	return 0;
}

static void register_exit(struct kunit *test)
{
	struct register_fixture *priv = test->priv;
	unsigned int faults = 0;

	if (!priv)
		return;

	if (priv->other)
		faults = test_master_remove(priv->other);
	faults |= test_topology_destroy(&priv->topology);
	EXPECT_NO_FAULTS(test, faults | fake_driver.faults);
	fake_driver_reset();
	fake_core_reset();
}

static struct kunit_case register_tests[] = {
	KUNIT_CASE_PARAM(device_fails_as_iommu_registers,
			 register_case_gen_params),
	KUNIT_CASE(device_returns_as_iommu_goes),
	{}
};

/* The fixture is two masters of an IOMMU that isn't registered. */
static struct kunit_suite register_suite = {
	.name = SUITE,
	.init = register_init,
	.exit = register_exit,
	.test_cases = register_tests,
};

kunit_test_suites(&register_suite);
