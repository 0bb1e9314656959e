/*
 * Renesas R-Car product register (PRR)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from the driver, no manual. The source of the register:
 *   [drv]  Linux, drivers/soc/renesas/renesas-soc.c: 14:8 product, 7:4 and
 *          3:0 revision. A product that the driver doesn't know, as 0 is, has
 *          the effect that nothing of what matches a SoC's revision does.
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "rcar_system.h"
#include "trace.h"

struct RcarPrrState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;

    uint32_t value;
};

static uint64_t rcar_prr_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarPrrState *s = opaque;

    trace_rcar_prr_read(s->value);
    return s->value;
}

static void rcar_prr_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
}

static const MemoryRegionOps rcar_prr_ops = {
    .read = rcar_prr_read,
    .write = rcar_prr_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 4,     /* [drv] has no other accesses */
    .valid.max_access_size = 4,
};

static void rcar_prr_init(Object *obj)
{
    RcarPrrState *s = RCAR_PRR(obj);

    memory_region_init_io(&s->iomem, obj, &rcar_prr_ops, s, TYPE_RCAR_PRR, 4);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

/* value: what the register reads. */
static Property rcar_prr_properties[] = {
    DEFINE_PROP_UINT32("value", RcarPrrState, value, 0),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_prr_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car product register";
    device_class_set_props(dc, rcar_prr_properties);
    /* No reset and no vmsd: it has no state. */
}

static const TypeInfo rcar_prr_types[] = {
    {
        .name = TYPE_RCAR_PRR,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarPrrState),
        .instance_init = rcar_prr_init,
        .class_init = rcar_prr_class_init,
    },
};

DEFINE_TYPES(rcar_prr_types)
