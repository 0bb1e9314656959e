// SPDX-License-Identifier: GPL-2.0
/*
 * The IOMMUs and masters of the IOMMU probe deferral tests, as platform devices.
 */

#include <linux/dma-mapping.h>
#include <linux/init.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

int fake_iommu_core_register(struct fake_iommu *iommu)
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

	err = iommu_device_register(&iommu->iommu, fake_ops_of(iommu),
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

unsigned int test_master_remove(struct device *dev)
{
	unsigned int faults = forget_failed_attempt(dev);

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
