// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "tap.h"

enum { MAX_FILE = 1 << 20 };	/* longer ones are cut */

/* Device/port types of the PCI Express capability */
enum { ROOT_PORT = 4, DOWNSTREAM_PORT = 6, PCI_BRIDGE, PCIE_BRIDGE };

/* A bridge without that capability, and one that can't be told */
enum { CONVENTIONAL = -1, UNKNOWN = -2 };

static const char * const prop_names[PROPS] = {
	[STATUS] = "status",
	[CELLS] = "#iommu-cells",
	[IOMMUS] = "iommus",
	[MAP] = "iommu-map",
	[MASK] = "iommu-map-mask",
	[LEGACY] = "mmu-masters",
	[PHANDLE] = "phandle",
	[OLD_PHANDLE] = "linux,phandle",
};

/* What nftw() fills, as it has no argument for that */
static struct model *machine;
static char base[PATH_MAX];

uint32_t cell(const struct prop *prop, size_t n)
{
	const unsigned char *p = prop->data + 4 * n;

	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void *check(void *memory)
{
	if (!memory) {
		puts("Bail out! out of memory");
		exit(EXIT_FAIL);
	}

	return memory;
}

static const char *join(char *path, const char *dir, const char *name)
{
	/* A path that is too long leads nowhere. */
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		path[0] = 0;

	return path;
}

/* Cut off the last part, and return it */
static const char *cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return NULL;

	*slash = 0;
	return slash + 1;
}

/* Without data if it can't be read, else with a 0 behind the data */
static struct prop read_file(const char *dir, const char *name)
{
	struct prop prop = {};
	char path[PATH_MAX];
	FILE *file;

	file = fopen(join(path, dir, name), "r");
	if (!file)
		return prop;

	prop.data = check(malloc(MAX_FILE + 1));
	prop.len = fread(prop.data, 1, MAX_FILE, file);
	prop.data[prop.len] = 0;
	if (prop.len == MAX_FILE)
		tap_note("%s: only the first %d bytes are read", path, MAX_FILE);
	if (ferror(file)) {
		free(prop.data);
		prop = (struct prop) {};
	} else {
		prop.data = check(realloc(prop.data, prop.len + 1));
	}
	fclose(file);
	return prop;
}

static void read_line(const char *dir, const char *name, char *line)
{
	struct prop file = read_file(dir, name);

	line[0] = 0;
	if (file.data)
		snprintf(line, NAME, "%.*s",
			 (int)strcspn((char *)file.data, "\n"), file.data);
	free(file.data);
}

/* The last part of what a symbolic link in sysfs leads to */
static void read_link(const char *dir, const char *name, char *target)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len = readlink(join(path, dir, name), link, PATH_MAX - 1);

	target[0] = 0;
	if (len < 0)
		return;

	link[len] = 0;
	snprintf(target, NAME, "%s", cut(link) ?: "?");
}

static int add_node(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	struct node *np;
	int i;

	if (type == FTW_SL)
		tap_note("%s is a symbolic link, not followed", path);
	if (type != FTW_D)
		return 0;

	machine->nodes = check(realloc(machine->nodes, sizeof(*np) *
				       (machine->nr_nodes + 1)));
	np = &machine->nodes[machine->nr_nodes++];
	memset(np, 0, sizeof(*np));
	path += strlen(base);
	np->path = check(strdup(path[0] ? path : "/"));
	for (i = 0; i < PROPS; i++)
		np->prop[i] = read_file(path - strlen(base), prop_names[i]);

	for (i = PHANDLE; i <= OLD_PHANDLE && !np->phandle; i++)
		if (np->prop[i].len >= 4)
			np->phandle = cell(&np->prop[i], 0);
	return 0;
}

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path,
		      ((const struct node *)b)->path);
}

