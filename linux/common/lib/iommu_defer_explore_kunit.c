// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of IOMMU probe deferral: every sequence of events.
 *
 * One master and its IOMMU, or two of each, where the first master names both
 * IOMMUs and the second one the last of them: real device nodes and devices, and
 * the driver core's own probing.  What may happen to them is a list of events.
 * Sequences are tried shortest first, each with fresh devices, and after each
 * event the masters have to be as a model says that is a page long, and to keep
 * the invariants.  What is known of a state, the model's and all that can be seen
 * of the devices, is not explored again.
 *
 * The end of init is an event that can't be undone.  So sequences are explored
 * once before it, by an initcall.  The states found there are entered again then,
 * with devices that stay, and explored further after it.
 *
 * And the same events by three threads at once, at times that a seed decides.
 * What comes of them meanwhile is nobody's to say; but nothing is broken then,
 * and in the end all masters have their IOMMUs and everything is given back.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

#define SUITE			"iommu_defer_explore"

/* The longest sequence that there is room for */
#define EXPLORE_DEPTH		9
/* Each state that is entered before the end of init is entered as often. */
#define EXPLORE_COPIES		24
#define EXPLORE_STATES		16384

static unsigned int depth = 7;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "Events in the longest sequence that is explored, 1 to 9");

static unsigned int count = 1;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "How many masters and IOMMUs there are, 1 or 2");

static unsigned int races;
module_param(races, uint, 0444);
MODULE_PARM_DESC(races, "How often the events are raced, up to 500");

static unsigned int race_seed = 1;
module_param(race_seed, uint, 0444);
MODULE_PARM_DESC(race_seed, "Of the first race; the next one has the next seed");

/* Two of each at most */
#define EXPLORE_OF_EACH		2

enum explore_kind {
	/* of an IOMMU */
	IOMMU_REGISTERS,
	IOMMU_UNREGISTERS,
	/* of a master */
	MASTER_ADDED,
	MASTER_REMOVED,
	MASTER_UNBOUND,
	MASTER_REBOUND,
	DRIVER_SUCCEEDS,	/* from now on, and so on */
	DRIVER_DEFERS,
	DRIVER_FAILS,
	MAPPING_ATTACHED,	/* by the driver, instead of the one that setup made */
	MAPPING_DETACHED,	/* when the driver is unbound */
	/* of all */
	OF_XLATE_SUCCEEDS,
	OF_XLATE_DEFERS,
	OF_XLATE_FAILS,
	OTHER_BINDS,		/* another device: all that wait are tried again */
	END_OF_INIT,
};

static const char * const kind_names[] = {
	[IOMMU_REGISTERS]	= "IOMMU_REGISTERS",
	[IOMMU_UNREGISTERS]	= "IOMMU_UNREGISTERS",
	[MASTER_ADDED]		= "MASTER_ADDED",
	[MASTER_REMOVED]	= "MASTER_REMOVED",
	[MASTER_UNBOUND]	= "MASTER_UNBOUND",
	[MASTER_REBOUND]	= "MASTER_REBOUND",
	[DRIVER_SUCCEEDS]	= "DRIVER_SUCCEEDS",
	[DRIVER_DEFERS]		= "DRIVER_DEFERS",
	[DRIVER_FAILS]		= "DRIVER_FAILS",
	[MAPPING_ATTACHED]	= "MAPPING_ATTACHED",
	[MAPPING_DETACHED]	= "MAPPING_DETACHED",
	[OF_XLATE_SUCCEEDS]	= "OF_XLATE_SUCCEEDS",
	[OF_XLATE_DEFERS]	= "OF_XLATE_DEFERS",
	[OF_XLATE_FAILS]	= "OF_XLATE_FAILS",
	[OTHER_BINDS]		= "OTHER_BINDS",
	[END_OF_INIT]		= "END_OF_INIT",
};

/**
 * struct explore_event - something that happens
 * @kind: what
 * @which: to which IOMMU or master
 */
struct explore_event {
	u8 kind;
	u8 which;
};

/* The model */

enum answer { SUCCEEDS, DEFERS, FAILS_PROBE };

enum master_state {
	ABSENT,
	IDLE,			/* no driver is bound, and none will come by itself */
	WAITING,		/* on the list of deferred devices */
	BOUND,
};

/**
 * struct model_master - what is to be expected of a master
 * @state: whether its driver is bound
 * @driver: what its driver says
 * @translated: an attempt has succeeded, which lasts as long as the master
 * @attempts: calls of its driver
 * @result: what the last one of them found
 * @mapped: its IOMMUs were there then: one that has gone gives no new mapping (C55)
 * @own_mapping: the driver has attached a mapping, which nobody else touches (C42)
 */
struct model_master {
	enum master_state state;
	enum answer driver;
	bool translated;
	unsigned int attempts;
	enum attempt_result result;
	bool mapped;
	bool own_mapping;
};

