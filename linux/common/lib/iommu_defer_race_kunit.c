// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: two threads.
 *
 * IOMMUs come while their masters are being probed: on another CPU if there is
 * one, else wherever a thread sleeps.  Whoever is first, a master is translated
 * or it isn't, and is to be probed again or it isn't: never something between.
 */

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define RACE_PAIRS	16
#define RACE_ROUNDS	20

/* A master with a driver, and its IOMMU */
struct race_pair {
	struct defer_scene scene;
	struct defer_master master;
};

/**
 * struct race - IOMMUs and masters that come at the same time
 * @pair: each master has an IOMMU of its own
 * @rounds: how often the masters are unbound and bound again meanwhile
 * @registered: completed when all IOMMUs have come
 * @bound: completed when all masters have been probed, @rounds included
 * @register_err: what went wrong with an IOMMU
 * @bind_err: what went wrong with a master
 */
struct race {
	struct race_pair pair[RACE_PAIRS];
	unsigned int rounds;
	struct completion registered;
	struct completion bound;
	int register_err;
	int bind_err;
};

static int race_register(void *data)
{
	struct race *race = data;
	int i;

	for (i = 0; i < RACE_PAIRS && !race->register_err; i++) {
		race->register_err =
			defer_iommu_register(&race->pair[i].scene.iommu);
		cond_resched();
	}

	complete(&race->registered);
	return 0;
}

static void race_rebind(struct race *race)
{
	unsigned int round, i;

	for (round = 0; round < race->rounds; round++) {
		for (i = 0; i < RACE_PAIRS; i++) {
			struct device *dev = race->pair[i].scene.master;

			device_release_driver(dev);
			if (device_attach(dev) != 1)
				race->bind_err = -ENODEV;
		}
		cond_resched();
	}
}

/* In the opposite order, so that both threads meet */
static int race_bind(void *data)
{
	struct race *race = data;
	int i;

	for (i = RACE_PAIRS - 1; i >= 0 && !race->bind_err; i--) {
		struct race_pair *pair = &race->pair[i];
		struct device *dev;

		dev = defer_master_add(pair->scene.master_np, &pair->master);
		if (IS_ERR(dev))
			race->bind_err = PTR_ERR(dev);
		else
			pair->scene.master = dev;
		cond_resched();
	}
	if (!race->bind_err)
		race_rebind(race);

	complete(&race->bound);
	return 0;
}

/* Returns 0 or an errno; either way race_end() undoes it. */
static int race_run(struct race *race, unsigned int rounds)
{
	struct task_struct *binder, *registrar;
	int i, err = 0;

	race->rounds = rounds;
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

	binder = kthread_run(race_bind, race, "race-bind");
	if (IS_ERR(binder))
		return PTR_ERR(binder);

	registrar = kthread_run(race_register, race, "race-register");
	if (!IS_ERR(registrar))
		wait_for_completion(&race->registered);
	wait_for_completion(&race->bound);
	return PTR_ERR_OR_ZERO(registrar) ?: race->register_err ?:
	       race->bind_err;
}

static void race_end(struct kunit *test, struct race *race)
{
	unsigned int faults = 0;
	int i;

	for (i = 0; i < RACE_PAIRS; i++)
		faults |= defer_scene_destroy(&race->pair[i].scene);
	KUNIT_EXPECT_EQ(test, faults, 0U);
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
		race_early_err = race_run(&race_early, 0);

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
	err = race_run(race, RACE_ROUNDS);
	KUNIT_EXPECT_EQ(test, err, 0);
	for (i = 0; i < RACE_PAIRS && !err; i++) {
		device_release_driver(race->pair[i].scene.master);
		KUNIT_EXPECT_EQ(test,
				device_attach(race->pair[i].scene.master), 1);
		race_expect_translated(test, &race->pair[i]);
		KUNIT_EXPECT_EQ(test, race->pair[i].master.attempts,
				RACE_ROUNDS + 2U);
	}

	race_end(test, race);
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
	{}
};

/* The fixture is a number of masters with a driver, one IOMMU each. */
static struct kunit_suite race_suite = {
	.name = "iommu_defer_race",
	.init = race_init,
	.test_cases = race_cases,
};

kunit_test_suites(&race_suite);
