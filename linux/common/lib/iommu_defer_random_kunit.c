// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: hostile device trees.
 *
 * The decision table has the cases that somebody has thought of.  Here trees are
 * made up from a seed: IOMMUs of all kinds, and masters that name up to four of
 * them, correctly or not, by a list of specifiers or by a map of their ids.  Each
 * master is configured several times, while IOMMUs come and their driver changes
 * its mind.  What is right is worked out from the cells of the tree, by code that
 * shares nothing with the kernel's.
 *
 *	iommu_defer_random_kunit.trees=2000 iommu_defer_random_kunit.seed=7
 *
 * plays the trees of seeds 7 to 2006.  A tree that fails is named by its seed.
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
	struct defer_iommu iommu;
	u32 phandle;
	int cells;		/* #iommu-cells; negative: no such property */
	bool available;
	bool declared;
};

/* A master names its IOMMUs by "iommus", or by "iommu-map" and its own id. */
struct tree_master {
	struct device_node *np;
	struct device *dev;
	u32 cell[TREE_CELLS];
	int cells;		/* of that property; negative: there is none */
	bool mapped;		/* it is iommu-map */
	u32 mask;		/* iommu-map-mask */
	u32 id;
	bool translated;	/* an attempt has succeeded */
};

/**
 * struct tree - a device tree made from a seed
 * @rnd: where all its chances come from
 * @early: the end of init is still to come
 * @no_xlate: the driver of its IOMMUs has no of_xlate callback
 * @iommu: its IOMMUs
 * @master: its masters
 * @err: it could not be set up, nothing is known
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
	enum defer_result got;
	enum defer_result wanted;
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

/* The oracle */

static struct tree_iommu *tree_find(struct tree *tree, u32 phandle)
{
	int i;

	for (i = 0; i < TREE_IOMMUS; i++)
		if (tree->iommu[i].phandle == phandle)
			return &tree->iommu[i];

	return NULL;
}

/*
 * The IOMMUs that a list of specifiers names.  An empty entry ends the list, as
 * it always has.  Returns their number, or -EINVAL if the list makes no sense.
 */
static int tree_parse_list(struct tree *tree, const struct tree_master *master,
			   struct tree_iommu **named)
{
	int i = 0, n = 0;

	while (i < master->cells && master->cell[i]) {
		struct tree_iommu *iommu = tree_find(tree, master->cell[i]);

		if (!iommu || iommu->cells < 0 ||
		    i + 1 + iommu->cells > master->cells)
			return -EINVAL;

		named[n++] = iommu;
		i += 1 + iommu->cells;
	}

	return n;
}

/*
 * The IOMMU that a map has for the id of the master: that of the first entry
 * that covers it.  Entries are id, phandle, id at the IOMMU, and length.  Returns
 * the number of IOMMUs, or -EINVAL if the map makes no sense as far as it is read.
 */
static int tree_parse_map(struct tree *tree, const struct tree_master *master,
			  struct tree_iommu **named)
{
	u32 id = master->id & master->mask;
	int i;

	if (master->cells % 4)
		return -EINVAL;

	for (i = 0; i < master->cells; i += 4) {
		const u32 *entry = &master->cell[i];

		if (entry[0] & ~master->mask)
			return -EINVAL;
		if (id < entry[0] || id - entry[0] >= entry[3])
			continue;

		named[0] = tree_find(tree, entry[1]);
		return named[0] ? 1 : -EINVAL;
	}

	return 0;
}

/* What the driver makes of a master whose IOMMUs are all there */
static enum defer_result tree_ask(struct tree_iommu **named, int n)
{
	int i, err = 0;

	/* All are asked unless one refuses: to wait for it would be in vain */
	for (i = 0; i < n && (!err || err == -EPROBE_DEFER); i++) {
		if (named[i]->iommu.other != named[0]->iommu.other)
			err = -EINVAL;
		else if (i >= defer_fake.xlate_good)
			err = defer_fake.xlate_ret;
	}
	if (!err)
		err = defer_fake.add_ret;
	if (err)
		return err == -EPROBE_DEFER ? DEFER_WAIT : DEFER_NO_IOMMU;

