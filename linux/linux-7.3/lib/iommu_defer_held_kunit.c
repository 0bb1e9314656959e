// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: an IOMMU that registers is held.
 *
 * The core walks over the devices of a bus when an IOMMU registers, and has the
 * bus parse their firmware.  On the bus of this test that can be held, before
 * or behind the parsing, and a driver bind in the meantime; or the attempt of
 * a driver can be, and an IOMMU register.  Nothing here depends on who is faster.
 *
 * The walk is that of an IOMMU which has no masters, registered for this bus
 * only.  That needs CONFIG_IOMMUFD_TEST.  The IOMMU that the master names is
 * registered as in all other tests.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/of_device.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_core.h"

#define SUITE		"iommu_defer_held"

/* For what a kernel does that has no two IOMMUs wait for each other */
#define HELD_GRACE	(HZ / 5)

/* Where somebody is held who configures the master */
enum held_point { NOWHERE, BEFORE_PARSING, BEHIND_PARSING };

/**
 * struct held_walk - an IOMMU without masters, and the thread that registers it
 * @iommu: the IOMMU
 * @nb: what the core wants for the bus
 * @done: completed when it has registered
 * @err: what came of it
 */
struct held_walk {
	struct iommu_device iommu;
	struct notifier_block nb;
	struct completion done;
	int err;
};

/**
 * struct held - fixture: a master on the bus of the test, and its IOMMU
 * @topology: their nodes; its IOMMU is ready, and the master was added before
 * @data: what the driver of the master sees
 * @walk: IOMMUs that register for this bus
 * @walk_point: where the first of them is held
 * @bind_point: where an attempt to bind is held
 * @may_bind: the driver takes the master
 * @attached: what the attempt to bind has come to
 * @reached: completed there
 * @go: completed to let them go on
 */
static struct held {
	struct test_topology topology;
	struct test_master data;
	struct held_walk walk[2];
	enum held_point walk_point;
	enum held_point bind_point;
	bool may_bind;
	int attached;
	struct completion reached;
	struct completion go;
} held;

static void held_at(enum held_point *at, enum held_point here)
{
	if (*at != here)
		return;

	*at = NOWHERE;
	complete(&held.reached);
	wait_for_completion(&held.go);
}

/* As a bus does it: called with a driver that binds, or by the IOMMU core */
static int held_dma_configure(struct device *dev)
{
	const struct device_driver *drv = READ_ONCE(dev->driver);
	enum held_point *at = drv ? &held.bind_point : &held.walk_point;
	int err;

	held_at(at, BEFORE_PARSING);
	err = of_dma_configure(dev, dev->of_node, true);
	held_at(at, BEHIND_PARSING);
	if (err || !drv)
		return err;

	err = iommu_device_use_default_domain(dev);
	if (err)
		arch_teardown_dma_ops(dev);

	return err;
}

static void held_dma_cleanup(struct device *dev)
{
	iommu_device_unuse_default_domain(dev);
}

static int held_match(struct device *dev, MATCH_DRIVER *drv)
{
	return held.may_bind;
}

static const struct bus_type held_bus = {
	.name = SUITE,
	.match = held_match,
	.dma_configure = held_dma_configure,
	.dma_cleanup = held_dma_cleanup,
};

static struct device_driver held_driver = {
	.name = SUITE,
	.bus = &held_bus,
	.probe = test_master_probe,
};

static void held_master_release(struct device *dev)
{
	of_node_put(dev->of_node);
	kfree(dev);
}

/* It has no driver: device_attach() is for the tests to call */
static int held_add_master(void)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return -ENOMEM;

	device_initialize(dev);
	dev->bus = &held_bus;
	dev->release = held_master_release;
	dev->of_node = of_node_get(held.topology.master_np);
	dev->platform_data = &held.data;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	dev->dma_mask = &dev->coherent_dma_mask;
	err = dev_set_name(dev, SUITE ".0") ?: device_add(dev);
	if (err) {
		put_device(dev);
		return err;
	}

	held.topology.master = dev;
	return 0;
}

