// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: an IOMMU that registers looks at all devices.
 *
 * What it passes over, as somebody has locked the device or is to have a say in it
 * first; what others find while it is at it; what it says, and what it keeps.
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_core.h"

#define SUITE		"iommu_defer_walk"

/**
 * struct walk_fixture - fixture: a master and its IOMMUs, none registered
 * @topology: their nodes
 * @data: what its driver sees, for a master that has one
 */
struct walk_fixture {
	struct test_topology topology;
	struct test_master data;
};

/* Its first attempt, if it has a driver, is over when this returns */
static struct device *walk_add(struct kunit *test, struct test_master *data)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev;

	dev = test_master_add(priv->topology.master_np, data);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	priv->topology.master = dev;
	return dev;
}

static void walk_register(struct kunit *test, int i)
{
	struct walk_fixture *priv = test->priv;

	KUNIT_ASSERT_EQ(test, fake_core_register(&priv->topology.iommu[i]), 0);
}

/* While somebody has locked a device */
static void walk_register_locked(struct kunit *test, int i, struct device *dev)
{
	struct walk_fixture *priv = test->priv;
	int err;

	device_lock(dev);
	err = fake_core_register(&priv->topology.iommu[i]);
	device_unlock(dev);
	KUNIT_ASSERT_EQ(test, err, 0);
}

static void walk_set_ready(struct kunit *test, int i, bool ready)
{
	struct walk_fixture *priv = test->priv;

	WRITE_ONCE(priv->topology.iommu[i].iommu.ready, ready);
}

static bool walk_has_group(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);

	iommu_group_put(group);
	return group;
}

/* A fwspec with an id, and no group, as somebody has it who is not done yet */
static int walk_make_fwspec(struct kunit *test, struct device *dev)
{
	struct walk_fixture *priv = test->priv;
	u32 id = 1;
	int err;

	mutex_lock(&iommu_probe_device_lock);
	err = iommu_fwspec_init(dev, of_fwnode_handle(priv->topology.iommu[0].np));
	err = err ?: iommu_fwspec_add_ids(dev, &id, 1);
	mutex_unlock(&iommu_probe_device_lock);

	return err;
}

/*
 * C53: an IOMMU that registers passes over a device that somebody has locked, be it
 * this thread: that one is about to configure it
 */
static void locked_device_is_passed_over(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev = walk_add(test, NULL);

	walk_register(test, 1);
	fake_core.answers = true;
	walk_register_locked(test, 0, dev);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
	KUNIT_EXPECT_FALSE(test, walk_has_group(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, UNTRANSLATED));

	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
}

/* C52, C53: nor is it asked for one whose fwspec is being made */
static void locked_fwspec_is_passed_over(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev = walk_add(test, NULL);

	walk_register(test, 0);
	KUNIT_ASSERT_EQ(test, walk_make_fwspec(test, dev), 0);
	fake_core.answers = true;
	walk_register_locked(test, 1, dev);
	KUNIT_EXPECT_EQ(test, fake_driver.add_calls, 0U);
	KUNIT_EXPECT_FALSE(test, walk_has_group(dev));

	free_third_party_fwspec(dev);
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
}

/* C3: whoever makes a fwspec on its own waits for the IOMMU to be ready, too */
static void fwspec_waits_for_iommu(struct kunit *test)
{
	struct device *dev = walk_add(test, NULL);

	walk_register(test, 0);
	walk_set_ready(test, 0, false);
	KUNIT_EXPECT_EQ(test, walk_make_fwspec(test, dev), -EPROBE_DEFER);
	walk_set_ready(test, 0, true);
	KUNIT_EXPECT_EQ(test, walk_make_fwspec(test, dev), 0);
	free_third_party_fwspec(dev);
}

/* Instead of the fixture: two masters without a driver, of one IOMMU */
static struct device *walk_two_masters(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *other;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	test_topology_init(&priv->topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	walk_add(test, NULL);
	other = test_master_add(priv->topology.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	fake_core.answers = true;
	return other;
}

/*
 * C53: no driver can bind before an IOMMU is through with a device that it finds when
 * it registers, or that is added.
 */
static void device_is_locked_while_asked(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *added, *other = walk_two_masters(test);

	walk_register(test, 0);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 2U);
	added = test_master_add(priv->topology.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(added));
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 3U);
	KUNIT_EXPECT_EQ(test, fake_core.unlocked, 0U);
	EXPECT_NO_FAULTS(test, test_master_remove(added) |
			 test_master_remove(other));
}

