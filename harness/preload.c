// SPDX-License-Identifier: GPL-2.0-or-later
// A part of the object that is preloaded into QEMU, but not of the models: what QEMU starts in its turn,
// a shell for exec: or a helper, lacks the symbols that the models need.
#include <stdlib.h>

static void __attribute__((constructor)) for_qemu_alone(void)
{
	unsetenv("LD_PRELOAD");
}