/**
 * struct model - what is to be expected of all
 * @count: how many masters and IOMMUs there are
 * @ended: init has
 * @of_xlate: what the IOMMUs' driver says of the masters
 * @registered: the IOMMUs that are
 * @master: the masters
 */
struct model {
	unsigned int count;
	bool ended;
	enum answer of_xlate;
	bool registered[EXPLORE_OF_EACH];
	struct model_master master[EXPLORE_OF_EACH];
};

/* The first master names all IOMMUs, the second one the last */
static bool model_all_there(const struct model *m, unsigned int which)
{
	unsigned int i;

	for (i = which; i < m->count; i++)
		if (!m->registered[i])
			return false;

	return true;
}

/* C3, C5 to C7, C12, C51 */
static enum attempt_result model_configure(struct model *m, unsigned int which)
{
	if (m->master[which].translated)
		return TRANSLATED;
	if (!model_all_there(m, which))
		return m->ended ? UNTRANSLATED : DEFERRED;
	if (m->of_xlate == DEFERS)
		return DEFERRED;
	if (m->of_xlate == FAILS_PROBE)
		return UNTRANSLATED;

	m->master[which].translated = true;
	return TRANSLATED;
}

static void model_retry(struct model *m);

static void model_attempt(struct model *m, unsigned int which)
{
	static const enum master_state then[] = {
		[SUCCEEDS]	= BOUND,
		[DEFERS]	= WAITING,
		[FAILS_PROBE]	= IDLE,
	};
	struct model_master *master = &m->master[which];
	enum attempt_result result = model_configure(m, which);

	if (result == DEFERRED) {
		master->state = WAITING;
		return;
	}

	master->attempts++;
	master->result = result;
	master->mapped = model_all_there(m, which);
	master->state = then[master->driver];
	/* The driver core tries all that wait again when a device is bound */
	if (master->state == BOUND && m->ended)
		model_retry(m);
}

static void model_retry(struct model *m)
{
	unsigned int i;

	for (i = 0; i < m->count; i++)
		if (m->master[i].state == WAITING)
			model_attempt(m, i);
}

/* The kernel retries what waits, declares the end of init, and does it again. */
static void model_end_init(struct model *m)
{
	model_retry(m);
	m->ended = true;
	model_retry(m);
}

/* Whether an event can happen, and would change something */
static bool model_allows(const struct model *m, struct explore_event event)
{
	const struct model_master *master = &m->master[event.which];
	unsigned int of_all = event.kind < OF_XLATE_SUCCEEDS ? m->count : 1;

	if (event.which >= of_all)
		return false;

	switch (event.kind) {
	case IOMMU_REGISTERS:
		return !m->registered[event.which];
	case IOMMU_UNREGISTERS:
		return m->registered[event.which] &&
		       defer_base.iommu_may_unregister;
	case MASTER_ADDED:
		return master->state == ABSENT;
	case MASTER_REMOVED:
		return master->state != ABSENT && !master->own_mapping;
	case MASTER_UNBOUND:
		return master->state == BOUND;
	case MASTER_REBOUND:
		return master->state == IDLE || master->state == WAITING;
	case DRIVER_SUCCEEDS:
	case DRIVER_DEFERS:
	case DRIVER_FAILS:
		return master->driver != event.kind - DRIVER_SUCCEEDS;
	case MAPPING_ATTACHED:
		return IS_ENABLED(CONFIG_ARM) && master->state == BOUND &&
		       master->translated && !master->own_mapping &&
		       model_all_there(m, event.which);
	case MAPPING_DETACHED:
		return master->own_mapping && master->state != BOUND;
	case OF_XLATE_SUCCEEDS:
	case OF_XLATE_DEFERS:
	case OF_XLATE_FAILS:
		return m->of_xlate != event.kind - OF_XLATE_SUCCEEDS;
	case OTHER_BINDS:
		/* Before the end of init nothing is tried again. */
		return m->ended;
	default:
		return false;
	}
}

/* C5, D26: where the core asks on its own, it does so for all idle masters */
static void model_register(struct model *m, unsigned int which)
{
	m->registered[which] = true;
#ifdef IOMMU_TAKES_IDLE_MASTERS
	for (which = 0; which < m->count; which++)
		if ((m->master[which].state == IDLE ||
		     m->master[which].state == WAITING) &&
		    m->of_xlate == SUCCEEDS && model_all_there(m, which))
			m->master[which].translated = true;
#endif
}

