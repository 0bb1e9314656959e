/*
 * Renesas R-Car Gen2 and Gen3 IPMMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This work is licensed under the terms of the GNU GPL, version 2 or later.
 * See the COPYING file in the top-level directory.
 *
 * Made from drivers, bindings and their comments, no manual. The sources are
 * named beside each register:
 *   [drv]  Linux, drivers/iommu/ipmmu-vmsa.c, v4.12 to 7.3
 *   [bind] Linux, Documentation/devicetree/bindings/iommu/renesas,ipmmu-vmsa
 *   [fork] register lists of the public fork wafgo/qemu (names only)
 *   [vmsa] the ARM VMSA long descriptor format, which [bind] refers to
 *
 * A unit has contexts with page tables, and micro-TLBs with a bus master each.
 * Gen2: each unit has both, and its non-secure registers a second time at
 * 0x800. Gen3: the main unit has the contexts, page tables, faults and the
 * interrupt; cache units have the micro-TLBs and a copy of IMCTR, and name
 * the main unit and their bit in its IMSSTR ("renesas,ipmmu-main").
 *
 * Translations are kept in two levels of TLB, as [drv] flushes two: each
 * micro-TLB has one, and the unit with the contexts has one for all. They
 * forget when they are flushed, or when they are full. IMCTR.FLUSH of the
 * unit with the contexts drops what the main TLB knows of that context;
 * IMCTR.FLUSH of the unit with the micro-TLBs drops what these know of it;
 * IMUCTR.FLUSH drops one micro-TLB. So a driver that changes page tables
 * without a flush, or flushes one of the two only, is wrong on this model.
 *
 * Assumptions, as no source says:
 *  - A micro-TLB that is enabled for a context whose IMCTR.MMUEN is 0, in the
 *    main unit or in its own, is untranslated. It is a guest error.
 *  - A micro-TLB that is enabled for a context that doesn't exist is refused
 *    all access, without a fault. It is a guest error.
 *  - Only the first fault of a context is kept until IMSTR is cleared.
 *  - IMSTR is cleared by writing 0 to its bits ([drv]: "seems to require 0");
 *    1 leaves them as they are. IMELAR and IMEUAR are 0 from then on ([drv]:
 *    "must be read before, otherwise its value will be 0").
 *  - IMSSTR has the bits of units with a fault in an IMSTR that isn't 0.
 *  - MHIT (multiple TLB hits) never happens.
 *  - A wrong IMTTBCR, and an address beyond the input size, is a translation
 *    fault with error code 1 (table format).
 *  - Access flag, shareability, memory attributes, execute-never and
 *    AP[1] (unprivileged) change nothing. AP[2] and APTable[1] are checked.
 *  - ASIDs change nothing: [drv] writes 0, and flushes by context.
 *  - TTBR1 is not there: [drv] has all addresses in TTBR0.
 *  - The CPU runs in non-secure state, so both banks of Gen2 are the
 *    non-secure one, and secure interrupts never come.
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "rcar_ipmmu.h"
#include "trace.h"

#define NS_ALIAS            0x800   /* [drv] Gen2: IM_NS_ALIAS_OFFSET */

