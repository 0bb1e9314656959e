// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: every allocation that can fail.
 *
 * Each step in the life of a master and its IOMMU is taken again and again, and
 * the first, the second, the n-th slab allocation of it fails, until none is left
 * to fail.  A step that fails says so, or leaves the master without its IOMMU;
 * it keeps the invariants, and once there is memory again the same step succeeds.
 * Whatever has failed, in the end nothing is left of it.
 *
 * The allocations are failed by a probe on should_failslab(), which every base
 * has, for this thread alone.
 *
 * And where the IOMMU core asks for devices on its own, what others do to a group
 * or a device while it fails or makes them wait.
 *
 * On a machine that has an IOMMU, a second suite does the same to that one and to
 * its masters, which is all that the kernel's own drivers can fail at.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_faults.h"

#define SUITE			"iommu_defer_faults"

/* More than any step allocates: a step without an end is no step */
#define FAULTS_LIMIT		1000

/* The n-th allocation of a thread */

static struct task_struct *fail_task;
static unsigned int fail_left;

/* With kmemleak each allocation makes another one, which has all of these. */
#define FAIL_NOT	(__GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN)

static gfp_t fail_gfp(struct pt_regs *regs)
{
#ifdef CONFIG_ARM
	return (__force gfp_t)regs->ARM_r1;
#else
	return (__force gfp_t)regs->regs[1];
#endif
}

/* Return from should_failslab() at once, and say yes. */
static int fail_allocation(struct kprobe *probe, struct pt_regs *regs)
{
	if (current != fail_task || (fail_gfp(regs) & FAIL_NOT) == FAIL_NOT)
		return 0;
	if (!fail_left || --fail_left)
		return 0;

#ifdef CONFIG_ARM
	regs->ARM_r0 = 1;
	regs->ARM_pc = regs->ARM_lr;
#else
	regs->regs[0] = 1;
	regs->pc = regs->regs[30];
#endif
	KPROBE_SKIPS();
	return 1;
}

/* A probe that has this isn't made a jump, which would not let us return. */
static void fail_not_optimized(struct kprobe *probe, struct pt_regs *regs,
			       unsigned long flags)
{
}

static struct kprobe fail_probe = {
	.symbol_name = "should_failslab",
	.pre_handler = fail_allocation,
	.post_handler = fail_not_optimized,
};

static void fail_nth(unsigned int n)
{
	fail_left = n;
	fail_task = current;
}

/* Whether there was an n-th allocation */
static bool fail_end(void)
{
	fail_task = NULL;
	return !fail_left;
}

/* The steps */

/**
 * struct faults_test - a master and its IOMMU
 * @topology: their nodes
 * @data: what the master's driver does and sees
 * @groups: groups alive before
 * @domains: domains alive before
 * @mapped: pages mapped before
 */
struct faults_test {
	struct test_topology topology;
	struct test_master data;
	int groups;
	int domains;
	int mapped;
};

static int iommu_registers(struct faults_test *priv)
{
	return fake_iommu_register(&priv->topology.iommu[0]);
}

static int iommu_unregisters(struct faults_test *priv)
{
	fake_iommu_unregister(&priv->topology.iommu[0]);
	return 0;
}

static int add_master(struct faults_test *priv, struct test_master *data)
{
	struct device *dev = test_master_add(priv->topology.master_np, data);

	if (IS_ERR(dev))
		return PTR_ERR(dev);

	priv->topology.master = dev;
	return 0;
}

/* Without a driver, here, lest it is probed at once */
static int master_is_added(struct faults_test *priv)
{
	return add_master(priv, NULL);
}

static int master_is_removed(struct faults_test *priv)
{
	unsigned int faults = test_master_remove(priv->topology.master);

	priv->topology.master = NULL;
	return faults ? -EBUSY : 0;
}

static int dma_is_configured(struct faults_test *priv)
{
	struct device *dev = priv->topology.master;
	int err = configure_dma(dev, priv->topology.master_np);

	if (!err) {
		err = may_bind(dev);
		if (err)
			deconfigure_dma(dev);
	}

	return err;
}

static int master_binds(struct faults_test *priv)
{
	int ret = attach_driver(priv->topology.master);

	return ret < 0 ? ret : ret == 1 ? 0 : -ENODEV;
}

static int master_is_unbound(struct faults_test *priv)
{
	device_release_driver(priv->topology.master);
	return 0;
}

static int prepare_nothing(struct faults_test *priv)
{
	return 0;
}

static int prepare_iommu(struct faults_test *priv)
{
	return iommu_registers(priv);
}

static int prepare_both(struct faults_test *priv)
{
	return iommu_registers(priv) ?: master_is_added(priv);
}

static int prepare_bound(struct faults_test *priv)
{
	return iommu_registers(priv) ?: add_master(priv, &priv->data);
}

/* After the end of init it doesn't wait for an IOMMU, and goes on without */
static int prepare_unbound(struct faults_test *priv)
{
	int err = add_master(priv, &priv->data);

	return err ?: master_is_unbound(priv) ?: iommu_registers(priv);
}

/* It has been translated, and is bound once more */
static int prepare_released(struct faults_test *priv)
{
	return prepare_bound(priv) ?: master_is_unbound(priv);
}

/**
 * struct faults_step - what is short of memory
 * @name: what happens
 * @prepare: what has happened before
 * @step: what happens, and fails with an errno or not at all
 * @never_fails: it can't say that it has failed
 * @binds: in the end the master's driver is bound
 * @translated: in the end the master is translated
 */
