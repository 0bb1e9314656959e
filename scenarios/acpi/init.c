// SPDX-License-Identifier: GPL-2.0
/*
 * The init of "make acpi": says of each device that a SMMU may serve which driver
 * and which IOMMU group it has, reads the disk and powers off.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

static const char *link_to(const char *dir, const char *name, const char *file)
{
	static char targets[2][PATH_MAX];
	static unsigned int last;
	char *target = targets[last++ % 2], path[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	length = readlink(path, target, PATH_MAX - 1);
	if (length < 0)
		return "none";

	target[length] = 0;
	return strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
}

/* Platform devices that ACPI describes have the name of their kind before it. */
static void list_devices(const char *dir, const char *prefix)
{
	struct dirent **names;
	int i, count = scandir(dir, &names, NULL, alphasort);

	for (i = 0; i < count; i++)
		if (names[i]->d_name[0] != '.' &&
		    !strncmp(names[i]->d_name, prefix, strlen(prefix)))
			printf("acpi: %s driver %s group %s\n", names[i]->d_name,
			       link_to(dir, names[i]->d_name, "driver"),
			       link_to(dir, names[i]->d_name, "iommu_group"));
}

/* The pattern that "make acpi" has made it of */
static void read_disk(void)
{
	static unsigned char data[SIZE];
	int i, fd = open("/dev/nvme0n1", O_RDONLY);

	if (fd < 0) {
		puts("acpi: no disk");
		return;
	}

	if (read(fd, data, SIZE) != SIZE) {
		puts("acpi: the disk can't be read");
		return;
	}

	for (i = 0; i < SIZE; i++) {
		if (data[i] != ((i * 7 + (i >> 8)) & 255)) {
			printf("acpi: the disk is wrong at %d\n", i);
			return;
		}
	}
	puts("acpi: the disk reads well");
}

int main(void)
{
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	list_devices("/sys/bus/pci/devices", "");
	list_devices("/sys/bus/platform/devices", "LNRO0005");
	list_devices("/sys/bus/platform/devices", "NXP0008");
	read_disk();
	puts("acpi: end");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
