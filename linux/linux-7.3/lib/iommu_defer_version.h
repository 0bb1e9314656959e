/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the IOMMU probe deferral tests ask of the kernel in ways that differ
 * between kernel versions: here, as linux-7.3 answers.
 */
#ifndef _LIB_IOMMU_DEFER_VERSION_H
#define _LIB_IOMMU_DEFER_VERSION_H

#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/jump_label.h>
#include <linux/kallsyms.h>
#include <linux/of.h>
#include <linux/of_iommu.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "../drivers/iommu/iommu-priv.h"
#include "iommu_defer.h"

/*
 * One attempt, by the function that the whole series is about.  Its caller
 * takes every error but deferral to mean that the master goes without.
 */
static inline enum attempt_result try_configure(struct device *dev,
						struct device_node *np)
{
	int err = of_iommu_configure(dev, np, NULL);

	if (err)
		return err == -EPROBE_DEFER ? DEFERRED : UNTRANSLATED;

	return TRANSLATED;
}

/* The fwspec names the IOMMU, and the core finds the ops behind that name. */
static inline const struct iommu_ops *fwspec_ops(struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);

	return fwspec ? iommu_fwspec_ops(fwspec) : NULL;
}

/* A fwspec as an IOMMU driver makes it that doesn't need of_iommu_configure() */
static inline int third_party_fwspec(struct device *dev,
				     struct fwnode_handle *fwnode)
{
	int err;

	mutex_lock(&iommu_probe_device_lock);
	err = iommu_fwspec_init(dev, fwnode);
	mutex_unlock(&iommu_probe_device_lock);

	return err;
}

static inline void free_third_party_fwspec(struct device *dev)
{
	iommu_fwspec_free(dev);
}

/*
 * A registration that is still giving groups their domains has masters deferred
 * for that moment, see iommu_device_use_default_domain().  Try again, as the
 * deferred queue does, for a second at most.
 */
static inline int attach_driver(struct device *dev)
{
	int i, ret = device_attach(dev);

	for (i = 0; ret == -EPROBE_DEFER && i < HZ; i++) {
		schedule_timeout_uninterruptible(1);
		ret = device_attach(dev);
	}

	return ret;
}

#ifdef CONFIG_ARM
#include <asm/dma-iommu.h>

/*
 * DMA ops map a physical address, not a page: this is the shape of a callback
 * that fails whatever it is given.
 */
#define map_page	map_phys
#define boot_table_map(dev, page, offset, size, dir, attrs) \
	boot_table_map(dev, phys_addr_t phys, size, dir, attrs)

/* The ops of IOMMUs are static, so tell them by the name of a callback. */
static inline bool has_iommu_dma_ops(struct device *dev)
{
	char name[KSYM_SYMBOL_LEN];

	if (!dev->dma_ops)
		return false;

	snprintf(name, sizeof(name), "%ps", dev->dma_ops->map_phys);
	return !strcmp(name, "arm_iommu_map_phys");
}

/* The ops of dma-direct are NULL. */
static inline bool has_direct_dma_ops(struct device *dev)
{
	return !dev->dma_ops;
}

/* Whether there is an IOMMU to attach to is what the group says. */
static inline void setup_dma_ops(struct device *dev, bool translated)
{
	arch_setup_dma_ops(dev, false);
}

/* A mapping is made for a device, which must have an IOMMU. */
static inline struct dma_iommu_mapping *create_mapping_for(struct device *dev,
							   dma_addr_t base,
							   u64 size)
{
	return arm_iommu_create_mapping(dev, base, size);
}
#else
/* No ops at all any more: a flag sends the DMA API to the IOMMU. */
static inline bool has_iommu_dma_ops(struct device *dev)
{
	return use_dma_iommu(dev);
}

static inline bool has_direct_dma_ops(struct device *dev)
{
	return !use_dma_iommu(dev);
}
#endif

#define MATCH_DRIVER		const struct device_driver

/* No bus has ops any more: what counts is who serves a device of it. */
static inline int iommu_served(struct device *dev, void *data)
{
	return dev->iommu && dev->iommu->iommu_dev;
}

static inline bool iommu_present(const struct bus_type *bus)
{
	return bus_for_each_dev(bus, NULL, NULL, iommu_served);
}

/* An IOMMU that registers takes the masters that have no driver. */
#define IOMMU_TAKES_IDLE_MASTERS

/* A device that is removed takes what an attempt has left of it along. */
static inline unsigned int forget_failed_attempt(struct device *dev)
{
	return 0;
}

/* A bus that doesn't say how wide its addresses are is warned of: as / has it. */
static inline int attach_node_with_cells(struct device_node *np)
{
	int err = 0;

	if (of_property_present(np, "dma-ranges") &&
	    !of_property_present(np, "#address-cells"))
		err = test_node_set_u32(np, "#address-cells", 2) ?:
		      test_node_set_u32(np, "#size-cells", 2);

	return err ?: of_attach_node(np);
}

#define of_attach_node		attach_node_with_cells

/* Where IOMMUs register all the time, the one of a new master may be at it. */
static inline void await_own_iommu(struct device *dev)
{
	struct device_node *np = of_parse_phandle(dev->of_node, "iommus", 0);
	struct test_master *data = dev->platform_data;

	if (data && !data->attempts && fake_iommu_find(np))
		attach_driver(dev);
	of_node_put(np);
}

/* A platform device that goes puts its fwnode, and no other node. */
static inline int add_device_with_fwnode(struct platform_device *pdev)
{
	int err;

	device_set_node(&pdev->dev, dev_fwnode(&pdev->dev));
	err = platform_device_add(pdev);
	if (!err && fake_driver.sleeps)
		await_own_iommu(&pdev->dev);

	return err;
}

#define platform_device_add	add_device_with_fwnode

#ifdef CONFIG_JUMP_LABEL

/* A sum of the kernel's code, without the words that static keys change. */
static inline u32 sum_of_code(const unsigned char *code, size_t size)
{
	const u32 *word = (const u32 *)code;
	struct jump_entry *entry;
	unsigned long i;
	u32 sum = 0;

	for (i = 0; i < size / sizeof(u32); i++)
		sum += word[i] * (2 * i + 1);

	for (entry = __start___jump_table; entry < __stop___jump_table; entry++) {
		i = (jump_entry_code(entry) - (unsigned long)code) / sizeof(u32);
		if (i < size / sizeof(u32))
			sum -= word[i] * (2 * i + 1);
	}

	return sum;
}

#undef crc32
#define crc32(seed, code, size)	sum_of_code(code, size)
#endif

/* Domains are for devices, not for buses: for domain_alloc_for() */
#define iommu_domain_alloc(bus)	iommu_paging_domain_alloc(dev)

#endif /* _LIB_IOMMU_DEFER_VERSION_H */
