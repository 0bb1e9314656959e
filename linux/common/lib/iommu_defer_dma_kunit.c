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

/**
 * struct defer_dma - fixture of a test
 * @scene: IOMMU and master; the tests stand in for the driver core
 * @second: one more scene, where a test needs two masters or a driver
 * @driver: what the driver of the second master does
 * @groups: groups alive before the test
 * @domains: domains alive before the test
 */
struct defer_dma {
	struct defer_scene scene;
	struct defer_scene second;
	struct defer_master driver;
	int groups;
	int domains;
};

static void defer_dma_scene(struct kunit *test, struct defer_scene *scene)
{
	defer_scene_init(scene);
	KUNIT_ASSERT_EQ(test, defer_scene_build(scene), 0);
	scene->master = defer_master_add(scene->master_np, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(scene->master));
}

/* What of_dma_configure() does, with the IOMMU in its present state. */
static enum defer_result defer_dma_setup(struct defer_scene *scene)
{
	enum defer_result result;

	result = defer_configure(scene->master, scene->master_np);
	defer_arch_setup(scene->master, result == DEFER_OPS);
	return result;
}

static void defer_dma_expect_sound(struct kunit *test, struct device *dev,
				   enum defer_result result)
{
	unsigned int faults = defer_invariants(dev, result) | defer_fake.faults;
	char names[DEFER_FAULT_NAMES_SIZE];

	KUNIT_EXPECT_EQ_MSG(test, faults, 0U, "broken: %s",
			    defer_fault_names(faults, names, sizeof(names)));
}

static void defer_dma_expect_direct(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_TRUE(test, defer_direct_dma_ops(dev));
	KUNIT_EXPECT_FALSE(test, defer_translates(dev));
	KUNIT_EXPECT_TRUE(test, defer_dma_reaches(dev));
	defer_dma_expect_sound(test, dev, DEFER_NO_IOMMU);
}

static void defer_dma_expect_translated(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_TRUE(test, defer_iommu_dma_ops(dev));
	KUNIT_EXPECT_TRUE(test, defer_dma_mapping(dev));
	KUNIT_EXPECT_TRUE(test, defer_dma_reaches(dev));
	defer_dma_expect_sound(test, dev, DEFER_OPS);
}

/* As if arch_setup_dma_ops() had never been called. */
static void defer_dma_expect_undone(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, NULL);
	KUNIT_EXPECT_FALSE(test, defer_dma_mapping(dev));
	KUNIT_EXPECT_FALSE(test, defer_translates(dev));
}

/*
 * A mapping that isn't arch_setup_dma_ops()'s.  The test has two references: if
 * a teardown drops one too many, that is seen before anything is freed.
 */
static struct dma_iommu_mapping *defer_dma_foreign(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct dma_iommu_mapping *mapping;

	mapping = arm_iommu_create_mapping(priv->scene.master->bus, SZ_2G,
					   SZ_64M);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mapping));
	kref_get(&mapping->kref);
	return mapping;
}

/* @dev still has the foreign mapping, and @users devices have it in all. */
static void defer_dma_expect_foreign(struct kunit *test, struct device *dev,
				     struct dma_iommu_mapping *mapping,
				     unsigned int users)
{
	KUNIT_EXPECT_TRUE(test, defer_iommu_dma_ops(dev));
	KUNIT_EXPECT_PTR_EQ(test, to_dma_iommu_mapping(dev), mapping);
	KUNIT_EXPECT_EQ(test, (unsigned int)kref_read(&mapping->kref),
			users + 2);
}

static void defer_dma_detach(struct defer_scene *scene,
			     struct dma_iommu_mapping *mapping)
{
	if (scene->master && to_dma_iommu_mapping(scene->master) == mapping)
		arm_iommu_detach_device(scene->master);
}

/* Whoever attached the mapping takes it away again: nothing is left of it. */
static void defer_dma_drop_foreign(struct kunit *test,
				   struct dma_iommu_mapping *mapping)
{
	struct defer_dma *priv = test->priv;

	defer_dma_detach(&priv->scene, mapping);
	defer_dma_detach(&priv->second, mapping);
	while (kref_read(&mapping->kref) > 1)
		arm_iommu_release_mapping(mapping);
	arm_iommu_release_mapping(mapping);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);
}

/* Direct DMA ops are undone, so that the next attempt may choose others */
static void direct_ops_are_undone(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;

	KUNIT_EXPECT_EQ(test, (int)defer_dma_setup(&priv->scene),
			(int)DEFER_NO_IOMMU);
	defer_dma_expect_direct(test, dev);

	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
}

/* IOMMU DMA ops go together with their mapping (see commit a93a121a9653) */
static void iommu_ops_are_undone(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	KUNIT_EXPECT_EQ(test, (int)defer_dma_setup(&priv->scene),
			(int)DEFER_OPS);
	defer_dma_expect_translated(test, dev);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains + 1);

	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);
}

