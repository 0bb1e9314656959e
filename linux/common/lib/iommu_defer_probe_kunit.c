// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: masters that the driver core probes.
 *
 * The decision table says what one attempt comes to.  Here masters have a
 * driver, so that waiting, trying again, giving up and unbinding are the driver
 * core's own.  Each time the driver is called it checks the invariants, and
 * that a buffer mapped by the DMA API is where the device would find it.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>

#include "iommu_defer.h"
#include "iommu_defer_case.h"
#include "iommu_defer_compat.h"

/* For the driver core to call a driver again: milliseconds, even emulated. */
#define ATTEMPT_TIMEOUT	(5 * HZ)

#define SUITE		"iommu_defer_probe"

/**
 * struct probe_fixture - fixture: a master with a driver, and its IOMMU
 * @topology: their nodes
 * @master: what the driver does and sees
 * @groups: groups alive before the test
 * @domains: domains alive before the test
 * @mapped: extents mapped before the test
 */
struct probe_fixture {
	struct test_topology topology;
	struct test_master master;
	int groups;
	int domains;
	int mapped;
};

static void probe_count(struct probe_fixture *priv)
{
	priv->groups = fake_driver.groups;
	priv->domains = fake_driver.domains;
	priv->mapped = fake_driver.mapped;
}

static int probe_build(struct probe_fixture *priv)
{
	init_completion(&priv->master.attempted);
	return test_topology_build(&priv->topology);
}

/* Add the master to its bus: its first attempt is over when this returns. */
static int probe_add(struct probe_fixture *priv)
{
	struct device *dev;

	dev = test_master_add(priv->topology.master_np, &priv->master);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	priv->topology.master = dev;
	return 0;
}

/*
 * Four masters that are there before the end of init, each with an IOMMU of its
 * own.  They stay, and so does what was seen of them at these moments.
 */
enum { EARLY_COMES, EARLY_NEVER, EARLY_DISABLED, EARLY_READY, EARLY_COUNT };

static struct early_master {
	struct probe_fixture probe;
	int err;
	bool bound_at_once;
	bool bound_at_end;
} masters_early[EARLY_COUNT];

static int __init add_masters_early(void)
{
	int i;

	if (suite_is_off(SUITE))
		return 0;

	for (i = 0; i < EARLY_COUNT; i++) {
		struct early_master *early = &masters_early[i];

		test_topology_init(&early->probe.topology);
		if (i == EARLY_DISABLED)
			early->probe.topology.state[0] = DISABLED;

		early->err = probe_build(&early->probe);
		if (!early->err && i == EARLY_READY)
			early->err = fake_iommu_register(&early->probe.topology.iommu[0]);
		if (early->err)
			continue;

		early->err = probe_add(&early->probe);
		if (!early->err)
			early->bound_at_once =
				test_master_bound(early->probe.topology.master);
	}

	return 0;
}
device_initcall_sync(add_masters_early);

/* One of the IOMMUs comes late, but while the kernel still waits. */
static int __init register_iommu_early(void)
{
	struct early_master *early = &masters_early[EARLY_COMES];

	if (!suite_is_off(SUITE) && !early->err)
		early->err = fake_iommu_register(&early->probe.topology.iommu[0]);

	return 0;
}
late_initcall(register_iommu_early);

static int __init look_at_masters_early(void)
{
	int i;

	for (i = 0; i < EARLY_COUNT; i++)
		if (masters_early[i].probe.topology.master)
			masters_early[i].bound_at_end =
				test_master_bound(masters_early[i].probe.topology.master);

	return 0;
}
late_initcall_sync(look_at_masters_early);

static void expect_master(struct kunit *test, struct test_master *master,
			  enum attempt_result want)
{
	EXPECT_RESULT(test, master->result, want);
	KUNIT_EXPECT_TRUE_MSG(test, master->reaches,
			      "a mapped buffer doesn't resolve to itself");
	EXPECT_NO_FAULTS(test, master->faults);
}

