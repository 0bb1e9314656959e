/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of the machine: the nodes of its device tree, and what the kernel
 * tells of the devices that have an IOMMU there.
 */
#ifndef IOMMU_DEFER_MODEL_H
#define IOMMU_DEFER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NAME = 64,
	TEXT = 512,
	MAX_IDS = 16,		/* requester ids of one PCI device */
};

enum { STATUS, CELLS, IOMMUS, MAP, MASK, LEGACY, PHANDLE, OLD_PHANDLE, PROPS };

struct prop {
	unsigned char *data;	/* NULL if the node has no such property */
	size_t len;
};

struct node {
	char *path;
	struct prop prop[PROPS];
	uint32_t phandle;
	char device[NAME];	/* the device of this node, and its driver */
	char driver[NAME];
	bool registered;	/* in /sys/class/iommu */
	bool malformed;		/* which has been printed */
};

/* An id under which the DMA of a PCI device may reach the IOMMU */
struct requester_id {
	uint32_t id;
	bool sure;		/* the kernel certainly looks for it */
	bool may_be_last;	/* no bridge above certainly replaces it */
};

struct device {
	char name[NAME];
	int node;		/* its own, or its host bridge's if it is PCI */
	bool pci;
	struct requester_id ids[MAX_IDS];	/* its own first */
	int nr_ids;
	char driver[NAME];
	char group[NAME];
	char group_type[NAME];
	char group_name[NAME];
	char waiting[NAME];	/* waiting_for_supplier */
};

struct model {
	struct node *nodes;
	int nr_nodes;
	struct device *devices;
	int nr_devices;
	char *deferred;		/* debugfs' list, NULL if it can't be read */
	bool modules_may_load;	/* and the kernel may still wait for them */
};

uint32_t cell(const struct prop *prop, size_t n);
bool read_model(struct model *model, const char *root);
void free_model(struct model *model);

/* For the tests */
bool parse_pci_name(const char *name, uint32_t *id);
int pcie_type(const unsigned char *config, size_t len);

#endif
