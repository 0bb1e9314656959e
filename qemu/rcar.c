/*
 * Renesas R-Car H3 and H2 machines, as far as their IPMMUs need
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from device trees, bindings and drivers, no manual:
 *   [h3]   Linux, arch/arm64/boot/dts/renesas/r8a77951.dtsi (ES2 and later),
 *          for what v4.12's r8a7795.dtsi doesn't have: 7.3's
 *   [h2]   Linux, arch/arm/boot/dts/r8a7790.dtsi
 *   [soc]  Linux, drivers/soc/renesas/renesas-soc.c
 *   [vsp]  Linux, drivers/media/platform/vsp1/vsp1_regs.h, rcar_fdp1.c
 *   [avb]  Linux, drivers/net/ethernet/renesas/ravb_main.c
 *   [cntr] Linux, arch/arm/mach-shmobile/setup-rcar-gen2.c
 *
 * The device tree comes from the user (-dtb): that of the board. All that is
 * in it and not here is memory: see rcar_rest.c.
 *
 * Assumptions:
 *  - H2's micro-TLBs: no device tree has an iommus property. DMAC 0 channel n
 *    is on micro-TLB n of IPMMU-DS, as a comment of rcar-dmac.c says of
 *    channel 0; that DMAC 1 follows from 15 on is a guess. Its Audio-DMACs
 *    are not behind an IPMMU here.
 *  - Bus masters don't reach the interrupt controller, which is part of the
 *    CPUs' cluster. (And QEMU's model of it can't be accessed by others.)
 *  - The CPUs have no EL3, as if firmware had left it for good; PSCI is
 *    QEMU's own. H2's firmware has none, so it is off there (psci=on).
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "cpu.h"
#include "exec/address-spaces.h"
#include "hw/arm/boot.h"
#include "hw/boards.h"
#include "hw/cpu/cluster.h"
#include "hw/intc/arm_gic.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "sysemu/device_tree.h"
#include "sysemu/sysemu.h"
#include "rcar_dmac.h"
#include "rcar_ipmmu.h"
#include "rcar_scif.h"
#include "rcar_system.h"

#define TYPE_RCAR_MACHINE MACHINE_TYPE_NAME("rcar-common")
OBJECT_DECLARE_TYPE(RcarMachineState, RcarMachineClass, RCAR_MACHINE)

#define NUM_SPI         480     /* [h3] the highest is 431 */
#define MAX_CPUS        8
#define MAX_IPMMUS      17
#define MAX_BANKS       4
#define MASTERS_SIZE    (1ULL << 40)    /* as wide as the tables' addresses */

/* One row for each unit; the first one of H3 is the main unit. */
typedef struct RcarIpmmuRow {
    const char *name;
    hwaddr base;
    int main_bit;       /* second cell of renesas,ipmmu-main */
    int spi;            /* 0: none */
} RcarIpmmuRow;

typedef struct RcarDmacRow {
    const char *name;
    hwaddr base;
    const char *ipmmu;
    int first_utlb;     /* that of channel 0 */
    int channels;
    int spi[RCAR_DMAC_CHANNELS + 1];    /* error, then the channels */
} RcarDmacRow;

typedef struct RcarBank {
    hwaddr base;
    uint64_t size;
} RcarBank;

struct RcarMachineState {
    MachineState parent_obj;

    struct arm_boot_info binfo;
    CPUClusterState cluster[2];
    MemoryRegion masters;       /* what bus masters see */
    MemoryRegion below_gic;
    MemoryRegion above_gic;
    MemoryRegion bank[MAX_BANKS];
    MemoryRegion gicc[32];
    DeviceState *ipmmu[MAX_IPMMUS];

    /* properties */
    uint32_t prr;
    uint32_t mode;
    uint32_t tlb_size;
    uint32_t utlb_offset;
    bool psci;
};

struct RcarMachineClass {
    MachineClass parent_class;