static void expect_early_master(struct kunit *test, int which, bool at_once,
				enum attempt_result want)
{
	struct early_master *early = &masters_early[which];

	KUNIT_ASSERT_EQ(test, early->err, 0);
	KUNIT_EXPECT_EQ(test, early->bound_at_once, at_once);
	KUNIT_EXPECT_TRUE(test, early->bound_at_end);
	KUNIT_EXPECT_EQ(test, early->probe.master.attempts, 1U);
	expect_master(test, &early->probe.master, want);
}

/* C3, C5: a master waits for an IOMMU that comes late, and is translated by it */
static void waits_for_iommu_that_comes(struct kunit *test)
{
	expect_early_master(test, EARLY_COMES, false, TRANSLATED);
}

/*
 * C3, C31: if the IOMMU never comes the master probes without it, and by the end of init:
 * nothing else need bind for that (in the report of May 2017 nothing did)
 */
static void goes_on_if_iommu_never_comes(struct kunit *test)
{
	expect_early_master(test, EARLY_NEVER, false, UNTRANSLATED);
}

/* C1: a master of a disabled IOMMU doesn't wait at all */
static void never_waits_for_disabled(struct kunit *test)
{
	expect_early_master(test, EARLY_DISABLED, true, UNTRANSLATED);
}

/* C5: a master of an IOMMU that is there is translated from the first attempt */
static void translated_at_once(struct kunit *test)
{
	expect_early_master(test, EARLY_READY, true, TRANSLATED);
}

static void retry_deferred_devices(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, retry_deferred(), 0);
}

static void wait_for_attempt(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	unsigned long left;

	left = wait_for_completion_timeout(&priv->master.attempted,
					   ATTEMPT_TIMEOUT);
	KUNIT_ASSERT_NE_MSG(test, left, 0UL, "the driver was not called");
}

static const unsigned int deferrals[] = { 1, 2, 10 };

static void deferrals_desc(const unsigned int *n, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "deferrals=%u", *n);
}

KUNIT_ARRAY_PARAM(deferrals, deferrals, deferrals_desc);

static void probe_until_bound(struct kunit *test, bool registered)
{
	const unsigned int *n = test->param_value;
	struct probe_fixture *priv = test->priv;
	unsigned int i;

	priv->master.deferrals = *n;
	priv->master.managed = true;
	if (registered)
		KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]),
				0);

	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	wait_for_attempt(test);
	for (i = 0; i < *n; i++) {
		KUNIT_EXPECT_FALSE(test, test_master_bound(priv->topology.master));
		retry_deferred_devices(test);
		wait_for_attempt(test);
	}

	KUNIT_EXPECT_TRUE(test, test_master_bound(priv->topology.master));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, *n + 1);
}

/*
 * C43, C51, C54: however often the driver defers for reasons of its own, the master ends up
 * translated, in one group, and devres frees its DMA memory through the ops and
 * the mapping that it came from (see commits 376991db4b64 and 0b777eee88d7)
 */
static void driver_defers(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	probe_until_bound(test, true);
	expect_master(test, &priv->master, TRANSLATED);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 1U);
	KUNIT_EXPECT_EQ(test, fake_driver.groups, priv->groups + 1);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains + 1);
	/* The buffer of the attempt that succeeded, and no other */
	KUNIT_EXPECT_EQ(test, fake_driver.mapped, priv->mapped + 1);
}

/* The same of a master without an IOMMU */
static void driver_defers_untranslated(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	probe_until_bound(test, false);
	expect_master(test, &priv->master, UNTRANSLATED);
	KUNIT_EXPECT_EQ(test, fake_driver.groups, priv->groups);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
}

/* C50: an IOMMU that comes while the driver defers is used by the next attempt */
static void iommu_comes_while_driver_defers(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	priv->master.deferrals = 1;
	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	wait_for_attempt(test);
	expect_master(test, &priv->master, UNTRANSLATED);

	KUNIT_EXPECT_FALSE(test, test_master_bound(priv->topology.master));
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	retry_deferred_devices(test);
	wait_for_attempt(test);
	KUNIT_EXPECT_TRUE(test, test_master_bound(priv->topology.master));
	expect_master(test, &priv->master, TRANSLATED);
}

