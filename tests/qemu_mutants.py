# SPDX-License-Identifier: GPL-2.0
"""Each test of qemu_qtest.py is seen to fail: a line of the models is broken, and the tests that are for it are run.
Not part of CI. qemu_mutants.py [FILE [TEXT]] for the mutants of one file, or those of them whose old line has this
text; then tests without a mutant are not looked for."""
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import qemu_qtest
from defer import lib, model

# file: (what is there, what is put in its place, the tests that must fail; "H3." before one for this board only)
MUTANTS = {
    "rcar_ipmmu.c": [
        ("    memset(s->regs, 0, sizeof(s->regs));\n    memset(s->fault", "    memset(s->fault",
         "registers_are_0_after_reset*"),
        ("*r = value & ~IMCTR_FLUSH;", "*r = value;", "flush_reads_0*"),
        ("= value & ~IMUCTR_FLUSH;", "= value;", "flush_reads_0* H3.micro_tlbs_32*"),
        ("    s->regs[addr / 4] = value;\n}", "}", "registers_without_behaviour*"),
        ("s->gen == 2 ? addr & (NS_ALIAS - 1) : addr", "addr", "H2.the_registers_are_there_twice"),
        ("s->gen == 2 ? addr & (NS_ALIAS - 1) : addr", "addr & (NS_ALIAS - 1)", "H3.there_is_no_alias"),
        ("    case IMELAR:\n", "    case 0x3c:\n", "fault_registers_cannot_be_set"),
        ("    if (!(uctr & IMUCTR_MMUEN)) {\n",
         "    if (!(uctr & IMUCTR_MMUEN)) {\n        entry.perm = IOMMU_NONE;\n",
         "without_mmuen* other_micro_tlbs*"),
        ("e->addr = desc & DESC_ADDR & ~MAKE_64BIT_MASK(0, shift);",
         "e->addr = (desc & DESC_ADDR & ~MAKE_64BIT_MASK(0, shift)) + 0x1000;",
         "pages_of_4k offsets_within* tables_and_pages* each_dmac_is_on* ttsel* a_micro_tlb_goes_over*"),
        ("PAGE_SHIFT + 9 * (LAST_LEVEL - level)", "PAGE_SHIFT + 8 * (LAST_LEVEL - level)", "blocks_of_2m blocks_of_1g"),
        ("ttbcr & IMTTBCR_SL0_GEN2 ? 1 : 2", "1", "H2.tables_that_begin*"),
        ("3 - extract32(ttbcr, 6, 2)", "1", "H3.tables_that_begin* H3.another_table_format*"),
        ("MAX(index_bits + 3, 5)", "12", "the_first_table_is_aligned*"),
        ("table = desc & DESC_ADDR;", "table = (uint32_t)(desc & DESC_ADDR);", "tables_and_pages*"),
        ("extract32(uctr, IMUCTR_TTSEL_SHIFT, IMUCTR_TTSEL_LEN);\n    hwaddr", "s->gen - 2;\n    hwaddr",
         "ttsel* a_micro_tlb_goes* H3.there_are_8* H2.there_are_4*"),
        ("fault(p, ctx, iova, IMSTR_TF, level);", "fault(p, ctx, iova, IMSTR_TF, 3);", "translation_fault*"),
        ("(level == LAST_LEVEL && !(desc & DESC_TABLE))", "false", "a_page_is_not_a_block"),
        ("e->readonly = readonly || desc & DESC_AP_RO;", "e->readonly = readonly;",
         "a_read_only_page* a_read_only_block* the_first_fault* a_fault_is_cleared* the_interrupt_is* what_was_done*"),
        ("            readonly |= desc & DESC_APTABLE_RO;\n", "", "a_read_only_table*"),
        ("LAST_LEVEL - (e.shift - PAGE_SHIFT) / 9", "LAST_LEVEL", "a_read_only_block*"),
        ("if (!(desc & DESC_NS)) {", "if (false) {", "a_page_or_block_without_ns*"),
        ("if (!(desc & DESC_NSTABLE)) {", "if (false) {", "a_table_without_nstable*"),
        ("!(ttbcr & IMTTBCR_EAE) || ", "", "another_table_format*"),
        ("IMSTR_ABORT, level", "IMSTR_TF, level", "a_table_where_there_is_no_memory*"),
        (" || iova >> bits) {", ") {", "an_address_above_4g*"),
        ("IMEUAR) = iova >> 32;", "IMEUAR) = 0;", "H3.an_address_above_4g*"),
        ("    if (*imstr) {\n        return;\n    }\n", "", "the_first_fault*"),
        ("*r &= value;", "*r &= ~value;", "a_fault_is_cleared*"),
        ("*ctx_reg(root, i, IMCTR) & IMCTR_INTEN", "true", "the_interrupt_is*"),
        ("entry.perm = IOMMU_NONE;\n    if", "if",
         "translation_fault* no_byte_is_written* a_page_that_is_gone*"),
        ("if (!p->warned) {", "if (false) {", "a_context_that_is_off* H3.a_cache_unit_that* H3.a_main_unit_that*"),
        ("        p->warned = true;\n", "", "H3.a_cache_unit_that*"),
        ("        entry.perm = IOMMU_NONE;\n        return entry;", "        return entry;",
         "a_context_that_is_not_there*"),
        ("    return s->gen == 2 ? 4 : RCAR", "    return s->gen == 2 ? 3 : -1 + RCAR",
         "H3.there_are_8* H2.there_are_4*"),
        ("p->mmu->n_walk++;", "", "what_was_done*"),
        ("    if (s->tlb_size) {", "    if (false) {",
         "what_was_translated* a_page_that_is_gone* a_block_is_known* a_flush_of_the_micro* another_table_is_not* "
         "a_flush_of_another* H3.a_flush_of_the_main* H3.a_flush_of_the_cache*"),
        ("            tlb_drop_ctx(s, ctx);\n", "",
         "what_was_translated* H2.the_registers_are_there_twice a_dmac_flushes*"),
        ("g_hash_table_remove_all(p->tlb);", "", "H3.imuctr_drops*"),
        ("g_hash_table_remove_all(p->tlb);", "g_hash_table_remove_all(p->tlb);\n"
         "        g_hash_table_remove_all(main_of(s)->tlb);", "a_flush_of_the_micro*"),
        ("return KEY_CTX(*(uint64_t *)key) == GPOINTER_TO_UINT(ctx);", "return TRUE;", "a_flush_of_another*"),
        ("level >= 1; level--", "level >= 3; level--", "a_block_is_known*"),
        ("    } else {\n        return false;\n    }\n    tlb_keep",
         "    } else {\n        e->key = KEY(ctx, 3, iova, 12);\n"
         "        e->shift = 12;\n        e->readonly = true;\n        tlb_keep(root, root->tlb, e);\n"
         "        return false;\n    }\n    tlb_keep", "a_fault_is_not_remembered"),
        ("    default:\n        *r = value;\n", "    default:\n        tlb_drop_ctx(s, ctx);\n        *r = value;\n",
         "H2.another_table_is_not*"),
        ("sizeof(s->fault_bit));\n    forget(s);", "sizeof(s->fault_bit));", "a_reset_forgets"),
        ("p->n < 32 ? IMUCTR0 :", "p->n < 48 ? IMUCTR0 :", "Options.micro_tlbs_of*"),
        ("(addr < IMUCTR0 + 32 * UTLB_STRIDE || addr >= IMUCTR32) &&", "", "H3.micro_tlbs_32*"),
        ("utlb / UTLB_STRIDE < num_utlb(s)", "utlb / UTLB_STRIDE < 48", "H2.there_are_32*"),
        ("*found = tlb_find(p->tlb, ctx, iova);", "*found = NULL;", "H3.a_flush_of_the_main*"),
        ("found = tlb_find(root->tlb, ctx, iova);", "found = NULL;", "a_flush_of_the_micro* H3.a_flush_of_the_cache*"),
        ("BIT(s->fault_bit[i])", "BIT(0)", "H3.imsstr*"),
        ("return *ctx_reg(s, ctx, IMCTR) & *ctx_reg(main_of(s), ctx, IMCTR) &",
         "return *ctx_reg(main_of(s), ctx, IMCTR) &",
         "H3.a_cache_unit_that*"),
        ("return *ctx_reg(s, ctx, IMCTR) & *ctx_reg(main_of(s), ctx, IMCTR) &", "return *ctx_reg(s, ctx, IMCTR) &",
         "H3.a_main_unit_that*"),
        ("    if (s->tlb_size) {", "    if (true) {", "Options.without_a_tlb*"),
        ("g_hash_table_size(tlb) >= s->tlb_size", "false", "Options.a_tlb_that_is_full*"),
        ("        VMSTATE_UINT32_ARRAY(regs, RcarIpmmuState, RCAR_IPMMU_REGS_SIZE / 4),\n", "",
         "Options.state_migrates"),
        ("        VMSTATE_UINT8_ARRAY(fault_bit, RcarIpmmuState, RCAR_IPMMU_MAX_CTX),\n", "",
         "Options.state_migrates"),
    ],
    "rcar_dmac.c": [
        ("    memset(s->regs, 0, sizeof(s->regs));\n    s->next", "    s->next", "registers_after_reset"),
        ("extract32(value, 0, 16)", "value", "dmaor_has_16*"),
        ("deposit32(read_reg(s, addr & ~3), (addr & 2) * 8,", "deposit32(read_reg(s, addr & ~3), 0,", "halves*"),
        ("{ 0, 1, 2, 4, 5, 6, 0, 3 }", "{ 0, 1, 2, 4, 5, 5, 0, 3 }", "each_unit"),
        ("return mode == MODE_INC ?", "return mode != MODE_DEC ?", "addresses_that_stay"),
        ("addr - bytes", "addr", "addresses_that_go_down"),
        ("extract32(fix, 0, 8)", "0 * fix", "addresses_above_4g an_address_above*"),
        ("    if (soon) {\n        qemu_bh_schedule(s->bh);\n    } else if (more) {", "    if (more && !soon) {",
         "a_long_transfer"),
        ("        s->next = (ch + 1) % s->channels;\n", "", "others_have* dmachclr*"),
        ("    *reg(s, ch, TCR) = extract32(c->left, 0, TCR_LEN);\n", "", "registers_follow*"),
        ("?: 1 << TCR_LEN;", "?: 1;", "tcr_0*"),
        ("(DMAOR_DME | DMAOR_AE)) == DMAOR_DME", "DMAOR_DME) < 2", "nothing_moves* an_error_without*"),
        ("value &= ~flags | *r;", "", "the_flags_are*"),
        ("if (value & BIT(i)) {", "if (true) {", "dmachclr*"),
        ("(chcr & CHCR_TE && chcr & CHCR_IE)", "(chcr & CHCR_TE)", "no_interrupt_without*"),
        ("(chcr & CHCR_TE && chcr & CHCR_IE)", "false", "the_interrupt_of* a_chain_of_descriptors"),
        ("if (!(*chcr & CHCR_CAIE)) {", "if (true) {", "an_error_with_caie*"),
        ("if (!(*chcr & CHCR_CAIE)) {", "if (false) {", "an_error_without*"),
        ("extract32(chcr, CHCR_RS_SHIFT, 4) == CHCR_RS_AUTO;", "true;", "requests_of_devices*"),
        ('"%s: write of 0x%"', '"%s: write 0x%"', "channels_that_are_not*"),
        ("n * sizeof(desc)", "0", "a_chain_of_descriptors the_pointer_names* a_chain_that_over*"),
        ("address_space_read(&s->as[ch], addr,", "address_space_read(&s->as[2], addr,",
         "descriptors_are_read_through*"),
        ("(n + 1) % count", "n", "a_chain_of* the_pointer_names*"),
        ("if (chcr & CHCR_RPT_SAR) {", "if (true) {", "what_isnt_repeated*"),
        ("        *chcr |= CHCR_DSE;\n", "", "a_stage_ends* an_endless*"),
        ("dptr == extract32(*reg(s, ch, DPCR), DPCR_DIPT_SHIFT, 8)", "true", "a_stage_ends*"),
        ("(dpm != DPM_ENDLESS && !dptr)", "!dptr", "an_endless* others_have*"),
        ("} else if (more) {", "} else if (false) {", "an_endless*"),
        ("desc, sizeof(desc)) != MEMTX_OK", "desc, sizeof(desc)) > 99", "descriptors_where*"),
        ("if (!(base & DPBASE_SEL)) {", "if (false) {", "descriptors_inside*"),
        ("qemu_bh_new_guarded(run, s, &dev->mem_reentrancy_guard)", "qemu_bh_new(run, s)", "its_own_registers*"),
        ("        if (can_run(s, i)) {\n            qemu_bh",
         "        if (addr != CHAN + 0x20c && can_run(s, i)) {\n            qemu_bh",
         "one_dmac_starts*"),
        ("        VMSTATE_UINT32_ARRAY(regs, RcarDmacState, RCAR_DMAC_GLOBAL_SIZE / 4),\n", "",
         "Options.state_migrates"),
        ("        n = MIN(n, PAGE_SIZE - sar % PAGE_SIZE);\n", "", "a_transfer_ends*"),
        ("        n = MIN(n, PAGE_SIZE - dar % PAGE_SIZE);\n", "", "a_transfer_ends*"),
        ("    if (!runstate_is_running() && ", "    if (false && ", "Options.nothing_moves_while* Options.state_migrates"),
        ("    if (running) {", "    if (false) {", "Options.nothing_moves_while* Options.state_migrates"),
    ],
    "rcar_scif.c": [
        ("*reg(s, SCBRR) = 0xff;", "", "scif_after_reset"),
        ("*reg(s, SCSCR) & SCSCR_TE && s->tx", "s->tx", "scif_sends*"),
        ("*reg(s, SCSCR) & SCSCR_RE &&\n", "true &&\n", "scif_receives*"),
        ("RCAR_SCIF_FIFO - s->rx_count : 0", "64 : 0", "scif_holds*"),
        ("scr & SCSCR_TIE && ", "", "scif_interrupts"),
        (">= rtrg[extract32(fcr, SCFCR_RTRG_SHIFT, 2)]", ">= 1", "scif_receive_trigger"),
        ("*reg(s, SCLSR) |= SCLSR_ORER;", "", "scif_loopback*"),
    ],
    "rcar_cpg.c": [
        ("value = s->regs[smstpcr[i] / 4];", "value = 0;", "cpg_status*"),
        ("&= ~value;", "= 0;", "cpg_resets*"),
        ("value & ~FRQCRB_KICK", "value", "cpg_locks*"),
        ("{ 0x26c, 0x0001 }", "{ 0x26c, 0x0003 }", "H3.cpg_has_no_divider*"),
        ("{ 0x074, 0x0444 }", "{ 0x074, 0x0440 }", "H2.cpg_has_no_divider*"),
    ],
    "rcar_sysc.c": [
        ("a->bit, 1, !on)", "a->bit, 1, on)", "sysc_switches*"),
        (" & s->regs[SYSCIER / 4];", ";", "sysc_says_nothing*"),
        ("    if (bits) {", "    if (false) {", "sysc_knows*"),
        ("} else if (addr != area + PWRSR) {", "} else {", "sysc_status*"),
    ],
    "rcar_rst.c": [
        ("addr == MODEMR ? s->mode : ", "", "rst_and_prr Options.product_and_mode"),
    ],
    "rcar_rest.c": [
        ("return g_hash_table_size(s->logged) < MAX_LOGGED &&", "return false &&", "what_nothing_models*"),
        ("            memset(s->mem + (size_t)i * PAGE, 0, PAGE);\n", "", "what_nothing_models*"),
        ("if (p->addr == addr) {", "if (false) {", "what_is_preset H3.avb*"),
    ],
    "rcar.c": [
        ("row->first_utlb + i", "i", "each_dmac_is_on*"),
        ("                             0, mc->gic);", "                             0, MASTERS_SIZE);",
         "the_interrupt_controller* Options.each_dmac_works*"),
        ("i / 16 * 0x1000, 0x1000);", "0, 0x1000);", "H3.pages_of_the_cpu*"),
        ('"audmac0", 0xec700000, NULL', '"audmac0", 0xec700000, "ipmmu-mp"', "H2.audio*"),
        ("i / 4 << 8 | i % 4", "i", "Options.cpus_of*"),
        ("    if (left) {", "    if (false) {", "Options.too_much*"),
        ("            if (!port) {", "            if (false) {", "Options.micro_tlbs_that*"),
        ("                                                 utlb + m->utlb_offset);",
         "                                                 utlb);", "Options.micro_tlbs*"),
    ],
}