struct faults_step {
	const char *name;
	int (*prepare)(struct faults_test *priv);
	int (*step)(struct faults_test *priv);
	bool never_fails;
	bool binds;
	bool translated;
};

static const struct faults_step faults_steps[] = {
	{ "IOMMU registers", prepare_nothing, iommu_registers },
	{ "IOMMU registers, master there", master_is_added, iommu_registers },
	{ "IOMMU unregisters", prepare_bound, iommu_unregisters, true },
	{ "master is added", prepare_iommu, master_is_added },
	{ "DMA is configured", prepare_both, dma_is_configured,
	  .translated = true },
	{ "DMA is configured again", prepare_released, dma_is_configured,
	  .translated = true },
	{ "master binds", prepare_unbound, master_binds,
	  .binds = true, .translated = true },
	{ "master binds again", prepare_released, master_binds,
	  .binds = true, .translated = true },
	{ "master is unbound", prepare_bound, master_is_unbound, true },
	{ "master is removed", prepare_bound, master_is_removed, true },
};

static void faults_step_desc(const struct faults_step *step, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", step->name);
}

KUNIT_ARRAY_PARAM(faults_step, faults_steps, faults_step_desc);

static void faults_begin(struct kunit *test, struct faults_test *priv,
			 u32 bus_offset)
{
	memset(priv, 0, sizeof(*priv));
	priv->groups = fake_driver.groups;
	priv->domains = fake_driver.domains;
	priv->mapped = fake_driver.mapped;
	fake_driver_reset();
	init_completion(&priv->data.attempted);
	test_topology_init(&priv->topology);
	priv->topology.bus_offset = bus_offset;
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
}

static void faults_finish(struct kunit *test, struct faults_test *priv,
			  unsigned int n)
{
	unsigned int faults;

	faults = test_topology_destroy(&priv->topology) | fake_driver.faults;
	if (fake_driver.groups != priv->groups)
		faults |= FAULT_GROUP_LEAK;
	if (fake_driver.domains != priv->domains)
		faults |= FAULT_DOMAIN_LEAK;
	if (fake_driver.mapped != priv->mapped)
		faults |= FAULT_STILL_MAPPED;
	if (faults && n)
		kunit_info(test, "allocation %u has failed\n", n);
	EXPECT_NO_FAULTS(test, faults);
	fake_driver_reset();
}

static bool has_group(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);

	iommu_group_put(group);
	return group;
}

/* D21: ARM has no mapping for the master, which keeps what it has got so far */
static bool lacks_mapping(struct device *dev)
{
	return IS_ENABLED(CONFIG_ARM) && has_group(dev) &&
	       !has_iommu_dma_ops(dev) && !is_translated(dev);
}

/*
 * D22: the group of the master has got no domain, nor will it as long as it has the
 * master.  The cores of v4.12 and 6.1 can't tell why a driver has none.
 */
static bool lacks_domain(struct device *dev)
{
	bool asks_once = defer_base.iommu_may_unregister || defer_base.one_driver;

	return !IS_ENABLED(CONFIG_ARM) && asks_once && has_group(dev) &&
	       !iommu_get_domain_for_dev(dev);
}

/*
 * C50, C52: an attempt that succeeds has the DMA ops of the IOMMU, and one that has
 * gone on without leaves nothing.  An error may come after the IOMMU has taken the
 * device: then it has fwspec and group, else neither.
 */
static void expect_in_order(struct kunit *test, const struct faults_step *step,
			    struct faults_test *priv, int err)
{
	unsigned int faults = priv->data.faults | fake_driver.faults;
	struct device *dev = priv->topology.master;
	bool translated;

	if (step->never_fails)
		KUNIT_EXPECT_EQ(test, err, 0);
	/* There is nothing to wait for: nobody would try again */
	KUNIT_EXPECT_NE(test, err, -EPROBE_DEFER);
	if (dev) {
		translated = step->translated && !err ?
			     has_iommu_dma_ops(dev) : has_group(dev);
		faults |= check_invariants(dev, translated ? TRANSLATED :
							     UNTRANSLATED);
		if (step->translated && !err &&
		    (lacks_mapping(dev) || lacks_domain(dev)))
			faults &= ~(FAULT_FWSPEC_LEFT | FAULT_GROUP_LEFT);
		if (step->binds && !err)
			KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	}
	EXPECT_NO_FAULTS(test, faults);
	priv->data.faults = 0;
}

/* C50: the next one is as good as if it were the first */
static void expect_next(struct kunit *test, const struct faults_step *step,
			struct faults_test *priv, int err)
{
	struct device *dev;

	if (step->never_fails)
		return;

	dev = priv->topology.master;
	if (step->step == dma_is_configured && !err)
		deconfigure_dma(dev);
	if (step->binds && !err)
		device_release_driver(dev);
	if (err || step->translated)
		KUNIT_EXPECT_EQ(test, step->step(priv), 0);
	dev = priv->topology.master;
	if (!step->translated)
		return;
	if (lacks_domain(dev)) {
		KUNIT_EXPECT_FALSE(test, has_iommu_dma_ops(dev));
		return;
	}

	KUNIT_EXPECT_TRUE(test, is_translated(dev));
	KUNIT_EXPECT_TRUE(test, has_iommu_dma_ops(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED) |
			 priv->data.faults);
	if (step->step == dma_is_configured)
		deconfigure_dma(dev);
	else
		EXPECT_RESULT(test, priv->data.result, TRANSLATED);
}

