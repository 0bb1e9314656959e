// SPDX-License-Identifier: GPL-2.0
/*
 * Fixture of the IOMMU probe deferral tests, see iommu_defer.h.
 */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/glob.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

const struct dma_map_ops third_party_dma_ops;

/* Which suites run */

static char *skip;
module_param(skip, charp, 0444);
MODULE_PARM_DESC(skip, "Suites to leave out, separated by commas");

/* Whether a list of names, separated by commas, has one */
static bool list_has_name(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list) {
		if (!strncmp(list, name, len) &&
		    (!list[len] || list[len] == ','))
			return true;

		list = strchr(list, ',');
		if (list)
			list++;
	}

	return false;
}

/* Whether kunit.filter_glob=, which KUnit keeps to itself, selects a suite */
static bool kunit_selects(const char *suite)
{
	static const char param[] = "kunit.filter_glob=";
	const char *glob = strstr(saved_command_line, param);
	char pattern[64];

	if (!glob)
		return true;

	glob += strlen(param);
	snprintf(pattern, sizeof(pattern), "%.*s", (int)strcspn(glob, ". "),
		 glob);
	return glob_match(pattern, suite);
}

/**
 * suite_is_off() - Ask whether a suite doesn't run in this boot
 * @suite: its name
 *
 * For what a suite does before KUnit gets to it, and for its tests: neither may
 * touch anything where the suite is not wanted, as it may have been left out
 * because it takes the kernel down.
 *
 * Return: true if the suite is left out by iommu_defer.skip= or
 * kunit.filter_glob=, or if a scenario is booted, so that no fake IOMMU is used.
 */
bool suite_is_off(const char *suite)
{
	return booted_scenario() || list_has_name(skip, suite) ||
	       !kunit_selects(suite);
}

bool booted_scenario(void)
{
	struct device_node *chosen = of_find_node_by_path("/chosen");
	bool booted = of_property_read_bool(chosen, "iommu-defer,scenario");

	of_node_put(chosen);
	return booted;
}

/* Names */

const char *attempt_result_name(enum attempt_result result)
{
	static const char * const names[] = {
		[NOT_RUN]	= "no attempt",
		[UNTRANSLATED]	= "untranslated",
		[DEFERRED]	= "deferred",
		[TRANSLATED]	= "translated",
		[FAILS]		= "fails",
	};

	return result < ARRAY_SIZE(names) ? names[result] : "?";
}

/**
 * fault_names() - spell out a set of faults
 * @faults: FAULT_* bits
 * @buf: where to write
 * @size: of @buf, FAULT_NAMES_SIZE is enough
 *
 * Return: @buf, for use in a message.
 */
const char *fault_names(unsigned int faults, char *buf, size_t size)
{
	static const char * const names[] = {
		[ilog2(FAULT_FWSPEC_LEFT)]	 = "fwspec left",
		[ilog2(FAULT_FWSPEC_MISSING)]	 = "fwspec missing",
		[ilog2(FAULT_GROUP_LEFT)]	 = "group left",
		[ilog2(FAULT_NO_MAPPING)]	 = "no mapping",
		[ilog2(FAULT_LIVE_UNDER_DIRECT)] = "live under direct ops",
		[ilog2(FAULT_NODE_REFS)]	 = "node refs",
		[ilog2(FAULT_GROUP_LEAK)]	 = "group leak",
		[ilog2(FAULT_DOMAIN_LEAK)]	 = "domain leak",
		[ilog2(FAULT_CALL_ORDER)]	 = "call order",
		[ilog2(FAULT_STILL_MAPPED)]	 = "still mapped",
		[ilog2(FAULT_DIRECT_OPS)]	 = "direct ops",
		[ilog2(FAULT_CALLS)]		 = "of_xlate calls",
	};
	unsigned int i;
	int len = 0;

	snprintf(buf, size, "none");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (faults & BIT(i))
			len += scnprintf(buf + len, size - len, "%s%s",
					 len ? ", " : "", names[i]);

	return buf;
}

