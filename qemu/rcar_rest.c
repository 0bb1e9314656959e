/*
 * Renesas R-Car: registers that nothing else models
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * What is written is read, and what was never written reads 0, but for what
 * the board presets. Each register's first read and first write is logged
 * (-d unimp), up to a limit: so it is seen what a guest uses.
 *
 * What is remembered is in a block of RAM that is not mapped: memory that is
 * never written to costs nothing, and migrates as RAM does.
 */

#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "rcar_system.h"
#include "trace.h"

#define PAGE                4096
#define MAX_LOGGED          65536

struct RcarRestState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    MemoryRegion ram;
    uint8_t *mem;
    const RcarRestPreset *presets;
    GHashTable *logged;

    uint8_t *written;           /* one for each page */
    uint32_t pages;

    uint64_t base;
    uint64_t size;
};

static uint32_t get(RcarRestState *s, hwaddr offset)
{
    return ldl_le_p(s->mem + QEMU_ALIGN_DOWN(offset, 4));
}

/* Is this the first access of its kind? */
static bool is_first(RcarRestState *s, hwaddr addr, bool write)
{
    gpointer key = GSIZE_TO_POINTER(QEMU_ALIGN_DOWN(addr, 4) | write);

    return g_hash_table_size(s->logged) < MAX_LOGGED &&
           g_hash_table_add(s->logged, key);
}

static uint32_t reads_as(RcarRestState *s, hwaddr addr)
{
    const RcarRestPreset *p;

    for (p = s->presets; p && p->addr; p++) {
        if (p->addr == addr) {
            return p->mode ? BIT(get(s, p->mode - s->base) & 3) : p->value;
        }
    }
    return get(s, addr - s->base);
}

static uint64_t rcar_rest_read(void *opaque, hwaddr offset, unsigned size)
{
    RcarRestState *s = opaque;
    hwaddr addr = s->base + offset;
    uint32_t value = extract32(reads_as(s, QEMU_ALIGN_DOWN(addr, 4)),
                               (addr & 3) * 8, size * 8);

    if (is_first(s, addr, false)) {
        qemu_log_mask(LOG_UNIMP, "rcar: first read of 0x%08" HWADDR_PRIx
                      ": 0x%x (%u bytes)\n", addr, value, size);
    }
    trace_rcar_rest_read(addr, value, size);
    return value;
}

static void rcar_rest_write(void *opaque, hwaddr offset, uint64_t value,
                            unsigned size)
{
    RcarRestState *s = opaque;
    hwaddr addr = s->base + offset;

    if (is_first(s, addr, true)) {
        qemu_log_mask(LOG_UNIMP, "rcar: first write of 0x%08" HWADDR_PRIx
                      ": 0x%" PRIx64 " (%u bytes)\n", addr, value, size);
    }
    trace_rcar_rest_write(addr, value, size);
    stn_le_p(s->mem + offset, size, value);
    s->written[offset / PAGE] = 1;
}

static const MemoryRegionOps rcar_rest_ops = {
    .read = rcar_rest_read,
    .write = rcar_rest_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 1,
    .valid.max_access_size = 8,
    .impl.min_access_size = 1,
    .impl.max_access_size = 4,
};

void rcar_rest_presets(DeviceState *dev, const RcarRestPreset *presets)
{
    RCAR_REST(dev)->presets = presets;
}

static void rcar_rest_reset(DeviceState *dev)
{
    RcarRestState *s = RCAR_REST(dev);
    unsigned i;

    for (i = 0; i < s->pages; i++) {
        if (s->written[i]) {
            memset(s->mem + (size_t)i * PAGE, 0, PAGE);
            s->written[i] = 0;
        }
    }
    g_hash_table_remove_all(s->logged);
}

static void rcar_rest_realize(DeviceState *dev, Error **errp)
{
    ERRP_GUARD();
    RcarRestState *s = RCAR_REST(dev);
    g_autofree char *name = g_strdup_printf("rcar-rest-%" PRIx64, s->base);

    if (!s->size || s->size % PAGE || s->size > UINT32_MAX) {
        error_setg(errp, "property 'size' must be a multiple of %d below 4 GiB",
                   PAGE);
        return;
    }
    memory_region_init_ram(&s->ram, OBJECT(dev), name, s->size, errp);
    if (*errp) {
        return;
    }
    s->mem = memory_region_get_ram_ptr(&s->ram);
    s->pages = s->size / PAGE;
    s->written = g_malloc0(s->pages);
    s->logged = g_hash_table_new(NULL, NULL);
    memory_region_init_io(&s->iomem, OBJECT(dev), &rcar_rest_ops, s,
                          TYPE_RCAR_REST, s->size);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
}

static const VMStateDescription vmstate_rcar_rest = {
    .name = TYPE_RCAR_REST,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (VMStateField[]) {
        VMSTATE_VBUFFER_UINT32(written, RcarRestState, 1, NULL, pages),
        VMSTATE_END_OF_LIST()
    }
};

/*
 * base: the address of the region, for the log.
 * size: its size.
 */
static Property rcar_rest_properties[] = {
    DEFINE_PROP_UINT64("base", RcarRestState, base, 0),
    DEFINE_PROP_UINT64("size", RcarRestState, size, 0),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_rest_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car registers without a model";
    dc->realize = rcar_rest_realize;
    dc->reset = rcar_rest_reset;
    dc->vmsd = &vmstate_rcar_rest;
    device_class_set_props(dc, rcar_rest_properties);
    /* Of no use at another address than base. */
    dc->user_creatable = false;
}

static const TypeInfo rcar_rest_types[] = {
    {
        .name = TYPE_RCAR_REST,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarRestState),
        .class_init = rcar_rest_class_init,
    },
};

DEFINE_TYPES(rcar_rest_types)