static void model_step(struct model *m, struct explore_event event)
{
	struct model_master *master = &m->master[event.which];

	switch (event.kind) {
	case IOMMU_REGISTERS:
		model_register(m, event.which);
		break;
	case IOMMU_UNREGISTERS:
		m->registered[event.which] = false;
		break;
	case MASTER_ADDED:
		master->attempts = 0;
		master->result = NOT_RUN;
		model_attempt(m, event.which);
		break;
	case MASTER_REMOVED:
		master->state = ABSENT;
		master->translated = false;
		break;
	case MASTER_UNBOUND:
		master->state = IDLE;
		break;
	case MASTER_REBOUND:
		model_attempt(m, event.which);
		break;
	case DRIVER_SUCCEEDS:
	case DRIVER_DEFERS:
	case DRIVER_FAILS:
		master->driver = event.kind - DRIVER_SUCCEEDS;
		break;
	case MAPPING_ATTACHED:
	case MAPPING_DETACHED:
		master->own_mapping = event.kind == MAPPING_ATTACHED;
		break;
	case OF_XLATE_SUCCEEDS:
	case OF_XLATE_DEFERS:
	case OF_XLATE_FAILS:
		m->of_xlate = event.kind - OF_XLATE_SUCCEEDS;
		break;
	case OTHER_BINDS:
		model_retry(m);
		break;
	default:
		model_end_init(m);
		break;
	}
}

/* The devices */

/**
 * struct explore_master - a master
 * @data: what its driver does and sees
 * @driver: what its driver says at its next call
 * @np: its node
 * @dev: the device, while it is there
 * @mapping: what its driver has attached, or NULL
 */
struct explore_master {
	struct test_master data;
	enum answer driver;
	struct device_node *np;
	struct device *dev;
	struct dma_iommu_mapping *mapping;
};

/**
 * struct explore_run - one sequence, with devices of its own
 * @topology: the IOMMUs, and the node of the first master
 * @master: the masters
 * @model: what is to be expected of them
 * @groups: IOMMU groups alive before
 * @among_others: there are others that may bind, and each that does has all that
 *	wait tried again: how often is nobody's business
 * @err: it could not be set up
 * @faults: invariants that were broken, FAULT_*
 * @wrong: what wasn't as the model says, or NULL
 */
struct explore_run {
	struct test_topology topology;
	struct explore_master master[EXPLORE_OF_EACH];
	struct model model;
	int groups;
	bool among_others;
	int err;
	unsigned int faults;
	const char *wrong;
};

static const int answers[] = {
	[SUCCEEDS]	= 0,
	[DEFERS]	= -EPROBE_DEFER,
	[FAILS_PROBE]	= -ENODEV,
};

static int explore_driver(struct device *dev)
{
	struct test_master *data = dev->platform_data;

	return answers[container_of(data, struct explore_master, data)->driver];
}

#ifdef CONFIG_ARM
static int attach_mapping(struct explore_master *master)
{
	struct dma_iommu_mapping *mapping;
	int err;

	mapping = create_mapping_for(master->dev, SZ_2G, SZ_64M);
	if (IS_ERR(mapping))
		return PTR_ERR(mapping);

	drop_arch_mapping(master->dev);
	err = arm_iommu_attach_device(master->dev, mapping);
	if (err)
		arm_iommu_release_mapping(mapping);
	else
		master->mapping = mapping;

	return err;
}

static void detach_mapping(struct explore_master *master)
{
	if (!master->mapping)
		return;

	arm_iommu_detach_device(master->dev);
	arm_iommu_release_mapping(master->mapping);
	master->mapping = NULL;
}

static bool mapping_is_there(const struct explore_master *master)
{
	return !master->mapping ||
	       to_dma_iommu_mapping(master->dev) == master->mapping;
}
#else
static int attach_mapping(struct explore_master *master)
{
	return -ENODEV;
}

static void detach_mapping(struct explore_master *master)
{
}

static bool mapping_is_there(const struct explore_master *master)
{
	return true;
}
#endif

/* A second master, which names the last IOMMU */
static struct device_node *build_second(const struct fake_iommu *iommu)
{
	__be32 iommus[] = { cpu_to_be32(iommu->phandle), cpu_to_be32(9) };
	struct device_node *np;
	char name[32];

	snprintf(name, sizeof(name), "master@%x", test_new_phandle());
	np = test_node_alloc(name);
	if (np && (test_node_set(np, "iommus", iommus, sizeof(iommus)) ||
		   test_node_attach(np))) {
		of_node_put(np);
		return NULL;
	}

	return np;
}

/* @count masters and IOMMUs, or one master without an IOMMU */
static void run_prepare(struct explore_run *run, unsigned int count)
{
	struct test_topology *topology = &run->topology;
	unsigned int i;

	memset(run, 0, sizeof(*run));
	test_topology_init(topology);
	topology->state[0] = count ? PENDING : NONE;
	topology->state[1] = count > 1 ? PENDING : NONE;
	run->err = test_topology_build(topology);
	if (run->err)
		return;

	for (i = 0; i < EXPLORE_OF_EACH; i++) {
		run->master[i].data.attach = explore_driver;
		init_completion(&run->master[i].data.attempted);
	}
	run->master[0].np = topology->master_np;
	if (count < 2)
		return;

	run->master[1].np = build_second(&topology->iommu[1]);
	if (!run->master[1].np)
		run->err = -ENOMEM;
}

static void run_begin(struct explore_run *run, unsigned int count, bool ended)
{
	fake_driver_reset();
	run_prepare(run, count);
	run->model.count = count;
	run->model.ended = ended;
	run->among_others = count > 1;
	run->groups = fake_driver.groups;
}

