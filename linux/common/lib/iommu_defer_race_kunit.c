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

#define RACE_PAIRS	8

/* A master with a driver, and its IOMMU */
struct race_pair {
	struct defer_scene scene;
	struct defer_master master;
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
			defer_iommu_register(&race->pair[i].scene.iommu);
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
			struct device *dev = race->pair[i].scene.master;

			device_release_driver(dev);
			if (device_attach(dev) != 1)
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

		dev = defer_master_add(pair->scene.master_np, &pair->master);
		if (IS_ERR(dev))
			race->bind_err = PTR_ERR(dev);
		else
			pair->scene.master = dev;
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

		defer_scene_init(&pair->scene);
		init_completion(&pair->master.attempted);
		err = err ?: defer_scene_build(&pair->scene);
	}
	if (err)
		return err;

	defer_fake_reset();
	defer_fake.slow = true;
	binder = kthread_run(race_bind, race, "race-bind");
	if (IS_ERR(binder)) {
		defer_fake_reset();
		return PTR_ERR(binder);
	}

	registrar = kthread_run(race_register, race, "race-register");
	if (IS_ERR(registrar))
		complete_all(&race->registered);
	wait_for_completion(&race->registered);
	wait_for_completion(&race->bound);
	defer_fake.slow = false;
	race->faults = defer_fake.faults;
	return PTR_ERR_OR_ZERO(registrar) ?: race->register_err ?:
	       race->bind_err;
}

static void race_end(struct kunit *test, struct race *race)
{
	unsigned int faults = race->faults;
	char names[DEFER_FAULT_NAMES_SIZE];
	int i;

	for (i = 0; i < RACE_PAIRS; i++)
		faults |= defer_scene_destroy(&race->pair[i].scene);
	KUNIT_EXPECT_EQ_MSG(test, faults, 0U, "broken: %s",
			    defer_fault_names(faults, names, sizeof(names)));
}

static void race_expect_translated(struct kunit *test,
				   const struct race_pair *pair)
{
	const struct defer_master *master = &pair->master;
	char faults[DEFER_FAULT_NAMES_SIZE];

	KUNIT_EXPECT_TRUE(test, defer_master_bound(pair->scene.master));
	KUNIT_EXPECT_EQ_MSG(test, (int)master->result, (int)DEFER_OPS,
			    "got \"%s\"", defer_result_name(master->result));
	KUNIT_EXPECT_TRUE(test, master->reaches);
	KUNIT_EXPECT_EQ_MSG(test, master->faults, 0U, "broken: %s",
			    defer_fault_names(master->faults, faults,
					      sizeof(faults)));
}

static struct race race_early;
static int race_early_err;

static int __init race_run_early(void)
{
	if (!defer_scenario())
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
		device_release_driver(race->pair[i].scene.master);
		KUNIT_EXPECT_EQ(test,
				device_attach(race->pair[i].scene.master), 1);
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
	struct defer_scene scene;

	defer_fake_reset();
	defer_scene_init(&scene);
	KUNIT_ASSERT_EQ(test, defer_scene_build(&scene), 0);
	KUNIT_EXPECT_EQ(test, defer_iommu_register(&scene.iommu), 0);
	scene.master = defer_master_add(scene.master_np, NULL);
	if (IS_ERR(scene.master))
		scene.master = NULL;
	KUNIT_EXPECT_NOT_NULL(test, scene.master);
	if (scene.master) {
		KUNIT_EXPECT_EQ(test, (int)defer_configure(scene.master,
							   scene.master_np),
				(int)DEFER_OPS);
		KUNIT_EXPECT_EQ(test, defer_probe_by_core(scene.master), 0);
		KUNIT_EXPECT_EQ(test, defer_fake.add_calls, 1U);
	}

	KUNIT_EXPECT_EQ(test, defer_scene_destroy(&scene) | defer_fake.faults,
			0U);
}

static void race_exit(struct kunit *test)
{
	defer_fake_reset();
}

static int race_init(struct kunit *test)
{
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

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
	.name = "iommu_defer_race",
	.init = race_init,
	.exit = race_exit,
	.test_cases = race_cases,
};

kunit_test_suites(&race_suite);
