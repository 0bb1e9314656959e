// SPDX-License-Identifier: GPL-2.0
/*
 * Fixture of the IOMMU probe deferral tests, see iommu_defer.h.
 */

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

const struct dma_map_ops defer_foreign_ops;

/* Names */

const char *defer_result_name(enum defer_result result)
{
	switch (result) {
	case DEFER_NOT_RUN:
		return "no attempt";
	case DEFER_NO_IOMMU:
		return "no IOMMU";
	case DEFER_WAIT:
		return "defer";
	case DEFER_OPS:
		return "its ops";
	case DEFER_ERROR:
		return "probe fails";
	}

	return "?";
}

/**
 * defer_fault_names() - spell out a set of faults
 * @faults: DEFER_FAULT_* bits
 * @buf: where to write
 * @size: of @buf, DEFER_FAULT_NAMES_SIZE is enough
 *
 * Return: @buf, for use in a message.
 */
const char *defer_fault_names(unsigned int faults, char *buf, size_t size)
{
	static const char * const names[] = {
		"fwspec left", "fwspec missing", "group left", "no mapping",
		"live under direct ops", "node refs", "group leak",
		"domain leak", "call order", "still mapped", "direct ops",
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

static struct device_node *defer_node_new(struct device_node *parent,
					  const char *name)
{
	struct device_node *np;

	np = kzalloc(sizeof(*np), GFP_KERNEL);
	if (!np)
		return NULL;

	np->full_name = defer_full_name(parent, name);
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
int defer_node_set(struct device_node *np, const char *name, const void *value,
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
static struct device_node *defer_root(void)
{
	static struct device_node *root;

	if (root)
		return root;

	root = defer_node_new(of_find_node_by_path("/"), "iommu-defer");
	if (!root)
		return NULL;

	/* Empty: addresses on a bus below are translated to those of the CPU */
	if (defer_node_set(root, "dma-ranges", "", 0)) {
		of_node_put(root);
		root = NULL;
		return NULL;
	}

	of_node_set_flag(root, OF_POPULATED);
	of_attach_node(root);
	return root;
}

struct device_node *defer_node_alloc(const char *name)
{
	return defer_node_alloc_below(defer_root(), name);
}

struct device_node *defer_node_alloc_below(struct device_node *parent,
					   const char *name)
{
	return parent ? defer_node_new(parent, name) : NULL;
}

int defer_node_set_u32(struct device_node *np, const char *name, u32 value)
{
	__be32 cell = cpu_to_be32(value);

	return defer_node_set(np, name, &cell, sizeof(cell));
}

int defer_node_attach(struct device_node *np)
{
	int err = of_attach_node(np);

	if (!err)
		defer_node_hold(np);

	return err;
}

/**
 * defer_node_remove() - take a node out of the tree and free it
 * @np: a node that has been attached, or NULL
 *
 * Return: DEFER_FAULT_NODE_REFS if somebody still holds the node, which is then
 * not freed; or 0.
 */
unsigned int defer_node_remove(struct device_node *np)
{
	unsigned int faults;

	if (!np)
		return 0;

	of_detach_node(np);
	faults = kref_read(&np->kobj.kref) == 1 ? 0 : DEFER_FAULT_NODE_REFS;
	of_node_put(np);
	return faults;
}

/* Invariants */

/* Whether an IOMMU domain is attached to @dev right now. */
bool defer_translates(struct device *dev)
{
	return iommu_get_domain_for_dev(dev);
}

/**
 * defer_invariants() - check what must hold after every attempt
 * @dev: the master
 * @result: what the attempt came to
 *
 * A failed attempt leaves nothing behind; a fwspec with ops is there if and only
 * if the attempt succeeded; and of a master whose driver is called the DMA ops,
 * the mapping, the translation and the fwspec agree.  The caller keeps @dev from
 * being probed meanwhile.
 *
 * Return: a set of DEFER_FAULT_*, 0 if all is well.
 */
unsigned int defer_invariants(struct device *dev, enum defer_result result)
{
	bool ok = result == DEFER_OPS;
	struct iommu_group *group;
	unsigned int faults = 0;

	if (ok != !!defer_fwspec_ops(dev))
		faults |= ok ? DEFER_FAULT_FWSPEC_MISSING :
			       DEFER_FAULT_FWSPEC_LEFT;

	group = iommu_group_get(dev);
	if (group) {
		if (!ok)
			faults |= DEFER_FAULT_GROUP_LEFT;
		iommu_group_put(group);
	}

	if (defer_iommu_dma_ops(dev)) {
		if (!defer_dma_mapping(dev) || !defer_translates(dev))
			faults |= DEFER_FAULT_NO_MAPPING;
	} else if (dev->driver) {
		if (defer_translates(dev))
			faults |= DEFER_FAULT_LIVE_UNDER_DIRECT;
		if (ok)
			faults |= DEFER_FAULT_DIRECT_OPS;
	}

	return faults;
}

/**
 * defer_dma_resolves() - does a mapped buffer resolve to itself?
 * @dev: a master whose DMA is set up
 *
 * Maps a page by the DMA API and looks where the device would end up: through
 * its IOMMU domain if one is attached, else at the bus address itself.
 *
 * Return: true if the device would reach the page.
 */
bool defer_dma_resolves(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	bool resolves = false;
	phys_addr_t phys;
	dma_addr_t addr;
	void *buf;

	buf = (void *)get_zeroed_page(GFP_KERNEL);
	if (!buf)
		return false;

	addr = dma_map_single(dev, buf, PAGE_SIZE, DMA_TO_DEVICE);
	if (!dma_mapping_error(dev, addr)) {
		phys = domain ? iommu_iova_to_phys(domain, addr) : addr;
		resolves = phys == virt_to_phys(buf);
		dma_unmap_single(dev, addr, PAGE_SIZE, DMA_TO_DEVICE);
	}

	free_page((unsigned long)buf);
	return resolves;
}

/* The same for a test: IOMMU ops without a mapping are false, not an oops. */
bool defer_dma_reaches(struct device *dev)
{
	if (defer_iommu_dma_ops(dev) && !defer_dma_mapping(dev))
		return false;

	return defer_dma_resolves(dev);
}

/* Masters */

/*
 * The driver of all masters.  Runs under the lock of @dev, on whatever thread
 * the driver core probes it: it records, and leaves the judging to the test.
 */
int defer_master_probe(struct device *dev)
{
	struct defer_master *master = dev->platform_data;
	dma_addr_t addr;
	int err = 0;

	master->attempts++;
	if (master->wide)
		err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	if (master->again)
		err = defer_dma_configure(dev, dev->of_node);

	master->result = defer_fwspec_ops(dev) ? DEFER_OPS : DEFER_NO_IOMMU;
	master->faults |= defer_invariants(dev, master->result);
	master->reaches = !err && defer_dma_reaches(dev);
	master->offset = defer_dma_offset(dev);

	if (master->attach && !err)
		err = master->attach(dev);

	if (master->managed && master->reaches &&
	    !dmam_alloc_coherent(dev, SZ_4K, &addr, GFP_KERNEL))
		err = -ENOMEM;
	else if (master->attempts <= master->defer_times)
		err = -EPROBE_DEFER;

	complete(&master->attempted);
	return err;
}

struct device *defer_master_add(struct device_node *np, void *data)
{
	struct device *dev = defer_master_alloc(np, data);
	int err;

	if (IS_ERR(dev))
		return dev;

	err = defer_master_join(dev);
	return err ? ERR_PTR(err) : dev;
}

/* Waits for an attempt that is under way to end, one way or the other. */
bool defer_master_bound(struct device *dev)
{
	bool bound;

	device_lock(dev);
	bound = device_is_bound(dev);
	device_unlock(dev);

	return bound;
}

/* Scenes */

/* An IOMMU that is enabled and has a driver, and a master that names it. */
void defer_scene_init(struct defer_scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->compatible = DEFER_DECLARED;
	scene->iommu_cells = 1;
	scene->specifier_cells = 1;
}

/* Phandles that the boot firmware's device tree doesn't use. */
u32 defer_new_phandle(void)
{
	static u32 last = 0x10defe00;

	return ++last;
}

static int defer_scene_build_iommu(struct defer_scene *scene)
{
	struct device_node *np;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "iommu@%x", scene->phandle);
	np = defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = defer_node_set(np, "compatible", scene->compatible,
			     strlen(scene->compatible) + 1) ?:
	      defer_node_set_u32(np, "phandle", scene->phandle);
	if (!err && scene->status)
		err = defer_node_set(np, "status", scene->status,
				     strlen(scene->status) + 1);
	if (!err && scene->iommu_cells >= 0)
		err = defer_node_set_u32(np, "#iommu-cells",
					 scene->iommu_cells);
	if (!err)
		err = defer_node_attach(np);
	if (err)
		of_node_put(np);
	else
		scene->iommu.np = np;

	return err;
}

/* Append the specifier that is said in @scene; the id is its place in the list. */
static int defer_scene_specifier(const struct defer_scene *scene, __be32 *cells,
				 int n)
{
	int i;

	cells[n++] = cpu_to_be32(scene->dangling ? defer_new_phandle() :
				 scene->phandle);
	for (i = 0; i < scene->specifier_cells; i++, n++)
		cells[n] = cpu_to_be32(n);

	return n;
}

static int defer_scene_build_bus(struct defer_scene *scene)
{
	__be32 ranges[] = { 0, 0, cpu_to_be32(scene->bus_offset),
			    cpu_to_be32(SZ_1G) };
	struct device_node *np;
	char name[32];
	int err;

	if (!scene->bus_offset)
		return 0;

	snprintf(name, sizeof(name), "bus@%x", scene->phandle);
	np = defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = defer_node_set_u32(np, "#address-cells", 1) ?:
	      defer_node_set_u32(np, "#size-cells", 1) ?:
	      defer_node_set(np, "dma-ranges", ranges, sizeof(ranges)) ?:
	      defer_node_attach(np);
	if (err)
		of_node_put(np);
	else
		scene->bus_np = np;

	return err;
}

static int defer_scene_build_master(struct defer_scene *scene)
{
	const struct defer_scene *named;
	struct device_node *np;
	__be32 iommus[12];
	char name[32];
	int n = 0, err = 0;

	snprintf(name, sizeof(name), "master@%x", scene->phandle);
	np = scene->bus_np ? defer_node_alloc_below(scene->bus_np, name) :
			     defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	if (scene->specifier_cells >= 0) {
		for (named = scene; named; named = named->also)
			n = defer_scene_specifier(named, iommus, n);
		err = defer_node_set(np, "iommus", iommus, n * sizeof(*iommus));
	}
	if (!err)
		err = defer_node_attach(np);
	if (err)
		of_node_put(np);
	else
		scene->master_np = np;

	return err;
}

/**
 * defer_scene_build() - create the nodes of a scene
 * @scene: says what is wanted; gets the nodes.  scene->master is the caller's
 *
 * Return: 0 or an errno.  defer_scene_destroy() undoes it, also after an error.
 */
int defer_scene_build(struct defer_scene *scene)
{
	scene->phandle = defer_new_phandle();

	return defer_scene_build_iommu(scene) ?:
	       defer_scene_build_bus(scene) ?:
	       defer_scene_build_master(scene);
}

/**
 * defer_scene_destroy() - remove a scene, master first
 * @scene: the scene
 *
 * Return: a set of DEFER_FAULT_*: what should be gone with the scene and isn't.
 */
unsigned int defer_scene_destroy(struct defer_scene *scene)
{
	unsigned int faults = 0;

	if (scene->master)
		faults = defer_master_remove(scene->master);
	scene->master = NULL;

	defer_iommu_unregister(&scene->iommu);

	faults |= defer_node_remove(scene->master_np);
	faults |= defer_node_remove(scene->bus_np);
	faults |= defer_node_remove(scene->iommu.np);
	scene->master_np = NULL;
	scene->bus_np = NULL;
	scene->iommu.np = NULL;
	return faults;
}

const char *defer_scenario(void)
{
	struct device_node *chosen = of_find_node_by_path("/chosen");
	const char *name = NULL;

	of_property_read_string(chosen, "iommu-defer,scenario", &name);
	of_node_put(chosen);
	return name;
}
