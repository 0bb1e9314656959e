// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: random device trees.
 *
 * The decision table has the cases that somebody has thought of.  Here trees are
 * made up from a seed: IOMMUs of all kinds, and masters that name up to four of
 * them, correctly or not.  Each master is configured several times, while IOMMUs
 * come and their driver changes its answers.  What is right is worked out from
 * the cells of the tree, by code that shares nothing with the kernel's.
 *
 *	iommu_defer.trees=2000 iommu_defer.seed=7
 *
 * runs the trees of seeds 7 to 2006.  A tree that fails is named by its seed.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define SUITE		"iommu_defer_random"

static unsigned int trees = 40;
module_param(trees, uint, 0444);
MODULE_PARM_DESC(trees, "number of trees before and after the end of init each");

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "seed of the first tree");

#define TREE_IOMMUS	4
#define TREE_MASTERS	3
#define TREE_ROUNDS	3
#define TREE_CELLS	20

/* An IOMMU of a tree, and what the oracle has to know of it */
struct tree_iommu {
	struct fake_iommu iommu;
	int cells;		/* #iommu-cells; negative: no such property */
	bool available;
	bool declared;
};

/* A master, and what its "iommus" property says */
struct tree_master {
	struct device_node *np;
	struct device *dev;
	u32 cell[TREE_CELLS];
	int cells;		/* of that property; negative: there is none */
	bool translated;	/* an attempt has succeeded */
};

/**
 * struct tree - a device tree made from a seed
 * @rnd: where all its chances come from
 * @early: the end of init is still to come
 * @no_xlate: its driver, unless it is the other one, has no of_xlate callback
 * @iommu: its IOMMUs
 * @master: its masters
 * @err: it could not be set up, nothing is known
 * @asked: how often the driver should have been asked by the last attempt
 * @got: what an attempt came to, if not what it should have
 * @wanted: what it should have come to
 * @faults: what else was broken
 * @attempts: attempts that were judged
 */
struct tree {
	struct rnd_state rnd;
	bool early;
	bool no_xlate;
	struct tree_iommu iommu[TREE_IOMMUS];
	struct tree_master master[TREE_MASTERS];
	int err;
	unsigned int asked;
	enum attempt_result got;
	enum attempt_result wanted;
	unsigned int faults;
	unsigned int attempts;
};

/* True once in @n times */
static bool chance(struct tree *tree, unsigned int n)
{
	return prandom_u32_state(&tree->rnd) % n == 0;
}

static unsigned int pick(struct tree *tree, unsigned int n)
{
	return prandom_u32_state(&tree->rnd) % n;
}

/* Mostly a number that the driver takes */
static int pick_cells(struct tree *tree)
{
	return chance(tree, 6) ? 3 * pick(tree, 2) : 1 + pick(tree, 2);
}

/* The oracle */

static struct tree_iommu *tree_find(struct tree *tree, u32 phandle)
{
	int i;

	for (i = 0; i < TREE_IOMMUS; i++)
		if (tree->iommu[i].iommu.phandle == phandle)
			return &tree->iommu[i];

	return NULL;
}

/*
 * The IOMMUs that a list of specifiers names.  An empty entry is passed over.
 * Returns their number, or -EINVAL if the list makes no sense.
 */
static int tree_parse_list(struct tree *tree, const struct tree_master *master,
			   struct tree_iommu **named)
{
	int i = 0, n = 0;

	while (i < master->cells) {
		struct tree_iommu *iommu;

		if (!master->cell[i]) {
			i++;
			continue;
		}

		iommu = tree_find(tree, master->cell[i]);
		if (!iommu || iommu->cells < 0 ||
		    i + 1 + iommu->cells > master->cells)
			return -EINVAL;

		named[n++] = iommu;
		i += 1 + iommu->cells;
	}

	return n;
}

/*
 * What the driver makes of a master whose IOMMUs are all there.  It takes one
 * cell or two, and the first that it objects to decides.
 */
static enum attempt_result tree_ask(struct tree *tree,
				    struct tree_iommu **named, int n)
{
	int i, err = 0;

	for (i = 0; i < n && !err; i++) {
		tree->asked++;
		if (i >= fake_driver.xlate_ok)
			err = fake_driver.xlate_ret;
		if (!err && (named[i]->cells < 1 || named[i]->cells > 2))
			err = -EINVAL;
		if (!err && fake_driver.one_instance && named[i] != named[0])
			err = -EINVAL;
	}
	if (!err)
		err = fake_driver.add_ret;
	if (err)
		return err == -EPROBE_DEFER ? DEFERRED : UNTRANSLATED;

