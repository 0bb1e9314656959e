// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: the IOMMU core asks for devices.
 *
 * When an IOMMU registers, the core configures all devices that have no driver.
 * What it can't configure comes again when the next IOMMU registers, or when a
 * driver binds.  No IOMMU driver may be asked for a device in vain, as it may
 * keep something of it; and a driver that binds waits for all IOMMUs.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_core.h"

#define SUITE		"iommu_defer_core"

/**
 * struct core_fixture - fixture: a master and its IOMMUs, none registered
 * @topology: their nodes
 * @data: what its driver sees, for a master that has one
 */
struct core_fixture {
	struct test_topology topology;
	struct test_master data;
};

/* Its first attempt, if it has a driver, is over when this returns */
static struct device *core_add(struct kunit *test, struct test_master *data)
{
	struct core_fixture *priv = test->priv;
	struct device *dev;

	dev = test_master_add(priv->topology.master_np, data);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	priv->topology.master = dev;
	return dev;
}

static void core_register(struct kunit *test, int i)
{
	struct core_fixture *priv = test->priv;

	KUNIT_ASSERT_EQ(test, fake_core_register(&priv->topology.iommu[i]), 0);
}

static void core_set_ready(struct kunit *test, int i, bool ready)
{
	struct core_fixture *priv = test->priv;

	WRITE_ONCE(priv->topology.iommu[i].iommu.ready, ready);
}

static bool core_has_group(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);

	iommu_group_put(group);
	return group;
}

/* What the driver keeps, and which of the two IOMMUs registers first */
struct core_order {
	const char *name;
	enum fake_keep keep;
	int first;
};

static const struct core_order core_orders[] = {
	{ "C11 for each instance, in order", KEEP_FOR_INSTANCE, 0 },
	{ "C11 for each instance, second first", KEEP_FOR_INSTANCE, 1 },
	{ "C11 for each device, in order", KEEP_FOR_DEVICE, 0 },
	{ "C11 for each device, second first", KEEP_FOR_DEVICE, 1 },
};

static void core_order_desc(const struct core_order *order, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", order->name);
}

KUNIT_ARRAY_PARAM(core_order, core_orders, core_order_desc);

/* In the end the driver has all back that it has allocated. */
static void core_expect_nothing_kept(struct kunit *test)
{
	struct core_fixture *priv = test->priv;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	KUNIT_EXPECT_EQ_MSG(test, fake_core.lost, 0U, "NULL pointers of a driver");
	KUNIT_EXPECT_EQ_MSG(test, fake_core.kept, 0, "kept for nobody");
}

/*
 * C11, C12, C50: a master of two IOMMUs that register one after the other.  The
 * first one doesn't ask its driver, which would be lost when it is asked again.
 */
static void registers_one_by_one(struct kunit *test)
{
	const struct core_order *order = test->param_value;
	struct device *dev = core_add(test, NULL);

	fake_core.answers = true;
	fake_core.keep = order->keep;
	core_register(test, order->first);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
	KUNIT_EXPECT_EQ(test, fake_core.kept, 0);
	KUNIT_EXPECT_FALSE(test, core_has_group(dev));

	core_register(test, !order->first);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 2U);
	KUNIT_EXPECT_TRUE(test, core_has_group(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	core_expect_nothing_kept(test);
}

/*
 * C11, C50: an attempt of a driver to bind that is given up, as one of the IOMMUs
 * has not come by the end of init, and another one later on
 */
static void binds_without_and_with(struct kunit *test)
{
	const struct core_order *order = test->param_value;
	struct core_fixture *priv = test->priv;
	struct device *dev;

	fake_core.keep = order->keep;
	core_register(test, order->first);
	dev = core_add(test, &priv->data);
	KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	EXPECT_RESULT(test, priv->data.result, UNTRANSLATED);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);

	core_register(test, !order->first);
	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	EXPECT_RESULT(test, priv->data.result, TRANSLATED);
	EXPECT_NO_FAULTS(test, priv->data.faults);
	core_expect_nothing_kept(test);
}

/* Whether each of two IOMMUs is registered and ready, and what is wanted */
enum core_iommu { MISSING, REGISTERING, IS_READY };

struct core_ready {
	const char *name;
	enum core_iommu state[2];
	enum attempt_result want;
};

static const struct core_ready core_readies[] = {
	{ "C3 both registering", { REGISTERING, REGISTERING }, DEFERRED },
	{ "C12 first registering", { REGISTERING, IS_READY }, DEFERRED },
	{ "C12 second registering", { IS_READY, REGISTERING }, DEFERRED },
	/* It doesn't come any more, so there is nothing to wait for */
	{ "C11 missing, registering", { MISSING, REGISTERING }, UNTRANSLATED },
	{ "C11 registering, missing", { REGISTERING, MISSING }, UNTRANSLATED },
};

