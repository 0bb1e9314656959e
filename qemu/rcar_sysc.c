/*
 * Renesas R-Car Gen2 and Gen3 system controller (SYSC)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from drivers, no manual. The source of each register:
 *   [drv]  Linux, drivers/soc/renesas/{rcar,r8a7790,r8a7795}-sysc.[ch]
 *
 * Power areas are switched at once, and power nothing: a device in an area
 * that is off works all the same. All areas are on at reset.
 *
 * Assumptions: a request sets the area's bit in SYSCISR if its source is
 * enabled in SYSCIER ([drv]: "The interrupt source needs to be enabled, but
 * masked"); requests never fail (PWRER 0); an area can be switched in any
 * order, whatever it is part of. CPU areas have no control registers there
 * ([drv]: PD_CPU_NOCR), and are always on.
 *
 * There is no interrupt: no device tree names one, and [drv] masks it.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "rcar_system.h"
#include "trace.h"

#define REGS_SIZE           0x400

/* [drv] */
#define SYSCSR              0x00
#define   SYSCSR_READY      3       /* for requests of both kinds */
#define SYSCISR             0x04
#define SYSCISCR            0x08    /* write 1: clear in SYSCISR */
#define SYSCIER             0x0c
#define SYSCIMR             0x10    /* 1: masked */

/* [drv] registers of an area */
#define AREA_STRIDE         0x40
#define PWRSR               0x00    /* 1: off */
#define PWROFFCR            0x04
#define PWRONCR             0x0c

typedef struct SyscArea {
    uint16_t offset;
    uint8_t bit;
    uint8_t isr;
} SyscArea;

static const SyscArea areas_gen2[] = {      /* [drv] r8a7790-sysc.c */
    { 0x180, 0, 12 },       /* ca15-scu */
    { 0x100, 0, 21 },       /* ca7-scu */
    { 0x080, 0, 16 },       /* sh-4a */
    { 0x0c0, 0, 20 },       /* rgx */
    { 0x140, 0, 24 },       /* imp */
    { }
};

static const SyscArea areas_gen3[] = {      /* [drv] r8a7795-sysc.c */
    { 0x1c0, 0, 12 },       /* ca57-scu */
    { 0x140, 0, 21 },       /* ca53-scu */
    { 0x340, 0, 9 },        /* a3vp */
    { 0x240, 0, 13 },       /* cr7 */
    { 0x380, 0, 14 },       /* a3vc */
    { 0x3c0, 0, 25 },       /* a2vc0, ES1.x only */
    { 0x3c0, 1, 26 },       /* a2vc1 */
    { 0x100, 0, 17 },       /* 3dg-a */
    { 0x100, 1, 18 },       /* 3dg-b */
    { 0x100, 2, 19 },       /* 3dg-c */
    { 0x100, 3, 20 },       /* 3dg-d */
    { 0x100, 4, 22 },       /* 3dg-e */
    { 0x180, 0, 24 },       /* a3ir */
    { }
};

struct RcarSyscState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    uint32_t regs[REGS_SIZE / 4];

    uint8_t gen;
};

static void request(RcarSyscState *s, hwaddr area, uint32_t bits, bool on)
{
    const SyscArea *a = s->gen == 2 ? areas_gen2 : areas_gen3;

    for (; a->offset; a++) {
        if (a->offset == area && bits & BIT(a->bit)) {
            uint32_t *sr = &s->regs[(area + PWRSR) / 4];

            *sr = deposit32(*sr, a->bit, 1, !on);
            s->regs[SYSCISR / 4] |= BIT(a->isr) & s->regs[SYSCIER / 4];
            trace_rcar_sysc_request(area, a->bit, on);
            bits &= ~BIT(a->bit);
        }
    }
    if (bits) {
        qemu_log_mask(LOG_GUEST_ERROR, "%s: no area 0x%" HWADDR_PRIx
                      " bits 0x%x\n", TYPE_RCAR_SYSC, area, bits);
    }
}

static uint64_t rcar_sysc_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarSyscState *s = opaque;
    uint32_t value = addr == SYSCSR ? SYSCSR_READY : s->regs[addr / 4];

    trace_rcar_sysc_read(addr, value);
    return value;
}

static void rcar_sysc_write(void *opaque, hwaddr addr, uint64_t value,
                            unsigned size)
{
    RcarSyscState *s = opaque;
    hwaddr area = QEMU_ALIGN_DOWN(addr, AREA_STRIDE);

    trace_rcar_sysc_write(addr, value);
    switch (addr) {
    case SYSCSR:
    case SYSCISR:
        break;
    case SYSCISCR:
        s->regs[SYSCISR / 4] &= ~value;
        break;
    case SYSCIER:
    case SYSCIMR:
        s->regs[addr / 4] = value;
        break;
    default:
        if (addr == area + PWROFFCR || addr == area + PWRONCR) {
            request(s, area, value, addr == area + PWRONCR);
        } else if (addr != area + PWRSR) {
            s->regs[addr / 4] = value;      /* SYSCEXTMASK [drv], others */
        }
        break;
    }
}

static const MemoryRegionOps rcar_sysc_ops = {
    .read = rcar_sysc_read,
    .write = rcar_sysc_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 4,     /* [drv] has no other accesses */
    .valid.max_access_size = 4,
};

static void rcar_sysc_reset(DeviceState *dev)
{
    RcarSyscState *s = RCAR_SYSC(dev);

    memset(s->regs, 0, sizeof(s->regs));
}

static void rcar_sysc_realize(DeviceState *dev, Error **errp)
{
    RcarSyscState *s = RCAR_SYSC(dev);

    if (s->gen != 2 && s->gen != 3) {
        error_setg(errp, "property 'gen' must be 2 or 3");
    }
}

static void rcar_sysc_init(Object *obj)
{
    RcarSyscState *s = RCAR_SYSC(obj);

    memory_region_init_io(&s->iomem, obj, &rcar_sysc_ops, s, TYPE_RCAR_SYSC,
                          REGS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static const VMStateDescription vmstate_rcar_sysc = {
    .name = TYPE_RCAR_SYSC,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, RcarSyscState, REGS_SIZE / 4),
        VMSTATE_END_OF_LIST()
    }
};

/* gen: 2 (r8a7790) or 3 (r8a7795); decides about the areas. */
static Property rcar_sysc_properties[] = {
    DEFINE_PROP_UINT8("gen", RcarSyscState, gen, 3),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_sysc_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car system controller";
    dc->realize = rcar_sysc_realize;
    dc->reset = rcar_sysc_reset;
    dc->vmsd = &vmstate_rcar_sysc;
    device_class_set_props(dc, rcar_sysc_properties);
}

static const TypeInfo rcar_sysc_types[] = {
    {
        .name = TYPE_RCAR_SYSC,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarSyscState),
        .instance_init = rcar_sysc_init,
        .class_init = rcar_sysc_class_init,
    },
};

DEFINE_TYPES(rcar_sysc_types)