/* However often a driver defers, each attempt gets what the first one got */
static void every_attempt_is_alike(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	int i;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, (int)defer_dma_setup(&priv->scene),
				(int)DEFER_OPS);
		defer_dma_expect_translated(test, dev);
		arch_teardown_dma_ops(dev);
		defer_dma_expect_undone(test, dev);
	}
}

/* An IOMMU that comes between two attempts is used by the second one */
static void iommu_comes_between_attempts(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;

	defer_dma_setup(&priv->scene);
	defer_dma_expect_direct(test, dev);
	arch_teardown_dma_ops(dev);

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	KUNIT_EXPECT_EQ(test, (int)defer_dma_setup(&priv->scene),
			(int)DEFER_OPS);
	defer_dma_expect_translated(test, dev);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
}

/*
 * One that comes after a first setup that nobody undid, as by somebody who
 * configures a device early, is used by the next setup all the same; and a
 * mapping that is in use is kept
 */
static void later_setup_uses_iommu(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *mapping;

	defer_dma_setup(&priv->scene);
	defer_dma_expect_direct(test, dev);

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_dma_setup(&priv->scene);
	defer_dma_expect_translated(test, dev);
	mapping = to_dma_iommu_mapping(dev);
	defer_dma_setup(&priv->scene);
	KUNIT_EXPECT_PTR_EQ(test, to_dma_iommu_mapping(dev), mapping);

	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);
}

/* If the mapping can't be attached, direct ops it is, and nothing leaks */
static void failed_attach_falls_back(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_fake.attach_ret = -ENOMEM;
	defer_dma_setup(&priv->scene);
	defer_fake.attach_ret = 0;
	KUNIT_EXPECT_TRUE(test, defer_direct_dma_ops(dev));
	KUNIT_EXPECT_FALSE(test, defer_translates(dev));
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);

	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
}

/*
 * Ops that a bus notifier has set (mvebu, highbank, dmabounce) survive, though
 * the device could have those of an IOMMU
 */
static void foreign_ops_survive(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	dev->dma_ops = &defer_foreign_ops;
	KUNIT_EXPECT_EQ(test, (int)defer_dma_setup(&priv->scene),
			(int)DEFER_OPS);
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &defer_foreign_ops);
	arch_teardown_dma_ops(dev);
	KUNIT_EXPECT_PTR_EQ(test, dev->dma_ops, &defer_foreign_ops);
	dev->dma_ops = NULL;
}

/* A mapping that the IOMMU driver attached first survives, with its count */
static void foreign_mapping_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *mapping;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_configure(dev, priv->scene.master_np);
	mapping = defer_dma_foreign(test);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);

	defer_dma_setup(&priv->scene);
	defer_dma_expect_foreign(test, dev, mapping, 1);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_foreign(test, dev, mapping, 1);

	defer_dma_drop_foreign(test, mapping);
}

/* So does one that masters share, as on R-Car Gen2 */
static void shared_mapping_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *mapping;
	struct device *other;

	defer_dma_scene(test, &priv->second);
	other = priv->second.master;
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->second.iommu), 0);
	defer_configure(dev, priv->scene.master_np);
	defer_configure(other, priv->second.master_np);

	mapping = defer_dma_foreign(test);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(other, mapping), 0);
	defer_dma_setup(&priv->scene);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_foreign(test, dev, mapping, 2);
	defer_dma_expect_foreign(test, other, mapping, 2);

	defer_dma_drop_foreign(test, mapping);
}

/*
 * The claim that arch_setup_dma_ops() had to the ops ends with the teardown:
 * what is attached after that is somebody else's, whatever was set up earlier.
 */
static void claim_ends_with_teardown(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *mapping;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_dma_setup(&priv->scene);
	arch_teardown_dma_ops(dev);

	mapping = defer_dma_foreign(test);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	defer_dma_setup(&priv->scene);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_foreign(test, dev, mapping, 1);

	defer_dma_drop_foreign(test, mapping);
}

/*
 * A mapping that is attached to a device with direct ops, because its IOMMU
 * came late or because its driver manages a mapping of its own, stays too.
 */
static void mapping_attached_later_survives(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *mapping;

	defer_dma_setup(&priv->scene);
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_configure(dev, priv->scene.master_np);

	mapping = defer_dma_foreign(test);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_foreign(test, dev, mapping, 1);

	defer_dma_drop_foreign(test, mapping);
}

/*
 * A driver that swaps the mapping in its probe (as drm/exynos and omap3isp do)
 * owns the new one; the one that arch_setup_dma_ops() made is gone then.  When
 * the driver has dropped its own, the next attempt gets one like the first.
 */
static void driver_swaps_mapping(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *mapping;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_dma_setup(&priv->scene);
	defer_drop_arch_mapping(dev);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);

	mapping = defer_dma_foreign(test);
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, mapping), 0);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_foreign(test, dev, mapping, 1);

	defer_dma_drop_foreign(test, mapping);
	defer_dma_setup(&priv->scene);
	defer_dma_expect_translated(test, dev);
	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
}

/*
 * A driver that gives the first mapping back when it is done with its own (as
 * drm/exynos does) leaves it to the teardown, like one that never took it.
 */