static void allocation_fails(struct kunit *test)
{
	const struct faults_step *step = test->param_value;
	struct faults_test *priv;
	bool failed = true;
	unsigned int n;
	int err;

	if (step->step == iommu_unregisters && !defer_base.iommu_may_unregister)
		kunit_skip(test, "the IOMMU core has no such thing");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	for (n = 1; failed && n < FAULTS_LIMIT; n++) {
		faults_begin(test, priv, 0);
		KUNIT_ASSERT_EQ(test, step->prepare(priv), 0);
		fail_nth(n);
		err = step->step(priv);
		failed = fail_end();
		if (!failed) {
			KUNIT_EXPECT_EQ(test, err, 0);
			KUNIT_EXPECT_FALSE(test, step->translated &&
					   lacks_domain(priv->topology.master));
		}
		expect_in_order(test, step, priv, err);
		expect_next(test, step, priv, err);
		faults_finish(test, priv, n);
	}

	kunit_info(test, "%u allocations have failed, one at a time\n", n - 2);
	KUNIT_EXPECT_FALSE(test, failed);
}

#ifdef IOMMU_TAKES_IDLE_MASTERS
#include "iommu_defer_core.h"

/* A registration that fails, and the groups that wait for it */

/**
 * struct waiting - a group that waits for an IOMMU which fails to register
 * @first: a master without a driver in that group, and its IOMMU, which has
 *	registered before and has passed over it
 * @second: the IOMMU that finds it and fails, at a master of its own
 * @ops: of the first IOMMU: all of its masters are in one group
 * @other: another master of it, with a driver
 * @other_bound: what has come of binding that while the second one registers
 */
static struct waiting {
	struct faults_test first;
	struct test_topology second;
	struct iommu_ops ops;
	struct device *other;
	int other_bound;
} waiting;

static struct iommu_group *waiting_group(struct device *dev)
{
	struct iommu_group *group;

	group = iommu_group_get(waiting.first.topology.master);
	return group ?: fake_iommu_group(dev);
}

/* The master is there before the one that fails, and the other one behind that */
static void waiting_begin(struct kunit *test)
{
	struct fake_iommu *iommu = &waiting.first.topology.iommu[0];

	memset(&waiting, 0, sizeof(waiting));
	faults_begin(test, &waiting.first, 0);
	KUNIT_ASSERT_EQ(test, master_is_added(&waiting.first), 0);
	test_topology_init(&waiting.second);
	KUNIT_ASSERT_EQ(test, test_topology_build(&waiting.second), 0);
	waiting.second.master = test_master_add(waiting.second.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(waiting.second.master));
	waiting.other = test_master_add(waiting.first.topology.master_np,
					&waiting.first.data);
	KUNIT_ASSERT_FALSE(test, IS_ERR(waiting.other));
	device_release_driver(waiting.other);

	fake_driver.add_ret = -ENODEV;
	KUNIT_ASSERT_EQ(test, fake_core_register(iommu), 0);
	waiting.ops = *iommu->iommu.ops;
	waiting.ops.device_group = waiting_group;
	iommu->iommu.ops = &waiting.ops;

	fake_core.answers = true;
	fake_core.fails_for = waiting.second.master;
	fake_driver.add_ret = -ENOMEM;
}

static void waiting_end(struct kunit *test)
{
	fake_driver.add_ret = 0;
	EXPECT_NO_FAULTS(test, test_master_remove(waiting.other) |
			 test_topology_destroy(&waiting.second));
	faults_finish(test, &waiting.first, 0);
}

/*
 * By the thread that registers: it lets go of this lock between two devices, and
 * what others do then they may as well do right before it is at the next one.
 */
static void waiting_bind_other(struct device *dev)
{
	if (dev != fake_core.fails_for)
		return;

	mutex_unlock(&iommu_probe_device_lock);
	waiting.other_bound = attach_driver(waiting.other);
	mutex_lock(&iommu_probe_device_lock);
}

/*
 * C51, C53: a group that waits for an IOMMU to register has its domain at once
 * when a device joins it whose driver binds.  If the IOMMU fails then, the devices
 * of that group keep what they have.
 */
static void group_is_joined_as_iommu_fails(struct kunit *test)
{
	struct device *other;

	waiting_begin(test);
	other = waiting.other;
	fake_core.probing = waiting_bind_other;
	KUNIT_EXPECT_EQ(test, fake_core_register(&waiting.second.iommu[0]),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, waiting.other_bound, 1);
	KUNIT_EXPECT_TRUE(test, test_master_bound(other));
	KUNIT_EXPECT_TRUE(test, has_group(waiting.first.topology.master));
	KUNIT_EXPECT_TRUE(test, has_group(other));
	if (!lacks_mapping(other)) {
		EXPECT_NO_FAULTS(test, check_invariants(other, TRANSLATED) |
				 waiting.first.data.faults);
		KUNIT_EXPECT_TRUE(test, dma_reaches_buffer(other));
	}
	waiting_end(test);
}

