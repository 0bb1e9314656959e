// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: the DMA ops of ARM.
 *
 * A master may have to be probed more than once, so what arch_setup_dma_ops()
 * did for an attempt that failed must be undone before the next one: its
 * mapping, its DMA ops and its claim to them.  Ops and mappings that somebody
 * else gave the device (an IOMMU driver that shares a mapping between masters,
 * a bus notifier, a driver that attaches a mapping of its own) are not for
 * arch_teardown_dma_ops() to touch.
 */

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/sizes.h>
#include <asm/dma-iommu.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define SUITE	"iommu_defer_dma"

/**
 * struct defer_dma - fixture of a test
 * @topology: IOMMU and master; the tests stand in for the driver core
 * @second: one more topology, where a test needs two masters or a driver
 * @driver: what the driver of the second master does
 * @groups: groups alive before the test
 * @domains: domains alive before the test
 */
struct defer_dma {
	struct test_topology topology;
	struct test_topology second;
	struct test_master driver;
	int groups;
	int domains;
};

static void dma_topology(struct kunit *test, struct test_topology *topology)
{
	struct device *dev;

	test_topology_init(topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(topology), 0);
	dev = test_master_add(topology->master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	topology->master = dev;
}

/* What of_dma_configure() does, with the IOMMU in its present state. */
static enum attempt_result dma_setup(struct test_topology *topology)
{
	enum attempt_result result;

	result = try_configure(topology->master, topology->master_np);
	setup_dma_ops(topology->master, result == TRANSLATED);
	return result;
}

static void expect_sound(struct kunit *test, struct device *dev,
			 enum attempt_result result)
{
	EXPECT_NO_FAULTS(test, check_invariants(dev, result) |
			 fake_driver.faults);
}

static void expect_direct(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_TRUE(test, has_direct_dma_ops(dev));
	KUNIT_EXPECT_FALSE(test, is_translated(dev));
	KUNIT_EXPECT_TRUE(test, dma_reaches_buffer(dev));
	expect_sound(test, dev, UNTRANSLATED);
}

static void expect_translated(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_TRUE(test, has_iommu_dma_ops(dev));
	KUNIT_EXPECT_TRUE(test, has_dma_mapping(dev));
	KUNIT_EXPECT_TRUE(test, dma_reaches_buffer(dev));
	expect_sound(test, dev, TRANSLATED);
}

/* As if arch_setup_dma_ops() had never been called. */
static void expect_undone(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, NULL);
	KUNIT_EXPECT_FALSE(test, has_dma_mapping(dev));
	KUNIT_EXPECT_FALSE(test, is_translated(dev));
}

/*
 * A mapping that isn't arch_setup_dma_ops()'s, made for @dev, which has been
 * configured.  The test has two references: if a teardown drops one too many,
 * that is seen before anything is freed.
 */
static struct dma_iommu_mapping *third_party_mapping(struct kunit *test,
						     struct device *dev)
{
	struct dma_iommu_mapping *mapping;

	mapping = create_mapping_for(dev, SZ_2G, SZ_64M);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mapping));
	kref_get(&mapping->kref);
	return mapping;
}

/* @dev still has the mapping of a third party, and @users devices have it in all. */
static void expect_third_party_mapping(struct kunit *test, struct device *dev,
				       struct dma_iommu_mapping *mapping,
				     unsigned int users)
{
	KUNIT_EXPECT_TRUE(test, has_iommu_dma_ops(dev));
	KUNIT_EXPECT_PTR_EQ(test, to_dma_iommu_mapping(dev), mapping);
	KUNIT_EXPECT_EQ(test, (unsigned int)kref_read(&mapping->kref),
			users + 2);
}

static void detach_mapping(struct test_topology *topology,
			   struct dma_iommu_mapping *mapping)
{
	if (topology->master && to_dma_iommu_mapping(topology->master) == mapping)
		arm_iommu_detach_device(topology->master);
}

/* Whoever attached the mapping takes it away again: nothing is left of it. */
static void drop_third_party_mapping(struct kunit *test,
				     struct dma_iommu_mapping *mapping)
{
	struct defer_dma *priv = test->priv;

	detach_mapping(&priv->topology, mapping);
	detach_mapping(&priv->second, mapping);
	while (kref_read(&mapping->kref) > 1)
		arm_iommu_release_mapping(mapping);
	arm_iommu_release_mapping(mapping);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
}