	return TRANSLATED;
}

static bool tree_waits_for(struct tree *tree, const struct tree_iommu *iommu)
{
	return tree->early &&
	       (iommu->declared || defer_base.driverless == DEFERRED);
}

/*
 * The contract, for a master that has not been translated yet.  How often its
 * driver is asked is counted in @tree.
 */
static enum attempt_result tree_oracle(struct tree *tree,
				       const struct tree_master *master)
{
	struct tree_iommu *named[TREE_CELLS];
	bool pending = false, differ = false;
	struct tree_iommu *first = NULL;
	int i, n;

	n = tree_parse_list(tree, master, named);
	if (n <= 0)
		return UNTRANSLATED;

	for (i = 0; i < n; i++) {
		if (!named[i]->available)
			return UNTRANSLATED;

		if (!named[i]->iommu.registered) {
			if (!tree_waits_for(tree, named[i]))
				return UNTRANSLATED;

			pending = true;
			continue;
		}

		if (named[i]->iommu.no_xlate)
			return UNTRANSLATED;

		first = first ?: named[i];
		differ |= first->iommu.other_driver !=
			  named[i]->iommu.other_driver;
	}

	if (differ)
		return UNTRANSLATED;

	return pending ? DEFERRED : tree_ask(tree, named, n);
}

/* The generator */

static int tree_set_status(struct tree *tree, struct tree_iommu *iommu,
			   struct device_node *np)
{
	static const struct { const char *value; bool available; } status[] = {
		{ "okay", true }, { "ok", true }, { "disabled", false },
		{ "reserved", false }, { "fail-sss", false }, { "", false },
		{ "OKAY", false }, { "okay ", false },
	};
	const char *value;
	int i;

	iommu->available = true;
	if (!chance(tree, 3))
		return 0;

	i = pick(tree, ARRAY_SIZE(status));
	value = status[i].value;
	iommu->available = status[i].available;
	return test_node_set(np, "status", value, strlen(value) + 1);
}

static int tree_add_iommu(struct tree *tree, struct tree_iommu *iommu)
{
	const char *compatible;
	struct device_node *np;
	char name[32];
	int err;

	iommu->declared = !chance(tree, 6);
	iommu->iommu.other_driver = chance(tree, 8);
	iommu->iommu.no_xlate = tree->no_xlate && !iommu->iommu.other_driver;
	iommu->cells = chance(tree, 12) ? -1 : pick_cells(tree);
	iommu->iommu.phandle = test_new_phandle();
	compatible = iommu->declared ? COMPATIBLE_DECLARED : COMPATIBLE_DRIVERLESS;
	snprintf(name, sizeof(name), "iommu@%x", iommu->iommu.phandle);
	np = test_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = test_node_set(np, "compatible", compatible,
			    strlen(compatible) + 1) ?:
	      test_node_set_u32(np, "phandle", iommu->iommu.phandle) ?:
	      tree_set_status(tree, iommu, np);
	if (!err && iommu->cells >= 0)
		err = test_node_set_u32(np, "#iommu-cells", iommu->cells);
	if (!err)
		err = test_node_attach(np);
	if (err)
		of_node_put(np);
	else
		iommu->iommu.np = np;

	return err;
}

static u32 tree_some_phandle(struct tree *tree)
{
	if (chance(tree, 16))
		return 0;
	if (chance(tree, 12))
		return test_new_phandle();

	return tree->iommu[pick(tree, TREE_IOMMUS)].iommu.phandle;
}

/* Up to four specifiers, some of which are too long, too short or cut off */
static void tree_make_iommus(struct tree *tree, struct tree_master *master)
{
	int i, wanted, specifiers = pick(tree, 5);
	struct tree_iommu *iommu;

	master->cells = chance(tree, 16) ? -1 : 0;
	while (master->cells >= 0 && specifiers--) {
		master->cell[master->cells] = tree_some_phandle(tree);
		iommu = tree_find(tree, master->cell[master->cells++]);
		wanted = iommu && iommu->cells > 0 ? iommu->cells : 0;
		if (chance(tree, 12))
			wanted = pick(tree, 4);
		for (i = 0; i < wanted; i++)
			master->cell[master->cells++] = pick(tree, 32);
	}
}

