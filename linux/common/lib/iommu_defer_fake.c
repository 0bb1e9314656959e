// SPDX-License-Identifier: GPL-2.0
/*
 * The fake IOMMU driver of the IOMMU probe deferral tests: what is the same on
 * every kernel.  See iommu_defer.h.
 */

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/of.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

struct fake_driver fake_driver;

static LIST_HEAD(fake_iommus);
static DEFINE_SPINLOCK(fake_iommus_lock);

#define FAKE_DOMAIN_SLOTS	64

/* Page tables of the poor: a few extents, enough for the DMA API's checks. */
struct fake_domain {
	struct iommu_domain domain;
	struct device_node *np;	/* of the IOMMU that it is attached to */
	spinlock_t lock;	/* protects slot[] */
	struct {
		unsigned long iova;
		phys_addr_t paddr;
		size_t size;
	} slot[FAKE_DOMAIN_SLOTS];
};

/*
 * ARM maps from bus address 0 up where there is no dma-ranges property, and
 * never unmaps what is there: arm_iommu_unmap_page() takes 0 for no address.
 */
static bool iova_is_counted(unsigned long iova)
{
	return iova;
}

static struct fake_domain *to_fake_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct fake_domain, domain);
}

/* The driver as it is when nothing goes wrong; what is alive stays counted. */
void fake_driver_reset(void)
{
	fake_driver.xlate_ret = 0;
	fake_driver.xlate_ok = 0;
	fake_driver.one_instance = false;
	fake_driver.add_ret = 0;
	fake_driver.attach_ret = 0;
	fake_driver.no_domains = false;
	fake_driver.sleeps = false;
	fake_driver.xlate_calls = 0;
	fake_driver.add_calls = 0;
	fake_driver.faults = 0;
}

/* A driver may sleep wherever it is called, and others then get to run. */
void fake_driver_sleep(void)
{
	if (fake_driver.sleeps)
		schedule_timeout_uninterruptible(1);
}

/*
 * Like a driver with a stream id and perhaps a mask: it takes one cell or two,
 * and looks at their number before it reads any.
 */
int fake_iommu_xlate(struct device *dev, struct of_phandle_args *args)
{
	fake_driver_sleep();
	if (fake_driver.xlate_calls < FAKE_DRIVER_IDS)
		fake_driver.id[fake_driver.xlate_calls] =
			args->args_count ? args->args[0] : 0;
	if (fake_driver.xlate_calls++ >= fake_driver.xlate_ok &&
	    fake_driver.xlate_ret)
		return fake_driver.xlate_ret;

	if (args->args_count < 1 || args->args_count > 2)
		return -EINVAL;

	if (fake_driver.one_instance &&
	    fwspec_fwnode(dev) != of_fwnode_handle(args->np))
		return -EINVAL;

	return iommu_fwspec_add_ids(dev, args->args, args->args_count);
}

/* Common part of add_device and probe_device, for masters of this driver. */
int fake_iommu_add_device(struct device *dev)
{
	fake_driver_sleep();
	fake_driver.add_calls++;
	if (!fwspec_num_ids(dev))
		fake_driver.faults |= FAULT_CALL_ORDER;

	return fake_driver.add_ret;
}

static void fake_iommu_group_release(void *data)
{
	struct fake_driver *fake = data;

	fake->groups--;
}

struct iommu_group *fake_iommu_group(struct device *dev)
{
	struct iommu_group *group;

	group = dev_is_pci(dev) ? pci_device_group(dev) : iommu_group_alloc();
	/* PCI functions that alias each other share one */
	if (IS_ERR(group) || iommu_group_get_iommudata(group))
		return group;

	fake_driver.groups++;
	/* struct iommu_group is opaque: its end shows only here */
	iommu_group_set_iommudata(group, &fake_driver, fake_iommu_group_release);
	return group;
}

struct iommu_domain *fake_iommu_domain_alloc(unsigned int type)
{
	struct fake_domain *domain;

	if (fake_driver.no_domains || !domain_type_ok(type))
		return NULL;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return NULL;

	if (domain_init(&domain->domain, type)) {
		kfree(domain);
		return NULL;
	}

