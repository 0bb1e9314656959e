// SPDX-License-Identifier: GPL-2.0
/*
 * The fake IOMMU driver of the IOMMU probe deferral tests: what is the same on
 * every kernel.  See iommu_defer.h.
 */

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"

struct defer_fake defer_fake = { .has_xlate = true };

static LIST_HEAD(defer_iommus);
static DEFINE_SPINLOCK(defer_iommus_lock);

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
	defer_fake.xlate_good = 0;
	defer_fake.add_ret = 0;
	defer_fake.attach_ret = 0;
	defer_fake.no_domains = false;
	defer_fake.slow = false;
	defer_fake.xlate_calls = 0;
	defer_fake.add_calls = 0;
	defer_fake.faults = 0;
}

/* A driver may sleep wherever it is called, and others then get to run. */
void defer_fake_dawdle(void)
{
	if (defer_fake.slow)
		schedule_timeout_uninterruptible(1);
}

int defer_fake_xlate(struct device *dev, struct of_phandle_args *args)
{
	defer_fake_dawdle();
	if (defer_fake.xlate_calls++ >= defer_fake.xlate_good &&
	    defer_fake.xlate_ret)
		return defer_fake.xlate_ret;

	return iommu_fwspec_add_ids(dev, args->args, 1);
}

/* Common part of add_device and probe_device, for masters of this driver. */
int defer_fake_add(struct device *dev)
{
	defer_fake_dawdle();
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

	if (defer_fake.no_domains || !defer_domain_type_ok(type))
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
