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
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/platform_device.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define SUITE			"iommu_defer_faults"

/* More than any step allocates: a step without an end is no step */
#define FAULTS_LIMIT		1000

/* The n-th allocation of a thread */

static struct task_struct *fail_task;
static unsigned int fail_left;

/* Return from should_failslab() at once, and say yes. */
static int fail_allocation(struct kprobe *probe, struct pt_regs *regs)
{
	if (current != fail_task || !fail_left || --fail_left)
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
	return configure_dma(priv->topology.master, priv->topology.master_np);
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

static void faults_begin(struct kunit *test, struct faults_test *priv)
{
	memset(priv, 0, sizeof(*priv));
	priv->groups = fake_driver.groups;
	priv->domains = fake_driver.domains;
	priv->mapped = fake_driver.mapped;
	fake_driver_reset();
	init_completion(&priv->data.attempted);
	test_topology_init(&priv->topology);
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
	if (faults)
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
		if (step->translated && !err && lacks_mapping(dev))
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
		faults_begin(test, priv);
		KUNIT_ASSERT_EQ(test, step->prepare(priv), 0);
		fail_nth(n);
		err = step->step(priv);
		failed = fail_end();
		if (!failed)
			KUNIT_EXPECT_EQ(test, err, 0);
		expect_in_order(test, step, priv, err);
		expect_next(test, step, priv, err);
		faults_finish(test, priv, n);
	}

	kunit_info(test, "%u allocations have failed, one at a time\n", n - 2);
	KUNIT_EXPECT_FALSE(test, failed);
}

static int faults_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	memset(&fail_probe.ainsn, 0, sizeof(fail_probe.ainsn));
	fail_probe.addr = NULL;
	fail_probe.flags = 0;
	KUNIT_ASSERT_EQ(test, register_kprobe(&fail_probe), 0);
	return 0;
}

static void faults_exit(struct kunit *test)
{
	if (!suite_is_off(SUITE))
		unregister_kprobe(&fail_probe);
}

static struct kunit_case faults_tests[] = {
	KUNIT_CASE_PARAM(allocation_fails, faults_step_gen_params),
	{}
};

static struct kunit_suite faults_suite = {
	.name = SUITE,
	.init = faults_init,
	.exit = faults_exit,
	.test_cases = faults_tests,
};

kunit_test_suites(&faults_suite);
