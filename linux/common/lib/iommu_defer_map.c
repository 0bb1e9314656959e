// SPDX-License-Identifier: GPL-2.0
/*
 * How a row of the "iommu-map" table is put to the kernel, see iommu_defer_map.h.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "iommu_defer.h"
#include "iommu_defer_compat.h"
#include "iommu_defer_map.h"

/* No host bridge of a machine has this one. */
#define MAP_PCI_DOMAIN		0x0d1e

/**
 * struct map_test - everything that an attempt needs
 * @iommus: the IOMMUs; the master in there names them, and nobody looks at it
 * @host: the host bridge
 */
struct map_test {
	struct test_topology iommus;
	struct test_pci_host host;
};

/* Setting up */

static u32 map_phandle(struct map_test *map, const struct map_input *input,
		       unsigned int iommu)
{
	if (input->state[iommu] == DANGLING)
		return test_new_phandle();

	return map->iommus.iommu[iommu].phandle;
}

static int map_set_property(struct map_test *map, const struct map_input *input)
{
	const struct map_entry *entry;
	__be32 cells[4 * MAP_ENTRIES];
	int n = 0;

	if (input->form == MAP_ABSENT)
		return 0;

	for (entry = input->entry;
	     entry < input->entry + MAP_ENTRIES && entry->length; entry++) {
		cells[n++] = cpu_to_be32(entry->id);
		cells[n++] = cpu_to_be32(map_phandle(map, input, entry->iommu));
		cells[n++] = cpu_to_be32(MAP_STREAM(entry->iommu, entry->id));
		cells[n++] = cpu_to_be32(entry->length);
	}
	if (input->form == MAP_EMPTY)
		n = 0;
	if (input->form == MAP_BAD_LENGTH)
		n--;

	return test_node_set(map->host.np, "iommu-map", cells,
			     n * sizeof(*cells));
}

static int map_build_host(struct map_test *map, const struct map_input *input)
{
	struct device_node *np;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "pci@%x", test_new_phandle());
	np = test_node_alloc(name);
	if (!np)
		return -ENOMEM;

	map->host.np = np;
	err = map_set_property(map, input) ?:
	      test_node_set_u32(np, "linux,pci-domain", MAP_PCI_DOMAIN);
	if (!err && input->mask)
		err = test_node_set_u32(np, "iommu-map-mask", input->mask);
	if (!err)
		err = test_node_attach(np);
	if (err) {
		of_node_put(np);
		map->host.np = NULL;
		return err;
	}

	map->host.path = input->path;
	return test_pci_host_add(&map->host);
}

static int map_build(struct map_test *map, const struct map_input *input)
{
	int i, err;

	test_topology_init(&map->iommus);
	for (i = 0; i < MAP_IOMMUS; i++) {
		map->iommus.state[i] = input->state[i];
		/* The node of another phandle: nobody finds it */
		if (input->state[i] == DANGLING || input->state[i] == NONE)
			map->iommus.state[i] = DISABLED;
	}

	err = test_topology_build(&map->iommus) ?:
	      test_topology_register_ready(&map->iommus);
	return err ?: map_build_host(map, input);
}

static unsigned int map_destroy(struct map_test *map)
{
	unsigned int faults;

	faults = test_pci_host_remove(&map->host);
	faults |= test_node_remove(map->host.np);
	return faults | test_topology_destroy(&map->iommus);
}

/* Attempts */

static void map_copy_asked(struct map_asked *asked)
{
	unsigned int i;

	asked->nr = fake_driver.xlate_calls;
	for (i = 0; i < TEST_PCI_IDS && i < asked->nr; i++)
		asked->stream[i] = fake_driver.id[i];
}

static enum attempt_result map_attempt(struct map_test *map, attempt_fn attempt,
				       struct pci_dev *function,
				       unsigned int *faults)
{
	struct device *dev = &function->dev;
	enum attempt_result result;

	result = attempt(dev, map->host.np);
	*faults |= check_invariants(dev, result) | fake_driver.faults;
	return result;
}

static void map_set_answer(const struct map_answer *answer)
{
	fake_driver_reset();
	fake_driver.xlate_ret = answer->xlate;
	fake_driver.xlate_ok = answer->xlate_ok;
	fake_driver.add_ret = answer->add;
	fake_driver.one_instance = answer->one_instance;
}

static void map_attempts(struct map_test *map, const struct map_answer *answer,
			 attempt_fn attempt, struct map_outcome *out)
{
	struct pci_dev *function = map->host.function;

	map_set_answer(answer);
	test_log_watch(&function->dev);
	out->first = map_attempt(map, attempt, function, &out->faults);
	out->said = test_log_lines();
	map_copy_asked(&out->asked);

	if (map->host.other) {
		map_set_answer(answer);
		out->other = map_attempt(map, attempt, map->host.other,
					 &out->faults);
		map_copy_asked(&out->other_asked);
	}

	fake_driver_reset();
	out->err = test_topology_make_ready(&map->iommus);
	if (out->err)
		return;

	out->next = map_attempt(map, attempt, function, &out->faults);
	map_copy_asked(&out->next_asked);
	out->again = map_attempt(map, attempt, function, &out->faults);
	if (fake_driver.xlate_calls != out->next_asked.nr)
		out->faults |= FAULT_CALL_ORDER;
}

/**
 * map_input_run() - put a function and a map to the kernel
 * @input: the map
 * @answer: what the driver of the IOMMUs answers at first
 * @attempt: how an attempt to configure the function is made
 * @out: what became of it
 *
 * Called by initcalls as well, hence no struct kunit.  The function has no
 * driver: nothing but @attempt ever touches it.
 */
void map_input_run(const struct map_input *input,
		   const struct map_answer *answer, attempt_fn attempt,
		   struct map_outcome *out)
{
	int groups = fake_driver.groups, domains = fake_driver.domains;
	struct map_test *map;

	memset(out, 0, sizeof(*out));
	map = kzalloc(sizeof(*map), GFP_KERNEL);
	if (!map) {
		out->err = -ENOMEM;
		return;
	}

	fake_driver_reset();
	out->err = map_build(map, input);
	if (!out->err)
		map_attempts(map, answer, attempt, out);

	fake_driver_reset();
	out->faults |= map_destroy(map) | fake_driver.faults;
	if (fake_driver.groups != groups)
		out->faults |= FAULT_GROUP_LEAK;
	if (fake_driver.domains != domains)
		out->faults |= FAULT_DOMAIN_LEAK;
	kfree(map);
}

void map_case_run(const struct map_case *row, attempt_fn attempt,
		  struct map_outcome *out)
{
	map_input_run(&row->input, &row->answer, attempt, out);
}