/* C41: direct DMA ops are undone, so that the next attempt may choose others */
static void direct_ops_are_undone(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;

	EXPECT_RESULT(test, dma_setup(&priv->topology), UNTRANSLATED);
	expect_direct(test, dev);

	/* With no mapping to detach there is nothing to be said */
	test_log_watch(dev);
	arch_teardown_dma_ops(dev);
	KUNIT_EXPECT_EQ(test, test_log_lines(), 0U);
	expect_undone(test, dev);
}

/* C41, C53: IOMMU DMA ops go together with their mapping (see commit a93a121a9653) */
static void iommu_ops_are_undone(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	EXPECT_RESULT(test, dma_setup(&priv->topology), TRANSLATED);
	expect_translated(test, dev);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains + 1);

	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
}

/* C50: however often a driver defers, each attempt gets what the first one got */
static void every_attempt_is_alike(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	int i;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	for (i = 0; i < 10; i++) {
		EXPECT_RESULT(test, dma_setup(&priv->topology), TRANSLATED);
		expect_translated(test, dev);
		arch_teardown_dma_ops(dev);
		expect_undone(test, dev);
	}
}

/* C50: an IOMMU that comes between two attempts is used by the second one */
static void iommu_comes_between_attempts(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;

	dma_setup(&priv->topology);
	expect_direct(test, dev);
	arch_teardown_dma_ops(dev);

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	EXPECT_RESULT(test, dma_setup(&priv->topology), TRANSLATED);
	expect_translated(test, dev);
	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
}

/*
 * C40: one that comes after a first setup that nobody undid, as by somebody who
 * configures a device early, is used by the next setup all the same; and a
 * mapping that is in use is kept
 */
static void later_setup_uses_iommu(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *mapping;

	dma_setup(&priv->topology);
	expect_direct(test, dev);

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dma_setup(&priv->topology);
	expect_translated(test, dev);
	mapping = to_dma_iommu_mapping(dev);
	dma_setup(&priv->topology);
	KUNIT_EXPECT_PTR_EQ(test, to_dma_iommu_mapping(dev), mapping);

	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
}

/* C53: if the mapping can't be attached, direct ops it is, and nothing leaks */
static void failed_attach_falls_back(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	fake_driver.attach_ret = -ENOMEM;
	dma_setup(&priv->topology);
	fake_driver.attach_ret = 0;
	KUNIT_EXPECT_TRUE(test, has_direct_dma_ops(dev));
	KUNIT_EXPECT_FALSE(test, is_translated(dev));
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);

	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
}

/* Somebody has attached a domain of his own, and no other one can be attached. */
static struct iommu_domain *occupy(struct kunit *test, struct device *dev)
{
	struct iommu_domain *domain;
	int err = claim_dma(dev);

	if (err == -EOPNOTSUPP)
		kunit_skip(test, "nobody can claim a group");

	KUNIT_ASSERT_EQ(test, err, 0);
	domain = domain_alloc_for(dev);
	KUNIT_ASSERT_NOT_NULL(test, domain);
	KUNIT_ASSERT_EQ(test, iommu_attach_device(domain, dev), 0);
	fake_driver.attach_ret = -EBUSY;
	return domain;
}

static void vacate(struct device *dev, struct iommu_domain *domain)
{
	fake_driver.attach_ret = 0;
	iommu_detach_device(domain, dev);
	iommu_domain_free(domain);
	release_dma(dev);
}

/*
 * C53: a domain that sends each address to where it is doesn't translate, so a
 * master has direct ops under it
 */
static void identity_domain_is_not_live(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct iommu_domain *domain;
	unsigned int type;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	try_configure(dev, priv->topology.master_np);
	domain = occupy(test, dev);
	type = domain->type;
	domain->type = IOMMU_DOMAIN_IDENTITY;
	setup_dma_ops(dev, true);
	KUNIT_EXPECT_TRUE(test, has_direct_dma_ops(dev));
	KUNIT_EXPECT_FALSE(test, has_dma_mapping(dev));
	domain->type = type;
	vacate(dev, domain);

	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
}