	spin_lock_init(&domain->lock);
	domain->domain.geometry.aperture_end = DMA_BIT_MASK(32);
	domain->domain.geometry.force_aperture = true;
	fake_driver.domains++;
	return &domain->domain;
}

void fake_iommu_domain_free(struct iommu_domain *domain)
{
	struct fake_domain *d = to_fake_domain(domain);
	int i;

	for (i = 0; i < FAKE_DOMAIN_SLOTS; i++)
		if (d->slot[i].size && iova_is_counted(d->slot[i].iova))
			fake_driver.faults |= FAULT_STILL_MAPPED;

	domain_exit(domain);
	fake_driver.domains--;
	kfree(d);
}

int fake_iommu_attach(struct iommu_domain *domain, struct device *dev)
{
	struct fake_domain *d = to_fake_domain(domain);

	if (!fwspec_ops(dev))
		fake_driver.faults |= FAULT_FWSPEC_MISSING;

	if (!fake_driver.attach_ret)
		d->np = to_of_node(fwspec_fwnode(dev));

	return fake_driver.attach_ret;
}

void fake_iommu_detach(struct iommu_domain *domain, struct device *dev)
{
}

int fake_iommu_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t paddr, size_t size)
{
	struct fake_domain *d = to_fake_domain(domain);
	unsigned long flags;
	int i, err = -ENOSPC;

	/* Whose IOMMU has gone gets no new mapping, and can undo those it has */
	if (d->np && !fake_iommu_find(d->np))
		return -ENODEV;

	spin_lock_irqsave(&d->lock, flags);
	for (i = 0; i < FAKE_DOMAIN_SLOTS; i++) {
		if (d->slot[i].size)
			continue;

		d->slot[i].iova = iova;
		d->slot[i].paddr = paddr;
		d->slot[i].size = size;
		fake_driver.mapped += iova_is_counted(iova);
		err = 0;
		break;
	}
	spin_unlock_irqrestore(&d->lock, flags);

	return err;
}

size_t fake_iommu_unmap(struct iommu_domain *domain, unsigned long iova,
			size_t size)
{
	struct fake_domain *d = to_fake_domain(domain);
	unsigned long flags;
	size_t unmapped = 0;
	int i;

	spin_lock_irqsave(&d->lock, flags);
	for (i = 0; i < FAKE_DOMAIN_SLOTS; i++) {
		if (!d->slot[i].size || d->slot[i].iova != iova)
			continue;

		unmapped = d->slot[i].size;
		d->slot[i].size = 0;
		fake_driver.mapped -= iova_is_counted(iova);
		break;
	}
	spin_unlock_irqrestore(&d->lock, flags);

	return unmapped;
}

phys_addr_t fake_iommu_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova)
{
	struct fake_domain *d = to_fake_domain(domain);
	phys_addr_t paddr = 0;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&d->lock, flags);
	for (i = 0; i < FAKE_DOMAIN_SLOTS; i++) {
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

struct fake_iommu *fake_iommu_find(struct device_node *np)
{
	struct fake_iommu *iommu, *found = NULL;

	spin_lock(&fake_iommus_lock);
	list_for_each_entry(iommu, &fake_iommus, node)
		if (iommu->np == np)
			found = iommu;
	spin_unlock(&fake_iommus_lock);

	return found;
}

static void fake_iommu_forget(struct fake_iommu *iommu)
{
	spin_lock(&fake_iommus_lock);
	list_del(&iommu->node);
	spin_unlock(&fake_iommus_lock);
}

/**
 * fake_iommu_register() - let the IOMMU core know an instance
 * @iommu: the instance; nothing happens if it is registered already
 *
 * Return: 0, or what the IOMMU core said.
 */
int fake_iommu_register(struct fake_iommu *iommu)
{
	int err;

	if (iommu->registered)
		return 0;

	spin_lock(&fake_iommus_lock);
	list_add(&iommu->node, &fake_iommus);
	spin_unlock(&fake_iommus_lock);

	err = fake_iommu_core_register(iommu);
	iommu->registered = !err;
	if (err)
		fake_iommu_forget(iommu);

	return err;
}

void fake_iommu_unregister(struct fake_iommu *iommu)
{
	if (!iommu->registered)
		return;

	fake_iommu_core_unregister(iommu);
	fake_iommu_forget(iommu);
	iommu->registered = false;
}
