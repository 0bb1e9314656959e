/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixture of the IOMMU probe deferral tests: device nodes made at run time, a
 * fake IOMMU driver behind the real core, masters on a bus, and one function
 * that checks what must hold after every attempt to configure a master.
 *
 * Nothing here needs a struct kunit: what happens before the end of init is
 * recorded by initcalls, long before KUnit runs, and only judged by the tests.
 */
#ifndef _LIB_IOMMU_DEFER_H
#define _LIB_IOMMU_DEFER_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/of.h>

/* What an attempt to configure a master came to. */
enum defer_result {
	DEFER_NOT_RUN,		/* no attempt was made */
	DEFER_NO_IOMMU,		/* go ahead, without translation */
	DEFER_WAIT,		/* -EPROBE_DEFER */
	DEFER_OPS,		/* go ahead, translated */
	DEFER_ERROR,		/* any other error: the probe would fail */
};

const char *defer_result_name(enum defer_result result);

/*
 * What was found broken, as a set.  Callbacks and checks record, the test
 * thread judges.  The numbers are those of the invariants they belong to.
 */
#define DEFER_FAULT_FWSPEC_LEFT		BIT(0)	/* 1, 2: failed, fwspec stayed */
#define DEFER_FAULT_FWSPEC_MISSING	BIT(1)	/* 2: success without fwspec */
#define DEFER_FAULT_GROUP_LEFT		BIT(2)	/* 1: failed, group stayed */
#define DEFER_FAULT_NO_MAPPING		BIT(3)	/* 3: IOMMU ops, no mapping */
#define DEFER_FAULT_LIVE_UNDER_DIRECT	BIT(4)	/* 3: translates, direct ops */
#define DEFER_FAULT_NODE_REFS		BIT(5)	/* 4: of_node count is off */
#define DEFER_FAULT_GROUP_LEAK		BIT(6)	/* 4: group outlives device */
#define DEFER_FAULT_DOMAIN_LEAK		BIT(7)	/* 4: domain outlives device */
#define DEFER_FAULT_CALL_ORDER		BIT(8)	/* 1: add_device, no of_xlate */
#define DEFER_FAULT_STILL_MAPPED	BIT(9)	/* 4: domain freed under memory */
#define DEFER_FAULT_DIRECT_OPS		BIT(10)	/* 3: fwspec, but direct ops */

#define DEFER_FAULT_NAMES_SIZE		176

const char *defer_fault_names(unsigned int faults, char *buf, size_t size);

/**
 * struct defer_fake - the fake IOMMU driver, as seen by a test
 * @has_xlate: whether the driver has an of_xlate callback at all
 * @xlate_ret: what of_xlate returns
 * @xlate_good: how many calls of of_xlate succeed all the same, before that
 * @add_ret: what add_device (probe_device on newer kernels) returns
 * @attach_ret: what attach_dev returns
 * @no_domains: the driver has no IOMMU domain left to give
 * @slow: of_xlate and add_device sleep first, so that others have their turn
 * @xlate_calls: calls of of_xlate
 * @add_calls: calls of add_device for a master of this driver
 * @groups: IOMMU groups that are alive
 * @domains: IOMMU domains that are alive
 * @mapped: pages that are mapped in any of them, bus address 0 aside
 * @faults: what the callbacks found broken
 */
struct defer_fake {
	bool has_xlate;
	int xlate_ret;
	unsigned int xlate_good;
	int add_ret;
	int attach_ret;
	bool no_domains;
	bool slow;
	unsigned int xlate_calls;
	unsigned int add_calls;
	int groups;
	int domains;
	int mapped;
	unsigned int faults;
};

extern struct defer_fake defer_fake;

/* Never called, only recognised: the ops of somebody else. */
extern const struct dma_map_ops defer_foreign_ops;

void defer_fake_reset(void);
void defer_fake_dawdle(void);

/* The callbacks that are the same on every base. */
int defer_fake_xlate(struct device *dev, struct of_phandle_args *args);
int defer_fake_add(struct device *dev);
struct iommu_group *defer_fake_group(struct device *dev);
struct iommu_domain *defer_fake_domain_alloc(unsigned int type);
void defer_fake_domain_free(struct iommu_domain *domain);
int defer_fake_attach(struct iommu_domain *domain, struct device *dev);
void defer_fake_detach(struct iommu_domain *domain, struct device *dev);
int defer_fake_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t paddr, size_t size);
size_t defer_fake_unmap(struct iommu_domain *domain, unsigned long iova,
			size_t size);
phys_addr_t defer_fake_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova);