/* C50: nobody joins it, so it has its domain as if that IOMMU had not failed. */
static void group_has_its_domain_as_iommu_fails(struct kunit *test)
{
	struct device *dev;

	if (IS_ENABLED(CONFIG_ARM))
		kunit_skip(test, "its domain comes with the DMA ops");

	waiting_begin(test);
	dev = waiting.first.topology.master;
	KUNIT_EXPECT_EQ(test, fake_core_register(&waiting.second.iommu[0]),
			-ENOMEM);
	KUNIT_EXPECT_TRUE(test, is_translated(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	EXPECT_RESULT(test, try_configure(dev, dev->of_node), TRANSLATED);
	waiting_end(test);
}

/*
 * C31, C50: nor can the group be given a domain.  No registration comes to it any
 * more, so the next attempt starts from scratch.
 */
static void group_without_domain_starts_over(struct kunit *test)
{
	struct iommu_domain *domain;
	struct device *dev;

	if (IS_ENABLED(CONFIG_ARM))
		kunit_skip(test, "its domain comes with the DMA ops");

	waiting_begin(test);
	dev = waiting.first.topology.master;
	fake_driver.no_domains = true;
	KUNIT_EXPECT_EQ(test, fake_core_register(&waiting.second.iommu[0]),
			-ENOMEM);
	fake_driver.no_domains = false;
	KUNIT_EXPECT_TRUE(test, has_group(dev));
	KUNIT_EXPECT_FALSE(test, is_translated(dev));

	EXPECT_RESULT(test, try_configure(dev, dev->of_node), TRANSLATED);
	KUNIT_EXPECT_TRUE(test, is_translated(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	/* That lasts: what has failed before is forgotten */
	domain = iommu_get_domain_for_dev(dev);
	EXPECT_RESULT(test, try_configure(dev, dev->of_node), TRANSLATED);
	KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(dev), domain);
	waiting_end(test);
}

/* The map of a master's addresses, which is memory */

static struct task_struct *map_task;
static const void *map_seen;
static unsigned int map_freed;

static const void *first_argument(struct pt_regs *regs)
{
#ifdef CONFIG_ARM
	return (const void *)regs->ARM_r0;
#else
	return (const void *)regs->regs[0];
#endif
}

static int map_free(struct kprobe *probe, struct pt_regs *regs)
{
	const void *object = first_argument(regs);

	if (current == map_task && object && object == map_seen)
		map_freed++;
	return 0;
}

/* From now on the same address may be that of something else */
static int map_alloc(struct kprobe *probe, struct pt_regs *regs)
{
	if (current == map_task && map_freed)
		map_task = NULL;
	return 0;
}

/* An attempt has got as far as the IOMMU, which is to answer. */
static void map_look(struct device *dev)
{
	map_seen = dev->dma_range_map;
	map_freed = 0;
	map_task = current;
}

static struct kprobe map_probes[] = {
	{ .symbol_name = "kfree", .pre_handler = map_free },
	{ .symbol_name = "should_failslab", .pre_handler = map_alloc },
};

static void map_begin(struct kunit *test, struct faults_test *priv)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(map_probes); i++) {
		memset(&map_probes[i].ainsn, 0, sizeof(map_probes[i].ainsn));
		map_probes[i].addr = NULL;
		map_probes[i].flags = 0;
		KUNIT_ASSERT_EQ(test, register_kprobe(&map_probes[i]), 0);
	}
	faults_begin(test, priv, SZ_1G);
}

static void map_end(struct kunit *test, struct faults_test *priv)
{
	int i;

	map_task = NULL;
	fake_core.probing = NULL;
	faults_finish(test, priv, 0);
	for (i = 0; i < ARRAY_SIZE(map_probes); i++)
		unregister_kprobe(&map_probes[i]);
}

static void map_expect_freed(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_NOT_NULL(test, map_seen);
	KUNIT_EXPECT_EQ(test, map_freed, 1U);
	KUNIT_EXPECT_FALSE(test, has_dma_range_map(dev));
}

/*
 * C50, C54: each attempt that the IOMMU defers frees the map that it has found or
 * made, and does so once.  What the driver finds is the map of its own attempt.
 */
static void map_is_of_last_attempt(struct kunit *test)
{
	struct faults_test *priv;
	struct device *dev;
	int i;

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	map_begin(test, priv);
	KUNIT_ASSERT_EQ(test, iommu_registers(priv), 0);
	fake_driver.add_ret = -EPROBE_DEFER;
	fake_core.probing = map_look;
	KUNIT_ASSERT_EQ(test, add_master(priv, &priv->data), 0);
	dev = priv->topology.master;
	map_expect_freed(test, dev);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, device_attach(dev), -EPROBE_DEFER);
		map_expect_freed(test, dev);
	}
	KUNIT_EXPECT_EQ(test, priv->data.attempts, 0U);

	fake_driver.add_ret = 0;
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	KUNIT_EXPECT_PTR_EQ(test, (const void *)dev->dma_range_map, map_seen);
	KUNIT_EXPECT_EQ(test, map_freed, 0U);
	EXPECT_RESULT(test, priv->data.result, TRANSLATED);
	KUNIT_EXPECT_EQ(test, priv->data.offset, (u64)SZ_1G);

	map_look(dev);
	device_release_driver(dev);
	map_expect_freed(test, dev);
	map_end(test, priv);
}

/* How long an attempt is given to free a map that it must not free */
#define MAP_TIMEOUT	HZ

/* A driver that binds while its IOMMU sets up DMA ops */
static struct map_setup {
	struct iommu_device *iommu;
	struct iommu_ops ops;
	struct device *dev;
	const void *map;
	bool stays;
	int ret;
	struct work_struct work;
	struct completion done;
} map_setup;

static void map_attempt(struct work_struct *work)
{
	map_look(map_setup.dev);
	map_setup.ret = device_attach(map_setup.dev);
	map_task = NULL;
	complete(&map_setup.done);
}