    unsigned gen;
    bool psci;
    uint32_t prr;
    uint32_t cntfrq;            /* [h3] EXTAL / 2, [h2] as [cntr] has it */
    const char *little_cpu;     /* of the second cluster, or NULL */
    hwaddr gic;                 /* where CBAR points to */
    uint64_t gic_size;
    hwaddr prr_base;
    hwaddr scif[2];
    int scif_spi[2];
    const RcarBank *banks;
    const RcarIpmmuRow *ipmmus;
    const RcarDmacRow *dmacs;
    const RcarRestPreset *presets;
};

/* [h3] */
static const RcarBank h3_banks[MAX_BANKS + 1] = {
    { 0x048000000, 0x38000000 },
    { 0x500000000, 1 * GiB },
    { 0x600000000, 1 * GiB },
    { 0x700000000, 1 * GiB },
};

static const RcarIpmmuRow h3_ipmmus[] = {
    { "ipmmu-mm",  0xe67b0000, -1, 196 },
    { "ipmmu-ds0", 0xe6740000, 0 },
    { "ipmmu-ds1", 0xe7740000, 1 },
    { "ipmmu-hc",  0xe6570000, 2 },
    { "ipmmu-ir",  0xff8b0000, 3 },
    { "ipmmu-mp0", 0xec670000, 4 },
    { "ipmmu-pv0", 0xfd800000, 6 },
    { "ipmmu-pv1", 0xfd950000, 7 },
    { "ipmmu-pv2", 0xfd960000, 8 },
    { "ipmmu-pv3", 0xfd970000, 9 },
    { "ipmmu-rt",  0xffc80000, 10 },
    { "ipmmu-vc0", 0xfe6b0000, 12 },
    { "ipmmu-vc1", 0xfe6f0000, 13 },
    { "ipmmu-vi0", 0xfebd0000, 14 },
    { "ipmmu-vi1", 0xfebe0000, 15 },
    { "ipmmu-vp0", 0xfe990000, 16 },
    { "ipmmu-vp1", 0xfe980000, 17 },
    { }
};

static const RcarDmacRow h3_dmacs[] = {
    { "dmac0", 0xe6700000, "ipmmu-ds0", 0, 16,
      { 199, 200, 201, 202, 203, 204, 205, 206, 207,
        208, 209, 210, 211, 212, 213, 214, 215 } },
    { "dmac1", 0xe7300000, "ipmmu-ds1", 0, 16,
      { 220, 216, 217, 218, 219, 308, 309, 310, 311,
        312, 313, 314, 315, 316, 317, 318, 319 } },
    { "dmac2", 0xe7310000, "ipmmu-ds1", 16, 16,
      { 416, 417, 418, 419, 420, 421, 422, 423, 424,
        425, 426, 427, 428, 429, 430, 431, 397 } },
    { "audmac0", 0xec700000, "ipmmu-mp0", 0, 16,
      { 350, 320, 321, 322, 323, 324, 325, 326, 327,
        328, 329, 330, 331, 332, 333, 334, 335 } },
    { "audmac1", 0xec720000, "ipmmu-mp0", 16, 16,
      { 351, 336, 337, 338, 339, 340, 341, 342, 343,
        344, 345, 346, 347, 348, 349, 382, 383 } },
    { }
};

static const RcarRestPreset h3_presets[] = {
    { 0xe680000c, 0, 0xe6800000 },      /* [avb] CSR: the mode CCC asks for */
    { 0xfe923f00, 0x1601 },             /* [vsp] VI6_IP_VERSION: VSPBC */
    { 0xfe940800, 0x02010101 },         /* [vsp] FD1_IP_INTDATA */
    { 0xfe944800, 0x02010101 },
    { 0xfe948800, 0x02010101 },
    { 0xfe963f00, 0x1501 },             /* VSPBD */
    { 0xfe9a3f00, 0x1401 },             /* VSPI */
    { 0xfe9b3f00, 0x1401 },
    { 0xfe9c3f00, 0x1401 },
    { 0xfea23f00, 0x1701 },             /* VSPD */
    { 0xfea2bf00, 0x1701 },
    { 0xfea33f00, 0x1701 },
    { 0xfea3bf00, 0x1701 },
    { }
};