static void core_ready_desc(const struct core_ready *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(core_ready, core_readies, core_ready_desc);

/*
 * C3, C11, C12: an attempt waits for each IOMMU that is still registering, unless
 * there is one that does not come at all
 */
static void waits_for_each_iommu(struct kunit *test)
{
	const struct core_ready *row = test->param_value;
	struct core_fixture *priv = test->priv;
	struct device *dev = core_add(test, NULL);
	int i;

	for (i = 0; i < 2; i++) {
		if (row->state[i] == MISSING)
			continue;

		core_register(test, i);
		core_set_ready(test, i, row->state[i] == IS_READY);
	}
	KUNIT_ASSERT_EQ(test, fake_driver.xlate_calls, 0U);

	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      row->want);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
	EXPECT_NO_FAULTS(test, check_invariants(dev, row->want));

	for (i = 0; i < 2; i++) {
		if (row->state[i] == MISSING)
			core_register(test, i);
		core_set_ready(test, i, true);
	}
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
}

/* A fwspec with an id, and no group, as somebody has it who is not done yet */
static int core_make_fwspec(struct kunit *test, struct device *dev)
{
	struct core_fixture *priv = test->priv;
	u32 id = 1;
	int err;

	mutex_lock(&iommu_probe_device_lock);
	err = iommu_fwspec_init(dev, of_fwnode_handle(priv->topology.iommu[0].np));
	err = err ?: iommu_fwspec_add_ids(dev, &id, 1);
	mutex_unlock(&iommu_probe_device_lock);

	return err;
}

/*
 * C52, C53: a device with a fwspec and without a group is not taken for one that
 * is configured when a driver binds
 */