/*
 * C50: that the driver has widened the DMA masks before it deferred is no obstacle:
 * the next attempt gets as much of the bus as the first one would have got
 */
static void driver_defers_with_wide_mask(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	priv->master.wide = true;
	probe_until_bound(test, true);
	expect_master(test, &priv->master, TRANSLATED);
}

/* C51: a driver whose DMA is configured once more in its probe keeps what it has */
static void configured_again_by_driver(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	priv->master.configure_np = priv->topology.master_np;
	probe_until_bound(test, true);
	expect_master(test, &priv->master, TRANSLATED);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 1U);
}

/* The same without an IOMMU */
static void configured_again_untranslated(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	priv->master.configure_np = priv->topology.master_np;
	probe_until_bound(test, false);
	expect_master(test, &priv->master, UNTRANSLATED);
}

/*
 * C51: a device without a node, whose driver has its DMA configured by the node of
 * another one (etnaviv does), finds what it had in the attempt before
 */
static void configured_by_driver_alone(struct kunit *test)
{
	const unsigned int *n = test->param_value;
	struct probe_fixture *priv = test->priv;
	struct device *dev;
	unsigned int i;

	priv->master.deferrals = *n + 1;
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dev = test_master_add(NULL, &priv->master);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	priv->topology.master = dev;
	wait_for_attempt(test);

	/* It has a group before its driver is called, or the core would warn */
	priv->master.configure_np = priv->topology.master_np;
	KUNIT_ASSERT_EQ(test, configure_dma(dev, priv->topology.master_np), 0);
	for (i = 0; i <= *n; i++) {
		KUNIT_EXPECT_FALSE(test, test_master_bound(dev));
		retry_deferred_devices(test);
		wait_for_attempt(test);
	}

	KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, *n + 2);
	expect_master(test, &priv->master, TRANSLATED);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 1U);
}

/*
 * C34: a device on a bus that no IOMMU driver serves has no IOMMU, whatever its
 * node says: a USB root hub has the node of its controller
 */
static void other_bus_has_no_iommu(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct platform_device *pdev;

	if (!defer_base.configures_any_bus)
		kunit_skip(test, "a bus says itself whether it configures DMA");

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	pdev = platform_device_alloc("iommu-defer-hub", PLATFORM_DEVID_NONE);
	KUNIT_ASSERT_NOT_NULL(test, pdev);
	pdev->dev.of_node = of_node_get(priv->topology.master_np);
	KUNIT_ASSERT_EQ(test, platform_device_add(pdev), 0);

	test_log_watch(&pdev->dev);
	EXPECT_RESULT(test, try_configure(&pdev->dev, priv->topology.master_np),
		      UNTRANSLATED);
	KUNIT_EXPECT_EQ(test, test_log_lines(), 0U);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
	platform_device_unregister(pdev);
}

/* C34: so has one that is on no bus */
static void device_without_bus_has_no_iommu(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct device *dev;

	if (!defer_base.configures_any_bus)
		kunit_skip(test, "a bus says itself whether it configures DMA");

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dev = test_master_alloc(priv->topology.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	KUNIT_EXPECT_EQ(test, dev_set_name(dev, "iommu-defer-no-bus"), 0);
	KUNIT_ASSERT_EQ(test, device_add(dev), 0);
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      UNTRANSLATED);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
	device_unregister(dev);
}

/* What the IOMMU driver says to a device that is configured too early, and later */
struct early_caller {
	const char *name;
	bool on_bus;
	int xlate;
	int add;
	enum attempt_result want;
};