static void run_finish(struct explore_run *run)
{
	unsigned int i;

	for (i = 0; i < EXPLORE_OF_EACH; i++) {
		if (run->master[i].dev) {
			device_release_driver(run->master[i].dev);
			if (mapping_is_there(&run->master[i]))
				detach_mapping(&run->master[i]);
			run->faults |= test_master_remove(run->master[i].dev);
		}
	}
	run->faults |= test_node_remove(run->master[1].np) |
		       test_topology_destroy(&run->topology);
	if (!run->err && fake_driver.groups != run->groups)
		run->faults |= FAULT_GROUP_LEAK;
}

static int add_master(struct explore_master *master)
{
	struct device *dev;

	master->data.attempts = 0;
	master->data.result = NOT_RUN;
	dev = test_master_add(master->np, &master->data);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	master->dev = dev;
	return 0;
}

/* Some device without an IOMMU comes, binds, and goes. */
static int other_binds(void)
{
	static struct explore_run other;

	run_prepare(&other, 0);
	other.groups = fake_driver.groups;
	if (!other.err)
		other.err = add_master(&other.master[0]);
	wait_for_device_probe();
	/* The groups of those that it has had tried again are theirs */
	other.groups = fake_driver.groups;
	run_finish(&other);
	return other.err ?: other.faults ? -EBUSY : 0;
}

static void run_event(struct explore_run *run, struct explore_event event)
{
	struct explore_master *master = &run->master[event.which];
	struct fake_iommu *iommu = &run->topology.iommu[event.which];

	switch (event.kind) {
	case IOMMU_REGISTERS:
		run->err = fake_iommu_register(iommu);
		break;
	case IOMMU_UNREGISTERS:
		fake_iommu_unregister(iommu);
		break;
	case MASTER_ADDED:
		run->err = add_master(master);
		break;
	case MASTER_REMOVED:
		run->faults |= test_master_remove(master->dev);
		master->dev = NULL;
		break;
	case MASTER_UNBOUND:
		device_release_driver(master->dev);
		break;
	case MASTER_REBOUND:
		attach_driver(master->dev);
		break;
	case DRIVER_SUCCEEDS:
	case DRIVER_DEFERS:
	case DRIVER_FAILS:
		master->driver = event.kind - DRIVER_SUCCEEDS;
		break;
	case MAPPING_ATTACHED:
		run->err = attach_mapping(master);
		break;
	case MAPPING_DETACHED:
		detach_mapping(master);
		break;
	case OF_XLATE_SUCCEEDS:
	case OF_XLATE_DEFERS:
	case OF_XLATE_FAILS:
		fake_driver.xlate_ret = answers[event.kind - OF_XLATE_SUCCEEDS];
		break;
	case OTHER_BINDS:
		run->err = other_binds();
		break;
	default:
		break;
	}
}

/* Elsewhere that is all ops that are not an IOMMU's, or can't be told from none. */
static bool is_set_up_direct(struct device *dev)
{
#ifdef CONFIG_ARM
	return has_direct_dma_ops(dev);
#else
	return false;
#endif
}

/* What can be seen of a master, and isn't in the model */
static unsigned int look_at(struct device *dev)
{
	if (!dev)
		return 0;

	return !!fwspec_ops(dev) | has_iommu_dma_ops(dev) << 1 |
	       is_set_up_direct(dev) << 2 | has_dma_mapping(dev) << 3 |
	       is_translated(dev) << 4 | !!dev->driver << 5;
}

static void check_master(struct explore_run *run, unsigned int which)
{
	const struct explore_master *master = &run->master[which];
	struct model_master *m = &run->model.master[which];

	bool there = m->state != ABSENT, bound = m->state == BOUND;

	if (!!master->dev != there)
		run->wrong = "whether it is there";
	if (!master->dev || run->wrong)
		return;

	if (run->among_others && m->state == WAITING)
		m->attempts = master->data.attempts;

	run->faults |= master->data.faults |
		       check_invariants(master->dev, m->translated ?
					TRANSLATED : UNTRANSLATED);
	if (test_master_bound(master->dev) != bound)
		run->wrong = "whether it is bound";
	else if (master->data.attempts != m->attempts)
		run->wrong = "the number of attempts";
	else if (master->data.result != m->result)
		run->wrong = "whether it was translated";
	else if (m->result == TRANSLATED && m->mapped && !master->data.reaches)
		run->wrong = "where its DMA goes";
	else if (!mapping_is_there(master))
		run->wrong = "its driver's mapping";
}

static void run_check(struct explore_run *run)
{
	unsigned int i;

	run->faults |= fake_driver.faults;
	for (i = 0; i < run->model.count; i++)
		check_master(run, i);
}

static bool run_is_wrong(const struct explore_run *run)
{
	return run->err || run->faults || run->wrong;
}