static int tree_set_iommus(const struct tree_master *master,
			   struct device_node *np)
{
	__be32 cells[TREE_CELLS];
	int i;

	if (master->cells < 0)
		return 0;

	for (i = 0; i < master->cells; i++)
		cells[i] = cpu_to_be32(master->cell[i]);

	return test_node_set(np, "iommus", cells,
			     master->cells * sizeof(*cells));
}

static int tree_add_master(struct tree *tree, struct tree_master *master)
{
	struct device_node *np;
	char name[32];
	int err;

	tree_make_iommus(tree, master);
	snprintf(name, sizeof(name), "master@%x", test_new_phandle());
	np = test_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = tree_set_iommus(master, np) ?: test_node_attach(np);
	if (err) {
		of_node_put(np);
		return err;
	}

	master->np = np;
	master->dev = test_master_add(np, NULL);
	if (IS_ERR(master->dev)) {
		err = PTR_ERR(master->dev);
		master->dev = NULL;
	}

	return err;
}

/* What the driver answers until the next round */
static void tree_pick_driver_answers(struct tree *tree)
{
	static const int errs[] = { -EPROBE_DEFER, -ENODEV, -EINVAL, -ENOMEM };

	fake_driver_reset();
	fake_driver.xlate_ok = pick(tree, 3);
	fake_driver.one_instance = chance(tree, 4);
	if (chance(tree, 4))
		fake_driver.xlate_ret = errs[pick(tree, ARRAY_SIZE(errs))];
	if (chance(tree, 4))
		fake_driver.add_ret = errs[pick(tree, ARRAY_SIZE(errs))];
}

/* Some IOMMUs come; one of another driver isn't let in by every kernel. */
static int tree_register_some(struct tree *tree)
{
	int i, err;

	for (i = 0; i < TREE_IOMMUS; i++) {
		if (!chance(tree, 2))
			continue;

		err = fake_iommu_register(&tree->iommu[i].iommu);
		if (err && err != -EBUSY)
			return err;
	}

	return 0;
}

/* What a tree that went wrong looks like at that moment */
static void tree_dump(const struct tree *tree, const struct tree_master *master)
{
	int i;

	for (i = 0; i < TREE_IOMMUS; i++)
		pr_info("iommu@%x: cells %d%s%s%s%s\n", tree->iommu[i].iommu.phandle,
			tree->iommu[i].cells,
			tree->iommu[i].available ? "" : ", not available",
			tree->iommu[i].declared ? "" : ", no driver",
			tree->iommu[i].iommu.other_driver ? ", other driver" : "",
			tree->iommu[i].iommu.registered ? ", registered" : "");
	for (i = 0; i < master->cells; i++)
		pr_info("iommus[%d]: %x\n", i, master->cell[i]);
	pr_info("of_xlate %d after %u calls, add_device %d%s\n",
		fake_driver.xlate_ret, fake_driver.xlate_ok,
		fake_driver.add_ret,
		fake_driver.one_instance ? ", one instance" : "");
	pr_info("of_xlate was called %u times, should be %u\n",
		fake_driver.xlate_calls, tree->asked);
}

/* One attempt.  Returns whether it went as it should. */
static bool tree_attempt(struct tree *tree, struct tree_master *master)
{
	fake_driver.xlate_calls = 0;
	tree->asked = 0;
	tree->wanted = master->translated ? TRANSLATED :
					    tree_oracle(tree, master);
	tree->got = try_configure(master->dev, master->np);
	tree->faults |= check_invariants(master->dev, tree->got);
	tree->faults |= fake_driver.faults;
	if (fake_driver.xlate_calls != tree->asked)
		tree->faults |= FAULT_CALLS;
	master->translated = tree->got == TRANSLATED;
	tree->attempts++;
	if (tree->got == tree->wanted && !tree->faults)
		return true;

	tree_dump(tree, master);
	return false;
}

static void tree_run_round(struct tree *tree)
{
	int i;

	tree_pick_driver_answers(tree);
	tree->err = tree_register_some(tree);
	for (i = 0; i < TREE_MASTERS && !tree->err; i++)
		if (!tree_attempt(tree, &tree->master[i]))
			return;
}