	return DEFER_OPS;
}

static bool tree_waits_for(struct tree *tree, const struct tree_iommu *iommu)
{
	return tree->early && (iommu->declared ||
			       DEFER_WANT_DRIVERLESS_BEFORE == DEFER_WAIT);
}

/* The contract, for a master that has not been translated yet */
static enum defer_result tree_oracle(struct tree *tree,
				     const struct tree_master *master)
{
	struct tree_iommu *named[TREE_CELLS];
	bool pending = false, differ = false;
	struct tree_iommu *first = NULL;
	int i, n;

	n = master->mapped ? tree_parse_map(tree, master, named) :
			     tree_parse_list(tree, master, named);
	if (n <= 0)
		return DEFER_NO_IOMMU;

	for (i = 0; i < n; i++) {
		if (!named[i]->available)
			return DEFER_NO_IOMMU;

		if (!named[i]->iommu.registered) {
			if (!tree_waits_for(tree, named[i]))
				return DEFER_NO_IOMMU;

			pending = true;
			continue;
		}

		if (tree->no_xlate && !named[i]->iommu.other)
			return DEFER_NO_IOMMU;

		first = first ?: named[i];
		differ |= first->iommu.other != named[i]->iommu.other;
	}

	if (differ && !DEFER_ASKED_DIFFERENT_DRIVERS)
		return DEFER_NO_IOMMU;

	return pending ? DEFER_WAIT : tree_ask(named, n);
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
	return defer_node_set(np, "status", value, strlen(value) + 1);
}

