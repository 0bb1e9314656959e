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
enum attempt_result {
	NOT_RUN,		/* no attempt was made */
	UNTRANSLATED,		/* the driver is probed, without an IOMMU */
	DEFERRED,		/* -EPROBE_DEFER */
	TRANSLATED,		/* the driver is probed, behind the IOMMU */
	FAILS,			/* any other error: the probe fails */
	AS_DRIVERLESS,		/* in tables only: defer_base.driverless */
};

const char *attempt_result_name(enum attempt_result result);

/**
 * struct defer_base - what this kernel decides or does in a way of its own
 * @driverless: result for an IOMMU without a driver before the end of init
 * @iommu_may_unregister: an IOMMU may unregister while masters are bound
 * @detach_frees_mapping: the mapping of arch_setup_dma_ops() goes with detach
 * @has_dma_range_map: a bus offset is memory, which a failed attempt must free
 * @asks_unregistered: IOMMU drivers are asked for a device that isn't registered
 * @one_driver: the IOMMU core takes one driver only, with one set of callbacks
 * @no_xlate_is_silent: nothing is said of an IOMMU driver without of_xlate
 * @configures_any_bus: the driver core configures DMA of devices on all buses
 */
struct defer_base {
	enum attempt_result driverless;
	bool iommu_may_unregister;
	bool detach_frees_mapping;
	bool has_dma_range_map;
	bool asks_unregistered;
	bool one_driver;
	bool no_xlate_is_silent;
	bool configures_any_bus;
};

extern const struct defer_base defer_base;

/*
 * What was found broken, as a set.  Callbacks and checks record, the test
 * thread judges.  The numbers are those of the invariants they belong to.
 */
#define FAULT_FWSPEC_LEFT	BIT(0)	/* C50, C52: failed, fwspec stayed */
#define FAULT_FWSPEC_MISSING	BIT(1)	/* C52: success without fwspec */
#define FAULT_GROUP_LEFT	BIT(2)	/* C50: failed, group stayed */
#define FAULT_NO_MAPPING	BIT(3)	/* C53: IOMMU ops, no mapping */
#define FAULT_LIVE_UNDER_DIRECT	BIT(4)	/* C53: translates, direct ops */
#define FAULT_NODE_REFS		BIT(5)	/* C54: of_node count is off */
#define FAULT_GROUP_LEAK	BIT(6)	/* C54: group outlives device */
#define FAULT_DOMAIN_LEAK	BIT(7)	/* C54: domain outlives device */
#define FAULT_CALL_ORDER	BIT(8)	/* C50: add_device, no of_xlate */
#define FAULT_STILL_MAPPED	BIT(9)	/* C54: domain freed under memory */
#define FAULT_DIRECT_OPS	BIT(10)	/* C53: fwspec, but direct ops */
#define FAULT_CALLS		BIT(11)	/* C13: number of of_xlate calls */

/* Enough for the names of all faults */
#define FAULT_NAMES_SIZE	192

const char *fault_names(unsigned int faults, char *buf, size_t size);

/* Macros, so that a failure is reported with the line of the caller */
#define EXPECT_RESULT(test, got, want)					\
do {									\
	enum attempt_result __got = (got), __want = (want);		\
									\
	KUNIT_EXPECT_EQ_MSG(test, __got, __want,			\
			    "got \"%s\", wanted \"%s\"",		\
			    attempt_result_name(__got),			\
			    attempt_result_name(__want));		\
} while (0)

#define EXPECT_NO_FAULTS(test, faults)					\
do {									\
	char __names[FAULT_NAMES_SIZE];					\
	unsigned int __faults = (faults);				\
									\
	KUNIT_EXPECT_EQ_MSG(test, __faults, 0U, "broken: %s",		\
			    fault_names(__faults, __names,		\
					sizeof(__names)));		\
} while (0)

#define FAKE_DRIVER_IDS		4