static int tree_build(struct tree *tree)
{
	int i, err = 0;

	for (i = 0; i < TREE_IOMMUS && !err; i++)
		err = tree_add_iommu(tree, &tree->iommu[i]);
	for (i = 0; i < TREE_MASTERS && !err; i++)
		err = tree_add_master(tree, &tree->master[i]);

	return err;
}

static void tree_destroy(struct tree *tree)
{
	int i;

	for (i = 0; i < TREE_MASTERS; i++) {
		if (tree->master[i].dev)
			tree->faults |= test_master_remove(tree->master[i].dev);
		tree->faults |= test_node_remove(tree->master[i].np);
	}
	for (i = 0; i < TREE_IOMMUS; i++) {
		fake_iommu_unregister(&tree->iommu[i].iommu);
		tree->faults |= test_node_remove(tree->iommu[i].iommu.np);
	}
}

/* Whether all went well with the tree of a seed; what didn't is in @tree. */
static bool tree_run(struct tree *tree, unsigned int from, bool early)
{
	int groups = fake_driver.groups, domains = fake_driver.domains;
	int round;

	memset(tree, 0, sizeof(*tree));
	prandom_seed_state(&tree->rnd, from);
	tree->early = early;
	tree->no_xlate = chance(tree, 10);
	tree->err = tree_build(tree);
	for (round = 0; round < TREE_ROUNDS; round++) {
		if (tree->err || tree->faults || tree->got != tree->wanted)
			break;

		tree_run_round(tree);
	}

	tree_destroy(tree);
	if (fake_driver.groups != groups)
		tree->faults |= FAULT_GROUP_LEAK;
	if (fake_driver.domains != domains)
		tree->faults |= FAULT_DOMAIN_LEAK;
	fake_driver_reset();
	return !tree->err && !tree->faults && tree->got == tree->wanted;
}

/**
 * struct tree_stats - what became of a number of trees
 * @run: trees that went well
 * @attempts: attempts that were judged
 * @bad: the first that did not go well, valid if @failed
 * @failed: one did not
 */
struct tree_stats {
	unsigned int run;
	unsigned int attempts;
	struct tree bad;
	bool failed;
};

static void tree_run_all(struct tree_stats *stats, bool early)
{
	while (stats->run < trees) {
		stats->failed = !tree_run(&stats->bad, seed + stats->run,
					   early);
		stats->attempts += stats->bad.attempts;
		if (stats->failed)
			return;

		stats->run++;
		cond_resched();
	}
}

static struct tree_stats tree_early;

static int __init tree_run_early(void)
{
	if (!suite_is_off(SUITE))
		tree_run_all(&tree_early, true);

	return 0;
}
device_initcall(tree_run_early);

static void tree_expect_good(struct kunit *test, const struct tree_stats *stats)
{
	const struct tree *bad = &stats->bad;
	char faults[FAULT_NAMES_SIZE];

	kunit_info(test, "%u trees from seed %u on, %u attempts\n",
		   stats->run, seed, stats->attempts);
	KUNIT_EXPECT_EQ(test, stats->run, trees);
	if (!stats->failed)
		return;

	KUNIT_FAIL(test, "seed %u, attempt %u: got \"%s\", wanted \"%s\", broken: %s, error %d",
		   seed + stats->run, bad->attempts,
		   attempt_result_name(bad->got), attempt_result_name(bad->wanted),
		   fault_names(bad->faults, faults, sizeof(faults)),
		   bad->err);
}

/* Before the end of init every master of every tree gets what it should */
static void trees_before_end_of_init(struct kunit *test)
{
	tree_expect_good(test, &tree_early);
}

/* After it, too: what waited before goes without now */
static void trees_after_end_of_init(struct kunit *test)
{
	struct tree_stats *stats;

	stats = kunit_kzalloc(test, sizeof(*stats), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stats);
	tree_run_all(stats, false);
	tree_expect_good(test, stats);
}

static int tree_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	return 0;
}

static struct kunit_case tree_cases[] = {
	KUNIT_CASE(trees_before_end_of_init),
	KUNIT_CASE(trees_after_end_of_init),
	{}
};

/* Each tree is the fixture of one round of attempts, and gone before the next. */
static struct kunit_suite tree_suite = {
	.name = SUITE,
	.init = tree_init,
	.test_cases = tree_cases,
};

kunit_test_suites(&tree_suite);
