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
#include <linux/spinlock.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

struct defer_fake defer_fake = { .has_xlate = true };

const struct dma_map_ops defer_foreign_ops;

static LIST_HEAD(defer_iommus);
static DEFINE_SPINLOCK(defer_iommus_lock);

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
		"domain leak", "call order", "still mapped",
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

/* The fake IOMMU driver */

#define DEFER_DOMAIN_SLOTS	64

/* Page tables of the poor: a few extents, enough for the DMA API's checks. */
struct defer_domain {
	struct iommu_domain domain;
	spinlock_t lock;	/* protects slot[] */
	struct {
		unsigned long iova;
		phys_addr_t paddr;
		size_t size;
	} slot[DEFER_DOMAIN_SLOTS];
};

/*
 * ARM maps from bus address 0 up where there is no dma-ranges property, and
 * never unmaps what is there: arm_iommu_unmap_page() takes 0 for no address.
 */
static bool defer_counts(unsigned long iova)
{
	return iova;
}

static struct defer_domain *to_defer_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct defer_domain, domain);
}

/* The driver as it is when nothing goes wrong; what is alive stays counted. */
void defer_fake_reset(void)
{
	defer_fake.has_xlate = true;
	defer_fake.xlate_ret = 0;
	defer_fake.add_ret = 0;
	defer_fake.attach_ret = 0;
	defer_fake.xlate_calls = 0;
	defer_fake.add_calls = 0;
	defer_fake.faults = 0;
}

int defer_fake_xlate(struct device *dev, struct of_phandle_args *args)
{
	defer_fake.xlate_calls++;
	if (defer_fake.xlate_ret)
		return defer_fake.xlate_ret;

	return iommu_fwspec_add_ids(dev, args->args, 1);
}

/* Common part of add_device and probe_device, for masters of this driver. */
int defer_fake_add(struct device *dev)
{
	defer_fake.add_calls++;
	if (!defer_fwspec_ids(dev))
		defer_fake.faults |= DEFER_FAULT_CALL_ORDER;

	return defer_fake.add_ret;
}

static void defer_fake_group_release(void *data)
{
	struct defer_fake *fake = data;

	fake->groups--;
}

struct iommu_group *defer_fake_group(struct device *dev)
{
	struct iommu_group *group = iommu_group_alloc();

	if (IS_ERR(group))
		return group;

	defer_fake.groups++;
	/* struct iommu_group is opaque: its end shows only here */
	iommu_group_set_iommudata(group, &defer_fake, defer_fake_group_release);
	return group;
}

struct iommu_domain *defer_fake_domain_alloc(unsigned int type)
{
	struct defer_domain *domain;

	if (!defer_domain_type_ok(type))
		return NULL;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return NULL;

	if (defer_domain_init(&domain->domain, type)) {
		kfree(domain);
		return NULL;
	}

	spin_lock_init(&domain->lock);
	domain->domain.geometry.aperture_end = DMA_BIT_MASK(32);
	domain->domain.geometry.force_aperture = true;
	defer_fake.domains++;
	return &domain->domain;
}

void defer_fake_domain_free(struct iommu_domain *domain)
{
	struct defer_domain *d = to_defer_domain(domain);
	int i;

	for (i = 0; i < DEFER_DOMAIN_SLOTS; i++)
		if (d->slot[i].size && defer_counts(d->slot[i].iova))
			defer_fake.faults |= DEFER_FAULT_STILL_MAPPED;

	defer_domain_exit(domain);
	defer_fake.domains--;
	kfree(d);
}

int defer_fake_attach(struct iommu_domain *domain, struct device *dev)
{
	if (!defer_fwspec_ops(dev))
		defer_fake.faults |= DEFER_FAULT_FWSPEC_MISSING;

	return defer_fake.attach_ret;
}

void defer_fake_detach(struct iommu_domain *domain, struct device *dev)
{
}

int defer_fake_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t paddr, size_t size)
{
	struct defer_domain *d = to_defer_domain(domain);
	unsigned long flags;
	int i, err = -ENOSPC;

	spin_lock_irqsave(&d->lock, flags);
	for (i = 0; i < DEFER_DOMAIN_SLOTS; i++) {
		if (d->slot[i].size)
			continue;

		d->slot[i].iova = iova;
		d->slot[i].paddr = paddr;
		d->slot[i].size = size;
		defer_fake.mapped += defer_counts(iova);
		err = 0;
		break;
	}
	spin_unlock_irqrestore(&d->lock, flags);

	return err;
}

size_t defer_fake_unmap(struct iommu_domain *domain, unsigned long iova,
			size_t size)
{
	struct defer_domain *d = to_defer_domain(domain);
	unsigned long flags;
	size_t unmapped = 0;
	int i;

	spin_lock_irqsave(&d->lock, flags);
	for (i = 0; i < DEFER_DOMAIN_SLOTS; i++) {
		if (!d->slot[i].size || d->slot[i].iova != iova)
			continue;

		unmapped = d->slot[i].size;
		d->slot[i].size = 0;
		defer_fake.mapped -= defer_counts(iova);
		break;
	}
	spin_unlock_irqrestore(&d->lock, flags);

	return unmapped;
}

