// SPDX-License-Identifier: GPL-2.0
// What tools/audit wants to know of an IOMMU driver: facts, one a line, that it puts together
// and judges. A line is "@", the fact, file, line, function, and what the rule says of it,
// separated by tabs. No rule looks at more than one function.

@initialize:python@
@@
def fact(name, at, *details):
    print("\t".join(("@" + name, at[0].file, at[0].line, at[0].current_element) + details))

// A driver is a file that defines a struct iommu_ops.
@ops@ identifier o; position p; @@
struct iommu_ops o@p = { ... };
@script:python@ p << ops.p; o << ops.o; @@
fact("ops", p, o)

// X: of_iommu_xlate() takes an IOMMU without it for none at all.
@xlate@ identifier o; expression e; position p; @@
struct iommu_ops o@p = { ..., .of_xlate = e, ... };
@script:python@ p << xlate.p; o << xlate.o; @@
fact("xlate", p, o)

// add_device() until v5.7, probe_device() since.
@add@ identifier o, f, cb =~ "^(add|probe)_device$"; position p; @@
struct iommu_ops o@p = { ..., .cb = f, ... };
@script:python@ p << add.p; f << add.f; @@
fact("add", p, f)

// R: one argument until v4.12, and iommu_device_set_ops() names the ops; then the ops, and (v5.12)
// the device whose fwnode it is found by, so that set_fwnode (F) could go.
@reg@ position p; @@
iommu_device_register@p(...)
@script:python@ p << reg.p; @@
fact("register", p)

@regops@ expression i, d; identifier o; position p; @@
iommu_device_register@p(i, &o, d)
@script:python@ p << regops.p; o << regops.o; d << regops.d; @@
fact("setops", p, o)
fact("hwdev", p, d)

@setops@ expression i; identifier o; position p; @@
iommu_device_set_ops@p(i, &o)
@script:python@ p << setops.p; o << setops.o; @@
fact("setops", p, o)

@fwnode@ position p; @@
iommu_device_set_fwnode@p(...)
@script:python@ p << fwnode.p; @@
fact("fwnode", p)

// O: its third argument is called by of_iommu_init(), unless it is NULL.
@declare@ declarer name IOMMU_OF_DECLARE; expression c, f; identifier n; position p; @@
IOMMU_OF_DECLARE@p(n, c, f);
@script:python@ p << declare.p; f << declare.f; @@
fact("declare", p, f)

// B: with NULL for the ops, it takes them away.
@bus@ expression b; identifier o; position p; @@
bus_set_iommu@p(b, &o)
@script:python@ p << bus.p; o << bus.o; @@
fact("bus", p, o)

// The doors that the kernel comes in by, and the calls from there to bus_set_iommu().
@probe@ identifier t, s, f; position p; @@
struct t s@p = { ..., .probe = f, ... };
@script:python@ p << probe.p; f << probe.f; @@
fact("probe", p, f)

@initcall@ declarer d; identifier f; position p; @@
d@p(f);
@script:python@ p << initcall.p; d << initcall.d; f << initcall.f; @@
if d.endswith(("initcall", "initcall_sync")) or d == "module_init":
    fact("initcall", p, f)

@call@ identifier g; position p; @@
g@p(...)
@script:python@ p << call.p; g << call.g; @@
fact("call", p, g)

// Reached from the device tree: by its own node, or by the "iommus" of its masters. (The "fsl,liodn"
// of fsl_pamu is a binding of its own, that of_iommu_configure() knows nothing of.)
@table@ identifier t, s, m; expression e; position p; @@
struct t s@p = { ..., .m = { ..., .of_match_table = e, ... }, ... };
@script:python@ p << table.p; @@
fact("dt", p)

@iommus@ position p; @@
"iommus"@p
@script:python@ p << iommus.p; @@
fact("dt", p)

// An instance can be asked for by a master as soon as it is registered: what its callbacks find
// it by has to be there. (v6.2 "iommu/exynos: Fix driver initialization sequence", and
// d9d3cede4167 "iommu/ipmmu-vmsa: Register in a sensible order".)
@late exists@ identifier set =~ "_set_drvdata$"; expression d, v; position p, q; @@
iommu_device_register@p(...)
... when any
set@q(d, v)
@script:python@ p << late.p; q << late.q; set << late.set; v << late.v; @@
if v != "NULL":
    fact("late", p, set, q[0].line)

// What a function can return: an errno, or what another function returned. "value" says what a
// variable (or "return" itself) can be, and "returns" which variables are returned. Not seen: errors
// of functions in other files (iommu_group_get_for_dev()), and those that a second variable or a
// conditional expression passes on. Conditions are not followed, so what can't happen may be listed.
@err@ constant c =~ "^E"; position p; @@
return \( -c@p \| ERR_PTR(-c@p) \);
@script:python@ p << err.p; c << err.c; @@
fact("value", p, "return", "-" + c)

@seterr@ identifier x; constant c =~ "^E"; position p; @@
\( x = -c@p \| x = ERR_PTR(-c@p) \)
@script:python@ p << seterr.p; x << seterr.x; c << seterr.c; @@
fact("value", p, x, "-" + c)

@pass@ identifier g; position p; @@
return \( g@p(...) \| ERR_PTR(g@p(...)) \);
@script:python@ p << pass.p; g << pass.g; @@
fact("value", p, "return", g)

@setpass@ identifier x, g; position p; @@
x = g@p(...)
@script:python@ p << setpass.p; x << setpass.x; g << setpass.g; @@
fact("value", p, x, g)

@returns@ identifier x; position p; @@
return@p \( x \| PTR_ERR(x) \| ERR_PTR(x) \| PTR_ERR_OR_ZERO(x) \);
@script:python@ p << returns.p; x << returns.x; @@
fact("returns", p, x)