/* Registers of a context [drv] */
#define CTX_STRIDE          0x40
#define IMCTR               0x00
#define   IMCTR_INTEN       BIT(2)
#define   IMCTR_FLUSH       BIT(1)  /* reads 0 when done: at once */
#define   IMCTR_MMUEN       BIT(0)
#define IMTTBCR             0x08
#define   IMTTBCR_EAE       BIT(31)
#define   IMTTBCR_SL0_GEN2  BIT(4)  /* 1: tables begin at level 1 */
#define   IMTTBCR_TSZ0_LEN  3       /* [drv] v4.12: IMTTBCR_TSZ0_MASK */
/* IMBUSCR 0x0c [drv] Gen2 only: stored */
#define IMTTLBR0            0x10
#define IMTTUBR0            0x14
/* IMTTLBR1 0x18, IMTTUBR1 0x1c [drv] v4.12: stored */
#define IMSTR               0x20
#define   IMSTR_ERRLVL      12      /* 13:12 */
#define   IMSTR_ERR_FORMAT  (1 << 8)
#define   IMSTR_ERR_PERM    (4 << 8)
#define   IMSTR_ERR_SECURE  (5 << 8)
#define   IMSTR_ABORT       BIT(2)
#define   IMSTR_PF          BIT(1)
#define   IMSTR_TF          BIT(0)
/* IMMAIR0 0x28, IMMAIR1 0x2c [drv]: stored */
#define IMELAR              0x30    /* Gen2: IMEAR */
#define IMEUAR              0x34    /* Gen3 only */
/* IMPCTR..IMPMBD 0x200-0x2ff, IMCAAR 0x30c.. [drv] v4.12, [fork]: stored */

/* Registers of a micro-TLB [drv] */
#define IMUCTR0             0x300
#define IMUCTR32            0x600   /* Gen3 only: numbers 32 and above */
#define UTLB_STRIDE         0x10
#define   IMUCTR_TTSEL_SHIFT  4     /* 7:4 */
#define   IMUCTR_TTSEL_LEN  4
#define   IMUCTR_FLUSH      BIT(1)
#define   IMUCTR_MMUEN      BIT(0)
/* IMUASID + 0x8 [drv]: stored */

/* IMSCTLR 0x500 [fork]: stored */
#define IMSSTR              0x540   /* [bind], [fork] Gen3, main unit: status */

/* Long descriptors [vmsa] */
#define DESC_VALID          BIT_ULL(0)
#define DESC_TABLE          BIT_ULL(1)  /* level 3: a page */
#define DESC_NS             BIT_ULL(5)
#define DESC_AP_RO          BIT_ULL(7)
#define DESC_ADDR           MAKE_64BIT_MASK(12, 28)
#define DESC_APTABLE_RO     BIT_ULL(62)
#define DESC_NSTABLE        BIT_ULL(63)

#define PAGE_SHIFT          12
#define LAST_LEVEL          3

/* A TLB maps such a key to a TlbEntry. */
#define KEY(ctx, level, iova, shift) \
    ((uint64_t)(ctx) << 56 | (uint64_t)(level) << 52 | (iova) >> (shift))
#define KEY_CTX(key)        ((key) >> 56)

typedef struct TlbEntry {
    uint64_t key;
    uint64_t addr;
    unsigned shift;
    bool readonly;
} TlbEntry;

static RcarIpmmuState *main_of(RcarIpmmuState *s)
{
    return s->main ?: s;
}

static unsigned num_ctx(RcarIpmmuState *s)
{
    return s->gen == 2 ? 4 : RCAR_IPMMU_MAX_CTX;
}

static unsigned num_utlb(RcarIpmmuState *s)
{
    return s->gen == 2 ? 32 : RCAR_IPMMU_MAX_UTLB;
}

static const char *name_of(RcarIpmmuState *s)
{
    return DEVICE(s)->id ?: TYPE_RCAR_IPMMU;
}

static uint32_t *ctx_reg(RcarIpmmuState *s, unsigned ctx, unsigned reg)
{
    return &s->regs[(ctx * CTX_STRIDE + reg) / 4];
}

static uint32_t utlb_ctr(RcarIpmmuPort *p)
{
    unsigned base = p->n < 32 ? IMUCTR0 : IMUCTR32 - 32 * UTLB_STRIDE;

    return p->mmu->regs[(base + p->n * UTLB_STRIDE) / 4];
}

static unsigned shift_of(unsigned level)
{
    return PAGE_SHIFT + 9 * (LAST_LEVEL - level);
}

