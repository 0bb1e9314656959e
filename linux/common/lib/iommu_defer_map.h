/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decision table for "iommu-map": what becomes of a PCI function, by how it
 * is connected to its host bridge, by the map in the node of that bridge, and by
 * the state of the IOMMUs in that map.
 */
#ifndef _LIB_IOMMU_DEFER_MAP_H
#define _LIB_IOMMU_DEFER_MAP_H

#include <linux/types.h>

#include "iommu_defer.h"
#include "iommu_defer_case.h"
#include "iommu_defer_pci.h"

#define MAP_IOMMUS		2
#define MAP_ENTRIES		4

/* An entry of the map: @length ids from @id on go to an IOMMU. */
struct map_entry {
	u16 id;
	u16 length;
	u8 iommu;
};

/* What is the matter with the map as a whole */
enum map_form {
	MAP_GOOD,
	MAP_ABSENT,		/* no such property */
	MAP_EMPTY,		/* a property without a value */
	MAP_BAD_LENGTH,		/* its last entry lacks a cell */
};

/* What the log says of the function in an attempt; other lines aren't counted */
enum map_said {
	SAID_ANY,
	SAID_NOTHING,
	SAID_ONCE,
};

/*
 * An IOMMU is asked for a stream id that tells which IOMMU it is and which
 * requester id it is for.
 */
#define MAP_STREAM(iommu, id)	(((iommu) ? 0xb0000 : 0xa0000) + (id))

/**
 * struct map_input - a map, and who is in it
 * @path: how the function is connected
 * @entry: the map, up to the first entry without a length
 * @form: what is the matter with it
 * @mask: "iommu-map-mask", or 0: the property is absent
 * @state: of each IOMMU; NONE: it isn't there
 */
struct map_input {
	enum pci_path path;
	struct map_entry entry[MAP_ENTRIES];
	enum map_form form;
	u32 mask;
	enum iommu_state state[MAP_IOMMUS];
};

/* What the driver of the IOMMUs answers, see struct fake_driver. */
struct map_answer {
	int xlate;
	unsigned int xlate_ok;
	int add;
	bool one_instance;
};

/**
 * struct map_asked - what the driver is asked for
 * @nr: how often
 * @stream: stream ids, in this order
 */
struct map_asked {
	unsigned int nr;
	u32 stream[TEST_PCI_IDS];
};

/**
 * struct map_case - one row of the table
 * @desc: the rule of the contract, and what the row is about
 * @input: the map
 * @answer: the driver
 * @before: wanted of the first attempt before the end of init
 * @after: wanted of it after the end of init
 * @mandatory: wanted of it then where IOMMUs are mandatory
 * @next: wanted of the next one, when the IOMMUs have come and work
 * @asked: wanted of an attempt that succeeds; the first one comes to @asked.nr
 * @said: what the log says about the first attempt
 */
struct map_case {
	const char *desc;
	struct map_input input;
	struct map_answer answer;
	enum attempt_result before;
	enum attempt_result after;
	enum attempt_result mandatory;
	enum attempt_result next;
	struct map_asked asked;
	enum map_said said;
};

/**
 * struct map_outcome - what became of a row
 * @err: it could not be set up, nothing was tried
 * @first: the first attempt
 * @other: the first attempt of the second function, if there is one
 * @next: the next one, with the IOMMUs there and working
 * @again: a third one, nothing changed: a success must last
 * @asked: by the first attempt
 * @other_asked: by that of the second function
 * @next_asked: by the next attempt
 * @said: how many lines of the log name the function, in the first attempt
 * @faults: invariants broken by any of them, or by cleaning up
 */
struct map_outcome {
	int err;
	enum attempt_result first;
	enum attempt_result other;
	enum attempt_result next;
	enum attempt_result again;
	struct map_asked asked;
	struct map_asked other_asked;
	struct map_asked next_asked;
	unsigned int said;
	unsigned int faults;
};

void map_case_run(const struct map_case *row, attempt_fn attempt,
		  struct map_outcome *out);
void map_input_run(const struct map_input *input,
		   const struct map_answer *answer, attempt_fn attempt,
		   struct map_outcome *out);

#endif /* _LIB_IOMMU_DEFER_MAP_H */