phys_addr_t defer_fake_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova)
{
	struct defer_domain *d = to_defer_domain(domain);
	phys_addr_t paddr = 0;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&d->lock, flags);
	for (i = 0; i < DEFER_DOMAIN_SLOTS; i++) {
		if (iova < d->slot[i].iova ||
		    iova >= d->slot[i].iova + d->slot[i].size)
			continue;

		paddr = d->slot[i].paddr + (iova - d->slot[i].iova);
		break;
	}
	spin_unlock_irqrestore(&d->lock, flags);

	return paddr;
}

/* Instances of the fake IOMMU */

struct defer_iommu *defer_iommu_find(struct device_node *np)
{
	struct defer_iommu *iommu, *found = NULL;

	spin_lock(&defer_iommus_lock);
	list_for_each_entry(iommu, &defer_iommus, node)
		if (iommu->np == np)
			found = iommu;
	spin_unlock(&defer_iommus_lock);

	return found;
}

/**
 * defer_iommu_register() - let the IOMMU core know an instance
 * @iommu: the instance; nothing happens if it is registered already
 *
 * Return: 0, or what the IOMMU core said.
 */
int defer_iommu_register(struct defer_iommu *iommu)
{
	int err;

	if (iommu->registered)
		return 0;

	spin_lock(&defer_iommus_lock);
	list_add(&iommu->node, &defer_iommus);
	spin_unlock(&defer_iommus_lock);

	err = defer_iommu_core_register(iommu);
	iommu->registered = !err;
	if (err) {
		spin_lock(&defer_iommus_lock);
		list_del(&iommu->node);
		spin_unlock(&defer_iommus_lock);
	}

	return err;
}

void defer_iommu_unregister(struct defer_iommu *iommu)
{
	if (!iommu->registered)
		return;

	defer_iommu_core_unregister(iommu);
	spin_lock(&defer_iommus_lock);
	list_del(&iommu->node);
	spin_unlock(&defer_iommus_lock);
	iommu->registered = false;
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

/* All nodes live below one that is marked populated, lest it get a device. */
static struct device_node *defer_root(void)
{
	static struct device_node *root;

	if (root)
		return root;

	root = defer_node_new(of_find_node_by_path("/"), "iommu-defer");
	if (!root)
		return NULL;

	of_node_set_flag(root, OF_POPULATED);
	of_attach_node(root);
	return root;
}

struct device_node *defer_node_alloc(const char *name)
{
	struct device_node *root = defer_root();

	return root ? defer_node_new(root, name) : NULL;
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
 * Holds the master to the invariants 1 to 3 that Documentation of the tests
 * gives: a failed attempt leaves nothing behind, a fwspec with ops is there if
 * and only if the attempt succeeded, and a master that runs has its DMA ops,
 * its mapping and its translation agree.  The caller keeps @dev from probing.
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
	} else if (dev->driver && defer_translates(dev)) {
		faults |= DEFER_FAULT_LIVE_UNDER_DIRECT;
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
	master->result = defer_fwspec_ops(dev) ? DEFER_OPS : DEFER_NO_IOMMU;
	master->faults |= defer_invariants(dev, master->result);
	master->reaches = defer_dma_reaches(dev);

	if (master->managed && master->reaches &&
	    !dmam_alloc_coherent(dev, SZ_4K, &addr, GFP_KERNEL))
		err = -ENOMEM;
	else if (master->attempts <= master->defer_times)
		err = -EPROBE_DEFER;

	complete(&master->attempted);
	return err;
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
static u32 defer_new_phandle(void)
{
	static u32 last = 0x10defe00;

	return ++last;
}

static int defer_scene_build_iommu(struct defer_scene *scene, u32 phandle)
{
	struct device_node *np;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "iommu@%x", phandle);
	np = defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	err = defer_node_set(np, "compatible", scene->compatible,
			     strlen(scene->compatible) + 1) ?:
	      defer_node_set_u32(np, "phandle", phandle);
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

static int defer_scene_build_master(struct defer_scene *scene, u32 phandle)
{
	__be32 iommus[4] = { cpu_to_be32(phandle) };
	struct device_node *np;
	char name[32];
	int err = 0;

	snprintf(name, sizeof(name), "master@%x", phandle);
	np = defer_node_alloc(name);
	if (!np)
		return -ENOMEM;

	if (scene->specifier_cells >= 0)
		err = defer_node_set(np, "iommus", iommus,
				     (1 + scene->specifier_cells) * 4);
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
	u32 phandle = defer_new_phandle();

	return defer_scene_build_iommu(scene, phandle) ?:
	       defer_scene_build_master(scene, scene->dangling ?
					defer_new_phandle() : phandle);
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
	faults |= defer_node_remove(scene->iommu.np);
	scene->master_np = NULL;
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
