// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: PCI functions, and "iommu-map".
 *
 * Each row of the table is put to of_iommu_configure() on a function that the PCI
 * core has found behind a host bridge of the test's own: once by an initcall
 * while drivers may still come, and once by KUnit after the end of init.  So are
 * maps made up from a seed, whose result is worked out from the map by code that
 * shares nothing with the kernel's.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/random.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_map_table.h"

#define SUITE			"iommu_defer_map"

/* What happened before the end of init, for the tests to judge. */
static struct map_outcome map_early[ARRAY_SIZE(map_cases)];

/* And after it: every row is run once, whichever test needs it first. */
static struct {
	bool run;
	struct map_outcome out;
} map_late[ARRAY_SIZE(map_cases)];

static const struct map_outcome *map_run_late(const struct map_case *row)
{
	unsigned int i = row - map_cases;

	if (!map_late[i].run)
		map_case_run(row, try_configure, &map_late[i].out);
	map_late[i].run = true;

	return &map_late[i].out;
}

static void map_assert_run(struct kunit *test, const struct map_outcome *out)
{
	if (out->err == -EBUSY)
		kunit_skip(test, "the IOMMU core takes one driver only");

	KUNIT_ASSERT_EQ(test, out->err, 0);
}

static void map_expect_asked(struct kunit *test, const struct map_case *row,
			     const struct map_asked *asked, unsigned int nr)
{
	unsigned int i;

	KUNIT_EXPECT_EQ_MSG(test, asked->nr, nr, "calls of of_xlate");
	for (i = 0; i < nr && i < asked->nr; i++)
		KUNIT_EXPECT_EQ_MSG(test, asked->stream[i], row->asked.stream[i],
				    "stream id in call %u", i + 1);
}

static void map_expect_first(struct kunit *test, const struct map_case *row,
			     enum attempt_result want,
			     const struct map_outcome *out)
{
	map_assert_run(test, out);
	if (want == AS_DRIVERLESS)
		want = defer_base.driverless;

	kunit_info(test, "given: %s | wanted: %s | got: %s\n", row->desc,
		   attempt_result_name(want), attempt_result_name(out->first));
	EXPECT_RESULT(test, out->first, want);
	map_expect_asked(test, row, &out->asked, row->asked.nr);
	if (out->other != NOT_RUN) {
		EXPECT_RESULT(test, out->other, want);
		map_expect_asked(test, row, &out->other_asked, row->asked.nr);
	}

	if (row->said == SAID_NOTHING)
		KUNIT_EXPECT_EQ_MSG(test, out->said, 0U, "lines of the log");
	if (row->said == SAID_ONCE)
		KUNIT_EXPECT_EQ_MSG(test, out->said, 1U, "lines of the log");
}

static void map_expect_next(struct kunit *test, const struct map_case *row,
			    const struct map_outcome *out)
{
	unsigned int asked = 0, i;

	map_assert_run(test, out);
	EXPECT_RESULT(test, out->next, row->next);
	EXPECT_RESULT(test, out->again, row->next);
	EXPECT_NO_FAULTS(test, out->faults);

	/* For each covered id, unless the first attempt has succeeded */
	for (i = 0; i < TEST_PCI_IDS; i++)
		if (row->asked.stream[i] && row->next == TRANSLATED &&
		    out->first != TRANSLATED)
			asked++;
	map_expect_asked(test, row, &out->next_asked, asked);
}

/*
 * Before the end of init a function waits exactly if all ids that reach the host
 * bridge are covered and one of their IOMMUs may still come, and no driver is
 * asked before that is clear
 */
static void before_end_of_init(struct kunit *test)
{
	const struct map_case *row = test->param_value;

	map_expect_first(test, row, row->before, &map_early[row - map_cases]);
}

/* After the end of init nobody waits for an IOMMU that hasn't come */
static void after_end_of_init(struct kunit *test)
{
	const struct map_case *row = test->param_value;

	map_expect_first(test, row, row->after, map_run_late(row));
}

/*
 * A failed attempt leaves nothing behind: the next one gives what a first one
 * would.  A success lasts: of_xlate isn't called again.  In the end all groups,
 * domains and device nodes are released.
 */
