// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions for the IOMMU probe deferral tests, see iommu_defer_pci.h.
 *
 * The PCI core scans the bus as it would any other: nothing here is a stand-in
 * for its objects, only the hardware is not there.
 */

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/pci_regs.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_pci.h"

#define TEST_PCI_VENDOR		0x1209	/* for prototypes: no quirk knows it */
#define TEST_PCI_DEVICE		0xd1fe
#define TEST_PCI_CAP		0x40

/* What a place in a chain is.  Those with an Express capability say its type. */
enum test_pci_kind {
	NO_DEVICE,
	FUNCTION,
	EXPRESS_FUNCTION,
	CONVENTIONAL_BRIDGE,
	ROOT_PORT,
	UPSTREAM_PORT,
	DOWNSTREAM_PORT,
	EXPRESS_TO_PCI,
	PCI_TO_EXPRESS,
};

struct test_pci_place {
	enum test_pci_kind kind;
	u8 devfn;
};

/**
 * struct test_pci_chain - the chain of a path, from the root bus down
 * @place: bridges, then the function
 * @alias: the function uses this id of its bus, too, if not 0
 * @functions: how many functions there are in the last place
 */
struct test_pci_chain {
	struct test_pci_place place[TEST_PCI_DEPTH];
	u8 alias;
	u8 functions;
};

static const struct test_pci_chain test_pci_chains[NR_PCI_PATHS] = {
	[ON_ROOT_BUS]		= { { { FUNCTION, 0x08 } } },
	[BELOW_PORT]		= { { { ROOT_PORT, 0x08 },
				      { EXPRESS_FUNCTION, 0x00 } } },
	[BELOW_SWITCH]		= { { { ROOT_PORT, 0x08 },
				      { UPSTREAM_PORT, 0x00 },
				      { DOWNSTREAM_PORT, 0x08 },
				      { EXPRESS_FUNCTION, 0x00 } } },
	[BELOW_BRIDGE]		= { { { CONVENTIONAL_BRIDGE, 0x08 },
				      { FUNCTION, 0x10 } } },
	[BELOW_TWO_BRIDGES]	= { { { CONVENTIONAL_BRIDGE, 0x08 },
				      { CONVENTIONAL_BRIDGE, 0x10 },
				      { FUNCTION, 0x18 } } },
	[BELOW_PCIE_TO_PCI]	= { { { ROOT_PORT, 0x08 },
				      { EXPRESS_TO_PCI, 0x00 },
				      { FUNCTION, 0x10 } } },
	[BELOW_PCI_TO_PCIE]	= { { { PCI_TO_EXPRESS, 0x08 },
				      { EXPRESS_FUNCTION, 0x00 } } },
	[QUIRK_ON_ROOT_BUS]	= { { { FUNCTION, 0x08 } }, .alias = 0x09 },
	[QUIRK_BELOW_PORT]	= { { { ROOT_PORT, 0x08 },
				      { EXPRESS_FUNCTION, 0x00 } },
				    .alias = 0x01 },
	[QUIRK_BELOW_BRIDGE]	= { { { CONVENTIONAL_BRIDGE, 0x08 },
				      { FUNCTION, 0x10 } }, .alias = 0x11 },
	[TWO_BELOW_BRIDGE]	= { { { CONVENTIONAL_BRIDGE, 0x08 },
				      { FUNCTION, 0x10 } }, .functions = 2 },
};

/*
 * By the PCI and PCI Express-to-PCI bridge specifications: a conventional bridge
 * sends its own id, a PCIe-to-PCI bridge that of device 0 on its secondary bus,
 * and the ports of PCIe leave the id alone.
 */
const struct test_pci_ids test_pci_ids[NR_PCI_PATHS] = {
	[ON_ROOT_BUS]		= { 1, { 0x008 } },
	[BELOW_PORT]		= { 1, { 0x100 } },
	[BELOW_SWITCH]		= { 1, { 0x300 } },
	[BELOW_BRIDGE]		= { 2, { 0x110, 0x008 }, 1 },
	[BELOW_TWO_BRIDGES]	= { 3, { 0x218, 0x110, 0x008 }, 2 },
	[BELOW_PCIE_TO_PCI]	= { 2, { 0x210, 0x200 }, 1 },
	[BELOW_PCI_TO_PCIE]	= { 2, { 0x100, 0x008 }, 1 },
	[QUIRK_ON_ROOT_BUS]	= { 2, { 0x008, 0x009 } },
	[QUIRK_BELOW_PORT]	= { 2, { 0x100, 0x101 } },
	[QUIRK_BELOW_BRIDGE]	= { 3, { 0x110, 0x111, 0x008 }, 2 },
	[TWO_BELOW_BRIDGE]	= { 2, { 0x110, 0x008 }, 1 },
};