static void run_step(struct explore_run *run, struct explore_event event)
{
	unsigned int i;

	for (i = 0; run->among_others && i < run->model.count; i++)
		run->model.master[i].attempts = run->master[i].data.attempts;

	run_event(run, event);
	wait_for_device_probe();
	model_step(&run->model, event);
	if (!run->err)
		run_check(run);
}

/* The sequences */

/**
 * struct explore_node - a state, and the shortest sequence that leads to it
 * @parent: the state before the last event, or -1
 * @event: that event
 * @depth: how many events there are
 * @root: of the sequences after the end of init, where they begin
 * @key: the state, as a hash
 * @model: what is expected in it
 */
struct explore_node {
	int parent;
	struct explore_event event;
	unsigned int depth;
	int root;
	u64 key;
	struct model model;
};

/**
 * struct explore_report - what came of an exploration
 * @sequences: how many were tried
 * @states: how many were reached
 * @depth: of the last of them
 * @left_out: sequences that there was no room or no copy of a state left for
 * @failed: how many went wrong
 * @path: the first of these
 * @length: of @path
 * @wrong: what was wrong with it, or NULL
 * @faults: the invariants that it broke
 * @err: it could not be set up
 */
struct explore_report {
	unsigned int sequences;
	unsigned int states;
	unsigned int depth;
	unsigned int left_out;
	unsigned int failed;
	struct explore_event path[EXPLORE_DEPTH];
	unsigned int length;
	const char *wrong;
	unsigned int faults;
	int err;
};

static struct explore_node *nodes;
static unsigned int num_nodes;

/**
 * struct explore_root - a state before the end of init, with devices that stay in it
 * @node: the state
 * @used: how many of the copies have gone on
 * @copy: those who are in it
 */
struct explore_root {
	unsigned int node;
	unsigned int used;
	struct explore_run *copy;
};

static struct explore_root *roots;
static unsigned int num_roots;

static u64 state_key(const struct explore_run *run)
{
	const struct model *m = &run->model;
	u64 key = m->ended | m->of_xlate << 1;
	unsigned int i;

	for (i = 0; i < m->count; i++) {
		const struct model_master *master = &m->master[i];

		key = key << 28 | look_at(run->master[i].dev) << 16 |
		      master->own_mapping << 15 | master->mapped << 14 | master->translated << 13 |
		      master->driver << 11 | master->state << 9 |
		      m->registered[i] << 8 | master->result << 3;
	}

	return key;
}

static bool key_is_known(u64 key)
{
	unsigned int i;

	for (i = 0; i < num_nodes; i++)
		if (nodes[i].key == key)
			return true;

	return false;
}

static bool node_add(int parent, struct explore_event event, int root,
		     const struct explore_run *run)
{
	struct explore_node *node;

	if (num_nodes == EXPLORE_STATES)
		return false;

	node = &nodes[num_nodes];
	node->parent = parent;
	node->event = event;
	node->depth = parent < 0 ? 0 : nodes[parent].depth + 1;
	node->root = root;
	node->key = state_key(run);
	node->model = run->model;
	num_nodes++;
	return true;
}

/* How long a sequence is, with what was before the end of init */
static unsigned int whole_depth(const struct explore_node *node)
{
	if (node->root < 0)
		return node->depth;

	return nodes[roots[node->root].node].depth + 1 + node->depth;
}

/* The events that lead to a node from the start, or from a state that was kept */
static unsigned int node_path(int node, struct explore_event *path)
{
	unsigned int length = nodes[node].depth, i;

	for (i = length; i; i--) {
		path[i - 1] = nodes[node].event;
		node = nodes[node].parent;
	}

	return length;
}

static void run_path(struct explore_run *run, const struct explore_event *path,
		     unsigned int length)
{
	unsigned int i;

	for (i = 0; i < length && !run_is_wrong(run); i++)
		run_step(run, path[i]);
}

/* What went wrong first is remembered: as sequences get longer, it is the shortest. */
static void report_run(struct explore_report *report, int node,
		       struct explore_event event, const struct explore_run *run)
{
	static const struct explore_event end = { END_OF_INIT, 0 };
	int root = nodes[node].root;
	unsigned int length = 0;

	if (!run_is_wrong(run) || report->failed++)
		return;

	if (root >= 0) {
		length = node_path(roots[root].node, report->path);
		report->path[length++] = end;
	}
	length += node_path(node, report->path + length);
	if (event.kind != END_OF_INIT)
		report->path[length++] = event;
	report->length = length;
	report->wrong = run->wrong;
	report->faults = run->faults;
	report->err = run->err;
}

/* One event more than what leads to a node; the devices are new, or kept ones. */
static void explore_event(struct explore_report *report, int node,
			  struct explore_event event)
{
	struct explore_event path[EXPLORE_DEPTH];
	struct explore_root *root = NULL;
	struct explore_run *run;
	unsigned int length, i;

	if (nodes[node].root >= 0)
		root = &roots[nodes[node].root];
	if (root && root->used == EXPLORE_COPIES) {
		report->left_out++;
		return;
	}