static void driver_gives_mapping_back(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct device *dev = priv->scene.master;
	struct dma_iommu_mapping *first, *own;

	if (DEFER_MAPPING_GOES_WITH_DETACH)
		kunit_skip(test, "a mapping doesn't outlive its last device");

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_dma_setup(&priv->scene);
	first = to_dma_iommu_mapping(dev);
	arm_iommu_detach_device(dev);
	own = arm_iommu_create_mapping(dev->bus, SZ_2G, SZ_64M);
	KUNIT_ASSERT_FALSE(test, IS_ERR(own));
	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, own), 0);
	arm_iommu_detach_device(dev);
	arm_iommu_release_mapping(own);

	KUNIT_ASSERT_EQ(test, arm_iommu_attach_device(dev, first), 0);
	KUNIT_EXPECT_TRUE(test, defer_dma_reaches(dev));
	arch_teardown_dma_ops(dev);
	defer_dma_expect_undone(test, dev);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);
}

/* What a driver attaches in its probe; never taken off by itself. */
static struct dma_iommu_mapping *defer_dma_own;

static int defer_dma_attach_own(struct device *dev)
{
	if (to_dma_iommu_mapping(dev) == defer_dma_own)
		return 0;

	defer_drop_arch_mapping(dev);
	return arm_iommu_attach_device(dev, defer_dma_own);
}

/*
 * A mapping that a driver attaches in its probe is there after a probe that
 * defers, after the driver is unbound, and when it is bound again: all of these
 * are its own to undo
 */
static void own_mapping_survives_driver(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	struct defer_scene *scene = &priv->second;
	struct device *dev;

	defer_dma_own = defer_dma_foreign(test);
	priv->driver.defer_times = 1;
	priv->driver.attach = defer_dma_attach_own;
	defer_scene_init(scene);
	KUNIT_ASSERT_EQ(test, defer_scene_build(scene), 0);
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&scene->iommu), 0);
	dev = defer_master_add(scene->master_np, &priv->driver);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	scene->master = dev;

	KUNIT_EXPECT_FALSE(test, defer_master_bound(dev));
	defer_dma_expect_foreign(test, dev, defer_dma_own, 1);
	/* To go on without it would be to use what has been freed */
	if (to_dma_iommu_mapping(dev) != defer_dma_own)
		goto drop_mapping;

	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	defer_dma_expect_foreign(test, dev, defer_dma_own, 1);
	device_release_driver(dev);
	defer_dma_expect_foreign(test, dev, defer_dma_own, 1);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	defer_dma_expect_foreign(test, dev, defer_dma_own, 1);
	KUNIT_EXPECT_EQ(test, priv->driver.attempts, 3U);
	KUNIT_EXPECT_EQ(test, priv->driver.faults, 0U);

	device_release_driver(dev);
drop_mapping:
	defer_dma_drop_foreign(test, defer_dma_own);
}

static int defer_dma_init(struct kunit *test)
{
	struct defer_dma *priv;

	test->priv = NULL;
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	init_completion(&priv->driver.attempted);
	priv->groups = defer_fake.groups;
	priv->domains = defer_fake.domains;
	defer_fake_reset();
	defer_dma_scene(test, &priv->scene);
	return 0;
}

static void defer_dma_exit(struct kunit *test)
{
	struct defer_dma *priv = test->priv;
	unsigned int faults;

	if (!priv)
		return;

	faults = defer_scene_destroy(&priv->second);
	faults |= defer_scene_destroy(&priv->scene);
	KUNIT_EXPECT_EQ(test, faults, 0U);
	KUNIT_EXPECT_EQ(test, defer_fake.groups, priv->groups);
	defer_fake_reset();
}

static struct kunit_case defer_dma_cases[] = {
	KUNIT_CASE(direct_ops_are_undone),
	KUNIT_CASE(iommu_ops_are_undone),
	KUNIT_CASE(every_attempt_is_alike),
	KUNIT_CASE(iommu_comes_between_attempts),
	KUNIT_CASE(later_setup_uses_iommu),
	KUNIT_CASE(failed_attach_falls_back),
	KUNIT_CASE(foreign_ops_survive),
	KUNIT_CASE(foreign_mapping_survives),
	KUNIT_CASE(shared_mapping_survives),
	KUNIT_CASE(claim_ends_with_teardown),
	KUNIT_CASE(mapping_attached_later_survives),
	KUNIT_CASE(driver_swaps_mapping),
	KUNIT_CASE(driver_gives_mapping_back),
	KUNIT_CASE(own_mapping_survives_driver),
	{}
};

/*
 * ARM's arch_setup_dma_ops() and arch_teardown_dma_ops() on a master without a
 * driver: the tests do by hand what the driver core does around a probe.
 */
static struct kunit_suite defer_dma_suite = {
	.name = "iommu_defer_dma",
	.init = defer_dma_init,
	.exit = defer_dma_exit,
	.test_cases = defer_dma_cases,
};

kunit_test_suites(&defer_dma_suite);