static const struct early_caller early_callers[] = {
	/* As host1x does it: the device has no bus yet */
	{ "C33 no bus, IOMMU ready", false, 0, 0, TRANSLATED },
	{ "C33 no bus, of_xlate defers", false, -EPROBE_DEFER, 0, TRANSLATED },
	{ "C33 no bus, add_device -ENODEV", false, 0, -ENODEV, UNTRANSLATED },
	/* As bcma does it: the bus is set, but the device isn't added to it */
	{ "C33 not added, IOMMU ready", true, 0, 0, TRANSLATED },
	{ "C33 not added, of_xlate defers", true, -EPROBE_DEFER, 0, TRANSLATED },
	{ "C33 not added, add_device -ENODEV", true, 0, -ENODEV, UNTRANSLATED },
};

static void early_caller_desc(const struct early_caller *caller, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", caller->name);
}

KUNIT_ARRAY_PARAM(early_caller, early_callers, early_caller_desc);

/*
 * C33: a device that isn't registered has no IOMMU yet, and no driver is asked.
 * Whoever configures its DMA then, and doesn't look at what comes of it, doesn't
 * take anything from the attempt that the driver core makes.
 */
static void configured_before_it_is_registered(struct kunit *test)
{
	const struct early_caller *caller = test->param_value;
	struct probe_fixture *priv = test->priv;
	struct device *dev;
	int err;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dev = test_master_alloc(priv->topology.master_np, &priv->master);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	if (caller->on_bus) {
		test_master_set_bus(dev);
		KUNIT_ASSERT_EQ(test, dev_set_name(dev, "iommu-defer-early"), 0);
	}
	fake_driver.xlate_ret = caller->xlate;
	err = configure_dma(dev, priv->topology.master_np);
	if (!defer_base.asks_unregistered) {
		KUNIT_EXPECT_EQ(test, err, 0);
		KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
		KUNIT_EXPECT_FALSE(test, fwspec_ops(dev));
	}

	fake_driver.xlate_ret = 0;
	fake_driver.add_ret = caller->add;
	KUNIT_ASSERT_EQ(test, test_master_join(dev), 0);
	priv->topology.master = dev;
	KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	expect_master(test, &priv->master, caller->want);
}

/*
 * C52: a fwspec that somebody else has made, as mtk_iommu_v1 and the old binding
 * of arm-smmu do in add_device, isn't for an attempt to free
 */
static void fwspec_of_third_party_survives(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct fwnode_handle *fwnode;
	struct device *dev;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology));
	test_topology_init(&priv->topology);
	priv->topology.state[0] = DISABLED;
	priv->topology.state[1] = READY;
	KUNIT_ASSERT_EQ(test, probe_build(priv), 0);
	KUNIT_ASSERT_EQ(test, test_topology_register_ready(&priv->topology), 0);
	dev = test_master_add(priv->topology.master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	priv->topology.master = dev;

	fwnode = of_fwnode_handle(priv->topology.iommu[1].np);
	KUNIT_ASSERT_EQ(test, third_party_fwspec(dev, fwnode), 0);
	try_configure(dev, priv->topology.master_np);
	KUNIT_EXPECT_PTR_EQ(test, fwspec_fwnode(dev), fwnode);
	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 0U);
	free_third_party_fwspec(dev);
}

/*
 * C50: an offset between bus addresses and the CPU's is there for each attempt, and
 * only once: deferral by the IOMMU leaves no map of it behind, and deferral by
 * the driver doesn't add to it
 */
static void bus_offset_is_found_by_each_attempt(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, test_topology_destroy(&priv->topology), 0U);
	priv->topology.bus_offset = SZ_1G;
	KUNIT_ASSERT_EQ(test, test_topology_build(&priv->topology), 0);
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	priv->master.deferrals = 1;
	fake_driver.xlate_ret = -EPROBE_DEFER;
	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 0U);
	if (defer_base.has_dma_range_map)
		KUNIT_EXPECT_FALSE(test,
				   has_dma_range_map(priv->topology.master));

	fake_driver.xlate_ret = 0;
	for (i = 0; i < 2; i++) {
		retry_deferred_devices(test);
		wait_for_attempt(test);
		KUNIT_EXPECT_EQ(test, priv->master.offset, (u64)SZ_1G);
	}
	KUNIT_EXPECT_TRUE(test, test_master_bound(priv->topology.master));
	expect_master(test, &priv->master, TRANSLATED);
}

