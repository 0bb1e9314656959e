// SPDX-License-Identifier: GPL-2.0
/*
 * The fake IOMMU driver of the IOMMU probe deferral tests, for linux-7.3.
 *
 * The IOMMU core serves a fixed list of buses, so the masters are platform
 * devices.  Ops belong to an instance of an IOMMU, and a master finds them by
 * the node that it names: IOMMUs of the machine's own are not in the way.
 */

#include <linux/init.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_core.h"

const struct defer_base defer_base = {
	/* Drivers are no longer declared: any may come until the end of init */
	.driverless = DEFERRED,
	/* It releases its masters, bound or not */
	.iommu_may_unregister = false,
	.detach_frees_mapping = false,
	.has_dma_range_map = true,
	/* The rest is done when it is registered, by iommu_bus_notifier() */
	.asks_unregistered = true,
	.one_driver = false,
	.no_xlate_is_silent = true,
};

struct fake_core fake_core;

/* Who registers an IOMMU, and its node */
static struct task_struct *fake_registrar;
static struct device_node *fake_registering;

/* What of_xlate has left of a device */
struct fake_kept {
	struct list_head list;
	struct device *dev;
	struct device_node *np;	/* of the instance */
};

static LIST_HEAD(fake_kept_list);
static DEFINE_MUTEX(fake_kept_lock);

static void fake_forget(struct fake_kept *kept)
{
	list_del(&kept->list);
	kfree(kept);
	fake_core.kept--;
}

/* The driver as it is at first; what nobody will ask for any more is freed. */
void fake_core_reset(void)
{
	struct fake_kept *kept, *next;

	mutex_lock(&fake_kept_lock);
	list_for_each_entry_safe(kept, next, &fake_kept_list, list)
		fake_forget(kept);
	memset(&fake_core, 0, sizeof(fake_core));
	mutex_unlock(&fake_kept_lock);
}

static struct fake_kept *fake_kept_find(struct device_node *np)
{
	struct fake_kept *kept;

	list_for_each_entry(kept, &fake_kept_list, list)
		if (kept->np == np)
			return kept;

	return NULL;
}

/*
 * The pointer in dev->iommu goes when the core gives up an attempt, and nobody
 * tells the driver.  What it points to stays.
 */
static int fake_keep_locked(struct device *dev, struct device_node *np)
{
	struct fake_kept *kept;

	if (fake_core.keep == KEEP_FOR_INSTANCE ? !fake_kept_find(np) :
						  !dev_iommu_priv_get(dev)) {
		kept = kzalloc(sizeof(*kept), GFP_KERNEL);
		if (!kept)
			return -ENOMEM;

		kept->dev = dev;
		kept->np = np;
		list_add(&kept->list, &fake_kept_list);
		fake_core.kept++;
		dev_iommu_priv_set(dev, kept);
	}

	if (dev_iommu_priv_get(dev))
		return 0;

	fake_core.lost++;
	return -EINVAL;
}

static int fake_keep(struct device *dev, struct device_node *np)
{
	int err;

	if (fake_core.keep == KEEP_NOTHING)
		return 0;

	mutex_lock(&fake_kept_lock);
	err = fake_keep_locked(dev, np);
	mutex_unlock(&fake_kept_lock);

	return err;
}

/* Frees all that the driver can find from here */
static void fake_release_device(struct device *dev)
{
	struct fake_kept *kept, *next;

	mutex_lock(&fake_kept_lock);
	list_for_each_entry_safe(kept, next, &fake_kept_list, list)
		if (kept->dev == dev && (fake_core.keep == KEEP_FOR_INSTANCE ||
					 kept == dev_iommu_priv_get(dev)))
			fake_forget(kept);
	mutex_unlock(&fake_kept_lock);
	if (fake_core.released)
		fake_core.released(dev);
}

/* Whether the core asks of its own accord, not on behalf of an attempt */
static bool fake_asked_by_core(struct device *dev)
{
	struct fake_iommu *iommu;

	/* It is being added */
	if (dev->p && !dev_ready_to_probe(dev))
		return true;

	if (current != fake_registrar)
		return false;

	iommu = fake_iommu_find(fake_registering);
	return iommu && !READ_ONCE(iommu->iommu.ready);
}

/* Register an IOMMU.  That it isn't ready can be said of it afterwards. */
int fake_core_register(struct fake_iommu *iommu)
{
	int err = fake_iommu_register(iommu);

	fake_registrar = NULL;
	return err;
}

static int fake_of_xlate(struct device *dev,
			 const struct of_phandle_args *args)
{
	bool asked_by_core = fake_asked_by_core(dev);
	int err;

	if (asked_by_core && !mutex_is_locked(&dev->mutex))
		fake_core.unlocked++;

	/* A device of the tests that has a driver is not left alone */
	if (!fake_core.answers && !dev->platform_data && asked_by_core)
		return -ENODEV;

	err = fake_iommu_xlate(dev, (struct of_phandle_args *)args);
	return err ?: fake_keep(dev, args->np);
}