/* [h2] */
static const RcarBank h2_banks[MAX_BANKS + 1] = {
    { 0x040000000, 1 * GiB },
    { 0x140000000, 3 * GiB },
};

static const RcarIpmmuRow h2_ipmmus[] = {
    { "ipmmu-ds",  0xe6740000, -1, 198 },
    { "ipmmu-sy0", 0xe6280000, -1, 223 },
    { "ipmmu-sy1", 0xe6290000, -1, 225 },
    { "ipmmu-mp",  0xec680000, -1, 226 },
    { "ipmmu-mx",  0xfe951000, -1, 222 },
    { "ipmmu-rt",  0xffc80000, -1, 307 },
    { }
};

static const RcarDmacRow h2_dmacs[] = {
    { "dmac0", 0xe6700000, "ipmmu-ds", 0, 15,
      { 197, 200, 201, 202, 203, 204, 205, 206, 207,
        208, 209, 210, 211, 212, 213, 214 } },
    { "dmac1", 0xe6720000, "ipmmu-ds", 15, 15,
      { 220, 216, 217, 218, 219, 308, 309, 310, 311,
        312, 313, 314, 315, 316, 317, 318 } },
    { "audmac0", 0xec700000, NULL, 0, 13,
      { 346, 320, 321, 322, 323, 324, 325, 326, 327,
        328, 329, 330, 331, 332 } },
    { "audmac1", 0xec720000, NULL, 0, 13,
      { 347, 333, 334, 335, 336, 337, 338, 339, 340,
        341, 342, 343, 344, 345 } },
    { }
};

static const RcarRestPreset h2_presets[] = {
    { 0xe6080000, 1 },                  /* [cntr] CNTCR: the counter runs */
    { 0xe6080020, 10000000 },           /* [cntr] CNTFID0 */
    { 0xfe923f00, 0x0a01 },             /* [vsp] VI6_IP_VERSION: VSPR */
    { 0xfe92bf00, 0x0901 },             /* VSPS */
    { 0xfe933f00, 0x0b01 },             /* VSPD */
    { 0xfe93bf00, 0x0b01 },
    { }
};

/* Regions with registers that nothing else may model */
static const RcarBank rest[] = {
    { 0xe6000000, 0x0a000000 },
    { 0xfc000000, 0x04000000 },
};

static DeviceState *add_device(RcarMachineState *m, const char *type,
                               const char *name)
{
    DeviceState *dev = qdev_new(type);

    object_property_add_child(OBJECT(m), name, OBJECT(dev));
    dev->id = g_strdup(name);
    return dev;
}

static void map_device(DeviceState *dev, hwaddr base)
{
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, base);
}

static void add_cpus(RcarMachineState *m, DeviceState **cpus)
{
    MachineState *machine = MACHINE(m);
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    unsigned i, n = machine->smp.cpus;

    for (i = 0; i < 2 && i * 4 < n; i++) {
        g_autofree char *name = g_strdup_printf("cluster%u", i);

        object_initialize_child(OBJECT(m), name, &m->cluster[i],
                                TYPE_CPU_CLUSTER);
        qdev_prop_set_uint32(DEVICE(&m->cluster[i]), "cluster-id", i);
    }
    for (i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("cpu%u", i);
        Object *cpu = object_new(i < 4 ? machine->cpu_type : mc->little_cpu);

        cpus[i] = DEVICE(cpu);
        object_property_add_child(OBJECT(&m->cluster[i / 4]), name, cpu);
        object_unref(cpu);
        /* [h3] 0 to 3, 0x100 to 0x103 */
        object_property_set_int(cpu, "mp-affinity", i / 4 << 8 | i % 4,
                                &error_fatal);
        object_property_set_int(cpu, "cntfrq", mc->cntfrq, &error_fatal);
        object_property_set_int(cpu, "reset-cbar", mc->gic, &error_fatal);
        object_property_set_bool(cpu, "has_el3", false, &error_fatal);
        object_property_set_bool(cpu, "has_el2", mc->gen == 3, &error_fatal);
        object_property_set_bool(cpu, "start-powered-off", i > 0,
                                 &error_fatal);
        qdev_realize(cpus[i], NULL, &error_fatal);
    }
    for (i = 0; i < 2 && i * 4 < n; i++) {
        qdev_realize(DEVICE(&m->cluster[i]), NULL, &error_fatal);
    }
}

