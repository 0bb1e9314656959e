// SPDX-License-Identifier: GPL-2.0
/*
 * The fake IOMMU driver of the IOMMU probe deferral tests, for v4.12.
 *
 * Bus ops can be set once and never taken back, and the platform bus belongs to
 * the kernel's own IOMMU drivers.  So the fake IOMMU serves a bus of its own,
 * which dma_configure() treats like any other.
 */

#include <linux/init.h>
#include <linux/of_iommu.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

const struct defer_base defer_base = {
	/* IOMMU_OF_DECLARE() tells it from one that may still come */
	.driverless = UNTRANSLATED,
	/* It doesn't touch its masters */
	.iommu_may_unregister = true,
	.detach_frees_mapping = true,
	.has_dma_range_map = false,
	.asks_unregistered = false,
	.one_driver = false,
	.no_xlate_is_silent = false,
	.configures_any_bus = true,
};

IOMMU_OF_DECLARE(iommu_defer, COMPATIBLE_DECLARED, NULL);

static int fake_add_device(struct device *dev);
static void fake_remove_device(struct device *dev);

static int fake_map(struct iommu_domain *domain, unsigned long iova,
		    phys_addr_t paddr, size_t size, int prot)
{
	return fake_iommu_map(domain, iova, paddr, size);
}

#define FAKE_OPS_COMMON \
	.domain_alloc	= fake_iommu_domain_alloc, \
	.domain_free	= fake_iommu_domain_free, \
	.attach_dev	= fake_iommu_attach, \
	.detach_dev	= fake_iommu_detach, \
	.map		= fake_map, \
	.unmap		= fake_iommu_unmap, \
	.map_sg		= default_iommu_map_sg, \
	.iova_to_phys	= fake_iommu_iova_to_phys, \
	.add_device	= fake_add_device, \
	.remove_device	= fake_remove_device, \
	.device_group	= fake_iommu_group, \
	.pgsize_bitmap	= SZ_4K

static const struct iommu_ops fake_ops = {
	FAKE_OPS_COMMON,
	.of_xlate = fake_iommu_xlate,
};

static const struct iommu_ops fake_ops_no_xlate = { FAKE_OPS_COMMON };

/* Another driver.  Its domains come from the first one, which has the bus. */
static const struct iommu_ops fake_other_ops = {
	.of_xlate	= fake_iommu_xlate,
	.add_device	= fake_add_device,
	.pgsize_bitmap	= SZ_4K,
};

static const struct iommu_ops *fake_ops_of(struct fake_iommu *iommu)
{
	if (iommu->other_driver)
		return &fake_other_ops;

	return iommu->no_xlate ? &fake_ops_no_xlate : &fake_ops;
}

static int fake_add_device(struct device *dev)
{
	struct iommu_group *group;
	int err;

	if (!fwspec_ops(dev))
		return -ENODEV;

	err = fake_iommu_add_device(dev);
	if (err)
		return err;

	group = iommu_group_get_for_dev(dev);
	if (IS_ERR(group))
		return PTR_ERR(group);

	iommu_group_put(group);
	return 0;
}

static void fake_remove_device(struct device *dev)
{
	iommu_group_remove_device(dev);
	iommu_fwspec_free(dev);
}

int fake_iommu_core_register(struct fake_iommu *iommu)
{
	iommu_device_set_ops(&iommu->iommu, fake_ops_of(iommu));
	iommu_device_set_fwnode(&iommu->iommu, &iommu->np->fwnode);
	return iommu_device_register(&iommu->iommu);
}

void fake_iommu_core_unregister(struct fake_iommu *iommu)
{
	iommu_device_unregister(&iommu->iommu);
}

static int fake_bus_match(struct device *dev, struct device_driver *drv)
{
	return !!dev->platform_data;
}

static struct bus_type fake_bus = {
	.name = "iommu-defer",
	.match = fake_bus_match,
};

static struct device_driver test_master_driver = {
	.name = TEST_MASTER_NAME,
	.bus = &fake_bus,
	.probe = test_master_probe,
};

static void test_master_release(struct device *dev)
{
	of_node_put(dev->of_node);
	kfree(dev);
}

/* A master for the bus of the fake IOMMU; it probes if @data is there. */
struct device *test_master_alloc(struct device_node *np, void *data)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return ERR_PTR(-ENOMEM);

	device_initialize(dev);
	dev->of_node = of_node_get(np);
	dev->release = test_master_release;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	dev->dma_mask = &dev->coherent_dma_mask;
	dev->platform_data = data;
	return dev;
}

void test_master_set_bus(struct device *dev)
{
	dev->bus = &fake_bus;
}

int test_master_join(struct device *dev)
{
	static atomic_t id = ATOMIC_INIT(0);
	int err;

	dev->bus = &fake_bus;
	err = dev_set_name(dev, TEST_MASTER_NAME ".%d",
			   atomic_inc_return(&id));
	if (!err)
		err = device_add(dev);
	if (err)
		put_device(dev);

	return err;
}

unsigned int test_master_remove(struct device *dev)
{
	device_unregister(dev);
	return 0;
}

/* In a booted scenario the PCI bus is for the kernel's own IOMMU drivers. */
static int __init fake_iommu_take_pci_bus(void)
{
#ifdef CONFIG_PCI
	if (!booted_scenario())
		return bus_set_iommu(&pci_bus_type, &fake_ops);
#endif
	return 0;
}

static int __init fake_iommu_init(void)
{
	return bus_register(&fake_bus) ?:
	       bus_set_iommu(&fake_bus, &fake_ops) ?:
	       fake_iommu_take_pci_bus() ?:
	       driver_register(&test_master_driver);
}
subsys_initcall_sync(fake_iommu_init);
