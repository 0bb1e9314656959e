/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as linux-6.1 answers.
 */
#ifndef _LIB_IOMMU_DEFER_COMPAT_H
#define _LIB_IOMMU_DEFER_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/kallsyms.h>
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
	const struct iommu_ops *ops = of_iommu_configure(dev, np, NULL);

	if (IS_ERR(ops))
		return PTR_ERR(ops) == -EPROBE_DEFER ? DEFERRED : FAILS;

	return ops ? TRANSLATED : UNTRANSLATED;
}

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

static inline const struct iommu_ops *fwspec_ops(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? fwspec->ops : NULL;
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

/* A fwspec as an IOMMU driver makes it that doesn't need of_iommu_configure() */
static inline int third_party_fwspec(struct device *dev,
				     struct fwnode_handle *fwnode)
{
	return iommu_fwspec_init(dev, fwnode, iommu_ops_from_fwnode(fwnode));
}

/* No IOMMU has probed the device, and its release would oops for that. */
static inline void free_third_party_fwspec(struct device *dev)
{
	iommu_fwspec_free(dev);
	kfree(dev->iommu);
	dev->iommu = NULL;
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

/* The ops of IOMMUs are static, so tell them by the name of a callback. */
static inline bool has_iommu_dma_ops(struct device *dev)
{
	char name[KSYM_SYMBOL_LEN];

	if (!dev->dma_ops)
		return false;

	snprintf(name, sizeof(name), "%ps", dev->dma_ops->map_page);
	return !strcmp(name, IS_ENABLED(CONFIG_ARM) ? "arm_iommu_map_page" :
						      "iommu_dma_map_page");
}

/* The ops of dma-direct are NULL. */
static inline bool has_direct_dma_ops(struct device *dev)
{
	return !dev->dma_ops;
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>

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
	struct dma_iommu_mapping *mapping = to_dma_iommu_mapping(dev);

	arm_iommu_detach_device(dev);
	arm_iommu_release_mapping(mapping);
}
#else
static inline bool has_dma_mapping(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type & __IOMMU_DOMAIN_DMA_API;
}
#endif

static inline bool init_has_ended(struct device *dev)
{
	return driver_deferred_probe_check_state(dev) != -EPROBE_DEFER;
}

#define MATCH_DRIVER		struct device_driver

static inline int test_bus_configure_dma(struct device *dev)
{
	return configure_dma(dev, dev->of_node);
}

#define TEST_BUS_CONFIGURES_DMA	.dma_configure = test_bus_configure_dma,

/*
 * A struct dev_iommu that a failed attempt left behind makes the removal of the
 * device an oops, in iommu_release_device().  Report that instead.
 */
static inline unsigned int forget_failed_attempt(struct device *dev)
{
	if (!dev->iommu || dev->iommu->iommu_dev)
		return 0;

	dev->iommu = NULL;
	return FAULT_FWSPEC_LEFT;
}

#ifdef CONFIG_PCI
static inline void add_dma_alias(struct pci_dev *pdev, u8 devfn)
{
	pci_add_dma_alias(pdev, devfn, 1);
}
#endif

#endif /* _LIB_IOMMU_DEFER_COMPAT_H */