	run = root ? &root->copy[root->used++] : kzalloc(sizeof(*run), GFP_KERNEL);
	if (!run) {
		report->left_out++;
		return;
	}

	if (root)
		fake_driver_reset();
	else
		run_begin(run, nodes[node].model.count, nodes[node].model.ended);
	length = node_path(node, path);
	path[length++] = event;
	run_path(run, path, length);
	if (!run_is_wrong(run) && !key_is_known(state_key(run))) {
		if (node_add(node, event, nodes[node].root, run))
			report->states++;
		else
			report->left_out++;
	}
	if (root) {
		/* Those that stay have groups, too */
		run->groups = fake_driver.groups;
		for (i = 0; i < run->model.count; i++)
			run->groups -= run->model.master[i].translated;
	}
	run_finish(run);
	report->sequences++;
	report->depth = whole_depth(&nodes[node]) + 1;
	report_run(report, node, event, run);
	if (!root)
		kfree(run);
}

/* All that can follow on the nodes from @first on, and on those found thereby */
static void explore(struct explore_report *report, unsigned int first)
{
	struct explore_event event;
	unsigned int i;

	for (i = first; i < num_nodes; i++) {
		if (whole_depth(&nodes[i]) >= depth)
			continue;

		for (event.kind = 0; event.kind < END_OF_INIT; event.kind++)
			for (event.which = 0; event.which < EXPLORE_OF_EACH;
			     event.which++)
				if (model_allows(&nodes[i].model, event))
					explore_event(report, i, event);
	}
}

/* From the beginning: nothing is there */
static void explore_from_start(struct explore_report *report, bool ended)
{
	static const struct explore_event none;
	unsigned int first = num_nodes;
	struct explore_run *run;

	run = kzalloc(sizeof(*run), GFP_KERNEL);
	if (!run)
		return;

	run->model.count = count;
	run->model.ended = ended;
	node_add(-1, none, -1, run);
	kfree(run);
	explore(report, first);
}

/* Enter a state once more, as often as there are copies, and stay there. */
static int keep_state(unsigned int node)
{
	struct explore_root *root = &roots[num_roots];
	struct explore_event path[EXPLORE_DEPTH];
	unsigned int length = node_path(node, path), i;

	root->copy = kcalloc(EXPLORE_COPIES, sizeof(*root->copy), GFP_KERNEL);
	if (!root->copy)
		return -ENOMEM;

	root->node = node;
	num_roots++;
	for (i = 0; i < EXPLORE_COPIES; i++) {
		run_begin(&root->copy[i], count, false);
		run_path(&root->copy[i], path, length);
		root->copy[i].among_others = true;
	}

	return 0;
}

static void keep_states(void)
{
	unsigned int i;

	roots = kcalloc(num_nodes, sizeof(*roots), GFP_KERNEL);
	for (i = 0; roots && i < num_nodes; i++)
		/* Of all that are kept, the IOMMUs' driver says the same */
		if (nodes[i].model.of_xlate == SUCCEEDS &&
		    nodes[i].depth + 2 <= depth && keep_state(i))
			break;
	fake_driver_reset();
}

static struct explore_report report_before;

static int __init explore_before_end(void)
{
	if (suite_is_off(SUITE))
		return 0;

	depth = clamp_t(unsigned int, depth, 1, EXPLORE_DEPTH);
	count = clamp_t(unsigned int, count, 1, EXPLORE_OF_EACH);
	nodes = vzalloc(EXPLORE_STATES * sizeof(*nodes));
	if (!nodes)
		return 0;

	explore_from_start(&report_before, false);
	keep_states();
	return 0;
}
device_initcall_sync(explore_before_end);

/* The tests */

static void expect_report(struct kunit *test, const struct explore_report *report)
{
	char names[FAULT_NAMES_SIZE], path[32 * EXPLORE_DEPTH] = "";
	unsigned int i, len = 0;

	kunit_info(test, "%u of each: %u sequences, %u states, depth %u, %u left out\n",
		   count, report->sequences, report->states, report->depth,
		   report->left_out);
	for (i = 0; i < report->length; i++)
		len += scnprintf(path + len, sizeof(path) - len, " { %s, %u },",
				 kind_names[report->path[i].kind],
				 report->path[i].which);
	KUNIT_EXPECT_EQ_MSG(test, report->failed, 0U,
			    "{%s } not as expected: %s; broken: %s; error %d",
			    path, report->wrong ?: "nothing",
			    fault_names(report->faults, names, sizeof(names)),
			    report->err);
	KUNIT_EXPECT_GT(test, report->sequences, 0U);
}

/* Nothing is tried again, and nobody gives up */
static void before_end_of_init(struct kunit *test)
{
	KUNIT_ASSERT_NOT_NULL(test, nodes);
	expect_report(test, &report_before);
}

static void after_end_of_init(struct kunit *test)
{
	struct explore_report report = {};

	KUNIT_ASSERT_NOT_NULL(test, nodes);
	explore_from_start(&report, true);
	expect_report(test, &report);
}

