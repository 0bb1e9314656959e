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

static struct iommu_device *defer_probe_device(struct device *dev);

static int defer_map(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t paddr, size_t size, int prot, gfp_t gfp)
{
	return defer_fake_map(domain, iova, paddr, size);
}

static size_t defer_unmap(struct iommu_domain *domain, unsigned long iova,
			  size_t size, struct iommu_iotlb_gather *gather)
{
	return defer_fake_unmap(domain, iova, size);
}

/* of_xlate comes and goes, see defer_iommu_core_register(). */
static struct iommu_ops defer_ops = {
	.domain_alloc	= defer_fake_domain_alloc,
	.probe_device	= defer_probe_device,
	.device_group	= defer_fake_group,
	.pgsize_bitmap	= SZ_4K,
	.default_domain_ops = &(const struct iommu_domain_ops) {
		.attach_dev	= defer_fake_attach,
		.detach_dev	= defer_fake_detach,
		.map		= defer_map,
		.unmap		= defer_unmap,
		.iova_to_phys	= defer_fake_iova_to_phys,
		.free		= defer_fake_domain_free,
	},
};

/* Another driver, which the IOMMU core won't have beside the first one. */
static const struct iommu_ops defer_other_ops = {
	.of_xlate	= defer_fake_xlate,
	.pgsize_bitmap	= SZ_4K,
};

static struct iommu_device *defer_probe_device(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct defer_iommu *iommu;
	int err;

	if (!fwspec || fwspec->ops != &defer_ops) {
		/* The core frees what is left of it then, so don't be quick */
		if (dev->platform_data)
			defer_fake_dawdle();
		return ERR_PTR(-ENODEV);
	}

	err = defer_fake_add(dev);
	if (err)
		return ERR_PTR(err);

	iommu = defer_iommu_find(to_of_node(fwspec->iommu_fwnode));
	return iommu ? &iommu->iommu : ERR_PTR(-ENODEV);
}

int defer_iommu_core_register(struct defer_iommu *iommu)
{
	struct platform_device *pdev;
	int err;

	defer_ops.of_xlate = defer_fake.has_xlate ? defer_fake_xlate : NULL;
	pdev = platform_device_alloc("iommu-defer-iommu", PLATFORM_DEVID_AUTO);
	if (!pdev)
		return -ENOMEM;

	device_set_node(&pdev->dev, of_fwnode_handle(of_node_get(iommu->np)));
	err = platform_device_add(pdev);
	if (err)
		goto put_device;

	err = iommu_device_sysfs_add(&iommu->iommu, &pdev->dev, NULL, "%s",
				     dev_name(&pdev->dev));
	if (err)
		goto del_device;

	err = iommu_device_register(&iommu->iommu, iommu->other ?
				    &defer_other_ops : &defer_ops, &pdev->dev);
	if (err)
		goto remove_sysfs;

	iommu->hwdev = &pdev->dev;
	return 0;

remove_sysfs:
	iommu_device_sysfs_remove(&iommu->iommu);
del_device:
	platform_device_del(pdev);
put_device:
	platform_device_put(pdev);
	return err;
}

void defer_iommu_core_unregister(struct defer_iommu *iommu)
{
	iommu_device_unregister(&iommu->iommu);
	iommu_device_sysfs_remove(&iommu->iommu);
	platform_device_unregister(to_platform_device(iommu->hwdev));
}

/* A master for the platform bus; it probes if @data is there to be probed. */
struct device *defer_master_alloc(struct device_node *np, void *data)
{
	struct platform_device *pdev;

	pdev = platform_device_alloc(data ? DEFER_MASTER_NAME :
				     "iommu-defer-device", PLATFORM_DEVID_AUTO);
	if (!pdev)
		return ERR_PTR(-ENOMEM);

	device_set_node(&pdev->dev, of_fwnode_handle(of_node_get(np)));
	pdev->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	pdev->dev.platform_data = data;
	return &pdev->dev;
}

int defer_master_join(struct device *dev)
{
	int err = platform_device_add(to_platform_device(dev));

	if (err) {
		dev->platform_data = NULL;
		put_device(dev);
	}

	return err;
}

/*
 * A struct dev_iommu that a failed attempt left behind makes the removal of the
 * device an oops, in iommu_release_device().  Report that instead.
 */
unsigned int defer_master_remove(struct device *dev)
{
	unsigned int faults = 0;

	if (dev->iommu && !dev->iommu->iommu_dev) {
		faults = DEFER_FAULT_FWSPEC_LEFT;
		dev->iommu = NULL;
	}

	device_release_driver(dev);
	dev->platform_data = NULL;
	platform_device_unregister(to_platform_device(dev));
	return faults;
}

static int defer_platform_probe(struct platform_device *pdev)
{
	return defer_master_probe(&pdev->dev);
}

static struct platform_driver defer_driver = {
	.probe = defer_platform_probe,
	.driver.name = DEFER_MASTER_NAME,
};

static int __init defer_fake_init(void)
{
	return platform_driver_register(&defer_driver);
}
subsys_initcall_sync(defer_fake_init);