static DeviceState *add_gic(RcarMachineState *m, DeviceState **cpus)
{
    static const int ppi[] = {  /* [h3], [h2]: node timer */
        [GTIMER_PHYS] = 30, [GTIMER_VIRT] = 27,
        [GTIMER_HYP] = 26, [GTIMER_SEC] = 29,
    };
    static const int line[] = {
        ARM_CPU_IRQ, ARM_CPU_FIQ, ARM_CPU_VIRQ, ARM_CPU_VFIQ
    };
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    unsigned i, j, n = MACHINE(m)->smp.cpus;
    DeviceState *gic = add_device(m, TYPE_ARM_GIC, "gic");
    SysBusDevice *sbd = SYS_BUS_DEVICE(gic);

    qdev_prop_set_uint32(gic, "num-irq", NUM_SPI + GIC_INTERNAL);
    qdev_prop_set_uint32(gic, "revision", 2);
    qdev_prop_set_uint32(gic, "num-cpu", n);
    qdev_prop_set_bit(gic, "has-virtualization-extensions", mc->gen == 3);
    sysbus_realize_and_unref(sbd, &error_fatal);
    if (mc->gen == 2) {
        sysbus_mmio_map(sbd, 0, mc->gic + 0x1000);
        sysbus_mmio_map(sbd, 1, mc->gic + 0x2000);
    } else {
        /* [h3] 128 KiB for the CPU interface: each page is there 16 times. */
        MemoryRegion *gicc = sysbus_mmio_get_region(sbd, 1);

        sysbus_mmio_map(sbd, 0, mc->gic + 0x10000);
        for (i = 0; i < ARRAY_SIZE(m->gicc); i++) {
            memory_region_init_alias(&m->gicc[i], OBJECT(m), "gicc", gicc,
                                     i / 16 * 0x1000, 0x1000);
            memory_region_add_subregion(get_system_memory(),
                                        mc->gic + 0x20000 + i * 0x1000,
                                        &m->gicc[i]);
        }
        sysbus_mmio_map(sbd, 2, mc->gic + 0x40000);
        sysbus_mmio_map(sbd, 3, mc->gic + 0x60000);
    }
    for (i = 0; i < n; i++) {
        int base = NUM_SPI + i * GIC_INTERNAL;

        for (j = 0; j < ARRAY_SIZE(ppi); j++) {
            qdev_connect_gpio_out(cpus[i], j,
                                  qdev_get_gpio_in(gic, base + ppi[j]));
        }
        for (j = 0; j < ARRAY_SIZE(line); j++) {
            sysbus_connect_irq(sbd, j * n + i,
                               qdev_get_gpio_in(cpus[i], line[j]));
        }
        if (mc->gen == 3) {
            /* The maintenance interrupt; [h3] PPI 9 */
            sysbus_connect_irq(sbd, ARRAY_SIZE(line) * n + i,
                               qdev_get_gpio_in(gic, base + 25));
        }
    }
    return gic;
}

static void connect_spi(DeviceState *dev, int n, DeviceState *gic, int spi)
{
    sysbus_connect_irq(SYS_BUS_DEVICE(dev), n, qdev_get_gpio_in(gic, spi));
}