/*
 * C32, C53: an IOMMU that comes when its master is bound already leaves it alone: DMA
 * that may be going on stays untranslated until the driver is bound again
 */
static void late_iommu_leaves_bound_master_alone(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct device *dev;

	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	dev = priv->topology.master;
	KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	KUNIT_EXPECT_EQ(test, check_invariants(dev, UNTRANSLATED), 0U);
	KUNIT_EXPECT_TRUE(test, dma_reaches_buffer(dev));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	expect_master(test, &priv->master, TRANSLATED);
}

/*
 * C55: an IOMMU that goes from under a bound master (its driver should not let
 * that happen) does no harm: what is mapped can be unmapped, and the master gets
 * no new mapping, nor does it when its driver is bound again
 */
static void iommu_unregisters_under_bound_master(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct device *dev;

	if (!defer_base.iommu_may_unregister)
		kunit_skip(test, "the IOMMU core takes its masters down with it");

	priv->master.managed = true;
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	dev = priv->topology.master;
	expect_master(test, &priv->master, TRANSLATED);
	fake_iommu_unregister(&priv->topology.iommu[0]);
	EXPECT_NO_FAULTS(test, check_invariants(dev, TRANSLATED));
	KUNIT_EXPECT_FALSE(test, dma_reaches_buffer(dev));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, fake_driver.mapped, priv->mapped);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	EXPECT_RESULT(test, priv->master.result, TRANSLATED);
	KUNIT_EXPECT_FALSE(test, priv->master.reaches);
	EXPECT_NO_FAULTS(test, priv->master.faults);
}

/* C55: a master that its IOMMU has made wait goes on without when that is gone */
static void iommu_unregisters_while_master_waits(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	fake_driver.xlate_ret = -EPROBE_DEFER;
	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	KUNIT_EXPECT_FALSE(test, test_master_bound(priv->topology.master));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 0U);

	fake_iommu_unregister(&priv->topology.iommu[0]);
	fake_driver.xlate_ret = 0;
	retry_deferred_devices(test);
	wait_for_attempt(test);
	KUNIT_EXPECT_TRUE(test, test_master_bound(priv->topology.master));
	expect_master(test, &priv->master, UNTRANSLATED);
}

/* C4: a driver without of_xlate has found the master by itself */
static void in_group_already(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct device_node *np = priv->topology.master_np;
	struct iommu_group *group;
	struct device *dev;
	int err;

	priv->topology.iommu[0].no_xlate = true;
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dev = test_master_add(np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	priv->topology.master = dev;
	group = fake_iommu_group(dev);
	KUNIT_ASSERT_FALSE(test, IS_ERR(group));
	err = iommu_group_add_device(group, dev);
	iommu_group_put(group);
	KUNIT_ASSERT_EQ(test, err, 0);

	test_log_watch(dev);
	EXPECT_RESULT(test, try_configure(dev, np), UNTRANSLATED);
	KUNIT_EXPECT_EQ_MSG(test, test_log_lines(), 0U, "lines of the log");
	iommu_group_remove_device(dev);
}

/*
 * C53: while somebody else has a domain of his own attached, which is not to be
 * replaced, no driver may be bound: its DMA would go through that one unmapped
 */
static void domain_of_somebody_else(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct iommu_domain *domain;
	struct device *dev;
	int err;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	dev = priv->topology.master;
	KUNIT_ASSERT_TRUE(test, test_master_bound(dev));
	device_release_driver(dev);

	err = claim_dma(dev);
	if (err == -EOPNOTSUPP)
		kunit_skip(test, "nobody can claim a group");

	KUNIT_ASSERT_EQ(test, err, 0);
	domain = domain_alloc_for(dev);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, dev), 0);
	fake_driver.attach_ret = -EBUSY;
	attach_driver(dev);
	KUNIT_EXPECT_FALSE(test, test_master_bound(dev));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 1U);
	fake_driver.attach_ret = 0;
	iommu_detach_device(domain, dev);
	iommu_domain_free(domain);
	release_dma(dev);

	/* It doesn't wait for that: who wants a driver has to bind it again */
	retry_deferred_devices(test);
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 1U);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	expect_master(test, &priv->master, TRANSLATED);
}