static void held_remove_master(void)
{
	struct device *dev = held.topology.master;

	held.topology.master = NULL;
	if (!dev)
		return;

	device_release_driver(dev);
	dev->platform_data = NULL;
	device_unregister(dev);
}

/* It may be deferred: what has become of it is looked at in the end */
static void held_attach(void)
{
	held.attached = device_attach(held.topology.master);
}

/* IOMMUs of this bus */

static struct iommu_device *held_probe_device(struct device *dev)
{
	return ERR_PTR(-ENODEV);
}

static const struct iommu_ops held_ops = {
	.probe_device = held_probe_device,
};

static int held_register(void *data)
{
	struct held_walk *walk = data;

	walk->err = iommu_device_register_bus(&walk->iommu, &held_ops,
					      &held_bus, &walk->nb);
	complete_all(&walk->done);
	return 0;
}

static void held_start(struct kunit *test, struct held_walk *walk)
{
	struct task_struct *thread = kthread_run(held_register, walk, SUITE);

	if (IS_ERR(thread)) {
		walk->err = PTR_ERR(thread);
		complete_all(&walk->done);
	}
}

static void held_expect_registered(struct kunit *test, struct held_walk *walk)
{
	wait_for_completion(&walk->done);
	KUNIT_EXPECT_EQ(test, walk->err, 0);
}

/* Whether somebody keeps drivers away from the master */
static bool held_is_locked(struct device *dev)
{
	if (!device_trylock(dev))
		return true;

	device_unlock(dev);
	return false;
}

/*
 * Whoever was held has gone on, and all IOMMUs have registered: a driver that
 * binds now finds the master translated, and one that has bound has found it.
 */
static void held_expect_translated(struct kunit *test)
{
	struct device *dev = held.topology.master;

	if (held.attached == -EPROBE_DEFER || !test_master_bound(dev))
		held_attach();
	KUNIT_EXPECT_EQ(test, held.attached, 1);

	KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	EXPECT_RESULT(test, held.data.result, TRANSLATED);
	KUNIT_EXPECT_TRUE(test, held.data.reaches);
	EXPECT_NO_FAULTS(test, held.data.faults);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	KUNIT_EXPECT_EQ(test, fake_driver.add_calls, 1U);
}

struct held_case {
	const char *name;
	enum held_point point;
};

static const struct held_case held_cases[] = {
	{ "C53 before parsing", BEFORE_PARSING },
	{ "C53 behind parsing", BEHIND_PARSING },
};

static void held_case_desc(const struct held_case *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->name);
}

KUNIT_ARRAY_PARAM(held_case, held_cases, held_case_desc);

/*
 * C5, C53: a driver binds while an IOMMU that registers has the firmware of its
 * device parsed.  It has to wait, or its device is attached to the IOMMU under
 * it when it has set up DMA without.
 */
static void binds_while_iommu_registers(struct kunit *test)
{
	const struct held_case *row = test->param_value;
	struct device *dev = held.topology.master;
	bool locked;

	held.walk_point = row->point;
	held_start(test, &held.walk[0]);
	wait_for_completion(&held.reached);

	/* If nobody keeps it away it comes right now, else as soon as it may */
	locked = held_is_locked(dev);
	if (!locked)
		held_attach();
	complete(&held.go);
	if (locked)
		held_attach();

	held_expect_registered(test, &held.walk[0]);
	held_expect_translated(test);
}

static int held_bind(void *data)
{
	held_attach();
	complete(data);
	return 0;
}

/*
 * C5, C53: the other way round, an IOMMU registers while a driver binds.  It
 * passes over the device, and the driver finds it translated all the same.
 */
static void iommu_registers_while_driver_binds(struct kunit *test)
{
	const struct held_case *row = test->param_value;
	DECLARE_COMPLETION_ONSTACK(bound);
	struct task_struct *thread;

	held.bind_point = row->point;
	thread = kthread_run(held_bind, &bound, SUITE);
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	wait_for_completion(&held.reached);

	held_start(test, &held.walk[0]);
	held_expect_registered(test, &held.walk[0]);
	complete(&held.go);
	wait_for_completion(&bound);
	KUNIT_EXPECT_TRUE(test, test_master_bound(held.topology.master));
	held_expect_translated(test);
}

