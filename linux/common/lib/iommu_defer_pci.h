/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI functions for the IOMMU probe deferral tests: a host bridge whose config
 * space is a table, with one chain of bridges below it.
 */
#ifndef _LIB_IOMMU_DEFER_PCI_H
#define _LIB_IOMMU_DEFER_PCI_H

#include <linux/of.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

/* How a function is connected to its host bridge */
enum pci_path {
	ON_ROOT_BUS,
	BELOW_PORT,		/* a PCIe root port */
	BELOW_SWITCH,		/* root port, upstream and downstream port */
	BELOW_BRIDGE,		/* a conventional PCI bridge */
	BELOW_TWO_BRIDGES,	/* one behind the other */
	BELOW_PCIE_TO_PCI,	/* root port, PCIe-to-PCI bridge */
	BELOW_PCI_TO_PCIE,	/* the reverse bridge, on the root bus */
	QUIRK_ON_ROOT_BUS,	/* uses a second id, that of its function 1 */
	QUIRK_BELOW_PORT,
	QUIRK_BELOW_BRIDGE,
	TWO_BELOW_BRIDGE,	/* two functions that share the bridge's id */
	NR_PCI_PATHS,
};

#define TEST_PCI_DEPTH		4	/* the longest chain, function included */
#define TEST_PCI_CONFIG		0x80	/* bytes of config space that are used */
#define TEST_PCI_IDS		3	/* requester ids of one function at most */

/**
 * struct test_pci_ids - the ids that reach the host bridge from a function
 * @nr: how many
 * @id: from the function up, as pci_for_each_dma_alias() has them
 * @replaced: the first @replaced of them are not seen above the topmost bridge
 */
struct test_pci_ids {
	unsigned int nr;
	u16 id[TEST_PCI_IDS];
	unsigned int replaced;
};

extern const struct test_pci_ids test_pci_ids[NR_PCI_PATHS];

/**
 * struct test_pci_host - the host bridge
 * @np: its node
 * @path: what is connected to it
 * @pdev: the device that stands for it
 * @bus: its root bus
 * @config: config space of each bridge from above, then of the function
 * @function: the function, with a reference held
 * @other: the second one, or NULL
 */
struct test_pci_host {
	struct device_node *np;
	enum pci_path path;

	struct platform_device *pdev;
	struct pci_bus *bus;
	u8 config[TEST_PCI_DEPTH][TEST_PCI_CONFIG];
	struct pci_dev *function;
	struct pci_dev *other;
};

int test_pci_host_add(struct test_pci_host *host);
unsigned int test_pci_host_remove(struct test_pci_host *host);

#endif /* _LIB_IOMMU_DEFER_PCI_H */