/* Masters that are anywhere when init ends, and what can happen to them then */
static void across_end_of_init(struct kunit *test)
{
	static const struct explore_event end = { END_OF_INIT, 0 };
	struct explore_report report = {};
	unsigned int first, i, j;

	KUNIT_ASSERT_NOT_NULL(test, roots);
	first = num_nodes;
	for (i = 0; i < num_roots; i++) {
		int node = num_nodes;

		if (!node_add(-1, end, i, &roots[i].copy[0])) {
			report.left_out++;
			continue;
		}

		for (j = 0; j < EXPLORE_COPIES; j++) {
			struct explore_run *run = &roots[i].copy[j];

			model_end_init(&run->model);
			if (!run_is_wrong(run))
				run_check(run);
			report_run(&report, node, end, run);
		}
		nodes[node].key = state_key(&roots[i].copy[0]);
		nodes[node].model = roots[i].copy[0].model;
	}
	explore(&report, first);
	expect_report(test, &report);
}

/* Races */

#define RACE_EVENTS		40

/**
 * struct race_thread - one of those that make events happen
 * @run: to what
 * @master: to this one; for the thread of the IOMMUs, NULL
 * @rnd: where all its chances come from
 * @done: completed when it is through
 */
struct race_thread {
	struct explore_run *run;
	struct explore_master *master;
	struct rnd_state rnd;
	struct completion done;
};

static unsigned int race_pick(struct race_thread *thread, unsigned int n)
{
	return prandom_u32_state(&thread->rnd) % n;
}

static void race_delay(struct race_thread *thread)
{
	if (race_pick(thread, 4))
		udelay(race_pick(thread, 200));
	else
		schedule_timeout_uninterruptible(race_pick(thread, 3));
}

static void race_iommus(struct race_thread *thread)
{
	struct explore_run *run = thread->run;
	struct fake_iommu *iommu = &run->topology.iommu[race_pick(thread, 2)];

	if (!race_pick(thread, 4))
		WRITE_ONCE(fake_driver.xlate_ret, answers[race_pick(thread, 3)]);
	else if (!iommu->registered)
		fake_iommu_register(iommu);
	else if (defer_base.iommu_may_unregister)
		fake_iommu_unregister(iommu);
}

/* What a driver sees is freed with it, so no attempt may come after that. */
static unsigned int race_remove(struct explore_master *master)
{
	struct device *dev = get_device(master->dev);
	unsigned int faults;

	master->dev = NULL;
	device_del(dev);
	faults = forget_failed_attempt(dev);
	dev->platform_data = NULL;
	put_device(dev);
	put_device(dev);
	return faults;
}

static void race_master(struct race_thread *thread)
{
	struct explore_master *master = thread->master;

	if (!master->dev) {
		thread->run->err = add_master(master) ?: thread->run->err;
		return;
	}

	switch (race_pick(thread, 5)) {
	case 0:
		master->data.faults |= race_remove(master);
		break;
	case 1:
		device_release_driver(master->dev);
		break;
	case 2:
		WRITE_ONCE(master->driver, race_pick(thread, 3));
		break;
	default:
		/* It may bind by itself at any time, or be deferred */
		if (device_attach(master->dev) < 0)
			race_delay(thread);
		break;
	}
}

static int race_events(void *data)
{
	struct race_thread *thread = data;
	unsigned int i;

	for (i = 0; i < RACE_EVENTS; i++) {
		if (thread->master)
			race_master(thread);
		else
			race_iommus(thread);
		race_delay(thread);
	}

	complete(&thread->done);
	return 0;
}

static void race_start(struct race_thread *thread, struct explore_run *run,
		       struct explore_master *master, unsigned int seed)
{
	struct task_struct *task;

	thread->run = run;
	thread->master = master;
	prandom_seed_state(&thread->rnd, seed);
	init_completion(&thread->done);
	task = kthread_run(race_events, thread, SUITE);
	if (IS_ERR(task)) {
		run->err = PTR_ERR(task);
		complete(&thread->done);
	}
}

/* All IOMMUs are there now, nothing fails any more: so all masters get theirs. */
static void race_settle(struct explore_run *run)
{
	unsigned int i;

	fake_driver.xlate_ret = 0;
	for (i = 0; i < EXPLORE_OF_EACH && !run->err; i++)
		run->err = fake_iommu_register(&run->topology.iommu[i]);

	for (i = 0; i < EXPLORE_OF_EACH && !run->err; i++) {
		struct explore_master *master = &run->master[i];

		master->driver = SUCCEEDS;
		if (!master->dev)
			run->err = add_master(master);
		if (run->err)
			break;

		device_release_driver(master->dev);
		attach_driver(master->dev);
	}

	wait_for_device_probe();
	for (i = 0; i < EXPLORE_OF_EACH && !run->err; i++) {
		struct explore_master *master = &run->master[i];

		run->faults |= master->data.faults |
			       check_invariants(master->dev, TRANSLATED);
		if (!test_master_bound(master->dev))
			run->wrong = "whether it is bound";
		else if (master->data.result != TRANSLATED ||
			 !master->data.reaches)
			run->wrong = "whether it is translated";
	}
}