/* Asked for last by the setup of DMA ops, with the group locked */
static void map_resv_regions(struct device *dev, struct list_head *list)
{
	if (map_setup.map || !has_iommu_dma_ops(dev))
		return;

	map_setup.map = dev->dma_range_map;
	schedule_work(&map_setup.work);
	wait_for_completion_timeout(&map_setup.done, MAP_TIMEOUT);
	map_setup.stays = dev->dma_range_map == map_setup.map;
}

/* From here on, in the middle of its probe of the device, it has these ops */
static void map_set_ops(struct device *dev)
{
	map_setup.ops = *map_setup.iommu->ops;
	map_setup.ops.get_resv_regions = map_resv_regions;
	map_setup.iommu->ops = &map_setup.ops;
	fake_core.probing = NULL;
}

/*
 * C50, C54: DMA ops are set up by the map of addresses.  A driver that binds at
 * that time is deferred, and frees the map when they are set up.
 */
static void map_stays_while_dma_is_set_up(struct kunit *test)
{
	struct faults_test *priv;
	struct device *dev;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "the IOMMU core sets up no DMA ops");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	map_begin(test, priv);
	KUNIT_ASSERT_EQ(test, add_master(priv, &priv->data), 0);
	dev = priv->topology.master;
	device_release_driver(dev);
	memset(&map_setup, 0, sizeof(map_setup));
	INIT_WORK(&map_setup.work, map_attempt);
	init_completion(&map_setup.done);
	map_setup.iommu = &priv->topology.iommu[0].iommu;
	map_setup.dev = dev;
	fake_core.probing = map_set_ops;
	KUNIT_EXPECT_EQ(test, iommu_registers(priv), 0);
	flush_work(&map_setup.work);

	KUNIT_EXPECT_NOT_NULL(test, map_setup.map);
	KUNIT_EXPECT_TRUE(test, map_setup.stays);
	KUNIT_EXPECT_EQ(test, map_setup.ret, -EPROBE_DEFER);
	KUNIT_EXPECT_PTR_EQ(test, map_seen, map_setup.map);
	map_expect_freed(test, dev);

	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	EXPECT_RESULT(test, priv->data.result, TRANSLATED);
	KUNIT_EXPECT_TRUE(test, priv->data.reaches);
	KUNIT_EXPECT_EQ(test, priv->data.offset, (u64)SZ_1G);
	EXPECT_NO_FAULTS(test, priv->data.faults);
	map_end(test, priv);
}

/* What is set up by the type of a group, without an attempt of a driver */

static struct type_test {
	struct faults_test begun;
	struct iommu_device *iommu;
	const struct iommu_ops *ops_before;
	struct iommu_ops ops;
	void (*set_ops)(struct iommu_ops *ops);
} type_test;

/* As root writes it into the group's directory */
static ssize_t group_set_type(struct device *dev, const char *type)
{
	struct kernfs_node *link, *group, *node = NULL;
	struct kobject *kobj = NULL;
	ssize_t ret = -ENOENT;

	link = kernfs_find_and_get(dev->kobj.sd, "iommu_group");
	if (link) {
		group = link->symlink.target_kn;
		kobj = group->priv;
		node = kernfs_find_and_get(group, "type");
	}
	if (node)
		ret = kobj->ktype->sysfs_ops->store(kobj, node->priv, type,
						    strlen(type));
	kernfs_put(node);
	kernfs_put(link);
	return ret;
}

/* From here on, in the middle of its probe of the device, it has these ops */
static void type_probing(struct device *dev)
{
	type_test.ops_before = type_test.iommu->ops;
	type_test.ops = *type_test.ops_before;
	type_test.set_ops(&type_test.ops);
	type_test.iommu->ops = &type_test.ops;
	fake_core.probing = NULL;
}

/* Its DMA can't be set up when the IOMMU registers, nor when a driver binds. */
static struct device *type_begin(struct kunit *test,
				 void (*set_ops)(struct iommu_ops *ops))
{
	struct faults_test *priv = &type_test.begun;
	struct device *dev;

	faults_begin(test, priv, SZ_1G);
	KUNIT_ASSERT_EQ(test, add_master(priv, &priv->data), 0);
	dev = priv->topology.master;
	device_release_driver(dev);
	priv->data.attempts = 0;
	type_test.iommu = &priv->topology.iommu[0].iommu;
	type_test.set_ops = set_ops;
	fake_core.probing = type_probing;
	KUNIT_EXPECT_EQ(test, iommu_registers(priv), 0);

	/* It fails: there is nothing to wait for */
	KUNIT_EXPECT_EQ(test, attach_driver(dev), -EINVAL);
	KUNIT_EXPECT_FALSE(test, test_master_bound(dev));
	KUNIT_EXPECT_FALSE(test, has_iommu_dma_ops(dev));
	return dev;
}

static struct iommu_domain *window_domain_alloc(struct device *dev)
{
	struct iommu_domain *domain;

	domain = type_test.ops_before->domain_alloc_paging(dev);
	if (domain)
		domain->geometry.aperture_start = SZ_2G;

	return domain;
}

/* It takes only what is beyond the window of the master's bus */
static void window_set_ops(struct iommu_ops *ops)
{
	ops->domain_alloc_paging = window_domain_alloc;
}

/*
 * C53: an attempt that fails takes the window of the master with it.  What is set
 * up then knows of none, and the next attempt fails all the same.
 */
