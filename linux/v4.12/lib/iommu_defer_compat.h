/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as v4.12 answers.
 */
#ifndef _LIB_IOMMU_DEFER_COMPAT_H
#define _LIB_IOMMU_DEFER_COMPAT_H

#include <linux/dma-iommu.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/of_device.h>
#include <linux/of_iommu.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "iommu_defer.h"

/* One attempt, by the function that the whole series is about. */
static inline enum attempt_result try_configure(struct device *dev,
						struct device_node *np)
{
	const struct iommu_ops *ops = of_iommu_configure(dev, np);

	if (IS_ERR(ops))
		return PTR_ERR(ops) == -EPROBE_DEFER ? DEFERRED : FAILS;

	return ops ? TRANSLATED : UNTRANSLATED;
}

/* The same with the DMA ops, as the driver core does before each probe. */
static inline int configure_dma(struct device *dev, struct device_node *np)
{
	return of_dma_configure(dev, np);
}

/* What the driver core does when a probe has failed, and after unbinding. */
static inline void deconfigure_dma(struct device *dev)
{
	of_dma_deconfigure(dev);
}

/* Whoever sees no group calls add_device, and there is no lock to wait for. */
static inline int probe_by_core(struct device *dev)
{
	return try_configure(dev, dev->of_node) == TRANSLATED ? 0 : -ENODEV;
}

static inline const struct iommu_ops *fwspec_ops(struct device *dev)
{
	return dev->iommu_fwspec ? dev->iommu_fwspec->ops : NULL;
}

static inline unsigned int fwspec_num_ids(struct device *dev)
{
	return dev->iommu_fwspec ? dev->iommu_fwspec->num_ids : 0;
}

static inline struct fwnode_handle *fwspec_fwnode(struct device *dev)
{
	return dev->iommu_fwspec ? dev->iommu_fwspec->iommu_fwnode : NULL;
}

/* A fwspec as an IOMMU driver makes it that doesn't need of_iommu_configure() */
static inline int third_party_fwspec(struct device *dev,
				     struct fwnode_handle *fwnode)
{
	return iommu_fwspec_init(dev, fwnode, iommu_ops_from_fwnode(fwnode));
}

static inline void free_third_party_fwspec(struct device *dev)
{
	iommu_fwspec_free(dev);
}

/* How far the bus addresses of a master are from the CPU's */
static inline u64 dma_offset(struct device *dev)
{
	return (u64)dev->dma_pfn_offset << PAGE_SHIFT;
}

/* An offset is no memory that a failed attempt could leak. */
static inline bool has_dma_range_map(struct device *dev)
{
	return false;
}

/* full_name is the whole path here. */
static inline char *node_full_name(struct device_node *parent, const char *name)
{
	return kasprintf(GFP_KERNEL, "%s/%s",
			 parent->parent ? parent->full_name : "", name);
}

/* of_detach_node() drops the first reference, so have one more. */
static inline void node_hold_attached(struct device_node *np)
{
	of_node_get(np);
}

static inline bool domain_type_ok(unsigned int type)
{
	return type == IOMMU_DOMAIN_UNMANAGED || type == IOMMU_DOMAIN_DMA;
}

/* The cookie is the driver's to get; there is none without IOMMU_DMA. */
static inline int domain_init(struct iommu_domain *domain, unsigned int type)
{
	return type == IOMMU_DOMAIN_DMA ? iommu_get_dma_cookie(domain) : 0;
}

static inline void domain_exit(struct iommu_domain *domain)
{
	iommu_put_dma_cookie(domain);
}

/* The domain that translates the DMA of @dev, or NULL: passthrough has one, too */
static inline struct iommu_domain *translating_domain(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_PAGING ? domain : NULL;
}

/* Have a driver probe @dev: 1 if it is bound then. */
static inline int attach_driver(struct device *dev)
{
	return device_attach(dev);
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>
#include <asm/dma-mapping.h>

extern const struct dma_map_ops iommu_ops;
extern const struct dma_map_ops iommu_coherent_ops;

static inline bool has_iommu_dma_ops(struct device *dev)
{
	return dev->dma_ops == &iommu_ops ||
	       dev->dma_ops == &iommu_coherent_ops;
}

static inline bool has_direct_dma_ops(struct device *dev)
{
	return dev->dma_ops == &arm_dma_ops ||
	       dev->dma_ops == &arm_coherent_dma_ops;
}

static inline bool has_dma_mapping(struct device *dev)
{
	return to_dma_iommu_mapping(dev);
}

static inline void setup_dma_ops(struct device *dev, bool translated)
{
	arch_setup_dma_ops(dev, SZ_1G, SZ_64M,
			   translated ? fwspec_ops(dev) : NULL, false);
}

/* A mapping that suits the bus of @dev */
static inline struct dma_iommu_mapping *create_mapping_for(struct device *dev,
							   dma_addr_t base,
							   u64 size)
{
	return arm_iommu_create_mapping(dev->bus, base, size);
}

/* How a driver gets rid of the mapping that arch_setup_dma_ops() made. */
static inline void drop_arch_mapping(struct device *dev)
{
	arm_iommu_detach_device(dev);
}
#else
static inline bool has_iommu_dma_ops(struct device *dev)
{
	return dev->dma_ops &&
	       dev->dma_ops->map_resource == iommu_dma_map_resource;
}

static inline bool has_dma_mapping(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type == IOMMU_DOMAIN_DMA;
}
#endif

/*
 * Part of iommu/of's fixes, so it may be missing: then waiting ends when all
 * initcalls are over.
 */
extern int driver_deferred_probe_check_state(struct device *dev) __weak;

static inline bool init_has_ended(struct device *dev)
{
	if (driver_deferred_probe_check_state)
		return driver_deferred_probe_check_state(dev) != -EPROBE_DEFER;

	return system_state > SYSTEM_BOOTING;
}

#define MATCH_DRIVER		struct device_driver

/* The driver core does so for every bus. */
#define TEST_BUS_CONFIGURES_DMA

/* A device that is removed takes what an attempt has left of it along. */
static inline unsigned int forget_failed_attempt(struct device *dev)
{
	return 0;
}

#ifdef CONFIG_PCI
static inline void add_dma_alias(struct pci_dev *pdev, u8 devfn)
{
	pci_add_dma_alias(pdev, devfn);
}
#endif

/* Whoever attaches a domain of his own does just that.  D25: arm64 lets him. */
static inline int claim_dma(struct device *dev)
{
	return IS_ENABLED(CONFIG_ARM) ? 0 : -EOPNOTSUPP;
}

static inline void release_dma(struct device *dev)
{
}

/* A domain that isn't the DMA API's */
static inline struct iommu_domain *domain_alloc_for(struct device *dev)
{
	return iommu_domain_alloc(dev->bus);
}

/* A probe's handler that has changed where to go on sees to the rest, too. */
#define KPROBE_SKIPS()		reset_current_kprobe()

#endif /* _LIB_IOMMU_DEFER_COMPAT_H */