static const struct test_pci_chain *test_pci_chain(struct test_pci_host *host)
{
	return &test_pci_chains[host->path];
}

/* Where in the chain the function is */
static int test_pci_last(struct test_pci_host *host)
{
	int i = 0;

	while (i + 1 < TEST_PCI_DEPTH &&
	       test_pci_chain(host)->place[i + 1].kind != NO_DEVICE)
		i++;

	return i;
}

/* Config space */

static int test_pci_express_type(enum test_pci_kind kind)
{
	switch (kind) {
	case EXPRESS_FUNCTION:
		return PCI_EXP_TYPE_ENDPOINT;
	case ROOT_PORT:
		return PCI_EXP_TYPE_ROOT_PORT;
	case UPSTREAM_PORT:
		return PCI_EXP_TYPE_UPSTREAM;
	case DOWNSTREAM_PORT:
		return PCI_EXP_TYPE_DOWNSTREAM;
	case EXPRESS_TO_PCI:
		return PCI_EXP_TYPE_PCI_BRIDGE;
	case PCI_TO_EXPRESS:
		return PCI_EXP_TYPE_PCIE_BRIDGE;
	default:
		return -1;
	}
}

static bool test_pci_is_bridge(enum test_pci_kind kind)
{
	return kind > EXPRESS_FUNCTION;
}

static void test_pci_put16(u8 *config, int where, u16 value)
{
	config[where] = value & 0xff;
	config[where + 1] = value >> 8;
}

/* Everything that isn't said here reads as zero: no BAR, no interrupt. */
static void test_pci_init_config(u8 *config, enum test_pci_kind kind)
{
	int type = test_pci_express_type(kind);

	memset(config, 0, TEST_PCI_CONFIG);
	test_pci_put16(config, PCI_VENDOR_ID, TEST_PCI_VENDOR);
	test_pci_put16(config, PCI_DEVICE_ID, TEST_PCI_DEVICE);
	if (test_pci_is_bridge(kind)) {
		config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
		test_pci_put16(config, PCI_CLASS_DEVICE, PCI_CLASS_BRIDGE_PCI);
	} else {
		test_pci_put16(config, PCI_CLASS_DEVICE, PCI_CLASS_OTHERS << 8);
	}

	if (type < 0)
		return;

	test_pci_put16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = TEST_PCI_CAP;
	config[TEST_PCI_CAP] = PCI_CAP_ID_EXP;
	test_pci_put16(config, TEST_PCI_CAP + PCI_EXP_FLAGS, 2 | type << 4);
}

/* The config space of what is at @devfn of @bus, or NULL */
static u8 *test_pci_find(struct pci_bus *bus, unsigned int devfn)
{
	struct test_pci_host *host = bus->sysdata;
	const struct test_pci_place *place;
	struct pci_bus *up;
	int depth = 0;

	for (up = bus; !pci_is_root_bus(up); up = up->parent)
		depth++;
	if (depth >= TEST_PCI_DEPTH)
		return NULL;

	place = &test_pci_chain(host)->place[depth];
	if (place->kind == NO_DEVICE)
		return NULL;
	if (devfn == place->devfn)
		return host->config[depth];
	if (!test_pci_is_bridge(place->kind) &&
	    test_pci_chain(host)->functions == 2 && devfn == place->devfn + 1)
		return host->config[depth];

	return NULL;
}

static int test_pci_read(struct pci_bus *bus, unsigned int devfn, int where,
			 int size, u32 *value)
{
	const u8 *config = test_pci_find(bus, devfn);
	int i;

	if (!config) {
		*value = ~0;
		return PCIBIOS_DEVICE_NOT_FOUND;
	}

	*value = 0;
	for (i = 0; i < size && where + i < TEST_PCI_CONFIG; i++)
		*value |= (u32)config[where + i] << (8 * i);

	return PCIBIOS_SUCCESSFUL;
}