static void add_memory(RcarMachineState *m)
{
    MachineState *machine = MACHINE(m);
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    MemoryRegion *sys = get_system_memory();
    uint64_t left = machine->ram_size, size, done = 0;
    hwaddr above = mc->gic + mc->gic_size;
    unsigned i;

    for (i = 0; left && mc->banks[i].size; i++) {
        g_autofree char *name = g_strdup_printf("rcar.bank%u", i);

        size = MIN(left, mc->banks[i].size);
        memory_region_init_alias(&m->bank[i], OBJECT(m), name, machine->ram,
                                 done, size);
        memory_region_add_subregion(sys, mc->banks[i].base, &m->bank[i]);
        left -= size;
        done += size;
    }
    if (left) {
        error_report("the board has at most %" PRIu64 " MiB of memory",
                     done / MiB);
        exit(EXIT_FAILURE);
    }
    memory_region_init(&m->masters, OBJECT(m), "rcar.masters", MASTERS_SIZE);
    memory_region_init_alias(&m->below_gic, OBJECT(m), "rcar.below-gic", sys,
                             0, mc->gic);
    memory_region_add_subregion(&m->masters, 0, &m->below_gic);
    memory_region_init_alias(&m->above_gic, OBJECT(m), "rcar.above-gic", sys,
                             above, MASTERS_SIZE - above);
    memory_region_add_subregion(&m->masters, above, &m->above_gic);
}

/* The boot loader has replaced all memory nodes by one for the first bank. */
static void rcar_modify_dtb(const struct arm_boot_info *binfo, void *fdt)
{
    RcarMachineState *m = container_of(binfo, RcarMachineState, binfo);
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    unsigned i;

    for (i = 1; i < MAX_BANKS && memory_region_size(&m->bank[i]); i++) {
        g_autofree char *node = g_strdup_printf("/memory@%" PRIx64,
                                                mc->banks[i].base);

        qemu_fdt_add_subnode(fdt, node);
        qemu_fdt_setprop_string(fdt, node, "device_type", "memory");
        qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, mc->banks[i].base, 2,
                                     memory_region_size(&m->bank[i]));
    }
}

static void add_ipmmus(RcarMachineState *m, DeviceState *gic)
{
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    const RcarIpmmuRow *row;
    DeviceState **dev = m->ipmmu;

    for (row = mc->ipmmus; row->name; row++, dev++) {
        *dev = add_device(m, TYPE_RCAR_IPMMU, row->name);
        qdev_prop_set_uint8(*dev, "gen", mc->gen);
        qdev_prop_set_uint32(*dev, "tlb-size", m->tlb_size);
        object_property_set_link(OBJECT(*dev), "memory", OBJECT(&m->masters),
                                 &error_fatal);
        if (row->main_bit >= 0) {
            qdev_prop_set_uint8(*dev, "main-bit", row->main_bit);
            object_property_set_link(OBJECT(*dev), "main", OBJECT(m->ipmmu[0]),
                                     &error_fatal);
        }
        map_device(*dev, row->base);
        if (row->spi) {
            connect_spi(*dev, 0, gic, row->spi);
        }
    }
}

/* What a master sees that is on a micro-TLB, or directly on the bus. */
static MemoryRegion *seen_from(RcarMachineState *m, const char *ipmmu,
                               unsigned utlb)
{
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    unsigned i;

    for (i = 0; ipmmu && mc->ipmmus[i].name; i++) {
        if (!strcmp(mc->ipmmus[i].name, ipmmu)) {
            MemoryRegion *port = rcar_ipmmu_port(RCAR_IPMMU(m->ipmmu[i]),
                                                 utlb + m->utlb_offset);

            if (!port) {
                error_report("%s has no micro-TLB %u: utlb-offset is too "
                             "large", ipmmu, utlb + m->utlb_offset);
                exit(EXIT_FAILURE);
            }
            return port;
        }
    }
    return &m->masters;
}