static struct iommu_device *fake_probe_device(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct fake_iommu *iommu;
	int err;

	if (!fwspec)
		return dev == fake_core.found ? &fake_core.finder :
						ERR_PTR(-ENODEV);

	if (fake_core.probing)
		fake_core.probing(dev);
	err = fake_iommu_add_device(dev);
	if (err && (!fake_core.fails_for || fake_core.fails_for == dev))
		return ERR_PTR(err);

	iommu = fake_iommu_find(to_of_node(fwspec->iommu_fwnode));
	return iommu ? &iommu->iommu : ERR_PTR(-ENODEV);
}

static int fake_map_pages(struct iommu_domain *domain, unsigned long iova,
			  phys_addr_t paddr, size_t pgsize, size_t pgcount,
			   int prot, gfp_t gfp, size_t *mapped)
{
	int err;

	for (; pgcount; pgcount--) {
		err = fake_iommu_map(domain, iova, paddr, pgsize);
		if (err)
			return err;

		iova += pgsize;
		paddr += pgsize;
		*mapped += pgsize;
	}

	return 0;
}

static size_t fake_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			       size_t pgsize, size_t pgcount,
				struct iommu_iotlb_gather *gather)
{
	size_t size, unmapped = 0;

	for (; pgcount; pgcount--) {
		size = fake_iommu_unmap(domain, iova, pgsize);
		if (!size)
			break;

		iova += size;
		unmapped += size;
	}

	return unmapped;
}

/* A domain is allocated for a device, and says itself which pages it takes. */
static struct iommu_domain *fake_domain_alloc_paging(struct device *dev)
{
	struct iommu_domain *domain;

	domain = fake_iommu_domain_alloc(IOMMU_DOMAIN_UNMANAGED);
	if (domain)
		domain->pgsize_bitmap = SZ_4K;

	return domain;
}

static int fake_attach(struct iommu_domain *domain, struct device *dev,
		       struct iommu_domain *old)
{
	fake_core.attached++;
	/* It has no firmware that this driver could go by */
	if (dev == fake_core.found)
		return 0;

	return fake_iommu_attach(domain, dev);
}

/* Where masters are before ARM attaches a mapping: this can't fail. */
static int fake_identity_attach(struct iommu_domain *domain,
				struct device *dev, struct iommu_domain *old)
{
	fake_core.attached++;
	return 0;
}

static struct iommu_domain fake_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev	= fake_identity_attach,
	},
};

static const struct iommu_domain_ops fake_domain_ops = {
	.attach_dev	= fake_attach,
	.map_pages	= fake_map_pages,
	.unmap_pages	= fake_unmap_pages,
	.iova_to_phys	= fake_iommu_iova_to_phys,
	.free		= fake_iommu_domain_free,
};

#define FAKE_OPS_COMMON \
	.identity_domain = &fake_identity_domain, \
	.domain_alloc_paging = fake_domain_alloc_paging, \
	.probe_device	= fake_probe_device, \
	.release_device	= fake_release_device, \
	.device_group	= fake_iommu_group, \
	.default_domain_ops = &fake_domain_ops

static const struct iommu_ops fake_ops = {
	FAKE_OPS_COMMON,
	.of_xlate = fake_of_xlate,
};

static const struct iommu_ops fake_ops_no_xlate = { FAKE_OPS_COMMON };

/* Another driver */
static const struct iommu_ops fake_other_ops = {
	FAKE_OPS_COMMON,
	.of_xlate = fake_of_xlate,
};

/* The IOMMU of a PC, say: it has no node, and no master names it. */
static const struct iommu_ops fake_finder_ops = {
	FAKE_OPS_COMMON,
	.default_domain = &fake_identity_domain,
};

/**
 * fake_core_register_finder() - register an IOMMU that finds its device itself
 * @dev: the one device that it finds
 *
 * Return: 0, or what the IOMMU core said.
 */
int fake_core_register_finder(struct device *dev)
{
	int err;

	fake_core.found = dev;
	err = iommu_device_sysfs_add(&fake_core.finder, NULL, NULL,
				     "iommu-defer-finder");
	if (err)
		return err;

	err = iommu_device_register(&fake_core.finder, &fake_finder_ops, NULL);
	if (err)
		iommu_device_sysfs_remove(&fake_core.finder);

	return err;
}

void fake_core_unregister_finder(void)
{
	iommu_device_unregister(&fake_core.finder);
	iommu_device_sysfs_remove(&fake_core.finder);
	fake_core.found = NULL;
}

/* Called by the thread that registers it, right before. */
const struct iommu_ops *fake_ops_of(struct fake_iommu *iommu)
{
	fake_registering = iommu->np;
	fake_registrar = current;
	if (iommu->other_driver)
		return &fake_other_ops;

	return iommu->no_xlate ? &fake_ops_no_xlate : &fake_ops;
}
