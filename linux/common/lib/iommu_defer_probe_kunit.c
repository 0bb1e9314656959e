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
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

/* For the driver core to call a driver again: milliseconds, even emulated. */
#define DEFER_ATTEMPT_TIMEOUT	(5 * HZ)

/**
 * struct defer_probe - fixture: a master with a driver, and its IOMMU
 * @scene: their nodes
 * @master: what the driver does and sees
 * @groups: groups alive before the test
 * @domains: domains alive before the test
 * @mapped: extents mapped before the test
 */
struct defer_probe {
	struct defer_scene scene;
	struct defer_master master;
	int groups;
	int domains;
	int mapped;
};

static void defer_probe_count(struct defer_probe *priv)
{
	priv->groups = defer_fake.groups;
	priv->domains = defer_fake.domains;
	priv->mapped = defer_fake.mapped;
}

static int defer_probe_build(struct defer_probe *priv)
{
	init_completion(&priv->master.attempted);
	return defer_scene_build(&priv->scene);
}

/* Add the master to its bus: its first attempt is over when this returns. */
static int defer_probe_add(struct defer_probe *priv)
{
	struct device *dev;

	dev = defer_master_add(priv->scene.master_np, &priv->master);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	priv->scene.master = dev;
	return 0;
}

/*
 * Four masters that are there before the end of init, each with an IOMMU of its
 * own.  They stay, and so does what was seen of them at these moments.
 */
enum { EARLY_COMES, EARLY_NEVER, EARLY_DISABLED, EARLY_READY, EARLY_COUNT };

static struct defer_early {
	struct defer_probe probe;
	int err;
	bool bound_at_once;
	bool bound_at_end;
} defer_early[EARLY_COUNT];

static int __init defer_early_add(void)
{
	int i;

	if (defer_scenario())
		return 0;

	for (i = 0; i < EARLY_COUNT; i++) {
		struct defer_early *early = &defer_early[i];

		defer_scene_init(&early->probe.scene);
		if (i == EARLY_DISABLED)
			early->probe.scene.status = "disabled";

		early->err = defer_probe_build(&early->probe);
		if (!early->err && i == EARLY_READY)
			early->err = defer_iommu_register(&early->probe.scene.iommu);
		if (early->err)
			continue;

		early->err = defer_probe_add(&early->probe);
		if (!early->err)
			early->bound_at_once =
				defer_master_bound(early->probe.scene.master);
	}

	return 0;
}
device_initcall_sync(defer_early_add);

/* One of the IOMMUs comes late, but while the kernel still waits. */
static int __init defer_early_register(void)
{
	struct defer_early *early = &defer_early[EARLY_COMES];

	if (!defer_scenario() && !early->err)
		early->err = defer_iommu_register(&early->probe.scene.iommu);

	return 0;
}
late_initcall(defer_early_register);

static int __init defer_early_look(void)
{
	int i;

	for (i = 0; i < EARLY_COUNT; i++)
		if (defer_early[i].probe.scene.master)
			defer_early[i].bound_at_end =
				defer_master_bound(defer_early[i].probe.scene.master);

	return 0;
}
late_initcall_sync(defer_early_look);

static void defer_probe_expect(struct kunit *test, struct defer_master *master,
			       enum defer_result want)
{
	char faults[DEFER_FAULT_NAMES_SIZE];

	KUNIT_EXPECT_EQ_MSG(test, (int)master->result, (int)want,
			    "got \"%s\", wanted \"%s\"",
			    defer_result_name(master->result),
			    defer_result_name(want));
	KUNIT_EXPECT_TRUE_MSG(test, master->reaches,
			      "a mapped buffer doesn't resolve to itself");
	KUNIT_EXPECT_EQ_MSG(test, master->faults, 0U, "broken: %s",
			    defer_fault_names(master->faults, faults,
					      sizeof(faults)));
}

static void defer_early_expect(struct kunit *test, int which, bool at_once,
			       enum defer_result want)
{
	struct defer_early *early = &defer_early[which];

	KUNIT_ASSERT_EQ(test, early->err, 0);
	KUNIT_EXPECT_EQ(test, (int)early->bound_at_once, (int)at_once);
	KUNIT_EXPECT_TRUE(test, early->bound_at_end);
	KUNIT_EXPECT_EQ(test, early->probe.master.attempts, 1U);
	defer_probe_expect(test, &early->probe.master, want);
}

/* A master waits for an IOMMU that comes late, and is translated by it */
static void waits_for_iommu_that_comes(struct kunit *test)
{
	defer_early_expect(test, EARLY_COMES, false, DEFER_OPS);
}

/*
 * If the IOMMU never comes the master probes without it, and by the end of init:
 * nothing else need bind for that (no such kick was there in May 2017's thread)
 */