static void update_irq(RcarIpmmuState *root)
{
    bool level = false;
    unsigned i;

    for (i = 0; i < num_ctx(root); i++) {
        level |= *ctx_reg(root, i, IMSTR) &&
                 *ctx_reg(root, i, IMCTR) & IMCTR_INTEN;
    }
    qemu_set_irq(root->irq, level);
}

static void fault(RcarIpmmuPort *p, unsigned ctx, uint64_t iova,
                  uint32_t status, unsigned level)
{
    RcarIpmmuState *root = main_of(p->mmu);
    uint32_t *imstr = ctx_reg(root, ctx, IMSTR);

    if (*imstr) {
        return;
    }
    status |= level << IMSTR_ERRLVL;
    trace_rcar_ipmmu_fault(name_of(p->mmu), p->n, ctx, iova, status);
    p->mmu->n_fault++;
    *imstr = status;
    *ctx_reg(root, ctx, IMELAR) = iova;
    if (root->gen == 3) {
        *ctx_reg(root, ctx, IMEUAR) = iova >> 32;
        root->fault_bit[ctx] = p->mmu->main ? p->mmu->main_bit : 0xff;
    }
    update_irq(root);
}

static uint32_t imsstr(RcarIpmmuState *s)
{
    uint32_t value = 0;
    unsigned i;

    for (i = 0; i < num_ctx(s); i++) {
        if (*ctx_reg(s, i, IMSTR) && s->fault_bit[i] < 32) {
            value |= BIT(s->fault_bit[i]);
        }
    }
    return value;
}

/* A walk of the tables. False: a fault. */
static bool walk(RcarIpmmuPort *p, unsigned ctx, uint64_t iova, TlbEntry *e)
{
    RcarIpmmuState *root = main_of(p->mmu);
    uint32_t ttbcr = *ctx_reg(root, ctx, IMTTBCR);
    uint64_t table = deposit64(*ctx_reg(root, ctx, IMTTLBR0), 32, 32,
                               *ctx_reg(root, ctx, IMTTUBR0));
    unsigned bits = 32 - extract32(ttbcr, 0, IMTTBCR_TSZ0_LEN);
    unsigned index_bits, level;
    bool readonly = false;

    if (root->gen == 2) {
        level = ttbcr & IMTTBCR_SL0_GEN2 ? 1 : 2;
    } else {
        level = 3 - extract32(ttbcr, 6, 2);     /* [drv] SL0_TWOBIT_LVL_1: 2 */
    }
    p->mmu->n_walk++;
    if (!(ttbcr & IMTTBCR_EAE) || level < 1 || level > 2 ||
        bits <= shift_of(level) || iova >> bits) {
        fault(p, ctx, iova, IMSTR_TF | IMSTR_ERR_FORMAT, level);
        return false;
    }
    /* The first table may have fewer entries, and is aligned to its size. */
    index_bits = bits - shift_of(level);
    table &= MAKE_64BIT_MASK(MAX(index_bits + 3, 5), 40) &
             MAKE_64BIT_MASK(0, 40);
    for (;; level++, index_bits = 9) {
        unsigned shift = shift_of(level);
        uint64_t desc;

        if (address_space_read(&root->as,
                               table + extract64(iova, shift, index_bits) * 8,
                               MEMTXATTRS_UNSPECIFIED, &desc,
                               sizeof(desc)) != MEMTX_OK) {
            fault(p, ctx, iova, IMSTR_ABORT, level);
            return false;
        }
        desc = le64_to_cpu(desc);
        trace_rcar_ipmmu_walk(name_of(p->mmu), p->n, ctx, iova, level, desc);
        if (!(desc & DESC_VALID) ||
            (level == LAST_LEVEL && !(desc & DESC_TABLE))) {
            fault(p, ctx, iova, IMSTR_TF, level);
            return false;
        }
        if (level < LAST_LEVEL && desc & DESC_TABLE) {
            /*
             * [drv]: "generates a secure access page fault if any of the
             * NStable and NS bits isn't set when running in non-secure mode"
             */
            if (!(desc & DESC_NSTABLE)) {
                fault(p, ctx, iova, IMSTR_PF | IMSTR_ERR_SECURE, level);
                return false;
            }
            readonly |= desc & DESC_APTABLE_RO;
            table = desc & DESC_ADDR;
            continue;
        }
        if (!(desc & DESC_NS)) {
            fault(p, ctx, iova, IMSTR_PF | IMSTR_ERR_SECURE, level);
            return false;
        }
        e->key = KEY(ctx, level, iova, shift);
        e->addr = desc & DESC_ADDR & ~MAKE_64BIT_MASK(0, shift);
        e->shift = shift;
        e->readonly = readonly || desc & DESC_AP_RO;
        return true;
    }
}

