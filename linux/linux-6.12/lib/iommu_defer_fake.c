// SPDX-License-Identifier: GPL-2.0
/*
 * The fake IOMMU driver of the IOMMU probe deferral tests, for linux-6.12.
 *
 * The IOMMU core serves a fixed list of buses, so the masters are platform
 * devices.  Ops belong to an instance of an IOMMU, and a master finds them by
 * the node that it names: IOMMUs of the machine's own are not in the way.
 */

#include <linux/init.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

static int defer_of_xlate(struct device *dev,
			  const struct of_phandle_args *args)
{
	return defer_fake_xlate(dev, (struct of_phandle_args *)args);
}

/* The master that has been behind its IOMMU for longest, or NULL */
static struct device *defer_settled;

/*
 * A mapping is made for a device now, and it takes one that has an IOMMU.  The
 * domains of the fake driver fit all of its masters.
 */
struct device *defer_mapping_device(struct device *dev)
{
	return dev_iommu_fwspec_get(dev) ? dev : defer_settled;
}

static void defer_release_device(struct device *dev)
{
	if (defer_settled == dev)
		defer_settled = NULL;
}

static struct iommu_device *defer_probe_device(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct defer_iommu *iommu;
	int err;

	err = defer_fake_add(dev);
	if (err)
		return ERR_PTR(err);

	iommu = fwspec ? defer_iommu_find(to_of_node(fwspec->iommu_fwnode)) :
			 NULL;
	if (!iommu)
		return ERR_PTR(-ENODEV);

	if (!defer_settled)
		defer_settled = dev;

	return &iommu->iommu;
}

static int defer_map_pages(struct iommu_domain *domain, unsigned long iova,
			   phys_addr_t paddr, size_t pgsize, size_t pgcount,
			   int prot, gfp_t gfp, size_t *mapped)
{
	int err;

	for (; pgcount; pgcount--) {
		err = defer_fake_map(domain, iova, paddr, pgsize);
		if (err)
			return err;

		iova += pgsize;
		paddr += pgsize;
		*mapped += pgsize;
	}

	return 0;
}

static size_t defer_unmap_pages(struct iommu_domain *domain, unsigned long iova,
				size_t pgsize, size_t pgcount,
				struct iommu_iotlb_gather *gather)
{
	size_t size, unmapped = 0;

	for (; pgcount; pgcount--) {
		size = defer_fake_unmap(domain, iova, pgsize);
		if (!size)
			break;

		iova += size;
		unmapped += size;
	}

	return unmapped;
}

/* Where masters are before ARM attaches a mapping: this can't fail. */
static int defer_identity_attach(struct iommu_domain *domain,
				 struct device *dev)
{
	return 0;
}

static struct iommu_domain defer_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev	= defer_identity_attach,
	},
};

static const struct iommu_domain_ops defer_domain_ops = {
	.attach_dev	= defer_fake_attach,
	.map_pages	= defer_map_pages,
	.unmap_pages	= defer_unmap_pages,
	.iova_to_phys	= defer_fake_iova_to_phys,
	.free		= defer_fake_domain_free,
};

#define DEFER_OPS_COMMON \
	.identity_domain = &defer_identity_domain, \
	.domain_alloc	= defer_fake_domain_alloc, \
	.probe_device	= defer_probe_device, \
	.release_device	= defer_release_device, \
	.device_group	= defer_fake_group, \
	.pgsize_bitmap	= SZ_4K, \
	.default_domain_ops = &defer_domain_ops

static const struct iommu_ops defer_ops = {
	DEFER_OPS_COMMON,
	.of_xlate = defer_of_xlate,
};

static const struct iommu_ops defer_ops_no_xlate = { DEFER_OPS_COMMON };

/* Another driver */
static const struct iommu_ops defer_other_ops = {
	DEFER_OPS_COMMON,
	.of_xlate = defer_of_xlate,
};

static const struct iommu_ops *defer_ops_of(struct defer_iommu *iommu)
{
	if (iommu->other)
		return &defer_other_ops;

	return defer_fake.has_xlate ? &defer_ops : &defer_ops_no_xlate;
}

int defer_iommu_core_register(struct defer_iommu *iommu)
{
	struct platform_device *pdev;
	int err;

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

	err = iommu_device_register(&iommu->iommu, defer_ops_of(iommu),
				    &pdev->dev);
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

/* What an attempt has left behind goes with the device, or is seen to stay. */
unsigned int defer_master_remove(struct device *dev)
{
	device_release_driver(dev);
	dev->platform_data = NULL;
	platform_device_unregister(to_platform_device(dev));
	return 0;
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