/* C40: so has a device whose firmware names no IOMMU, whatever is attached to it */
static void firmware_names_no_iommu(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct iommu_domain *domain;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	try_configure(dev, priv->topology.master_np);
	domain = occupy(test, dev);
	setup_dma_ops(dev, false);
	KUNIT_EXPECT_TRUE(test, has_direct_dma_ops(dev));
	vacate(dev, domain);

	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
}

/* Ops that a third party sets, as bus notifiers do */
struct third_party {
	const char *name;
	bool registered;	/* the device could have those of an IOMMU */
	bool same;		/* they are what arch_setup_dma_ops() installs */
};

static const struct third_party third_parties[] = {
	{ "C42 other ops, no IOMMU", .registered = false, .same = false },
	{ "C42 other ops, IOMMU", .registered = true, .same = false },
	/* mvebu and highbank set such */
	{ "C42 same ops, no IOMMU", .registered = false, .same = true },
	{ "C42 same ops, IOMMU", .registered = true, .same = true },
};

static void third_party_desc(const struct third_party *party, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", party->name);
}

KUNIT_ARRAY_PARAM(third_party, third_parties, third_party_desc);

/* The ops are those that a second master gets, if they are to be the same. */
static const struct dma_map_ops *third_party_ops(struct kunit *test)
{
	const struct third_party *party = test->param_value;
	const struct dma_map_ops *ops = &third_party_dma_ops;
	struct defer_dma *priv = test->priv;

	if (party->registered)
		KUNIT_ASSERT_EQ(test,
				fake_iommu_register(&priv->topology.iommu[0]),
				0);
	if (!party->same)
		return ops;

	dma_topology(test, &priv->second);
	if (party->registered)
		KUNIT_ASSERT_EQ(test,
				fake_iommu_register(&priv->second.iommu[0]),
				0);
	dma_setup(&priv->second);
	ops = priv->second.master->dma_ops;
	arch_teardown_dma_ops(priv->second.master);
	if (!ops)
		kunit_skip(test, "direct DMA has no ops on this kernel");

	return ops;
}

/* Three attempts: a setup that is right once may still claim what it finds */
static void expect_ops_survive(struct kunit *test, struct device *dev,
			       const struct dma_map_ops *ops)
{
	struct defer_dma *priv = test->priv;
	int i;

	for (i = 0; i < 3; i++) {
		dma_setup(&priv->topology);
		KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, ops);
		arch_teardown_dma_ops(dev);
		KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, ops);
		KUNIT_EXPECT_FALSE(test, has_dma_mapping(dev));
		KUNIT_EXPECT_FALSE(test, is_translated(dev));
	}

	dev->dma_ops = NULL;
}

/* C40, C42: ops that were there before the first setup survive */
static void ops_set_before_setup_survive(struct kunit *test)
{
	const struct dma_map_ops *ops = third_party_ops(test);
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;

	dev->dma_ops = ops;
	expect_ops_survive(test, dev, ops);
}

/*
 * C41, C42: so do ops that are set between a teardown and the next setup.  The
 * claim to the ops has ended with the teardown: where they are what setup would
 * install, nothing but that keeps the next teardown from clearing them.
 */
static void ops_set_after_teardown_survive(struct kunit *test)
{
	const struct dma_map_ops *ops = third_party_ops(test);
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;

	dma_setup(&priv->topology);
	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
	dev->dma_ops = ops;
	expect_ops_survive(test, dev, ops);
}

/*
 * C41, C42: so do ops that are set after a setup; what setup did is undone all
 * the same.  (Those that setup would install can't be told from its own then.)
 */
static void ops_set_after_setup_survive(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	int i;

	/* Over direct ops, and then over those of the IOMMU */
	for (i = 0; i < 2; i++) {
		dma_setup(&priv->topology);
		KUNIT_EXPECT_EQ(test, has_dma_mapping(dev), i == 1);
		dev->dma_ops = &third_party_dma_ops;
		dma_setup(&priv->topology);
		KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &third_party_dma_ops);
		arch_teardown_dma_ops(dev);
		KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &third_party_dma_ops);
		KUNIT_EXPECT_FALSE(test, has_dma_mapping(dev));
		KUNIT_EXPECT_FALSE(test, is_translated(dev));

		dev->dma_ops = NULL;
		KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
		KUNIT_ASSERT_EQ(test,
				fake_iommu_register(&priv->topology.iommu[0]),
				0);
	}
}