static TlbEntry *tlb_find(GHashTable *tlb, unsigned ctx, uint64_t iova)
{
    unsigned level;

    for (level = LAST_LEVEL; level >= 1; level--) {
        uint64_t key = KEY(ctx, level, iova, shift_of(level));
        TlbEntry *e = g_hash_table_lookup(tlb, &key);

        if (e) {
            return e;
        }
    }
    return NULL;
}

/* A guest must not make the emulator grow: when a TLB is full, it forgets. */
static void tlb_keep(RcarIpmmuState *s, GHashTable *tlb, const TlbEntry *e)
{
    TlbEntry *copy;

    if (g_hash_table_size(tlb) >= s->tlb_size) {
        g_hash_table_remove_all(tlb);
    }
    if (s->tlb_size) {
        copy = g_memdup2(e, sizeof(*e));
        g_hash_table_replace(tlb, &copy->key, copy);
    }
}

static gboolean key_has_ctx(gpointer key, gpointer value, gpointer ctx)
{
    return KEY_CTX(*(uint64_t *)key) == GPOINTER_TO_UINT(ctx);
}

static void tlb_drop_ctx(RcarIpmmuState *s, unsigned ctx)
{
    unsigned i;

    trace_rcar_ipmmu_flush_ctx(name_of(s), ctx);
    s->n_flush++;
    g_hash_table_foreach_remove(s->tlb, key_has_ctx, GUINT_TO_POINTER(ctx));
    for (i = 0; i < num_utlb(s); i++) {
        g_hash_table_foreach_remove(s->port[i].tlb, key_has_ctx,
                                    GUINT_TO_POINTER(ctx));
    }
}

/* The translation of an address, from the TLBs or the tables. */
static bool lookup(RcarIpmmuPort *p, unsigned ctx, uint64_t iova, TlbEntry *e)
{
    RcarIpmmuState *root = main_of(p->mmu);
    TlbEntry *found = tlb_find(p->tlb, ctx, iova);

    if (found) {
        *e = *found;
        return true;
    }
    found = tlb_find(root->tlb, ctx, iova);
    if (found) {
        *e = *found;
    } else if (walk(p, ctx, iova, e)) {
        tlb_keep(root, root->tlb, e);
    } else {
        return false;
    }
    tlb_keep(p->mmu, p->tlb, e);
    return true;
}

static void warn_ctx_off(RcarIpmmuPort *p, unsigned ctx)
{
    if (!p->warned) {
        p->warned = true;
        qemu_log_mask(LOG_GUEST_ERROR,
                      "%s: micro-TLB %u is enabled for context %u, whose "
                      "IMCTR is off in the %s unit\n",
                      name_of(p->mmu), p->n, ctx,
                      *ctx_reg(p->mmu, ctx, IMCTR) & IMCTR_MMUEN ?
                      "main" : p->mmu->main ? "cache" : "only");
    }
}

static bool ctx_is_on(RcarIpmmuState *s, unsigned ctx)
{
    return *ctx_reg(s, ctx, IMCTR) & *ctx_reg(main_of(s), ctx, IMCTR) &
           IMCTR_MMUEN;
}