static void next_attempt(struct kunit *test)
{
	const struct map_case *row = test->param_value;

	map_expect_next(test, row, &map_early[row - map_cases]);
	map_expect_next(test, row, map_run_late(row));
}

/*
 * The same with the DMA ops, as the driver core does before each probe: they are
 * the IOMMU's exactly if the function is translated
 */
static void with_dma_ops(struct kunit *test)
{
	const struct map_case *row = test->param_value;
	struct map_outcome out;

	map_case_run(row, attempt_dma_configure, &out);
	map_assert_run(test, &out);
	EXPECT_RESULT(test, out.first, row->after);
	EXPECT_RESULT(test, out.next, row->next);
	EXPECT_NO_FAULTS(test, out.faults);
}

static void map_case_desc(const struct map_case *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s", row->desc);
}

KUNIT_ARRAY_PARAM(map_case, map_cases, map_case_desc);

/* Random maps */

#define RANDOM_MAPS	100

/* Where a range of ids can begin or end to matter for one of the paths */
static const u16 map_ids[] = {
	0x000, 0x008, 0x009, 0x010, 0x100, 0x101, 0x110, 0x111, 0x200, 0x210,
	0x218, 0x300,
};

static const u16 map_lengths[] = { 1, 2, 0x10, 0x100, 0x200, 0x400 };
static const u32 map_masks[] = { 0xffff, 0x03ff, 0x00ff, 0xfff0 };

static const enum iommu_state map_states[] = {
	READY, READY, READY, READY, READY, READY, PENDING, PENDING, DISABLED,
	DRIVERLESS, NO_XLATE, DANGLING, READY_OTHER_DRIVER,
};

static const struct map_answer map_answers[] = {
	ACCEPTS, ACCEPTS, XLATE(-EPROBE_DEFER), XLATE(-EINVAL),
	XLATE_2ND(-EPROBE_DEFER), XLATE_2ND(-EINVAL), ADD(-EPROBE_DEFER),
	ADD(-ENODEV), ONE_INSTANCE,
};

/**
 * struct random_map - a map made up from a seed
 * @rnd: where all its chances come from
 * @input: the map
 * @answer: the driver
 */
struct random_map {
	struct rnd_state rnd;
	struct map_input input;
	const struct map_answer *answer;
};

static unsigned int map_pick(struct random_map *map, unsigned int n)
{
	return prandom_u32_state(&map->rnd) % n;
}

static void map_make_up(struct random_map *map, unsigned int seed)
{
	struct map_input *input = &map->input;
	unsigned int i, entries;

	memset(map, 0, sizeof(*map));
	prandom_seed_state(&map->rnd, seed);
	input->path = map_pick(map, NR_PCI_PATHS);
	entries = 1 + map_pick(map, MAP_ENTRIES);
	for (i = 0; i < entries; i++) {
		input->entry[i].id = map_ids[map_pick(map, ARRAY_SIZE(map_ids))];
		input->entry[i].length = map_lengths[map_pick(map, ARRAY_SIZE(map_lengths))];
		input->entry[i].iommu = map_pick(map, MAP_IOMMUS);
	}
	/* Else most maps would leave out an id that matters */
	if (map_pick(map, 4)) {
		input->entry[entries - 1].id = 0x000;
		input->entry[entries - 1].length = 0x400;
	}
	for (i = 0; i < MAP_IOMMUS; i++)
		input->state[i] = map_states[map_pick(map, ARRAY_SIZE(map_states))];
	if (!map_pick(map, 8))
		input->mask = map_masks[map_pick(map, ARRAY_SIZE(map_masks))];
	if (!map_pick(map, 16))
		input->form = MAP_ABSENT + map_pick(map, 3);
	map->answer = &map_answers[map_pick(map, ARRAY_SIZE(map_answers))];
}

/* What the map makes of an id */
enum map_lookup { COVERED, UNCOVERED, UNPARSABLE };

static enum map_lookup map_look_up(const struct map_input *input, u16 id,
				   unsigned int *iommu)
{
	u32 mask = input->mask ?: 0xffffffff;
	const struct map_entry *entry;

	for (entry = input->entry;
	     entry < input->entry + MAP_ENTRIES && entry->length; entry++) {
		if (entry->id & ~mask)
			return UNPARSABLE;
		if ((id & mask) < entry->id ||
		    (id & mask) >= entry->id + entry->length)
			continue;

		*iommu = entry->iommu;
		return input->state[*iommu] == DANGLING ? UNPARSABLE : COVERED;
	}

	return UNCOVERED;
}

