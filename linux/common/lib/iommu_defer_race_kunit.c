// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: two threads.
 *
 * IOMMUs come while their masters are being probed: on another CPU if there is
 * one, and wherever the driver sleeps.  Whoever is first, a master is translated
 * or it isn't, and is to be probed again or it isn't: never something between.
 */

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define SUITE		"iommu_defer_race"

#define RACE_PAIRS	8

/* A master with a driver, and its IOMMU */
struct race_pair {
	struct test_topology topology;
	struct test_master master;
};

/**
 * struct race - IOMMUs and masters that come at the same time
 * @pair: each master has an IOMMU of its own
 * @rebind: unbind the masters and bind them again, until all IOMMUs have come
 * @rounds: how often that was
 * @registered: completed when all IOMMUs have come
 * @bound: completed when that has come to its end
 * @register_err: what went wrong with an IOMMU
 * @bind_err: what went wrong with a master
 * @faults: what the IOMMU driver found broken
 */
struct race {
	struct race_pair pair[RACE_PAIRS];
	bool rebind;
	unsigned int rounds;
	struct completion registered;
	struct completion bound;
	int register_err;
	int bind_err;
	unsigned int faults;
};

/*
 * The last one first: a registration that looks at all masters, in their order,
 * takes its time until it is at that of the IOMMU that has come.
 */
static int race_register(void *data)
{
	struct race *race = data;
	int i;

	for (i = RACE_PAIRS - 1; i >= 0 && !race->register_err; i--) {
		race->register_err =
			fake_iommu_register(&race->pair[i].topology.iommu[0]);
		schedule_timeout_uninterruptible(1);
	}

	complete_all(&race->registered);
	return 0;
}

static void race_rebind(struct race *race)
{
	int i;

	do {
		for (i = 0; i < RACE_PAIRS; i++) {
			struct device *dev = race->pair[i].topology.master;

			device_release_driver(dev);
			if (attach_driver(dev) != 1)
				race->bind_err = -ENODEV;
		}
		race->rounds++;
		cond_resched();
	} while (!completion_done(&race->registered));
}

static int race_bind(void *data)
{
	struct race *race = data;
	int i;

	for (i = 0; i < RACE_PAIRS && !race->bind_err; i++) {
		struct race_pair *pair = &race->pair[i];
		struct device *dev;

		dev = test_master_add(pair->topology.master_np, &pair->master);
		if (IS_ERR(dev))
			race->bind_err = PTR_ERR(dev);
		else
			pair->topology.master = dev;
	}
	if (!race->bind_err && race->rebind)
		race_rebind(race);

	complete(&race->bound);
	return 0;
}

/* Returns 0 or an errno; either way race_end() undoes it. */
static int race_run(struct race *race)
{
	struct task_struct *binder, *registrar;
	int i, err = 0;

	init_completion(&race->registered);
	init_completion(&race->bound);
	for (i = 0; i < RACE_PAIRS; i++) {
		struct race_pair *pair = &race->pair[i];

		test_topology_init(&pair->topology);
		init_completion(&pair->master.attempted);
		err = err ?: test_topology_build(&pair->topology);
	}
	if (err)
		return err;

	fake_driver_reset();
	fake_driver.sleeps = true;
	binder = kthread_run(race_bind, race, "race-bind");
	if (IS_ERR(binder)) {
		fake_driver_reset();
		return PTR_ERR(binder);
	}

	registrar = kthread_run(race_register, race, "race-register");
	if (IS_ERR(registrar))
		complete_all(&race->registered);
	wait_for_completion(&race->registered);
	wait_for_completion(&race->bound);
	fake_driver.sleeps = false;
	race->faults = fake_driver.faults;
	return PTR_ERR_OR_ZERO(registrar) ?: race->register_err ?:
	       race->bind_err;
}

static void race_end(struct kunit *test, struct race *race)
{
	unsigned int faults = race->faults;
	int i;

	for (i = 0; i < RACE_PAIRS; i++)
		faults |= test_topology_destroy(&race->pair[i].topology);
	EXPECT_NO_FAULTS(test, faults);
}

static void race_expect_translated(struct kunit *test,
				   const struct race_pair *pair)
{
	const struct test_master *master = &pair->master;

	KUNIT_EXPECT_TRUE(test, test_master_bound(pair->topology.master));
	EXPECT_RESULT(test, master->result, TRANSLATED);
	KUNIT_EXPECT_TRUE(test, master->reaches);
	EXPECT_NO_FAULTS(test, master->faults);
}

static struct race race_early;
static int race_early_err;

static int __init race_run_early(void)
{
	if (!suite_is_off(SUITE))
		race_early_err = race_run(&race_early);

	return 0;
}
device_initcall(race_run_early);

/* Before the end of init every master waits for its IOMMU, or has it at once */
static void masters_bind_while_iommus_come(struct kunit *test)
{
	int i;

	kunit_info(test, "%u masters, %u CPUs\n", RACE_PAIRS, num_online_cpus());
	KUNIT_EXPECT_EQ(test, race_early_err, 0);
	for (i = 0; i < RACE_PAIRS && !race_early_err; i++) {
		race_expect_translated(test, &race_early.pair[i]);
		KUNIT_EXPECT_EQ(test, race_early.pair[i].master.attempts, 1U);
	}

	race_end(test, &race_early);
}

/*
 * After it nobody waits: masters that were too early go without, and are
 * translated when they are bound again, while others come and go beside them
 */
static void masters_rebind_while_iommus_come(struct kunit *test)
{
	struct race *race;
	int i, err;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	race->rebind = true;
	err = race_run(race);
	KUNIT_EXPECT_EQ(test, err, 0);
	for (i = 0; i < RACE_PAIRS && !err; i++) {
		device_release_driver(race->pair[i].topology.master);
		KUNIT_EXPECT_EQ(test,
				attach_driver(race->pair[i].topology.master), 1);
		race_expect_translated(test, &race->pair[i]);
		KUNIT_EXPECT_EQ(test, race->pair[i].master.attempts,
				race->rounds + 2);
	}

	race_end(test, race);
}

/*
 * When a thread that configures a master finds that another one (a registration
 * that looks at all masters) was faster, it doesn't probe the master once more
 */
static void master_is_probed_once(struct kunit *test)
{
	struct test_topology *topology;
	struct device *dev;

	topology = kunit_kzalloc(test, sizeof(*topology), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, topology);
	fake_driver_reset();
	test_topology_init(topology);
	KUNIT_ASSERT_EQ(test, test_topology_build(topology), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu_register(&topology->iommu[0]), 0);
	dev = test_master_add(topology->master_np, NULL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(dev));
	if (!IS_ERR(dev)) {
		topology->master = dev;
		EXPECT_RESULT(test, try_configure(dev, topology->master_np),
			      TRANSLATED);
		KUNIT_EXPECT_EQ(test, probe_by_core(dev), 0);
		KUNIT_EXPECT_EQ(test, fake_driver.add_calls, 1U);
	}

	EXPECT_NO_FAULTS(test, test_topology_destroy(topology) |
			 fake_driver.faults);
}

static void race_exit(struct kunit *test)
{
	fake_driver_reset();
}

static int race_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	return 0;
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(masters_bind_while_iommus_come),
	KUNIT_CASE(masters_rebind_while_iommus_come),
	KUNIT_CASE(master_is_probed_once),
	{}
};

/* The fixture is a number of masters with a driver, one IOMMU each. */
static struct kunit_suite race_suite = {
	.name = SUITE,
	.init = race_init,
	.exit = race_exit,
	.test_cases = race_cases,
};

kunit_test_suites(&race_suite);