static int tree_add_iommu(struct tree *tree, struct tree_iommu *iommu)
{
	const char *compatible;
	struct device_node *np;
	char name[32];
	int err;

	iommu->declared = !chance(tree, 6);
	iommu->iommu.other = chance(tree, 8);
	iommu->cells = chance(tree, 12) ? -1 : pick(tree, 4);
	iommu->phandle = defer_new_phandle();
	compatible = iommu->declared ? DEFER_DECLARED : DEFER_DRIVERLESS;
	snprintf(name, sizeof(name), "iommu@%x", iommu->phandle);
	np = defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = defer_node_set(np, "compatible", compatible,
			     strlen(compatible) + 1) ?:
	      defer_node_set_u32(np, "phandle", iommu->phandle) ?:
	      tree_set_status(tree, iommu, np);
	if (!err && iommu->cells >= 0)
		err = defer_node_set_u32(np, "#iommu-cells", iommu->cells);
	if (!err)
		err = defer_node_attach(np);
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
		return defer_new_phandle();

	return tree->iommu[pick(tree, TREE_IOMMUS)].phandle;
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

/* Up to four entries that may overlap, or cover nothing, or be cut off */
static void tree_make_map(struct tree *tree, struct tree_master *master)
{
	static const u32 masks[] = { 0xffff, 0xff, 0xfff8, 0xfff0, 0 };
	int entries = pick(tree, 5);

	master->id = pick(tree, 64);
	master->mask = chance(tree, 2) ? U32_MAX :
					 masks[pick(tree, ARRAY_SIZE(masks))];
	master->cells = chance(tree, 16) ? -1 : 0;
	while (master->cells >= 0 && entries--) {
		master->cell[master->cells++] = 8 * pick(tree, 8);
		master->cell[master->cells++] = tree_some_phandle(tree);
		master->cell[master->cells++] = pick(tree, 32);
		master->cell[master->cells++] = pick(tree, 64);
	}
	if (master->cells > 0 && chance(tree, 12))
		master->cells -= 1 + pick(tree, 3);
}

static int tree_set_iommus(const struct tree_master *master,
			   struct device_node *np)
{
	__be32 cells[TREE_CELLS];
	int i, err;

	if (master->cells < 0)
		return 0;

	for (i = 0; i < master->cells; i++)
		cells[i] = cpu_to_be32(master->cell[i]);

	err = defer_node_set(np, master->mapped ? "iommu-map" : "iommus", cells,
			     master->cells * sizeof(*cells));
	if (!err && master->mapped && master->mask != U32_MAX)
		err = defer_node_set_u32(np, "iommu-map-mask", master->mask);

	return err;
}

static int tree_add_master(struct tree *tree, struct tree_master *master)
{
	struct device_node *np;
	char name[32];
	int err;

	master->mapped = chance(tree, 3) && DEFER_HAS_MAP;
	if (master->mapped)
		tree_make_map(tree, master);
	else
		tree_make_iommus(tree, master);

	snprintf(name, sizeof(name), "master@%x", defer_new_phandle());
	np = defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = tree_set_iommus(master, np) ?: defer_node_attach(np);
	if (err) {
		of_node_put(np);
		return err;
	}

	master->np = np;
	master->dev = defer_master_add(np, NULL);
	if (IS_ERR(master->dev)) {
		err = PTR_ERR(master->dev);
		master->dev = NULL;
	}

	return err;
}

/* How the driver treats its masters until the next round */
static void tree_set_mood(struct tree *tree)
{
	static const int errs[] = { -EPROBE_DEFER, -ENODEV, -EINVAL, -ENOMEM };

	defer_fake_reset();
	defer_fake.has_xlate = !tree->no_xlate;
	defer_fake.xlate_good = pick(tree, 3);
	if (chance(tree, 4))
		defer_fake.xlate_ret = errs[pick(tree, ARRAY_SIZE(errs))];
	if (chance(tree, 4))
		defer_fake.add_ret = errs[pick(tree, ARRAY_SIZE(errs))];
}

/* Some IOMMUs come; one of another driver isn't let in by every kernel. */
static int tree_register_some(struct tree *tree)
{
	int i, err;

	for (i = 0; i < TREE_IOMMUS; i++) {
		if (!chance(tree, 2))
			continue;

		err = defer_iommu_register(&tree->iommu[i].iommu);
		if (err && err != -EBUSY)
			return err;
	}

	return 0;
}

/* What a tree that went wrong looks like at that moment */
static void tree_show(const struct tree *tree, const struct tree_master *master)
{
	int i;

	for (i = 0; i < TREE_IOMMUS; i++)
		pr_info("iommu@%x: cells %d%s%s%s%s\n", tree->iommu[i].phandle,
			tree->iommu[i].cells,
			tree->iommu[i].available ? "" : ", not available",
			tree->iommu[i].declared ? "" : ", no driver",
			tree->iommu[i].iommu.other ? ", other driver" : "",
			tree->iommu[i].iommu.registered ? ", registered" : "");
	if (master->mapped)
		pr_info("id %x, mask %x\n", master->id, master->mask);
	for (i = 0; i < master->cells; i++)
		pr_info("%s[%d]: %x\n", master->mapped ? "iommu-map" : "iommus",
			i, master->cell[i]);
	pr_info("of_xlate %d after %u calls, add_device %d\n",
		defer_fake.xlate_ret, defer_fake.xlate_good,
		defer_fake.add_ret);
}

/* One attempt.  Returns whether it went as it should. */
static bool tree_try(struct tree *tree, struct tree_master *master)
{
	defer_fake.xlate_calls = 0;
	tree->wanted = master->translated ? DEFER_OPS :
					    tree_oracle(tree, master);
	tree->got = master->mapped ?
		    defer_configure_id(master->dev, master->np, master->id) :
		    defer_configure(master->dev, master->np);
	tree->faults |= defer_invariants(master->dev, tree->got);
	tree->faults |= defer_fake.faults;
	master->translated = tree->got == DEFER_OPS;
	tree->attempts++;
	if (tree->got == tree->wanted && !tree->faults)
		return true;

	tree_show(tree, master);
	return false;
}

static void tree_play_round(struct tree *tree)
{
	int i;

	tree_set_mood(tree);
	tree->err = tree_register_some(tree);
	for (i = 0; i < TREE_MASTERS && !tree->err; i++)
		if (!tree_try(tree, &tree->master[i]))
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
			tree->faults |= defer_master_remove(tree->master[i].dev);
		tree->faults |= defer_node_remove(tree->master[i].np);
	}
	for (i = 0; i < TREE_IOMMUS; i++) {
		defer_iommu_unregister(&tree->iommu[i].iommu);
		tree->faults |= defer_node_remove(tree->iommu[i].iommu.np);
	}
}