/* What comes of an attempt while an IOMMU registers, at a device of its own */
static struct walk_attempt {
	struct device *dev;
	enum attempt_result result;
} walk_attempt;

/* The thread that registers lets go of this lock between two devices. */
static void walk_attempt_by_other(struct device *dev)
{
	if (dev != fake_core.fails_for)
		return;

	mutex_unlock(&iommu_probe_device_lock);
	walk_attempt.result = try_configure(walk_attempt.dev,
					    walk_attempt.dev->of_node);
	mutex_lock(&iommu_probe_device_lock);
}

/*
 * C3, C53: an IOMMU that registers has found a device which another one had passed
 * over, and is to give it its domain.  A driver of that device waits until it has.
 */
static void driver_waits_for_another(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *other = walk_two_masters(test);
	struct device *dev = priv->topology.master;
	struct test_topology second;

	fake_core.fails_for = dev;
	fake_driver.add_ret = -ENODEV;
	KUNIT_ASSERT_EQ(test, fake_core_register(&priv->topology.iommu[0]), 0);

	fake_driver.add_ret = 0;
	test_topology_init(&second);
	KUNIT_EXPECT_EQ(test, test_topology_build(&second), 0);
	second.master = test_master_add(second.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(second.master));
	fake_core.fails_for = second.master;
	walk_attempt.dev = dev;
	walk_attempt.result = NOT_RUN;
	fake_core.probing = walk_attempt_by_other;
	KUNIT_EXPECT_EQ(test, fake_core_register(&second.iommu[0]), 0);
	fake_core.probing = NULL;
	EXPECT_RESULT(test, walk_attempt.result, DEFERRED);

	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	EXPECT_NO_FAULTS(test, test_topology_destroy(&second) |
			 test_master_remove(other));
}

static struct iommu_domain *walk_no_domain(struct device *dev)
{
	return NULL;
}

/*
 * C53, C54: an IOMMU that registers finds a device of another one, which has no
 * domain for it.  That isn't the fault of the one that registers.
 */
static void registers_if_another_has_no_domain(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct iommu_device *iommu = &priv->topology.iommu[0].iommu;
	struct device *dev, *other = walk_two_masters(test);
	const struct iommu_ops *ops;
	struct test_topology second;
	struct iommu_ops no_domain;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA)) {
		EXPECT_NO_FAULTS(test, test_master_remove(other));
		kunit_skip(test, "no group needs a domain of its driver");
	}

	dev = priv->topology.master;
	fake_core.fails_for = dev;
	fake_driver.add_ret = -ENODEV;
	KUNIT_ASSERT_EQ(test, fake_core_register(&priv->topology.iommu[0]), 0);
	fake_driver.add_ret = 0;
	ops = iommu->ops;
	no_domain = *ops;
	no_domain.domain_alloc_paging = walk_no_domain;
	iommu->ops = &no_domain;

	test_topology_init(&second);
	KUNIT_EXPECT_EQ(test, test_topology_build(&second), 0);
	KUNIT_EXPECT_EQ(test, fake_core_register(&second.iommu[0]), 0);
	KUNIT_EXPECT_TRUE(test, walk_has_group(dev));
	KUNIT_EXPECT_FALSE(test, is_translated(dev));

	iommu->ops = ops;
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	EXPECT_NO_FAULTS(test, test_topology_destroy(&second) |
			 test_master_remove(other));
}

/* What a master names beside the IOMMU that registers */
static const struct walk_silent {
	const char *name;
	enum iommu_state second;
} walk_silents[] = {
	{ "C5 nothing", NONE },
	{ "C11 one that is missing", PENDING },
	{ "C8 what can't be parsed", DANGLING },
};