static void add_dmacs(RcarMachineState *m, DeviceState *gic)
{
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    const RcarDmacRow *row;
    unsigned i;

    for (row = mc->dmacs; row->name; row++) {
        DeviceState *dev = add_device(m, TYPE_RCAR_DMAC, row->name);

        qdev_prop_set_uint32(dev, "channels", row->channels);
        for (i = 0; i < row->channels; i++) {
            g_autofree char *name = g_strdup_printf("mem%u", i);

            object_property_set_link(OBJECT(dev), name,
                                     OBJECT(seen_from(m, row->ipmmu,
                                                      row->first_utlb + i)),
                                     &error_fatal);
        }
        map_device(dev, row->base);
        for (i = 0; i <= row->channels; i++) {
            connect_spi(dev, i, gic, row->spi[i]);
        }
    }
}

static void add_rest(RcarMachineState *m)
{
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(m);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(rest); i++) {
        g_autofree char *name = g_strdup_printf("rest%u", i);
        DeviceState *dev = add_device(m, TYPE_RCAR_REST, name);

        qdev_prop_set_uint64(dev, "base", rest[i].base);
        qdev_prop_set_uint64(dev, "size", rest[i].size);
        rcar_rest_presets(dev, mc->presets);
        sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
        sysbus_mmio_map_overlap(SYS_BUS_DEVICE(dev), 0, rest[i].base, -1);
    }
}

static void rcar_init(MachineState *machine)
{
    RcarMachineState *m = RCAR_MACHINE(machine);
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(machine);
    DeviceState *cpus[MAX_CPUS], *gic, *dev;
    unsigned i;

    add_cpus(m, cpus);
    gic = add_gic(m, cpus);
    add_memory(m);
    add_ipmmus(m, gic);
    add_dmacs(m, gic);
    add_rest(m);

    dev = add_device(m, TYPE_RCAR_CPG, "cpg");
    qdev_prop_set_uint8(dev, "gen", mc->gen);
    map_device(dev, 0xe6150000);
    dev = add_device(m, TYPE_RCAR_RST, "rst");
    qdev_prop_set_uint32(dev, "mode", m->mode);
    map_device(dev, 0xe6160000);
    dev = add_device(m, TYPE_RCAR_SYSC, "sysc");
    qdev_prop_set_uint8(dev, "gen", mc->gen);
    map_device(dev, 0xe6180000);
    dev = add_device(m, TYPE_RCAR_PRR, "chipid");
    qdev_prop_set_uint32(dev, "value", m->prr);
    map_device(dev, mc->prr_base);

    for (i = 0; i < ARRAY_SIZE(mc->scif); i++) {
        g_autofree char *name = g_strdup_printf("serial%u", i);

        dev = add_device(m, TYPE_RCAR_SCIF, name);
        qdev_prop_set_chr(dev, "chardev", serial_hd(i));
        map_device(dev, mc->scif[i]);
        connect_spi(dev, 0, gic, mc->scif_spi[i]);
    }

    m->binfo.loader_start = mc->banks[0].base;
    m->binfo.ram_size = memory_region_size(&m->bank[0]);
    m->binfo.psci_conduit = m->psci ? QEMU_PSCI_CONDUIT_SMC :
                            QEMU_PSCI_CONDUIT_DISABLED;
    m->binfo.modify_dtb = rcar_modify_dtb;
    m->binfo.board_id = -1;
    arm_load_kernel(ARM_CPU(cpus[0]), machine, &m->binfo);
}

static bool rcar_get_psci(Object *obj, Error **errp)
{
    return RCAR_MACHINE(obj)->psci;
}

static void rcar_set_psci(Object *obj, bool value, Error **errp)
{
    RCAR_MACHINE(obj)->psci = value;
}