static void window_is_checked_by_each_attempt(struct kunit *test)
{
	struct device *dev;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "the IOMMU core sets up no DMA ops");

	dev = type_begin(test, window_set_ops);
	KUNIT_EXPECT_FALSE(test, has_dma_range_map(dev));
	KUNIT_EXPECT_EQ(test, group_set_type(dev, "DMA"), (ssize_t)3);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), -EINVAL);
	KUNIT_EXPECT_FALSE(test, test_master_bound(dev));
	KUNIT_EXPECT_EQ(test, type_test.begun.data.attempts, 0U);
	faults_finish(test, &type_test.begun, 0);
}

/* After those of direct mappings, which are not for a master with DMA ops */
static void queue_resv_regions(struct device *dev, struct list_head *list)
{
	struct iommu_resv_region *region;

	if (!has_iommu_dma_ops(dev))
		return;

	region = iommu_alloc_resv_region(SZ_1G, SZ_4K, 0, IOMMU_RESV_MSI,
					 GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, list);
	/* The first one is for the region, the second one for its MSI page */
	fail_nth(2);
}

static void queue_set_ops(struct iommu_ops *ops)
{
	ops->get_resv_regions = queue_resv_regions;
}

/*
 * C50: root can't have a flush queue set up for a domain that could not be set up
 * itself: how many entries it is to have is not known before.
 */
static void flush_queue_needs_domain(struct kunit *test)
{
	struct device *dev;

	if (!IS_ENABLED(CONFIG_IOMMU_DMA))
		kunit_skip(test, "the IOMMU core sets up no DMA ops");

	dev = type_begin(test, queue_set_ops);
	KUNIT_EXPECT_EQ(test, group_set_type(dev, "DMA"), (ssize_t)3);
	KUNIT_EXPECT_EQ(test, group_set_type(dev, "DMA-FQ"), (ssize_t)-EINVAL);
	KUNIT_EXPECT_EQ(test, iommu_get_domain_for_dev(dev)->type,
			(unsigned int)IOMMU_DOMAIN_DMA);
	faults_finish(test, &type_test.begun, 0);
	fail_end();
}
#endif

/* The kernel's own drivers, on a machine */

#define MACHINE_SUITE		"iommu_defer_boot_faults"

/* More masters than any machine here has */
#define MACHINE_MASTERS		32

/**
 * struct machine_master - a platform master with a driver, and translated
 * @np: its node
 * @iommu_np: that of its IOMMU
 * @parent: of its device
 * @dev: its device; NULL while there is none
 */
struct machine_master {
	struct device_node *np;
	struct device_node *iommu_np;
	struct device *parent;
	struct device *dev;
};

static struct machine {
	struct machine_master master[MACHINE_MASTERS];
	unsigned int masters;
} machine;

/* As an overlay does that goes again, and the device tree stays */
static void machine_remove(struct device *dev)
{
	struct device_node *np = of_node_get(dev->of_node);

	platform_device_unregister(to_platform_device(dev));
	of_node_clear_flag(np, OF_POPULATED);
	of_node_put(np);
}

/* It may have a driver then.  NULL if it could not be added. */
static struct device *machine_add(struct device_node *np, struct device *parent)
{
	struct platform_device *pdev;

	pdev = of_platform_device_create(np, NULL, parent);
	return pdev ? &pdev->dev : NULL;
}

/* The device of a node, with no reference, as nobody else takes it away */
static struct device *machine_device(struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);

	if (!pdev)
		return NULL;

	put_device(&pdev->dev);
	return &pdev->dev;
}

static void machine_find_masters(void)
{
	struct device_node *np, *iommu_np;
	struct machine_master *master;
	struct device *dev;

	machine.masters = 0;
	for_each_compatible_node(np, NULL, "iommu-defer,master") {
		dev = machine_device(np);
		if (!dev || !test_master_bound(dev) || !is_translated(dev) ||
		    machine.masters == MACHINE_MASTERS)
			continue;

		/* The device of an IOMMU may have gone since */
		iommu_np = of_parse_phandle(np, "iommus", 0);
		if (!machine_device(iommu_np)) {
			of_node_put(iommu_np);
			continue;
		}

		master = &machine.master[machine.masters++];
		master->np = of_node_get(np);
		master->iommu_np = iommu_np;
		master->parent = dev->parent;
		master->dev = dev;
	}
}

static void machine_forget_masters(void)
{
	unsigned int i;

	for (i = 0; i < machine.masters; i++) {
		of_node_put(machine.master[i].iommu_np);
		of_node_put(machine.master[i].np);
	}
	machine.masters = 0;
}

/* C50, C52, C53: whatever has failed, it is translated or nothing is left of it. */
static void machine_expect_in_order(struct kunit *test, struct device *dev)
{
	unsigned int faults;
	bool translated;

	translated = test_master_bound(dev) ? has_iommu_dma_ops(dev) :
					      has_group(dev);
	faults = check_invariants(dev, translated ? TRANSLATED : UNTRANSLATED);
	if (test_master_bound(dev) && (lacks_mapping(dev) || lacks_domain(dev)))
		faults &= ~(FAULT_FWSPEC_LEFT | FAULT_GROUP_LEFT);
	EXPECT_NO_FAULTS(test, faults);
}

/* C50: the next attempt is as good as a first one */
static void machine_expect_translated(struct kunit *test, struct device *dev)
{
	if (!test_master_bound(dev) || !is_translated(dev)) {
		device_release_driver(dev);
		KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	}
	KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	if (lacks_domain(dev))
		return;

	KUNIT_EXPECT_TRUE(test, has_iommu_dma_ops(dev));
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	KUNIT_EXPECT_TRUE(test, dma_reaches_buffer(dev));
}