static int find_of_node(const char *dir)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct node key = { .path = "/" }, *np;
	size_t len = strlen(base);

	if (!realpath(join(path, dir, "of_node"), target) ||
	    strncmp(target, base, len))
		return -1;

	if (target[len])
		key.path = target + len;
	np = bsearch(&key, machine->nodes, machine->nr_nodes, sizeof(*np),
		     compare_nodes);
	return np ? np - machine->nodes : -1;
}

/* Some drivers lend their node to devices below, which are no masters then. */
static bool has_node_of_parent(const char *dir, int node)
{
	char path[PATH_MAX];

	snprintf(path, PATH_MAX, "%s", dir);
	while (cut(path))
		if (find_of_node(path) == node)
			return true;

	return false;
}

/* The type of a device: CONVENTIONAL is one without that capability */
int pcie_type(const unsigned char *config, size_t len)
{
	size_t pos, hops;
	int type;

	/* Only root can read beyond the header. */
	if (len < 64 || (config[6] & 0x10 && len < 256))
		return UNKNOWN;
	if (!(config[6] & 0x10))
		return CONVENTIONAL;

	pos = config[0x34] & ~3;
	for (hops = 0; pos >= 64 && pos + 3 < len && hops < 48; hops++) {
		type = config[pos + 2] >> 4;
		if (config[pos] == 0x10)
			return type < ROOT_PORT || type > PCIE_BRIDGE ?
			       UNKNOWN : type;
		pos = config[pos + 1] & ~3;
	}

	return pos ? UNKNOWN : CONVENTIONAL;
}

/* DDDD:BB:DD.F to the requester id */
bool parse_pci_name(const char *name, uint32_t *id)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	if (sscanf(name, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function,
		   &end) != 4 || name[end] || slot > 31 || function > 7)
		return false;

	*id = bus << 8 | slot << 3 | function;
	return true;
}

static void add_id(struct device *dev, uint32_t id, bool sure)
{
	/* The last one matters most. */
	if (dev->nr_ids == MAX_IDS)
		dev->nr_ids--;

	dev->ids[dev->nr_ids++] = (struct requester_id) {
		.id = id, .sure = sure, .may_be_last = true,
	};
}

/*
 * As pci_for_each_dma_alias() does it: BRIDGE is the id of a bridge, BUS that of
 * device 0 on the bus below it.
 */
static void add_bridge(struct device *dev, int type, bool on_root_bus,
		       uint32_t bridge, uint32_t bus)
{
	int i;

	if (type >= ROOT_PORT && type <= DOWNSTREAM_PORT)
		return;

	/* It replaces the id of what is below it. */
	for (i = 0; type != UNKNOWN && i < dev->nr_ids; i++)
		dev->ids[i].may_be_last = false;

	if (type == PCI_BRIDGE) {
		add_id(dev, bus, true);
	} else if (type == PCIE_BRIDGE ||
		   (type == CONVENTIONAL && on_root_bus)) {
		add_id(dev, bridge, true);
	} else {
		/* One below a port may send either, as quirks say. */
		add_id(dev, bridge, false);
		add_id(dev, bus, false);
	}
}

/* .../host bridge/pciDDDD:BB/bridges.../device */
static void read_pci_ids(struct device *dev, char *path)
{
	uint32_t below, bridge, above;
	struct prop config;
	const char *name;
	int type;

	dev->node = -1;
	if (!parse_pci_name(dev->name, &below))
		return;

	add_id(dev, below, true);
	cut(path);
	while ((name = strrchr(path, '/')) && parse_pci_name(name + 1, &bridge)) {
		config = read_file(path, "config");
		type = pcie_type(config.data, config.len);
		free(config.data);
		cut(path);
		name = strrchr(path, '/');
		add_bridge(dev, type,
			   !name || !parse_pci_name(name + 1, &above), bridge,
			   below & 0xff00);
		below = bridge;
	}

	name = cut(path);
	if (name && !strncmp(name, "pci", 3))
		dev->node = find_of_node(path);
}

