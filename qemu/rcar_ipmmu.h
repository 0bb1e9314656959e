/*
 * Renesas R-Car IPMMU, a model made from its drivers and bindings
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 */

#ifndef HW_RCAR_IPMMU_H
#define HW_RCAR_IPMMU_H

#include "hw/sysbus.h"
#include "exec/memory.h"
#include "qom/object.h"

#define TYPE_RCAR_IPMMU "rcar-ipmmu"
OBJECT_DECLARE_SIMPLE_TYPE(RcarIpmmuState, RCAR_IPMMU)

#define TYPE_RCAR_IPMMU_PORT "rcar-ipmmu-port"
OBJECT_DECLARE_SIMPLE_TYPE(RcarIpmmuPort, RCAR_IPMMU_PORT)

#define RCAR_IPMMU_REGS_SIZE    0x1000
#define RCAR_IPMMU_MAX_CTX      8
#define RCAR_IPMMU_MAX_UTLB     48

/* A micro-TLB: the memory that the bus master connected to it sees. */
struct RcarIpmmuPort {
    IOMMUMemoryRegion iommu;
    RcarIpmmuState *mmu;
    unsigned n;
    bool warned;                /* of a context that is off */
    GHashTable *tlb;
};

struct RcarIpmmuState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    qemu_irq irq;
    AddressSpace as;
    RcarIpmmuPort port[RCAR_IPMMU_MAX_UTLB];
    GHashTable *tlb;            /* that of the main unit */

    uint32_t regs[RCAR_IPMMU_REGS_SIZE / 4];
    uint8_t fault_bit[RCAR_IPMMU_MAX_CTX];

    /* properties */
    RcarIpmmuState *main;
    MemoryRegion *memory;
    uint8_t main_bit;
    uint8_t gen;
    uint32_t tlb_size;

    /* read-only properties, for tests */
    uint64_t n_translate;       /* accesses; a refused one counts often */
    uint64_t n_walk;            /* of tables */
    uint64_t n_fault;           /* in IMSTR */
    uint64_t n_flush;           /* of a context or a micro-TLB */
};

/**
 * rcar_ipmmu_port - the memory that a bus master on a micro-TLB sees
 * @s: the unit that has the micro-TLB: on Gen3 a cache unit
 * @n: the number of the micro-TLB, as in the iommus property
 */
MemoryRegion *rcar_ipmmu_port(RcarIpmmuState *s, unsigned n);

#endif