static void goes_on_if_iommu_never_comes(struct kunit *test)
{
	defer_early_expect(test, EARLY_NEVER, false, DEFER_NO_IOMMU);
}

/* A master of a disabled IOMMU doesn't wait at all */
static void never_waits_for_disabled(struct kunit *test)
{
	defer_early_expect(test, EARLY_DISABLED, true, DEFER_NO_IOMMU);
}

/* A master of an IOMMU that is there is translated from the first attempt */
static void translated_at_once(struct kunit *test)
{
	defer_early_expect(test, EARLY_READY, true, DEFER_OPS);
}

/* Bind some other device, which makes the driver core retry all that wait. */
static void defer_probe_kick(struct kunit *test)
{
	struct defer_scene scene;
	struct defer_master *other;

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	init_completion(&other->attempted);
	defer_scene_init(&scene);
	scene.specifier_cells = -1;
	KUNIT_ASSERT_EQ(test, defer_scene_build(&scene), 0);
	scene.master = defer_master_add(scene.master_np, other);
	if (IS_ERR(scene.master))
		scene.master = NULL;
	KUNIT_EXPECT_NOT_NULL(test, scene.master);
	KUNIT_EXPECT_EQ(test, defer_scene_destroy(&scene), 0U);
}

static void defer_probe_wait(struct kunit *test)
{
	struct defer_probe *priv = test->priv;
	unsigned long left;

	left = wait_for_completion_timeout(&priv->master.attempted,
					   DEFER_ATTEMPT_TIMEOUT);
	KUNIT_ASSERT_NE_MSG(test, left, 0UL, "the driver was not called");
}

struct defer_times {
	unsigned int n;
};

static const struct defer_times defer_times[] = { { 1 }, { 2 }, { 10 } };

static void defer_times_desc(const struct defer_times *times, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u times", times->n);
}

KUNIT_ARRAY_PARAM(defer_times, defer_times, defer_times_desc);

static void defer_probe_play(struct kunit *test, bool registered)
{
	const struct defer_times *times = test->param_value;
	struct defer_probe *priv = test->priv;
	unsigned int i;

	priv->master.defer_times = times->n;
	priv->master.managed = true;
	if (registered)
		KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu),
				0);

	KUNIT_ASSERT_EQ(test, defer_probe_add(priv), 0);
	defer_probe_wait(test);
	for (i = 0; i < times->n; i++) {
		KUNIT_EXPECT_FALSE(test, defer_master_bound(priv->scene.master));
		defer_probe_kick(test);
		defer_probe_wait(test);
	}

	KUNIT_EXPECT_TRUE(test, defer_master_bound(priv->scene.master));
	KUNIT_EXPECT_EQ(test, priv->master.attempts, times->n + 1);
}

/*
 * However often the driver defers for reasons of its own, the master ends up
 * translated, in one group, and devres frees its DMA memory through the ops and
 * the mapping that it came from (see commits 376991db4b64 and 0b777eee88d7)
 */
static void driver_defers(struct kunit *test)
{
	struct defer_probe *priv = test->priv;

	defer_probe_play(test, true);
	defer_probe_expect(test, &priv->master, DEFER_OPS);
	KUNIT_EXPECT_EQ(test, defer_fake.xlate_calls, 1U);
	KUNIT_EXPECT_EQ(test, defer_fake.groups, priv->groups + 1);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains + 1);
	/* The buffer of the attempt that succeeded, and no other */
	KUNIT_EXPECT_EQ(test, defer_fake.mapped, priv->mapped + 1);
}

/* The same of a master without an IOMMU */
static void driver_defers_untranslated(struct kunit *test)
{
	struct defer_probe *priv = test->priv;

	defer_probe_play(test, false);
	defer_probe_expect(test, &priv->master, DEFER_NO_IOMMU);
	KUNIT_EXPECT_EQ(test, defer_fake.groups, priv->groups);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);
}

/* An IOMMU that comes while the driver defers is used by the next attempt */
static void iommu_comes_while_driver_defers(struct kunit *test)
{
	struct defer_probe *priv = test->priv;

	priv->master.defer_times = 1;
	KUNIT_ASSERT_EQ(test, defer_probe_add(priv), 0);
	defer_probe_wait(test);
	defer_probe_expect(test, &priv->master, DEFER_NO_IOMMU);

	KUNIT_EXPECT_FALSE(test, defer_master_bound(priv->scene.master));
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	defer_probe_kick(test);
	defer_probe_wait(test);
	KUNIT_EXPECT_TRUE(test, defer_master_bound(priv->scene.master));
	defer_probe_expect(test, &priv->master, DEFER_OPS);
}