/* Device nodes */

static struct device_node *test_node_new(struct device_node *parent,
					 const char *name)
{
	struct device_node *np;

	np = kzalloc(sizeof(*np), GFP_KERNEL);
	if (!np)
		return NULL;

	np->full_name = node_full_name(parent, name);
	if (!np->full_name) {
		kfree(np);
		return NULL;
	}

	of_node_init(np);
	of_node_set_flag(np, OF_DYNAMIC);
	of_node_set_flag(np, OF_DETACHED);
	np->parent = parent;
	return np;
}

/* Add a property to a node that isn't attached yet. */
int test_node_set(struct device_node *np, const char *name, const void *value,
		  int length)
{
	struct property *prop;

	prop = kzalloc(sizeof(*prop), GFP_KERNEL);
	if (!prop)
		return -ENOMEM;

	prop->name = kstrdup(name, GFP_KERNEL);
	prop->value = kmemdup(value, length, GFP_KERNEL);
	if (!prop->name || !prop->value) {
		kfree(prop->name);
		kfree(prop->value);
		kfree(prop);
		return -ENOMEM;
	}

	prop->length = length;
	prop->next = np->properties;
	np->properties = prop;
	return 0;
}

/* All nodes live below one that is marked populated, lest it get a device. */
static struct device_node *test_node_root(void)
{
	static struct device_node *root;

	if (root)
		return root;

	root = test_node_new(of_find_node_by_path("/"), "iommu-defer");
	if (!root)
		return NULL;

	/* Empty: addresses on a bus below are translated to those of the CPU */
	if (test_node_set(root, "dma-ranges", "", 0)) {
		of_node_put(root);
		root = NULL;
		return NULL;
	}

	of_node_set_flag(root, OF_POPULATED);
	of_attach_node(root);
	return root;
}

struct device_node *test_node_alloc(const char *name)
{
	return test_node_alloc_below(test_node_root(), name);
}

struct device_node *test_node_alloc_below(struct device_node *parent,
					  const char *name)
{
	return parent ? test_node_new(parent, name) : NULL;
}

int test_node_set_u32(struct device_node *np, const char *name, u32 value)
{
	__be32 cell = cpu_to_be32(value);

	return test_node_set(np, name, &cell, sizeof(cell));
}

int test_node_attach(struct device_node *np)
{
	int err = of_attach_node(np);

	if (!err)
		node_hold_attached(np);

	return err;
}

/**
 * test_node_remove() - take a node out of the tree and free it
 * @np: a node that has been attached, or NULL
 *
 * Return: FAULT_NODE_REFS if somebody still holds the node, which is then
 * not freed; or 0.
 */
unsigned int test_node_remove(struct device_node *np)
{
	unsigned int faults;

	if (!np)
		return 0;

	of_detach_node(np);
	faults = kref_read(&np->kobj.kref) == 1 ? 0 : FAULT_NODE_REFS;
	of_node_put(np);
	return faults;
}

/* Invariants */

/* Whether an IOMMU domain is attached to @dev right now. */
bool is_translated(struct device *dev)
{
	return translating_domain(dev);
}

/**
 * check_invariants() - check what must hold after every attempt
 * @dev: the master
 * @result: what the attempt came to
 *
 * A failed attempt leaves nothing behind; a fwspec with ops is there if and only
 * if the attempt succeeded; and of a master whose driver is called the DMA ops,
 * the mapping, the translation and the fwspec agree.  @result must not have been
 * taken from the fwspec itself.  The caller keeps @dev from being probed meanwhile.
 *
 * Return: a set of FAULT_*, 0 if all is well.
 */
