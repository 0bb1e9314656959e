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

int fake_iommu_core_register(struct fake_iommu *iommu)
{
	struct platform_device *pdev;
	int err;

	fake_ops.of_xlate = iommu->no_xlate ? NULL : fake_iommu_xlate;
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

	err = iommu_device_register(&iommu->iommu, iommu->other_driver ?
				    &fake_other_ops : &fake_ops, &pdev->dev);
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

void fake_iommu_core_unregister(struct fake_iommu *iommu)
{
	iommu_device_unregister(&iommu->iommu);
	iommu_device_sysfs_remove(&iommu->iommu);
	platform_device_unregister(to_platform_device(iommu->hwdev));
}

/* A master for the platform bus; it probes if @data is there to be probed. */
struct device *test_master_alloc(struct device_node *np, void *data)
{
	struct platform_device *pdev;

	pdev = platform_device_alloc(data ? TEST_MASTER_NAME :
				     "iommu-defer-device", PLATFORM_DEVID_AUTO);
	if (!pdev)
		return ERR_PTR(-ENOMEM);

	device_set_node(&pdev->dev, of_fwnode_handle(of_node_get(np)));
	pdev->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	pdev->dev.platform_data = data;
	return &pdev->dev;
}

void test_master_set_bus(struct device *dev)
{
	dev->bus = &platform_bus_type;
}

int test_master_join(struct device *dev)
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
unsigned int test_master_remove(struct device *dev)
{
	unsigned int faults = 0;

	if (dev->iommu && !dev->iommu->iommu_dev) {
		faults = FAULT_FWSPEC_LEFT;
		dev->iommu = NULL;
	}

	device_release_driver(dev);
	dev->platform_data = NULL;
	platform_device_unregister(to_platform_device(dev));
	return faults;
}

static int test_master_platform_probe(struct platform_device *pdev)
{
	return test_master_probe(&pdev->dev);
}

static struct platform_driver test_master_driver = {
	.probe = test_master_platform_probe,
	.driver.name = TEST_MASTER_NAME,
};

static int __init fake_iommu_init(void)
{
	return platform_driver_register(&test_master_driver);
}
subsys_initcall_sync(fake_iommu_init);