/* Whether all went well with the tree of a seed; what didn't is in @tree. */
static bool tree_play(struct tree *tree, unsigned int from, bool early)
{
	int groups = defer_fake.groups, domains = defer_fake.domains;
	int round;

	memset(tree, 0, sizeof(*tree));
	prandom_seed_state(&tree->rnd, from);
	tree->early = early;
	tree->no_xlate = chance(tree, 10);
	tree->err = tree_build(tree);
	for (round = 0; round < TREE_ROUNDS; round++) {
		if (tree->err || tree->faults || tree->got != tree->wanted)
			break;

		tree_play_round(tree);
	}

	tree_destroy(tree);
	if (defer_fake.groups != groups)
		tree->faults |= DEFER_FAULT_GROUP_LEAK;
	if (defer_fake.domains != domains)
		tree->faults |= DEFER_FAULT_DOMAIN_LEAK;
	defer_fake_reset();
	return !tree->err && !tree->faults && tree->got == tree->wanted;
}

/**
 * struct tree_tally - what became of a number of trees
 * @played: trees that went well
 * @attempts: attempts that were judged
 * @bad: the first that did not go well, valid if @failed
 * @failed: one did not
 */
struct tree_tally {
	unsigned int played;
	unsigned int attempts;
	struct tree bad;
	bool failed;
};

static void tree_play_all(struct tree_tally *tally, bool early)
{
	while (tally->played < trees) {
		tally->failed = !tree_play(&tally->bad, seed + tally->played,
					   early);
		tally->attempts += tally->bad.attempts;
		if (tally->failed)
			return;

		tally->played++;
		cond_resched();
	}
}

static struct tree_tally tree_early;

static int __init tree_play_early(void)
{
	if (!defer_scenario())
		tree_play_all(&tree_early, true);

	return 0;
}
device_initcall(tree_play_early);

static void tree_judge(struct kunit *test, const struct tree_tally *tally)
{
	const struct tree *bad = &tally->bad;
	char faults[DEFER_FAULT_NAMES_SIZE];

	kunit_info(test, "%u trees from seed %u on, %u attempts\n",
		   tally->played, seed, tally->attempts);
	KUNIT_EXPECT_EQ(test, tally->played, trees);
	if (!tally->failed)
		return;

	KUNIT_FAIL(test, "seed %u, attempt %u: got \"%s\", wanted \"%s\", broken: %s, error %d",
		   seed + tally->played, bad->attempts,
		   defer_result_name(bad->got), defer_result_name(bad->wanted),
		   defer_fault_names(bad->faults, faults, sizeof(faults)),
		   bad->err);
}

/* Before the end of init every master of every tree gets what it should */
static void trees_before_end_of_init(struct kunit *test)
{
	tree_judge(test, &tree_early);
}

/* After it, too: what waited before goes without now */
static void trees_after_end_of_init(struct kunit *test)
{
	struct tree_tally *tally;

	tally = kunit_kzalloc(test, sizeof(*tally), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tally);
	tree_play_all(tally, false);
	tree_judge(test, tally);
}

static int tree_init(struct kunit *test)
{
	if (defer_scenario())
		kunit_skip(test, "a scenario is booted, no fake IOMMU");

	return 0;
}

static struct kunit_case tree_cases[] = {
	KUNIT_CASE(trees_before_end_of_init),
	KUNIT_CASE(trees_after_end_of_init),
	{}
};

/* Each tree is the fixture of one round of attempts, and gone before the next. */
static struct kunit_suite tree_suite = {
	.name = "iommu_defer_random",
	.init = tree_init,
	.test_cases = tree_cases,
};

kunit_test_suites(&tree_suite);