unsigned int check_invariants(struct device *dev, enum attempt_result result)
{
	bool ok = result == TRANSLATED;
	struct iommu_group *group;
	unsigned int faults = 0;

	if (ok != !!fwspec_ops(dev))
		faults |= ok ? FAULT_FWSPEC_MISSING :
			       FAULT_FWSPEC_LEFT;

	group = iommu_group_get(dev);
	if (group) {
		if (!ok)
			faults |= FAULT_GROUP_LEFT;
		iommu_group_put(group);
	}

	if (has_iommu_dma_ops(dev)) {
		if (!has_dma_mapping(dev) || !is_translated(dev))
			faults |= FAULT_NO_MAPPING;
	} else if (dev->driver) {
		if (is_translated(dev))
			faults |= FAULT_LIVE_UNDER_DIRECT;
		if (ok)
			faults |= FAULT_DIRECT_OPS;
	}

	return faults;
}

/**
 * dma_reaches_buffer() - does a mapped buffer resolve to itself?
 * @dev: a master whose DMA is set up
 *
 * Maps a page by the DMA API and looks where the device would end up: through
 * its IOMMU domain if one is attached, else at the bus address itself.  IOMMU
 * DMA ops without a mapping are false, not an oops.
 *
 * Return: true if the device would reach the page.
 */