/*
 * That the driver has widened the DMA masks before it deferred is no obstacle:
 * the next attempt gets as much of the bus as the first one would have got
 */
static void driver_defers_with_wide_mask(struct kunit *test)
{
	struct defer_probe *priv = test->priv;

	priv->master.wide = true;
	defer_probe_play(test, true);
	defer_probe_expect(test, &priv->master, DEFER_OPS);
}

/* A driver whose DMA is configured once more in its probe keeps what it has */
static void configured_again_by_driver(struct kunit *test)
{
	struct defer_probe *priv = test->priv;

	priv->master.again = true;
	defer_probe_play(test, true);
	defer_probe_expect(test, &priv->master, DEFER_OPS);
	KUNIT_EXPECT_EQ(test, defer_fake.xlate_calls, 1U);
}

/* The same without an IOMMU */
static void configured_again_untranslated(struct kunit *test)
{
	struct defer_probe *priv = test->priv;

	priv->master.again = true;
	defer_probe_play(test, false);
	defer_probe_expect(test, &priv->master, DEFER_NO_IOMMU);
}

/* What the IOMMU driver says to a device that is configured too early, and later */
struct defer_too_early {
	const char *name;
	int xlate;
	int add;
	enum defer_result want;
};

static const struct defer_too_early defer_too_early[] = {
	{ "IOMMU ready", .want = DEFER_OPS },
	{ "of_xlate defers", .xlate = -EPROBE_DEFER, .want = DEFER_OPS },
	{ "add_device -ENODEV", .add = -ENODEV, .want = DEFER_NO_IOMMU },
};

static void defer_too_early_desc(const struct defer_too_early *early, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", early->name);
}

KUNIT_ARRAY_PARAM(defer_too_early, defer_too_early, defer_too_early_desc);

/*
 * Who configures the DMA of a device before it is on its bus, and doesn't look at
 * what comes of it (as host1x and bcma have done), doesn't take anything from the
 * attempt that the driver core makes
 */
static void configured_before_it_has_a_bus(struct kunit *test)
{
	const struct defer_too_early *early = test->param_value;
	struct defer_probe *priv = test->priv;
	struct device *dev;

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	dev = defer_master_alloc(priv->scene.master_np, &priv->master);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	defer_fake.xlate_ret = early->xlate;
	defer_dma_configure(dev, priv->scene.master_np);
	defer_fake.xlate_ret = 0;

	defer_fake.add_ret = early->add;
	KUNIT_ASSERT_EQ(test, defer_master_join(dev), 0);
	priv->scene.master = dev;
	KUNIT_EXPECT_TRUE(test, defer_master_bound(dev));
	defer_probe_expect(test, &priv->master, early->want);
}

/*
 * An offset between bus addresses and the CPU's is there for each attempt, and
 * only once: deferral by the IOMMU leaves no map of it behind, and deferral by
 * the driver doesn't add to it
 */
static void bus_offset_is_found_by_each_attempt(struct kunit *test)
{
	struct defer_probe *priv = test->priv;
	int i;

	KUNIT_ASSERT_EQ(test, defer_scene_destroy(&priv->scene), 0U);
	priv->scene.bus_offset = SZ_1G;
	KUNIT_ASSERT_EQ(test, defer_scene_build(&priv->scene), 0);
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	priv->master.defer_times = 1;
	defer_fake.xlate_ret = -EPROBE_DEFER;
	KUNIT_ASSERT_EQ(test, defer_probe_add(priv), 0);
	KUNIT_EXPECT_EQ(test, priv->master.attempts, 0U);
	KUNIT_EXPECT_FALSE(test, defer_dma_offset_left(priv->scene.master));

	defer_fake.xlate_ret = 0;
	for (i = 0; i < 2; i++) {
		defer_probe_kick(test);
		defer_probe_wait(test);
		KUNIT_EXPECT_EQ(test, priv->master.offset, (u64)SZ_1G);
	}
	KUNIT_EXPECT_TRUE(test, defer_master_bound(priv->scene.master));
	defer_probe_expect(test, &priv->master, DEFER_OPS);
}

/*
 * An IOMMU that comes when its master is bound already leaves it alone: DMA that
 * may be going on stays untranslated until the driver is bound again
 */
static void late_iommu_spares_bound_master(struct kunit *test)
{
	struct defer_probe *priv = test->priv;
	struct device *dev;

	KUNIT_ASSERT_EQ(test, defer_probe_add(priv), 0);
	dev = priv->scene.master;
	KUNIT_EXPECT_TRUE(test, defer_master_bound(dev));
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	KUNIT_EXPECT_EQ(test, defer_invariants(dev, DEFER_NO_IOMMU), 0U);
	KUNIT_EXPECT_TRUE(test, defer_dma_reaches(dev));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	defer_probe_expect(test, &priv->master, DEFER_OPS);
}