static int held_register_own(void *data)
{
	fake_core_register(&held.topology.iommu[0]);
	complete_all(data);
	return 0;
}

/*
 * C5: two IOMMUs register at once.  The first one has found that the IOMMU of the
 * master is not there.  It has come when the second one looks, which must not
 * leave the master to the first one.  A core that has one wait for the other passes
 * whatever the time is.
 */
static void two_iommus_register_at_once(struct kunit *test)
{
	const struct held_case *row = test->param_value;
	struct device *dev = held.topology.master;
	DECLARE_COMPLETION_ONSTACK(registered);
	struct iommu_group *group;
	struct task_struct *thread;

	fake_iommu_unregister(&held.topology.iommu[0]);
	held.walk_point = row->point;
	held_start(test, &held.walk[0]);
	wait_for_completion(&held.reached);
	thread = kthread_run(held_register_own, &registered, SUITE);
	KUNIT_EXPECT_FALSE(test, IS_ERR(thread));
	if (!IS_ERR(thread))
		wait_for_completion_timeout(&registered, HELD_GRACE);
	held_start(test, &held.walk[1]);
	wait_for_completion_timeout(&held.walk[1].done, HELD_GRACE);

	complete(&held.go);
	held_expect_registered(test, &held.walk[0]);
	held_expect_registered(test, &held.walk[1]);
	if (!IS_ERR(thread))
		wait_for_completion(&registered);

	KUNIT_EXPECT_TRUE(test, held.topology.iommu[0].registered);
	group = iommu_group_get(dev);
	KUNIT_EXPECT_NOT_NULL(test, group);
	iommu_group_put(group);
	held_expect_translated(test);
}

static int held_init(struct kunit *test)
{
	test->priv = NULL;
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	memset(&held, 0, sizeof(held));
	init_completion(&held.data.attempted);
	init_completion(&held.reached);
	init_completion(&held.go);
	init_completion(&held.walk[0].done);
	init_completion(&held.walk[1].done);
	held.walk[0].err = -ENODEV;
	held.walk[1].err = -ENODEV;
	test->priv = &held;
	fake_driver_reset();
	fake_core_reset();
	test_topology_init(&held.topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(&held.topology), 0);
	KUNIT_ASSERT_EQ(test, fake_core_register(&held.topology.iommu[0]), 0);
	KUNIT_ASSERT_EQ(test, held_add_master(), 0);
	held.may_bind = true;
	return 0;
}

static void held_exit(struct kunit *test)
{
	int i;

	if (!test->priv)
		return;

	/* The core lets go of it as long as there is an IOMMU for its bus */
	held_remove_master();
	for (i = 0; i < ARRAY_SIZE(held.walk); i++)
		if (!held.walk[i].err)
			iommu_device_unregister_bus(&held.walk[i].iommu,
						    &held_bus,
						    &held.walk[i].nb);
	EXPECT_NO_FAULTS(test, test_topology_destroy(&held.topology) |
			 fake_driver.faults);
	fake_driver_reset();
	fake_core_reset();
}

static int __init held_register_bus(void)
{
	return bus_register(&held_bus) ?: driver_register(&held_driver);
}
subsys_initcall(held_register_bus);

static struct kunit_case held_tests[] = {
	KUNIT_CASE_PARAM(binds_while_iommu_registers, held_case_gen_params),
	KUNIT_CASE_PARAM(iommu_registers_while_driver_binds,
			 held_case_gen_params),
	KUNIT_CASE_PARAM(two_iommus_register_at_once, held_case_gen_params),
	{}
};

/* The fixture is a master on a bus of its own, and an IOMMU that is ready. */
static struct kunit_suite held_suite = {
	.name = SUITE,
	.init = held_init,
	.exit = held_exit,
	.test_cases = held_tests,
};

kunit_test_suites(&held_suite);