bool dma_reaches_buffer(struct device *dev)
{
	struct iommu_domain *domain = translating_domain(dev);
	bool reaches = false;
	phys_addr_t phys;
	dma_addr_t addr;
	void *buf;

	if (has_iommu_dma_ops(dev) && !has_dma_mapping(dev))
		return false;

	buf = (void *)get_zeroed_page(GFP_KERNEL);
	if (!buf)
		return false;

	addr = dma_map_single(dev, buf, PAGE_SIZE, DMA_TO_DEVICE);
	if (!dma_mapping_error(dev, addr)) {
		phys = domain ? iommu_iova_to_phys(domain, addr) : addr;
		reaches = phys == virt_to_phys(buf);
		dma_unmap_single(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	}

	free_page((unsigned long)buf);
	return reaches;
}

/* Masters */

/*
 * The driver of all masters.  Runs under the lock of @dev, on whatever thread
 * the driver core probes it: it records, and leaves the judging to the test.
 */
int test_master_probe(struct device *dev)
{
	struct test_master *master = dev->platform_data;
	dma_addr_t addr;
	int err = 0;

	master->attempts++;
	if (master->wide)
		err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (master->configure_np)
		err = configure_dma(dev, master->configure_np);

	/* By the domain: that the fwspec agrees is for the invariants to say */
	master->result = is_translated(dev) ? TRANSLATED : UNTRANSLATED;
	master->faults |= check_invariants(dev, master->result);
	master->reaches = !err && dma_reaches_buffer(dev);
	master->offset = dma_offset(dev);

	if (master->attach && !err)
		err = master->attach(dev);

	if (master->managed && master->reaches &&
	    !dmam_alloc_coherent(dev, SZ_4K, &addr, GFP_KERNEL))
		err = -ENOMEM;
	else if (master->attempts <= master->deferrals)
		err = -EPROBE_DEFER;

	complete(&master->attempted);
	return err;
}

struct device *test_master_add(struct device_node *np, void *data)
{
	struct device *dev = test_master_alloc(np, data);
	int err;

	if (IS_ERR(dev))
		return dev;

	err = test_master_join(dev);
	return err ? ERR_PTR(err) : dev;
}

/* Waits for an attempt that is under way to end, one way or the other. */
bool test_master_bound(struct device *dev)
{
	bool bound;

	device_lock(dev);
	bound = device_is_bound(dev);
	device_unlock(dev);

	return bound;
}

/* Topologies */

/* An IOMMU node and the specifier that names it, for each state */
struct iommu_shape {
	const char *status;
	int iommu_cells;	/* #iommu-cells; negative: no such property */
	int cells;		/* behind the phandle */
	bool no_node;		/* it names no node of its own */
	bool driverless;
	bool registered;
};

static const struct iommu_shape shapes[] = {
	[DISABLED]	      = { "disabled", 1, 1 },
	[DISABLED_DRIVERLESS] = { "disabled", 1, 1, .driverless = true },
	[DISABLED_REGISTERED] = { "disabled", 1, 1, .registered = true },
	[FAILED]	      = { "fail", 1, 1 },
	[DRIVERLESS]	      = { NULL, 1, 1, .driverless = true },
	[PENDING]	      = { NULL, 1, 1 },
	[PENDING_OKAY]	      = { "okay", 1, 1 },
	[READY]		      = { NULL, 1, 1, .registered = true },
	[READY_OKAY]	      = { "okay", 1, 1, .registered = true },
	[READY_OTHER_DRIVER]  = { NULL, 1, 1, .registered = true },
	[NO_XLATE]	      = { NULL, 1, 1, .registered = true },
	[SAME_AGAIN]	      = { NULL, 1, 1, .no_node = true },
	[DANGLING]	      = { NULL, 1, 1, .no_node = true },
	[TOO_SHORT]	      = { NULL, 1, 0, .registered = true },
	[NO_CELLS]	      = { NULL, -1, 1, .registered = true },
	[ZERO_CELLS]	      = { NULL, 0, 0, .registered = true },
	[WRONG_CELLS]	      = { NULL, 3, 3, .registered = true },
	[EMPTY_ENTRY]	      = { NULL, 0, 0, .no_node = true },
};

/* A master that names one IOMMU, which is enabled and has a driver. */
void test_topology_init(struct test_topology *topology)
{
	memset(topology, 0, sizeof(*topology));
	topology->state[0] = PENDING;
}

/* Phandles that the boot firmware's device tree doesn't use. */
u32 test_new_phandle(void)
{
	static u32 last = 0x10defe00;

	return ++last;
}

static int topology_build_iommu(struct fake_iommu *iommu,
				enum iommu_state state)
{
	const struct iommu_shape *shape = &shapes[state];
	const char *compatible;
	struct device_node *np;
	char name[32];
	int err;

	if (state == NONE || shape->no_node)
		return 0;

	iommu->phandle = test_new_phandle();
	iommu->other_driver = state == READY_OTHER_DRIVER;
	iommu->no_xlate = state == NO_XLATE;
	compatible = shape->driverless ? COMPATIBLE_DRIVERLESS :
					 COMPATIBLE_DECLARED;
	snprintf(name, sizeof(name), "iommu@%x", iommu->phandle);
	np = test_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = test_node_set(np, "compatible", compatible,
			    strlen(compatible) + 1) ?:
	      test_node_set_u32(np, "phandle", iommu->phandle);
	if (!err && shape->status)
		err = test_node_set(np, "status", shape->status,
				    strlen(shape->status) + 1);
	if (!err && shape->iommu_cells >= 0)
		err = test_node_set_u32(np, "#iommu-cells", shape->iommu_cells);
	if (!err)
		err = test_node_attach(np);
	if (err)
		of_node_put(np);
	else
		iommu->np = np;

	return err;
}

static int topology_build_bus(struct test_topology *topology)
{
	__be32 ranges[] = { 0, 0, cpu_to_be32(topology->bus_offset),
			    cpu_to_be32(SZ_1G) };
	struct device_node *np;
	char name[32];
	int err;

	if (!topology->bus_offset)
		return 0;

	snprintf(name, sizeof(name), "bus@%x", test_new_phandle());
	np = test_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = test_node_set_u32(np, "#address-cells", 1) ?:
	      test_node_set_u32(np, "#size-cells", 1) ?:
	      test_node_set(np, "dma-ranges", ranges, sizeof(ranges)) ?:
	      test_node_attach(np);
	if (err)
		of_node_put(np);
	else
		topology->bus_np = np;

	return err;
}

static u32 topology_phandle(const struct test_topology *topology, int i)
{
	switch (topology->state[i]) {
	case EMPTY_ENTRY:
		return 0;
	case DANGLING:
		return test_new_phandle();
	case SAME_AGAIN:
		return topology->iommu[0].phandle;
	default:
		return topology->iommu[i].phandle;
	}
}

/* Each id is its place in the list, lest two be the same. */
static int topology_set_iommus(const struct test_topology *topology,
			       struct device_node *np)
{
	__be32 iommus[4 * TOPOLOGY_IOMMUS];
	int i, j, n = 0;

	for (i = 0; i < TOPOLOGY_IOMMUS && topology->state[i]; i++) {
		iommus[n++] = cpu_to_be32(topology_phandle(topology, i));
		for (j = 0; j < shapes[topology->state[i]].cells; j++, n++)
			iommus[n] = cpu_to_be32(n);
	}

	return n ? test_node_set(np, "iommus", iommus, n * sizeof(*iommus)) : 0;
}

static int topology_build_master(struct test_topology *topology)
{
	struct device_node *np;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "master@%x", test_new_phandle());
	np = topology->bus_np ? test_node_alloc_below(topology->bus_np, name) :
				test_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = topology_set_iommus(topology, np) ?: test_node_attach(np);
	if (err)
		of_node_put(np);
	else
		topology->master_np = np;

	return err;
}

