// SPDX-License-Identifier: GPL-2.0
/*
 * The fake IOMMU driver of the IOMMU probe deferral tests, for linux-6.1.
 *
 * The IOMMU core serves a fixed list of buses and knows one driver, which can't
 * be taken back.  So the masters are platform devices, and no IOMMU of the
 * machine's own may be in use when these tests run.
 */

#include <linux/init.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

const struct defer_base defer_base = {
	/* Drivers are no longer declared: any may come until the end of init */
	.driverless = DEFERRED,
	/* It releases its masters, bound or not */
	.iommu_may_unregister = false,
	.detach_frees_mapping = false,
	.has_dma_range_map = true,
	/* The rest is done when it is registered, by iommu_bus_notifier() */
	.asks_unregistered = true,
	.one_driver = true,
	.no_xlate_is_silent = true,
};

static struct iommu_device *fake_probe_device(struct device *dev);

static int fake_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	return fake_iommu_map(domain, iova, paddr, size);
}

static size_t fake_unmap(struct iommu_domain *domain, unsigned long iova,
			 size_t size, struct iommu_iotlb_gather *gather)
{
	return fake_iommu_unmap(domain, iova, size);
}

/* The core takes no other ops, so of_xlate comes and goes when it registers. */
static struct iommu_ops fake_ops = {
	.domain_alloc	= fake_iommu_domain_alloc,
	.probe_device	= fake_probe_device,
	.device_group	= fake_iommu_group,
	.pgsize_bitmap	= SZ_4K,
	.default_domain_ops = &(const struct iommu_domain_ops) {
		.attach_dev	= fake_iommu_attach,
		.detach_dev	= fake_iommu_detach,
		.map		= fake_map,
		.unmap		= fake_unmap,
		.iova_to_phys	= fake_iommu_iova_to_phys,
		.free		= fake_iommu_domain_free,
	},
};

/* Another driver, which the IOMMU core won't have beside the first one. */
static const struct iommu_ops fake_other_ops = {
	.of_xlate	= fake_iommu_xlate,
	.pgsize_bitmap	= SZ_4K,
};

static struct iommu_device *fake_probe_device(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct fake_iommu *iommu;
	int err;

	if (!fwspec || fwspec->ops != &fake_ops) {
		/* The core frees what is left of it then, so don't be quick */
		if (dev->platform_data)
			fake_driver_sleep();
		return ERR_PTR(-ENODEV);
	}

	err = fake_iommu_add_device(dev);
	if (err)
		return ERR_PTR(err);

	iommu = fake_iommu_find(to_of_node(fwspec->iommu_fwnode));
	return iommu ? &iommu->iommu : ERR_PTR(-ENODEV);
}

const struct iommu_ops *fake_ops_of(struct fake_iommu *iommu)
{
	fake_ops.of_xlate = iommu->no_xlate ? NULL : fake_iommu_xlate;

	return iommu->other_driver ? &fake_other_ops : &fake_ops;
}