static IOMMUTLBEntry rcar_ipmmu_translate(IOMMUMemoryRegion *mr, hwaddr addr,
                                          IOMMUAccessFlags flag, int iommu_idx)
{
    RcarIpmmuPort *p = RCAR_IPMMU_PORT(mr);
    RcarIpmmuState *s = p->mmu;
    uint32_t uctr = utlb_ctr(p);
    unsigned ctx = extract32(uctr, IMUCTR_TTSEL_SHIFT, IMUCTR_TTSEL_LEN);
    hwaddr mask = MAKE_64BIT_MASK(0, PAGE_SHIFT);
    IOMMUTLBEntry entry = {
        .target_as = &s->as,
        .iova = addr & ~mask,
        .translated_addr = addr & ~mask,
        .addr_mask = mask,
        .perm = IOMMU_RW,
    };
    TlbEntry e = { };

    s->n_translate++;
    if (!(uctr & IMUCTR_MMUEN)) {
        return entry;
    }
    if (ctx >= num_ctx(s)) {
        entry.perm = IOMMU_NONE;
        return entry;
    }
    if (!ctx_is_on(s, ctx)) {
        warn_ctx_off(p, ctx);
        return entry;
    }
    entry.perm = IOMMU_NONE;
    if (lookup(p, ctx, addr, &e)) {
        mask = MAKE_64BIT_MASK(0, e.shift);
        entry.iova = addr & ~mask;
        entry.translated_addr = e.addr;
        entry.addr_mask = mask;
        entry.perm = e.readonly ? IOMMU_RO : IOMMU_RW;
        if (flag & IOMMU_WO && e.readonly) {
            fault(p, ctx, addr, IMSTR_PF | IMSTR_ERR_PERM,
                  LAST_LEVEL - (e.shift - PAGE_SHIFT) / 9);
        }
    }
    trace_rcar_ipmmu_translate(name_of(s), p->n, ctx, addr,
                               entry.translated_addr, entry.perm);
    return entry;
}

static hwaddr bank_offset(RcarIpmmuState *s, hwaddr addr)
{
    return s->gen == 2 ? addr & (NS_ALIAS - 1) : addr;
}

static uint64_t rcar_ipmmu_read(void *opaque, hwaddr addr, unsigned size)
{
    RcarIpmmuState *s = opaque;
    uint32_t value;

    addr = bank_offset(s, addr);
    value = s->gen == 3 && addr == IMSSTR ? imsstr(s) : s->regs[addr / 4];
    trace_rcar_ipmmu_read(name_of(s), addr, value);
    return value;
}

static void write_ctx(RcarIpmmuState *s, unsigned ctx, unsigned reg,
                      uint32_t value)
{
    uint32_t *r = ctx_reg(s, ctx, reg);
    unsigned i;

    switch (reg) {
    case IMCTR:
        if (value & IMCTR_FLUSH) {
            tlb_drop_ctx(s, ctx);
        }
        *r = value & ~IMCTR_FLUSH;
        for (i = 0; i < num_utlb(s); i++) {
            s->port[i].warned = false;
        }
        break;
    case IMSTR:
        *r &= value;
        if (!*r) {
            *ctx_reg(s, ctx, IMELAR) = 0;
            *ctx_reg(s, ctx, IMEUAR) = 0;
        }
        break;
    case IMELAR:
    case IMEUAR:
        qemu_log_mask(LOG_GUEST_ERROR, "%s: write to a fault address\n",
                      name_of(s));
        return;
    default:
        *r = value;
        return;
    }
    if (!s->main) {
        update_irq(s);
    }
}