/* C42: a mapping that the IOMMU driver attached first survives, with its count */
static void third_party_mapping_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *mapping;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	try_configure(dev, priv->topology.master_np);
	mapping = third_party_mapping(test, dev);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);

	dma_setup(&priv->topology);
	expect_third_party_mapping(test, dev, mapping, 1);
	arch_teardown_dma_ops(dev);
	expect_third_party_mapping(test, dev, mapping, 1);

	drop_third_party_mapping(test, mapping);
}

/* So does one that masters share, as on R-Car Gen2 */
static void shared_mapping_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *mapping;
	struct device *other;

	dma_topology(test, &priv->second);
	other = priv->second.master;
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->second.iommu[0]), 0);
	try_configure(dev, priv->topology.master_np);
	try_configure(other, priv->second.master_np);

	mapping = third_party_mapping(test, dev);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(other, mapping), 0);
	dma_setup(&priv->topology);
	arch_teardown_dma_ops(dev);
	expect_third_party_mapping(test, dev, mapping, 2);
	expect_third_party_mapping(test, other, mapping, 2);

	drop_third_party_mapping(test, mapping);
}

/*
 * C41: the claim that arch_setup_dma_ops() had to the ops ends with the teardown:
 * what is attached after that is somebody else's, whatever was set up earlier.
 */
static void claim_ends_with_teardown(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *mapping;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dma_setup(&priv->topology);
	arch_teardown_dma_ops(dev);

	mapping = third_party_mapping(test, dev);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	dma_setup(&priv->topology);
	arch_teardown_dma_ops(dev);
	expect_third_party_mapping(test, dev, mapping, 1);

	drop_third_party_mapping(test, mapping);
}

/*
 * C42: a mapping that is attached to a device with direct ops, because its IOMMU
 * came late or because its driver manages a mapping of its own, stays too.
 */
static void mapping_attached_later_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *mapping;

	dma_setup(&priv->topology);
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	try_configure(dev, priv->topology.master_np);

	mapping = third_party_mapping(test, dev);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	arch_teardown_dma_ops(dev);
	expect_third_party_mapping(test, dev, mapping, 1);

	drop_third_party_mapping(test, mapping);
}

/*
 * C42: a driver that swaps the mapping in its probe (as drm/exynos and omap3isp do)
 * owns the new one; the one that arch_setup_dma_ops() made is gone then.  When
 * the driver has dropped its own, the next attempt gets one like the first.
 */
static void driver_swaps_mapping(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *mapping;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dma_setup(&priv->topology);
	drop_arch_mapping(dev);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);

	mapping = third_party_mapping(test, dev);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	arch_teardown_dma_ops(dev);
	expect_third_party_mapping(test, dev, mapping, 1);

	drop_third_party_mapping(test, mapping);
	dma_setup(&priv->topology);
	expect_translated(test, dev);
	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
}

/*
 * C41: a driver that gives the first mapping back when it is done with its own (as
 * drm/exynos does) leaves it to the teardown, like one that never took it.
 */
static void driver_gives_mapping_back(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->topology.master;
	struct dma_iommu_mapping *first, *own;

	if (defer_base.detach_frees_mapping)
		kunit_skip(test, "a mapping doesn't outlive its last device");

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dma_setup(&priv->topology);
	first = to_dma_iommu_mapping(dev);
	arm_iommu_detach_device(dev);
	own = create_mapping_for(dev, SZ_2G, SZ_64M);
	KUNIT_ASSERT_FALSE(test, IS_ERR(own));
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, own), 0);
	arm_iommu_detach_device(dev);
	arm_iommu_release_mapping(own);

	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, first), 0);
	KUNIT_EXPECT_TRUE(test, dma_reaches_buffer(dev));
	arch_teardown_dma_ops(dev);
	expect_undone(test, dev);
	KUNIT_EXPECT_EQ(test, fake_driver.domains, priv->domains);
}

/* What a driver attaches in its probe; never taken off by itself. */
static struct dma_iommu_mapping *driver_mapping;

static int attach_driver_mapping(struct device *dev)
{
	if (to_dma_iommu_mapping(dev) == driver_mapping)
		return 0;

	drop_arch_mapping(dev);
	return arm_iommu_attach_device(dev, driver_mapping);
}