/*
 * An IOMMU that goes from under a bound master (its driver should not let that
 * happen) does no harm to the master, nor to its next attempts
 */
static void iommu_goes_from_under_master(struct kunit *test)
{
	struct defer_probe *priv = test->priv;
	struct device *dev;

	if (!DEFER_IOMMU_MAY_GO)
		kunit_skip(test, "the IOMMU core takes its masters down with it");

	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	KUNIT_ASSERT_EQ(test, defer_probe_add(priv), 0);
	dev = priv->scene.master;
	defer_iommu_unregister(&priv->scene.iommu);
	KUNIT_EXPECT_EQ(test, defer_invariants(dev, DEFER_OPS), 0U);
	KUNIT_EXPECT_TRUE(test, defer_dma_reaches(dev));

	device_release_driver(dev);
	KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	defer_probe_expect(test, &priv->master, DEFER_OPS);
}

/* Unbinding frees all DMA memory, rebinding finds the master translated */
static void rebinds_translated(struct kunit *test)
{
	struct defer_probe *priv = test->priv;
	struct device *dev;
	int i;

	priv->master.managed = true;
	KUNIT_ASSERT_EQ(test, defer_iommu_register(&priv->scene.iommu), 0);
	KUNIT_ASSERT_EQ(test, defer_probe_add(priv), 0);
	dev = priv->scene.master;
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, defer_master_bound(dev));
		defer_probe_expect(test, &priv->master, DEFER_OPS);
		device_release_driver(dev);
		KUNIT_EXPECT_EQ(test, defer_fake.mapped, priv->mapped);
		KUNIT_EXPECT_EQ(test, device_attach(dev), 1);
	}

	KUNIT_EXPECT_EQ(test, defer_fake.xlate_calls, 1U);
}

static int defer_probe_init(struct kunit *test)
{
	struct defer_probe *priv;

	test->priv = NULL;
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	test->priv = priv;
	defer_probe_count(priv);
	defer_fake_reset();
	defer_scene_init(&priv->scene);
	KUNIT_ASSERT_EQ(test, defer_probe_build(priv), 0);
	return 0;
}

/* With the master all that was its own must be gone. */
static void defer_probe_exit(struct kunit *test)
{
	struct defer_probe *priv = test->priv;
	char names[DEFER_FAULT_NAMES_SIZE];
	unsigned int faults;

	if (!priv)
		return;

	faults = defer_scene_destroy(&priv->scene) | defer_fake.faults;
	KUNIT_EXPECT_EQ_MSG(test, faults, 0U, "broken: %s",
			    defer_fault_names(faults, names, sizeof(names)));
	KUNIT_EXPECT_EQ(test, defer_fake.groups, priv->groups);
	KUNIT_EXPECT_EQ(test, defer_fake.domains, priv->domains);
	KUNIT_EXPECT_EQ(test, defer_fake.mapped, priv->mapped);
	defer_fake_reset();
}

static struct kunit_case defer_probe_cases[] = {
	KUNIT_CASE(waits_for_iommu_that_comes),
	KUNIT_CASE(goes_on_if_iommu_never_comes),
	KUNIT_CASE(never_waits_for_disabled),
	KUNIT_CASE(translated_at_once),
	KUNIT_CASE_PARAM(driver_defers, defer_times_gen_params),
	KUNIT_CASE_PARAM(driver_defers_untranslated, defer_times_gen_params),
	KUNIT_CASE_PARAM(driver_defers_with_wide_mask, defer_times_gen_params),
	KUNIT_CASE_PARAM(configured_again_by_driver, defer_times_gen_params),
	KUNIT_CASE_PARAM(configured_again_untranslated, defer_times_gen_params),
	KUNIT_CASE_PARAM(configured_before_it_has_a_bus,
			 defer_too_early_gen_params),
	KUNIT_CASE(bus_offset_is_found_by_each_attempt),
	KUNIT_CASE(late_iommu_spares_bound_master),
	KUNIT_CASE(iommu_goes_from_under_master),
	KUNIT_CASE(iommu_comes_while_driver_defers),
	KUNIT_CASE(rebinds_translated),
	{}
};

/*
 * Masters with a driver, probed by the driver core: four that were there during
 * init, and one made for each test, whose IOMMU node is enabled.
 */
static struct kunit_suite defer_probe_suite = {
	.name = "iommu_defer_probe",
	.init = defer_probe_init,
	.exit = defer_probe_exit,
	.test_cases = defer_probe_cases,
};

kunit_test_suites(&defer_probe_suite);