/**
 * struct fake_driver - the fake IOMMU driver, as seen by a test
 * @xlate_ret: what of_xlate returns
 * @xlate_ok: how many calls of of_xlate succeed all the same, before that
 * @one_instance: of_xlate refuses a second IOMMU for the same master
 * @add_ret: what add_device (probe_device on newer kernels) returns
 * @attach_ret: what attach_dev returns
 * @no_domains: the driver has no IOMMU domain left to give
 * @sleeps: of_xlate and add_device sleep first, so that others have their turn
 * @xlate_calls: calls of of_xlate
 * @id: first cell of the specifier in each of the first of these calls
 * @add_calls: calls of add_device for a master of this driver
 * @groups: IOMMU groups that are alive
 * @domains: IOMMU domains that are alive
 * @mapped: pages that are mapped in any of them, bus address 0 aside
 * @faults: what the callbacks found broken
 */
struct fake_driver {
	int xlate_ret;
	unsigned int xlate_ok;
	bool one_instance;
	int add_ret;
	int attach_ret;
	bool no_domains;
	bool sleeps;
	unsigned int xlate_calls;
	u32 id[FAKE_DRIVER_IDS];
	unsigned int add_calls;
	int groups;
	int domains;
	int mapped;
	unsigned int faults;
};

extern struct fake_driver fake_driver;

/* Never called, only recognised: the ops of somebody else. */
extern const struct dma_map_ops third_party_dma_ops;

void fake_driver_reset(void);
void fake_driver_sleep(void);

/* The callbacks that are the same on every base. */
int fake_iommu_xlate(struct device *dev, struct of_phandle_args *args);
int fake_iommu_add_device(struct device *dev);
struct iommu_group *fake_iommu_group(struct device *dev);
struct iommu_domain *fake_iommu_domain_alloc(unsigned int type);
void fake_iommu_domain_free(struct iommu_domain *domain);
int fake_iommu_attach(struct iommu_domain *domain, struct device *dev);
void fake_iommu_detach(struct iommu_domain *domain, struct device *dev);
int fake_iommu_map(struct iommu_domain *domain, unsigned long iova,
		   phys_addr_t paddr, size_t size);
size_t fake_iommu_unmap(struct iommu_domain *domain, unsigned long iova,
			size_t size);
phys_addr_t fake_iommu_iova_to_phys(struct iommu_domain *domain,
				    dma_addr_t iova);

/**
 * struct fake_iommu - one instance of the fake IOMMU
 * @np: its device node
 * @phandle: of that node
 * @iommu: its handle in the IOMMU core
 * @hwdev: the device that stands for it, where the core wants one
 * @node: entry in the list of registered instances
 * @other_driver: it has another driver than all the others
 * @no_xlate: its driver has no of_xlate callback
 * @registered: whether the IOMMU core knows it
 */
struct fake_iommu {
	struct device_node *np;
	u32 phandle;
	struct iommu_device iommu;
	struct device *hwdev;
	struct list_head node;
	bool other_driver;
	bool no_xlate;
	bool registered;
};

struct fake_iommu *fake_iommu_find(struct device_node *np);
int fake_iommu_register(struct fake_iommu *iommu);
void fake_iommu_unregister(struct fake_iommu *iommu);

/* Where an instance is told to the core: these differ between bases. */
int fake_iommu_core_register(struct fake_iommu *iommu);
void fake_iommu_core_unregister(struct fake_iommu *iommu);

/* Device nodes below /iommu-defer; properties first, then attach. */
u32 test_new_phandle(void);
struct device_node *test_node_alloc(const char *name);
struct device_node *test_node_alloc_below(struct device_node *parent,
					  const char *name);
int test_node_set(struct device_node *np, const char *name, const void *value,
		  int length);
int test_node_set_u32(struct device_node *np, const char *name, u32 value);
int test_node_attach(struct device_node *np);
unsigned int test_node_remove(struct device_node *np);

/* Masters and their driver, on the bus that the fake IOMMU serves. */
#define TEST_MASTER_NAME	"iommu-defer-master"