/*
 * C42: a mapping that a driver attaches in its probe is there after a probe that
 * defers, after the driver is unbound, and when it is bound again: all of these
 * are its own to undo
 */
static void mapping_of_driver_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct test_topology *topology = &priv->second;
	struct device *dev;

	KUNIT_ASSERT_EQ(test, fake_iommu_register(&priv->topology.iommu[0]), 0);
	dev = priv->topology.master;
	EXPECT_RESULT(test, try_configure(dev, priv->topology.master_np),
		      TRANSLATED);
	driver_mapping = third_party_mapping(test, dev);
	priv->driver.deferrals = 1;
	priv->driver.attach = attach_driver_mapping;
	test_topology_init(topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(topology), 0);
	KUNIT_ASSERT_EQ(test, fake_iommu_register(&topology->iommu[0]), 0);
	dev = test_master_add(topology->master_np, &priv->driver);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	topology->master = dev;

	KUNIT_EXPECT_FALSE(test, test_master_bound(dev));
	expect_third_party_mapping(test, dev, driver_mapping, 1);
	/* To go on without it would be to use what has been freed */
	if (to_dma_iommu_mapping(dev) != driver_mapping)
		goto drop_mapping;

	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	expect_third_party_mapping(test, dev, driver_mapping, 1);
	device_release_driver(dev);
	expect_third_party_mapping(test, dev, driver_mapping, 1);
	KUNIT_EXPECT_EQ(test, attach_driver(dev), 1);
	expect_third_party_mapping(test, dev, driver_mapping, 1);
	KUNIT_EXPECT_EQ(test, priv->driver.attempts, 3U);
	KUNIT_EXPECT_EQ(test, priv->driver.faults, 0U);

	device_release_driver(dev);
drop_mapping:
	drop_third_party_mapping(test, driver_mapping);
}

static int defer_dma_init(struct kunit *test)
{
	struct defer_dma *priv;

	test->priv = NULL;
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	init_completion(&priv->driver.attempted);
	priv->groups = fake_driver.groups;
	priv->domains = fake_driver.domains;
	fake_driver_reset();
	dma_topology(test, &priv->topology);
	return 0;
}

static void defer_dma_exit(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	unsigned int faults;

	if (!priv)
		return;

	faults = test_topology_destroy(&priv->second);
	faults |= test_topology_destroy(&priv->topology);
	EXPECT_NO_FAULTS(test, faults);
	KUNIT_EXPECT_EQ(test, fake_driver.groups, priv->groups);
	fake_driver_reset();
}

static struct kunit_case defer_dma_cases[] = {
	KUNIT_CASE(direct_ops_are_undone),
	KUNIT_CASE(iommu_ops_are_undone),
	KUNIT_CASE(every_attempt_is_alike),
	KUNIT_CASE(iommu_comes_between_attempts),
	KUNIT_CASE(later_setup_uses_iommu),
	KUNIT_CASE(failed_attach_falls_back),
	KUNIT_CASE(identity_domain_is_not_live),
	KUNIT_CASE(firmware_names_no_iommu),
	KUNIT_CASE_PARAM(ops_set_before_setup_survive, third_party_gen_params),
	KUNIT_CASE(ops_set_after_setup_survive),
	KUNIT_CASE_PARAM(ops_set_after_teardown_survive,
			 third_party_gen_params),
	KUNIT_CASE(third_party_mapping_survives),
	KUNIT_CASE(shared_mapping_survives),
	KUNIT_CASE(claim_ends_with_teardown),
	KUNIT_CASE(mapping_attached_later_survives),
	KUNIT_CASE(driver_swaps_mapping),
	KUNIT_CASE(driver_gives_mapping_back),
	KUNIT_CASE(mapping_of_driver_survives),
	{}
};

/*
 * ARM's arch_setup_dma_ops() and arch_teardown_dma_ops() on a master without a
 * driver: the tests do by hand what the driver core does around a probe.
 */
static struct kunit_suite defer_dma_suite = {
	.name = SUITE,
	.init = defer_dma_init,
	.exit = defer_dma_exit,
	.test_cases = defer_dma_cases,
};

kunit_test_suites(&defer_dma_suite);