static void race_run(struct explore_run *run, unsigned int seed)
{
	static struct race_thread thread[1 + EXPLORE_OF_EACH];
	unsigned int i;

	run_begin(run, EXPLORE_OF_EACH, true);
	fake_driver.sleeps = true;
	for (i = 0; i < ARRAY_SIZE(thread) && !run->err; i++)
		race_start(&thread[i], run, i ? &run->master[i - 1] : NULL,
			   seed * ARRAY_SIZE(thread) + i);
	while (i--)
		wait_for_completion(&thread[i].done);
	wait_for_device_probe();
	fake_driver.sleeps = false;
	run->faults |= fake_driver.faults;
	race_settle(run);
	run_finish(run);
}

/* KUnit gives a test five minutes, and a race takes seconds */
#define RACES_AT_ONCE		20

struct race_part {
	unsigned int first;
};

static const struct race_part race_parts[] = {
	{ 0 }, { 20 }, { 40 }, { 60 }, { 80 }, { 100 }, { 120 }, { 140 },
	{ 160 }, { 180 }, { 200 }, { 220 }, { 240 }, { 260 }, { 280 }, { 300 },
	{ 320 }, { 340 }, { 360 }, { 380 }, { 400 }, { 420 }, { 440 }, { 460 },
	{ 480 },
};

static void race_part_desc(const struct race_part *part, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "from the race %u on", part->first);
}

KUNIT_ARRAY_PARAM(race_part, race_parts, race_part_desc);

/* C50, C53, C54: whoever comes first, by lockdep and by the invariants */
static void events_race(struct kunit *test)
{
	const struct race_part *part = test->param_value;
	char names[FAULT_NAMES_SIZE];
	struct explore_run *run;
	unsigned int i, end;

	if (part->first >= races)
		kunit_skip(test, "iommu_defer.races=N races N times");

	run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, run);
	end = min(part->first + RACES_AT_ONCE, races);
	for (i = part->first; i < end; i++) {
		race_run(run, race_seed + i);
		KUNIT_EXPECT_FALSE_MSG(test, run_is_wrong(run),
				       "seed %u: not as expected: %s; broken: %s; error %d",
				       race_seed + i, run->wrong ?: "nothing",
				       fault_names(run->faults, names,
						   sizeof(names)), run->err);
	}
	kunit_info(test, "%u races\n", end - part->first);
}

static struct device *leaving;
static unsigned int retries;

/*
 * Who has taken a master from the list of those that wait, and then waits while it
 * is removed, tries it when there is nothing left of it but its directory.
 */
static int retry_removed(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	if (action == BUS_NOTIFY_REMOVED_DEVICE && data == leaving) {
		retries++;
		device_attach(leaving);
		device_release_driver(leaving);
	}

	return NOTIFY_DONE;
}

/* C59 */
static void retry_races_removal(struct kunit *test)
{
	struct notifier_block removed = { .notifier_call = retry_removed };
	char names[FAULT_NAMES_SIZE];
	struct explore_master *master;
	struct explore_run *run;

	run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, run);
	run_begin(run, 1, true);
	master = &run->master[0];
	master->driver = DEFERS;
	run->err = run->err ?: fake_iommu_register(&run->topology.iommu[0]) ?:
		   add_master(master);
	if (!run->err) {
		wait_for_device_probe();
		KUNIT_EXPECT_EQ(test, master->data.attempts, 1);

		master->driver = SUCCEEDS;
		leaving = get_device(master->dev);
		retries = 0;
		bus_register_notifier(leaving->bus, &removed);
		run->faults |= race_remove(master);
		bus_unregister_notifier(leaving->bus, &removed);
		put_device(leaving);
		KUNIT_EXPECT_EQ(test, retries, 1);
		KUNIT_EXPECT_EQ(test, master->data.attempts, 1);
	}
	run_finish(run);
	KUNIT_EXPECT_FALSE_MSG(test, run_is_wrong(run), "broken: %s; error %d",
			       fault_names(run->faults, names, sizeof(names)),
			       run->err);
}

static int explore_init(struct kunit *test)
{
	if (suite_is_off(SUITE))
		kunit_skip(test, "left out of this boot");

	return 0;
}

static struct kunit_case explore_tests[] = {
	KUNIT_CASE(before_end_of_init),
	KUNIT_CASE(after_end_of_init),
	KUNIT_CASE(across_end_of_init),
	KUNIT_CASE(retry_races_removal),
	KUNIT_CASE_PARAM(events_race, race_part_gen_params),
	{}
};

/* Each test goes on where the one before has come to. */
static struct kunit_suite explore_suite = {
	.name = SUITE,
	.init = explore_init,
	.test_cases = explore_tests,
};

kunit_test_suites(&explore_suite);