static void binds_to_fwspec_without_group(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *dev;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	test_topology_init(&priv->topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	dev = core_add(test, &priv->data);
	device_release_driver(dev);
	fake_driver.add_ret = -ENODEV;
	core_register(test, 0);
	fake_driver.add_ret = 0;

	KUNIT_ASSERT_EQ(test, core_make_fwspec(test, dev), 0);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	EXPECT_RESULT(test, priv->data.result, TRANSLATED);
	KUNIT_EXPECT_TRUE(test, priv->data.reaches);
	EXPECT_NO_FAULTS(test, priv->data.faults);
}

/* Instead of the fixture: two masters without a driver, of one IOMMU */
static struct device *core_two_masters(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *other;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	test_topology_init(&priv->topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	core_add(test, NULL);
	other = test_master_add(priv->topology.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	fake_core.answers = true;
	return other;
}

/* A device that is removed while the IOMMU looks at the next one */
static struct core_removal {
	struct device *dev;
	struct iommu_group *group;
	int holders;
	struct work_struct work;
	struct completion done;
} core_removal;

/* Who holds a group: there is no other way to see it from outside */
static struct kobject *core_group_kobj(struct device *dev)
{
	struct kernfs_node *link, *devices = NULL;
	struct kobject *kobj = NULL;

	link = kernfs_find_and_get(dev->kobj.sd, "iommu_group");
	if (link)
		devices = kernfs_find_and_get(link->symlink.target_kn,
					      "devices");
	if (devices)
		kobj = devices->priv;
	kernfs_put(devices);
	kernfs_put(link);
	return kobj;
}

/* By another thread, which holds none of the locks of the one that registers */
static void core_remove(struct work_struct *work)
{
	struct core_removal *removal = &core_removal;
	struct kobject *kobj;

	removal->group = iommu_group_get(removal->dev);
	kobj = core_group_kobj(removal->dev);
	platform_device_unregister(to_platform_device(removal->dev));
	removal->dev = NULL;
	removal->holders = kobj ? kref_read(&kobj->kref) : 0;
	complete(&removal->done);
}

static void core_remove_other(struct device *dev)
{
	if (!core_removal.dev || core_removal.dev == dev)
		return;

	/* The thread that registers lets go of this lock between two devices */
	mutex_unlock(&iommu_probe_device_lock);
	schedule_work(&core_removal.work);
	wait_for_completion(&core_removal.done);
	mutex_lock(&iommu_probe_device_lock);
}

/*
 * C54: a device is removed when the IOMMU has found it, and has others to look
 * at before it gives each group its domain.  The group is there until then.
 */
static void device_goes_as_iommu_registers(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *other = core_two_masters(test);
	int groups = fake_driver.groups;

	INIT_WORK(&core_removal.work, core_remove);
	init_completion(&core_removal.done);
	core_removal.dev = priv->topology.master;
	priv->topology.master = NULL;
	fake_core.probing = core_remove_other;
	KUNIT_EXPECT_EQ(test, fake_core_register(&priv->topology.iommu[0]), 0);
	fake_core.probing = NULL;

	/* It has been removed, and this test is one that held its group */
	KUNIT_ASSERT_PTR_EQ(test, core_removal.dev, (struct device *)NULL);
	KUNIT_EXPECT_EQ(test, core_removal.holders, 2);
	iommu_group_put(core_removal.group);
	KUNIT_EXPECT_EQ_MSG(test, fake_driver.groups, groups + 1, "groups");
	EXPECT_NO_FAULTS(test, check_invariants(other, TRANSLATED));
	EXPECT_NO_FAULTS(test, test_master_remove(other));
}

/*
 * C3, C54: an IOMMU registers that fails, and has found a device which another one
 * had passed over.  That device can still have its own IOMMU.
 */
static void registration_fails_behind_another(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *other = core_two_masters(test);
	struct device *dev = priv->topology.master;
	struct test_topology second;

	fake_core.fails_for = dev;
	fake_driver.add_ret = -ENODEV;
	KUNIT_ASSERT_EQ(test, fake_core_register(&priv->topology.iommu[0]), 0);

	test_topology_init(&second);
	KUNIT_EXPECT_EQ(test, test_topology_build(&second), 0);
	second.master = test_master_add(second.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(second.master));
	fake_core.fails_for = second.master;
	fake_driver.add_ret = -ENOMEM;
	KUNIT_EXPECT_EQ(test, fake_core_register(&second.iommu[0]), -ENOMEM);

	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	KUNIT_EXPECT_NOT_NULL(test, iommu_get_domain_for_dev(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	EXPECT_NO_FAULTS(test, check_invariants(second.master, UNTRANSLATED));
	EXPECT_NO_FAULTS(test, test_topology_destroy(&second) |
			 test_master_remove(other));
}

/* C50: an IOMMU that fails to register attaches none of its devices first. */
static void registration_fails_behind_its_own(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *other = core_two_masters(test);

	fake_core.fails_for = other;
	fake_driver.add_ret = -ENOMEM;
	KUNIT_EXPECT_EQ(test, fake_core_register(&priv->topology.iommu[0]),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, fake_core.attached, 0U);
	EXPECT_NO_FAULTS(test, check_invariants(priv->topology.master,
						UNTRANSLATED));
	EXPECT_NO_FAULTS(test, check_invariants(other, UNTRANSLATED));
	EXPECT_NO_FAULTS(test, test_master_remove(other));
}

/* C31: that an IOMMU has come too late is said of a master that is bound */
static void late_iommu_is_said(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *dev;

	core_register(test, 0);
	dev = core_add(test, &priv->data);
	EXPECT_RESULT(test, priv->data.result, UNTRANSLATED);
	test_log_watch(dev);
	core_register(test, 1);
	KUNIT_EXPECT_EQ_MSG(test, test_log_lines(), 1U, "lines of the log");
	EXPECT_NO_FAULTS(test, check_invariants(dev, UNTRANSLATED));
}

/*
 * C53: what an IOMMU keeps of a device that it has found without firmware stays
 * when a driver binds, although the firmware has no IOMMU for the device.
 */
static void binds_without_fwspec(struct kunit *test)
{
	struct core_fixture *priv = test->priv;
	struct device *dev;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	test_topology_init(&priv->topology);
	priv->topology.state[0] = NONE;
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	dev = core_add(test, &priv->data);
	device_release_driver(dev);
	KUNIT_ASSERT_EQ(test, fake_core_register_finder(dev), 0);

	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	KUNIT_EXPECT_TRUE(test, core_has_group(dev));
	KUNIT_EXPECT_TRUE(test, dev->iommu &&
			  dev->iommu->iommu_dev == &fake_core.finder);

	device_release_driver(dev);
	fake_core_unregister_finder();
	KUNIT_EXPECT_FALSE(test, core_has_group(dev));
	KUNIT_EXPECT_PTR_EQ(test, dev->iommu, (struct dev_iommu *)NULL);
}

static int core_init(struct kunit *test)
{
	struct core_fixture *priv;

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

static void core_exit(struct kunit *test)
{
	struct core_fixture *priv = test->priv;

	if (!priv)
		return;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology) |
			 fake_driver.faults);
	fake_driver_reset();
	fake_core_reset();
}

static struct kunit_case core_cases[] = {
	KUNIT_CASE_PARAM(registers_one_by_one, core_order_gen_params),
	KUNIT_CASE_PARAM(binds_without_and_with, core_order_gen_params),
	KUNIT_CASE_PARAM(waits_for_each_iommu, core_ready_gen_params),
	KUNIT_CASE(binds_to_fwspec_without_group),
	KUNIT_CASE(binds_without_fwspec),
	KUNIT_CASE(device_goes_as_iommu_registers),
	KUNIT_CASE(registration_fails_behind_another),
	KUNIT_CASE(registration_fails_behind_its_own),
	KUNIT_CASE(late_iommu_is_said),
	{}
};

/* The fixture is a master of two IOMMUs, which the tests register. */
static struct kunit_suite core_suite = {
	.name = SUITE,
	.init = core_init,
	.exit = core_exit,
	.test_cases = core_cases,
};

kunit_test_suites(&core_suite);