/**
 * struct defer_iommu - one instance of the fake IOMMU
 * @np: its device node
 * @iommu: its handle in the IOMMU core
 * @hwdev: the device that stands for it, where the core wants one
 * @node: entry in the list of registered instances
 * @other: it has another driver than all the others
 * @registered: whether the IOMMU core knows it
 */
struct defer_iommu {
	struct device_node *np;
	struct iommu_device iommu;
	struct device *hwdev;
	struct list_head node;
	bool other;
	bool registered;
};

struct defer_iommu *defer_iommu_find(struct device_node *np);
int defer_iommu_register(struct defer_iommu *iommu);
void defer_iommu_unregister(struct defer_iommu *iommu);

/* Where an instance is told to the core: these differ between bases. */
int defer_iommu_core_register(struct defer_iommu *iommu);
void defer_iommu_core_unregister(struct defer_iommu *iommu);

/* Device nodes below /iommu-defer; properties first, then attach. */
u32 defer_new_phandle(void);
struct device_node *defer_node_alloc(const char *name);
struct device_node *defer_node_alloc_below(struct device_node *parent,
					   const char *name);
int defer_node_set(struct device_node *np, const char *name, const void *value,
		   int length);
int defer_node_set_u32(struct device_node *np, const char *name, u32 value);
int defer_node_attach(struct device_node *np);
unsigned int defer_node_remove(struct device_node *np);

/* Masters and their driver, on the bus that the fake IOMMU serves. */
#define DEFER_MASTER_NAME	"iommu-defer-master"

/**
 * struct defer_master - what its driver does to a master, and sees of it
 * @defer_times: how often the driver defers for reasons of its own
 * @managed: the driver allocates a DMA buffer that devres is to free
 * @wide: the driver says that the master can address 64 bits
 * @again: the driver has the DMA of its device configured once more
 * @attach: what the driver does with the DMA of its device in the end, or NULL
 * @attempts: how often the driver has been called
 * @result: whether the last attempt found the master behind its IOMMU
 * @reaches: whether a buffer mapped by the last attempt resolved to itself
 * @offset: of the bus addresses that the last attempt found
 * @faults: what was broken when the driver was called
 * @attempted: completed by each attempt
 */
struct defer_master {
	unsigned int defer_times;
	bool managed;
	bool wide;
	bool again;
	int (*attach)(struct device *dev);

	unsigned int attempts;
	enum defer_result result;
	bool reaches;
	u64 offset;
	unsigned int faults;
	struct completion attempted;
};

/* A master without data has no driver, and never probes. */
struct device *defer_master_add(struct device_node *np, void *data);
unsigned int defer_master_remove(struct device *dev);

/* The two halves of defer_master_add(): before join, it is on no bus. */
struct device *defer_master_alloc(struct device_node *np, void *data);
int defer_master_join(struct device *dev);

int defer_master_probe(struct device *dev);
bool defer_master_bound(struct device *dev);

/**
 * struct defer_scene - an IOMMU and a master that names it
 * @compatible: of the IOMMU node
 * @status: of the IOMMU node; NULL: the property is absent
 * @iommu_cells: value of #iommu-cells; negative: the property is absent
 * @specifier_cells: cells behind the phandle in iommus; negative: no iommus
 * @dangling: the phandle leads nowhere
 * @also: a scene that has been built, whose IOMMU the master names as well, or
 *	NULL; the specifier is as said in that scene, and so is what follows
 * @bus_offset: the master is on a bus where address 0 is this one of the CPU's
 * @phandle: of the IOMMU node
 * @iommu: the IOMMU
 * @bus_np: the node of that bus, or NULL
 * @master_np: the node of the master
 * @master: the master
 */
struct defer_scene {
	const char *compatible;
	const char *status;
	int iommu_cells;
	int specifier_cells;
	bool dangling;
	const struct defer_scene *also;
	u32 bus_offset;

	u32 phandle;
	struct defer_iommu iommu;
	struct device_node *bus_np;
	struct device_node *master_np;
	struct device *master;
};

/* Declared by IOMMU_OF_DECLARE() where that exists, or by nobody. */
#define DEFER_DECLARED		"iommu-defer,declared"
#define DEFER_DRIVERLESS	"iommu-defer,driverless"

void defer_scene_init(struct defer_scene *scene);
int defer_scene_build(struct defer_scene *scene);
unsigned int defer_scene_destroy(struct defer_scene *scene);

unsigned int defer_invariants(struct device *dev, enum defer_result result);
bool defer_translates(struct device *dev);
bool defer_dma_resolves(struct device *dev);
bool defer_dma_reaches(struct device *dev);

/* The name of the booted scenario, or NULL: then the fake IOMMU is in charge */
const char *defer_scenario(void);

#endif /* _LIB_IOMMU_DEFER_H */