/* Counts of the ids, or of the IOMMUs behind them, that are the one or the other */
struct map_counts {
	unsigned int never;	/* can't be had */
	unsigned int pending;
	unsigned int ready;
	unsigned int other;	/* ready, of the other driver */
	bool used[MAP_IOMMUS];
};

static bool map_may_come(enum iommu_state state, bool early)
{
	return early && (state == PENDING || (state == DRIVERLESS &&
					      defer_base.driverless == DEFERRED));
}

static void map_count_state(struct map_counts *counts, enum iommu_state state,
			    bool early)
{
	if (state == READY)
		counts->ready++;
	else if (state == READY_OTHER_DRIVER)
		counts->other++;
	else if (map_may_come(state, early))
		counts->pending++;
	else
		counts->never++;
}

static void map_count(const struct map_input *input, bool early,
		      struct map_counts *counts)
{
	const struct test_pci_ids *ids = &test_pci_ids[input->path];
	unsigned int i, iommu = 0;

	memset(counts, 0, sizeof(*counts));
	if (input->form != MAP_GOOD)
		counts->never++;

	for (i = 0; i < ids->nr; i++) {
		switch (map_look_up(input, ids->id[i], &iommu)) {
		case COVERED:
			counts->used[iommu] = true;
			map_count_state(counts, input->state[iommu], early);
			break;
		case UNCOVERED:
			counts->never += i >= ids->replaced;
			break;
		case UNPARSABLE:
			counts->never++;
			break;
		}
	}
}

static enum attempt_result map_oracle(const struct map_input *input,
				      const struct map_answer *answer,
				      bool early, bool *decided)
{
	struct map_counts counts;

	map_count(input, early, &counts);
	*decided = true;
	if (counts.never || (counts.ready && counts.other))
		return UNTRANSLATED;
	if (counts.pending)
		return DEFERRED;

	*decided = false;
	if (answer->one_instance && counts.used[0] && counts.used[1])
		return UNTRANSLATED;
	if (answer->xlate && counts.ready + counts.other > answer->xlate_ok)
		return answer->xlate == -EPROBE_DEFER ? DEFERRED : UNTRANSLATED;
	if (answer->add)
		return answer->add == -EPROBE_DEFER ? DEFERRED : UNTRANSLATED;

	return TRANSLATED;
}

/* The IOMMUs have come, as far as they can, and their driver accepts all. */
static enum attempt_result map_oracle_next(const struct map_input *input)
{
	static const struct map_answer accepts = ACCEPTS;
	struct map_input ready = *input;
	bool decided;
	int i;

	for (i = 0; i < MAP_IOMMUS; i++)
		if (ready.state[i] == PENDING || ready.state[i] == DRIVERLESS ||
		    ready.state[i] == NO_XLATE)
			ready.state[i] = READY;

	return map_oracle(&ready, &accepts, false, &decided);
}

/**
 * struct random_stats - what became of random maps
 * @result: how many were meant to have which result
 * @skipped: the IOMMU core won't have two drivers
 * @bad: maps that are not what they should be
 * @seed: the first of them
 * @got: what its first attempt came to
 * @want: what that should have been
 * @next: what its next attempt came to
 * @faults: what was broken by it
 */
struct random_stats {
	unsigned int result[AS_DRIVERLESS];
	unsigned int skipped;
	unsigned int bad;
	unsigned int seed;
	enum attempt_result got;
	enum attempt_result want;
	enum attempt_result next;
	unsigned int faults;
};

static struct random_stats random_early;

static void random_map_run(unsigned int seed, bool early,
			   struct random_stats *stats)
{
	enum attempt_result want;
	struct map_outcome out;
	struct random_map map;
	bool decided;

	map_make_up(&map, seed);
	want = map_oracle(&map.input, map.answer, early, &decided);
	map_input_run(&map.input, map.answer, try_configure, &out);
	if (out.err == -EBUSY) {
		stats->skipped++;
		return;
	}