static void rcar_instance_init(Object *obj)
{
    RcarMachineState *m = RCAR_MACHINE(obj);
    RcarMachineClass *mc = RCAR_MACHINE_GET_CLASS(obj);

    m->prr = mc->prr;
    m->psci = mc->psci;
    m->tlb_size = 16384;
    object_property_add_uint32_ptr(obj, "prr", &m->prr,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint32_ptr(obj, "mode", &m->mode,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint32_ptr(obj, "tlb-size", &m->tlb_size,
                                   OBJ_PROP_FLAG_READWRITE);
    /*
     * How much higher the micro-TLBs of the DMACs are than in the SoC: its own
     * masters with a number above 31 are not modelled.
     */
    object_property_add_uint32_ptr(obj, "utlb-offset", &m->utlb_offset,
                                   OBJ_PROP_FLAG_READWRITE);
}

static void rcar_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->init = rcar_init;
    mc->default_ram_size = 512 * MiB;
    mc->default_ram_id = "rcar.ram";
    mc->no_cdrom = mc->no_floppy = mc->no_parallel = 1;
    object_class_property_add_bool(oc, "psci", rcar_get_psci, rcar_set_psci);
    object_class_property_set_description(oc, "psci",
        "Let QEMU answer PSCI calls, and say so in the device tree");
}

static void rcar_h3_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    RcarMachineClass *rmc = RCAR_MACHINE_CLASS(oc);

    mc->desc = "Renesas R-Car H3 (r8a7795), as far as its IPMMUs need";
    mc->default_cpu_type = ARM_CPU_TYPE_NAME("cortex-a57");
    mc->max_cpus = 8;
    rmc->gen = 3;
    rmc->psci = true;
    rmc->prr = 0x4f10;                  /* [soc] r8a7795 ES2.0 */
    rmc->cntfrq = 8333333;
    rmc->little_cpu = ARM_CPU_TYPE_NAME("cortex-a53");
    rmc->gic = 0xf1000000;
    rmc->gic_size = 0x80000;
    rmc->prr_base = 0xfff00044;         /* [soc] */
    rmc->scif[0] = 0xe6e88000;          /* SCIF2, the console */
    rmc->scif_spi[0] = 164;
    rmc->scif[1] = 0xe6e68000;          /* SCIF1 */
    rmc->scif_spi[1] = 153;
    rmc->banks = h3_banks;
    rmc->ipmmus = h3_ipmmus;
    rmc->dmacs = h3_dmacs;
    rmc->presets = h3_presets;
}

static void rcar_h2_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    RcarMachineClass *rmc = RCAR_MACHINE_CLASS(oc);

    mc->desc = "Renesas R-Car H2 (r8a7790), as far as its IPMMUs need";
    mc->default_cpu_type = ARM_CPU_TYPE_NAME("cortex-a15");
    mc->max_cpus = 4;
    rmc->gen = 2;
    rmc->prr = 0x4510;                  /* [soc] r8a7790 ES2.0 */
    rmc->cntfrq = 10000000;
    rmc->gic = 0xf1000000;
    rmc->gic_size = 0x8000;
    rmc->prr_base = 0xff000044;         /* [h2], [soc] */
    rmc->scif[0] = 0xe6e60000;          /* SCIF0, the console */
    rmc->scif_spi[0] = 152;
    rmc->scif[1] = 0xe6e68000;          /* SCIF1 */
    rmc->scif_spi[1] = 153;
    rmc->banks = h2_banks;
    rmc->ipmmus = h2_ipmmus;
    rmc->dmacs = h2_dmacs;
    rmc->presets = h2_presets;
}

static const TypeInfo rcar_types[] = {
    {
        .name = TYPE_RCAR_MACHINE,
        .parent = TYPE_MACHINE,
        .abstract = true,
        .instance_size = sizeof(RcarMachineState),
        .instance_init = rcar_instance_init,
        .class_size = sizeof(RcarMachineClass),
        .class_init = rcar_class_init,
    }, {
        .name = MACHINE_TYPE_NAME("rcar-h3"),
        .parent = TYPE_RCAR_MACHINE,
        .class_init = rcar_h3_class_init,
    }, {
        .name = MACHINE_TYPE_NAME("rcar-h2"),
        .parent = TYPE_RCAR_MACHINE,
        .class_init = rcar_h2_class_init,
    },
};

DEFINE_TYPES(rcar_types)
