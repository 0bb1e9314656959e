// SPDX-License-Identifier: GPL-2.0
/*
 * Check what has become of the DMA masters of this machine: whether each of
 * them is translated by its IOMMU, goes without, or waits for it.
 *
 * The device tree says which IOMMUs a master has ("iommus" in its node, or
 * "iommu-map" in that of its PCI host bridge).  From there the contract is:
 *
 *	not available (status), or impossible to parse: the master is not
 *		translated, and does not wait
 *	available, but nothing drives it at the end of init: the same
 *	available and driven: translated, unless the driver turns the master
 *		down
 *	several IOMMUs: all of them or none
 *
 * What the kernel does not tell is called unknown, and skipped.  This file
 * fills a model of the machine from /proc and /sys, judge.h judges that.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "judge.h"

enum { MAX_FILE = 1 << 20 };	/* longer ones are cut */

/* What nftw() fills, as it has no argument for that */
static struct model machine;
static char base[PATH_MAX];

static void *check(void *memory)
{
	if (!memory) {
		puts("Bail out! out of memory");
		exit(KSFT_FAIL);
	}

	return memory;
}

static const char *join(char *path, const char *dir, const char *name)
{
	/* A path that is too long leads nowhere */
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
		say("%s: only %d bytes of it are read", path, MAX_FILE);
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
		say("%s is a symbolic link, not followed", path);
	if (type != FTW_D)
		return 0;

	machine.nodes = check(realloc(machine.nodes, sizeof(*np) *
				      (machine.nr_nodes + 1)));
	np = &machine.nodes[machine.nr_nodes++];
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
	np = bsearch(&key, machine.nodes, machine.nr_nodes, sizeof(*np),
		     compare_nodes);
	return np ? np - machine.nodes : -1;
}

/* Some drivers lend their node to devices below, which are no masters then */
static bool has_node_of_parent(const char *dir, int node)
{
	char path[PATH_MAX];

	snprintf(path, PATH_MAX, "%s", dir);
	while (cut(path))
		if (find_of_node(path) == node)
			return true;

	return false;
}

/* PCI Express ports pass on the ids of what is below them, bridges may not */
static bool is_pcie_port(const unsigned char *config, size_t len)
{
	size_t pos, hops;

	if (len < 64 || !(config[6] & 0x10))
		return false;

	pos = config[0x34] & ~3;
	for (hops = 0; pos >= 64 && pos + 3 < len && hops < 48; hops++) {
		if (config[pos] == 0x10)
			return config[pos + 2] >> 4 >= 4 &&
			       config[pos + 2] >> 4 <= 6;
		pos = config[pos + 1] & ~3;
	}

	return false;
}

/* DDDD:BB:DD.F to the requester id */
static bool parse_pci_name(const char *name, uint32_t *id)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	if (sscanf(name, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function,
		   &end) != 4 || name[end] || slot > 31 || function > 7)
		return false;

	*id = bus << 8 | slot << 3 | function;
	return true;
}