static void machine_count(struct kunit *test, struct device_node *np,
			  unsigned int n)
{
	kunit_info(test, "%s: %u allocations have failed, one at a time\n",
		   np->full_name, n);
}

/* A master comes, and its driver with it: the first, the second allocation fails... */
static void master_comes(struct kunit *test)
{
	struct machine_master *master;
	unsigned int i, n;
	bool failed;

	if (!machine.masters)
		kunit_skip(test, "no platform master is translated");

	for (i = 0; i < machine.masters; i++) {
		master = &machine.master[i];
		failed = true;
		for (n = 1; failed && n < FAULTS_LIMIT; n++) {
			machine_remove(master->dev);
			fail_nth(n);
			master->dev = machine_add(master->np, master->parent);
			failed = fail_end();
			if (master->dev)
				machine_expect_in_order(test, master->dev);
			else
				master->dev = machine_add(master->np,
							  master->parent);
			KUNIT_ASSERT_NOT_NULL(test, master->dev);
			machine_expect_translated(test, master->dev);
		}
		machine_count(test, master->np, n - 2);
		KUNIT_EXPECT_FALSE(test, failed);
	}
}

#ifdef IOMMU_MAY_GO
/* The masters of an IOMMU come and go. */
static void machine_add_masters(struct kunit *test, struct device_node *iommu)
{
	struct machine_master *master;
	unsigned int i;

	for (i = 0; i < machine.masters; i++) {
		master = &machine.master[i];
		if (master->iommu_np != iommu)
			continue;

		master->dev = machine_add(master->np, master->parent);
		KUNIT_ASSERT_NOT_NULL(test, master->dev);
		machine_expect_translated(test, master->dev);
	}
}

static void machine_remove_masters(struct device_node *iommu)
{
	struct machine_master *master;
	unsigned int i;

	for (i = 0; i < machine.masters; i++) {
		master = &machine.master[i];
		if (master->iommu_np == iommu) {
			machine_remove(master->dev);
			master->dev = NULL;
		}
	}
}

static bool machine_has_pci_masters(struct device_node *iommu)
{
	struct device_node *np;
	bool found = false;
	u32 phandle;

	for_each_node_with_property(np, "iommu-map")
		if (!of_property_read_u32_index(np, "iommu-map", 1, &phandle))
			found |= phandle == iommu->phandle;

	return found;
}

/* C55: an IOMMU comes, after its device has gone with its masters */
static void iommu_comes(struct kunit *test)
{
	struct device *dev, *parent;
	struct device_node *iommu;
	bool failed = true;
	unsigned int n;

	if (!machine.masters)
		kunit_skip(test, "no platform master is translated");

	iommu = machine.master[0].iommu_np;
	dev = machine_device(iommu);
	if (!dev || machine_has_pci_masters(iommu))
		kunit_skip(test, "the IOMMU has masters that stay");

	parent = dev->parent;
	machine_remove_masters(iommu);
	for (n = 1; failed && n < FAULTS_LIMIT; n++) {
		machine_remove(dev);
		fail_nth(n);
		dev = machine_add(iommu, parent);
		failed = fail_end();
		if (!dev)
			dev = machine_add(iommu, parent);
		KUNIT_ASSERT_NOT_NULL(test, dev);
		if (!test_master_bound(dev)) {
			KUNIT_EXPECT_FALSE(test, iommu_is_registered(iommu));
			KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
		}
		KUNIT_EXPECT_TRUE(test, iommu_is_registered(iommu));
	}
	machine_count(test, iommu, n - 2);
	KUNIT_EXPECT_FALSE(test, failed);
	machine_add_masters(test, iommu);
}
#endif

/* Groups that somebody gives a domain of his own, as VFIO does */

static struct machine_group {
	struct iommu_group *group;
	struct device *dev[MACHINE_MASTERS];
	bool bound[MACHINE_MASTERS];
	unsigned int devs;
	unsigned int moves;
} machine_group;

static int machine_group_add(struct device *dev, void *data)
{
	bool bridge = dev_is_pci(dev) &&
		      to_pci_dev(dev)->hdr_type != PCI_HEADER_TYPE_NORMAL;

	if (bridge || machine_group.devs == MACHINE_MASTERS)
		return 0;

	machine_group.dev[machine_group.devs++] = dev;
	return 0;
}

/* Not all drivers can be bound twice. */
static void machine_group_rebind(void)
{
	struct device *dev;
	unsigned int i;

	for (i = 0; i < machine_group.devs; i++) {
		dev = machine_group.dev[i];
		machine_group.bound[i] = test_master_bound(dev);
		device_release_driver(dev);
		if (machine_group.bound[i]) {
			machine_group.bound[i] = attach_driver(dev) == 1;
			device_release_driver(dev);
		}
	}
}