static void write_utlb_ctr(RcarIpmmuState *s, unsigned n, hwaddr addr,
                           uint32_t value)
{
    RcarIpmmuPort *p = &s->port[n];
    unsigned ctx = extract32(value, IMUCTR_TTSEL_SHIFT, IMUCTR_TTSEL_LEN);

    if (value & IMUCTR_FLUSH) {
        trace_rcar_ipmmu_flush_utlb(name_of(s), n);
        s->n_flush++;
        g_hash_table_remove_all(p->tlb);
    }
    s->regs[addr / 4] = value & ~IMUCTR_FLUSH;
    p->warned = false;
    if (!(value & IMUCTR_MMUEN)) {
        return;
    }
    if (ctx >= num_ctx(s)) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "%s: micro-TLB %u is enabled for context %u, which "
                      "doesn't exist\n", name_of(s), n, ctx);
    } else if (!ctx_is_on(s, ctx)) {
        warn_ctx_off(p, ctx);
    }
}

static void rcar_ipmmu_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    RcarIpmmuState *s = opaque;
    hwaddr utlb;

    addr = bank_offset(s, addr);
    trace_rcar_ipmmu_write(name_of(s), addr, value);
    if (addr < num_ctx(s) * CTX_STRIDE) {
        write_ctx(s, addr / CTX_STRIDE, addr % CTX_STRIDE, value);
        return;
    }
    utlb = addr - (addr >= IMUCTR32 ? IMUCTR32 - 32 * UTLB_STRIDE : IMUCTR0);
    if (addr >= IMUCTR0 && addr < IMUCTR32 + 16 * UTLB_STRIDE &&
        (addr < IMUCTR0 + 32 * UTLB_STRIDE || addr >= IMUCTR32) &&
        utlb % UTLB_STRIDE == 0 && utlb / UTLB_STRIDE < num_utlb(s)) {
        write_utlb_ctr(s, utlb / UTLB_STRIDE, addr, value);
        return;
    }
    if (s->gen == 3 && addr == IMSSTR) {
        qemu_log_mask(LOG_GUEST_ERROR, "%s: write to IMSSTR\n", name_of(s));
        return;
    }
    s->regs[addr / 4] = value;
}

static const MemoryRegionOps rcar_ipmmu_ops = {
    .read = rcar_ipmmu_read,
    .write = rcar_ipmmu_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid.min_access_size = 4,     /* [drv] has no other accesses */
    .valid.max_access_size = 4,
};

MemoryRegion *rcar_ipmmu_port(RcarIpmmuState *s, unsigned n)
{
    return n < num_utlb(s) ? MEMORY_REGION(&s->port[n].iommu) : NULL;
}

static void forget(RcarIpmmuState *s)
{
    unsigned i;

    g_hash_table_remove_all(s->tlb);
    for (i = 0; i < num_utlb(s); i++) {
        g_hash_table_remove_all(s->port[i].tlb);
        s->port[i].warned = false;
    }
}

static void rcar_ipmmu_reset(DeviceState *dev)
{
    RcarIpmmuState *s = RCAR_IPMMU(dev);

    memset(s->regs, 0, sizeof(s->regs));
    memset(s->fault_bit, 0, sizeof(s->fault_bit));
    forget(s);
    if (!s->main) {
        update_irq(s);
    }
}

static GHashTable *tlb_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
}

static void rcar_ipmmu_realize(DeviceState *dev, Error **errp)
{
    RcarIpmmuState *s = RCAR_IPMMU(dev);
    unsigned i;

    if (s->gen != 2 && s->gen != 3) {
        error_setg(errp, "property 'gen' must be 2 or 3");
        return;
    }
    if (!s->memory) {
        error_setg(errp, "property 'memory' must be set");
        return;
    }
    if (s->main && (s->gen == 2 || s->main->gen != s->gen || s->main->main ||
                    s->main_bit > 31)) {
        error_setg(errp, "property 'main' must be a main unit of generation 3, "
                   "and 'main-bit' at most 31");
        return;
    }
    address_space_init(&s->as, s->memory, TYPE_RCAR_IPMMU);
    s->tlb = tlb_new();
    for (i = 0; i < num_utlb(s); i++) {
        g_autofree char *name = g_strdup_printf("utlb%u", i);
        RcarIpmmuPort *p = &s->port[i];

        memory_region_init_iommu(p, sizeof(*p), TYPE_RCAR_IPMMU_PORT, OBJECT(s),
                                 name, UINT64_MAX);
        p->mmu = s;
        p->n = i;
        p->tlb = tlb_new();
    }
}