/* .../host bridge/pciDDDD:BB/bridges.../device */
static void read_pci_ids(struct device *dev, char *path)
{
	uint32_t id = 0, below;
	struct prop config;
	const char *name;

	dev->node = -1;
	if (!parse_pci_name(dev->name, &below))
		return;

	dev->ids[dev->nr_ids++] = below;
	cut(path);
	while ((name = strrchr(path, '/')) && parse_pci_name(name + 1, &id)) {
		config = read_file(path, "config");
		if (!is_pcie_port(config.data, config.len) &&
		    dev->nr_ids + 2 <= MAX_IDS) {
			dev->ids[dev->nr_ids++] = id;
			dev->ids[dev->nr_ids++] = below & 0xff00;
		}
		free(config.data);
		below = id;
		cut(path);
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
	read_line(dir, "waiting_for_supplier", dev.waits);
	join(group, dir, "iommu_group");
	read_line(group, "type", dev.group_type);
	read_line(group, "name", dev.group_name);

	dev.node = find_of_node(dir);
	if (dev.node >= 0 && !has_node_of_parent(dir, dev.node)) {
		memcpy(machine.nodes[dev.node].device, dev.name, NAME);
		memcpy(machine.nodes[dev.node].driver, dev.driver, NAME);
	} else {
		dev.node = -1;
	}

	if (dev.pci)
		read_pci_ids(&dev, dir);
	if (dev.node < 0 ||
	    !machine.nodes[dev.node].prop[dev.pci ? MAP : IOMMUS].data)
		return;

	machine.devices = check(realloc(machine.devices, sizeof(dev) *
					(machine.nr_devices + 1)));
	machine.devices[machine.nr_devices++] = dev;
}

/* Some IOMMUs are registered by code that is bound to no device */
static void add_registered(const char *link)
{
	char path[PATH_MAX];
	int node = find_of_node(join(path, link, "device"));

	if (node >= 0)
		machine.nodes[node].registered = true;
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

/* Kernels with modules wait for some time, from the last driver to come on */
static bool is_patient(const char *proc)
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

static bool read_machine(const char *root)
{
	char path[PATH_MAX];

	if (!realpath(join(path, root, "sys/firmware/devicetree/base"), base) &&
	    !realpath(join(path, root, "proc/device-tree"), base))
		return false;

	nftw(base, add_node, 16, FTW_PHYS);
	qsort(machine.nodes, machine.nr_nodes, sizeof(*machine.nodes),
	      compare_nodes);
	add_devices(root);
	join(path, root, "sys/kernel/debug");
	machine.deferred = (char *)read_file(path, "devices_deferred").data;
	machine.patient = is_patient(join(path, root, "proc"));
	return machine.nr_nodes;
}

static void free_model(struct model *model)
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

static int run(const char *root)
{
	int code = KSFT_SKIP;

	puts("TAP version 13");
	if (read_machine(root))
		code = report(&machine);
	else
		puts("1..0 # SKIP no device tree");

	free_model(&machine);
	return code;
}

/* In an initramfs of which this is the only file */
static int run_as_init(void)
{
	static const char * const mounts[][2] = {
		{ "devtmpfs", "/dev" }, { "proc", "/proc" }, { "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" }, { }
	};
	int i, fd, code;

	for (i = 0; mounts[i][0]; i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}

	/* Without a /dev/console in the initramfs nothing is open yet */
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0 && fcntl(STDOUT_FILENO, F_GETFD) < 0)
		dup2(fd, STDOUT_FILENO);

	code = run("");
	say("exit code %d", code);
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	return code;
}

static int help(FILE *where, int code)
{
	fputs("usage: iommu_defer [-v] [-r ROOT]\n"
	      "Checks whether each DMA master got what its IOMMUs in the device tree allow.\n"
	      "  -r ROOT  look at ROOT/proc and ROOT/sys\n"
	      "  -v       say what was looked at\n"
	      "  -h       this text\n"
	      "Exit codes: 0 pass, 1 fail, 2 wrong options, 4 nothing could be checked\n",
	      where);
	return code;
}

int main(int argc, char **argv)
{
	const char *root = "";
	int option;

	out = stdout;
	/* Options would be what the kernel has left of its command line */
	if (getpid() == 1)
		return run_as_init();

	while ((option = getopt(argc, argv, "hr:v")) >= 0) {
		if (option == 'h')
			return help(stdout, KSFT_PASS);
		if (option == '?')
			return help(stderr, USAGE);
		if (option == 'r')
			root = optarg;
		else
			verbose = true;
	}

	if (optind < argc) {
		fprintf(stderr, "iommu_defer: what is '%s'?\n", argv[optind]);
		return help(stderr, USAGE);
	}
	if (root[0] && access(root, X_OK)) {
		fprintf(stderr, "iommu_defer: no directory '%s'\n", root);
		return USAGE;
	}

	return run(root);
}