static void machine_move(struct kunit *test)
{
	struct device *dev = machine_group.dev[0];
	struct iommu_domain *domain, *before;
	struct page *page;
	int err;

	err = claim_dma(dev);
	if (err && err != -EOPNOTSUPP)
		return;

	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	before = iommu_get_domain_for_dev(dev);
	domain = domain_alloc_for(dev);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	/* There may be no context left, and then it stays where it is */
	if (iommu_attach_group(domain, machine_group.group)) {
		KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(dev),
				    before);
	} else {
		KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(dev),
				    domain);
		KUNIT_EXPECT_EQ(test, map_page(domain, SZ_1M, page), 0);
		KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, SZ_1M),
				page_to_phys(page));
		KUNIT_EXPECT_EQ(test, iommu_unmap(domain, SZ_1M, SZ_4K),
				(size_t)SZ_4K);
		KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, SZ_1M),
				(phys_addr_t)0);
		iommu_detach_group(domain, machine_group.group);
		machine_group.moves++;
	}
	iommu_domain_free(domain);
	__free_page(page);
	if (!err)
		release_dma(dev);
}

/* Once for each group, by its first device */
static int machine_move_group_of(struct device *dev, void *data)
{
	struct kunit *test = data;
	unsigned int i;

	machine_group.group = iommu_group_get(dev);
	machine_group.devs = 0;
	if (!machine_group.group)
		return 0;

	iommu_group_for_each_dev(machine_group.group, NULL, machine_group_add);
	if (machine_group.devs && machine_group.dev[0] == dev &&
	    is_translated(dev)) {
		machine_group_rebind();
		machine_move(test);
		for (i = 0; i < machine_group.devs; i++) {
			if (!machine_group.bound[i])
				continue;

			dev = machine_group.dev[i];
			KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
			machine_expect_translated(test, dev);
		}
	}
	iommu_group_put(machine_group.group);
	return 0;
}

/* C53: what it is given back works as before; disks and networks show it, too */
static void group_moves(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_ARM))
		kunit_skip(test, "an IPMMU has one context, which its masters share");

	machine_group.moves = 0;
	bus_for_each_dev(&platform_bus_type, NULL, test, machine_move_group_of);
#ifdef CONFIG_PCI
	bus_for_each_dev(&pci_bus_type, NULL, test, machine_move_group_of);
#endif
	if (!machine_group.moves)
		kunit_skip(test, "no group can have another domain");

	kunit_info(test, "%u groups there and back\n", machine_group.moves);
}

/* C24: IDs that are the same count once.  This is before the fwspec is anybody's. */
static void id_is_kept_once(struct kunit *test)
{
	static const u32 ids[] = { 0, 7, 7, 0, 9, 7, 9 };
	static const unsigned int nums[] = { 1, 2, 2, 2, 3, 3, 3 };
	struct machine_master *master = &machine.master[0];
	struct fwnode_handle *fwnode;
	struct device *dev;
	unsigned int i;

	if (!FWSPEC_KEEPS_IDS_ONCE)
		kunit_skip(test, "the drivers see to that");
	if (!machine.masters)
		kunit_skip(test, "no platform master is translated");

	dev = test_master_alloc(master->np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	fwnode = of_fwnode_handle(master->iommu_np);
	KUNIT_ASSERT_EQ(test, third_party_fwspec(dev, fwnode), 0);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_EQ(test, fwspec_add_id(dev, ids[i]), 0);
		KUNIT_EXPECT_EQ(test, fwspec_num_ids(dev), nums[i]);
	}
	free_third_party_fwspec(dev);
	put_device(dev);
}

static int faults_arm(struct kunit *test)
{
	memset(&fail_probe.ainsn, 0, sizeof(fail_probe.ainsn));
	fail_probe.addr = NULL;
	fail_probe.flags = 0;
	KUNIT_ASSERT_EQ(test, register_kprobe(&fail_probe), 0);
	return 0;
}

static int faults_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	return faults_arm(test);
}

static void faults_exit(struct kunit *test)
{
	if (suite_is_off(SUITE))
		return;

#ifdef IOMMU_TAKES_IDLE_MASTERS
	fake_core_reset();
#endif
	unregister_kprobe(&fail_probe);
}

static struct kunit_case faults_tests[] = {
	KUNIT_CASE_PARAM(allocation_fails, faults_step_gen_params),
#ifdef IOMMU_TAKES_IDLE_MASTERS
	KUNIT_CASE(group_is_joined_as_iommu_fails),
	KUNIT_CASE(group_has_its_domain_as_iommu_fails),
	KUNIT_CASE(group_without_domain_starts_over),
	KUNIT_CASE(map_is_of_last_attempt),
	KUNIT_CASE(map_stays_while_dma_is_set_up),
	KUNIT_CASE(window_is_checked_by_each_attempt),
	KUNIT_CASE(flush_queue_needs_domain),
#endif
	{}
};

static struct kunit_suite faults_suite = {
	.name = SUITE,
	.init = faults_init,
	.exit = faults_exit,
	.test_cases = faults_tests,
};

static int machine_init(struct kunit *test)
{
	if (!booted_scenario())
		kunit_skip(test, "there is no machine with an IOMMU");

	machine_find_masters();
	return faults_arm(test);
}

static void machine_exit(struct kunit *test)
{
	if (!booted_scenario())
		return;

	machine_forget_masters();
	unregister_kprobe(&fail_probe);
}

static struct kunit_case machine_tests[] = {
	KUNIT_CASE(id_is_kept_once),
	KUNIT_CASE(group_moves),
	KUNIT_CASE(master_comes),
#ifdef IOMMU_MAY_GO
	KUNIT_CASE(iommu_comes),
#endif
	{}
};

static struct kunit_suite machine_suite = {
	.name = MACHINE_SUITE,
	.init = machine_init,
	.exit = machine_exit,
	.test_cases = machine_tests,
};

kunit_test_suites(&faults_suite, &machine_suite);
