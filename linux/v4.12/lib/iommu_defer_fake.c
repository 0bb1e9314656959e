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
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

IOMMU_OF_DECLARE(iommu_defer, DEFER_DECLARED, NULL);

static struct bus_type defer_bus;

static int defer_add_device(struct device *dev);
static void defer_remove_device(struct device *dev);

static int defer_map(struct iommu_domain *domain, unsigned long iova,
		     phys_addr_t paddr, size_t size, int prot)
{
	return defer_fake_map(domain, iova, paddr, size);
}

/* of_xlate comes and goes, see defer_iommu_core_register(). */
static struct iommu_ops defer_ops = {
	.domain_alloc	= defer_fake_domain_alloc,
	.domain_free	= defer_fake_domain_free,
	.attach_dev	= defer_fake_attach,
	.detach_dev	= defer_fake_detach,
	.map		= defer_map,
	.unmap		= defer_fake_unmap,
	.map_sg		= default_iommu_map_sg,
	.iova_to_phys	= defer_fake_iova_to_phys,
	.add_device	= defer_add_device,
	.remove_device	= defer_remove_device,
	.device_group	= defer_fake_group,
	.pgsize_bitmap	= SZ_4K,
};

/* Another driver.  Its domains come from the first one, which has the bus. */
static const struct iommu_ops defer_other_ops = {
	.of_xlate	= defer_fake_xlate,
	.add_device	= defer_add_device,
	.pgsize_bitmap	= SZ_4K,
};

static int defer_add_device(struct device *dev)
{
	struct iommu_group *group;
	int err;

	if (!defer_fwspec_ops(dev))
		return -ENODEV;

	/* Back from defer_configure_id(): groups are those of this bus */
	dev->bus = &defer_bus;

	err = defer_fake_add(dev);
	if (err)
		return err;

	group = iommu_group_get_for_dev(dev);
	if (IS_ERR(group))
		return PTR_ERR(group);

	iommu_group_put(group);
	return 0;
}

static void defer_remove_device(struct device *dev)
{
	iommu_group_remove_device(dev);
	iommu_fwspec_free(dev);
}

int defer_iommu_core_register(struct defer_iommu *iommu)
{
	defer_ops.of_xlate = defer_fake.has_xlate ? defer_fake_xlate : NULL;
	iommu_device_set_ops(&iommu->iommu,
			     iommu->other ? &defer_other_ops : &defer_ops);
	iommu_device_set_fwnode(&iommu->iommu, &iommu->np->fwnode);
	return iommu_device_register(&iommu->iommu);
}

void defer_iommu_core_unregister(struct defer_iommu *iommu)
{
	iommu_device_unregister(&iommu->iommu);
}

static int defer_match(struct device *dev, struct device_driver *drv)
{
	return !!dev->platform_data;
}

static struct bus_type defer_bus = {
	.name = "iommu-defer",
	.match = defer_match,
};

static struct device_driver defer_driver = {
	.name = DEFER_MASTER_NAME,
	.bus = &defer_bus,
	.probe = defer_master_probe,
};

#ifdef CONFIG_PCI
/* Every master could be a PCI device on the bus of a host bridge; this one is. */
enum defer_result defer_configure_id(struct device *dev, struct device_node *np,
				     u32 id)
{
	struct pci_bus root = { .number = PCI_BUS_NUM(id) };
	struct pci_dev *pdev = to_pci_dev(dev);
	enum defer_result result;

	pdev->bus = &root;
	pdev->devfn = id & 0xff;
	dev->bus = &pci_bus_type;
	result = defer_configure(dev, np);
	dev->bus = &defer_bus;
	pdev->bus = NULL;
	return result;
}
#endif

static void defer_master_release(struct device *dev)
{
	of_node_put(dev->of_node);
	kfree(to_pci_dev(dev));
}

/* A master for the bus of the fake IOMMU; it probes if @data is there. */
struct device *defer_master_alloc(struct device_node *np, void *data)
{
	struct pci_dev *pdev;
	struct device *dev;

	pdev = kzalloc(sizeof(*pdev), GFP_KERNEL);
	if (!pdev)
		return ERR_PTR(-ENOMEM);

	dev = &pdev->dev;
	device_initialize(dev);
	dev->of_node = of_node_get(np);
	dev->release = defer_master_release;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	dev->dma_mask = &dev->coherent_dma_mask;
	dev->platform_data = data;
	return dev;
}

int defer_master_join(struct device *dev)
{
	static atomic_t id = ATOMIC_INIT(0);
	int err;

	dev->bus = &defer_bus;
	err = dev_set_name(dev, DEFER_MASTER_NAME ".%d",
			   atomic_inc_return(&id));
	if (!err)
		err = device_add(dev);
	if (err)
		put_device(dev);

	return err;
}

unsigned int defer_master_remove(struct device *dev)
{
	device_unregister(dev);
	return 0;
}

static int __init defer_fake_init(void)
{
	return bus_register(&defer_bus) ?:
	       bus_set_iommu(&defer_bus, &defer_ops) ?:
	       driver_register(&defer_driver);
}
subsys_initcall_sync(defer_fake_init);