/* C43, C51: unbinding frees all DMA memory, rebinding finds the master translated */
static void rebinds_translated(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;
	struct device *dev;
	int i;

	priv->master.managed = true;
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	KUNIT_ASSERT_EQ(test, probe_add(priv), 0);
	dev = priv->topology.master;
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, test_master_bound(dev));
		expect_master(test, &priv->master, TRANSLATED);
		device_release_driver(dev);
		KUNIT_EXPECT_EQ(test, fake_driver.mapped, priv->mapped);
		KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	}

	KUNIT_EXPECT_EQ(test, fake_driver.xlate_calls, 1U);
}

static int probe_init(struct kunit *test)
{
	struct probe_fixture *priv;

	test->priv = NULL;
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	probe_count(priv);
	fake_driver_reset();
	test_topology_init(&priv->topology);
	KUNIT_ASSERT_EQ(test, probe_build(priv), 0);
	return 0;
}

/* With the master all that was its own must be gone. */
static void probe_exit(struct kunit *test)
{
	struct probe_fixture *priv = test->priv;

	if (!priv)
		return;

	EXPECT_NO_FAULTS(test, test_topology_destroy(&priv->topology) |
			 fake_driver.faults);
	KUNIT_EXPECT_EQ(test, fake_driver.groups, priv->groups);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
	KUNIT_EXPECT_EQ(test, fake_driver.mapped, priv->mapped);
	fake_driver_reset();
}

static struct kunit_case probe_tests[] = {
	KUNIT_CASE(waits_for_iommu_that_comes),
	KUNIT_CASE(goes_on_if_iommu_never_comes),
	KUNIT_CASE(never_waits_for_disabled),
	KUNIT_CASE(translated_at_once),
	KUNIT_CASE_PARAM(driver_defers, deferrals_gen_params),
	KUNIT_CASE_PARAM(driver_defers_untranslated, deferrals_gen_params),
	KUNIT_CASE_PARAM(driver_defers_with_wide_mask, deferrals_gen_params),
	KUNIT_CASE_PARAM(configured_again_by_driver, deferrals_gen_params),
	KUNIT_CASE_PARAM(configured_again_untranslated, deferrals_gen_params),
	KUNIT_CASE_PARAM(configured_by_driver_alone, deferrals_gen_params),
	KUNIT_CASE(other_bus_has_no_iommu),
	KUNIT_CASE(device_without_bus_has_no_iommu),
	KUNIT_CASE_PARAM(configured_before_it_is_registered,
			 early_caller_gen_params),
	KUNIT_CASE(fwspec_of_third_party_survives),
	KUNIT_CASE(bus_offset_is_found_by_each_attempt),
	KUNIT_CASE(late_iommu_leaves_bound_master_alone),
	KUNIT_CASE(iommu_unregisters_under_bound_master),
	KUNIT_CASE(iommu_unregisters_while_master_waits),
	KUNIT_CASE(iommu_comes_while_driver_defers),
	KUNIT_CASE(in_group_already),
	KUNIT_CASE(domain_of_somebody_else),
	KUNIT_CASE(rebinds_translated),
	{}
};

/*
 * Masters with a driver, probed by the driver core: four that were there during
 * init, and one made for each test, whose IOMMU node is enabled.
 */
static struct kunit_suite probe_suite = {
	.name = SUITE,
	.init = probe_init,
	.exit = probe_exit,
	.test_cases = probe_tests,
};

kunit_test_suites(&probe_suite);
