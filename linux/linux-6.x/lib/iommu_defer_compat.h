/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as all of Linux 6 answers.  What not all of it
 * answers alike is in iommu_defer_version.h.
 */
#ifndef _LIB_IOMMU_DEFER_COMPAT_H
#define _LIB_IOMMU_DEFER_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/of_device.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "iommu_defer.h"
#include "iommu_defer_version.h"

/* The ops that the core shall have of an IOMMU, in iommu_defer_fake_core.c */
const struct iommu_ops *fake_ops_of(struct fake_iommu *iommu);

/* The same with the DMA ops, as the driver core does before each probe. */
static inline int configure_dma(struct device *dev, struct device_node *np)
{
	return of_dma_configure(dev, np, true);
}

/* What the driver core does when a probe has failed, and after unbinding. */
static inline void deconfigure_dma(struct device *dev)
{
	kfree(dev->dma_range_map);
	dev->dma_range_map = NULL;
	arch_teardown_dma_ops(dev);
}

/* What a thread does that has seen no group, and then waits for a lock */
static inline int probe_by_core(struct device *dev)
{
	return iommu_probe_device(dev);
}

static inline unsigned int fwspec_num_ids(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->num_ids : 0;
}

static inline struct fwnode_handle *fwspec_fwnode(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->iommu_fwnode : NULL;
}

/* How far the bus addresses of a master are from the CPU's */
static inline u64 dma_offset(struct device *dev)
{
	const struct bus_dma_region *map = dev->dma_range_map;

	return map ? map->cpu_start - map->dma_start : 0;
}

/* The map of addresses is memory that a failed attempt has to free. */
static inline bool has_dma_range_map(struct device *dev)
{
	return dev->dma_range_map;
}

/* full_name is the last component only. */
static inline char *node_full_name(struct device_node *parent, const char *name)
{
	return kstrdup(name, GFP_KERNEL);
}

/* of_attach_node() takes a reference of its own. */
static inline void node_hold_attached(struct device_node *np)
{
}

static inline bool domain_type_ok(unsigned int type)
{
	if (type & __IOMMU_DOMAIN_DMA_API)
		return IS_ENABLED(CONFIG_IOMMU_DMA);

	return type == IOMMU_DOMAIN_UNMANAGED;
}

/* The cookie is the core's business. */
static inline int domain_init(struct iommu_domain *domain, unsigned int type)
{
	return 0;
}

static inline void domain_exit(struct iommu_domain *domain)
{
}

/*
 * The domain that translates the DMA of @dev, or NULL: one of type identity, as
 * for passthrough or on ARM before a mapping is attached, doesn't
 */
static inline struct iommu_domain *translating_domain(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_PAGING ? domain : NULL;
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>

static inline bool has_dma_mapping(struct device *dev)
{
	return to_dma_iommu_mapping(dev);
}

/* How a driver gets rid of the mapping that arch_setup_dma_ops() made. */
static inline void drop_arch_mapping(struct device *dev)
{
	struct dma_iommu_mapping *mapping = to_dma_iommu_mapping(dev);

	arm_iommu_detach_device(dev);
	arm_iommu_release_mapping(mapping);
}
#else
static inline bool has_dma_mapping(struct device *dev)
{
	struct iommu_domain *domain = translating_domain(dev);

	return domain && domain->type & __IOMMU_DOMAIN_DMA_API;
}
#endif

static inline bool init_has_ended(struct device *dev)
{
	return driver_deferred_probe_check_state(dev) != -EPROBE_DEFER;
}

static inline int test_bus_configure_dma(struct device *dev)
{
	return configure_dma(dev, dev->of_node);
}

#define TEST_BUS_CONFIGURES_DMA	.dma_configure = test_bus_configure_dma,

#ifdef CONFIG_PCI
static inline void add_dma_alias(struct pci_dev *pdev, u8 devfn)
{
	pci_add_dma_alias(pdev, devfn, 1);
}
#endif

/* Whoever attaches a domain of his own has to be the owner, as VFIO is. */
static inline int claim_dma(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	int err = iommu_group_claim_dma_owner(group, dev);

	iommu_group_put(group);
	return err;
}

static inline void release_dma(struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);

	iommu_group_release_dma_owner(group);
	iommu_group_put(group);
}

/* A domain that isn't the DMA API's */
static inline struct iommu_domain *domain_alloc_for(struct device *dev)
{
	return iommu_domain_alloc(dev->bus);
}

/* A probe's handler that has changed where to go on need do nothing else. */
#define KPROBE_SKIPS()		do { } while (0)

#endif /* _LIB_IOMMU_DEFER_COMPAT_H */