	stats->result[want]++;
	if (!out.err && out.first == want && !out.faults &&
	    (out.other == want || out.other == NOT_RUN) &&
	    out.next == map_oracle_next(&map.input) && out.again == out.next &&
	    !(decided && out.asked.nr))
		return;

	if (!stats->bad++) {
		stats->seed = seed;
		stats->got = out.first;
		stats->want = want;
		stats->next = out.next;
		stats->faults = out.faults;
	}
}

static void random_maps_run(bool early, struct random_stats *stats)
{
	unsigned int seed;

	for (seed = 1; seed <= RANDOM_MAPS; seed++)
		random_map_run(seed, early, stats);
}

static void random_expect_good(struct kunit *test,
			       const struct random_stats *stats)
{
	kunit_info(test, "%u translated, %u untranslated, %u deferred, %u skipped\n",
		   stats->result[TRANSLATED], stats->result[UNTRANSLATED],
		   stats->result[DEFERRED], stats->skipped);
	KUNIT_EXPECT_EQ_MSG(test, stats->bad, 0U,
			    "first: seed %u, got \"%s\", wanted \"%s\", next \"%s\", faults %x",
			    stats->seed, attempt_result_name(stats->got),
			    attempt_result_name(stats->want),
			    attempt_result_name(stats->next), stats->faults);
	/* Maps that all come to the same prove little */
	KUNIT_EXPECT_GT(test, stats->result[TRANSLATED], RANDOM_MAPS / 20U);
	KUNIT_EXPECT_GT(test, stats->result[UNTRANSLATED], RANDOM_MAPS / 20U);
}

/* The same rules for maps that nobody has thought of */
static void random_maps_before_end_of_init(struct kunit *test)
{
	random_expect_good(test, &random_early);
	KUNIT_EXPECT_GT(test, random_early.result[DEFERRED], RANDOM_MAPS / 20U);
}

static void random_maps_after_end_of_init(struct kunit *test)
{
	struct random_stats stats;

	memset(&stats, 0, sizeof(stats));
	random_maps_run(false, &stats);
	random_expect_good(test, &stats);
}

static unsigned int lines_without_node;

static enum attempt_result attempt_without_node(struct device *dev,
						struct device_node *np)
{
	enum attempt_result result;

	test_log_watch(dev);
	result = try_configure(dev, NULL);
	lines_without_node += test_log_lines();
	return result;
}

/* C20: below a host bridge that has no node there is no IOMMU, and no word of it */
static void host_bridge_without_node(struct kunit *test)
{
	struct map_outcome out;

	lines_without_node = 0;
	map_case_run(&map_cases[0], attempt_without_node, &out);
	KUNIT_ASSERT_EQ(test, out.err, 0);
	EXPECT_RESULT(test, out.first, UNTRANSLATED);
	EXPECT_RESULT(test, out.next, UNTRANSLATED);
	KUNIT_EXPECT_EQ(test, lines_without_node, 0U);
}

static int __init map_run_early(void)
{
	unsigned int i;

	if (suite_is_off(SUITE))
		return 0;

	for (i = 0; i < ARRAY_SIZE(map_cases); i++)
		map_case_run(&map_cases[i], try_configure, &map_early[i]);
	random_maps_run(true, &random_early);

	return 0;
}
device_initcall(map_run_early);

static int map_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "not in this boot");

	return 0;
}

static struct kunit_case map_tests[] = {
	KUNIT_CASE_PARAM(before_end_of_init, map_case_gen_params),
	KUNIT_CASE_PARAM(after_end_of_init, map_case_gen_params),
	KUNIT_CASE_PARAM(next_attempt, map_case_gen_params),
	KUNIT_CASE_PARAM(with_dma_ops, map_case_gen_params),
	KUNIT_CASE(host_bridge_without_node),
	KUNIT_CASE(random_maps_before_end_of_init),
	KUNIT_CASE(random_maps_after_end_of_init),
	{}
};

/* The fixture is a host bridge with one function, and the IOMMUs in its map. */
static struct kunit_suite map_suite = {
	.name = SUITE,
	.init = map_init,
	.test_cases = map_tests,
};

kunit_test_suites(&map_suite);