static void walk_silent_desc(const struct walk_silent *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(walk_silent, walk_silents, walk_silent_desc);

/*
 * D26: what an IOMMU finds out about a device as it registers is said when a driver
 * binds, if that finds the same.  An IOMMU that comes then says nothing of it.
 */
static void asks_silently(struct kunit *test)
{
	const struct walk_silent *row = test->param_value;
	struct walk_fixture *priv = test->priv;
	struct device *dev;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	test_topology_init(&priv->topology);
	priv->topology.state[1] = row->second;
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	dev = walk_add(test, NULL);
	fake_core.answers = true;
	test_log_watch(dev);
	walk_register(test, 0);
	KUNIT_EXPECT_EQ_MSG(test, test_log_lines(), 0U, "lines of the log");
	KUNIT_EXPECT_EQ(test, walk_has_group(dev), row->second == NONE);
}

/*
 * C31: that an IOMMU has come too late is said of a master that is bound, once,
 * however often that was bound without it
 */
static void late_iommu_is_said_once(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev;

	walk_register(test, 0);
	dev = walk_add(test, &priv->data);
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	EXPECT_RESULT(test, priv->data.result, UNTRANSLATED);
	test_log_watch(dev);
	walk_register(test, 1);
	KUNIT_EXPECT_EQ_MSG(test, test_log_lines(), 1U, "lines of the log");
	EXPECT_NO_FAULTS(test, check_invariants(dev, UNTRANSLATED));
}

/* C31: it is not too late for a master that has been unbound since */
static void late_iommu_is_in_time_for_unbound(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev;

	walk_register(test, 0);
	dev = walk_add(test, &priv->data);
	EXPECT_RESULT(test, priv->data.result, UNTRANSLATED);
	device_release_driver(dev);
	test_log_watch(dev);
	walk_register(test, 1);
	KUNIT_EXPECT_EQ_MSG(test, test_log_lines(), 0U, "lines of the log");
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	EXPECT_RESULT(test, priv->data.result, TRANSLATED);
}

/*
 * C54: that a device goes on without an IOMMU is kept only for as long as the core
 * knows when the device goes.  This one isn't registered, so it would not.
 */
static void missing_iommu_of_early_device(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev;

	dev = test_master_alloc(priv->topology.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	test_master_set_bus(dev);
	KUNIT_ASSERT_EQ(test, dev_set_name(dev, "iommu-defer-early"), 0);
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      UNTRANSLATED);
	put_device(dev);
	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
}

static const struct bus_type walk_other_bus = { .name = "iommu-defer-other" };

static void walk_other_release(struct device *dev)
{
	of_node_put(dev->of_node);
	kfree(dev);
}

/* C34, C54: the core has no notifier on this bus */
static void missing_iommu_of_other_bus(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;
	struct device *dev;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, bus_register(&walk_other_bus), 0);
	dev->bus = &walk_other_bus;
	dev->release = walk_other_release;
	dev->of_node = of_node_get(priv->topology.master_np);
	dev_set_name(dev, "iommu-defer-other");
	KUNIT_ASSERT_EQ(test, device_register(dev), 0);
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      UNTRANSLATED);
	device_unregister(dev);
	bus_unregister(&walk_other_bus);
	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
}

static int walk_init(struct kunit *test)
{
	struct walk_fixture *priv;

	test->priv = NULL;
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	fake_driver_reset();
	fake_core_reset();
	init_completion(&priv->data.attempted);
	test_topology_init(&priv->topology);
	priv->topology.state[1] = PENDING;
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	return 0;
}

static void walk_exit(struct kunit *test)
{
	struct walk_fixture *priv = test->priv;

	if (!priv)
		return;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology) |
			 fake_driver.faults);
	fake_driver_reset();
	fake_core_reset();
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(locked_device_is_passed_over),
	KUNIT_CASE(locked_fwspec_is_passed_over),
	KUNIT_CASE(fwspec_waits_for_iommu),
	KUNIT_CASE(device_is_locked_while_asked),
	KUNIT_CASE(driver_waits_for_another),
	KUNIT_CASE(registers_if_another_has_no_domain),
	KUNIT_CASE_PARAM(asks_silently, walk_silent_gen_params),
	KUNIT_CASE(late_iommu_is_said_once),
	KUNIT_CASE(late_iommu_is_in_time_for_unbound),
	KUNIT_CASE(missing_iommu_of_early_device),
	KUNIT_CASE(missing_iommu_of_other_bus),
	{}
};

/* The fixture is a master of two IOMMUs, which the tests register. */
static struct kunit_suite walk_suite = {
	.name = SUITE,
	.init = walk_init,
	.exit = walk_exit,
	.test_cases = walk_cases,
};

kunit_test_suites(&walk_suite);