static void add_device(const char *link)
{
	struct device dev = { .pci = strstr(link, "/sys/bus/pci/devices/") };
	char dir[PATH_MAX], group[PATH_MAX];

	if (!realpath(link, dir))
		return;

	snprintf(dev.name, NAME, "%s", strrchr(link, '/') + 1);
	read_link(dir, "driver", dev.driver);
	read_link(dir, "iommu_group", dev.group);
	read_line(dir, "waiting_for_supplier", dev.waiting);
	join(group, dir, "iommu_group");
	read_line(group, "type", dev.group_type);
	read_line(group, "name", dev.group_name);

	dev.node = find_of_node(dir);
	if (dev.node >= 0 && !has_node_of_parent(dir, dev.node)) {
		memcpy(machine->nodes[dev.node].device, dev.name, NAME);
		memcpy(machine->nodes[dev.node].driver, dev.driver, NAME);
	} else {
		dev.node = -1;
	}

	if (dev.pci)
		read_pci_ids(&dev, dir);
	if (dev.node < 0 ||
	    !machine->nodes[dev.node].prop[dev.pci ? MAP : IOMMUS].data)
		return;

	machine->devices = check(realloc(machine->devices, sizeof(dev) *
					 (machine->nr_devices + 1)));
	machine->devices[machine->nr_devices++] = dev;
}

/* Some IOMMUs are registered by code that is bound to no device. */
static void add_registered(const char *link)
{
	char path[PATH_MAX];
	int node = find_of_node(join(path, link, "device"));

	if (node >= 0)
		machine->nodes[node].registered = true;
}

static void add_devices(const char *root)
{
	char path[PATH_MAX];
	glob_t found;
	size_t i;

	join(path, root, "sys/{bus/*/devices,class/iommu}/*");
	if (glob(path, GLOB_BRACE, NULL, &found))
		return;

	for (i = 0; i < found.gl_pathc; i++) {
		if (strstr(found.gl_pathv[i], "/sys/class/iommu/"))
			add_registered(found.gl_pathv[i]);
		else
			add_device(found.gl_pathv[i]);
	}
	globfree(&found);
}

/* Kernels with modules defer for some time after the last driver has come. */
static bool modules_may_load(const char *proc)
{
	static const char option[] = "deferred_probe_timeout=";
	char path[PATH_MAX], uptime[NAME];
	struct prop cmdline = read_file(proc, "cmdline");
	int timeout = 30;
	char *at;

	at = cmdline.data ? strstr((char *)cmdline.data, option) : NULL;
	if (at)
		timeout = atoi(at + strlen(option));
	free(cmdline.data);

	read_line(proc, "uptime", uptime);
	return !access(join(path, proc, "modules"), F_OK) &&
	       (timeout < 0 || atol(uptime) < timeout + 30L);
}

bool read_model(struct model *model, const char *root)
{
	char path[PATH_MAX];

	if (!realpath(join(path, root, "sys/firmware/devicetree/base"), base) &&
	    !realpath(join(path, root, "proc/device-tree"), base))
		return false;

	machine = model;
	nftw(base, add_node, 16, FTW_PHYS);
	qsort(model->nodes, model->nr_nodes, sizeof(*model->nodes),
	      compare_nodes);
	add_devices(root);
	join(path, root, "sys/kernel/debug");
	model->deferred = (char *)read_file(path, "devices_deferred").data;
	model->modules_may_load = modules_may_load(join(path, root, "proc"));
	return model->nr_nodes;
}

void free_model(struct model *model)
{
	int i, j;

	for (i = 0; i < model->nr_nodes; i++) {
		free(model->nodes[i].path);
		for (j = 0; j < PROPS; j++)
			free(model->nodes[i].prop[j].data);
	}
	free(model->nodes);
	free(model->devices);
	free(model->deferred);
	memset(model, 0, sizeof(*model));
}