/**
 * struct test_master - what its driver does to a master, and sees of it
 * @deferrals: how often the driver defers for reasons of its own
 * @managed: the driver allocates a DMA buffer that devres is to free
 * @wide: the driver says that the master can address 64 bits
 * @configure_np: the driver has the DMA of its device configured by this node
 * @attach: what the driver does with the DMA of its device in the end, or NULL
 * @attempts: how often the driver has been called
 * @result: whether the last attempt found the master translated
 * @reaches: whether a buffer mapped by the last attempt resolved to itself
 * @offset: of the bus addresses that the last attempt found
 * @faults: what was broken when the driver was called
 * @attempted: completed by each attempt
 */
struct test_master {
	unsigned int deferrals;
	bool managed;
	bool wide;
	struct device_node *configure_np;
	int (*attach)(struct device *dev);

	unsigned int attempts;
	enum attempt_result result;
	bool reaches;
	u64 offset;
	unsigned int faults;
	struct completion attempted;
};

/* A master without data has no driver, and never probes. */
struct device *test_master_add(struct device_node *np, void *data);
unsigned int test_master_remove(struct device *dev);

/* The two halves of test_master_add(): before join, it is on no bus. */
struct device *test_master_alloc(struct device_node *np, void *data);
int test_master_join(struct device *dev);

/* In between: its bus is set, but it isn't on it. */
void test_master_set_bus(struct device *dev);

int test_master_probe(struct device *dev);
bool test_master_bound(struct device *dev);

/* What a specifier of a master names */
enum iommu_state {
	NONE,			/* there is no such specifier */
	DISABLED,		/* status = "disabled" */
	DISABLED_DRIVERLESS,
	DISABLED_REGISTERED,
	FAILED,			/* status = "fail" */
	DRIVERLESS,		/* the kernel has no driver for it */
	PENDING,		/* not registered: not probed, deferring, failed */
	PENDING_OKAY,		/* the same, with status = "okay" */
	READY,			/* registered */
	READY_OKAY,		/* the same, with status = "okay" */
	READY_OTHER_DRIVER,	/* registered by another driver */
	NO_XLATE,		/* registered by a driver without of_xlate */
	SAME_AGAIN,		/* what the first specifier names */
	DANGLING,		/* a phandle that no node has */
	TOO_SHORT,		/* fewer cells than #iommu-cells says */
	NO_CELLS,		/* the node has no #iommu-cells */
	ZERO_CELLS,		/* #iommu-cells = <0>, its driver takes 1 or 2 */
	WRONG_CELLS,		/* #iommu-cells = <3> */
	EMPTY_ENTRY,		/* a phandle of 0 */
};

#define TOPOLOGY_IOMMUS		3

/**
 * struct test_topology - a master and the IOMMUs that it names
 * @state: what each specifier names, up to NONE; none at all: no "iommus"
 * @bus_offset: the master is on a bus where address 0 is this one of the CPU's
 * @iommu: the IOMMU of each specifier, where it has one of its own
 * @bus_np: the node of that bus, or NULL
 * @master_np: the node of the master
 * @master: the master
 */
struct test_topology {
	enum iommu_state state[TOPOLOGY_IOMMUS];
	u32 bus_offset;

	struct fake_iommu iommu[TOPOLOGY_IOMMUS];
	struct device_node *bus_np;
	struct device_node *master_np;
	struct device *master;
};

/* Declared by IOMMU_OF_DECLARE() where that exists, or by nobody. */
#define COMPATIBLE_DECLARED	"iommu-defer,declared"
#define COMPATIBLE_DRIVERLESS	"iommu-defer,driverless"

void test_topology_init(struct test_topology *topology);
int test_topology_build(struct test_topology *topology);
int test_topology_register_ready(struct test_topology *topology);
int test_topology_make_ready(struct test_topology *topology);
unsigned int test_topology_destroy(struct test_topology *topology);

unsigned int check_invariants(struct device *dev, enum attempt_result result);
bool is_translated(struct device *dev);
bool dma_reaches_buffer(struct device *dev);

/* How many lines of the log are about a device; log level info and above */
void test_log_watch(struct device *dev);
unsigned int test_log_lines(void);

/* Whether a scenario is booted; if not, the fake IOMMU is in charge */
bool booted_scenario(void);

/* Whether a suite doesn't run in this boot */
bool suite_is_off(const char *suite);

#endif /* _LIB_IOMMU_DEFER_H */