/**
 * test_topology_build() - create the nodes of a topology
 * @topology: says what is wanted; gets the nodes.  topology->master and the
 *	registration of its IOMMUs are the caller's
 *
 * Return: 0 or an errno.  test_topology_destroy() undoes it, also after an error.
 */
int test_topology_build(struct test_topology *topology)
{
	int i, err = 0;

	for (i = 0; i < TOPOLOGY_IOMMUS && !err; i++)
		err = topology_build_iommu(&topology->iommu[i],
					   topology->state[i]);

	return err ?: topology_build_bus(topology) ?:
	       topology_build_master(topology);
}

/* Whether some IOMMUs have a driver with of_xlate, and some one without it */
static bool topology_mixes_drivers(const struct test_topology *topology)
{
	bool with = false, without = false;
	int i;

	for (i = 0; i < TOPOLOGY_IOMMUS; i++) {
		if (!shapes[topology->state[i]].registered)
			continue;

		with |= topology->state[i] != NO_XLATE;
		without |= topology->state[i] == NO_XLATE;
	}

	return with && without;
}

/**
 * test_topology_register_ready() - register the IOMMUs that are there at first
 * @topology: the topology, whose nodes have been built
 *
 * Return: 0 or an errno; -EBUSY if the IOMMU core doesn't take such drivers
 * beside each other.
 */
int test_topology_register_ready(struct test_topology *topology)
{
	int i, err = 0;

	if (defer_base.one_driver && topology_mixes_drivers(topology))
		return -EBUSY;

	for (i = 0; i < TOPOLOGY_IOMMUS && !err; i++)
		if (shapes[topology->state[i]].registered)
			err = fake_iommu_register(&topology->iommu[i]);

	return err;
}

/* All IOMMUs have come, by drivers that have an of_xlate callback. */
int test_topology_make_ready(struct test_topology *topology)
{
	int i, err = 0;

	for (i = 0; i < TOPOLOGY_IOMMUS && !err; i++) {
		struct fake_iommu *iommu = &topology->iommu[i];

		if (!iommu->np)
			continue;

		if (iommu->no_xlate)
			fake_iommu_unregister(iommu);
		iommu->no_xlate = false;
		err = fake_iommu_register(iommu);
	}

	return err;
}

/**
 * test_topology_destroy() - remove a topology, master first
 * @topology: the topology
 *
 * Return: a set of FAULT_*: what should be gone with it and isn't.
 */
unsigned int test_topology_destroy(struct test_topology *topology)
{
	unsigned int faults = 0;
	int i;

	if (topology->master) {
		faults = test_master_remove(topology->master);
		/* A thread that has just probed it lets go of it a bit later */
		wait_for_device_probe();
	}
	topology->master = NULL;
	faults |= test_node_remove(topology->master_np);
	faults |= test_node_remove(topology->bus_np);
	topology->master_np = NULL;
	topology->bus_np = NULL;

	for (i = 0; i < TOPOLOGY_IOMMUS; i++) {
		fake_iommu_unregister(&topology->iommu[i]);
		faults |= test_node_remove(topology->iommu[i].np);
		topology->iommu[i].np = NULL;
	}

	return faults;
}