/* Only the bus numbers of bridges can be written. */
static int test_pci_write(struct pci_bus *bus, unsigned int devfn, int where,
			  int size, u32 value)
{
	u8 *config = test_pci_find(bus, devfn);
	int i;

	if (!config)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if ((config[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_BRIDGE)
		return PCIBIOS_SUCCESSFUL;

	for (i = 0; i < size; i++)
		if (where + i >= PCI_PRIMARY_BUS &&
		    where + i <= PCI_SUBORDINATE_BUS)
			config[where + i] = value >> (8 * i);

	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops test_pci_ops = {
	.read = test_pci_read,
	.write = test_pci_write,
};

/* The host bridge */

static struct pci_dev *test_pci_get(struct test_pci_host *host,
				    unsigned int function)
{
	const struct test_pci_place *place = test_pci_chain(host)->place;
	struct pci_bus *bus = host->bus;
	int last = test_pci_last(host), i;

	for (i = 0; i < last; i++)
		bus = pci_find_bus(pci_domain_nr(bus), bus->number + 1);

	return bus ? pci_get_slot(bus, place[last].devfn + function) : NULL;
}

static int test_pci_scan(struct test_pci_host *host)
{
	LIST_HEAD(windows);

	pci_lock_rescan_remove();
	host->bus = pci_scan_root_bus(&host->pdev->dev, 0, &test_pci_ops, host,
				      &windows);
	pci_unlock_rescan_remove();
	if (!host->bus)
		return -ENOMEM;

	host->function = test_pci_get(host, 0);
	if (test_pci_chain(host)->functions == 2)
		host->other = test_pci_get(host, 1);
	if (!host->function ||
	    (test_pci_chain(host)->functions == 2 && !host->other))
		return -ENODEV;

	/* The ids of the table are right if the bridges got these numbers */
	if (PCI_DEVID(host->function->bus->number, host->function->devfn) !=
	    test_pci_ids[host->path].id[0])
		return -ENXIO;

	if (test_pci_chain(host)->alias)
		add_dma_alias(host->function, test_pci_chain(host)->alias);

	return 0;
}

/**
 * test_pci_host_add() - let the PCI core find the functions of a path
 * @host: @np and @path say what is wanted; @np is attached, and has a number of
 *	its own in "linux,pci-domain"
 *
 * Return: 0 or an errno.  test_pci_host_remove() undoes it, also after an error.
 */
int test_pci_host_add(struct test_pci_host *host)
{
	int last = test_pci_last(host), i, err;

	for (i = 0; i <= last; i++)
		test_pci_init_config(host->config[i],
				     test_pci_chain(host)->place[i].kind);
	if (test_pci_chain(host)->functions == 2)
		host->config[last][PCI_HEADER_TYPE] |= 0x80;

	host->pdev = platform_device_alloc("iommu-defer-pci",
					   PLATFORM_DEVID_AUTO);
	if (!host->pdev)
		return -ENOMEM;

	host->pdev->dev.of_node = of_node_get(host->np);
	err = platform_device_add(host->pdev);
	if (err) {
		platform_device_put(host->pdev);
		host->pdev = NULL;
		return err;
	}

	return test_pci_scan(host);
}

/* Since v5.8 whoever has made a host bridge has the last reference to it, too */
static void test_pci_remove_root_bus(struct pci_bus *bus)
{
	struct device *bridge = get_device(bus->bridge);

	pci_lock_rescan_remove();
	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	pci_unlock_rescan_remove();
	if (kref_read(&bridge->kobj.kref) > 1)
		put_device(bridge);
	put_device(bridge);
}

static unsigned int test_pci_forget(struct pci_dev *function)
{
	return function ? forget_failed_attempt(&function->dev) : 0;
}

/* Return: a set of FAULT_*: what attempts have left behind. */
unsigned int test_pci_host_remove(struct test_pci_host *host)
{
	unsigned int faults;

	faults = test_pci_forget(host->function) | test_pci_forget(host->other);
	pci_dev_put(host->other);
	pci_dev_put(host->function);
	if (host->bus)
		test_pci_remove_root_bus(host->bus);
	if (host->pdev)
		platform_device_unregister(host->pdev);

	host->other = NULL;
	host->function = NULL;
	host->bus = NULL;
	host->pdev = NULL;
	return faults;
}