static void rcar_ipmmu_init(Object *obj)
{
    RcarIpmmuState *s = RCAR_IPMMU(obj);

    memory_region_init_io(&s->iomem, obj, &rcar_ipmmu_ops, s, TYPE_RCAR_IPMMU,
                          RCAR_IPMMU_REGS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    object_property_add_uint64_ptr(obj, "n-translate", &s->n_translate,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "n-walk", &s->n_walk,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "n-fault", &s->n_fault,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "n-flush", &s->n_flush,
                                   OBJ_PROP_FLAG_READ);
}

static int rcar_ipmmu_post_load(void *opaque, int version_id)
{
    forget(opaque);
    return 0;
}

/* What a TLB knows doesn't migrate: it may forget at any time. */
static const VMStateDescription vmstate_rcar_ipmmu = {
    .name = TYPE_RCAR_IPMMU,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = rcar_ipmmu_post_load,
    .fields = (VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, RcarIpmmuState, RCAR_IPMMU_REGS_SIZE / 4),
        VMSTATE_UINT8_ARRAY(fault_bit, RcarIpmmuState, RCAR_IPMMU_MAX_CTX),
        VMSTATE_END_OF_LIST()
    }
};

/*
 * gen: 2 or 3.
 * memory: what tables and translated addresses are in.
 * main, main-bit: of a cache unit, as the cells of "renesas,ipmmu-main".
 * tlb-size: entries of each TLB; with 0 no flush can be missed.
 */
static Property rcar_ipmmu_properties[] = {
    DEFINE_PROP_UINT8("gen", RcarIpmmuState, gen, 3),
    DEFINE_PROP_LINK("memory", RcarIpmmuState, memory, TYPE_MEMORY_REGION,
                     MemoryRegion *),
    DEFINE_PROP_LINK("main", RcarIpmmuState, main, TYPE_RCAR_IPMMU,
                     RcarIpmmuState *),
    DEFINE_PROP_UINT8("main-bit", RcarIpmmuState, main_bit, 0),
    DEFINE_PROP_UINT32("tlb-size", RcarIpmmuState, tlb_size, 16384),
    DEFINE_PROP_END_OF_LIST()
};

static void rcar_ipmmu_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Renesas R-Car IPMMU";
    dc->realize = rcar_ipmmu_realize;
    dc->reset = rcar_ipmmu_reset;
    dc->vmsd = &vmstate_rcar_ipmmu;
    device_class_set_props(dc, rcar_ipmmu_properties);
    /* Its masters have to be connected by the board. */
    dc->user_creatable = false;
}

static void rcar_ipmmu_port_class_init(ObjectClass *klass, void *data)
{
    IOMMU_MEMORY_REGION_CLASS(klass)->translate = rcar_ipmmu_translate;
}

static const TypeInfo rcar_ipmmu_types[] = {
    {
        .name = TYPE_RCAR_IPMMU,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(RcarIpmmuState),
        .instance_init = rcar_ipmmu_init,
        .class_init = rcar_ipmmu_class_init,
    }, {
        .name = TYPE_RCAR_IPMMU_PORT,
        .parent = TYPE_IOMMU_MEMORY_REGION,
        .instance_size = sizeof(RcarIpmmuPort),
        .class_init = rcar_ipmmu_port_class_init,
    },
};

DEFINE_TYPES(rcar_ipmmu_types)