def tests():
    """Names of all tests, as in H3.pages_of_4k."""
    return [f"{cls.__name__}.{name[len('test_'):]}" for cls in (qemu_qtest.H3, qemu_qtest.H2, qemu_qtest.Options)
            for name in unittest.TestLoader().getTestCaseNames(cls)]


def meant(patterns):
    """A pattern without a board is for both."""
    for pattern in patterns.split():
        wanted = [pattern] if "." in pattern else ["H3." + pattern, "H2." + pattern]
        for one in wanted:
            found = fnmatch.filter(tests(), one)
            if not found:
                raise lib.Stop("usage", f"no test is called {one}")
            yield from found


def failed(shared, names):
    """Those of the tests that fail with this object."""
    done = subprocess.run([sys.executable, qemu_qtest.__file__, *(n.replace(".", ".test_") for n in names)],
                          env={**os.environ, "MODEL": shared}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=600)
    return {name for name in names if f"test_{name.split('.')[1]} (__main__.{name.split('.')[0]}." in
            "\n".join(line for line in done.stderr.split("\n") if line.startswith(("FAIL:", "ERROR:")))}


def program(only=None, text=""):
    missed, killed = [], set()
    src = model.headers(model.source_version())
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(lib.path("qemu"), scratch + "/qemu")
        lib.ROOT = scratch
        model.compile_object(src, scratch + "/rcar.so", scratch + "/objects")
        for file, mutants in MUTANTS.items():
            if only and file != only:
                continue
            path, whole = f"{scratch}/qemu/{file}", lib.read(f"{scratch}/qemu/{file}")
            for old, new, patterns in mutants:
                what = f"{file}: {' '.join(old.split())[:60]} -> {' '.join(new.split())[:40]}"
                if whole.count(old) != 1:
                    raise lib.Stop("usage", f"{what}: is there {whole.count(old)} times")
                if text not in old:
                    continue
                lib.write(path, whole.replace(old, new))
                # A mutant may leave something unused.
                model.FLAGS = model.FLAGS.replace("-Werror", "-w")
                model.compile_object(src, scratch + "/rcar.so", scratch + "/objects", file)
                names = sorted(set(meant(patterns)))
                found = failed(scratch + "/rcar.so", names)
                missed += [f"{what}: {name}" for name in names if name not in found]
                killed |= found
                all_fail = "ok" if len(found) == len(names) else "not ok"
                print(f"{all_fail} {what}: {len(found)} of {len(names)} tests fail")
            lib.write(path, whole)
            model.compile_object(src, scratch + "/rcar.so", scratch + "/objects", file)
    for line in missed:
        print(f"not noticed: {line}")
    never = [] if only else [name for name in tests() if name not in killed]
    print(*(f"never failed: {name}" for name in never), sep="\n")
    print(f"{len(killed)} of {len(tests())} tests were seen to fail")
    return bool(missed or never)


if __name__ == "__main__":
    lib.main(program, *sys.argv[1:])
