/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A row of the decision table of the IOMMU probe deferral tests, and how it is
 * put to the kernel.  The rows are in iommu_defer_table.h.
 */
#ifndef _LIB_IOMMU_DEFER_CASE_H
#define _LIB_IOMMU_DEFER_CASE_H

#include <linux/types.h>

#include "iommu_defer.h"

/**
 * struct defer_case - one row of the decision table
 * @before: wanted of the first attempt, before the end of init
 * @after: wanted of it after the end of init
 * @mandatory: wanted of it then where IOMMUs are mandatory
 * @next: wanted of the next attempt, when all IOMMUs have come and their driver
 *	has no objections
 * @asked: wanted number of calls of of_xlate by the first attempt
 * @name: what it is called: an id of the contract, and the state of the IOMMUs
 * @iommu: what the master names, in this order
 * @driver: what the IOMMU driver answers in the first attempt, see fake_driver
 */
struct defer_case {
	enum attempt_result before;
	enum attempt_result after;
	enum attempt_result mandatory;
	enum attempt_result next;
	unsigned int asked;
	const char *name;
	enum iommu_state iommu[TOPOLOGY_IOMMUS];
	struct {
		int xlate;
		unsigned int xlate_ok;
		int add;
		bool one_instance;
	} driver;
};

/**
 * struct case_outcome - what became of a row
 * @first: the first attempt, in the state that the row describes
 * @next: the next one, on the same master, with the IOMMUs there and working
 * @again: a third one, nothing changed: a success must last
 * @asked: calls of of_xlate by the first attempt
 * @said: lines of the log about the master in the first attempt
 * @next_asked: calls of of_xlate by the second attempt
 * @first_faults: invariants broken after the first attempt
 * @faults: invariants broken later, cleaning up included
 * @err: the topology could not be set up, nothing was tried
 */
struct case_outcome {
	enum attempt_result first;
	enum attempt_result next;
	enum attempt_result again;
	unsigned int asked;
	unsigned int said;
	unsigned int next_asked;
	unsigned int first_faults;
	unsigned int faults;
	int err;
};

typedef enum attempt_result (*attempt_fn)(struct device *dev,
					  struct device_node *np);

void run_case(const struct defer_case *row, attempt_fn attempt,
	      struct case_outcome *out);
enum attempt_result attempt_dma_configure(struct device *dev,
					  struct device_node *np);
int retry_deferred(void);
enum attempt_result case_before(const struct defer_case *row);
bool case_said_enough(const struct defer_case *row, enum attempt_result result,
		      unsigned int said);
bool case_names(const struct defer_case *row, enum iommu_state state);

#endif /* _LIB_IOMMU_DEFER_CASE_H */
